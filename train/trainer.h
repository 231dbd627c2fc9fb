/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trainer.h - the state of a training run and one optimizer step on it. No files, no clock: the same recipe and data
 * give the same bytes, whatever the number of threads.
 *
 * Optimizers: kernels.h has their formulas. The weight decay of sgdw is NOT multiplied by the learning rate (SPEC 1.1)
 * and follows the schedule; that of the others is part of the gradient and stays as it is. gamma and beta of batch norm
 * are trained without the first of the three (trainer_norm.h). */
#ifndef SUPERMASK_TRAIN_TRAINER_H
#define SUPERMASK_TRAIN_TRAINER_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/dataset.h>
#include <supermask/error.h>
#include <supermask/forward.h>
#include <supermask/loader.h>
#include <supermask/network.h>
#include <supermask/recipe.h>

#include "train/method.h"
#include "train/schedule.h"
#include "train/trainer_norm.h"

/* One layer's parameters, in the engine's padded layout. */
struct sm_trainer_layer {
    struct sm_padded_shape shape;
    double threshold;
    float *weights;    /* initial weights w; the trained ones where the method trains weights */
    float *scores;     /* m, or NULL */
    float *velocity;   /* V of whatever is trained */
    float *second;     /* S of adam, or NULL */
    int8_t *mask;      /* g(m), or the mask that is held, or NULL */
    float *rescaled;   /* the weights times what rescaling makes of them in this step, or NULL */
    float magnitude;   /* of the rescaled: |w| before rescaling where it is the same for all, else 0 */
    float *gradient;   /* of a dense layer, for a method with hooks, else NULL */
    float *delta;      /* [n_rows][image_stride]: d loss / d (this layer's output before its activation) */
    float *input_rows; /* [image_stride][stride]: this layer's input, a row an image; layer 0 borrows the forward's */
    struct sm_trainer_norm norm;
};

/* What a method with hooks needs beside its layers' parameters; masking.h. */
struct sm_masking {
    double *row_sums;  /* [most rows of a layer] */
    uint32_t **counts; /* [n_threads][SM_METHOD_COUNTS] */
    size_t *n_kept;    /* [n_threads] */
};

struct sm_trainer {
    const struct sm_recipe *recipe; /* borrowed */
    const struct sm_method *method;
    const struct sm_network *net;                  /* borrowed */
    struct sm_split train_split, validation_split; /* of the data set's training images; borrowed */
    struct sm_samples train, validation, test;     /* validation: only where recipe.validation sets images aside */
    struct sm_forward forward;
    struct sm_trainer_layer *layers; /* [n_layers] */
    float
        *trunk_delta; /* [input_stride][image_stride]: gradient of what the trunk gives to the dense layers, or NULL */
    struct sm_masking masking;
    struct sm_loader loader;
    const struct sm_batch *batch; /* of the next step; the loader's */
    double *losses;               /* [batch]: of the last step's images */
    uint8_t *correct;             /* [batch] */
    size_t steps_per_epoch;
    int n_threads;

    /* What moves: with the layers' values, velocities and this, a run continues exactly. */
    int64_t step;       /* optimizer steps done */
    int64_t first_step; /* where the optimizer's state was last empty */
    double loss_sum;    /* over the images of the epoch so far */
    int64_t n_correct, n_seen;
    struct sm_schedule_state schedule;
};

/* Borrows everything; initializes weights, scores and masks from the recipe's seeds. The caller destroys, also after a
 * failure. recipe->threads > 0. */
int sm_trainer_init(struct sm_trainer *trainer, const struct sm_recipe *recipe, const struct sm_network *net,
                    const struct sm_dataset *data, struct sm_error *err);
void sm_trainer_destroy(struct sm_trainer *trainer);

/* After values were put back from a checkpoint: masks and the next batch follow. */
void sm_trainer_restore(struct sm_trainer *trainer);

/* n optimizer steps on the next batches (the last of a pass may be smaller), within one epoch; the epoch's sums
 * grow. */
void sm_trainer_steps(struct sm_trainer *trainer, size_t n);

/* Forward and backward on the next batch without an update: gradients with respect to the effective weights,
 * gradient[l] [n_rows][stride] padded, and the mean loss returned; those of gamma and beta are in layers[l].norm.norm.
 * The epoch's sums grow and the moving statistics move. For tests of the gradient. */
double sm_trainer_gradient(struct sm_trainer *trainer, float *const *gradient);

/* Masks become those of the scores and the step as they are: for whoever looks at them between steps. (With hooks they
 * are still those of the step before.) */
void sm_trainer_draw_masks(struct sm_trainer *trainer);

/* Accuracy and loss on samples; where masks are sampled, the means over recipe.mask_samples of them, the same ones in
 * every call with the same scores. `stop` as in sm_forward_evaluate: a stopped one leaves the trainer as a whole one. */
struct sm_evaluation sm_trainer_evaluate(struct sm_trainer *trainer, const struct sm_samples *samples,
                                         const volatile sig_atomic_t *stop);

/* Learning rate and weight decay of the step to come. */
double sm_trainer_learning_rate(const struct sm_trainer *trainer);
double sm_trainer_weight_decay(const struct sm_trainer *trainer);

/* Share of weights that the masks keep or invert, over all layers. */
double sm_trainer_remaining(const struct sm_trainer *trainer);

/* The trained values of a layer: scores, or weights. */
float *sm_trainer_values(const struct sm_trainer *trainer, size_t l);

#endif
