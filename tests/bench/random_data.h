/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random_data.h - random bytes of a data set's shape, for benchmarks where its files are not there. */
#ifndef SUPERMASK_BENCH_RANDOM_DATA_H
#define SUPERMASK_BENCH_RANDOM_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <supermask/dataset.h>
#include <supermask/rng.h>

enum { RANDOM_IMAGES = 2048 };

static inline int random_split(struct sm_split *split, const struct sm_dataset *data, struct sm_error *err) {
    struct sm_draws draws = sm_draws_make(sm_rng_make(1, SM_RNG_TEST, 0));
    size_t n_bytes = RANDOM_IMAGES * data->channels * data->height * data->width;
    *split = (struct sm_split){RANDOM_IMAGES, malloc(n_bytes), malloc(RANDOM_IMAGES)};
    if (!split->images || !split->labels) return sm_fail(err, "out of memory for images");
    for (size_t k = 0; k < n_bytes; k++) split->images[k] = (uint8_t)sm_draws_u32(&draws);
    for (size_t k = 0; k < RANDOM_IMAGES; k++)
        split->labels[k] = (uint8_t)sm_draws_below(&draws, (uint32_t)data->n_classes);
    return 0;
}

/* The caller destroys it with sm_dataset_destroy, also after a failure. */
static inline int random_data(struct sm_dataset *data, const char *name, struct sm_error *err) {
    struct sm_dataset_shape shape;
    if (sm_dataset_shape(&shape, name, err)) return -1;
    *data = (struct sm_dataset){
        .channels = shape.channels, .height = shape.height, .width = shape.width, .n_classes = shape.n_classes};
    snprintf(data->name, sizeof data->name, "%s", name);
    return random_split(&data->train, data, err) || random_split(&data->test, data, err) ? -1 : 0;
}

#endif
