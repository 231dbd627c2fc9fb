# SPDX-License-Identifier: GPL-3.0-or-later
# ablation.gp - test accuracy against the share of alive units removed, one panel a hidden layer, then all of them.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/ablation.gp
# Reads ablation.tsv and data/networks.tsv. Variables: FMT, OUT (style.gp), CRITERION (paths, synflow or drop). Lines:
# mean over the runs; bands: lowest to highest.
FIGURE = "ablation"
TABLE = "ablation.tsv"
if (!exists("CRITERION")) CRITERION = "paths"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), 0) : 0) nooutput
# Several hidden layers: a panel for all of them together, too.
NL = NL + 1; LAYER[NL] = "all"; L_LAST = NL
SHOWN = NL == 2 ? 1 : n_panels(NL)
CLASSES = 0
stats "data/networks.tsv" using (used(strcol("run")) ? (CLASSES = column("units_out"), 0) : 0) nooutput
# Series: three for each layer. Points of a curve are sixteenths of its units, or fewer where there are fewer units: the
# nearest sixteenth is what runs of unlike numbers of units have in common.
STEPS = 16
array SUM[3*NL*(STEPS + 1)]; array N[3*NL*(STEPS + 1)]; array LOW[3*NL*(STEPS + 1)]; array HIGH[3*NL*(STEPS + 1)]
do for [k=1:3*NL*(STEPS + 1)] { SUM[k] = 0.0; N[k] = 0; LOW[k] = 1.0; HIGH[k] = 0.0 }
direction(s) = s eq "first" ? 1 : s eq "last" ? 2 : 3
wanted(s) = s eq CRITERION || s eq "random"
cell(l, d, share) = share != share ? 0 : (3*(l - 1) + d - 1)*(STEPS + 1) + int(STEPS*share + 0.5) + 1
put(k, mean, low, high) = k < 1 ? 0 : (SUM[k] = SUM[k] + mean, N[k] = N[k] + 1, LOW[k] = (low < LOW[k] ? low : LOW[k]), \
    HIGH[k] = (high > HIGH[k] ? high : HIGH[k]), 0)
stats TABLE using (used(strcol("run")) && wanted(strcol("criterion")) ? put(cell(find_layer(strcol("layer")), \
    direction(strcol("direction")), column("share")), column("accuracy"), column("accuracy_low"), column("accuracy_high")) : 0) nooutput
unset datafile columnheaders
# Where no run has a point, between two that some run has: on the straight line between them.
between(a, b, f) = a + f*(b - a)
do for [c=0:3*NL - 1] {
    before = 0
    do for [k=1:STEPS + 1] {
        if (N[c*(STEPS + 1) + k] == 0) { continue }
        do for [m=before + 1:k - 1] {
            if (before == 0) { continue }
            b = c*(STEPS + 1) + before; e = c*(STEPS + 1) + k; f = (m - before)/(1.0*k - before); g = c*(STEPS + 1) + m
            SUM[g] = between(SUM[b]/N[b], SUM[e]/N[e], f); N[g] = 1
            LOW[g] = between(LOW[b], LOW[e], f); HIGH[g] = between(HIGH[b], HIGH[e], f)
        }
        before = k
    }
}
C = columns(SHOWN, 3); R = rows(SHOWN, 3)
W = SHOWN == 1 ? 8.5 : 17.0; H = 1.95 + (R > 1 ? 3.4 : 4.6)*R
eval page(W, H)
eval panels(R, C, W, H, 1.35, 0.35, 1.15, 1.45, 0.6, 0.75)
set xrange [0:100]; set yrange [0:100]; set xtics 25; set ytics 25
NAME = CRITERION eq "paths" ? "routes" : CRITERION eq "synflow" ? "SynFlow" : "accuracy drop"
set label 1 "test accuracy (%)" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 "alive units removed (%)" at screen 0.5, screen 0.3/H center font ",8"
set label 3 runs_text(NR) at screen 1.35/W, screen 1 - (W > 10 ? 0.4 : 0.85)/H left font W > 10 ? ",8" : ",7"
eval stroke(1, W - (W > 10 ? 9.6 : 7.5), 0.4, W, H, VERMILION, 1, "most ".NAME." first")
eval stroke(2, W - (W > 10 ? 5.8 : 4.5), 0.4, W, H, BLUE, 1, "fewest first")
eval stroke(3, W - (W > 10 ? 2.6 : 2.15), 0.4, W, H, GREY, 1, "random")
if (CLASSES > 0) set arrow 1 from 0, first 100.0/CLASSES to 100, first 100.0/CLASSES nohead lc rgb DARK lw 0.8 dt 3
array COLOUR[3] = [VERMILION, BLUE, GREY]
array INDEX[STEPS + 1]
do for [k=1:STEPS + 1] { INDEX[k] = k }
at(l, d, k) = (3*(l - 1) + d - 1)*(STEPS + 1) + k
mean(c) = N[c] > 0 ? 100*SUM[c]/N[c] : NaN
low(c) = N[c] > 0 ? 100*LOW[c] : NaN
high(c) = N[c] > 0 ? 100*HIGH[c] : NaN
x(k) = 100.0*(k - 1)/STEPS
do for [i=1:SHOWN] {
    l = SHOWN == 1 ? 1 : panel(i)
    set title (LAYER[l] eq "all" ? "all hidden layers" : LAYER[l])
    set format x (is_bottom(i, SHOWN, C) ? "%g" : ""); set format y (is_left(i, C) ? "%g" : "")
    plot for [d=3:1:-1] INDEX using (N[at(l, d, $1)] > 0 && (NR > 1 || d == 3) ? x($1) : NaN):(low(at(l, d, $1))):(high(at(l, d, $1))) \
            with filledcurves fc rgb faint(COLOUR[d], 0.25), \
         for [d=3:1:-1] INDEX using (N[at(l, d, $1)] > 0 ? x($1) : NaN):(mean(at(l, d, $1))) with lines lc rgb COLOUR[d] lw 1.6
    eval no_legend(3); unset label 1; unset label 2; unset label 3
}
unset multiplot
