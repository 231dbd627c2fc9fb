/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is it more than chance? */
#include <math.h>
#include <string.h>

#include "analyze/finding.h"

/* ---- controls ---- */

static const struct control {
    const char *name, *what, *means;
} controls[] = {
    {"shuffle-mask", "mask shuffled within each layer", "where weights remain"},
    {"shuffle-signs", "signs shuffled among the remaining", "which weights are inverted"},
    {"invert-all", "all signs inverted", "the common sign"},
    {"redraw-weights", "initial weights drawn again", "which initial weights the mask was learned on"},
};
enum { N_CONTROLS = sizeof controls / sizeof *controls };

static struct sm_spread accuracy_of(const struct sm_scope *scope, const char *control) {
    return sm_scope_spread(scope, "controls", "", "accuracy", SM_WHERE({"control", control}));
}

/* Share of what was learned, accuracy above chance, that is left under a control. */
static double left_over(double accuracy, double trained, double chance) {
    return trained > chance ? (accuracy - chance) / (trained - chance) : NAN;
}

static void write_controls(const struct sm_scope *scope, double trained) {
    sm_grid_open(scope, SM_COLUMNS("control", "accuracy", "against trained, points", "left of what was learned"));
    for (size_t c = 0; c < N_CONTROLS; c++) {
        struct sm_spread accuracy = accuracy_of(scope, controls[c].name);
        if (accuracy.n == 0) continue;
        sm_grid_row(scope, controls[c].what);
        sm_grid_cell(scope, "%s", sm_percent_range(accuracy).s);
        sm_grid_cell(scope, "%s", sm_points(accuracy.mean - trained).s);
        sm_grid_cell(scope, "%s", sm_percent(left_over(accuracy.mean, trained, sm_scope_chance(scope))).s);
    }
    sm_grid_close(scope);
}

static void find_controls(const struct sm_scope *scope) {
    struct sm_spread trained = accuracy_of(scope, "as-trained"), shuffled = accuracy_of(scope, "shuffle-mask");
    struct sm_spread signs = accuracy_of(scope, "shuffle-signs");
    if (trained.n == 0 || sm_scope_hides_nothing(scope)) return;
    sm_say_begin(scope);
    if (shuffled.n) {
        fputs("<b>", scope->file);
        sm_say(scope, "With its mask shuffled within each layer the network falls from %s to %s",
               sm_percent(trained.mean).s, sm_percent_range(shuffled).s);
        fputs("</b>", scope->file);
        sm_say(scope, " (chance: %s): the densities alone carry %s of what was learned.",
               sm_percent(sm_scope_chance(scope)).s,
               sm_percent(fmax(0, left_over(shuffled.mean, trained.mean, sm_scope_chance(scope)))).s);
    }
    if (signs.n)
        sm_say(scope, " With only the signs shuffled among the remaining weights it has %s.",
               sm_percent_range(signs).s);
    write_controls(scope, trained.mean);
    sm_say_end(scope);
}

/* ---- thresholds ---- */

/* Largest factor up to which the mean accuracy is within a point of that at the trained threshold (factor 1). */
struct sweep {
    double accuracy_at_1, remaining_at_1;
    double widest, accuracy, remaining;
};

/* The factor's cell as it is written, for the rows of all runs with that factor. */
static struct sm_spread at_factor(const struct sm_rows *rows, const char *factor, const char *column) {
    return sm_rows_spread(rows, column, SM_WHERE({"factor", factor}));
}

static struct sweep sweep_of(const struct sm_rows *rows) {
    struct sweep sweep = {NAN, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < rows->n && sm_rows_run(rows, i) == sm_rows_run(rows, 0); i++)
        if (sm_rows_real(rows, i, "factor") == 1) {
            sweep.accuracy_at_1 = at_factor(rows, sm_rows_text(rows, i, "factor"), "accuracy").mean;
            sweep.remaining_at_1 = at_factor(rows, sm_rows_text(rows, i, "factor"), "remaining").mean;
        }
    for (size_t i = 0; i < rows->n && sm_rows_run(rows, i) == sm_rows_run(rows, 0); i++) {
        const char *factor = sm_rows_text(rows, i, "factor");
        double accuracy = at_factor(rows, factor, "accuracy").mean, value = sm_rows_real(rows, i, "factor");
        if (!(accuracy >= sweep.accuracy_at_1 - 0.01) || value < sweep.widest) continue;
        sweep.widest = value;
        sweep.accuracy = accuracy;
        sweep.remaining = at_factor(rows, factor, "remaining").mean;
    }
    return sweep;
}

static void find_thresholds(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "thresholds", SM_ALL_LAYERS);
    struct sweep sweep = sweep_of(&rows);
    if (isnan(sweep.accuracy_at_1) || isnan(sweep.widest) || sm_scope_hides_nothing(scope)) return;
    sm_say_begin(scope);
    sm_say(scope, "At the trained threshold %s of the weights remain; without training anew the threshold can be ",
           sm_percent(sweep.remaining_at_1).s);
    if (sweep.widest > 1)
        sm_say(scope, "raised %s times before more than a point of accuracy is lost, to %s remaining with %s.",
               sm_number(sweep.widest).s, sm_percent(sweep.remaining).s, sm_percent(sweep.accuracy).s);
    else
        sm_say(scope, "raised by none of the factors tried before more than a point of accuracy is lost.");
    sm_say_end(scope);
}

const sm_finding sm_findings_chance[] = {find_controls, find_thresholds, NULL};
