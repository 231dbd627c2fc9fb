/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cifar_load.c - the files of CIFAR-10 and CIFAR-100. How many images there are, their length says: a part of a data
 * set in the same format is a data set. Its files are all another size than the published ones, though: one that is
 * alone in that has been cut short. */
#include "datasets/cifar.h"
#include "datasets/load.h"
#include "datasets/source.h"

#include <stdlib.h>

enum { MAX_FILES = 6 };

struct cifar {
    const char *folder; /* as the publisher's archive unpacks */
    struct sm_cifar_format format;
    size_t n_files;               /* the last is the test set, the others are the training set */
    const char *files[MAX_FILES]; /* in the order of the checksum */
    size_t n_images[MAX_FILES];   /* of each file, as published */
};

static const struct cifar cifar_10 = {
    .folder = "cifar-10-batches-bin",
    .format = {1, {10}},
    .n_files = 6,
    .files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
              "test_batch.bin"},
    .n_images = {10000, 10000, 10000, 10000, 10000, 10000},
};

static const struct cifar cifar_100 = {
    .folder = "cifar-100-binary",
    .format = {2, {20, 100}},
    .n_files = 2,
    .files = {"train.bin", "test.bin"},
    .n_images = {50000, 10000},
};

static int check_counts(const struct sm_blob files[MAX_FILES], const size_t n[MAX_FILES], const struct cifar *cifar,
                        const char *name, struct sm_error *err) {
    size_t whole = 0, other = 0; /* the first file of each kind */
    while (whole < cifar->n_files && n[whole] != cifar->n_images[whole]) whole++;
    while (other < cifar->n_files && n[other] == cifar->n_images[other]) other++;
    if (whole == cifar->n_files || other == cifar->n_files) return 0;
    return sm_fail(err,
                   "%s: %zu images, expected %zu: %s beside it is whole, as published for %s, this one is cut short or "
                   "from elsewhere",
                   files[other].path, n[other], cifar->n_images[other], cifar->files[whole], name);
}

static int read_files(struct sm_blob files[MAX_FILES], size_t n[MAX_FILES], const struct cifar *cifar, const char *name,
                      const char *directory, struct sm_error *err) {
    struct sm_source source;
    if (sm_source_find(&source, name, cifar->folder, cifar->files[0], directory, err) != 0) return -1;
    for (size_t f = 0; f < cifar->n_files; f++) {
        if (sm_source_read(&files[f], &source, cifar->files[f], err) != 0) return -1;
        n[f] = sm_cifar_check(&cifar->format, files[f].bytes, files[f].length, err);
        if (n[f] == 0) return sm_fail_prefix(err, "%s", files[f].path);
    }
    return check_counts(files, n, cifar, name, err);
}

static void set_checksum(struct sm_dataset *data, const struct sm_blob files[MAX_FILES], size_t n_files) {
    struct sm_bytes parts[MAX_FILES];
    for (size_t f = 0; f < n_files; f++) parts[f] = (struct sm_bytes){files[f].bytes, files[f].length};
    sm_sha256_hex(data->sha256, parts, n_files);
}

/* The split of these files; each file's memory is given back when it has been copied. */
static int fill_split(struct sm_split *split, const struct sm_cifar_format *format, struct sm_blob *files,
                      const size_t *n, size_t n_files, struct sm_error *err) {
    size_t all = 0;
    for (size_t f = 0; f < n_files; f++) all += n[f];
    split->images = malloc(all * SM_CIFAR_PIXELS);
    split->labels = malloc(all);
    if (split->images == NULL || split->labels == NULL)
        return sm_fail(err, "%s: out of memory for %zu images", files[0].path, all);
    for (size_t f = 0; f < n_files; f++) {
        sm_cifar_copy(format, files[f].bytes, n[f], split->images + split->n * SM_CIFAR_PIXELS,
                      split->labels + split->n);
        split->n += n[f];
        sm_blob_destroy(&files[f]);
    }
    return 0;
}

static int load(struct sm_dataset *data, const struct cifar *cifar, const char *directory, struct sm_error *err) {
    struct sm_blob files[MAX_FILES] = {{.bytes = NULL}};
    size_t n[MAX_FILES], n_train = cifar->n_files - 1;
    int status = read_files(files, n, cifar, data->name, directory, err);
    if (status == 0) set_checksum(data, files, cifar->n_files);
    if (status == 0) status = fill_split(&data->train, &cifar->format, files, n, n_train, err);
    if (status == 0) status = fill_split(&data->test, &cifar->format, files + n_train, n + n_train, 1, err);
    for (size_t f = 0; f < cifar->n_files; f++) sm_blob_destroy(&files[f]);
    return status;
}

int sm_cifar_10_load(struct sm_dataset *data, const char *directory, struct sm_error *err) {
    return load(data, &cifar_10, directory, err);
}

int sm_cifar_100_load(struct sm_dataset *data, const char *directory, struct sm_error *err) {
    return load(data, &cifar_100, directory, err);
}
