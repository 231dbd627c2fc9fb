# SPDX-License-Identifier: GPL-3.0-or-later
# layers-ratios.gp - keep, hide and invert shares of each layer at the last record: stacked bars, mean over the runs.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/layers-ratios.gp
# Reads ratios.tsv. Variables: FMT, OUT (style.gp). Whiskers: 95 % interval of the mean of the remaining share (Student),
# from two runs on; the number over a bar is that mean.
FIGURE = "layers-ratios"
load "plots/style.gp"
TABLE = "ratios.tsv"
set datafile columnheaders
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer"))) : 0) nooutput
NL = NL + 1; LAYER[NL] = "all"; L_LAST = 0
# The last row of a run and layer stays in the cell.
array KEPT[NR*NL]; array INVERTED[NR*NL]
do for [k=1:NR*NL] { KEPT[k] = NaN; INVERTED[k] = NaN }
cell(r, l) = (r - 1)*NL + l
stats TABLE using (used(strcol("run")) ? (_c = cell(find_run(strcol("run")), find_layer(strcol("layer"))), KEPT[_c] = column("keep"), \
    INVERTED[_c] = column("invert"), 0) : 0) nooutput
array MK[NL]; array MI[NL]; array MR[NL]; array HW[NL]
do for [l=1:NL] {
    n = 0; sk = 0.0; si = 0.0; s1 = 0.0; s2 = 0.0
    do for [r=1:NR] {
        k = KEPT[cell(r, l)]; v = INVERTED[cell(r, l)]
        if (k == k) { n = n + 1; sk = sk + k; si = si + v; s1 = s1 + k + v; s2 = s2 + (k + v)**2 }
    }
    MK[l] = n ? sk/n : NaN; MI[l] = n ? si/n : NaN; MR[l] = n ? s1/n : NaN; HW[l] = half_width(n, s1, s2)
}
W = NL <= 6 ? 8.5 : 17.0; H = 6.4
unset datafile columnheaders
eval page(W, H)
set lmargin at screen 1.25/W; set rmargin at screen 1 - 0.25/W; set tmargin at screen 1 - 1.15/H
set bmargin at screen (NL > 12 ? 1.6 : 0.95)/H
unset grid
set xrange [0.4:NL + 0.6]; set yrange [0:1]
set boxwidth 0.78
set ytics ("0" 0, "25" 0.25, "50" 0.5, "75" 0.75, "100" 1); set xtics scale 0
set xtics () ; do for [l=1:NL] { if (NL <= 40 || (l - 1) % 10 == 0) { set xtics add (LAYER[l] l) } }
if (NL > 12) set xtics rotate by 60 right
set ylabel "share of the weights (%)" offset 0.8,0
eval shares_legend(W, H)
set label 1 runs_text(NR) at screen 1.25/W, screen 1 - 0.75/H left font ",7" tc rgb DARK
# The number over a bar and its whisker; where there is no room, below them in the bar, white.
# Bars narrower than "100 %" have it without the sign.
number(x) = NL > 24 ? "" : NL > 17 ? word(percent(x), 1) : percent(x)
whisker(l) = HW[l] == HW[l] ? HW[l] : 0
fits_above(l) = MR[l] + whisker(l) < 0.9
number_at(l) = fits_above(l) ? MR[l] + whisker(l) + 0.035 : MR[l] - whisker(l) > 0.1 ? MR[l] - whisker(l) - 0.05 : 0.05
plot MK using (column(1)):(1) with boxes fc rgb HIDE, \
    MK using 1:(MK[$1] + MI[$1]) with boxes fc rgb KEEP, MI using 1:(MI[$1]) with boxes fc rgb INVERT, \
    HW using 1:(MR[$1] - HW[$1]):(0):(2*HW[$1]) with vectors heads size graph 0.012,90 lc rgb 0x000000 lw 0.8, \
    HW using 1:(number_at($1)):(number(MR[$1])):(fits_above($1) ? DARK : 0xFFFFFF) \
        with labels center font ",7" tc rgb variable
