/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/nulls.h"

#include <stdlib.h>
#include <string.h>

/* An entry that the partner's row has not leaves its row with about an even chance in each round; in the densest layer
 * of fcn-mnist (three quarters) as many stay after 12 rounds as after 200. */
static const size_t CURVEBALL_ROUNDS = 12;

/* ---- layers as bits: a row of words for each row, a bit for each column ---- */

static size_t words_of(const struct sm_ternary_layer *layer) {
    return (layer->n_columns + 63) / 64;
}

int sm_null_scratch_init(struct sm_null_scratch *s, const struct sm_ternary *like, const struct sm_spaces *spaces,
                         struct sm_error *err) {
    size_t words = 1, rows = 1, units = 1, columns = 1, entries = 1;
    for (size_t l = 0; l < like->n_layers; l++) {
        const struct sm_ternary_layer *layer = &like->layers[l];
        if (layer->n_rows * words_of(layer) > words) words = layer->n_rows * words_of(layer);
        if (layer->n_rows > rows) rows = layer->n_rows;
        if (layer->n_columns > columns) columns = layer->n_columns;
        if (layer->n_entries > entries) entries = layer->n_entries;
    }
    for (size_t p = 0; p < spaces->n_spaces; p++) units += spaces->n_units[p];
    *s = (struct sm_null_scratch){.present = malloc(words * sizeof *s->present),
                                  .positive = malloc(columns * sizeof *s->positive),
                                  .start = malloc((columns + 2) * sizeof *s->start),
                                  .entry = malloc(entries * sizeof *s->entry),
                                  .pool = malloc((columns + 63) / 64 * sizeof *s->pool),
                                  .chosen = malloc((columns + 63) / 64 * sizeof *s->chosen),
                                  .place = malloc(columns * sizeof *s->place),
                                  .order = malloc(units * sizeof *s->order),
                                  .rows = malloc(rows * sizeof *s->rows)};
    if (s->present && s->positive && s->start && s->entry && s->pool && s->chosen && s->place && s->order && s->rows)
        return 0;
    return sm_fail(err, "out of memory for the null models of %zu layers", like->n_layers);
}

void sm_null_scratch_destroy(struct sm_null_scratch *s) {
    free(s->present);
    free(s->positive);
    free(s->start);
    free(s->entry);
    free(s->pool);
    free(s->chosen);
    free(s->place);
    free(s->order);
    free(s->rows);
    *s = (struct sm_null_scratch){0};
}

static void layer_to_bits(const struct sm_ternary_layer *layer, struct sm_null_scratch *s) {
    size_t words = words_of(layer);
    memset(s->present, 0, layer->n_rows * words * sizeof *s->present);
    for (size_t r = 0; r < layer->n_rows; r++)
        for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++)
            s->present[r * words + layer->column[e] / 64] |= (uint64_t)1 << layer->column[e] % 64;
}

/* The layer's n_entries are as many as there are bits. Signs stay for the caller to set. */
static void layer_from_bits(struct sm_ternary_layer *layer, const struct sm_null_scratch *s) {
    size_t words = words_of(layer);
    uint32_t at = 0;
    for (size_t r = 0; r < layer->n_rows; r++) {
        layer->start[r] = at;
        for (size_t w = r * words; w < (r + 1) * words; w++)
            for (uint64_t left = s->present[w]; left; left &= left - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(left);
                layer->column[at++] = (uint32_t)((w - r * words) * 64 + bit);
            }
    }
    layer->start[layer->n_rows] = at;
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

/* Turns over k of the layer's bits, which are all alike, each choice as likely as any other. */
static void turn_bits(const struct sm_ternary_layer *layer, uint64_t *present, size_t k, struct sm_draws *draws) {
    size_t words = words_of(layer);
    uint32_t n = (uint32_t)(layer->n_rows * layer->n_columns);
    uint64_t before = present[0] & 1;
    while (k > 0) {
        uint32_t place = sm_draws_below(draws, n), column = place % (uint32_t)layer->n_columns;
        uint64_t *word = &present[place / layer->n_columns * words + column / 64];
        if ((*word >> column % 64 & 1) != before) continue;
        *word ^= (uint64_t)1 << column % 64;
        k--;
    }
}

/* Never more than half of the places are drawn: where most have an entry, those without one are. */
static void draw_places(struct sm_ternary_layer *layer, struct sm_draws *draws, struct sm_null_scratch *s) {
    size_t words = words_of(layer), n = layer->n_rows * layer->n_columns, k = layer->n_entries;
    bool few = k <= n / 2;
    for (size_t w = 0; w < layer->n_rows * words; w++) {
        size_t columns = layer->n_columns - w % words * 64;
        s->present[w] = few ? 0 : columns < 64 ? ((uint64_t)1 << columns) - 1 : UINT64_MAX;
    }
    turn_bits(layer, s->present, few ? k : n - k, draws);
    layer_from_bits(layer, s);
}

static void draw_independent(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                             struct sm_draws *draws, struct sm_null_scratch *scratch) {
    (void)spaces;
    for (size_t l = 0; l < from->n_layers; l++) {
        draw_places(&out->layers[l], draws, scratch);
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

static size_t list_bits(const uint64_t *bits, size_t words, uint32_t *place) {
    size_t n = 0;
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = bits[w]; left; left &= left - 1)
            place[n++] = (uint32_t)(w * 64 + (unsigned)__builtin_ctzll(left));
    return n;
}

/* n_chosen of the pool's bits, each choice alike: the first steps of a Fisher-Yates shuffle, for the smaller part. */
static void choose(struct sm_null_scratch *s, size_t words, size_t n_chosen, struct sm_draws *draws) {
    size_t n = list_bits(s->pool, words, s->place);
    bool rest = n_chosen > n / 2;
    memset(s->chosen, 0, words * sizeof *s->chosen);
    for (size_t i = 0; i < (rest ? n - n_chosen : n_chosen); i++) {
        size_t j = i + sm_draws_below(draws, (uint32_t)(n - i));
        uint32_t place = s->place[j];
        s->place[j] = s->place[i];
        s->chosen[place / 64] |= (uint64_t)1 << place % 64;
    }
    for (size_t w = 0; rest && w < words; w++) s->chosen[w] ^= s->pool[w];
}

/* Columns that only one of the two rows has go into a pool; each row gets as many from it as it gave, by chance. What
 * both have stays. */
static void trade(struct sm_null_scratch *s, size_t u, size_t v, size_t words, struct sm_draws *draws) {
    uint64_t *in_u = s->present + u * words, *in_v = s->present + v * words;
    size_t n_u = 0, n_v = 0;
    for (size_t w = 0; w < words; w++) {
        s->pool[w] = in_u[w] ^ in_v[w];
        n_u += (size_t)__builtin_popcountll(in_u[w] & ~in_v[w]);
        n_v += (size_t)__builtin_popcountll(in_v[w] & ~in_u[w]);
    }
    if (n_u == 0 || n_v == 0) return;
    choose(s, words, n_u, draws);
    for (size_t w = 0; w < words; w++) {
        uint64_t shared = in_u[w] & in_v[w];
        in_u[w] = shared | s->chosen[w];
        in_v[w] = shared | (s->pool[w] & ~s->chosen[w]);
    }
}

static size_t list_rows(const struct sm_ternary_layer *layer, uint32_t *rows) {
    size_t n = 0;
    for (size_t r = 0; r < layer->n_rows; r++)
        if (layer->start[r] < layer->start[r + 1]) rows[n++] = (uint32_t)r;
    return n;
}

/* positive [columns]: entries of a column with a sign of +1. */
static void count_positive(const struct sm_ternary_layer *layer, uint32_t *positive) {
    memset(positive, 0, layer->n_columns * sizeof *positive);
    for (size_t e = 0; e < layer->n_entries; e++) positive[layer->column[e]] += layer->sign[e] > 0;
}

/* Entries by column: those of column c are entry[start[c]] .. entry[start[c + 1] - 1]. */
static void list_columns(const struct sm_ternary_layer *layer, uint32_t *start, uint32_t *entry) {
    memset(start, 0, (layer->n_columns + 2) * sizeof *start);
    for (size_t e = 0; e < layer->n_entries; e++) start[layer->column[e] + 2]++;
    for (size_t c = 2; c < layer->n_columns + 2; c++) start[c] += start[c - 1];
    for (size_t e = 0; e < layer->n_entries; e++) entry[start[layer->column[e] + 1]++] = (uint32_t)e;
}

/* Each column's signs over the rows that have it now, every choice alike. Trades alone would leave the signs of a
 * column that most rows have where they were. */
static void deal_signs(struct sm_ternary_layer *layer, const uint32_t *positive, struct sm_draws *draws,
                       struct sm_null_scratch *s) {
    list_columns(layer, s->start, s->entry);
    for (size_t c = 0; c < layer->n_columns; c++) {
        uint32_t *rows = s->entry + s->start[c];
        size_t n = s->start[c + 1] - s->start[c];
        if (positive[c] > 0 && positive[c] < n) shuffle(rows, n, draws);
        for (size_t k = 0; k < n; k++) layer->sign[rows[k]] = k < positive[c] ? 1 : -1;
    }
}

void sm_null_curveball(struct sm_ternary_layer *layer, size_t n_rounds, struct sm_draws *draws,
                       struct sm_null_scratch *scratch) {
    size_t n_rows = list_rows(layer, scratch->rows);
    count_positive(layer, scratch->positive);
    layer_to_bits(layer, scratch);
    for (size_t round = 0; round < n_rounds; round++) {
        shuffle(scratch->rows, n_rows, draws);
        for (size_t k = 0; k + 1 < n_rows; k += 2)
            trade(scratch, scratch->rows[k], scratch->rows[k + 1], words_of(layer), draws);
    }
    layer_from_bits(layer, scratch);
    deal_signs(layer, scratch->positive, draws, scratch);
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
