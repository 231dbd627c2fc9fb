/* SPDX-License-Identifier: GPL-3.0-or-later */
/* train.h - one training run, from a checked recipe to a finished run file. */
#ifndef SUPERMASK_TRAIN_TRAIN_H
#define SUPERMASK_TRAIN_TRAIN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

enum sm_train_result { SM_TRAIN_FAILED = -1, SM_TRAIN_DONE = 0, SM_TRAIN_STOPPED = 1 };

struct sm_train_job {
    const struct sm_recipe *recipe; /* checked, seeds and threads resolved */
    const char *output;             /* path of the run file; its checkpoint is OUTPUT.checkpoint */
    const char *data_directory;     /* --data, or NULL */
    const char *command_line;       /* as typed, for the run file */
    bool resume, quiet;
    const volatile sig_atomic_t *stop; /* set by a signal handler: finish the step, save, return SM_TRAIN_STOPPED */
};

/* Trains. Progress goes to standard error, and notes where the data set is not the published one or validation images
 * are never looked at; nothing to standard output. With `resume`: continues an unfinished run to the same bytes as an
 * uninterrupted one, starts a run that has no file yet, and has nothing to do for a complete one. Without it an
 * existing OUTPUT is an error. */
enum sm_train_result sm_train_run(const struct sm_train_job *job, struct sm_error *err);

/* What a run will need, for --dry-run. */
struct sm_train_plan {
    size_t parameters; /* weights of the network */
    size_t steps_per_epoch, n_steps, n_records;
    size_t memory_bytes; /* engine, optimizer and data set */
    size_t file_bytes;   /* run file to expect, masks estimated at 1 bit a weight and record after compression */
};
/* Bytes that the weights alone need: they, what the method trains, and the lists of kept ones. Nothing overflows. */
double sm_train_weight_bytes(const struct sm_recipe *recipe, const struct sm_network *net);

int sm_train_plan(struct sm_train_plan *plan, const struct sm_recipe *recipe, const struct sm_network *net,
                  struct sm_error *err);

/* Names and one-line helps of the methods, for --list and for checking the recipe. NULL past the end. */
const char *sm_method_name(size_t index);
const char *sm_method_help(size_t index);

#endif
