/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlap of two masks on paper. As the units stand: a 2 x 3 layer with three non-hidden weights each, two of them in
 * common, and a layer of one kept weight. C(6,3) = 20, so both = 0, 1, 2, 3 has probability 1, 9, 9, 1 twentieths.
 * Aligned: two hidden units exchanged. What is sampled is looked at where every draw comes to the same. */
#include "tests/stat_fixture.h"

#define HEADER                                                                                                         \
    "run_a run_b layer compare alignment null n a b both jaccard dice overlap_coefficient agreement kappa "            \
    "sign_agreement expected_jaccard z p_value p_holm\n"

static const int8_t mask_a[] = {1, 1, -1, 0, 0, 0}, mask_b[] = {1, -1, 0, 0, 1, 0}, keep[] = {1};

static void two_layers(struct fixture *fixture, const char *name, const int8_t *first, const int8_t *second,
                       const float *weights) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "channel", 1, 1, 1, SM_NETWORK_INPUT, -2, first, NULL);
    fixture_layer(fixture, "dense", 2, 3, 1, 0, -2, second, weights); /* three positions, flattened */
}

static char *overlap(struct fixture *a, struct fixture *b, unsigned compare) {
    const struct sm_options options = {.compare = compare, .n_nulls = 9, .n_starts = 1, .seed = 1};
    struct sm_notes notes = {0};
    const struct sm_analysis analysis = {.options = &options, .notes = &notes};
    char *table = fixture_table(&sm_stat_overlap, &analysis, a, b);
    assert_int_equal(notes.n, 0);
    return table;
}

/* The columns of HEADER in the rows of one alignment and null model. Frees `table`. */
static char *block(char *table, const char *alignment, const char *null) {
    enum { N_COLUMNS = 20 };
    char wanted[64], *text = calloc(1, strlen(table) + 1), *end = text, *rest = table;
    assert_non_null(text);
    snprintf(wanted, sizeof wanted, "\t%s\t%s\t", alignment, null);
    for (char *line; (line = next_line(&rest));) {
        if (end > text && !strstr(line, wanted)) continue;
        char *cut = line;
        for (size_t c = 0; c < N_COLUMNS; c++) cut = strchr(cut, '\t') + 1;
        end += sprintf(end, "%.*s\n", (int)(cut - 1 - line), line);
    }
    free(table);
    return text;
}

static void test_masks_by_hand(void **state) {
    (void)state;
    struct fixture a, b;
    two_layers(&a, "a", keep, mask_a, NULL);
    two_layers(&b, "b", keep, mask_b, NULL);
    /* z = (2 - 1.5) / sqrt(0.45); kappa = (18 - 14) / (36 - 14); E[J] = (9/5 + 9/2 + 1) / 20;
     * all: kappa with rows and columns 1, 3, 3: (28 - 19) / (49 - 19); E[J] = (1/7 + 9/3 + 27/5 + 1) / 20 */
    assert_table(block(overlap(&a, &b, SM_COMPARE_MASK), "raw", "independent"),
                 HEADER "a b channel mask raw independent 1 1 1 1 1 1 1 1 nan 1 1 nan 1 1\n"
                        "a b dense mask raw independent 6 3 3 2 .5 .66666666666666667 .66666666666666667 .5 "
                        ".18181818181818182 .5 .365 .74535599249992990 .5 1\n"
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
    two_layers(&a, "a", keep, mask_a, NULL);
    two_layers(&b, "b", keep, mask_b, weights);
    /* a = 3 and b = 2 of 6: both = 0, 1, 2 has probability 3, 9, 3 fifteenths; sd = sqrt(0.4); kappa: chance
     * (2 1 + 3 4 + 1 1)/36, equal 4/6; E[J] = (9 1/4 + 3 2/3) / 15
     * all: 7 entries, equal 5, chance (3 2 + 3 4 + 1 1) = 19; E[J] = (3 1/6 + 9 2/5 + 3 3/4) / 15 */
    assert_table(block(overlap(&a, &b, SM_COMPARE_WEIGHT), "raw", "independent"),
                 HEADER "a b channel weight raw independent 1 1 1 1 1 1 1 1 nan 1 1 nan 1 1\n"
                        "a b dense weight raw independent 6 3 2 2 .66666666666666667 .8 1 .66666666666666667 "
                        ".42857142857142857 .5 .28333333333333333 1.5811388300841898 .2 .4\n"
                        "a b all weight raw independent 7 4 3 3 .75 .85714285714285714 1 .71428571428571429 "
                        ".53333333333333333 .66666666666666667 .42333333333333333 1.5811388300841898 .2 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static void test_nothing_to_compare(void **state) {
    (void)state;
    const int8_t hide[6] = {0};
    struct fixture a, b;
    two_layers(&a, "a", hide, hide, NULL);
    two_layers(&b, "b", keep, hide, NULL);
    assert_table(block(overlap(&a, &b, SM_COMPARE_MASK), "raw", "independent"),
                 HEADER "a b channel mask raw independent 1 0 1 0 0 0 nan 0 0 nan 0 nan 1 1\n"
                        "a b dense mask raw independent 6 0 0 0 nan nan nan 1 nan nan nan nan 1 1\n"
                        "a b all mask raw independent 7 0 1 0 0 0 nan .85714285714285714 0 nan 0 nan 1 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* ---- aligned ---- */

/* Hidden unit 0 keeps inputs 0 and 1, unit 1 inverts input 2; the output keeps the one and inverts the other. */
static const int8_t hidden_a[] = {1, 1, 0, 0, 0, -1}, output_a[] = {1, -1};
static const int8_t hidden_b[] = {0, 0, -1, 1, 1, 0}, output_b[] = {-1, 1}; /* the units exchanged */

static void exchanged(struct fixture *fixture, const char *name, const int8_t *first, const int8_t *second) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "hidden", 2, 3, 1, SM_NETWORK_INPUT, -2, first, NULL);
    fixture_layer(fixture, "output", 1, 2, 1, 0, -2, second, NULL);
}

/* Raw, hidden shares nothing: kappa 0 equal against (1 2 + 2 2 + ...): classes -1, 0, 1 are 1, 3, 2 of 6 in both, none
 * equal: (0 - 14) / (36 - 14). The output's places are equal, its signs are not: (0 - 2) / (4 - 2). Aligned, all is
 * equal; units in random order are put back alike, and other signs stand at the same places: nothing is left to chance.
 */
static void test_exchanged_units(void **state) {
    (void)state;
    static const char *const certain[] = {"unit-permutation", "sign-shuffle"};
    struct fixture a, b;
    exchanged(&a, "a", hidden_a, output_a);
    exchanged(&b, "b", hidden_b, output_b);
    for (size_t k = 0; k < 2; k++) {
        char expected[1024];
        snprintf(expected, sizeof expected,
                 HEADER "a b hidden mask aligned %s 6 3 3 3 1 1 1 1 1 1 1 nan 1 1\n"
                        "a b output mask aligned %s 2 2 2 2 1 1 1 1 1 1 1 nan 1 1\n"
                        "a b all mask aligned %s 8 5 5 5 1 1 1 1 1 1 1 nan 1 nan\n",
                 certain[k], certain[k], certain[k]);
        assert_table(block(overlap(&a, &b, SM_COMPARE_MASK), "aligned", certain[k]), expected);
    }
    /* all: equal 0 of 8; classes 2, 3, 3 in both: (0 - 22) / (64 - 22). Every draw has at least the none or the two
     * that are seen. */
    assert_table(block(overlap(&a, &b, SM_COMPARE_MASK), "raw", "sign-shuffle"),
                 HEADER "a b hidden mask raw sign-shuffle 6 3 3 0 0 0 0 0 -.63636363636363636 nan 0 nan 1 1\n"
                        "a b output mask raw sign-shuffle 2 2 2 2 1 1 1 0 -1 0 1 nan 1 1\n"
                        "a b all mask raw sign-shuffle 8 5 5 2 .25 .4 .4 0 -.52380952380952381 0 .25 nan 1 nan\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* Two hidden units that read everything, with signs of one kind in a and of both in b: unit 0 of b loses against either
 * of a's (its signs are opposite), and no unit without entries is there to take its place. The places are full, so that
 * no draw can have another number in common. */
static void test_nothing_to_choose(void **state) {
    (void)state;
    const int8_t full_a[] = {1, 1, 1, 1, 1, 1}, full_b[] = {-1, -1, -1, 1, 1, 1}, both[] = {1, 1};
    static const char *const nulls[] = {"independent", "unit-permutation", "degree", "sign-shuffle"};
    struct fixture a, b;
    exchanged(&a, "a", full_a, both);
    exchanged(&b, "b", full_b, both);
    for (size_t k = 0; k < 4; k++) {
        char expected[1024];
        snprintf(expected, sizeof expected,
                 HEADER "a b hidden weight aligned %s 6 6 6 6 1 1 1 .5 0 .5 1 nan 1 1\n"
                        "a b output weight aligned %s 2 2 2 2 1 1 1 1 nan 1 1 nan 1 1\n"
                        "a b all weight aligned %s 8 8 8 8 1 1 1 .625 0 .625 1 nan 1 nan\n",
                 nulls[k], nulls[k], nulls[k]);
        assert_table(block(overlap(&a, &b, SM_COMPARE_WEIGHT), "aligned", nulls[k]), expected);
    }
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
    two_layers(&a, "a", keep, mask_a, NULL);
    two_layers(&b, "b", keep, mask_b, NULL);
    const size_t rows = 2 * 4 * 3; /* alignments, null models, layers and all */
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_MASK)), 1 + rows);
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_WEIGHT)), 1 + rows);
    assert_int_equal(count_lines(overlap(&a, &b, SM_COMPARE_MASK | SM_COMPARE_WEIGHT)), 1 + 2 * rows);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_by_hand),      cmocka_unit_test(test_weights_by_hand),
        cmocka_unit_test(test_nothing_to_compare), cmocka_unit_test(test_exchanged_units),
        cmocka_unit_test(test_nothing_to_choose),  cmocka_unit_test(test_compare_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
