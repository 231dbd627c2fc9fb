/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graph of operators: the shipped networks against SPEC 1.7, shapes and padding by hand, the language's blocks, and
 * what is wrong with a description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/network_compare.h"

static const struct sm_network_options plain = {SM_ELU, 1.0, false};

static struct sm_network parsed(const char *text) {
    struct sm_network net;
    struct sm_error err = {0};
    if (sm_network_parse(&net, text, "t", &plain, &err)) fail_msg("%s", err.text);
    return net;
}

static struct sm_network read_wide(const char *spec, double width) {
    struct sm_network net;
    struct sm_error err = {0};
    if (sm_network_read_options(&net, spec, &(struct sm_network_options){SM_ELU, width, false}, &err))
        fail_msg("%s", err.text);
    return net;
}

static const struct sm_node *node_called(const struct sm_network *net, const char *name) {
    int n = sm_network_find_node(net, name);
    if (n < 0) fail_msg("no node is called %s", name);
    return &net->nodes[n];
}

static void assert_shape(const struct sm_network *net, const char *name, size_t channels, size_t height, size_t width) {
    const struct sm_node *node = node_called(net, name);
    if (node->channels != channels || node->height != height || node->width != width)
        fail_msg("%s gives %zux%zux%zu", name, node->channels, node->height, node->width);
}

/* ---- windows ---- */

static void extents_by_hand(void **state) {
    (void)state;
    static const struct {
        size_t n, window, stride;
        enum sm_padding padding;
        size_t size, before;
    } cases[] = {
        {32, 3, 1, SM_SAME, 32, 1},  {32, 1, 2, SM_SAME, 16, 0},    {32, 3, 2, SM_SAME, 16, 0},
        {33, 3, 2, SM_SAME, 17, 1},  {224, 7, 2, SM_SAME, 112, 2},  {5, 2, 1, SM_SAME, 5, 0},
        {5, 4, 1, SM_SAME, 5, 1},    {1, 3, 1, SM_SAME, 1, 1},      {1, 3, 2, SM_SAME, 1, 1},
        {3, 1, 5, SM_SAME, 1, 0},    {32, 2, 2, SM_VALID, 16, 0},   {33, 2, 2, SM_VALID, 16, 0},
        {28, 5, 1, SM_VALID, 24, 0}, {227, 11, 4, SM_VALID, 55, 0}, {3, 3, 1, SM_VALID, 1, 0},
        {2, 3, 1, SM_VALID, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_extent e = sm_extent_of(cases[i].n, cases[i].window, cases[i].stride, cases[i].padding);
        assert_int_equal(e.size, cases[i].size);
        assert_int_equal(e.before, cases[i].before);
    }
}

/* Every input is covered where the windows are no smaller than their stride; no window of 'same' lies outside alone. */
static void extents_reach_everything(void **state) {
    (void)state;
    for (size_t n = 1; n < 20; n++)
        for (size_t window = 1; window < 8; window++)
            for (size_t stride = 1; stride <= window; stride++) {
                struct sm_extent same = sm_extent_of(n, window, stride, SM_SAME);
                assert_true((same.size - 1) * stride + window >= n + same.before);
                assert_true(same.before < window && (same.size - 1) * stride < n + same.before);
                struct sm_extent valid = sm_extent_of(n, window, stride, SM_VALID);
                assert_true(valid.size == 0 ? window > n : (valid.size - 1) * stride + window <= n);
                assert_true(valid.size * stride + window > n);
            }
}

/* ---- the shipped networks ---- */

/* SPEC 1.7. */
static void parameter_counts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double width;
        size_t weights, classes;
    } cases[] = {
        {"fcn", 1, 266200, 10},         {"conv2", 1, 4300992, 10},      {"conv4", 1, 2425024, 10},
        {"conv6", 1, 2261184, 10},      {"conv8", 1, 5275840, 10},      {"resnet20", 1, 248624, 10},
        {"resnet20", 1.5, 558600, 10},  {"resnet20", 2, 992352, 10},    {"resnet20", 2.5, 1549880, 10},
        {"resnet20", 3, 2231184, 10},   {"resnet20", 3.5, 3036264, 10}, {"resnet56", 1, 834992, 100},
        {"resnet110", 1, 1705904, 100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_network net = read_wide(cases[i].name, cases[i].width);
        assert_int_equal(sm_network_weights(&net), cases[i].weights);
        assert_int_equal(net.nodes[net.n_nodes - 1].channels, cases[i].classes);
        assert_int_equal(net.layers[net.n_layers - 1].activation, SM_LINEAR);
        assert_string_equal(net.name, cases[i].name);
        sm_network_destroy(&net);
    }
}

/* Conv4: 64, 64, pool, 128, 128, pool, 256, 256, 10. */
static void conv4(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum sm_node_kind kind;
        struct sm_shape gives;
    } expected[] = {
        {"conv1", SM_NODE_LAYER, {64, 32, 32}},    {"conv2", SM_NODE_LAYER, {64, 32, 32}},
        {"pool1", SM_NODE_MAX_POOL, {64, 16, 16}}, {"conv3", SM_NODE_LAYER, {128, 16, 16}},
        {"conv4", SM_NODE_LAYER, {128, 16, 16}},   {"pool2", SM_NODE_MAX_POOL, {128, 8, 8}},
        {"dense5", SM_NODE_LAYER, {256, 1, 1}},    {"dense6", SM_NODE_LAYER, {256, 1, 1}},
        {"dense7", SM_NODE_LAYER, {10, 1, 1}},
    };
    struct sm_network net = read_wide("conv4", 1);
    assert_int_equal(net.n_nodes, 9);
    assert_int_equal(net.n_layers, 7);
    for (int n = 0, layer = 0; n < 9; n++) {
        const struct sm_node *node = &net.nodes[n];
        bool is_layer = expected[n].kind == SM_NODE_LAYER;
        assert_string_equal(node->name, expected[n].name);
        assert_int_equal(node->kind, expected[n].kind);
        assert_shape(&net, node->name, expected[n].gives.channels, expected[n].gives.height, expected[n].gives.width);
        assert_int_equal(node->n_inputs, 1);
        assert_int_equal(node->inputs[0], n - 1);
        assert_int_equal(node->layer, is_layer ? layer : -1);
        if (is_layer) assert_int_equal(sm_network_node_of_layer(&net, (size_t)layer++), n);
        assert_int_equal(node->activation, is_layer && n < 8 ? SM_ELU : SM_LINEAR);
        assert_false(node->batch_norm);
    }
    assert_int_equal(net.layers[4].n_in, 128 * 8 * 8);
    assert_int_equal(net.layers[4].inputs[0], 3); /* through the pool */
    assert_int_equal(net.nodes[0].pad_top, 1);
    assert_int_equal(net.nodes[2].pad_left, 0);
    assert_int_equal(sm_network_input_shape(&net, 3).channels, 64);
    assert_int_equal(sm_network_input_shape(&net, 0).width, 32);
    sm_network_destroy(&net);
}

static void resnet20_shapes(void **state) {
    (void)state;
    struct sm_network net = read_wide("resnet20", 1);
    assert_int_equal(net.n_layers, 23);
    assert_int_equal(net.n_nodes, 23 + 2 + 9);
    assert_shape(&net, "pool1", 16, 32, 32);
    assert_int_equal(node_called(&net, "pool1")->pad_top, 1);
    assert_shape(&net, "conv2", 16, 32, 32);
    assert_shape(&net, "add3", 16, 32, 32);
    assert_shape(&net, "conv9", 32, 16, 16);
    assert_shape(&net, "conv11", 32, 16, 16);
    assert_shape(&net, "add9", 64, 8, 8);
    assert_shape(&net, "pool2", 64, 1, 1);
    assert_int_equal(node_called(&net, "pool2")->kind, SM_NODE_AVERAGE_POOL);
    assert_int_equal(node_called(&net, "conv9")->stride, 2);
    assert_int_equal(node_called(&net, "conv9")->size, 1);
    assert_int_equal(node_called(&net, "conv3")->activation, SM_ELU);    /* SPEC 1.7: both of a first block, */
    assert_int_equal(node_called(&net, "conv4")->activation, SM_LINEAR); /* not its shortcut, */
    assert_int_equal(node_called(&net, "conv6")->activation, SM_LINEAR); /* the first only of the others, */
    assert_int_equal(node_called(&net, "add1")->activation, SM_ELU);     /* and every sum */
    assert_int_equal(node_called(&net, "add2")->inputs[0], sm_network_find_node(&net, "conv6"));
    assert_int_equal(node_called(&net, "add2")->inputs[1], sm_network_find_node(&net, "add1"));
    sm_network_destroy(&net);
}

/* Behind an identity path a layer reads all that was added to it. -1 is the input, -2 ends a list. */
static void resnet20_feeding_layers(void **state) {
    (void)state;
    static const int expected[23][6] = {
        {-1, -2},
        {0, -2},
        {1, -2},
        {0, -2},
        {2, 3, -2},
        {4, -2},
        {2, 3, 5, -2},
        {6, -2},
        {2, 3, 5, 7, -2},
        {8, -2},
        {2, 3, 5, 7, -2},
        {9, 10, -2},
        {11, -2},
        {9, 10, 12, -2},
        {13, -2},
        {9, 10, 12, 14, -2},
        {15, -2},
        {9, 10, 12, 14, -2},
        {16, 17, -2},
        {18, -2},
        {16, 17, 19, -2},
        {20, -2},
        {16, 17, 19, 21, -2},
    };
    struct sm_network net = read_wide("resnet20", 1);
    for (size_t l = 0; l < 23; l++) {
        size_t n = 0;
        for (; expected[l][n] != -2; n++) {
            assert_true(n < net.layers[l].n_inputs);
            assert_int_equal(net.layers[l].inputs[n], expected[l][n]);
        }
        assert_int_equal(net.layers[l].n_inputs, n);
    }
    sm_network_destroy(&net);
}

/* VGG-16 (Simonyan & Zisserman 2015, configuration D): 138,357,544 parameters, 13,416 of which are biases. */
static void vgg16(void **state) {
    (void)state;
    struct sm_network net =
        parsed("name: vgg16\n"
               "input: [3, 224, 224]\n"
               "layers:\n"
               "  - {kind: repeat, times: 2, layers: [{kind: conv2d, filters: 64, kernel: 3}]}\n"
               "  - {kind: max-pool, size: 2}\n"
               "  - {kind: repeat, times: 2, layers: [{kind: conv2d, filters: 128, kernel: 3}]}\n"
               "  - {kind: max-pool, size: 2}\n"
               "  - {kind: repeat, times: 3, layers: [{kind: conv2d, filters: 256, kernel: 3}]}\n"
               "  - {kind: max-pool, size: 2}\n"
               "  - kind: repeat\n"
               "    times: 2\n"
               "    layers:\n"
               "      - {kind: repeat, times: 3, layers: [{kind: conv2d, filters: 512, kernel: 3}]}\n"
               "      - {kind: max-pool, size: 2}\n"
               "  - {kind: repeat, times: 2, layers: [{kind: dense, units: 4096}]}\n"
               "  - {kind: dense, units: 1000}\n");
    assert_int_equal(sm_network_weights(&net), 138357544 - 13416);
    assert_int_equal(net.n_layers, 16);
    assert_shape(&net, "pool5", 512, 7, 7);
    assert_int_equal(net.layers[13].n_in, 512 * 49);
    sm_network_destroy(&net);
}

/* ---- the language ---- */

#define HEAD "name: n\ninput: [2, 8, 6]\nlayers:\n"
#define CONV "  - {kind: conv2d, filters: 4, kernel: 3}\n"
#define DENSE "  - {kind: dense, units: 5}\n"

static void keys_of_a_convolution(void **state) {
    (void)state;
    struct sm_network net = parsed(
        HEAD "  - {kind: conv2d, name: a, filters: 4, kernel: [3, 2], stride: 2, padding: valid, activation: relu, "
             "batch_norm: true}\n" CONV DENSE);
    const struct sm_node *a = &net.nodes[0];
    assert_shape(&net, "a", 4, 3, 3);
    assert_true(a->batch_norm && a->activation == SM_RELU && net.layers[0].activation == SM_RELU);
    assert_true(a->padding == SM_VALID && net.layers[0].padding == SM_VALID && a->pad_top == 0 && a->stride == 2);
    assert_true(net.layers[0].kernel_height == 3 && net.layers[0].kernel_width == 2 && a->size == 3);
    assert_false(net.nodes[1].batch_norm);
    assert_string_equal(net.nodes[1].name, "conv2");
    sm_network_destroy(&net);
}

static void batch_norm_of_a_recipe(void **state) {
    (void)state;
    struct sm_network net;
    struct sm_error err = {0};
    assert_int_equal(sm_network_parse(&net,
                                      HEAD CONV "  - {kind: conv2d, filters: 4, kernel: 1, batch_norm: false}\n" DENSE,
                                      "t", &(struct sm_network_options){SM_RELU, 1.0, true}, &err),
                     0);
    assert_true(net.nodes[0].batch_norm && net.nodes[1].batch_norm && !net.nodes[2].batch_norm);
    sm_network_destroy(&net);
}

static void sums(void **state) {
    (void)state;
    struct sm_network net = parsed(HEAD "  - {kind: conv2d, name: a, filters: 4, kernel: 3}\n"
                                        "  - {kind: conv2d, name: b, filters: 4, kernel: 1, inputs: [input]}\n"
                                        "  - {kind: add, name: ab, inputs: [a, b], activation: linear}\n"
                                        "  - {kind: conv2d, name: c, filters: 4, kernel: 1}\n"
                                        "  - {kind: add, inputs: [c, a, ab]}\n"
                                        "  - {kind: dense, units: 5, inputs: [add3, ab]}\n");
    assert_int_equal(net.n_nodes, 8);
    assert_int_equal(node_called(&net, "ab")->activation, SM_LINEAR);
    assert_int_equal(node_called(&net, "add2")->activation, SM_LINEAR); /* of c and a, implied */
    assert_int_equal(node_called(&net, "add2")->inputs[0], sm_network_find_node(&net, "c"));
    assert_int_equal(node_called(&net, "add3")->activation, SM_ELU);
    assert_int_equal(node_called(&net, "add3")->inputs[0], sm_network_find_node(&net, "add2"));
    assert_int_equal(node_called(&net, "add3")->inputs[1], sm_network_find_node(&net, "ab"));
    assert_int_equal(net.nodes[7].inputs[0], sm_network_find_node(&net, "add4"));
    assert_int_equal(net.layers[3].n_inputs, 3); /* a, b, c */
    assert_int_equal(net.layers[3].n_in, 4 * 8 * 6);
    sm_network_destroy(&net);
}

/* Two blocks, named by hand and by default; the inner one reads the outer one's input. */
static void blocks(void **state) {
    (void)state;
    struct sm_network net = parsed(HEAD CONV "  - kind: residual\n"
                                             "    name: block\n"
                                             "    activation: relu\n"
                                             "    branch:\n"
                                             "      - kind: residual\n"
                                             "        repeat: 2\n"
                                             "        branch: [{kind: conv2d, filters: 4, kernel: 3}]\n"
                                             "    shortcut: [{kind: conv2d, filters: 4, kernel: 1}]\n"
                                             "  - {kind: global-average-pool}\n" DENSE);
    const struct sm_node *block = node_called(&net, "block");
    assert_int_equal(net.n_layers, 5);
    assert_int_equal(block->activation, SM_RELU);
    assert_int_equal(block->inputs[0], sm_network_find_node(&net, "add2"));
    assert_int_equal(block->inputs[1], sm_network_find_node(&net, "conv4"));
    assert_int_equal(node_called(&net, "conv4")->inputs[0], 0);
    assert_int_equal(node_called(&net, "add1")->inputs[1], 0);
    assert_int_equal(net.layers[4].n_inputs, 4); /* conv1, conv2, conv3 and conv4 */
    sm_network_destroy(&net);
}

/* An all-convolutional network ends in a pool. */
static void a_pool_as_output(void **state) {
    (void)state;
    struct sm_network net = parsed(HEAD CONV "  - {kind: conv2d, filters: 5, kernel: 1}\n"
                                             "  - {kind: global-average-pool}\n");
    assert_int_equal(net.layers[1].activation, SM_LINEAR);
    assert_shape(&net, "pool1", 5, 1, 1);
    sm_network_destroy(&net);
}

static void widths(void **state) {
    (void)state;
    struct sm_network net = read_wide("784-300-100-10", 0.5), wide = read_wide("10-10-10", 1.1);
    struct sm_error err = {0};
    assert_int_equal(sm_network_weights(&net), 784 * 150 + 150 * 50 + 50 * 10);
    assert_int_equal(wide.layers[0].n_out, 11);
    assert_int_equal(net.n_nodes, 3);
    assert_string_equal(net.nodes[2].name, "dense3");
    assert_int_equal(net.nodes[0].inputs[0], SM_NETWORK_INPUT);
    assert_int_equal(net.nodes[0].activation, SM_ELU);
    assert_shape(&net, "dense2", 50, 1, 1);
    sm_network_destroy(&net);
    sm_network_destroy(&wide);
    assert_int_equal(sm_network_read_options(&net, "20-7-3", &(struct sm_network_options){SM_ELU, 0.5, false}, &err),
                     -1);
    assert_string_equal(err.text, "network: '20-7-3': 7 units times the width 0.5 are 3.5, no whole number from 1 to "
                                  "268435456");
    sm_network_destroy(&net);
    assert_int_equal(
        sm_network_parse(&net, HEAD CONV DENSE, "t", &(struct sm_network_options){SM_ELU, 1.3, false}, &err), -1);
    assert_string_equal(err.text, "t:4: layer conv1: 4 filters times the width 1.3 are 5.2, no whole number from 1 to "
                                  "268435456");
    sm_network_destroy(&net);
}

/* ---- what is wrong ---- */

static void sentences(void **state) {
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 7, padding: valid}\n" DENSE,
         "t:4: layer conv1: the kernel 7x7 is larger than the 8x6 that it reads"},
        {HEAD CONV "  - {kind: max-pool, size: 9}\n" DENSE,
         "t:5: layer pool1: the window 9x9 is larger than the 8x6 that it reads"},
        {HEAD CONV "  - {kind: conv2d, name: c, filters: 3, kernel: 1}\n  - {kind: add, inputs: [conv1, c]}\n" DENSE,
         "t:6: layer add1: 4x8x6 and 3x8x6 cannot be summed"},
        {HEAD "  - kind: residual\n    branch: [{kind: conv2d, filters: 4, kernel: 3}]\n" DENSE,
         "t:4: layer add1: 4x8x6 and 2x8x6 cannot be summed"},
        {HEAD DENSE CONV DENSE, "t:5: layer conv2: a conv2d cannot read dense layer dense1"},
        {HEAD DENSE "  - {kind: max-pool, size: 1}\n" DENSE,
         "t:5: layer pool1: a max-pool cannot read dense layer dense1"},
        {HEAD CONV "  - {kind: conv2d, filters: 4, kernel: 3, inputs: [conv2]}\n" DENSE,
         "t:5: inputs: 'conv2' does not stand before this layer (a network has no cycles)"},
        {HEAD "  - {kind: add, inputs: [conv1, input]}\n  - {kind: conv2d, filters: 2, kernel: 3}\n" DENSE,
         "t:4: inputs: 'conv1' does not stand before this layer (a network has no cycles)"},
        {HEAD CONV "  - {kind: conv2d, filters: 4, kernel: 3, inputs: [con1]}\n" DENSE,
         "t:5: inputs: no layer 'con1' stands before this one (nearest: conv1)"},
        {HEAD CONV "  - {kind: add, inputs: [conv1]}\n" DENSE,
         "t:5: a sum needs two `inputs`: {kind: add, inputs: [a, b]}"},
        {HEAD CONV "  - {kind: add}\n" DENSE, "t:5: a sum needs two `inputs`: {kind: add, inputs: [a, b]}"},
        {HEAD "  - {kind: conv2d, filters: 0, kernel: 3}\n" DENSE, "t:4: filters: 0 is outside 1 .. 268435456"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: [3, 0]}\n" DENSE, "t:4: kernel: 0 is outside 1 .. 268435456"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: [3, 3, 3]}\n" DENSE,
         "t:4: kernel: expected a size or [height, width]"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 3, stride: 0}\n" DENSE,
         "t:4: stride: 0 is outside 1 .. 268435456"},
        {HEAD "  - {kind: conv2d, filters: 4}\n" DENSE, "t:4: a conv2d layer needs `kernel`"},
        {HEAD "  - {kind: conv2d, kernel: 3}\n" DENSE, "t:4: a conv2d layer needs `filters`"},
        {HEAD CONV "  - {kind: max-pool}\n" DENSE, "t:5: a max-pool layer needs `size`"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 3, padding: sane}\n" DENSE,
         "t:4: padding: there is no 'sane' (nearest: same)"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 3, activation: elo}\n" DENSE,
         "t:4: activation: there is no 'elo' (nearest: elu)"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 3, batch_norm: yes}\n" DENSE,
         "t:4: batch_norm: there is no 'yes'"},
        {HEAD "  - {kind: conv2d, filter: 4, kernel: 3}\n" DENSE, "t:4: unknown key 'filter' (nearest: filters)"},
        {HEAD "  - {kind: dense, units: 4, batch_norm: true}\n" DENSE, "t:4: the kind dense has no `batch_norm`"},
        {HEAD CONV "  - {kind: max-pool, size: 2, activation: elu}\n" DENSE,
         "t:5: the kind max-pool has no `activation`"},
        {HEAD "  - {kind: conv, filters: 4, kernel: 3}\n" DENSE,
         "t:4: kind: 'conv' is no kind of layer (nearest: conv2d)"},
        {HEAD "  - {kind: sum, inputs: [a, b]}\n" DENSE, "t:4: kind: 'sum' is no kind of layer (nearest: add)"},
        {HEAD "  - {kind: maxpool, size: 2}\n" DENSE, "t:4: kind: 'maxpool' is no kind of layer (nearest: max-pool)"},
        {HEAD CONV "  - {kind: conv2d, filters: 4, kernel: 3, inputs: [input]}\n" DENSE,
         "t:4: layer conv1: no layer reads it"},
        {HEAD CONV "  - {kind: max-pool, size: 2}\n  - {kind: dense, units: 5, inputs: [conv1]}\n",
         "t:5: layer pool1: no layer reads it"},
        {HEAD CONV, "t:4: layer conv1: the output must have one value for each class, and this is 4x8x6"},
        {HEAD CONV DENSE "  - {kind: dense, units: 5, inputs: [conv1]}\n  - {kind: add, inputs: [dense2, dense3]}\n",
         "t:7: layer add1: the output must be a layer with weights, or a pool of one"},
        {HEAD "  - {kind: global-average-pool}\n",
         "t:4: layer pool1: the output must be a layer with weights, or a pool of one"},
        {HEAD CONV "  - {kind: dense, units: 5, activation: elu}\n",
         "t:5: layer dense2: the last layer has no activation"},
        {HEAD "  - [kind, dense]\n", "t:4: a layer is a map: {kind: dense, units: 300}"},
        {HEAD "  - {kind: residual}\n" DENSE, "t:4: a residual needs a `branch`"},
        {HEAD "  - {kind: residual, branch: []}\n" DENSE, "t:4: branch: expected a list of layers"},
        {HEAD "  - {kind: residual, branch: [{kind: conv2d, filters: 2, kernel: 3}], shortcut: none}\n" DENSE,
         "t:4: shortcut: expected a list of layers"},
        {HEAD "  - {kind: residual, repeat: 0, branch: [{kind: conv2d, filters: 2, kernel: 3}]}\n" DENSE,
         "t:4: repeat: 0 is outside 1 .. 268435456"},
        {HEAD "  - {kind: residual, repeat: 2, name: r, branch: [{kind: conv2d, filters: 2, kernel: 3}]}\n" DENSE,
         "t:4: two layers are called 'r'"},
        {HEAD "  - {kind: repeat, times: 2}\n" DENSE, "t:4: a repeat needs `layers`"},
        {HEAD "  - {kind: repeat, layers: [{kind: dense, units: 3}]}\n" DENSE, "t:4: a repeat layer needs `times`"},
        {HEAD "  - {kind: repeat, times: 2, inputs: [input], layers: [{kind: dense, units: 3}]}\n" DENSE,
         "t:4: the kind repeat has no `inputs`"},
        {HEAD "  - {kind: repeat, times: 99999, layers: [{kind: repeat, times: 99999, layers: [{kind: dense, units: "
              "3}]}]}\n",
         "t:4: more than 4096 layers, pools and sums"},
        {HEAD "  - {kind: max-pool, name: input, size: 2}\n" CONV DENSE, "t:4: the name 'input' is reserved"},
        {HEAD "  - {kind: conv2d, filters: 4, kernel: 3, inputs: [[input]]}\n" DENSE,
         "t:4: inputs: expected names of layers"},
        {HEAD "  - {kind: conv2d, filters: 268435456, kernel: 268435456}\n" DENSE, "t: layer conv1: too many weights"},
        {HEAD "  - {kind: max-pool, size: 2}\n" DENSE,
         "t: layer dense1: 24 inputs do not fit what the network's input gives"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_network net;
        struct sm_error err = {0};
        if (sm_network_parse(&net, cases[i].text, "t", &plain, &err) != -1) fail_msg("accepted:\n%s", cases[i].text);
        assert_string_equal(err.text, cases[i].sentence);
        sm_network_destroy(&net);
    }
}

/* ---- and back ---- */

static void text_parses_back(void **state) {
    (void)state;
    static const char *const specs[] = {"fcn", "conv2", "conv8", "resnet20", "resnet110", "784-300-100-10"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct sm_network net, back;
        struct sm_error err = {0};
        if (sm_network_read_options(&net, specs[i], &(struct sm_network_options){SM_RELU, 1.5, i % 2}, &err))
            fail_msg("%s", err.text);
        char *text = sm_network_text(&net);
        assert_non_null(text);
        if (sm_network_parse(&back, text, "text", &plain, &err)) fail_msg("%s in\n%s", err.text, text);
        assert_true(same_network(&net, &back));
        free(text);
        sm_network_destroy(&net);
        sm_network_destroy(&back);
    }
}

static void text_by_hand(void **state) {
    (void)state;
    struct sm_network net = parsed("name: 'a \"b\\c'\ninput: [2, 8, 6]\nlayers:\n"
                                   "  - {kind: conv2d, name: '-', filters: 2, kernel: [3, 1]}\n"
                                   "  - {kind: add, inputs: ['-', input]}\n"
                                   "  - {kind: conv2d, filters: 1, kernel: 1, stride: 2, padding: valid}\n"
                                   "  - {kind: max-pool, size: 2}\n" DENSE);
    char *text = sm_network_text(&net);
    assert_string_equal(
        text, "name: \"a \\\"b\\\\c\"\ninput: [2, 8, 6]\nlayers:\n"
              "  - {name: \"-\", kind: conv2d, filters: 2, kernel: [3, 1], stride: 1, padding: same, "
              "batch_norm: false, activation: elu, inputs: [\"input\"]}\n"
              "  - {name: \"add1\", kind: add, activation: elu, inputs: [\"-\", \"input\"]}\n"
              "  - {name: \"conv2\", kind: conv2d, filters: 1, kernel: [1, 1], stride: 2, padding: valid, "
              "batch_norm: false, activation: elu, inputs: [\"add1\"]}\n"
              "  - {name: \"pool1\", kind: max-pool, size: 2, stride: 2, padding: valid, inputs: [\"conv2\"]}\n"
              "  - {name: \"dense3\", kind: dense, units: 5, activation: linear, inputs: [\"pool1\"]}\n");
    free(text);
    sm_network_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extents_by_hand),
        cmocka_unit_test(extents_reach_everything),
        cmocka_unit_test(parameter_counts),
        cmocka_unit_test(conv4),
        cmocka_unit_test(resnet20_shapes),
        cmocka_unit_test(resnet20_feeding_layers),
        cmocka_unit_test(vgg16),
        cmocka_unit_test(keys_of_a_convolution),
        cmocka_unit_test(batch_norm_of_a_recipe),
        cmocka_unit_test(sums),
        cmocka_unit_test(blocks),
        cmocka_unit_test(a_pool_as_output),
        cmocka_unit_test(widths),
        cmocka_unit_test(sentences),
        cmocka_unit_test(text_parses_back),
        cmocka_unit_test(text_by_hand),
    };
    setenv("SUPERMASK_SHARE", "train", 0); /* the sources' own networks; the tests run in the repository's root */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
