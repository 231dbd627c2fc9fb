/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of alignments: two hidden units exchanged, on paper. */
#include "tests/stat_fixture.h"

#define HEADER "run_a run_b compare profit profit_lowest profit_mean profit_sd starts rounds tried profit_highest\n"

static void network(struct fixture *fixture, const char *name, const int8_t *hidden, const int8_t *output) {
    fixture_init(fixture, name);
    fixture_layer(fixture, "hidden", 2, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(fixture, "output", 1, 2, 1, 0, -2, output, NULL);
}

static char *alignment(struct fixture *a, struct fixture *b, unsigned compare, size_t n_starts) {
    const struct sm_options options = {.compare = compare, .n_starts = n_starts, .seed = 1};
    struct sm_notes notes = {0};
    const struct sm_analysis analysis = {.options = &options, .notes = &notes};
    return fixture_table(&sm_stat_alignment, &analysis, a, b);
}

/* b is a with its units exchanged and one sign turned round: five places, four signs against one. The one layer between
 * fixed ends is right at once: a single round, from any start. From below and from above no unit moves in it, but a
 * random start may stand the wrong way round, which costs a second. */
static void test_by_hand(void **state) {
    (void)state;
    struct fixture a, b;
    network(&a, "a", (int8_t[]){1, 1, 0, 0, 0, -1}, (int8_t[]){1, -1});
    network(&b, "b", (int8_t[]){0, 0, -1, 1, 1, 0}, (int8_t[]){-1, -1});
    assert_table(alignment(&a, &b, SM_COMPARE_MASK | SM_COMPARE_WEIGHT, 1),
                 HEADER "a b mask 5 5 5 0 1 1 4 5\na b weight 3 3 3 0 1 1 4 3\n");
    assert_table(alignment(&a, &b, SM_COMPARE_WEIGHT, 2), HEADER "a b weight 3 3 3 0 2 1 4 3\n");
    assert_table(alignment(&a, &b, SM_COMPARE_MASK, 2), HEADER "a b mask 5 5 5 0 2 1 4 5\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

static void test_nothing_to_align(void **state) {
    (void)state;
    const int8_t hide[6] = {0};
    struct fixture a, b;
    network(&a, "a", hide, hide);
    network(&b, "b", hide, hide);
    assert_table(alignment(&a, &b, SM_COMPARE_WEIGHT, 3), HEADER "a b weight 0 0 0 0 3 1 4 0\n");
    fixture_destroy(&a);
    fixture_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_nothing_to_align),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
