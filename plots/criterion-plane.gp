# SPDX-License-Identifier: GPL-3.0-or-later
# criterion-plane.gp - initial against final weight of each layer, and which of them the last mask keeps, for one run.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/criterion-plane.gp
# Reads data/criterion-plane.tsv, a sample of each layer's remaining and hidden weights. Variables: FMT, OUT (style.gp).
FIGURE = "criterion-plane"
TABLE = "data/criterion-plane.tsv"
load "plots/style.gp"
# Of each layer: the largest |weight| before and after training, the share that remains.
array EDGE_X[1024]; array EDGE_Y[1024]; array LEFT_OVER[1024]
INVERTED = 0
grow(edge, x) = abs(x) > edge ? abs(x) : edge
add_point(new, l, x, y, share) = (new ? (EDGE_X[l] = 0.0, EDGE_Y[l] = 0.0, LEFT_OVER[l] = share, 0) : 0, \
    EDGE_X[l] = grow(EDGE_X[l], x), EDGE_Y[l] = grow(EDGE_Y[l], y), 0)
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), _n = NL, add_layer(strcol("layer")), \
    (column("mask") < 0 ? (INVERTED = 1) : 0), \
    add_point(NL > _n, find_layer(strcol("layer")), column("initial_weight"), column("final_weight"), column("remaining"))) : 0) nooutput
unset datafile columnheaders
N = n_panels(NL); C = columns(N, 4); R = rows(N, 4)
W = N == 1 ? 8.5 : N == 2 ? 11.5 : 17.0
LEFT = 1.6; RIGHT = 0.45; GAP = 1.15; TOP = 1.35; BOTTOM = 1.15
SIDE = (W - LEFT - RIGHT - (C - 1)*GAP)/C
H = TOP + BOTTOM + R*SIDE + (R - 1)*GAP
eval page(W, H)
eval panels(R, C, W, H, LEFT, RIGHT, BOTTOM, TOP, GAP, GAP)
unset grid
set label 1 "final weight" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 "initial weight" at screen 0.5, screen 0.3/H center font ",8"
set label 3 RUNS[1].thinned(NL) at screen LEFT/W, screen 1 - 0.4/H left font ",8"
eval swatch(1, W - (INVERTED ? 4.6 : 3.0), 0.4, W, H, KEEP, "kept")
eval swatch(2, W - 1.7, 0.4, W, H, 0xB0B0B0, "hidden")
if (INVERTED) { eval swatch(3, W - 3.3, 0.4, W, H, INVERT, "inverted") }
do for [i=1:N] {
    l = panel(i)
    set table $P separator tab
    plot TABLE using (column("initial_weight")):(column("final_weight")):(column("mask")) with table if (strcol("run") eq RUNS[1] && strcol("layer") eq LAYER[l])
    unset table
    set title LAYER[l]." · ".percent(LEFT_OVER[l])." remain"
    ex = EDGE_X[l] > 0 ? 1.06*EDGE_X[l] : 1; ey = EDGE_Y[l] > 0 ? 1.06*EDGE_Y[l] : 1
    set xrange [-ex:ex]; set yrange [-ey:ey]
    eval "set xtics ".side_tics(side_tic(ex))."; set ytics ".side_tics(side_tic(ey))
    set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead lc rgb GREY lw 0.5 back
    set arrow 2 from first 0, graph 0 to first 0, graph 1 nohead lc rgb GREY lw 0.5 back
    plot $P using ($3 == 0 ? $1 : NaN):2 with points pt 7 ps 0.2 lc rgb 0xB0B0B0, \
         $P using ($3 > 0 ? $1 : NaN):2 with points pt 7 ps 0.2 lc rgb KEEP, \
         $P using ($3 < 0 ? $1 : NaN):2 with points pt 7 ps 0.2 lc rgb INVERT
    eval no_legend(3); unset label 1; unset label 2; unset label 3
}
unset multiplot
