/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/compact.h"

#include <stdio.h>
#include <string.h>

const uint8_t sm_compact_signature[SM_COMPACT_SIGNATURE_SIZE] = {0x89, 'S', 'M', 'C', '\r', '\n', 0x1a, '\n'};

bool sm_compact_is(const char *path) {
    uint8_t begin[SM_COMPACT_SIGNATURE_SIZE];
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    bool is =
        fread(begin, 1, sizeof begin, file) == sizeof begin && memcmp(begin, sm_compact_signature, sizeof begin) == 0;
    fclose(file);
    return is;
}

/* Bit by bit, the reflected polynomial: files are small. */
uint32_t sm_compact_checksum(const uint8_t *bytes, size_t n) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}
