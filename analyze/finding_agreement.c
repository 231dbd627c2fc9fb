/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Do seeds agree on who matters? */
#include <math.h>
#include <string.h>

#include "analyze/finding.h"

/* ---- consistency of ranks ---- */

static const struct ranking {
    const char *statistic, *name;
} rankings[] = {{"fan_in", "fan-in"}, {"fan_out", "fan-out"}, {"log10_paths", "paths"}, {"log10_synflow", "SynFlow"}};
enum { N_RANKINGS = sizeof rankings / sizeof *rankings };

/* Only units that are alive in both runs: dead ones would agree on being last. */
static const char *const among = "alive";

static struct sm_spread spearman_of(const struct sm_scope *scope, const char *layer, const char *statistic) {
    return sm_scope_spread(scope, "consistency", layer, "spearman",
                           SM_WHERE({"statistic", statistic}, {"among", among}));
}

/* The ranking that the seeds agree on most, in a hidden layer. */
struct best {
    const char *layer, *name, *statistic;
    struct sm_spread spearman;
};

static struct best best_ranking(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    struct best best = {.spearman = {.mean = -INFINITY}};
    for (size_t l = 0; l + 1 < net->n_layers; l++)
        for (size_t r = 0; r < N_RANKINGS; r++) {
            struct sm_spread spearman = spearman_of(scope, net->layers[l].name, rankings[r].statistic);
            if (spearman.n && spearman.mean > best.spearman.mean)
                best = (struct best){net->layers[l].name, rankings[r].name, rankings[r].statistic, spearman};
        }
    return best;
}

static void write_ranks_row(const struct sm_scope *scope, const char *layer) {
    if (sm_scope_rows(scope, "consistency", layer).n == 0) return;
    sm_grid_row(scope, layer);
    for (size_t r = 0; r < N_RANKINGS; r++)
        sm_grid_cell(scope, "%s", sm_number_range(spearman_of(scope, layer, rankings[r].statistic)).s);
}

static void say_top(const struct sm_scope *scope, const struct best *best) {
    const struct sm_where *where = SM_WHERE({"statistic", best->statistic}, {"among", among});
    struct sm_spread found = sm_scope_spread(scope, "consistency", best->layer, "top_overlap", where);
    struct sm_spread expected = sm_scope_spread(scope, "consistency", best->layer, "expected_top_overlap", where);
    struct sm_spread k = sm_scope_spread(scope, "consistency", best->layer, "top_k", where);
    if (found.n == 0 || expected.n == 0) return;
    sm_say(scope, " Of a seed's top tenth there (%s units) another has %s, where chance gives %s.", sm_number(k.mean).s,
           sm_percent(found.mean).s, sm_percent(expected.mean).s);
}

static void find_ranks(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    struct best best = best_ranking(scope);
    if (!best.layer) return;
    sm_say_begin(scope);
    fputs("<b>", scope->file);
    sm_say(scope, "Matched hidden units rank alike by at most ρ = %s", sm_number_range(best.spearman).s);
    fputs("</b>", scope->file);
    sm_say(scope, " (%s of %s, over %zu pair%s).", best.name, best.layer, best.spearman.n, sm_plural(best.spearman.n));
    say_top(scope, &best);
    sm_say(scope, " Spearman's ρ between two seeds, over the units alive in both:");
    sm_grid_open(scope, SM_COLUMNS("layer", rankings[0].name, rankings[1].name, rankings[2].name, rankings[3].name));
    write_ranks_row(scope, "input");
    for (size_t l = 0; l < net->n_layers; l++) write_ranks_row(scope, net->layers[l].name);
    sm_grid_close(scope);
    sm_say_end(scope);
}

/* ---- ensemble ---- */

/* One row of ensemble.tsv; NaN where there is none. */
struct times {
    double weights, expected, at_least, accuracy, degree;
};

static struct times times_of(const struct sm_rows *rows, const char *alignment, double times) {
    for (size_t i = 0; i < rows->n; i++)
        if (sm_rows_real(rows, i, "times") == times && sm_rows_match(rows, i, SM_WHERE({"alignment", alignment})))
            return (struct times){sm_rows_real(rows, i, "weights"), sm_rows_real(rows, i, "expected"),
                                  sm_rows_real(rows, i, "at_least"), sm_rows_real(rows, i, "accuracy"),
                                  sm_rows_real(rows, i, "expected_degree")};
    return (struct times){NAN, NAN, NAN, NAN, NAN};
}

static void write_ensemble_row(const struct sm_scope *scope, const struct sm_rows *rows, const char *alignment,
                               double times) {
    struct times found = times_of(rows, alignment, times);
    char name[64];
    if (isnan(found.weights)) return;
    snprintf(name, sizeof name, "%s, %s", alignment, times == 1 ? "at least one (union)" : "all (intersection)");
    sm_grid_row(scope, name);
    sm_grid_cell(scope, "%.0f", found.at_least);
    sm_grid_cell(scope, "%s", sm_percent(found.accuracy).s);
}

static void find_ensemble(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "ensemble", SM_ALL_LAYERS);
    double n = (double)scope->n_runs;
    struct times raw = times_of(&rows, "raw", n), aligned = times_of(&rows, "aligned", n);
    if (n < 2 || isnan(raw.weights) || sm_scope_hides_nothing(scope)) return;
    sm_say_begin(scope);
    sm_say(scope, "%.0f weights remain in ", raw.weights);
    if (scope->n_runs == 2)
        sm_say(scope, "both");
    else
        sm_say(scope, "all %zu", scope->n_runs);
    sm_say(scope, " runs as the units stand, where independent masks would share %s", sm_number(raw.expected).s);
    if (!isnan(aligned.weights)) sm_say(scope, "; %.0f with hidden units matched to the first run's", aligned.weights);
    if (!isnan(aligned.degree))
        sm_say(scope, ", where random networks with the same degrees, matched alike, share %s",
               sm_number(aligned.degree).s);
    sm_say(scope, ".");
    sm_grid_open(scope, SM_COLUMNS("non-hidden in", "weights", "accuracy of that mask"));
    for (size_t a = 0; a < 2; a++) {
        write_ensemble_row(scope, &rows, a == 0 ? "raw" : "aligned", 1);
        write_ensemble_row(scope, &rows, a == 0 ? "raw" : "aligned", n);
    }
    sm_grid_close(scope);
    sm_say_end(scope);
}

const sm_finding sm_findings_agreement[] = {find_ranks, find_ensemble, NULL};
