# SPDX-License-Identifier: GPL-3.0-or-later
# similarity.gp - Jaccard similarity of the masks of every two moments of training, one matrix for each layer.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/similarity.gp
# Reads similarity.tsv. Variables: FMT, OUT (style.gp); Y, the column that is drawn (jaccard, or agreement). Mean over the
# runs, at the moments of the first one; all layers have one colour scale.
FIGURE = "similarity"
TABLE = "similarity.tsv"
load "plots/style.gp"
if (!exists("Y")) Y = "jaccard"
set datafile columnheaders
# The first run's rows list the layers and the moments (XS: steps, or rounds, which may share a step); the whole network
# comes last, unless it is one layer.
FROM = IN_ROUNDS ? "from_record" : "from_step"; TO = IN_ROUNDS ? "to_record" : "to_step"; TIME = IN_ROUNDS ? "to_record" : "to_epoch"
array EPOCH[41]
list(run, layer, x, epoch) = (add_run(run), add_layer(layer), run eq RUNS[1] ? (add_x(x), EPOCH[find_x(x)] = epoch, 0) : 0)
stats TABLE using (used(strcol("run")) ? list(strcol("run"), strcol("layer"), column(TO), column(TIME)) : 0) nooutput
ONLY = NL == 1
if (!ONLY) { NL = NL + 1; LAYER[NL] = "all"; L_LAST = 0 }
array SUMS[NL*NX*NX]; array TIMES[NL*NX*NX]
do for [k=1:NL*NX*NX] { SUMS[k] = 0.0; TIMES[k] = 0 }
cell(l, a, b) = ((l - 1)*NX + a - 1)*NX + b
put(k, v) = (SUMS[k] = SUMS[k] + v, TIMES[k] = TIMES[k] + 1, 0)
# Moments that the first run has not are left out. Rows come by layer, then from, then to: the last of each is found.
F_STEP = -1; F_LAST = 0
from_x(x) = x == F_STEP ? F_LAST : (F_STEP = x, F_LAST = find_x(x), F_LAST)
add(l, a, b, v) = (l < 1 || a < 1 || b < 1 || v != v) ? 0 : (put(cell(l, a, b), v), a == b ? 0 : put(cell(l, b, a), v))
stats TABLE using (used(strcol("run")) ? add(find_layer(strcol("layer")), from_x(column(FROM)), find_x(column(TO)), \
    column(Y)) : 0) nooutput
unset datafile columnheaders
mean(k) = TIMES[k] ? SUMS[k]/TIMES[k] : NaN
N = n_panels(NL); C = columns(N, 4); R = rows(N, 4)
W = 17.0; SIDE = (W - 1.25 - 1.85 - (C - 1)*0.65)/C; SIDE = SIDE > 4.6 ? 4.6 : SIDE; W = 1.25 + 1.85 + C*SIDE + (C - 1)*0.65
H = 1.15 + 1.05 + R*SIDE + (R - 1)*0.75
eval page(W, H)
eval panels(R, C, W, H, 1.25, 1.85, 1.15, 1.05, 0.65, 0.75)
unset grid
set border 15 lc rgb GREY lw 0.5
set xrange [0.5:NX + 0.5]; set yrange [0.5:NX + 0.5]
set palette defined (@VIRIDIS)
set cbrange [0:1]
unset colorbox
# Records are about equally far apart: round epochs stand where they would be between them.
SPAN = EPOCH[NX] - EPOCH[1]
place(e) = SPAN > 0 ? 1 + (NX - 1)*(e - EPOCH[1])/SPAN : 1
TIC = SPAN > 0 ? round_step(SPAN, 4) : 1
if (IN_ROUNDS) { TIC = whole_step(TIC) }
array I[NX*NX]
do for [k=1:NX*NX] { I[k] = k }
row(k) = int((k - 1)/NX) + 1
col(k) = (k - 1) % NX + 1
set label 1 (IN_ROUNDS ? "round" : "epoch") at screen 0.3/W, screen (1.15 + (H - 2.2)/2)/H center rotate by 90 font ",8"
set label 2 (IN_ROUNDS ? "round" : "epoch") at screen (1.25 + (W - 3.1)/2)/W, screen 0.3/H center font ",8"
set label 3 runs_text(NR).thinned(NL) at screen 1.25/W, screen 1 - 0.35/H left font ",7" tc rgb DARK
do for [p=1:N] {
    l = panel(p)
    set title (LAYER[l] eq "all" ? "all layers" : LAYER[l])
    set xtics () scale 0.4 font ",7" textcolor rgb DARK; set ytics () scale 0.4 font ",7" textcolor rgb DARK
    do for [k=0:(SPAN > 0 ? int(SPAN/TIC + 0.001) : 0)] {
        e = TIC*(int(ceil(EPOCH[1]/TIC)) + k)
        if (SPAN <= 0) { e = EPOCH[1] }
        if (e <= EPOCH[NX]) {
            set xtics add ((is_bottom(p, N, C) ? sprintf("%g", e) : "") place(e))
            set ytics add ((is_left(p, C) ? sprintf("%g", e) : "") place(e))
        }
    }
    set object 1 rectangle from graph 0,0 to graph 1,1 fc rgb LIGHT fs solid noborder behind
    if (p == N) {
        set colorbox user origin screen 1 - 1.55/W, screen 1.15/H size screen 0.28/W, screen SIDE/H
        set cbtics 0.2 scale 0.3
        set cblabel (Y eq "jaccard" ? "Jaccard similarity" : Y) offset 0.2,0
    }
    plot I using (col(int($1))):(row(int($1))):(mean(cell(l, 1, 1) + int($1) - 1)) with image
    unset label
}
unset multiplot
