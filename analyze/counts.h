/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counts.h - how often keep, hide and invert occur, and what follows from these three numbers alone. */
#ifndef SUPERMASK_ANALYZE_COUNTS_H
#define SUPERMASK_ANALYZE_COUNTS_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/network.h>

struct sm_counts {
    size_t keep, hide, invert;
};

struct sm_counts sm_counts_of(const int8_t *mask, size_t n);

/* counts[l] of every layer; counts[n_layers] is their sum. */
void sm_counts_layers(struct sm_counts *counts, const struct sm_network *net, int8_t *const *mask);

size_t sm_counts_total(struct sm_counts counts);
size_t sm_counts_remaining(struct sm_counts counts); /* keep + invert */

/* part / whole; NaN where whole is 0. */
double sm_share(size_t part, size_t whole);

/* Shannon entropy of the three shares in bits, 0 .. log2(3); NaN without entries. */
double sm_counts_entropy(struct sm_counts counts);

#endif
