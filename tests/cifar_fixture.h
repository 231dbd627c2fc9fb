/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cifar_fixture.h - small CIFAR files on disk: random pixels, labels that count up. */
#ifndef SUPERMASK_TESTS_CIFAR_FIXTURE_H
#define SUPERMASK_TESTS_CIFAR_FIXTURE_H

#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

enum { CIFAR_PIXELS = 3072, CIFAR_MAX_FILES = 6, CIFAR_MAX_IMAGES = 9 };

struct cifar_files {
    const char *name, *folder;
    size_t n_labels, n_files;
    const char *files[CIFAR_MAX_FILES]; /* the last is the test set */
    size_t n[CIFAR_MAX_FILES];          /* images of each */
};

static const struct cifar_files cifar_10_files = {"cifar-10",
                                                  "cifar-10-batches-bin",
                                                  1,
                                                  6,
                                                  {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                   "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"},
                                                  {4, 1, 7, 3, 9, 5}};

static const struct cifar_files cifar_100_files = {"cifar-100", "cifar-100-binary",        2,
                                                   2,           {"train.bin", "test.bin"}, {8, 3}};

static inline size_t cifar_record(const struct cifar_files *files) {
    return files->n_labels + CIFAR_PIXELS;
}

/* Labels of image i of file f: coarse below 20, the one that counts below 10 and, for CIFAR-100, up to 99. */
static inline uint8_t cifar_label(const struct cifar_files *files, size_t f, size_t i, size_t which) {
    size_t count = 10 * f + i;
    if (which + 1 < files->n_labels) return (uint8_t)(count % 20);
    return (uint8_t)(files->n_labels == 1 ? count % 7 + 3 : 99 - count);
}

/* The bytes of file f, malloc'ed. */
static inline uint8_t *cifar_bytes(const struct cifar_files *files, size_t f) {
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 40 + (uint32_t)f);
    size_t size = cifar_record(files), length = files->n[f] * size;
    uint8_t *bytes = check_alloc(length, 1);
    for (size_t at = 0; at < length; at++)
        bytes[at] = at % size < files->n_labels ? cifar_label(files, f, at / size, at % size)
                                                : (uint8_t)(sm_rng_below(&rng, at, 200) + 20 * (at % size / 1025));
    return bytes;
}

static inline void cifar_put(const char *directory, const struct cifar_files *files, size_t f, const uint8_t *bytes,
                             size_t length) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, files->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", directory, files->folder, files->files[f]);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static inline void cifar_write(const char *directory, const struct cifar_files *files) {
    for (size_t f = 0; f < files->n_files; f++) {
        uint8_t *bytes = cifar_bytes(files, f);
        cifar_put(directory, files, f, bytes, files->n[f] * cifar_record(files));
        free(bytes);
    }
}

static inline void cifar_directory_new(char path[64]) {
    strcpy(path, "/tmp/supermask-cifar-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static inline void cifar_directory_remove(const char *path) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#endif
