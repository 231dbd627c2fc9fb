/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_methods.c - do different methods keep the same weights? The table `overlap`, averaged over the pairs of runs of
 * two groups. */
#include <math.h>
#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/group_pairs.h"
#include "analyze/overlap.h"
#include "analyze/runs.h"

static const double SIGNIFICANT = 0.05;

static const struct sm_column columns[] = {
    SM_GROUP_PAIR_COLUMNS,
    {"layer", "layer, or all: the whole network"},
    {"compare", "mask: g in {-1, 0, +1}; weight: t = sign(w) g"},
    {"alignment", "raw: unit u of one run against unit u of the other; aligned: hidden units re-ordered to match"},
    {"null", "what one of the two runs is exchanged for: see `overlap`"},
    {"initial_signs",
     "share of initial weights with equal signs: 1 where two runs began with the same weights, or with "
     "the same draws in another distribution, .5 where with unrelated ones; mean over the pairs"},
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

/* ---- initial weights ---- */

static size_t count_equal_signs(const float *a, const float *b, size_t n) {
    size_t equal = 0;
    for (size_t i = 0; i < n; i++) equal += (a[i] > 0) == (b[i] > 0) && (a[i] < 0) == (b[i] < 0);
    return equal;
}

static void compare_signs(double *share, const struct sm_network *net, float *const *a, float *const *b) {
    size_t equal = 0, weights = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]), same = count_equal_signs(a[l], b[l], n);
        share[l] = sm_share(same, n);
        equal += same;
        weights += n;
    }
    share[net->n_layers] = sm_share(equal, weights);
}

/* The moment's weights, unless others than the initial ones act there: then `read` holds those. */
static float *const *initial_weights(const struct sm_moment *moment, float ***read, struct sm_error *err) {
    if (!moment->run->trains_weights && !moment->run->has_mask_weights) return moment->weights;
    *read = sm_weights_new(&moment->run->net);
    if (!*read) {
        sm_fail(err, "%s: out of memory", moment->run->path);
        return NULL;
    }
    return sm_weights_read(*read, moment->run, SM_INITIAL_WEIGHTS, err) == 0 ? *read : NULL;
}

/* share [n_layers + 1]: of equal signs in each layer and all. */
static int compare_initial_weights(double *share, const struct sm_pair *pair, struct sm_error *err) {
    float **read[2] = {0};
    float *const *a = initial_weights(pair->a, &read[0], err);
    float *const *b = a ? initial_weights(pair->b, &read[1], err) : NULL;
    if (a && b) compare_signs(share, &pair->a->run->net, a, b);
    free(read[0]);
    free(read[1]);
    return a && b ? 0 : -1;
}

/* ---- one pair of runs ---- */

static void add_row(struct sm_running *values, const struct sm_overlap_cells *cells, bool all, bool swapped,
                    double initial_signs) {
    double a = sm_share(cells->a, cells->n), b = sm_share(cells->b, cells->n);
    const double value[N_VALUES] = {[INITIAL_SIGNS] = initial_signs,
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
                     const double *initial_signs, struct sm_error *err) {
    const struct block block = block_of(k);
    const struct sm_overlap *overlap = sm_pair_overlap(pair, block.comparison->bit, err);
    if (!overlap) return -1;
    for (size_t l = 0; l <= overlap->n_layers; l++)
        add_row(values_of(to, overlap->n_layers, k, l), sm_overlap_cells(overlap, block.alignment, block.null, l),
                l == overlap->n_layers, swapped, initial_signs[l]);
    return 0;
}

static bool is_wanted(const struct sm_group_pairs *pairs, size_t k) {
    return pairs->analysis->options->compare & block_of(k).comparison->bit;
}

static int methods_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    (void)table;
    struct sm_group_pairs *pairs = state;
    size_t n_rows = pair->a->run->net.n_layers + 1;
    bool swapped;
    struct sm_group_pair *to = sm_group_pairs_add(pairs, pair, N_BLOCKS * n_rows * N_VALUES, &swapped, err);
    double *initial_signs = calloc(n_rows, sizeof *initial_signs);
    int status = to && initial_signs ? compare_initial_weights(initial_signs, pair, err) : -1;
    if (!initial_signs) sm_fail(err, "methods: out of memory");
    for (size_t k = 0; k < N_BLOCKS && status == 0; k++)
        if (is_wanted(pairs, k)) status = add_block(to, pair, k, swapped, initial_signs, err);
    free(initial_signs);
    return status;
}

/* ---- rows ---- */

static void write_values(struct sm_table *table, const struct sm_running *values) {
    sm_table_real(table, sm_running_mean(&values[INITIAL_SIGNS]));
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

static int methods_close(void *state, struct sm_table *table, struct sm_error *err) {
    (void)err;
    const struct sm_group_pairs *pairs = state;
    for (size_t k = 0; k < sm_group_pairs_size(pairs); k++)
        for (size_t b = 0; b < N_BLOCKS && pairs->pair[k].n_pairs > 0; b++)
            if (is_wanted(pairs, b)) write_block(pairs, k, b, table);
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
        "Runs with the same weight seed begin with the same draws: unit u of one is unit u of the other, and raw is "
        "the\n"
        "comparison of weight with weight. Whether the initial weights are the same indeed, initial_signs tells. With\n"
        "different weight seeds only aligned rows mean something.\n"
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
    .open = methods_open,
    .pair = methods_pair,
    .close = methods_close,
    .free = methods_free,
};
