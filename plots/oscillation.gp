# SPDX-License-Identifier: GPL-3.0-or-later
# oscillation.gp - how often weights change: share of each layer's weights by their number of changes, and how often those
# that remain at the end have changed at most.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/oscillation.gp
# Reads oscillation.tsv. Variables: FMT, OUT (style.gp). Left: mean over the runs; bands: lowest to highest run. Right and
# in the legend: all runs' weights together.
FIGURE = "oscillation"
TABLE = "oscillation.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), add_x(column("changes")), 0) : 0) nooutput
eval BANDS
array LEFT[NL*NX]; array BACK[NL]; array WHOLE[NL]; array END[NL]
do for [k=1:NL*NX] { LEFT[k] = 0 }
do for [l=1:NL] { BACK[l] = 0; WHOLE[l] = 0; END[l] = 0 }
put(l, k, weights, reentered, remaining) = (LEFT[k] = LEFT[k] + remaining, END[l] = END[l] + remaining, \
    WHOLE[l] = WHOLE[l] + weights, BACK[l] = BACK[l] + reentered, 0)
add(l, x) = l < 1 ? 0 : (band_add(l, x, 100*column("share")), \
    put(l, (l - 1)*NX + find_x(x), column("weights"), column("reentered"), column("remaining")))
stats TABLE using (used(strcol("run")) ? add(find_layer(strcol("layer")), column("changes")) : 0) nooutput
unset datafile columnheaders
# A run whose table ends before this number of changes has no weight that changed so often.
share(l, k) = band_n(l, k) ? BS[(l - 1)*NX + k]/NR : NaN
low(l, k) = band_n(l, k) < NR ? NaN : positive(band_low(l, k))
# Every layer's rows count up from 0, so XS does: LEFT becomes the sum up to each number of changes.
do for [l=1:NL] { do for [k=2:NX] { LEFT[(l - 1)*NX + k] = LEFT[(l - 1)*NX + k] + LEFT[(l - 1)*NX + k - 1] } }
at_most(l, k) = END[l] > 0 ? 100.0*LEFT[(l - 1)*NX + k]/END[l] : NaN
NAMED = n_panels(NL); ROWS = int(ceil(NAMED/3.0))
W = 17.0; TOP = 0.85 + 0.4*ROWS; H = 6.0 + 0.4*ROWS
eval page(W, H)
array I[NX]
do for [k=1:NX] { I[k] = k }
do for [p=1:NAMED] { eval swatch(p, 1.65 + 5.1*((p - 1) % 3), 0.75 + 0.4*int((p - 1)/3), W, H, layer_colour(panel(p), NL), \
    LAYER[panel(p)].": ".percent(1.0*BACK[panel(p)]/WHOLE[panel(p)])." came back") }
set label 1 runs_text(NR).thinned(NL) at screen 1.65/W, screen 1 - 0.35/H left font ",7" tc rgb DARK
eval panels(1, 2, W, H, 1.65, 0.4, 1.1, TOP, 1.7, 0)
MOST = XS[NX] > 1 ? XS[NX] : 1
set xrange [-0.4:MOST + 0.4]
TIC = whole_step(fitting_step(MOST, (W - 3.75)/2, strlen(sprintf("%g", MOST)))); set xtics 0, TIC
set xlabel "changes of a weight" offset 0,0.4
set ylabel "weights of the layer (%)" offset 0.9,0
set logscale y; set format y "%g"
plot for [l=1:NL] I using (NR > 1 ? XS[$1] : NaN):(low(l, $1)):(positive(band_high(l, $1))) with filledcurves fc rgb faint(layer_colour(l, NL), 0.25), \
     for [l=1:NL] I using (XS[$1]):(positive(share(l, $1))) with lines lc rgb layer_colour(l, NL) lw 1.2, \
     for [l=1:NL] I using (XS[$1]):(positive(share(l, $1))) with points pt 7 ps 0.4 lc rgb layer_colour(l, NL)
eval no_legend(NAMED); unset label 1
unset logscale y; set yrange [0:100]; set ytics 25
set xlabel "changes at most"
set ylabel "remaining weights (%)"
plot for [l=1:NL] I using (XS[$1]):(at_most(l, $1)) with steps lc rgb layer_colour(l, NL) lw 1.5
unset multiplot
