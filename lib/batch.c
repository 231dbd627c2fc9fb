/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/batch.h>

#include <math.h>
#include <stdlib.h>

static void standardize_image(float *scale, float *shift, const uint8_t *image, size_t n_pixels) {
    uint64_t sum = 0, sum_squares = 0; /* exact: 255^2 * 2^40 pixels fit */
    for (size_t p = 0; p < n_pixels; p++) {
        sum += image[p];
        sum_squares += (uint64_t)image[p] * image[p];
    }
    double n = (double)n_pixels, mean = (double)sum / n;
    double variance = ((double)sum_squares - (double)sum * mean) / n;
    double sd = fmax(sqrt(fmax(variance, 0)), 1 / sqrt(n));
    *scale = (float)(1 / sd);
    *shift = (float)(-mean / sd);
}

int sm_samples_init(struct sm_samples *samples, const struct sm_dataset *data, const struct sm_split *split,
                    enum sm_standardize_kind kind, struct sm_error *err) {
    *samples = (struct sm_samples){.split = split, .n_pixels = data->channels * data->height * data->width};
    samples->scale = malloc((split->n + 1) * sizeof *samples->scale);
    samples->shift = malloc((split->n + 1) * sizeof *samples->shift);
    if (!samples->scale || !samples->shift) {
        sm_samples_destroy(samples);
        return sm_fail(err, "out of memory for the preprocessing of %s", data->name);
    }
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < split->n; i++) {
        if (kind == SM_STANDARDIZE_IMAGE) {
            standardize_image(&samples->scale[i], &samples->shift[i], split->images + i * samples->n_pixels,
                              samples->n_pixels);
        } else {
            samples->scale[i] = 1.0f / 255;
            samples->shift[i] = 0;
        }
    }
    return 0;
}

void sm_samples_destroy(struct sm_samples *samples) {
    free(samples->scale);
    free(samples->shift);
    *samples = (struct sm_samples){0};
}
