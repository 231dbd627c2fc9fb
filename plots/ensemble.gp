# SPDX-License-Identifier: GPL-3.0-or-later
# ensemble.gp - in how many runs of a group a weight remains, layer by layer, as found and after the hidden units were
# aligned, against independent masks and, matched alike, networks of the same degrees; and the accuracy of the networks that keep what at least k runs keep.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/ensemble.gp
# Reads ensemble.tsv. Variables: FMT, OUT, GROUP (style.gp). What is below one half weight is not drawn.
FIGURE = "ensemble"
TABLE = "ensemble.tsv"
load "plots/style.gp"
chosen(group) = HAS_GROUPS ? group eq GROUP_LABEL : 1
R = 0; FIRST = NaN; MOST = 1
set datafile columnheaders
look(layer, runs, first) = (add_layer(layer), R = runs, first == first ? (FIRST = first) : 0, 0)
stats TABLE using (chosen(strcol("group")) ? look(strcol("layer"), column("runs"), column("first_accuracy")) : 0) nooutput
# Blocks of R + 1: layers, then `all`; raw, then aligned.
RAW = 0; ALIGNED = 1
array SEEN[2*(NL + 1)*(R + 1)]; array EXPECTED[(NL + 1)*(R + 1)]; array DEGREE[(NL + 1)*(R + 1)]; array ACCURACY[2*(R + 1)]; array TOP[NL]
do for [l=1:NL] { TOP[l] = 1 }
do for [k=1:2*(R + 1)] { ACCURACY[k] = NaN }
at(l, k) = (l - 1)*(R + 1) + k + 1
side(s) = s eq "aligned" ? ALIGNED : RAW
block(a, l, k) = a*(NL + 1)*(R + 1) + at(l, k)
put(a, l, k, n, e, d) = (SEEN[block(a, l, k)] = n, EXPECTED[at(l, k)] = e, a == ALIGNED ? (DEGREE[at(l, k)] = d) : 0, l <= NL ? (TOP[l] = n > TOP[l] ? n : TOP[l]) : 0, 0)
number(layer) = layer eq "all" ? NL + 1 : find_layer(layer)
stats TABLE using (chosen(strcol("group")) ? put(side(strcol("alignment")), number(strcol("layer")), column("times"), \
    column("weights"), column("expected"), column("expected_degree")) : 0) nooutput
stats TABLE using (chosen(strcol("group")) && strcol("layer") eq "all" && column("times") > 0 ? \
    (ACCURACY[side(strcol("alignment"))*(R + 1) + column("times") + 1] = column("accuracy"), 0) : 0) nooutput
unset datafile columnheaders
HAS_ACCURACY = FIRST == FIRST
N = n_panels(NL); TOTAL = N + HAS_ACCURACY
C = columns(TOTAL, 4); ROWS = rows(TOTAL, 4)
W = TOTAL == 1 ? 8.5 : 17.0; TOP_MARGIN = TOTAL == 1 ? 1.95 : 1.5; H = 1.2 + TOP_MARGIN + 3.7*ROWS + 0.75*(ROWS - 1)
eval page(W, H)
eval panels(ROWS, C, W, H, 1.55, 0.35, 1.2, TOP_MARGIN, 1.25, 0.9)
SOFT = 0x7FA9C9
set label 1 "weights" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 sprintf("runs in which the weight remains, of %d", R) at screen (HAS_ACCURACY && ROWS == 1 ? 0.5*(C - 1)/C : 0.5), screen 0.3/H center font ",8"
set label 3 (GROUP_LABEL eq "" ? "" : GROUP_LABEL." · ").sprintf("%d runs", R).thinned(NL) at screen 1.55/W, screen 1 - 0.4/H left font ",8"
# One panel is half as wide: the legend stands in two rows there.
NARROW = TOTAL == 1
eval stroke(1, 1.55, 0.8, W, H, SOFT, 1, "as found")
eval stroke(2, NARROW ? 5.0 : 4.2, 0.8, W, H, BLUE, 1, "units matched")
eval stroke(3, NARROW ? 1.55 : 7.4, NARROW ? 1.2 : 0.8, W, H, ORANGE, 1, "same degrees, matched")
eval stroke(4, NARROW ? 5.0 : 12.0, NARROW ? 1.2 : 0.8, W, H, 0x000000, 2, "independent masks")
array K[R + 1]
do for [k=1:R + 1] { K[k] = k - 1 }
times(k) = int(k) - 1
set xrange [-0.3:R + 0.3]
if (R <= 5) { set xtics 1 } else { set xtics R <= 10 ? 2 : R <= 25 ? 5 : 10 }
point_size = R <= 10 ? 0.75 : 0.5
do for [i=1:N] {
    l = panel(i)
    set title LAYER[l]
    set format x (is_bottom(i, TOTAL, C) ? "%g" : "")
    set logscale y; set yrange [0.5:3*TOP[l]]; set format y "%.0s%c"; set ytics 10
    plot K using (times($1)):(positive(EXPECTED[at(l, times($1))])) with lines lc rgb 0x000000 lw 1.1 dt 2, \
        K using (times($1)):(positive(DEGREE[at(l, times($1))])) with lines lc rgb ORANGE lw 1.5, \
        K using (times($1)):(positive(SEEN[block(RAW, l, times($1))])) with linespoints lc rgb SOFT lw 1.5 pt 7 ps point_size, \
        K using (times($1)):(positive(SEEN[block(ALIGNED, l, times($1))])) with linespoints lc rgb BLUE lw 1.5 pt 5 ps point_size
    eval no_legend(4); unset label 1; unset label 2; unset label 3
}
if (HAS_ACCURACY) {
    unset logscale y; set yrange [0:112]; set ytics 25; set format "%g"
    set xrange [0.7:R + 0.3]
    set title "test accuracy (%)"
    set label 4 "remaining in at least k" at graph 0.5, screen 0.3/H center font ",8"
    set arrow 1 from graph 0, first 100*FIRST to graph 1, first 100*FIRST nohead lc rgb GREY lw 0.9 dt 3
    set label 5 "first run alone" at graph 0.98, first 100*FIRST + 7 right font ",7" tc rgb GREY
    plot K using (times($1)):(100*ACCURACY[times($1) + 1]) with linespoints lc rgb SOFT lw 1.5 pt 7 ps point_size, \
        K using (times($1)):(100*ACCURACY[R + 1 + times($1) + 1]) with linespoints lc rgb BLUE lw 1.5 pt 5 ps point_size
}
unset multiplot
