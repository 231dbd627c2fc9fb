/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_rounds.c - data/rounds.tsv and data/early-stop.tsv: which curve of which panel each run belongs to, in the
 * figures that draw a column of rounds.tsv. Only runs in which that column was measured have a row. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/recipe.h>
#include <supermask/text.h>

#include "analyze/figure_data.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"curve",
     "name of the group of runs whose recipes differ in nothing but seeds; without the recipe's name where all "
     "curves of the panel have the same"},
    {"panel", "method, network and data set"},
    {"own_masks", "1; 0: the recipe takes masks of another run, so its whole network is a control's"},
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

static bool same_panel(const struct sm_run *a, const struct sm_run *b) {
    return strcmp(a->method, b->method) == 0 && strcmp(a->net.name, b->net.name) == 0 &&
           strcmp(a->dataset, b->dataset) == 0;
}

static bool is_only_recipe(const struct sm_analysis *analysis, const struct sm_run *run, size_t measure) {
    for (size_t i = 0; i < analysis->n_runs; i++) {
        const struct sm_run *other = &analysis->runs[i];
        if (is_measured(other, measure) && same_panel(run, other) && strcmp(run->recipe_name, other->recipe_name) != 0)
            return false;
    }
    return true;
}

/* "criterion: large_final" of the label "fcn-mnist-heuristic (criterion: large_final)" where the rest goes without
 * saying: it would not fit. malloc'ed; NULL: no memory. */
static char *curve_name(const struct sm_run *run, const char *label, bool only_recipe) {
    size_t name = strlen(run->recipe_name), length = strlen(label);
    bool plain = length < name + 4 || strncmp(label, run->recipe_name, name) != 0 ||
                 strncmp(label + name, " (", 2) != 0 || label[length - 1] != ')';
    if (plain || !only_recipe) return strdup(label);
    return strndup(label + name + 2, length - name - 3);
}

/* Older programs noted other masks in the recipe only. */
static bool has_own_masks(const struct sm_run *run) {
    struct sm_recipe recipe;
    struct sm_error ignored = {{0}};
    sm_recipe_defaults(&recipe);
    bool read = sm_recipe_parse(&recipe, run->recipe, run->path, &ignored) == 0;
    return !run->masks_from_recipe && !(read && *recipe.masks_from);
}

static int write_row(struct sm_table *table, const struct sm_run *run, const char *curve, struct sm_error *err) {
    char *panel = sm_format("%s · %s · %s", run->method, run->net.name, run->dataset);
    if (!panel) return sm_fail(err, "figures: out of memory");
    sm_table_text(table, run->name);
    sm_table_text(table, curve);
    sm_table_text(table, panel);
    sm_table_int(table, has_own_masks(run));
    free(panel);
    return 0;
}

static int write_list(const struct sm_figure_context *context, const char *name, size_t measure, struct sm_error *err) {
    const struct sm_analysis *analysis = context->analysis;
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, name, "Curves of the runs that work in rounds.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    int status = 0;
    for (size_t i = 0; i < analysis->n_runs && status == 0; i++) {
        const struct sm_run *run = &analysis->runs[i];
        if (!is_measured(run, measure)) continue;
        const char *label = context->groups->label[context->groups->group[i]];
        char *curve = curve_name(run, label, is_only_recipe(analysis, run, measure));
        status = curve ? write_row(table, run, curve, err) : sm_fail(err, "figures: out of memory");
        free(curve);
    }
    if (status == 0) return sm_table_close(table, err);
    sm_table_abandon(table);
    return -1;
}

/* ---- data/round-accuracies.tsv ---- */

static const struct sm_column accuracy_columns[] = {
    {"run", "run file's base name, of a method in rounds"},
    {"round", "round"},
    {"test_accuracy", "of the round's network, share; nan where not measured"},
};

static int write_accuracies(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "round-accuracies", "Test accuracy of each round.", NULL,
                      accuracy_columns, sizeof accuracy_columns / sizeof *accuracy_columns, err) != 0)
        return -1;
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        for (size_t r = 0; r < context->analysis->runs[i].n_rounds; r++) {
            sm_table_text(table, context->analysis->runs[i].name);
            sm_table_int(table, (int64_t)r);
            sm_table_real(table, context->analysis->runs[i].rounds[r].test_accuracy);
        }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_accuracies = {"round-accuracies", NULL, write_accuracies, NULL};

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
