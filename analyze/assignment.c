/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/assignment.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

static const uint32_t NONE = UINT32_MAX;
static const int32_t CLOSED = INT32_MIN; /* a distance: the column was reached for good */

static int grow(struct sm_assignment *s, size_t n) {
    if (n <= s->n) return 0;
    sm_assignment_destroy(s);
    s->kernels = sm_kernels_get();
    s->distance = malloc(n * sizeof *s->distance);
    s->row_of = malloc(n * sizeof *s->row_of);
    s->before = malloc(n * sizeof *s->before);
    s->closed = malloc(n * sizeof *s->closed);
    s->closed_at = malloc(n * sizeof *s->closed_at);
    s->free_rows = malloc(n * sizeof *s->free_rows);
    if (!s->distance || !s->row_of || !s->before || !s->closed || !s->closed_at || !s->free_rows) return -1;
    s->n = n;
    return 0;
}

/* A column's worth to a row is profit + price. At the end every row has a column that is worth most to it: then no
 * other assignment has a larger sum. */

struct favourites {
    uint32_t first, second; /* columns; second: only where it is worth as much, else NONE */
    int32_t first_worth, second_worth;
};

/* worth [n] is scratch. */
static struct favourites favourites_of(const struct sm_kernels *kernels, const int32_t *price, const int32_t *profit,
                                       size_t n, int32_t *worth) {
    struct favourites f = {.second = NONE, .first_worth = kernels->worth_of(worth, profit, price, n)};
    f.first = (uint32_t)kernels->find_value(worth, f.first_worth, n);
    worth[f.first] = INT32_MIN;
    f.second_worth = kernels->largest(worth, n);
    if (f.second_worth == f.first_worth) f.second = (uint32_t)kernels->find_value(worth, f.second_worth, n);
    return f;
}

/* Each free row takes its favourite, whose price falls until the second is worth as much; who held it is free again and
 * chooses at once. Where two are worth the same, who is turned out waits for the next pass; so does everybody once
 * there were `patience` choices, because rows that outbid each other by little do so for long. Returns the number of
 * rows that are free in the end: free_rows [0, that). */
static size_t reduce_rows(struct sm_assignment *s, const int32_t *profit, size_t n_free, size_t n, int32_t *price,
                          uint32_t *column, size_t patience) {
    size_t n_waiting = 0;
    for (size_t k = 0; k < n_free;) {
        uint32_t row = s->free_rows[k++];
        struct favourites f = favourites_of(s->kernels, price, profit + row * n, n, s->distance);
        uint32_t taken = f.first;
        bool falls = f.second == NONE && n > 1;
        if (falls)
            price[taken] -= f.first_worth - f.second_worth;
        else if (s->row_of[taken] != NONE && f.second != NONE)
            taken = f.second;
        uint32_t out = s->row_of[taken];
        s->row_of[taken] = row;
        column[row] = taken;
        if (patience > 0) patience--;
        if (out == NONE) continue;
        column[out] = NONE;
        if (falls && patience > 0)
            s->free_rows[--k] = out;
        else
            s->free_rows[n_waiting++] = out;
    }
    return n_waiting;
}

/* An open column at that distance: a free one where there is one. */
static uint32_t pick(const struct sm_assignment *s, int32_t distance, size_t n) {
    size_t c = s->kernels->find_labelled(s->distance, distance, s->row_of, NONE, n);
    return (uint32_t)(c < n ? c : s->kernels->find_value(s->distance, distance, n));
}

/* Dijkstra from a free row over alternating paths to the nearest column that nobody has. Returns that column; prices
 * fall by how much nearer the columns before it were. */
static uint32_t find_free(struct sm_assignment *s, const int32_t *profit, size_t n, uint32_t start, int32_t *price) {
    size_t n_closed = 0;
    for (size_t c = 0; c < n; c++) s->distance[c] = INT32_MAX;
    int32_t length = s->kernels->relax_paths(s->distance, s->before, start, profit + start * n, price, 0, n);
    for (;;) {
        uint32_t c = pick(s, length, n);
        if (s->row_of[c] == NONE) {
            for (size_t k = 0; k < n_closed; k++) price[s->closed[k]] -= length - s->closed_at[k];
            return c;
        }
        s->closed[n_closed] = c;
        s->closed_at[n_closed++] = length;
        s->distance[c] = CLOSED;
        const int32_t *p = profit + s->row_of[c] * n;
        length = s->kernels->relax_paths(s->distance, s->before, s->row_of[c], p, price, length + p[c] + price[c], n);
    }
}

static void augment(struct sm_assignment *s, const int32_t *profit, size_t n, uint32_t start, int32_t *price,
                    uint32_t *column) {
    uint32_t c = find_free(s, profit, n, start, price), row = NONE;
    while (row != start) {
        row = s->before[c];
        s->row_of[c] = row;
        uint32_t left = column[row];
        column[row] = c;
        c = left;
    }
}

int sm_assignment_solve(struct sm_assignment *s, const int32_t *profit, size_t n, int32_t *price, uint32_t *column) {
    assert(n < NONE);
    if (n == 0) return 0;
    if (grow(s, n) != 0) return -1;
    for (size_t r = 0; r < n; r++) {
        s->row_of[r] = column[r] = NONE;
        s->free_rows[r] = (uint32_t)r;
    }
    size_t n_free = n;
    for (int pass = 0; pass < 2; pass++) n_free = reduce_rows(s, profit, n_free, n, price, column, 4 * n);
    for (size_t k = 0; k < n_free; k++) augment(s, profit, n, s->free_rows[k], price, column);
    return 0;
}

void sm_assignment_destroy(struct sm_assignment *s) {
    free(s->distance);
    free(s->row_of);
    free(s->before);
    free(s->closed);
    free(s->closed_at);
    free(s->free_rows);
    *s = (struct sm_assignment){0};
}
