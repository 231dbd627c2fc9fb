/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/counts.h"

#include <math.h>

struct sm_counts sm_counts_of(const int8_t *mask, size_t n) {
    size_t keep = 0, invert = 0;
    for (size_t i = 0; i < n; i++) {
        keep += mask[i] > 0;
        invert += mask[i] < 0;
    }
    return (struct sm_counts){.keep = keep, .hide = n - keep - invert, .invert = invert};
}

void sm_counts_layers(struct sm_counts *counts, const struct sm_network *net, int8_t *const *mask) {
    struct sm_counts all = {0};
    for (size_t l = 0; l < net->n_layers; l++) {
        counts[l] = sm_counts_of(mask[l], sm_layer_weights(&net->layers[l]));
        all.keep += counts[l].keep;
        all.hide += counts[l].hide;
        all.invert += counts[l].invert;
    }
    counts[net->n_layers] = all;
}

size_t sm_counts_total(struct sm_counts counts) {
    return counts.keep + counts.hide + counts.invert;
}

size_t sm_counts_remaining(struct sm_counts counts) {
    return counts.keep + counts.invert;
}

double sm_share(size_t part, size_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

static double entropy_term(double p) {
    return p > 0 ? -p * log2(p) : 0;
}

double sm_counts_entropy(struct sm_counts counts) {
    size_t n = sm_counts_total(counts);
    if (n == 0) return NAN;
    return entropy_term(sm_share(counts.keep, n)) + entropy_term(sm_share(counts.hide, n)) +
           entropy_term(sm_share(counts.invert, n));
}
