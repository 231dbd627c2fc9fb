/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nulls.h - null models that are sampled: networks that share something with a given one and are random otherwise. What
 * a comparison finds in the data counts for as much as it exceeds what it finds in these. */
#ifndef SUPERMASK_ANALYZE_NULLS_H
#define SUPERMASK_ANALYZE_NULLS_H

#include <supermask/rng.h>

#include "analyze/align.h"

/* Memory of one thread for networks with the layers of one ternary network. */
struct sm_null_scratch {
    uint64_t *present;       /* a layer as bits: [rows][words of a row] of the largest */
    uint64_t *pool, *chosen; /* of a trade: [words of a row] */
    uint32_t *place;         /* [columns] */
    uint32_t *positive;      /* [columns] */
    uint32_t *start, *entry; /* a layer's entries by column: [columns + 2], [most entries] */
    uint32_t *order, *rows;  /* [units of all spaces]; [most rows] */
};
int sm_null_scratch_init(struct sm_null_scratch *scratch, const struct sm_ternary *like, const struct sm_spaces *spaces,
                         struct sm_error *err);
void sm_null_scratch_destroy(struct sm_null_scratch *scratch);

struct sm_null {
    const char *name;
    /* Draws `out`, a copy of `from` (sm_ternary_copy), anew. */
    void (*draw)(struct sm_ternary *out, const struct sm_ternary *from, const struct sm_spaces *spaces,
                 struct sm_draws *draws, struct sm_null_scratch *scratch);
};

/* independent: the places of each layer's entries uniformly at random, their signs at random; keeps how many entries of
 *     each sign a layer has.
 * unit-permutation: the units of each space in random order; keeps everything but which unit is which.
 * degree: keeps how many entries each row has, and how many of each sign each column has. Curveball trades (Strona et
 *     al. 2014, "A fast and unbiased procedure to randomize ecological binary matrices with fixed row and column
 *     totals") in rounds, in each of which every row has one partner (Carstens et al. 2018, "Parallel and I/O-efficient
 *     randomisation of massive networks using global curveball trades"), twelve of them: five single trades for each
 *     row, between rows at random, leave one entry in 150 where it was. Then each column's signs are dealt out anew
 * over the rows that have it. sign-shuffle: the signs of each layer's entries in random order; keeps the places. */
enum { SM_NULL_INDEPENDENT, SM_NULL_UNIT_PERMUTATION, SM_NULL_DEGREE, SM_NULL_SIGN_SHUFFLE, SM_N_NULLS };
extern const struct sm_null sm_nulls[SM_N_NULLS];

/* Curveball on one layer, in so many rounds: also for the test of convergence. */
void sm_null_curveball(struct sm_ternary_layer *layer, size_t n_rounds, struct sm_draws *draws,
                       struct sm_null_scratch *scratch);

#endif
