/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport_figures.h - the figures of a unit's page. */
#ifndef SUPERMASK_ANALYZE_PASSPORT_FIGURES_H
#define SUPERMASK_ANALYZE_PASSPORT_FIGURES_H

#include "analyze/figure.h"
#include "analyze/passport.h"

/* A figure by its name ("passport-field"), which is one of them. */
const struct sm_figure *sm_passport_figure(const char *name);

/* Draws those that say something about this unit: the classes not for an output
 * or where no route leads to one, the trajectory not for one record. */
int sm_passport_draw(const struct sm_passport *passport, struct sm_error *err);

#endif
