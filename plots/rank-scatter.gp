# SPDX-License-Identifier: GPL-3.0-or-later
# rank-scatter.gp - the rank of every unit in one run against the rank of the same unit (inputs) or its partner (hidden
# units) in another: by routes from input to output through the unit, 1 = most. One panel for each layer but the output.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/rank-scatter.gp
# Reads neurons.tsv, matches.tsv (partners by weights, if the table has them) and consistency.tsv. Variables: FMT, OUT,
# GROUP (style.gp); RUN_A and RUN_B, names of runs (the first two of the group). Grey: dead in one of the two runs.
FIGURE = "rank-scatter"
TABLE = "neurons.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? add_run(strcol("run")) : 0) nooutput
if (!exists("RUN_A")) RUN_A = RUNS[1]
if (!exists("RUN_B")) RUN_B = RUNS[2]
# UNITS[l]: units of layer l, which stand at FIRST[l] .. in the arrays below.
array UNITS[1024]; array FIRST[1024]
count(l) = (UNITS[l] = l > N_LAYERS ? (N_LAYERS = l, 1) : UNITS[l] + 1, 0)
N_LAYERS = 0
stats TABLE using (strcol("run") eq RUN_A ? (add_layer(strcol("layer")), count(find_layer(strcol("layer")))) : 0) nooutput
total = 0
do for [l=1:NL] { FIRST[l] = total; total = total + UNITS[l] }
array RANK_A[total]; array RANK_B[total]; array ALIVE_A[total]; array ALIVE_B[total]; array PARTNER[total]
do for [l=1:NL] { do for [u=1:UNITS[l]] { PARTNER[FIRST[l] + u] = FIRST[l] + u } }
at(layer, unit) = FIRST[find_layer(layer)] + int(unit) + 1
put_a(i, r, a) = (RANK_A[i] = r, ALIVE_A[i] = a, 0)
put_b(i, r, a) = (RANK_B[i] = r, ALIVE_B[i] = a, 0)
stats TABLE using (strcol("run") eq RUN_A ? put_a(at(strcol("layer"), column("unit")), column("rank"), column("alive")) : \
    strcol("run") eq RUN_B ? put_b(at(strcol("layer"), column("unit")), column("rank"), column("alive")) : 0) nooutput
# The last kind of comparison in the table: weight, unless the table has masks only.
pair(a, b) = a eq RUN_A && b eq RUN_B
stats "matches.tsv" using (pair(strcol("run_a"), strcol("run_b")) ? (PARTNER[at(strcol("layer"), column("unit_a"))] = \
    at(strcol("layer"), column("unit_b")), 0) : 0) nooutput
# Spearman's correlation of this pair, and its range over all pairs of the group.
array RHO_ALL[NL]; array RHO_ALIVE[NL]
do for [l=1:NL] { RHO_ALL[l] = NaN; RHO_ALIVE[l] = NaN }
rho(l, among, r) = among eq "all" ? (RHO_ALL[l] = r, 0) : (RHO_ALIVE[l] = r, 0)
stats "consistency.tsv" using (pair(strcol("run_a"), strcol("run_b")) && strcol("statistic") eq "log10_paths" ? \
    rho(find_layer(strcol("layer")), strcol("among"), column("spearman")) : 0) nooutput
unset datafile columnheaders
NL = NL > 2 ? NL - 1 : NL
N = NL > 8 ? 8 : NL
MOST_PANELS = N
C = columns(N, 4); R = rows(N, 4)
SIDE = 4.3
W = 1.5 + C*SIDE + (C - 1)*1.15 + 0.4; H = 1.2 + R*SIDE + (R - 1)*1.5 + 1.25
W = W < 8.5 ? 8.5 : W
eval page(W, H)
eval panels(R, C, W, H, 1.5, W - 1.5 - C*SIDE - (C - 1)*1.15, 1.2, 1.25, 1.15, 1.5)
set size square
short(s) = strlen(s) > 30 ? s[1:28]."…" : s
set label 1 "rank in ".short(RUN_A) at screen 0.5, screen 0.3/H center font ",8"
set label 2 "rank in ".short(RUN_B) at screen 0.3/W, screen (1.2 + (H - 2.45)/2)/H center rotate by 90 font ",8"
eval swatch(1, 1.5, 0.35, W, H, BLUE, "alive in both runs")
eval swatch(2, 4.9, 0.35, W, H, 0xB0B0B0, "dead in one or both: tied at the end")
array INDEX[total]
do for [k=1:total] { INDEX[k] = k }
both_alive(k) = ALIVE_A[k] > 0 && ALIVE_B[PARTNER[k]] > 0
in_layer(l, k) = k > FIRST[l] && k <= FIRST[l] + UNITS[l]
x_of(l, k, wanted) = in_layer(l, k) && both_alive(k) == wanted ? RANK_A[k] : NaN
dead(l) = sum [_k=FIRST[l] + 1:FIRST[l] + UNITS[l]] (!(ALIVE_A[_k] > 0) && !(ALIVE_B[PARTNER[_k]] > 0))
number(r) = r != r ? "–" : sprintf("%.2f", r)
set grid xtics ytics lc rgb 0xE6E6E6 lw 0.6 lt 1
do for [p=1:N] {
    l = panel(p)
    set title LAYER[l].": ρ = ".number(RHO_ALL[l]).", alive ".number(RHO_ALIVE[l])
    set xrange [0:UNITS[l] + 1]; set yrange [0:UNITS[l] + 1]
    step = UNITS[l] <= 12 ? 2 : UNITS[l] <= 60 ? 10 : UNITS[l] <= 120 ? 25 : UNITS[l] <= 400 ? 100 : UNITS[l] <= 1000 ? 250 : 1000
    set xtics step; set ytics step
    size = UNITS[l] <= 20 ? 0.9 : UNITS[l] <= 150 ? 0.6 : 0.4
    # All units that are dead in both lie on one point: half of them from the end.
    if (dead(l) > 1) { set label 3 sprintf("%d units", dead(l)) at first UNITS[l] - 0.5*dead(l), first UNITS[l] - 0.5*dead(l) right offset -0.6,0.5 font ",7" tc rgb GREY }
    plot [k=0:UNITS[l] + 1] '+' using 1:1 with lines lc rgb 0xC0C0C0 lw 0.8, \
        INDEX using (x_of(l, int($1), 0)):(RANK_B[PARTNER[int($1)]]) with points pt 7 ps size lc rgb faint(0x909090, 0.5), \
        INDEX using (x_of(l, int($1), 1)):(RANK_B[PARTNER[int($1)]]) with points pt 7 ps size lc rgb faint(BLUE, 0.6)
    eval no_legend(2); unset label 1; unset label 2; unset label 3
}
unset multiplot
