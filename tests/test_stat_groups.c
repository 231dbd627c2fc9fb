/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics summary and groups, and what they are made of. */
#include "tests/hand_fixture.h"

#include "analyze/counts.h"
#include "analyze/groups.h"
#include "analyze/json.h"

/* ---- summary ---- */

/* + 0 -
 * 0 + 0   shares 1/3, 1/2, 1/6 */
static const int8_t mask[] = {1, 0, -1, 0, 1, 0};
static const double bits = 0.52832083357371874 + 0.5 + 0.43082708345352599; /* -p log2 p of 1/3, 1/2, 1/6 */

static void summary_by_hand(void **state) {
    (void)state;
    const int8_t *const masks[] = {mask, mask, mask};
    struct sm_metrics metrics[] = {{.epoch = 1, .test_accuracy = 0.75, .seconds = 4},
                                   {.epoch = 2, .test_accuracy = 0.5, .seconds = 8},
                                   {.epoch = 3, .test_accuracy = 1, .seconds = 12}};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    f.run.metrics = metrics;
    f.run.n_metrics = 3;
    f.run.weight_seed = UINT64_MAX;
    fixture_run(&f, &sm_stat_summary, 3, masks, NULL, &grid);
    assert_string_equal(grid_cell(&grid, 0, "weight_seed"), "18446744073709551615");
    assert_string_equal(grid_cell(&grid, 0, "parameters"), "6");
    assert_string_equal(grid_cell(&grid, 0, "remaining_weights"), "3");
    assert_near(grid_real(&grid, 0, "remaining"), 0.5);
    assert_near(grid_real(&grid, 0, "epochs"), 2); /* the row of epoch 3 is later than the mask */
    assert_near(grid_real(&grid, 0, "test_accuracy"), 0.5);
    assert_near(grid_real(&grid, 0, "best_test_accuracy"), 0.75);
    assert_near(grid_real(&grid, 0, "seconds"), 8);
    assert_near(grid_real(&grid, 0, "bits_per_weight"), bits);
    assert_near(grid_real(&grid, 0, "compression"), 32 / bits);
    grid_free(&grid);
    fixture_destroy(&f);
}

/* Rounds stand in the place of metrics: 0.75, not measured, 0.5, and 1 of a later round. */
static void summary_in_rounds(void **state) {
    (void)state;
    const int8_t *const masks[] = {mask, mask, mask};
    struct sm_metrics metrics[] = {{.epoch = 1, .test_accuracy = 0.9, .seconds = 4}};
    struct sm_round rounds[] = {
        {.test_accuracy = 0.75}, {.test_accuracy = NAN}, {.test_accuracy = 0.5}, {.test_accuracy = 1}};
    static const double want[][2] = {{NAN, NAN}, {NAN, 0.75}, {NAN, 0.75}, {0.5, 0.75}, {0.5, 0.75}};
    for (size_t n = 0; n <= 4; n++) {
        struct fixture f;
        struct grid grid;
        fixture_init(&f);
        f.run.metrics = metrics;
        f.run.n_metrics = 1;
        f.run.in_rounds = true;
        f.run.rounds = rounds;
        f.run.n_rounds = n;
        fixture_run(&f, &sm_stat_summary, 3, masks, NULL, &grid);
        assert_near(grid_real(&grid, 0, "test_accuracy"), want[n][0]);
        assert_near(grid_real(&grid, 0, "best_test_accuracy"), want[n][1]);
        assert_near(grid_real(&grid, 0, "seconds"), 4);
        grid_free(&grid);
        fixture_destroy(&f);
    }
}

static void summary_of_trained_weights(void **state) {
    (void)state;
    const int8_t *const masks[] = {mask};
    struct fixture f;
    struct grid grid;
    fixture_init(&f);
    f.run.trains_weights = true;
    fixture_run(&f, &sm_stat_summary, 1, masks, NULL, &grid);
    assert_string_equal(grid_cell(&grid, 0, "bits_per_weight"), "nan");
    assert_string_equal(grid_cell(&grid, 0, "compression"), "nan");
    assert_string_equal(grid_cell(&grid, 0, "test_accuracy"), "nan");
    assert_string_equal(grid_cell(&grid, 0, "seconds"), "nan");
    grid_free(&grid);
    fixture_destroy(&f);
}

static void entropies(void **state) {
    (void)state;
    assert_near(sm_counts_entropy((struct sm_counts){5, 0, 0}), 0);
    assert_near(sm_counts_entropy((struct sm_counts){5, 5, 0}), 1);
    assert_near(sm_counts_entropy((struct sm_counts){7, 7, 7}), log2(3));
    assert_near(sm_counts_entropy((struct sm_counts){0, 0, 0}), NAN);
}

/* ---- estimates ---- */

static void estimates(void **state) {
    (void)state;
    const double values[] = {1, 2, 3};
    struct sm_estimate e = sm_estimate_of(values, 3);
    const double half = 0.95 / sqrt(2 * 0.975 * 0.025) / sqrt(3); /* t(p, 2) = (2p - 1) / sqrt(2p(1 - p)), sd 1 */
    assert_near(e.mean, 2);
    assert_near(e.sd, 1);
    assert_near(e.low, 2 - half);
    assert_near(e.high, 2 + half);
    e = sm_estimate_of(values, 1);
    assert_near(e.mean, 1);
    assert_true(isnan(e.sd) && isnan(e.low) && isnan(e.high));
    assert_true(isnan(sm_estimate_of(values, 0).mean));
    const double lacking[] = {1, NAN, 3};
    e = sm_estimate_of(lacking, 3);
    assert_true(isnan(e.mean) && isnan(e.sd) && isnan(e.low) && isnan(e.high));
}

/* ---- grouping ---- */

struct member {
    const char *recipe;
    uint64_t seed;
    const char *method; /* NULL: m_1 */
};

enum { MOST_MEMBERS = 8 };

static void group_runs(const struct member *members, size_t n, struct sm_groups *groups, struct sm_notes *notes) {
    static char sha[] = "00", name[] = "fcn-mnist", dataset[] = "mnist";
    static struct sm_run runs[MOST_MEMBERS];
    struct sm_error err = {.text = ""};
    assert_true(n <= MOST_MEMBERS);
    assert_int_equal(sm_groups_init(groups, n, &err), 0);
    for (size_t i = 0; i < n; i++) {
        char *recipe = (char *)members[i].recipe, *method = (char *)(members[i].method ? members[i].method : "m_1");
        runs[i] = (struct sm_run){.name = recipe,
                                  .path = recipe,
                                  .recipe = recipe,
                                  .recipe_name = name,
                                  .method = method,
                                  .dataset = dataset,
                                  .dataset_sha256 = sha,
                                  .net = {.name = "fcn"}};
        groups->summary[i] = (struct sm_run_summary){.run = "r",
                                                     .network = "fcn",
                                                     .dataset = dataset,
                                                     .method = method,
                                                     .recipe = name,
                                                     .weight_seed = members[i].seed,
                                                     .test_accuracy = 0.5 + 0.25 * (double)i,
                                                     .remaining = 0.25};
        assert_int_equal(sm_groups_add(groups, i, &runs[i], notes, &err), 0);
    }
    assert_int_equal(sm_groups_finish(groups, notes, &err), 0);
}

/* A control of each seed takes the masks of that seed's run. */
static void masks_of_other_runs_are_alike(void **state) {
    (void)state;
    const struct member members[] = {{"masks_from: seed1.h5\nweight_seed: 1\n", 1, NULL},
                                     {"masks_from: seed2.h5\nweight_seed: 2\n", 2, NULL},
                                     {"weight_seed: 3\n", 3, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 3, &groups, &notes);
    assert_int_equal(groups.n_groups, 2);
    assert_int_equal(groups.group[0].n_members, 2);
    assert_string_equal(groups.group[0].variant, "masks_from: \"a run\"");
    assert_string_equal(groups.group[1].variant, "masks_from: \"\"");
    sm_notes_destroy(&notes);
    sm_groups_destroy(&groups);
}

/* The same recipe letter by letter: the method alone keeps them apart. */
static void methods_never_mix(void **state) {
    (void)state;
    const struct member members[] = {
        {"threads: 1\n", 1, "one"}, {"threads: 1\n", 2, "other"}, {"threads: 1\n", 3, "one"}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 3, &groups, &notes);
    assert_int_equal(groups.n_groups, 2);
    assert_int_equal(groups.group[0].n_members, 2);
    assert_int_equal(groups.group[0].member[1], 2);
    assert_near(groups.group[0].estimate[SM_GROUP_test_accuracy].mean, 0.75);
    assert_near(groups.group[1].estimate[SM_GROUP_test_accuracy].mean, 0.75);
    sm_groups_destroy(&groups);
}

static void settings_make_the_group(void **state) {
    (void)state;
    const struct member members[] = {{"threads: 1\nweight_seed: 1\npublished_accuracy: 0.9748\n", 1, NULL},
                                     {"threads: 2\nweight_seed: 2\npublished_accuracy: 0.9748\n", 2, NULL},
                                     {"threshold: 0.5\nweight_seed: 3\npublished_accuracy: 0.9748\n", 3, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 3, &groups, &notes);
    assert_int_equal(groups.n_groups, 2);
    assert_int_equal(groups.group[0].n_members, 2);
    assert_int_equal(groups.group[1].member[0], 2);
    assert_string_equal(groups.group[0].variant, "threshold: 0.01");
    assert_string_equal(groups.group[1].variant, "threshold: 0.5");
    assert_near(groups.group[0].published.accuracy, 0.9748);
    assert_near(groups.group[0].published.remaining, NAN);
    assert_near(groups.group[0].estimate[SM_GROUP_test_accuracy].mean, 0.625);
    assert_int_equal(notes.n, 0);
    sm_groups_destroy(&groups);
}

static char *tex_of(const struct sm_groups *groups);

/* The shipped recipe as it stands, but for what is set; the text of a run. malloc'ed. */
static char *shipped(const char *name, const char *set) {
    struct sm_recipe recipe;
    struct sm_error err = {.text = ""};
    sm_recipe_defaults(&recipe);
    if (sm_recipe_read(&recipe, name, &err) != 0 || (set && sm_recipe_set(&recipe, set, &err) != 0))
        fail_msg("%s", err.text);
    return sm_recipe_text(&recipe);
}

/* One run of that recipe: what it is compared with, what is noted of it, and its row in LaTeX. */
static void assert_published(const char *set, double accuracy, const char *departures, bool noted, const char *mark) {
    char *recipe = shipped("fcn-mnist", set);
    const struct member members[] = {{recipe, 1, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 1, &groups, &notes);
    const struct sm_published *published = &groups.group[0].published;
    char *tex = tex_of(&groups);
    assert_near(published->accuracy, accuracy);
    assert_near(published->remaining, isnan(accuracy) ? NAN : 0.0377);
    assert_near(sm_group_accuracy_difference(&groups.group[0]), 0.5 - accuracy);
    assert_string_equal(published->departures, departures);
    assert_true(published->of_another_experiment == noted);
    assert_int_equal(notes.n, noted);
    if (noted) assert_non_null(strstr(notes.text[0], "published for fcn-mnist is of another experiment"));
    assert_true((strstr(tex, "fcn-mnist$^\\dagger$ & ") != NULL) == (*mark != 0));
    assert_true((strstr(tex, "{\\footnotesize $^\\dagger$ Settings or data depart") != NULL) == (*mark != 0));
    free(tex);
    free(recipe);
    sm_notes_destroy(&notes);
    sm_groups_destroy(&groups);
}

/* Other settings make another attempt, another network, data set or method another experiment. */
static void published_values_are_of_their_experiment(void **state) {
    (void)state;
    assert_published(NULL, 0.9748, "", false, "");
    assert_published("weight_seed=7", 0.9748, "", false, "");
    assert_published("record=10", 0.9748, "", false, "");
    assert_published("epochs=2", 0.9748, "epochs: 2", false, "d");
    assert_published("dataset=digits", NAN, "dataset: \"digits\"", true, "d");
    assert_published("network=784-20-10", NAN, "network: \"784-20-10\"", true, "d");
    assert_published("width=0.5", NAN, "width: 0.5", true, "d");
    assert_published("method=dense", NAN, "method: \"dense\"", true, "d");
    assert_published("activation=relu", NAN, "activation: relu", true, "d");
}

/* A part of a data set is another experiment; of a file that does not say what was at hand nobody knows. */
static void images_that_were_not_there(void **state) {
    (void)state;
    static const struct {
        uint64_t n_train, n_test;
        double accuracy;
        const char *departures;
    } cases[] = {{60000, 10000, 0.9748, ""},
                 {0, 0, 0.9748, ""},
                 {55000, 10000, NAN, "images: 55000 of 60000 for training and 10000 of 10000 for testing"},
                 {60000, 100, NAN, "images: 60000 of 60000 for training and 100 of 10000 for testing"}};
    char path[] = "run.h5", dataset[] = "mnist", *recipe = shipped("fcn-mnist", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sm_run run = {.path = path,
                                   .recipe = recipe,
                                   .dataset = dataset,
                                   .n_train_images = cases[i].n_train,
                                   .n_test_images = cases[i].n_test};
        struct sm_published published;
        struct sm_error err = {.text = ""};
        assert_int_equal(sm_published_init(&published, &run, &err), 0);
        assert_near(published.accuracy, cases[i].accuracy);
        assert_string_equal(published.departures, cases[i].departures);
        assert_true(published.of_another_experiment == (bool)isnan(cases[i].accuracy));
        sm_published_destroy(&published);
    }
    free(recipe);
}

/* A recipe of the user's own, whatever its name, says itself what was published. */
static void recipes_that_are_not_shipped_keep_theirs(void **state) {
    (void)state;
    const struct member members[] = {{"name: mine\ndataset: digits\npublished_accuracy: 0.875\n", 1, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 1, &groups, &notes);
    assert_near(groups.group[0].published.accuracy, 0.875);
    assert_string_equal(groups.group[0].published.departures, "");
    assert_int_equal(notes.n, 0);
    sm_groups_destroy(&groups);
}

/* What is measured before the end of training is set beside what was published, and not subtracted from it. */
static void unfinished_runs_have_no_difference(void **state) {
    (void)state;
    const char recipe[] = "published_accuracy: 0.875\npublished_remaining: 0.25\n";
    const struct member members[] = {{recipe, 1, NULL}, {recipe, 2, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 2, &groups, &notes);
    char *tex = tex_of(&groups);
    assert_null(strstr(tex, "Measured before the end of training."));
    assert_near(sm_group_accuracy_difference(&groups.group[0]), 0.625 - 0.875);
    free(tex);
    groups.group[0].n_unfinished = 1;
    tex = tex_of(&groups);
    assert_non_null(strstr(tex, "$^\\S$ & "));
    assert_non_null(strstr(tex, "$^\\S$ Measured before the end of training."));
    assert_true(isnan(sm_group_accuracy_difference(&groups.group[0])));
    assert_true(isnan(sm_group_remaining_difference(&groups.group[0])));
    assert_near(groups.group[0].published.accuracy, 0.875);
    free(tex);
    sm_notes_destroy(&notes);
    sm_groups_destroy(&groups);
}

/* The last round is not what the best of a paper is compared with. */
static void rounds_have_no_difference(void **state) {
    (void)state;
    const struct member members[] = {{"published_accuracy: 0.875\npublished_remaining: 0.25\n", 1, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 1, &groups, &notes);
    struct sm_run run = *groups.group[0].first;
    assert_near(sm_group_accuracy_difference(&groups.group[0]), 0.5 - 0.875);
    run.in_rounds = true;
    groups.group[0].first = &run;
    assert_near(sm_group_accuracy_difference(&groups.group[0]), NAN);
    assert_near(sm_group_remaining_difference(&groups.group[0]), NAN);
    char *tex = tex_of(&groups);
    assert_non_null(strstr(tex, "fcn-mnist$^\\ddagger$ & "));
    assert_non_null(strstr(tex, "$^\\ddagger$ Measured: the last round. Published: the best one.} \\\\\n"));
    free(tex);
    sm_groups_destroy(&groups);
}

static void same_seeds_are_noted(void **state) {
    (void)state;
    const struct member members[] = {{"threads: 1\n", 5, NULL}, {"threads: 1\n", 5, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 2, &groups, &notes);
    assert_int_equal(groups.n_groups, 1);
    assert_string_equal(groups.group[0].variant, "-");
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.text[0], "same seeds"));
    sm_notes_destroy(&notes);
    sm_groups_destroy(&groups);
}

static void unreadable_recipe_is_noted(void **state) {
    (void)state;
    const struct member members[] = {{"threads: 1\n", 1, NULL},
                                     {"no_such_key: 1\n", 2, NULL},
                                     {"no_such_key: 2\n", 3, NULL},
                                     {"no_such_key: 1\n", 4, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 4, &groups, &notes);
    assert_int_equal(groups.n_groups, 3); /* never averaged with what may be something else */
    assert_int_equal(groups.group[1].n_members, 2);
    assert_string_equal(groups.group[0].variant, "-");
    assert_string_equal(groups.group[1].variant, "unreadable recipe");
    assert_string_equal(groups.group[2].variant, "unreadable recipe");
    assert_int_equal(notes.n, 2); /* the same sentence is not said twice */
    assert_non_null(strstr(notes.text[0], "no_such_key"));
    sm_notes_destroy(&notes);
    sm_groups_destroy(&groups);
}

/* ---- LaTeX and JSON ---- */

static char *tex_of(const struct sm_groups *groups) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    sm_groups_print_tex(groups, file);
    fclose(file);
    return text;
}

static void tex_rows(void **state) {
    (void)state;
    const struct member members[] = {{"published_accuracy: 0.9748\n", 1, NULL},
                                     {"published_accuracy: 0.9748\n", 2, NULL}};
    struct sm_groups groups;
    struct sm_notes notes = {0};
    group_runs(members, 2, &groups, &notes);
    char *text = tex_of(&groups);
    /* mean of 0.5 and 0.75; half width t(.975, 1) * 0.125 = 1.5883 */
    assert_non_null(strstr(text, "fcn-mnist & fcn & mnist & m\\_1 & 2 & $62.50 \\pm 158.83$ & $97.48$ & "
                                 "$-34.98$ & $25.00 \\pm 0.00$ & -- & -- \\\\\n"));
    free(text);
    sm_groups_destroy(&groups);
}

static void assert_json(const char *text, const char *want) {
    char *got = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&got, &size);
    sm_json_string(file, text);
    fclose(file);
    assert_string_equal(got, want);
    free(got);
}

static void json_strings(void **state) {
    (void)state;
    assert_json("", "\"\"");
    assert_json("a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\"");
    assert_json("tab\tnewline\n\x01", "\"tab\\u0009newline\\u000a\\u0001\"");
    assert_json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    assert_json("\xff", "\"\\ufffd\"");
    assert_json("\xc3", "\"\\ufffd\"");
    assert_json("\xc0\x80", "\"\\ufffd\\ufffd\"");            /* overlong */
    assert_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    assert_json("\xf4\x90\x80\x80x", "\"\\ufffd\\ufffd\\ufffd\\ufffdx\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(summary_by_hand),
                                       cmocka_unit_test(summary_in_rounds),
                                       cmocka_unit_test(summary_of_trained_weights),
                                       cmocka_unit_test(entropies),
                                       cmocka_unit_test(estimates),
                                       cmocka_unit_test(masks_of_other_runs_are_alike),
                                       cmocka_unit_test(settings_make_the_group),
                                       cmocka_unit_test(published_values_are_of_their_experiment),
                                       cmocka_unit_test(recipes_that_are_not_shipped_keep_theirs),
                                       cmocka_unit_test(images_that_were_not_there),
                                       cmocka_unit_test(unfinished_runs_have_no_difference),
                                       cmocka_unit_test(rounds_have_no_difference),
                                       cmocka_unit_test(methods_never_mix),
                                       cmocka_unit_test(same_seeds_are_noted),
                                       cmocka_unit_test(unreadable_recipe_is_noted),
                                       cmocka_unit_test(tex_rows),
                                       cmocka_unit_test(json_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
