/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_activation.h - activations and their derivatives, one vector at a time, for every kernel that applies them:
 * the same bytes wherever that happens. */
#ifndef SUPERMASK_LIB_KERNELS_ACTIVATION_H
#define SUPERMASK_LIB_KERNELS_ACTIVATION_H

#include "lib/kernels_vector.h"

#include <supermask/network.h>

/* exp(x) = power (1 + rest) for x <= 0, power = 2^n. Range reduction x = n ln 2 + r with |r| <= ln 2 / 2, Taylor
 * polynomial of rest = expm1(r): its remainder is below half a unit in the last place. Below -87 it stays exp(-87), the
 * smallest whose power is a normal number. */
struct exp_parts {
    vector power, rest;
};

INLINE struct exp_parts exp_parts(vector x) {
    const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f, to_integer = 12582912.0f;
    x = choose(x < spread(-87.0f), spread(-87.0f), x);
    vector rounded = x * 1.44269504f + to_integer;
    vector n = rounded - to_integer;
    vector r = x - n * ln2_high;
    r = r - n * ln2_low;
    vector p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * (r * r) + r;
    return (struct exp_parts){(vector)((__builtin_convertvector(n, vector_int) + 127) << 23), p};
}

/* exp(x) for x <= 0, to the last places of small values too; and exp(x) - 1, which does not cancel near 0. */
INLINE vector exp_of(vector x) {
    struct exp_parts e = exp_parts(x);
    return e.power * e.rest + e.power;
}
INLINE vector exp_minus_1(vector x) {
    struct exp_parts e = exp_parts(x);
    return e.power * e.rest + (e.power - 1.0f);
}

INLINE vector elu_of(vector x) {
    vector_int positive = x > (vector){0};
    return choose(positive, x, exp_minus_1(choose(positive, (vector){0}, x)));
}
INLINE vector relu_of(vector x) {
    return choose(x <= (vector){0}, (vector){0}, x); /* NaN stays NaN */
}

/* delta times the derivative, from the activation y. */
INLINE vector elu_gradient_of(vector delta, vector y) {
    return delta * choose(y > (vector){0}, spread(1.0f), y + 1.0f);
}
INLINE vector relu_gradient_of(vector delta, vector y) {
    return choose(y > (vector){0}, delta, (vector){0});
}

INLINE vector activation_of(vector x, enum sm_activation f) {
    return f == SM_ELU ? elu_of(x) : f == SM_RELU ? relu_of(x) : x;
}
INLINE vector activation_gradient_of(vector delta, vector y, enum sm_activation f) {
    return f == SM_ELU ? elu_gradient_of(delta, y) : f == SM_RELU ? relu_gradient_of(delta, y) : delta;
}

#endif
