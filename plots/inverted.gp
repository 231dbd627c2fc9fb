# SPDX-License-Identifier: GPL-3.0-or-later
# inverted.gp - share of inverted weights among the remaining ones (kept and inverted) of each layer, over the epochs.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/inverted.gp
# Reads ratios.tsv. Variables: FMT, OUT (style.gp). Lines: mean over the runs; bands: lowest to highest run.
FIGURE = "inverted"
TABLE = "ratios.tsv"
Y = "inverted_share"; X = "epoch"; ROUND = "record"; XLABEL = "epoch"; YLABEL = "inverted among remaining (%)"; LOG = 0; REFERENCE = 50
load "plots/style.gp"
load "plots/lines.gp"
