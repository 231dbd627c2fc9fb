/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checkpoint.h - what an exact resume needs beside the run file: values, velocities, batch norm and the trainer's
 * counters. */
#ifndef SUPERMASK_TRAIN_CHECKPOINT_H
#define SUPERMASK_TRAIN_CHECKPOINT_H

#include <supermask/error.h>

#include "train/rounds.h"
#include "train/trainer.h"

/* `seconds`: time spent on training so far. `rounds` is NULL for a method that does not work in rounds. */
int sm_checkpoint_save(const char *path, struct sm_trainer *trainer, struct sm_rounds *rounds, double *seconds,
                       struct sm_error *err);

/* Puts the trainer where the checkpoint was taken; masks and the next batch follow. A missing file leaves the trainer
 * at its start and succeeds: a run that was killed before its first checkpoint begins anew. */
int sm_checkpoint_load(const char *path, struct sm_trainer *trainer, struct sm_rounds *rounds, double *seconds,
                       struct sm_error *err);

#endif
