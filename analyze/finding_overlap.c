/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Do two seeds find the same network? Raw, aligned and aligned null stand side by side, always. */
#include <math.h>
#include <string.h>

#include "analyze/finding.h"
#include "analyze/runs.h"

static const double SIGNIFICANT = 0.05;

/* ---- one layer ---- */

struct layer_overlap {
    struct sm_spread raw, raw_chance, aligned, degree_null, p_holm, signs, signs_null;
    size_t n_significant; /* of p_holm */
};

/* Effective weights where they were compared (masks alone mean little where initial weights differ), else masks. */
static const char *what_was_compared(const struct sm_scope *scope) {
    struct sm_spread weights = sm_scope_spread(scope, "overlap", SM_ALL_LAYERS, "n", SM_WHERE({"compare", "weight"}));
    return weights.n ? "weight" : "mask";
}

static size_t count_significant(const struct sm_rows *rows, const struct sm_where *where) {
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        n += sm_rows_match(rows, i, where) && sm_rows_real(rows, i, "p_holm") < SIGNIFICANT;
    return n;
}

static struct layer_overlap overlap_of(const struct sm_scope *scope, const char *layer) {
    struct sm_rows rows = sm_scope_rows(scope, "overlap", layer);
    const char *compare = what_was_compared(scope);
    const struct sm_where *raw = SM_WHERE({"compare", compare}, {"alignment", "raw"}, {"null", "independent"});
    const struct sm_where *aligned = SM_WHERE({"compare", compare}, {"alignment", "aligned"}, {"null", "degree"});
    return (struct layer_overlap){.raw = sm_rows_spread(&rows, "jaccard", raw),
                                  .raw_chance = sm_rows_spread(&rows, "expected_jaccard", raw),
                                  .aligned = sm_rows_spread(&rows, "jaccard", aligned),
                                  .degree_null = sm_rows_spread(&rows, "expected_jaccard", aligned),
                                  .p_holm = sm_rows_spread(&rows, "p_holm", aligned),
                                  .signs = sm_rows_spread(&rows, "sign_agreement", aligned),
                                  .signs_null = sm_rows_spread(&rows, "expected_sign_agreement", aligned),
                                  .n_significant = count_significant(&rows, aligned)};
}

static bool nothing_is_hidden(const struct layer_overlap *overlap) {
    return overlap->raw.n > 0 && overlap->raw.least >= 1 && overlap->raw_chance.least >= 1;
}

/* ---- sentences ---- */

static void say_times(const struct sm_scope *scope, double value, double expected) {
    if (expected > 0) sm_say(scope, ", %s times as much", sm_number(value / expected).s);
}

static void say_raw(const struct sm_scope *scope, const char *layer, const struct layer_overlap *overlap) {
    sm_say_begin(scope);
    sm_say(scope, "As the units stand, two seeds' masks of %s have a Jaccard similarity of %s", layer,
           sm_number_range(overlap->raw).s);
    say_times(scope, overlap->raw.mean, overlap->raw_chance.mean);
    sm_say(scope, " as chance gives (%s), over %zu pair%s.", sm_number(overlap->raw_chance.mean).s, overlap->raw.n,
           sm_plural(overlap->raw.n));
    sm_say_end(scope);
}

/* The smallest p-value that the sampled null can give after Holm's correction. */
static double smallest_p(const struct sm_scope *scope) {
    const struct sm_analysis *analysis = scope->report->analysis;
    return (double)scope->first->net.n_layers / (double)(analysis->options->n_nulls + 1);
}

/* What the degree null says of all pairs. */
static void say_verdict(const struct sm_scope *scope, const char *layer, const struct layer_overlap *overlap) {
    size_t n = overlap->n_significant, of = overlap->p_holm.n;
    if (of == 0) return;
    if (n == 0 && smallest_p(scope) >= SIGNIFICANT) {
        sm_say(scope,
               " Whether that is chance cannot be told from %zu replicates of the null: after Holm's correction "
               "p is at least %s (--nulls).",
               scope->report->analysis->options->n_nulls, sm_number(smallest_p(scope)).s);
        return;
    }
    sm_say(scope, " In %s that is more than degrees explain (%s: p < %g in %zu of %zu, Holm over layers).",
           n == of  ? "every pair"
           : n == 0 ? "no pair"
                    : "some pairs",
           layer, SIGNIFICANT, n, of);
}

static void say_aligned(const struct sm_scope *scope, const char *layer, const struct layer_overlap *overlap) {
    sm_say_begin(scope);
    fputs("<b>", scope->file);
    sm_say(scope, "With hidden units matched it is %s", sm_number_range(overlap->aligned).s);
    fputs("</b>", scope->file);
    say_times(scope, overlap->aligned.mean, overlap->degree_null.mean);
    sm_say(scope, " as masks with the same fan-in and fan-out of every unit reach when matched alike (%s).",
           sm_number(overlap->degree_null.mean).s);
    say_verdict(scope, layer, overlap);
    sm_say_end(scope);
}

static void say_signs(const struct sm_scope *scope, const struct layer_overlap *overlap) {
    if (overlap->signs.n == 0) return;
    sm_say_begin(scope);
    sm_say(scope, "Where matched units keep the same weight, %s of the signs agree",
           sm_percent_range(overlap->signs).s);
    if (overlap->signs_null.n) sm_say(scope, "; under the null %s do", sm_percent(overlap->signs_null.mean).s);
    sm_say(scope, ".");
    sm_say_end(scope);
}

/* ---- the table ---- */

static void write_row(const struct sm_scope *scope, const char *layer) {
    struct layer_overlap overlap = overlap_of(scope, layer);
    if (overlap.raw.n == 0 && overlap.aligned.n == 0) return;
    sm_grid_row(scope, layer);
    sm_grid_cell(scope, "%s", sm_number_range(overlap.raw).s);
    sm_grid_cell(scope, "%s", sm_number(overlap.raw_chance.mean).s);
    sm_grid_cell(scope, "%s", sm_number_range(overlap.aligned).s);
    sm_grid_cell(scope, "%s", sm_number(overlap.degree_null.mean).s);
    sm_grid_cell(scope, "%s%s", overlap.p_holm.n > 1 ? "≤\u00a0" : "", sm_number(overlap.p_holm.most).s);
    sm_grid_cell(scope, "%s", sm_percent(overlap.signs.mean).s);
    sm_grid_cell(scope, "%s", sm_percent(overlap.signs_null.mean).s);
}

static void write_table(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    sm_say_begin(scope);
    sm_say(scope, "Jaccard similarity of %s, mean (lowest to highest pair):",
           strcmp(what_was_compared(scope), "weight") == 0 ? "the effective weights' places" : "the masks");
    fputs("<div class=\"overlap\">", scope->file); /* fits a phone without its columns of signs (html.c) */
    sm_grid_open(scope,
                 SM_COLUMNS("layer", "raw", "chance", "aligned", "aligned null", "p (Holm)", "signs agree", "null"));
    for (size_t l = 0; l < net->n_layers; l++) write_row(scope, net->layers[l].name);
    write_row(scope, SM_ALL_LAYERS);
    sm_grid_close(scope);
    fputs("</div>", scope->file);
    sm_say_end(scope);
}

static void say_draws(const struct sm_scope *scope) {
    sm_say_begin(scope);
    sm_say(scope,
           "The masks of these runs are samples: one draw of each is compared, and two draws have less in common "
           "than the probabilities behind them.");
    sm_say_end(scope);
}

static void find_overlap(const struct sm_scope *scope) {
    const char *layer = scope->first->net.layers[0].name;
    struct layer_overlap overlap = overlap_of(scope, layer), all = overlap_of(scope, SM_ALL_LAYERS);
    if (overlap.raw.n == 0) return;
    if (nothing_is_hidden(&all)) {
        sm_say_begin(scope);
        sm_say(scope, "No run hides a weight, so all masks are alike and their overlap says nothing.");
        sm_say_end(scope);
        return;
    }
    say_raw(scope, layer, &overlap);
    if (overlap.aligned.n) say_aligned(scope, layer, &overlap);
    say_signs(scope, &overlap);
    write_table(scope);
    if (scope->first->samples_masks) say_draws(scope);
}

/* Did the search for an alignment depend on where it began? */
static void find_starts(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "alignment", "");
    double missed = 0, tried = 0;
    for (size_t i = 0; i < rows.n; i++) {
        double best = sm_rows_real(&rows, i, "profit_highest"), n = sm_rows_real(&rows, i, "tried");
        if (!(best > 0) || !(n > 1)) continue;
        missed = fmax(missed, 1 - sm_rows_real(&rows, i, "profit") / best);
        tried = n;
    }
    if (tried == 0) return;
    sm_say_begin(scope);
    sm_say(scope,
           "The search for a matching %s: begun at %.0f orders, the best end is at most %s above the one used here.",
           missed < 0.05 ? "hardly depends on its start" : "depends on its start", tried, sm_percent(missed).s);
    sm_say_end(scope);
}

const sm_finding sm_findings_overlap[] = {find_overlap, find_starts, NULL};
