/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_trajectories.c - data/trajectories.tsv: accuracy and remaining weights of each round of the methods that
 * train, prune and start again, mean over the runs of a group. */
#include <math.h>
#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/figure_data.h"
#include "analyze/running.h"
#include "analyze/runs.h"

static const struct sm_column columns[] = {
    {"group", "number of the group, from 1"},
    {"label", "its name"},
    {"round", "round, from 0"},
    {"runs", "runs of the group that measured an accuracy there"},
    {"remaining", "share of weights that are not hidden, mean over these runs"},
    {"test_accuracy", "test accuracy of the round, mean over these runs"},
    {"lowest", "lowest of them"},
    {"highest", "highest of them"},
};

struct round {
    struct sm_running remaining, accuracy;
};

/* Rounds up to the record that --at picks. */
static size_t n_rounds_of(const struct sm_figure_context *context, size_t i) {
    size_t n = context->analysis->runs[i].n_rounds, shown = context->analysis->record[i] + 1;
    return n < shown ? n : shown;
}

static size_t most_rounds(const struct sm_figure_context *context, size_t group) {
    size_t most = 0;
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        if (context->groups->group[i] == group && n_rounds_of(context, i) > most) most = n_rounds_of(context, i);
    return most;
}

static double remaining_of(const struct sm_network *net, int8_t *const *mask) {
    size_t remaining = 0, weights = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        remaining += sm_counts_remaining(sm_counts_of(mask[l], n));
        weights += n;
    }
    return sm_share(remaining, weights);
}

static int add_run(struct round *rounds, const struct sm_figure_context *context, size_t i, struct sm_error *err) {
    const struct sm_run *run = &context->analysis->runs[i];
    int8_t **mask = sm_masks_new(&run->net);
    int status = mask ? 0 : sm_fail(err, "%s: out of memory", run->path);
    for (size_t r = 0; status == 0 && r < n_rounds_of(context, i); r++) {
        if (isnan(run->rounds[r].test_accuracy)) continue;
        status = sm_masks_read(mask, run, r, err);
        if (status != 0) break;
        sm_running_add(&rounds[r].remaining, remaining_of(&run->net, mask));
        sm_running_add(&rounds[r].accuracy, run->rounds[r].test_accuracy);
    }
    free(mask);
    return status;
}

static void write_rounds(struct sm_table *table, const struct sm_figure_context *context, size_t group,
                         const struct round *rounds, size_t n_rounds) {
    for (size_t r = 0; r < n_rounds; r++) {
        if (rounds[r].accuracy.n == 0) continue;
        sm_table_int(table, (int64_t)group + 1);
        sm_table_text(table, context->groups->label[group]);
        sm_table_int(table, (int64_t)r);
        sm_table_int(table, (int64_t)rounds[r].accuracy.n);
        sm_table_real(table, sm_running_mean(&rounds[r].remaining));
        sm_table_real(table, sm_running_mean(&rounds[r].accuracy));
        sm_table_real(table, sm_running_least(&rounds[r].accuracy));
        sm_table_real(table, sm_running_most(&rounds[r].accuracy));
    }
}

static int write_group(struct sm_table *table, const struct sm_figure_context *context, size_t group,
                       struct sm_error *err) {
    size_t n_rounds = most_rounds(context, group);
    struct round *rounds = calloc(n_rounds + 1, sizeof *rounds);
    int status = rounds ? 0 : sm_fail(err, "figure accuracy-remaining: out of memory");
    for (size_t i = 0; status == 0 && i < context->analysis->n_runs; i++)
        if (context->groups->group[i] == group && n_rounds > 0) status = add_run(rounds, context, i, err);
    if (status == 0) write_rounds(table, context, group, rounds, n_rounds);
    free(rounds);
    return status;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "trajectories", "Accuracy and remaining weights round by round.",
                      NULL, columns, sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (write_group(table, context, g, err) != 0) {
            sm_table_abandon(table);
            return -1;
        }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_trajectories = {"trajectories", NULL, write, NULL};
