/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_rounds.c - data/rounds.tsv and data/early-stop.tsv: which curve of which panel each run belongs to, in the
 * figures that draw a column of rounds.tsv. Only runs in which that column was measured have a row. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include <supermask/text.h>

#include "analyze/figure_data.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"curve", "name of the group of runs whose recipes differ in nothing but seeds"},
    {"panel", "method, network and data set"},
};

/* measure: offset in struct sm_round */
static bool is_measured(const struct sm_run *run, size_t measure) {
    for (size_t r = 0; r < run->n_rounds; r++)
        if (!isnan(*(const double *)((const char *)&run->rounds[r] + measure))) return true;
    return false;
}

static bool is_measured_in_any(const struct sm_analysis *analysis, size_t measure) {
    size_t i = 0;
    while (i < analysis->n_runs && !is_measured(&analysis->runs[i], measure)) i++;
    return i < analysis->n_runs;
}

static int write_row(struct sm_table *table, const struct sm_run *run, const char *curve, struct sm_error *err) {
    char *panel = sm_format("%s · %s · %s", run->method, run->net.name, run->dataset);
    if (!panel) return sm_fail(err, "figures: out of memory");
    sm_table_text(table, run->name);
    sm_table_text(table, curve);
    sm_table_text(table, panel);
    free(panel);
    return 0;
}

static int write_list(const struct sm_figure_context *context, const char *name, size_t measure, struct sm_error *err) {
    const struct sm_analysis *analysis = context->analysis;
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, name, "Curves of the runs that work in rounds.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t i = 0; i < analysis->n_runs; i++) {
        const char *curve = context->groups->label[context->groups->group[i]];
        if (!is_measured(&analysis->runs[i], measure)) continue;
        if (write_row(table, &analysis->runs[i], curve, err) == 0) continue;
        sm_table_abandon(table);
        return -1;
    }
    return sm_table_close(table, err);
}

/* ---- the two columns ---- */

static const char *lacks_accuracy(const struct sm_figure_context *context) {
    bool any = is_measured_in_any(context->analysis, offsetof(struct sm_round, test_accuracy));
    return any ? NULL : "no round's test accuracy was measured";
}

static int write_accuracy(const struct sm_figure_context *context, struct sm_error *err) {
    return write_list(context, "rounds", offsetof(struct sm_round, test_accuracy), err);
}

static const char *lacks_early_stop(const struct sm_figure_context *context) {
    bool any = is_measured_in_any(context->analysis, offsetof(struct sm_round, early_stop_step));
    return any ? NULL : "no round's least validation loss was looked for";
}

static int write_early_stop(const struct sm_figure_context *context, struct sm_error *err) {
    return write_list(context, "early-stop", offsetof(struct sm_round, early_stop_step), err);
}

const struct sm_figure_data sm_figure_data_rounds = {"rounds", lacks_accuracy, write_accuracy, NULL};
const struct sm_figure_data sm_figure_data_early_stop = {"early-stop", lacks_early_stop, write_early_stop, NULL};
