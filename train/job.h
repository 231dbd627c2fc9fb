/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.h - from the command line to a recipe that can be run. */
#ifndef SUPERMASK_TRAIN_JOB_H
#define SUPERMASK_TRAIN_JOB_H

#include <stdio.h>
#include <supermask/error.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

#include "train/options.h"

enum sm_exit { SM_EXIT_DONE = 0, SM_EXIT_WORLD = 1, SM_EXIT_USAGE = 2 };

/* Reads the recipe file, applies the options, resolves the number of threads, and checks everything that can be checked
 * without loading data: method, data set, network, and that these fit. Returns SM_EXIT_DONE, or the exit status with a
 * sentence in `err`. The caller destroys `net` in every case. */
enum sm_exit sm_job_resolve(struct sm_recipe *recipe, struct sm_network *net, const struct sm_options *options,
                            struct sm_error *err);

/* One word as a shell would read it: quoted where it must be. */
void sm_job_print_word(FILE *out, const char *word);

/* The command line as text that a shell reads back to the same words; malloc'ed, NULL when out of memory. */
char *sm_job_command_line(int argc, char **argv);

#endif
