/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_options.h - the command lines of `evaluate` and `export`: which moment of which run. */
#ifndef SUPERMASK_TRAIN_MODEL_OPTIONS_H
#define SUPERMASK_TRAIN_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <supermask/error.h>
#include <supermask/model.h>

#include "train/job.h"

enum sm_model_command { SM_COMMAND_EVALUATE, SM_COMMAND_EXPORT };

struct sm_model_options {
    const char *path;                   /* a run, or a compact file */
    double at;                          /* --at, NaN where not given */
    bool by_number;                     /* --record was given: */
    size_t record;                      /* that */
    const char *data, *output, *logits; /* NULL where not given */
    bool train;                         /* the training images */
    int n_threads;
};

/* Does not return from --help or a wrong command line (a sentence on standard error, status 2). */
void sm_model_options_parse(struct sm_model_options *options, enum sm_model_command command, int argc, char **argv);

/* The model that is meant. SM_EXIT_DONE, or the exit status with a sentence. The caller destroys it in every case. */
enum sm_exit sm_model_open(struct sm_model *model, const struct sm_model_options *options, struct sm_error *err);

#endif
