# SPDX-License-Identifier: GPL-3.0-or-later
# earlybird.gp - when could training have stopped changing the mask: distance between consecutive records, and the test
# accuracy at the early birds (You et al. 2020).
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/earlybird.gp
# Reads flips.tsv, earlybird.tsv, data/training.tsv and data/round-accuracies.tsv. Variables: FMT, OUT (style.gp). Lines:
# mean over the runs; bands: lowest to highest run; rings: the layer's early bird, at the mean epoch (or round) of the runs
# that have one.
FIGURE = "earlybird"
load "plots/style.gp"
TO = IN_ROUNDS ? "to_record" : "to_epoch"; BIRD = IN_ROUNDS ? "record" : "epoch"; X = IN_ROUNDS ? "round" : "epoch"
ACCURACIES = IN_ROUNDS ? "data/round-accuracies.tsv" : "data/training.tsv"
set datafile columnheaders
EPSILON = NaN
stats "flips.tsv" using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), add_x(column(TO)), 0) : 0) nooutput
# Whole networks stand behind the layers in the arrays of birds.
array FOUND[2*(NL + 1)]; array EPOCHS[2*(NL + 1)]; array THEN[2*(NL + 1)]
do for [k=1:2*(NL + 1)] { FOUND[k] = 0; EPOCHS[k] = 0.0; THEN[k] = 0.0 }
N_FINAL = 0; SUM_FINAL = 0.0
slot(layer, distance) = (layer eq "all" ? NL : find_layer(layer) - 1)*2 + (distance eq "jaccard" ? 2 : 1)
count_bird(k, epoch, accuracy) = epoch != epoch ? 0 : (FOUND[k] = FOUND[k] + 1, EPOCHS[k] = EPOCHS[k] + epoch, THEN[k] = THEN[k] + accuracy, 0)
count_final(k, accuracy) = k == 2*NL + 1 ? (N_FINAL = N_FINAL + 1, SUM_FINAL = SUM_FINAL + accuracy, 0) : 0
stats "earlybird.tsv" using (used(strcol("run")) ? (EPSILON = column("epsilon"), \
    count_bird(slot(strcol("layer"), strcol("distance")), column(BIRD), column("test_accuracy")), \
    count_final(slot(strcol("layer"), strcol("distance")), column("final_test_accuracy"))) : 0) nooutput
bird(l, d) = (l - 1)*2 + d
epoch_of(l, d) = FOUND[bird(l, d)] ? EPOCHS[bird(l, d)]/FOUND[bird(l, d)] : NaN
NAMED = n_panels(NL); ROWS = int(ceil(NAMED/6.0))
W = 17.0; TOP = 1.65 + 0.4*ROWS; H = 6.5 + 0.4*ROWS
unset datafile columnheaders
eval page(W, H)
do for [p=1:NAMED] { eval swatch(p, 1.6 + 2.55*((p - 1) % 6), 0.75 + 0.4*int((p - 1)/6), W, H, layer_colour(panel(p), NL), LAYER[panel(p)]) }
N_LAYERS = NL
error_of(d) = FOUND[bird(N_LAYERS + 1, d)] ? 100*(1 - THEN[bird(N_LAYERS + 1, d)]/FOUND[bird(N_LAYERS + 1, d)]) : NaN
FINAL = N_FINAL ? 100*(1 - SUM_FINAL/N_FINAL) : NaN
error_text(e) = e == e ? sprintf(", error %.2f %%", e) : ""
bird_text(name, d) = name.(FOUND[bird(NL + 1, d)] == 0 ? ": never" : sprintf(": %s %.3g", X, epoch_of(NL + 1, d)).error_text(error_of(d)))
set label 50 "network:" at screen 1.6/W, screen 1 - (0.75 + 0.4*ROWS)/H left font ",7" tc rgb DARK
eval point_entry(NAMED + 1, 2.85, 0.75 + 0.4*ROWS, W, H, 0x000000, 7, bird_text("Hamming", 1))
eval point_entry(NAMED + 2, 7.9, 0.75 + 0.4*ROWS, W, H, 0x000000, 13, bird_text("Jaccard", 2))
eval point_entry(NAMED + 3, 12.95, 0.75 + 0.4*ROWS, W, H, 0x000000, 6, "last record".error_text(FINAL))
set label 1 runs_text(NR).thinned(NL) at screen 1.6/W, screen 1 - 0.35/H left font ",7" tc rgb DARK
eval panels(1, 3, W, H, 1.6, 0.4, 1.1, TOP, 1.55, 0)
array I[NX]
do for [k=1:NX] { I[k] = k }
X0 = XS[1] < 1 ? 0 : XS[1]; X1 = NX > 1 ? XS[NX] : XS[1] + 1
set xlabel X offset 0,0.4
TIC = fitting_step(X1 - X0, (W - 5.1)/3, strlen(sprintf("%g", X1))); TIC = IN_ROUNDS ? whole_step(TIC) : TIC; set xtics TIC
signed_distance(x) = column("weights") > column("hide_hide") ? 1 - (column("keep_keep") + column("invert_invert"))/(column("weights") - column("hide_hide")) : NaN
array TITLE[2] = ["Hamming distance", "Jaccard distance, with signs"]
# Value of line l at the epoch e, between its neighbours.
at(l, e) = (_b = (sum [_j = 1:NX] (XS[_j] <= e ? 1 : 0)), _b < 1 ? NaN : _b >= NX ? band_mean(l, NX) : \
    band_mean(l, _b) + (band_mean(l, _b + 1) - band_mean(l, _b))*(e - XS[_b])/(XS[_b + 1] - XS[_b]))
array L[NL]
do for [l=1:NL] { L[l] = l }
do for [d=1:2] {
    eval BANDS
    set datafile columnheaders
    set xrange [*:*]; set yrange [*:*]
    stats "flips.tsv" using (used(strcol("run")) ? band_add(find_layer(strcol("layer")), column(TO), \
        d == 1 ? column("flip_rate") : signed_distance(0)) : 0) nooutput
    unset datafile columnheaders
    set xrange [X0:X1]; set yrange [*:1]
    set title TITLE[d]
    set logscale y; set format y "%g"
    set ylabel (d == 1 ? "from record to record" : "") offset 0.9,0
    set label 4 "ε" at graph 1.02, first EPSILON left font ",7" tc rgb DARK
    plot EPSILON with lines lc rgb DARK lw 0.8 dt 3, \
         for [l=1:NL] I using (NR > 1 && NX > 1 ? XS[$1] : NaN):(positive(band_low(l, $1))):(positive(band_high(l, $1))) \
            with filledcurves fc rgb faint(layer_colour(l, NL), 0.25), \
         for [l=1:NL] I using (XS[$1]):(positive(band_mean(l, $1))) with lines lc rgb layer_colour(l, NL) lw 1.5, \
         for [l=1:NL] I using (NX < 12 ? XS[$1] : NaN):(positive(band_mean(l, $1))) with points pt 7 ps 0.6 lc rgb layer_colour(l, NL), \
         for [l=1:NL] L using ($1 == l ? epoch_of(l, d) : NaN):(positive(at(l, epoch_of(l, d)))) with points pt 7 ps 1.2 lc rgb 0xFFFFFF, \
         for [l=1:NL] L using ($1 == l ? epoch_of(l, d) : NaN):(positive(at(l, epoch_of(l, d)))) with points pt 6 ps 1.2 lw 1.5 lc rgb layer_colour(l, NL)
    eval no_legend(NAMED + 3); do for [k=1:3] { unset label 300 + NAMED + k }; unset label 1; unset label 4; unset label 50
}
# Test error over the epochs or rounds; the whole network's birds.
NX = 0; X_LAST = 0; NL = 1
set xrange [*:*]; set yrange [*:*]
unset logscale y
set datafile columnheaders
stats ACCURACIES using (used(strcol("run")) ? add_x(column(X)) : 0) nooutput
if (NX > 0) { eval BANDS }
if (NX > 0) { stats ACCURACIES using (used(strcol("run")) ? band_add(1, column(X), 100*(1 - column("test_accuracy"))) : 0) nooutput }
unset datafile columnheaders
set xrange [X0:X1]
set yrange [0:*]
set title "test error (%)"
unset ylabel
array B[2] = [1, 2]
if (NX > 0) {
    array I[NX]
    do for [k=1:NX] { I[k] = k }
    plot I using (NR > 1 ? XS[$1] : NaN):(band_low(1, $1)):(band_high(1, $1)) with filledcurves fc rgb faint(GREY, 0.25), \
         I using (XS[$1]):(band_mean(1, $1)) with lines lc rgb GREY lw 1.5, \
         B using ($1 == 1 ? epoch_of(N_LAYERS + 1, 1) : NaN):(error_of(1)) with points pt 7 ps 1.1 lc rgb 0x000000, \
         B using ($1 == 2 ? epoch_of(N_LAYERS + 1, 2) : NaN):(error_of(2)) with points pt 13 ps 1.4 lc rgb 0x000000, \
         B using ($1 == 1 ? X1 : NaN):(FINAL) with points pt 6 ps 1.1 lw 1.5 lc rgb 0x000000
} else {
    set yrange [0:1]; unset ytics
    set label 1 "no metrics" at graph 0.5,0.5 center font ",7" tc rgb DARK
    plot NaN
}
unset multiplot
