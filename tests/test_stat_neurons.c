/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of networks on paper. */
#include "tests/stat_fixture.h"

#define HEADER                                                                                                         \
    "run layer unit fan_in kept_in inverted_in fan_out kept_out inverted_out strength_in strength_out "                \
    "log10_paths_in log10_paths_out log10_paths alive rank balance_in balance_out log10_synflow activation_mean "      \
    "activation_sd active_share ablation_accuracy_drop\n"
#define NO_DATA " nan nan nan nan\n"
#define LOG2 "0.30102999566398120"
#define LOG3 "0.47712125471966244"

static char *neurons(struct fixture *fixture) {
    static char recipe[] = "name: paper\n", dataset[] = "digits"; /* whose images have other sizes */
    fixture->run.recipe = recipe;
    fixture->run.dataset = dataset;
    struct sm_notes notes = {0};
    const struct sm_options options = {.at_epoch = NAN};
    const struct sm_analysis analysis = {.options = &options, .notes = &notes};
    char *table = fixture_table(&sm_stat_neurons, &analysis, fixture, NULL);
    assert_int_equal(notes.n, 1); /* says why nothing was measured */
    sm_notes_destroy(&notes);
    return table;
}

/* x0, x1 -> h0 (keep, invert); h1 reads nothing but is read: dead. Effective weights .5 and 2: the routes weigh .5 and
 * 2, together 2.5. */
static void test_dead_unit(void **state) {
    (void)state;
    const int8_t hidden[] = {1, -1, 0, 0}, output[] = {1, 1};
    const float weights[] = {0.5f, -2, 4, 8};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 2, 2, 1, SM_NETWORK_INPUT, -2, hidden, weights);
    fixture_layer(&run, "output", 1, 2, 1, 0, -2, output, NULL);
    assert_table(neurons(&run),
                 HEADER "r input 0 nan nan nan 1 1 0 nan .5 0 0 0 1 1.5 nan 1 -.3010299957" NO_DATA /* log10 .5 */
                        "r input 1 nan nan nan 1 0 1 nan 2 0 0 0 1 1.5 nan 1 .3010299957" NO_DATA   /* log10 2 */
                        "r hidden 0 2 1 1 1 1 0 2.5 1 " LOG2 " 0 " LOG2 " 1 1 1 1 .3979400087" NO_DATA
                        "r hidden 1 0 0 0 1 1 0 0 1 -inf 0 -inf 0 2 nan 1 -inf" NO_DATA
                        "r output 0 2 2 0 nan nan nan 2 nan " LOG2 " 0 " LOG2 " 1 1 1 nan .3979400087" NO_DATA);
    fixture_destroy(&run);
}

/* c reads a + b: both weights of c count as outgoing weights of a and of b. Routes: x0-a0-c weighs 2 * 7 = 14, x1-a1-c
 * 3 * .5 = 1.5, x1-a1-b0-c 3 * 5 * 7 = 105. a1 is read by b0 with v = (-5)(-1) = 5 and by c with v = -.5: balance 0. */
static void test_summed_branches(void **state) {
    (void)state;
    const int8_t a[] = {1, 0, 0, 1}, b[] = {0, -1, 0, 0}, c[] = {1, 1};
    const float a_weights[] = {2, 9, 9, -3}, b_weights[] = {9, -5, 9, 9}, c_weights[] = {7, -0.5f};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "a", 2, 2, 1, SM_NETWORK_INPUT, -2, a, a_weights);
    fixture_layer(&run, "b", 2, 2, 1, 0, -2, b, b_weights);
    fixture_layer(&run, "c", 1, 2, 1, 0, 1, c, c_weights);
    assert_table(neurons(&run), HEADER
                 "r input 0 nan nan nan 1 1 0 nan 2 0 0 0 1 2 nan 1 1.1461280357" NO_DATA                /* log10 14 */
                 "r input 1 nan nan nan 1 1 0 nan 3 0 " LOG2 " " LOG2 " 1 1 nan -1 2.0273496078" NO_DATA /* 106.5 */
                 "r a 0 1 1 0 1 1 0 2 7 0 0 0 1 2 1 1 1.1461280357" NO_DATA "r a 1 1 1 0 2 1 1 3 5.5 0 " LOG2 " " LOG2
                 " 1 1 -1 0 2.0273496078" NO_DATA
                 "r b 0 1 0 1 1 1 0 5 7 0 0 0 1 1 1 1 2.0211892991" NO_DATA /* log10 105 */
                 "r b 1 0 0 0 1 1 0 0 .5 -inf 0 -inf 0 2 nan -1 -inf" NO_DATA "r c 0 2 2 0 nan nan nan 7.5 nan " LOG3
                 " 0 " LOG3 " 1 1 0 nan 2.0809870469" NO_DATA /* 120.5 */);
    fixture_destroy(&run);
}

/* One channel in, two out, of 1 x 2 positions each; the dense layer reads position 1 of channel 0 only. Effective
 * weights of channel 0: 2, -3, 4 (balance (2 - 1) / 3); of channel 1: -6. Routes weigh (2 + 3 + 4) * .25 = 2.25. */
static void test_flatten(void **state) {
    (void)state;
    const int8_t conv[8] = {1, 0, -1, 1, /**/ 0, 0, 0, 1}, dense[4] = {0, -1, 0, 0};
    const float conv_weights[8] = {2, 9, 3, 4, /**/ 9, 9, 9, -6}, dense_weights[4] = {9, -0.25f, 9, 9};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "conv", 2, 1, 2, SM_NETWORK_INPUT, -2, conv, conv_weights);
    fixture_layer(&run, "dense", 1, 4, 1, 0, -2, dense, dense_weights);
    assert_table(neurons(&run),
                 HEADER "r input 0 nan nan nan 4 3 1 nan 15 0 " LOG3 " " LOG3 " 1 1 nan 0 .3521825181" NO_DATA
                        "r conv 0 3 2 1 1 0 1 9 .25 " LOG3 " 0 " LOG3 " 1 1 .33333333333333333 1 .3521825181" NO_DATA
                        "r conv 1 1 1 0 0 0 0 6 0 0 -inf -inf 0 2 -1 nan -inf" NO_DATA
                        "r dense 0 1 0 1 nan nan nan .25 nan " LOG3 " 0 " LOG3 " 1 1 1 nan .3521825181" NO_DATA);
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
