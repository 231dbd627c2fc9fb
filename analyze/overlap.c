/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/overlap.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/coincide.h"
#include "analyze/counts.h"
#include "analyze/hypergeometric.h"
#include "analyze/statistics.h"

const struct sm_comparison sm_comparisons[SM_N_COMPARISONS] = {
    {SM_COMPARE_MASK, "mask"},
    {SM_COMPARE_WEIGHT, "weight"},
};

const char *const sm_overlap_alignment_names[SM_N_OVERLAP_ALIGNMENTS] = {"raw", "aligned"};

/* ---- one pair of runs, one comparison ---- */

/* What one replicate of a null has in common with a, in one layer. */
struct coincidence {
    size_t both, equal_signs;
};

struct pair {
    const struct sm_options *options;
    const struct sm_network *net;
    enum sm_compare compare;
    struct sm_graph graph;
    struct sm_spaces spaces;
    struct sm_ternary a, b;
    const struct sm_alignment *alignment;           /* of the data */
    struct sm_joint *seen[SM_N_OVERLAP_ALIGNMENTS]; /* [n_layers + 1] */
    struct coincidence *sampled;                    /* [SM_N_NULLS][n_nulls][SM_N_OVERLAP_ALIGNMENTS][n_layers + 1] */
};

static void pair_destroy(struct pair *pair) {
    sm_graph_destroy(&pair->graph);
    sm_spaces_destroy(&pair->spaces);
    sm_ternary_destroy(&pair->a);
    sm_ternary_destroy(&pair->b);
    for (size_t k = 0; k < SM_N_OVERLAP_ALIGNMENTS; k++) free(pair->seen[k]);
    free(pair->sampled);
}

static int observe(struct pair *pair, struct sm_error *err) {
    struct sm_coincide_scratch scratch = {0};
    int status = sm_coincide_scratch_init(&scratch, &pair->a, err);
    for (size_t k = 0; k < SM_N_OVERLAP_ALIGNMENTS && status == 0; k++)
        sm_coincide(pair->seen[k], &pair->graph, &pair->a, &pair->b, k == SM_OVERLAP_ALIGNED ? pair->alignment : NULL,
                    &scratch);
    sm_coincide_scratch_destroy(&scratch);
    return status;
}

/* The caller destroys `pair`, also after a failure. */
static int pair_init(struct pair *pair, const struct sm_pair *of, struct sm_error *err) {
    size_t n = pair->net->n_layers + 1;
    for (size_t k = 0; k < SM_N_OVERLAP_ALIGNMENTS; k++) pair->seen[k] = calloc(n, sizeof *pair->seen[k]);
    pair->sampled = calloc(SM_N_NULLS * pair->options->n_nulls * SM_N_OVERLAP_ALIGNMENTS * n, sizeof *pair->sampled);
    if (!pair->seen[SM_OVERLAP_RAW] || !pair->seen[SM_OVERLAP_ALIGNED] || !pair->sampled)
        return sm_fail(err, "out of memory for the overlap of %zu layers", n - 1);
    if (sm_graph_init(&pair->graph, pair->net, err) || sm_spaces_init(&pair->spaces, &pair->graph, err) ||
        sm_ternary_init(&pair->a, of->a, pair->compare, err) || sm_ternary_init(&pair->b, of->b, pair->compare, err))
        return -1;
    pair->alignment = sm_pair_alignment(of, pair->compare, err);
    return pair->alignment ? observe(pair, err) : -1;
}

static struct coincidence *sampled_at(const struct pair *pair, size_t null, size_t replicate,
                                      enum sm_overlap_alignment alignment) {
    size_t n = pair->net->n_layers + 1;
    return pair->sampled + ((null * pair->options->n_nulls + replicate) * SM_N_OVERLAP_ALIGNMENTS + alignment) * n;
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
    const struct sm_align_options how = sm_align_options_for(pair->options, pair->compare);
    uint32_t count = (uint32_t)(replicate * SM_N_NULLS + null);
    struct sm_draws draws = sm_draws_make(sm_rng_make(pair->options->seed, SM_RNG_NULL, count));
    sm_nulls[null].draw(&sampler->drawn, &pair->b, &pair->spaces, &draws, &sampler->null);
    note_coincidence(pair, sampler, NULL, sampled_at(pair, null, replicate, SM_OVERLAP_RAW));
    /* By masks, places alone are matched: other signs have the very same alignment. */
    bool same_places = null == SM_NULL_SIGN_SHUFFLE && !how.by_sign;
    if (same_places) {
        note_coincidence(pair, sampler, pair->alignment, sampled_at(pair, null, replicate, SM_OVERLAP_ALIGNED));
        return 0;
    }
    if (sm_align(&sampler->alignment, &pair->spaces, &pair->a, &sampler->drawn, &how, &sampler->align, err) != 0)
        return -1;
    note_coincidence(pair, sampler, &sampler->alignment, sampled_at(pair, null, replicate, SM_OVERLAP_ALIGNED));
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

static void sampled_chance(struct sm_overlap_cells *cells, const struct pair *pair, size_t null,
                           enum sm_overlap_alignment alignment, size_t l) {
    double both = (double)cells->both, signs = cells->sign_agreement;
    size_t marked = cells->a + cells->b, n = pair->options->n_nulls;
    struct tail counts = {0}, jaccard = {0}, agreement = {0};
    for (size_t r = 0; r < n; r++) {
        struct coincidence drawn = sampled_at(pair, null, r, alignment)[l];
        tail_add(&counts, (double)drawn.both, both);
        tail_add(&jaccard, sm_share(drawn.both, marked - drawn.both), 0);
        if (drawn.both) tail_add(&agreement, sm_share(drawn.equal_signs, drawn.both), signs);
    }
    cells->expected_both = tail_mean(&counts);
    cells->expected_jaccard = marked ? tail_mean(&jaccard) : NAN;
    cells->z = tail_z(&counts, both);
    cells->p_value = (1 + (double)counts.n_reached) / (double)(n + 1);
    cells->p_holm = NAN;
    cells->expected_sign_agreement = tail_mean(&agreement);
    cells->sign_z = isnan(signs) ? NAN : tail_z(&agreement, signs);
    cells->sign_p_value = isnan(signs) ? NAN : (1 + (double)agreement.n_reached) / (double)(n + 1);
}

/* Independent masks as they stand need no sample: layers are drawn one by one and added. */
static int exact_chance(struct sm_overlap_cells *cells, const struct sm_stratum *strata, size_t n_strata,
                        struct sm_error *err) {
    double sd = sqrt(sm_coincidence_variance(strata, n_strata));
    cells->expected_both = sm_coincidence_mean(strata, n_strata);
    cells->z = sd > 0 ? ((double)cells->both - cells->expected_both) / sd : NAN;
    if (sm_coincidence_jaccard(strata, n_strata, &cells->expected_jaccard, err)) return -1;
    return sm_coincidence_tail(strata, n_strata, cells->both, &cells->p_value, err);
}

static int exact_chances(struct sm_overlap_cells *cells, size_t n_layers, struct sm_error *err) {
    struct sm_stratum *strata = calloc(n_layers + 1, sizeof *strata);
    int status = strata ? 0 : sm_fail(err, "out of memory for the null model of %zu layers", n_layers);
    for (size_t l = 0; !status && l < n_layers; l++) {
        strata[l] = (struct sm_stratum){cells[l].n, cells[l].a, cells[l].b};
        status = exact_chance(&cells[l], &strata[l], 1, err);
    }
    if (!status) status = exact_chance(&cells[n_layers], strata, n_layers, err);
    free(strata);
    return status;
}

static int adjust_layers(struct sm_overlap_cells *cells, size_t n_layers, struct sm_error *err) {
    double *p = malloc((n_layers + 1) * sizeof *p);
    if (!p) return sm_fail(err, "out of memory for %zu p-values", n_layers);
    for (size_t l = 0; l < n_layers; l++) p[l] = cells[l].p_value;
    int status = sm_holm(p, n_layers, p, err);
    for (size_t l = 0; !status && l < n_layers; l++) cells[l].p_holm = p[l];
    free(p);
    return status;
}

/* ---- cells ---- */

static void observed_cells(struct sm_overlap_cells *cells, const struct sm_joint *seen) {
    size_t n = 0, a = 0, b = 0, equal = 0, both = sm_joint_both(seen), table_copy[3][3];
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            table_copy[i][j] = seen->table[i][j];
            n += seen->table[i][j];
            a += i != 1 ? seen->table[i][j] : 0;
            b += j != 1 ? seen->table[i][j] : 0;
            equal += i == j ? seen->table[i][j] : 0;
        }
    *cells = (struct sm_overlap_cells){.n = n,
                                       .a = a,
                                       .b = b,
                                       .both = both,
                                       .jaccard = sm_share(both, a + b - both),
                                       .dice = sm_share(2 * both, a + b),
                                       .overlap_coefficient = sm_share(both, a < b ? a : b),
                                       .agreement = sm_share(equal, n),
                                       .kappa = sm_cohen_kappa(table_copy),
                                       .sign_agreement = sm_share(sm_joint_equal_signs(seen), both)};
}

static size_t block_at(size_t n_layers, enum sm_overlap_alignment alignment, size_t null) {
    return (alignment * SM_N_NULLS + null) * (n_layers + 1);
}

/* One alignment against one null. */
static int fill_block(struct sm_overlap *overlap, const struct pair *pair, enum sm_overlap_alignment alignment,
                      size_t null, struct sm_error *err) {
    size_t n_layers = overlap->n_layers;
    struct sm_overlap_cells *cells = overlap->cells + block_at(n_layers, alignment, null);
    for (size_t l = 0; l <= n_layers; l++) {
        observed_cells(&cells[l], &pair->seen[alignment][l]);
        sampled_chance(&cells[l], pair, null, alignment, l);
    }
    if (alignment == SM_OVERLAP_RAW && null == SM_NULL_INDEPENDENT && exact_chances(cells, n_layers, err)) return -1;
    return adjust_layers(cells, n_layers, err);
}

static int fill_cells(struct sm_overlap *overlap, const struct pair *pair, struct sm_error *err) {
    int status = 0;
    overlap->n_layers = pair->net->n_layers;
    overlap->cells = calloc(block_at(overlap->n_layers, SM_N_OVERLAP_ALIGNMENTS, 0), sizeof *overlap->cells);
    if (!overlap->cells) return sm_fail(err, "out of memory for the overlap of %zu layers", overlap->n_layers);
    for (size_t k = 0; !status && k < SM_N_OVERLAP_ALIGNMENTS * SM_N_NULLS; k++)
        status = fill_block(overlap, pair, (enum sm_overlap_alignment)(k / SM_N_NULLS), k % SM_N_NULLS, err);
    return status;
}

static int compute(struct sm_overlap *overlap, const struct sm_pair *of, enum sm_compare compare,
                   struct sm_error *err) {
    struct pair pair = {.options = of->alignments->options, .net = &of->a->run->net, .compare = compare};
    int status = pair_init(&pair, of, err);
    if (!status) status = sample_all(&pair, err);
    if (!status) status = fill_cells(overlap, &pair, err);
    pair_destroy(&pair);
    return status;
}

const struct sm_overlap_cells *sm_overlap_cells(const struct sm_overlap *overlap, enum sm_overlap_alignment alignment,
                                                size_t null, size_t layer) {
    return overlap->cells + block_at(overlap->n_layers, alignment, null) + layer;
}

double sm_overlap_association(const struct sm_overlap_cells *cells) {
    double least = cells->a + cells->b > cells->n ? (double)(cells->a + cells->b - cells->n) : 0;
    double most = (double)(cells->a < cells->b ? cells->a : cells->b);
    double excess = (double)cells->both - cells->expected_both;
    double open = excess >= 0 ? most - cells->expected_both : cells->expected_both - least;
    /* Sampled expectations are sums: what differs by rounding only is nothing. */
    return open > 1e-9 * (1 + most) ? excess / open : NAN;
}

/* ---- the overlaps of a pair ---- */

void sm_overlaps_destroy(struct sm_overlaps *overlaps) {
    for (size_t k = 0; k < 2; k++) free(overlaps->overlap[k].cells);
    *overlaps = (struct sm_overlaps){0};
}

const struct sm_overlap *sm_pair_overlap(const struct sm_pair *pair, enum sm_compare compare, struct sm_error *err) {
    struct sm_overlaps *all = pair->overlaps;
    size_t k = compare == SM_COMPARE_MASK ? 0 : 1;
    if (!all->done[k] && compute(&all->overlap[k], pair, compare, err) != 0) return NULL;
    all->done[k] = true;
    return &all->overlap[k];
}
