/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/align.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/rng.h>

/* ---- one alignment at work ---- */

/* A layer of b by columns: entries of column c are start[c] .. start[c + 1] - 1. */
struct columns {
    uint32_t *start, *row;
    int8_t *sign;
};

struct work {
    const struct sm_spaces *spaces;
    const struct sm_graph *graph;
    const struct sm_ternary *a, *b;
    bool by_sign;
    struct columns *by_column;      /* [n_layers] of b */
    uint32_t **order, **best;       /* [n_spaces + 1] [units]: b's unit where a's stands; the last: identity */
    bool *decided, *pending, *self; /* [n_spaces + 1]; self: a layer reads and writes the space */
    int32_t *profit, *packed;       /* [widest * widest]; [widest * 2 widest] */
    uint32_t *column_of, *choice, *rows, *targets; /* [widest fan-in]; [widest] each */
    uint32_t *by_rest_start, *by_rest_unit;        /* a row of b by place within a unit's part */
    int8_t *by_rest_sign, *marker;                 /* [widest fan-in] */
    struct sm_assignment *assignment;
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

static void cut_arrays(struct work *w, struct cutter *c) {
    size_t widest, fan_in, n = w->spaces->n_spaces + 1;
    widest_of(w, &widest, &fan_in);
    w->by_column = cut(c, w->b->n_layers, sizeof *w->by_column);
    for (size_t l = 0; l < w->b->n_layers; l++) {
        const struct sm_ternary_layer *layer = &w->b->layers[l];
        struct columns columns = {cut(c, layer->n_columns + 1, sizeof *columns.start),
                                  cut(c, layer->n_entries, sizeof *columns.row), cut(c, layer->n_entries, 1)};
        if (w->by_column) w->by_column[l] = columns;
    }
    cut_orders(w, c, &w->order, widest);
    cut_orders(w, c, &w->best, widest);
    w->decided = cut(c, n, sizeof *w->decided);
    w->pending = cut(c, n, sizeof *w->pending);
    w->self = cut(c, n, sizeof *w->self);
    w->profit = cut(c, widest * widest, sizeof *w->profit);
    w->packed = cut(c, 2 * widest * widest, sizeof *w->packed);
    w->column_of = cut(c, fan_in, sizeof *w->column_of);
    w->choice = cut(c, widest, sizeof *w->choice);
    w->rows = cut(c, widest, sizeof *w->rows);
    w->targets = cut(c, 2 * widest, sizeof *w->targets);
    w->by_rest_start = cut(c, fan_in + 1, sizeof *w->by_rest_start);
    w->by_rest_unit = cut(c, fan_in, sizeof *w->by_rest_unit);
    w->by_rest_sign = cut(c, fan_in, 1);
    w->marker = cut(c, fan_in, 1);
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
    return 0;
}

void sm_align_scratch_destroy(struct sm_align_scratch *scratch) {
    sm_assignment_destroy(&scratch->assignment);
    free(scratch->block);
    *scratch = (struct sm_align_scratch){0};
}

static void sort_by_column(const struct sm_ternary_layer *layer, struct columns *columns) {
    memset(columns->start, 0, (layer->n_columns + 1) * sizeof *columns->start);
    for (size_t e = 0; e < layer->n_entries; e++) columns->start[layer->column[e] + 1]++;
    for (size_t c = 0; c < layer->n_columns; c++) columns->start[c + 1] += columns->start[c];
    for (size_t r = 0; r < layer->n_rows; r++)
        for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++) {
            uint32_t at = columns->start[layer->column[e]]++;
            columns->row[at] = (uint32_t)r;
            columns->sign[at] = layer->sign[e];
        }
    for (size_t c = layer->n_columns; c > 0; c--) columns->start[c] = columns->start[c - 1];
    columns->start[0] = 0;
}

static void prepare(struct work *w) {
    size_t n = w->spaces->n_spaces, widest, fan_in;
    widest_of(w, &widest, &fan_in);
    for (size_t l = 0; l < w->b->n_layers; l++) sort_by_column(&w->b->layers[l], &w->by_column[l]);
    for (size_t u = 0; u < widest; u++) w->order[n][u] = (uint32_t)u;
    memset(w->self, 0, (n + 1) * sizeof *w->self);
    memset(w->marker, 0, fan_in);
    for (size_t l = 0; l < w->b->n_layers; l++)
        if (space_in(w, l) == space_out(w, l)) w->self[space_in(w, l)] = true;
}

/* ---- profit of each pair of units of one space, the other spaces held ---- */

static void columns_of(const uint32_t *order, size_t part, size_t fan_in, uint32_t *column_of) {
    for (size_t u = 0, c = 0; c < fan_in; u++)
        for (size_t e = 0; e < part; e++, c++) column_of[c] = (uint32_t)(order[u] * part + e);
}

/* The space is what layer l writes: rows of a against rows of b over common columns. */
static void add_rows(struct work *w, size_t l, size_t n) {
    const struct sm_ternary_layer *a = &w->a->layers[l];
    const struct columns *b = &w->by_column[l];
    columns_of(w->order[space_in(w, l)], part_of(w->graph, l), a->n_columns, w->column_of);
    for (size_t u = 0; u < a->n_rows; u++) {
        int32_t *profit = w->profit + u * n;
        for (size_t e = a->start[u]; e < a->start[u + 1]; e++) {
            size_t c = w->column_of[a->column[e]];
            int sign = a->sign[e];
            for (size_t k = b->start[c]; k < b->start[c + 1]; k++)
                profit[b->row[k]] += w->by_sign ? sign * b->sign[k] : 1;
        }
    }
}

/* One row of b by its entries' place within a unit's part. */
static void sort_by_rest(struct work *w, const struct sm_ternary_layer *b, size_t row, size_t part) {
    uint32_t *start = w->by_rest_start;
    memset(start, 0, (part + 1) * sizeof *start);
    for (size_t e = b->start[row]; e < b->start[row + 1]; e++) start[b->column[e] % part + 1]++;
    for (size_t k = 0; k < part; k++) start[k + 1] += start[k];
    for (size_t e = b->start[row]; e < b->start[row + 1]; e++) {
        uint32_t at = start[b->column[e] % part]++;
        w->by_rest_unit[at] = (uint32_t)(b->column[e] / part);
        w->by_rest_sign[at] = b->sign[e];
    }
    for (size_t k = part; k > 0; k--) start[k] = start[k - 1];
    start[0] = 0;
}

/* The space is what layer l reads: columns of a against columns of b over rows that stand at the same place. */
static void add_columns(struct work *w, size_t l, size_t n) {
    const struct sm_ternary_layer *a = &w->a->layers[l], *b = &w->b->layers[l];
    const uint32_t *out = w->order[space_out(w, l)];
    size_t part = part_of(w->graph, l);
    for (size_t o = 0; o < a->n_rows; o++) {
        if (a->start[o] == a->start[o + 1] || b->start[out[o]] == b->start[out[o] + 1]) continue;
        sort_by_rest(w, b, out[o], part);
        for (size_t e = a->start[o]; e < a->start[o + 1]; e++) {
            int32_t *profit = w->profit + a->column[e] / part * n;
            size_t rest = a->column[e] % part;
            int sign = a->sign[e];
            for (size_t k = w->by_rest_start[rest]; k < w->by_rest_start[rest + 1]; k++)
                profit[w->by_rest_unit[k]] += w->by_sign ? sign * w->by_rest_sign[k] : 1;
        }
    }
}

/* What stands on a space that is not decided yet has no say. */
static void fill_profit(struct work *w, size_t p) {
    size_t n = w->spaces->n_units[p];
    memset(w->profit, 0, n * n * sizeof *w->profit);
    for (size_t l = 0; l < w->a->n_layers; l++) {
        if (space_out(w, l) == p && w->decided[space_in(w, l)]) add_rows(w, l, n);
        if (space_in(w, l) == p && w->decided[space_out(w, l)]) add_columns(w, l, n);
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

/* ---- one space's best order ---- */

/* Units that have no profit with anybody can stand anywhere: only the others are assigned, to each other or to one of
 * the units without profit (a column of zeros each). rows: a's units; targets: b's, then the places without profit.
 * Returns the numbers of both. */
static void pack(struct work *w, size_t n, size_t *n_rows, size_t *n_columns) {
    bool *wanted = (bool *)w->choice; /* choice is free until the assignment */
    size_t n_wanted = 0;
    memset(wanted, 0, n * sizeof *wanted);
    *n_rows = 0;
    for (size_t u = 0; u < n; u++) {
        bool any = false;
        for (size_t v = 0; v < n; v++) {
            any |= w->profit[u * n + v] != 0;
            wanted[v] |= w->profit[u * n + v] != 0;
        }
        if (any) w->rows[(*n_rows)++] = (uint32_t)u;
    }
    for (size_t v = 0; v < n; v++)
        if (wanted[v]) w->targets[n_wanted++] = (uint32_t)v;
    size_t n_idle = n - n_wanted;
    if (n_idle > *n_rows) n_idle = *n_rows;
    *n_columns = n_wanted + n_idle;
    for (size_t r = 0; r < *n_rows; r++) {
        int32_t *packed = w->packed + r * *n_columns;
        const int32_t *profit = w->profit + w->rows[r] * n;
        for (size_t c = 0; c < n_wanted; c++) packed[c] = profit[w->targets[c]];
        memset(packed + n_wanted, 0, n_idle * sizeof *packed);
    }
    for (size_t c = n_wanted; c < *n_columns; c++) w->targets[c] = UINT32_MAX;
}

/* The units that nobody chose fill the places that are left, both ascending. order [n] holds UINT32_MAX where open. */
static void fill_open_places(uint32_t *order, size_t n, bool *taken) {
    memset(taken, 0, n * sizeof *taken);
    for (size_t u = 0; u < n; u++)
        if (order[u] != UINT32_MAX) taken[order[u]] = true;
    for (size_t u = 0, next = 0; u < n; u++) {
        if (order[u] != UINT32_MAX) continue;
        while (taken[next]) next++;
        order[u] = (uint32_t)next++;
    }
}

/* The best order of space p for w->profit, into `order`. */
static int best_order(struct work *w, size_t p, uint32_t *order) {
    size_t n = w->spaces->n_units[p], n_rows, n_columns;
    pack(w, n, &n_rows, &n_columns);
    if (sm_assignment_solve(w->assignment, w->packed, n_rows, n_columns, w->choice) != 0) return -1;
    for (size_t u = 0; u < n; u++) order[u] = UINT32_MAX;
    for (size_t r = 0; r < n_rows; r++) order[w->rows[r]] = w->targets[w->choice[r]];
    fill_open_places(order, n, (bool *)w->packed);
    return 0;
}

static int64_t profit_of(const struct work *w, size_t n, const uint32_t *order) {
    int64_t sum = 0;
    for (size_t u = 0; u < n; u++) sum += w->profit[u * n + order[u]];
    return sum;
}

static void wake_neighbours(struct work *w, size_t p) {
    for (size_t l = 0; l < w->a->n_layers; l++) {
        if (space_out(w, l) == p) w->pending[space_in(w, l)] = true;
        if (space_in(w, l) == p) w->pending[space_out(w, l)] = true;
    }
}

/* Gives space p its best order, others held; keeps the old one unless the whole profit rises. `spare` [units]. */
static int improve(struct work *w, size_t p, uint32_t *spare, bool *improved) {
    size_t n = w->spaces->n_units[p];
    *improved = false;
    w->pending[p] = false;
    fill_profit(w, p);
    if (best_order(w, p, spare) != 0) return -1;
    if (profit_of(w, n, spare) <= profit_of(w, n, w->order[p])) return 0;
    int64_t before = w->self[p] ? whole_profit(w) : 0;
    for (size_t u = 0; u < n; u++) {
        uint32_t old = w->order[p][u];
        w->order[p][u] = spare[u];
        spare[u] = old;
    }
    if (w->self[p] && whole_profit(w) <= before) { /* the space stands on both sides of a layer: only held it pays */
        memcpy(w->order[p], spare, n * sizeof *spare);
        return 0;
    }
    *improved = true;
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
        for (size_t p = 0; p < w->spaces->n_spaces; p++) {
            bool improved;
            /* best[n_spaces] is as wide as the widest level and free for use. */
            if (w->pending[p] && improve(w, p, w->best[w->spaces->n_spaces], &improved) != 0) return -1;
        }
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

static int run_start(struct work *w, struct sm_alignment *alignment, size_t start, uint64_t seed) {
    size_t n_rounds, n = w->spaces->n_spaces;
    w->decided[n] = true;
    if (start >= 2)
        start_at_random(w, seed, start);
    else if (start_in_turn(w, start == 0) != 0)
        return -1;
    if (descend(w, &n_rounds) != 0) return -1;
    alignment->start_profit[start] = whole_profit(w);
    if (start > 0 && alignment->start_profit[start] <= alignment->profit) return 0;
    alignment->profit = alignment->start_profit[start];
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
             const struct sm_ternary *b, bool by_sign, uint64_t seed, struct sm_align_scratch *scratch,
             struct sm_error *err) {
    struct work w = {.spaces = spaces, .graph = spaces->graph, .a = a, .b = b, .by_sign = by_sign};
    if (work_init(&w, scratch, err) != 0) return -1;
    prepare(&w);
    alignment->n_starts = spaces->n_spaces ? SM_ALIGN_STARTS : 1;
    for (size_t s = 0; s < alignment->n_starts; s++)
        if (run_start(&w, alignment, s, seed) != 0) return sm_fail(err, "out of memory for the assignment of units");
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

int sm_align_moments(struct sm_alignment *alignment, const struct sm_moment *a, const struct sm_moment *b,
                     enum sm_compare compare, uint64_t seed, struct sm_error *err) {
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
    if (status == 0)
        status =
            sm_align(alignment, &spaces, &entries_a, &entries_b, compare == SM_COMPARE_WEIGHT, seed, &scratch, err);
    sm_align_scratch_destroy(&scratch);
    sm_ternary_destroy(&entries_a);
    sm_ternary_destroy(&entries_b);
    sm_spaces_destroy(&spaces);
    sm_graph_destroy(&graph);
    return status;
}

/* ---- the alignments of a pair ---- */

void sm_alignments_init(struct sm_alignments *alignments, uint64_t seed) {
    *alignments = (struct sm_alignments){.seed = seed};
}

void sm_alignments_destroy(struct sm_alignments *alignments) {
    for (size_t k = 0; k < 2; k++) sm_alignment_destroy(&alignments->alignment[k]);
}

bool sm_pair_comparable(const struct sm_pair *pair) {
    return sm_runs_comparable(pair->a->run, pair->b->run);
}

const struct sm_alignment *sm_pair_alignment(const struct sm_pair *pair, enum sm_compare compare,
                                             struct sm_error *err) {
    struct sm_alignments *all = pair->alignments;
    size_t k = compare == SM_COMPARE_MASK ? 0 : 1;
    assert(sm_pair_comparable(pair));
    if (!all->done[k] && sm_align_moments(&all->alignment[k], pair->a, pair->b, compare, all->seed, err) != 0) {
        sm_alignment_destroy(&all->alignment[k]);
        return NULL;
    }
    all->done[k] = true;
    return &all->alignment[k];
}
