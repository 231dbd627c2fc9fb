/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is noted of runs whose masks are samples. */
#include "analyze/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sm_notes notes_of(const struct sm_run *runs, size_t n_runs, const struct sm_statistic *const *tables,
                                size_t n_tables) {
    struct sm_notes notes = {0};
    const struct sm_analysis analysis = {.n_runs = n_runs, .runs = runs, .notes = &notes};
    sm_samples_note(&analysis, tables, n_tables);
    return notes;
}

/* One note for the tables that compare records, one for those that compare runs. */
static void tables_and_runs_are_named(void **state) {
    (void)state;
    const struct sm_run runs[] = {
        {.name = "a"}, {.name = "b", .samples_masks = true}, {.name = "c", .samples_masks = true}};
    const struct sm_statistic *const tables[] = {&sm_stat_ratios, &sm_stat_flips, &sm_stat_overlap, &sm_stat_settling};
    struct sm_notes notes = notes_of(runs, 2, tables, 4);
    assert_int_equal(notes.n, 2);
    assert_non_null(strstr(notes.text[0], "flips, settling: masks of b are samples, drawn anew for each record"));
    assert_non_null(strstr(notes.text[1], "overlap: masks of b are samples, drawn anew for each record: one draw"));
    sm_notes_destroy(&notes);
    notes = notes_of(runs, 3, tables, 2);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.text[0], "flips: masks of 2 runs, the first of them b, are samples"));
    sm_notes_destroy(&notes);
}

static void nothing_where_there_are_none(void **state) {
    (void)state;
    const struct sm_run runs[] = {{.name = "a"}, {.name = "b", .samples_masks = true}};
    const struct sm_statistic *const tables[] = {&sm_stat_flips, &sm_stat_overlap, &sm_stat_ratios};
    assert_int_equal(notes_of(runs, 1, tables, 3).n, 0);
    assert_int_equal(notes_of(runs, 2, tables + 2, 1).n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_runs_are_named),
        cmocka_unit_test(nothing_where_there_are_none),
    };
    return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
