/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two methods on paper. */
#include "tests/stat_fixture.h"

#include "analyze/running.h"

/* ---- running means ---- */

static void test_running(void **state) {
    (void)state;
    struct sm_running r = {0};
    assert_true(isnan(sm_running_mean(&r)) && isnan(sm_running_sd(&r)) && isnan(sm_running_least(&r)));
    sm_running_add(&r, NAN);
    sm_running_add(&r, -2);
    assert_true(r.n == 1 && sm_running_mean(&r) == -2 && sm_running_most(&r) == -2 && isnan(sm_running_sd(&r)));
    sm_running_add(&r, 4);
    sm_running_add(&r, 1);
    assert_true(fabs(sm_running_mean(&r) - 1) < 1e-15 && fabs(sm_running_sd(&r) - 3) < 1e-15);
    assert_true(sm_running_least(&r) == -2 && sm_running_most(&r) == 4);
}

/* ---- association ---- */

static double association(size_t n, size_t a, size_t b, size_t both) {
    const struct sm_overlap_cells cells = {
        .n = n, .a = a, .b = b, .both = both, .expected_both = (double)(a * b) / (double)n};
    return sm_overlap_association(&cells);
}

static void test_association(void **state) {
    (void)state;
    assert_true(fabs(association(12, 6, 4, 2)) < 1e-15);     /* as chance has it */
    assert_true(fabs(association(12, 6, 4, 4) - 1) < 1e-15); /* all of the smaller one */
    assert_true(fabs(association(12, 6, 4, 3) - .5) < 1e-15);
    assert_true(fabs(association(12, 6, 4, 1) + .5) < 1e-15);
    assert_true(fabs(association(12, 6, 4, 0) + 1) < 1e-15); /* nothing */
    assert_true(fabs(association(12, 9, 8, 5) + 1) < 1e-15); /* as little as there can be: E = 6 */
    assert_true(isnan(association(12, 12, 5, 5)) && isnan(association(12, 0, 5, 0)));
}

/* ---- the table ---- */

enum { MOST_RUNS = 4, MOST_CELLS = 32 };

struct session {
    struct fixture fixture[MOST_RUNS];
    struct sm_run runs[MOST_RUNS];
    size_t n;
};

/* One layer with 2 units and 3 inputs; the fixture's network is the run's. */
static void add_run(struct session *s, const char *method, uint64_t weight_seed, const int8_t *mask,
                    const float *weights) {
    static char nothing[] = "", recipe[] = "one";
    struct fixture *f = &s->fixture[s->n];
    fixture_init(f, "run");
    fixture_layer(f, "output", 2, 3, 1, SM_NETWORK_INPUT, -2, mask, weights);
    f->run.method = (char *)method;
    f->run.recipe = f->run.dataset = f->run.dataset_sha256 = nothing;
    f->run.recipe_name = recipe;
    f->run.weight_seed = weight_seed;
    s->runs[s->n++] = f->run;
}

static void write_pairs(struct session *s, const struct sm_statistic *statistic, const struct sm_analysis *analysis,
                        void *state, struct sm_table *table) {
    struct sm_error err = {{0}};
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = i + 1; j < s->n; j++) {
            struct sm_moment a = fixture_moment(&s->fixture[i]), b = fixture_moment(&s->fixture[j]);
            a.run_index = i;
            b.run_index = j;
            struct sm_alignments alignments;
            struct sm_overlaps overlaps = {0};
            sm_alignments_init(&alignments, analysis->options);
            const struct sm_pair pair = {&a, &b, &alignments, &overlaps};
            assert_int_equal(statistic->pair(state, &pair, table, &err), 0);
            sm_overlaps_destroy(&overlaps);
            sm_alignments_destroy(&alignments);
        }
}

/* The whole file, also of the runs; destroys them. */
static char *table_of(struct session *s, const struct sm_statistic *statistic) {
    const struct sm_options options = {.compare = SM_COMPARE_MASK, .seed = 1, .n_starts = 1, .n_nulls = 3};
    const struct sm_analysis analysis = {.options = &options, .n_runs = s->n, .runs = s->runs};
    char directory[] = "/tmp/supermask-stat-XXXXXX", path[256];
    struct sm_error err = {{0}};
    struct sm_table *table;
    void *state = NULL;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(sm_table_open(&table, directory, statistic->name, statistic->about, NULL, statistic->columns,
                                   statistic->n_columns, &err),
                     0);
    assert_int_equal(statistic->open(&state, &analysis, &err), 0);
    write_pairs(s, statistic, &analysis, state, table);
    assert_int_equal(statistic->close(state, table, &err), 0);
    statistic->free(state);
    assert_int_equal(sm_table_close(table, &err), 0);
    snprintf(path, sizeof path, "%s/%s.tsv", directory, statistic->name);
    char *text = read_text(path);
    assert_int_equal(remove(path) + rmdir(directory), 0);
    for (size_t i = 0; i < s->n; i++) fixture_destroy(&s->fixture[i]);
    return text;
}

/* The row of a table whose first cells are those of `key`, apart by blanks; its cell in that column. */
static double cell_of(const char *table, const char *key, const char *column) {
    char *copy = strdup(table), *rest = copy, *header = next_line(&rest), *line, *cell;
    size_t wanted = 0, length = strlen(key);
    while ((cell = strsep(&header, "\t")) && strcmp(cell, column) != 0) wanted++;
    assert_non_null(cell);
    double value = NAN;
    bool found = false;
    while ((line = next_line(&rest))) {
        char blanks[1024];
        snprintf(blanks, sizeof blanks, "%s", line);
        for (char *c = blanks; *c; c++)
            if (*c == ' ') *c = '_';
        for (char *c = blanks; *c; c++)
            if (*c == '\t') *c = ' ';
        if (strncmp(blanks, key, length) != 0) continue;
        for (size_t c = 0; c <= wanted; c++) cell = strsep(&line, "\t");
        value = strtod(cell, NULL);
        found = true;
        break;
    }
    if (!found) fail_msg("no row %s in\n%s", key, table);
    free(copy);
    return value;
}

static void assert_cell(const char *table, const char *key, const char *column, double want) {
    double got = cell_of(table, key, column);
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) < 1e-12)) fail_msg("%s %s: %g, not %g", key, column, got, want);
}

#define A "one_(method:_a) a "
#define B "one_(method:_b) b "

/* a keeps four weights of six; of b's three, two and one are among them, E = 2: associations 0 for two, -1 (bound 1)
 * for one, +1 for three. */
static void test_methods_by_hand(void **state) {
    (void)state;
    const int8_t four[] = {1, 1, 0, 1, -1, 0}, inside[] = {1, 1, 0, 1, 0, 0}, outside[] = {0, 1, 1, 0, 0, 1};
    const float w[] = {1, 1, 1, -1, -1, -1}, other[] = {1, -1, 1, -1, 1, 1};
    struct session s = {0};
    add_run(&s, "a", 1, four, w);
    add_run(&s, "b", 1, inside, w);
    add_run(&s, "b", 2, outside, other);
    add_run(&s, "a", 3, four, w);
    char *text = table_of(&s, &sm_stat_methods);
    const char *same = A B "same 1 output mask raw independent ",
               *others = A B "different 3 output mask raw independent ";
    assert_cell(text, same, "initial_signs", 1);
    assert_cell(text, same, "initial_scores", NAN);
    assert_cell(text, same, "remaining_a", 4.0 / 6);
    assert_cell(text, same, "remaining_b", .5);
    assert_cell(text, same, "jaccard", .75);
    assert_cell(text, same, "jaccard_sd", NAN);
    assert_cell(text, same, "association", 1);
    assert_cell(text, same, "overlap_coefficient", 1);
    assert_cell(text, same, "sign_agreement", 1);
    /* Places in common: 1, 2 or 3 of 20 choices 4, 12 and 4; jaccards 1/6, 2/5, 3/4. */
    assert_cell(text, same, "expected_jaccard", (4.0 / 6 + 12 * .4 + 4 * .75) / 20);
    assert_cell(text, same, "significant", 0); /* p = .2 */
    /* 0 with 2: one in common; 2 with 3, b before a: the same; 1 with 3: three. */
    assert_cell(text, others, "initial_signs", (.5 + .5 + 1) / 3);
    assert_cell(text, others, "remaining_a", 4.0 / 6);
    assert_cell(text, others, "jaccard", (1 / 6.0 + 1 / 6.0 + .75) / 3);
    assert_cell(text, others, "jaccard_low", 1 / 6.0);
    assert_cell(text, others, "jaccard_high", .75);
    assert_cell(text, others, "association", (-1 - 1 + 1) / 3.0);
    assert_cell(text, others, "association_low", -1);
    /* Within a group: the two runs of a are alike but for their seeds. */
    assert_cell(text, A A "different 1 output mask raw independent ", "association", 1);
    assert_cell(text, B B "different 1 output mask raw independent ", "jaccard", .2);
    free(text);
}

/* Fan-outs of the three inputs: 2 2 0, and 2 1 0 or 0 1 2. Average ranks 2.5 2.5 1 against 3 2 1: Pearson sqrt(3)/2. */
static void test_units_by_hand(void **state) {
    (void)state;
    const int8_t first[] = {1, 1, 0, 1, -1, 0}, second[] = {1, 1, 0, 1, 0, 0}, third[] = {0, 1, 1, 0, 0, 1};
    struct session s = {0};
    add_run(&s, "a", 1, first, NULL);
    add_run(&s, "b", 1, second, NULL);
    add_run(&s, "b", 2, third, NULL);
    char *text = table_of(&s, &sm_stat_methods_units);
    const double root = sqrt(3) / 2;
    assert_cell(text, A B "same 1 input fan_out raw all ", "spearman", root);
    assert_cell(text, A B "same 1 input fan_out raw all ", "n", 3);
    assert_cell(text, A B "same 1 input fan_out raw alive ", "n", 2);
    assert_cell(text, A B "different 1 input fan_out raw all ", "spearman", -root);
    assert_cell(text, B B "different 1 input fan_out raw all ", "spearman", -1);
    assert_cell(text, A B "same 1 output fan_in raw all ", "spearman", NAN); /* 2 and 2 */
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_association),
        cmocka_unit_test(test_methods_by_hand),
        cmocka_unit_test(test_units_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
