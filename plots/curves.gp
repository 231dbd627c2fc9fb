# SPDX-License-Identifier: GPL-3.0-or-later
# curves.gp - the part that the figures over rounds share: called by rounds.gp and early-stop.gp, which set LIST (which
# runs: run, curve, panel, own_masks), Y (column of rounds.tsv), SCALE (times which it is drawn), WHOLE (column of the dotted
# line: mean at round 0 over the panel's runs with masks of their own, as others are controls; where it is nan, Y), YLABEL
# and Y_ZERO (1: the axis begins at 0).
TABLE = "rounds.tsv"
array PANELS[256]; NP = 0
find_panel(s) = (_p = 0, (NP ? (sum [_k = 1:NP] (PANELS[_k] eq s ? (_p = _k) : 0)) : 0), _p)
add_panel(s) = find_panel(s) ? 0 : (NP = NP + 1, PANELS[NP] = s, 0)
# Curves stand where other figures have layers. Per run its curve, per curve its panel, runs and place in the panel.
array CURVE_OF[4096]; array OWN[4096]; array PANEL_OF[1024]; array N_RUNS[1024]; array PLACE[1024]; array N_CURVES[256]
set datafile columnheaders
stats LIST using (add_run(strcol("run")), add_layer(strcol("curve")), add_panel(strcol("panel")), \
    CURVE_OF[find_run(strcol("run"))] = find_layer(strcol("curve")), OWN[find_run(strcol("run"))] = column("own_masks"), \
    PANEL_OF[find_layer(strcol("curve"))] = find_panel(strcol("panel")), 0) nooutput
do for [l=1:NL] { N_RUNS[l] = 0 }
do for [r=1:NR] { N_RUNS[CURVE_OF[r]] = N_RUNS[CURVE_OF[r]] + 1 }
MOST_CURVES = 0
do for [p=1:NP] { N_CURVES[p] = 0 }
do for [l=1:NL] { p = PANEL_OF[l]; N_CURVES[p] = N_CURVES[p] + 1; PLACE[l] = N_CURVES[p]
    MOST_CURVES = N_CURVES[p] > MOST_CURVES ? N_CURVES[p] : MOST_CURVES }
curve_of(run) = (_r = find_run(run), _r ? CURVE_OF[_r] : 0)
own_masks(run) = (_r = find_run(run), _r ? int(OWN[_r]) : 0)
stats TABLE using (add_x(column("round")), 0) nooutput
eval BANDS
# Remaining weights of a curve's rounds: mean over its runs. And the whole networks of each panel.
array XN[NL*NX]; array XT[NL*NX]; array WN[NP]; array WT[NP]
do for [k=1:NL*NX] { XN[k] = 0; XT[k] = 0.0 }
do for [p=1:NP] { WN[p] = 0; WT[p] = 0.0 }
put_x(l, k, x, y) = (l && y == y) ? (XN[(l - 1)*NX + k] = XN[(l - 1)*NX + k] + 1, XT[(l - 1)*NX + k] = XT[(l - 1)*NX + k] + x, 0) : 0
put_whole(l, own, round, w) = (l && own && round == 0 && w == w) ? (WN[PANEL_OF[l]] = WN[PANEL_OF[l]] + 1, WT[PANEL_OF[l]] = WT[PANEL_OF[l]] + w, 0) : 0
first_of(a, b) = a == a ? a : b
stats TABLE using (_l = curve_of(strcol("run")), band_add(_l, column("round"), SCALE*column(Y)), \
    put_x(_l, find_x(column("round")), 100*column("remaining"), column(Y)), \
    put_whole(_l, own_masks(strcol("run")), column("round"), SCALE*first_of(column(WHOLE), column(Y))), 0) nooutput
unset datafile columnheaders
x_at(l, k) = XN[(l - 1)*NX + k] ? positive(XT[(l - 1)*NX + k]/XN[(l - 1)*NX + k]) : NaN

MOST_LETTERS = 44
counted(s, count) = shortened(s, MOST_LETTERS - strlen(count)).count
# Seven colours; the curves behind the seventh have them again, dashed, with open markers.
array FILLED[7] = [7, 5, 9, 13, 11, 15, 7]; array OPEN[7] = [6, 4, 8, 12, 10, 14, 6]
turn(i) = 1 + (i - 1) % 7
colour(i) = OKABE[turn(i)]
mark(i) = i > 7 ? OPEN[turn(i)] : FILLED[turn(i)]
dash(i) = i > 7 ? 2 : 1
entry(i, x, y, w, h, text) = stroke(i, x, y, w, h, colour(i), dash(i), text).sprintf("; set label %d '' at screen %g,%g \
point pt %d ps 0.8 lc rgb %d front", 300 + i, (x + 0.35)/w, 1 - y/h, mark(i), colour(i))
no_entries(n) = no_legend(n).sprintf("; do for [_k=1:%d] { unset label 300 + _k }", n)

C = columns(NP, 2); R = rows(NP, 2)
# Steps have more digits than shares.
LEFT = SCALE == 1 ? 1.75 : 1.45; RIGHT = 0.4; GAP = 1.85; ROW = 0.37; HEAD = 1.1 + ROW*MOST_CURVES; PLOT = 4.9; FOOT = 1.15
W = C == 1 ? 8.5 : 17.0; H = R*(HEAD + PLOT + FOOT)
WIDTH = (W - LEFT - RIGHT - (C - 1)*GAP)/C
eval page(W, H)
eval panels(R, C, W, H, LEFT, RIGHT, FOOT, HEAD, GAP, HEAD + FOOT)
array I[NX]
do for [k=1:NX] { I[k] = k }
set logscale x
set format x "%g"
set xtics (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)
set xlabel "remaining weights (%)" offset 0,0.4
set ylabel YLABEL offset 0.9,0
do for [p=1:NP] {
    left = LEFT + ((p - 1) % C)*(WIDTH + GAP); top = int((p - 1)/C)*(HEAD + PLOT + FOOT)
    # Legends stand on their panels.
    head = top + ROW*(MOST_CURVES - N_CURVES[p])
    least_x = 100.0; least = 1e300; most = -1e300
    if (WN[p]) { least = WT[p]/WN[p]; most = least }
    do for [l=1:NL] { if (PANEL_OF[l] == p) {
        eval entry(PLACE[l], left, head + 0.85 + ROW*(PLACE[l] - 1), W, H, counted(LAYER[l], sprintf(" (%d)", N_RUNS[l])))
        do for [k=1:NX] { if (band_n(l, k)) {
            least_x = x_at(l, k) < least_x ? x_at(l, k) : least_x
            least = band_low(l, k) < least ? band_low(l, k) : least
            most = band_high(l, k) > most ? band_high(l, k) : most } } } }
    margin = 0.06*(most - least); margin = margin > 0 ? margin : most > 0 ? 0.05*most : 1
    set yrange [Y_ZERO ? 0 : least - margin:most + margin]
    set xrange [100:least_x < 100 ? least_x/1.1 : 50]
    set label 1 shortened(PANELS[p], MOST_LETTERS) at screen left/W, screen 1 - (head + 0.4)/H left font ",8" tc rgb DARK
    plot for [j=1:WN[p] > 0] WT[p]/WN[p] with lines lc rgb DARK lw 0.8 dt 3, \
         for [l=1:NL] I using (PANEL_OF[l] == p && N_RUNS[l] > 1 ? x_at(l, $1) : NaN):(band_low(l, $1)):(band_high(l, $1)) with filledcurves fc rgb faint(colour(PLACE[l]), 0.2), \
         for [l=1:NL] I using (PANEL_OF[l] == p ? x_at(l, $1) : NaN):(band_mean(l, $1)) with linespoints lc rgb colour(PLACE[l]) lw 1.2 dt dash(PLACE[l]) pt mark(PLACE[l]) ps 0.6
    eval no_entries(N_CURVES[p]); unset label 1
}
unset multiplot
