/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/evaluator_stages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- which stages ---- */

static void append(struct sm_stages *stages, struct sm_stage stage) {
    stage.first_unit = stages->n_units;
    stage.first_value = stages->n_values;
    stages->n_units += stage.n_units;
    stages->n_values += stage.n_units * stage.pixels;
    stages->stage[stages->n++] = stage;
}

static void append_trunk(struct sm_stages *stages, const struct sm_trunk *trunk) {
    const struct sm_map *images = &trunk->images;
    append(stages,
           (struct sm_stage){.layer = -1, .n_units = images->channels, .pixels = images->height * images->width});
    for (size_t n = 0; n < trunk->n_nodes; n++) {
        const struct sm_trunk_node *t = &trunk->nodes[n];
        struct sm_stage stage = {.level = t->node->layer < 0 ? SM_NO_LEVEL : (size_t)t->node->layer + 1,
                                 .layer = t->node->layer,
                                 .n_inputs = t->node->n_inputs,
                                 .n_units = t->out.channels,
                                 .pixels = t->out.height * t->out.width};
        for (size_t i = 0; i < stage.n_inputs; i++) stage.inputs[i] = (size_t)(t->inputs[i] + 1);
        append(stages, stage);
    }
    stages->n_mapped = stages->n;
}

static void append_dense(struct sm_stages *stages, const struct sm_network *net, size_t first_dense) {
    if (!stages->n) append(stages, (struct sm_stage){.layer = -1, .n_units = sm_network_inputs(net), .pixels = 1});
    for (size_t l = first_dense; l < net->n_layers; l++)
        append(stages, (struct sm_stage){.level = l + 1,
                                         .layer = (int)l,
                                         .n_inputs = 1,
                                         .inputs = {stages->n - 1},
                                         .n_units = net->layers[l].n_out,
                                         .pixels = 1});
}

int sm_stages_init(struct sm_stages *stages, const struct sm_forward *forward, const struct sm_graph *graph,
                   struct sm_error *err) {
    const struct sm_network *net = forward->net;
    *stages = (struct sm_stages){.stage = calloc(forward->trunk.n_nodes + net->n_layers + 1, sizeof *stages->stage)};
    if (!stages->stage) return sm_fail(err, "out of memory for network %s", net->name);
    if (forward->trunk.net) append_trunk(stages, &forward->trunk);
    append_dense(stages, net, forward->first_dense);
    if (stages->stage[0].n_units == sm_graph_level_units(graph, 0)) return 0;
    return sm_fail(err, "network %s: no convolution reads the images", net->name);
}

void sm_stages_destroy(struct sm_stages *stages) {
    free(stages->stage);
    *stages = (struct sm_stages){0};
}

size_t sm_stages_of_level(const struct sm_stages *stages, size_t level) {
    size_t s = 0;
    while (stages->stage[s].level != level) s++;
    return s;
}

/* ---- where values are ---- */

struct sm_map sm_stage_map(const struct sm_forward *f, size_t s) {
    return s ? f->trunk.nodes[s - 1].out : f->trunk.images;
}

float *sm_stage_columns(const struct sm_stages *stages, const struct sm_forward *f, size_t s) {
    assert(s >= stages->n_mapped);
    return sm_forward_level(f, (size_t)(stages->stage[s].layer + 1));
}

static size_t block_of(struct sm_span span) {
    assert(span.last - span.first == SM_LANES);
    return span.first / SM_LANES;
}

/* The dense layers read a copy of the last map. */
static void after_change(const struct sm_stages *stages, const struct sm_forward *f, size_t s,
                         struct sm_units_of_stage units, struct sm_span span) {
    if (s + 1 == stages->n_mapped)
        sm_trunk_hand_over(&f->trunk, block_of(span), f->input_columns, f->image_stride, units.first, units.last);
}

/* ---- computing ---- */

bool sm_stage_is_by_unit(const struct sm_stages *stages, const struct sm_forward *f, size_t s) {
    if (s < stages->n_mapped) return sm_trunk_is_by_channel(&f->trunk.nodes[s - 1]);
    return sm_forward_is_sparse(f, (size_t)stages->stage[s].layer);
}

void sm_stage_compute(const struct sm_stages *stages, struct sm_forward *f, size_t s, struct sm_units_of_stage units,
                      struct sm_span span) {
    size_t layer = (size_t)stages->stage[s].layer;
    if (!sm_stage_is_by_unit(stages, f, s)) units = (struct sm_units_of_stage){0, stages->stage[s].n_units};
    if (s < stages->n_mapped)
        sm_trunk_compute(&f->trunk, s - 1, block_of(span), units.first, units.last);
    else
        sm_forward_compute(f, layer, (struct sm_part){units.first, units.last, span.first, span.last});
    after_change(stages, f, s, units, span);
}

bool sm_stage_is_product(const struct sm_stages *stages, const struct sm_forward *f, size_t s) {
    return s > 0 && s >= stages->n_mapped && !sm_stage_is_by_unit(stages, f, s);
}

static struct sm_part all_units(const struct sm_stage *stage, struct sm_span span) {
    return (struct sm_part){0, stage->n_units, span.first, span.last};
}

/* A unit of a map that is flattened stands for several inputs. */
void sm_stage_sums(const struct sm_stages *stages, const struct sm_forward *f, size_t s, struct sm_units_of_stage below,
                   struct sm_span span, float *sums) {
    const struct sm_stage *stage = &stages->stage[s];
    size_t layer = (size_t)stage->layer;
    size_t inputs = f->layers[layer].shape.n_in / stages->stage[stage->inputs[0]].n_units;
    sm_forward_sums(f, layer, below.first * inputs, below.last * inputs, all_units(stage, span), sums);
}

void sm_stage_compute_without(const struct sm_stages *stages, struct sm_forward *f, size_t s,
                              struct sm_units_of_stage below, struct sm_span span, const float *sums) {
    const struct sm_stage *stage = &stages->stage[s];
    float *values = sm_stage_columns(stages, f, s);
    sm_stage_sums(stages, f, s, below, span, values);
    for (size_t u = 0; u < stage->n_units; u++)
        for (size_t b = u * f->image_stride + span.first; b < u * f->image_stride + span.last; b++)
            values[b] = sums[b] - values[b];
    sm_forward_activate(f, (size_t)stage->layer, all_units(stage, span));
}

/* ---- changing ---- */

void sm_stage_silence(const struct sm_stages *stages, struct sm_forward *f, size_t s, size_t unit,
                      struct sm_span span) {
    if (s >= stages->n_mapped) {
        float *values = sm_stage_columns(stages, f, s) + unit * f->image_stride + span.first;
        memset(values, 0, (span.last - span.first) * sizeof *values);
        return;
    }
    const struct sm_map map = sm_stage_map(f, s);
    for (size_t y = 0; y < map.height; y++)
        memset(sm_map_at(&map, block_of(span), unit, (ptrdiff_t)y, 0), 0, map.width * SM_LANES * sizeof(float));
    after_change(stages, f, s, (struct sm_units_of_stage){unit, unit + 1}, span);
}

/* Calls copy(values of the pass, copied values, bytes) for the pieces of the units, in the order of the copy. */
static void each_piece(const struct sm_stages *stages, const struct sm_forward *f, size_t s,
                       struct sm_units_of_stage units, struct sm_span span, float *copy,
                       void (*function)(float *values, float *copy, size_t n_bytes)) {
    const struct sm_stage *stage = &stages->stage[s];
    size_t n_images = span.last - span.first;
    copy += (stage->first_value + units.first * stage->pixels) * n_images;
    if (s >= stages->n_mapped) {
        float *values = sm_stage_columns(stages, f, s) + span.first;
        for (size_t u = units.first; u < units.last; u++, copy += n_images)
            function(values + u * f->image_stride, copy, n_images * sizeof *copy);
        return;
    }
    const struct sm_map map = sm_stage_map(f, s);
    size_t n = map.width * SM_LANES;
    for (size_t u = units.first; u < units.last; u++)
        for (size_t y = 0; y < map.height; y++, copy += n)
            function(sm_map_at(&map, block_of(span), u, (ptrdiff_t)y, 0), copy, n * sizeof *copy);
}

static void keep(float *values, float *copy, size_t n_bytes) {
    memcpy(copy, values, n_bytes);
}

static void restore(float *values, float *copy, size_t n_bytes) {
    memcpy(values, copy, n_bytes);
}

void sm_stage_keep(const struct sm_stages *stages, const struct sm_forward *f, size_t s, struct sm_span span,
                   float *copy) {
    each_piece(stages, f, s, (struct sm_units_of_stage){0, stages->stage[s].n_units}, span, copy, keep);
}

void sm_stage_restore(const struct sm_stages *stages, struct sm_forward *f, size_t s, struct sm_units_of_stage units,
                      struct sm_span span, const float *copy) {
    each_piece(stages, f, s, units, span, (float *)copy, restore);
    after_change(stages, f, s, units, span);
}
