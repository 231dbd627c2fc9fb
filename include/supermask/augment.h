/* SPDX-License-Identifier: GPL-3.0-or-later */
/* augment.h - random changes of training images: the same for the same seed, pass and sample, whoever asks and when.
 *
 * Crop and flip: 4 pixels of zeros on each side, a random crop of the image's own size, mirrored left to right with
 * probability 1/2 (Lee et al. 2015, "Deeply-supervised nets"; He et al. 2016, section 4.2). */
#ifndef SUPERMASK_AUGMENT_H
#define SUPERMASK_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SM_CROP_PAD = 4 };

struct sm_crop_flip {
    size_t top, left; /* of the crop in the padded image, 0 .. 2 * SM_CROP_PAD; SM_CROP_PAD is the image as it was */
    bool mirrored;
};

/* pass counts from the start of the run, over all epochs. */
struct sm_crop_flip sm_crop_flip_draw(uint64_t data_seed, uint32_t pass, size_t sample);

/* out and image: [channels, height, width], not overlapping. */
void sm_crop_flip_apply(uint8_t *out, const uint8_t *image, size_t channels, size_t height, size_t width,
                        struct sm_crop_flip choice);

#endif
