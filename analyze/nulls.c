/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/nulls.h"

#include <stdlib.h>
#include <string.h>

/* An entry has an even chance to leave its row in each round: a share of 2^-12 never did. */
static const size_t CURVEBALL_ROUNDS = 12;

/* ---- memory ---- */

int sm_null_scratch_init(struct sm_null_scratch *s, const struct sm_ternary *like, const struct sm_spaces *spaces,
                         struct sm_error *err) {
    size_t weights = 1, fan_in = 1, rows = 1, units = 1;
    for (size_t l = 0; l < like->n_layers; l++) {
        const struct sm_ternary_layer *layer = &like->layers[l];
        if (layer->n_rows * layer->n_columns > weights) weights = layer->n_rows * layer->n_columns;
        if (layer->n_columns > fan_in) fan_in = layer->n_columns;
        if (layer->n_rows > rows) rows = layer->n_rows;
    }
    for (size_t p = 0; p < spaces->n_spaces; p++) units += spaces->n_units[p];
    *s = (struct sm_null_scratch){.bits = calloc(weights / 64 + 1, sizeof *s->bits),
                                  .order = malloc(units * sizeof *s->order),
                                  .rows = malloc(rows * sizeof *s->rows),
                                  .shared = malloc(fan_in * sizeof *s->shared),
                                  .pool = malloc(fan_in * sizeof *s->pool),
                                  .sign_u = malloc(fan_in),
                                  .sign_v = malloc(fan_in),
                                  .pool_sign = malloc(fan_in)};
    if (s->bits && s->order && s->rows && s->shared && s->pool && s->sign_u && s->sign_v && s->pool_sign) return 0;
    return sm_fail(err, "out of memory for the null models of %zu layers", like->n_layers);
}

void sm_null_scratch_destroy(struct sm_null_scratch *s) {
    free(s->bits);
    free(s->order);
    free(s->rows);
    free(s->shared);
    free(s->pool);
    free(s->sign_u);
    free(s->sign_v);
    free(s->pool_sign);
    *s = (struct sm_null_scratch){0};
}

static void shuffle(uint32_t *values, size_t n, struct sm_draws *draws) {
    for (size_t i = n; i > 1; i--) {
        size_t j = sm_draws_below(draws, (uint32_t)i);
        uint32_t held = values[i - 1];
        values[i - 1] = values[j];
        values[j] = held;
    }
}

static void shuffle_signs(struct sm_ternary_layer *layer, struct sm_draws *draws) {
    for (size_t i = layer->n_entries; i > 1; i--) {
        size_t j = sm_draws_below(draws, (uint32_t)i);
        int8_t held = layer->sign[i - 1];
        layer->sign[i - 1] = layer->sign[j];
        layer->sign[j] = held;
    }
}

/* ---- independent ---- */

/* Sets k of the n bits; what is set is as likely as any other choice. */
static void set_bits(uint64_t *bits, size_t n, size_t k, struct sm_draws *draws) {
    while (k > 0) {
        uint32_t at = sm_draws_below(draws, (uint32_t)n);
        uint64_t bit = (uint64_t)1 << at % 64;
        k -= !(bits[at / 64] & bit);
        bits[at / 64] |= bit;
    }
}

static void draw_places(struct sm_ternary_layer *layer, struct sm_draws *draws, uint64_t *bits) {
    size_t n = layer->n_rows * layer->n_columns, k = layer->n_entries;
    bool chosen = k <= n / 2; /* else the bits are the places without an entry: never more than half is drawn */
    memset(bits, 0, (n / 64 + 1) * sizeof *bits);
    set_bits(bits, n, chosen ? k : n - k, draws);
    uint32_t at = 0;
    for (size_t r = 0, i = 0; r < layer->n_rows; r++) {
        layer->start[r] = at;
        for (size_t c = 0; c < layer->n_columns; c++, i++)
            if ((bits[i / 64] >> i % 64 & 1) == chosen) layer->column[at++] = (uint32_t)c;
    }
    layer->start[layer->n_rows] = at;
}

static void draw_independent(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                             struct sm_draws *draws, struct sm_null_scratch *scratch) {
    (void)spaces;
    for (size_t l = 0; l < from->n_layers; l++) {
        draw_places(&out->layers[l], draws, scratch->bits);
        memcpy(out->layers[l].sign, from->layers[l].sign, from->layers[l].n_entries);
        shuffle_signs(&out->layers[l], draws);
    }
}

/* ---- unit-permutation ---- */

/* Row r of `from` becomes row row_to[r], NULL: r itself. */
static void move_rows(struct sm_ternary_layer *out, const struct sm_ternary_layer *from, const uint32_t *row_to,
                      uint32_t *from_row) {
    for (size_t r = 0; r < from->n_rows; r++) from_row[row_to ? row_to[r] : r] = (uint32_t)r;
    uint32_t at = 0;
    for (size_t r = 0; r < from->n_rows; r++) {
        const uint32_t *start = from->start + from_row[r];
        size_t n = start[1] - start[0];
        out->start[r] = at;
        memcpy(out->column + at, from->column + start[0], n * sizeof *out->column);
        memcpy(out->sign + at, from->sign + start[0], n);
        at += (uint32_t)n;
    }
    out->start[from->n_rows] = at;
}

static void swap_entries(struct sm_ternary_layer *layer, size_t i, size_t j) {
    uint32_t column = layer->column[i];
    int8_t sign = layer->sign[i];
    layer->column[i] = layer->column[j];
    layer->sign[i] = layer->sign[j];
    layer->column[j] = column;
    layer->sign[j] = sign;
}

/* Heap sort of one row's entries by column: in place, whatever the order they are in. */
static void sift(struct sm_ternary_layer *layer, size_t first, size_t root, size_t n) {
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && layer->column[first + child + 1] > layer->column[first + child]) child++;
        if (layer->column[first + root] >= layer->column[first + child]) return;
        swap_entries(layer, first + root, first + child);
    }
}

static void sort_row(struct sm_ternary_layer *layer, size_t r) {
    size_t first = layer->start[r], n = layer->start[r + 1] - first;
    for (size_t k = n / 2; k-- > 0;) sift(layer, first, k, n);
    for (size_t k = n; k-- > 1;) {
        swap_entries(layer, first, first + k);
        sift(layer, first, 0, k);
    }
}

/* Unit u becomes unit unit_to[u] of the level that the layer reads; its columns go along. */
static void move_columns(struct sm_ternary_layer *layer, const uint32_t *unit_to, size_t n_units) {
    size_t part = layer->n_columns / n_units;
    for (size_t e = 0; e < layer->n_entries; e++)
        layer->column[e] = (uint32_t)(unit_to[layer->column[e] / part] * part + layer->column[e] % part);
    for (size_t r = 0; r < layer->n_rows; r++) sort_row(layer, r);
}

/* One random order for each space, one behind the other in scratch->order: unit u becomes unit order[u]. */
static void draw_orders(const struct sm_spaces *spaces, struct sm_draws *draws, uint32_t *order) {
    for (size_t p = 0; p < spaces->n_spaces; order += spaces->n_units[p++]) {
        for (size_t u = 0; u < spaces->n_units[p]; u++) order[u] = (uint32_t)u;
        shuffle(order, spaces->n_units[p], draws);
    }
}

/* NULL: the level is fixed. */
static const uint32_t *order_of(const struct sm_spaces *spaces, size_t level, const uint32_t *order) {
    size_t space = spaces->of_level[level];
    if (space == spaces->n_spaces) return NULL;
    for (size_t p = 0; p < space; p++) order += spaces->n_units[p];
    return order;
}

static void draw_permuted(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                          struct sm_draws *draws, struct sm_null_scratch *scratch) {
    const struct sm_graph *graph = spaces->graph;
    draw_orders(spaces, draws, scratch->order);
    for (size_t l = 0; l < from->n_layers; l++) {
        size_t level = sm_graph_feeding_level(graph, l, 0);
        const uint32_t *columns_to = order_of(spaces, level, scratch->order);
        move_rows(&out->layers[l], &from->layers[l], order_of(spaces, l + 1, scratch->order), scratch->rows);
        if (columns_to) move_columns(&out->layers[l], columns_to, sm_graph_level_units(graph, level));
    }
}

/* ---- degree ---- */

/* Two rows before a trade: what both have (each with its own sign), and the pool of what only one of them has. All
 * ascending. */
struct trade {
    uint32_t *shared, *pool; /* columns */
    int8_t *sign_u, *sign_v, *pool_sign;
    size_t n_shared, n_pool, n_u; /* n_u: how many of the pool are u's */
};

static struct trade open_trade(const struct sm_ternary_layer *layer, size_t u, size_t v, struct sm_null_scratch *s) {
    struct trade trade = {s->shared, s->pool, s->sign_u, s->sign_v, s->pool_sign, 0, 0, 0};
    size_t i = layer->start[u], end_i = layer->start[u + 1], j = layer->start[v], end_j = layer->start[v + 1];
    while (i < end_i || j < end_j) {
        if (i < end_i && j < end_j && layer->column[i] == layer->column[j]) {
            trade.shared[trade.n_shared] = layer->column[i];
            trade.sign_u[trade.n_shared] = layer->sign[i++];
            trade.sign_v[trade.n_shared++] = layer->sign[j++];
            continue;
        }
        bool from_u = j == end_j || (i < end_i && layer->column[i] < layer->column[j]);
        size_t e = from_u ? i++ : j++;
        trade.n_u += from_u;
        trade.pool[trade.n_pool] = layer->column[e];
        trade.pool_sign[trade.n_pool++] = layer->sign[e];
    }
    return trade;
}

/* A row in the making. */
struct writer {
    struct sm_ternary_layer *layer;
    size_t at, n_shared; /* shared entries that are written already */
    const int8_t *shared_sign;
};

static void put(struct writer *row, uint32_t column, int8_t sign) {
    row->layer->column[row->at] = column;
    row->layer->sign[row->at++] = sign;
}

static void put_shared(struct writer *row, const struct trade *trade, uint32_t below) {
    while (row->n_shared < trade->n_shared && trade->shared[row->n_shared] < below) {
        put(row, trade->shared[row->n_shared], row->shared_sign[row->n_shared]);
        row->n_shared++;
    }
}

/* Each row gets as many entries from the pool as it gave, every choice alike (selection sampling, Fan et al. 1962). */
static void close_trade(struct sm_ternary_layer *layer, size_t u, size_t v, const struct trade *trade,
                        struct sm_draws *draws) {
    struct writer row_u = {layer, layer->start[u], 0, trade->sign_u},
                  row_v = {layer, layer->start[v], 0, trade->sign_v};
    for (size_t k = 0, open = trade->n_u; k < trade->n_pool; k++) {
        bool to_u = sm_draws_below(draws, (uint32_t)(trade->n_pool - k)) < open;
        struct writer *row = to_u ? &row_u : &row_v;
        open -= to_u;
        put_shared(row, trade, trade->pool[k]);
        put(row, trade->pool[k], trade->pool_sign[k]);
    }
    put_shared(&row_u, trade, UINT32_MAX);
    put_shared(&row_v, trade, UINT32_MAX);
}

static size_t list_rows(const struct sm_ternary_layer *layer, uint32_t *rows) {
    size_t n = 0;
    for (size_t r = 0; r < layer->n_rows; r++)
        if (layer->start[r] < layer->start[r + 1]) rows[n++] = (uint32_t)r;
    return n;
}

static void trade(struct sm_ternary_layer *layer, size_t u, size_t v, struct sm_draws *draws,
                  struct sm_null_scratch *scratch) {
    struct trade trade = open_trade(layer, u, v, scratch);
    if (trade.n_u > 0 && trade.n_u < trade.n_pool) close_trade(layer, u, v, &trade, draws);
}

void sm_null_curveball(struct sm_ternary_layer *layer, size_t n_rounds, struct sm_draws *draws,
                       struct sm_null_scratch *scratch) {
    size_t n_rows = list_rows(layer, scratch->rows);
    for (size_t round = 0; round < n_rounds; round++) {
        shuffle(scratch->rows, n_rows, draws);
        for (size_t k = 0; k + 1 < n_rows; k += 2) trade(layer, scratch->rows[k], scratch->rows[k + 1], draws, scratch);
    }
}

static void copy_layer(struct sm_ternary_layer *to, const struct sm_ternary_layer *from) {
    memcpy(to->start, from->start, (from->n_rows + 1) * sizeof *to->start);
    memcpy(to->column, from->column, from->n_entries * sizeof *to->column);
    memcpy(to->sign, from->sign, from->n_entries);
}

static void draw_degrees(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                         struct sm_draws *draws, struct sm_null_scratch *scratch) {
    (void)spaces;
    for (size_t l = 0; l < from->n_layers; l++) {
        copy_layer(&out->layers[l], &from->layers[l]);
        sm_null_curveball(&out->layers[l], CURVEBALL_ROUNDS, draws, scratch);
    }
}

/* ---- sign-shuffle ---- */

static void draw_signs(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                       struct sm_draws *draws, struct sm_null_scratch *scratch) {
    (void)spaces, (void)scratch;
    for (size_t l = 0; l < from->n_layers; l++) {
        copy_layer(&out->layers[l], &from->layers[l]);
        shuffle_signs(&out->layers[l], draws);
    }
}

const struct sm_null sm_nulls[SM_N_NULLS] = {
    {"independent", draw_independent},
    {"unit-permutation", draw_permuted},
    {"degree", draw_degrees},
    {"sign-shuffle", draw_signs},
};
