# SPDX-License-Identifier: GPL-3.0-or-later
# settling.gp - share of each layer's weights that have reached their final state, over the training steps.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/settling.gp
# Reads settling.tsv. Variables: FMT, OUT (style.gp). Lines: mean over the runs; bands: lowest to highest run.
FIGURE = "settling"
TABLE = "settling.tsv"
Y = "settled"; X = "step"; ROUND = "record"; XLABEL = "training step"; YLABEL = "settled weights (%)"; LOG = 0
load "plots/style.gp"
load "plots/lines.gp"
