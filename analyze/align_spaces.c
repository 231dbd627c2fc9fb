/* SPDX-License-Identifier: GPL-3.0-or-later */
/* align_spaces.c - which levels of a graph share an order of their units. */
#include <stdlib.h>

#include "analyze/align.h"

/* Union-find: the parent of a level stands before it, so a root is the first level of its space. */
static size_t root_of(const size_t *parent, size_t level) {
    while (parent[level] != level) level = parent[level];
    return level;
}

static void join(size_t *parent, bool *fixed, size_t a, size_t b) {
    a = root_of(parent, a);
    b = root_of(parent, b);
    size_t first = a < b ? a : b, second = a < b ? b : a;
    parent[second] = first;
    fixed[first] = fixed[first] || fixed[second];
}

/* The levels that a layer sums stand unit on unit; where their units differ in number, in blocks, none of them can be
 * re-ordered alone, and we let both stand. */
static void join_inputs(const struct sm_graph *graph, size_t l, size_t *parent, bool *fixed) {
    size_t first = sm_graph_feeding_level(graph, l, 0);
    for (size_t k = 1; k < graph->net->layers[l].n_inputs; k++) {
        size_t other = sm_graph_feeding_level(graph, l, k);
        if (sm_graph_level_units(graph, first) == sm_graph_level_units(graph, other))
            join(parent, fixed, first, other);
        else
            fixed[root_of(parent, first)] = fixed[root_of(parent, other)] = true;
    }
}

static void number_spaces(struct sm_spaces *spaces, const size_t *parent, const bool *fixed) {
    size_t n_levels = spaces->graph->n_levels;
    for (size_t k = 0; k < n_levels; k++)
        if (parent[k] == k && !fixed[k]) spaces->n_units[spaces->n_spaces++] = sm_graph_level_units(spaces->graph, k);
    for (size_t k = 0, next = 0; k < n_levels; k++) {
        size_t root = root_of(parent, k);
        if (root == k)
            spaces->of_level[k] = fixed[k] ? spaces->n_spaces : next++;
        else
            spaces->of_level[k] = spaces->of_level[root];
    }
}

int sm_spaces_init(struct sm_spaces *spaces, const struct sm_graph *graph, struct sm_error *err) {
    size_t n = graph->n_levels;
    size_t *parent = calloc(n, sizeof *parent);
    bool *fixed = calloc(n, sizeof *fixed);
    *spaces = (struct sm_spaces){
        .graph = graph, .of_level = calloc(n, sizeof *spaces->of_level), .n_units = calloc(n, sizeof *spaces->n_units)};
    int status =
        parent && fixed && spaces->of_level && spaces->n_units ? 0 : sm_fail(err, "out of memory for %zu levels", n);
    if (status == 0) {
        for (size_t k = 0; k < n; k++) parent[k] = k;
        fixed[0] = fixed[n - 1] = true;
        for (size_t l = 0; l < graph->net->n_layers; l++) join_inputs(graph, l, parent, fixed);
        number_spaces(spaces, parent, fixed);
    }
    free(parent);
    free(fixed);
    return status;
}

void sm_spaces_destroy(struct sm_spaces *spaces) {
    free(spaces->of_level);
    free(spaces->n_units);
    *spaces = (struct sm_spaces){0};
}
