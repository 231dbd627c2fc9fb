/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/idx.h"

#include <assert.h>

enum { UNSIGNED_BYTE = 0x08 };

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int check_magic(const uint8_t *bytes, size_t length, size_t n_dims, struct sm_error *err) {
    if (length == 0) return sm_fail(err, "the file is empty");
    if (length < 4) return sm_fail(err, "truncated: %zu bytes are too few for an IDX header", length);
    uint32_t magic = big_endian(bytes), expected = UNSIGNED_BYTE << 8 | (uint32_t)n_dims;
    if (magic != expected)
        return sm_fail(err, "wrong magic number 0x%08x, expected 0x%08x (IDX, unsigned bytes, %zu dimension%s)", magic,
                       expected, n_dims, n_dims == 1 ? "" : "s");
    if (length < 4 + 4 * n_dims)
        return sm_fail(err, "truncated: %zu bytes are too few for an IDX header of %zu dimension%s", length, n_dims,
                       n_dims == 1 ? "" : "s");
    return 0;
}

static int read_dims(struct sm_idx *idx, const uint8_t *sizes, size_t n_dims, struct sm_error *err) {
    idx->n_dims = n_dims;
    idx->n_values = 1;
    for (size_t d = 0; d < n_dims; d++) {
        idx->dims[d] = big_endian(sizes + 4 * d);
        if (idx->dims[d] == 0) return sm_fail(err, "dimension %zu has size zero", d);
        if (idx->n_values > SIZE_MAX / idx->dims[d])
            return sm_fail(err, "truncated: the header announces more data than a file can hold");
        idx->n_values *= idx->dims[d];
    }
    return 0;
}

int sm_idx_parse(struct sm_idx *idx, const uint8_t *bytes, size_t length, size_t n_dims, struct sm_error *err) {
    assert(n_dims >= 1 && n_dims <= SM_IDX_MAX_DIMS);
    struct sm_idx read = {0};
    if (check_magic(bytes, length, n_dims, err) != 0 || read_dims(&read, bytes + 4, n_dims, err) != 0) return -1;
    size_t header = 4 + 4 * n_dims, rest = length - header;
    if (rest < read.n_values)
        return sm_fail(err, "truncated: the header announces %zu bytes of data, the file holds %zu", read.n_values,
                       rest);
    if (rest > read.n_values)
        return sm_fail(err, "%zu trailing byte%s after the %zu that the header announces", rest - read.n_values,
                       rest - read.n_values == 1 ? "" : "s", read.n_values);
    read.values = bytes + header;
    *idx = read;
    return 0;
}
