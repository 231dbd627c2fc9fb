/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes, reach, degrees and effective weights: cases worked by hand, and an enumeration of every single route of small
 * random networks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <supermask/rng.h>

#include "analyze/graph.h"

/* ---- networks ---- */

static struct sm_layer *add_layer(struct sm_network *net, const char *name, size_t n_out, size_t n_in, size_t kernel,
                                  size_t n_inputs, const int *inputs) {
    struct sm_layer *layer = sm_network_append(net, name, n_inputs);
    assert_non_null(layer);
    layer->kind = kernel > 1 ? SM_CONV2D : SM_DENSE;
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = kernel;
    layer->stride = 1;
    memcpy(layer->inputs, inputs, n_inputs * sizeof *inputs);
    return layer;
}

#define ADD(net, name, n_out, n_in, kernel, ...)                                                                       \
    add_layer(net, name, n_out, n_in, kernel, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void assert_near(double got, double want) {
    if (isinf(want))
        assert_true(got == want);
    else
        assert_true(fabs(got - want) <= 1e-12 * fmax(1, fabs(want)));
}

static void assert_counts(const double *log10_counts, const double *counts, size_t n) {
    for (size_t i = 0; i < n; i++) assert_near(log10_counts[i], log10(counts[i]));
}

struct checked {
    struct sm_graph graph;
    struct sm_paths paths;
    struct sm_error err;
};

static void checked_init(struct checked *c, const struct sm_network *net, int8_t *const *mask) {
    memset(c, 0, sizeof *c);
    assert_int_equal(sm_graph_init(&c->graph, net, &c->err), 0);
    assert_int_equal(sm_graph_paths(&c->graph, mask, &c->paths, &c->err), 0);
}

static void checked_destroy(struct checked *c) {
    sm_paths_destroy(&c->paths);
    sm_graph_destroy(&c->graph);
}

static void assert_effective(const struct sm_network *net, int8_t *const *mask, const size_t *want) {
    size_t effective[8] = {0};
    struct sm_error err = {{0}};
    assert_int_equal(sm_effective_counts(net, mask, effective, &err), 0);
    for (size_t l = 0; l < net->n_layers; l++) assert_int_equal(effective[l], want[l]);
}

/* ---- by hand ---- */

/* x0, x1 -> h0 (keep, invert); h1 reads nothing, but is read. */
static void test_dead_unit(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = 2};
    ADD(&net, "hidden", 2, 2, 1, SM_NETWORK_INPUT);
    ADD(&net, "output", 1, 2, 1, 0);
    int8_t first[] = {1, -1, 0, 0}, second[] = {1, 1};
    int8_t *mask[] = {first, second};
    struct checked c;
    checked_init(&c, &net, mask);
    assert_int_equal(sm_graph_n_units(&c.graph), 5);
    assert_counts(c.paths.in, (double[]){1, 1, 2, 0, 2}, 5);
    assert_counts(c.paths.out, (double[]){1, 1, 1, 1, 1}, 5);
    assert_counts(c.paths.through, (double[]){1, 1, 2, 0, 2}, 5);
    bool forward[5], backward[5];
    assert_int_equal(sm_graph_reach(&c.graph, mask, forward, backward, &c.err), 0);
    assert_memory_equal(forward, ((bool[]){true, true, true, false, true}), sizeof forward);
    assert_memory_equal(backward, ((bool[]){true, true, true, true, true}), sizeof backward);
    assert_effective(&net, mask, (size_t[]){2, 1});
    assert_string_equal(sm_graph_level_name(&c.graph, 0), "input");
    assert_string_equal(sm_graph_level_name(&c.graph, 2), "output");
    checked_destroy(&c);
    sm_network_destroy(&net);
}

/* c reads a + b, b reads a: x0-a0-c, x1-a1-c and x1-a1-b0-c are the three routes. */
static void test_residual(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = 2};
    ADD(&net, "a", 2, 2, 1, SM_NETWORK_INPUT);
    ADD(&net, "b", 2, 2, 1, 0);
    ADD(&net, "c", 1, 2, 1, 0, 1);
    int8_t a[] = {1, 0, 0, 1}, b[] = {0, -1, 0, 0}, out[] = {1, 1};
    int8_t *mask[] = {a, b, out};
    struct checked c;
    checked_init(&c, &net, mask);
    assert_counts(c.paths.in, (double[]){1, 1, 1, 1, 1, 0, 3}, 7);
    assert_counts(c.paths.out, (double[]){1, 2, 1, 2, 1, 1, 1}, 7);
    assert_counts(c.paths.through, (double[]){1, 2, 1, 2, 1, 0, 3}, 7);
    assert_effective(&net, mask, (size_t[]){2, 1, 2});
    a[3] = 0; /* a1 no longer reads x1: b0 and the second input of c lose all they had */
    assert_effective(&net, mask, (size_t[]){1, 0, 1});
    out[0] = 0;
    assert_effective(&net, mask, (size_t[]){0, 0, 0});
    checked_destroy(&c);
    sm_network_destroy(&net);
}

/* Two channels of 2 x 2 positions flattened: inputs 0-3 of the dense layer are channel 0, 4-7 channel 1. */
static void test_flatten(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 1, .input_height = 4, .input_width = 4};
    ADD(&net, "conv", 2, 1, 3, SM_NETWORK_INPUT);
    ADD(&net, "dense", 2, 8, 1, 0);
    int8_t conv[18] = {1, 0, -1, 0, 1}; /* channel 0: three entries; channel 1: none */
    int8_t dense[16] = {0, 1, -1, 0, 0, 0, 1, 0, /**/ 0, 0, 0, 1, -1, -1, -1, -1};
    int8_t *mask[] = {conv, dense};
    struct checked c;
    checked_init(&c, &net, mask);
    assert_int_equal(sm_graph_level_units(&c.graph, 0), 1);
    assert_counts(c.paths.in, (double[]){1, 3, 0, 6, 3}, 5);
    assert_counts(c.paths.out, (double[]){9, 3, 5, 1, 1}, 5);
    assert_counts(c.paths.through, (double[]){9, 9, 0, 6, 3}, 5);
    assert_effective(&net, mask, (size_t[]){3, 3});

    struct sm_degree in[2], out[2] = {{0}};
    float weights[16];
    for (size_t i = 0; i < 16; i++) weights[i] = (i % 2 ? -1.0f : 1.0f) * (float)(i + 1);
    sm_layer_degree_in(&net.layers[1], dense, weights, in);
    sm_layer_degree_out(&net.layers[1], dense, weights, 2, out);
    assert_int_equal(in[0].kept, 2);
    assert_int_equal(in[0].inverted, 1);
    assert_int_equal(in[1].kept, 1);
    assert_int_equal(in[1].inverted, 4);
    assert_near(in[0].strength, 2 + 3 + 7);
    assert_near(in[1].strength, 12 + 13 + 14 + 15 + 16);
    assert_int_equal(out[0].kept, 2);
    assert_int_equal(out[0].inverted, 1);
    assert_int_equal(out[1].kept, 1);
    assert_int_equal(out[1].inverted, 4);
    assert_near(out[0].strength, 2 + 3 + 12);
    assert_near(out[1].strength, 7 + 13 + 14 + 15 + 16);
    checked_destroy(&c);
    sm_network_destroy(&net);
}

/* Ten units joined all to all and one that only reads itself, 700 times: 10^700 routes beside a single one. */
static void test_depth(void **state) {
    (void)state;
    enum { WIDTH = 11, DEPTH = 700 };
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = WIDTH};
    int8_t square[WIDTH * WIDTH] = {0}, **mask = calloc(DEPTH + 1, sizeof *mask);
    for (size_t i = 0; i < WIDTH * WIDTH; i++) square[i] = (i / WIDTH < 10) == (i % WIDTH < 10);
    for (int l = 0; l < DEPTH; l++) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", l);
        ADD(&net, name, WIDTH, WIDTH, 1, l - 1);
        mask[l] = square;
    }
    struct checked c;
    checked_init(&c, &net, mask);
    for (size_t level = 0; level <= DEPTH; level++)
        for (size_t u = 0; u < WIDTH; u++) {
            double in = u < 10 ? (double)level : 0, out = u < 10 ? (double)(DEPTH - level) : 0;
            assert_near(c.paths.in[level * WIDTH + u], in);
            assert_near(c.paths.out[level * WIDTH + u], out);
            assert_near(c.paths.through[level * WIDTH + u], in + out);
        }
    checked_destroy(&c);

    int8_t mixed[WIDTH] = {0}, *own[DEPTH + 1]; /* one output that reads only the lonely unit */
    ADD(&net, "end", 1, WIDTH, 1, DEPTH - 1);
    mixed[10] = -1;
    memcpy(own, mask, DEPTH * sizeof *own);
    own[DEPTH] = mixed;
    checked_init(&c, &net, own);
    assert_near(c.paths.in[c.graph.offset[DEPTH + 1]], 0);
    assert_true(c.paths.through[0] == -INFINITY);
    assert_near(c.paths.through[10], 0);
    checked_destroy(&c);
    free(mask);
    sm_network_destroy(&net);
}

/* Two units that read only themselves 700 times, one with weights of 1e30, one of 1e-38: neither is lost beside the
 * other. Then the first reads the second once, in the middle: (1e-38)^350 * 1 * (1e30)^349 more, which is nothing. */
static void test_synflow_depth(void **state) {
    (void)state;
    enum { DEPTH = 700 };
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = 2};
    int8_t apart[4] = {1, 0, 0, -1}, joined[4] = {1, 1, 0, -1}, *mask[DEPTH];
    float values[4] = {1e30f, 1, 1, 1e-38f}, *weights[DEPTH];
    for (int l = 0; l < DEPTH; l++) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", l);
        ADD(&net, name, 2, 2, 1, l - 1);
        mask[l] = l == DEPTH / 2 ? joined : apart;
        weights[l] = values;
    }
    struct checked c;
    checked_init(&c, &net, mask);
    double synflow[2 * (DEPTH + 1)], large = log10((double)1e30f), small = log10((double)1e-38f);
    assert_int_equal(sm_graph_synflow(&c.graph, mask, weights, synflow, &c.err), 0);
    for (size_t level = 0; level <= DEPTH; level++) {
        bool before = level <= DEPTH / 2; /* the small one's routes go on in the large one, which outweighs its own */
        assert_true(fabs(synflow[2 * level] - DEPTH * large) < 1e-9);
        double other = before ? DEPTH / 2 * small + (DEPTH / 2 - 1) * large : DEPTH * small;
        assert_true(fabs(synflow[2 * level + 1] - other) < 1e-9);
    }
    checked_destroy(&c);
    sm_network_destroy(&net);
}

static void test_all_keep_and_all_hide(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = 4};
    ADD(&net, "one", 3, 4, 1, SM_NETWORK_INPUT);
    ADD(&net, "two", 2, 3, 1, 0);
    int8_t first[12], second[6];
    int8_t *mask[] = {first, second};
    memset(first, 1, sizeof first);
    memset(second, -1, sizeof second);
    assert_effective(&net, mask, (size_t[]){12, 6});
    struct checked c;
    checked_init(&c, &net, mask);
    assert_counts(c.paths.through, (double[]){6, 6, 6, 6, 8, 8, 8, 12, 12}, 9);
    checked_destroy(&c);
    memset(first, 0, sizeof first);
    assert_effective(&net, mask, (size_t[]){0, 0});
    sm_network_destroy(&net);
}

static void test_shapes_that_do_not_fit(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 1, .input_height = 1, .input_width = 4};
    struct sm_graph graph;
    struct sm_error err = {{0}};
    ADD(&net, "one", 3, 4, 1, SM_NETWORK_INPUT);
    struct sm_layer *two = ADD(&net, "two", 2, 4, 1, 0);
    assert_int_equal(sm_graph_init(&graph, &net, &err), -1);
    assert_non_null(strstr(err.text, "two"));
    sm_graph_destroy(&graph);
    two->n_in = 3;
    two->inputs[0] = 1;
    assert_int_equal(sm_graph_init(&graph, &net, &err), -1);
    assert_non_null(strstr(err.text, "two"));
    sm_graph_destroy(&graph);
    sm_network_destroy(&net);
}

/* ---- every route, one by one ---- */

struct walk {
    const struct sm_graph *graph;
    int8_t *const *mask;
    struct {
        size_t layer, weight, unit;
    } stack[16];
    size_t depth;
    double *visits;    /* [n_units] or NULL */
    double *through;   /* [n_units] or NULL */
    bool *const *used; /* [n_layers][weights] or NULL */
    double arrivals;
};

static void arrive(struct walk *walk) {
    walk->arrivals++;
    for (size_t d = 0; walk->through && d <= walk->depth; d++) walk->through[walk->stack[d].unit]++;
    for (size_t d = 1; walk->used && d <= walk->depth; d++)
        walk->used[walk->stack[d].layer][walk->stack[d].weight] = true;
}

static void visit(struct walk *walk, size_t level, size_t unit) {
    const struct sm_graph *graph = walk->graph;
    walk->stack[walk->depth].unit = graph->offset[level] + unit;
    if (walk->visits) walk->visits[graph->offset[level] + unit]++;
    if (level + 1 == graph->n_levels) arrive(walk);
    for (size_t l = level; l < graph->net->n_layers; l++) {
        const struct sm_layer *layer = &graph->net->layers[l];
        for (size_t k = 0; k < layer->n_inputs; k++) {
            if ((size_t)(layer->inputs[k] + 1) != level) continue;
            size_t kernel = layer->kernel_height * layer->kernel_width;
            size_t block = layer->n_in / sm_graph_level_units(graph, level);
            for (size_t w = 0; w < sm_layer_weights(layer); w++) {
                if (!walk->mask[l][w] || w / kernel % layer->n_in / block != unit) continue;
                walk->depth++;
                walk->stack[walk->depth].layer = l;
                walk->stack[walk->depth].weight = w;
                visit(walk, l + 1, w / kernel / layer->n_in);
                walk->depth--;
            }
        }
    }
}

static void compare_with_enumeration(const struct sm_network *net, int8_t *const *mask) {
    struct checked c;
    checked_init(&c, net, mask);
    size_t n = sm_graph_n_units(&c.graph), effective[8];
    double *visits = calloc(n, sizeof *visits), *through = calloc(n, sizeof *through);
    bool *used[8];
    for (size_t l = 0; l < net->n_layers; l++) used[l] = calloc(sm_layer_weights(&net->layers[l]), sizeof(bool));
    for (size_t u = 0; u < c.graph.offset[1]; u++)
        visit(&(struct walk){.graph = &c.graph, .mask = mask, .visits = visits, .through = through, .used = used}, 0,
              u);
    assert_counts(c.paths.in, visits, n);
    assert_counts(c.paths.through, through, n);
    for (size_t level = 0; level < c.graph.n_levels; level++)
        for (size_t u = 0; u < sm_graph_level_units(&c.graph, level); u++) {
            struct walk from_here = {.graph = &c.graph, .mask = mask};
            visit(&from_here, level, u);
            assert_near(c.paths.out[c.graph.offset[level] + u], log10(from_here.arrivals));
        }
    assert_int_equal(sm_effective_counts(net, mask, effective, &c.err), 0);
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t count = 0;
        for (size_t w = 0; w < sm_layer_weights(&net->layers[l]); w++) count += used[l][w];
        assert_int_equal(effective[l], count);
        free(used[l]);
    }
    free(visits);
    free(through);
    checked_destroy(&c);
}

/* A convolution, a residual pair of them, a flatten that reads the sum, and a dense layer; densities from few to many.
 */
static void test_enumeration(void **state) {
    (void)state;
    struct sm_network net = {.input_channels = 2, .input_height = 2, .input_width = 2};
    ADD(&net, "conv1", 3, 2, 2, SM_NETWORK_INPUT);
    ADD(&net, "conv2", 3, 3, 2, 0);
    ADD(&net, "conv3", 3, 3, 1, 0, 1);
    ADD(&net, "dense1", 3, 12, 1, 0, 1, 2);
    ADD(&net, "dense2", 2, 3, 1, 3);
    for (uint32_t trial = 0; trial < 60; trial++) {
        struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, trial);
        int8_t *mask[5];
        uint64_t index = 0;
        double density = 0.05 + 0.45 * trial / 60;
        for (size_t l = 0; l < net.n_layers; l++) {
            size_t n = sm_layer_weights(&net.layers[l]);
            mask[l] = malloc(n);
            for (size_t w = 0; w < n; w++, index++) {
                double u = sm_rng_uniform(&rng, index);
                mask[l][w] = u < density / 2 ? -1 : u < density ? 1 : 0;
            }
        }
        compare_with_enumeration(&net, mask);
        for (size_t l = 0; l < net.n_layers; l++) free(mask[l]);
    }
    sm_network_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_unit),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_flatten),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_synflow_depth),
        cmocka_unit_test(test_all_keep_and_all_hide),
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_enumeration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
