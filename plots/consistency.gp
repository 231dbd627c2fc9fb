# SPDX-License-Identifier: GPL-3.0-or-later
# consistency.gp - do two runs rank the same units high? Spearman's and Kendall's rank correlation and the overlap of the
# highest tenth, for each layer and each measure of a unit: mean over the pairs of runs, lowest to highest pair.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/consistency.gp
# Reads consistency.tsv. Variables: FMT, OUT, GROUP (style.gp). Filled: all units of the layer; open: those that are
# alive in both runs. A measure that ranks exactly as another (strength and fan-in where all |w| are equal) is left out.
FIGURE = "consistency"
TABLE = "consistency.tsv"
load "plots/style.gp"
array STATISTIC[6] = ["fan_in", "fan_out", "log10_paths", "strength_in", "strength_out", "log10_synflow"]
array NAMES[6] = ["fan-in", "fan-out", "routes", "strength in", "strength out", "SynFlow"]
array COLOURS[6] = [BLUE, GREEN, VERMILION, SKY, ORANGE, PURPLE]
NS = 6
number(s) = sum [_s=1:NS] (STATISTIC[_s] eq s ? _s : 0)
mine(a, b) = used(a) && used(b)
set datafile columnheaders
stats TABLE using (mine(strcol("run_a"), strcol("run_b")) ? (add_run(strcol("run_a")), add_run(strcol("run_b")), add_layer(strcol("layer")), 0) : 0) nooutput
N = NL > 12 ? 12 : NL
MOST_PANELS = N
# Cells: quantity (Spearman, Kendall, top), among (all, alive), statistic, layer.
cell(q, m, s, l) = ((q*2 + m)*NS + s - 1)*NL + l
CELLS = 3*2*NS*NL
array COUNT[CELLS]; array SUM[CELLS]; array LOW[CELLS]; array HIGH[CELLS]; array CHANCE[NL]; array PAIRS[NL]
do for [c=1:CELLS] { COUNT[c] = 0; SUM[c] = 0.0; LOW[c] = 2.0; HIGH[c] = -2.0 }
do for [l=1:NL] { CHANCE[l] = 0.0; PAIRS[l] = 0 }
add(c, y) = y != y ? 0 : (COUNT[c] = COUNT[c] + 1, SUM[c] = SUM[c] + y, LOW[c] = (y < LOW[c] ? y : LOW[c]), HIGH[c] = (y > HIGH[c] ? y : HIGH[c]), 0)
chance(l, e) = e != e ? 0 : (CHANCE[l] = CHANCE[l] + e, PAIRS[l] = PAIRS[l] + 1, 0)
alive(a) = a eq "alive" ? 1 : 0
put(m, s, l, r, t, o, e) = (add(cell(0, m, s, l), r), add(cell(1, m, s, l), t), add(cell(2, m, s, l), o), chance(l, e), 0)
stats TABLE using (mine(strcol("run_a"), strcol("run_b")) ? put(alive(strcol("among")), number(strcol("statistic")), find_layer(strcol("layer")), \
    column("spearman"), column("kendall_tau_b"), column("top_overlap"), column("expected_top_overlap")) : 0) nooutput
unset datafile columnheaders
# Statistics 4, 5, 6 beside 1, 2, 3.
same_cell(c, d) = COUNT[c] == COUNT[d] && abs(SUM[c] - SUM[d]) < 1e-9 && abs(LOW[c] - LOW[d]) < 1e-9 && abs(HIGH[c] - HIGH[d]) < 1e-9
differs(s) = sum [_q=0:2] (sum [_m=0:1] (sum [_l=1:NL] (!same_cell(cell(_q, _m, s, _l), cell(_q, _m, s - 3, _l)))))
SHOWN = "1 2 3"
do for [s=4:6] { if (differs(s)) { SHOWN = SHOWN.sprintf(" %d", s) } }
NSHOWN = words(SHOWN)
W = N*NSHOWN <= 16 ? 12.0 : 17.0; H = 10.3
eval page(W, H)
eval panels(3, 1, W, H, 1.55, 0.3, 0.85, 1.2, 0, 0.45)
pairs = NR*(NR - 1)/2
set label 1 (GROUP_LABEL eq "" ? "" : GROUP_LABEL." · ").sprintf("%d pair%s of runs", pairs, pairs == 1 ? "" : "s").thinned(NL) at screen 1.55/W, screen 1 - 0.35/H left font ",7" tc rgb DARK
step = (W - 2.0)/NSHOWN
do for [k=1:NSHOWN] { s = int(word(SHOWN, k)); eval swatch(k, 1.55 + (k - 1)*(step < 2.5 ? step : 2.5), 0.75, W, H, COLOURS[s], NAMES[s]) }
set label 2 "filled: all units · open: units alive in both runs" at screen 1 - 0.3/W, screen 1 - 0.35/H right font ",7" tc rgb DARK
WIDTH = 0.8/(2*NSHOWN)
x_of(p, k, m) = p - 0.4 + (2*(k - 1) + m + 0.5)*WIDTH
array P[N]
do for [p=1:N] { P[p] = p }
set xrange [0.5:N + 0.5]
mean(c) = COUNT[c] ? SUM[c]/COUNT[c] : NaN
low(c) = COUNT[c] ? LOW[c] : NaN
high(c) = COUNT[c] ? HIGH[c] : NaN
c_of(q, p, k, m) = cell(q, m, int(word(SHOWN, k)), panel(int(p)))
lowest(q) = (_v = 0.0, (sum [_c=q*2*NS*NL + 1:(q + 1)*2*NS*NL] (COUNT[_c] && LOW[_c] < _v ? (_v = LOW[_c], 0) : 0)), _v)
array TITLES[3] = ["Spearman's ρ", "Kendall's τ-b", "top-tenth overlap"]
colour(k) = COLOURS[int(word(SHOWN, k))]
do for [q=0:2] {
    set ylabel TITLES[q + 1] offset 0.6,0
    tics = lowest(q) < -0.25 ? 0.5 : 0.25
    set yrange [floor(4*lowest(q))/4.0:1.03]; set ytics tics
    set xtics scale 0 (); do for [p=1:N] { set xtics add ((q == 2 ? LAYER[panel(p)] : "") p) }
    if (lowest(q) < 0) { set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead lc rgb GREY lw 0.8 }
    plot for [k=1:NSHOWN] for [m=0:1] P using (x_of($1, k, m)):(low(c_of(q, $1, k, m))):(0):(high(c_of(q, $1, k, m)) - low(c_of(q, $1, k, m))) \
            with vectors nohead lc rgb faint(colour(k), 0.45) lw 2.2, \
        for [k=1:NSHOWN] P using (x_of($1, k, 0)):(mean(c_of(q, $1, k, 0))) with points pt 7 ps 0.8 lc rgb colour(k), \
        for [k=1:NSHOWN] P using (x_of($1, k, 1)):(mean(c_of(q, $1, k, 1))) with points pt 7 ps 0.8 lc rgb colour(k), \
        for [k=1:NSHOWN] P using (x_of($1, k, 1)):(mean(c_of(q, $1, k, 1))) with points pt 7 ps 0.45 lc rgb 0xFFFFFF, \
        P using ($1 - 0.42):(q == 2 && PAIRS[panel(int($1))] ? CHANCE[panel(int($1))]/PAIRS[panel(int($1))] : NaN):(0.84):(0) with vectors nohead lc rgb 0x000000 lw 1.2 dt 3
    eval no_legend(NSHOWN); unset label 1; unset label 2; unset arrow 1
}
unset multiplot
