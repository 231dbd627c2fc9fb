/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels of every instruction set that this CPU runs, against plain loops in double precision. A sum of n floats
 * may differ from the exact one by about n units of 2^-24 of the sum of its terms' magnitudes (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 3.1); every comparison below states its bound in those terms. */
#include <supermask/kernels.h>

#include "tests/check.h"

#define UNIT 0x1p-24 /* largest relative error of one rounding to float */

static size_t find_kernels(const struct sm_kernels *found[3]) {
    static const char *const names[] = {"avx512", "avx2", "baseline"};
    size_t n = 0;
    for (size_t k = 0; k < 3; k++) {
        const struct sm_kernels *one = sm_kernels_find(names[k]);
        if (one) found[n++] = one;
    }
    return n;
}

static int say_what_is_not_tested(void **state) {
    (void)state;
    const struct sm_kernels *found[3];
    if (find_kernels(found) < 3) print_message("some kernel sets do not run on this CPU and are not tested\n");
    return 0;
}

/* ---- problems: one layer with a mask, a batch, and everything that a kernel reads ---- */

enum masks { ALL_KEEP, ALL_HIDE, ALL_INVERT, RANDOM, N_MASKS };

struct update_case;

struct problem {
    size_t n_in, n_out, n_images;
    const struct update_case *update; /* of the functions that update */
    enum masks masks;
    bool constant; /* |w| is the same for all */
    bool few;      /* most of `in` and `rows` is 0 */
    size_t stride, n_rows, image_stride;
    float magnitude, threshold;
    float *weight, *value, *velocity; /* [n_rows][stride] */
    float *second;                    /* likewise, positive */
    int8_t *mask;                     /* likewise */
    float *in;                        /* [stride][image_stride] */
    float *delta;                     /* [n_rows][image_stride] */
    float *rows;                      /* [n_images][stride] */
};

static float *random_matrix(size_t n_rows, size_t stride, size_t n, size_t m, uint32_t seed) {
    float *values = check_alloc(n_rows * stride, sizeof *values);
    for (size_t r = 0; r < n; r++) check_fill(values + r * stride, m, -1, 1, seed * 1000 + (uint32_t)r);
    return values;
}

/* Columns that are 0 in all images, as the margins of pictures are; in large batches but for the very last image. */
static void empty_margin(struct problem *p) {
    enum { MARGIN = 50 };
    for (size_t b = 0; p->n_in >= 2 * MARGIN && b < p->n_images; b++)
        memset(p->rows + b * p->stride, 0, MARGIN * sizeof *p->rows);
    if (p->n_in >= 2 * MARGIN && p->n_images > 100) p->rows[(p->n_images - 1) * p->stride + 20] = 0.75f;
}

/* Of the blocks of eight values three fifths, and of the other blocks half of the values: 0 or -0. */
static void leave_few(float *values, size_t n_rows, size_t stride, uint32_t seed) {
    const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, seed);
    for (size_t a = 0; a < n_rows * stride; a++) {
        uint32_t value = sm_rng_u32(&rng, 2 * a), block = sm_rng_u32(&rng, 2 * (a / 8) + 1);
        if (block % 5 < 3 || value % 2) values[a] = value % 4 ? 0 : -0.0f;
    }
}

static int8_t mask_value(enum masks masks, uint32_t bits) {
    static const int8_t fixed[] = {[ALL_KEEP] = 1, [ALL_HIDE] = 0, [ALL_INVERT] = -1};
    return masks == RANDOM ? (int8_t)(bits % 3) - 1 : fixed[masks];
}

static void problem_init(struct problem *p) {
    const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, 1);
    p->stride = sm_padded(p->n_in);
    p->n_rows = sm_padded(p->n_out);
    p->image_stride = sm_padded(p->n_images) + SM_LANES; /* the last images belong to a larger batch: not touched */
    p->threshold = 0.25f;
    p->magnitude = p->constant ? 0.375f : 0;
    p->weight = random_matrix(p->n_rows, p->stride, p->n_out, p->n_in, 1);
    p->value = random_matrix(p->n_rows, p->stride, p->n_out, p->n_in, 2);
    p->velocity = random_matrix(p->n_rows, p->stride, p->n_out, p->n_in, 3);
    p->second = random_matrix(p->n_rows, p->stride, p->n_out, p->n_in, 7);
    for (size_t a = 0; a < p->n_rows * p->stride; a++) p->second[a] = fabsf(p->second[a]);
    p->in = random_matrix(p->stride, p->image_stride, p->n_in, p->n_images, 4);
    p->delta = random_matrix(p->n_rows, p->image_stride, p->n_out, p->n_images, 5);
    p->rows = random_matrix(p->n_images, p->stride, p->n_images, p->n_in, 6);
    empty_margin(p);
    if (p->few) leave_few(p->in, p->n_in, p->image_stride, 8);
    if (p->few) leave_few(p->rows, p->n_images, p->stride, 9);
    p->mask = check_alloc(p->n_rows * p->stride, 1);
    for (size_t o = 0; o < p->n_out; o++)
        for (size_t i = 0; i < p->n_in; i++) {
            size_t at = o * p->stride + i;
            if (p->constant) p->weight[at] = p->weight[at] > 0 ? p->magnitude : -p->magnitude;
            p->mask[at] = mask_value(p->masks, sm_rng_u32(&rng, at));
        }
}

static void problem_destroy(struct problem *p) {
    free(p->weight);
    free(p->value);
    free(p->velocity);
    free(p->second);
    free(p->mask);
    free(p->in);
    free(p->delta);
    free(p->rows);
}

static double effective(const struct problem *p, size_t o, size_t i) {
    return (double)p->weight[o * p->stride + i] * p->mask[o * p->stride + i];
}

/* ---- each function as: what it computes, what is expected within which bound ---- */

struct expected {
    double *value, *bound;
};

static struct sm_kept kept_new(const struct sm_kernels *k, const struct problem *p) {
    struct sm_kept kept = {.n_out = p->n_out, .stride = p->stride};
    kept.index = check_alloc(p->n_rows * p->stride, sizeof *kept.index);
    kept.n_plus = check_alloc(p->n_rows, sizeof *kept.n_plus);
    kept.n_minus = check_alloc(p->n_rows, sizeof *kept.n_minus);
    k->collect_kept(&kept, p->mask, p->weight, 0, p->n_out);
    return kept;
}

static void kept_free(struct sm_kept *kept) {
    free(kept->index);
    free(kept->n_plus);
    free(kept->n_minus);
}

static size_t product_size(const struct problem *p) {
    return p->n_out * p->image_stride;
}

/* In two pieces: how rows are cut cannot change a sum. */
static void product(const struct sm_kernels *k, const struct problem *p, float *out) {
    struct sm_kept kept = kept_new(k, p);
    const float *weight = p->constant ? NULL : p->weight;
    for (size_t n = 0; n < product_size(p); n++) out[n] = 99;
    k->product_kept(out, p->in, p->image_stride, p->n_images, &kept, weight, p->magnitude, 0, p->n_out / 3);
    k->product_kept(out, p->in, p->image_stride, p->n_images, &kept, weight, p->magnitude, p->n_out / 3, p->n_out);
    kept_free(&kept);
}

static void expect_product(const struct problem *p, struct expected want) {
    for (size_t o = 0; o < p->n_out; o++)
        for (size_t b = 0; b < p->image_stride; b++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < p->n_in; i++) {
                double term = effective(p, o, i) * p->in[i * p->image_stride + b];
                sum += term;
                size += fabs(term);
            }
            want.value[o * p->image_stride + b] = b < p->n_images ? sum : 99;
            want.bound[o * p->image_stride + b] = b < p->n_images ? (double)(p->n_in + 2) * UNIT * size : 0;
        }
}

/* Weights without a mask; in two pieces. */
static void product_of_few(const struct sm_kernels *k, const struct problem *p, float *out) {
    size_t n_in = p->stride;
    for (size_t n = 0; n < p->n_rows * p->image_stride; n++) out[n] = 99;
    k->product_of_few(out, p->in, p->image_stride, p->n_images, p->weight, p->stride, n_in, 0, SM_ROWS);
    k->product_of_few(out, p->in, p->image_stride, p->n_images, p->weight, p->stride, n_in, SM_ROWS, p->n_rows);
}

static size_t product_of_few_size(const struct problem *p) {
    return p->n_rows * p->image_stride;
}

static void expect_product_of_few(const struct problem *p, struct expected want) {
    for (size_t o = 0; o < p->n_rows; o++)
        for (size_t b = 0; b < p->image_stride; b++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < p->n_in; i++) {
                double term = (double)p->weight[o * p->stride + i] * p->in[i * p->image_stride + b];
                sum += term;
                size += fabs(term);
            }
            want.value[o * p->image_stride + b] = b < p->n_images ? sum : 99;
            want.bound[o * p->image_stride + b] = b < p->n_images ? (double)(p->n_in + 2) * UNIT * size : 0;
        }
}

static size_t transposed_size(const struct problem *p) {
    return p->stride * p->image_stride;
}

/* Starts from `in`, to which it adds; in two pieces of images. */
static void transposed(const struct sm_kernels *k, const struct problem *p, float *out) {
    struct sm_kept kept = kept_new(k, p);
    const float *weight = p->constant ? NULL : p->weight;
    memcpy(out, p->in, transposed_size(p) * sizeof *out);
    k->product_kept_transposed(out, p->delta, p->image_stride, &kept, weight, p->magnitude, 0, SM_LANES);
    k->product_kept_transposed(out, p->delta, p->image_stride, &kept, weight, p->magnitude, SM_LANES, p->n_images);
    kept_free(&kept);
}

static void expect_transposed(const struct problem *p, struct expected want) {
    for (size_t i = 0; i < p->stride; i++)
        for (size_t b = 0; b < p->image_stride; b++) {
            double sum = p->in[i * p->image_stride + b], size = fabs(sum);
            for (size_t o = 0; b < p->n_images && o < p->n_out; o++) {
                double term = effective(p, o, i) * p->delta[o * p->image_stride + b];
                sum += term;
                size += fabs(term);
            }
            want.value[i * p->image_stride + b] = sum;
            want.bound[i * p->image_stride + b] = b < p->n_images ? (double)(p->n_out + 2) * UNIT * size : 0;
        }
}

static size_t layer_size(const struct problem *p) {
    return p->n_rows * p->stride;
}

static void gradient(const struct sm_kernels *k, const struct problem *p, float *out) {
    k->weight_gradient(out, p->delta, p->image_stride, p->n_images, p->rows, p->stride, 0, SM_ROWS);
    k->weight_gradient(out, p->delta, p->image_stride, p->n_images, p->rows, p->stride, SM_ROWS, p->n_rows);
}

/* Gradient of weight (o, i) and the bound of its error. */
static double exact_gradient(const struct problem *p, size_t o, size_t i, double *bound) {
    double sum = 0, size = 0;
    for (size_t b = 0; b < p->n_images; b++) {
        double term = (double)p->delta[o * p->image_stride + b] * p->rows[b * p->stride + i];
        sum += term;
        size += fabs(term);
    }
    *bound = (double)(p->n_images + 2) * UNIT * size;
    return sum;
}

static void expect_gradient(const struct problem *p, struct expected want) {
    for (size_t o = 0; o < p->n_rows; o++)
        for (size_t i = 0; i < p->stride; i++)
            want.value[o * p->stride + i] = exact_gradient(p, o, i, &want.bound[o * p->stride + i]);
}

/* ---- updates ---- */

struct update_case {
    const char *name;
    enum sm_optimizer optimizer;
    bool nesterov;
    bool scores; /* else weights */
    bool held;   /* weights under the problem's mask */
    bool whole;  /* from a gradient that stands in memory */
    unsigned step;
};
static const struct update_case update_cases[] = {
    {"sgdw of scores, Nesterov", SM_SGDW, true, true, false, false, 1},
    {"sgdw of scores", SM_SGDW, false, true, false, false, 1},
    {"sgdw of weights, Nesterov", SM_SGDW, true, false, false, false, 1},
    {"sgdw of weights", SM_SGDW, false, false, false, false, 1},
    {"sgdw of held weights", SM_SGDW, true, false, true, false, 1},
    {"sgdw of scores, whole gradient", SM_SGDW, true, true, false, true, 1},
    {"sgd of scores, Nesterov", SM_SGD, true, true, false, false, 1},
    {"sgd of scores", SM_SGD, false, true, false, false, 1},
    {"sgd of weights", SM_SGD, false, false, false, false, 1},
    {"sgd of held weights, Nesterov", SM_SGD, true, false, true, false, 1},
    {"sgd of weights, whole gradient", SM_SGD, false, false, false, true, 1},
    {"adam of scores", SM_ADAM, false, true, false, false, 1},
    {"adam of weights", SM_ADAM, false, false, false, false, 3},
    {"adam of held weights", SM_ADAM, false, false, true, false, 10000},
    {"adam of held weights, whole gradient", SM_ADAM, false, false, true, true, 2},
};
enum { N_UPDATES = sizeof update_cases / sizeof *update_cases };

/* Rates so large that a wrong order, or a weight decay in the wrong place, is far outside the bound. */
static struct sm_update rates(const struct problem *p) {
    struct sm_update u = {.optimizer = p->update->optimizer,
                          .learning_rate = 0.05f,
                          .weight_decay = 0.125f,
                          .momentum = 0.9f,
                          .nesterov = p->update->nesterov,
                          .threshold = p->threshold,
                          .second_decay = 0.99f,
                          .epsilon = 1e-3f};
    u.first_correction = (float)(1 / (1 - pow((double)u.momentum, p->update->step)));
    u.second_correction = (float)(1 / (1 - pow((double)u.second_decay, p->update->step)));
    return u;
}

static size_t update_size(const struct problem *p) {
    return 4 * layer_size(p); /* values, velocities, second moments, masks */
}

/* Rows from the last to the first, those that only pad (their gradient is 0) without a product where tiles allow. */
static void update_in_parts(const struct sm_kernels *k, const struct problem *p, const struct sm_trained *trained,
                            const struct sm_update *u) {
    size_t n_tiled = (p->n_out + SM_ROWS - 1) / SM_ROWS * SM_ROWS;
    uint32_t *order = check_alloc(p->n_rows, sizeof *order);
    for (size_t o = 0; o < p->n_rows; o++) order[o] = (uint32_t)(o < n_tiled ? n_tiled - 1 - o : o);
    k->weight_gradient_update(trained, u, p->delta, p->image_stride, p->n_images, p->rows, order, SM_ROWS);
    k->weight_gradient_update(trained, u, p->delta, p->image_stride, p->n_images, p->rows, order + SM_ROWS,
                              n_tiled - SM_ROWS);
    k->update_rows(trained, u, order + n_tiled, p->n_rows - n_tiled);
    free(order);
}

static void update_from_memory(const struct sm_kernels *k, const struct problem *p, const struct sm_trained *trained,
                               const struct sm_update *u) {
    size_t n = layer_size(p);
    float *whole = check_alloc(n, sizeof *whole);
    gradient(k, p, whole);
    k->update(trained, u, whole, 0, SM_LANES);
    k->update(trained, u, whole, SM_LANES, n - SM_LANES);
    free(whole);
}

static void update(const struct sm_kernels *k, const struct problem *p, float *out) {
    const struct update_case *c = p->update;
    size_t n = layer_size(p);
    int8_t *mask = check_alloc(n, 1);
    memcpy(out, p->value, n * sizeof *out);
    memcpy(out + n, p->velocity, n * sizeof *out);
    memcpy(out + 2 * n, p->second, n * sizeof *out);
    const struct sm_trained trained = {.value = out,
                                       .velocity = out + n,
                                       .second = c->optimizer == SM_ADAM ? out + 2 * n : NULL,
                                       .weight = c->scores ? p->weight : NULL,
                                       .mask = c->scores ? mask : NULL,
                                       .held = c->held ? p->mask : NULL,
                                       .stride = p->stride};
    struct sm_update u = rates(p);
    if (c->whole)
        update_from_memory(k, p, &trained, &u);
    else
        update_in_parts(k, p, &trained, &u);
    for (size_t a = 0; a < n; a++) out[3 * n + a] = mask[a];
    free(mask);
}

/* Value, velocity, second moment: before or after; and how far each may be off. */
struct moments {
    double value, velocity, second;
};

/* m <- m - wd m (sgdw), g <- g + wd m (sgd);  V <- mu V - lr g;  m <- m + mu V - lr g (Nesterov) or m + V. */
static struct moments moved_by_sgd(struct sm_update u, struct moments m, double g, double g_bound,
                                   struct moments *bound) {
    double decay = u.weight_decay * m.value, push = u.optimizer == SM_SGD ? g + decay : g,
           step = u.learning_rate * push;
    struct moments to = {.velocity = u.momentum * m.velocity - step, .second = m.second};
    double start = u.optimizer == SM_SGDW ? m.value - decay : m.value;
    to.value = u.nesterov ? start + u.momentum * to.velocity - step : start + to.velocity;
    double step_bound = u.learning_rate * g_bound + 2 * UNIT * (fabs(step) + u.learning_rate * (fabs(g) + fabs(decay)));
    double size = fabs(m.value) + fabs(m.velocity) + fabs(to.velocity) + fabs(step);
    *bound = (struct moments){2 * step_bound + 6 * UNIT * size, step_bound + 3 * UNIT * size, 0};
    return to;
}

/* g <- g + wd m;  V <- mu V + (1 - mu) g;  S <- b S + (1 - b) g^2;  m <- m - lr (c1 V) / (sqrt(c2 S) + epsilon). */
static struct moments moved_by_adam(struct sm_update u, struct moments m, double g, double g_bound,
                                    struct moments *bound) {
    double mu = u.momentum, b = u.second_decay, push = g + u.weight_decay * m.value;
    double push_bound = g_bound + 2 * UNIT * (fabs(g) + fabs(push));
    struct moments to = {.velocity = mu * m.velocity + (1 - mu) * push, .second = b * m.second + (1 - b) * push * push};
    double root = sqrt(u.second_correction * to.second),
           scale = u.learning_rate * u.first_correction / (root + u.epsilon);
    to.value = m.value - scale * to.velocity;
    bound->velocity = (1 - mu) * push_bound + 3 * UNIT * (fabs(m.velocity) + fabs(push));
    bound->second = 2 * (1 - b) * fabs(push) * push_bound + 4 * UNIT * to.second;
    double relative = (to.second > 0 ? bound->second / to.second : 0) + 6 * UNIT; /* of the scale */
    bound->value = scale * (bound->velocity + relative * fabs(to.velocity)) + 2 * UNIT * fabs(m.value);
    return to;
}

static struct moments expect_moved(const struct problem *p, size_t o, size_t i, struct moments *bound) {
    size_t at = o * p->stride + i;
    struct sm_update u = rates(p);
    struct moments start = {p->value[at], p->velocity[at], p->second[at]};
    double g_bound, w = p->update->scores ? p->weight[at] : 1, g = exact_gradient(p, o, i, &g_bound) * w;
    *bound = (struct moments){0};
    if (p->update->held && !p->mask[at]) return start;
    g_bound = g_bound * fabs(w) + UNIT * fabs(g);
    return u.optimizer == SM_ADAM ? moved_by_adam(u, start, g, g_bound, bound)
                                  : moved_by_sgd(u, start, g, g_bound, bound);
}

static void expect_update(const struct problem *p, struct expected want) {
    size_t n = layer_size(p);
    for (size_t at = 0; at < n; at++) {
        struct moments bound, to = expect_moved(p, at / p->stride, at % p->stride, &bound);
        want.value[at] = to.value;
        want.bound[at] = bound.value;
        want.value[n + at] = to.velocity;
        want.bound[n + at] = bound.velocity;
        want.value[2 * n + at] = to.second;
        want.bound[2 * n + at] = bound.second;
        want.value[3 * n + at] = p->update->scores ? (to.value > p->threshold) - (to.value < -p->threshold) : 0;
        want.bound[3 * n + at] = p->update->scores && fabs(fabs(to.value) - p->threshold) <= bound.value;
    }
}

/* ---- gradients of masks: of the gradient `velocity`, 32 times the scores ---- */

#define SCORE(p, a) ((p)->value[a] * 32)
#define SHIFT 0.375f

static void score_gradient(const struct sm_kernels *k, const struct problem *p, float *out, bool sampled) {
    float *scores = check_alloc(layer_size(p), sizeof *scores);
    for (size_t a = 0; a < layer_size(p); a++) scores[a] = SCORE(p, a);
    memcpy(out, p->velocity, layer_size(p) * sizeof *out);
    if (sampled)
        k->sampled_gradient(out, scores, p->weight, SHIFT, layer_size(p));
    else
        k->magnitude_gradient(out, scores, p->weight, layer_size(p));
    free(scores);
}

static void sampled_gradient(const struct sm_kernels *k, const struct problem *p, float *out) {
    score_gradient(k, p, out, true);
}

static void magnitude_gradient(const struct sm_kernels *k, const struct problem *p, float *out) {
    score_gradient(k, p, out, false);
}

/* (g w - shift) p (1 - p), also where p is all but 0 or 1: p (1 - p) = e / (1 + e)^2 with e = exp(-|m|). */
static void expect_sampled_gradient(const struct problem *p, struct expected want) {
    for (size_t a = 0; a < layer_size(p); a++) {
        double e = exp(-fabs((double)SCORE(p, a))), slope = e / ((1 + e) * (1 + e));
        double product = (double)p->velocity[a] * p->weight[a];
        want.value[a] = (product - SHIFT) * slope;
        want.bound[a] = (2 * (fabs(product) + SHIFT) + 6 * fabs(product - SHIFT)) * UNIT * slope;
    }
}

static void expect_magnitude_gradient(const struct problem *p, struct expected want) {
    for (size_t a = 0; a < layer_size(p); a++) {
        want.value[a] = (double)p->velocity[a] * p->weight[a] * ((SCORE(p, a) > 0) - (SCORE(p, a) < 0));
        want.bound[a] = UNIT * fabs(want.value[a]);
    }
}

static void apply(const struct sm_kernels *k, const struct problem *p, float *out) {
    k->apply_mask(out, p->weight, p->mask, layer_size(p));
}

static void expect_apply(const struct problem *p, struct expected want) {
    for (size_t a = 0; a < layer_size(p); a++) {
        want.value[a] = (double)p->weight[a] * p->mask[a];
        want.bound[a] = 0;
    }
}

static void transpose(const struct sm_kernels *k, const struct problem *p, float *out) {
    k->transpose(out, p->n_rows, p->weight, p->stride, p->n_rows, p->stride);
}

static void expect_transpose(const struct problem *p, struct expected want) {
    for (size_t o = 0; o < p->n_rows; o++)
        for (size_t i = 0; i < p->stride; i++) {
            want.value[i * p->n_rows + o] = p->weight[o * p->stride + i];
            want.bound[i * p->n_rows + o] = 0;
        }
}

static size_t batch_size(const struct problem *p) {
    return p->n_rows * p->image_stride;
}

/* The activation y is 3 * delta, the gradient that is multiplied the next row's. */
static void elu_gradient(const struct sm_kernels *k, const struct problem *p, float *out) {
    memcpy(out, p->delta, batch_size(p) * sizeof *out);
    k->elu_gradient(out, p->delta, batch_size(p));
}

static void expect_elu_gradient(const struct problem *p, struct expected want) {
    for (size_t a = 0; a < batch_size(p); a++) {
        double y = p->delta[a];
        want.value[a] = y * (y > 0 ? 1 : y + 1);
        want.bound[a] = 3 * UNIT * fabs(y);
    }
}

static void relu(const struct sm_kernels *k, const struct problem *p, float *out) {
    memcpy(out, p->delta, batch_size(p) * sizeof *out);
    k->relu(out, batch_size(p));
}

static void expect_relu(const struct problem *p, struct expected want) {
    for (size_t a = 0; a < batch_size(p); a++) {
        want.value[a] = fmax(p->delta[a], 0);
        want.bound[a] = 0;
    }
}

static void relu_gradient(const struct sm_kernels *k, const struct problem *p, float *out) {
    check_fill(out, batch_size(p), -1, 1, 8);
    k->relu_gradient(out, p->delta, batch_size(p));
}

static void expect_relu_gradient(const struct problem *p, struct expected want) {
    float *start = check_alloc(batch_size(p), sizeof *start);
    check_fill(start, batch_size(p), -1, 1, 8);
    for (size_t a = 0; a < batch_size(p); a++) {
        want.value[a] = p->delta[a] > 0 ? start[a] : 0;
        want.bound[a] = 0;
    }
    free(start);
}

struct function {
    const char *name;
    size_t (*size)(const struct problem *p);
    void (*compute)(const struct sm_kernels *k, const struct problem *p, float *out);
    void (*expect)(const struct problem *p, struct expected want);
};
static const struct function functions[] = {
    {"product_kept", product_size, product, expect_product},
    {"product_kept_transposed", transposed_size, transposed, expect_transposed},
    {"product_of_few", product_of_few_size, product_of_few, expect_product_of_few},
    {"weight_gradient", layer_size, gradient, expect_gradient},
    {"sampled_gradient", layer_size, sampled_gradient, expect_sampled_gradient},
    {"magnitude_gradient", layer_size, magnitude_gradient, expect_magnitude_gradient},
    {"apply_mask", layer_size, apply, expect_apply},
    {"transpose", layer_size, transpose, expect_transpose},
    {"elu_gradient", batch_size, elu_gradient, expect_elu_gradient},
    {"relu", batch_size, relu, expect_relu},
    {"relu_gradient", batch_size, relu_gradient, expect_relu_gradient},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };
static const struct function update_function = {"update", update_size, update, expect_update};

static const char *name_of(const struct function *f, const struct problem *p) {
    return f == &update_function ? p->update->name : f->name;
}

static void compare(const float *got, struct expected want, size_t n, const char *kernels, const struct function *f,
                    const struct problem *p) {
    for (size_t a = 0; a < n; a++)
        if (!check_within(got[a], want.value[a], want.bound[a]))
            fail_msg("%s, %s, %zu x %zu, %zu images, masks %d, constant %d: value %zu is %.9g, expected %.9g (+-%.2g)",
                     kernels, name_of(f, p), p->n_out, p->n_in, p->n_images, p->masks, p->constant, a, (double)got[a],
                     want.value[a], want.bound[a]);
}

/* Every kernel set against the plain loop; avx512 and avx2 byte for byte. */
static void check_function(const struct function *f, const struct problem *p) {
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found), n = f->size(p);
    struct expected want = {check_alloc(n, sizeof(double)), check_alloc(n, sizeof(double))};
    float *out[3];
    f->expect(p, want);
    for (size_t k = 0; k < n_found; k++) {
        out[k] = check_alloc(n, sizeof(float));
        f->compute(found[k], p, out[k]);
        compare(out[k], want, n, found[k]->name, f, p);
    }
    if (n_found == 3 && memcmp(out[0], out[1], n * sizeof(float)) != 0)
        fail_msg("%s: avx512 and avx2 differ, %zu x %zu, %zu images", name_of(f, p), p->n_out, p->n_in, p->n_images);
    for (size_t k = 0; k < n_found; k++) free(out[k]);
    free(want.value);
    free(want.bound);
}

static void check_shape(size_t n_in, size_t n_images) {
    for (enum masks masks = 0; masks < N_MASKS; masks++)
        for (int constant = 0; constant < 2; constant++) {
            struct problem p = {.n_in = n_in,
                                .n_out = 21,
                                .n_images = n_images,
                                .masks = masks,
                                .constant = constant,
                                .few = masks == RANDOM && constant};
            problem_init(&p);
            for (size_t f = 0; f < N_FUNCTIONS; f++) check_function(&functions[f], &p);
            for (size_t c = 0; c < N_UPDATES; c++) {
                p.update = &update_cases[c];
                check_function(&update_function, &p);
            }
            problem_destroy(&p);
        }
}

static void every_function_against_plain_loops(void **state) {
    (void)state;
    static const size_t n_in[] = {1, 15, 16, 17, 100}, n_images[] = {16, 48, 128, 144};
    for (size_t i = 0; i < 5; i++)
        for (size_t b = 0; b < 4; b++) check_shape(n_in[i], n_images[b]);
    check_shape(784, 16);
    check_shape(784, 144);
}

/* What is left out because it is 0 changes no byte: these are sums one term after another over all there is, in the
 * sets with fused products those of fmaf. The last shapes have more terms than can be listed. */
static void zeros_are_left_out_exactly(void **state) {
    (void)state;
    static const struct {
        size_t n_in, n_images;
    } shapes[] = {{784, 64}, {100, 128}, {17, 16}, {SM_LISTED_MOST + 16, 16}, {33, SM_LISTED_MOST + 16}};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t s = 0; s < 2 * sizeof shapes / sizeof *shapes; s++) {
        struct problem p = {
            .n_in = shapes[s / 2].n_in, .n_out = 11, .n_images = shapes[s / 2].n_images, .few = s % 2 == 0};
        problem_init(&p);
        float *out = check_alloc(p.n_rows * p.image_stride, sizeof *out);
        float *grad = check_alloc(layer_size(&p), sizeof *grad);
        for (size_t k = 0; k < n_found && strcmp(found[k]->name, "baseline"); k++) {
            product_of_few(found[k], &p, out);
            gradient(found[k], &p, grad);
            for (size_t o = 0; o < p.n_out; o++) {
                for (size_t b = 0; b < p.n_images; b++) {
                    float sum = 0;
                    for (size_t i = 0; i < p.n_in; i++)
                        sum = fmaf(p.weight[o * p.stride + i], p.in[i * p.image_stride + b], sum);
                    assert_memory_equal(&out[o * p.image_stride + b], &sum, sizeof sum);
                }
                for (size_t i = 0; i < p.n_in; i++) {
                    float sum = 0;
                    for (size_t b = 0; b < p.n_images; b++)
                        sum = fmaf(p.delta[o * p.image_stride + b], p.rows[b * p.stride + i], sum);
                    assert_memory_equal(&grad[o * p.stride + i], &sum, sizeof sum);
                }
            }
        }
        free(out);
        free(grad);
        problem_destroy(&p);
    }
}

/* ---- integers: exact ---- */

/* Keeps and inverts by the sign of the effective weight, each list in ascending order of the inputs. */
static void assert_kept(const struct sm_kept *kept, const struct problem *p, size_t o) {
    const uint32_t *slots = kept->index + o * p->stride;
    size_t n_plus = 0, n_minus = 0;
    for (size_t i = 0; i < p->n_in; i++) {
        if (effective(p, o, i) > 0) assert_int_equal(slots[n_plus++], i);
        if (effective(p, o, i) < 0) assert_int_equal(slots[p->stride - 1 - n_minus++], i);
    }
    assert_int_equal(kept->n_plus[o], n_plus);
    assert_int_equal(kept->n_minus[o], n_minus);
}

static void kept_weights_are_listed_by_sign(void **state) {
    (void)state;
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    static const size_t n_in[] = {1, 15, 16, 17, 100, 784};
    for (size_t s = 0; s < 6 * N_MASKS; s++) {
        struct problem p = {.n_in = n_in[s / N_MASKS], .n_out = 5, .n_images = 16, .masks = s % N_MASKS};
        problem_init(&p);
        size_t n_kept = 0;
        for (size_t a = 0; a < layer_size(&p); a++) n_kept += p.mask[a] != 0;
        for (size_t k = 0; k < n_found; k++) {
            struct sm_kept kept = kept_new(found[k], &p);
            for (size_t o = 0; o < p.n_out; o++) assert_kept(&kept, &p, o);
            assert_int_equal(found[k]->count_kept(p.mask, layer_size(&p)), n_kept);
            assert_int_equal(found[k]->count_kept(p.mask, 0), 0);
            kept_free(&kept);
        }
        problem_destroy(&p);
    }
}

/* Strict at +-tau; the next float beyond is outside. */
static void threshold_is_strict(void **state) {
    (void)state;
    const float tau = 0.01f, above = nextafterf(tau, 1), below = nextafterf(tau, 0);
    const float scores[SM_LANES] = {tau,      -tau,      above, -above, below, -below, 0,       -0.0f,
                                    INFINITY, -INFINITY, NAN,   1,      -1,    1e-40f, -1e-40f, 0.5f};
    const int8_t want[SM_LANES] = {0, 0, 1, -1, 0, 0, 0, 0, 1, -1, 0, 1, -1, 0, 0, 1};
    const int8_t want_at_zero[SM_LANES] = {1, -1, 1, -1, 1, -1, 0, 0, 1, -1, 0, 1, -1, 1, -1, 1};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t k = 0; k < n_found; k++) {
        int8_t mask[SM_LANES];
        found[k]->mask_from_scores(mask, scores, tau, SM_LANES);
        assert_memory_equal(mask, want, SM_LANES);
        found[k]->mask_from_scores(mask, scores, 0, SM_LANES);
        assert_memory_equal(mask, want_at_zero, SM_LANES);
    }
}

/* The mask that the update writes is that of mask_from_scores on the scores that it wrote, also at exactly +-tau: with
 * gradient, velocity and decay 0 a score stays where it is. */
static void update_thresholds_strictly(void **state) {
    (void)state;
    const float tau = 0.01f, start[4] = {0.01f, -0.01f, nextafterf(0.01f, 1), -nextafterf(0.01f, 1)};
    static const int8_t want[4] = {0, 0, 1, -1};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found), n = SM_ROWS * SM_LANES;
    float *zeros = check_alloc(SM_LANES * SM_LANES, sizeof *zeros), *weight = check_alloc(n, sizeof *weight);
    float *value = check_alloc(n, sizeof *value), *velocity = check_alloc(n, sizeof *velocity);
    int8_t *mask = check_alloc(n, 1);
    for (size_t k = 0; k < n_found; k++) {
        for (size_t a = 0; a < n; a++) value[a] = start[a % 4];
        struct sm_trained trained = {
            .value = value, .velocity = velocity, .weight = weight, .mask = mask, .stride = SM_LANES};
        struct sm_update u = {.learning_rate = 1, .momentum = 0.9f, .nesterov = true, .threshold = tau};
        static const uint32_t order[SM_ROWS] = {0, 1, 2, 3, 4, 5, 6, 7};
        found[k]->weight_gradient_update(&trained, &u, zeros, SM_LANES, SM_LANES, zeros, order, SM_ROWS);
        for (size_t a = 0; a < n; a++) {
            assert_true(value[a] == start[a % 4]);
            assert_int_equal(mask[a], want[a % 4]);
        }
    }
    free(zeros);
    free(weight);
    free(value);
    free(velocity);
    free(mask);
}

/* Adam from rest (Kingma & Ba 2015, section 3): with a gradient that stays the same, every step, the first ones too,
 * moves a value by the learning rate, whatever the gradient's size. */
static void adam_moves_by_the_rate(void **state) {
    (void)state;
    enum { STEPS = 6 };
    static const float g[SM_LANES] = {1, -1, 0.5f, 1e-3f, -1e-3f, 1e3f, -2e4f, 3, 0, -0.0f, 7, -7, 9, -9, 1e-2f, 11};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t k = 0; k < n_found; k++) {
        _Alignas(64) float value[SM_LANES] = {0}, velocity[SM_LANES] = {0}, second[SM_LANES] = {0};
        const struct sm_trained trained = {.value = value, .velocity = velocity, .second = second, .stride = SM_LANES};
        struct sm_update u = {
            .optimizer = SM_ADAM, .learning_rate = 0.125f, .momentum = 0.9f, .second_decay = 0.999f, .epsilon = 1e-8f};
        for (int step = 1; step <= STEPS; step++) {
            u.first_correction = (float)(1 / (1 - pow((double)u.momentum, step)));
            u.second_correction = (float)(1 / (1 - pow((double)u.second_decay, step)));
            found[k]->update(&trained, &u, g, 0, SM_LANES);
            for (size_t a = 0; a < SM_LANES; a++) {
                double size = fabs((double)g[a]), share = size / (size + (double)u.epsilon);
                double want = g[a] == 0 ? 0 : -copysign(0.125 * step * share, (double)g[a]);
                assert_within(value[a], want, 8 * UNIT * step);
            }
        }
    }
}

/* ---- masks of the largest sizes ---- */

static uint32_t size_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7FFFFFFFu;
}

/* Sizes of all kinds; the digits that edge-popup uses, and one bit. */
static void sizes_are_counted_and_compared(void **state) {
    (void)state;
    enum { N = 40 * SM_LANES, COUNTS = 1 << 11 };
    static const float odd[] = {0, -0.0f, 1e-45f, -1e-40f, INFINITY, -INFINITY, NAN, 1, -1, 0x1p-126f, 3e38f};
    static const struct sm_digit digits[] = {{20, 11}, {10, 10}, {0, 10}, {0, 1}, {30, 1}};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    float *value = check_alloc(N, sizeof *value);
    int8_t *mask = check_alloc(N, 1);
    uint32_t *counts = check_alloc(COUNTS, sizeof *counts), *want = check_alloc(COUNTS, sizeof *want);
    check_fill(value, N, -1, 1, 3);
    for (size_t a = 0; a < N; a += 5) value[a] = odd[a / 5 % (sizeof odd / sizeof *odd)];
    for (size_t a = 0; a < N; a += 7) value[a] = a % 2 ? 0.3f : -0.3f;
    for (size_t k = 0; k < n_found; k++)
        for (size_t c = 0; c < N; c += 3) {
            struct sm_digit d = digits[c % 5];
            uint32_t least = size_of(value[c]), prefix = (uint32_t)((uint64_t)least >> (d.shift + d.width));
            size_t n_equal = 0;
            memset(counts, 0, COUNTS * sizeof *counts);
            memset(want, 0, COUNTS * sizeof *want);
            found[k]->count_sizes(counts, value, N, d, prefix);
            size_t got_equal = found[k]->mask_from_sizes(mask, value, least, N);
            for (size_t a = 0; a < N; a++) {
                uint32_t size = size_of(value[a]);
                n_equal += size == least;
                if (size >> (d.shift + d.width) == prefix) want[size >> d.shift & ((1u << d.width) - 1)]++;
                assert_int_equal(mask[a], size >= least);
            }
            assert_int_equal(got_equal, n_equal);
            assert_memory_equal(counts, want, COUNTS * sizeof *want);
        }
    free(value);
    free(mask);
    free(counts);
    free(want);
}

/* ---- sampled masks ---- */

/* What number `index` of the stream makes of a score; 2 where the rounding of p decides, which kernel sets may do
 * differently. */
static int sampled_bit(const struct sm_rng *rng, uint64_t index, float score) {
    double uniform = ((sm_rng_u32(rng, index) >> 9) + 0.5) * 0x1p-23, p = 1 / (1 + exp(-(double)score));
    if (fabs(uniform - p) <= 4 * UNIT * p) return 2;
    return uniform < p;
}

/* Bit for bit from the numbers of those indices, across the places where the words of the generator's counter carry. */
static void masks_are_sampled_by_index(void **state) {
    (void)state;
    enum { N = 16 * SM_DRAWS };
    static const uint64_t first[] = {0,
                                     7 * SM_DRAWS,
                                     (UINT64_C(1) << 32) - N / 2,
                                     (UINT64_C(1) << 34) - N / 2,
                                     (UINT64_C(1) << 40) + SM_DRAWS,
                                     (UINT64_C(3) << 61) - N / 2};
    const struct sm_rng rngs[] = {sm_rng_make(1, SM_RNG_MASK, 0), sm_rng_make(UINT64_MAX - 6, SM_RNG_MASK_TEST, 9)};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found), n_open = 0;
    float *score = check_alloc(N, sizeof *score);
    int8_t *mask[3];
    check_fill(score, N, -6, 6, 12);
    for (size_t k = 0; k < 3; k++) mask[k] = check_alloc(N, 1);
    for (size_t c = 0; c < 2 * sizeof first / sizeof *first; c++) {
        const struct sm_rng *rng = &rngs[c % 2];
        for (size_t k = 0; k < n_found; k++) {
            found[k]->sample_mask(mask[k], score, SM_DRAWS, rng, first[c / 2]);
            found[k]->sample_mask(mask[k] + SM_DRAWS, score + SM_DRAWS, N - SM_DRAWS, rng, first[c / 2] + SM_DRAWS);
            for (size_t a = 0; a < N; a++) {
                int want = sampled_bit(rng, first[c / 2] + a, score[a]);
                n_open += want == 2;
                if (want < 2 ? mask[k][a] != want : mask[k][a] & ~1)
                    fail_msg("%s: number %zu from %llu on, score %g: %d, expected %d", found[k]->name, a,
                             (unsigned long long)first[c / 2], (double)score[a], mask[k][a], want);
            }
        }
        if (n_found == 3) assert_memory_equal(mask[0], mask[1], N);
    }
    assert_true(n_open <= 3); /* a case in a million */
    for (size_t k = 0; k < 3; k++) free(mask[k]);
    free(score);
}

static void frequencies_are_the_probabilities(void **state) {
    (void)state;
    enum { N = 1 << 18 };
    static const float scores[] = {0, 1, -1, 3, -3, 7.5f, -7.5f};
    const struct sm_kernels *kernels = sm_kernels_get();
    const struct sm_rng rng = sm_rng_make(4, SM_RNG_MASK, 2);
    float *score = check_alloc(N, sizeof *score);
    int8_t *mask = check_alloc(N, 1);
    for (size_t c = 0; c < sizeof scores / sizeof *scores; c++) {
        for (size_t a = 0; a < N; a++) score[a] = scores[c];
        kernels->sample_mask(mask, score, N, &rng, c * N);
        double p = 1 / (1 + exp(-(double)scores[c])), n = (double)kernels->count_kept(mask, N);
        assert_within(n, p * N, 5 * sqrt(p * (1 - p) * N));
    }
    free(score);
    free(mask);
}

/* Beyond +-17.5 p is nearer to 1 or 0 than any number of the generator. NaN hides: no comparison holds. */
static void extreme_scores_are_certain(void **state) {
    (void)state;
    enum { N = 1 << 12 };
    static const float scores[] = {17.5f, 88, 1e30f, INFINITY, -17.5f, -88, -1e30f, -INFINITY, NAN};
    const struct sm_rng rng = sm_rng_make(2, SM_RNG_MASK, 1);
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    float *score = check_alloc(N, sizeof *score);
    int8_t *mask = check_alloc(N, 1);
    for (size_t k = 0; k < n_found; k++)
        for (size_t c = 0; c < sizeof scores / sizeof *scores; c++) {
            for (size_t a = 0; a < N; a++) score[a] = scores[c];
            found[k]->sample_mask(mask, score, N, &rng, 0);
            assert_int_equal(found[k]->count_kept(mask, N), scores[c] > 0 ? N : 0);
        }
    free(score);
    free(mask);
}

/* A gradient of 1 through p (1 - p): e / (1 + e)^2 with e = exp(-|m|) to some units in its last place, as small as it
 * may be; below e^-87 it stays. And a score of 0, of either sign, has no size that a gradient could go to. */
static void gradients_at_the_edges(void **state) {
    (void)state;
    const float m[SM_LANES] = {0,  -0.0f, 1e-30f, -1e-30f, 1,  -1,     5,        -5,
                               16, -16,   30,     -30,     86, -86.5f, INFINITY, -INFINITY};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t k = 0; k < n_found; k++) {
        float slope[SM_LANES], size[SM_LANES], ones[SM_LANES];
        for (size_t a = 0; a < SM_LANES; a++) slope[a] = size[a] = ones[a] = 1;
        found[k]->sampled_gradient(slope, m, ones, 0, SM_LANES);
        found[k]->magnitude_gradient(size, m, ones, SM_LANES);
        for (size_t a = 0; a < SM_LANES; a++) {
            double e = exp(-fmin(fabs((double)m[a]), 87)), want = e / ((1 + e) * (1 + e));
            assert_close(slope[a], want, 8 * UNIT);
            assert_true(size[a] == (m[a] > 0) - (m[a] < 0));
        }
    }
}

/* ---- sums ---- */

/* In double precision of products that are rounded once; one sum for all widths of vectors. */
static void kept_products_are_summed(void **state) {
    (void)state;
    static const size_t n_in[] = {1, 16, 100, 784};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t s = 0; s < 4 * N_MASKS; s++) {
        struct problem p = {.n_in = n_in[s / N_MASKS], .n_out = 21, .n_images = 16, .masks = s % N_MASKS};
        problem_init(&p);
        double want = 0, size = 0, got[3];
        for (size_t a = 0; a < layer_size(&p); a++) {
            double product = p.mask[a] ? (double)p.value[a] * p.weight[a] : 0;
            want += product;
            size += fabs(product);
        }
        for (size_t k = 0; k < n_found; k++) {
            got[k] = found[k]->sum_kept_products(p.value, p.weight, p.mask, layer_size(&p));
            assert_within(got[k], want, UNIT * size);
            assert_true(got[k] == got[0]);
            assert_true(found[k]->sum_kept_products(p.value, p.weight, p.mask, 0) == 0);
        }
        problem_destroy(&p);
    }
}

/* ---- loading ---- */

static void check_block(const struct sm_kernels *k, size_t n_scales, size_t n_pixels, float *rows, float *columns) {
    const size_t stride = sm_padded(n_pixels), column_stride = 3 * SM_LANES;
    const struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, 2);
    uint8_t *pixels = check_alloc(SM_LANES * n_pixels, 1);
    const uint8_t *images[SM_LANES] = {NULL};
    float scale[3 * SM_LANES], shift[3 * SM_LANES];
    for (size_t a = 0; a < SM_LANES * n_pixels; a++) pixels[a] = (uint8_t)sm_rng_u32(&rng, a);
    check_fill(scale, 3 * SM_LANES, 0.001, 0.1, 4);
    check_fill(shift, 3 * SM_LANES, -3, 3, 5);
    for (size_t j = 0; j < SM_LANES - 3; j++) images[j] = pixels + j * n_pixels; /* three images are missing */
    for (size_t a = 0; a < SM_LANES * stride; a++) rows[a] = 99;
    for (size_t a = 0; a < stride * column_stride; a++) columns[a] = 99;
    k->load_block(rows, stride, columns + SM_LANES, column_stride, images, scale, shift, n_scales, n_pixels);
    for (size_t j = 0; j < SM_LANES; j++)
        for (size_t p = 0; p < stride; p++) {
            bool there = images[j] && p < n_pixels;
            size_t c = j * n_scales + p * n_scales / n_pixels;
            double product = there ? (double)images[j][p] * scale[c] : 0, want = there ? product + shift[c] : 0;
            assert_within(rows[j * stride + p], want, 2 * UNIT * (product + fabs(want)));
            assert_true(columns[p * column_stride + SM_LANES + j] == rows[j * stride + p]);
            assert_true(columns[p * column_stride + j] == 99 && columns[p * column_stride + 2 * SM_LANES + j] == 99);
        }
    free(pixels);
}

static void images_are_loaded_both_ways(void **state) {
    (void)state;
    static const size_t n_pixels[] = {1, 15, 16, 17, 100, 784, 15, 48, 99}, n_scales[] = {1, 1, 1, 1, 1, 1, 3, 3, 3};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t s = 0; s < 9; s++) {
        size_t n = SM_LANES * sm_padded(n_pixels[s]);
        float *rows[3], *columns = check_alloc(3 * n, sizeof *columns);
        for (size_t k = 0; k < n_found; k++) {
            rows[k] = check_alloc(n, sizeof **rows);
            check_block(found[k], n_scales[s], n_pixels[s], rows[k], columns);
        }
        if (n_found == 3) assert_memory_equal(rows[0], rows[1], n * sizeof **rows);
        for (size_t k = 0; k < n_found; k++) free(rows[k]);
        free(columns);
    }
}

/* ---- activations ---- */

/* Error of `got` in units in the last place of the float nearest to `want`. */
static double error_in_ulp(float got, double want) {
    float nearest = (float)want;
    double ulp = (double)nextafterf(fabsf(nearest), INFINITY) - fabs((double)nearest);
    return fabs((double)got - want) / ulp;
}

/* Every 1021st float: all exponents, both signs; negative ones against expm1, positive ones unchanged. */
static void elu_over_the_float_range(void **state) {
    (void)state;
    const double most_ulp = 1.0;
    enum { STEP = 1021, AT_ONCE = 4096 };
    static _Alignas(64) float x[AT_ONCE], y[AT_ONCE], other[AT_ONCE];
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += (uint64_t)STEP * AT_ONCE) {
        for (size_t a = 0; a < AT_ONCE; a++) {
            uint32_t pattern = (uint32_t)(bits + a * STEP);
            memcpy(&x[a], &pattern, sizeof pattern);
        }
        for (size_t k = 0; k < n_found; k++) {
            memcpy(y, x, sizeof x);
            found[k]->elu(y, AT_ONCE);
            for (size_t a = 0; a < AT_ONCE; a++) {
                if (isnan(x[a]) || x[a] > 0) {
                    assert_true(isnan(x[a]) ? isnan(y[a]) : y[a] == x[a]);
                } else if (error_in_ulp(y[a], expm1((double)x[a])) > most_ulp) {
                    fail_msg("%s: elu(%.9g) is %.9g, expected %.9g", found[k]->name, (double)x[a], (double)y[a],
                             expm1((double)x[a]));
                }
            }
            if (k == 1 && n_found == 3) assert_memory_equal(y, other, sizeof y);
            memcpy(other, y, sizeof y);
        }
    }
}

static void activations_at_the_edges(void **state) {
    (void)state;
    const float x[SM_LANES] = {0,      -0.0f, INFINITY, -INFINITY, NAN,    1e38f,   -1e38f, -87,
                               -87.5f, -104,  1,        -1,        1e-45f, -1e-45f, 2,      -2};
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t k = 0; k < n_found; k++) {
        float elu[SM_LANES], relu[SM_LANES], slope[SM_LANES];
        memcpy(elu, x, sizeof x);
        memcpy(relu, x, sizeof x);
        found[k]->elu(elu, SM_LANES);
        found[k]->relu(relu, SM_LANES);
        for (size_t a = 0; a < SM_LANES; a++) slope[a] = 1;
        found[k]->elu_gradient(slope, elu, SM_LANES);
        for (size_t a = 0; a < SM_LANES; a++) {
            assert_within(elu[a], x[a] > 0 ? x[a] : expm1((double)x[a]), 2 * UNIT);
            assert_within(slope[a], x[a] > 0 ? 1 : exp((double)x[a]), 3 * UNIT);
            if (!isnan(x[a])) assert_within(relu[a], x[a] > 0 ? x[a] : 0, 0);
        }
        assert_true(elu[3] == -1 && elu[6] == -1 && elu[7] == -1); /* saturated, and a derivative of exactly 0 */
        assert_true(slope[3] == 0 && slope[6] == 0);
    }
}

/* A sum of infinities of both signs is no number; an activation that turns it into 0 would hide that training has
 * diverged. */
static void relu_keeps_nan(void **state) {
    (void)state;
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    for (size_t k = 0; k < n_found; k++) {
        float y[SM_LANES];
        for (size_t a = 0; a < SM_LANES; a++) y[a] = a % 2 ? NAN : 1;
        found[k]->relu(y, SM_LANES);
        for (size_t a = 0; a < SM_LANES; a++) assert_within(y[a], a % 2 ? NAN : 1, 0);
    }
}

/* ---- choice ---- */

static void the_best_kernels_run(void **state) {
    (void)state;
    const struct sm_kernels *found[3];
    size_t n_found = find_kernels(found);
    assert_true(n_found >= 1);
    unsetenv("SUPERMASK_KERNELS");
    assert_ptr_equal(sm_kernels_get(), found[0]);
    for (size_t k = 0; k < n_found; k++) {
        setenv("SUPERMASK_KERNELS", found[k]->name, 1);
        assert_ptr_equal(sm_kernels_get(), found[k]);
        assert_string_equal(sm_kernels_name(), found[k]->name);
    }
    setenv("SUPERMASK_KERNELS", "abacus", 1);
    assert_ptr_equal(sm_kernels_get(), found[0]);
    assert_null(sm_kernels_find("abacus"));
    unsetenv("SUPERMASK_KERNELS");
}

/* ---- OpenBLAS ---- */

static void blas_products_against_plain_loops(void **state) {
    (void)state;
    struct problem p = {.n_in = 100, .n_out = 21, .n_images = 48, .masks = RANDOM};
    problem_init(&p);
    sm_blas_init();
    size_t n = product_size(&p), m = transposed_size(&p);
    float *v = check_alloc(layer_size(&p), sizeof *v), *out = check_alloc(n, sizeof *out);
    float *back = check_alloc(m, sizeof *back);
    struct expected want = {check_alloc(m, sizeof(double)), check_alloc(m, sizeof(double))};
    for (size_t a = 0; a < layer_size(&p); a++) v[a] = p.weight[a] * p.mask[a];
    for (size_t a = 0; a < n; a++) out[a] = 99;
    sm_blas_product(out, p.in, p.image_stride, p.n_images, v, p.stride, p.n_in, 0, 8);
    sm_blas_product(out, p.in, p.image_stride, p.n_images, v, p.stride, p.n_in, 8, 8);
    sm_blas_product(out, p.in, p.image_stride, p.n_images, v, p.stride, p.n_in, 8, p.n_out);
    expect_product(&p, want);
    for (size_t a = 0; a < n; a++) assert_within(out[a], want.value[a], want.bound[a]);
    sm_blas_product_transposed(back, p.delta, p.image_stride, p.n_images, v, p.stride, p.n_out, 0, p.n_in);
    memset(p.in, 0, m * sizeof *p.in);
    expect_transposed(&p, want);
    for (size_t a = 0; a < m; a++) assert_within(back[a], want.value[a], want.bound[a]);
    free(v);
    free(out);
    free(back);
    free(want.value);
    free(want.bound);
    problem_destroy(&p);
}

/* ---- entries in common, in bits ---- */

enum { COMMON_WORDS = 3, COMMON_ROWS = 5, COMMON_PLACES = 64 * COMMON_WORDS };

/* Entries -1, 0, 1 as bits: where there are any, and which are negative. */
static void pack_entries(uint64_t *bits, const int8_t *entries) {
    memset(bits, 0, 2 * COMMON_WORDS * sizeof *bits);
    for (size_t i = 0; i < COMMON_PLACES; i++) {
        bits[i / 64] |= (uint64_t)(entries[i] != 0) << i % 64;
        bits[COMMON_WORDS + i / 64] |= (uint64_t)(entries[i] < 0) << i % 64;
    }
}

static void common_entries_are_products_of_signs(void **state) {
    (void)state;
    const struct sm_rng rng = sm_rng_make(11, SM_RNG_TEST, 2);
    const struct sm_kernels *found[3];
    int8_t entries[1 + COMMON_ROWS][COMMON_PLACES]; /* a, then rows of b */
    uint64_t bits[1 + COMMON_ROWS][2 * COMMON_WORDS];
    for (size_t r = 0; r <= COMMON_ROWS; r++) {
        for (size_t i = 0; i < COMMON_PLACES; i++)
            entries[r][i] = r == COMMON_ROWS ? -1 : (int8_t)sm_rng_below(&rng, r * COMMON_PLACES + i, 3) - 1;
        pack_entries(bits[r], entries[r]);
    }
    for (size_t k = 0, n = find_kernels(found); k < n; k++) {
        int32_t profit[COMMON_ROWS + 1] = {10, -20, 30, 0, 0, 77};
        int32_t want[COMMON_ROWS + 1] = {10, -20, 30, 0, 0, 77};
        found[k]->add_common_entries(profit, bits[0], bits[1], COMMON_WORDS, COMMON_ROWS);
        for (size_t u = 0; u < COMMON_ROWS; u++)
            for (size_t i = 0; i < COMMON_PLACES; i++) want[u] += entries[0][i] * entries[1 + u][i];
        assert_memory_equal(profit, want, sizeof profit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_against_plain_loops),
        cmocka_unit_test(zeros_are_left_out_exactly),
        cmocka_unit_test(kept_weights_are_listed_by_sign),
        cmocka_unit_test(threshold_is_strict),
        cmocka_unit_test(update_thresholds_strictly),
        cmocka_unit_test(adam_moves_by_the_rate),
        cmocka_unit_test(sizes_are_counted_and_compared),
        cmocka_unit_test(masks_are_sampled_by_index),
        cmocka_unit_test(frequencies_are_the_probabilities),
        cmocka_unit_test(extreme_scores_are_certain),
        cmocka_unit_test(gradients_at_the_edges),
        cmocka_unit_test(kept_products_are_summed),
        cmocka_unit_test(images_are_loaded_both_ways),
        cmocka_unit_test(elu_over_the_float_range),
        cmocka_unit_test(activations_at_the_edges),
        cmocka_unit_test(relu_keeps_nan),
        cmocka_unit_test(the_best_kernels_run),
        cmocka_unit_test(common_entries_are_products_of_signs),
        cmocka_unit_test(blas_products_against_plain_loops),
    };
    return cmocka_run_group_tests_name("kernels", tests, say_what_is_not_tested, NULL);
}
