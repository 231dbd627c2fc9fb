/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compact_code.h - Rice's code of gaps, bit by bit (compact.h: "The code"). */
#ifndef SUPERMASK_LIB_COMPACT_CODE_H
#define SUPERMASK_LIB_COMPACT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SM_RICE_LARGEST 31

/* Bits on their way into memory; zeroed to begin with. */
struct sm_bit_writer {
    uint8_t *bytes; /* free() it */
    size_t n_bits, capacity;
    bool failed; /* out of memory */
};
void sm_bits_put(struct sm_bit_writer *writer, bool bit);
void sm_rice_put(struct sm_bit_writer *writer, uint64_t value, unsigned k);

struct sm_bit_reader {
    const uint8_t *bytes;
    size_t n_bits, at;
    bool failed; /* asked for more than there is */
};
bool sm_bits_get(struct sm_bit_reader *reader);
/* Fails also where the value is `limit` or more. */
uint64_t sm_rice_get(struct sm_bit_reader *reader, unsigned k, uint64_t limit);

/* The parameter that gives the fewest bits for these gaps; the smallest of equals. */
unsigned sm_rice_best(const uint64_t *gaps, size_t n);

#endif
