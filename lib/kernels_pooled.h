/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_pooled.h - the arithmetic of conv_pooled.h, one table for each instruction set, in struct sm_kernels. */
#ifndef SUPERMASK_LIB_KERNELS_POOLED_H
#define SUPERMASK_LIB_KERNELS_POOLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One band of one block and output channel, and where its entries go. */
struct sm_pooled_band {
    const float *delta;    /* first pooled pixel, SM_LANES images; */
    size_t delta_row;      /* floats from one row to the next */
    const uint8_t *winner; /* likewise */
    size_t winner_row;
    size_t height, width;           /* pooled pixels */
    size_t tile_width, tile_pixels; /* pixels of a row and of an image in the tile */
    size_t group;                   /* images of a chunk */
    bool bf16;                      /* round the values to bfloat16 */
    float *value;                   /* [SM_LANES / group][chunk_stride], a chunk's [group][height * width] */
    uint16_t *place;
    size_t chunk_stride;
};

struct sm_pooled_kernels {
    size_t channels; /* input channels of a unit */

    void (*collect)(const struct sm_pooled_band *band);

    /* tile[image][row][column][channels] of SM_LANES images, image_stride floats apart, from pixels in[c] of
     * n_channels channels, as in a map; the others are zeros. bf16: rounded to bfloat16. */
    void (*fill_tile)(float *tile, size_t image_stride, const float *const *in, size_t row_stride, size_t n_channels,
                      size_t height, size_t width, bool bf16);

    /* sums[o][r*3 + s][channels] += sum over the n entries of row o of value * tile[place + r*tile_width + s]. Rows of
     * entries lie list_stride apart. */
    void (*add_chunk)(float *sums, const float *tile, size_t tile_width, const float *value, const uint16_t *place,
                      size_t list_stride, size_t n_entries, size_t n_out);
};

#endif
