/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/rescale.h>

float sm_rescale_factor(size_t n_weights, size_t n_kept) {
    return n_kept ? (float)((double)n_weights / (double)n_kept) : 1;
}
