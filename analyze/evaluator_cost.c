/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_cost.c - what it takes to do without units, before it is done: multiply-adds, at most, since of what is
 * computed from lists all kept weights count, also where a unit has few readers. */
#include "analyze/counts.h"
#include "analyze/evaluator_inside.h"
#include "analyze/test_data.h"

/* 2.5e10 a second and core: each unit of an edge-popup network on MNIST (products) 10 s, of conv2 (lists) 75 s on one
 * core of an AMD EPYC with AVX2. */
static const double MOST = 1e13; /* three minutes of two such cores */

bool sm_evaluator_takes_long(const struct sm_analysis *analysis, double cost) {
    return analysis->options->report && !analysis->options->ablation && cost > MOST;
}

/* Of one image: the kept weights, or all of a product, at every position. */
static double cost_of_stage(const struct sm_evaluator *e, size_t s) {
    const struct sm_stage *stage = &e->stages.stage[s];
    if (stage->layer < 0) return 0;
    size_t l = (size_t)stage->layer, n = sm_layer_weights(&e->run->net.layers[l]);
    if (sm_stage_is_by_unit(&e->stages, &e->forward[0], s)) n = sm_counts_remaining(sm_counts_of(e->mask[l], n));
    if (s >= e->stages.n_mapped) return (double)n;
    const struct sm_conv *conv = &e->forward[0].trunk.nodes[s - 1].conv;
    return (double)n * (double)(conv->out_height * conv->out_width);
}

static double cost_from(const struct sm_evaluator *e, size_t s) {
    double cost = 0;
    for (; s < e->stages.n; s++) cost += cost_of_stage(e, s);
    return cost;
}

/* Of one image: what stands behind the unit; of a product that reads it, the unit's columns only. */
static double cost_of_unit(const struct sm_evaluator *e, size_t s) {
    if (s + 1 == e->stages.n) return 0;
    if (!sm_stage_is_product(&e->stages, &e->forward[0], s + 1)) return cost_from(e, s + 1);
    return cost_of_stage(e, s + 1) / (double)e->stages.stage[s].n_units + cost_from(e, s + 2);
}

double sm_evaluator_cost_of_each_unit(const struct sm_evaluator *e) {
    double cost = 0;
    if (e->kept && sm_test_data_kept(e->kept, e->run_index)) return 0;
    for (size_t s = 0; s < e->stages.n; s++)
        if (e->stages.stage[s].level != SM_NO_LEVEL) cost += (double)e->stages.stage[s].n_units * cost_of_unit(e, s);
    return cost * (double)e->n_images;
}

double sm_evaluator_cost_of_set(const struct sm_evaluator *e, size_t level) {
    size_t s = sm_stages_of_level(&e->stages, level);
    return cost_from(e, s < e->stages.n_mapped ? s : s + 1) * (double)e->n_images;
}
