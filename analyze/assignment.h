/* SPDX-License-Identifier: GPL-3.0-or-later */
/* assignment.h - the linear assignment problem: give each row a column of its own so that the sum is largest. */
#ifndef SUPERMASK_ANALYZE_ASSIGNMENT_H
#define SUPERMASK_ANALYZE_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/kernels.h>

/* Memory of one thread, grown as needed and used again; all zeros is ready. */
struct sm_assignment {
    const struct sm_kernels *kernels;
    size_t n;                                       /* room for so many */
    int32_t *distance, *closed_at;                  /* [n] each */
    uint32_t *row_of, *before, *closed, *free_rows; /* [n] each */
};

/* column[r], a permutation of 0 .. n - 1, with the largest sum of profit[r * n + column[r]]. Exact, and among equals
 * the same choice in every run. Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse
 * linear assignment problems": row reduction, then augmenting paths. O(n^3) at worst. n * max |profit| < 2^30.
 *
 * price [n]: zeros, or the prices that an earlier call left for a problem that was much the same, which saves most of
 * the work; they may decide among equals. -1 when out of memory. */
int sm_assignment_solve(struct sm_assignment *scratch, const int32_t *profit, size_t n, int32_t *price,
                        uint32_t *column);
void sm_assignment_destroy(struct sm_assignment *scratch);

#endif
