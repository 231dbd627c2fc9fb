# SPDX-License-Identifier: GPL-3.0-or-later
# scores.gp - how the scores of each layer are spread before and after training, with the thresholds where the
# method has them, for one run.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/scores.gp
# Reads data/scores.tsv (densities in equal bins; weights outside the bins are none). Variables: FMT, OUT (style.gp).
FIGURE = "scores"
TABLE = "data/scores.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")), 0) : 0) nooutput
array TAU[NL]; array LEAST[NL]; array MOST[NL]; array EDGE[NL]
do for [l=1:NL] { TAU[l] = NaN; LEAST[l] = 1e300; MOST[l] = 0.0; EDGE[l] = 0.0 }
put(l, tau, edge, d) = (TAU[l] = tau, EDGE[l] = (edge > EDGE[l] ? edge : EDGE[l]), \
    LEAST[l] = (d > 0 && d < LEAST[l] ? d : LEAST[l]), MOST[l] = (d > MOST[l] ? d : MOST[l]), 0)
stats TABLE using (used(strcol("run")) ? (put(find_layer(strcol("layer")), column("threshold"), column("high"), column("final_density"))) : 0) nooutput
unset datafile columnheaders
N = n_panels(NL); C = columns(N, 4); R = rows(N, 4)
W = N == 1 ? 8.5 : 17.0; H = 1.95 + (R > 1 ? 3.0 : 4.2)*R
eval page(W, H)
eval panels(R, C, W, H, 1.6, 0.45, 1.15, 1.35, 1.15, 1.15)
set logscale y
set format y "%g"
set label 1 "density" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 "score m" at screen 0.5, screen 0.3/H center font ",8"
set label 3 RUNS[1].thinned(NL) at screen 1.35/W, screen 1 - 0.4/H left font ",8"
eval swatch(1, W - 7.9, 0.4, W, H, SKY, "after training")
eval stroke(2, W - 5.2, 0.4, W, H, DARK, 1, "before")
THRESHOLDS = 0
do for [l=1:NL] { THRESHOLDS = THRESHOLDS + (TAU[l] == TAU[l]) }
if (THRESHOLDS) { eval stroke(3, W - 3.4, 0.4, W, H, VERMILION, 2, "threshold ±τ") }
do for [i=1:N] {
    l = panel(i)
    set table $P separator tab
    plot TABLE using (column("low")):(column("final_density")):(column("initial_density")):(column("high")) with table if (strcol("run") eq RUNS[1] && strcol("layer") eq LAYER[l])
    unset table
    set title LAYER[l]
    set xrange [-EDGE[l]:EDGE[l]]
    eval "set xtics ".side_tics(side_tic(EDGE[l]))
    floor_l = LEAST[l] < 1e300 ? 10**floor(log10(LEAST[l])) : 0.1
    set yrange [floor_l:10**ceil(log10(MOST[l] > 0 ? MOST[l] : 1))]
    unset arrow 1; unset arrow 2
    if (TAU[l] == TAU[l]) {
        set arrow 1 from first TAU[l], graph 0 to first TAU[l], graph 1 nohead lc rgb VERMILION lw 1.2 dt 2 front
        set arrow 2 from first -TAU[l], graph 0 to first -TAU[l], graph 1 nohead lc rgb VERMILION lw 1.2 dt 2 front
    }
    # Empty bins lie below the axis: scores that begin at one value are a spike.
    plot $P using (0.5*($1 + $4)):(floor_l):($1):($4):(floor_l):($2 > 0 ? $2 : floor_l) with boxxyerror fc rgb SKY, \
         $P using 1:($3 > 0 ? $3 : 0.1*floor_l) with steps lc rgb DARK lw 1
    eval no_legend(3); unset label 1; unset label 2; unset label 3
}
unset multiplot
