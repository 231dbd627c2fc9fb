# SPDX-License-Identifier: GPL-3.0-or-later
# fan-in.gp - fan-in (non-hidden incoming weights) of each layer's units, sorted from the largest, one line a run.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/fan-in.gp
# Reads neurons.tsv and data/networks.tsv. Variables: FMT, OUT (style.gp). Dashed: what the first run's density would
# give if its remaining weights lay anywhere in the layer with equal chance (normal approximation of the binomial).
FIGURE = "fan-in"
TABLE = "neurons.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? 0 : (add_run(strcol("run")), add_layer(strcol("layer")), 0)) : 0) nooutput
# CAPACITY: incoming weights of a unit, hidden ones too. SUM and UNITS: fan-in of the first run.
array CAPACITY[NL]; array SUM[NL]; array UNITS[NL]; array TOP[NL]
do for [l=1:NL] { CAPACITY[l] = 0; SUM[l] = 0.0; UNITS[l] = 0; TOP[l] = 1 }
capacity(l, n) = l ? (CAPACITY[l] = n, 0) : 0
stats "data/networks.tsv" using (!used(strcol("run")) ? 0 : capacity(find_layer(strcol("layer")), \
    column("units_in")*column("kernel_height")*column("kernel_width"))) nooutput
put(l, r, v) = (l < 1 || v != v) ? 0 : (r == 1 ? (SUM[l] = SUM[l] + v, UNITS[l] = UNITS[l] + 1) : 0, \
    TOP[l] = (v > TOP[l] ? v : TOP[l]), 0)
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? 0 : put(find_layer(strcol("layer")), find_run(strcol("run")), column("fan_in"))) : 0) nooutput
# FAN holds the fan-ins of layer l and run r from FIRST[(l - 1)*NR + r] on, USED of them.
array USED[NL*NR]; array FIRST[NL*NR]
do for [k=1:NL*NR] { USED[k] = 0 }
block(l, r) = (l && r) ? (l - 1)*NR + r : 0
count(b) = b ? (USED[b] = USED[b] + 1, 0) : 0
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? 0 : count(block(find_layer(strcol("layer")), find_run(strcol("run"))))) : 0) nooutput
total = 1
do for [k=1:NL*NR] { FIRST[k] = total; total = total + USED[k]; USED[k] = 0 }
array FAN[total]
store(b, v) = b ? (FAN[FIRST[b] + USED[b]] = v, count(b)) : 0
stats TABLE using (used(strcol("run")) ? (strcol("layer") eq "input" ? 0 : store(block(find_layer(strcol("layer")), find_run(strcol("run"))), column("fan_in"))) : 0) nooutput
unset datafile columnheaders
N = n_panels(NL); C = columns(N, 4); R = rows(N, 4)
W = N == 1 ? 8.5 : 17.0; H = 1.95 + (R > 1 ? 3.0 : 4.2)*R
eval page(W, H)
eval panels(R, C, W, H, 1.35, 0.35, 1.15, 1.35, 1.0, 0.75)
set xrange [0:100]; set xtics 25
set label 1 "fan-in" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 "units of the layer, sorted (%)" at screen 0.5, screen 0.3/H center font ",8"
set label 3 runs_text(NR).thinned(NL) at screen 1.35/W, screen 1 - 0.4/H left font ",8"
eval stroke(1, W - 4.6, 0.4, W, H, 0x000000, 2, "spread evenly at random")
eval stroke(2, W - 6.4, 0.4, W, H, BLUE, 1, "run")
opacity = NR <= 3 ? 1.0 : NR <= 10 ? 0.6 : 0.3
set samples 400
do for [i=1:N] {
    l = panel(i)
    # Counting from the largest: -fan_in ascends. Every run of this layer is a block of its own.
    set table $P
    set xrange [*:*]; set yrange [*:*]; set format x "%g"
    plot for [r=1:NR] [k=0:USED[block(l, r)] - 1:1] '+' using (-FAN[FIRST[block(l, r)] + int(k)]):(1.0) smooth cnormal
    unset table
    share = CAPACITY[l] > 0 && UNITS[l] > 0 ? SUM[l]/UNITS[l]/CAPACITY[l] : NaN
    middle = CAPACITY[l]*share
    spread = sqrt(CAPACITY[l]*share*(1 - share))
    expected(x) = x > 0.2 && x < 99.8 ? (_e = middle + spread*invnorm(1 - x/100), _e > 0 ? _e : 0) : NaN
    set xrange [0:100]; set yrange [0:1.05*TOP[l]]
    set title LAYER[l]
    set format x (is_bottom(i, N, C) ? "%g" : "")
    # gnuplot writes smoothed data with blanks between the columns.
    set datafile separator whitespace
    plot $P every ::0::0 using (0):(-$1):(100*$2):(0) with vectors nohead lc rgb faint(BLUE, opacity) lw 1.5, \
        $P using (100*$2):(-$1) with fsteps lc rgb faint(BLUE, opacity) lw 1.5, expected(x) with lines lc rgb 0x000000 lw 1 dt 2
    set datafile separator tab
    eval no_legend(2); unset label 1; unset label 2; unset label 3
}
unset multiplot
