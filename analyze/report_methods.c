/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_methods.c - do different methods keep the same weights? What the table `methods` says of every two groups, for
 * the whole network: weight by weight where the runs of a pair began with the same weights, and units matched. */
#include <math.h>
#include <string.h>

#include "analyze/html.h"
#include "analyze/question.h"
#include "analyze/runs.h"

static const double SAME_SIGNS = 0.9;
static const double SAME_DRAWS = 0.5; /* correlation of initial scores: unrelated draws have none */

enum { MOST_PAIRS = 30 }; /* the rest is in the table */

struct reading {
    const struct sm_scope *scope;
    const struct sm_tsv *tsv;
    const char *compare; /* weight where it was compared, else mask */
};

/* Rows of two groups stand one behind the other: this one tells of the whole network, weight by weight, two groups. */
static bool is_raw(const struct reading *r, size_t row) {
    return sm_tsv_is(r->tsv, row, "layer", SM_ALL_LAYERS) && sm_tsv_is(r->tsv, row, "compare", r->compare) &&
           sm_tsv_is(r->tsv, row, "alignment", "raw") && sm_tsv_is(r->tsv, row, "null", "independent") &&
           !sm_tsv_is(r->tsv, row, "group_b", sm_tsv_text(r->tsv, row, "group_a"));
}

/* The row that says the same of matched units; the number of rows where there is none. */
static size_t matched_row(const struct reading *r, size_t raw) {
    static const char *const same[] = {"group_a", "group_b", "weight_seeds", "layer", "compare"};
    size_t row = raw + 1;
    for (; row < r->tsv->n_rows; row++) {
        bool found = sm_tsv_is(r->tsv, row, "alignment", "aligned") && sm_tsv_is(r->tsv, row, "null", "degree");
        for (size_t c = 0; found && c < sizeof same / sizeof *same; c++)
            found = sm_tsv_is(r->tsv, row, same[c], sm_tsv_text(r->tsv, raw, same[c]));
        if (found) break;
    }
    return row;
}

static void write_cells(const struct reading *r, size_t row) {
    static const char *const columns[] = {"jaccard", "expected_jaccard", "association"};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        double value = row < r->tsv->n_rows ? sm_tsv_real(r->tsv, row, columns[c]) : NAN;
        sm_grid_cell(r->scope, "%s", sm_number(value).s);
    }
}

static void write_pair(const struct reading *r, size_t row) {
    char names[512];
    snprintf(names, sizeof names, "%s, %s", sm_tsv_text(r->tsv, row, "group_a"), sm_tsv_text(r->tsv, row, "group_b"));
    sm_grid_row(r->scope, names);
    sm_grid_cell(r->scope, "%s", sm_tsv_text(r->tsv, row, "weight_seeds"));
    sm_grid_cell(r->scope, "%s", sm_percent(sm_tsv_real(r->tsv, row, "initial_signs")).s);
    sm_grid_cell(r->scope, "%s", sm_tsv_text(r->tsv, row, "pairs"));
    write_cells(r, row);
    write_cells(r, matched_row(r, row));
}

static void write_grid(const struct reading *r) {
    size_t n = 0;
    sm_grid_open(r->scope, SM_COLUMNS("groups", "weight seeds", "equal signs", "pairs", "as found", "chance",
                                      "association", "matched", "null", "association"));
    for (size_t row = 0; row < r->tsv->n_rows && n < MOST_PAIRS; row++) {
        if (!is_raw(r, row)) continue;
        write_pair(r, row);
        n++;
    }
    sm_grid_close(r->scope);
}

/* The same seed gives other draws in another distribution: unrelated signs agree in one half. */
static bool began_alike(const struct reading *r, size_t row) {
    return sm_tsv_is(r->tsv, row, "weight_seeds", "same") && sm_tsv_real(r->tsv, row, "initial_signs") > SAME_SIGNS;
}

/* The row with the largest association of runs that began with the same weights; the number of rows where there is
 * none. */
static size_t closest_pair(const struct reading *r) {
    size_t best = r->tsv->n_rows;
    for (size_t row = 0; row < r->tsv->n_rows; row++) {
        double value = sm_tsv_real(r->tsv, row, "association");
        if (!is_raw(r, row) || !began_alike(r, row) || isnan(value)) continue;
        if (best == r->tsv->n_rows || value > sm_tsv_real(r->tsv, best, "association")) best = row;
    }
    return best;
}

static void say_closest(const struct reading *r) {
    size_t row = closest_pair(r);
    if (row == r->tsv->n_rows) return;
    sm_say_begin(r->scope);
    sm_say(r->scope,
           "From the same initial weights %s and %s have most in common: %s of what the sparser one keeps (association "
           "%s).",
           sm_tsv_text(r->tsv, row, "group_a"), sm_tsv_text(r->tsv, row, "group_b"),
           sm_percent(sm_tsv_real(r->tsv, row, "overlap_coefficient")).s,
           sm_number(sm_tsv_real(r->tsv, row, "association")).s);
    double scores = sm_tsv_real(r->tsv, row, "initial_scores");
    if (scores > SAME_DRAWS)
        sm_say(r->scope,
               " They began with the same scores too (the sizes correlate with %s), so that this is no evidence of "
               "a common choice: other score seeds would tell.",
               sm_number(scores).s);
    sm_say_end(r->scope);
}

static bool any(const struct reading *r) {
    for (size_t row = 0; row < r->tsv->n_rows; row++)
        if (is_raw(r, row)) return true;
    return false;
}

static bool compares_weights(const struct sm_tsv *tsv) {
    for (size_t row = 0; row < tsv->n_rows; row++)
        if (sm_tsv_is(tsv, row, "compare", "weight")) return true;
    return false;
}

/* A run of one of the row's groups whose masks are samples, or NULL. */
static const struct sm_run *sampled_run(const struct reading *r, size_t row) {
    const struct sm_report *report = r->scope->report;
    for (size_t g = 0; g < report->groups.n_groups; g++) {
        const struct sm_run *run = &report->analysis->runs[report->groups.first[g]];
        const char *label = report->groups.label[g];
        bool named = sm_tsv_is(r->tsv, row, "group_a", label) || sm_tsv_is(r->tsv, row, "group_b", label);
        if (named && run->samples_masks) return run;
    }
    return NULL;
}

static void say_draws(const struct reading *r) {
    const struct sm_run *run = NULL;
    for (size_t row = 0; row < r->tsv->n_rows && !run; row++)
        if (is_raw(r, row)) run = sampled_run(r, row);
    if (!run) return;
    sm_say_begin(r->scope);
    sm_say(r->scope,
           "Masks of the method %s are samples: one draw of each is compared, so that their overlap and association "
           "with others are less than those of the probabilities behind them.",
           run->method);
    sm_say_end(r->scope);
}

void sm_report_methods(const struct sm_report *report) {
    const struct sm_sheet *sheet = sm_sheets_find(report->sheets, "methods");
    const struct sm_scope scope = {.report = report, .file = report->file};
    if (!sheet) return;
    const struct reading reading = {&scope, &sheet->tsv, compares_weights(&sheet->tsv) ? "weight" : "mask"};
    if (!any(&reading)) return;
    fputs("<section class=\"question\" id=\"methods\"><h3>Do methods keep the same weights?", report->file);
    if (sm_report_has_figures(report, sm_question_of_table("methods")))
        fputs(" <a class=\"more\" href=\"#figures-methods\">figures</a>", report->file);
    fputs("</h3>\n<ul class=\"findings\">\n", report->file);
    say_closest(&reading);
    say_draws(&reading);
    sm_say_begin(&scope);
    sm_say(&scope,
           "Jaccard similarity of the whole networks' masks, mean over pairs of runs: as found, and with hidden "
           "units matched against networks of the same degrees. Equal signs: of the initial weights, 100\u00a0%% "
           "where both began with the same. Association is 0 for chance and 1 where all "
           "that one keeps the other keeps too, whatever the densities.");
    write_grid(&reading);
    sm_say_end(&scope);
    fputs("</ul>\n</section>\n", report->file);
}
