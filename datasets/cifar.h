/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cifar.h - the binary version of CIFAR-10 and CIFAR-100: records of one size without any header, each its labels (a
 * byte each; CIFAR-100: the coarse one, then the fine one) and 3 x 32 x 32 pixels, planes red, green, blue, row by row.
 * Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and the data sets' page. */
#ifndef SUPERMASK_DATASETS_CIFAR_H
#define SUPERMASK_DATASETS_CIFAR_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>

enum { SM_CIFAR_PIXELS = 3 * 32 * 32, SM_CIFAR_MAX_LABELS = 2 };

/* What a record begins with. */
struct sm_cifar_format {
    size_t n_labels;                         /* the last of them counts */
    unsigned n_classes[SM_CIFAR_MAX_LABELS]; /* of each label */
};

/* Number of images in a whole file. 0 and a sentence, which does not name the file: a length that is no multiple of a
 * record's, an empty file, a label out of its range. */
size_t sm_cifar_check(const struct sm_cifar_format *format, const uint8_t *bytes, size_t length, struct sm_error *err);

/* Copies the pixels and the label that counts of n records: images [n][SM_CIFAR_PIXELS], labels [n]. */
void sm_cifar_copy(const struct sm_cifar_format *format, const uint8_t *bytes, size_t n, uint8_t *images,
                   uint8_t *labels);

#endif
