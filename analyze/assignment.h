/* SPDX-License-Identifier: GPL-3.0-or-later */
/* assignment.h - the linear assignment problem: give each row a column of its own so that the sum is largest. */
#ifndef SUPERMASK_ANALYZE_ASSIGNMENT_H
#define SUPERMASK_ANALYZE_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>

/* Scratch of one thread, grown as needed; all zeros is ready. */
struct sm_assignment {
    size_t n_columns;
    int64_t *potential, *shortest; /* [n_columns]; of rows: behind the columns' */
    size_t *row_of, *before, *unseen;
    int64_t *row_potential;
    size_t n_rows;
};

/* column[r] in [0, n_columns), all different, with the largest sum of profit[r * n_columns + column[r]] over the rows.
 * n_rows <= n_columns; |profit| < 2^31. Exact, and the same choice among equals in every run. Shortest augmenting
 * paths: Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment
 * problems", in the rectangular form of Crouse 2016, "On implementing 2D rectangular assignment algorithms". O(n_rows^2
 * n_columns). -1 when out of memory. */
int sm_assignment_solve(struct sm_assignment *scratch, const int32_t *profit, size_t n_rows, size_t n_columns,
                        uint32_t *column);
void sm_assignment_destroy(struct sm_assignment *scratch);

#endif
