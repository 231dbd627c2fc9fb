/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlap of two masks on paper: a 2 x 3 layer with three non-hidden weights each, two of them in common, and a layer
 * of one kept weight. C(6,3) = 20, so both = 0, 1, 2, 3 has probability 1, 9, 9, 1 twentieths. */
#include "tests/stat_fixture.h"

#define HEADER                                                                                                         \
    "run_a run_b layer compare alignment null n a b both jaccard dice overlap_coefficient agreement kappa "            \
    "sign_agreement expected_jaccard z p_value p_holm\n"

static const int8_t mask_a[] = {1, 1, -1, 0, 0, 0}, mask_b[] = {1, -1, 0, 0, 1, 0}, keep[] = {1};

static void two_layers(struct fixture *fixture, const char *name, const int8_t *first, const float *weights,
                       const int8_t *second) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "hidden", 2, 3, 1, SM_NETWORK_INPUT, -2, first, weights);
    fixture_layer(fixture, "output", 1, 1, 1, 0, -2, second, NULL);
}

static char *overlap(struct fixture *a, struct fixture *b, unsigned compare) {
    const struct sm_options options = {.compare = compare};
    struct sm_notes notes = {0};
    const struct sm_analysis analysis = {.options = &options, .notes = &notes};
    char *table = fixture_table(&sm_stat_overlap, &analysis, a, b);
    assert_int_equal(notes.n, 0);
    return table;
}

static void test_masks_by_hand(void **state) {
    (void)state;
    struct fixture a, b;
    two_layers(&a, "a", mask_a, NULL, keep);
    two_layers(&b, "b", mask_b, NULL, keep);
    /* z = (2 - 1.5) / sqrt(0.45); kappa = (18 - 14) / (36 - 14); E[J] = (9/5 + 9/2 + 1) / 20;
     * all: kappa with rows and columns 1, 3, 3: (28 - 19) / (49 - 19); E[J] = (1/7 + 9/3 + 27/5 + 1) / 20 */
    assert_table(overlap(&a, &b, SM_COMPARE_MASK),
                 HEADER "a b hidden mask raw independent 6 3 3 2 .5 .66666666666666667 .66666666666666667 .5 "
                        ".18181818181818182 .5 .365 .74535599249992990 .5 1\n"
                        "a b output mask raw independent 1 1 1 1 1 1 1 1 nan 1 1 nan 1 1\n"
                        "a b all mask raw independent 7 4 4 3 .6 .75 .75 .57142857142857143 .3 .66666666666666667 "
                        ".47714285714285714 .74535599249992990 .5 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* Weights turn b's mask 1 -1 0 0 1 0 into t = -1 1 0 0 0 0: the weight of exactly 0 hides its entry. */
static void test_weights_by_hand(void **state) {
    (void)state;
    const float weights[] = {-2, -3, 1, 1, 0, 1};
    struct fixture a, b;
    two_layers(&a, "a", mask_a, NULL, keep);
    two_layers(&b, "b", mask_b, weights, keep);
    /* a = 3 and b = 2 of 6: both = 0, 1, 2 has probability 3, 9, 3 fifteenths; sd = sqrt(0.4); kappa: chance
     * (2 1 + 3 4 + 1 1)/36, equal 4/6; E[J] = (9 1/4 + 3 2/3) / 15
     * all: 7 entries, equal 5, chance (3 2 + 3 4 + 1 1) = 19; E[J] = (3 1/6 + 9 2/5 + 3 3/4) / 15 */
    assert_table(overlap(&a, &b, SM_COMPARE_WEIGHT),
                 HEADER "a b hidden weight raw independent 6 3 2 2 .66666666666666667 .8 1 .66666666666666667 "
                        ".42857142857142857 .5 .28333333333333333 1.5811388300841898 .2 .4\n"
                        "a b output weight raw independent 1 1 1 1 1 1 1 1 nan 1 1 nan 1 1\n"
                        "a b all weight raw independent 7 4 3 3 .75 .85714285714285714 1 .71428571428571429 "
                        ".53333333333333333 .66666666666666667 .42333333333333333 1.5811388300841898 .2 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static void test_nothing_to_compare(void **state) {
    (void)state;
    const int8_t hide[6] = {0};
    struct fixture a, b;
    two_layers(&a, "a", hide, NULL, hide);
    two_layers(&b, "b", hide, NULL, keep);
    assert_table(overlap(&a, &b, SM_COMPARE_MASK),
                 HEADER "a b hidden mask raw independent 6 0 0 0 nan nan nan 1 nan nan nan nan 1 1\n"
                        "a b output mask raw independent 1 0 1 0 0 0 nan 0 0 nan 0 nan 1 1\n"
                        "a b all mask raw independent 7 0 1 0 0 0 nan .85714285714285714 0 nan 0 nan 1 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static size_t count_lines(char *table) {
    size_t n = 0;
    for (char *rest = table; next_line(&rest);) n++;
    free(table);
    return n;
}

static void test_compare_option(void **state) {
    (void)state;
    struct fixture a, b;
    two_layers(&a, "a", mask_a, NULL, keep);
    two_layers(&b, "b", mask_b, NULL, keep);
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_MASK)), 4);
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_WEIGHT)), 4);
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_MASK | SM_COMPARE_WEIGHT)), 7);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static void test_different_layers_are_noted(void **state) {
    (void)state;
    struct fixture a, b;
    two_layers(&a, "narrow", mask_a, NULL, keep);
    fixture_init(&b, "short");
    fixture_layer(&b, "hidden", 2, 3, 1, SM_NETWORK_INPUT, -2, mask_b, NULL);
    const struct sm_options options = {.compare = SM_COMPARE_MASK};
    struct sm_notes notes = {0};
    const struct sm_analysis analysis = {.options = &options, .notes = &notes};
    assert_table(fixture_table(&sm_stat_overlap, &analysis, &a, &b), HEADER);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.text[0], "narrow"));
    assert_non_null(strstr(notes.text[0], "short"));
    sm_notes_destroy(&notes);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_by_hand),
        cmocka_unit_test(test_weights_by_hand),
        cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_compare_option),
        cmocka_unit_test(test_different_layers_are_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
