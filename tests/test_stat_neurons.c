/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of networks on paper. */
#include "tests/stat_fixture.h"

#define HEADER                                                                                                         \
    "run layer unit fan_in kept_in inverted_in fan_out kept_out inverted_out strength_in strength_out "                \
    "log10_paths_in log10_paths_out log10_paths alive rank\n"
#define LOG2 "0.30102999566398120"
#define LOG3 "0.47712125471966244"

static char *neurons(struct fixture *fixture) {
    return fixture_table(&sm_stat_neurons, NULL, fixture, NULL);
}

/* x0, x1 -> h0 (keep, invert); h1 reads nothing but is read: dead. */
static void test_dead_unit(void **state) {
    (void)state;
    const int8_t hidden[] = {1, -1, 0, 0}, output[] = {1, 1};
    const float weights[] = {0.5f, -2, 4, 8};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 2, 2, 1, SM_NETWORK_INPUT, -2, hidden, weights);
    fixture_layer(&run, "output", 1, 2, 1, 0, -2, output, NULL);
    assert_table(neurons(&run), HEADER "r input 0 nan nan nan 1 1 0 nan .5 0 0 0 1 1.5\n"
                                       "r input 1 nan nan nan 1 0 1 nan 2 0 0 0 1 1.5\n"
                                       "r hidden 0 2 1 1 1 1 0 2.5 1 " LOG2 " 0 " LOG2 " 1 1\n"
                                       "r hidden 1 0 0 0 1 1 0 0 1 -inf 0 -inf 0 2\n"
                                       "r output 0 2 2 0 nan nan nan 2 nan " LOG2 " 0 " LOG2 " 1 1\n");
    fixture_destroy(&run);
}

/* c reads a + b: both weights of c count as outgoing weights of a and of b. */
static void test_summed_branches(void **state) {
    (void)state;
    const int8_t a[] = {1, 0, 0, 1}, b[] = {0, -1, 0, 0}, c[] = {1, 1};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "a", 2, 2, 1, SM_NETWORK_INPUT, -2, a, NULL);
    fixture_layer(&run, "b", 2, 2, 1, 0, -2, b, NULL);
    fixture_layer(&run, "c", 1, 2, 1, 0, 1, c, NULL);
    assert_table(neurons(&run), HEADER "r input 0 nan nan nan 1 1 0 nan 1 0 0 0 1 2\n"
                                       "r input 1 nan nan nan 1 1 0 nan 1 0 " LOG2 " " LOG2 " 1 1\n"
                                       "r a 0 1 1 0 1 1 0 1 1 0 0 0 1 2\n"
                                       "r a 1 1 1 0 2 1 1 1 2 0 " LOG2 " " LOG2 " 1 1\n"
                                       "r b 0 1 0 1 1 1 0 1 1 0 0 0 1 1\n"
                                       "r b 1 0 0 0 1 1 0 0 1 -inf 0 -inf 0 2\n"
                                       "r c 0 2 2 0 nan nan nan 2 nan " LOG3 " 0 " LOG3 " 1 1\n");
    fixture_destroy(&run);
}

/* One channel in, two out, of 1 x 2 positions each; the dense layer reads position 1 of channel 0 only. */
static void test_flatten(void **state) {
    (void)state;
    const int8_t conv[8] = {1, 0, -1, 1, /**/ 0, 0, 0, 1}, dense[4] = {0, -1, 0, 0};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "conv", 2, 1, 2, SM_NETWORK_INPUT, -2, conv, NULL);
    fixture_layer(&run, "dense", 1, 4, 1, 0, -2, dense, NULL);
    assert_table(neurons(&run), HEADER "r input 0 nan nan nan 4 3 1 nan 4 0 " LOG3 " " LOG3 " 1 1\n"
                                       "r conv 0 3 2 1 1 0 1 3 1 " LOG3 " 0 " LOG3 " 1 1\n"
                                       "r conv 1 1 1 0 0 0 0 1 0 0 -inf -inf 0 2\n"
                                       "r dense 0 1 0 1 nan nan nan 1 nan " LOG3 " 0 " LOG3 " 1 1\n");
    fixture_destroy(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_unit),
        cmocka_unit_test(test_summed_branches),
        cmocka_unit_test(test_flatten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
