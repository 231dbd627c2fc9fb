/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/bits.h"

#include <string.h>

#include "analyze/counts.h"

enum { BLOCK = 64 }; /* words of a mask that stay in the first cache while two masks are packed and compared */

/* ---- packing ---- */

static const uint64_t LOWEST = 0x0101010101010101; /* lowest bit of each of eight bytes */

/* Lowest bits of eight bytes as one byte: the product brings byte k's bit to place 56 + k, and no carry gets there. */
static uint64_t gather(uint64_t bytes) {
    return ((bytes & LOWEST) * 0x0102040810204080) >> 56;
}

/* 64 entries. In two's complement an entry that is not hidden has its lowest bit set, an inverted one its highest. */
static struct sm_bits pack_word(const int8_t *mask) {
    struct sm_bits bits = {0, 0};
    for (size_t k = 0; k < 8; k++) {
        uint64_t bytes;
        memcpy(&bytes, mask + 8 * k, sizeof bytes);
        bits.remaining |= gather(bytes) << 8 * k;
        bits.inverted |= gather(bytes >> 7) << 8 * k;
    }
    return bits;
}

size_t sm_bits_size(size_t n) {
    return (n + SM_BITS_ENTRIES - 1) / SM_BITS_ENTRIES;
}

void sm_bits_pack(struct sm_bits *bits, const int8_t *mask, size_t n) {
    size_t n_whole = n / SM_BITS_ENTRIES, rest = n % SM_BITS_ENTRIES;
    for (size_t w = 0; w < n_whole; w++) bits[w] = pack_word(mask + w * SM_BITS_ENTRIES);
    if (rest == 0) return;
    int8_t last[SM_BITS_ENTRIES] = {0};
    memcpy(last, mask + n_whole * SM_BITS_ENTRIES, rest);
    bits[n_whole] = pack_word(last);
}

/* ---- counting ---- */

/* Number of bits that are set (Warren, Hacker's Delight, 5-1): compilers call a function for theirs unless they may
 * suppose an instruction that not every processor has. */
static size_t ones(uint64_t x) {
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F;
    return x * LOWEST >> 56;
}

struct sm_likeness sm_bits_compare(const struct sm_bits *a, const struct sm_bits *b, size_t n) {
    struct sm_likeness likeness = {.n = n};
    for (size_t w = 0, n_words = sm_bits_size(n); w < n_words; w++) {
        likeness.both += ones(a[w].remaining & b[w].remaining);
        likeness.either += ones(a[w].remaining | b[w].remaining);
        likeness.differ += ones((a[w].remaining ^ b[w].remaining) | (a[w].inverted ^ b[w].inverted));
    }
    return likeness;
}

struct sm_likeness sm_masks_compare(const int8_t *a, const int8_t *b, size_t n) {
    enum { ENTRIES = BLOCK * SM_BITS_ENTRIES };
    struct sm_bits bits_a[BLOCK], bits_b[BLOCK];
    struct sm_likeness likeness = {0};
    for (size_t i = 0; i < n; i += ENTRIES) {
        size_t m = n - i < ENTRIES ? n - i : ENTRIES;
        sm_bits_pack(bits_a, a + i, m);
        sm_bits_pack(bits_b, b + i, m);
        const struct sm_likeness part = sm_bits_compare(bits_a, bits_b, m);
        sm_likeness_add(&likeness, &part);
    }
    return likeness;
}

void sm_likeness_add(struct sm_likeness *sum, const struct sm_likeness *term) {
    sum->n += term->n;
    sum->both += term->both;
    sum->either += term->either;
    sum->differ += term->differ;
}

double sm_likeness_jaccard(const struct sm_likeness *likeness) {
    return sm_share(likeness->both, likeness->either);
}

double sm_likeness_hamming(const struct sm_likeness *likeness) {
    return sm_share(likeness->differ, likeness->n);
}

void sm_bits_transitions(size_t count[3][3], const struct sm_bits *from, const struct sm_bits *to, size_t n) {
    for (size_t w = 0, n_words = sm_bits_size(n); w < n_words; w++) {
        size_t here = w + 1 < n_words ? SM_BITS_ENTRIES : n - w * SM_BITS_ENTRIES;
        const uint64_t a[3] = {from[w].remaining & ~from[w].inverted, ~from[w].remaining, from[w].inverted};
        const uint64_t b[3] = {to[w].remaining & ~to[w].inverted, ~to[w].remaining, to[w].inverted};
        size_t seen = 0;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 3; j++)
                if (i != 1 || j != 1) {
                    size_t common = ones(a[i] & b[j]);
                    count[i][j] += common;
                    seen += common;
                }
        count[1][1] += here - seen; /* the bits behind the last entry look hidden in both */
    }
}
