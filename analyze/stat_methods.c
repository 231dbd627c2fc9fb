/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_methods.c - do different methods keep the same weights? The table `overlap`, averaged over the pairs of runs of
 * two groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"
#include "analyze/group_pairs.h"
#include "analyze/overlap.h"

static const double SIGNIFICANT = 0.05;
static const double SAME_DRAWS = 0.5; /* correlation of initial scores: unrelated draws have none */

static const struct sm_column columns[] = {
    SM_GROUP_PAIR_COLUMNS,
    {"layer", "layer, or all: the whole network"},
    {"compare", "mask: g in {-1, 0, +1}; weight: t = sign(w) g, w: the weight that acts, the trained one of "
                "methods that train weights, else the initial one or what stands in its place"},
    {"alignment", "raw: unit u of one run against unit u of the other; aligned: hidden units re-ordered to match"},
    {"null", "what one of the two runs is exchanged for: see `overlap`"},
    {"initial_signs",
     "share of initial weights with equal signs: 1 where two runs began with the same weights, or with "
     "the same draws in another distribution, .5 where with unrelated ones; mean over the pairs"},
    {"initial_scores",
     "correlation of the sizes |m| of the initial scores (all: mean over the weights of the layers): 1 "
     "where two methods began with the same draws, as they do with the same score seed, 0 where with "
     "unrelated ones; nan where one has no scores or they are all alike; mean over the pairs"},
    {"remaining_a", "share of weights that are non-hidden in the runs of group_a, mean over the pairs"},
    {"remaining_b", "the same in those of group_b"},
    {"jaccard", "mean of jaccard over the pairs where it is defined, here and below; nan where it is in none"},
    {"jaccard_sd", "its standard deviation (n - 1 in the denominator); nan for fewer than two pairs"},
    {"jaccard_low", "lowest pair"},
    {"jaccard_high", "highest pair"},
    {"expected_jaccard", "mean of expected_jaccard"},
    {"association", "mean of (both - E) / (min(a, b) - E), E the expectation of both under the null: 0 for what chance "
                    "gives, 1 where all that one run keeps the other keeps too; below 0 the denominator is E - max(0, "
                    "a + b - n): -1 where they have as little in common as there can be"},
    {"association_low", "lowest pair"},
    {"association_high", "highest pair"},
    {"overlap_coefficient", "mean of both / min(a, b)"},
    {"sign_agreement", "mean share of equal signs among both"},
    {"expected_sign_agreement", "mean of its expectation"},
    {"significant", "pairs whose p_holm (all: p_value) is below .05"},
};

/* What is averaged over the pairs, of one row of `overlap`. */
enum value {
    INITIAL_SIGNS,
    INITIAL_SCORES,
    REMAINING_A,
    REMAINING_B,
    JACCARD,
    EXPECTED_JACCARD,
    ASSOCIATION,
    OVERLAP_COEFFICIENT,
    SIGN_AGREEMENT,
    EXPECTED_SIGN_AGREEMENT,
    IS_SIGNIFICANT,
    N_VALUES
};

/* One choice of comparison, alignment and null. */
enum { N_BLOCKS = SM_N_COMPARISONS * SM_N_OVERLAP_ALIGNMENTS * SM_N_NULLS };
struct block {
    const struct sm_comparison *comparison;
    enum sm_overlap_alignment alignment;
    size_t null;
};

static struct block block_of(size_t k) {
    return (struct block){&sm_comparisons[k / (SM_N_OVERLAP_ALIGNMENTS * SM_N_NULLS)],
                          (enum sm_overlap_alignment)(k / SM_N_NULLS % SM_N_OVERLAP_ALIGNMENTS), k % SM_N_NULLS};
}

/* Values of a block's row of layer l. */
static struct sm_running *values_of(const struct sm_group_pair *pair, size_t n_layers, size_t block, size_t l) {
    return pair->cell + (block * (n_layers + 1) + l) * N_VALUES;
}

/* ---- what the runs of a pair began with ---- */

/* Of each layer, then all: [n_layers + 1]. */
struct beginning {
    double *signs, *scores;
};

static void beginning_destroy(struct beginning *beginning) {
    free(beginning->signs);
    free(beginning->scores);
}

static int beginning_init(struct beginning *beginning, size_t n_layers, struct sm_error *err) {
    *beginning = (struct beginning){calloc(n_layers + 1, sizeof *beginning->signs),
                                    calloc(n_layers + 1, sizeof *beginning->scores)};
    return beginning->signs && beginning->scores ? 0 : sm_fail(err, "methods: out of memory for %zu layers", n_layers);
}

/* Initial values of both runs, of one layer at a time. */
struct values {
    float *a, *b;
    size_t n;
};

static double equal_signs(const struct values *values) {
    size_t equal = 0;
    for (size_t i = 0; i < values->n; i++)
        equal += (values->a[i] > 0) == (values->b[i] > 0) && (values->a[i] < 0) == (values->b[i] < 0);
    return sm_share(equal, values->n);
}

/* Pearson's correlation of the sizes; NaN where one has no spread. */
static double correlation_of_sizes(const struct values *values) {
    double n = (double)values->n, mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < values->n; i++) {
        mean_a += fabs((double)values->a[i]) / n;
        mean_b += fabs((double)values->b[i]) / n;
    }
    for (size_t i = 0; i < values->n; i++) {
        double a = fabs((double)values->a[i]) - mean_a, b = fabs((double)values->b[i]) - mean_b;
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    /* What is constant but for rounding is constant. */
    bool spread = aa > 1e-12 * n * mean_a * mean_a && bb > 1e-12 * n * mean_b * mean_b;
    return spread ? ab / sqrt(aa * bb) : NAN;
}

/* Initial weights are in memory already where no others act. */
static int read_values(float *values, const struct sm_moment *moment, size_t l, enum sm_run_values which,
                       struct sm_error *err) {
    const struct sm_run *run = moment->run;
    if (which != SM_INITIAL_WEIGHTS || run->trains_weights || run->has_mask_weights)
        return sm_run_read_values(run, l, which, values, err);
    memcpy(values, moment->weights[l], sm_layer_weights(&run->net.layers[l]) * sizeof *values);
    return 0;
}

/* measured [n_layers + 1], the last: mean over all weights. */
static int compare_values(double *measured, const struct sm_pair *pair, enum sm_run_values which,
                          double (*measure)(const struct values *), struct sm_error *err) {
    const struct sm_network *net = &pair->a->run->net;
    double sum = 0;
    int status = 0;
    for (size_t l = 0; l < net->n_layers && status == 0; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        struct values values = {malloc((n + 1) * sizeof(float)), malloc((n + 1) * sizeof(float)), n};
        if (!values.a || !values.b) status = sm_fail(err, "methods: out of memory for %zu weights", n);
        if (status == 0) status = read_values(values.a, pair->a, l, which, err);
        if (status == 0) status = read_values(values.b, pair->b, l, which, err);
        if (status == 0) measured[l] = measure(&values);
        sum += measured[l] * (double)n;
        free(values.a);
        free(values.b);
    }
    measured[net->n_layers] = sum / (double)sm_network_weights(net);
    return status;
}

static int begin(struct beginning *beginning, const struct sm_pair *pair, struct sm_error *err) {
    size_t n_layers = pair->a->run->net.n_layers;
    if (beginning_init(beginning, n_layers, err) != 0) return -1;
    if (compare_values(beginning->signs, pair, SM_INITIAL_WEIGHTS, equal_signs, err) != 0) return -1;
    if (pair->a->run->has_scores && pair->b->run->has_scores)
        return compare_values(beginning->scores, pair, SM_INITIAL_SCORES, correlation_of_sizes, err);
    for (size_t l = 0; l <= n_layers; l++) beginning->scores[l] = NAN;
    return 0;
}

/* ---- one pair of runs ---- */

static void add_row(struct sm_running *values, const struct sm_overlap_cells *cells, const struct beginning *beginning,
                    size_t l, bool all, bool swapped) {
    double a = sm_share(cells->a, cells->n), b = sm_share(cells->b, cells->n);
    const double value[N_VALUES] = {[INITIAL_SIGNS] = beginning->signs[l],
                                    [INITIAL_SCORES] = beginning->scores[l],
                                    [REMAINING_A] = swapped ? b : a,
                                    [REMAINING_B] = swapped ? a : b,
                                    [JACCARD] = cells->jaccard,
                                    [EXPECTED_JACCARD] = cells->expected_jaccard,
                                    [ASSOCIATION] = sm_overlap_association(cells),
                                    [OVERLAP_COEFFICIENT] = cells->overlap_coefficient,
                                    [SIGN_AGREEMENT] = cells->sign_agreement,
                                    [EXPECTED_SIGN_AGREEMENT] = cells->expected_sign_agreement,
                                    [IS_SIGNIFICANT] = (all ? cells->p_value : cells->p_holm) < SIGNIFICANT};
    for (size_t v = 0; v < N_VALUES; v++) sm_running_add(&values[v], value[v]);
}

static int add_block(const struct sm_group_pair *to, const struct sm_pair *pair, size_t k, bool swapped,
                     const struct beginning *beginning, struct sm_error *err) {
    const struct block block = block_of(k);
    const struct sm_overlap *overlap = sm_pair_overlap(pair, block.comparison->bit, err);
    if (!overlap) return -1;
    for (size_t l = 0; l <= overlap->n_layers; l++)
        add_row(values_of(to, overlap->n_layers, k, l), sm_overlap_cells(overlap, block.alignment, block.null, l),
                beginning, l, l == overlap->n_layers, swapped);
    return 0;
}

static bool is_wanted(const struct sm_group_pairs *pairs, size_t k) {
    return pairs->analysis->options->compare & block_of(k).comparison->bit;
}

static int methods_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    (void)table;
    struct sm_group_pairs *pairs = state;
    struct beginning beginning;
    bool swapped;
    size_t n_cells = N_BLOCKS * (pair->a->run->net.n_layers + 1) * N_VALUES;
    struct sm_group_pair *to = sm_group_pairs_add(pairs, pair, n_cells, &swapped, err);
    if (!to) return -1;
    int status = begin(&beginning, pair, err);
    for (size_t k = 0; k < N_BLOCKS && status == 0; k++)
        if (is_wanted(pairs, k)) status = add_block(to, pair, k, swapped, &beginning, err);
    beginning_destroy(&beginning);
    return status;
}

/* ---- rows ---- */

static void write_values(struct sm_table *table, const struct sm_running *values) {
    sm_table_real(table, sm_running_mean(&values[INITIAL_SIGNS]));
    sm_table_real(table, sm_running_mean(&values[INITIAL_SCORES]));
    sm_table_real(table, sm_running_mean(&values[REMAINING_A]));
    sm_table_real(table, sm_running_mean(&values[REMAINING_B]));
    sm_table_real(table, sm_running_mean(&values[JACCARD]));
    sm_table_real(table, sm_running_sd(&values[JACCARD]));
    sm_table_real(table, sm_running_least(&values[JACCARD]));
    sm_table_real(table, sm_running_most(&values[JACCARD]));
    sm_table_real(table, sm_running_mean(&values[EXPECTED_JACCARD]));
    sm_table_real(table, sm_running_mean(&values[ASSOCIATION]));
    sm_table_real(table, sm_running_least(&values[ASSOCIATION]));
    sm_table_real(table, sm_running_most(&values[ASSOCIATION]));
    sm_table_real(table, sm_running_mean(&values[OVERLAP_COEFFICIENT]));
    sm_table_real(table, sm_running_mean(&values[SIGN_AGREEMENT]));
    sm_table_real(table, sm_running_mean(&values[EXPECTED_SIGN_AGREEMENT]));
    sm_table_int(table, llround(values[IS_SIGNIFICANT].mean * (double)values[IS_SIGNIFICANT].n));
}

static void write_block(const struct sm_group_pairs *pairs, size_t k, size_t b, struct sm_table *table) {
    const struct sm_network *net = &sm_group_pairs_key(pairs, k).first[0]->net;
    const struct block block = block_of(b);
    for (size_t l = 0; l <= net->n_layers; l++) {
        sm_group_pairs_write_key(pairs, k, table);
        sm_table_text(table, l < net->n_layers ? net->layers[l].name : SM_ALL_LAYERS);
        sm_table_text(table, block.comparison->name);
        sm_table_text(table, sm_overlap_alignment_names[block.alignment]);
        sm_table_text(table, sm_nulls[block.null].name);
        write_values(table, values_of(&pairs->pair[k], net->n_layers, b, l));
    }
}

/* Of any pair of the two groups: a mean over pairs may hide it. The rows of two groups give one sentence. */
static void note_same_draws(const struct sm_group_pairs *pairs, size_t k, size_t b) {
    const struct sm_group_pair_key key = sm_group_pairs_key(pairs, k);
    const char *first = pairs->groups.label[key.group[0]], *second = pairs->groups.label[key.group[1]];
    bool within = key.group[0] == key.group[1];
    size_t n_layers = key.first[0]->net.n_layers;
    if (!(sm_running_most(&values_of(&pairs->pair[k], n_layers, b, n_layers)[INITIAL_SCORES]) > SAME_DRAWS)) return;
    sm_note(pairs->analysis->notes,
            "methods: runs of %s%s%s began with the same draws of scores (initial_scores): their masks agree because "
            "the draws do; train one with another --score-seed to see what else they have in common",
            first, within ? "" : " and of ", within ? "" : second);
}

static int methods_close(void *state, struct sm_table *table, struct sm_error *err) {
    (void)err;
    const struct sm_group_pairs *pairs = state;
    for (size_t k = 0; k < sm_group_pairs_size(pairs); k++)
        for (size_t b = 0; b < N_BLOCKS && pairs->pair[k].n_pairs > 0; b++)
            if (is_wanted(pairs, b)) {
                write_block(pairs, k, b, table);
                note_same_draws(pairs, k, b);
            }
    return 0;
}

static int methods_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct sm_group_pairs *pairs = calloc(1, sizeof *pairs);
    *state = pairs;
    return pairs ? sm_group_pairs_init(pairs, analysis, err) : sm_fail(err, "methods: out of memory");
}

static void methods_free(void *state) {
    sm_group_pairs_destroy(state);
    free(state);
}

const struct sm_statistic sm_stat_methods = {
    .name = "methods",
    .help = "do different methods keep the same weights: overlap of the masks of two groups, against chance",
    .about =
        "The table `overlap`, averaged over the pairs of runs of two groups: of two methods, or of one method with\n"
        "other settings; group_a = group_b are the pairs of seeds within a group, to compare with.\n"
        "Runs with the same weight seed begin with the same draws where their weights have the same distribution: unit "
        "u of\n"
        "one is unit u of the other, and raw is the comparison of weight with weight. Whether they do, initial_signs "
        "tells:\n"
        "the same seed gives other draws for normal weights than for signed constants. Beware also of the same score "
        "seed:\n"
        "methods with scores then begin with the same order of weights, and initial_scores is 1. With different "
        "weight\n"
        "seeds, or initial_signs of .5, only aligned rows mean something.\n"
        "Methods keep unlike many weights, so that Jaccard's index is small even where all that one keeps the other\n"
        "keeps too. association does not suffer from that: against independent masks it is the coefficient C7 of\n"
        "Cole 1949 (\"The measurement of interspecific association\", Ecology 30).\n"
        "Left out: of two groups --pairs pairs of each kind are compared (default 5), chosen so that each run comes "
        "once\n"
        "before any comes twice; networks with other layers; runs in which nothing is hidden (dense baselines), as "
        "their\n"
        "mask says nothing. Aligned rows: one of the two runs is re-ordered and exchanged for a null, always the "
        "later\n"
        "on the command line.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = methods_open,
    .pair = methods_pair,
    .close = methods_close,
    .free = methods_free,
};
