# SPDX-License-Identifier: GPL-3.0-or-later
# survival.gp - which units of each layer still take part: fed (a kept incoming weight) and read (a kept outgoing one).
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/survival.gp
# Reads interfaces.tsv. Variables: FMT, OUT (style.gp). Stacked bars: mean over the runs.
FIGURE = "survival"
TABLE = "interfaces.tsv"
load "plots/style.gp"
set datafile columnheaders
# A layer that feeds several has a bar for each: its name goes with the reader's.
stats TABLE using (used(strcol("run")) ? (add_run(strcol("run")), add_layer(strcol("layer")."→".strcol("next_layer")), 0) : 0) nooutput
array NU[NL]; array UB[NL]; array UF[NL]; array UR[NL]
do for [l=1:NL] { NU[l] = 0.0; UB[l] = 0.0; UF[l] = 0.0; UR[l] = 0.0 }
put(l, u, f, r, b) = (u != u || u == 0 || b != b) ? 0 : \
    (NU[l] = NU[l] + 1, UB[l] = UB[l] + b/u, UF[l] = UF[l] + (f - b)/u, UR[l] = UR[l] + (r - b)/u, 0)
stats TABLE using (used(strcol("run")) ? (put(find_layer(strcol("layer")."→".strcol("next_layer")), 1.0*column("units"), column("fed"), column("read"), \
    column("both"))) : 0) nooutput
unset datafile columnheaders
W = NL <= 4 ? 8.5 : 17.0
# Names stand aslant where they do not fit side by side.
MOST_NAMES = 30; LETTERS = 0
do for [l=1:NL] { LETTERS = strlen(LAYER[l]) > LETTERS ? strlen(LAYER[l]) : LETTERS }
ASLANT = 0.135*LETTERS + 0.2 > (W - 1.5)/(NL + 0.2)
FOOT = ASLANT ? 0.6 + 0.105*LETTERS : 0.95
H = 5.65 + FOOT
eval page(W, H)
set lmargin at screen 1.25/W; set rmargin at screen 1 - 0.25/W; set tmargin at screen 1 - 1.55/H; set bmargin at screen FOOT/H
unset grid
set xrange [0.4:NL + 0.6]; set yrange [0:1]
set boxwidth 0.74
set ytics ("0" 0, "25" 0.25, "50" 0.5, "75" 0.75, "100" 1)
set xtics scale 0 (); do for [l=1:NL] { if (NL <= MOST_NAMES || (l - 1) % 5 == 0) { set xtics add (LAYER[l] l) } }
if (ASLANT) set xtics rotate by 50 right
set ylabel "units of the layer (%)" offset 0.8,0
eval swatch(1, 1.25, 0.35, W, H, BLUE, "fed and read"); eval swatch(2, 1.25, 0.75, W, H, LIGHT, "neither")
eval swatch(3, 4.3, 0.35, W, H, SKY, "fed, not read"); eval swatch(4, 4.3, 0.75, W, H, ORANGE, "read, not fed")
set label 1 runs_text(NR) at screen 1.25/W, screen 1 - 1.2/H left font ",7" tc rgb DARK
plot NU using 1:(1) with boxes fc rgb LIGHT, \
     NU using 1:(NU[$1] > 0 ? (UB[$1] + UF[$1] + UR[$1])/NU[$1] : NaN) with boxes fc rgb ORANGE, \
     NU using 1:(NU[$1] > 0 ? (UB[$1] + UF[$1])/NU[$1] : NaN) with boxes fc rgb SKY, \
     NU using 1:(NU[$1] > 0 ? UB[$1]/NU[$1] : NaN) with boxes fc rgb BLUE, \
     NU using 1:(NU[$1] > 0 ? UB[$1]/NU[$1] - 0.045 : NaN):(UB[$1] > 0.1*NU[$1] && NL <= 14 ? percent(UB[$1]/NU[$1]) : "") with labels font ",7" tc rgb 0xFFFFFF
