/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pairs of runs are compared, on paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/pairs.h"

enum { MOST_RUNS = 8 };

struct session {
    struct sm_run runs[MOST_RUNS];
    struct sm_options options;
    struct sm_notes notes;
    struct sm_analysis analysis;
};

/* methods: a letter for each run; seeds: a digit for each. */
static void session_init(struct session *s, char *methods, const char *seeds, size_t n_pairs) {
    static char nothing[] = "", letters[26][2];
    size_t n = strlen(methods);
    assert_true(n <= MOST_RUNS && strlen(seeds) == n);
    *s = (struct session){.options = {.n_pairs = n_pairs}};
    for (size_t i = 0; i < n; i++) {
        char *method = letters[methods[i] - 'a'];
        method[0] = methods[i];
        s->runs[i] = (struct sm_run){.path = nothing,
                                     .name = nothing,
                                     .recipe = nothing,
                                     .recipe_name = nothing,
                                     .dataset = nothing,
                                     .dataset_sha256 = nothing,
                                     .method = method,
                                     .weight_seed = (uint64_t)(seeds[i] - '0')};
    }
    s->analysis = (struct sm_analysis){.options = &s->options, .n_runs = n, .runs = s->runs, .notes = &s->notes};
}

/* "01 02 12" in the order of a, then b. */
static void assert_pairs(char *methods, const char *seeds, size_t n_pairs, const char *wanted, size_t n_left_out) {
    struct session s;
    struct sm_pairs pairs;
    struct sm_error err = {{0}};
    char found[256] = "";
    size_t n = 0;
    session_init(&s, methods, seeds, n_pairs);
    assert_int_equal(sm_pairs_init(&pairs, &s.analysis, &err), 0);
    for (size_t a = 0; a < s.analysis.n_runs; a++)
        for (size_t b = 0; b < s.analysis.n_runs; b++) {
            if (!sm_pairs_has(&pairs, a, b)) continue;
            assert_true(a < b);
            char text[] = {(char)('0' + a), (char)('0' + b), ' ', 0};
            strcat(found, text);
            n++;
        }
    assert_string_equal(found, wanted);
    assert_int_equal(pairs.n_chosen, n);
    assert_int_equal(pairs.n_left_out, n_left_out);
    sm_pairs_destroy(&pairs);
}

static void test_all_of_a_group(void **state) {
    (void)state;
    assert_pairs("aaa", "123", 1, "01 02 12 ", 0);
    assert_pairs("aaa", "111", 1, "01 02 12 ", 0);
    assert_pairs("a", "1", 1, "", 0);
}

static void test_some_of_two_groups(void **state) {
    (void)state;
    /* a: runs 0 1 2, b: 3 4 5, seeds alike: 03 14 25 have the same; then 0 with 4, 1 with 5, 2 with 3; then 05 ... */
    assert_pairs("aaabbb", "123123", 0, "01 02 03 04 05 12 13 14 15 23 24 25 34 35 45 ", 0);
    assert_pairs("aaabbb", "123123", 3, "01 02 03 04 12 14 15 23 25 34 35 45 ", 3);
    assert_pairs("aaabbb", "123123", 2, "01 02 03 04 12 14 15 34 35 45 ", 5);
    assert_pairs("aaabbb", "123123", 1, "01 02 03 04 12 34 35 45 ", 7);
    /* No seed in common: three others, each run once. */
    assert_pairs("aaabbb", "123456", 3, "01 02 03 12 14 25 34 35 45 ", 6);
}

static void test_groups_in_turn(void **state) {
    (void)state;
    /* a: 0 2, b: 1 3; the run that comes first on the command line is a pair's first. */
    assert_pairs("abab", "1122", 1, "01 02 03 13 ", 2);
    assert_pairs("babc", "1122", 1, "01 02 03 12 13 23 ", 0);
}

static void test_nothing_hidden(void **state) {
    (void)state;
    int8_t full[] = {1, -1, 1}, sparse[] = {1, 0, 1}, *full_mask[] = {full}, *sparse_mask[] = {sparse};
    struct session s;
    struct sm_pairs pairs;
    struct sm_error err = {{0}};
    session_init(&s, (char[]){"aab"}, "123", 5);
    for (size_t i = 0; i < 3; i++) {
        struct sm_layer *layer = sm_network_append(&s.runs[i].net, "output", 1);
        layer->n_in = 3;
        layer->n_out = layer->kernel_height = layer->kernel_width = layer->stride = 1;
        layer->inputs[0] = SM_NETWORK_INPUT;
    }
    assert_int_equal(sm_pairs_init(&pairs, &s.analysis, &err), 0);
    const struct sm_moment a = {.run = &s.runs[0], .run_index = 0, .mask = full_mask};
    const struct sm_moment b = {.run = &s.runs[1], .run_index = 1, .mask = full_mask};
    struct sm_moment c = {.run = &s.runs[2], .run_index = 2, .mask = sparse_mask};
    assert_true(sm_pairs_compares(&pairs, &a, &b)); /* one group */
    assert_int_equal(s.notes.n, 0);
    assert_false(sm_pairs_compares(&pairs, &a, &c));
    assert_int_equal(s.notes.n, 1);
    const struct sm_moment thin = {.run = &s.runs[0], .run_index = 0, .mask = sparse_mask};
    assert_true(sm_pairs_compares(&pairs, &thin, &c));
    c.mask = full_mask;
    assert_false(sm_pairs_compares(&pairs, &thin, &c));
    sm_pairs_destroy(&pairs);
    sm_notes_destroy(&s.notes);
    for (size_t i = 0; i < 3; i++) sm_network_destroy(&s.runs[i].net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_a_group),
        cmocka_unit_test(test_some_of_two_groups),
        cmocka_unit_test(test_groups_in_turn),
        cmocka_unit_test(test_nothing_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
