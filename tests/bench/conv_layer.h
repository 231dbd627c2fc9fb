/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_layer.h - one 3x3 convolution of stride 1 with random maps, for benchmarks of its forms. */
#ifndef SUPERMASK_TESTS_BENCH_CONV_LAYER_H
#define SUPERMASK_TESTS_BENCH_CONV_LAYER_H

#include <stdio.h>
#include <stdlib.h>
#include <supermask/conv.h>
#include <supermask/rng.h>

enum { IMAGES = 128, BLOCKS = IMAGES / SM_LANES };

/* n_in, n_out, width and height: of Conv8, and of ResNet20. */
static const size_t conv_layers[][3] = {{3, 64, 32},   {64, 64, 32},  {64, 128, 16}, {128, 128, 16},
                                        {128, 256, 8}, {256, 256, 8}, {256, 512, 4}, {512, 512, 4},
                                        {3, 16, 32},   {16, 16, 32},  {32, 32, 16},  {64, 64, 8}};
enum { N_CONV_LAYERS = sizeof conv_layers / sizeof *conv_layers };

static inline struct sm_conv conv_of(const size_t layer[3]) {
    return (struct sm_conv){.n_out = layer[1],
                            .n_in = layer[0],
                            .kernel_height = 3,
                            .kernel_width = 3,
                            .stride = 1,
                            .pad_top = 1,
                            .pad_left = 1,
                            .in_height = layer[2],
                            .in_width = layer[2],
                            .out_height = layer[2],
                            .out_width = layer[2]};
}

static inline void *need(void *p) {
    if (p) return p;
    fprintf(stderr, "out of memory\n");
    exit(1);
}

static inline void random_map(struct sm_map *map, size_t channels, size_t size, size_t halo) {
    const struct sm_rng rng = sm_rng_make(channels, SM_RNG_TEST, size);
    if (sm_map_init(map, channels, size, size, halo, BLOCKS)) need(NULL);
    for (size_t b = 0; b < BLOCKS; b++)
        for (size_t c = 0; c < channels; c++)
            for (size_t k = 0; k < size * size * SM_LANES; k++)
                sm_map_at(map, b, c, (ptrdiff_t)(k / SM_LANES / size), (ptrdiff_t)(k / SM_LANES % size))[k % SM_LANES] =
                    (float)sm_rng_uniform(&rng, k);
}

/* Multiplications and additions of one pass as a dense sum. */
static inline double dense_flop(const struct sm_conv *c) {
    return 2.0 * IMAGES * 9 * (double)(c->n_in * c->n_out * c->out_height * c->out_width);
}

#endif
