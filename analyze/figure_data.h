/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_data.h - what figures need beyond the tables: small files OUT/data/NAME.tsv written from the run files. */
#ifndef SUPERMASK_ANALYZE_FIGURE_DATA_H
#define SUPERMASK_ANALYZE_FIGURE_DATA_H

#include "analyze/sheets.h"

struct sm_figure_context {
    const struct sm_analysis *analysis;
    const struct sm_seed_groups *groups;
    struct sm_sheets *sheets; /* the tables that were made */
    const char *directory;    /* OUT/data, which exists */
};

/* One such file (or files that belong together). */
struct sm_figure_data {
    const char *name;
    /* NULL, or the reason why these runs have no such data ("the first layer is a convolution"): constant text. */
    const char *(*lacks)(const struct sm_figure_context *context);
    int (*write)(const struct sm_figure_context *context, struct sm_error *err); /* NULL: it stands in the tables */
    /* NULL: every group (or every run, where the figure shows runs) has it. */
    bool (*has_group)(const struct sm_figure_context *context, size_t group);
};

extern const struct sm_figure_data sm_figure_data_runs; /* run, group: which runs a figure averages (figure_data.c) */
extern const struct sm_figure_data sm_figure_data_networks;   /* shapes of every layer (figure_data.c) */
extern const struct sm_figure_data sm_figure_data_image;      /* the same, where the input is one image channel */
extern const struct sm_figure_data sm_figure_data_inverted;   /* some weight is inverted (figure_data.c) */
extern const struct sm_figure_data sm_figure_data_training;   /* metrics of every epoch (figure_data.c) */
extern const struct sm_figure_data sm_figure_data_metrics;    /* the same, drawn without them as well (figure_data.c) */
extern const struct sm_figure_data sm_figure_data_accuracies; /* test accuracy of rounds (figure_rounds.c) */
extern const struct sm_figure_data sm_figure_data_trajectories; /* rounds of groups (figure_trajectories.c) */
extern const struct sm_figure_data sm_figure_data_scores;       /* histograms of scores (figure_scores.c) */
extern const struct sm_figure_data sm_figure_data_first_layer; /* first mask and a test sample (figure_first_layer.c) */
extern const struct sm_figure_data sm_figure_data_filters;     /* of a first convolution (figure_filters.c) */
extern const struct sm_figure_data sm_figure_data_architectures; /* layers of all groups (figure_architectures.c) */
extern const struct sm_figure_data sm_figure_data_methods;       /* units of all groups (figure_methods.c) */
extern const struct sm_figure_data sm_figure_data_classes;       /* signed path weights (figure_paths.c) */
extern const struct sm_figure_data sm_figure_data_rounds;        /* curves of accuracy over rounds (figure_rounds.c) */
extern const struct sm_figure_data sm_figure_data_early_stop;    /* of early stopping over rounds (figure_rounds.c) */
extern const struct sm_figure_data sm_figure_data_criterion; /* initial, final weights and mask (figure_criterion.c) */

#endif
