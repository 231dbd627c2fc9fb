/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tiny_data.h - a data set made on the spot: random pixels around a random picture of each class, so that it can be
 * learned a little. */
#ifndef SUPERMASK_TESTS_TINY_DATA_H
#define SUPERMASK_TESTS_TINY_DATA_H

#include <supermask/dataset.h>

#include "tests/check.h"

static inline void tiny_split(struct sm_split *split, size_t n, size_t n_pixels, size_t n_classes, uint32_t seed) {
    const struct sm_rng noise = sm_rng_make(seed, SM_RNG_TEST, 10), picture = sm_rng_make(1, SM_RNG_TEST, 11);
    *split = (struct sm_split){n, check_alloc(n * n_pixels, 1), check_alloc(n, 1)};
    for (size_t i = 0; i < n; i++) {
        size_t label = split->labels[i] = (uint8_t)sm_rng_below(&noise, 1000000 + i, n_classes);
        for (size_t p = 0; p < n_pixels; p++)
            split->images[i * n_pixels + p] = (uint8_t)(sm_rng_below(&noise, i * n_pixels + p, 128) +
                                                        sm_rng_below(&picture, label * n_pixels + p, 128));
    }
}

static inline struct sm_dataset tiny_data(size_t height, size_t width, size_t n_classes, size_t n_train,
                                          size_t n_test) {
    struct sm_dataset data = {.name = "tiny", .channels = 1, .height = height, .width = width, .n_classes = n_classes};
    tiny_split(&data.train, n_train, height * width, n_classes, 1);
    tiny_split(&data.test, n_test, height * width, n_classes, 2);
    return data;
}

static inline void tiny_destroy(struct sm_dataset *data) {
    free(data->train.images);
    free(data->train.labels);
    free(data->test.images);
    free(data->test.labels);
}

#endif
