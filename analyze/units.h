/* SPDX-License-Identifier: GPL-3.0-or-later */
/* units.h - what is known of every unit of a masked network at one moment without data: degrees, strength, balance,
 * routes, SynFlow. Units are numbered over all levels of the graph (graph.h); unit u of a level is graph.offset[level]
 * + u. Works for dense, convolutional and residual graphs. */
#ifndef SUPERMASK_ANALYZE_UNITS_H
#define SUPERMASK_ANALYZE_UNITS_H

#include <math.h>

#include "analyze/graph.h"
#include "analyze/stat.h"

struct sm_units {
    struct sm_graph graph; /* of moment->run->net, which it borrows */
    struct sm_degree *in;  /* [n_units] incoming weights; all 0 for input units */
    struct sm_degree *out; /* [n_units] outgoing weights into all layers that read the unit; all 0 for output units */
    struct sm_paths paths; /* [n_units] log10 each */
    double *log10_synflow; /* [n_units] */
};

/* The caller destroys `units`, also after a failure. */
int sm_units_init(struct sm_units *units, const struct sm_moment *moment, struct sm_error *err);
void sm_units_destroy(struct sm_units *units);

static inline bool sm_unit_has_in(const struct sm_units *units, size_t u) {
    return u >= units->graph.offset[1];
}
static inline bool sm_unit_has_out(const struct sm_units *units, size_t u) {
    return u < units->graph.offset[units->graph.n_levels - 1];
}
/* On a route from input to output. */
static inline bool sm_unit_alive(const struct sm_units *units, size_t u) {
    return isfinite(units->paths.through[u]);
}

/* One number a unit, by which units can be ordered. */
enum sm_unit_measure {
    SM_UNIT_FAN_IN, /* non-hidden incoming weights */
    SM_UNIT_FAN_OUT,
    SM_UNIT_STRENGTH_IN, /* sum of |v| over the incoming weights */
    SM_UNIT_STRENGTH_OUT,
    SM_UNIT_BALANCE_IN, /* see sm_degree_balance */
    SM_UNIT_BALANCE_OUT,
    SM_UNIT_LOG10_PATHS, /* routes through the unit; -inf without one */
    SM_UNIT_LOG10_SYNFLOW,
    SM_N_UNIT_MEASURES
};
const char *sm_unit_measure_name(enum sm_unit_measure measure); /* the column in neurons.tsv: "fan_in" */

/* NaN where undefined: what is incoming at input units, what is outgoing at output units. */
double sm_unit_value(const struct sm_units *units, enum sm_unit_measure measure, size_t u);

/* Ranks within a level, 1 = largest value; equal values share their average rank: rank [units of the level]. All NaN
 * where the measure is not defined for the level's units; a single NaN among numbers counts as the smallest. */
int sm_unit_ranks(const struct sm_units *units, enum sm_unit_measure measure, size_t level, double *rank,
                  struct sm_error *err);

#endif
