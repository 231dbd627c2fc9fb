/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.h - preprocessing: how bytes of an image become the network's input, and the images of one step. */
#ifndef SUPERMASK_BATCH_H
#define SUPERMASK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/dataset.h>
#include <supermask/error.h>
#include <supermask/recipe.h>

/* Images that go through a network together. The input of an image is, with c = p / (n_pixels / n_scales),
 *   x[p] = images[i][p] * scale[i * n_scales + c] + shift[i * n_scales + c]. */
struct sm_batch {
    size_t n;
    size_t n_pixels;              /* of an image: channels * height * width */
    size_t n_scales;              /* 1, or the number of channels where each has its own scale and shift */
    bool mostly_zero;             /* of the data set's x, not of this batch: see sm_samples */
    const uint8_t *const *images; /* [n], each [channels, height, width] */
    const float *scale, *shift;   /* [n][n_scales] */
    const uint8_t *labels;        /* [n] */
};

/* One split with its preprocessing. */
struct sm_samples {
    const struct sm_dataset *data; /* borrowed, as is its split */
    const struct sm_split *split;
    enum sm_standardize_kind standardize;
    size_t n_pixels, n_scales; /* as in sm_batch */
    bool mostly_zero; /* so much of the training images, whichever the split, is black, and black is x = 0, that the
                         first dense layer of a network leaves it out: decided once for a data set, because that rounds
                         otherwise than a product of everything */
    const uint8_t **images; /* [split->n], into the split */
    float *scale, *shift;   /* [split->n][n_scales] */
};

/* SM_STANDARDIZE_IMAGE: each image by itself over all its channels, (x - mean) / max(sd, 1/sqrt(n_pixels)), sd over n
 * (Koster et al. 2022, section 4; TensorFlow's per_image_standardization). SM_STANDARDIZE_UNIT: x / 255.
 * SM_STANDARDIZE_CHANNEL: (x - mean) / max(sd, 1/256) with mean and sd (over n) of the channel in all training images,
 * whichever the split. */
int sm_samples_init(struct sm_samples *samples, const struct sm_dataset *data, const struct sm_split *split,
                    enum sm_standardize_kind kind, struct sm_error *err);
void sm_samples_destroy(struct sm_samples *samples);

/* Samples first .. first + n as they stand; points into the samples. */
struct sm_batch sm_samples_batch(const struct sm_samples *samples, size_t first, size_t n);

/* Scale and shift of one image [n_pixels] standardized by itself. */
void sm_standardize_image(float *scale, float *shift, const uint8_t *image, size_t n_pixels);

#endif
