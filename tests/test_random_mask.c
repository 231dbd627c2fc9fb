/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The benchmarks' random masks have the shares that they are asked for. */
#include "tests/bench/random_mask.h"

#include "tests/check.h"

/* conv1 5x3x3x3, and dense2 that reads 4 positions of each of its channels: 6x20. */
static void build(struct sm_network *net) {
    *net = (struct sm_network){.input_channels = 3, .input_height = 2, .input_width = 2};
    struct sm_layer *conv = sm_network_append(net, "conv1", 1);
    conv->kind = SM_CONV2D;
    conv->n_out = 5;
    conv->n_in = 3;
    conv->kernel_height = conv->kernel_width = 3;
    struct sm_layer *dense = sm_network_append(net, "dense2", 1);
    dense->inputs[0] = 0;
    dense->n_out = 6;
    dense->n_in = 20;
    dense->kernel_height = dense->kernel_width = 1;
}

static size_t count(const int8_t *mask, size_t n, int value) {
    size_t found = 0;
    for (size_t k = 0; k < n; k++) found += mask[k] == value;
    return found;
}

/* Of mask [n_out][n_channels][n_each]: marks the channels and units that have a weight. */
static void mark(const int8_t *mask, size_t n_out, size_t n_channels, size_t n_each, bool *unit, bool *channel) {
    for (size_t k = 0; k < n_out * n_channels * n_each; k++) {
        if (!mask[k]) continue;
        unit[k / n_each / n_channels] = true;
        channel[k / n_each % n_channels] = true;
    }
}

static void test_counts_are_exact(void **state) {
    (void)state;
    struct sm_network net;
    int8_t mask[135];
    build(&net);
    const struct mask_shares shares = {.keep = 20.0 / 135, .invert = 7.0 / 135, .units = 1, .channels = 1};
    assert_int_equal(random_mask(mask, &net, &net.layers[0], &shares), 0);
    assert_int_equal(count(mask, 135, 1), 20);
    assert_int_equal(count(mask, 135, -1), 7);
    assert_int_equal(count(mask, 135, 0), 108);
    sm_network_destroy(&net);
}

/* Where all places between what is alive are taken, every unit and channel that is alive shows. */
static void test_dead_units_and_channels(void **state) {
    (void)state;
    struct sm_network net;
    int8_t mask[120];
    bool unit[6] = {false}, channel[5] = {false}, given[5] = {false}, read[3] = {false};
    build(&net);
    const struct mask_shares dense = {.keep = 12.0 / 120, .invert = 12.0 / 120, .units = 0.5, .channels = 0.4};
    assert_int_equal(random_mask(mask, &net, &net.layers[1], &dense), 0);
    mark(mask, 6, 5, 4, unit, channel);
    assert_int_equal(count_alive(unit, 6), 3);
    assert_int_equal(count_alive(channel, 5), 2);

    int8_t conv_mask[135];
    const struct mask_shares conv = {.keep = 36.0 / 135, .units = 0.4, .channels = 2.0 / 3};
    assert_int_equal(random_mask(conv_mask, &net, &net.layers[0], &conv), 0);
    mark(conv_mask, 5, 3, 9, given, read);
    assert_int_equal(count_alive(read, 3), 2);
    assert_memory_equal(given, channel, sizeof given); /* what conv1 gives is what dense2 reads */
    sm_network_destroy(&net);
}

static void test_too_many_weights(void **state) {
    (void)state;
    struct sm_network net;
    int8_t mask[120];
    build(&net);
    const struct mask_shares shares = {.keep = 25.0 / 120, .units = 0.5, .channels = 0.4};
    assert_int_equal(random_mask(mask, &net, &net.layers[1], &shares), -1);
    sm_network_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_exact),
        cmocka_unit_test(test_dead_units_and_channels),
        cmocka_unit_test(test_too_many_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
