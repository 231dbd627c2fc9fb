# SPDX-License-Identifier: GPL-3.0-or-later
# concentration.gp - how unevenly the remaining weights are spread over a layer's units: Gini coefficients (0: all alike,
# 1: one unit has all) of the fan-in and the fan-out, and the share of units off every path from input to output.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/concentration.gp
# Reads concentration.tsv. Variables: FMT, OUT (style.gp). One point a run; strokes: mean over the runs.
FIGURE = "concentration"
TABLE = "concentration.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), 0) : 0) nooutput
NX = 3
eval BANDS
put(l, x, y) = (l < 1 || y != y) ? 0 : band_put((l - 1)*NX + x, y)
stats TABLE using (used(strcol("run")) ? (put(find_layer(strcol("layer")), 1, column("gini_fan_in")), 0) : 0) nooutput
stats TABLE using (used(strcol("run")) ? (put(find_layer(strcol("layer")), 2, column("gini_fan_out")), 0) : 0) nooutput
stats TABLE using (used(strcol("run")) ? (put(find_layer(strcol("layer")), 3, 1 - 1.0*column("alive")/column("units")), 0) : 0) nooutput
unset datafile columnheaders
FOOT = NL > 5 ? 1.5 : 0.95
W = 17.0; H = 4.9 + FOOT
eval page(W, H)
eval panels(1, 3, W, H, 1.15, 0.35, FOOT, 1.1, 1.0, 0)
set label 3 runs_text(NR) at screen 1.15/W, screen 1 - 0.3/H left font ",7" tc rgb DARK
array TITLE[3] = ["Gini coefficient of the fan-in", "Gini coefficient of the fan-out", "units off every path (%)"]
array I[NL]
do for [l=1:NL] { I[l] = l }
set xrange [0.4:NL + 0.6]
set xtics scale 0 (); do for [l=1:NL] { if (NL <= 12 || (l - 1) % int(ceil(NL/10.0)) == 0) { set xtics add (LAYER[l] l) } }
if (NL > 5) set xtics rotate by 60 right
spread(r) = NR > 1 ? 0.3*((r - 1.0)/(NR - 1) - 0.5) : 0
y_of(p) = p == 1 ? column("gini_fan_in") : p == 2 ? column("gini_fan_out") : 100*(1 - 1.0*column("alive")/column("units"))
do for [p=1:3] {
    set title TITLE[p]
    scale = p == 3 ? 100 : 1
    set yrange [0:p == 3 ? 100 : 1]
    plot TABLE using (used(strcol("run")) ? find_layer(strcol("layer")) + spread(find_run(strcol("run"))) : NaN):(y_of(p)) with points pt 7 ps (NR > 10 ? 0.5 : 0.8) lc rgb faint(BLUE, NR > 3 ? 0.5 : 0.8), \
        I using ($1 - 0.25):(scale*band_mean(int($1), p)):(0.5):(0) with vectors nohead lc rgb 0x000000 lw 1.4
    unset label 3
}
unset multiplot
