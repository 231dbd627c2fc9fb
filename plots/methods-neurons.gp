# SPDX-License-Identifier: GPL-3.0-or-later
# methods-neurons.gp - which units each method uses, side by side: maps of the input pixels, and a strip for each group
# in each hidden layer.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/methods-neurons.gp
# Reads data/methods-neurons.tsv. Variables: FMT, OUT (style.gp). Colours: kept weights of a unit as multiples of even
# spreading, on a logarithmic scale; grey: none. Strips: units in the order of their mean rank over the groups, so that a
# column is one unit.
FIGURE = "methods-neurons"
TABLE = "data/methods-neurons.tsv"
load "plots/style.gp"
# Groups stand where other figures have runs.
array METHOD[4096]
array SHAPE[3] = [0, 0, 0]
SEED = ""
add_group(label, method) = find_run(label) ? 0 : (add_run(label), METHOD[NR] = method, 0)
# Doublings away from even spreading.
doublings(v) = v > 0 ? log(v)/log(2) : NaN
away(v) = v > 0 ? abs(doublings(v)) : 0
set datafile columnheaders
stats TABLE using (add_group(strcol("label"), strcol("method")), (strcol("layer") eq "input" ? \
    (SHAPE[1] = int(column("height")), SHAPE[2] = int(column("width")), 0) : (add_layer(strcol("layer")), SEED = strcol("weight_seed"), 0)), \
    (away(column("relative")) > SHAPE[3] ? (SHAPE[3] = away(column("relative"))) : 0), 0) nooutput
unset datafile columnheaders
PIXELS = SHAPE[1]*SHAPE[2]
# The colour scale ends at four times even spreading, or a quarter: a single unit may have much more.
TOP = SHAPE[3] > 2 ? 2 : SHAPE[3] > 0.2 ? SHAPE[3] : 0.2
END = SHAPE[3] > 2 ? "≥ " : ""; START = SHAPE[3] > 2 ? "≤ " : ""
short(v) = v >= 0.995 ? sprintf("%.2g", v) : sprintf("%.2f", v)[2:4]
TICS = sprintf("set cbtics ('even' 0, '%s%s' %g, '%s%s' %g) scale 0.3 font ',7' textcolor rgb DARK", END, short(2**TOP), TOP, \
    START, short(2**-TOP), -TOP).(TOP > 1.5 ? "; set cbtics add ('2' 1, '.5' -1)" : "")
same_method(m) = (sum [_k = 1:NR] (METHOD[_k] eq m)) > 1
name(r) = same_method(METHOD[r]) ? RUNS[r] : METHOD[r]
NS = NL > 6 ? 6 : NL
strip_layer(i) = NL <= 6 ? i : 1 + int((i - 1)*(NL - 1.0)/5 + 0.5)
W = 8.5; LEFT = 0.3; RIGHT = 1.25
C = NR < 3 ? NR : 3; R = PIXELS ? rows(NR, 3) : 0
SIDE = (W - LEFT - RIGHT - 2*0.25)/3
MAPS = R*(SIDE*(PIXELS ? 1.0*SHAPE[1]/SHAPE[2] : 1) + 0.45)
ROW = NR <= 8 ? 0.3 : 2.4/NR; STRIP = NR*ROW + 0.75
HEAD = 0.15; KEY = 0.36*NR + 0.1; FOOT = (NS ? 0.6 : 0.2) + KEY
H = HEAD + MAPS + NS*STRIP + FOOT - 0.15*(NS > 0)
eval page(W, H)
unset grid; unset key; unset tics; unset colorbox
set border 15 lc rgb GREY lw 0.5
set palette defined (@DIVERGE)
set cbrange [-TOP:TOP]
eval TICS
# Values of one level, group after group, in the order of `at`.
SIZE = 0
array V[1]
room(n) = sprintf("SIZE = %d; array V[%d]; do for [_k=1:%d] { V[_k] = NaN }", n, n > 0 ? NR*n : 1, NR*n)
keep(g, at, v) = g && at < SIZE ? (V[(g - 1)*SIZE + at + 1] = v, 0) : 0
set multiplot
do for [g=1:NR] { set label 10 + g sprintf("%d  %s", g, shortened(name(g), 55)) at screen LEFT/W, screen (KEY - 0.2 - 0.36*(g - 1))/H left font ",7" tc rgb DARK }
tint(v) = diverge(doublings(v)/TOP)
eval room(PIXELS)
set datafile columnheaders
stats TABLE using (strcol("layer") eq "input" ? keep(find_run(strcol("label")), int(column("unit")), column("relative")) : 0) nooutput
unset datafile columnheaders
array I[PIXELS > 0 ? PIXELS : 1]
do for [g=1:(PIXELS ? NR : 0)] {
    x = LEFT + ((g - 1) % 3)*(SIDE + 0.25); y = HEAD + int((g - 1)/3)*MAPS/R + 0.42
    set lmargin at screen x/W; set rmargin at screen (x + SIDE)/W
    set tmargin at screen 1 - y/H; set bmargin at screen 1 - (y + MAPS/R - 0.45)/H
    set label 1 sprintf("%d  %s", g, shortened(name(g), 15)) at screen x/W, screen 1 - (y - 0.14)/H left font ",6" tc rgb DARK
    set xrange [-0.5:SHAPE[2] - 0.5]; set yrange [SHAPE[1] - 0.5:-0.5]
    if (g == 1) { set colorbox user origin screen (W - RIGHT + 0.15)/W, screen 1 - (y + MAPS/R - 0.45)/H size screen 0.22/W, screen (MAPS/R - 0.45)/H }
    plot I using (int($0) % SHAPE[2]):(int($0)/SHAPE[2]):(red(tint(V[(g - 1)*SIZE + int($0) + 1]))):\
        (green(tint(V[(g - 1)*SIZE + int($0) + 1]))):(blue(tint(V[(g - 1)*SIZE + int($0) + 1]))) with rgbimage, @COLOURS
    unset colorbox; do for [k=11:10 + NR] { unset label k }
}
unset label 1
do for [s=1:NS] {
    l = strip_layer(s)
    y = HEAD + MAPS + (s - 1)*STRIP + 0.6
    set lmargin at screen (LEFT + 0.45)/W; set rmargin at screen (W - RIGHT)/W
    set tmargin at screen 1 - y/H; set bmargin at screen 1 - (y + STRIP - 0.75)/H
    set title sprintf("incoming weights of %s%s", LAYER[l], s == 1 ? ", weight seed ".SEED : "") font ",7" offset 0,-0.9
    set ytics 1 scale 0 font ",7" textcolor rgb DARK offset 0.6,0
    if (NR > 8) { unset ytics }
    set format y "%g"
    if (s == NS) { set xlabel "units in the order of their mean rank" font ",7" offset 0,0.7 } else { unset xlabel }
    if (s == 1 && !PIXELS) { set colorbox user origin screen (W - RIGHT + 0.15)/W, screen 1 - (y + STRIP - 0.75)/H size screen 0.22/W, screen (STRIP - 0.75)/H }
    set xrange [*:*]; set yrange [*:*]
    set datafile columnheaders
    stats TABLE using (strcol("layer") eq LAYER[l] ? column("place") : NaN) nooutput
    eval room(int(STATS_max) + 1)
    stats TABLE using (strcol("layer") eq LAYER[l] ? keep(find_run(strcol("label")), int(column("place")), column("relative")) : 0) nooutput
    unset datafile columnheaders
    set xrange [-0.5:SIZE - 0.5]; set yrange [NR + 0.5:0.5]
    plot V using (int($0) % SIZE):(1 + int($0)/SIZE):(red(tint(V[int($0) + 1]))):(green(tint(V[int($0) + 1]))): \
        (blue(tint(V[int($0) + 1]))) with rgbimage, @COLOURS
    unset colorbox; do for [k=11:10 + NR] { unset label k }
}
unset multiplot
do for [g=1:NR] { set label 10 + g sprintf("%d  %s", g, shortened(name(g), 55)) at screen LEFT/W, screen (KEY - 0.2 - 0.36*(g - 1))/H left font ",7" tc rgb DARK }
