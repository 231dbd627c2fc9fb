/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_assignment N KIND FILE - solves one assignment problem of N rows many times and prints "MILLISECONDS SUM"; the
 * problem goes to FILE as int32 [N][N] for the rival (rival_assignment.py). KIND: `overlap`: profits as an alignment
 * has them, common entries of sparse rows, few values and many ties; `uniform`: 0 .. 9999. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/rng.h>

#include "analyze/assignment.h"
#include "tests/bench/clock.h"

enum { COLUMNS = 784, ONE_IN = 36 }; /* of the first layer of fcn-mnist */

static void fill_uniform(int32_t *profit, size_t n, struct sm_draws *draws) {
    for (size_t k = 0; k < n * n; k++) profit[k] = (int32_t)sm_draws_below(draws, 10000);
}

static void fill_overlap(int32_t *profit, size_t n, struct sm_draws *draws) {
    char *entry = malloc(2 * n * COLUMNS), *a = entry, *b = entry + n * COLUMNS;
    if (!entry) exit(1);
    for (size_t k = 0; k < 2 * n * COLUMNS; k++) entry[k] = sm_draws_below(draws, ONE_IN) == 0;
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++) {
            int32_t common = 0;
            for (size_t i = 0; i < COLUMNS; i++) common += a[r * COLUMNS + i] & b[c * COLUMNS + i];
            profit[r * n + c] = common;
        }
    free(entry);
}

static void write_problem(const char *path, const int32_t *profit, size_t n) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(profit, sizeof *profit, n * n, file) != n * n || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: bench_assignment N overlap|uniform FILE\n");
        return 2;
    }
    size_t n = strtoul(argv[1], NULL, 10), rounds = 200000 / n / 10 + 1;
    int32_t *profit = malloc(n * n * sizeof *profit), *price = malloc(n * sizeof *price);
    uint32_t *column = malloc(n * sizeof *column);
    struct sm_draws draws = sm_draws_make(sm_rng_make(1, SM_RNG_TEST, 1));
    struct sm_assignment scratch = {0};
    if (!profit || !price || !column) return 1;
    (strcmp(argv[2], "overlap") == 0 ? fill_overlap : fill_uniform)(profit, n, &draws);
    write_problem(argv[3], profit, n);
    double start = sm_now();
    for (size_t k = 0; k < rounds; k++) {
        memset(price, 0, n * sizeof *price);
        if (sm_assignment_solve(&scratch, profit, n, price, column) != 0) return 1;
    }
    double milliseconds = 1e3 * (sm_now() - start) / (double)rounds;
    long long sum = 0;
    for (size_t r = 0; r < n; r++) sum += profit[r * n + column[r]];
    printf("%.6f %lld\n", milliseconds, sum);
    sm_assignment_destroy(&scratch);
    free(profit);
    free(price);
    free(column);
    return 0;
}
