/* SPDX-License-Identifier: GPL-3.0-or-later */
/* groups.tsv, groups.tex and summary.json: what runs have in common that differ in their seeds only. */
#include "analyze/stat.h"

#include <stdlib.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/groups.h"

#define ESTIMATE_COLUMNS(name)                                                                                         \
    {#name "_mean", "mean of " #name " over the runs; nan where a run lacks it"},                                      \
        {#name "_sd", "standard deviation (n - 1 in the denominator); nan for one run"},                               \
        {#name "_low", "lower end of the mean's 95 % interval (Student's t); nan for one run"},                        \
        {#name "_high", "upper end"},

static const struct sm_column columns[] = {
    {"network", "network's name"},
    {"dataset", "data set's name"},
    {"method", "training method"},
    {"recipe", "recipe's name"},
    {"variant", "settings in which groups with these four names differ (key: value, ...), or -"},
    {"runs", "number of runs in the group"},
    SM_GROUP_METRICS(ESTIMATE_COLUMNS){"published_accuracy",
                                       "test accuracy that was published for the recipe; nan where none was, and where "
                                       "it is of another experiment: see departures"},
    {"accuracy_difference", "test_accuracy_mean - published_accuracy; nan where either is or a run is unfinished, and "
                            "for methods in rounds, of which the best round is published and test_accuracy is that of "
                            "the last"},
    {"published_remaining", "remaining share that was published for the recipe; nan as for published_accuracy"},
    {"remaining_difference", "remaining_mean - published_remaining; nan as for accuracy_difference"},
    {"departures", "settings in which the runs depart from the shipped recipe of that name (key: value, ...), and how "
                   "many images there were of a data set that was not whole; - where they follow it, and where none "
                   "of that name is shipped"},
    {"unfinished", "runs among them that are described before the end of their training: not complete, or --at"},
};

struct state {
    const struct sm_analysis *analysis;
    struct sm_groups groups;
};

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct state *new = calloc(1, sizeof *new);
    *state = new;
    if (!new) return sm_fail(err, "groups: out of memory");
    new->analysis = analysis;
    return sm_groups_init(&new->groups, analysis->n_runs, err);
}

static void release(void *state) {
    struct state *groups = state;
    sm_groups_destroy(&groups->groups);
    free(groups);
}

static int moment(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    (void)table;
    struct state *groups = state;
    size_t i = moment->run_index;
    if (sm_run_summary_compute(&groups->groups.summary[i], moment, err) != 0) return -1;
    return sm_groups_add(&groups->groups, i, moment->run, groups->analysis->notes, err);
}

static void write_row(const struct sm_groups *groups, const struct sm_group *group, struct sm_table *table) {
    const struct sm_run_summary *first = &groups->summary[group->member[0]];
    sm_table_text(table, first->network);
    sm_table_text(table, first->dataset);
    sm_table_text(table, first->method);
    sm_table_text(table, first->recipe);
    sm_table_text(table, group->variant);
    sm_table_int(table, (int64_t)group->n_members);
    for (int which = 0; which < SM_N_GROUP_METRICS; which++) {
        sm_table_real(table, group->estimate[which].mean);
        sm_table_real(table, group->estimate[which].sd);
        sm_table_real(table, group->estimate[which].low);
        sm_table_real(table, group->estimate[which].high);
    }
    sm_table_real(table, group->published.accuracy);
    sm_table_real(table, sm_group_accuracy_difference(group));
    sm_table_real(table, group->published.remaining);
    sm_table_real(table, sm_group_remaining_difference(group));
    sm_table_text(table, *group->published.departures ? group->published.departures : "-");
    sm_table_int(table, (int64_t)group->n_unfinished);
}

static void print_tex(const struct state *state, FILE *file) {
    sm_groups_print_tex(&state->groups, file);
}

static void print_json(const struct state *state, FILE *file) {
    sm_groups_print_json(&state->groups, state->analysis->options->command_line, file);
}

static int write_file(const struct state *state, const char *name, void (*print)(const struct state *, FILE *),
                      struct sm_error *err) {
    char *path = sm_format("%s/%s", state->analysis->options->directory, name);
    if (!path) return sm_fail(err, "%s: out of memory", name);
    struct sm_outfile out;
    int status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        print(state, out.file);
        status = sm_outfile_close(&out, err);
    }
    if (status == 0) sm_note(state->analysis->written, "%s", path);
    free(path);
    return status;
}

static int finish(void *state, struct sm_table *table, struct sm_error *err) {
    struct state *groups = state;
    if (sm_groups_finish(&groups->groups, groups->analysis->notes, err) != 0) return -1;
    for (size_t g = 0; g < groups->groups.n_groups; g++) write_row(&groups->groups, &groups->groups.group[g], table);
    if (write_file(groups, "groups.tex", print_tex, err) != 0) return -1;
    return write_file(groups, "summary.json", print_json, err);
}

const struct sm_statistic sm_stat_groups = {
    .name = "groups",
    .help = "means over seeds with intervals, beside the published values; also groups.tex and summary.json",
    .about =
        "Runs of the same network, data set, method and recipe, whose settings differ in nothing but the seeds (and\n"
        "what changes no result: threads, recording). Columns as in `summary`. Interval: mean -+ t(.975, runs - 1)\n"
        "sd / sqrt(runs), over the runs. Nothing published is set beside runs that depart from the shipped recipe in\n"
        "what the experiment is: network, width, batch_norm, dataset, method, activation, keep, rescale,\n"
        "criterion, mask_one, mask_zero; nor beside runs on a part of the data set. The same as a LaTeX table in "
        "groups.tex; all runs and groups in\n"
        "summary.json.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = open,
    .moment = moment,
    .close = finish,
    .free = release,
};
