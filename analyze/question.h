/* SPDX-License-Identifier: GPL-3.0-or-later */
/* question.h - the questions that the report is arranged by: findings, figures and tables stand under the same ones. */
#ifndef SUPERMASK_ANALYZE_QUESTION_H
#define SUPERMASK_ANALYZE_QUESTION_H

#include "analyze/finding.h"

enum { SM_QUESTION_TABLES = 10 };

struct sm_question {
    const char *id, *title;                 /* id: of its places in the page, "sparse" */
    const sm_finding *findings;             /* NULL: none */
    const char *tables[SM_QUESTION_TABLES]; /* NULL-padded; a figure belongs where its first table does */
};

extern const struct sm_question sm_questions[];
extern const size_t sm_n_questions; /* the last one takes the tables that no other names */

/* Index of the question to which a table belongs. */
size_t sm_question_of_table(const char *table);
size_t sm_question_of_figure(const struct sm_figure *figure);

#endif
