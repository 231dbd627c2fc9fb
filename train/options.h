/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - the command line of supermask-train, as typed. */
#ifndef SUPERMASK_TRAIN_OPTIONS_H
#define SUPERMASK_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>
#include <supermask/recipe.h>

struct sm_options {
    const char *recipe; /* RECIPE; NULL only with `list` */
    const char *seed;   /* --seed, or NULL; set before the assignments, so that --weight-seed and its like win */
    const char *data, *output;
    bool resume, dry_run, quiet, list;
    size_t n_assignments;
    char **assignments; /* KEY=VALUE from --set and from the options that stand for a key, as typed, in their order */
};

/* Parses and checks the spelling and every value; prints the help or the version where asked. Does not return from
 * --help, --version, or a wrong command line (one sentence on standard error, status 2). Strings are argv's own. */
void sm_options_parse(struct sm_options *options, int argc, char **argv);
void sm_options_destroy(struct sm_options *options);

/* Does an assignment set that key of a recipe? */
bool sm_options_set_key(const struct sm_options *options, const char *key);

/* Puts the command line's settings over those of the recipe file. */
int sm_options_apply(const struct sm_options *options, struct sm_recipe *recipe, struct sm_error *err);

#endif
