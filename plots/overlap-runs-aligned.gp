# SPDX-License-Identifier: GPL-3.0-or-later
# overlap-runs-aligned.gp - Jaccard similarity of every pair of runs after the hidden units of one were re-ordered to match
# the other by effective weights, one matrix for each layer.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/overlap-runs-aligned.gp
# Reads overlap.tsv. Variables: FMT, OUT (style.gp); COMPARE (weight; where the table has it not, mask).
FIGURE = "overlap-runs-aligned"
ALIGNMENT = "aligned"
if (!exists("COMPARE")) COMPARE = "weight"
load "plots/overlap-runs.gp"
