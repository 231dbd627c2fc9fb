/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>

#include <supermask/recipe.h>
#include <supermask/text.h>

#include "analyze/seed_groups.h"
#include "analyze/settings.h"

#define NAME_OF(name) #name,
const char *const sm_group_metric_names[SM_N_GROUP_METRICS] = {SM_GROUP_METRICS(NAME_OF)};

static double metric(const struct sm_run_summary *summary, enum sm_group_metric which) {
#define VALUE_OF(name) summary->name,
    const double value[SM_N_GROUP_METRICS] = {SM_GROUP_METRICS(VALUE_OF)};
    return value[which];
}

struct sm_estimate sm_estimate_of(const double *values, size_t n) {
    struct sm_estimate estimate = {.mean = NAN, .sd = NAN, .low = NAN, .high = NAN};
    if (n > 0) estimate.mean = gsl_stats_mean(values, 1, n);
    if (n < 2) return estimate;
    estimate.sd = gsl_stats_sd_m(values, 1, n, estimate.mean);
    double half = gsl_cdf_tdist_Pinv(0.975, (double)(n - 1)) * estimate.sd / sqrt((double)n);
    estimate.low = estimate.mean - half;
    estimate.high = estimate.mean + half;
    return estimate;
}

int sm_groups_init(struct sm_groups *groups, size_t n_runs, struct sm_error *err) {
    *groups = (struct sm_groups){.n_runs = n_runs};
    groups->summary = calloc(n_runs, sizeof *groups->summary);
    groups->group = calloc(n_runs, sizeof *groups->group); /* there cannot be more groups than runs */
    return groups->summary && groups->group ? 0 : sm_fail(err, "groups: out of memory");
}

void sm_groups_destroy(struct sm_groups *groups) {
    for (size_t g = 0; g < groups->n_groups; g++) {
        free(groups->group[g].member);
        free(groups->group[g].settings);
        free(groups->group[g].variant);
        sm_published_destroy(&groups->group[g].published);
    }
    free(groups->summary);
    free(groups->group);
    *groups = (struct sm_groups){0};
}

/* ---- which group ---- */

static bool same_names(const struct sm_run_summary *a, const struct sm_run_summary *b) {
    return strcmp(a->network, b->network) == 0 && strcmp(a->dataset, b->dataset) == 0 &&
           strcmp(a->method, b->method) == 0 && strcmp(a->recipe, b->recipe) == 0;
}

static struct sm_group *find_group(struct sm_groups *groups, const struct sm_run *run) {
    for (size_t g = 0; g < groups->n_groups; g++)
        if (sm_same_seed_group(groups->group[g].first, run)) return &groups->group[g];
    return NULL;
}

/* Lines "key: value" of the run's recipe; "" of one that cannot be read. */
static char *settings_of(const struct sm_run *run) {
    struct sm_recipe recipe;
    struct sm_error ignored = {.text = ""};
    sm_recipe_defaults(&recipe);
    bool read = sm_recipe_parse(&recipe, run->recipe, run->path, &ignored) == 0;
    return read ? sm_settings_text(&recipe, run) : strdup("");
}

static struct sm_group *new_group(struct sm_groups *groups, const struct sm_run *run, struct sm_error *err) {
    struct sm_group *group = &groups->group[groups->n_groups++];
    *group = (struct sm_group){
        .first = run, .settings = settings_of(run), .member = calloc(groups->n_runs, sizeof *group->member)};
    if (sm_published_init(&group->published, run, err) != 0) return NULL;
    if (group->settings && group->member) return group;
    sm_fail(err, "%s: groups: out of memory", run->path);
    return NULL;
}

static void note_other_experiment(const struct sm_group *group, struct sm_notes *notes) {
    const struct sm_published *published = &group->published;
    if (published->of_another_experiment)
        sm_note(notes, "groups: %s: what was published for %s is of another experiment and not set beside it (%s)",
                group->first->name, published->name, published->departures);
}

static void note_unreadable(const struct sm_run *run, struct sm_notes *notes) {
    struct sm_recipe recipe;
    struct sm_error why = {.text = ""};
    sm_recipe_defaults(&recipe);
    if (sm_recipe_parse(&recipe, run->recipe, run->path, &why) != 0)
        sm_note(notes, "groups: %s: its settings are compared letter by letter with those of other runs: %s", run->name,
                why.text);
}

int sm_groups_add(struct sm_groups *groups, size_t i, const struct sm_run *run, struct sm_notes *notes,
                  struct sm_error *err) {
    note_unreadable(run, notes);
    struct sm_group *group = find_group(groups, run);
    if (!group) group = new_group(groups, run, err);
    if (!group) return -1;
    group->member[group->n_members++] = i;
    group->n_unfinished += groups->summary[i].unfinished;
    return 0;
}

/* ---- where groups of the same names differ ---- */

static char *variant_of(const struct sm_groups *groups, const struct sm_group *group, struct sm_error *err) {
    const char **others = calloc(groups->n_groups, sizeof *others);
    size_t n = 0;
    for (size_t g = 0; others && g < groups->n_groups; g++) {
        const struct sm_group *other = &groups->group[g];
        if (same_names(&groups->summary[group->member[0]], &groups->summary[other->member[0]]))
            others[n++] = other->settings;
    }
    char *lines = others ? sm_settings_difference(group->settings, others, n) : NULL;
    char *variant = !lines ? NULL : *lines ? strdup(lines) : strdup(*group->settings ? "-" : "unreadable recipe");
    if (!variant) sm_fail(err, "groups: out of memory");
    free(others);
    free(lines);
    return variant;
}

/* ---- estimates ---- */

static void note_about_members(const struct sm_groups *groups, const struct sm_group *group, struct sm_notes *notes) {
    for (size_t m = 0; m < group->n_members; m++) {
        const struct sm_run_summary *run = &groups->summary[group->member[m]];
        if (isnan(run->test_accuracy))
            sm_note(notes, "groups: %s has no test accuracy, so that of its group is undefined", run->run);
        if (run->epochs != groups->summary[group->member[0]].epochs)
            sm_note(notes, "groups: %s is at epoch %g and %s at epoch %g: they are averaged all the same", run->run,
                    run->epochs, groups->summary[group->member[0]].run, groups->summary[group->member[0]].epochs);
        for (size_t k = 0; k < m; k++) {
            const struct sm_run_summary *other = &groups->summary[group->member[k]];
            if (run->weight_seed == other->weight_seed && run->score_seed == other->score_seed &&
                run->data_seed == other->data_seed)
                sm_note(notes, "groups: %s and %s have the same seeds: they are not independent", other->run, run->run);
        }
    }
}

int sm_groups_finish(struct sm_groups *groups, struct sm_notes *notes, struct sm_error *err) {
    double *values = calloc(groups->n_runs, sizeof *values);
    int status = values ? 0 : sm_fail(err, "groups: out of memory");
    for (size_t g = 0; g < groups->n_groups && status == 0; g++) {
        struct sm_group *group = &groups->group[g];
        for (int which = 0; which < SM_N_GROUP_METRICS; which++) {
            for (size_t m = 0; m < group->n_members; m++)
                values[m] = metric(&groups->summary[group->member[m]], (enum sm_group_metric)which);
            group->estimate[which] = sm_estimate_of(values, group->n_members);
        }
        group->variant = variant_of(groups, group, err);
        if (!group->variant) status = -1;
        note_about_members(groups, group, notes);
        note_other_experiment(group, notes);
    }
    free(values);
    return status;
}

static double difference(const struct sm_group *group, enum sm_group_metric which, double published) {
    return group->first->in_rounds || group->n_unfinished ? NAN : group->estimate[which].mean - published;
}

double sm_group_accuracy_difference(const struct sm_group *group) {
    return difference(group, SM_GROUP_test_accuracy, group->published.accuracy);
}

double sm_group_remaining_difference(const struct sm_group *group) {
    return difference(group, SM_GROUP_remaining, group->published.remaining);
}
