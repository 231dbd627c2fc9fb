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

/* Largest logit and its class for a block of images, so that the compiler computes several images at once. */
enum { BLOCK = 16 };
struct best {
    float logit[BLOCK];
    int32_t class[BLOCK];
    int32_t any_nan[BLOCK];
};

static void find_best(struct best *best, const float *logits, size_t stride, size_t n_classes, size_t n) {
    for (size_t b = 0; b < n; b++) {
        best->logit[b] = logits[b];
        best->class[b] = best->any_nan[b] = 0;
    }
    for (size_t c = 0; c < n_classes; c++)
        for (size_t b = 0; b < n; b++) {
            float logit = logits[c * stride + b];
            bool larger = logit > best->logit[b];
            best->class[b] = larger ? (int32_t)c : best->class[b];
            best->logit[b] = larger ? logit : best->logit[b];
            best->any_nan[b] |= logit != logit;
        }
}

size_t sm_loss_count_correct(const float *logits, size_t stride, size_t n_classes, const uint8_t *labels, size_t n) {
    size_t n_correct = 0;
    for (size_t first = 0; first < n; first += BLOCK) {
        struct best best;
        size_t here = n - first < BLOCK ? n - first : BLOCK;
        find_best(&best, logits + first, stride, n_classes, here);
        for (size_t b = 0; b < here; b++)
            n_correct += best.class[b] == labels[first + b] && !best.any_nan[b] && !isinf(best.logit[b]);
    }
    return n_correct;
}
