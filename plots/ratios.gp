# SPDX-License-Identifier: GPL-3.0-or-later
# ratios.gp - keep, hide and invert shares of each layer over the epochs (or rounds), as stacked areas, for one run.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/ratios.gp
# Reads ratios.tsv. Variables: FMT, OUT (style.gp); RUN, the run to draw (the table's first); YMAX, top of the vertical
# axis (1; 0.1 zooms in on sparse masks).
FIGURE = "ratios"
load "plots/style.gp"
TABLE = "ratios.tsv"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer"))) : 0) nooutput
if (!exists("RUN")) RUN = RUNS[1]
if (!exists("YMAX")) YMAX = 1.0
X = IN_ROUNDS ? "record" : "epoch"
stats TABLE using (strcol("run") eq RUN ? column(X) : NaN) nooutput
X0 = STATS_min; X1 = STATS_max; ONE = X1 <= X0
N = n_panels(NL); C = columns(N, 4); R = rows(N, 4)
W = N == 1 ? 8.5 : 17.0; H = 1.95 + (R > 1 ? 3.0 : 4.2)*R
unset datafile columnheaders
eval page(W, H)
eval panels(R, C, W, H, 1.35, 0.35, 1.15, 1.35, 0.7, 0.75)
unset grid
set xrange [ONE ? X0 - 0.5 : X0:ONE ? X0 + 0.5 : X1]
set yrange [0:YMAX]
if (ONE) { set xtics (sprintf("%g", X0) X0) } else {
    TIC = fitting_step(X1 - X0, (W - 1.7)/C - 0.5, strlen(sprintf("%g", X1))); TIC = IN_ROUNDS ? whole_step(TIC) : TIC
    set xtics TIC }
set boxwidth 0.8
set label 1 "share of the layer's weights (%)" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 (IN_ROUNDS ? "round" : "epoch") at screen 0.5, screen 0.3/H center font ",8"
set label 3 (GROUP_LABEL eq "" ? "" : GROUP_LABEL." · ").RUN.thinned(NL) at screen 1.35/W, screen 1 - 0.4/H left font ",8"
eval shares_legend(W, H)
do for [i=1:N] {
    set table $P separator tab
    plot TABLE using (column(X)):(column("invert")):(column("keep") + column("invert")) with table \
        if (strcol("run") eq RUN && strcol("layer") eq LAYER[panel(i)])
    unset table
    set title LAYER[panel(i)]
    set ytics ()
    do for [k=0:4] { set ytics add (is_left(i, C) ? sprintf("%g", 25.0*YMAX*k) : "" YMAX*k/4.0) }
    set format x (is_bottom(i, N, C) ? "%g" : "")
    if (ONE) {
        plot $P using 1:(1) with boxes fc rgb HIDE, '' using 1:3 with boxes fc rgb KEEP, '' using 1:2 with boxes fc rgb INVERT
    } else {
        plot $P using 1:(YMAX):3 with filledcurves fc rgb HIDE, '' using 1:3:2 with filledcurves fc rgb KEEP, \
            '' using 1:2:(0) with filledcurves fc rgb INVERT
    }
    eval no_legend(3); unset label 1; unset label 2; unset label 3
}
unset multiplot
