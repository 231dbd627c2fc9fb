# SPDX-License-Identifier: GPL-3.0-or-later
# lines.gp - the part that the figures of one line per layer share: called by flips.gp, settling.gp, inverted.gp,
# remaining.gp, which set TABLE, X, ROUND (columns: across, across where a method works in rounds), XLABEL, Y, YLABEL, LOG
# (1: logarithmic) and, where there is one, REFERENCE.
if (IN_ROUNDS) { X = ROUND; XLABEL = "round" }
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), add_x(column(X)), 0) : 0) nooutput
eval BANDS
stats TABLE using (used(strcol("run")) ? (band_add(find_layer(strcol("layer")), column(X), 100*column(Y)), 0) : 0) nooutput
unset datafile columnheaders
NAMED = NL > MOST_PANELS ? MOST_PANELS : NL
# Names stand over the axes where they fit, else beside them.
LETTERS = 0
do for [p=1:NAMED] { LETTERS = LETTERS + strlen(LAYER[panel(p)]) }
WIDE = 0.14*LETTERS + 1.05*NAMED > 8.1
# Beside them they are one column, which the page has to hold.
W = WIDE ? 17.0 : 8.5; H = !WIDE ? 6.2 : 0.31*NAMED + 1.85 > 7.0 ? 0.31*NAMED + 1.85 : 7.0
eval page(W, H)
set lmargin at screen 1.45/W; set rmargin at screen 1 - (WIDE ? 2.6 : 0.4)/W
set bmargin at screen 1.15/H; set tmargin at screen 1 - (WIDE ? 0.7 : 1.15)/H
set xlabel XLABEL offset 0,0.4
set ylabel YLABEL offset 0.9,0
if (LOG) { set logscale y; set format y "%g" } else { set yrange [*:*] }
if (!WIDE) set key at screen 1 - 0.3/W, screen 1 - 0.15/H right top Left reverse maxrows 1 samplen 1.2 width 0.5
if (WIDE) set key at screen 1 - 2.4/W, screen 1 - 0.6/H left top Left reverse maxcols 1 samplen 1.2
set label 1 runs_text(NR).(NL > NAMED ? sprintf(" · %d of %d layers are named", NAMED, NL) : "") at screen 1.45/W, screen 1 - (WIDE ? 0.35 : 0.85)/H left font ",7" tc rgb DARK
if (exists("REFERENCE")) set arrow 1 from graph 0, first REFERENCE to graph 1, first REFERENCE nohead lc rgb GREY lw 0.8 dt 3
shown(y) = !DRAWN ? NaN : LOG ? positive(y) : y
x_at(k) = XS[k]
set xtics ()
if (NX < 2) { set xrange [XS[1] - 1:XS[1] + 1]; set xtics add (sprintf("%g", XS[1]) XS[1]) } else {
    set xrange [XS[1]:XS[NX]]
    TIC = fitting_step(XS[NX] - XS[1], W - (WIDE ? 4.05 : 1.85), strlen(short_count(XS[NX], XS[NX])))
    if (X ne "epoch") { TIC = whole_step(TIC) }
    do for [k=int(ceil(XS[1]/TIC)):int(floor(XS[NX]/TIC + 1e-9))] {
        set xtics add ((X eq "epoch" ? sprintf("%g", k*TIC) : short_count(k*TIC, XS[NX])) k*TIC) } }
# A logarithmic axis without a value (a run whose mask never changes) has nothing to show, and gnuplot would fail.
DRAWN = 0
do for [k=1:NL*NX] { DRAWN = DRAWN + (BN[k] && (!LOG || BH[k] > 0)) }
if (!DRAWN) { unset logscale y; set yrange [0:1]; unset ytics; unset grid; LOG = 0
    set label 2 "0 or undefined throughout" at graph 0.5,0.5 center font ",7" tc rgb DARK }
array INDEX[NX]
do for [k=1:NX] { INDEX[k] = k }
plot for [l=1:NL] INDEX using (NR > 1 && NX > 1 ? x_at($1) : NaN):(shown(band_low(l, $1))):(shown(band_high(l, $1))) \
        with filledcurves fc rgb faint(layer_colour(l, NL), 0.25), \
     for [l=1:NL] INDEX using (x_at($1)):(shown(band_mean(l, $1))) with lines lc rgb layer_colour(l, NL) lw 1.5, \
     for [l=1:NL] INDEX using (NX < 12 ? x_at($1) : NaN):(shown(band_mean(l, $1))) with points pt 7 ps 0.7 lc rgb layer_colour(l, NL), \
     DRAWN ? NaN : -1 with lines lc rgb DARK, \
     for [p=1:NAMED] keyentry with lines lc rgb layer_colour(panel(p), NL) lw 2 title LAYER[panel(p)]
