# SPDX-License-Identifier: GPL-3.0-or-later
# passport-settling.gp - how a unit's weights came to be what they are: kept and inverted ones over the epochs (or rounds),
# and the share of the finally remaining ones that have changed for the last time.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/passport-settling.gp
# Reads passport-settling.tsv. Variables: FMT, OUT (style.gp).
FIGURE = "passport-settling"
TABLE = "passport-settling.tsv"
load "plots/style.gp"
X = IN_ROUNDS ? "record" : "epoch"
set datafile columnheaders
array LAST[1] = [0]
HAS_IN = 0; HAS_OUT = 0
stats TABLE using (LAST[1] = column(X) > LAST[1] ? column(X) : LAST[1], HAS_IN = HAS_IN || strcol("direction") eq "in", \
    HAS_OUT = HAS_OUT || strcol("direction") eq "out", 0) nooutput
N = HAS_IN + HAS_OUT
W = 12.0; H = 7.6
eval page(W, H)
side(d, v) = strcol("direction") eq d ? v : NaN
array SIDE[2] = [HAS_IN ? "in" : "out", "out"]
side_title(d) = d eq "in" ? "incoming weights" : "outgoing weights"
eval panels(2, N, W, H, 1.35, 0.35, 1.05, 0.95, 1.15, 0.75)
set xrange [0:LAST[1] > 0 ? LAST[1] : 1]
set key off
eval swatch(1, W - 3.75, 0.28, W, H, KEEP, "keep (+1)"); eval swatch(2, W - 1.9, 0.28, W, H, INVERT, "invert (−1)")
set logscale y; set format y "%g"; set format x ""
do for [k=1:N] {
    set title side_title(SIDE[k]) offset 0,-0.7
    if (k == 1) { set ylabel "weights" offset 1.2,0 } else { unset ylabel }
    set yrange [0.8:*]
    plot TABLE using (column(X)):(side(SIDE[k], positive(column("kept")))) with steps lc rgb KEEP lw 1.8, \
         TABLE using (column(X)):(side(SIDE[k], positive(column("inverted")))) with steps lc rgb INVERT lw 1.8
    if (k == 1) { eval no_legend(2) }
}
unset logscale y; unset title
set format x "%g"; set yrange [0:102]; set ytics 25
set xlabel (IN_ROUNDS ? "round" : "epoch") offset 0,0.4
do for [k=1:N] {
    if (k == 1) { set ylabel "settled (%)" offset 1.2,0 } else { unset ylabel }
    plot TABLE using (column(X)):(side(SIDE[k], 100*column("remaining_settled"))) with fillsteps fc rgb 0xBFE3D8, \
         TABLE using (column(X)):(side(SIDE[k], 100*column("remaining_settled"))) with steps lc rgb GREEN lw 1.8
}
unset multiplot
