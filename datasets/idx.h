/* SPDX-License-Identifier: GPL-3.0-or-later */
/* idx.h - the IDX format of the MNIST files: a magic number (two zero bytes, the type, the number of dimensions), one
 * big-endian 32-bit size a dimension, then the values, last dimension fastest. Only unsigned bytes (type 8) are read.
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section on file formats. */
#ifndef SUPERMASK_DATASETS_IDX_H
#define SUPERMASK_DATASETS_IDX_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>

enum { SM_IDX_MAX_DIMS = 4 };

struct sm_idx {
    size_t n_dims;
    size_t dims[SM_IDX_MAX_DIMS]; /* each at least 1 */
    const uint8_t *values;        /* inside the parsed bytes: valid as long as they are */
    size_t n_values;              /* product of dims */
};

/* Parses a whole file of n_dims (1..SM_IDX_MAX_DIMS) dimensions from memory. On failure *idx is untouched and the
 * sentence does not name the file (the caller knows it): wrong magic number, a dimension of size zero, truncated,
 * trailing bytes. */
int sm_idx_parse(struct sm_idx *idx, const uint8_t *bytes, size_t length, size_t n_dims, struct sm_error *err);

#endif
