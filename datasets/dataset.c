/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dataset.c - the table of data sets: a new one is a row here, a load function and a row in fetch.sh. */
#include <supermask/dataset.h>

#include "datasets/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/text.h>

/*       name      load             channels height width classes train  test (of CIFAR: as published) */
#define DATA_SETS(ROW)                                                                                                 \
    ROW("digits", sm_digits_load, 1, 28, 28, 10, 10000, 2000)                                                          \
    ROW("mnist", sm_mnist_load, 1, 28, 28, 10, 60000, 10000)                                                           \
    ROW("cifar-10", sm_cifar_10_load, 3, 32, 32, 10, 50000, 10000)                                                     \
    ROW("cifar-100", sm_cifar_100_load, 3, 32, 32, 100, 50000, 10000)

struct row {
    const char *name;
    int (*load)(struct sm_dataset *data, const char *directory, struct sm_error *err);
    struct sm_dataset_shape shape;
};

#define AS_ROW(name, load, ...) {name, load, {__VA_ARGS__}},
#define AS_NAME(name, ...) name,
static const struct row rows[] = {DATA_SETS(AS_ROW)};
static const char *const names[] = {DATA_SETS(AS_NAME) NULL};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const char *const *sm_dataset_names(void) {
    return names;
}

static int fail_unknown(const char *name, struct sm_error *err) {
    char list[256] = "";
    for (size_t i = 0, n = 0; i < N_ROWS && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *nearest = sm_nearest(name, names, N_ROWS);
    if (nearest != NULL)
        return sm_fail(err, "unknown data set \"%s\": did you mean \"%s\"? (there are: %s)", name, nearest, list);
    return sm_fail(err, "unknown data set \"%s\" (there are: %s)", name, list);
}

static const struct row *find_row(const char *name, struct sm_error *err) {
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    fail_unknown(name, err);
    return NULL;
}

int sm_dataset_shape(struct sm_dataset_shape *shape, const char *name, struct sm_error *err) {
    const struct row *row = find_row(name, err);
    if (row == NULL) return -1;
    *shape = row->shape;
    return 0;
}

int sm_dataset_load(struct sm_dataset *data, const char *name, const char *directory, struct sm_error *err) {
    *data = (struct sm_dataset){.channels = 0};
    const struct row *row = find_row(name, err);
    if (row == NULL) return -1;
    snprintf(data->name, sizeof data->name, "%s", row->name);
    data->channels = row->shape.channels;
    data->height = row->shape.height;
    data->width = row->shape.width;
    data->n_classes = row->shape.n_classes;
    return row->load(data, directory, err);
}

static void destroy_split(struct sm_split *split) {
    free(split->images);
    free(split->labels);
    *split = (struct sm_split){.n = 0};
}

void sm_dataset_destroy(struct sm_dataset *data) {
    destroy_split(&data->train);
    destroy_split(&data->test);
}
