/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_activations.c - what each unit of the bound network puts out over the test images. */
#include <math.h>
#include <stdlib.h>

#include "analyze/evaluator_inside.h"

/* ---- moments ---- */

/* Number, mean, sum of squared deviations; images above 0. */
struct moments {
    double n, mean, squares;
    size_t active;
};

static struct moments moments_of(const float *value, size_t n) {
    struct moments m = {.n = (double)n};
    for (size_t b = 0; b < n; b++) {
        m.mean += value[b] / (double)n;
        m.active += value[b] > 0;
    }
    for (size_t b = 0; b < n; b++) m.squares += (value[b] - m.mean) * (value[b] - m.mean);
    return m;
}

/* Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances". */
static struct moments moments_join(struct moments a, struct moments b) {
    double n = a.n + b.n, difference = b.mean - a.mean;
    return (struct moments){.n = n,
                            .mean = a.mean + difference * b.n / n,
                            .squares = a.squares + b.squares + difference * difference * a.n * b.n / n,
                            .active = a.active + b.active};
}

/* Sums of each image of a block over the pixels of a channel. */
struct sums {
    double value[SM_LANES], squares[SM_LANES]; /* squares: of the deviations from the image's own mean */
    size_t active[SM_LANES];
};

static void add_pixel(struct sums *sums, const float *pixel) {
    for (size_t j = 0; j < SM_LANES; j++) {
        sums->value[j] += pixel[j];
        sums->active[j] += pixel[j] > 0;
    }
}

static void add_squares(struct sums *sums, const float *pixel, double n) {
    for (size_t j = 0; j < SM_LANES; j++) {
        double deviation = pixel[j] - sums->value[j] / n;
        sums->squares[j] += deviation * deviation;
    }
}

/* Over all pixels of a channel, for the first n_images images of the block. */
static struct moments moments_of_channel(const struct sm_map *map, size_t block, size_t channel, size_t n_images) {
    struct sums sums = {.value = {0}};
    struct moments all = {.n = 0};
    double n = (double)(map->height * map->width);
    for (size_t y = 0; y < map->height; y++)
        for (size_t x = 0; x < map->width; x++)
            add_pixel(&sums, sm_map_at(map, block, channel, (ptrdiff_t)y, (ptrdiff_t)x));
    for (size_t y = 0; y < map->height; y++)
        for (size_t x = 0; x < map->width; x++)
            add_squares(&sums, sm_map_at(map, block, channel, (ptrdiff_t)y, (ptrdiff_t)x), n);
    for (size_t j = 0; j < n_images; j++)
        all = moments_join(all, (struct moments){n, sums.value[j] / n, sums.squares[j], sums.active[j]});
    return all;
}

/* ---- all units ---- */

struct measuring {
    struct moments *moments; /* [n_batches][n_units] */
    struct sm_map *unpooled; /* [n_threads][n_mapped] of pooled convolutions, one block: before the pool */
};

static const struct sm_trunk_node *node_of(const struct sm_evaluator *e, size_t s) {
    return s ? &e->forward[0].trunk.nodes[s - 1] : NULL;
}

static struct sm_map *unpooled_of(const struct measuring *m, const struct sm_evaluator *e, int thread, size_t s) {
    return &m->unpooled[(size_t)thread * e->stages.n_mapped + s];
}

static void measure_map(const struct sm_evaluator_part *part, const struct measuring *m, size_t s,
                        struct moments *moments) {
    const struct sm_evaluator *e = part->evaluator;
    const struct sm_trunk_node *node = node_of(e, s);
    struct sm_map map = sm_stage_map(part->forward, s);
    if (node && node->pooled) map = *unpooled_of(m, e, part->thread, s);
    for (size_t block = 0; block * SM_LANES < part->n; block++) {
        size_t left = part->n - block * SM_LANES, n_images = left < SM_LANES ? left : SM_LANES;
        if (node && node->pooled) sm_trunk_compute_unpooled(&part->forward->trunk, s - 1, block, &map);
        for (size_t u = 0; u < map.channels; u++)
            moments[u] = moments_join(moments[u], moments_of_channel(&map, block, u, n_images));
    }
}

static void measure_columns(const struct sm_evaluator_part *part, size_t s, struct moments *moments) {
    const struct sm_stages *stages = &part->evaluator->stages;
    const float *values = sm_stage_columns(stages, part->forward, s);
    for (size_t u = 0; u < stages->stage[s].n_units; u++)
        moments[u] = moments_of(values + u * part->forward->image_stride, part->n);
}

static void measure(const struct sm_evaluator_part *part, void *context) {
    const struct measuring *m = context;
    const struct sm_evaluator *e = part->evaluator;
    struct moments *moments = m->moments + part->index * sm_graph_n_units(&e->graph);
    sm_evaluator_pass(part);
    for (size_t level = 0; level < e->graph.n_levels; level++) {
        size_t s = sm_stages_of_level(&e->stages, level);
        if (s < e->stages.n_mapped)
            measure_map(part, m, s, moments + e->graph.offset[level]);
        else
            measure_columns(part, s, moments + e->graph.offset[level]);
    }
}

static void measuring_destroy(struct measuring *m, const struct sm_evaluator *e) {
    for (int t = 0; m->unpooled && t < e->n_threads; t++)
        for (size_t s = 0; s < e->stages.n_mapped; s++) sm_map_destroy(unpooled_of(m, e, t, s));
    free(m->unpooled);
    free(m->moments);
}

static int unpooled_init(struct measuring *m, const struct sm_evaluator *e) {
    for (int t = 0; t < e->n_threads; t++)
        for (size_t s = 0; s < e->stages.n_mapped; s++) {
            const struct sm_trunk_node *node = node_of(e, s);
            struct sm_map *map = unpooled_of(m, e, t, s);
            if (!node || !node->pooled) continue;
            if (sm_map_init(map, node->conv.n_out, node->conv.out_height, node->conv.out_width, 0, 1)) return -1;
            map->block_stride = 0; /* one block of scratch that stands for all */
        }
    return 0;
}

/* The caller destroys, also after a failure. */
static int measuring_init(struct measuring *m, const struct sm_evaluator *e, struct sm_error *err) {
    m->moments = calloc(e->n_batches * sm_graph_n_units(&e->graph), sizeof *m->moments);
    m->unpooled = calloc((size_t)e->n_threads * e->stages.n_mapped + 1, sizeof *m->unpooled);
    return m->moments && m->unpooled && unpooled_init(m, e) == 0 ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
}

int sm_evaluator_activations(struct sm_evaluator *e, const struct sm_activations *activations, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(&e->graph);
    struct measuring m;
    int status = measuring_init(&m, e, err);
    if (status == 0) sm_evaluator_each_batch(e, measure, &m);
    for (size_t u = 0; status == 0 && u < n_units; u++) {
        struct moments all = m.moments[u];
        for (size_t b = 1; b < e->n_batches; b++) all = moments_join(all, m.moments[b * n_units + u]);
        activations->mean[u] = all.mean;
        activations->sd[u] = sqrt(all.squares / all.n);
        activations->active[u] = (double)all.active / all.n;
    }
    measuring_destroy(&m, e);
    return status;
}
