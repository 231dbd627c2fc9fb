/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/channels.h>

#include <stdlib.h>

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
