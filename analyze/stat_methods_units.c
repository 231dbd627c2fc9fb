/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_methods_units.c - methods-units.tsv: do different methods use the same units? */
#include <math.h>
#include <stdlib.h>

#include "analyze/agreement.h"
#include "analyze/group_pairs.h"

static const struct sm_column columns[] = {
    SM_GROUP_PAIR_COLUMNS,
    {"layer", "layer whose units are ranked; input: the network's inputs"},
    {"statistic", "by what: a column of the table neurons"},
    {"alignment", "raw: unit u against unit u; aligned: hidden units matched by weights (inputs and outputs stand for "
                  "themselves, and are in the raw rows)"},
    {"among", "all: all units of the layer; alive: those that are on a route from input to output in both runs"},
    {"n", "number of these units, mean over the pairs"},
    {"spearman", "mean of Spearman's rank correlation over the pairs where it is defined, here and below; nan where it "
                 "is in none"},
    {"spearman_sd", "its standard deviation (n - 1 in the denominator); nan for fewer than two pairs"},
    {"spearman_low", "lowest pair"},
    {"spearman_high", "highest pair"},
    {"kendall_tau_b", "mean of Kendall's tau-b"},
    {"top_overlap", "mean share of one run's highest tenth that is in the other's highest tenth too"},
    {"expected_top_overlap", "its expectation for unrelated ranks"},
};

static const enum sm_unit_measure measures[] = {SM_UNIT_FAN_IN, SM_UNIT_FAN_OUT, SM_UNIT_LOG10_PATHS};
enum { N_MEASURES = sizeof measures / sizeof *measures };
enum { RAW, ALIGNED, N_ALIGNMENTS };
static const char *const alignment_names[N_ALIGNMENTS] = {"raw", "aligned"};

enum value { UNITS, SPEARMAN, KENDALL, TOP_OVERLAP, EXPECTED_TOP_OVERLAP, N_VALUES };

/* One choice of measure, alignment and units, of a level. */
enum { N_ROWS = N_MEASURES * N_ALIGNMENTS * 2 };
struct row {
    enum sm_unit_measure measure;
    size_t alignment;
    bool alive_only;
};

static struct row row_of(size_t r) {
    return (struct row){measures[r / (N_ALIGNMENTS * 2)], r / 2 % N_ALIGNMENTS, r % 2};
}

struct state {
    struct sm_group_pairs pairs;
    struct sm_units_cache cache;
};

static bool is_hidden(size_t level, size_t n_levels) {
    return level > 0 && level + 1 < n_levels;
}

/* ---- one pair of runs ---- */

static int add_row(struct sm_running *values, const struct sm_ranking *ranking, struct sm_error *err) {
    struct sm_agreement agreement;
    if (!sm_ranking_is_defined(ranking)) return 0;
    if (sm_agreement_of(&agreement, ranking, err) != 0) return sm_fail_prefix(err, "methods-units");
    const double value[N_VALUES] = {[UNITS] = (double)agreement.n,
                                    [SPEARMAN] = agreement.spearman.value,
                                    [KENDALL] = agreement.kendall.value,
                                    [TOP_OVERLAP] = agreement.top_overlap,
                                    [EXPECTED_TOP_OVERLAP] = agreement.expected_top_overlap};
    for (size_t v = 0; v < N_VALUES; v++) sm_running_add(&values[v], value[v]);
    return 0;
}

static int add_level(const struct sm_group_pair *to, struct sm_ranking ranking, const struct sm_alignment *aligned,
                     struct sm_error *err) {
    for (size_t r = 0; r < N_ROWS; r++) {
        const struct row row = row_of(r);
        if (row.alignment == ALIGNED && !is_hidden(ranking.level, ranking.a->graph.n_levels)) continue;
        ranking.measure = row.measure;
        ranking.alignment = row.alignment == ALIGNED ? aligned : NULL;
        ranking.alive_only = row.alive_only;
        if (add_row(to->cell + (ranking.level * N_ROWS + r) * N_VALUES, &ranking, err) != 0) return -1;
    }
    return 0;
}

static int units_pair(void *data, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    (void)table;
    struct state *state = data;
    bool swapped; /* of no account: everything here is symmetric */
    struct sm_ranking ranking = {.a = sm_units_cache_get(&state->cache, pair->a, err),
                                 .b = sm_units_cache_get(&state->cache, pair->b, err)};
    const struct sm_alignment *aligned = sm_pair_alignment(pair, SM_COMPARE_WEIGHT, err);
    if (!ranking.a || !ranking.b || !aligned) return -1;
    size_t n_levels = ranking.a->graph.n_levels;
    struct sm_group_pair *to = sm_group_pairs_add(&state->pairs, pair, n_levels * N_ROWS * N_VALUES, &swapped, err);
    int status = to ? 0 : -1;
    for (; status == 0 && ranking.level < n_levels; ranking.level++) status = add_level(to, ranking, aligned, err);
    return status;
}

/* ---- rows ---- */

static void write_values(struct sm_table *table, const struct sm_running *values) {
    sm_table_real(table, sm_running_mean(&values[UNITS]));
    sm_table_real(table, sm_running_mean(&values[SPEARMAN]));
    sm_table_real(table, sm_running_sd(&values[SPEARMAN]));
    sm_table_real(table, sm_running_least(&values[SPEARMAN]));
    sm_table_real(table, sm_running_most(&values[SPEARMAN]));
    sm_table_real(table, sm_running_mean(&values[KENDALL]));
    sm_table_real(table, sm_running_mean(&values[TOP_OVERLAP]));
    sm_table_real(table, sm_running_mean(&values[EXPECTED_TOP_OVERLAP]));
}

static void write_level(const struct sm_group_pairs *pairs, size_t k, const struct sm_graph *graph, size_t level,
                        struct sm_table *table) {
    for (size_t r = 0; r < N_ROWS; r++) {
        const struct sm_running *values = pairs->pair[k].cell + (level * N_ROWS + r) * N_VALUES;
        const struct row row = row_of(r);
        if (values[UNITS].n == 0) continue; /* the level has not this measure or alignment */
        sm_group_pairs_write_key(pairs, k, table);
        sm_table_text(table, sm_graph_level_name(graph, level));
        sm_table_text(table, sm_unit_measure_name(row.measure));
        sm_table_text(table, alignment_names[row.alignment]);
        sm_table_text(table, row.alive_only ? "alive" : "all");
        write_values(table, values);
    }
}

static int units_close(void *data, struct sm_table *table, struct sm_error *err) {
    const struct state *state = data;
    const struct sm_group_pairs *pairs = &state->pairs;
    for (size_t k = 0; k < sm_group_pairs_size(pairs); k++) {
        struct sm_graph graph;
        if (pairs->pair[k].n_pairs == 0) continue;
        int status = sm_graph_init(&graph, &sm_group_pairs_key(pairs, k).first[0]->net, err);
        for (size_t level = 0; status == 0 && level < graph.n_levels; level++)
            write_level(pairs, k, &graph, level, table);
        sm_graph_destroy(&graph);
        if (status != 0) return -1;
    }
    return 0;
}

static int units_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct state *new = calloc(1, sizeof *new);
    *state = new;
    if (!new) return sm_fail(err, "methods-units: out of memory");
    if (sm_group_pairs_init(&new->pairs, analysis, err) != 0) return -1;
    return sm_units_cache_init(&new->cache, analysis->n_runs, err);
}

static void units_free(void *data) {
    struct state *state = data;
    sm_units_cache_destroy(&state->cache);
    sm_group_pairs_destroy(&state->pairs);
    free(state);
}

const struct sm_statistic sm_stat_methods_units = {
    .name = "methods-units",
    .help = "do different methods use the same pixels and hidden units: rank correlations between two groups",
    .about =
        "Agreement of the runs of two groups on which units of a layer matter: the table `consistency`, averaged over\n"
        "the pairs of runs of two groups, for the pairs that the table `methods` compares. Hidden units stand beside\n"
        "each other as found (raw), which means something where the weight seeds are the same, and matched by weights\n"
        "(aligned). Input fan_out says which pixels a method reads; log10_paths how many routes lead through a unit.\n"
        "What a layer has not (fan_in of inputs, fan_out of outputs) has no row.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = units_open,
    .pair = units_pair,
    .close = units_close,
    .free = units_free,
};
