/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/align.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/rng.h>

static const uint32_t NONE = UINT32_MAX;

/* ---- one alignment at work ---- */

/* Entries of a layer of b in lists. A list's positive entries come first: they are start[2k] .. start[2k + 1] - 1, the
 * negative ones start[2k + 1] .. start[2k + 2] - 1; by masks all count as positive. unit: the active unit of b that
 * an entry speaks for. */
struct lists {
    uint32_t *start, *unit;
};

/* Of layer l: a list for each column (the space is what it writes), and one for each row and place within a unit's part
 * (the space is what it reads). */
struct layer_lists {
    struct lists by_column, by_row;
};

/* A space's units that have entries at all, in a and in b; the others can stand anywhere. */
struct active {
    size_t n_a, n_b;
    uint32_t *unit_a, *unit_b;   /* [n_a], [n_b] */
    uint32_t *place_a, *place_b; /* [units] where a unit stands in these lists, else NONE */
    int32_t *price;              /* [units] where the last assignment of this start ended */
    int32_t *held;               /* [n_a * n_b] profit from layers whose other side is fixed: it never changes */
};

struct work {
    const struct sm_spaces *spaces;
    const struct sm_graph *graph;
    const struct sm_ternary *a, *b;
    bool by_sign;
    struct layer_lists *lists;      /* [n_layers] of b */
    struct active *active;          /* [n_spaces] */
    uint32_t **order, **best;       /* [n_spaces + 1] [units]: b's unit where a's stands; the last: identity */
    bool *decided, *pending, *self; /* [n_spaces + 1]; self: a layer reads and writes the space */
    int32_t *profit, *padded;       /* [n_a * n_b] of the space at hand; the same, square, zeros where padded */
    uint32_t *column_of, *choice;   /* [widest fan-in], [widest] */
    uint32_t *spare;                /* [widest] */
    bool *taken;                    /* [widest] */
    int8_t *marker;                 /* [widest fan-in] */
    uint64_t *bits_a, *bits_b;      /* entries of a layer as bits, by unit: see add_bits */
    struct sm_assignment *assignment;
    const struct sm_kernels *kernels;
};

static size_t space_out(const struct work *w, size_t l) {
    return w->spaces->of_level[l + 1];
}

static size_t level_in(const struct work *w, size_t l) {
    return sm_graph_feeding_level(w->graph, l, 0);
}

static size_t space_in(const struct work *w, size_t l) {
    return w->spaces->of_level[level_in(w, l)];
}

/* Columns of layer l that read one unit; they stand together. */
static size_t part_of(const struct sm_graph *graph, size_t l) {
    return sm_layer_fan_in(&graph->net->layers[l]) / sm_graph_level_units(graph, sm_graph_feeding_level(graph, l, 0));
}

static size_t words_of(size_t n_bits) {
    return (n_bits + 63) / 64;
}

/* ---- memory: one block, cut into arrays ---- */

struct cutter {
    char *at; /* NULL while sizes are added up */
    size_t used;
};

static void *cut(struct cutter *cutter, size_t n, size_t size) {
    size_t bytes = (n * size + 63) / 64 * 64;
    void *array = cutter->at ? cutter->at + cutter->used : NULL;
    cutter->used += bytes;
    return array;
}

static void widest_of(const struct work *w, size_t *units, size_t *fan_in) {
    *units = *fan_in = 1;
    for (size_t k = 0; k < w->graph->n_levels; k++)
        if (sm_graph_level_units(w->graph, k) > *units) *units = sm_graph_level_units(w->graph, k);
    for (size_t l = 0; l < w->b->n_layers; l++)
        if (w->b->layers[l].n_columns > *fan_in) *fan_in = w->b->layers[l].n_columns;
}

static void cut_orders(struct work *w, struct cutter *c, uint32_t ***orders, size_t widest) {
    size_t n = w->spaces->n_spaces + 1;
    *orders = cut(c, n, sizeof **orders);
    for (size_t p = 0; p < n; p++) {
        uint32_t *order = cut(c, p + 1 < n ? w->spaces->n_units[p] : widest, sizeof *order);
        if (*orders) (*orders)[p] = order;
    }
}

static void cut_active(struct work *w, struct cutter *c) {
    w->active = cut(c, w->spaces->n_spaces, sizeof *w->active);
    for (size_t p = 0; p < w->spaces->n_spaces; p++) {
        size_t n = w->spaces->n_units[p];
        struct active active = {.unit_a = cut(c, n, sizeof *active.unit_a),
                                .unit_b = cut(c, n, sizeof *active.unit_b),
                                .place_a = cut(c, n, sizeof *active.place_a),
                                .place_b = cut(c, n, sizeof *active.place_b),
                                .price = cut(c, n, sizeof *active.price),
                                .held = cut(c, n * n, sizeof *active.held)};
        if (w->active) w->active[p] = active;
    }
}

static struct lists cut_lists(struct cutter *c, size_t n_lists, size_t n_entries) {
    uint32_t *start = cut(c, 2 * n_lists + 2, sizeof *start);
    return (struct lists){start, cut(c, n_entries, sizeof *start)};
}

/* Words of the bits of a layer's entries, by its rows or by the units that it reads. */
static size_t most_words(const struct work *w) {
    size_t most = 1;
    for (size_t l = 0; l < w->b->n_layers; l++) {
        const struct sm_ternary_layer *layer = &w->b->layers[l];
        size_t part = part_of(w->graph, l), units = layer->n_columns / part;
        size_t by_row = layer->n_rows * words_of(layer->n_columns), by_unit = units * words_of(layer->n_rows * part);
        if (by_row > most) most = by_row;
        if (by_unit > most) most = by_unit;
    }
    return 2 * most;
}

static void cut_arrays(struct work *w, struct cutter *c) {
    size_t widest, fan_in, n = w->spaces->n_spaces + 1;
    widest_of(w, &widest, &fan_in);
    w->lists = cut(c, w->b->n_layers, sizeof *w->lists);
    for (size_t l = 0; l < w->b->n_layers; l++) {
        const struct sm_ternary_layer *layer = &w->b->layers[l];
        struct layer_lists lists = {cut_lists(c, layer->n_columns, layer->n_entries),
                                    cut_lists(c, layer->n_rows * part_of(w->graph, l), layer->n_entries)};
        if (w->lists) w->lists[l] = lists;
    }
    cut_active(w, c);
    cut_orders(w, c, &w->order, widest);
    cut_orders(w, c, &w->best, widest);
    w->decided = cut(c, n, sizeof *w->decided);
    w->pending = cut(c, n, sizeof *w->pending);
    w->self = cut(c, n, sizeof *w->self);
    w->profit = cut(c, widest * widest, sizeof *w->profit);
    w->padded = cut(c, widest * widest, sizeof *w->padded);
    w->column_of = cut(c, fan_in, sizeof *w->column_of);
    w->choice = cut(c, widest, sizeof *w->choice);
    w->spare = cut(c, widest, sizeof *w->spare);
    w->taken = cut(c, widest, sizeof *w->taken);
    w->marker = cut(c, fan_in, 1);
    w->bits_a = cut(c, most_words(w), sizeof *w->bits_a);
    w->bits_b = cut(c, most_words(w), sizeof *w->bits_b);
}

static int work_init(struct work *w, struct sm_align_scratch *scratch, struct sm_error *err) {
    struct cutter cutter = {0};
    cut_arrays(w, &cutter);
    if (cutter.used > scratch->block_bytes) {
        free(scratch->block);
        scratch->block_bytes = 0;
        scratch->block = aligned_alloc(64, cutter.used);
        if (!scratch->block) return sm_fail(err, "out of memory for the alignment of %zu layers", w->b->n_layers);
        scratch->block_bytes = cutter.used;
    }
    cutter = (struct cutter){.at = scratch->block};
    cut_arrays(w, &cutter);
    w->assignment = &scratch->assignment;
    w->kernels = sm_kernels_get();
    return 0;
}

void sm_align_scratch_destroy(struct sm_align_scratch *scratch) {
    sm_assignment_destroy(&scratch->assignment);
    free(scratch->block);
    *scratch = (struct sm_align_scratch){0};
}

/* ---- b's entries in lists ---- */

/* The list of an entry, times two, and 1 more for a negative one. */
static size_t list_by_column(const struct work *w, size_t row, size_t column, int8_t sign, size_t part) {
    (void)row, (void)part;
    return 2 * column + (w->by_sign && sign < 0);
}

static size_t list_by_row(const struct work *w, size_t row, size_t column, int8_t sign, size_t part) {
    return 2 * (row * part + column % part) + (w->by_sign && sign < 0);
}

/* Counting sort. start [2 n_lists + 2] counts two places behind, so that it is right once the entries are placed. */
static void fill_lists(const struct work *w, size_t l, const struct lists *lists, size_t n_lists,
                       size_t (*list)(const struct work *, size_t, size_t, int8_t, size_t), bool of_rows) {
    const struct sm_ternary_layer *b = &w->b->layers[l];
    size_t part = part_of(w->graph, l), space = of_rows ? space_in(w, l) : space_out(w, l);
    uint32_t *next = lists->start + 1;
    memset(lists->start, 0, (2 * n_lists + 2) * sizeof *lists->start);
    if (space == w->spaces->n_spaces) return; /* nobody moves there */
    for (size_t r = 0; r < b->n_rows; r++)
        for (size_t e = b->start[r]; e < b->start[r + 1]; e++) {
            lists->start[list(w, r, b->column[e], b->sign[e], part) + 2]++;
        }
    for (size_t k = 2; k < 2 * n_lists + 2; k++) lists->start[k] += lists->start[k - 1];
    for (size_t r = 0; r < b->n_rows; r++)
        for (size_t e = b->start[r]; e < b->start[r + 1]; e++) {
            size_t unit = of_rows ? b->column[e] / part : r;
            lists->unit[next[list(w, r, b->column[e], b->sign[e], part)]++] = w->active[space].place_b[unit];
        }
}

/* ---- profit of each pair of active units of one space, the other spaces held ---- */

static void columns_of(const uint32_t *order, size_t part, size_t fan_in, uint32_t *column_of) {
    for (size_t u = 0, c = 0; c < fan_in; u++)
        for (size_t e = 0; e < part; e++, c++) column_of[c] = (uint32_t)(order[u] * part + e);
}

/* One entry of a meets a list of b. (Ends and units are held apart from the profit, which might be any integers.) */
static inline void meet(int32_t *restrict profit, const struct lists *lists, size_t list, int32_t sign) {
    const uint32_t *restrict unit = lists->unit;
    size_t first = lists->start[2 * list], negative = lists->start[2 * list + 1], end = lists->start[2 * list + 2];
    for (size_t k = first; k < negative; k++) profit[unit[k]] += sign;
    for (size_t k = negative; k < end; k++) profit[unit[k]] -= sign;
}

/* Where entries belong as seen from a space: to which unit, and to which of the places that are common to all units. */
struct view {
    size_t n_places, part;
    bool of_rows;              /* the space is what the layer writes: units are rows, places are columns */
    const uint32_t *moved;     /* place (of_rows) or row where a's stands in b; NULL for b itself */
    const uint32_t *active_of; /* place_a or place_b of the space */
};

static inline size_t unit_of(const struct view *view, size_t row, size_t column) {
    return view->active_of[view->of_rows ? row : column / view->part];
}

static inline size_t place_of(const struct view *view, size_t row, size_t column) {
    if (view->of_rows) return view->moved ? view->moved[column] : column;
    return (view->moved ? view->moved[row] : row) * view->part + column % view->part;
}

/* One entry after the other meets the list of b's entries at its place. */
static void add_lists(const struct work *w, const struct sm_ternary_layer *a, const struct lists *b,
                      const struct view *view, size_t n_b, int32_t *profit) {
    for (size_t r = 0; r < a->n_rows; r++)
        for (size_t e = a->start[r]; e < a->start[r + 1]; e++)
            meet(profit + unit_of(view, r, a->column[e]) * n_b, b, place_of(view, r, a->column[e]),
                 w->by_sign ? a->sign[e] : 1);
}

/* bits [n_units][2][words of the places]: which places of a unit have entries, and which are negative (by masks none
 * counts as such). */
static void fill_bits(const struct work *w, const struct sm_ternary_layer *layer, const struct view *view,
                      size_t n_units, uint64_t *bits) {
    size_t n_words = words_of(view->n_places);
    memset(bits, 0, n_units * 2 * n_words * sizeof *bits);
    for (size_t r = 0; r < layer->n_rows; r++)
        for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++) {
            size_t place = place_of(view, r, layer->column[e]);
            uint64_t *word = bits + unit_of(view, r, layer->column[e]) * 2 * n_words + place / 64;
            uint64_t bit = UINT64_C(1) << place % 64;
            word[0] |= bit;
            if (w->by_sign && layer->sign[e] < 0) word[n_words] |= bit;
        }
}

/* Sixty-four places at a time, whether there are entries or not. */
static void add_bits(struct work *w, size_t l, const struct view *view, const struct active *active, int32_t *profit) {
    const struct view of_b = {view->n_places, view->part, view->of_rows, NULL, active->place_b};
    size_t n_words = words_of(view->n_places);
    fill_bits(w, &w->a->layers[l], view, active->n_a, w->bits_a);
    fill_bits(w, &w->b->layers[l], &of_b, active->n_b, w->bits_b);
    for (size_t u = 0; u < active->n_a; u++)
        w->kernels->add_common_entries(profit + u * active->n_b, w->bits_a + u * 2 * n_words, w->bits_b, n_words,
                                       active->n_b);
}

/* What is less work: lists for sparse layers, bits for dense ones. (Measured: a word costs as much as an entry.) */
static bool prefers_bits(const struct work *w, size_t l, const struct view *view, const struct active *active) {
    double meetings = (double)w->a->layers[l].n_entries * (double)w->b->layers[l].n_entries / (double)view->n_places;
    return meetings > (double)active->n_a * (double)active->n_b * (double)words_of(view->n_places);
}

static void add_view(struct work *w, size_t l, const struct view *view, const struct lists *b,
                     const struct active *active, int32_t *profit) {
    if (prefers_bits(w, l, view, active))
        add_bits(w, l, view, active, profit);
    else
        add_lists(w, &w->a->layers[l], b, view, active->n_b, profit);
}

/* The space is what layer l writes: rows of a against rows of b over common columns. */
static void add_rows(struct work *w, size_t l, const struct active *active, int32_t *profit) {
    size_t n_columns = w->a->layers[l].n_columns, part = part_of(w->graph, l);
    columns_of(w->order[space_in(w, l)], part, n_columns, w->column_of);
    const struct view view = {n_columns, part, true, w->column_of, active->place_a};
    add_view(w, l, &view, &w->lists[l].by_column, active, profit);
}

/* The space is what layer l reads: columns of a against columns of b over rows that stand at the same place. */
static void add_columns(struct work *w, size_t l, const struct active *active, int32_t *profit) {
    size_t part = part_of(w->graph, l);
    const struct view view = {w->a->layers[l].n_rows * part, part, false, w->order[space_out(w, l)], active->place_a};
    add_view(w, l, &view, &w->lists[l].by_row, active, profit);
}

/* The part of the profit of space p that comes from layers whose other side is fixed. */
static void hold_fixed(struct work *w, size_t p) {
    struct active *active = &w->active[p];
    size_t fixed = w->spaces->n_spaces;
    memset(active->held, 0, active->n_a * active->n_b * sizeof *active->held);
    for (size_t l = 0; l < w->a->n_layers; l++) {
        if (space_out(w, l) == p && space_in(w, l) == fixed) add_rows(w, l, active, active->held);
        if (space_in(w, l) == p && space_out(w, l) == fixed) add_columns(w, l, active, active->held);
    }
}

/* What stands on a space that is not decided yet has no say. */
static void fill_profit(struct work *w, size_t p) {
    const struct active *active = &w->active[p];
    size_t fixed = w->spaces->n_spaces;
    memcpy(w->profit, active->held, active->n_a * active->n_b * sizeof *w->profit);
    for (size_t l = 0; l < w->a->n_layers; l++) {
        size_t in = space_in(w, l), out = space_out(w, l);
        if (out == p && in != fixed && w->decided[in]) add_rows(w, l, active, w->profit);
        if (in == p && out != fixed && w->decided[out]) add_columns(w, l, active, w->profit);
    }
}

/* The whole profit at the present orders. */
static int64_t whole_profit(struct work *w) {
    int64_t sum = 0;
    for (size_t l = 0; l < w->a->n_layers; l++) {
        const struct sm_ternary_layer *a = &w->a->layers[l], *b = &w->b->layers[l];
        const uint32_t *out = w->order[space_out(w, l)];
        columns_of(w->order[space_in(w, l)], part_of(w->graph, l), a->n_columns, w->column_of);
        for (size_t o = 0; o < a->n_rows; o++) {
            for (size_t e = b->start[out[o]]; e < b->start[out[o] + 1]; e++) w->marker[b->column[e]] = b->sign[e];
            for (size_t e = a->start[o]; e < a->start[o + 1]; e++) {
                int product = a->sign[e] * w->marker[w->column_of[a->column[e]]];
                sum += w->by_sign ? product : product != 0;
            }
            for (size_t e = b->start[out[o]]; e < b->start[out[o] + 1]; e++) w->marker[b->column[e]] = 0;
        }
    }
    return sum;
}

/* Marks, in place [units], the units of space p that have entries in `of`; then numbers them. Returns how many. */
static size_t find_active(const struct work *w, size_t p, const struct sm_ternary *of, uint32_t *unit,
                          uint32_t *place) {
    size_t n = w->spaces->n_units[p], count = 0;
    for (size_t u = 0; u < n; u++) place[u] = NONE;
    for (size_t l = 0; l < of->n_layers; l++) {
        const struct sm_ternary_layer *layer = &of->layers[l];
        size_t part = part_of(w->graph, l);
        for (size_t r = 0; space_out(w, l) == p && r < layer->n_rows; r++)
            if (layer->start[r] < layer->start[r + 1]) place[r] = 0;
        for (size_t e = 0; space_in(w, l) == p && e < layer->n_entries; e++) place[layer->column[e] / part] = 0;
    }
    for (size_t u = 0; u < n; u++)
        if (place[u] != NONE) {
            place[u] = (uint32_t)count;
            unit[count++] = (uint32_t)u;
        }
    return count;
}

static void prepare(struct work *w) {
    size_t n = w->spaces->n_spaces, widest, fan_in;
    widest_of(w, &widest, &fan_in);
    for (size_t u = 0; u < widest; u++) w->order[n][u] = (uint32_t)u;
    memset(w->self, 0, (n + 1) * sizeof *w->self);
    memset(w->marker, 0, fan_in);
    for (size_t l = 0; l < w->b->n_layers; l++)
        if (space_in(w, l) == space_out(w, l)) w->self[space_in(w, l)] = true;
    for (size_t p = 0; p < n; p++) {
        struct active *active = &w->active[p];
        active->n_a = find_active(w, p, w->a, active->unit_a, active->place_a);
        active->n_b = find_active(w, p, w->b, active->unit_b, active->place_b);
    }
    for (size_t l = 0; l < w->b->n_layers; l++) {
        const struct sm_ternary_layer *b = &w->b->layers[l];
        fill_lists(w, l, &w->lists[l].by_column, b->n_columns, list_by_column, false);
        fill_lists(w, l, &w->lists[l].by_row, b->n_rows * part_of(w->graph, l), list_by_row, true);
    }
    for (size_t p = 0; p < n; p++) hold_fixed(w, p);
}

/* ---- one space's best order ---- */

/* profit, or what is left of it where it is clamped at 0, in a square of `side`, zeros behind the active units. */
static void pad_profit(struct work *w, const struct active *active, size_t side, bool clamp) {
    memset(w->padded, 0, side * side * sizeof *w->padded);
    for (size_t r = 0; r < active->n_a; r++) {
        const int32_t *from = w->profit + r * active->n_b;
        int32_t *to = w->padded + r * side;
        for (size_t c = 0; c < active->n_b; c++) to[c] = clamp && from[c] < 0 ? 0 : from[c];
    }
}

/* Chosen pairs of active units with a profit below 0. */
static size_t count_losses(const struct work *w, const struct active *active) {
    size_t count = 0;
    for (size_t r = 0; r < active->n_a; r++)
        count += w->choice[r] < active->n_b && w->profit[r * active->n_b + w->choice[r]] < 0;
    return count;
}

/* Everybody who is still open gets the first place that is left: active units of a one without entries in b, so that
 * nobody is paired at a loss; the others any. */
static void place_open(const struct work *w, size_t p, uint32_t *order) {
    const struct active *active = &w->active[p];
    size_t n = w->spaces->n_units[p];
    for (size_t r = 0, next = 0; r < active->n_a; r++) {
        uint32_t *place = &order[active->unit_a[r]];
        if (*place != NONE) continue;
        while (w->taken[next] || active->place_b[next] != NONE) next++;
        *place = (uint32_t)next;
        w->taken[next] = true;
    }
    for (size_t u = 0, next = 0; u < n; u++) {
        if (order[u] != NONE) continue;
        while (w->taken[next]) next++;
        order[u] = (uint32_t)next++;
    }
}

/* The best order of space p for w->profit, into `order`.
 *
 * A unit can always stand against one without entries, for nothing. So losses are clamped at 0 and only active units
 * assigned; pairs that would lose are given up. Where there are not units enough without entries for that, all units
 * are assigned, losses and all. */
static int best_order(struct work *w, size_t p, uint32_t *order) {
    struct active *active = &w->active[p];
    size_t n = w->spaces->n_units[p], side = active->n_a > active->n_b ? active->n_a : active->n_b;
    bool clamp = w->by_sign;
    pad_profit(w, active, side, clamp);
    if (sm_assignment_solve(w->assignment, w->padded, side, active->price, w->choice) != 0) return -1;
    if (side + count_losses(w, active) > n) {
        clamp = false;
        pad_profit(w, active, n, clamp);
        if (sm_assignment_solve(w->assignment, w->padded, n, active->price, w->choice) != 0) return -1;
    }
    memset(w->taken, 0, n * sizeof *w->taken);
    for (size_t u = 0; u < n; u++) order[u] = NONE;
    for (size_t r = 0; r < active->n_a; r++) {
        size_t c = w->choice[r];
        if (c >= active->n_b || (clamp && w->profit[r * active->n_b + c] < 0)) continue;
        order[active->unit_a[r]] = active->unit_b[c];
        w->taken[active->unit_b[c]] = true;
    }
    place_open(w, p, order);
    return 0;
}

static int64_t profit_of(const struct work *w, size_t p, const uint32_t *order) {
    const struct active *active = &w->active[p];
    int64_t sum = 0;
    for (size_t r = 0; r < active->n_a; r++) {
        uint32_t place = active->place_b[order[active->unit_a[r]]];
        if (place != NONE) sum += w->profit[r * active->n_b + place];
    }
    return sum;
}

static void wake_neighbours(struct work *w, size_t p) {
    for (size_t l = 0; l < w->a->n_layers; l++) {
        if (space_out(w, l) == p) w->pending[space_in(w, l)] = true;
        if (space_in(w, l) == p) w->pending[space_out(w, l)] = true;
    }
}

static void swap_order(struct work *w, size_t p) {
    for (size_t u = 0; u < w->spaces->n_units[p]; u++) {
        uint32_t old = w->order[p][u];
        w->order[p][u] = w->spare[u];
        w->spare[u] = old;
    }
}

/* Gives space p its best order, others held; keeps the old one unless the whole profit rises. */
static int improve(struct work *w, size_t p) {
    w->pending[p] = false;
    fill_profit(w, p);
    if (best_order(w, p, w->spare) != 0) return -1;
    if (profit_of(w, p, w->spare) <= profit_of(w, p, w->order[p])) return 0;
    int64_t before = w->self[p] ? whole_profit(w) : 0;
    swap_order(w, p);
    /* Where the space stands on both sides of a layer, what it pays with one side held is not yet what it pays. */
    if (w->self[p] && whole_profit(w) <= before)
        swap_order(w, p);
    else
        wake_neighbours(w, p);
    return 0;
}

static bool any_pending(const struct work *w) {
    for (size_t p = 0; p < w->spaces->n_spaces; p++)
        if (w->pending[p]) return true;
    return false;
}

static int descend(struct work *w, size_t *n_rounds) {
    for (size_t p = 0; p < w->spaces->n_spaces; p++) w->pending[p] = true;
    for (*n_rounds = 0; any_pending(w); ++*n_rounds)
        for (size_t p = 0; p < w->spaces->n_spaces; p++)
            if (w->pending[p] && improve(w, p) != 0) return -1;
    return 0;
}

/* ---- starts ---- */

static int start_in_turn(struct work *w, bool upwards) {
    size_t n = w->spaces->n_spaces;
    for (size_t p = 0; p < n; p++) w->decided[p] = false;
    for (size_t k = 0; k < n; k++) {
        size_t p = upwards ? k : n - 1 - k;
        for (size_t u = 0; u < w->spaces->n_units[p]; u++) w->order[p][u] = (uint32_t)u;
        fill_profit(w, p);
        if (best_order(w, p, w->order[p]) != 0) return -1;
        w->decided[p] = true;
    }
    return 0;
}

static void start_at_random(struct work *w, uint64_t seed, size_t start) {
    for (size_t p = 0; p < w->spaces->n_spaces; p++) {
        struct sm_rng rng = sm_rng_make(seed, SM_RNG_ALIGN, (uint32_t)(start * w->spaces->n_spaces + p));
        sm_rng_permutation(&rng, w->order[p], w->spaces->n_units[p]);
        w->decided[p] = true;
    }
}

static void start_as_they_stand(struct work *w) {
    for (size_t p = 0; p < w->spaces->n_spaces; p++) {
        for (size_t u = 0; u < w->spaces->n_units[p]; u++) w->order[p][u] = (uint32_t)u;
        w->decided[p] = true;
    }
}

static int finish_start(struct work *w, int64_t *profit, size_t *n_rounds) {
    if (descend(w, n_rounds) != 0) return -1;
    *profit = whole_profit(w);
    return 0;
}

/* Where a and b are much the same as they stand and have few entries, the first start may end below that: then it is
 * begun again from there, so that no alignment ever loses. */
static int run_first(struct work *w, int64_t *profit, size_t *n_rounds) {
    start_as_they_stand(w);
    int64_t raw = whole_profit(w);
    if (start_in_turn(w, true) != 0 || finish_start(w, profit, n_rounds) != 0) return -1;
    if (*profit >= raw) return 0;
    start_as_they_stand(w);
    return finish_start(w, profit, n_rounds);
}

static int run_other(struct work *w, size_t start, uint64_t seed, int64_t *profit, size_t *n_rounds) {
    if (start > 1)
        start_at_random(w, seed, start);
    else if (start_in_turn(w, false) != 0)
        return -1;
    return finish_start(w, profit, n_rounds);
}

/* The first of equally good starts is kept. */
static int run_start(struct work *w, struct sm_alignment *alignment, size_t start, uint64_t seed) {
    size_t n_rounds, n = w->spaces->n_spaces;
    int64_t *profit = &alignment->start_profit[start];
    w->decided[n] = true;
    for (size_t p = 0; p < n; p++) memset(w->active[p].price, 0, w->spaces->n_units[p] * sizeof *w->active[p].price);
    int status = start == 0 ? run_first(w, profit, &n_rounds) : run_other(w, start, seed, profit, &n_rounds);
    if (status != 0 || (start > 0 && *profit <= alignment->profit)) return status;
    alignment->profit = *profit;
    alignment->n_rounds = n_rounds;
    for (size_t p = 0; p < n; p++) memcpy(w->best[p], w->order[p], w->spaces->n_units[p] * sizeof **w->best);
    return 0;
}

static void take_best(struct sm_alignment *alignment, const struct work *w) {
    for (size_t k = 0; k < w->graph->n_levels; k++) {
        size_t p = w->spaces->of_level[k], n = sm_graph_level_units(w->graph, k);
        const uint32_t *order = p < w->spaces->n_spaces ? w->best[p] : w->order[p];
        memcpy(alignment->partner + alignment->offset[k], order, n * sizeof *order);
    }
}

int sm_align(struct sm_alignment *alignment, const struct sm_spaces *spaces, const struct sm_ternary *a,
             const struct sm_ternary *b, const struct sm_align_options *options, struct sm_align_scratch *scratch,
             struct sm_error *err) {
    struct work w = {.spaces = spaces, .graph = spaces->graph, .a = a, .b = b, .by_sign = options->by_sign};
    if (work_init(&w, scratch, err) != 0) return -1;
    prepare(&w);
    assert(options->n_starts >= 1 && options->n_starts <= SM_ALIGN_MOST_STARTS);
    alignment->n_starts = spaces->n_spaces ? options->n_starts : 1;
    for (size_t s = 0; s < alignment->n_starts; s++)
        if (run_start(&w, alignment, s, options->seed) != 0)
            return sm_fail(err, "out of memory for the assignment of units");
    take_best(alignment, &w);
    return 0;
}

/* ---- an alignment in use ---- */

int sm_alignment_init(struct sm_alignment *alignment, const struct sm_graph *graph, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(graph);
    *alignment = (struct sm_alignment){.n_levels = graph->n_levels,
                                       .offset = malloc((graph->n_levels + 1) * sizeof *alignment->offset),
                                       .partner = malloc((n_units + 1) * sizeof *alignment->partner)};
    if (!alignment->offset || !alignment->partner) return sm_fail(err, "out of memory for %zu units", n_units);
    memcpy(alignment->offset, graph->offset, (graph->n_levels + 1) * sizeof *alignment->offset);
    for (size_t k = 0; k < graph->n_levels; k++)
        for (size_t u = 0; u < sm_graph_level_units(graph, k); u++)
            alignment->partner[graph->offset[k] + u] = (uint32_t)u;
    return 0;
}

void sm_alignment_destroy(struct sm_alignment *alignment) {
    free(alignment->offset);
    free(alignment->partner);
    *alignment = (struct sm_alignment){0};
}

void sm_alignment_columns(const struct sm_alignment *alignment, const struct sm_graph *graph, size_t l,
                          uint32_t *column_of) {
    size_t level = sm_graph_feeding_level(graph, l, 0);
    columns_of(alignment->partner + alignment->offset[level], part_of(graph, l),
               sm_layer_fan_in(&graph->net->layers[l]), column_of);
}

int sm_alignment_apply(const struct sm_alignment *alignment, const struct sm_graph *graph, size_t l, const void *values,
                       void *aligned, size_t entry_size) {
    const struct sm_layer *layer = &graph->net->layers[l];
    size_t fan_in = sm_layer_fan_in(layer);
    uint32_t *column_of = malloc((fan_in + 1) * sizeof *column_of);
    if (!column_of) return -1;
    sm_alignment_columns(alignment, graph, l, column_of);
    for (size_t o = 0; o < layer->n_out; o++) {
        const char *from = (const char *)values + sm_alignment_partner(alignment, l + 1, o) * fan_in * entry_size;
        char *to = (char *)aligned + o * fan_in * entry_size;
        for (size_t i = 0; i < fan_in; i++) memcpy(to + i * entry_size, from + column_of[i] * entry_size, entry_size);
    }
    free(column_of);
    return 0;
}

struct sm_align_options sm_align_options_for(const struct sm_options *options, enum sm_compare compare) {
    return (struct sm_align_options){
        .by_sign = compare == SM_COMPARE_WEIGHT, .n_starts = options->n_starts, .seed = options->seed};
}

int sm_align_moments(struct sm_alignment *alignment, const struct sm_moment *a, const struct sm_moment *b,
                     enum sm_compare compare, const struct sm_options *options, struct sm_error *err) {
    const struct sm_align_options how = sm_align_options_for(options, compare);
    struct sm_graph graph;
    struct sm_spaces spaces = {0};
    struct sm_ternary entries_a = {0}, entries_b = {0};
    struct sm_align_scratch scratch = {0};
    *alignment = (struct sm_alignment){0};
    int status = sm_graph_init(&graph, &a->run->net, err);
    if (status == 0) status = sm_spaces_init(&spaces, &graph, err);
    if (status == 0) status = sm_ternary_init(&entries_a, a, compare, err);
    if (status == 0) status = sm_ternary_init(&entries_b, b, compare, err);
    if (status == 0) status = sm_alignment_init(alignment, &graph, err);
    if (status == 0) status = sm_align(alignment, &spaces, &entries_a, &entries_b, &how, &scratch, err);
    sm_align_scratch_destroy(&scratch);
    sm_ternary_destroy(&entries_a);
    sm_ternary_destroy(&entries_b);
    sm_spaces_destroy(&spaces);
    sm_graph_destroy(&graph);
    return status;
}

/* ---- the alignments of a pair ---- */

void sm_alignments_init(struct sm_alignments *alignments, const struct sm_options *options) {
    *alignments = (struct sm_alignments){.options = options};
}

void sm_alignments_destroy(struct sm_alignments *alignments) {
    for (size_t k = 0; k < 2; k++) sm_alignment_destroy(&alignments->alignment[k]);
}

const struct sm_alignment *sm_pair_alignment(const struct sm_pair *pair, enum sm_compare compare,
                                             struct sm_error *err) {
    struct sm_alignments *all = pair->alignments;
    size_t k = compare == SM_COMPARE_MASK ? 0 : 1;
    assert(sm_runs_comparable(pair->a->run, pair->b->run));
    if (!all->done[k] && sm_align_moments(&all->alignment[k], pair->a, pair->b, compare, all->options, err) != 0) {
        sm_alignment_destroy(&all->alignment[k]);
        return NULL;
    }
    all->done[k] = true;
    return &all->alignment[k];
}
