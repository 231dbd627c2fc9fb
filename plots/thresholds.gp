# SPDX-License-Identifier: GPL-3.0-or-later
# thresholds.gp - what other thresholds of the final scores would leave: accuracy, remaining weights, and both.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/thresholds.gp
# Reads thresholds.tsv and data/networks.tsv (classes). Variables: FMT, OUT (style.gp). Lines: mean over the runs; bands:
# lowest to highest run; on the right a thin line for each run, and a circle at the threshold of the recipe.
FIGURE = "thresholds"
TABLE = "thresholds.tsv"
load "plots/style.gp"
CLASSES = 1
set datafile columnheaders
stats "data/networks.tsv" using (used(strcol("run")) ? (CLASSES = column("units_out"), 0) : 0) nooutput
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), add_x(column("factor")), 0) : 0) nooutput
# One series for each layer, then the whole network: its remaining weights, its accuracy.
NL = NL + 2; ALL = NL - 1; ACCURACY = NL
LAYER[ALL] = "whole network"; LAYER[ACCURACY] = ""
eval BANDS
series(s) = s eq "all" ? ALL : find_layer(s)
stats TABLE using (used(strcol("run")) ? (band_add(series(strcol("layer")), column("factor"), 100*column("remaining")), \
    band_add(strcol("layer") eq "all" ? ACCURACY : 0, column("factor"), 100*column("accuracy")), 0) : 0) nooutput
unset datafile columnheaders
n_accuracies = sum [k=1:NX] band_n(ACCURACY, k)
W = 17.0; H = 6.7; TOP = 1.45
eval page(W, H)
eval panels(1, 3, W, H, 1.3, 0.4, 1.15, TOP, 1.65, 0)
NAMED = ALL - 1 > 6 ? 6 : ALL - 1
named(p) = NAMED == ALL - 1 ? p : 1 + int((p - 1)*(ALL - 2.0)/(NAMED - 1) + 0.5)
colour(l) = l == ALL ? 0x000000 : layer_colour(l, ALL - 1)
do for [p=1:NAMED] { eval stroke(p, 1.3 + 2.05*(p - 1), 0.75, W, H, colour(named(p)), 1, LAYER[named(p)]) }
eval stroke(NAMED + 1, 1.3 + 2.05*NAMED, 0.75, W, H, colour(ALL), 1, LAYER[ALL])
set label 1 runs_text(NR) at screen 1.3/W, screen 1 - 0.3/H left font ",7" tc rgb DARK
array I[NX]
do for [k=1:NX] { I[k] = k }
# On a logarithmic axis the factor 0 has no place; it is in the panel on the right.
x_at(k) = positive(XS[k])
first_x = XS[1] > 0 ? XS[1] : NX > 1 ? XS[2] : 1
set logscale x 2
set xrange [first_x:XS[NX] > first_x ? 1.001*XS[NX] : 2*first_x]
set xtics (0.25, 0.5, 1, 2, 4, 8, 16)
set xlabel "threshold / the recipe's" offset 0,0.4
set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead lc rgb GREY lw 0.8 dt 2

if (n_accuracies == 0) set label 5 "no test images at hand" at graph 0.5, 0.5 center font ",7" tc rgb DARK
set title "test accuracy (%)"
set yrange [0:100]
plot 100.0/CLASSES with lines lc rgb GREY lw 0.8 dt 3, \
     for [j=1:n_accuracies > 0 && NR > 1] I using (x_at($1)):(band_low(ACCURACY, $1)):(band_high(ACCURACY, $1)) with filledcurves fc rgb faint(0x000000, 0.2), \
     for [j=1:n_accuracies > 0] I using (x_at($1)):(band_mean(ACCURACY, $1)) with linespoints lc rgb 0x000000 lw 1.5 pt 7 ps 0.4
unset label 1; unset label 5; eval no_legend(NAMED + 1)

set title "remaining weights (%)"
# A few last weights of a large layer are no reason to squeeze the rest.
set logscale y; set yrange [0.001 < *:100]; set format y "%g"
plot for [l=1:ALL] I using (NR > 1 ? x_at($1) : NaN):(positive(band_low(l, $1))):(positive(band_high(l, $1))) with filledcurves fc rgb faint(colour(l), 0.25), \
     for [l=1:ALL] I using (x_at($1)):(positive(band_mean(l, $1))) with lines lc rgb colour(l) lw 1.5
unset arrow 1

set title "test accuracy (%)"
unset logscale y; set yrange [0:100]
least = 100; do for [k=1:NX] { least = band_mean(ALL, k) > 0 && band_mean(ALL, k) < least ? band_mean(ALL, k) : least }
set xtics (0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10, 100); set format x "%g"
set xlabel "remaining weights (%)" offset 0,0.4
# A line for each run: its points in the order of the factors.
array PX[NR*NX]; array PY[NR*NX]
do for [k=1:NR*NX] { PX[k] = NaN; PY[k] = NaN }
put(k, x, y) = (PX[k] = positive(x), PY[k] = y, 0)
set xrange [*:*]; set yrange [*:*]; unset logscale x
set datafile columnheaders
stats TABLE using (used(strcol("run")) && strcol("layer") eq "all" ? put((find_run(strcol("run")) - 1)*NX + find_x(column("factor")), \
    100*column("remaining"), 100*column("accuracy")) : 0) nooutput
unset datafile columnheaders
set logscale x 10; set xrange [least < 0.01 ? 0.01 : least < 50 ? least : 50:100]; set yrange [0:100]
one = find_x(1)
if (n_accuracies == 0) set label 5 "no test images at hand" at graph 0.5, 0.5 center font ",7" tc rgb DARK
array R[NR]
do for [r=1:NR] { R[r] = r }
plot 100.0/CLASSES with lines lc rgb GREY lw 0.8 dt 3, \
     for [r=1:n_accuracies > 0 ? NR : 0] I using (PX[(r - 1)*NX + $1]):(PY[(r - 1)*NX + $1]) with lines lc rgb faint(BLUE, NR > 5 ? 0.4 : 0.8) lw 1, \
     for [j=1:n_accuracies > 0 && one > 0] R using (PX[($1 - 1)*NX + one]):(PY[($1 - 1)*NX + one]) with points pt 7 ps 0.6 lc rgb VERMILION
unset multiplot
