/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch_norm.h - batch normalization of the channels of a map (Ioffe & Szegedy 2015, algorithms 1 and 2), with the
 * defaults of Keras:
 *
 *   y = gamma * xhat + beta,  xhat = (x - mean) / sqrt(variance + epsilon)
 *
 * mean and variance (biased: divided by n) are taken over the n = images * height * width values of a channel in the
 * batch; for evaluation they are the moving ones, moving = momentum * moving + (1 - momentum) * batch after each step.
 * Backward, with means over the same n values:
 *
 *   dgamma = sum(dy * xhat),  dbeta = sum(dy)
 *   dx = gamma / sqrt(variance + epsilon) * (dy - mean(dy) - xhat * mean(dy * xhat))
 *
 * xhat is not stored: it is computed again from x, so the map of the convolution's output must stay until then.
 * Whatever visits pixels is in sm_map_kernels (map_ops.h), block by block; what stands here is for channels. A step is
 *
 *   forward   .moments of every block, sm_batch_norm_use_batch, .normalize of every block
 *   backward  .delta_moments of every block, sm_batch_norm_backward, .normalize_gradient of every block */
#ifndef SUPERMASK_BATCH_NORM_H
#define SUPERMASK_BATCH_NORM_H

#include <stddef.h>

#define SM_BATCH_NORM_EPSILON 1e-3
#define SM_BATCH_NORM_MOMENTUM 0.99

struct sm_batch_norm {
    size_t channels;
    /* [channels] each */
    float *gamma, *beta;                    /* trained; 1 and 0 at first */
    float *moving_mean, *moving_variance;   /* 0 and 1 at first */
    float *mean, *inverse_deviation;        /* in use: of the batch or the moving ones; 1 / sqrt(variance + epsilon) */
    float *gamma_gradient, *beta_gradient;  /* of the loss as the deltas have it */
    float *mean_delta, *mean_delta_by_xhat; /* mean(dy), mean(dy * xhat) */
};

/* 0, or -1 when out of memory. Destroy it in both cases. */
int sm_batch_norm_init(struct sm_batch_norm *norm, size_t channels);
void sm_batch_norm_destroy(struct sm_batch_norm *norm);

/* The sums below are what .moments or .delta_moments left, [n_blocks][2][channels]; they are added in the order of the
 * blocks. n_values >= 1: images * height * width, without the images that pad the last block. */

/* mean and inverse_deviation of the batch; the moving ones move. */
void sm_batch_norm_use_batch(struct sm_batch_norm *norm, const double *sums, size_t n_blocks, size_t n_values);
/* mean and inverse_deviation from the moving ones. */
void sm_batch_norm_use_moving(struct sm_batch_norm *norm);
/* Both gradients, and both means over the deltas. */
void sm_batch_norm_backward(struct sm_batch_norm *norm, const double *sums, size_t n_blocks, size_t n_values);

#endif
