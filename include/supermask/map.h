/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map.h - feature maps: what convolutions read and write, for a batch of images.
 *
 * Images come in blocks of SM_LANES and are the innermost index: a 64-byte vector is one pixel of one channel of 16
 * images. Every kept weight of a sparse convolution is then plain vector additions, whatever its place in the kernel;
 * and because a row holds all channels at one stride, the rows y .. y+k-1 of all channels are one matrix
 * [k * channels][width * 16], which a dense convolution hands to OpenBLAS without copying (conv.h).
 *
 *   [block][halo + height + halo][channels][halo + width + halo][16 images]
 *
 * The halo is zero and stays so: it is the padding that convolutions read. */
#ifndef SUPERMASK_MAP_H
#define SUPERMASK_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/kernels.h>

struct sm_map {
    size_t channels, height, width, halo;
    size_t n_blocks;       /* of SM_LANES images */
    size_t channel_stride; /* floats from one channel to the next: (width + 2*halo) * SM_LANES */
    size_t row_stride;     /* floats from one row to the next: channels * channel_stride */
    size_t block_stride;   /* (height + 2*halo) * row_stride */
    float *data;           /* [n_blocks * block_stride], 64-byte aligned */
};

/* Allocates zeros. 0, or -1 when out of memory (or the size overflows). Destroy it in both cases. */
int sm_map_init(struct sm_map *map, size_t channels, size_t height, size_t width, size_t halo, size_t n_blocks);
void sm_map_destroy(struct sm_map *map);

/* The 16 images of a pixel: block b, channel c, row y, column x, where -halo <= y < height + halo, x likewise. */
static inline float *sm_map_at(const struct sm_map *map, size_t b, size_t c, ptrdiff_t y, ptrdiff_t x) {
    return map->data + b * map->block_stride + (size_t)(y + (ptrdiff_t)map->halo) * map->row_stride +
           c * map->channel_stride + (size_t)(x + (ptrdiff_t)map->halo) * SM_LANES;
}

/* A dense layer reads a map flattened: unit (c*height + y)*width + x of columns [unit][image_stride] is that pixel. */
void sm_map_to_columns(float *columns, size_t image_stride, const struct sm_map *map, size_t block);
void sm_map_from_columns(struct sm_map *map, const float *columns, size_t image_stride, size_t block);

#endif
