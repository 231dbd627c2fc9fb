/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/map.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/forward.h>

int sm_map_init(struct sm_map *map, size_t channels, size_t height, size_t width, size_t halo, size_t n_blocks) {
    *map = (struct sm_map){.channels = channels, .height = height, .width = width, .halo = halo, .n_blocks = n_blocks};
    size_t bytes;
    bool fits = !__builtin_mul_overflow(width + 2 * halo, SM_LANES, &map->channel_stride) &&
                !__builtin_mul_overflow(channels, map->channel_stride, &map->row_stride) &&
                !__builtin_mul_overflow(height + 2 * halo, map->row_stride, &map->block_stride) &&
                !__builtin_mul_overflow(n_blocks, map->block_stride, &bytes) &&
                !__builtin_mul_overflow(bytes, sizeof(float), &bytes);
    if (fits) map->data = sm_aligned_zeros(bytes);
    return map->data ? 0 : -1;
}

void sm_map_destroy(struct sm_map *map) {
    free(map->data);
    *map = (struct sm_map){0};
}

void sm_map_to_columns(float *columns, size_t image_stride, const struct sm_map *map, size_t block) {
    float *unit = columns + block * SM_LANES;
    for (size_t c = 0; c < map->channels; c++)
        for (size_t y = 0; y < map->height; y++)
            for (size_t x = 0; x < map->width; x++, unit += image_stride)
                memcpy(unit, sm_map_at(map, block, c, (ptrdiff_t)y, (ptrdiff_t)x), SM_LANES * sizeof *unit);
}

void sm_map_from_columns(struct sm_map *map, const float *columns, size_t image_stride, size_t block) {
    const float *unit = columns + block * SM_LANES;
    for (size_t c = 0; c < map->channels; c++)
        for (size_t y = 0; y < map->height; y++)
            for (size_t x = 0; x < map->width; x++, unit += image_stride)
                memcpy(sm_map_at(map, block, c, (ptrdiff_t)y, (ptrdiff_t)x), unit, SM_LANES * sizeof *unit);
}
