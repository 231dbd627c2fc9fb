/* SPDX-License-Identifier: GPL-3.0-or-later */
/* published.h - what was published for a run's recipe, and whether the run is that experiment at all. */
#ifndef SUPERMASK_ANALYZE_PUBLISHED_H
#define SUPERMASK_ANALYZE_PUBLISHED_H

#include <stdbool.h>
#include <supermask/recipe.h>
#include <supermask/runfile.h>

struct sm_published {
    /* Shares; NaN where nothing was published, and where what was belongs to another experiment. */
    double accuracy, remaining;
    /* "key: value, ..." as the run has it: all in which it departs from the shipped recipe of the same name, whatever
     * changes results, and first the images where a part of the data set was at hand; "" where nothing does, and of a
     * recipe that is not shipped or cannot be read. malloc'ed. */
    char *departures;
    /* Something was published, but the run departs from the shipped recipe in network, data set, method or another key
     * that makes it a different experiment (published.c has their list), or saw a part of the data set. */
    bool of_another_experiment;
    char name[SM_NAME_SIZE]; /* of the recipe */
};

/* A recipe that is not shipped keeps what it says of itself. -1: no memory. The caller destroys, also after that. */
int sm_published_init(struct sm_published *published, const struct sm_run *run, struct sm_error *err);
void sm_published_destroy(struct sm_published *published);

#endif
