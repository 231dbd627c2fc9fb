# SPDX-License-Identifier: GPL-3.0-or-later
# controls.gp - test accuracy with the mask or its signs shuffled, all signs inverted, or the weights drawn again.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/controls.gp
# Reads controls.tsv and data/networks.tsv (classes). Variables: FMT, OUT (style.gp). Small circles: runs (mean over
# replicates); bars: from the lowest to the highest replicate of all runs; strokes and numbers: mean over the runs. A
# control that can change nothing in any of the runs (accuracy nan) has no line.
FIGURE = "controls"
TABLE = "controls.tsv"
load "plots/style.gp"
# Controls stand where other figures have layers.
CLASSES = 1
set datafile columnheaders
stats "data/networks.tsv" using (used(strcol("run")) ? (CLASSES = column("units_out"), 0) : 0) nooutput
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), \
    column("accuracy") == column("accuracy") ? add_layer(strcol("control")) : 0, 0) : 0) nooutput
NX = 1; XS[1] = 0
eval BANDS
array LOW[NL]; array HIGH[NL]
do for [k=1:NL] { LOW[k] = 1e9; HIGH[k] = -1e9 }
reach(k, low, high) = k < 1 ? 0 : (LOW[k] = (low < LOW[k] ? low : LOW[k]), HIGH[k] = (high > HIGH[k] ? high : HIGH[k]), 0)
stats TABLE using (used(strcol("run")) ? (band_add(find_layer(strcol("control")), 0, 100*column("accuracy")), \
    reach(find_layer(strcol("control")), 100*column("accuracy_min"), 100*column("accuracy_max"))) : 0) nooutput
unset datafile columnheaders
label_of(s) = s eq "as-trained" ? "as trained" : s eq "shuffle-mask" ? "mask shuffled" : s eq "shuffle-signs" ? "signs shuffled" \
    : s eq "invert-all" ? "all signs inverted" : s eq "redraw-weights" ? "other weights" : s
W = 8.5; H = 2.1 + 0.62*NL
eval page(W, H)
set lmargin at screen 2.75/W; set rmargin at screen 1 - 1.25/W
set bmargin at screen 1.1/H; set tmargin at screen 1 - 0.85/H
set label 1 runs_text(NR) at screen 2.75/W, screen 1 - 0.3/H left font ",7" tc rgb DARK
set xlabel "test accuracy (%)" offset 0,0.4
set xrange [0:100]; set yrange [NL + 0.6:0.4]
set xtics 20; set grid noytics xtics
set ytics scale 0 (); do for [k=1:NL] { set ytics add (label_of(LAYER[k]) k) }
set arrow 1 from first 100.0/CLASSES, graph 0 to first 100.0/CLASSES, graph 1 nohead lc rgb GREY lw 0.8 dt 3
set label 2 "chance" at first 100.0/CLASSES, graph 1 center offset 0,0.5 font ",7" tc rgb DARK
TRAINED = band_mean(1, 1)
set arrow 2 from first TRAINED, graph 0 to first TRAINED, graph 1 nohead lc rgb BLUE lw 0.8 dt 2
do for [k=1:NL] { set label 10 + k sprintf("%.1f %%", band_mean(k, 1)) at screen 1 - 1.15/W, first k left font ",7" tc rgb DARK }
array I[NL]
do for [k=1:NL] { I[k] = k }
spread(r) = NR > 1 ? 0.3*((r - 1.0)/(NR - 1) - 0.5) : 0
plot I using (LOW[$1]):1:(LOW[$1]):(HIGH[$1]):($1 - 0.24):($1 + 0.24) with boxxyerror fs solid noborder fc rgb faint(BLUE, 0.22), \
     TABLE using (used(strcol("run")) ? 100*column("accuracy") : NaN):(find_layer(strcol("control")) + spread(find_run(strcol("run")))) \
        with points pt 7 ps (NR > 10 ? 0.4 : 0.6) lc rgb faint(BLUE, NR > 3 ? 0.6 : 0.9), \
     I using (band_mean($1, 1)):($1 - 0.3):(0):(0.6) with vectors nohead lc rgb 0x000000 lw 1.4
