/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report's sentences, from small tables worked by hand. Runs a, b and c are one group, d and e another. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <supermask/text.h>

#include "analyze/question.h"

#define NB "\u00a0"

enum { N_RUNS = 5, N_RECORDS = 3 };

/* A network 4-3-2: two classes, chance is one half. */
static void append_layer(struct sm_network *net, const char *name, size_t n_out, size_t n_in, int input) {
    struct sm_layer *layer = sm_network_append(net, name, 1);
    assert_non_null(layer);
    layer->kind = SM_DENSE;
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    layer->inputs[0] = input;
}

struct fixture {
    struct sm_run run[N_RUNS];
    struct sm_options options;
    struct sm_analysis analysis;
    struct sm_sheets sheets;
    struct sm_report report;
    char directory[64];
};

static int64_t steps[N_RECORDS] = {0, 10, 20};
static double epochs[N_RECORDS] = {0, 1, 2};

static void init_run(struct sm_run *run, size_t i) {
    static const char *const names[N_RUNS] = {"a", "b", "c", "d", "e"};
    *run = (struct sm_run){.path = (char *)names[i],
                           .name = (char *)names[i],
                           .recipe = "not a recipe",
                           .recipe_name = "r",
                           .dataset = "digits",
                           .method = "signed-supermask",
                           .dataset_sha256 = "",
                           .n_records = N_RECORDS,
                           .complete = true,
                           .step = steps,
                           .epoch = epochs};
    append_layer(&run->net, "one", i < 3 ? 3 : 5, 4, SM_NETWORK_INPUT);
    append_layer(&run->net, "two", 2, i < 3 ? 3 : 5, 0);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct sm_error err = {{0}};
    assert_non_null(f);
    for (size_t i = 0; i < N_RUNS; i++) init_run(&f->run[i], i);
    strcpy(f->directory, "/tmp/supermask-findings-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->options = (struct sm_options){.n_nulls = 199};
    f->analysis = (struct sm_analysis){.options = &f->options, .n_runs = N_RUNS, .runs = f->run};
    f->report = (struct sm_report){
        .analysis = &f->analysis, .sheets = &f->sheets, .directory = f->directory, .formats = "none"};
    assert_int_equal(sm_seed_groups_init(&f->report.groups, &f->analysis, &err), 0);
    assert_int_equal(sm_sheets_init(&f->sheets, f->directory, &f->analysis, &f->report.groups, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char *command = sm_format("rm -r '%s'", f->directory);
    assert_int_equal(system(command), 0);
    free(command);
    sm_sheets_destroy(&f->sheets);
    sm_seed_groups_destroy(&f->report.groups);
    for (size_t i = 0; i < N_RUNS; i++) sm_network_destroy(&f->run[i].net);
    free(f);
    return 0;
}

/* Writes a table; blanks become tabs, and @ becomes a blank. */
static void put(const struct fixture *f, const char *table, const char *text) {
    char *path = sm_format("%s/%s.tsv", f->directory, table);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("# by hand\n", file);
    for (; *text; text++) fputc(*text == ' ' ? '\t' : *text == '@' ? ' ' : *text, file);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* What the findings of a question say about a group; the caller frees. */
static char *say(struct fixture *f, const sm_finding *findings, size_t group) {
    char *text = NULL;
    size_t size = 0;
    struct sm_error err = {{0}};
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    const struct sm_scope scope = {.report = &f->report,
                                   .file = file,
                                   .group = group,
                                   .n_runs = f->report.groups.size[group],
                                   .first = &f->run[f->report.groups.first[group]]};
    for (; *findings; findings++) (*findings)(&scope);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sm_sheets_status(&f->sheets, &err), 0);
    return text;
}

static void assert_says(const char *text, const char *sentence) {
    if (!strstr(text, sentence)) fail_msg("\"%s\" is not in:\n%s", sentence, text);
}

static void assert_silent(const char *text, const char *sentence) {
    if (strstr(text, sentence)) fail_msg("\"%s\" is in:\n%s", sentence, text);
}

/* ---- sheets ---- */

static void groups_have_labels_that_tell_them_apart(void **state) {
    struct fixture *f = *state;
    assert_int_equal(f->report.groups.n_groups, 2);
    assert_string_equal(f->report.groups.label[0], "r (units: 4-3-2)");
    assert_string_equal(f->report.groups.label[1], "r (units: 4-5-2)");
}

static void spread_by_hand(void **state) {
    (void)state;
    const double values[] = {1, 2, 3};
    struct sm_spread spread = sm_spread_of(values, 3);
    assert_true(fabs(spread.mean - 2) < 1e-12);
    assert_true(fabs(spread.low - (2 - 4.302652729911275 / sqrt(3))) < 1e-9); /* t(.975, 2), sd 1 */
    assert_true(fabs(spread.high - (2 + 4.302652729911275 / sqrt(3))) < 1e-9);
    assert_true(spread.least == 1 && spread.most == 3 && spread.n == 3);
    assert_string_equal(sm_percent_interval(sm_spread_of((const double[]){0.5}, 1)).s,
                        "50.00" NB "%"); /* no interval */
    assert_true(isnan(sm_spread_of(values, 1).low) && isnan(sm_spread_of(values, 0).mean));
}

static void rows_by_group_and_layer(void **state) {
    struct fixture *f = *state;
    put(f, "flips",
        "run layer flip_rate\n"
        "a one 1\na two 2\na one 3\nd one 4\nb one 5\nnobody one 6\nb one nan\nc nowhere 7\n");
    struct sm_rows rows = sm_sheet_rows(sm_sheets_find(&f->sheets, "flips"), 0, "one");
    assert_int_equal(rows.n, 4);
    assert_true(sm_rows_spread(&rows, "flip_rate", NULL).mean == 3); /* 1, 3, 5 */
    assert_true(sm_rows_is_last(&rows, 1) && !sm_rows_is_last(&rows, 0));
    assert_true(sm_rows_spread_last(&rows, "flip_rate").mean == 3); /* of a 3, of b nan */
    assert_true(sm_rows_spread(&rows, "flip_rate", SM_WHERE({"run", "b"})).mean == 5);
    assert_int_equal(sm_rows_spread(&rows, "no such column", NULL).n, 0);
    assert_int_equal(sm_sheet_rows(sm_sheets_find(&f->sheets, "flips"), 1, "one").n, 1);
    assert_int_equal(sm_sheet_rows(sm_sheets_find(&f->sheets, "flips"), 1, "no such layer").n, 0);
    assert_null(sm_sheets_find(&f->sheets, "no such table"));
}

static void a_broken_table_is_an_error(void **state) {
    struct fixture *f = *state;
    struct sm_error err = {{0}};
    put(f, "flips", "run layer flip_rate\na one\n");
    assert_null(sm_sheets_find(&f->sheets, "flips"));
    assert_int_equal(sm_sheets_status(&f->sheets, &err), -1);
    assert_non_null(strstr(err.text, "flips.tsv"));
}

/* ---- questions ---- */

static void without_tables_nothing_is_said(void **state) {
    struct fixture *f = *state;
    for (size_t q = 0; q < sm_n_questions; q++) {
        if (!sm_questions[q].findings) continue;
        char *text = say(f, sm_questions[q].findings, 0);
        assert_string_equal(text, "");
        free(text);
    }
}

static void without_rows_and_columns_nothing_is_said(void **state) {
    struct fixture *f = *state;
    for (size_t q = 0; q < sm_n_questions; q++)
        for (size_t t = 0; t < SM_QUESTION_TABLES && sm_questions[q].tables[t]; t++)
            put(f, sm_questions[q].tables[t], t % 2 ? "run layer\n" : "run layer\na one\na all\na two\n");
    for (size_t q = 0; q < sm_n_questions; q++) {
        if (!sm_questions[q].findings) continue;
        char *text = say(f, sm_questions[q].findings, 0);
        assert_string_equal(text, "");
        free(text);
    }
}

#define OVERLAP                                                                                                        \
    "run_a run_b layer compare alignment null n jaccard expected_jaccard p_holm sign_agreement "                       \
    "expected_sign_agreement\n"
/* One pair, layer `one` and all: raw, aligned, the degree null's expectation and p. */
#define PAIR(a, b, raw, chance, aligned, null, p)                                                                      \
    a " " b " one weight raw independent 12 " raw " " chance " nan .5 nan\n" a " " b                                   \
      " one weight aligned degree 12 " aligned " " null " " p " .99 .77\n" a " " b                                     \
      " one weight aligned independent 12 .9 .9 .9 .9 .9\n" a " " b " all weight raw independent 18 " raw " " chance   \
      " nan .5 nan\n"

static void overlap_raw_aligned_and_null(void **state) {
    struct fixture *f = *state;
    put(f, "overlap",
        OVERLAP PAIR("a", "b", ".02", ".01", ".4", ".1", ".01") PAIR("a", "c", ".04", ".01", ".5", ".1", ".02")
            PAIR("b", "c", ".03", ".01", ".3", ".1", ".5") PAIR("a", "d", ".9", ".9", ".9", ".9", ".9"));
    char *text = say(f, sm_findings_overlap, 0);
    assert_says(text, "masks of one have a Jaccard similarity of 0.0300 (0.0200" NB "to" NB "0.0400), 3 times as much "
                      "as chance gives (0.0100), over 3 pairs.");
    assert_says(text, "<b>With hidden units matched it is 0.400 (0.300" NB "to" NB "0.500)</b>");
    assert_says(text, "In some pairs that is more than degrees explain (one: p &lt; 0.05 in 2 of 3,");
    assert_says(text, "99.00" NB "% of the signs agree; under the null 77.00" NB "% do.");
    assert_says(text, "<td>≤" NB "0.500</td><td>99.00" NB "%</td><td>77.00" NB "%</td>");
    free(text);
}

/* Two layers and 19 replicates: after Holm's correction no p-value is below 2/20. */
static void too_few_replicates_are_no_verdict(void **state) {
    struct fixture *f = *state;
    f->options.n_nulls = 19;
    put(f, "overlap", OVERLAP PAIR("a", "b", ".02", ".01", ".4", ".1", ".1"));
    char *text = say(f, sm_findings_overlap, 0);
    assert_says(text, "cannot be told from 19 replicates of the null: after Holm&#39;s correction p is at least 0.100");
    free(text);
    f->options.n_nulls = 199;
    text = say(f, sm_findings_overlap, 0);
    assert_says(text, "In no pair that is more than degrees explain (one: p &lt; 0.05 in 0 of 1");
    free(text);
}

static void overlap_where_nothing_is_hidden(void **state) {
    struct fixture *f = *state;
    put(f, "overlap", OVERLAP PAIR("a", "b", "1", "1", "1", "1", "1"));
    char *text = say(f, sm_findings_overlap, 0);
    assert_says(text, "No run hides a weight");
    assert_silent(text, "<table>");
    free(text);
}

/* The first record of `one` has no effective weight either, but what counts is the last. */
static void collapse_is_named_aloud(void **state) {
    struct fixture *f = *state;
    put(f, "ratios",
        "run layer effective_remaining\n"
        "a one 0\na one .5\na two .5\na two 0\nb one 0\nb one .5\nb two 0\nb two 0\nc two .1\nd one 0\n");
    char *text = say(f, sm_findings_neurons, 0);
    assert_says(text, "<li class=\"warning\">Layer collapse: two has no effective weight in a (2 of 3 runs)");
    assert_silent(text, "collapse: one");
    free(text);
    text = say(f, sm_findings_neurons, 1);
    assert_says(text, "Layer collapse: one has no effective weight in d (1 of 2 runs)");
    free(text);
}

static void alive_units(void **state) {
    struct fixture *f = *state;
    put(f, "concentration",
        "run layer units alive dead_in dead_out\n"
        "a input 4 4 nan 0\na one 3 1 2 1\nb one 3 2 1 0\na two 2 2 0 nan\n");
    char *text = say(f, sm_findings_neurons, 0);
    assert_says(text, "<b>1.50 of 3 hidden units are alive</b> (50.00" NB "%)");
    assert_says(text, "<td class=\"t\">one</td><td>3</td><td>1.50 (1 to" NB "2)</td><td>50.00" NB
                      "%</td><td>1.50</td><td>0.500</td>");
    free(text);
}

#define CURVE(run, a, b, c, d)                                                                                         \
    run " all drop last 0 4 0 " a "\n" run " all drop last 1 4 .25 " b "\n" run " all drop last 2 4 .5 " c "\n" run    \
        " all drop last 3 4 .75 " d "\n"

/* Run a: .895 is within a point of .9, .88 is not, and that a later set is better again does not count; half way to
 * chance is .7. Run b loses a point at once; half way (.7) it never gets. */
static void units_that_can_go(void **state) {
    struct fixture *f = *state;
    put(f, "ablation",
        "run layer criterion direction removed units share accuracy\n" CURVE("a", ".9", ".895", ".88", ".895")
            CURVE("b", ".9", ".7", ".7", ".7") "a one drop last 0 4 0 .9\na one drop last 4 4 1 .9\n");
    char *text = say(f, sm_findings_neurons, 0);
    assert_says(text, "<td>12.50" NB "% (0 to" NB "25.00)</td><td>75.00" NB "%</td>");
    assert_says(text, "(least own accuracy drop first) before accuracy falls by one point");
    assert_says(text, "half way to chance (50.00" NB "%)");
    assert_silent(text, "SynFlow");
    free(text);
}

static void top_units(void **state) {
    struct fixture *f = *state;
    put(f, "neurons",
        "run layer unit log10_paths ablation_accuracy_drop\n"
        "a input 0 9 nan\na one 0 3 .01\na one 1 2 .05\na one 2 -inf -.01\na two 0 9 nan\nb one 0 5 .5\n");
    char *text = say(f, sm_findings_neurons, 0);
    assert_says(text, "by the accuracy that is lost without them: one:1 (5.00" NB "%), one:0 (1.00" NB "%), one:2 (");
    free(text);
}

static void put_changes(const struct fixture *f) {
    put(f, "settling",
        "run layer step settled\n"
        "a all 0 .1\na all 10 .5\na all 20 1\nb all 0 .1\nb all 10 .4\nb all 20 1\n");
    put(f, "oscillation",
        "run layer changes weights share reentered remaining\n"
        "a all 0 50 .5 0 1\na all 1 30 .3 0 1\na all 2 15 .15 4 1\na all 3 5 .05 5 1\n");
    put(f, "similarity",
        "run layer from_step to_step from_epoch to_epoch jaccard agreement\n"
        "a all 0 10 0 1 .9 1\na all 0 20 0 2 .4 1\na all 10 20 1 2 .6 1\na all 20 20 2 2 1 1\n");
    put(f, "earlybird",
        "run layer distance epsilon window epoch step remaining jaccard_to_final test_accuracy final_test_accuracy\n"
        "a all hamming 0.1 5 1 10 .5 .2 .8 .9\na all jaccard 0.1 5 nan nan nan nan nan .9\n"
        "b all hamming 0.1 5 2 20 .5 .4 .8 .9\nb all jaccard 0.1 5 nan nan nan nan nan .9\n");
}

static void when_masks_settle(void **state) {
    struct fixture *f = *state;
    put_changes(f);
    char *text = say(f, sm_findings_when, 0);
    assert_says(text, "final state by epoch 1.50");
    assert_says(text, "half of its places with the final one");
    assert_says(text, "<th>Jaccard to final</th>");
    assert_says(text, "<th>accuracy at the end</th>");
    assert_says(text, "50.00" NB "% of the weights never change their state and 20.00" NB "% change it more than once; "
                      "9.00" NB "% are hidden and come back");
    assert_says(text, "(Jaccard similarity .5) at epoch 1, and nine tenths at epoch 2.");
    assert_says(text,
                "<b>The early-bird epoch is 1.50 (1" NB "to" NB "2)</b> of 2 (hamming distance below 0.1, 5 times");
    assert_says(text, "Jaccard similarity of 0.300 with the final one");
    assert_says(text, "<td class=\"t\">jaccard &lt; 0.1, 5 times</td><td>never</td>");
    free(text);
}

/* One run that goes on is enough: nothing is called final that is not. */
static void changes_of_unfinished_runs(void **state) {
    struct fixture *f = *state;
    f->run[1].complete = false;
    put_changes(f);
    char *text = say(f, sm_findings_when, 0);
    assert_says(text, "Jaccard similarity of 0.300 with the last recorded one");
    assert_says(text, "last recorded state by epoch 1.50");
    assert_says(text, "half of its places with the last recorded one");
    assert_says(text, "<th>Jaccard to last recorded</th>");
    assert_says(text, "<th>accuracy last recorded</th>");
    assert_silent(text, "final");
    assert_silent(text, "the end");
    free(text);
}

static void a_mask_that_never_changes(void **state) {
    struct fixture *f = *state;
    put(f, "flips", "run layer from_step flip_rate\na all 0 0\na all 10 0\n");
    put(f, "settling", "run layer step settled\na all 0 1\na all 10 1\na all 20 1\n");
    put(f, "earlybird", "run layer distance epsilon window epoch jaccard_to_final\na all hamming 0.1 5 1 1\n");
    char *text = say(f, sm_findings_when, 0);
    assert_string_equal(text, "<li>No weight changes its state after the first record.</li>\n");
    free(text);
}

/* Masks that are drawn anew for each record change whatever is learned: nothing is concluded from it. */
static void changes_of_samples_tell_nothing(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < N_RUNS; i++) f->run[i].samples_masks = true;
    char *none = say(f, sm_findings_when, 0);
    assert_string_equal(none, "");
    put(f, "flips", "run layer from_step flip_rate\na all 0 .5\na all 10 .34\n");
    put(f, "settling", "run layer step settled\na all 0 .1\na all 10 .5\na all 20 1\n");
    char *text = say(f, sm_findings_when, 0);
    assert_says(text, "<li>The masks of these runs are samples, drawn anew for each record");
    assert_silent(text, "34");
    assert_silent(text, "Half of all weights");
    free(none);
    free(text);
}

static void controls_and_thresholds(void **state) {
    struct fixture *f = *state;
    put(f, "controls",
        "run control replicates accuracy loss remaining\n"
        "a as-trained 1 .9 1 .1\nb as-trained 1 .9 1 .1\na shuffle-mask 9 .5 1 .1\nb shuffle-mask 9 .7 1 .1\n");
    put(f, "thresholds",
        "run layer factor threshold remaining accuracy\n"
        "a all 0.5 1 .5 .7\na all 1 1 .2 .9\na all 2 1 .1 .895\na all 4 1 .05 .6\na one 4 1 .05 nan\n");
    char *text = say(f, sm_findings_chance, 0);
    assert_says(text, "falls from 90.00" NB "% to 60.00" NB "% (50.00" NB "to" NB "70.00)</b> (chance: 50.00" NB
                      "%): the densities alone carry 25.00" NB "% of what was learned");
    assert_says(text, "<td>−30.00</td>");
    assert_says(text,
                "raised 2 times before more than a point of accuracy is lost, to 10.00" NB "% remaining with 89.50");
    free(text);
}

static void seeds_agree(void **state) {
    struct fixture *f = *state;
    put(f, "consistency",
        "run_a run_b layer statistic alignment among spearman top_k top_overlap expected_top_overlap\n"
        "a b one fan_in aligned alive .2 1 .5 .1\na c one fan_in aligned alive .4 1 1 .1\n"
        "a b one fan_in aligned all .9 1 1 1\na b one fan_out aligned alive .1 1 0 .1\n");
    put(f, "ensemble",
        "group runs layer alignment times weights expected at_least accuracy\n"
        "r@(units:@4-3-2) 3 all raw 1 9 8.5 12 .8\nr@(units:@4-3-2) 3 all raw 3 2 .5 2 .6\n"
        "r@(units:@4-3-2) 3 all aligned 3 4 .5 4 .7\nr@(units:@4-5-2) 2 all raw 2 7 7 7 7\n");
    char *text = say(f, sm_findings_agreement, 0);
    assert_says(text, "at most ρ = 0.300 (0.200" NB "to" NB "0.400)</b> (fan-in of one, over 2 pairs)");
    assert_says(text, "another has 75.00" NB "%, where chance gives 10.00" NB "%");
    assert_says(text, "2 weights remain in all 3 runs as the units stand, where independent masks would share 0.500; 4 "
                      "with hidden units matched");
    assert_says(text, "<td class=\"t\">raw, all (intersection)</td><td>2</td><td>60.00" NB "%</td>");
    free(text);
}

/* Dense baselines: shuffling a mask that keeps all weights changes nothing and says nothing. */
static void nothing_is_said_of_masks_that_hide_nothing(void **state) {
    struct fixture *f = *state;
    put(f, "ratios", "run layer remaining\na all .5\na all 1\nb all 1\nd all 1\nd all .5\n");
    put(f, "controls",
        "run control replicates accuracy loss remaining\n"
        "a as-trained 1 .9 1 1\na shuffle-mask 9 .9 1 1\nd as-trained 1 .9 1 .5\nd shuffle-mask 9 .7 1 .5\n");
    put(f, "thresholds", "run layer factor threshold remaining accuracy\na all 1 1 1 .9\na all 2 1 1 .9\n");
    put(f, "ensemble",
        "group runs layer alignment times weights expected at_least accuracy\n"
        "r@(units:@4-3-2) 3 all raw 3 18 18 18 nan\nr@(units:@4-5-2) 2 all raw 2 7 7 7 7\n");
    char *chance = say(f, sm_findings_chance, 0), *agreement = say(f, sm_findings_agreement, 0);
    assert_string_equal(chance, "");
    assert_string_equal(agreement, "");
    free(chance);
    free(agreement);
    chance = say(f, sm_findings_chance, 1);
    agreement = say(f, sm_findings_agreement, 1);
    assert_says(chance, "falls from 90.00" NB "% to 70.00" NB "%");
    assert_says(agreement, "7 weights remain in both runs as the units stand");
    free(chance);
    free(agreement);
}

/* Groups are compared first; each then has its own findings. */
static void groups_side_by_side(void **state) {
    struct fixture *f = *state;
    char *text = NULL;
    size_t size = 0;
    struct sm_error err = {{0}};
    put(f, "summary",
        "run remaining effective_remaining test_accuracy\n"
        "a .1 .1 .9\nb .1 .1 .9\nc .1 .1 .9\nd .2 .1 .8\ne .2 .1 .6\n");
    f->report.file = open_memstream(&text, &size);
    assert_int_equal(sm_report_findings(&f->report, &err), 0);
    assert_int_equal(fclose(f->report.file), 0);
    assert_says(text, "<td class=\"t\">r (units: 4-5-2)</td><td>2</td><td>70.00" NB "% [0," NB "100.00]");
    assert_int_equal(f->report.answered, 1); /* the first question alone */
    assert_silent(text, "#figures");
    assert_true(strstr(text, "<h2 id=\"group-1\">") < strstr(text, "<h2 id=\"group-2\">"));
    assert_says(text, "<b>Test accuracy 90.00" NB "% with 10.00" NB "%</b> of 18 weights remaining.");
    free(text);
}

/* Means .95, .96, .97, .95 and .4; c has not come as far. d and e have no training that was measured. */
static void rounds_of_pruning(void **state) {
    struct fixture *f = *state;
    put(f, "rounds",
        "run round remaining test_accuracy trained_accuracy\n"
        "a 0 1 .95 .95\na 1 .8 .97 .97\na 2 .64 .97 .97\na 3 .5 .95 .95\na 4 .4 .4 .4\n"
        "b 0 1 .95 .95\nb 1 .8 .95 .95\nb 2 .64 .97 .97\nb 3 .5 .95 .95\nb 4 .4 .4 .4\nc 0 1 .95 .95\n"
        "d 0 1 .5 nan\nd 1 .25 .75 nan\ne 0 1 .5 nan\ne 1 .75 nan nan\n");
    char *tickets = say(f, sm_findings_sparse, 0), *untrained = say(f, sm_findings_sparse, 1);
    assert_says(tickets, "Of 5 rounds number 2, which leaves 64.00" NB "% of the weights, has the highest mean test "
                         "accuracy: 97.00" NB "%");
    assert_says(tickets, "The whole network has 95.00" NB "% when trained; the last round that is at "
                         "least as good leaves 50.00" NB "%.");
    assert_says(untrained, "Of 2 rounds number 1, which leaves 50.00" NB "% of the weights");
    assert_says(untrained, "The whole network has 50.00" NB "%; the last round");
    free(tickets);
    free(untrained);
}

/* What was published is that of the best round, not of the last. */
static void published_of_rounds(void **state) {
    struct fixture *f = *state;
    static char recipe[] = "name: tickets\npublished_accuracy: 0.875\n";
    f->run[0].recipe = recipe;
    f->run[0].in_rounds = true;
    put(f, "summary", "run remaining effective_remaining test_accuracy\na .4 .4 .25\nb .4 .4 .25\n");
    put(f, "rounds", "run round remaining test_accuracy\na 0 1 .5\na 1 .6 .875\na 2 .4 .25\n");
    char *text = say(f, sm_findings_sparse, 0);
    assert_says(text, "25.00" NB "% with 40.00" NB "%</b> of 18 weights remaining.</li>");
    assert_says(text, "leaves 60.00" NB "%. Published for tickets: 87.50" NB "%; that accuracy lies exactly there.");
    free(text);
}

/* What was published is for the end of training: nothing before it lies above or below. */
static void published_of_unfinished_runs(void **state) {
    struct fixture *f = *state;
    static char recipe[] = "name: mine\npublished_accuracy: 0.875\n";
    f->run[0].recipe = recipe;
    put(f, "summary",
        "run remaining effective_remaining test_accuracy epochs unfinished\na .4 .4 .25 9 0\nb .4 .4 .25 5 1\n");
    char *text = say(f, sm_findings_sparse, 0);
    assert_says(text, "<b>Training is not over there</b>: 1 of the runs is described as of epoch 5.");
    assert_says(text, "Published for mine: 87.50" NB "%, at the end of training.");
    assert_silent(text, "lies above");
    free(text);
}

/* A round's record stands at its beginning; the last round was trained on, to the last metric. */
static void rounds_are_trained_beyond_their_record(void **state) {
    struct fixture *f = *state;
    char *text = NULL;
    size_t size = 0;
    struct sm_error err = {{0}};
    struct sm_metrics metrics[] = {{.epoch = 1}, {.epoch = 2}, {.epoch = 3}};
    f->run[0].in_rounds = true;
    f->run[0].n_rounds = N_RECORDS;
    f->run[0].metrics = metrics;
    f->run[0].n_metrics = 3;
    f->report.file = open_memstream(&text, &size);
    assert_int_equal(sm_report_findings(&f->report, &err), 0);
    assert_int_equal(fclose(f->report.file), 0);
    assert_says(text, "method signed-supermask, 3 epochs.");
    assert_says(text, "method signed-supermask, 2 epochs."); /* of the group without rounds */
    free(text);
}

/* Untrained networks never reach the trained one; a single round is no series. */
static void rounds_without_training(void **state) {
    struct fixture *f = *state;
    put(f, "rounds",
        "run round remaining test_accuracy trained_accuracy\n"
        "a 0 1 .1 .98\na 1 .5 .6 .98\nb 0 1 .1 .98\nb 1 .5 .6 .98\nd 0 1 .5 .9\n");
    char *untrained = say(f, sm_findings_sparse, 0), *single = say(f, sm_findings_sparse, 1);
    assert_says(untrained, "accuracy: 60.00" NB "%. The whole network has 98.00" NB "% when trained.");
    assert_string_equal(single, "");
    free(untrained);
    free(single);
}

/* ---- methods ---- */

/* What the report says of the table `methods`; the caller frees. */
static char *say_methods(struct fixture *f) {
    char *text = NULL;
    size_t size = 0;
    f->report.file = open_memstream(&text, &size);
    assert_non_null(f->report.file);
    sm_report_methods(&f->report);
    assert_int_equal(fclose(f->report.file), 0);
    return text;
}

#define METHODS                                                                                                        \
    "group_a group_b weight_seeds pairs layer compare alignment null initial_signs initial_scores jaccard "            \
    "expected_jaccard association overlap_coefficient\n"                                                               \
    "x x different 3 all weight raw independent .5 0 .9 .1 .99 .9\n"

static void methods_side_by_side(void **state) {
    struct fixture *f = *state;
    put(f, "methods",
        METHODS "x y same 2 one weight raw independent 1 0 .7 .1 .8 .9\n"
                "x y same 2 all mask raw independent 1 0 .6 .1 .7 .8\n"
                "x y same 2 all weight raw independent 1 0 .25 .125 .5 .625\n"
                "x y same 2 all weight aligned independent 1 0 .3 .2 .4 .5\n"
                "x y same 2 all weight aligned degree 1 0 .375 .3125 .0625 .5\n"
                "x y different 1 all weight raw independent .5 0 .2 .1 .75 .5\n");
    char *text = say_methods(f);
    assert_says(text,
                "From the same initial weights x and y have most in common: 62.50" NB "% of what the sparser one keeps "
                "(association 0.500).</li>");
    assert_says(text, "<td class=\"t\">x, y</td><td>same</td><td>100.00" NB
                      "%</td><td>2</td><td>0.250</td><td>0.125</td><td>0.500</td>"
                      "<td>0.375</td><td>0.312</td><td>0.0625</td>");
    assert_says(text, "<td>different</td><td>50.00" NB
                      "%</td><td>1</td><td>0.200</td><td>0.100</td><td>0.750</td><td>–</td>");
    assert_silent(text, "x, x");
    assert_silent(text, "same scores");
    free(text);
}

/* Of masks that are samples one draw is compared, in a pair of groups and among seeds. */
static void draws_have_less_in_common(void **state) {
    struct fixture *f = *state;
    static char sampled[] = "supermask";
    put(f, "methods",
        METHODS "r@(units:@4-3-2) r@(units:@4-5-2) same 2 all weight raw independent 1 0 .25 .125 .5 .625\n");
    put(f, "overlap", OVERLAP PAIR("a", "b", ".02", ".01", ".4", ".1", ".1"));
    char *methods = say_methods(f), *seeds = say(f, sm_findings_overlap, 0);
    assert_silent(methods, "samples");
    assert_silent(seeds, "samples");
    free(methods);
    free(seeds);
    for (size_t i = 0; i < 3; i++) f->run[i].method = sampled, f->run[i].samples_masks = true;
    methods = say_methods(f), seeds = say(f, sm_findings_overlap, 0);
    assert_says(methods, "<li>Masks of the method supermask are samples: one draw of each is compared");
    assert_says(seeds, "<li>The masks of these runs are samples: one draw of each is compared");
    free(methods);
    free(seeds);
}

static void the_same_scores_are_no_common_choice(void **state) {
    struct fixture *f = *state;
    put(f, "methods",
        METHODS "x y same 2 all weight raw independent 1 1 .25 .125 .5 .625\n"
                "x z same 2 all weight raw independent .5 1 .25 .125 .75 .625\n");
    char *text = say_methods(f);
    assert_says(text, "From the same initial weights x and y have most in common"); /* z began with others */
    assert_says(text, "They began with the same scores too");
    free(text);
}

static void one_method_is_not_compared(void **state) {
    struct fixture *f = *state;
    char *text = say_methods(f); /* no table */
    assert_string_equal(text, "");
    free(text);
    put(f, "methods", METHODS);
    text = say_methods(f);
    assert_string_equal(text, "");
    free(text);
}

static void every_figure_and_table_has_a_question(void **state) {
    (void)state;
    for (size_t i = 0; i < sm_n_statistics; i++)
        if (sm_question_of_table(sm_statistics[i]->name) + 1 == sm_n_questions)
            fail_msg("the table %s belongs to no question (question.c)", sm_statistics[i]->name);
    for (size_t i = 0; i < sm_n_figures; i++) assert_true(sm_question_of_figure(&sm_figures[i]) + 1 < sm_n_questions);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(groups_have_labels_that_tell_them_apart),
        cmocka_unit_test(spread_by_hand),
        CASE(rows_by_group_and_layer),
        CASE(a_broken_table_is_an_error),
        CASE(without_tables_nothing_is_said),
        CASE(without_rows_and_columns_nothing_is_said),
        CASE(overlap_raw_aligned_and_null),
        CASE(too_few_replicates_are_no_verdict),
        CASE(overlap_where_nothing_is_hidden),
        CASE(collapse_is_named_aloud),
        CASE(alive_units),
        CASE(units_that_can_go),
        CASE(top_units),
        CASE(when_masks_settle),
        CASE(changes_of_unfinished_runs),
        CASE(a_mask_that_never_changes),
        CASE(changes_of_samples_tell_nothing),
        CASE(controls_and_thresholds),
        CASE(seeds_agree),
        CASE(nothing_is_said_of_masks_that_hide_nothing),
        CASE(groups_side_by_side),
        CASE(rounds_of_pruning),
        CASE(rounds_without_training),
        CASE(published_of_rounds),
        CASE(published_of_unfinished_runs),
        CASE(rounds_are_trained_beyond_their_record),
        CASE(methods_side_by_side),
        CASE(draws_have_less_in_common),
        CASE(the_same_scores_are_no_common_choice),
        CASE(one_method_is_not_compared),
        cmocka_unit_test(every_figure_and_table_has_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
