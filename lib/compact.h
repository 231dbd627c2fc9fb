/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compact.h - what writer and reader of the compact file share. */
#ifndef SUPERMASK_LIB_COMPACT_H
#define SUPERMASK_LIB_COMPACT_H

#include <supermask/compact.h>

#define SM_COMPACT_VERSION 1
#define SM_COMPACT_SIGNATURE_SIZE 8
extern const uint8_t sm_compact_signature[SM_COMPACT_SIGNATURE_SIZE];

/* ONE_SIZE: the engine adds first and multiplies by the size once. SIGNS: it multiplies each, as with VALUES, because
 * the layer's hidden weights have other sizes: that rounds differently. */
enum sm_coding { SM_CODING_ALL, SM_CODING_ONE_SIZE, SM_CODING_VALUES, SM_CODING_SIGNS, SM_N_CODINGS };

static inline bool sm_coding_has_size(enum sm_coding coding) {
    return coding == SM_CODING_ONE_SIZE || coding == SM_CODING_SIGNS;
}

#endif
