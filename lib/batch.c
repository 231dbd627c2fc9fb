/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/batch.h>

#include <math.h>
#include <stdlib.h>
#include <supermask/kernels.h>

#include "lib/sizes.h"

/* Sums over pixels, exact: 255^2 * 2^40 pixels fit. */
struct sums {
    uint64_t n, values, squares;
};

static void add_pixels(struct sums *sums, const uint8_t *pixels, size_t n) {
    uint64_t values = 0, squares = 0;
    for (size_t p = 0; p < n; p++) {
        values += pixels[p];
        squares += (uint64_t)pixels[p] * pixels[p];
    }
    sums->n += n;
    sums->values += values;
    sums->squares += squares;
}

/* (x - mean) / max(sd, least) as x * scale + shift. */
static void scale_and_shift(float *scale, float *shift, struct sums sums, double least) {
    double n = (double)sums.n, mean = (double)sums.values / n;
    double variance = ((double)sums.squares - (double)sums.values * mean) / n;
    double sd = fmax(sqrt(fmax(variance, 0)), least);
    *scale = (float)(1 / sd);
    *shift = (float)(-mean / sd);
}

void sm_standardize_image(float *scale, float *shift, const uint8_t *image, size_t n_pixels) {
    struct sums sums = {0};
    add_pixels(&sums, image, n_pixels);
    scale_and_shift(scale, shift, sums, 1 / sqrt((double)n_pixels));
}

/* ---- one function for each kind: the scales and shifts of a split ---- */

static void by_image(struct sm_samples *samples) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < samples->split->n; i++)
        sm_standardize_image(&samples->scale[i], &samples->shift[i], samples->images[i], samples->n_pixels);
}

static void by_unit(struct sm_samples *samples) {
    for (size_t i = 0; i < samples->split->n; i++) {
        samples->scale[i] = 1.0f / 255;
        samples->shift[i] = 0;
    }
}

static struct sums sums_of_channel(const struct sm_dataset *data, size_t channel) {
    size_t plane = data->height * data->width;
    uint64_t values = 0, squares = 0;
#pragma omp parallel for schedule(static) reduction(+ : values, squares)
    for (size_t i = 0; i < data->train.n; i++) {
        struct sums one = {0};
        add_pixels(&one, data->train.images + (i * data->channels + channel) * plane, plane);
        values += one.values;
        squares += one.squares;
    }
    return (struct sums){data->train.n * plane, values, squares};
}

/* A power of two: where a channel has one value only, x * scale + shift is then exactly 0. */
#define LEAST_CHANNEL_SD (1.0 / 256)

static void by_channel(struct sm_samples *samples) {
    for (size_t c = 0; c < samples->n_scales; c++) {
        float scale, shift;
        scale_and_shift(&scale, &shift, sums_of_channel(samples->data, c), LEAST_CHANNEL_SD);
        for (size_t i = 0; i < samples->split->n; i++) {
            samples->scale[i * samples->n_scales + c] = scale;
            samples->shift[i * samples->n_scales + c] = shift;
        }
    }
}

static const struct {
    void (*fill)(struct sm_samples *samples);
    bool keeps_black; /* a black pixel is 0 in the input, too */
} kinds[] = {[SM_STANDARDIZE_IMAGE] = {by_image, false},
             [SM_STANDARDIZE_UNIT] = {by_unit, true},
             [SM_STANDARDIZE_CHANNEL] = {by_channel, false}};

/* ---- black images ---- */

/* Where at most this share of the pixels of blocks of SM_LANES images is not black (written digits: half) it pays to
 * leave black out; beyond it OpenBLAS is as fast. */
#define MOSTLY_BLACK 0.75

/* Pixels that are not black in all of n images. */
static size_t count_lit(const uint8_t *images, size_t n, size_t n_pixels) {
    size_t n_lit = 0;
    for (size_t p = 0; p < n_pixels; p++) {
        uint8_t any = 0;
        for (size_t i = 0; i < n; i++) any |= images[i * n_pixels + p];
        n_lit += any != 0;
    }
    return n_lit;
}

static bool is_mostly_black(const struct sm_split *split, size_t n_pixels) {
    size_t n_blocks = sm_divided_up(split->n, SM_LANES), n_lit = 0;
#pragma omp parallel for schedule(static) reduction(+ : n_lit)
    for (size_t b = 0; b < n_blocks; b++) {
        size_t first = b * SM_LANES, n = sm_smaller(SM_LANES, split->n - first);
        n_lit += count_lit(split->images + first * n_pixels, n, n_pixels);
    }
    return n_blocks && (double)n_lit <= MOSTLY_BLACK * (double)(n_blocks * n_pixels);
}

/* ---- samples and batches ---- */

int sm_samples_init(struct sm_samples *samples, const struct sm_dataset *data, const struct sm_split *split,
                    enum sm_standardize_kind kind, struct sm_error *err) {
    *samples = (struct sm_samples){.data = data,
                                   .split = split,
                                   .standardize = kind,
                                   .n_pixels = data->channels * data->height * data->width,
                                   .n_scales = kind == SM_STANDARDIZE_CHANNEL ? data->channels : 1};
    samples->images = malloc((split->n + 1) * sizeof *samples->images);
    samples->scale = malloc((split->n + 1) * samples->n_scales * sizeof *samples->scale);
    samples->shift = malloc((split->n + 1) * samples->n_scales * sizeof *samples->shift);
    if (!samples->images || !samples->scale || !samples->shift) {
        sm_samples_destroy(samples);
        return sm_fail(err, "out of memory for the preprocessing of %s", data->name);
    }
    for (size_t i = 0; i < split->n; i++) samples->images[i] = split->images + i * samples->n_pixels;
    kinds[kind].fill(samples);
    samples->mostly_zero = kinds[kind].keeps_black && is_mostly_black(&data->train, samples->n_pixels);
    return 0;
}

void sm_samples_destroy(struct sm_samples *samples) {
    free(samples->images);
    free(samples->scale);
    free(samples->shift);
    *samples = (struct sm_samples){0};
}

struct sm_batch sm_samples_batch(const struct sm_samples *samples, size_t first, size_t n) {
    return (struct sm_batch){.n = n,
                             .n_pixels = samples->n_pixels,
                             .n_scales = samples->n_scales,
                             .mostly_zero = samples->mostly_zero,
                             .images = samples->images + first,
                             .scale = samples->scale + first * samples->n_scales,
                             .shift = samples->shift + first * samples->n_scales,
                             .labels = samples->split->labels + first};
}
