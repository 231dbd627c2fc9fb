/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edge_popup.c - edge-popup: Ramanujan et al. 2020 (arXiv 1911.13299), section 3 and its published code.
 *
 * Weights w are frozen, scores m are trained. In every layer of n weights the int((1 - k) n) with the smallest |m| are
 * hidden, the others kept: g in {0, 1}. Straight through to the score's size, dL/d|m| = (dL/dv) w, so dL/dm is that
 * times sign(m). Equal |m|: the weight that stands first is hidden first. k is the share that is kept. */
#include <math.h>
#include <string.h>
#include <supermask/init.h>

#include "train/method.h"

static void init(struct sm_method_layer *l, const struct sm_recipe *recipe) {
    sm_init_weights(l->weights, recipe, l->layer, l->index);
    sm_init_scores(l->scores, recipe, l->layer, l->index);
    l->threshold = NAN;
}

/* ---- the weight where hiding ends ---- */

/* A score's size is the bits of |m|, 31 of them, which grow with it (kernels.h). */
static const struct sm_digit digits[] = {{20, 11}, {10, 10}, {0, 10}};
enum { N_DIGITS = sizeof digits / sizeof *digits };

static size_t last_used_row(const struct sm_method_state *s) {
    return s->last_row < s->shape.n_out ? s->last_row : s->shape.n_out;
}

/* Of this thread's scores with those bits above the digit. Scores that pad a row are 0, and are taken off again. */
static void count_digit(const struct sm_method_state *s, struct sm_digit digit, uint32_t prefix) {
    uint32_t *counts = s->counts[s->team->thread];
    size_t last = last_used_row(s), stride = s->shape.stride;
    memset(counts, 0, SM_METHOD_COUNTS * sizeof *counts);
    if (s->first_row >= last) return;
    s->kernels->count_sizes(counts, s->scores + s->first_row * stride, (last - s->first_row) * stride, digit, prefix);
    if (prefix == 0) counts[0] -= (uint32_t)((last - s->first_row) * (stride - s->shape.n_in));
}

static uint32_t counted(const struct sm_method_state *s, uint32_t value) {
    uint32_t n = 0;
    for (int t = 0; t < s->team->n_threads; t++) n += s->counts[t][value];
    return n;
}

/* Where hiding ends: every weight below `size` is hidden, and `ties` of this thread's rows that have it. */
struct limit {
    uint32_t size, ties;
};

/* The size of the last of n_hidden, digit by digit; every thread finds the same. */
static struct limit find_limit(const struct sm_method_state *s, size_t n_hidden) {
    struct limit limit = {0};
    size_t left = n_hidden;
    for (size_t k = 0; k < N_DIGITS; k++) {
        count_digit(s, digits[k], limit.size);
        sm_team_wait(s->team);
        uint32_t value = 0, n;
        while ((n = counted(s, value)) < left) left -= n, value++;
        limit.size = limit.size << digits[k].width | value;
        if (k + 1 < N_DIGITS) sm_team_wait(s->team); /* before the counts are used again */
    }
    size_t before = 0;
    for (int t = 0; t < s->team->thread; t++)
        before += s->counts[t][limit.size & ((1u << digits[N_DIGITS - 1].width) - 1)];
    limit.ties = left > before ? (uint32_t)(left - before) : 0;
    sm_team_wait(s->team);
    return limit;
}

/* Of the scores of that size in row o the first ones, as long as there are ties to hide. */
static void hide_ties(const struct sm_method_state *s, size_t o, struct limit *limit) {
    for (size_t i = 0; i < s->shape.n_in && limit->ties > 0; i++) {
        uint32_t bits;
        memcpy(&bits, s->scores + o * s->shape.stride + i, sizeof bits);
        if ((bits & 0x7FFFFFFFu) != limit->size) continue;
        s->mask[o * s->shape.stride + i] = 0;
        limit->ties--;
    }
}

static void masks(const struct sm_method_state *s) {
    size_t n = s->shape.n_out * s->shape.n_in, n_hidden = (size_t)((1 - s->recipe->keep) * (double)n);
    size_t stride = s->shape.stride, last = last_used_row(s);
    struct limit limit = n_hidden ? find_limit(s, n_hidden) : (struct limit){0};
    for (size_t o = s->first_row; o < last; o++) {
        int8_t *mask = s->mask + o * stride;
        size_t n_equal = s->kernels->mask_from_sizes(mask, s->scores + o * stride, limit.size, stride);
        memset(mask + s->shape.n_in, 0, stride - s->shape.n_in);
        if (n_equal > 0) hide_ties(s, o, &limit);
    }
}

static void gradient(const struct sm_method_state *s, float *values) {
    size_t at = s->first_row * s->shape.stride, n = (s->last_row - s->first_row) * s->shape.stride;
    s->kernels->magnitude_gradient(values + at, s->scores + at, s->weights + at, n);
}

extern const struct sm_method sm_method_edge_popup;
const struct sm_method sm_method_edge_popup = {
    .name = "edge-popup",
    .help = "frozen weights, the share `keep` of each layer with the largest |score| is kept (Ramanujan et al. 2020)",
    .keeps_share = true,
    .draws_scores = true,
    .init = init,
    .masks = masks,
    .gradient = gradient,
};
