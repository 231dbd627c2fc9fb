/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mnist.c - the four IDX files of MNIST. */
#include "datasets/idx.h"
#include "datasets/load.h"
#include "datasets/source.h"

#include <stdlib.h>
#include <string.h>

enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, N_FILES }; /* the order of the checksum, too */

static const char *const file_names[N_FILES] = {
    [TRAIN_IMAGES] = "train-images-idx3-ubyte",
    [TRAIN_LABELS] = "train-labels-idx1-ubyte",
    [TEST_IMAGES] = "t10k-images-idx3-ubyte",
    [TEST_LABELS] = "t10k-labels-idx1-ubyte",
};

/* Moves the values to the front of the blob's memory, which becomes the caller's: no second copy of 47 MB. */
static uint8_t *take_values(struct sm_blob *blob, const struct sm_idx *idx) {
    uint8_t *bytes = blob->bytes;
    memmove(bytes, idx->values, idx->n_values);
    blob->bytes = NULL;
    uint8_t *smaller = realloc(bytes, idx->n_values);
    return smaller != NULL ? smaller : bytes;
}

static int take_images(struct sm_split *split, const struct sm_dataset *data, struct sm_blob *blob,
                       struct sm_error *err) {
    struct sm_idx idx;
    if (sm_idx_parse(&idx, blob->bytes, blob->length, 3, err) != 0) return sm_fail_prefix(err, "%s", blob->path);
    if (idx.dims[1] != data->height || idx.dims[2] != data->width)
        return sm_fail(err, "%s: images of %zu x %zu pixels, expected %zu x %zu", blob->path, idx.dims[1], idx.dims[2],
                       data->height, data->width);
    split->n = idx.dims[0];
    split->images = take_values(blob, &idx);
    return 0;
}

/* After take_images. */
static int take_labels(struct sm_split *split, const struct sm_dataset *data, struct sm_blob *blob,
                       const char *images_path, struct sm_error *err) {
    struct sm_idx idx;
    if (sm_idx_parse(&idx, blob->bytes, blob->length, 1, err) != 0) return sm_fail_prefix(err, "%s", blob->path);
    if (idx.dims[0] != split->n)
        return sm_fail(err, "%s: %zu labels, but %s holds %zu images", blob->path, idx.dims[0], images_path, split->n);
    for (size_t i = 0; i < idx.n_values; i++)
        if (idx.values[i] >= data->n_classes)
            return sm_fail(err, "%s: label %zu is %u, expected 0 to %zu", blob->path, i, idx.values[i],
                           data->n_classes - 1);
    split->labels = take_values(blob, &idx);
    return 0;
}

static int read_files(struct sm_blob files[N_FILES], const char *name, const char *directory, struct sm_error *err) {
    struct sm_source source;
    if (sm_source_find(&source, name, name, file_names[0], directory, err) != 0) return -1;
    for (size_t f = 0; f < N_FILES; f++)
        if (sm_source_read(&files[f], &source, file_names[f], err) != 0) return -1;
    return 0;
}

static void set_checksum(struct sm_dataset *data, const struct sm_blob files[N_FILES]) {
    struct sm_bytes parts[N_FILES];
    for (size_t f = 0; f < N_FILES; f++) parts[f] = (struct sm_bytes){files[f].bytes, files[f].length};
    sm_sha256_hex(data->sha256, parts, N_FILES);
}

int sm_mnist_load(struct sm_dataset *data, const char *directory, struct sm_error *err) {
    struct sm_blob files[N_FILES] = {{.bytes = NULL}};
    int status = -1;
    if (read_files(files, data->name, directory, err) != 0) goto done;
    set_checksum(data, files);
    if (take_images(&data->train, data, &files[TRAIN_IMAGES], err) != 0 ||
        take_labels(&data->train, data, &files[TRAIN_LABELS], files[TRAIN_IMAGES].path, err) != 0 ||
        take_images(&data->test, data, &files[TEST_IMAGES], err) != 0 ||
        take_labels(&data->test, data, &files[TEST_LABELS], files[TEST_IMAGES].path, err) != 0)
        goto done;
    status = 0;
done:
    for (size_t f = 0; f < N_FILES; f++) sm_blob_destroy(&files[f]);
    return status;
}
