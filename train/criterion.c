/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/criterion.h"

#include <math.h>
#include <stdlib.h>

/* A kept weight: its score, a random number that decides between equal scores, and its place. */
struct candidate {
    double score;
    uint32_t tie, index;
};

static int by_score(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    if (x->tie != y->tie) return x->tie < y->tie ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* ---- scores of a single weight ---- */

static double large_final(double wi, double wf) {
    (void)wi;
    return fabs(wf);
}
static double small_final(double wi, double wf) {
    (void)wi;
    return -fabs(wf);
}
static double large_init(double wi, double wf) {
    (void)wf;
    return fabs(wi);
}
static double small_init(double wi, double wf) {
    (void)wf;
    return -fabs(wi);
}
static double magnitude_increase(double wi, double wf) {
    return fabs(wf) - fabs(wi);
}
static double movement(double wi, double wf) {
    return fabs(wf - wi);
}
static double at_random(double wi, double wf) {
    (void)wi, (void)wf;
    return 0;
}
static double large_final_same_sign(double wi, double wf) {
    return fmax(0, copysign(1, wi) * wf);
}
static double large_final_diff_sign(double wi, double wf) {
    return fmax(0, -copysign(1, wi) * wf);
}

/* Of one weight by itself; or the lower of two ranks. */
struct rule {
    double (*score)(double wi, double wf);
    double (*ranked[2])(double wi, double wf);
};
static const struct rule rules[] = {
    [SM_LARGE_FINAL] = {.score = large_final},
    [SM_SMALL_FINAL] = {.score = small_final},
    [SM_LARGE_INIT] = {.score = large_init},
    [SM_SMALL_INIT] = {.score = small_init},
    [SM_LARGE_INIT_LARGE_FINAL] = {.ranked = {large_init, large_final}},
    [SM_SMALL_INIT_SMALL_FINAL] = {.ranked = {small_init, small_final}},
    [SM_MAGNITUDE_INCREASE] = {.score = magnitude_increase},
    [SM_MOVEMENT] = {.score = movement},
    [SM_RANDOM] = {.score = at_random},
    [SM_LARGE_FINAL_SAME_SIGN] = {.score = large_final_same_sign},
    [SM_LARGE_FINAL_DIFF_SIGN] = {.score = large_final_diff_sign},
};

/* ---- a layer ---- */

struct layer {
    const float *initial, *final;
    struct candidate *candidates;
    size_t n;
};

static void list_kept(struct layer *layer, const int8_t *mask, size_t n, struct sm_rng ties) {
    for (size_t k = 0; k < n; k++)
        if (mask[k]) layer->candidates[layer->n++] = (struct candidate){0, sm_rng_u32(&ties, k), (uint32_t)k};
}

static void score_each(struct layer *layer, double (*score)(double, double)) {
    for (size_t c = 0; c < layer->n; c++) {
        struct candidate *k = &layer->candidates[c];
        k->score = score(layer->initial[k->index], layer->final[k->index]);
    }
}

static void sort(struct layer *layer) {
    qsort(layer->candidates, layer->n, sizeof *layer->candidates, by_score);
}

/* lowest[index] becomes the lower of itself and the weight's rank by this score. */
static void lower_to_rank(struct layer *layer, double (*score)(double, double), uint32_t *lowest) {
    score_each(layer, score);
    sort(layer);
    for (size_t c = 0; c < layer->n; c++)
        if (lowest[layer->candidates[c].index] > c) lowest[layer->candidates[c].index] = (uint32_t)c;
}

static void score_by_ranks(struct layer *layer, const struct rule *rule, uint32_t *lowest, size_t n) {
    for (size_t k = 0; k < n; k++) lowest[k] = UINT32_MAX;
    for (size_t r = 0; r < 2; r++) lower_to_rank(layer, rule->ranked[r], lowest);
    for (size_t c = 0; c < layer->n; c++) layer->candidates[c].score = lowest[layer->candidates[c].index];
}

int sm_criterion_prune(int8_t *mask, enum sm_criterion criterion, const float *initial, const float *final, size_t n,
                       size_t n_hide, struct sm_rng ties, struct sm_error *err) {
    const struct rule *rule = &rules[criterion];
    struct layer layer = {initial, final, malloc((n ? n : 1) * sizeof *layer.candidates), 0};
    uint32_t *lowest = rule->score ? NULL : malloc((n ? n : 1) * sizeof *lowest);
    bool whole = layer.candidates && (rule->score || lowest);
    if (whole) {
        list_kept(&layer, mask, n, ties);
        if (rule->score)
            score_each(&layer, rule->score);
        else
            score_by_ranks(&layer, rule, lowest, n);
        sort(&layer);
        for (size_t c = 0; c < n_hide; c++) mask[layer.candidates[c].index] = 0;
    }
    free(layer.candidates);
    free(lowest);
    return whole ? 0 : sm_fail(err, "out of memory for the criterion of %zu weights", n);
}
