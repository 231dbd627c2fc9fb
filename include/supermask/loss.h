/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loss.h - softmax cross-entropy of one image, with its gradient. */
#ifndef SUPERMASK_LOSS_H
#define SUPERMASK_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/recipe.h>

#define SM_MAX_CLASSES 1024

struct sm_loss_of_image {
    double loss;  /* natural logarithm, >= 0 */
    bool correct; /* the first of the largest logits is the label's */
};

/* logits[c * stride] for c in [0, n_classes). delta[c * stride] = d loss / d logit * weight, where delta is not NULL.
 * SM_LOSS_LOGITS: delta = (softmax - one hot). SM_LOSS_CLIPPED: the probabilities are clipped to [1e-7, 1 - 1e-7] (in
 * float, as Keras does on probabilities): outside, loss is that of the bound and the gradient is 0. */
struct sm_loss_of_image sm_loss_evaluate(enum sm_loss_kind kind, const float *logits, size_t stride, size_t n_classes,
                                         size_t label, float weight, float *delta);

/* Number of the images b < n for which that `correct` is true: logits[c * stride + b], labels[b] < n_classes. */
size_t sm_loss_count_correct(const float *logits, size_t stride, size_t n_classes, const uint8_t *labels, size_t n);

#endif
