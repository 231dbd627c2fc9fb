/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/batch_norm.h>

#include <math.h>
#include <stdlib.h>
#include <supermask/forward.h>

#define N_ARRAYS 10

int sm_batch_norm_init(struct sm_batch_norm *norm, size_t channels) {
    *norm = (struct sm_batch_norm){.channels = channels};
    float *arrays = sm_aligned_zeros(N_ARRAYS * channels * sizeof *arrays);
    if (!arrays) return -1;
    float **const owners[N_ARRAYS] = {
        &norm->gamma,          &norm->beta,
        &norm->moving_mean,    &norm->moving_variance,
        &norm->mean,           &norm->inverse_deviation,
        &norm->gamma_gradient, &norm->beta_gradient,
        &norm->mean_delta,     &norm->mean_delta_by_xhat,
    };
    for (size_t a = 0; a < N_ARRAYS; a++) *owners[a] = arrays + a * channels;
    for (size_t c = 0; c < channels; c++) norm->gamma[c] = norm->moving_variance[c] = 1;
    sm_batch_norm_use_moving(norm);
    return 0;
}

void sm_batch_norm_destroy(struct sm_batch_norm *norm) {
    free(norm->gamma); /* the first array: all are one piece */
    *norm = (struct sm_batch_norm){0};
}

static double total(const double *sums, size_t n_blocks, size_t n_sums, size_t at) {
    double sum = 0;
    for (size_t b = 0; b < n_blocks; b++) sum += sums[b * n_sums + at];
    return sum;
}

static float moved(float moving, double batch) {
    return (float)(SM_BATCH_NORM_MOMENTUM * (double)moving + (1 - SM_BATCH_NORM_MOMENTUM) * batch);
}

static void use(struct sm_batch_norm *norm, size_t c, double mean, double variance) {
    norm->mean[c] = (float)mean;
    norm->inverse_deviation[c] = (float)(1 / sqrt(variance + SM_BATCH_NORM_EPSILON));
}

void sm_batch_norm_use_batch(struct sm_batch_norm *norm, const double *sums, size_t n_blocks, size_t n_values) {
    const size_t n = norm->channels;
    for (size_t c = 0; c < n; c++) {
        double mean = total(sums, n_blocks, 2 * n, c) / (double)n_values;
        double variance = total(sums, n_blocks, 2 * n, n + c) / (double)n_values - mean * mean;
        if (variance < 0) variance = 0; /* by rounding, where all values are the same */
        use(norm, c, mean, variance);
        norm->moving_mean[c] = moved(norm->moving_mean[c], mean);
        norm->moving_variance[c] = moved(norm->moving_variance[c], variance);
    }
}

void sm_batch_norm_use_moving(struct sm_batch_norm *norm) {
    for (size_t c = 0; c < norm->channels; c++)
        use(norm, c, (double)norm->moving_mean[c], (double)norm->moving_variance[c]);
}

void sm_batch_norm_backward(struct sm_batch_norm *norm, const double *sums, size_t n_blocks, size_t n_values) {
    const size_t n = norm->channels;
    for (size_t c = 0; c < n; c++) {
        double delta = total(sums, n_blocks, 2 * n, c), by_xhat = total(sums, n_blocks, 2 * n, n + c);
        norm->beta_gradient[c] = (float)delta;
        norm->gamma_gradient[c] = (float)by_xhat;
        norm->mean_delta[c] = (float)(delta / (double)n_values);
        norm->mean_delta_by_xhat[c] = (float)(by_xhat / (double)n_values);
    }
}
