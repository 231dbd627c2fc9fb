/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spelling.h - options that nobody knows, told with the nearest one that exists. */
#ifndef SUPERMASK_TRAIN_SPELLING_H
#define SUPERMASK_TRAIN_SPELLING_H

#include <argp.h>

/* Exits with status 2 and a sentence where a word of the command line begins with "--" and neither names nor
 * abbreviates an option of the table (its end is an option without a name) or one of argp's own. argp would say only
 * that it does not know the option. */
void sm_spelling_check(const struct argp_option *table, int argc, char **argv);

#endif
