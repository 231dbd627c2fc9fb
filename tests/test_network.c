/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/network.h>
#include <unistd.h>

static void fill(struct sm_layer *layer, enum sm_layer_kind kind, size_t n_out, size_t n_in, size_t side) {
    layer->kind = kind;
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = side;
    layer->stride = 1;
}

/* 1x4x4 -> conv 3x3 to 2 channels -> dense of 2*16 to 3 */
static struct sm_network small_network(void) {
    struct sm_network net = {.name = "small", .input_channels = 1, .input_height = 4, .input_width = 4};
    fill(sm_network_append(&net, "conv", 1), SM_CONV2D, 2, 1, 3);
    struct sm_layer *dense = sm_network_append(&net, "out", 1);
    fill(dense, SM_DENSE, 3, 32, 1);
    dense->inputs[0] = 0;
    return net;
}

static void sizes_by_hand(void **state) {
    (void)state;
    struct sm_network net = small_network();
    struct sm_error err = {0};
    assert_int_equal(sm_network_check(&net, &err), 0);
    assert_int_equal(sm_layer_weights(&net.layers[0]), 2 * 1 * 9);
    assert_int_equal(sm_layer_fan_in(&net.layers[0]), 9);
    assert_int_equal(sm_layer_fan_out(&net.layers[0]), 18);
    assert_int_equal(sm_layer_weights(&net.layers[1]), 96);
    assert_int_equal(sm_layer_fan_in(&net.layers[1]), 32);
    assert_int_equal(sm_layer_fan_out(&net.layers[1]), 3);
    assert_int_equal(sm_network_weights(&net), 114);
    assert_int_equal(sm_network_inputs(&net), 16);
    assert_int_equal(sm_network_find(&net, "out"), 1);
    assert_int_equal(sm_network_find(&net, "dense1"), -1);
    sm_network_destroy(&net);
    assert_int_equal(net.n_layers, 0);
    sm_network_destroy(&net);
}

static void names(void **state) {
    (void)state;
    assert_string_equal(sm_layer_kind_name(SM_DENSE), "dense");
    assert_string_equal(sm_layer_kind_name(SM_CONV2D), "conv2d");
    assert_string_equal(sm_activation_name(SM_LINEAR), "linear");
    assert_string_equal(sm_activation_name(SM_ELU), "elu");
    assert_string_equal(sm_activation_name(SM_RELU), "relu");
}

/* ---- the check: one thing wrong each ---- */

static void no_layers(struct sm_network *net) {
    net->n_layers = 0;
}
static void no_input(struct sm_network *net) {
    net->input_width = 0;
}
static void huge_input(struct sm_network *net) {
    net->input_width = net->input_height = SIZE_MAX / 2;
}
static void zero_units(struct sm_network *net) {
    net->layers[1].n_out = 0;
}
static void zero_stride(struct sm_network *net) {
    net->layers[0].stride = 0;
}
static void dense_kernel(struct sm_network *net) {
    net->layers[1].kernel_width = 3;
}
static void too_many(struct sm_network *net) {
    net->layers[1].n_out = SIZE_MAX / 4;
}
static void forward(struct sm_network *net) {
    net->layers[0].inputs[0] = 1;
}
static void itself(struct sm_network *net) {
    net->layers[1].inputs[0] = 1;
}
static void below_input(struct sm_network *net) {
    net->layers[1].inputs[0] = -2;
}
static void odd_blocks(struct sm_network *net) {
    net->layers[1].n_in = 33;
}
static void wrong_channels(struct sm_network *net) {
    net->layers[0].n_in = 3;
}
static void unread(struct sm_network *net) {
    net->layers[1].inputs[0] = SM_NETWORK_INPUT;
    net->layers[1].n_in = 16;
}
static void twice(struct sm_network *net) {
    strcpy(net->layers[1].name, "conv");
}
static void reserved(struct sm_network *net) {
    strcpy(net->layers[1].name, "all");
}
static void slash(struct sm_network *net) {
    strcpy(net->layers[1].name, "a/b");
}
static void unnamed(struct sm_network *net) {
    net->layers[0].name[0] = '\0';
}

static void what_the_check_finds(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct sm_network *);
        const char *sentence;
    } cases[] = {
        {no_input, "the input has no proper shape (1x4x0)"},
        {huge_input, "the input has no proper shape"},
        {zero_units, "layer out: a size is 0"},
        {zero_stride, "layer conv: the stride is 0"},
        {dense_kernel, "layer out: a dense layer has no kernel and no stride"},
        {too_many, "layer out: too many weights"},
        {forward, "layer conv: reads a layer that does not stand before it"},
        {itself, "layer out: reads a layer that does not stand before it"},
        {below_input, "layer out: reads a layer that does not stand before it"},
        {odd_blocks, "layer out: 33 inputs do not fit what conv gives"},
        {wrong_channels, "layer conv: 3 inputs do not fit what the network's input gives"},
        {unread, "layer conv: no layer reads it"},
        {twice, "two layers are called 'conv'"},
        {reserved, "layer 2: the name 'all' is reserved"},
        {slash, "layer 2: 'a/b' is no layer name"},
        {unnamed, "layer 1: '' is no layer name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_network net = small_network();
        struct sm_error err = {0};
        cases[i].spoil(&net);
        assert_int_equal(sm_network_check(&net, &err), -1);
        if (strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("'%s' is not '%s'", err.text, cases[i].sentence);
        sm_network_destroy(&net);
    }
    struct sm_network empty = {.input_channels = 1, .input_height = 1, .input_width = 1};
    struct sm_error err = {0};
    no_layers(&empty);
    assert_int_equal(sm_network_check(&empty, &err), -1);
    assert_string_equal(err.text, "the network has no layers");
}

/* ---- widths ---- */

static void widths(void **state) {
    (void)state;
    struct sm_network net;
    struct sm_error err = {0};
    assert_int_equal(sm_network_read(&net, "784-300-100-10", SM_ELU, &err), 0);
    assert_string_equal(net.name, "784-300-100-10");
    assert_int_equal(net.n_layers, 3);
    assert_int_equal(sm_network_weights(&net), 266200);
    assert_int_equal(sm_network_inputs(&net), 784);
    assert_string_equal(net.layers[2].name, "dense3");
    assert_int_equal(net.layers[0].inputs[0], SM_NETWORK_INPUT);
    assert_int_equal(net.layers[2].inputs[0], 1);
    assert_int_equal(net.layers[1].activation, SM_ELU);
    assert_int_equal(net.layers[2].activation, SM_LINEAR);
    assert_int_equal(sm_network_fit_input(&net, 1, 28, 28, &err), 0);
    assert_int_equal(net.input_height, 28);
    assert_int_equal(sm_network_fit_input(&net, 1, 28, 28, &err), 0);
    assert_int_equal(sm_network_fit_input(&net, 3, 32, 32, &err), -1);
    assert_string_equal(err.text, "network 784-300-100-10: its input is 1x28x28, the data set's images are 3x32x32");
    sm_network_destroy(&net);
    static const char *const bad[] = {"784-",       "-10", "784--10", "784-0-10", "-", "1-99999999999999999999",
                                      "5-999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sm_network_read(&net, bad[i], SM_ELU, &err), -1);
        sm_network_destroy(&net);
    }
}

/* ---- descriptions ---- */

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_directory(void **state) {
    char *directory = strdup("/tmp/test_network.XXXXXX");
    *state = directory;
    return directory && mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
    char path[64];
    snprintf(path, sizeof path, "%s/n.yaml", (char *)*state);
    unlink(path);
    int status = rmdir(*state);
    free(*state);
    return status;
}

static void a_description_with_a_sum(void **state) {
    char path[64];
    struct sm_network net;
    struct sm_error err = {0};
    snprintf(path, sizeof path, "%s/n.yaml", (char *)*state);
    write_file(path, "name: skip\n"
                     "description: a sum of two layers\n"
                     "input: [2, 3, 4]\n"
                     "layers:\n"
                     "  - {kind: dense, units: 5}\n"
                     "  - {kind: dense, units: 5, name: second}\n"
                     "  - {kind: dense, units: 7, inputs: [dense1, second]}\n"
                     "  - {kind: dense, units: 24, inputs: [dense3]}\n"
                     "  - {kind: dense, units: 2, inputs: [dense4]}\n");
    assert_int_equal(sm_network_read(&net, path, SM_RELU, &err), 0);
    assert_string_equal(net.name, "skip");
    assert_int_equal(net.n_layers, 5);
    assert_int_equal(net.layers[0].n_in, 24);
    assert_int_equal(net.layers[2].n_in, 5);
    assert_int_equal(net.layers[2].n_inputs, 2);
    assert_int_equal(net.layers[2].inputs[0], 0);
    assert_int_equal(net.layers[2].inputs[1], 1);
    assert_int_equal(net.layers[3].activation, SM_RELU);
    assert_int_equal(net.layers[4].activation, SM_LINEAR);
    assert_int_equal(sm_network_weights(&net), 5 * 24 + 25 + 35 + 7 * 24 + 48);
    sm_network_destroy(&net);
}

#define HEAD "name: n\ninput: [1, 2, 2]\nlayers:\n"
static void sentences(void **state) {
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"name: n\ninput: [1, 2, 2]\n", ": the description has no `layers`"},
        {"input: [1, 2, 2]\nlayers: []\n", ": the description has no `name`"},
        {"name: n\ninput: [1, 2, 2]\nlayers: []\n", ":3: layers: expected a list of layers"},
        {"name: n\ninput: [1, 2, 2]\nlayers: {a: 1}\n", ":3: layers: expected a list of layers"},
        {"name: n\ninput: 4\nlayers: [a]\n", ":2: input: expected [channels, height, width]"},
        {"name: n\ninput: [1, 2]\nlayers: [a]\n", ":2: input: expected [channels, height, width]"},
        {"name: n\ninput: [1, 0, 2]\nlayers: [a]\n", ":2: input: 0 is outside 1 .. 268435456"},
        {"name: n\ninput: [99999, 99999, 2]\nlayers: [a]\n", ":2: input: more than 268435456 values"},
        {"name: n\nimput: [1, 2, 2]\n", ":2: unknown key 'imput' (nearest: input)"},
        {HEAD "  - dense\n", ":4: a layer is a map: {kind: dense, units: 300}"},
        {HEAD "  - {units: 3}\n", ":4: a layer needs a `kind`"},
        {HEAD "  - {kind: dens, units: 3}\n", ":4: kind: 'dens' is no kind of layer (nearest: dense)"},
        {HEAD "  - {kind: dense, unit: 3}\n", ":4: unknown key 'unit' (nearest: units)"},
        {HEAD "  - {kind: dense}\n", ":4: a dense layer needs `units`"},
        {HEAD "  - {kind: dense, units: 0}\n", ":4: units: 0 is outside 1 .. 268435456"},
        {HEAD "  - {kind: dense, units: 3O}\n", ":4: units: expected a whole number"},
        {HEAD "  - {kind: dense, units: 3}\n  - {kind: dense, units: 3, name: dense1}\n",
         ":5: two layers are called 'dense1'"},
        {HEAD "  - {kind: dense, units: 3}\n  - {kind: dense, units: 3, inputs: [dense2]}\n",
         ":5: inputs: 'dense2' does not stand before this layer (a network has no cycles)"},
        {HEAD "  - {kind: dense, units: 3}\n  - {kind: dense, units: 3, inputs: [dense3]}\n",
         ":5: inputs: no layer 'dense3' stands before this one (nearest: dense1)"},
        {HEAD "  - {kind: dense, units: 3, inputs: [late]}\n  - {kind: dense, units: 3, name: late}\n",
         ":4: inputs: 'late' does not stand before this layer"},
        {HEAD "  - {kind: dense, units: 3, name: me, inputs: [me]}\n",
         ":4: inputs: 'me' does not stand before this layer"},
        {HEAD "  - {kind: dense, units: 3, inputs: dense1}\n", ":4: inputs: expected a list of layers"},
        {HEAD "  - {kind: dense, units: 3, inputs: []}\n", ":4: inputs: expected a list of layers"},
        {HEAD "  - {kind: dense, units: 3}\n  - {kind: dense, units: 3, inputs: [input, dense1]}\n",
         ":5: layer add1: 1x2x2 and 3x1x1 cannot be summed"},
        {HEAD "  - {kind: dense, units: 3}\n  - {kind: dense, units: 3, inputs: [input]}\n",
         ":4: layer dense1: no layer reads it"},
        {HEAD "  - {kind: dense, units: 3, name: a b}\n", ":4: 'a b' is no layer name"},
        {HEAD "  - {kind: dense, units: 268435456}\n  - {kind: dense, units: 268435456}\n  - {kind: dense, units: "
              "268435456}\n  - {kind: dense, units: 268435456}\n  - {kind: dense, units: 268435456}\n",
         ": layer dense5: too many weights"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[64], sentence[256];
        struct sm_network net;
        struct sm_error err = {0};
        snprintf(path, sizeof path, "%s/n.yaml", (char *)*state);
        snprintf(sentence, sizeof sentence, "%s%s", path, cases[i].sentence);
        write_file(path, cases[i].text);
        assert_int_equal(sm_network_read(&net, path, SM_ELU, &err), -1);
        if (strncmp(err.text, sentence, strlen(sentence)) != 0) fail_msg("'%s' is not '%s'", err.text, sentence);
        sm_network_destroy(&net);
    }
}

static void shipped(void **state) {
    (void)state;
    struct sm_network net;
    struct sm_error err = {0};
    if (sm_network_read(&net, "fcn", SM_ELU, &err)) fail_msg("%s", err.text);
    assert_string_equal(net.name, "fcn");
    assert_int_equal(net.n_layers, 3);
    assert_int_equal(net.input_height, 28);
    assert_int_equal(sm_network_weights(&net), 266200); /* SPEC 1.7 */
    sm_network_destroy(&net);
    assert_int_equal(sm_network_read(&net, "fnc", SM_ELU, &err), -1);
    assert_non_null(strstr(err.text, "network: 'fnc' is not shipped (nearest: fcn)"));
    sm_network_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_by_hand),
        cmocka_unit_test(names),
        cmocka_unit_test(what_the_check_finds),
        cmocka_unit_test(widths),
        cmocka_unit_test_setup_teardown(a_description_with_a_sum, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(sentences, make_directory, remove_directory),
        cmocka_unit_test(shipped),
    };
    setenv("SUPERMASK_SHARE", "train", 0); /* the sources' own networks; the tests run in the repository's root */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
