/* SPDX-License-Identifier: GPL-3.0-or-later */
/* share.h - where the shipped files are: recipes/, networks/ and plots/ stand in ../share/supermask beside the
 * program's own directory, in the build tree and when installed; $SUPERMASK_SHARE overrides. */
#ifndef SUPERMASK_SHARE_H
#define SUPERMASK_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>

/* Does the user's word mean a file, rather than something shipped: has it a '/', or the ending .yaml or .yml? */
bool sm_share_is_path(const char *word);

/* malloc'ed path of share/supermask/RELATIVE ("recipes/fcn-mnist.yaml"), whether or not it exists; NULL and a sentence
 * where no share directory can be found. */
char *sm_share_path(const char *relative, struct sm_error *err);

/* Names (without `suffix`, sorted) of the files in share/supermask/FOLDER that end in `suffix`. *names is malloc'ed as
 * is each entry; sm_share_free frees both. */
int sm_share_list(const char *folder, const char *suffix, char ***names, size_t *n_names, struct sm_error *err);
void sm_share_free(char **names, size_t n_names);

#endif
