/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/ensemble_null.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/nulls.h"

/* Apart from the replicates of pairs: here each run has draws of its own. */
static const uint32_t FIRST_STREAM = UINT32_C(1) << 31;

/* ---- counts ---- */

static uint16_t **times_new(const struct sm_ensemble_null *null) {
    uint16_t **times = calloc(null->n_layers, sizeof *times);
    for (size_t l = 0; times && l < null->n_layers; l++) times[l] = calloc(null->n_weights[l], sizeof **times);
    return times;
}

static void times_free(const struct sm_ensemble_null *null, uint16_t **times) {
    for (size_t l = 0; times && l < null->n_layers; l++) free(times[l]);
    free(times);
}

static bool times_whole(const struct sm_ensemble_null *null, uint16_t *const *times) {
    for (size_t l = 0; times && l < null->n_layers; l++)
        if (!times[l]) return false;
    return times != NULL;
}

int sm_ensemble_null_init(struct sm_ensemble_null *null, const struct sm_moment *first, struct sm_error *err) {
    const struct sm_network *net = &first->run->net;
    *null = (struct sm_ensemble_null){.n_runs = 1, .n_layers = net->n_layers};
    null->n_weights = calloc(net->n_layers, sizeof *null->n_weights);
    if (!null->n_weights) return sm_fail(err, "out of memory for the null models of an ensemble");
    for (size_t l = 0; l < net->n_layers; l++) null->n_weights[l] = sm_layer_weights(&net->layers[l]);
    for (size_t k = 0; k < 2 * SM_ENSEMBLE_REPLICATES; k++) {
        uint16_t **times = null->times[k / 2][k % 2] = times_new(null);
        if (!times_whole(null, times)) return sm_fail(err, "out of memory for the null models of an ensemble");
        for (size_t l = 0; l < net->n_layers; l++)
            for (size_t i = 0; i < null->n_weights[l]; i++) times[l][i] = first->mask[l][i] != 0;
    }
    return 0;
}

void sm_ensemble_null_destroy(struct sm_ensemble_null *null) {
    for (size_t k = 0; k < 2 * SM_ENSEMBLE_REPLICATES; k++) times_free(null, null->times[k / 2][k % 2]);
    free(null->n_weights);
    *null = (struct sm_ensemble_null){0};
}

/* row_to, column_to: where a row and a column of the layer stand; NULL: where they are. */
static void count_entries(uint16_t *times, const struct sm_ternary_layer *layer, const uint32_t *row_to,
                          const uint32_t *column_to) {
    for (size_t r = 0; r < layer->n_rows; r++)
        for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++)
            times[(row_to ? row_to[r] : r) * layer->n_columns +
                  (column_to ? column_to[layer->column[e]] : layer->column[e])]++;
}

static void invert(uint32_t *inverse, const uint32_t *order, size_t n) {
    for (size_t k = 0; k < n; k++) inverse[order[k]] = (uint32_t)k;
}

/* ---- one more run ---- */

/* What the replicates share. */
struct draw {
    const struct sm_pair *pair;
    struct sm_align_options how;
    struct sm_graph graph;
    struct sm_spaces spaces;
    struct sm_ternary a, b;
    size_t widest; /* rows or columns of a layer */
};

static int draw_init(struct draw *draw, struct sm_error *err) {
    const struct sm_network *net = &draw->pair->a->run->net;
    if (sm_graph_init(&draw->graph, net, err) || sm_spaces_init(&draw->spaces, &draw->graph, err) ||
        sm_ternary_init(&draw->a, draw->pair->a, SM_COMPARE_WEIGHT, err) ||
        sm_ternary_init(&draw->b, draw->pair->b, SM_COMPARE_WEIGHT, err))
        return -1;
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct sm_ternary_layer *layer = &draw->a.layers[l];
        size_t more = layer->n_rows > layer->n_columns ? layer->n_rows : layer->n_columns;
        if (more > draw->widest) draw->widest = more;
    }
    return 0;
}

static void draw_destroy(struct draw *draw) {
    sm_graph_destroy(&draw->graph);
    sm_spaces_destroy(&draw->spaces);
    sm_ternary_destroy(&draw->a);
    sm_ternary_destroy(&draw->b);
}

/* order: [3 * widest] scratch. */
static void count_aligned(uint16_t *const *times, const struct draw *draw, const struct sm_ternary *drawn,
                          const struct sm_alignment *alignment, uint32_t *order) {
    uint32_t *column_to = order + draw->widest, *row_to = order + 2 * draw->widest;
    for (size_t l = 0; l < drawn->n_layers; l++) {
        sm_alignment_columns(alignment, &draw->graph, l, order);
        invert(column_to, order, drawn->layers[l].n_columns);
        invert(row_to, alignment->partner + alignment->offset[l + 1], drawn->layers[l].n_rows);
        count_entries(times[l], &drawn->layers[l], row_to, column_to);
    }
}

static int add_replicate(struct sm_ensemble_null *null, const struct draw *draw, size_t replicate,
                         struct sm_error *err) {
    struct sm_ternary drawn = {0};
    struct sm_alignment alignment = {0};
    struct sm_align_scratch scratch = {0};
    struct sm_null_scratch null_scratch = {0};
    uint32_t *order = malloc(3 * draw->widest * sizeof *order);
    uint32_t stream = FIRST_STREAM + (uint32_t)(null->n_runs * SM_ENSEMBLE_REPLICATES + replicate);
    struct sm_draws draws = sm_draws_make(sm_rng_make(draw->how.seed, SM_RNG_NULL, stream));
    int status = order ? 0 : sm_fail(err, "out of memory for the null models of an ensemble");
    if (status == 0) status = sm_ternary_copy(&drawn, &draw->b, err);
    if (status == 0) status = sm_alignment_init(&alignment, &draw->graph, err);
    if (status == 0) status = sm_null_scratch_init(&null_scratch, &draw->b, &draw->spaces, err);
    if (status == 0) {
        sm_nulls[SM_NULL_DEGREE].draw(&drawn, &draw->b, &draw->spaces, &draws, &null_scratch);
        status = sm_align(&alignment, &draw->spaces, &draw->a, &drawn, &draw->how, &scratch, err);
    }
    for (size_t l = 0; status == 0 && l < drawn.n_layers; l++)
        count_entries(null->times[replicate][0][l], &drawn.layers[l], NULL, NULL);
    if (status == 0) count_aligned(null->times[replicate][1], draw, &drawn, &alignment, order);
    free(order);
    sm_ternary_destroy(&drawn);
    sm_alignment_destroy(&alignment);
    sm_align_scratch_destroy(&scratch);
    sm_null_scratch_destroy(&null_scratch);
    return status;
}

int sm_ensemble_null_add(struct sm_ensemble_null *null, const struct sm_pair *pair, const struct sm_options *options,
                         struct sm_error *err) {
    struct draw draw = {.pair = pair, .how = sm_align_options_for(options, SM_COMPARE_WEIGHT)};
    int status = draw_init(&draw, err);
    if (status == 0) {
#pragma omp parallel for schedule(dynamic)
        for (size_t k = 0; k < SM_ENSEMBLE_REPLICATES; k++) {
            struct sm_error mine = {{0}};
            int failed = add_replicate(null, &draw, k, &mine);
#pragma omp critical
            if (failed && status == 0) {
                status = -1;
                *err = mine;
            }
        }
    }
    null->n_runs++;
    draw_destroy(&draw);
    return status;
}

void sm_ensemble_null_histogram(const struct sm_ensemble_null *null, size_t l, bool aligned, double *mean) {
    for (size_t k = 0; k <= null->n_runs; k++) mean[k] = 0;
    for (size_t r = 0; r < SM_ENSEMBLE_REPLICATES; r++)
        for (size_t i = 0; i < null->n_weights[l]; i++) mean[null->times[r][aligned][l][i]]++;
    for (size_t k = 0; k <= null->n_runs; k++) mean[k] /= SM_ENSEMBLE_REPLICATES;
}
