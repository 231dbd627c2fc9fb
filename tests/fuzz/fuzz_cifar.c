/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes are either refused with a sentence or give images that lie inside them, with labels in range.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -I. tests/fuzz/fuzz_cifar.c datasets/cifar.c lib/error.c
 */
#include "datasets/cifar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_accepted(const struct sm_cifar_format *format, const uint8_t *bytes, size_t length, size_t n) {
    size_t size = format->n_labels + SM_CIFAR_PIXELS;
    uint8_t *images = malloc(n * SM_CIFAR_PIXELS), *labels = malloc(n);
    if (!images || !labels || n * size != length) abort();
    sm_cifar_copy(format, bytes, n, images, labels);
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= format->n_classes[format->n_labels - 1]) abort();
        if (memcmp(images + i * SM_CIFAR_PIXELS, bytes + (i + 1) * size - SM_CIFAR_PIXELS, SM_CIFAR_PIXELS) != 0)
            abort();
    }
    free(images);
    free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const struct sm_cifar_format formats[] = {{1, {10}}, {2, {20, 100}}};
    for (size_t f = 0; f < 2; f++) {
        struct sm_error err = {""};
        size_t n = sm_cifar_check(&formats[f], bytes, length, &err);
        if (n != 0)
            check_accepted(&formats[f], bytes, length, n);
        else if (err.text[0] == '\0')
            abort();
    }
    return 0;
}
