# SPDX-License-Identifier: GPL-3.0-or-later
# input-pixels.gp - which input pixels the first layer reads: kept and inverted weights per pixel and the number of
# routes from the pixel to the outputs, mean over the runs.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/input-pixels.gp
# Reads neurons.tsv and data/networks.tsv. Variables: FMT, OUT (style.gp).
FIGURE = "input-pixels"
TABLE = "neurons.tsv"
load "plots/style.gp"
set datafile columnheaders
array SHAPE[2] = [0, 0]
stats "data/networks.tsv" using (!used(strcol("run")) ? 0 : (SHAPE[1] = int(column("input_height")), SHAPE[2] = int(column("input_width")), 0)) nooutput
ROWS = SHAPE[1]; COLS = SHAPE[2]; N = ROWS*COLS
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? add_run(strcol("run")) : 0) : 0) nooutput
array K[N]; array V[N]; array P[N]; array D[N]
do for [k=1:N] { K[k] = 0.0; V[k] = 0.0; P[k] = 0.0; D[k] = 0 }
# A pixel without a route (-inf) stays out of the mean; a pixel without any in every run stays blank.
put(u, k, v, p) = u > N ? 0 : (K[u] = K[u] + k, V[u] = V[u] + v, (p > -1 ? (P[u] = P[u] + p, D[u] = D[u] + 1) : 0), 0)
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? put(int(column("unit")) + 1, column("kept_out"), column("inverted_out"), \
    (strcol("log10_paths") eq "-inf" ? -2 : column("log10_paths"))) : 0) : 0) nooutput
unset datafile columnheaders
# A mask that inverts nothing has no picture of it.
array SHOWN[3] = [1, 2, 3]; NP = 3
if ((sum [k=1:N] V[k]) == 0) { SHOWN[2] = 3; NP = 2 }
SIDE = (17.0 - 3*1.75 - 0.3)/3; W = 0.3 + NP*(SIDE + 1.75); H = SIDE*ROWS/COLS + 1.35
eval page(W, H)
eval panels(1, NP, W, H, 0.3, 1.75, 0.25, 1.1, 1.75, 0)
unset grid; unset tics; unset key
set border 15 lc rgb GREY lw 0.5
set xrange [-0.5:COLS - 0.5]; set yrange [ROWS - 0.5:-0.5]
set object 1 rectangle from graph 0,0 to graph 1,1 fc rgb LIGHT fs solid noborder behind
array I[N]
do for [k=1:N] { I[k] = k }
array TITLE[3] = ["kept weights", "inverted weights", "log₁₀ routes to the outputs"]
of(p, k) = p == 1 ? K[k]/NR : p == 2 ? V[k]/NR : D[k] ? P[k]/D[k] : NaN
TOP = 0
do for [k=1:N] { TOP = of(1, k) > TOP ? of(1, k) : TOP; TOP = of(2, k) > TOP ? of(2, k) : TOP }
set label 3 (NR == 1 ? RUNS[1] : sprintf("mean over %d runs", NR)) at screen 0.3/W, screen 1 - 0.3/H left font ",7" tc rgb DARK
do for [i=1:NP] {
    p = SHOWN[i]
    set title TITLE[p]
    if (p == 1) { set palette defined (0 '#FFFFFF', 0.5 '#6BAED6', 1 '#08306B') }
    if (p == 2) { set palette defined (0 '#FFFFFF', 0.5 '#F5A05A', 1 '#7A2E00') }
    if (p == 3) { set palette defined (@VIRIDIS) }
    if (p < 3) { set cbrange [0:TOP > 0 ? TOP : 1] } else { set cbrange [*:*] }
    set colorbox user origin screen (i*(SIDE + 1.75) - 1.75 + 0.3 + 0.2)/W, screen 0.25/H size screen 0.25/W, screen (H - 1.35)/H
    set cbtics scale 0.3 font ",7" textcolor rgb DARK
    plot I using ((int($1) - 1) % COLS):(int((int($1) - 1)/COLS)):(of(p, int($1))) with image
    unset label 3
}
unset multiplot
