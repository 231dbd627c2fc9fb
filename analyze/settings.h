/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.h - what a run was told, as lines "key: value", and in which of them groups of runs differ. */
#ifndef SUPERMASK_ANALYZE_SETTINGS_H
#define SUPERMASK_ANALYZE_SETTINGS_H

#include <supermask/recipe.h>
#include <supermask/runfile.h>

/* The recipe's text with everything equalized that changes no result (seeds, threads, recording, descriptions), and the
 * data's checksum. malloc'ed; NULL: no memory. */
char *sm_settings_text(const struct sm_recipe *recipe, const struct sm_run *run);

/* The lines of `settings` that one of the other texts (which may hold `settings` itself) lacks, with ", " between them;
 * "" where there is none. Empty texts, of recipes that cannot be read, count for nothing. malloc'ed; NULL: no memory.
 */
char *sm_settings_difference(const char *settings, const char *const *others, size_t n_others);

#endif
