# SPDX-License-Identifier: GPL-3.0-or-later
# accuracy-remaining.gp - test accuracy against the share of remaining weights: runs, means of groups, published values.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/accuracy-remaining.gp
# Reads summary.tsv, groups.tsv, data/runs.tsv and data/trajectories.tsv. Variables: FMT, OUT (style.gp).
# Small open points: runs, crossed where training is not over; filled: mean of a group, open where training of one of them
# is not over, with the 95 % interval of the mean in both directions; stars: what was published for the recipe. Each method
# has a type of point, each group a colour. Lines: rounds of the methods that prune in rounds, mean over a group.
FIGURE = "accuracy-remaining"
load "plots/style.gp"
set datafile columnheaders
# Groups stand where other figures have layers, in the order of groups.tsv and of the numbers in data/runs.tsv.
title_of(recipe, method, variant) = recipe.(NM < 2 || strstrt(recipe, method) ? "" : ", ".method).(variant eq "-" || variant eq "" ? "" : ", ".variant)
# A method's type of point: open circle, square, triangle, diamond, triangle upside down, pentagon; the next is filled.
array METHODS[64]; NM = 0
find_method(m) = (_f = 0, (NM ? (sum [_k = 1:NM] (METHODS[_k] eq m ? (_f = _k) : 0)) : 0), _f)
add_method(m) = find_method(m) || NM == 64 ? 0 : (NM = NM + 1, METHODS[NM] = m, 0)
array OPEN[6] = [6, 4, 8, 12, 10, 14]
open_type(m) = OPEN[1 + (find_method(m) + 5) % 6]
array KIND[1024]
stats "data/runs.tsv" using (find_run(strcol("run")) ? 0 : (add_run(strcol("run")), KIND[NR] = column("group"), 0)) nooutput
array GROUP_OF[NR]
do for [k=1:NR] { GROUP_OF[k] = KIND[k] }
# What was published is joined to the group's mean, or the best round where there are rounds; where no share was published
# there is no place for a star: a dotted line across. What is measured before the end of training is joined to nothing.
array BEST_X[1024]; array BEST_Y[1024]; array STAR_X[1024]; array STAR_Y[1024]; array DONE[1024]
do for [k=1:1024] { BEST_X[k] = NaN; BEST_Y[k] = NaN }
set datafile columnheaders
stats "data/trajectories.tsv" using (_g = int(column("group")), \
    (_g <= 1024 && !(100*column("test_accuracy") <= BEST_Y[_g]) ? (BEST_X[_g] = 100*column("remaining"), BEST_Y[_g] = 100*column("test_accuracy")) : 0), 0) nooutput
# Lowest and highest x and y; is anything published; has any group an interval; is any run unfinished?
array SPAN[7] = [1e9, -1e9, 1e9, -1e9, 0, 0, 0]
reach(x, y) = (x != x || y != y) ? 0 : (SPAN[1] = (x < SPAN[1] ? x : SPAN[1]), SPAN[2] = (x > SPAN[2] ? x : SPAN[2]), \
    reach_y(y))
reach_y(y) = y != y ? 0 : (SPAN[3] = (y < SPAN[3] ? y : SPAN[3]), SPAN[4] = (y > SPAN[4] ? y : SPAN[4]), 0)
# The first rounds of an untrained network are near chance: the axis has room for what is best, lines may leave it.
reach_way(x, y) = (x != x || y != y) ? 0 : (SPAN[1] = (x < SPAN[1] ? x : SPAN[1]), SPAN[2] = (x > SPAN[2] ? x : SPAN[2]), \
    SPAN[4] = (y > SPAN[4] ? y : SPAN[4]), 0)
stats "groups.tsv" using (add_method(strcol("method"))) nooutput
stats "groups.tsv" using (NL = NL + 1, KIND[NL] = open_type(strcol("method")), LAYER[NL] = title_of(strcol("recipe"), strcol("method"), \
    strcol("variant")), (BEST_X[NL] == BEST_X[NL] ? 0 : (BEST_X[NL] = 100*column("remaining_mean"), BEST_Y[NL] = 100*column("test_accuracy_mean"))), \
    STAR_X[NL] = (column("published_remaining") == column("published_remaining") ? 100*column("published_remaining") : NaN), \
    STAR_Y[NL] = 100*column("published_accuracy"), DONE[NL] = column("unfinished") == 0, \
    (DONE[NL] ? 0 : (SPAN[7] = 1)), reach_y(STAR_Y[NL]), reach(STAR_X[NL], STAR_Y[NL]), \
    (STAR_X[NL] == STAR_X[NL] && STAR_Y[NL] == STAR_Y[NL] ? (SPAN[5] = 1) : 0), \
    (DONE[NL] && column("test_accuracy_low") == column("test_accuracy_low") ? (SPAN[6] = 1) : 0), 0) nooutput
array WAY[NL + 1]
do for [k=1:NL + 1] { WAY[k] = 0 }
stats "data/trajectories.tsv" using (reach_way(100*column("remaining"), 100*column("test_accuracy")), \
    (column("group") <= NL ? (WAY[int(column("group"))] = 1) : 0), 0) nooutput
stats "groups.tsv" using (reach(100*column("remaining_low"), 100*column("test_accuracy_mean")), \
    reach(100*column("remaining_high"), 100*column("test_accuracy_mean"))) nooutput
stats "summary.tsv" using (reach(100*column("remaining"), 100*column("test_accuracy"))) nooutput
unset datafile columnheaders
group_of(run) = (_g = find_run(run), _g ? GROUP_OF[_g] : 1)
shown = NL > 24 ? 24 : NL
# Colours alone do not tell more than seven groups apart: then groups have numbers.
NUMBERS = NL > 7
number(g) = NUMBERS ? sprintf("%d  ", g) : ""
CROSS = 2
mean_type(g) = DONE[g] ? KIND[g] + 1 : CROSS
COLS = NL > 3 ? 2 : 1
W = COLS == 1 ? 8.5 : 17.0; HEAD = 0.75 + 0.38*(shown + COLS - 1)/COLS + 0.3*SPAN[7]; H = 6.3 + HEAD
eval page(W, H)
set lmargin at screen 1.45/W; set rmargin at screen 1 - 0.4/W; set bmargin at screen 1.15/H; set tmargin at screen 1 - (HEAD + 0.15)/H
do for [g=1:shown] { eval point_entry(g, 1.45 + 7.8*((g - 1) % COLS), 0.3 + 0.38*int((g - 1)/COLS), W, H, layer_colour(g, NL), mean_type(g), number(g).shortened(LAYER[g], COLS == 1 ? 48 : 50)) }
set label 1 "open: run   filled: mean of the group".(SPAN[5] ? "   ★ published" : "") at screen 1.45/W, screen 1 - (HEAD - 0.2 - 0.3*SPAN[7])/H left font ",7" tc rgb DARK
if (SPAN[7]) { set label 2 "×: run whose training is not over; its group has no mean here" at screen 1.45/W, screen 1 - (HEAD - 0.2)/H left font ",7" tc rgb DARK }
set xlabel "remaining weights (%)" offset 0,0.4
set ylabel "test accuracy (%)" offset 0.9,0
wide = SPAN[2] > 0 && SPAN[1] > 0 ? SPAN[2]/SPAN[1] : 1
# A logarithmic axis where the shares span more than a factor of three.
if (wide > 3) { set logscale x; set xtics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100); set xrange [SPAN[1]/1.4:SPAN[2]*1.4 < 100 ? SPAN[2]*1.4 : 110] } else { \
    dx = 0.15*(SPAN[2] - SPAN[1]); dx = dx > 0.05*SPAN[2] ? dx : 0.05*SPAN[2]; dx = dx > 0 ? dx : 1; set xrange [SPAN[1] - dx:SPAN[2] + dx] }
dy = 0.15*(SPAN[4] - SPAN[3]); dy = dy > 0.3 ? dy : 0.3
# Intervals of few seeds may reach far, and beyond what a share can be; the axis does not.
lowest = SPAN[3] - dy > -1 ? SPAN[3] - dy : -1; highest = SPAN[4] + dy < 101 ? SPAN[4] + dy : 101
if (SPAN[4] >= SPAN[3]) set yrange [lowest:highest]
set format "%g"
do for [g=1:NL] { if (STAR_X[g] != STAR_X[g] && STAR_Y[g] == STAR_Y[g]) {
    set arrow 1000 + g from graph 0, first STAR_Y[g] to graph 1, first STAR_Y[g] nohead dt 3 lw 0.8 lc rgb layer_colour(g, NL) } }
c(run) = layer_colour(group_of(run), NL)
pt_of(run, unfinished) = unfinished > 0 ? CROSS : KIND[int(group_of(run))]
G(k) = layer_colour(int(k) + 1 > NL ? NL : int(k) + 1, NL)
set datafile columnheaders
# gnuplot 5.4 dies of a plot without a single point: elements are left out by loops that run no time.
plot for [g=1:NL] for [k=1:WAY[g]] "data/trajectories.tsv" using (column("group") == g ? 100*column("remaining") : NaN):(100*column("test_accuracy")) \
        with lines lc rgb G(g - 1) lw 1, \
     for [k=1:SPAN[6]] "groups.tsv" using (DONE[$0 + 1] ? 100*column("remaining_mean") : NaN):(100*column("test_accuracy_low")):(0):(100*(column("test_accuracy_high") - column("test_accuracy_low"))):(G($0)) \
        with vectors heads size graph 0.01,90 lc rgb variable lw 1, \
     for [k=1:SPAN[6]] "groups.tsv" using (DONE[$0 + 1] ? 100*column("remaining_low") : NaN):(100*column("test_accuracy_mean")):(100*(column("remaining_high") - column("remaining_low"))):(0):(G($0)) \
        with vectors heads size graph 0.01,90 lc rgb variable lw 1, \
     "summary.tsv" using (100*column("remaining")):(100*column("test_accuracy")):(pt_of(strcol("run"), column("unfinished"))):(c(strcol("run"))) \
        with points pt variable ps 0.7 lw 1 lc rgb variable, \
     for [k=1:SPAN[5]] "groups.tsv" using (DONE[$0 + 1] ? BEST_X[$0 + 1] : NaN):(BEST_Y[$0 + 1]):(STAR_X[$0 + 1] - BEST_X[$0 + 1]):(STAR_Y[$0 + 1] - BEST_Y[$0 + 1]) \
        with vectors nohead dt 3 lw 0.8 lc rgb GREY, \
     for [k=1:SPAN[5]] "groups.tsv" using (STAR_X[$0 + 1]):(STAR_Y[$0 + 1]):("★"):(G($0)) with labels font ",9" tc rgb variable, \
     "groups.tsv" using (DONE[$0 + 1] ? 100*column("remaining_mean") : NaN):(100*column("test_accuracy_mean")):(mean_type(int($0) + 1)):(G($0)) with points pt variable ps 1 lc rgb variable, \
     for [k=1:NUMBERS] "groups.tsv" using (100*column("remaining_mean")):(100*column("test_accuracy_mean")):(sprintf("%d", $0 + 1)) \
        with labels offset 0.7,0.6 font ",7" tc rgb DARK
