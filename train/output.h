/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.h - where the run file goes. */
#ifndef SUPERMASK_TRAIN_OUTPUT_H
#define SUPERMASK_TRAIN_OUTPUT_H

#include <supermask/error.h>
#include <supermask/recipe.h>

/* The path of the run file, malloc'ed; NULL when out of memory. `wanted` is the argument of -o or NULL: a directory (it
 * exists, or ends in '/') gets RECIPE-seedN.h5, or RECIPE-wA-sB-dC.h5 where the three seeds are not all the same;
 * anything else is the file's own name. Touches nothing. */
char *sm_output_path(const char *wanted, const struct sm_recipe *recipe);

/* The same for a file called `name`: WANTED/name where wanted is a directory or ends in '/', else wanted; `name` where
 * it is NULL. */
char *sm_output_place(const char *wanted, const char *name);

/* Makes the directory where `wanted` ends in '/'. */
int sm_output_make_directory(const char *wanted, struct sm_error *err);

/* Can the file be written? Makes the directory where `wanted` ends in '/', and tries out a temporary file beside the
 * path, so that a run does not fail at its first record. An existing file is an error unless `resume`. */
int sm_output_prepare(const char *path, const char *wanted, bool resume, struct sm_error *err);

#endif
