/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/compact_code.h"

#include <stdlib.h>

static bool grow(struct sm_bit_writer *w) {
    size_t larger = w->capacity ? 2 * w->capacity : 64;
    uint8_t *bytes = realloc(w->bytes, larger);
    if (!bytes) return false;
    w->bytes = bytes;
    w->capacity = larger;
    return true;
}

void sm_bits_put(struct sm_bit_writer *w, bool bit) {
    size_t byte = w->n_bits / 8, shift = w->n_bits % 8;
    if (byte == w->capacity && !grow(w)) w->failed = true;
    if (w->failed) return;
    if (shift == 0) w->bytes[byte] = 0;
    w->bytes[byte] |= (uint8_t)(bit << shift);
    w->n_bits++;
}

void sm_rice_put(struct sm_bit_writer *w, uint64_t value, unsigned k) {
    for (uint64_t ones = value >> k; ones && !w->failed; ones--) sm_bits_put(w, true);
    sm_bits_put(w, false);
    for (unsigned b = 0; b < k; b++) sm_bits_put(w, value >> b & 1);
}

bool sm_bits_get(struct sm_bit_reader *r) {
    if (r->at == r->n_bits) r->failed = true;
    if (r->failed) return false;
    bool bit = r->bytes[r->at / 8] >> r->at % 8 & 1;
    r->at++;
    return bit;
}

uint64_t sm_rice_get(struct sm_bit_reader *r, unsigned k, uint64_t limit) {
    uint64_t value = 0;
    while (sm_bits_get(r)) value++;
    if (r->failed || value > limit >> k) {
        r->failed = true;
        return 0;
    }
    value <<= k;
    for (unsigned b = 0; b < k; b++) value |= (uint64_t)sm_bits_get(r) << b;
    r->failed = r->failed || value >= limit;
    return r->failed ? 0 : value;
}

static uint64_t bits_with(const uint64_t *gaps, size_t n, unsigned k) {
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) bits += (gaps[i] >> k) + 1 + k;
    return bits;
}

unsigned sm_rice_best(const uint64_t *gaps, size_t n) {
    unsigned best = 0;
    for (unsigned k = 1; k <= SM_RICE_LARGEST; k++)
        if (bits_with(gaps, n, k) < bits_with(gaps, n, best)) best = k;
    return best;
}
