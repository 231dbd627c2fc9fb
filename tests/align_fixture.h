/* SPDX-License-Identifier: GPL-3.0-or-later */
/* align_fixture.h - pairs of small networks of every shape that an alignment must cope with, and the definition of its
 * profit, entry by entry. Included by one test binary at a time, hence functions here. */
#ifndef SUPERMASK_TESTS_ALIGN_FIXTURE_H
#define SUPERMASK_TESTS_ALIGN_FIXTURE_H

#include "tests/check.h"
#include "tests/stat_fixture.h"

enum { ALIGN_MOST_UNITS = 256 };

/* ---- shapes ---- */

struct shape_layer {
    size_t n_out, n_in, kernel;
    int input, other; /* other: -2 where there is one input only */
};

struct shape {
    const char *name;
    size_t n_layers;
    struct shape_layer layer[6];
};

#define STACK(input) input, -2
static const struct shape dense_shape = {
    "dense", 3, {{30, 100, 1, STACK(-1)}, {20, 30, 1, STACK(0)}, {40, 20, 1, STACK(1)}}};
/* Convolutions, a flatten of 4 positions a channel, dense layers. */
static const struct shape conv_shape = {
    "conv", 4, {{12, 3, 3, STACK(-1)}, {16, 12, 3, STACK(0)}, {20, 16 * 4, 1, STACK(1)}, {30, 20, 1, STACK(2)}}};
/* The stem (0) and the end of the block (2) are summed. */
static const struct shape residual_shape = {
    "residual",
    5,
    {{24, 60, 1, STACK(-1)}, {18, 24, 1, STACK(0)}, {24, 18, 1, STACK(1)}, {16, 24, 1, 0, 2}, {40, 16, 1, STACK(3)}}};
/* A layer (1) that reads and writes the same space. */
static const struct shape loop_shape = {
    "loop", 4, {{24, 60, 1, STACK(-1)}, {24, 24, 1, STACK(0)}, {16, 24, 1, 0, 1}, {40, 16, 1, STACK(2)}}};
static const struct shape *const shapes[] = {&dense_shape, &conv_shape, &residual_shape, &loop_shape};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* ---- networks ---- */

/* A mask with that share of entries and weights of either sign. */
static inline void shape_fill(struct fixture *f, const char *name, const struct shape *shape, double density,
                              struct sm_draws *draws) {
    fixture_init(f, name);
    for (size_t l = 0; l < shape->n_layers; l++) {
        const struct shape_layer *layer = &shape->layer[l];
        size_t n = layer->n_out * layer->n_in * layer->kernel * layer->kernel;
        int8_t *mask = check_alloc(n, 1);
        float *weights = check_alloc(n, sizeof *weights);
        for (size_t i = 0; i < n; i++) {
            bool kept = sm_draws_below(draws, 1000000) < 1e6 * density;
            mask[i] = (int8_t)(kept ? 1 - 2 * (int)sm_draws_below(draws, 2) : 0);
            weights[i] = sm_draws_below(draws, 2) ? 0.5f : -0.5f;
        }
        char layer_name[32];
        snprintf(layer_name, sizeof layer_name, "layer%zu", l);
        fixture_layer(f, layer_name, layer->n_out, layer->n_in, layer->kernel, layer->input, layer->other, mask,
                      weights);
        free(mask);
        free(weights);
    }
}

/* Two networks of one shape and what an alignment needs to know about it. */
struct problem {
    struct fixture a, b;
    struct sm_graph graph;
    struct sm_spaces spaces;
    uint32_t planted[8][ALIGN_MOST_UNITS]; /* by level: b's unit that is a's */
};

static inline void problem_init_graph(struct problem *p) {
    struct sm_error err;
    assert_int_equal(sm_graph_init(&p->graph, &p->a.run.net, &err), 0);
    assert_int_equal(sm_spaces_init(&p->spaces, &p->graph, &err), 0);
}

static inline void problem_init(struct problem *p, const struct shape *shape, double density, uint32_t trial) {
    struct sm_draws draws = sm_draws_make(sm_rng_make(11, SM_RNG_TEST, trial));
    shape_fill(&p->a, "a", shape, density, &draws);
    shape_fill(&p->b, "b", shape, density, &draws);
    problem_init_graph(p);
}

static inline void problem_destroy(struct problem *p) {
    sm_spaces_destroy(&p->spaces);
    sm_graph_destroy(&p->graph);
    fixture_destroy(&p->a);
    fixture_destroy(&p->b);
}

/* Columns of layer l that read one unit. */
static inline size_t problem_part(const struct problem *p, size_t l) {
    return sm_layer_fan_in(&p->graph.net->layers[l]) /
           sm_graph_level_units(&p->graph, sm_graph_feeding_level(&p->graph, l, 0));
}

/* ---- planted permutations ---- */

/* One random order for each space; identity where it is fixed. */
static inline void draw_planted(struct problem *p, uint32_t trial) {
    for (size_t k = 0; k < p->graph.n_levels; k++) {
        size_t space = p->spaces.of_level[k], n = sm_graph_level_units(&p->graph, k);
        struct sm_rng rng = sm_rng_make(12 + trial, SM_RNG_TEST, (uint32_t)space);
        if (space < p->spaces.n_spaces)
            sm_rng_permutation(&rng, p->planted[k], n);
        else
            for (size_t u = 0; u < n; u++) p->planted[k][u] = (uint32_t)u;
    }
}

/* b becomes a with its hidden units re-ordered. */
static inline void plant(struct problem *p, uint32_t trial) {
    draw_planted(p, trial);
    for (size_t l = 0; l < p->graph.net->n_layers; l++) {
        const struct sm_layer *layer = &p->graph.net->layers[l];
        size_t fan_in = sm_layer_fan_in(layer), part = problem_part(p, l);
        const uint32_t *in = p->planted[sm_graph_feeding_level(&p->graph, l, 0)];
        for (size_t o = 0; o < layer->n_out; o++)
            for (size_t i = 0; i < fan_in; i++) {
                size_t to = p->planted[l + 1][o] * fan_in + in[i / part] * part + i % part;
                p->b.mask[l][to] = p->a.mask[l][o * fan_in + i];
                p->b.weights[l][to] = p->a.weights[l][o * fan_in + i];
            }
    }
}

/* ---- the definition ---- */

static inline int entry_sign(const struct fixture *f, size_t l, size_t i, enum sm_compare compare) {
    return f->mask[l][i] * (compare == SM_COMPARE_WEIGHT && f->weights[l][i] < 0 ? -1 : 1);
}

static inline int64_t count_entries(const struct fixture *f) {
    int64_t n = 0;
    for (size_t l = 0; l < f->run.net.n_layers; l++)
        for (size_t i = 0; i < sm_layer_weights(&f->run.net.layers[l]); i++) n += f->mask[l][i] != 0;
    return n;
}

/* partner: all units as in sm_alignment; NULL: as they stand. */
static inline int64_t profit_by_definition(const struct problem *p, const uint32_t *partner, enum sm_compare compare) {
    int64_t sum = 0;
    for (size_t l = 0; l < p->graph.net->n_layers; l++) {
        const struct sm_layer *layer = &p->graph.net->layers[l];
        size_t fan_in = sm_layer_fan_in(layer), part = problem_part(p, l);
        size_t in = p->graph.offset[sm_graph_feeding_level(&p->graph, l, 0)], out = p->graph.offset[l + 1];
        for (size_t o = 0; o < layer->n_out; o++)
            for (size_t i = 0; i < fan_in; i++) {
                size_t row = partner ? partner[out + o] : o;
                size_t column = partner ? partner[in + i / part] * part + i % part : i;
                int product = entry_sign(&p->a, l, o * fan_in + i, compare) *
                              entry_sign(&p->b, l, row * fan_in + column, compare);
                sum += compare == SM_COMPARE_WEIGHT ? product : product != 0;
            }
    }
    return sum;
}

/* Has unit u of a level entries in f, on either side? */
static inline bool is_active(const struct problem *p, const struct fixture *f, size_t level, size_t u) {
    for (size_t l = 0; l < p->graph.net->n_layers; l++) {
        const struct sm_layer *layer = &p->graph.net->layers[l];
        size_t fan_in = sm_layer_fan_in(layer), part = problem_part(p, l);
        for (size_t k = 0; k < layer->n_inputs; k++)
            for (size_t e = 0; sm_graph_feeding_level(&p->graph, l, k) == level && e < layer->n_out * part; e++)
                if (f->mask[l][e / part * fan_in + u * part + e % part]) return true;
        for (size_t i = 0; l + 1 == level && i < fan_in; i++)
            if (f->mask[l][u * fan_in + i]) return true;
    }
    return false;
}

static inline void align_problem(struct sm_alignment *alignment, struct problem *p, enum sm_compare compare,
                                 size_t n_starts, uint64_t seed) {
    const struct sm_options options = {.n_starts = n_starts, .seed = seed};
    struct sm_moment a = fixture_moment(&p->a), b = fixture_moment(&p->b);
    struct sm_error err = {{0}};
    assert_int_equal(sm_align_moments(alignment, &a, &b, compare, &options, &err), 0);
}

#endif
