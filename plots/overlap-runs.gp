# SPDX-License-Identifier: GPL-3.0-or-later
# overlap-runs.gp - Jaccard similarity of the remaining weights of every pair of runs, one matrix for each layer.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/overlap-runs.gp
# Reads overlap.tsv. Variables: FMT, OUT (style.gp); ALIGNMENT (raw), COMPARE (mask; where the table has it not, what it
# has). Runs are numbered in the order of the table; the names of up to 12 stand under the panels.
# Called by overlap-runs-aligned.gp, which sets FIGURE, ALIGNMENT and COMPARE.
if (!exists("FIGURE")) FIGURE = "overlap-runs"
if (!exists("ALIGNMENT")) ALIGNMENT = "raw"
if (!exists("COMPARE")) COMPARE = "mask"
TABLE = "overlap.tsv"
load "plots/style.gp"
set datafile columnheaders
HAS_COMPARED = 0; OTHER = ""
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (add_run(strcol("run_a")), add_run(strcol("run_b")), add_layer(strcol("layer")), \
    (strcol("compare") eq COMPARE ? (HAS_COMPARED = 1) : (OTHER = strcol("compare"), 0)), 0) : 0) nooutput
if (!HAS_COMPARED) COMPARE = OTHER
# J: the matrices, layer after layer; HIGH and LOW: the range of each.
array J[NL*NR*NR]; array HIGH[NL]; array LOW[NL]
do for [k=1:NL*NR*NR] { J[k] = NaN }
do for [k=1:NL] { HIGH[k] = -1.0; LOW[k] = 2.0 }
cell(l, a, b) = ((l - 1)*NR + a - 1)*NR + b
put(l, a, b, v) = (l < 1 || v != v) ? 0 : (J[cell(l, a, b)] = v, J[cell(l, b, a)] = v, \
    HIGH[l] = (v > HIGH[l] ? v : HIGH[l]), LOW[l] = (v < LOW[l] ? v : LOW[l]), 0)
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (strcol("compare") eq COMPARE && strcol("alignment") eq ALIGNMENT ? \
    put(find_layer(strcol("layer")), find_run(strcol("run_a")), find_run(strcol("run_b")), column("jaccard")) : 0) : 0) nooutput
unset datafile columnheaders
N = n_panels(NL); C = columns(N, NR > 12 ? 3 : 4); R = rows(N, C)
W = 17.0; SIDE = (W - 1.15 - 2.3 - (C - 1)*0.7)/C; SIDE = SIDE > 4.6 ? 4.6 : SIDE; W = 1.15 + 2.3 + C*SIDE + (C - 1)*0.7
FOOT = NR <= 12 ? 0.9 + 0.33*ceil(NR/3.0) : 0.9
H = 0.85 + FOOT + R*SIDE + (R - 1)*0.95
eval page(W, H)
eval panels(R, C, W, H, 1.15, 2.3, FOOT, 0.85, 0.7, 0.95)
unset grid
set border 15 lc rgb GREY lw 0.5
set xrange [0.5:NR + 0.5]; set yrange [NR + 0.5:0.5]
step = NR <= 10 ? 1 : NR <= 25 ? 5 : 10
set tics scale 0
set palette defined (@VIRIDIS)
unset colorbox
name(r) = strlen(RUNS[r]) > 28 ? RUNS[r][1:26]."…" : RUNS[r]
if (NR <= 12) { do for [r=1:NR] { set label 10 + r sprintf("%d  %s", r, name(r)) at screen (0.5 + ((r - 1) % 3)*(W - 1.0)/3)/W, \
    screen (FOOT - 0.85 - 0.33*int((r - 1)/3))/H left font ",7" tc rgb DARK } }
array I[NR*NR]
do for [k=1:NR*NR] { I[k] = k }
row(k) = int((k - 1)/NR) + 1
col(k) = (k - 1) % NR + 1
two_digits(v) = v != v ? "" : sprintf(v < 0.01 ? "%.1g" : "%.2g", v)
# One scale for all panels, from nothing to the most similar pair of any: the same colour is the same similarity.
TOP = 0.0
do for [p=1:N] { TOP = HIGH[panel(p)] > TOP ? HIGH[panel(p)] : TOP }
if (TOP == 0) { TOP = 1.0 }
set cbrange [0:TOP]
range_text(l) = HIGH[l] < 0 ? "" : LOW[l] == HIGH[l] ? sprintf(": %.2g", LOW[l]) : sprintf(": %.2g to %.2g", LOW[l], HIGH[l])
do for [p=1:N] {
    l = panel(p)
    set title LAYER[l].range_text(l)
    set xtics step font ",7" textcolor rgb DARK; set ytics step font ",7" textcolor rgb DARK
    set format x "%g"; set format y (is_left(p, C) ? "%g" : "")
    set object 1 rectangle from graph 0,0 to graph 1,1 fc rgb LIGHT fs solid noborder behind
    if (p == 1) { set label 1 "run" at screen 0.3/W, screen (FOOT + (H - FOOT)/2)/H center rotate by 90 font ",8" }
    if (p == N) {
        set colorbox user origin screen 1 - 1.7/W, screen FOOT/H size screen 0.3/W, screen SIDE/H
        set cbtics ("0" 0, sprintf("%.2g", TOP) TOP) scale 0.3
        set cblabel "Jaccard similarity" offset -1,0
    }
    plot I using (col(int($1))):(row(int($1))):(J[cell(l, 1, 1) + int($1) - 1]) with image, \
        I using (NR <= 6 ? col(int($1)) : NaN):(row(int($1))):(two_digits(J[cell(l, 1, 1) + int($1) - 1])): \
            (J[cell(l, 1, 1) + int($1) - 1] < 0.6*TOP ? 0xFFFFFF : 0x000000) with labels font ",7" tc rgb variable
    unset label
}
unset multiplot
