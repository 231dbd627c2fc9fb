/* SPDX-License-Identifier: GPL-3.0-or-later */
/* groups.h - runs that differ in nothing but their seeds, and what they have in common: the rows of groups.tsv,
 * groups.tex and summary.json. */
#ifndef SUPERMASK_ANALYZE_GROUPS_H
#define SUPERMASK_ANALYZE_GROUPS_H

#include <stdio.h>

#include "analyze/published.h"
#include "analyze/run_summary.h"

/* Fields of struct sm_run_summary that are estimated: F(name). */
#define SM_GROUP_METRICS(F) F(test_accuracy) F(best_test_accuracy) F(remaining) F(effective_remaining) F(seconds)
#define SM_GROUP_METRIC_INDEX(name) SM_GROUP_##name,
enum sm_group_metric { SM_GROUP_METRICS(SM_GROUP_METRIC_INDEX) SM_N_GROUP_METRICS };

extern const char *const sm_group_metric_names[SM_N_GROUP_METRICS];

/* Mean, standard deviation (n - 1) and Student's 95 % interval of the mean: mean -+ t(.975, n - 1) sd / sqrt(n). sd,
 * low and high are NaN for one run; all are NaN where one of the runs lacks the value. */
struct sm_estimate {
    double mean, sd, low, high;
};
struct sm_estimate sm_estimate_of(const double *values, size_t n);

struct sm_group {
    const struct sm_run *first; /* borrowed */
    size_t n_members, *member;  /* indices of runs, in the order of the command line */
    size_t n_unfinished;        /* of them, those whose record is not the end of their training */
    char *settings;             /* recipe text without whatever changes no result; empty: it could not be read */
    char *variant;              /* "key: value, ..." where groups of the same names differ, else "-" */
    struct sm_estimate estimate[SM_N_GROUP_METRICS];
    struct sm_published published; /* of the first run's recipe */
};

/* The mean over the runs minus what was published; NaN where either is missing, where a run is unfinished, and for
 * methods in rounds: theirs is the mean of the last round, and the best is published. */
double sm_group_accuracy_difference(const struct sm_group *group);
double sm_group_remaining_difference(const struct sm_group *group);

struct sm_groups {
    size_t n_runs;
    struct sm_run_summary *summary; /* [n_runs] */
    size_t n_groups;
    struct sm_group *group; /* in the order of their first runs */
};

int sm_groups_init(struct sm_groups *groups, size_t n_runs, struct sm_error *err);
void sm_groups_destroy(struct sm_groups *groups);

/* Puts the run, whose summary is groups->summary[i], into its group (seed_groups.h); groups stand in the order of their
 * first runs. A recipe that cannot be read is noted. The run is borrowed until destroy. */
int sm_groups_add(struct sm_groups *groups, size_t i, const struct sm_run *run, struct sm_notes *notes,
                  struct sm_error *err);

/* After the last run: estimates, variants, and notes about members that should not be averaged without a thought (same
 * seeds, different epochs, missing accuracy). */
int sm_groups_finish(struct sm_groups *groups, struct sm_notes *notes, struct sm_error *err);

/* A LaTeX table (booktabs). */
void sm_groups_print_tex(const struct sm_groups *groups, FILE *file);

/* All runs and groups as JSON (RFC 8259); NaN and infinities are null, numbers read back the same. */
void sm_groups_print_json(const struct sm_groups *groups, const char *command_line, FILE *file);

#endif
