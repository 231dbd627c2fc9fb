/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When were they chosen? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/finding.h"
#include "analyze/runs.h"

/* Of the state that these tables compare with: a run whose training is not over has no final one yet. */
static const char *last_state(const struct sm_scope *scope) {
    return sm_scope_is_complete(scope) ? "final" : "last recorded";
}

/* ---- early-bird epoch ---- */

/* One criterion, over the runs that meet it. */
struct early_bird {
    const char *distance, *epsilon, *window;
    struct sm_spread epoch, remaining, jaccard, accuracy, final_accuracy;
};

/* The criterion of the i-th row. */
static struct early_bird early_bird_of(const struct sm_rows *rows, size_t i) {
    struct early_bird found = {.distance = sm_rows_text(rows, i, "distance"),
                               .epsilon = sm_rows_text(rows, i, "epsilon"),
                               .window = sm_rows_text(rows, i, "window")};
    const struct sm_where *where =
        SM_WHERE({"distance", found.distance}, {"epsilon", found.epsilon}, {"window", found.window});
    found.epoch = sm_rows_spread(rows, "epoch", where);
    found.remaining = sm_rows_spread(rows, "remaining", where);
    found.jaccard = sm_rows_spread(rows, "jaccard_to_final", where);
    found.accuracy = sm_rows_spread(rows, "test_accuracy", where);
    found.final_accuracy = sm_rows_spread(rows, "final_test_accuracy", where);
    return found;
}

static void write_early_bird(const struct sm_scope *scope, const struct early_bird *found) {
    char name[128];
    bool in_all = found->epoch.n == scope->n_runs;
    snprintf(name, sizeof name, "%s < %s, %s times", found->distance, found->epsilon, found->window);
    sm_grid_row(scope, name);
    sm_grid_cell(scope, "%s%s", found->epoch.n ? sm_number_range(found->epoch).s : "never",
                 found->epoch.n && !in_all ? " *" : "");
    sm_grid_cell(scope, "%s", sm_percent(found->remaining.mean).s);
    sm_grid_cell(scope, "%s", sm_number_range(found->jaccard).s);
    sm_grid_cell(scope, "%s", sm_percent(found->accuracy.mean).s);
    sm_grid_cell(scope, "%s", sm_percent(found->final_accuracy.mean).s);
}

static void say_early_bird(const struct sm_scope *scope, const struct early_bird *found) {
    if (found->epoch.n == 0) {
        sm_say(scope, "By the early-bird criterion (You et al. 2020) the mask never stops changing.");
        return;
    }
    fputs("<b>", scope->file);
    sm_say(scope, "The early-bird epoch is %s", sm_number_range(found->epoch).s);
    fputs("</b>", scope->file);
    sm_say(scope, " of %s (%s distance below %s, %s times in a row; You et al. 2020)",
           sm_number(scope->first->epoch[scope->first->n_records - 1]).s, found->distance, found->epsilon,
           found->window);
    if (found->jaccard.n)
        sm_say(scope, ", when the mask has a Jaccard similarity of %s with the %s one",
               sm_number(found->jaccard.mean).s, last_state(scope));
    sm_say(scope, ".");
}

/* A mask that never changes (of a dense baseline) was not chosen at any time. */
static bool never_changes(const struct sm_scope *scope) {
    return sm_scope_spread(scope, "flips", SM_ALL_LAYERS, "flip_rate", NULL).most == 0;
}

static void find_early_bird(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "earlybird", SM_ALL_LAYERS);
    if (never_changes(scope) || rows.n == 0 || !*sm_rows_text(&rows, 0, "distance")) return;
    struct early_bird first = early_bird_of(&rows, 0);
    sm_say_begin(scope);
    say_early_bird(scope, &first);
    bool is_complete = sm_scope_is_complete(scope);
    sm_grid_open(scope, SM_COLUMNS("distance between records", "epoch", "remaining",
                                   is_complete ? "Jaccard to final" : "Jaccard to last recorded", "accuracy then",
                                   is_complete ? "accuracy at the end" : "accuracy last recorded"));
    bool all = true;
    for (size_t i = 0; i < rows.n && sm_rows_run(&rows, i) == sm_rows_run(&rows, 0); i++) {
        struct early_bird found = early_bird_of(&rows, i);
        all = all && (found.epoch.n == 0 || found.epoch.n == scope->n_runs);
        write_early_bird(scope, &found);
    }
    sm_grid_close(scope);
    if (!all) sm_say(scope, "*: not in every run; the means are over those in which it was reached.");
    sm_say_end(scope);
}

/* ---- settling ---- */

/* Epoch of a recorded step; NaN where it is not recorded. */
static double epoch_of_step(const struct sm_run *run, double step) {
    size_t low = 0, high = run->n_records;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((double)run->step[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low < run->n_records ? run->epoch[low] : NAN;
}

/* First epoch at which at least `share` of all weights are settled, over the runs. */
static struct sm_spread settled_at(const struct sm_scope *scope, double share) {
    const struct sm_analysis *analysis = scope->report->analysis;
    struct sm_rows rows = sm_scope_rows(scope, "settling", SM_ALL_LAYERS);
    double *values = calloc(analysis->n_runs + 1, sizeof *values);
    size_t n = 0, done = SIZE_MAX;
    for (size_t i = 0; values && i < rows.n; i++) {
        size_t run = sm_rows_run(&rows, i);
        if (run == done || !(sm_rows_real(&rows, i, "settled") >= share)) continue;
        values[n++] = epoch_of_step(&analysis->runs[run], sm_rows_real(&rows, i, "step"));
        done = run;
    }
    struct sm_spread spread = sm_spread_of(values, n);
    free(values);
    return spread;
}

static void find_settling(const struct sm_scope *scope) {
    struct sm_spread half = settled_at(scope, 0.5), most = settled_at(scope, 0.99);
    if (half.n == 0 || scope->first->n_records < 2) return;
    sm_say_begin(scope);
    if (most.most == 0)
        sm_say(scope, "No weight changes its state after the first record.");
    else
        sm_say(scope, "Half of all weights have their %s state by epoch %s, 99 %% of them by epoch %s.",
               last_state(scope), sm_number_interval(half).s, sm_number_interval(most).s);
    sm_say_end(scope);
}

static struct sm_spread first_flips(const struct sm_scope *scope) {
    return sm_scope_spread(scope, "flips", SM_ALL_LAYERS, "flip_rate", SM_WHERE({"from_step", "0"}));
}

static void find_flips(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "flips", SM_ALL_LAYERS);
    struct sm_spread first = first_flips(scope), last = sm_rows_spread_last(&rows, "flip_rate");
    if (first.n == 0 || last.n == 0 || first.most == 0) return;
    sm_say_begin(scope);
    sm_say(scope, "Between the first two records %s of all weights change their state; between the last two ",
           sm_percent_interval(first).s);
    if (last.most > 0)
        sm_say(scope, "%s still do.", sm_percent_interval(last).s);
    else
        sm_say(scope, "none does.");
    sm_say_end(scope);
}

/* ---- there and back ---- */

struct changes {
    double never, more, reentered, weights; /* weights, summed over the runs */
};

static struct changes count_changes(const struct sm_rows *rows) {
    struct changes sum = {0};
    for (size_t i = 0; i < rows->n; i++) {
        double changes = sm_rows_real(rows, i, "changes"), weights = sm_rows_real(rows, i, "weights");
        if (isnan(changes) || isnan(weights)) continue;
        sum.weights += weights;
        if (changes == 0) sum.never += weights;
        if (changes >= 2) sum.more += weights;
        sum.reentered += sm_rows_real(rows, i, "reentered");
    }
    return sum;
}

static void find_oscillation(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "oscillation", SM_ALL_LAYERS);
    struct changes sum = count_changes(&rows);
    if (!(sum.weights > 0) || sum.never == sum.weights) return;
    sm_say_begin(scope);
    sm_say(scope,
           "%s of the weights never change their state and %s change it more than once; %s are hidden and come "
           "back at least once.",
           sm_percent(sum.never / sum.weights).s, sm_percent(sum.more / sum.weights).s,
           sm_percent(sum.reentered / sum.weights).s);
    sm_say_end(scope);
}

/* ---- similarity to the final mask ---- */

/* First recorded epoch from which the mask has at least that Jaccard similarity with the last one, over the runs. */
static struct sm_spread similar_at(const struct sm_scope *scope, double least) {
    const struct sm_analysis *analysis = scope->report->analysis;
    struct sm_rows rows = sm_scope_rows(scope, "similarity", SM_ALL_LAYERS);
    double *values = calloc(analysis->n_runs + 1, sizeof *values);
    size_t n = 0, done = SIZE_MAX;
    for (size_t i = 0; values && i < rows.n; i++) {
        size_t run = sm_rows_run(&rows, i);
        double last = (double)analysis->runs[run].step[analysis->runs[run].n_records - 1];
        if (run == done || sm_rows_real(&rows, i, "to_step") != last || !(sm_rows_real(&rows, i, "jaccard") >= least))
            continue;
        values[n++] = sm_rows_real(&rows, i, "from_epoch");
        done = run;
    }
    struct sm_spread spread = sm_spread_of(values, n);
    free(values);
    return spread;
}

static void find_similarity(const struct sm_scope *scope) {
    struct sm_spread half = similar_at(scope, 0.5), most = similar_at(scope, 0.9);
    if (half.n == 0 || half.most == 0) return;
    sm_say_begin(scope);
    sm_say(scope, "The mask shares half of its places with the %s one (Jaccard similarity .5) at epoch %s",
           last_state(scope), sm_number_range(half).s);
    if (most.n) sm_say(scope, ", and nine tenths at epoch %s", sm_number_range(most).s);
    sm_say(scope, ".");
    sm_say_end(scope);
}

/* ---- all of it ---- */

static const struct {
    const char *table;
    sm_finding find;
} changes[] = {{"earlybird", find_early_bird},
               {"settling", find_settling},
               {"flips", find_flips},
               {"oscillation", find_oscillation},
               {"similarity", find_similarity}};
enum { N_CHANGES = sizeof changes / sizeof *changes };

static void say_nothing(const struct sm_scope *scope) {
    bool any = false;
    for (size_t c = 0; c < N_CHANGES; c++) any |= sm_scope_rows(scope, changes[c].table, SM_ALL_LAYERS).n > 0;
    if (!any || scope->first->n_records < 2) return;
    sm_say_begin(scope);
    sm_say(scope, "The masks of these runs are samples, drawn anew for each record: weights change between two records "
                  "even where nothing is learned, so that their changes do not tell when they were chosen.");
    sm_say_end(scope);
}

static void find_changes(const struct sm_scope *scope) {
    if (scope->first->samples_masks)
        say_nothing(scope);
    else
        for (size_t c = 0; c < N_CHANGES; c++) changes[c].find(scope);
}

const sm_finding sm_findings_when[] = {find_changes, NULL};
