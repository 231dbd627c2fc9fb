/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/controls.h"

#include <stdlib.h>
#include <string.h>

#include <supermask/init.h>
#include <supermask/rescale.h>
#include <supermask/rng.h>

#include "analyze/counts.h"

/* A stream for each layer of each replicate; the two shuffles of one replicate may share theirs: they are never
 * compared with each other entry by entry. */
static struct sm_rng layer_rng(const struct sm_control_work *work, size_t l) {
    return sm_rng_make(work->seed, SM_RNG_CONTROL, work->replicate * (uint32_t)work->net->n_layers + (uint32_t)l);
}

static int leave(const struct sm_control_work *work, struct sm_error *err) {
    (void)work;
    (void)err;
    return 0;
}

/* g[k] was replaced by before[order[k]]. Each place that is kept anew changes weights with one that is hidden anew: the
 * one at which the kept places that follow it in its cycle of the permutation end. That pairs them one to one, and with
 * a uniform permutation every pairing is equally likely. */
static void carry_weights(float *w, const int8_t *before, const uint32_t *order, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (before[k] || !before[order[k]]) continue;
        size_t j = order[k];
        while (before[order[j]]) j = order[j];
        float weight = w[k];
        w[k] = w[j];
        w[j] = weight;
    }
}

static int shuffle_layer(const struct sm_control_work *work, size_t l, struct sm_error *err) {
    size_t n = sm_layer_weights(&work->net->layers[l]);
    uint32_t *order = malloc((n + 1) * sizeof *order);
    int8_t *before = malloc(n + 1);
    int status = order && before ? 0 : sm_fail(err, "controls: out of memory");
    if (status == 0) {
        const struct sm_rng rng = layer_rng(work, l);
        sm_rng_permutation(&rng, order, n);
        memcpy(before, work->mask[l], n);
        for (size_t k = 0; k < n; k++) work->mask[l][k] = before[order[k]];
        if (work->weights_of_mask) carry_weights(work->weights[l], before, order, n);
    }
    free(order);
    free(before);
    return status;
}

static int shuffle_mask(const struct sm_control_work *work, struct sm_error *err) {
    for (size_t l = 0; l < work->net->n_layers; l++)
        if (shuffle_layer(work, l, err) != 0) return -1;
    return 0;
}

/* Permutes g[place[0]], g[place[1]], .. among these n places. */
static int permute(int8_t *g, const uint32_t *place, size_t n, const struct sm_rng *rng, struct sm_error *err) {
    uint32_t *order = malloc((n + 1) * sizeof *order);
    int8_t *old = malloc(n + 1);
    int status = order && old ? 0 : sm_fail(err, "controls: out of memory");
    if (status == 0) {
        sm_rng_permutation(rng, order, n);
        for (size_t k = 0; k < n; k++) old[k] = g[place[k]];
        for (size_t k = 0; k < n; k++) g[place[k]] = old[order[k]];
    }
    free(order);
    free(old);
    return status;
}

static int shuffle_layer_signs(int8_t *g, size_t n, const struct sm_rng *rng, struct sm_error *err) {
    uint32_t *place = malloc((n + 1) * sizeof *place);
    if (!place) return sm_fail(err, "controls: out of memory");
    size_t n_places = 0;
    for (size_t k = 0; k < n; k++)
        if (g[k]) place[n_places++] = (uint32_t)k;
    int status = permute(g, place, n_places, rng, err);
    free(place);
    return status;
}

static int shuffle_signs(const struct sm_control_work *work, struct sm_error *err) {
    for (size_t l = 0; l < work->net->n_layers; l++) {
        struct sm_rng rng = layer_rng(work, l);
        if (shuffle_layer_signs(work->mask[l], sm_layer_weights(&work->net->layers[l]), &rng, err) != 0) return -1;
    }
    return 0;
}

static int invert_all(const struct sm_control_work *work, struct sm_error *err) {
    (void)err;
    for (size_t l = 0; l < work->net->n_layers; l++)
        for (size_t k = 0; k < sm_layer_weights(&work->net->layers[l]); k++)
            work->mask[l][k] = (int8_t)-work->mask[l][k];
    return 0;
}

/* Whatever the mask, a layer's rescaling depends on the number of kept weights alone, which no control changes. */
static void rescale(const struct sm_control_work *work, size_t l) {
    if (work->recipe->rescale != SM_RESCALE_DYNAMIC) return;
    size_t n = sm_layer_weights(&work->net->layers[l]);
    float factor = sm_rescale_factor(n, sm_counts_remaining(sm_counts_of(work->mask[l], n)));
    for (size_t k = 0; k < n; k++) work->weights[l][k] *= factor;
}

/* The new seed depends on the run's own too, so that runs of different seeds do not get the same weights. */
static int redraw_weights(const struct sm_control_work *work, struct sm_error *err) {
    (void)err;
    struct sm_recipe recipe = *work->recipe;
    const struct sm_rng rng = sm_rng_make(work->seed, SM_RNG_CONTROL, work->replicate);
    do recipe.weight_seed = sm_rng_below(&rng, recipe.weight_seed, UINT64_MAX);
    while (recipe.weight_seed == work->recipe->weight_seed);
    for (size_t l = 0; l < work->net->n_layers; l++) {
        sm_init_weights(work->weights[l], &recipe, &work->net->layers[l], l);
        rescale(work, l);
    }
    return 0;
}

/* ---- whether there is anything to shuffle ---- */

static bool has_two_states(struct sm_counts counts) {
    return (counts.keep > 0) + (counts.hide > 0) + (counts.invert > 0) > 1;
}

static bool has_two_signs(struct sm_counts counts) {
    return counts.keep > 0 && counts.invert > 0;
}

static bool any_layer(const struct sm_network *net, int8_t *const *mask, bool (*has)(struct sm_counts counts)) {
    for (size_t l = 0; l < net->n_layers; l++)
        if (has(sm_counts_of(mask[l], sm_layer_weights(&net->layers[l])))) return true;
    return false;
}

static bool can_shuffle_mask(const struct sm_network *net, int8_t *const *mask) {
    return any_layer(net, mask, has_two_states);
}

static bool can_shuffle_signs(const struct sm_network *net, int8_t *const *mask) {
    return any_layer(net, mask, has_two_signs);
}

static bool always(const struct sm_network *net, int8_t *const *mask) {
    (void)net;
    (void)mask;
    return true;
}

const struct sm_control sm_controls[] = {
    {"as-trained", false, always, leave},
    {"shuffle-mask", true, can_shuffle_mask, shuffle_mask},
    {"shuffle-signs", true, can_shuffle_signs, shuffle_signs},
    {"invert-all", false, always, invert_all},
    {"redraw-weights", true, always, redraw_weights},
};

const size_t sm_n_controls = sizeof sm_controls / sizeof *sm_controls;
