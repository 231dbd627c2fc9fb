/* SPDX-License-Identifier: GPL-3.0-or-later */
/* channels.h - which channels of a map take part in a weight gradient.
 *
 * Late in training most channels are dead: nothing kept leads to them, so they are 0 for every image, or nothing kept
 * leads on from them, so their gradient is. A weight between such channels has a gradient of exactly 0, which need not
 * be summed. */
#ifndef SUPERMASK_CHANNELS_H
#define SUPERMASK_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

struct sm_channels {
    size_t n, n_live;
    uint32_t *index; /* [n] all channels: the live ones first, ascending, then the others, ascending */
};

/* All n channels live. 0, or -1 when out of memory. Destroy it in both cases. */
int sm_channels_init(struct sm_channels *channels, size_t n);
void sm_channels_destroy(struct sm_channels *channels);

/* live[c] is not 0 where channel c takes part. */
void sm_channels_set(struct sm_channels *channels, const uint8_t *live);

/* Consecutive positions of the index, the live ones first. */
struct sm_channel_range {
    const uint32_t *index;
    size_t n, n_live;
};

/* Positions first .. first + most - 1, as far as there are so many; first < n. */
struct sm_channel_range sm_channels_range(const struct sm_channels *channels, size_t first, size_t most);

/* Sets gradient[o*weight_stride + i*taps .. + taps - 1] to 0 for all o of `out` and i of `in`, unless every one of them
 * is live. */
void sm_channels_clear(const struct sm_channel_range *in, const struct sm_channel_range *out, float *gradient,
                       size_t weight_stride, size_t taps);

#endif
