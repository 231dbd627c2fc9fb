/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sheets.h - the tables of a report, each read once, with their rows sorted by group of runs and layer, so that a
 * finding visits the rows it speaks of and no others. */
#ifndef SUPERMASK_ANALYZE_SHEETS_H
#define SUPERMASK_ANALYZE_SHEETS_H

#include "analyze/seed_groups.h"
#include "analyze/tsv.h"

enum { SM_MOST_SHEETS = 64 };

/* Names and what they stand for, sorted. */
struct sm_names {
    struct sm_names_entry {
        const char *name; /* borrowed */
        size_t index;
    } * entry;
    size_t n;
};

struct sm_sheet {
    char *name; /* of the table */
    struct sm_tsv tsv;
    size_t *run;     /* [n_rows] index of the run: column run, or run_a; SIZE_MAX where there is neither */
    size_t *start;   /* [n_slots + 1] where a slot's rows begin in `row`; slot = group * layer names + layer name */
    size_t *row;     /* rows slot by slot, within each in the table's order; those of no group (a pair across two) left
                        out */
    size_t n_layers; /* layer names */
    const struct sm_names *layers;
};

struct sm_sheets {
    const char *directory; /* of the tables; borrowed */
    const struct sm_seed_groups *groups;
    struct sm_names runs, layers, labels; /* labels: of groups */
    struct sm_sheet *sheet[SM_MOST_SHEETS];
    size_t n;
    bool failed; /* a table could not be read: `err` says why */
    struct sm_error err;
};

/* `directory`, `analysis` and `groups` are borrowed until destroy, which the caller calls also after a failure. */
int sm_sheets_init(struct sm_sheets *sheets, const char *directory, const struct sm_analysis *analysis,
                   const struct sm_seed_groups *groups, struct sm_error *err);
void sm_sheets_destroy(struct sm_sheets *sheets);

/* The table of that name, read when it is first asked for; NULL where there is no such file, or where it cannot be
 * read, which sm_sheets_status tells. Valid until destroy. */
const struct sm_sheet *sm_sheets_find(struct sm_sheets *sheets, const char *table);
int sm_sheets_status(const struct sm_sheets *sheets, struct sm_error *err);

/* Has the table a row of that group, whatever its layer? */
bool sm_sheets_has_group(struct sm_sheets *sheets, const char *table, size_t group);

/* Rows of a table, borrowed from its sheet. */
struct sm_rows {
    const struct sm_sheet *sheet; /* NULL: no rows */
    const size_t *row;            /* [n] */
    size_t n;
};

/* Rows of a group whose column `layer` is that; `layer` is "" for a table without such a column. A row belongs to the
 * group of its `run`, of its `run_a` and `run_b` where both are in the same, or to the `group` of that label. `sheet`
 * may be NULL. */
struct sm_rows sm_sheet_rows(const struct sm_sheet *sheet, size_t group, const char *layer);

/* Cells of the i-th of these rows: "" and NaN as in tsv.h. */
const char *sm_rows_text(const struct sm_rows *rows, size_t i, const char *column);
double sm_rows_real(const struct sm_rows *rows, size_t i, const char *column);
size_t sm_rows_run(const struct sm_rows *rows, size_t i);

/* What a row must say; the list ends with a NULL column. */
struct sm_where {
    const char *column, *value;
};
#define SM_WHERE(...) ((const struct sm_where[]){__VA_ARGS__, {NULL, NULL}})
bool sm_rows_match(const struct sm_rows *rows, size_t i, const struct sm_where *where); /* where: NULL for any */

/* Is the i-th the last of these rows that belongs to its run? (Tables of a trajectory stand in the order of records.)
 */
bool sm_rows_is_last(const struct sm_rows *rows, size_t i);

/* What a column's numbers have in common; everything is NaN for none. */
struct sm_spread {
    size_t n;
    double mean, low, high; /* low, high: Student's 95 % interval of the mean, NaN for fewer than two */
    double least, most;
};
struct sm_spread sm_spread_of(const double *values, size_t n);
/* Over the rows that match and whose cell is a number (NaN is none). */
struct sm_spread sm_rows_spread(const struct sm_rows *rows, const char *column, const struct sm_where *where);
/* Over each run's last row. */
struct sm_spread sm_rows_spread_last(const struct sm_rows *rows, const char *column);

#endif
