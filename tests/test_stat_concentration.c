/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Concentration on paper. */
#include "tests/stat_fixture.h"

#define HEADER "run layer units alive dead_in dead_out gini_fan_in gini_fan_out cv_fan_in max_fan_in median_fan_in\n"

static char *concentration(struct fixture *fixture) {
    return fixture_table(&sm_stat_concentration, NULL, fixture, NULL);
}

/* Four units with fan-ins 3 1 0 0; the third is read all the same, the second is not. */
static void test_by_hand(void **state) {
    (void)state;
    const int8_t hidden[] = {1, -1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, output[] = {1, 0, -1, 0};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 4, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&run, "output", 1, 4, 1, 0, -2, output, NULL);
    /* input: fan-outs 1 1 2: gini = (-2 + 0 + 4)/(3 4); hidden: fan-ins 0 0 1 3: (1 + 9)/(4 4), sd = sqrt(1.5), mean 1;
     * fan-outs 0 0 1 1: (1 + 3)/(4 2) */
    assert_table(concentration(&run), HEADER "r input 3 3 nan 0 nan .16666666666666667 nan nan nan\n"
                                             "r hidden 4 1 2 2 .625 .5 1.2247448713915890 3 .5\n"
                                             "r output 1 1 0 nan 0 nan 0 2 2\n");
    fixture_destroy(&run);
}

static void test_all_hide(void **state) {
    (void)state;
    const int8_t hide[4] = {0};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 2, 2, 1, SM_NETWORK_INPUT, -2, hide, NULL);
    fixture_layer(&run, "output", 1, 2, 1, 0, -2, hide, NULL);
    assert_table(concentration(&run), HEADER "r input 2 0 nan 2 nan nan nan nan nan\n"
                                             "r hidden 2 0 2 2 nan nan nan 0 0\n"
                                             "r output 1 0 1 nan nan nan nan 0 0\n");
    fixture_destroy(&run);
}

/* The outgoing weights of a are those of b and of c, which reads a + b. */
static void test_summed_branches(void **state) {
    (void)state;
    const int8_t a[] = {1, 1, 1, 1}, b[] = {1, 1, 0, 0}, c[] = {1, 0, 1, 0};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "a", 2, 2, 1, SM_NETWORK_INPUT, -2, a, NULL);
    fixture_layer(&run, "b", 2, 2, 1, 0, -2, b, NULL);
    fixture_layer(&run, "c", 2, 2, 1, 0, 1, c, NULL);
    assert_table(concentration(&run), HEADER "r input 2 2 nan 0 nan 0 nan nan nan\n"
                                             "r a 2 2 0 0 0 .25 0 2 2\n"
                                             "r b 2 1 1 1 .5 .5 1 2 1\n"
                                             "r c 2 2 0 nan 0 nan 0 1 1\n");
    fixture_destroy(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_all_hide),
        cmocka_unit_test(test_summed_branches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
