/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - what supermask-train does but train: a word in the place of the recipe, with options of its own. */
#ifndef SUPERMASK_TRAIN_COMMANDS_H
#define SUPERMASK_TRAIN_COMMANDS_H

/* Each takes the words from the command's own on (argv[0]: "supermask-train evaluate"), prints its table, says what
 * went wrong, and returns the exit status. */
int sm_evaluate(int argc, char **argv);
int sm_export(int argc, char **argv);

#endif
