/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operators between convolutions, on every instruction set that this CPU runs: what they compute against plain
 * loops in double precision, and their gradients against central differences of those loops, with their sign. Input
 * values lie on a grid on which none is 0 and no two are equal, so that a step of the difference never passes a kink.
 */
#include <supermask/map_ops.h>

#include <supermask/forward.h>

#include "tests/check.h"

#define N_BLOCKS 2
#define N_IMAGES 21 /* the second block is padded */
#define STEP 1e-5   /* of the central differences */

static size_t find_kernels(const struct sm_map_kernels *found[3]) {
    static const char *const names[] = {"avx512", "avx2", "baseline"};
    size_t n = 0;
    for (size_t k = 0; k < 3; k++) {
        const struct sm_map_kernels *one = sm_map_kernels_find(names[k]);
        if (one) found[n++] = one;
    }
    return n;
}

static int say_what_is_not_tested(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    if (find_kernels(found) < 3) print_message("some kernel sets do not run on this CPU and are not tested\n");
    return 0;
}

/* ---- values: maps as arrays of doubles [block][channel][row][column][image] ---- */

struct shape {
    size_t channels, height, width;
};

static size_t n_values(struct shape s) {
    return N_BLOCKS * s.channels * s.height * s.width * SM_LANES;
}

static size_t at(struct shape s, size_t b, size_t c, size_t y, size_t x, size_t j) {
    return (((b * s.channels + c) * s.height + y) * s.width + x) * SM_LANES + j;
}

static float *pixel_of(const struct sm_map *map, size_t b, size_t c, size_t y, size_t x) {
    return sm_map_at(map, b, c, (ptrdiff_t)y, (ptrdiff_t)x);
}

static struct shape shape_of(const struct sm_map *map) {
    return (struct shape){map->channels, map->height, map->width};
}

static void visit(const struct sm_map *map, double *values, bool write) {
    struct shape s = shape_of(map);
    for (size_t b = 0; b < N_BLOCKS; b++)
        for (size_t c = 0; c < s.channels; c++)
            for (size_t y = 0; y < s.height; y++)
                for (size_t x = 0; x < s.width; x++)
                    for (size_t j = 0; j < SM_LANES; j++) {
                        float *p = pixel_of(map, b, c, y, x) + j;
                        double *v = values + at(s, b, c, y, x, j);
                        if (write)
                            *p = (float)*v;
                        else
                            *v = *p;
                    }
}

static struct sm_map map_new(struct shape s, size_t halo) {
    struct sm_map map;
    assert_int_equal(sm_map_init(&map, s.channels, s.height, s.width, halo, N_BLOCKS), 0);
    return map;
}

static bool all_zero(const float *values, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (values[k] != 0) return false;
    return true;
}

static void assert_halo_zero(const struct sm_map *map) {
    const ptrdiff_t halo = (ptrdiff_t)map->halo, height = (ptrdiff_t)map->height, width = (ptrdiff_t)map->width;
    for (size_t b = 0; b < N_BLOCKS; b++)
        for (size_t c = 0; c < map->channels; c++)
            for (ptrdiff_t y = -halo; y < height + halo; y++)
                for (ptrdiff_t x = -halo; x < width + halo; x++) {
                    bool inside = y >= 0 && y < height && x >= 0 && x < width;
                    assert_true(inside || all_zero(sm_map_at(map, b, c, y, x), SM_LANES));
                }
}

/* (k + offset) * 4 / n - 2 in random order: with offset .5 no two are equal and none is 0. */
static double *grid_values(size_t n, double offset, uint64_t seed) {
    double *values = check_alloc(n, sizeof *values);
    uint32_t *order = check_alloc(n, sizeof *order);
    const struct sm_rng rng = sm_rng_make(seed, SM_RNG_TEST, 0);
    sm_rng_permutation(&rng, order, n);
    for (size_t k = 0; k < n; k++) values[k] = (float)((order[k] + offset) * 4 / (double)n - 2);
    free(order);
    return values;
}

/* ---- the operators: a plain loop, and what the kernels do forward and backward ---- */

struct operator;

/* One operator on one shape. The halos of all maps are different. */
struct problem {
    const struct operator* op;
    struct shape in, out;
    double *x, *second; /* input; the other operand of a sum, or gamma and beta */
    double *weight;     /* of each output in the loss; 0 for images that pad the batch where those do not count */
};

struct maps {
    struct sm_map in, second, out, in_delta, out_delta;
    uint8_t *winner; /* [block][out.height][channels][out.width][SM_LANES] */
    float *columns;  /* [channels][N_BLOCKS * SM_LANES] */
    struct sm_batch_norm norm;
    double *sums; /* [N_BLOCKS][2][channels] */
};

struct operator{
    const char *name;
    enum sm_activation activation;
    struct sm_pool pool;
    bool same;       /* padding of the pool */
    bool normalizes; /* couples images: those that pad the batch do not count */
    struct shape (*out_shape)(const struct operator* op, struct shape in);
    void (*expect)(const struct problem *p, const double *x, double *out);
    void (*forward)(const struct sm_map_kernels *k, const struct problem *p, struct maps *m);
    void (*backward)(const struct sm_map_kernels *k, const struct problem *p, struct maps *m);
};

static uint8_t *winner_of(const struct maps *m, size_t block) {
    return m->winner + block * m->out.height * m->out.channels * m->out.width * SM_LANES;
}

static double exact(enum sm_activation activation, double x) {
    if (activation == SM_ELU) return x > 0 ? x : expm1(x);
    return activation == SM_RELU ? fmax(x, 0) : x;
}

static struct shape same_shape(const struct operator* op, struct shape in) {
    (void)op;
    return in;
}

static void expect_activation(const struct problem *p, const double *x, double *out) {
    for (size_t k = 0; k < n_values(p->in); k++) out[k] = exact(p->op->activation, x[k]);
}

static void activation_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->copy(&m->out, &m->in, b);
        k->activate(&m->out, b, p->op->activation);
    }
}

static void activation_backward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->copy(&m->in_delta, &m->out_delta, b);
        k->activation_gradient(&m->in_delta, &m->out, b, p->op->activation);
    }
}

static void expect_sum(const struct problem *p, const double *x, double *out) {
    for (size_t k = 0; k < n_values(p->in); k++) out[k] = exact(p->op->activation, x[k] + p->second[k]);
}

static void sum_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    for (size_t b = N_BLOCKS; b-- > 0;) k->add(&m->out, &m->in, &m->second, b, p->op->activation);
}

/* The same sum from its parts, in place. */
static void sum_in_place_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->copy(&m->out, &m->in, b);
        k->accumulate(&m->out, &m->second, b);
        k->activate(&m->out, b, p->op->activation);
    }
}

/* ---- pools ---- */

static size_t extent(const struct operator* op, size_t n, size_t *pad) {
    const size_t size = op->pool.size, stride = op->pool.stride;
    size_t n_out = op->same ? (n + stride - 1) / stride : (n - size) / stride + 1;
    size_t covered = (n_out - 1) * stride + size;
    *pad = covered > n ? (covered - n) / 2 : 0;
    return n_out;
}

static struct sm_pool pool_of(const struct problem *p) {
    struct sm_pool pool = p->op->pool;
    extent(p->op, p->in.height, &pool.pad_top);
    extent(p->op, p->in.width, &pool.pad_left);
    return pool;
}

static struct shape pooled_shape(const struct operator* op, struct shape in) {
    size_t pad;
    bool fits = op->same || (in.height >= op->pool.size && in.width >= op->pool.size);
    if (!fits) return (struct shape){0};
    return (struct shape){in.channels, extent(op, in.height, &pad), extent(op, in.width, &pad)};
}

static double largest(const struct problem *p, const double *x, size_t b, size_t c, size_t y, size_t z, size_t j) {
    const struct sm_pool pool = pool_of(p);
    double best = -INFINITY;
    for (size_t r = 0; r < pool.size; r++)
        for (size_t s = 0; s < pool.size; s++) {
            ptrdiff_t row = (ptrdiff_t)(y * pool.stride + r) - (ptrdiff_t)pool.pad_top;
            ptrdiff_t column = (ptrdiff_t)(z * pool.stride + s) - (ptrdiff_t)pool.pad_left;
            bool inside = row >= 0 && row < (ptrdiff_t)p->in.height && column >= 0 && column < (ptrdiff_t)p->in.width;
            if (inside) best = fmax(best, x[at(p->in, b, c, (size_t)row, (size_t)column, j)]);
        }
    return best;
}

static void expect_pool(const struct problem *p, const double *x, double *out) {
    const struct shape s = p->out;
    for (size_t k = 0; k < n_values(s); k++) {
        size_t j = k % SM_LANES, pixel = k / SM_LANES, z = pixel % s.width, y = pixel / s.width % s.height;
        size_t c = pixel / (s.width * s.height) % s.channels, b = pixel / (s.width * s.height * s.channels);
        out[k] = exact(p->op->activation, largest(p, x, b, c, y, z, j));
    }
}

/* The rows of the map serve as the two rows of scratch. */
static void rows_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    const size_t n_winners = m->out.channels * m->out.width * SM_LANES; /* of a row */
    for (size_t b = N_BLOCKS; b-- > 0;)
        for (size_t y = 0; y < m->out.height; y++)
            k->pool_rows(pixel_of(&m->out, b, 0, y, 0), winner_of(m, b) + y * n_winners,
                         pixel_of(&m->in, b, 0, 2 * y, 0), pixel_of(&m->in, b, 0, 2 * y + 1, 0), m->out.channels,
                         m->in.channel_stride, m->out.width, m->out.channel_stride, p->op->activation);
}

static void rows_backward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->activation_gradient(&m->out_delta, &m->out, b, p->op->activation);
        k->unpool(&m->in_delta, &m->out_delta, winner_of(m, b), b);
    }
}

static void pool_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    const struct sm_pool pool = pool_of(p);
    for (size_t b = N_BLOCKS; b-- > 0;) k->max_pool(&m->out, winner_of(m, b), &m->in, b, &pool);
}

static void pool_backward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    const struct sm_pool pool = pool_of(p);
    for (size_t b = N_BLOCKS; b-- > 0;)
        k->max_pool_gradient(&m->in_delta, &m->out_delta, winner_of(m, b), b, &pool, false);
}

static struct shape one_pixel(const struct operator* op, struct shape in) {
    (void)op;
    return (struct shape){in.channels, 1, 1};
}

static void expect_average(const struct problem *p, const double *x, double *out) {
    const size_t n_pixels = p->in.height * p->in.width;
    for (size_t k = 0; k < n_values(p->out); k++) {
        const double *image = x + k / SM_LANES * n_pixels * SM_LANES + k % SM_LANES;
        out[k] = 0;
        for (size_t q = 0; q < n_pixels; q++) out[k] += image[q * SM_LANES] / (double)n_pixels;
    }
}

static void average_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    (void)p;
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->average_pool(m->columns, N_BLOCKS * SM_LANES, &m->in, b);
        sm_map_from_columns(&m->out, m->columns, N_BLOCKS * SM_LANES, b);
    }
}

static void average_backward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    (void)p;
    for (size_t b = N_BLOCKS; b-- > 0;) {
        sm_map_to_columns(m->columns, N_BLOCKS * SM_LANES, &m->out_delta, b);
        k->average_pool_gradient(&m->in_delta, m->columns, N_BLOCKS * SM_LANES, b);
    }
}

/* ---- batch norm: gamma and beta are the first values of `second` ---- */

static double gamma_of(const struct problem *p, size_t c) {
    return p->second[c];
}
static double beta_of(const struct problem *p, size_t c) {
    return p->second[p->in.channels + c];
}

static size_t images_in(size_t block) {
    size_t left = N_IMAGES - block * SM_LANES;
    return left < SM_LANES ? left : SM_LANES;
}

/* Sum over the images that count and the pixels of channel c of (x - shift)^power. */
static double power_sum(const struct problem *p, const double *x, size_t c, double shift, double power) {
    double sum = 0;
    for (size_t b = 0; b < N_BLOCKS; b++)
        for (size_t y = 0; y < p->in.height; y++)
            for (size_t z = 0; z < p->in.width; z++)
                for (size_t j = 0; j < images_in(b); j++) sum += pow(x[at(p->in, b, c, y, z, j)] - shift, power);
    return sum;
}

static void expect_norm(const struct problem *p, const double *x, double *out) {
    const struct shape s = p->in;
    const double n = N_IMAGES * (double)(s.height * s.width);
    for (size_t c = 0; c < s.channels; c++) {
        double mean = power_sum(p, x, c, 0, 1) / n, variance = power_sum(p, x, c, mean, 2) / n;
        for (size_t b = 0; b < N_BLOCKS; b++)
            for (size_t q = 0; q < s.height * s.width * SM_LANES; q++) {
                size_t k = at(s, b, c, 0, 0, 0) + q;
                out[k] = gamma_of(p, c) * (x[k] - mean) / sqrt(variance + 1e-3) + beta_of(p, c);
            }
    }
}

static void norm_forward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    const size_t channels = p->in.channels;
    for (size_t c = 0; c < channels; c++) {
        m->norm.gamma[c] = (float)gamma_of(p, c);
        m->norm.beta[c] = (float)beta_of(p, c);
    }
    for (size_t b = N_BLOCKS; b-- > 0;) k->moments(m->sums + b * 2 * channels, &m->in, b, images_in(b));
    sm_batch_norm_use_batch(&m->norm, m->sums, N_BLOCKS, N_IMAGES * p->in.height * p->in.width);
    for (size_t b = N_BLOCKS; b-- > 0;) k->normalize(&m->out, &m->in, b, &m->norm);
}

/* Images that do not count bring a delta that must have no effect. */
static void norm_backward(const struct sm_map_kernels *k, const struct problem *p, struct maps *m) {
    const size_t channels = p->in.channels;
    for (size_t b = N_BLOCKS; b-- > 0;) {
        k->copy(&m->in_delta, &m->out_delta, b);
        for (size_t c = 0; c < channels; c++)
            for (size_t j = images_in(b); j < SM_LANES; j++) pixel_of(&m->in_delta, b, c, 0, 0)[j] = 7;
        k->delta_moments(m->sums + b * 2 * channels, &m->in_delta, &m->in, b, images_in(b), &m->norm);
    }
    sm_batch_norm_backward(&m->norm, m->sums, N_BLOCKS, N_IMAGES * p->in.height * p->in.width);
    for (size_t b = N_BLOCKS; b-- > 0;) k->normalize_gradient(&m->in_delta, &m->in, b, images_in(b), &m->norm);
}

#define ACTIVATION                                                                                                     \
    .out_shape = same_shape, .expect = expect_activation, .forward = activation_forward, .backward = activation_backward
#define SUM .out_shape = same_shape, .expect = expect_sum, .forward = sum_forward, .backward = activation_backward
#define ROWS                                                                                                           \
    .pool = {2, 2, 0, 0}, .out_shape = pooled_shape, .expect = expect_pool, .forward = rows_forward,                   \
    .backward = rows_backward
#define POOL .out_shape = pooled_shape, .expect = expect_pool, .forward = pool_forward, .backward = pool_backward

static const struct operator operators[] = {
    {.name = "linear", .activation = SM_LINEAR, ACTIVATION},
    {.name = "ELU", .activation = SM_ELU, ACTIVATION},
    {.name = "ReLU", .activation = SM_RELU, ACTIVATION},
    {.name = "sum, linear", .activation = SM_LINEAR, SUM},
    {.name = "sum, ELU", .activation = SM_ELU, SUM},
    {.name = "sum, ReLU", .activation = SM_RELU, SUM},
    {.name = "sum in place",
     .activation = SM_ELU,
     .out_shape = same_shape,
     .expect = expect_sum,
     .forward = sum_in_place_forward,
     .backward = activation_backward},
    {.name = "2x2 from rows, linear", .activation = SM_LINEAR, ROWS},
    {.name = "2x2 from rows, ELU", .activation = SM_ELU, ROWS},
    {.name = "2x2 from rows, ReLU", .activation = SM_RELU, ROWS},
    {.name = "pool 1x1", .pool = {1, 1, 0, 0}, POOL},
    {.name = "pool 2x2", .pool = {2, 2, 0, 0}, POOL},
    {.name = "pool 2x2, stride 1", .pool = {2, 1, 0, 0}, POOL},
    {.name = "pool 2x2, same", .pool = {2, 2, 0, 0}, .same = true, POOL},
    {.name = "pool 3x3, stride 1, same", .pool = {3, 1, 0, 0}, .same = true, POOL},
    {.name = "pool 3x3, stride 2", .pool = {3, 2, 0, 0}, POOL},
    {.name = "pool 3x3, stride 2, same", .pool = {3, 2, 0, 0}, .same = true, POOL},
    {.name = "pool 2x2, stride 3", .pool = {2, 3, 0, 0}, POOL},
    {.name = "pool 15x15, stride 1, same", .pool = {15, 1, 0, 0}, .same = true, POOL},
    {.name = "average pool",
     .out_shape = one_pixel,
     .expect = expect_average,
     .forward = average_forward,
     .backward = average_backward},
    {.name = "batch norm",
     .normalizes = true,
     .out_shape = same_shape,
     .expect = expect_norm,
     .forward = norm_forward,
     .backward = norm_backward},
};
enum { N_OPERATORS = sizeof operators / sizeof *operators };

/* ---- each operator on each shape and instruction set ---- */

/* false: the pool does not fit the shape. */
static bool problem_init(struct problem *p, const struct operator* op, struct shape in) {
    *p = (struct problem){.op = op, .in = in, .out = op->out_shape(op, in)};
    if (p->out.channels == 0) return false;
    p->x = grid_values(n_values(in), 0.5, 1);
    p->second = grid_values(n_values(in), 0, 2); /* x + second is on the same grid as x */
    p->weight = grid_values(n_values(p->out), 0.5, 3);
    for (size_t k = 0; op->normalizes && k < n_values(p->out); k++) {
        size_t b = k / (n_values(p->out) / N_BLOCKS);
        if (k % SM_LANES >= images_in(b)) p->weight[k] = 0;
    }
    return true;
}

static void problem_destroy(struct problem *p) {
    free(p->x);
    free(p->second);
    free(p->weight);
}

/* Results start from something else than zeros: what is not written shows. */
static void fill_inside(const struct sm_map *map, float value) {
    for (size_t b = 0; b < N_BLOCKS; b++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t y = 0; y < map->height; y++)
                for (size_t k = 0; k < map->width * SM_LANES; k++) pixel_of(map, b, c, y, 0)[k] = value;
}

static struct maps maps_new(const struct problem *p) {
    struct maps m = {.in = map_new(p->in, 1),
                     .second = map_new(p->in, 0),
                     .out = map_new(p->out, 2),
                     .in_delta = map_new(p->in, 3),
                     .out_delta = map_new(p->out, 1),
                     .winner = check_alloc(n_values(p->out), 1),
                     .columns = check_alloc(N_BLOCKS * SM_LANES * p->in.channels, sizeof(float)),
                     .sums = check_alloc(N_BLOCKS * 2 * p->in.channels, sizeof(double))};
    assert_int_equal(sm_batch_norm_init(&m.norm, p->in.channels), 0);
    visit(&m.in, p->x, true);
    visit(&m.second, p->second, true);
    visit(&m.out_delta, p->weight, true);
    fill_inside(&m.out, 99);
    fill_inside(&m.in_delta, 99);
    return m;
}

static void maps_free(struct maps *m) {
    sm_map_destroy(&m->in);
    sm_map_destroy(&m->second);
    sm_map_destroy(&m->out);
    sm_map_destroy(&m->in_delta);
    sm_map_destroy(&m->out_delta);
    sm_batch_norm_destroy(&m->norm);
    free(m->winner);
    free(m->columns);
    free(m->sums);
}

static double loss(const struct problem *p, const double *x, double *out) {
    double sum = 0;
    p->op->expect(p, x, out);
    for (size_t k = 0; k < n_values(p->out); k++)
        if (p->weight[k] != 0) sum += p->weight[k] * out[k];
    return sum;
}

static double *differences(const struct problem *p) {
    const size_t n = n_values(p->in);
    double *gradient = check_alloc(n, sizeof *gradient), *x = check_alloc(n, sizeof *x);
    double *out = check_alloc(n_values(p->out), sizeof *out);
    memcpy(x, p->x, n * sizeof *x);
    for (size_t k = 0; k < n; k++) {
        x[k] = p->x[k] + STEP;
        double above = loss(p, x, out);
        x[k] = p->x[k] - STEP;
        double below = loss(p, x, out);
        x[k] = p->x[k];
        gradient[k] = (above - below) / (2 * STEP);
    }
    free(x);
    free(out);
    return gradient;
}

/* Values are of the order of 1. */
static void compare(const struct sm_map *map, const double *want, const char *what, const struct problem *p,
                    const char *kernels) {
    const size_t n = n_values(shape_of(map));
    double *got = check_alloc(n, sizeof *got);
    visit(map, got, false);
    for (size_t k = 0; k < n; k++)
        if (!check_within(got[k], want[k], 3e-6 * (1 + fabs(want[k]))))
            fail_msg("%s, %s, %zu x %zu x %zu: %s %zu is %.9g, expected %.9g", kernels, p->op->name, p->in.channels,
                     p->in.height, p->in.width, what, k, got[k], want[k]);
    free(got);
}

static void run(const struct sm_map_kernels *k, const struct problem *p, struct maps *m, const double *out,
                const double *gradient) {
    *m = maps_new(p);
    p->op->forward(k, p, m);
    compare(&m->out, out, "value", p, k->name);
    p->op->backward(k, p, m);
    compare(&m->in_delta, gradient, "gradient", p, k->name);
    assert_halo_zero(&m->in);
    assert_halo_zero(&m->out);
    assert_halo_zero(&m->in_delta);
    assert_halo_zero(&m->out_delta);
}

static void assert_same_bytes(const struct sm_map *a, const struct sm_map *b) {
    assert_memory_equal(a->data, b->data, N_BLOCKS * a->block_stride * sizeof(float));
}

static void check_problem(const struct problem *p) {
    const struct sm_map_kernels *found[3];
    struct maps maps[3];
    size_t n = find_kernels(found);
    double *out = check_alloc(n_values(p->out), sizeof *out), *gradient = differences(p);
    p->op->expect(p, p->x, out);
    for (size_t k = 0; k < n; k++) run(found[k], p, &maps[k], out, gradient);
    if (n == 3) {
        assert_same_bytes(&maps[0].out, &maps[1].out);
        assert_same_bytes(&maps[0].in_delta, &maps[1].in_delta);
        assert_memory_equal(maps[0].winner, maps[1].winner, n_values(p->out));
    }
    for (size_t k = 0; k < n; k++) maps_free(&maps[k]);
    free(out);
    free(gradient);
}

static void every_operator_and_its_gradient(void **state) {
    (void)state;
    static const struct shape shapes[] = {{1, 1, 1}, {3, 4, 4}, {2, 5, 3}, {1, 2, 7}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t o = 0; o < N_OPERATORS; o++) {
            struct problem p;
            if (!problem_init(&p, &operators[o], shapes[s])) continue;
            check_problem(&p);
            problem_destroy(&p);
        }
}

/* ---- what the table above does not reach ---- */

/* Another reader of the map has left its gradient there already. */
static void a_pool_adds_to_a_gradient(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    size_t n = find_kernels(found);
    for (size_t k = 0; k < n; k++) {
        const struct sm_pool pool = {3, 2, 1, 1};
        struct sm_map alone = map_new((struct shape){2, 5, 5}, 1), both = map_new((struct shape){2, 5, 5}, 1);
        struct sm_map pooled = map_new((struct shape){2, 3, 3}, 0);
        uint8_t winner[3 * 2 * 3 * SM_LANES];
        check_fill(alone.data, alone.block_stride, -1, 1, 1); /* as input: the winners */
        found[k]->max_pool(&pooled, winner, &alone, 0, &pool);
        found[k]->max_pool_gradient(&alone, &pooled, winner, 0, &pool, false);
        for (size_t c = 0; c < 2; c++)
            for (size_t y = 0; y < 5; y++)
                for (size_t x = 0; x < 5; x++) pixel_of(&both, 0, c, y, x)[3] = 0.5f;
        found[k]->max_pool_gradient(&both, &pooled, winner, 0, &pool, true);
        for (size_t c = 0; c < 2; c++)
            for (size_t y = 0; y < 5; y++)
                for (size_t x = 0; x < 5; x++)
                    for (size_t j = 0; j < SM_LANES; j++)
                        assert_within(pixel_of(&both, 0, c, y, x)[j],
                                      pixel_of(&alone, 0, c, y, x)[j] + (j == 3 ? 0.5 : 0), 1e-6);
        sm_map_destroy(&alone);
        sm_map_destroy(&both);
        sm_map_destroy(&pooled);
    }
}

/* Windows with equal values, images 0 .. : top left, top right, bottom left, bottom right; who wins. */
static const struct {
    float window[4];
    uint8_t place;
} contests[] = {
    {{1, 1, 1, 1}, 0},     {{0, 2, 2, 2}, 1},   {{0, 1, 2, 2}, 2},   {{2, 1, 2, 1}, 0},         {{-3, -2, -2, -3}, 1},
    {{0, -0.0f, 0, 0}, 0}, {{3, 1, 1, NAN}, 3}, {{NAN, 9, 9, 9}, 0}, {{-1, INFINITY, 0, 1}, 1}, {{-4, -3, -2, -1}, 3},
};
enum { N_CONTESTS = sizeof contests / sizeof *contests };

static void assert_contests(const float *value, const uint8_t *winner) {
    for (size_t j = 0; j < N_CONTESTS; j++) {
        assert_int_equal(winner[j], contests[j].place);
        assert_within(value[j], contests[j].window[contests[j].place], 0);
    }
}

static void the_first_of_equals_wins_and_a_nan(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    const struct sm_pool pool = {2, 2, 0, 0};
    size_t n = find_kernels(found);
    struct sm_map in = map_new((struct shape){1, 2, 2}, 1), out = map_new((struct shape){1, 1, 1}, 1);
    uint8_t winner[SM_LANES];
    for (size_t j = 0; j < N_CONTESTS; j++)
        for (size_t q = 0; q < 4; q++) pixel_of(&in, 0, 0, q / 2, q % 2)[j] = contests[j].window[q];
    for (size_t k = 0; k < n; k++) {
        found[k]->max_pool(&out, winner, &in, 0, &pool);
        assert_contests(pixel_of(&out, 0, 0, 0, 0), winner);
        memset(winner, 9, sizeof winner);
        found[k]->pool_rows(pixel_of(&out, 0, 0, 0, 0), winner, pixel_of(&in, 0, 0, 0, 0), pixel_of(&in, 0, 0, 1, 0), 1,
                            in.channel_stride, 1, out.channel_stride, SM_LINEAR);
        assert_contests(pixel_of(&out, 0, 0, 0, 0), winner);
    }
    sm_map_destroy(&in);
    sm_map_destroy(&out);
}

static void nobody_need_ask_for_winners(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    const struct sm_pool pool = {2, 2, 0, 0};
    size_t n = find_kernels(found);
    for (size_t k = 0; k < n; k++) {
        struct sm_map in = map_new((struct shape){1, 2, 2}, 0), out = map_new((struct shape){1, 1, 1}, 0);
        float *result = pixel_of(&out, 0, 0, 0, 0);
        pixel_of(&in, 0, 0, 1, 0)[5] = 3;
        found[k]->max_pool(&out, NULL, &in, 0, &pool);
        assert_true(result[5] == 3);
        memset(result, 0, SM_LANES * sizeof *result);
        found[k]->pool_rows(result, NULL, pixel_of(&in, 0, 0, 0, 0), pixel_of(&in, 0, 0, 1, 0), 1, in.channel_stride, 1,
                            out.channel_stride, SM_ELU);
        assert_true(result[5] == 3);
        sm_map_destroy(&in);
        sm_map_destroy(&out);
    }
}

/* A convolution's output in scratch: one block that stands for any. */
static void scratch_of_one_block_stands_for_all(void **state) {
    (void)state;
    const struct sm_map_kernels *k = sm_map_kernels_get();
    struct sm_map scratch = map_new((struct shape){1, 2, 2}, 0), pooled = map_new((struct shape){1, 1, 1}, 0);
    const uint8_t winner[SM_LANES] = {3};
    scratch.block_stride = 0;
    pixel_of(&pooled, 1, 0, 0, 0)[0] = 5;
    k->unpool(&scratch, &pooled, winner, 1);
    assert_true(pixel_of(&scratch, 0, 0, 1, 1)[0] == 5);
    assert_true(pixel_of(&scratch, 0, 0, 0, 0)[0] == 0);
    sm_map_destroy(&scratch);
    sm_map_destroy(&pooled);
}

/* The dense layers' kernels and these apply the same activation. */
static void activations_have_the_bytes_of_dense_layers(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    size_t n = find_kernels(found);
    for (size_t k = 0; k < n; k++) {
        const struct sm_kernels *dense = sm_kernels_find(found[k]->name);
        struct sm_map map = map_new((struct shape){1, 1, 64}, 0);
        float *values = check_alloc(map.channel_stride, sizeof *values);
        check_fill(values, map.channel_stride, -100, 4, 5);
        memcpy(map.data, values, map.channel_stride * sizeof *values);
        found[k]->activate(&map, 0, SM_ELU);
        dense->elu(values, map.channel_stride);
        assert_memory_equal(map.data, values, map.channel_stride * sizeof *values);
        sm_map_destroy(&map);
        free(values);
    }
}

/* ---- batch norm ---- */

/* gamma and beta move the loss as their gradients say. */
static void gradients_of_gamma_and_beta(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    size_t n = find_kernels(found);
    struct problem p;
    assert_true(problem_init(&p, &operators[N_OPERATORS - 1], (struct shape){3, 2, 3}));
    double *out = check_alloc(n_values(p.out), sizeof *out);
    for (size_t k = 0; k < n; k++) {
        struct maps m = maps_new(&p);
        norm_forward(found[k], &p, &m);
        norm_backward(found[k], &p, &m);
        for (size_t c = 0; c < 6; c++) {
            double before = p.second[c];
            p.second[c] = before + STEP;
            double above = loss(&p, p.x, out);
            p.second[c] = before - STEP;
            double below = loss(&p, p.x, out);
            p.second[c] = before;
            float got = c < 3 ? m.norm.gamma_gradient[c] : m.norm.beta_gradient[c - 3];
            assert_within(got, (above - below) / (2 * STEP), 1e-5 * (1 + fabs((double)got)));
        }
        maps_free(&m);
    }
    free(out);
    problem_destroy(&p);
}

/* Three values 1, 2, 6 in one block: mean 3, biased variance 14/3. */
static void moving_statistics_by_hand(void **state) {
    (void)state;
    const struct sm_map_kernels *found[3];
    size_t n = find_kernels(found);
    for (size_t k = 0; k < n; k++) {
        struct sm_map map = map_new((struct shape){1, 1, 1}, 1);
        struct sm_batch_norm norm;
        double sums[2];
        assert_int_equal(sm_batch_norm_init(&norm, 1), 0);
        memcpy(pixel_of(&map, 0, 0, 0, 0), (float[]){1, 2, 6, 1000}, 4 * sizeof(float));
        found[k]->moments(sums, &map, 0, 3);
        assert_within(sums[0], 9, 0);
        assert_within(sums[1], 41, 0);
        sm_batch_norm_use_batch(&norm, sums, 1, 3);
        assert_close(norm.mean[0], 3, 1e-7);
        assert_close(norm.inverse_deviation[0], 1 / sqrt(14.0 / 3 + 1e-3), 1e-7);
        assert_close(norm.moving_mean[0], 0.03, 1e-6);
        assert_close(norm.moving_variance[0], 0.99 + 0.01 * 14 / 3, 1e-6);
        norm.gamma[0] = 2;
        norm.beta[0] = -1;
        sm_batch_norm_use_moving(&norm);
        found[k]->normalize(&map, &map, 0, &norm); /* in place */
        double deviation = sqrt(0.99 + 0.01 * 14 / 3 + 1e-3);
        assert_close(pixel_of(&map, 0, 0, 0, 0)[2], 2 * (6 - 0.03) / deviation - 1, 1e-6);
        sm_batch_norm_destroy(&norm);
        sm_map_destroy(&map);
    }
}

/* Far from 0 the squares are large, but the variance is not lost among them. */
static void variance_of_values_far_from_0(void **state) {
    (void)state;
    const struct sm_map_kernels *k = sm_map_kernels_get();
    struct sm_map map = map_new((struct shape){1, 4, 4}, 0);
    struct sm_batch_norm norm;
    double sums[2];
    assert_int_equal(sm_batch_norm_init(&norm, 1), 0);
    for (size_t i = 0; i < map.block_stride; i++) map.data[i] = 4096 + (i % 2 ? 0.25f : -0.25f);
    k->moments(sums, &map, 0, SM_LANES);
    sm_batch_norm_use_batch(&norm, sums, 1, 16 * SM_LANES);
    assert_close(norm.inverse_deviation[0], 1 / sqrt(0.0625 + 1e-3), 1e-6);
    sm_batch_norm_destroy(&norm);
    sm_map_destroy(&map);
}

static void a_new_batch_norm_changes_almost_nothing(void **state) {
    (void)state;
    struct sm_batch_norm norm;
    assert_int_equal(sm_batch_norm_init(&norm, 2), 0);
    for (size_t c = 0; c < 2; c++) {
        assert_true(norm.gamma[c] == 1 && norm.beta[c] == 0 && norm.mean[c] == 0);
        assert_close(norm.inverse_deviation[c], 1 / sqrt(1.001), 1e-7);
    }
    sm_batch_norm_destroy(&norm);
}

static void the_same_set_as_for_dense_layers(void **state) {
    (void)state;
    assert_string_equal(sm_map_kernels_get()->name, sm_kernels_name());
    assert_int_equal(setenv("SUPERMASK_KERNELS", "baseline", 1), 0);
    assert_string_equal(sm_map_kernels_get()->name, "baseline");
    assert_int_equal(unsetenv("SUPERMASK_KERNELS"), 0);
    assert_null(sm_map_kernels_find("none"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_and_its_gradient),
        cmocka_unit_test(a_pool_adds_to_a_gradient),
        cmocka_unit_test(the_first_of_equals_wins_and_a_nan),
        cmocka_unit_test(nobody_need_ask_for_winners),
        cmocka_unit_test(scratch_of_one_block_stands_for_all),
        cmocka_unit_test(activations_have_the_bytes_of_dense_layers),
        cmocka_unit_test(gradients_of_gamma_and_beta),
        cmocka_unit_test(moving_statistics_by_hand),
        cmocka_unit_test(variance_of_values_far_from_0),
        cmocka_unit_test(a_new_batch_norm_changes_almost_nothing),
        cmocka_unit_test(the_same_set_as_for_dense_layers),
    };
    return cmocka_run_group_tests(tests, say_what_is_not_tested, NULL);
}
