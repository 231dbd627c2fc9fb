# SPDX-License-Identifier: GPL-3.0-or-later
# training.gp - test error, loss and remaining weights over the epochs.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/training.gp
# Reads data/training.tsv. Variables: FMT, OUT (style.gp). One colour for each group of runs with the same recipe; lines:
# mean over the group's runs; bands: lowest to highest run. Error and remaining weights are on logarithmic axes.
FIGURE = "training"
TABLE = "data/training.tsv"
load "plots/style.gp"
# Groups stand where other figures have layers.
set datafile columnheaders
stats TABLE using (add_run(strcol("run")), add_layer(strcol("group")), add_x(column("epoch")), 0) nooutput
W = 17.0; H = 5.95 + 0.4*int((NL + 1)/2)
TOP = 0.85 + 0.4*int((NL + 1)/2)
unset datafile columnheaders
eval page(W, H)
eval panels(1, 3, W, H, 1.4, 0.35, 1.1, TOP, 1.75, 0)
array I[NX]
do for [k=1:NX] { I[k] = k }
set xrange [XS[1]:NX > 1 ? XS[NX] : XS[1] + 1]
set xtics fitting_step(NX > 1 ? XS[NX] - XS[1] : 1, (W - 5.25)/3, strlen(sprintf("%g", XS[NX])))
set xlabel "epoch" offset 0,0.4
array COLUMN[4] = ["test_accuracy", "test_loss", "train_loss", "remaining"]
array TITLE[3] = ["test error (%)", "loss: test (line), training (dashed)", "remaining weights (%)"]
# What is drawn of column c's value y.
drawn(c, y) = c == 1 ? 100*(1 - y) : c == 4 ? 100*y : y
if (NL > 1 || NR > 1) { do for [g=1:NL] { eval swatch(g, 1.4 + 7.8*((g - 1) % 2), 0.3 + 0.4*int((g - 1)/2), W, H, layer_colour(g, NL), \
    shortened(LAYER[g], 54)) } }
if (NL == 1 && NR == 1) set label 1 RUNS[1] at screen 1.4/W, screen 1 - 0.3/H left font ",7" tc rgb DARK
if (NL == 1 && NR > 1) set label 1 sprintf("%d runs", NR) at screen 1 - 0.4/W, screen 1 - 0.3/H right font ",7" tc rgb DARK
do for [p=1:3] {
    c = p == 1 ? 1 : p == 2 ? 2 : 4
    eval BANDS
    set datafile columnheaders
    set xrange [*:*]; set yrange [*:*]
    stats TABLE using (band_add(find_layer(strcol("group")), column("epoch"), drawn(c, column(COLUMN[c]))), 0) nooutput
    unset datafile columnheaders
    set xrange [XS[1]:NX > 1 ? XS[NX] : XS[1] + 1]
    if (p == 2) { unset logscale y } else { set logscale y }
    set format y "%g"
    set title TITLE[p]
    array TRAIN[NL*NX]
    do for [k=1:NL*NX] { TRAIN[k] = NaN }
    if (p == 2) {
        do for [k=1:NL*NX] { TRAIN[k] = BN[k] ? BS[k]/BN[k] : NaN }
        array LO2[NL*NX]; array HI2[NL*NX]
        do for [k=1:NL*NX] { LO2[k] = BN[k] ? BL[k] : NaN; HI2[k] = BN[k] ? BH[k] : NaN }
        eval BANDS
        set datafile columnheaders
        set xrange [*:*]; set yrange [*:*]
        stats TABLE using (band_add(find_layer(strcol("group")), column("epoch"), column("train_loss")), 0) nooutput
        unset datafile columnheaders
        set xrange [XS[1]:NX > 1 ? XS[NX] : XS[1] + 1]
        set yrange [0:*]
        plot for [g=1:NL] I using (NR > 1 ? XS[$1] : NaN):(LO2[(g-1)*NX + $1]):(HI2[(g-1)*NX + $1]) with filledcurves fc rgb faint(layer_colour(g, NL), 0.25), \
             for [g=1:NL] I using (XS[$1]):(TRAIN[(g-1)*NX + $1]) with lines lc rgb layer_colour(g, NL) lw 1.5, \
             for [g=1:NL] I using (XS[$1]):(band_mean(g, $1)) with lines lc rgb layer_colour(g, NL) lw 1 dt 3, \
             for [g=1:NL] I using (NX < 12 ? XS[$1] : NaN):(TRAIN[(g-1)*NX + $1]) with points pt 7 ps 0.7 lc rgb layer_colour(g, NL)
    } else {
        set yrange [*:*]
        plot for [g=1:NL] I using (NR > 1 ? XS[$1] : NaN):(positive(band_low(g, $1))):(positive(band_high(g, $1))) with filledcurves fc rgb faint(layer_colour(g, NL), 0.25), \
             for [g=1:NL] I using (XS[$1]):(positive(band_mean(g, $1))) with lines lc rgb layer_colour(g, NL) lw 1.5, \
             for [g=1:NL] I using (NX < 12 ? XS[$1] : NaN):(positive(band_mean(g, $1))) with points pt 7 ps 0.7 lc rgb layer_colour(g, NL)
    }
    unset label 1; eval no_legend(NL)
}
unset multiplot
