# SPDX-License-Identifier: GPL-3.0-or-later
# passport-classes.gp - what a unit says to each class: how its routes are divided among the classes, and the sum of
# their signed weights (activations left out). Blue speaks for the class, vermilion against it.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/passport-classes.gp
# Reads passport-classes.tsv. Variables: FMT, OUT (style.gp).
FIGURE = "passport-classes"
TABLE = "passport-classes.tsv"
load "plots/style.gp"
set datafile columnheaders
array A[3] = [0, 0, 0]
up(k, x) = x > A[k] ? (A[k] = x, 0) : 0
stats TABLE using (up(1, column("class") + 1), up(2, strcol("route_share") eq "nan" ? 0 : 100*column("route_share")), up(3, abs(column("weight"))), 0) nooutput
N = int(A[1]); MOST = A[2] > 0 ? A[2] : 1; EDGE = A[3] > 0 ? A[3] : 1
W = 12.0; ROW = N <= 12 ? 0.42 : N <= 30 ? 0.3 : 0.12; H = 1.4 + N*ROW
eval page(W, H)
eval panels(1, 2, W, H, 1.35, 0.3, 1.1, 0.3, 0.55, 0)
unset key; unset grid
set grid xtics lc rgb 0xE6E6E6 lw 0.6 lt 1
set border 1
set yrange [N - 0.4:-0.6]
STEP = N <= 30 ? 1 : 10
set ytics STEP scale 0; set format y "%.0f"
set ylabel "class" offset 0.6,0
HALF = 0.34
set xrange [0:1.05*MOST]; set xtics autofreq
set xlabel "share of the unit's routes (%)" offset 0,0.4
plot TABLE using (50*column("route_share")):(column("class")):(0):(100*column("route_share")):(column("class") - HALF):(column("class") + HALF) with boxxyerror fc rgb 0x8A97A3
unset ylabel; unset ytics; set border 1
set xrange [-1.08*EDGE:1.08*EDGE]
set xlabel "signed weight of the routes" offset 0,0.4
# Ticks at 0 and at one round number on each side.
POWER = 10**floor(log10(EDGE)); TICK = POWER*(EDGE >= 5*POWER ? 5 : EDGE >= 2*POWER ? 2 : 1)
set xtics (sprintf("−%g", TICK) -TICK, "0" 0, sprintf("%g", TICK) TICK)
set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb GREY lw 0.7
colour(v) = v > 0 ? BLUE : VERMILION
plot TABLE using (column("weight")/2):(column("class")):(column("weight") < 0 ? column("weight") : 0):(column("weight") > 0 ? column("weight") : 0):(column("class") - HALF):(column("class") + HALF):(colour(column("weight"))) with boxxyerror lc rgb variable
unset multiplot
