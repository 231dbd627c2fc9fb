# SPDX-License-Identifier: GPL-3.0-or-later
# passport-field.gp - what a unit looks at: its incoming weights where it reads pixels or has kernels, else the signed
# weight of all routes from each pixel. Blue adds, vermilion subtracts, a white dot marks an inverted weight.
# Run in the directory of the tables: gnuplot -e "RUN=1" plots/passport-field.gp
# Reads passport-fields.tsv and data/runs.tsv. Variables: FMT, OUT (style.gp); RUN: number of the run in data/runs.tsv.
FIGURE = "passport-field"
TABLE = "passport-fields.tsv"
load "plots/style.gp"
if (!exists("RUN")) RUN = 1
set datafile columnheaders
NAME = ""
stats "data/runs.tsv" using (int($0) == RUN - 1 ? (NAME = strcol("run"), 0) : 0) nooutput
# Shape: planes, rows, columns; largest |value| over all runs, so that their pictures share a scale; dots.
array SHAPE[5] = [0, 0, 0, 0, 0]
up(k, x) = x > SHAPE[k] ? (SHAPE[k] = x, 0) : 0
VIEW = ""
stats TABLE using (VIEW = strcol("view"), up(1, column("plane") + 1), up(2, column("row") + 1), up(3, column("column") + 1), \
    up(4, abs(column("value"))), 0) nooutput
P = int(SHAPE[1]); R = int(SHAPE[2]); C = int(SHAPE[3]); TOP = SHAPE[4] > 0 ? SHAPE[4] : 1
# Route weights have a long tail: the few largest would leave the rest pale.
EDGE = VIEW eq "paths" ? TOP/3 : TOP
ACROSS = P == 1 ? 1 : int(ceil(sqrt(1.0*P*R/C))); DOWN = int(ceil(1.0*P/ACROSS))
GAP = P == 1 ? 0 : 0.12*(R > C ? R : C)
WIDE = ACROSS*C + (ACROSS - 1)*GAP; TALL = DOWN*R + (DOWN - 1)*GAP
# A strip of many inputs is folded.
FOLD = P == 1 && R == 1 && C > 40 ? int(ceil(sqrt(1.0*C))) : 0
if (FOLD) { WIDE = FOLD; TALL = int(ceil(1.0*C/FOLD)) }
SIDE = 6.0; SCALE = SIDE/(WIDE > TALL ? WIDE : TALL)
W = WIDE*SCALE + 0.1; H = TALL*SCALE + 0.1
eval page(W, H)
unset grid; unset tics; unset key; unset colorbox; unset border
set lmargin at screen 0.05/W; set rmargin at screen 1 - 0.05/W; set bmargin at screen 0.05/H; set tmargin at screen 1 - 0.05/H
set xrange [0:WIDE]; set yrange [TALL:0]
# Weights that are all as large, as most initializations make them, have the colours of the legend.
if (VIEW eq "paths") { set palette defined (@DIVERGE) } else { set palette defined (-1 '#D55E00', 0 '#F1F1EF', 1 '#0072B2') }
set cbrange [-EDGE:EDGE]
clipped(v) = v > EDGE ? EDGE : v < -EDGE ? -EDGE : v
left(p, c) = FOLD ? c % FOLD : (p % ACROSS)*(C + GAP) + c
top(p, r, c) = FOLD ? int(c/FOLD) : int(p/ACROSS)*(R + GAP) + r
at_x(d) = left(int(column("plane")), int(column("column")))
at_y(d) = top(int(column("plane")), int(column("row")), int(column("column")))
mine(v) = strcol("run") eq NAME ? v : NaN
hidden(v) = v == 0
# Each plane's ground, then its entries, then a dot on inverted weights.
do for [p=1:(FOLD ? 0 : P)] {
    set object p rectangle from left(p - 1, 0),top(p - 1, 0, 0) to left(p - 1, C),top(p - 1, R, 0) fc rgb 0xF1F1EF fs solid noborder behind
}
if (FOLD) { set object 1 rectangle from 0,0 to WIDE,TALL fc rgb 0xF1F1EF fs solid noborder behind }
INSET = SCALE > 0.12 ? 0.04 : 0
plot TABLE using (hidden(column("value")) ? NaN : mine(at_x(0) + 0.5)):(at_y(0) + 0.5):(at_x(0) + INSET):(at_x(0) + 1 - INSET):(at_y(0) + INSET):(at_y(0) + 1 - INSET):(clipped(column("value"))) \
        with boxxyerror fs solid noborder lc palette, \
     TABLE using (column("mask") == -1 && !hidden(column("value")) ? mine(at_x(0) + 0.5) : NaN):(at_y(0) + 0.5) with points pt 7 ps 2.1*SCALE lc rgb 0xFFFFFF
