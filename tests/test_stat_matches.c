/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partners on paper: two hidden units that change places between the runs. */
#include "tests/stat_fixture.h"

#define HEADER "run_a run_b compare layer unit_a unit_b both either jaccard sign_agreement\n"

static void two_layers(struct fixture *fixture, const char *name, const int8_t *hidden, const float *weights,
                       const int8_t *output) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "hidden", 2, 3, 1, SM_NETWORK_INPUT, -2, hidden, weights);
    fixture_layer(fixture, "output", 1, 2, 1, 0, -2, output, NULL);
}

static char *matches(struct fixture *a, struct fixture *b, unsigned compare) {
    const struct sm_options options = {.compare = compare, .seed = 1, .n_starts = 4};
    const struct sm_analysis analysis = {.options = &options};
    return fixture_table(&sm_stat_matches, &analysis, a, b);
}

/* Unit 0 keeps 2 + 1 entries in a and, as unit 1, 1 + 1 of them in b: 2 of 3 in common, of equal sign. Unit 1 keeps the
 * same 2 + 1 entries as b's unit 0, one of them with another sign. */
static void test_units_that_change_places(void **state) {
    (void)state;
    const int8_t hidden_a[] = {1, 1, 0, /**/ 0, -1, -1}, output_a[] = {1, -1};
    const int8_t hidden_b[] = {0, -1, 1, /**/ 1, 0, 0}, output_b[] = {-1, 1};
    struct fixture a, b;
    two_layers(&a, "a", hidden_a, NULL, output_a);
    two_layers(&b, "b", hidden_b, NULL, output_b);
    assert_table(matches(&a, &b, SM_COMPARE_MASK), HEADER "a b mask hidden 0 1 2 3 .66666666666666667 1\n"
                                                          "a b mask hidden 1 0 3 3 1 .66666666666666667\n");
    assert_table(matches(&a, &b, SM_COMPARE_MASK | SM_COMPARE_WEIGHT),
                 HEADER "a b mask hidden 0 1 2 3 .66666666666666667 1\n"
                        "a b mask hidden 1 0 3 3 1 .66666666666666667\n"
                        "a b weight hidden 0 1 2 3 .66666666666666667 1\n"
                        "a b weight hidden 1 0 3 3 1 .66666666666666667\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* Both units keep everything: the masks cannot tell them apart, the signs of the weights do. A weight of 0 is hidden
 * where weights are compared. */
static void test_weights_tell_units_apart(void **state) {
    (void)state;
    const int8_t keep[] = {1, 1, 1, 1, 1, 1};
    const float weights_a[] = {1, 2, 3, /**/ -1, -2, 0}, weights_b[] = {-4, -4, -4, /**/ 4, 4, 4};
    struct fixture a, b;
    two_layers(&a, "a", keep, weights_a, keep);
    two_layers(&b, "b", keep, weights_b, keep);
    assert_table(matches(&a, &b, SM_COMPARE_MASK), HEADER "a b mask hidden 0 0 4 4 1 1\na b mask hidden 1 1 4 4 1 1\n");
    assert_table(matches(&a, &b, SM_COMPARE_WEIGHT),
                 HEADER "a b weight hidden 0 1 4 4 1 1\na b weight hidden 1 0 3 4 .75 1\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* Nothing speaks for either order of b's units. */
static void test_dead_units_have_partners(void **state) {
    (void)state;
    const int8_t hide[6] = {0}, one[] = {0, 0, 0, /**/ 0, 0, 1};
    struct fixture a, b;
    two_layers(&a, "a", one, NULL, hide);
    two_layers(&b, "b", hide, NULL, hide);
    char *table = matches(&a, &b, SM_COMPARE_MASK);
    bool straight = strstr(table, "hidden\t0\t0\t") != NULL;
    assert_table(table, straight ? HEADER "a b mask hidden 0 0 0 0 nan nan\na b mask hidden 1 1 0 1 0 nan\n"
                                 : HEADER "a b mask hidden 0 1 0 0 nan nan\na b mask hidden 1 0 0 1 0 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* One weight reads the sum of two layers of one unit each: it is an entry of both units. */
static void test_an_entry_that_reads_a_sum(void **state) {
    (void)state;
    const int8_t keep[] = {1};
    struct fixture runs[2];
    for (size_t i = 0; i < 2; i++) {
        fixture_init(&runs[i], i ? "b" : "a");
        fixture_layer(&runs[i], "first", 1, 1, 1, SM_NETWORK_INPUT, -2, keep, NULL);
        fixture_layer(&runs[i], "second", 1, 1, 1, 0, -2, keep, NULL);
        fixture_layer(&runs[i], "output", 1, 1, 1, 0, 1, keep, NULL);
    }
    /* first: its own weight, second's and output's; second: its own and output's. */
    assert_table(matches(&runs[0], &runs[1], SM_COMPARE_MASK),
                 HEADER "a b mask first 0 0 3 3 1 1\na b mask second 0 0 2 2 1 1\n");
    for (size_t i = 0; i < 2; i++) fixture_destroy(&runs[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_that_change_places),
        cmocka_unit_test(test_weights_tell_units_apart),
        cmocka_unit_test(test_dead_units_have_partners),
        cmocka_unit_test(test_an_entry_that_reads_a_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
