# SPDX-License-Identifier: GPL-3.0-or-later
# rounds.gp - test accuracy of each round's network against the weights that remain, one curve for each recipe.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/rounds.gp
# Reads rounds.tsv and data/rounds.tsv. Variables: FMT, OUT (style.gp). Curves: mean over the runs of a group; bands:
# lowest to highest run; dotted: the whole network when trained, mean over the panel's runs with masks of their own.
FIGURE = "rounds"
LIST = "data/rounds.tsv"
Y = "test_accuracy"; SCALE = 100; WHOLE = "trained_accuracy"; YLABEL = "test accuracy (%)"; Y_ZERO = 0
load "plots/style.gp"
load "plots/curves.gp"
