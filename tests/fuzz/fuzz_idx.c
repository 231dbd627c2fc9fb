/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes are either refused with a sentence or give an array that lies inside them.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -I. tests/fuzz/fuzz_idx.c datasets/idx.c lib/error.c */
#include "datasets/idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_accepted(const struct sm_idx *idx, const uint8_t *bytes, size_t length, size_t n_dims) {
    size_t product = 1;
    for (size_t d = 0; d < idx->n_dims; d++) product *= idx->dims[d];
    if (idx->n_dims != n_dims || product != idx->n_values) abort();
    if (idx->values != bytes + 4 + 4 * n_dims || idx->values + idx->n_values != bytes + length) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    for (size_t n_dims = 1; n_dims <= SM_IDX_MAX_DIMS; n_dims++) {
        struct sm_idx idx;
        struct sm_error err = {""};
        if (sm_idx_parse(&idx, bytes, length, n_dims, &err) == 0)
            check_accepted(&idx, bytes, length, n_dims);
        else if (err.text[0] == '\0')
            abort();
    }
    return 0;
}
