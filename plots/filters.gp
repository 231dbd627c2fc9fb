# SPDX-License-Identifier: GPL-3.0-or-later
# filters.gp - the filters of a first convolution, channel by channel: what the mask does to each weight, and the
# effective weight that comes of it, for one run.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/filters.gp
# Reads data/filters.tsv. Variables: FMT, OUT, GROUP (style.gp).
FIGURE = "filters"
TABLE = "data/filters.tsv"
load "plots/style.gp"
set datafile columnheaders
# Filters drawn, filters there are, channels, rows and columns of a kernel, largest |v|.
array S[6] = [0, 0, 0, 0, 0, 0.0]
most(i, x) = (S[i] = (x > S[i] ? x : S[i]), 0)
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), most(1, int(column("filter")) + 1), \
    most(2, int(column("filters"))), most(3, int(column("channel")) + 1), most(4, int(column("row")) + 1), \
    most(5, int(column("column")) + 1), most(6, abs(column("weight"))), 0) : 0) nooutput
FILTERS = int(S[1]); CHANNELS = int(S[3]); KH = int(S[4]); KW = int(S[5]); TOP = S[6] > 0 ? S[6] : 1.0
# A filter is a row of tiles, one for each channel.
GAP = 0.5; WIDE = CHANNELS*(KW + GAP) + 2*GAP; TALL = KH + 3*GAP
PER_ROW = FILTERS <= 4 ? FILTERS : FILTERS <= 16 ? 4 : FILTERS <= 36 ? 6 : 8
GRID_ROWS = int(ceil(1.0*FILTERS/PER_ROW))
W = 17.0; LEFT = 0.8; BETWEEN = 0.5; SIDE = (W - LEFT - BETWEEN - 0.2)/2
CELL = SIDE/(PER_ROW*WIDE) < 0.28 ? SIDE/(PER_ROW*WIDE) : 0.28
H = CELL*GRID_ROWS*TALL + 1.55
eval page(W, H)
unset grid; unset tics; unset key
set border 0
set xrange [0:PER_ROW*WIDE]; set yrange [GRID_ROWS*TALL:0]
x(f, c, k) = (f % PER_ROW)*WIDE + GAP + c*(KW + GAP) + k + 0.5
y(f, r) = int(f/PER_ROW)*TALL + GAP + r + 0.5
state(m) = m > 0 ? KEEP : m < 0 ? INVERT : HIDE
grey(v) = int(127.5 + 127.5*v/TOP + 0.5)
shade(v) = grey(v)*65536 + grey(v)*256 + grey(v)
set multiplot
set tmargin at screen 1 - 1.4/H; set bmargin at screen 1 - (1.4 + CELL*GRID_ROWS*TALL)/H
set label 1 sprintf("%s · %s%s%s", RUNS[1], LAYER[1], S[2] > FILTERS ? sprintf(" · %d of %d filters", FILTERS, int(S[2])) : sprintf(" · %d filters", FILTERS), \
    CHANNELS == 3 ? " · each: red, green, blue" : "") at screen LEFT/W, screen 1 - 0.35/H left font ",8" tc rgb DARK
set label 2 "mask" at screen LEFT/W, screen 1 - 1.0/H left font ",8"
eval swatch(1, LEFT + 1.3, 1.0, W, H, KEEP, "keep"); eval swatch(2, LEFT + 2.75, 1.0, W, H, INVERT, "invert")
eval swatch(3, LEFT + 4.3, 1.0, W, H, HIDE, "hide")
RIGHT = LEFT + SIDE + BETWEEN
set label 3 "effective weight" at screen RIGHT/W, screen 1 - 1.0/H left font ",8"
eval swatch(4, RIGHT + 2.9, 1.0, W, H, 0x000000, sprintf("−%.2g", TOP)); eval swatch(5, RIGHT + 4.45, 1.0, W, H, shade(0), "0")
eval swatch(6, RIGHT + 5.5, 1.0, W, H, 0xFFFFFF, sprintf("+%.2g", TOP))
set object 106 fs border lc rgb GREY
do for [g=1:GRID_ROWS] { set label 10 + g sprintf("%d", (g - 1)*PER_ROW) at first -GAP, first (g - 1)*TALL + GAP + KH/2.0 right font ",7" tc rgb DARK }
set lmargin at screen LEFT/W; set rmargin at screen (LEFT + CELL*PER_ROW*WIDE)/W
plot TABLE using (used(strcol("run")) ? x(int(column("filter")), column("channel"), column("column")) : NaN):(y(int(column("filter")), column("row"))): \
    (0.5):(0.5):(state(column("mask"))) with boxxyerror fs solid 1 noborder lc rgb variable
do for [g=1:GRID_ROWS] { unset label 10 + g }
unset label 1; unset label 2; unset label 3; eval no_legend(6)
set object 1 rectangle from graph 0,0 to graph 1,1 fc rgb 0xC4D3DE fs solid noborder behind
set lmargin at screen RIGHT/W; set rmargin at screen (RIGHT + CELL*PER_ROW*WIDE)/W
plot TABLE using (used(strcol("run")) ? x(int(column("filter")), column("channel"), column("column")) : NaN):(y(int(column("filter")), column("row"))): \
    (0.5):(0.5):(shade(column("weight"))) with boxxyerror fs solid 1 noborder lc rgb variable
unset multiplot
