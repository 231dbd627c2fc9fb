/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_matches.c - which hidden unit of one run plays the part of which unit of another, and what their weights share.
 */
#include <stdlib.h>

#include "analyze/align.h"
#include "analyze/counts.h"
#include "analyze/stat.h"

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run"},
    {"compare", "what the runs were aligned and are compared by: mask: g in {-1, 0, +1}; weight: t = sign(w) g"},
    {"layer", "hidden layer whose units they are"},
    {"unit_a", "unit of run_a, from 0"},
    {"unit_b", "its partner in run_b, from 0"},
    {"both", "entries (incoming and outgoing) that are non-hidden in both; 0: the two share nothing but the place"},
    {"either", "entries that are non-hidden in one or both"},
    {"jaccard", "both / either; nan where either = 0"},
    {"sign_agreement", "share of equal signs among both; nan where both = 0"},
};

/* What the entries of two matched units have in common. */
struct shared {
    size_t both, either, equal;
};

/* One pair of runs, compared in one way. */
struct matching {
    const struct sm_pair *pair;
    struct sm_graph graph;
    enum sm_compare compare;
    const struct sm_alignment *alignment; /* the pair's */
    struct shared *shared;                /* [n_units] by a's unit */
};

static void add_entry(struct shared *shared, int8_t a, int8_t b) {
    shared->both += a && b;
    shared->either += a || b;
    shared->equal += a && a == b;
}

/* Signs of layer l, b's in a's order. An entry belongs to the row of the unit that it feeds and to the columns of the
 * units that it reads: one in each level that is summed. */
static void add_layer(struct matching *matching, size_t l, const int8_t *a, const int8_t *b) {
    const struct sm_graph *graph = &matching->graph;
    const struct sm_layer *layer = &graph->net->layers[l];
    size_t fan_in = sm_layer_fan_in(layer);
    struct shared *rows = matching->shared + graph->offset[l + 1];
    for (size_t e = 0; e < layer->n_out * fan_in; e++) add_entry(&rows[e / fan_in], a[e], b[e]);
    for (size_t k = 0; k < layer->n_inputs; k++) {
        size_t level = sm_graph_feeding_level(graph, l, k), part = fan_in / sm_graph_level_units(graph, level);
        struct shared *columns_of = matching->shared + graph->offset[level];
        for (size_t e = 0; e < layer->n_out * fan_in; e++) add_entry(&columns_of[e % fan_in / part], a[e], b[e]);
    }
}

static int compare_layer(struct matching *matching, size_t l, struct sm_error *err) {
    const struct sm_pair *pair = matching->pair;
    size_t n = sm_layer_weights(&matching->graph.net->layers[l]);
    int8_t *signs = malloc(3 * n), *a = signs, *b = signs + n, *aligned = signs + 2 * n;
    int status = signs ? 0 : -1;
    if (status == 0) {
        sm_ternary_signs(pair->a, l, matching->compare, a);
        sm_ternary_signs(pair->b, l, matching->compare, b);
        status = sm_alignment_apply(matching->alignment, &matching->graph, l, b, aligned, sizeof *b);
    }
    if (status == 0) add_layer(matching, l, a, aligned);
    free(signs);
    return status ? sm_fail(err, "matches: out of memory for layer %s", matching->graph.net->layers[l].name) : 0;
}

static void write_unit(const struct matching *matching, size_t level, size_t unit, struct sm_table *table) {
    const struct sm_pair *pair = matching->pair;
    const struct shared *shared = &matching->shared[matching->graph.offset[level] + unit];
    sm_table_text(table, pair->a->run->name);
    sm_table_text(table, pair->b->run->name);
    sm_table_text(table, matching->compare == SM_COMPARE_MASK ? "mask" : "weight");
    sm_table_text(table, sm_graph_level_name(&matching->graph, level));
    sm_table_int(table, (int64_t)unit);
    sm_table_int(table, (int64_t)sm_alignment_partner(matching->alignment, level, unit));
    sm_table_int(table, (int64_t)shared->both);
    sm_table_int(table, (int64_t)shared->either);
    sm_table_real(table, sm_share(shared->both, shared->either));
    sm_table_real(table, sm_share(shared->equal, shared->both));
}

static void write_hidden_units(const struct matching *matching, struct sm_table *table) {
    for (size_t level = 1; level + 1 < matching->graph.n_levels; level++)
        for (size_t u = 0; u < sm_graph_level_units(&matching->graph, level); u++)
            write_unit(matching, level, u, table);
}

static int match(const struct sm_pair *pair, enum sm_compare compare, struct sm_table *table, struct sm_error *err) {
    const struct sm_network *net = &pair->a->run->net;
    struct matching matching = {.pair = pair, .compare = compare};
    int status = sm_graph_init(&matching.graph, net, err);
    if (status == 0 && !(matching.alignment = sm_pair_alignment(pair, compare, err))) status = -1;
    if (status == 0) {
        matching.shared = calloc(sm_graph_n_units(&matching.graph), sizeof *matching.shared);
        if (!matching.shared) status = sm_fail(err, "matches: out of memory");
    }
    for (size_t l = 0; l < net->n_layers && status == 0; l++) status = compare_layer(&matching, l, err);
    if (status == 0) write_hidden_units(&matching, table);
    free(matching.shared);
    sm_graph_destroy(&matching.graph);
    return status;
}

static int matches_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis; /* only read */
    return 0;
}

static int matches_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    static const enum sm_compare compares[] = {SM_COMPARE_MASK, SM_COMPARE_WEIGHT};
    const struct sm_analysis *analysis = state;
    int status = 0;
    for (size_t i = 0; i < sizeof compares / sizeof *compares && status == 0; i++)
        if (analysis->options->compare & compares[i]) status = match(pair, compares[i], table, err);
    return status;
}

const struct sm_statistic sm_stat_matches = {
    .name = "matches",
    .help = "each hidden unit's partner in every other run, and what the weights of the two share",
    .about = "The partner of every hidden unit of one run in another run with the same layers: hidden units can be\n"
             "re-ordered without changing what a network computes, so unit 7 of one run may play the part of unit 40\n"
             "of another. The order is the one that makes the runs agree most: weight matching on ternary weights,\n"
             "Ainsworth, Hayase & Srinivasa 2023 (\"Git Re-Basin\", section 3.2); by masks the places count, by "
             "weights\n"
             "also the signs. Layers whose outputs are summed share one order. Every unit has exactly one partner:\n"
             "units that share nothing with any other (dead ones) are matched too, with both = 0.\n"
             "Entries of a unit: its row of incoming weights and its columns in all layers that read it, after all\n"
             "layers of run_b were re-ordered; compare = weight counts a weight of exactly 0 as hidden.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = matches_open,
    .pair = matches_pair,
};
