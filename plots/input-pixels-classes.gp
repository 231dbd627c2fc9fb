# SPDX-License-Identifier: GPL-3.0-or-later
# input-pixels-classes.gp - signed weight of all paths from each input pixel to each class: the product of the masked
# weight matrices, activations left out. Blue speaks for the class, vermilion against it.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/input-pixels-classes.gp
# Reads data/input-pixels-classes.tsv. Variables: FMT, OUT (style.gp); COLUMN: first (the first run) or mean (over the
# runs, where there are several).
FIGURE = "input-pixels-classes"
TABLE = "data/input-pixels-classes.tsv"
load "plots/style.gp"
set datafile columnheaders
array MOST[4] = [0, 0, 0, 0]
stats TABLE using (MOST[1] = (column("class") > MOST[1] ? int(column("class")) : MOST[1]), \
    MOST[2] = (column("row") > MOST[2] ? int(column("row")) : MOST[2]), \
    MOST[3] = (column("column") > MOST[3] ? int(column("column")) : MOST[3]), MOST[4] = int(column("runs")), 0) nooutput
if (!exists("COLUMN")) COLUMN = MOST[4] > 1 ? "mean" : "first"
stats TABLE using (column(COLUMN)) nooutput
TOP = STATS_max > -STATS_min ? STATS_max : -STATS_min; TOP = TOP > 0 ? TOP : 1
unset datafile columnheaders
N = MOST[1] + 1; N = N > 20 ? 20 : N
C = columns(N, 5); R = rows(N, 5)
ROWS = MOST[2] + 1; COLS = MOST[3] + 1
W = 17.0; SIDE = (W - 0.3 - 1.9 - (C - 1)*0.25)/C; H = 1.1 + R*SIDE*ROWS/COLS + (R - 1)*0.55
eval page(W, H)
eval panels(R, C, W, H, 0.3, 1.9, 0.2, 0.9, 0.25, 0.55)
unset grid; unset tics; unset key
set border 15 lc rgb GREY lw 0.5
set xrange [-0.5:COLS - 0.5]; set yrange [ROWS - 0.5:-0.5]
set palette defined (@DIVERGE)
# The colours span a third of the largest weight: the few largest would leave the rest pale.
EDGE = TOP/3
set cbrange [-EDGE:EDGE]
unset colorbox
clipped(v) = v > EDGE ? EDGE : v < -EDGE ? -EDGE : v
set label 3 (COLUMN eq "mean" ? sprintf("mean over %d runs", MOST[4]) : "first run") at screen 0.3/W, screen 1 - 0.25/H left font ",7" tc rgb DARK
do for [k=1:N] {
    set table $P separator tab
    plot [*:*] [*:*] TABLE using (column("column")):(column("row")):(column(COLUMN)) with table if (int(column("class")) == k - 1)
    unset table
    set title sprintf("class %d", k - 1)
    if (k == N) {
        set colorbox user origin screen 1 - 1.7/W, screen 0.2/H size screen 0.3/W, screen (R*SIDE*ROWS/COLS + (R - 1)*0.55)/H
        set cbtics ("≤ −".sprintf("%.2g", EDGE) -EDGE, "0" 0, "≥ ".sprintf("%.2g", EDGE) EDGE) scale 0.3 font ",7" textcolor rgb DARK
        set cblabel "signed path weight" offset -2.6,0
    }
    plot $P using 1:2:(clipped($3)) with image
    unset label 3
}
unset multiplot
