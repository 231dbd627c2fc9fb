/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tsv.h - a table read back: what the report says is what the tables hold. */
#ifndef SUPERMASK_ANALYZE_TSV_H
#define SUPERMASK_ANALYZE_TSV_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>

struct sm_tsv {
    char *text; /* the file, cut into cells */
    size_t n_columns, n_rows;
    const char **column; /* [n_columns] */
    const char **cell;   /* [n_rows, n_columns] */
};

/* Reads PATH: lines with '#' are skipped, the first other line is the header. The caller destroys `tsv`, also after a
 * failure. */
int sm_tsv_read(struct sm_tsv *tsv, const char *path, struct sm_error *err);
void sm_tsv_destroy(struct sm_tsv *tsv);

/* A cell by its column's name: "" or NaN where there is no such column or the cell is no number. */
const char *sm_tsv_text(const struct sm_tsv *tsv, size_t row, const char *column);
double sm_tsv_real(const struct sm_tsv *tsv, size_t row, const char *column);
bool sm_tsv_is(const struct sm_tsv *tsv, size_t row, const char *column, const char *value);

#endif
