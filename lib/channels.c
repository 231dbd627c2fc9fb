/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/channels.h>

#include <stdlib.h>
#include <string.h>

#include "lib/sizes.h"

int sm_channels_init(struct sm_channels *channels, size_t n) {
    *channels = (struct sm_channels){.n = n, .n_live = n, .index = malloc((n + 1) * sizeof *channels->index)};
    if (!channels->index) return -1;
    for (size_t c = 0; c < n; c++) channels->index[c] = (uint32_t)c;
    return 0;
}

void sm_channels_destroy(struct sm_channels *channels) {
    free(channels->index);
    *channels = (struct sm_channels){0};
}

void sm_channels_set(struct sm_channels *channels, const uint8_t *live) {
    size_t at = 0;
    for (size_t c = 0; c < channels->n; c++)
        if (live[c]) channels->index[at++] = (uint32_t)c;
    channels->n_live = at;
    for (size_t c = 0; c < channels->n; c++)
        if (!live[c]) channels->index[at++] = (uint32_t)c;
}

struct sm_channel_range sm_channels_range(const struct sm_channels *c, size_t first, size_t most) {
    const size_t n = sm_smaller(most, c->n - first);
    return (struct sm_channel_range){c->index + first, n, c->n_live > first ? sm_smaller(c->n_live - first, n) : 0};
}

void sm_channels_clear(const struct sm_channel_range *in, const struct sm_channel_range *out, float *gradient,
                       size_t weight_stride, size_t taps) {
    if (in->n_live == in->n && out->n_live == out->n) return;
    for (size_t o = 0; o < out->n; o++)
        for (size_t i = 0; i < in->n; i++)
            memset(gradient + out->index[o] * weight_stride + in->index[i] * taps, 0, taps * sizeof *gradient);
}
