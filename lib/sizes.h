/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sizes.h - arithmetic of counts. */
#ifndef SUPERMASK_LIB_SIZES_H
#define SUPERMASK_LIB_SIZES_H

#include <stddef.h>

static inline size_t sm_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t sm_larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* How many pieces of size `by` hold n. */
static inline size_t sm_divided_up(size_t n, size_t by) {
    return (n + by - 1) / by;
}

#endif
