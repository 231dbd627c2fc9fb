/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interfaces on paper. */
#include "tests/stat_fixture.h"

#define HEADER "run layer next_layer units fed read both jaccard spearman p_value\n"

static char *interfaces(struct fixture *fixture) {
    return fixture_table(&sm_stat_interfaces, NULL, fixture, NULL);
}

/* Fan-ins 2 1 0 of three units, read 0, 1, 2 times: ranks are opposite, so r = -1 and p = 0. */
static void test_opposite(void **state) {
    (void)state;
    const int8_t hidden[] = {1, -1, 0, 1, 0, 0}, output[] = {0, 1, -1, 0, 0, 1};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 3, 2, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&run, "output", 2, 3, 1, 0, -2, output, NULL);
    assert_table(interfaces(&run), HEADER "r hidden output 3 2 2 1 .33333333333333333 -1 0\n");
    fixture_destroy(&run);
}

/* r = 1/2 over three units: t = 1/sqrt(3) with one degree of freedom (Cauchy): p = 1 - 2/pi atan(1/sqrt(3)) = 2/3. */
static void test_p_of_one_degree_of_freedom(void **state) {
    (void)state;
    const int8_t hidden[] = {1, 0, 0, 1, 1, 0, -1, 1, -1}, output[] = {0, 1, 0, 0, -1, 1};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "hidden", 3, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL); /* 1 2 3 against 0 2 1 */
    fixture_layer(&run, "output", 2, 3, 1, 0, -2, output, NULL);
    assert_table(interfaces(&run), HEADER "r hidden output 3 3 2 2 .66666666666666667 .5 .66666666666666667\n");
    fixture_destroy(&run);
}

/* A row for each reader of each branch; equal fans have no rank correlation; two units have no p. */
static void test_branches_and_undefined(void **state) {
    (void)state;
    const int8_t a[] = {1, 1, 0, 1}, b[] = {1, 1, 0, 0}, c[] = {0, 1}, none[] = {0};
    struct fixture run;
    fixture_init(&run, "r");
    fixture_layer(&run, "a", 2, 2, 1, SM_NETWORK_INPUT, -2, a, NULL);
    fixture_layer(&run, "b", 2, 2, 1, 0, -2, b, NULL);
    fixture_layer(&run, "c", 1, 2, 1, 0, 1, c, NULL);
    fixture_layer(&run, "d", 1, 1, 1, 2, -2, none, NULL);
    assert_table(interfaces(&run), HEADER "r a b 2 2 2 2 1 nan nan\n"
                                          "r a c 2 2 1 1 .5 -1 nan\n"
                                          "r b c 2 1 1 0 0 -1 nan\n"
                                          "r c d 1 1 0 0 0 nan nan\n");
    fixture_destroy(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opposite),
        cmocka_unit_test(test_p_of_one_degree_of_freedom),
        cmocka_unit_test(test_branches_and_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
