# SPDX-License-Identifier: GPL-3.0-or-later
# remaining.gp - share of each layer's weights that are not hidden, over the epochs, on a logarithmic axis.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/remaining.gp
# Reads ratios.tsv. Variables: FMT, OUT (style.gp). Lines: mean over the runs; bands: lowest to highest run.
FIGURE = "remaining"
TABLE = "ratios.tsv"
Y = "remaining"; X = "epoch"; ROUND = "record"; XLABEL = "epoch"; YLABEL = "remaining weights (%)"; LOG = 1
load "plots/style.gp"
load "plots/lines.gp"
