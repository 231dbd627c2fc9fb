/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dry_run.h - what a run would do, printed instead of done. */
#ifndef SUPERMASK_TRAIN_DRY_RUN_H
#define SUPERMASK_TRAIN_DRY_RUN_H

#include <stdio.h>
#include <supermask/error.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

/* Prints the resolved recipe, then, as comments (so that the whole is a recipe file), the table of layers and what the
 * run will need. `path` is where the run file would go. */
int sm_dry_run(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net, const char *path,
               struct sm_error *err);

/* Its part about the network: every layer, pool and sum with its output. */
void sm_dry_run_network(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net);

#endif
