# SPDX-License-Identifier: GPL-3.0-or-later
# layers.gp - how far apart two layers' keep/hide/invert shares are: Jensen-Shannon distance (base 2, 0 to 1) of every
# layer with every other, within one run and between the runs.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/layers.gp
# Reads layers.tsv. Variables: FMT, OUT (style.gp); RUN, the run of the first matrix (the table's first).
FIGURE = "layers"
TABLE = "layers.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (add_run(strcol("run_a")), add_layer(strcol("layer_a")), 0) : 0) nooutput
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (add_run(strcol("run_b")), add_layer(strcol("layer_b")), 0) : 0) nooutput
if (!exists("RUN")) RUN = RUNS[1]
array OWN[NL*NL]; array SUMS[NL*NL]; array NS[NL*NL]
do for [k=1:NL*NL] { OWN[k] = NaN; SUMS[k] = 0.0; NS[k] = 0 }
both(a, b, v) = (SUMS[(a-1)*NL + b] = SUMS[(a-1)*NL + b] + v, NS[(a-1)*NL + b] = NS[(a-1)*NL + b] + 1, 0)
own(a, b, v) = (OWN[(a-1)*NL + b] = v, OWN[(b-1)*NL + a] = v, 0)
pair(a, b, same, v) = v != v ? 0 : same == 2 ? own(a, b, v) : same == 1 ? 0 : (both(a, b, v), both(b, a, v))
relation(a, b) = a eq b ? (a eq RUN ? 2 : 1) : 0
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (pair(find_layer(strcol("layer_a")), find_layer(strcol("layer_b")), relation(strcol("run_a"), strcol("run_b")), \
    column("js_distance"))) : 0) nooutput
unset datafile columnheaders
N = NR > 1 ? 2 : 1
FOOT = 1.6; LEFT = 1.7; RIGHT = 2.2; GAP = 0.6
SIDE = N == 1 ? 4.9 : 6.2
W = LEFT + N*SIDE + (N - 1)*GAP + RIGHT; H = FOOT + SIDE + 0.85
eval page(W, H)
eval panels(1, N, W, H, LEFT, RIGHT, FOOT, 0.85, GAP, 0)
unset grid
set border 15 lc rgb GREY lw 0.5
set xrange [0.5:NL + 0.5]; set yrange [NL + 0.5:0.5]
set tics scale 0
step = NL <= 24 ? 1 : int(ceil(NL/20.0))
set palette defined (@VIRIDIS)
set cbrange [0:1]
set colorbox user origin screen 1 - 1.85/W, screen FOOT/H size screen 0.3/W, screen SIDE/H
set cbtics 0.25 scale 0.3
set cblabel "Jensen–Shannon distance" offset 0.2,0
array I[NL*NL]
do for [k=1:NL*NL] { I[k] = k }
row(k) = int((k - 1)/NL) + 1
col(k) = (k - 1) % NL + 1
other(k) = NS[k] ? SUMS[k]/NS[k] : NaN
cell(p, k) = p == 1 ? OWN[k] : other(k)
# Where cells are narrow the leading zero goes.
short(s) = NL > 6 && s[1:2] eq "0." ? s[2:4] : s
two_digits(x) = x == x ? short(sprintf("%.2f", x)) : ""
do for [p=1:N] {
    set title (p == 1 ? RUN : sprintf("mean over %d pairs of runs", NR*(NR - 1)/2))
    unset xtics; set xtics () scale 0 rotate by 60 right font ",7" textcolor rgb DARK; unset ytics; set ytics () scale 0 font ",7" textcolor rgb DARK
    do for [l=1:NL:step] { set xtics add (LAYER[l] l); set ytics add ((p == 1 ? LAYER[l] : "") l) }
    plot I using (col(int($1))):(row(int($1))):(cell(p, int($1))) with image, \
        I using (NL <= 12 ? col(int($1)) : NaN):(row(int($1))):(two_digits(cell(p, int($1)))):(cell(p, int($1)) < 0.6 ? 0xFFFFFF : 0x000000) \
            with labels font ",7" tc rgb variable
    unset colorbox
}
unset multiplot
