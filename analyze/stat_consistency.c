/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_consistency.c - do two runs rank the same units high? */
#include <math.h>
#include <stdlib.h>

#include "analyze/align.h"
#include "analyze/statistics.h"
#include "analyze/units.h"

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run"},
    {"layer", "layer whose units are ranked; input: the network's inputs"},
    {"statistic", "by what: a column of the table neurons"},
    {"alignment", "identity: inputs and outputs stand for themselves; aligned: hidden units matched by weights"},
    {"among", "all: all units of the layer; alive: those that are on a route from input to output in both runs"},
    {"n", "number of these units"},
    {"spearman", "Spearman's rank correlation over them; nan for n < 2 and where one run has one value for all"},
    {"kendall_tau_b", "Kendall's tau-b, likewise"},
    {"p_value", "of spearman, two-sided (Student's t); nan for n < 3"},
    {"kendall_p_value", "of kendall_tau_b, two-sided (normal approximation, corrected for ties)"},
    {"top_k", "k = n / 10, rounded up"},
    {"top_overlap", "share of run_a's k highest units whose partners are among the k highest of run_b; ties at the "
                    "k-th place count by their share; nan for n = 0"},
    {"expected_top_overlap", "k / n: its expectation for unrelated ranks"},
};

static const enum sm_unit_measure measures[] = {SM_UNIT_FAN_IN,       SM_UNIT_FAN_OUT,     SM_UNIT_STRENGTH_IN,
                                                SM_UNIT_STRENGTH_OUT, SM_UNIT_LOG10_PATHS, SM_UNIT_LOG10_SYNFLOW};
enum { N_MEASURES = sizeof measures / sizeof *measures };

struct state {
    const struct sm_analysis *analysis;
    struct sm_units *units; /* [n_runs] of each run, once a pair has asked for them */
    bool *done;             /* [n_runs] */
};

/* One level of a pair. x and y hold the chosen units of the two runs side by side: [units of the level]. */
struct comparison {
    const struct sm_pair *pair;
    const struct sm_units *a, *b;
    const struct sm_alignment *alignment;
    size_t level;
    double *x, *y;
};

/* ---- one row ---- */

/* Routes beyond 2^53 and SynFlow are rounded sums: what differs by rounding only is a tie. */
static double value_of(const struct sm_units *units, enum sm_unit_measure measure, size_t u) {
    double value = sm_unit_value(units, measure, u);
    bool rounded = measure == SM_UNIT_LOG10_PATHS || measure == SM_UNIT_LOG10_SYNFLOW;
    return rounded && isfinite(value) ? round(value * 1e9) / 1e9 : value;
}

/* Returns the number of units. */
static size_t gather(const struct comparison *c, enum sm_unit_measure measure, bool alive_only) {
    size_t first = c->a->graph.offset[c->level], n = 0;
    for (size_t u = 0; u < sm_graph_level_units(&c->a->graph, c->level); u++) {
        size_t ua = first + u, ub = first + sm_alignment_partner(c->alignment, c->level, u);
        if (alive_only && !(sm_unit_alive(c->a, ua) && sm_unit_alive(c->b, ub))) continue;
        c->x[n] = value_of(c->a, measure, ua);
        c->y[n++] = value_of(c->b, measure, ub);
    }
    return n;
}

static int write_row(const struct comparison *c, enum sm_unit_measure measure, bool alive_only, struct sm_table *table,
                     struct sm_error *err) {
    size_t n = gather(c, measure, alive_only), k = (n + 9) / 10;
    bool fixed = c->level == 0 || c->level + 1 == c->a->graph.n_levels;
    struct sm_correlation spearman, kendall;
    double top_overlap;
    if (sm_spearman(c->x, c->y, n, &spearman, err) != 0 || sm_kendall_tau_b(c->x, c->y, n, &kendall, err) != 0 ||
        sm_top_overlap(c->x, c->y, n, k, &top_overlap, err) != 0)
        return -1;
    sm_table_text(table, c->pair->a->run->name);
    sm_table_text(table, c->pair->b->run->name);
    sm_table_text(table, sm_graph_level_name(&c->a->graph, c->level));
    sm_table_text(table, sm_unit_measure_name(measure));
    sm_table_text(table, fixed ? "identity" : "aligned");
    sm_table_text(table, alive_only ? "alive" : "all");
    sm_table_int(table, (int64_t)n);
    sm_table_real(table, spearman.value);
    sm_table_real(table, kendall.value);
    sm_table_real(table, spearman.p_value);
    sm_table_real(table, kendall.p_value);
    sm_table_int(table, (int64_t)k);
    sm_table_real(table, top_overlap);
    sm_table_real(table, n ? (double)k / (double)n : NAN);
    return 0;
}

/* ---- one pair ---- */

/* Incoming weights of inputs and outgoing ones of outputs are not there to be ranked. */
static bool is_defined(const struct comparison *c, enum sm_unit_measure measure) {
    return !isnan(sm_unit_value(c->a, measure, c->a->graph.offset[c->level]));
}

static int compare_level(const struct comparison *c, struct sm_table *table, struct sm_error *err) {
    int status = 0;
    for (size_t m = 0; m < N_MEASURES; m++)
        for (int alive_only = 0; alive_only < 2 && status == 0 && is_defined(c, measures[m]); alive_only++)
            status = write_row(c, measures[m], alive_only, table, err);
    return status;
}

static const struct sm_units *units_of(struct state *state, const struct sm_moment *moment, struct sm_error *err) {
    size_t i = moment->run_index;
    if (state->done[i]) return &state->units[i];
    if (sm_units_init(&state->units[i], moment, err) != 0) {
        sm_units_destroy(&state->units[i]);
        sm_fail_prefix(err, "%s: consistency", moment->run->path);
        return NULL;
    }
    state->done[i] = true;
    return &state->units[i];
}

static int consistency_pair(void *data, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    struct state *state = data;
    struct comparison c = {.pair = pair,
                           .a = units_of(state, pair->a, err),
                           .b = units_of(state, pair->b, err),
                           .alignment = sm_pair_alignment(pair, SM_COMPARE_WEIGHT, err)};
    if (!c.a || !c.b || !c.alignment) return -1;
    size_t n = sm_graph_n_units(&c.a->graph);
    double *values = malloc(2 * n * sizeof *values);
    int status = values ? 0 : sm_fail(err, "consistency: out of memory for %zu units", n);
    c.x = values;
    c.y = values + n;
    for (; c.level < c.a->graph.n_levels && status == 0; c.level++) status = compare_level(&c, table, err);
    free(values);
    return status;
}

/* ---- other hooks ---- */

static int consistency_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct state *new = calloc(1, sizeof *new);
    *state = new;
    if (!new) return sm_fail(err, "consistency: out of memory");
    new->analysis = analysis;
    new->units = calloc(analysis->n_runs, sizeof *new->units);
    new->done = calloc(analysis->n_runs, sizeof *new->done);
    return new->units &&new->done ? 0 : sm_fail(err, "consistency: out of memory for %zu runs", analysis->n_runs);
}

static void consistency_free(void *state) {
    struct state *consistency = state;
    for (size_t i = 0; consistency->done && i < consistency->analysis->n_runs; i++)
        if (consistency->done[i]) sm_units_destroy(&consistency->units[i]);
    free(consistency->units);
    free(consistency->done);
    free(consistency);
}

const struct sm_statistic sm_stat_consistency = {
    .name = "consistency",
    .help = "do two runs rank the same units high (Spearman, Kendall's tau-b, overlap of the highest tenth)",
    .about =
        "Agreement of two runs on which units of a layer matter, by several measures of a unit (see `neurons`).\n"
        "Inputs and outputs are the same in both runs; hidden units stand beside their partner after alignment by\n"
        "weights (see `matches`). Matched units share weights, so their degrees agree in part by construction: the\n"
        "alignment looks for partners with common weights, and dead units, which share none, are left for each other.\n"
        "among = all counts them, and correlations are then high wherever two runs kill equally many units; among =\n"
        "alive does not. Units without a route (log10 = -inf) are tied below all others; so are values that differ\n"
        "by less than 1e-9 in log10_paths and log10_synflow tied with each other. What a layer has not (fan_in of\n"
        "inputs, fan_out of outputs) has no row. p-values are for a single row.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = consistency_open,
    .pair = consistency_pair,
    .free = consistency_free,
};
