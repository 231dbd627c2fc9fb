# SPDX-License-Identifier: GPL-3.0-or-later
# architectures.gp - kept and inverted weights of each layer, one panel for each group of runs, on one logarithmic axis.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/architectures.gp
# Reads data/architectures.tsv. Variables: FMT, OUT (style.gp).
FIGURE = "architectures"
TABLE = "data/architectures.tsv"
load "plots/style.gp"
set datafile columnheaders
MOST = 28
array INVERTS[MOST]; array NAME[MOST]; array NRUNS[MOST]; array DEPTH[MOST]; array REMAINS[MOST]
array S[2] = [0, 1.0]
do for [g=1:MOST] { INVERTS[g] = 0 }
inverts(g, x) = g > MOST || !(x > 0) ? 0 : (INVERTS[g] = 1, 0)
note(g, name, n, depth, remains) = g > MOST ? 0 : (NAME[g] = name, NRUNS[g] = n, DEPTH[g] = depth, REMAINS[g] = remains, 0)
least(x) = (x > 0 && x < S[2] ? (S[2] = x, 0) : 0)
stats TABLE using (S[1] = (column("group") > S[1] ? int(column("group")) : S[1]), note(int(column("group")), strcol("label"), \
    int(column("runs")), int(column("layers")), column("network_remaining")), least(column("keep")), least(column("invert")), inverts(int(column("group")), column("invert")), 0) nooutput
N = S[1] > MOST ? MOST : S[1]
# A power of ten that leaves the least share a bar.
FLOOR = 10.0**floor(log10(S[2]/1.25))
# A label is "recipe" or "recipe (what differs)": two lines, as long as the panel is wide.
cut(s, n) = strlen(s) > n ? substr(s, 1, n - 1)."…" : s
before(s) = strstrt(s, " (") ? substr(s, 1, strstrt(s, " (") - 1) : s
behind(s) = strstrt(s, " (") ? substr(s, strstrt(s, " (") + 2, strlen(s) - 1) : ""
DIFFERS = 0
do for [g=1:N] { if (strlen(behind(NAME[g]))) { DIFFERS = 1 } }
C = columns(N, 4); R = rows(N, 4)
W = 17.0; TALL = (R > 3 ? 2.6 : 3.4) + 0.35*DIFFERS; H = 1.9 + 0.35*DIFFERS + TALL*R
eval page(W, H)
eval panels(R, C, W, H, 1.35, 0.25, 0.75, 1.45 + 0.35*DIFFERS, 0.35, 1.15 + 0.35*DIFFERS)
WIDE = (W - 1.6 - 0.35*(C - 1))/C
CHARACTERS = int(WIDE/0.135)
set logscale y
set yrange [FLOOR:1]
set xtics scale 0.3
set label 1 "share of the layer's weights (%)" at screen 0.3/W, screen 0.5 center rotate by 90 font ",8"
set label 2 sprintf("%s (runs, remaining share) · layers, first to last", S[1] > N ? \
    sprintf("%d of %d groups", N, int(S[1])) : sprintf("%d groups", N)) \
    at screen 1.35/W, screen 1 - 0.4/H left font ",8" tc rgb DARK
eval swatch(1, W - 4.2, 0.4, W, H, KEEP, "keep"); eval swatch(2, W - 2.6, 0.4, W, H, INVERT, "invert")
of(g, x) = column("group") == g ? x : NaN
do for [g=1:N] {
    FACTS = sprintf(" (%d) %s", NRUNS[g], percent(REMAINS[g]))
    set title cut(before(NAME[g]), CHARACTERS - strlen(FACTS)).FACTS.(DIFFERS ? "\n".cut(behind(NAME[g]), CHARACTERS) : "") \
        font ",7" offset 0,-0.5
    set xrange [0.35:DEPTH[g] + 0.65]
    STEP = whole_step(fitting_step(DEPTH[g], WIDE, strlen(sprintf("%d", DEPTH[g]))))
    FIRST = STEP > 2 ? 0 : 1
    set xtics FIRST, STEP
    set ytics ("" 1, "" 0.1, "" 0.01, "" 0.001, "" 0.0001, "" 0.00001)
    if (is_left(g, C)) { set ytics ("100" 1, "10" 0.1, "1" 0.01, "0.1" 0.001, "0.01" 0.0001, "0.001" 0.00001) }
    # A group that inverts nothing has whole bars.
    WIDTH = INVERTS[g] ? 0.38 : 0.76; MIDDLE = INVERTS[g] ? 0.81 : 1
    plot TABLE using (column("index") + MIDDLE):(of(g, positive(column("keep")))):(WIDTH) with boxes fc rgb KEEP, \
        TABLE using (column("index") + 1.19):(of(g, positive(column("invert")))):(0.38) with boxes fc rgb INVERT
    unset label 1; unset label 2; eval no_legend(2)
}
unset multiplot
