# SPDX-License-Identifier: GPL-3.0-or-later
# methods.gp - do methods keep the same weights: association of the masks of every two groups of runs, beyond chance, one
# row of matrices for each layer: as found against independent masks, units matched against the same degrees matched alike.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/methods.gp
# Reads methods.tsv. Variables: FMT, OUT (style.gp); COMPARE (weight; where the table has it not, mask). Above the
# diagonal: pairs of runs with the same weight seed that began with the same signs of weights (the same seed gives other
# draws in another distribution); below: pairs with other seeds; on it: pairs of seeds of one group.
FIGURE = "methods"
if (!exists("COMPARE")) COMPARE = "weight"
TABLE = "methods.tsv"
load "plots/style.gp"
# Groups that are compared with another one stand where other figures have runs.
array METHOD[4096]
set datafile columnheaders
HAS_COMPARED = 0; OTHER = ""
add_group(label, method) = find_run(label) ? 0 : (add_run(label), METHOD[NR] = method, 0)
stats TABLE using (strcol("group_a") eq strcol("group_b") ? 0 : (add_group(strcol("group_a"), strcol("method_a")), \
    add_group(strcol("group_b"), strcol("method_b")), add_layer(strcol("layer")), \
    (strcol("compare") eq COMPARE ? (HAS_COMPARED = 1) : (OTHER = strcol("compare"), 0)), 0)) nooutput
if (!HAS_COMPARED) COMPARE = OTHER
RAW = 1; MATCHED = 2
NC = NL + 1
array C7[2*NC*NR*NR]
do for [k=1:2*NC*NR*NR] { C7[k] = NaN }
place(layer) = layer eq "all" ? NC : find_layer(layer)
cell(p, l, row, col) = (((p - 1)*NC + l - 1)*NR + row - 1)*NR + col
put(p, l, a, b, same, v) = (!a || !b) ? 0 : a == b ? put_own(cell(p, l, a, a), same, v) : \
    (C7[cell(p, l, same == (a < b) ? a : b, same == (a < b) ? b : a)] = v, 0)
# Seeds of one group mostly have other weights; where there are no such pairs, those of other scores are shown.
put_own(k, same, v) = (same && C7[k] == C7[k]) ? 0 : (C7[k] = v, 0)
take(kind, l, a, b, same, v) = kind eq "raw independent" ? put(RAW, l, a, b, same, v) : \
    kind eq "aligned degree" ? put(MATCHED, l, a, b, same, v) : 0
stats TABLE using (strcol("compare") eq COMPARE ? take(strcol("alignment")." ".strcol("null"), place(strcol("layer")), \
    find_run(strcol("group_a")), find_run(strcol("group_b")), strcol("weight_seeds") eq "same", \
    column("initial_signs") < 0.9 && strcol("weight_seeds") eq "same" && strcol("group_a") ne strcol("group_b") ? NaN : column("association")) : 0) nooutput
unset datafile columnheaders
# At most five layers, evenly thinned, then the whole network.
MOST = 5
N = NL > MOST ? MOST : NL
layer_of(i) = i > N ? NC : NL <= MOST ? i : 1 + int((i - 1)*(NL - 1.0)/(MOST - 1) + 0.5)
R = N + 1
# A group is called by its method where no other group has that.
same_method(m) = (sum [_k = 1:NR] (METHOD[_k] eq m)) > 1
name(r) = same_method(METHOD[r]) ? RUNS[r] : METHOD[r]
LONGEST = 0
do for [r=1:NR] { LONGEST = strlen(name(r)) > LONGEST ? strlen(name(r)) : LONGEST }
LEGEND = NR <= 5 || LONGEST > 24 ? 1 : 2
FOOT = 0.7 + 0.36*ceil(1.0*NR/LEGEND)
W = 8.5; SIDE = (W - 1.0 - 1.6 - 0.45)/2; H = 1.6 + FOOT + R*SIDE + (R - 1)*0.5
eval page(W, H)
eval panels(R, 2, W, H, 1.0, 1.6, FOOT, 1.6, 0.45, 0.5)
unset grid; unset key
set border 15 lc rgb GREY lw 0.5
set xrange [0.5:NR + 0.5]; set yrange [NR + 0.5:0.5]
set tics scale 0 font ",7" textcolor rgb DARK
step = NR <= 10 ? 1 : NR <= 25 ? 5 : 10
set xtics step offset 0,0.5; set ytics step offset 0.6,0
set palette defined (@DIVERGE)
set cbrange [-1:1]
unset colorbox
array I[NR*NR]
do for [k=1:NR*NR] { I[k] = k }
row(k) = int((k - 1)/NR) + 1
col(k) = (k - 1) % NR + 1
in_cell(v) = v != v ? "" : abs(v) < 0.005 ? "0" : abs(v) >= 0.995 ? (v < 0 ? "−1" : "1") : v < 0 ? "−".sprintf("%.2f", -v)[2:4] : sprintf("%.2f", v)[2:4]
tint(p, l, k) = diverge(C7[cell(p, l, 1, 1) + int(k) - 1])
ink(v) = v > 0.5 || v < -0.5 ? 0xFFFFFF : 0x000000
do for [r=1:NR] { set label 10 + r sprintf("%d  %s", r, shortened(name(r), LEGEND == 1 ? 53 : 24)) at screen (1.0 + ((r - 1) % LEGEND)*(W - 1.0)/LEGEND)/W, \
    screen (FOOT - 0.7 - 0.36*int((r - 1)/LEGEND))/H left font ",7" tc rgb DARK }
set label 1 "above the diagonal: same initial weights; below: others" at screen 1.0/W, screen 1 - 0.25/H left font ",7" tc rgb DARK
do for [i=1:R] {
    l = layer_of(i)
    do for [p=1:2] {
        set title (l == NC ? "all" : LAYER[l]) offset 0,-0.8
        if (i == 1) { set label 3 (p == RAW ? "as found" : "units matched") at graph 0.5,1 center offset 0,2.1 } else { unset label 3 }
        set format y (p == RAW ? "%g" : ""); set format x (i == R ? "%g" : "")
        if (i == R && p == MATCHED) {
            set colorbox user origin screen 1 - 1.35/W, screen FOOT/H size screen 0.25/W, screen SIDE/H
            set cbtics ("−1" -1, "chance" 0, "1" 1) scale 0.3 offset -0.4,0
        }
        if (p == RAW) { set label 2 "method" at graph -0.22,0.5 center rotate by 90 font ",7" tc rgb DARK } else { unset label 2 }
        plot I using (col(int($1))):(row(int($1))):(red(tint(p, l, $1))):(green(tint(p, l, $1))):(blue(tint(p, l, $1))) with rgbimage, @COLOURS, \
            I using (NR <= 6 ? col(int($1)) : NaN):(row(int($1))):(in_cell(C7[cell(p, l, 1, 1) + int($1) - 1])): \
                (ink(C7[cell(p, l, 1, 1) + int($1) - 1])) with labels font ",6" tc rgb variable
        if (i == 1 && p == RAW) { do for [k=1:NR + 10] { unset label k }; unset label 1 }
    }
}
unset multiplot
