/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/cifar.h"

#include <string.h>

static size_t record_size(const struct sm_cifar_format *format) {
    return format->n_labels + SM_CIFAR_PIXELS;
}

static int check_labels(const struct sm_cifar_format *format, const uint8_t *record, size_t i, struct sm_error *err) {
    static const char *const names[] = {"coarse label", "label"};
    for (size_t k = 0; k < format->n_labels; k++)
        if (record[k] >= format->n_classes[k])
            return sm_fail(err, "image %zu: its %s is %u, expected 0 to %u", i, names[k + 1 == format->n_labels],
                           record[k], format->n_classes[k] - 1);
    return 0;
}

size_t sm_cifar_check(const struct sm_cifar_format *format, const uint8_t *bytes, size_t length, struct sm_error *err) {
    size_t size = record_size(format), n = length / size;
    if (length == 0) {
        sm_fail(err, "the file is empty");
        return 0;
    }
    if (length % size != 0) {
        sm_fail(err, "%zu bytes are no whole number of images of %zu bytes (%zu label%s, %d pixels)", length, size,
                format->n_labels, format->n_labels == 1 ? "" : "s", SM_CIFAR_PIXELS);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (check_labels(format, bytes + i * size, i, err) != 0) return 0;
    return n;
}

void sm_cifar_copy(const struct sm_cifar_format *format, const uint8_t *bytes, size_t n, uint8_t *images,
                   uint8_t *labels) {
    size_t size = record_size(format);
    for (size_t i = 0; i < n; i++) {
        labels[i] = bytes[i * size + format->n_labels - 1];
        memcpy(images + i * SM_CIFAR_PIXELS, bytes + i * size + format->n_labels, SM_CIFAR_PIXELS);
    }
}
