/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_tile.h - sums of products, a tile at a time: sum[r][c] = sum over b of a[r][b] * rows[b][c], b ascending, for
 * SM_ROWS rows of `a` and a panel of columns.
 *
 * What is 0 adds nothing and can be left out: four fifths of the pixels of a written digit are 0, and 60 % of the
 * vectors of eight. So for each vector of a panel the b where it is not 0 are listed once, and all rows of `a` sum over
 * the list; where lists would be long, over all b. Either way gives the same bytes, as long as `a` is finite. */
#ifndef SUPERMASK_LIB_KERNELS_TILE_H
#define SUPERMASK_LIB_KERNELS_TILE_H

#include <stdbool.h>
#include <supermask/kernels.h>

#include "lib/kernels_vector.h"

#if V == 16
#    define TILE_VECTORS 3 /* accumulators of a dense tile: 8 x 3 of 32 registers */
#    define TILE_ROWS 8
#    define PANEL_VECTORS 3
#else
#    define TILE_VECTORS 2 /* 4 x 2 (and operands) of 16 registers */
#    define TILE_ROWS 4
#    define PANEL_VECTORS 4
#endif

/* Lists pay where at most this share of the vectors is not 0: a dense tile makes more of each load from `a`. */
#define LISTED_SHARE 0.8

/* A panel of columns of `rows`, which stays near while all rows of `a` pass over it. */
struct panel {
    const float *rows;
    size_t stride, n, n_vectors; /* n: rows, multiple of SM_LANES */
    bool listed;                 /* else there are no lists */
    size_t n_listed[PANEL_VECTORS];
    uint16_t list[PANEL_VECTORS][SM_LISTED_MOST];   /* b, ascending */
    float value[PANEL_VECTORS][SM_LISTED_MOST * V]; /* the vectors there, one behind the other */
};

/* Makes the lists of n_vectors vectors from `first` on. No branch: every vector is entered, and stays if it counts. */
INLINE void list_rows(struct panel *p, size_t first, size_t n_vectors) {
    size_t n_listed[PANEL_VECTORS] = {0};
    for (size_t b = 0; b < p->n; b++) {
        UNROLL
        for (size_t v = 0; v < n_vectors; v++) {
            vector x = load(p->rows + b * p->stride + (first + v) * V);
            store(p->value[first + v] + n_listed[v] * V, x);
            p->list[first + v][n_listed[v]] = (uint16_t)b;
            n_listed[v] += bits_of(x != 0) != 0;
        }
    }
    for (size_t v = 0; v < n_vectors; v++) p->n_listed[first + v] = n_listed[v];
}

/* Judged by one row in eight, which is enough: either way gives the same sums. */
static bool lists_pay(const struct panel *p) {
    size_t n_filled = 0;
    for (size_t b = 0; b < p->n; b += 8)
        for (size_t v = 0; v < p->n_vectors; v++) n_filled += bits_of(load(p->rows + b * p->stride + v * V) != 0) != 0;
    return p->n <= SM_LISTED_MOST && (double)(8 * n_filled) <= LISTED_SHARE * (double)(p->n * p->n_vectors);
}

/* The panel that begins with column `first`: p->n_vectors says how many it took. */
static void open_panel(struct panel *p, const float *rows, size_t stride, size_t n, size_t first, size_t n_columns) {
    size_t left = (n_columns - first) / V;
    p->rows = rows + first;
    p->stride = stride;
    p->n = n;
    p->n_vectors = left < PANEL_VECTORS ? left : PANEL_VECTORS;
    p->listed = lists_pay(p);
    if (!p->listed)
        p->n_vectors = left < TILE_VECTORS ? 1 : TILE_VECTORS;
    else if (p->n_vectors == PANEL_VECTORS)
        list_rows(p, 0, PANEL_VECTORS);
    else
        for (size_t v = 0; v < p->n_vectors; v++) list_rows(p, v, 1);
}

/* What the update of a row will read and write comes nearer while sums are made. */
struct coming {
    const struct sm_trained *trained; /* or NULL */
    size_t at[SM_ROWS];               /* first value of each row */
};

INLINE void prefetch_row(const struct coming *coming, size_t r, size_t n) {
    const struct sm_trained *t = coming->trained;
    for (size_t i = coming->at[r]; t && i < coming->at[r] + n; i += SM_LANES) {
        __builtin_prefetch(t->value + i, 1);
        __builtin_prefetch(t->velocity + i, 1);
        if (t->weight) __builtin_prefetch(t->weight + i);
        if (t->second) __builtin_prefetch(t->second + i, 1);
        if (t->held) __builtin_prefetch(t->held + i);
    }
}

INLINE void sum_listed(vector sum[SM_ROWS][PANEL_VECTORS], const struct panel *p, const float *const a[SM_ROWS],
                       size_t v) {
    const uint16_t *list = p->list[v];
    const float *value = p->value[v];
    size_t n = p->n_listed[v];
    vector part[SM_ROWS] = {{0}};
    for (size_t k = 0; k < n; k++) {
        size_t b = list[k];
        vector x = load(value + k * V);
        UNROLL
        for (size_t r = 0; r < SM_ROWS; r++) part[r] += spread(a[r][b]) * x;
    }
    UNROLL
    for (size_t r = 0; r < SM_ROWS; r++) sum[r][v] = part[r];
}

/* TILE_ROWS rows from row `first` on: an outer product for each b, accumulators in registers. */
INLINE void sum_dense(vector sum[SM_ROWS][PANEL_VECTORS], const struct panel *p, const float *const a[SM_ROWS],
                      size_t first, size_t n_vectors, const struct coming *coming) {
    vector part[TILE_ROWS][TILE_VECTORS] = {{{0}}};
    const float *row[TILE_ROWS], *rows = p->rows;
    size_t stride = p->stride, n = p->n / TILE_ROWS; /* of a multiple of SM_LANES: nothing is left */
    for (size_t r = 0; r < TILE_ROWS; r++) row[r] = a[first + r];
    for (size_t r = 0; r < TILE_ROWS; r++) {
        prefetch_row(coming, first + r, n_vectors * V);
        for (size_t b = r * n; b < (r + 1) * n; b++) {
            vector x[TILE_VECTORS];
            UNROLL
            for (size_t v = 0; v < n_vectors; v++) x[v] = load(rows + b * stride + v * V);
            UNROLL
            for (size_t k = 0; k < TILE_ROWS; k++) {
                vector d = spread(row[k][b]);
                UNROLL
                for (size_t v = 0; v < n_vectors; v++) part[k][v] += d * x[v];
            }
        }
    }
    UNROLL
    for (size_t r = 0; r < TILE_ROWS; r++) {
        UNROLL
        for (size_t v = 0; v < n_vectors; v++) sum[first + r][v] = part[r][v];
    }
}

INLINE void sum_tile(vector sum[SM_ROWS][PANEL_VECTORS], const struct panel *p, const float *const a[SM_ROWS],
                     const struct coming *coming) {
    for (size_t v = 0; p->listed && v < p->n_vectors; v++) {
        for (size_t r = v * SM_ROWS / p->n_vectors; r < (v + 1) * SM_ROWS / p->n_vectors; r++)
            prefetch_row(coming, r, p->n_vectors * V);
        sum_listed(sum, p, a, v);
    }
    for (size_t first = 0; !p->listed && first < SM_ROWS; first += TILE_ROWS) {
        if (p->n_vectors == TILE_VECTORS)
            sum_dense(sum, p, a, first, TILE_VECTORS, coming);
        else
            sum_dense(sum, p, a, first, 1, coming);
    }
}

#endif
