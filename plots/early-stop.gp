# SPDX-License-Identifier: GPL-3.0-or-later
# early-stop.gp - optimizer steps of each round to its least validation loss, against the weights that remain.
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/early-stop.gp
# Reads rounds.tsv and data/early-stop.tsv. Variables: FMT, OUT (style.gp). Curves: mean over the runs of a group; bands:
# lowest to highest run; dotted: the whole network, mean over the panel's runs with
# masks of their own.
FIGURE = "early-stop"
LIST = "data/early-stop.tsv"
Y = "early_stop_step"; SCALE = 1; WHOLE = "early_stop_step"; YLABEL = "early-stopping step"; Y_ZERO = 1
load "plots/style.gp"
load "plots/curves.gp"
