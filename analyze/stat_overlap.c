/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_overlap.c - how much two runs keep in common, layer by layer, against chance.
 *
 * A block of rows is one choice from each of three tables: what is compared (comparisons), how b's units stand against
 * a's (raw, aligned), and what chance means (nulls.c). Every replicate of a null is compared as found and then aligned
 * by the very same procedure as the data. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/coincide.h"
#include "analyze/counts.h"
#include "analyze/hypergeometric.h"
#include "analyze/nulls.h"
#include "analyze/stat.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run"},
    {"layer", "layer, or all: the whole network"},
    {"compare", "mask: g in {-1, 0, +1}; weight: t = sign(w) g"},
    {"alignment",
     "raw: unit u of one run against unit u of the other; aligned: hidden units of run_b re-ordered to match"},
    {"null", "what run_b is exchanged for: independent, unit-permutation, degree, sign-shuffle (see above)"},
    {"n", "weights"},
    {"a", "non-hidden weights of run_a"},
    {"b", "non-hidden weights of run_b"},
    {"both", "weights that are non-hidden in both"},
    {"jaccard", "both / (a + b - both); nan where both masks hide everything"},
    {"dice", "2 both / (a + b); nan where both masks hide everything"},
    {"overlap_coefficient", "both / min(a, b); nan where one mask hides everything"},
    {"agreement", "share of equal entries, three classes"},
    {"kappa", "Cohen's kappa, three classes; nan where chance agreement is 1"},
    {"sign_agreement", "share of equal signs among both; nan where both = 0"},
    {"expected_jaccard", "expectation of the Jaccard index under the null; nan where both masks hide everything"},
    {"z", "(both - expectation) / standard deviation under the null; nan where that is 0"},
    {"p_value", "P(both >= observed) under the null; sampled: (1 + replicates >= observed) / (replicates + 1)"},
    {"p_holm", "p_value by Holm's method over the layers of these rows; nan for all"},
    {"expected_sign_agreement", "mean of sign_agreement over the replicates; nan where none has common weights"},
    {"sign_z", "(sign_agreement - expectation) / standard deviation over the replicates; nan where that is 0"},
    {"sign_p_value", "(1 + replicates with a sign_agreement >= observed) / (replicates + 1); nan where both = 0"},
};

static const struct comparison {
    enum sm_compare bit;
    const char *name;
} comparisons[] = {
    {SM_COMPARE_MASK, "mask"},
    {SM_COMPARE_WEIGHT, "weight"},
};

enum alignment { RAW, ALIGNED, N_ALIGNMENTS };
static const char *const alignment_names[N_ALIGNMENTS] = {"raw", "aligned"};

/* ---- one pair of runs, one comparison ---- */

/* What one replicate of a null has in common with a, in one layer. */
struct coincidence {
    size_t both, equal_signs;
};

struct pair {
    const struct sm_options *options;
    const struct sm_network *net;
    const struct comparison *comparison;
    struct sm_graph graph;
    struct sm_spaces spaces;
    struct sm_ternary a, b;
    const struct sm_alignment *alignment; /* of the data */
    struct sm_joint *seen[N_ALIGNMENTS];  /* [n_layers + 1] */
    struct coincidence *sampled;          /* [SM_N_NULLS][n_nulls][N_ALIGNMENTS][n_layers + 1] */
};

static void pair_destroy(struct pair *pair) {
    sm_graph_destroy(&pair->graph);
    sm_spaces_destroy(&pair->spaces);
    sm_ternary_destroy(&pair->a);
    sm_ternary_destroy(&pair->b);
    for (size_t k = 0; k < N_ALIGNMENTS; k++) free(pair->seen[k]);
    free(pair->sampled);
}

static int observe(struct pair *pair, struct sm_error *err) {
    struct sm_coincide_scratch scratch = {0};
    int status = sm_coincide_scratch_init(&scratch, &pair->a, err);
    for (size_t k = 0; k < N_ALIGNMENTS && status == 0; k++)
        sm_coincide(pair->seen[k], &pair->graph, &pair->a, &pair->b, k == ALIGNED ? pair->alignment : NULL, &scratch);
    sm_coincide_scratch_destroy(&scratch);
    return status;
}

/* The caller destroys `pair`, also after a failure. */
static int pair_init(struct pair *pair, const struct sm_pair *of, struct sm_error *err) {
    size_t n = pair->net->n_layers + 1;
    for (size_t k = 0; k < N_ALIGNMENTS; k++) pair->seen[k] = calloc(n, sizeof *pair->seen[k]);
    pair->sampled = calloc(SM_N_NULLS * pair->options->n_nulls * N_ALIGNMENTS * n, sizeof *pair->sampled);
    if (!pair->seen[RAW] || !pair->seen[ALIGNED] || !pair->sampled)
        return sm_fail(err, "out of memory for the overlap of %zu layers", n - 1);
    if (sm_graph_init(&pair->graph, pair->net, err) || sm_spaces_init(&pair->spaces, &pair->graph, err) ||
        sm_ternary_init(&pair->a, of->a, pair->comparison->bit, err) ||
        sm_ternary_init(&pair->b, of->b, pair->comparison->bit, err))
        return -1;
    pair->alignment = sm_pair_alignment(of, pair->comparison->bit, err);
    return pair->alignment ? observe(pair, err) : -1;
}

static struct coincidence *sampled_at(const struct pair *pair, size_t null, size_t replicate,
                                      enum alignment alignment) {
    size_t n = pair->net->n_layers + 1;
    return pair->sampled + ((null * pair->options->n_nulls + replicate) * N_ALIGNMENTS + alignment) * n;
}

/* ---- sampling ---- */

/* Of one thread. */
struct sampler {
    struct sm_ternary drawn;
    struct sm_alignment alignment;
    struct sm_align_scratch align;
    struct sm_null_scratch null;
    struct sm_coincide_scratch coincide;
    struct sm_joint *joint; /* [n_layers + 1] */
};

static void sampler_destroy(struct sampler *sampler) {
    sm_ternary_destroy(&sampler->drawn);
    sm_alignment_destroy(&sampler->alignment);
    sm_align_scratch_destroy(&sampler->align);
    sm_null_scratch_destroy(&sampler->null);
    sm_coincide_scratch_destroy(&sampler->coincide);
    free(sampler->joint);
}

static int sampler_init(struct sampler *sampler, const struct pair *pair, struct sm_error *err) {
    sampler->joint = calloc(pair->net->n_layers + 1, sizeof *sampler->joint);
    if (!sampler->joint) return sm_fail(err, "out of memory for a null model");
    if (sm_ternary_copy(&sampler->drawn, &pair->b, err) || sm_alignment_init(&sampler->alignment, &pair->graph, err) ||
        sm_null_scratch_init(&sampler->null, &pair->b, &pair->spaces, err))
        return -1;
    return sm_coincide_scratch_init(&sampler->coincide, &pair->b, err);
}

static void note_coincidence(const struct pair *pair, struct sampler *sampler, const struct sm_alignment *alignment,
                             struct coincidence *to) {
    sm_coincide(sampler->joint, &pair->graph, &pair->a, &sampler->drawn, alignment, &sampler->coincide);
    for (size_t l = 0; l <= pair->net->n_layers; l++)
        to[l] = (struct coincidence){sm_joint_both(&sampler->joint[l]), sm_joint_equal_signs(&sampler->joint[l])};
}

/* The same replicates serve every pair of this b, and whatever stands beside it on the command line. */
static int sample(const struct pair *pair, struct sampler *sampler, size_t null, size_t replicate,
                  struct sm_error *err) {
    const struct sm_align_options how = sm_align_options_for(pair->options, pair->comparison->bit);
    uint32_t count = (uint32_t)(replicate * SM_N_NULLS + null);
    struct sm_draws draws = sm_draws_make(sm_rng_make(pair->options->seed, SM_RNG_NULL, count));
    sm_nulls[null].draw(&sampler->drawn, &pair->b, &pair->spaces, &draws, &sampler->null);
    note_coincidence(pair, sampler, NULL, sampled_at(pair, null, replicate, RAW));
    /* By masks, places alone are matched: other signs have the very same alignment. */
    bool same_places = null == SM_NULL_SIGN_SHUFFLE && !how.by_sign;
    if (same_places) {
        note_coincidence(pair, sampler, pair->alignment, sampled_at(pair, null, replicate, ALIGNED));
        return 0;
    }
    if (sm_align(&sampler->alignment, &pair->spaces, &pair->a, &sampler->drawn, &how, &sampler->align, err) != 0)
        return -1;
    note_coincidence(pair, sampler, &sampler->alignment, sampled_at(pair, null, replicate, ALIGNED));
    return 0;
}

/* Replicates are independent of each other and stored by number, so that threads change nothing. */
static int sample_all(const struct pair *pair, struct sm_error *err) {
    size_t n = SM_N_NULLS * pair->options->n_nulls;
    int status = 0;
#pragma omp parallel
    {
        struct sampler sampler = {0};
        struct sm_error mine = {{0}};
        int failed = sampler_init(&sampler, pair, &mine);
#pragma omp for schedule(dynamic)
        for (size_t k = 0; k < n; k++)
            if (!failed) failed = sample(pair, &sampler, k % SM_N_NULLS, k / SM_N_NULLS, &mine);
#pragma omp critical
        if (failed && status == 0) {
            status = -1;
            *err = mine;
        }
        sampler_destroy(&sampler);
    }
    return status;
}

/* ---- against chance ---- */

struct chance {
    double expected_jaccard, z, p_value, p_holm;
    double expected_sign_agreement, sign_z, sign_p_value;
};

/* Mean, standard deviation and upper tail of replicates that come one by one. */
struct tail {
    double sum, sum_squares;
    size_t n, n_reached;
};

static void tail_add(struct tail *tail, double value, double observed) {
    tail->sum += value;
    tail->sum_squares += value * value;
    tail->n++;
    tail->n_reached += value >= observed;
}

static double tail_mean(const struct tail *tail) {
    return tail->n ? tail->sum / (double)tail->n : NAN;
}

static double tail_z(const struct tail *tail, double observed) {
    if (tail->n < 2) return NAN;
    double mean = tail_mean(tail);
    double variance = (tail->sum_squares - tail->sum * mean) / (double)(tail->n - 1);
    /* Equal replicates leave nothing but rounding. */
    return variance > 1e-12 * (1 + mean * mean) ? (observed - mean) / sqrt(variance) : NAN;
}

static size_t entries_of(const struct sm_ternary *ternary, size_t l) {
    if (l < ternary->n_layers) return ternary->layers[l].n_entries;
    size_t sum = 0;
    for (size_t k = 0; k < ternary->n_layers; k++) sum += ternary->layers[k].n_entries;
    return sum;
}

static void chance_of_layer(struct chance *chance, const struct pair *pair, size_t null, enum alignment alignment,
                            size_t l) {
    const struct sm_joint *seen = &pair->seen[alignment][l];
    double both = (double)sm_joint_both(seen), signs = sm_share(sm_joint_equal_signs(seen), sm_joint_both(seen));
    size_t marked = entries_of(&pair->a, l) + entries_of(&pair->b, l), n = pair->options->n_nulls;
    struct tail counts = {0}, jaccard = {0}, agreement = {0};
    for (size_t r = 0; r < n; r++) {
        struct coincidence drawn = sampled_at(pair, null, r, alignment)[l];
        tail_add(&counts, (double)drawn.both, both);
        tail_add(&jaccard, sm_share(drawn.both, marked - drawn.both), 0);
        if (drawn.both) tail_add(&agreement, sm_share(drawn.equal_signs, drawn.both), signs);
    }
    *chance = (struct chance){.expected_jaccard = marked ? tail_mean(&jaccard) : NAN,
                              .z = tail_z(&counts, both),
                              .p_value = (1 + (double)counts.n_reached) / (double)(n + 1),
                              .p_holm = NAN,
                              .expected_sign_agreement = tail_mean(&agreement),
                              .sign_z = isnan(signs) ? NAN : tail_z(&agreement, signs),
                              .sign_p_value = isnan(signs) ? NAN : (1 + (double)agreement.n_reached) / (double)(n + 1)};
}

/* Independent masks as they stand need no sample: layers are drawn one by one and added. */
static int exact_chance(struct chance *chance, const struct sm_stratum *strata, size_t n_strata, size_t both,
                        struct sm_error *err) {
    double sd = sqrt(sm_coincidence_variance(strata, n_strata));
    chance->z = sd > 0 ? ((double)both - sm_coincidence_mean(strata, n_strata)) / sd : NAN;
    if (sm_coincidence_jaccard(strata, n_strata, &chance->expected_jaccard, err)) return -1;
    return sm_coincidence_tail(strata, n_strata, both, &chance->p_value, err);
}

static int exact_chances(struct chance *chance, const struct pair *pair, struct sm_error *err) {
    size_t n_layers = pair->net->n_layers;
    const struct sm_joint *seen = pair->seen[RAW];
    struct sm_stratum *strata = calloc(n_layers + 1, sizeof *strata);
    int status = strata ? 0 : sm_fail(err, "out of memory for the null model of %zu layers", n_layers);
    for (size_t l = 0; !status && l < n_layers; l++) {
        strata[l] = (struct sm_stratum){sm_layer_weights(&pair->net->layers[l]), entries_of(&pair->a, l),
                                        entries_of(&pair->b, l)};
        status = exact_chance(&chance[l], &strata[l], 1, sm_joint_both(&seen[l]), err);
    }
    if (!status) status = exact_chance(&chance[n_layers], strata, n_layers, sm_joint_both(&seen[n_layers]), err);
    free(strata);
    return status;
}

static int adjust_layers(struct chance *chance, size_t n_layers, struct sm_error *err) {
    double *p = malloc((n_layers + 1) * sizeof *p);
    if (!p) return sm_fail(err, "out of memory for %zu p-values", n_layers);
    for (size_t l = 0; l < n_layers; l++) p[l] = chance[l].p_value;
    int status = sm_holm(p, n_layers, p, err);
    for (size_t l = 0; !status && l < n_layers; l++) chance[l].p_holm = p[l];
    free(p);
    return status;
}

/* ---- rows ---- */

static void write_overlap(struct sm_table *table, const struct sm_joint *seen) {
    size_t n = 0, a = 0, b = 0, equal = 0, both = sm_joint_both(seen), table_copy[3][3];
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            table_copy[i][j] = seen->table[i][j];
            n += seen->table[i][j];
            a += i != 1 ? seen->table[i][j] : 0;
            b += j != 1 ? seen->table[i][j] : 0;
            equal += i == j ? seen->table[i][j] : 0;
        }
    sm_table_int(table, (int64_t)n);
    sm_table_int(table, (int64_t)a);
    sm_table_int(table, (int64_t)b);
    sm_table_int(table, (int64_t)both);
    sm_table_real(table, sm_share(both, a + b - both));
    sm_table_real(table, sm_share(2 * both, a + b));
    sm_table_real(table, sm_share(both, a < b ? a : b));
    sm_table_real(table, sm_share(equal, n));
    sm_table_real(table, sm_cohen_kappa(table_copy));
    sm_table_real(table, sm_share(sm_joint_equal_signs(seen), both));
}

static void write_chance(struct sm_table *table, const struct chance *chance) {
    const double values[] = {chance->expected_jaccard,        chance->z,      chance->p_value,     chance->p_holm,
                             chance->expected_sign_agreement, chance->sign_z, chance->sign_p_value};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) sm_table_real(table, values[i]);
}

/* One alignment against one null: a row a layer and one for all. */
static int write_block(struct sm_table *table, const struct sm_pair *of, const struct pair *pair,
                       enum alignment alignment, size_t null, struct sm_error *err) {
    size_t n_layers = pair->net->n_layers;
    struct chance *chance = calloc(n_layers + 1, sizeof *chance);
    int status = chance ? 0 : sm_fail(err, "out of memory for the overlap of %zu layers", n_layers);
    for (size_t l = 0; !status && l <= n_layers; l++) chance_of_layer(&chance[l], pair, null, alignment, l);
    if (!status && alignment == RAW && null == SM_NULL_INDEPENDENT) status = exact_chances(chance, pair, err);
    if (!status) status = adjust_layers(chance, n_layers, err);
    for (size_t l = 0; !status && l <= n_layers; l++) {
        sm_table_text(table, of->a->run->name);
        sm_table_text(table, of->b->run->name);
        sm_table_text(table, l < n_layers ? pair->net->layers[l].name : SM_ALL_LAYERS);
        sm_table_text(table, pair->comparison->name);
        sm_table_text(table, alignment_names[alignment]);
        sm_table_text(table, sm_nulls[null].name);
        write_overlap(table, &pair->seen[alignment][l]);
        write_chance(table, &chance[l]);
    }
    free(chance);
    return status;
}

static int compare(struct sm_table *table, const struct sm_pair *of, const struct comparison *comparison,
                   const struct sm_options *options, struct sm_error *err) {
    struct pair pair = {.options = options, .net = &of->a->run->net, .comparison = comparison};
    int status = pair_init(&pair, of, err);
    if (!status) status = sample_all(&pair, err);
    for (size_t k = 0; !status && k < N_ALIGNMENTS * SM_N_NULLS; k++)
        status = write_block(table, of, &pair, k / SM_N_NULLS, k % SM_N_NULLS, err);
    pair_destroy(&pair);
    return status;
}

static int overlap_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis; /* only read */
    return 0;
}

static int overlap_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (!(analysis->options->compare & comparisons[i].bit)) continue;
        if (compare(table, pair, &comparisons[i], analysis->options, err)) return -1;
    }
    return 0;
}

const struct sm_statistic sm_stat_overlap = {
    .name = "overlap",
    .help = "how much two runs keep in common, as found and with hidden units aligned, against chance",
    .about =
        "Overlap of the masks of two runs at one moment, for every pair of runs with the same layers.\n"
        "compare: where the initial weights of the runs differ, weight is the meaningful row: equal mask entries on\n"
        "different weights do different things. A weight of exactly 0 counts as hidden there.\n"
        "alignment: hidden units have no fixed place, so that raw compares each with an arbitrary one. aligned "
        "re-orders\n"
        "the hidden units of run_b so that the overlap of the whole network is largest: coordinate descent over the\n"
        "layers, one linear assignment each, from --starts orders (Ainsworth et al. 2023, weight matching). It "
        "matches\n"
        "places for mask, and places with their signs for weight (a common place counts +1 for equal signs, -1 for\n"
        "opposite ones).\n"
        "null: what chance would give if run_b were\n"
        "  independent       as many kept and inverted weights in each layer at random places. For raw, "
        "expected_jaccard,\n"
        "                    z and p_value are exact (hypergeometric; for all, the layers' counts are drawn one by "
        "one\n"
        "                    and added, so that densities which differ between layers do not pass for agreement)\n"
        "  unit-permutation  the same network with its hidden units in random order; matched, it is the data again but "
        "for\n"
        "                    another local optimum of the search: a check of the alignment, not of the data\n"
        "  degree            a network in which each unit keeps its number of incoming weights, and each unit of the "
        "layer\n"
        "                    before its number of outgoing weights of each sign (curveball, signs dealt anew by "
        "column)\n"
        "  sign-shuffle      the same places with the signs of each layer in random order: see the sign_ columns\n"
        "each sampled --nulls times and aligned by the very same procedure as the data where the row is aligned.\n"
        "p_holm: Holm 1979, over the layers of one pair, compare, alignment and null.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = overlap_open,
    .pair = overlap_pair,
};
