/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/augment.h>

#include <string.h>
#include <supermask/rng.h>

struct sm_crop_flip sm_crop_flip_draw(uint64_t data_seed, uint32_t pass, size_t sample) {
    enum { OFFSETS = 2 * SM_CROP_PAD + 1 };
    struct sm_rng rng = sm_rng_make(data_seed, SM_RNG_AUGMENT, pass);
    size_t choice = (size_t)sm_rng_below(&rng, sample, OFFSETS * OFFSETS * 2);
    return (struct sm_crop_flip){choice / 2 / OFFSETS, choice / 2 % OFFSETS, choice % 2};
}

/* row[x] of the padded image for x in [left, left + width), 0 outside; row NULL: a row of the padding. */
static void crop_row(uint8_t *out, const uint8_t *row, size_t width, size_t left) {
    memset(out, 0, width);
    for (size_t x = 0; row && x < width; x++)
        if (left + x >= SM_CROP_PAD && left + x < SM_CROP_PAD + width) out[x] = row[left + x - SM_CROP_PAD];
}

static void mirror_row(uint8_t *row, size_t width) {
    for (size_t x = 0; x < width / 2; x++) {
        uint8_t held = row[x];
        row[x] = row[width - 1 - x];
        row[width - 1 - x] = held;
    }
}

void sm_crop_flip_apply(uint8_t *out, const uint8_t *image, size_t channels, size_t height, size_t width,
                        struct sm_crop_flip choice) {
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < height; y++) {
            size_t from = choice.top + y;
            bool inside = from >= SM_CROP_PAD && from < SM_CROP_PAD + height;
            uint8_t *row = out + (c * height + y) * width;
            crop_row(row, inside ? image + (c * height + from - SM_CROP_PAD) * width : NULL, width, choice.left);
            if (choice.mirrored) mirror_row(row, width);
        }
}
