/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - OUT/index.html: findings, figures, tables and provenance on one page that needs nothing but itself,
 * arranged by the questions that people have (question.h). Every number in it is read back from the tables. */
#ifndef SUPERMASK_ANALYZE_REPORT_H
#define SUPERMASK_ANALYZE_REPORT_H

#include <stdio.h>

#include "analyze/figure.h"
#include "analyze/sheets.h"

/* What the parts of the page share. */
struct sm_report {
    const struct sm_analysis *analysis;
    struct sm_seed_groups groups;
    struct sm_sheets *sheets;        /* the tables, read back */
    const char *directory, *formats; /* formats: of the figures, or "none" */
    FILE *file;
    unsigned answered; /* bit q: the findings have an answer to sm_questions[q]; set by sm_report_findings */
};

/* Draws every figure and writes OUT/index.html; the tables are in OUT already. Fails also where a figure could not be
 * drawn; the page is then there, without it. */
int sm_report_write(const struct sm_analysis *analysis, const char *formats, struct sm_error *err);

/* Sentences with what the tables say about each group of runs, question by question (report_findings.c). */
int sm_report_findings(struct sm_report *report, struct sm_error *err);
/* What groups have in common (report_methods.c); nothing where the table `methods` has no two of them. */
void sm_report_methods(const struct sm_report *report);
/* The figures, question by question (report_figures.c). */
int sm_report_figures(const struct sm_report *report, struct sm_error *err);
bool sm_report_has_figures(const struct sm_report *report, size_t question);
/* The tables, question by question, long ones shortened (report_tables.c). */
int sm_report_tables(const struct sm_report *report, struct sm_error *err);
/* Runs, recipes, versions, notes (report_provenance.c). */
void sm_report_provenance(const struct sm_report *report);

#endif
