/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_consistency.c - do two runs rank the same units high? */
#include <stdlib.h>

#include "analyze/agreement.h"

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

/* ---- one pair ---- */

static void write_row(const struct sm_pair *pair, const struct sm_ranking *ranking,
                      const struct sm_agreement *agreement, struct sm_table *table) {
    const struct sm_graph *graph = &ranking->a->graph;
    bool fixed = ranking->level == 0 || ranking->level + 1 == graph->n_levels;
    sm_table_text(table, pair->a->run->name);
    sm_table_text(table, pair->b->run->name);
    sm_table_text(table, sm_graph_level_name(graph, ranking->level));
    sm_table_text(table, sm_unit_measure_name(ranking->measure));
    sm_table_text(table, fixed ? "identity" : "aligned");
    sm_table_text(table, ranking->alive_only ? "alive" : "all");
    sm_table_int(table, (int64_t)agreement->n);
    sm_table_real(table, agreement->spearman.value);
    sm_table_real(table, agreement->kendall.value);
    sm_table_real(table, agreement->spearman.p_value);
    sm_table_real(table, agreement->kendall.p_value);
    sm_table_int(table, (int64_t)agreement->k);
    sm_table_real(table, agreement->top_overlap);
    sm_table_real(table, agreement->expected_top_overlap);
}

static int compare(const struct sm_pair *pair, struct sm_ranking *ranking, struct sm_table *table,
                   struct sm_error *err) {
    struct sm_agreement agreement;
    for (int alive_only = 0; alive_only < 2 && sm_ranking_is_defined(ranking); alive_only++) {
        ranking->alive_only = alive_only;
        if (sm_agreement_of(&agreement, ranking, err) != 0) return sm_fail_prefix(err, "consistency");
        write_row(pair, ranking, &agreement, table);
    }
    return 0;
}

static int consistency_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    struct sm_ranking ranking = {.a = sm_units_cache_get(state, pair->a, err),
                                 .b = sm_units_cache_get(state, pair->b, err),
                                 .alignment = sm_pair_alignment(pair, SM_COMPARE_WEIGHT, err)};
    if (!ranking.a || !ranking.b || !ranking.alignment) return -1;
    for (; ranking.level < ranking.a->graph.n_levels; ranking.level++)
        for (size_t m = 0; m < N_MEASURES; m++) {
            ranking.measure = measures[m];
            if (compare(pair, &ranking, table, err) != 0) return -1;
        }
    return 0;
}

/* ---- other hooks ---- */

static int consistency_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct sm_units_cache *cache = calloc(1, sizeof *cache);
    *state = cache;
    return cache ? sm_units_cache_init(cache, analysis->n_runs, err) : sm_fail(err, "consistency: out of memory");
}

static void consistency_free(void *state) {
    sm_units_cache_destroy(state);
    free(state);
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
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = consistency_open,
    .pair = consistency_pair,
    .free = consistency_free,
};
