/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loader.h - the training images batch by batch, in the recipe's order and with its augmentation.
 *
 * A batch depends on the recipe and its number alone. Augmented images are prepared by a thread of the loader's own
 * while the caller computes on the batch before; without augmentation a batch points into the data set and there is no
 * thread. */
#ifndef SUPERMASK_LOADER_H
#define SUPERMASK_LOADER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/batch.h>
#include <supermask/error.h>
#include <supermask/recipe.h>

/* A batch and the memory behind it. */
struct sm_loader_buffer {
    struct sm_batch batch;
    int64_t step; /* whose batch it holds, -1: none */
    const uint8_t **images;
    float *scale, *shift;
    uint8_t *labels;
    uint8_t *pixels; /* [batch][n_pixels] of augmented images, else NULL */
};

/* The thread that prepares ahead; everything in it, and every buffer's step, under its mutex. */
struct sm_loader_thread {
    pthread_t id;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int64_t wanted; /* the step to prepare next, -1: none yet */
    bool ending;
};

/* Not to be moved while it is in use. */
struct sm_loader {
    const struct sm_samples *samples; /* borrowed */
    enum sm_order_kind order_kind;
    enum sm_augment_kind augment;
    uint64_t data_seed;
    size_t batch_size, passes;
    uint32_t *order; /* [n] of one pass; NULL where it is that of the files */
    int64_t ordered; /* the pass whose order that is, -1: none */
    struct sm_loader_buffer buffers[2];
    bool ahead; /* is there a thread? */
    struct sm_loader_thread thread;
};

/* Reads the recipe's batch (from 1 to the number of samples), order, augment, passes and data_seed. The caller
 * destroys, also after a failure. */
int sm_loader_init(struct sm_loader *loader, const struct sm_samples *samples, const struct sm_recipe *recipe,
                   struct sm_error *err);
void sm_loader_destroy(struct sm_loader *loader);

/* Batches of a pass (the last may be smaller) times passes of an epoch. */
size_t sm_loader_steps_per_epoch(const struct sm_loader *loader);

/* The batch of optimizer step `step` >= 0, in any order of steps; borrowed until the next call. One thread calls. */
const struct sm_batch *sm_loader_batch(struct sm_loader *loader, int64_t step);

#endif
