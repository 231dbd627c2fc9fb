/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding.h - what the tables say, in sentences: the first screen of the report.
 *
 * A finding reads tables by the names of their columns, for one group of runs, and writes <li> elements. It computes
 * every number and every comparison it utters, and says nothing where the table, the column or the rows are not there.
 *
 * [a, b] behind a number is Student's 95 % interval of the mean over the runs, (a to b) the lowest and the highest. */
#ifndef SUPERMASK_ANALYZE_FINDING_H
#define SUPERMASK_ANALYZE_FINDING_H

#include "analyze/report.h"

struct sm_scope {
    const struct sm_report *report;
    FILE *file;
    size_t group, n_runs;       /* of the group */
    const struct sm_run *first; /* the group's first run */
};

typedef void (*sm_finding)(const struct sm_scope *scope);

/* The findings of each question (finding_*.c), in the order of the page; the list ends with NULL. */
extern const sm_finding sm_findings_sparse[], sm_findings_overlap[], sm_findings_neurons[], sm_findings_when[],
    sm_findings_chance[], sm_findings_agreement[];
/* One that belongs to sm_findings_sparse (finding_rounds.c). */
void sm_find_rounds(const struct sm_scope *scope);
/* What was published for the recipe, where that is known, beside that accuracy (finding_sparse.c). */
void sm_say_published(const struct sm_scope *scope, const struct sm_spread *accuracy);

/* Rows of a table for the scope's group; none where the table is not there. */
struct sm_rows sm_scope_rows(const struct sm_scope *scope, const char *table, const char *layer);
struct sm_spread sm_scope_spread(const struct sm_scope *scope, const char *table, const char *layer, const char *column,
                                 const struct sm_where *where);

/* Are all runs of the group complete? The last record of another one is not its final state. */
bool sm_scope_is_complete(const struct sm_scope *scope);

/* Does no run of the group hide a weight at its last record (dense baselines)? What a mask does is no question then.
 * False where the table ratios is not there. */
bool sm_scope_hides_nothing(const struct sm_scope *scope);

/* Accuracy of guessing: 1 / classes. */
double sm_scope_chance(const struct sm_scope *scope);

/* sm_html_print into the scope's file. */
void sm_say(const struct sm_scope *scope, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Around a finding: "<li>" and "</li>\n". */
void sm_say_begin(const struct sm_scope *scope);
void sm_say_end(const struct sm_scope *scope);
/* A <li> that nobody overlooks. */
void sm_say_warning(const struct sm_scope *scope, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number as a text that lives until the end of the full expression: sm_say(scope, "%s", sm_percent(x).s). Undefined
 * numbers are "–". */
struct sm_words {
    char s[96];
};
struct sm_words sm_percent(double share);                     /* "97.44 %", "2.8 %", "0.31 %" */
struct sm_words sm_number(double value);                      /* three digits */
struct sm_words sm_points(double difference);                 /* of shares: "+1.3", "-0.02" percentage points */
struct sm_words sm_percent_interval(struct sm_spread spread); /* "97.44 % [97.16, 97.72]", cut at 0 and 1 */
struct sm_words sm_number_interval(struct sm_spread spread);  /* "12.4 [11.9, 12.9]" */
struct sm_words sm_percent_range(struct sm_spread spread);    /* "97.44 % (97.13 to 97.67)" */
struct sm_words sm_number_range(struct sm_spread spread);     /* ".36 (.34 to .39)" with three digits */
const char *sm_plural(size_t n);                              /* "" for one, else "s" */

/* A small table inside a finding. Columns end with NULL; cells are written in their order, the first of a row is text,
 * the others numbers. */
void sm_grid_open(const struct sm_scope *scope, const char *const *columns);
void sm_grid_row(const struct sm_scope *scope, const char *name);
void sm_grid_cell(const struct sm_scope *scope, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sm_grid_close(const struct sm_scope *scope);
#define SM_COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
