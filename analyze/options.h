/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - the command line of supermask-analyze. */
#ifndef SUPERMASK_ANALYZE_OPTIONS_H
#define SUPERMASK_ANALYZE_OPTIONS_H

#include "analyze/stat.h"

enum sm_action { SM_ACTION_TABLES, SM_ACTION_REPORT, SM_ACTION_PASSPORT, SM_ACTION_LIST };

struct sm_command {
    enum sm_action action;
    struct sm_options options;
    const struct sm_statistic **statistics; /* [n_statistics], each once, in the order of the table of statistics */
    size_t n_statistics;
    char *layer; /* --unit LAYER:UNIT, for a passport; NULL for the others */
    size_t unit;
    int n_threads; /* --threads; 0: one for each CPU */
    char *formats; /* "svg,pdf", or "none"; NULL for a list */
    char **runs;   /* [n_runs] paths, borrowed from argv */
    size_t n_runs;
    char *command_line; /* as typed, quoted for a shell where needed */
};

/* Words before the first run are tables; a run is a word that ends in .h5, has a '/' or names an existing file, and
 * that is no table. Prints help and exits with 0 where it is asked for; prints one sentence and exits with 2 where the
 * command line is wrong. The caller destroys `command`. */
void sm_command_parse(struct sm_command *command, int argc, char **argv);
void sm_command_destroy(struct sm_command *command);

#endif
