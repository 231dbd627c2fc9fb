/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/assignment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const size_t NONE = SIZE_MAX;

static int grow(struct sm_assignment *s, size_t n_rows, size_t n_columns) {
    if (n_rows <= s->n_rows && n_columns <= s->n_columns) return 0;
    if (n_rows < s->n_rows) n_rows = s->n_rows;
    if (n_columns < s->n_columns) n_columns = s->n_columns;
    sm_assignment_destroy(s);
    s->potential = malloc(n_columns * sizeof *s->potential);
    s->shortest = malloc(n_columns * sizeof *s->shortest);
    s->row_of = malloc(n_columns * sizeof *s->row_of);
    s->before = malloc(n_columns * sizeof *s->before);
    s->unseen = malloc(n_columns * sizeof *s->unseen);
    s->row_potential = malloc(n_rows * sizeof *s->row_potential);
    if (!s->potential || !s->shortest || !s->row_of || !s->before || !s->unseen || !s->row_potential) return -1;
    s->n_rows = n_rows;
    s->n_columns = n_columns;
    return 0;
}

/* Rows begin with the column that pays them most where it is free: most of them keep it. Potentials stay feasible:
 * cost = -profit >= row potential + column potential (0). */
static void take_favourites(struct sm_assignment *s, const int32_t *profit, size_t n_rows, size_t n_columns,
                            uint32_t *column) {
    for (size_t r = 0; r < n_rows; r++) {
        const int32_t *p = profit + r * n_columns;
        size_t best = 0;
        for (size_t c = 1; c < n_columns; c++) best = p[c] > p[best] ? c : best;
        s->row_potential[r] = -(int64_t)p[best];
        column[r] = UINT32_MAX;
        if (s->row_of[best] != NONE) continue;
        s->row_of[best] = r;
        column[r] = (uint32_t)best;
    }
}

/* Dijkstra over reduced costs from a free row to the nearest free column. unseen [0, n_unseen) are the columns not yet
 * reached for good; those behind it were, in the order of their distance. */
static size_t search(struct sm_assignment *s, const int32_t *profit, size_t n_columns, size_t start, int64_t *distance,
                     size_t *n_unseen) {
    size_t row = start, sink = NONE;
    int64_t reached = 0;
    *n_unseen = n_columns;
    for (size_t c = 0; c < n_columns; c++) {
        s->shortest[c] = INT64_MAX;
        s->unseen[c] = c;
    }
    while (sink == NONE) {
        const int32_t *p = profit + row * n_columns;
        int64_t base = reached - s->row_potential[row], lowest = INT64_MAX;
        size_t nearest = 0;
        for (size_t k = 0; k < *n_unseen; k++) {
            size_t c = s->unseen[k];
            int64_t along = base - p[c] - s->potential[c];
            if (along < s->shortest[c]) {
                s->shortest[c] = along;
                s->before[c] = row;
            }
            /* Of equally near columns a free one ends the search. */
            if (s->shortest[c] < lowest || (s->shortest[c] == lowest && s->row_of[c] == NONE)) {
                lowest = s->shortest[c];
                nearest = k;
            }
        }
        size_t c = s->unseen[nearest];
        reached = lowest;
        s->unseen[nearest] = s->unseen[--*n_unseen];
        s->unseen[*n_unseen] = c;
        if (s->row_of[c] == NONE)
            sink = c;
        else
            row = s->row_of[c];
    }
    *distance = reached;
    return sink;
}

static void update_potentials(struct sm_assignment *s, size_t n_columns, size_t start, int64_t distance,
                              size_t n_unseen) {
    s->row_potential[start] += distance;
    for (size_t k = n_unseen; k < n_columns; k++) {
        size_t c = s->unseen[k];
        int64_t ahead = distance - s->shortest[c];
        if (s->row_of[c] != NONE) s->row_potential[s->row_of[c]] += ahead;
        s->potential[c] -= ahead;
    }
}

static void augment(struct sm_assignment *s, size_t start, size_t sink, uint32_t *column) {
    for (size_t c = sink, row = NONE; row != start;) {
        row = s->before[c];
        s->row_of[c] = row;
        size_t next = column[row];
        column[row] = (uint32_t)c;
        c = next;
    }
}

int sm_assignment_solve(struct sm_assignment *s, const int32_t *profit, size_t n_rows, size_t n_columns,
                        uint32_t *column) {
    assert(n_rows <= n_columns && n_columns < UINT32_MAX);
    if (n_rows == 0) return 0;
    if (grow(s, n_rows, n_columns) != 0) return -1;
    for (size_t c = 0; c < n_columns; c++) {
        s->potential[c] = 0;
        s->row_of[c] = NONE;
    }
    take_favourites(s, profit, n_rows, n_columns, column);
    for (size_t r = 0; r < n_rows; r++) {
        if (column[r] != UINT32_MAX) continue;
        int64_t distance;
        size_t n_unseen, sink = search(s, profit, n_columns, r, &distance, &n_unseen);
        update_potentials(s, n_columns, r, distance, n_unseen);
        augment(s, r, sink, column);
    }
    return 0;
}

void sm_assignment_destroy(struct sm_assignment *s) {
    free(s->potential);
    free(s->shortest);
    free(s->row_of);
    free(s->before);
    free(s->unseen);
    free(s->row_potential);
    *s = (struct sm_assignment){0};
}
