/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport_page.h - what the parts of a unit's page share. */
#ifndef SUPERMASK_ANALYZE_PASSPORT_PAGE_H
#define SUPERMASK_ANALYZE_PASSPORT_PAGE_H

#include <stdio.h>

#include "analyze/passport.h"
#include "analyze/tsv.h"

struct sm_passport_page {
    const struct sm_passport *passport;
    FILE *file;
    struct sm_tsv measures, links, classes, settling, partners; /* the tables, read back */
};

/* Cells of a row of passport.tsv; NaN where the measure is not defined or was not measured. */
double sm_page_value(const struct sm_passport_page *page, const char *measure);
double sm_page_rank(const struct sm_passport_page *page, const char *measure);

/* "dense1", "input". */
const char *sm_page_layer(const struct sm_passport_page *page);
size_t sm_page_layer_units(const struct sm_passport_page *page);

/* One figure, or nothing where it was not drawn: an <img>; number counts groups or runs from 0. */
int sm_page_picture(const struct sm_passport_page *page, const char *name, size_t number, const char *alt,
                    struct sm_error *err);
bool sm_page_has_picture(const struct sm_passport_page *page, const char *name, size_t number);

extern const char sm_passport_style[]; /* passport_style.c */

/* Sentences and small pieces (passport_words.c). */
void sm_page_summary(const struct sm_passport_page *page);             /* the unit in one sentence */
void sm_page_history(const struct sm_passport_page *page);             /* when its weights were chosen */
void sm_page_counterparts(const struct sm_passport_page *page);        /* what its partners have in common with it */
void sm_page_side(const struct sm_passport_page *page, bool incoming); /* bars and the units on one side */
void sm_page_ranks(const struct sm_passport_page *page);               /* the table of ranks */

#endif
