/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/loss.h>

#include <assert.h>
#include <math.h>

static size_t first_largest(const float *logits, size_t stride, size_t n) {
    size_t best = 0;
    for (size_t c = 1; c < n; c++)
        if (logits[c * stride] > logits[best * stride]) best = c;
    return best;
}

struct sm_loss_of_image sm_loss_evaluate(enum sm_loss_kind kind, const float *logits, size_t stride, size_t n_classes,
                                         size_t label, float weight, float *delta) {
    const float lowest = 1e-7f, highest = 1.0f - 1e-7f;
    float exponential[SM_MAX_CLASSES], sum = 0;
    assert(n_classes <= SM_MAX_CLASSES && label < n_classes);
    size_t best = first_largest(logits, stride, n_classes);
    float largest = logits[best * stride];
    for (size_t c = 0; c < n_classes; c++) sum += exponential[c] = expf(logits[c * stride] - largest);
    float p = exponential[label] / sum;
    bool clipped = kind == SM_LOSS_CLIPPED && !(p >= lowest && p <= highest);
    if (delta)
        for (size_t c = 0; c < n_classes; c++)
            delta[c * stride] = clipped ? 0 : (exponential[c] / sum - (c == label ? 1.0f : 0.0f)) * weight;
    double loss = clipped                   ? -log((double)(p < lowest ? lowest : highest))
                  : kind == SM_LOSS_CLIPPED ? -log((double)p)
                                            : log((double)sum) - (double)(logits[label * stride] - largest);
    if (isnan(p)) loss = NAN; /* a network that has left the numbers says so */
    return (struct sm_loss_of_image){.loss = loss, .correct = best == label && !isnan(p)};
}
