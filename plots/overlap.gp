# SPDX-License-Identifier: GPL-3.0-or-later
# overlap.gp - how much two runs have in common: as found, with the hidden units of one re-ordered to match the other, and
# what networks with the same degrees reach when they are matched alike. A panel for the places of masks, one for those of
# effective weights, one for the signs at common places.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/overlap.gp
# Reads overlap.tsv. Variables: FMT, OUT (style.gp). Bars are means over the pairs of runs, whiskers reach from the lowest
# to the highest pair, strokes are means of what other null models expect.
FIGURE = "overlap"
TABLE = "overlap.tsv"
load "plots/style.gp"
set datafile columnheaders
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? \
    (add_run(strcol("run_a")), add_run(strcol("run_b")), add_layer(strcol("layer")), 0) : 0) nooutput
# Panels: masks, weights, signs of weights. Series: three bars, then three strokes. `all` stands behind the layers.
MASKS = 1; WEIGHTS = 2; SIGNS = 3
FOUND = 1; MATCHED = 2; MATCHED_NULL = 3; FOUND_CHANCE = 4; MATCHED_CHANCE = 5; MATCHED_SIGNS = 6
NS = 6; NC = NL + 1; ROOM = 3*NS*NC
array N[ROOM]; array SUM[ROOM]; array LOW[ROOM]; array HIGH[ROOM]
do for [k=1:ROOM] { N[k] = 0; SUM[k] = 0.0; LOW[k] = 2.0; HIGH[k] = -1.0 }
at(p, s, c) = ((p - 1)*NS + s - 1)*NC + c
put(k, v) = v != v ? 0 : (N[k] = N[k] + 1, SUM[k] = SUM[k] + v, \
    LOW[k] = (v < LOW[k] ? v : LOW[k]), HIGH[k] = (v > HIGH[k] ? v : HIGH[k]), 0)
place(layer) = layer eq "all" ? NC : find_layer(layer)
# What was seen and what was expected, of one kind of row.
take(p, c, kind, seen, expected) = \
    kind eq "raw independent" ? put(at(p, FOUND, c), seen) + put(at(p, FOUND_CHANCE, c), expected) : \
    kind eq "aligned degree" ? put(at(p, MATCHED, c), seen) + put(at(p, MATCHED_NULL, c), expected) : \
    kind eq "aligned independent" ? put(at(p, MATCHED_CHANCE, c), expected) : \
    kind eq "aligned sign-shuffle" ? put(at(p, MATCHED_SIGNS, c), expected) : 0
take_row(c, kind, compare) = compare eq "mask" ? take(MASKS, c, kind, column("jaccard"), column("expected_jaccard")) : \
    take(WEIGHTS, c, kind, column("jaccard"), column("expected_jaccard")) + \
    take(SIGNS, c, kind, column("sign_agreement"), column("expected_sign_agreement"))
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? \
    take_row(place(strcol("layer")), strcol("alignment")." ".strcol("null"), strcol("compare")) : 0) nooutput
unset datafile columnheaders
mean(p, s, c) = N[at(p, s, c)] ? SUM[at(p, s, c)]/N[at(p, s, c)] : NaN
low(p, s, c) = N[at(p, s, c)] > 1 ? LOW[at(p, s, c)] : NaN
span(p, s, c) = N[at(p, s, c)] > 1 ? HIGH[at(p, s, c)] - LOW[at(p, s, c)] : NaN
top(p, s, c) = N[at(p, s, c)] ? HIGH[at(p, s, c)] : NaN
# Over the bar, its whisker and the strokes that stand on it.
most(a, b) = a != a ? b : b != b ? a : a > b ? a : b
label_at(p, s, c) = s == FOUND ? most(top(p, s, c), mean(p, FOUND_CHANCE, c)) : s == MATCHED ? most(most(top(p, s, c), \
    drawn(p, MATCHED_CHANCE) ? mean(p, MATCHED_CHANCE, c) : NaN), drawn(p, MATCHED_SIGNS) ? mean(p, MATCHED_SIGNS, c) : NaN) : top(p, s, c)
has(p) = (sum [k=1:NS*NC] N[(p - 1)*NS*NC + k]) > 0
# Other signs leave the places of masks as they are; where independent masks hardly meet, equal signs say nothing.
drawn(p, s) = !(p == MASKS && s == MATCHED_SIGNS) && !(p == SIGNS && s == MATCHED_CHANCE)

array TITLE[3] = ["places: masks g", "places: effective weights sign(w)·g", "signs of effective weights at common places"]
array COLOUR[3] = [0x9DB8CC, BLUE, ORANGE]
NUMBERS = NC <= 5
W = NC <= 7 ? 8.5 : 17.0
R = has(MASKS) + 2*has(WEIGHTS); HEAD = 1.95; SIDE = 2.9; GAP = 1.1; FOOT = 0.6
H = HEAD + R*SIDE + (R - 1)*GAP + FOOT
eval page(W, H)
eval panels(R, 1, W, H, 1.2, 0.2, FOOT, HEAD, 0, GAP)
set xrange [0.45:NC + 0.55]
set xtics scale 0 ()
# As many names as fit; a character is 0.125 cm wide.
LONGEST = 3
do for [c=1:NL] { LONGEST = strlen(LAYER[c]) > LONGEST ? strlen(LAYER[c]) : LONGEST }
STEP = int(ceil(0.125*(LONGEST + 1)*NC/(W - 1.4)))
do for [c=1:NC] { if (c == NC || ((c - 1) % STEP == 0 && NC - c >= STEP)) { set xtics add ((c == NC ? "all" : LAYER[c]) c) } }
B = 0.27
set boxwidth 0.92*B
x_of(s) = B*((s - 1) % 3 - 1)
colour(s) = COLOUR[s]
dash(s) = s == MATCHED_SIGNS ? 3 : 1
# Strokes stand on the bar that they belong to.
bar_of(s) = s == FOUND_CHANCE ? FOUND : s <= 3 ? s : MATCHED
array I[NC]
do for [c=1:NC] { I[c] = c }
short(v) = v != v ? "" : v >= 0.995 ? "1" : v < 0.095 ? sprintf("%.3f", v)[2:5] : sprintf("%.2f", v)[2:4]
PAIRS = NR*(NR - 1)/2
eval swatch(1, 1.2, 0.3, W, H, COLOUR[FOUND], "as found")
eval swatch(2, 1.2, 0.7, W, H, COLOUR[MATCHED], "units matched")
eval swatch(3, 1.2, 1.1, W, H, COLOUR[MATCHED_NULL], "null, matched alike: same degrees")
eval stroke(4, 4.2, 0.3, W, H, 0x000000, 1, "null: independent")
if (has(WEIGHTS)) { eval stroke(5, 4.2, 0.7, W, H, 0x000000, 3, "null: other signs") }
first = 1
do for [p=1:3] {
    if (!has(p)) { continue }
    set title TITLE[p].(first ? sprintf(" (%d pair%s of runs)", PAIRS, PAIRS == 1 ? "" : "s") : "") offset 0,-0.7
    set ylabel (p == SIGNS ? "equal signs" : "Jaccard similarity") offset 1.2,0
    if (p == SIGNS) { set yrange [0:1.12]; set ytics 0.5 } else { set yrange [0:*<1.0]; set ytics 0.2; set offsets 0, 0, graph 0.12, 0 }
    plot for [s=1:3] I using ($1 + x_of(s)):(mean(p, s, int($1))) with boxes fc rgb colour(s), \
        for [s=1:3] I using ($1 + x_of(s)):(low(p, s, int($1))):(0):(span(p, s, int($1))) \
            with vectors heads size graph 0.006,90 lc rgb 0x000000 lw 0.8, \
        for [s=4:6] I using ($1 + x_of(bar_of(s)) - 0.46*B):(drawn(p, s) ? mean(p, s, int($1)) : NaN):(0.92*B):(0) \
            with vectors nohead lc rgb 0x000000 lw 1.6 dt dash(s), \
        for [s=1:(NUMBERS ? 3 : 0)] I using ($1 + x_of(s)):(label_at(p, s, int($1))):(short(mean(p, s, int($1)))) \
            with labels offset 0,0.45 font ",6" tc rgb DARK
    if (first) { eval no_legend(5) }
    first = 0
}
unset multiplot
