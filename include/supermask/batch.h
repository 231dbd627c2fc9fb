/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.h - preprocessing: how bytes of an image become the network's input. */
#ifndef SUPERMASK_BATCH_H
#define SUPERMASK_BATCH_H

#include <stddef.h>
#include <supermask/dataset.h>
#include <supermask/error.h>
#include <supermask/recipe.h>

/* One split with its preprocessing: input x = pixel * scale[n] + shift[n], pixel in 0..255. */
struct sm_samples {
    const struct sm_split *split; /* borrowed */
    size_t n_pixels;              /* channels * height * width */
    float *scale, *shift;         /* [split->n] */
};

/* SM_STANDARDIZE_IMAGE: each image by itself over all its channels, (x - mean) / max(sd, 1/sqrt(n_pixels)), sd over n
 * (Koster et al. 2022, section 4; TensorFlow's per_image_standardization). SM_STANDARDIZE_UNIT: x / 255. */
int sm_samples_init(struct sm_samples *samples, const struct sm_dataset *data, const struct sm_split *split,
                    enum sm_standardize_kind kind, struct sm_error *err);
void sm_samples_destroy(struct sm_samples *samples);

#endif
