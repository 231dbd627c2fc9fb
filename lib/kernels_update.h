/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_update.h - what a step does to trained values, a vector at a time; kernels.h has the formulas. */
#ifndef SUPERMASK_LIB_KERNELS_UPDATE_H
#define SUPERMASK_LIB_KERNELS_UPDATE_H

#include <supermask/kernels.h>

#include "lib/kernels_vector.h"

INLINE void store_mask(int8_t *mask, vector value, float threshold) {
    /* A comparison is -1 where it holds: below - above is +1 above the threshold, -1 below its negative. */
    vector_int g = (value < spread(-threshold)) - (value > spread(threshold));
    store_bytes(mask, g);
}

struct moved {
    vector value, velocity, second;
};

INLINE struct moved move_sgd(struct sm_update u, vector value, vector velocity, vector gradient) {
    if (u.optimizer == SM_SGD) gradient = gradient + value * u.weight_decay;
    vector step = rounded(gradient * u.learning_rate);
    struct moved to = {.velocity = velocity * u.momentum - step};
    if (u.optimizer == SM_SGDW) value = value - value * u.weight_decay;
    to.value = u.nesterov ? value + (to.velocity * u.momentum - step) : value + to.velocity;
    return to;
}

/* Of Adam, what is the same for all values, spread over vectors: left to the compiler, it does that for each anew. */
struct adam {
    vector decay, momentum, gradient_share, second_decay, square_share, correction, epsilon, rate;
};

INLINE struct adam adam_of(struct sm_update u) {
    return (struct adam){.decay = spread(u.weight_decay),
                         .momentum = spread(u.momentum),
                         .gradient_share = spread(1 - u.momentum),
                         .second_decay = spread(u.second_decay),
                         .square_share = spread(1 - u.second_decay),
                         .correction = spread(u.second_correction),
                         .epsilon = spread(u.epsilon),
                         .rate = spread(u.first_correction * u.learning_rate)};
}

INLINE struct moved move_adam(struct adam a, vector value, vector velocity, vector second, vector gradient) {
    gradient = gradient + value * a.decay;
    struct moved to = {.velocity = velocity * a.momentum + rounded(gradient * a.gradient_share),
                       .second = second * a.second_decay + rounded(gradient * gradient * a.square_share)};
    vector scale = root(rounded(to.second * a.correction)) + a.epsilon;
    to.value = value - rounded(to.velocity * a.rate) / scale;
    return to;
}

/* One vector of values. `is_adam` and `is_held` are known after inlining. The new mask is that of the new scores. */
INLINE void update_vector(struct sm_trained t, struct sm_update u, struct adam a, size_t at, vector gradient,
                          bool is_adam, bool is_held) {
    vector value = load(t.value + at), velocity = load(t.velocity + at), second = {0};
    if (t.weight) gradient *= load(t.weight + at); /* straight-through: dL/dm = dL/dv w */
    if (is_adam) second = load(t.second + at);
    struct moved to =
        is_adam ? move_adam(a, value, velocity, second, gradient) : move_sgd(u, value, velocity, gradient);
    if (is_held) {
        vector_int moves = load_bytes(t.held + at) != 0;
        to.value = choose(moves, to.value, value);
        to.velocity = choose(moves, to.velocity, velocity);
        to.second = choose(moves, to.second, second);
    }
    store(t.velocity + at, to.velocity);
    store(t.value + at, to.value);
    if (is_adam) store(t.second + at, to.second);
    if (t.mask) store_mask(t.mask + at, to.value, u.threshold);
}

/* Vectors of `n_rows` rows, from at[r] on; those of gradients are `step` apart from row to row. */
INLINE void update_as(struct sm_trained t, struct sm_update u, const size_t *at, const vector *gradient, size_t step,
                      size_t n_rows, size_t n_vectors, bool is_adam, bool is_held) {
    const struct adam a = adam_of(u);
    for (size_t r = 0; r < n_rows; r++)
        for (size_t v = 0; v < n_vectors; v++)
            update_vector(t, u, a, at[r] + v * V, gradient[r * step + v], is_adam, is_held);
}

/* The structs come by value: what the stores write cannot be they, and their fields stay in registers. */
INLINE void update_vectors(struct sm_trained t, struct sm_update u, const size_t *at, const vector *gradient,
                           size_t step, size_t n_rows, size_t n_vectors) {
    if (u.optimizer == SM_ADAM && t.held)
        update_as(t, u, at, gradient, step, n_rows, n_vectors, true, true);
    else if (u.optimizer == SM_ADAM)
        update_as(t, u, at, gradient, step, n_rows, n_vectors, true, false);
    else if (t.held)
        update_as(t, u, at, gradient, step, n_rows, n_vectors, false, true);
    else
        update_as(t, u, at, gradient, step, n_rows, n_vectors, false, false);
}

#endif
