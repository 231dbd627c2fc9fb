/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bits.h - masks as bits, 64 entries to two words, so that masks are compared with a few operations for 64 weights. */
#ifndef SUPERMASK_ANALYZE_BITS_H
#define SUPERMASK_ANALYZE_BITS_H

#include <stddef.h>
#include <stdint.h>

enum { SM_BITS_ENTRIES = 64 }; /* entries of one struct sm_bits */

/* One bit for each entry, in an order that is the same for all masks; bits behind a mask's last entry are 0. */
struct sm_bits {
    uint64_t remaining; /* mask is not 0 */
    uint64_t inverted;  /* mask is -1 */
};

/* How many of them n entries need. */
size_t sm_bits_size(size_t n);
/* bits: [sm_bits_size(n)]; mask: [n], -1, 0 or +1. */
void sm_bits_pack(struct sm_bits *bits, const int8_t *mask, size_t n);

/* How alike two masks of the same n weights are: counts of weights. What differs is not hidden in one of them at least,
 * so differ <= either, and either - differ of them are not hidden in both and have the same sign. */
struct sm_likeness {
    size_t n;
    size_t both, either; /* not hidden in both; in one or both */
    size_t differ;       /* other entry (of keep, hide, invert) */
};
struct sm_likeness sm_bits_compare(const struct sm_bits *a, const struct sm_bits *b, size_t n);
struct sm_likeness sm_masks_compare(const int8_t *a, const int8_t *b, size_t n);
void sm_likeness_add(struct sm_likeness *sum, const struct sm_likeness *term);

/* Shares; NaN where their denominator is 0. */
double sm_likeness_jaccard(const struct sm_likeness *likeness); /* both / either */
double sm_likeness_hamming(const struct sm_likeness *likeness); /* differ / n */

/* Adds to count[from][to], each in the order keep, hide, invert, how many of n weights go from one to the other. */
void sm_bits_transitions(size_t count[3][3], const struct sm_bits *from, const struct sm_bits *to, size_t n);

#endif
