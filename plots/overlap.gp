# SPDX-License-Identifier: GPL-3.0-or-later
# overlap.gp - how much two runs' masks overlap: mean Jaccard similarity of the remaining weights per layer, as found and
# after the hidden units of one run were re-ordered to match the other (where the table has it), against chance.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/overlap.gp
# Reads overlap.tsv. Variables: FMT, OUT (style.gp); COMPARE, mask or weight (mask, if the table has it). Whiskers: lowest
# to highest pair of runs; black strokes: what the null model expects.
FIGURE = "overlap"
TABLE = "overlap.tsv"
load "plots/style.gp"
set datafile columnheaders
array COUNT[2] = [0, 0]
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (add_run(strcol("run_a")), add_run(strcol("run_b")), add_layer(strcol("layer")), \
    (strcol("compare") eq "mask" ? (COUNT[1] = COUNT[1] + 1) : (COUNT[2] = COUNT[2] + 1)), 0) : 0) nooutput
if (!exists("COMPARE")) COMPARE = COUNT[1] ? "mask" : "weight"
# Series: alignment and null model, in this order; a series without rows is not drawn.
array ALIGN[5] = ["raw", "raw", "aligned", "aligned", "aligned"]
array NULLS[5] = ["independent", "degree", "independent", "unit-permutation", "degree"]
N = 5
series(a, n) = sum [s=1:N] (ALIGN[s] eq a && NULLS[s] eq n ? s : 0)
array MJ[N*NL]; array ME[N*NL]; array MN[N*NL]; array ML[N*NL]; array MH[N*NL]
do for [k=1:N*NL] { MN[k] = 0; MJ[k] = 0.0; ME[k] = 0.0; ML[k] = 2.0; MH[k] = -1.0 }
put(k, j, e) = (k < 1 || j != j) ? 0 : (MN[k] = MN[k] + 1, MJ[k] = MJ[k] + j, ME[k] = ME[k] + e, \
    ML[k] = (j < ML[k] ? j : ML[k]), MH[k] = (j > MH[k] ? j : MH[k]), 0)
cell(s, l) = (s && l) ? (s - 1)*NL + l : 0
stats TABLE using (used(strcol("run_a")) && used(strcol("run_b")) ? (strcol("compare") eq COMPARE ? put(cell(series(strcol("alignment"), strcol("null")), \
    find_layer(strcol("layer"))), column("jaccard"), column("expected_jaccard")) : 0) : 0) nooutput
unset datafile columnheaders
has(s) = (sum [l=1:NL] MN[(s - 1)*NL + l]) > 0
# The bar of an alignment is drawn once, from its first series that has rows; every series has its stroke.
first_of(a) = (_f = 0, (sum [s=1:N] (ALIGN[s] eq a && has(s) && !_f ? (_f = s) : 0)), _f)
RAW = first_of("raw"); ALIGNED = first_of("aligned")
GROUPS = (RAW > 0) + (ALIGNED > 0)
W = NL*GROUPS <= 10 ? 8.5 : 17.0; H = 6.6
eval page(W, H)
set lmargin at screen 1.35/W; set rmargin at screen 1 - 0.3/W; set bmargin at screen 0.85/H; set tmargin at screen 1 - 1.75/H
set xrange [0.45:NL + 0.55]; set yrange [0:*<1.0]
set offsets 0, 0, graph 0.08, 0
set xtics scale 0 (); do for [l=1:NL] { if (NL <= 24 || (l - 1) % 10 == 0) { set xtics add (LAYER[l] l) } }
set ylabel "Jaccard similarity" offset 0.9,0
B = 0.8/GROUPS
set boxwidth 0.92*B
x_of(s) = GROUPS == 1 ? 0 : ALIGN[s] eq "raw" ? -0.5*B : 0.5*B
array I[NL]
do for [l=1:NL] { I[l] = l }
at(s, l) = (s - 1)*NL + l
bar(s, l) = s && MN[at(s, l)] ? MJ[at(s, l)]/MN[at(s, l)] : NaN
chance(s, l) = MN[at(s, l)] ? ME[at(s, l)]/MN[at(s, l)] : NaN
low(s, l) = s && MN[at(s, l)] > 1 ? ML[at(s, l)] : NaN
span(s, l) = s && MN[at(s, l)] > 1 ? MH[at(s, l)] - ML[at(s, l)] : NaN
colour(s) = ALIGN[s] eq "raw" ? 0x9DB8CC : BLUE
dash(s) = NULLS[s] eq "independent" ? 1 : NULLS[s] eq "degree" ? 3 : 2
pairs = NR*(NR - 1)/2
set label 1 sprintf("%d pair%s of runs, %s", pairs, pairs == 1 ? "" : "s", COMPARE eq "mask" ? "masks g" : "signed masks sign(w)·g") \
    at screen 1.35/W, screen 1 - 1.45/H left font ",7" tc rgb DARK
any(n) = (sum [s=1:N] (NULLS[s] eq n && has(s))) > 0
used = 0
if (RAW) { used = used + 1; eval swatch(used, 1.35, 0.35, W, H, colour(RAW), "as found") }
if (ALIGNED) { used = used + 1; eval swatch(used, 1.35, 0.75, W, H, colour(ALIGNED), "units aligned") }
array TEXTS[3] = ["chance: independent masks", "chance: same degrees", "chance: units shuffled"]
array KINDS[3] = ["independent", "degree", "unit-permutation"]
line = 0
do for [k=1:3] { if (any(KINDS[k])) { used = used + 1; line = line + 1; \
    eval stroke(used, 4.0, 0.35 + 0.4*(line - 1), W, H, 0x000000, k == 1 ? 1 : k == 2 ? 3 : 2, TEXTS[k]) } }
plot for [s in sprintf("%d %d", RAW, ALIGNED)] I using ($1 + (int(s) ? x_of(int(s)) : 0)):(bar(int(s), int($1))) \
        with boxes fc rgb (int(s) ? colour(int(s)) : 0), \
     for [s in sprintf("%d %d", RAW, ALIGNED)] I using ($1 + (int(s) ? x_of(int(s)) : 0)):(low(int(s), int($1))):(0):(span(int(s), int($1))) \
        with vectors heads size graph 0.01,90 lc rgb 0x000000 lw 0.8, \
     for [s=1:N] I using ($1 + x_of(s) - 0.46*B):(chance(s, int($1))):(0.92*B):(0) with vectors nohead lc rgb 0x000000 lw 1.6 dt dash(s)
