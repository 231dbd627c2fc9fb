/* SPDX-License-Identifier: GPL-3.0-or-later */
/* forward.h - the forward pass of a network under its masks, for training, evaluation and the analyzer.
 *
 * The functions that take (thread, n_threads) are called by every thread of an OpenMP parallel region and share the
 * work; they hold the barriers they need. Results do not depend on n_threads: work is cut along rows or images, never
 * along a sum, and which form a layer is computed in depends on its mask and, of a dense layer that reads the images,
 * on how much of those of the pass is 0. */
#ifndef SUPERMASK_FORWARD_H
#define SUPERMASK_FORWARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/barrier.h>
#include <supermask/batch.h>
#include <supermask/error.h>
#include <supermask/kernels.h>
#include <supermask/network.h>
#include <supermask/trunk.h>

/* A layer's parameters in the engine's layout: [sm_padded(n_out)][stride], stride = sm_padded(fan_in), zeros where
 * padded. */
struct sm_padded_shape {
    size_t n_out, n_in, n_rows, stride;
};
struct sm_padded_shape sm_padded_shape_of(const struct sm_layer *layer);
void *sm_aligned_zeros(size_t n_bytes); /* 64-byte aligned; free() it; NULL when out of memory */
void sm_pad_floats(float *padded, const float *plain, struct sm_padded_shape shape);
void sm_unpad_floats(float *plain, const float *padded, struct sm_padded_shape shape);
void sm_pad_mask(int8_t *padded, const int8_t *plain, struct sm_padded_shape shape);
void sm_unpad_mask(int8_t *plain, const int8_t *padded, struct sm_padded_shape shape);

/* How a layer is computed: as its mask's density asks for, or always in one of the two forms. They round differently. A
 * strided convolution is computed from lists, a layer without a mask as a product, whatever is asked for. */
enum sm_form { SM_FORM_BY_DENSITY, SM_FORM_LISTS, SM_FORM_PRODUCT };

struct sm_forward_layer {
    struct sm_padded_shape shape;
    enum sm_activation activation;
    enum sm_form form;   /* asked for; see `sparse` */
    const float *weight; /* borrowed: initial weights, or the trained ones of a dense network */
    const int8_t *mask;  /* borrowed; NULL: every weight is kept */
    float magnitude;     /* |w| where it is the same for the whole layer, else 0 */
    bool inverts;        /* the mask may hold -1 */
    bool sparse;         /* the form of this pass: lists of kept weights, or a dense product */
    size_t n_kept;
    struct sm_kept kept;
    float *effective;        /* v = w*g for the dense form; weight itself where there is no mask */
    float *activations;      /* [sm_padded(n_out)][image_stride]: a dense layer's output, after the activation */
    struct sm_channels live; /* of a dense layer: rows [n_rows] whose units get a gradient in this pass */
    int8_t *all_kept;        /* the mask of a strided convolution that has none: it is computed from lists */
};

struct sm_forward {
    const struct sm_network *net; /* borrowed */
    const struct sm_kernels *kernels;
    size_t image_stride;             /* images a pass can hold, multiple of SM_LANES */
    size_t n_images;                 /* images of the pass that is loaded */
    size_t input_stride;             /* sm_padded(inputs of the first dense layer) */
    float *input_rows;               /* [image_stride][input_stride]: what the first dense layer reads */
    float *input_columns;            /* [input_stride][image_stride]: the same */
    struct sm_forward_layer *layers; /* [n_layers] */
    size_t *counts;                  /* [n_layers][max_threads]: kept weights that each thread counted */
    bool few;                        /* the first dense layer leaves out what is 0 in the images: sm_samples */
    int max_threads;
    size_t first_dense;        /* layers below it are convolutions, in the trunk */
    struct sm_trunk trunk;     /* what stands before the dense layers; nothing where they read the images */
    size_t widest;             /* units that a dense layer reads or gives at most */
    uint8_t *asked;            /* [2][widest] units that get a gradient, of two layers; training only */
    bool frozen;               /* masks and weights stay as they are: see sm_forward_freeze */
    struct sm_barrier barrier; /* of the threads that run a pass together */
    bool by_images; /* every layer of this pass is sparse: a thread takes its own images through all of them and waits
                       for nobody, else it takes its own units of each layer */
};

/* A layer of at most so many weights is always computed from lists: a call to OpenBLAS costs more. */
#define SM_SMALL_LAYER 1024

/* What one thread computes of a layer's output: these units for these images. */
struct sm_part {
    size_t first_unit, last_unit, first_image, last_image;
};

/* The thread's part in this pass; units, where they are cut, in multiples of `step`. */
struct sm_part sm_forward_part(const struct sm_forward *forward, size_t l, size_t step, int thread, int n_threads);

/* function(values, other, n) on the images of each unit of a part; both arrays are [unit][image_stride]. */
void sm_forward_each_unit(const struct sm_forward *forward, struct sm_part part, float *values, const float *other,
                          void (*function)(float *values, const float *other, size_t n));

/* Can the pass compute this network: convolutions, pools and sums, and behind them a stack of dense layers? */
int sm_forward_check(const struct sm_network *net, struct sm_error *err);

/* For what sm_forward_check accepts. `capacity` images at most in a pass; `training`: the trunk has gradients, too. The
 * caller destroys, also after a failure. */
int sm_forward_init(struct sm_forward *forward, const struct sm_network *net, size_t capacity, int max_threads,
                    bool training, struct sm_error *err);
void sm_forward_destroy(struct sm_forward *forward);

/* Weights and mask of layer l, in padded layout, borrowed until destroyed. The mask may change between passes, and so
 * may weights without a mask; under a mask they are frozen. mask may be NULL. */
int sm_forward_bind(struct sm_forward *forward, size_t l, const float *weight, const int8_t *mask,
                    struct sm_error *err);

/* The batch norm of layer l, or NULL where it has none. gamma, beta and the moving statistics are the network's; they
 * may be written between passes (sm_run_read_batch_norm fills them from a run). At first it does nothing but divide by
 * sqrt(1 + epsilon). */
struct sm_batch_norm *sm_forward_batch_norm(const struct sm_forward *forward, size_t l);

/* The same for weights and a mask of which more is known. */
struct sm_binding {
    const float *weight;
    const int8_t *mask;
    enum sm_form form;
    bool holds;      /* the mask keeps or hides and never inverts; where it keeps all, the weights are read directly */
    float magnitude; /* |w| of all weights that the mask keeps, added up first and multiplied in once; 0: each is
                        multiplied by itself */
};
int sm_forward_bind_as(struct sm_forward *forward, size_t l, const struct sm_binding *binding, struct sm_error *err);

/* Weights under a mask that were bound with one |w| have another now; between passes. Nothing where |w| differs from
 * weight to weight. The weights bound are written by the caller. */
void sm_forward_set_magnitude(struct sm_forward *forward, size_t l, float magnitude);

/* Masks and weights will not change until the next bind: takes them over once, by one thread, so that passes do not
 * look at them again. Passes give the same bytes. Every layer is bound. */
void sm_forward_freeze(struct sm_forward *forward);

/* Loads the batch, at most as many images as the capacity, and runs the pass. Afterwards the last layer's activations
 * are the logits [class][image]: of the thread's own images at once, of all after a wait. Batch norm uses the moving
 * statistics. */
void sm_forward_pass(struct sm_forward *forward, const struct sm_batch *batch, int thread, int n_threads);

/* The same for a training step: batch norm uses the statistics of the batch, and the moving ones move. For a forward
 * that was made for training. */
void sm_forward_training_pass(struct sm_forward *forward, const struct sm_batch *batch, int thread, int n_threads);

/* Has layer l a mask that hides no weight in this pass? */
bool sm_forward_keeps_all(const struct sm_forward *forward, size_t l);

/* Waits for the other threads of the pass; the second only where they computed other units of the same images. */
void sm_forward_wait(struct sm_forward *forward, int n_threads);
void sm_forward_wait_for_units(struct sm_forward *forward, int n_threads);

/* The logits of the last pass: [n_classes][image_stride]. */
const float *sm_forward_logits(const struct sm_forward *forward);

/* Layer by layer in one thread, for whoever changes activations on the way. The order of calls: every layer is bound,
 * freeze (again after each bind), then for each batch load and the layers. The values are those of a pass: a row is
 * one sum in a fixed order, and an activation that is 0 adds exactly what a hidden weight adds, nothing. */

/* At most as many images as the capacity. Where there is a trunk, what follows is computed node by node (trunk.h) and
 * handed over as level first_dense. */
void sm_forward_load(struct sm_forward *forward, const struct sm_batch *batch);
/* [units][image_stride] of level first_dense, what the first dense layer reads, or of level l + 1, the output of the
 * dense layer l; may be written. */
float *sm_forward_level(const struct sm_forward *forward, size_t level);
/* Is the layer computed from lists? Then some units for some images can be computed, with the same bytes; a dense
 * product is rounded by its blocks: the bytes of a pass have all its units for all images. */
bool sm_forward_is_sparse(const struct sm_forward *forward, size_t l);
/* Some units of the dense layer l for some images, from the level below as it stands; of a dense product all units.
 * Here and below first_image and last_image are multiples of SM_LANES. */
void sm_forward_compute(struct sm_forward *forward, size_t l, struct sm_part part);

/* The same in two steps, for a dense product. sums [n_out][image_stride]: what inputs [first, last) of layer l add to
 * its units, for the images of the part; over all inputs, what the activation function is applied to. */
void sm_forward_sums(const struct sm_forward *forward, size_t l, size_t first, size_t last, struct sm_part part,
                     float *sums);
/* Applies the activation function of layer l to the sums that stand in level l + 1. */
void sm_forward_activate(const struct sm_forward *forward, size_t l, struct sm_part part);

/* out[i][b] = sum_o v[o][i] delta[o][b]: the gradient with respect to layer l's input. Zeroes and fills `out`
 * [stride][image_stride]; no barrier at its end. */
void sm_forward_transposed(const struct sm_forward *forward, size_t l, float *out, const float *delta, int thread,
                           int n_threads);

/* The part [*first, *last) of n items, in steps of `step`, that falls to one thread. */
void sm_share_of(size_t n, size_t step, int thread, int n_threads, size_t *first, size_t *last);

/* Accuracy and mean loss over all samples, in passes of the forward's capacity; both NaN where it was stopped. `stop`
 * (NULL: nobody will) is looked at after every pass: a signal handler sets it. */
struct sm_evaluation {
    double loss, accuracy;
};
struct sm_evaluation sm_forward_evaluate(struct sm_forward *forward, const struct sm_samples *samples,
                                         enum sm_loss_kind loss, const volatile sig_atomic_t *stop, int n_threads);

#endif
