# SPDX-License-Identifier: GPL-3.0-or-later
# flips.gp - share of each layer's weights that changed state between two records, over the training steps.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/flips.gp
# Reads flips.tsv. Variables: FMT, OUT (style.gp). Lines: mean over the runs; bands: lowest to highest run. The axis is
# logarithmic, so an interval without a flip is not drawn.
FIGURE = "flips"
TABLE = "flips.tsv"
Y = "flip_rate"; X = "to_step"; ROUND = "to_record"; XLABEL = "training step"; YLABEL = "flip rate per interval (%)"; LOG = 1
load "plots/style.gp"
load "plots/lines.gp"
