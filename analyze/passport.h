/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport.h - one unit of one network on one page: OUT/passport.html and the tables behind it, passport*.tsv.
 *
 * The first run is the subject; in each further run of the same layers the unit has a partner: the unit that takes its
 * place when hidden units are matched by effective weights (align.h), the same unit where the order is given (inputs,
 * outputs). Each part computes one table, and the page reads the tables back: what it says is what they hold. */
#ifndef SUPERMASK_ANALYZE_PASSPORT_H
#define SUPERMASK_ANALYZE_PASSPORT_H

#include "analyze/units.h"

/* A unit of a run at its moment. */
struct sm_passport_unit {
    const struct sm_moment *moment; /* borrowed */
    const struct sm_units *units;   /* of that moment; borrowed */
    const struct sm_graph *graph;   /* units->graph */
    size_t level, unit;             /* unit within the level */
};
static inline size_t sm_passport_node(const struct sm_passport_unit *unit) { /* in the graph's numbering */
    return unit->graph->offset[unit->level] + unit->unit;
}

struct sm_passport {
    const struct sm_analysis *analysis;
    const char *formats;   /* of the figures */
    struct sm_units units; /* of the first run */
    struct sm_passport_unit subject;
};

/* Everything: tables, figures, page. layer: a layer's name or "input". Fails with a sentence that names what there is
 * where the first run has no such layer or unit. A figure that fails is the error, but the page is written. */
int sm_passport_make(const struct sm_analysis *analysis, const char *layer, size_t unit, const char *formats,
                     struct sm_error *err);

/* ---- tables ---- */

/* How a table of the passport begins; `about` as in a statistic. */
struct sm_passport_table {
    const char *name, *about;
    const struct sm_column *columns;
    size_t n_columns;
};
int sm_passport_open_table(const struct sm_passport *passport, const struct sm_passport_table *about,
                           struct sm_table **table, struct sm_error *err);
/* Closes it where status is 0, else gives it up. Returns the status of both. */
int sm_passport_close_table(const struct sm_passport *passport, const struct sm_passport_table *about,
                            struct sm_table *table, int status, struct sm_error *err);

int sm_passport_measures(const struct sm_passport *passport, struct sm_error *err); /* passport.tsv */
int sm_passport_links(const struct sm_passport *passport, struct sm_error *err);    /* passport-links.tsv */
int sm_passport_classes(const struct sm_passport *passport, struct sm_error *err);  /* passport-classes.tsv */
int sm_passport_settling(const struct sm_passport *passport, struct sm_error *err); /* passport-settling.tsv */
/* passport-partners.tsv, and passport-fields.tsv for the subject and every partner. */
int sm_passport_partners(const struct sm_passport *passport, struct sm_error *err);
/* Rows of passport-fields.tsv for one unit. */
extern const struct sm_passport_table sm_passport_fields_table;
int sm_passport_field(const struct sm_passport_unit *unit, struct sm_table *table, struct sm_error *err);

/* ---- the page (passport_page.c) ---- */

int sm_passport_page(const struct sm_passport *passport, struct sm_error *err);

/* ---- one unit's weights ---- */

/* A block of a layer's weights that belongs to a unit: n_rows rows of n entries, `stride` apart. Rows of incoming
 * weights: one; of outgoing ones: one for each unit that may read it. */
struct sm_unit_weights {
    size_t layer, first, n_rows, stride, n;
};
/* Number of its blocks: incoming 0 or 1, outgoing one for each layer that reads it. */
size_t sm_unit_n_incoming(const struct sm_passport_unit *unit);
size_t sm_unit_n_outgoing(const struct sm_passport_unit *unit);
struct sm_unit_weights sm_unit_incoming(const struct sm_passport_unit *unit);
struct sm_unit_weights sm_unit_outgoing(const struct sm_passport_unit *unit, size_t k);

/* sign(w) g of an entry: 0 where hidden or w = 0. */
static inline int sm_effective_sign(float weight, int8_t mask) {
    return weight > 0 ? mask : weight < 0 ? -mask : 0;
}

#endif
