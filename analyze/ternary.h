/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ternary.h - a masked network as its non-hidden entries, each with a sign: what is compared between runs.
 *
 * By masks (SM_COMPARE_MASK) the sign is g itself, by effective weights (SM_COMPARE_WEIGHT) that of v = w g. A weight
 * of exactly 0 counts as hidden in the second. */
#ifndef SUPERMASK_ANALYZE_TERNARY_H
#define SUPERMASK_ANALYZE_TERNARY_H

#include "analyze/stat.h"

/* Entries of one layer, by rows (units of the layer), columns (entry of the fan-in: input, kernel row, kernel column)
 * ascending within a row: those of row r are start[r] .. start[r + 1] - 1. */
struct sm_ternary_layer {
    size_t n_rows, n_columns, n_entries;
    uint32_t *start;  /* [n_rows + 1] */
    uint32_t *column; /* [n_entries] */
    int8_t *sign;     /* [n_entries] -1 or +1 */
};

struct sm_ternary {
    size_t n_layers;
    struct sm_ternary_layer *layers; /* [n_layers] */
};

/* Of a moment. The caller destroys `ternary`, also after a failure. */
int sm_ternary_init(struct sm_ternary *ternary, const struct sm_moment *moment, enum sm_compare compare,
                    struct sm_error *err);
/* A copy, or room for as many entries in each layer. */
int sm_ternary_copy(struct sm_ternary *ternary, const struct sm_ternary *from, struct sm_error *err);
void sm_ternary_destroy(struct sm_ternary *ternary);

/* The same entries of one layer in place: sign [weights], 0 where the entry counts as hidden. */
void sm_ternary_signs(const struct sm_moment *moment, size_t l, enum sm_compare compare, int8_t *sign);

#endif
