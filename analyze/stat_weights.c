/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weights.tsv: does the mask choose by the initial magnitude? */
#include "analyze/stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>

#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer"},
    {"state", "keep, invert or hide: the weights whose mask is +1, -1 or 0"},
    {"n", "weights in that state"},
    {"mean_abs", "mean of the initial |w| of these weights; nan for n = 0"},
    {"sd_abs", "their standard deviation (n - 1 in the denominator); nan for n < 2"},
    {"ks_distance", "largest distance between their distribution of |w| and the whole layer's; nan for n = 0"},
    {"ks_p_value", "P(K >= distance * sqrt(n m / (n + m))) with m the layer's weights, K Kolmogorov's limit"},
};

static const struct {
    const char *name;
    int mask;
} states[] = {{"keep", 1}, {"invert", -1}, {"hide", 0}};

/* A weight's magnitude and state in one number that sorts by magnitude: the bits of floats >= 0 are ordered as the
 * floats are. */
static uint64_t pack(float w, int8_t mask) {
    float magnitude = fabsf(w);
    uint32_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    return (uint64_t)bits << 2 | (uint64_t)(mask + 1);
}

static double magnitude_of(uint64_t packed) {
    uint32_t bits = (uint32_t)(packed >> 2);
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    return magnitude;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void write_state(struct sm_table *table, const struct sm_moment *moment, size_t l, const char *state,
                        const double *chosen, size_t n, const double *whole, size_t n_whole) {
    double p_value;
    double distance = sm_ks_two_sample(chosen, n, whole, n_whole, &p_value);
    sm_table_text(table, moment->run->name);
    sm_table_text(table, moment->run->net.layers[l].name);
    sm_table_text(table, state);
    sm_table_int(table, (int64_t)n);
    sm_table_real(table, n > 0 ? gsl_stats_mean(chosen, 1, n) : NAN);
    sm_table_real(table, n > 1 ? gsl_stats_sd(chosen, 1, n) : NAN);
    sm_table_real(table, distance);
    sm_table_real(table, p_value);
}

/* The moment has the trained weights where there are such; the initial ones are read then. */
static const float *initial_weights(const struct sm_moment *moment, size_t l, float *buffer, struct sm_error *err) {
    if (!moment->run->trains_weights && !moment->run->rescale) return moment->weights[l];
    return sm_run_read_values(moment->run, l, SM_INITIAL_WEIGHTS, buffer, err) == 0 ? buffer : NULL;
}

/* All [weights of the layer]. */
struct scratch {
    float *initial;
    uint64_t *packed;
    double *whole, *chosen;
};

static int write_layer(struct sm_table *table, const struct sm_moment *moment, size_t l, const struct scratch *scratch,
                       struct sm_error *err) {
    size_t n = sm_layer_weights(&moment->run->net.layers[l]);
    uint64_t *packed = scratch->packed;
    double *whole = scratch->whole, *chosen = scratch->chosen;
    const float *initial = initial_weights(moment, l, scratch->initial, err);
    if (!initial) return -1;
    for (size_t i = 0; i < n; i++) {
        if (isnan(initial[i]))
            return sm_fail(err, "%s: layer %s: initial_weights hold a NaN", moment->run->path,
                           moment->run->net.layers[l].name);
        packed[i] = pack(initial[i], moment->mask[l][i]);
    }
    qsort(packed, n, sizeof *packed, compare);
    for (size_t i = 0; i < n; i++) whole[i] = magnitude_of(packed[i]);
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        size_t n_chosen = 0;
        for (size_t i = 0; i < n; i++)
            if ((int)(packed[i] & 3) - 1 == states[s].mask) chosen[n_chosen++] = whole[i];
        write_state(table, moment, l, states[s].name, chosen, n_chosen, whole, n);
    }
    return 0;
}

static size_t largest_layer(const struct sm_network *net) {
    size_t most = 0;
    for (size_t l = 0; l < net->n_layers; l++)
        if (sm_layer_weights(&net->layers[l]) > most) most = sm_layer_weights(&net->layers[l]);
    return most;
}

static int moment_rows(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    (void)state;
    size_t most = largest_layer(&moment->run->net);
    const struct scratch scratch = {malloc(most * sizeof *scratch.initial), malloc(most * sizeof *scratch.packed),
                                    malloc(most * sizeof *scratch.whole), malloc(most * sizeof *scratch.chosen)};
    bool whole = scratch.initial && scratch.packed && scratch.whole && scratch.chosen;
    int status = whole ? 0 : sm_fail(err, "%s: weights: out of memory", moment->run->path);
    for (size_t l = 0; l < moment->run->net.n_layers && status == 0; l++)
        status = write_layer(table, moment, l, &scratch, err);
    free(scratch.initial);
    free(scratch.packed);
    free(scratch.whole);
    free(scratch.chosen);
    return status;
}

const struct sm_statistic sm_stat_weights = {
    .name = "weights",
    .help = "initial magnitudes of kept, inverted and hidden weights against the whole layer's",
    .about = "Magnitude |w| of the initial weights that are kept, inverted and hidden, and the two-sample Kolmogorov-\n"
             "Smirnov distance between each of them and the whole layer. The layer contains the weights that it is\n"
             "compared with, so the p-value is conservative. Where all |w| of a layer are equal (signed-constant) the\n"
             "distance is 0 and p is 1.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .moment = moment_rows,
};
