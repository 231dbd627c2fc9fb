/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - a self-describing tab-separated table: '#' lines that explain the table and each column, one header row,
 * then rows. NaN prints as "nan", integers in full, reals with as many digits as make them read back the same (%.17g
 * shortened). Written under a temporary name and renamed when whole, every write checked. */
#ifndef SUPERMASK_TABLE_H
#define SUPERMASK_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <supermask/error.h>

struct sm_column {
    const char *name, *help; /* help: one line, with unit and range */
};

struct sm_table;

/* Opens DIR/NAME.tsv. `help` may have several lines; `preamble` (command line, version: lines without '#') may be
 * NULL. columns: n_columns rows, borrowed until close. */
int sm_table_open(struct sm_table **table, const char *directory, const char *name, const char *help,
                  const char *preamble, const struct sm_column *columns, size_t n_columns, struct sm_error *err);

/* The same to an open stream, which stays open and whose errors are its owner's to look for. */
int sm_table_print(struct sm_table **table, FILE *file, const char *name, const char *help, const char *preamble,
                   const struct sm_column *columns, size_t n_columns, struct sm_error *err);

/* Cells from left to right; the row ends by itself after the last column. Errors are kept until close. */
void sm_table_text(struct sm_table *table, const char *text);
void sm_table_int(struct sm_table *table, int64_t value);
void sm_table_real(struct sm_table *table, double value);

/* Renames into place; frees the table in every case. A row that is not whole is a programmer's error (assert). */
int sm_table_close(struct sm_table *table, struct sm_error *err);
/* Gives the table up: removes the temporary file. NULL is allowed. */
void sm_table_abandon(struct sm_table *table);

/* Shortest decimal text that reads back to the same double; "nan", "inf", "-inf". buffer holds 32 bytes. */
const char *sm_real_text(double value, char buffer[32]);

#endif
