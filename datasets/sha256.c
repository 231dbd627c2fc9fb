/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/source.h"

#include <nettle/sha2.h>
#include <stdio.h>

void sm_sha256_hex(char hex[65], const struct sm_bytes *parts, size_t n_parts) {
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    for (size_t i = 0; i < n_parts; i++) sha256_update(&context, parts[i].length, parts[i].bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
