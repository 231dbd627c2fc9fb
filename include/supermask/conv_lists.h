/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conv_lists.h - a convolution over its kept weights alone.
 *
 * Both directions are the same sum. Forward, output channel o at a pixel adds the input pixels that its kept weights
 * point at. Backward, input channel i at a pixel adds the output pixels whose windows it lies in, through the same
 * weights. A list holds these places as distances in floats from a reference pixel of the map that is read.
 * With stride s, input pixels fall into s * s classes by (y mod s, x mod s), each with a list of its own: other taps
 * reach them. */
#ifndef SUPERMASK_CONV_LISTS_H
#define SUPERMASK_CONV_LISTS_H

#include <stdbool.h>
#include <supermask/conv.h>
#include <supermask/kernels.h>

/* The lists of one convolution, both directions. */
struct sm_conv_lists {
    struct sm_conv conv;
    int32_t *forward_place;        /* [fan_in]: distance of each weight's input pixel */
    struct sm_conv_list forward;   /* rows: output channels; reference: input pixel (y*stride, x*stride) */
    struct sm_conv_list *backward; /* [stride * stride] classes (y mod s)*s + x mod s, rows: input channels; reference:
                                      output pixel (y / s, x / s); NULL where no gradient goes on */
    size_t read_row_stride, read_channel_stride; /* of the output's gradient map */
    float magnitude;                             /* of all weights, or 0 where each place has its value */
};

/* in_*: strides of the input map; delta_*: of the map of the output's gradient; backward: is the gradient of the input
 * wanted? magnitude > 0: all weights have this size. 0, or -1 when out of memory. The caller destroys in both cases. */
int sm_conv_lists_init(struct sm_conv_lists *lists, const struct sm_conv *conv, size_t in_row_stride,
                       size_t in_channel_stride, size_t delta_row_stride, size_t delta_channel_stride, bool backward,
                       float magnitude);
void sm_conv_lists_destroy(struct sm_conv_lists *lists);

/* Fills rows [first, last) of the forward list from the kept weights, whose rows have been collected (kernels.h,
 * collect_kept), and the initial weights [n_out][kept->stride]. */
void sm_conv_lists_fill_forward(struct sm_conv_lists *lists, const struct sm_kept *kept, const float *weight,
                                size_t first, size_t last);
/* Fills rows [first, last), input channels, of every backward list; all of `kept` has been collected. */
void sm_conv_lists_fill_backward(struct sm_conv_lists *lists, const struct sm_kept *kept, const float *weight,
                                 size_t first, size_t last);

/* Rows [y, y + n_rows) of the output of block b into out, all channels, columns SM_LANES apart. */
void sm_conv_lists_forward(const struct sm_conv_lists *lists, const struct sm_kernels *kernels, const struct sm_map *in,
                           size_t block, size_t y, size_t n_rows, float *out, size_t out_row_step,
                           size_t out_channel_step);
/* The gradient of the input in block b, from that of the output; `accumulate` adds it to what is there. */
void sm_conv_lists_backward(const struct sm_conv_lists *lists, const struct sm_kernels *kernels,
                            const struct sm_map *in_delta, const struct sm_map *out_delta, size_t block,
                            bool accumulate);

#endif
