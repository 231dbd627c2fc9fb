/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels_map.c - the operators of map_ops.h, compiled once for each instruction set with -DSM_ISA=NAME.
 *
 * A pixel is SM_LANES floats, PARTS vectors; a row of one channel is width pixels in one piece. Sums run in a fixed
 * order for each image apart: the width of the vectors cannot change a result. */
#include <supermask/map_ops.h>

#include <string.h>

#include "lib/kernels_activation.h"
#include "lib/kernels_vector.h"

#define PARTS (SM_LANES / V)

INLINE float *row_of(const struct sm_map *map, size_t block, size_t c, size_t y) {
    return sm_map_at(map, block, c, (ptrdiff_t)y, 0);
}

/* ---- one value from the values of the same place ---- */

static void activate(const struct sm_map *map, size_t block, enum sm_activation activation) {
    const size_t n = map->width * SM_LANES;
    for (size_t y = 0; y < map->height; y++)
        for (size_t c = 0; c < map->channels; c++) {
            float *row = row_of(map, block, c, y);
            for (size_t i = 0; i < n; i += V) store(row + i, activation_of(load(row + i), activation));
        }
}

static void activation_gradient(const struct sm_map *delta, const struct sm_map *map, size_t block,
                                enum sm_activation activation) {
    const size_t n = map->width * SM_LANES;
    for (size_t y = 0; y < map->height; y++)
        for (size_t c = 0; c < map->channels; c++) {
            float *d = row_of(delta, block, c, y);
            const float *row = row_of(map, block, c, y);
            for (size_t i = 0; i < n; i += V)
                store(d + i, activation_gradient_of(load(d + i), load(row + i), activation));
        }
}

static void add(const struct sm_map *out, const struct sm_map *a, const struct sm_map *b, size_t block,
                enum sm_activation activation) {
    const size_t n = out->width * SM_LANES;
    for (size_t y = 0; y < out->height; y++)
        for (size_t c = 0; c < out->channels; c++) {
            float *row = row_of(out, block, c, y);
            const float *p = row_of(a, block, c, y), *q = row_of(b, block, c, y);
            for (size_t i = 0; i < n; i += V) store(row + i, activation_of(load(p + i) + load(q + i), activation));
        }
}

static void copy(const struct sm_map *to, const struct sm_map *from, size_t block) {
    for (size_t y = 0; y < to->height; y++)
        for (size_t c = 0; c < to->channels; c++)
            memcpy(row_of(to, block, c, y), row_of(from, block, c, y), to->width * SM_LANES * sizeof(float));
}

static void accumulate(const struct sm_map *to, const struct sm_map *from, size_t block) {
    add(to, to, from, block, SM_LINEAR);
}

/* ---- max pools ---- */

/* The largest value so far and its place. */
struct winner {
    vector value;
    vector_int place;
};

INLINE struct winner contest(struct winner best, vector x, int32_t place) {
    vector_int wins = (x > best.value) | (x != x);
    return (struct winner){choose(wins, x, best.value), (best.place & ~wins) | (wins & place)};
}

INLINE void store_places(uint8_t *p, vector_int places) {
    *(vector_ubyte *)p = __builtin_convertvector(places, vector_ubyte);
}
INLINE vector_int load_places(const uint8_t *p) {
    return __builtin_convertvector(*(const vector_ubyte *)p, vector_int);
}
/* The deltas of the images in which `place` won, 0 for the others. */
INLINE vector won(vector delta, vector_int winner, int32_t place) {
    return (vector)((vector_int)delta & (winner == place));
}

static void pool_rows(float *out, uint8_t *winner, const float *row0, const float *row1, size_t channels,
                      size_t in_channel_stride, size_t n_columns, size_t out_channel_stride,
                      enum sm_activation activation) {
    const size_t n = n_columns * SM_LANES;
    for (size_t c = 0; c < channels; c++) {
        const float *top = row0 + c * in_channel_stride, *bottom = row1 + c * in_channel_stride;
        float *row = out + c * out_channel_stride;
        for (size_t i = 0; i < n; i += V) {
            size_t left = i + i / SM_LANES * SM_LANES, right = left + SM_LANES;
            struct winner best = {load(top + left), {0}};
            best = contest(best, load(top + right), 1);
            best = contest(best, load(bottom + left), 2);
            best = contest(best, load(bottom + right), 3);
            store(row + i, activation_of(best.value, activation));
            if (winner) store_places(winner + c * n + i, best.place);
        }
    }
}

/* Two rows of one channel, [columns of the convolution][SM_LANES], from one of the pooled map. */
INLINE void unpool_row(float *top, float *bottom, const float *pooled, const uint8_t *winner, size_t n_columns) {
    for (size_t i = 0; i < n_columns * SM_LANES; i += V) {
        size_t left = i + i / SM_LANES * SM_LANES, right = left + SM_LANES;
        vector d = load(pooled + i);
        vector_int place = load_places(winner + i);
        store(top + left, won(d, place, 0));
        store(top + right, won(d, place, 1));
        store(bottom + left, won(d, place, 2));
        store(bottom + right, won(d, place, 3));
    }
}

/* What lies behind the last whole window of an odd width or height. */
static void clear_remainder(const struct sm_map *map, size_t block, size_t n_rows, size_t n_columns) {
    for (size_t y = 0; y < map->height; y++)
        for (size_t c = 0; c < map->channels; c++) {
            size_t first = y < n_rows ? n_columns : 0;
            float *row = row_of(map, block, c, y) + first * SM_LANES;
            memset(row, 0, (map->width - first) * SM_LANES * sizeof *row);
        }
}

static void unpool(const struct sm_map *delta, const struct sm_map *pooled, const uint8_t *winner, size_t block) {
    for (size_t y = 0; y < pooled->height; y++)
        for (size_t c = 0; c < pooled->channels; c++, winner += pooled->width * SM_LANES)
            unpool_row(row_of(delta, block, c, 2 * y), row_of(delta, block, c, 2 * y + 1), row_of(pooled, block, c, y),
                       winner, pooled->width);
    bool whole = delta->height == 2 * pooled->height && delta->width == 2 * pooled->width;
    if (!whole) clear_remainder(delta, block, 2 * pooled->height, 2 * pooled->width);
}

struct range {
    size_t first, last; /* last is excluded */
};

/* The places of window number `at` along one axis that lie inside the map's n pixels. */
INLINE struct range places_inside(size_t at, size_t pad, size_t n, const struct sm_pool *pool) {
    size_t start = at * pool->stride; /* of the window, in pixels of the padded map */
    size_t end = pad + n - start;
    return (struct range){start < pad ? pad - start : 0, end < pool->size ? end : pool->size};
}

/* The windows, of n_windows along one axis, that hold pixel number `at`. */
INLINE struct range windows_around(size_t at, size_t pad, size_t n_windows, const struct sm_pool *pool) {
    size_t pixel = at + pad; /* of the padded map */
    size_t last = pixel / pool->stride + 1;
    size_t first = pixel < pool->size ? 0 : (pixel - pool->size) / pool->stride + 1;
    return (struct range){first, last < n_windows ? last : n_windows};
}

/* Part of one window: from the pixel at its first place (r.first, s.first). */
INLINE struct winner window_winner(const float *pixel, size_t row_stride, struct range r, struct range s, size_t size) {
    struct winner best = {load(pixel), (vector_int){0} + (int32_t)(r.first * size + s.first)};
    for (size_t i = r.first; i < r.last; i++, pixel += row_stride)
        for (size_t j = s.first; j < s.last; j++)
            best = contest(best, load(pixel + (j - s.first) * SM_LANES), (int32_t)(i * size + j));
    return best;
}

static void max_pool(const struct sm_map *out, uint8_t *winner, const struct sm_map *in, size_t block,
                     const struct sm_pool *pool) {
    const struct sm_pool p = *pool;
    for (size_t y = 0; y < out->height; y++)
        for (size_t c = 0; c < out->channels; c++) {
            struct range r = places_inside(y, p.pad_top, in->height, &p);
            const float *rows = row_of(in, block, c, y * p.stride + r.first - p.pad_top);
            float *row = row_of(out, block, c, y);
            for (size_t i = 0; i < out->width * SM_LANES; i += V) {
                size_t x = i / SM_LANES, part = i % SM_LANES;
                struct range s = places_inside(x, p.pad_left, in->width, &p);
                const float *pixel = rows + (x * p.stride + s.first - p.pad_left) * SM_LANES + part;
                struct winner best = window_winner(pixel, in->row_stride, r, s, p.size);
                store(row + i, best.value);
                if (winner) store_places(winner + ((y * out->channels + c) * out->width) * SM_LANES + i, best.place);
            }
        }
}

/* Part of one pixel of the input: what it won in the windows [rows][columns] around it. */
INLINE vector pixel_won(vector sum, const struct sm_map *out_delta, const uint8_t *winner, size_t block, size_t c,
                        size_t y, struct range rows, size_t x, struct range columns, size_t part,
                        const struct sm_pool *pool) {
    for (size_t i = rows.first; i < rows.last; i++) {
        const float *d = row_of(out_delta, block, c, i) + part;
        const uint8_t *w = winner + (i * out_delta->channels + c) * out_delta->width * SM_LANES + part;
        size_t r = y + pool->pad_top - i * pool->stride;
        for (size_t j = columns.first; j < columns.last; j++) {
            size_t s = x + pool->pad_left - j * pool->stride;
            sum += won(load(d + j * SM_LANES), load_places(w + j * SM_LANES), (int32_t)(r * pool->size + s));
        }
    }
    return sum;
}

static void max_pool_gradient(const struct sm_map *in_delta, const struct sm_map *out_delta, const uint8_t *winner,
                              size_t block, const struct sm_pool *pool, bool accumulate_them) {
    const struct sm_pool p = *pool;
    const struct sm_map out = *out_delta;
    for (size_t y = 0; y < in_delta->height; y++)
        for (size_t c = 0; c < in_delta->channels; c++) {
            struct range rows = windows_around(y, p.pad_top, out.height, &p);
            float *row = row_of(in_delta, block, c, y);
            for (size_t i = 0; i < in_delta->width * SM_LANES; i += V) {
                size_t x = i / SM_LANES, part = i % SM_LANES;
                struct range columns = windows_around(x, p.pad_left, out.width, &p);
                vector before = accumulate_them ? load(row + i) : (vector){0};
                store(row + i, pixel_won(before, &out, winner, block, c, y, rows, x, columns, part, &p));
            }
        }
}

/* ---- global average pool ---- */

static void average_pool(float *columns, size_t image_stride, const struct sm_map *map, size_t block) {
    const float n_pixels = (float)(map->height * map->width);
    for (size_t c = 0; c < map->channels; c++) {
        vector sum[PARTS] = {{0}};
        for (size_t y = 0; y < map->height; y++) {
            const float *pixel = row_of(map, block, c, y);
            for (size_t x = 0; x < map->width; x++, pixel += SM_LANES) {
                UNROLL
                for (size_t v = 0; v < PARTS; v++) sum[v] += load(pixel + v * V);
            }
        }
        float *column = columns + c * image_stride + block * SM_LANES;
        UNROLL
        for (size_t v = 0; v < PARTS; v++) store(column + v * V, sum[v] / n_pixels);
    }
}

static void average_pool_gradient(const struct sm_map *delta, const float *columns, size_t image_stride, size_t block) {
    const float n_pixels = (float)(delta->height * delta->width);
    for (size_t y = 0; y < delta->height; y++)
        for (size_t c = 0; c < delta->channels; c++) {
            const float *column = columns + c * image_stride + block * SM_LANES;
            float *row = row_of(delta, block, c, y);
            for (size_t i = 0; i < delta->width * SM_LANES; i += V)
                store(row + i, load(column + i % SM_LANES) / n_pixels);
        }
}

/* ---- batch norm ---- */

/* Sums are of doubles, in vectors of as many bytes as `vector` has: D = V / 2 values. The product of two floats is
 * exact in a double, so that no instruction set rounds these sums in another way. */
#define D (V / 2)
#define DOUBLE_PARTS (SM_LANES / D)
typedef float vector_half __attribute__((vector_size(D * 4), aligned(4), may_alias));
typedef double vector_double __attribute__((vector_size(D * 8), aligned(8), may_alias));

INLINE vector_half load_half(const float *p) {
    return *(const vector_half *)p;
}
INLINE vector_double widen(vector_half x) {
    return __builtin_convertvector(x, vector_double);
}

/* The first n_images of the lanes' sums, in their order. */
INLINE double sum_of_images(const vector_double lanes[DOUBLE_PARTS], size_t n_images) {
    double sum = 0;
    for (size_t j = 0; j < n_images; j++) sum += lanes[j / D][j % D];
    return sum;
}

static void moments(double *sums, const struct sm_map *x, size_t block, size_t n_images) {
    for (size_t c = 0; c < x->channels; c++) {
        vector_double sum[DOUBLE_PARTS] = {{0}}, squares[DOUBLE_PARTS] = {{0}};
        for (size_t y = 0; y < x->height; y++) {
            const float *row = row_of(x, block, c, y), *end = row + x->width * SM_LANES;
            for (const float *pixel = row; pixel < end; pixel += SM_LANES) {
                UNROLL
                for (size_t v = 0; v < DOUBLE_PARTS; v++) {
                    vector_double value = widen(load_half(pixel + v * D));
                    sum[v] += value;
                    squares[v] += value * value;
                }
            }
        }
        sums[c] = sum_of_images(sum, n_images);
        sums[x->channels + c] = sum_of_images(squares, n_images);
    }
}

static void normalize(const struct sm_map *y, const struct sm_map *x, size_t block, const struct sm_batch_norm *norm) {
    for (size_t h = 0; h < x->height; h++)
        for (size_t c = 0; c < x->channels; c++) {
            const float mean = norm->mean[c], scale = norm->gamma[c] * norm->inverse_deviation[c], beta = norm->beta[c];
            const float *in = row_of(x, block, c, h);
            float *out = row_of(y, block, c, h);
            for (size_t i = 0; i < x->width * SM_LANES; i += V) store(out + i, (load(in + i) - mean) * scale + beta);
        }
}

static void delta_moments(double *sums, const struct sm_map *delta, const struct sm_map *x, size_t block,
                          size_t n_images, const struct sm_batch_norm *norm) {
    for (size_t c = 0; c < x->channels; c++) {
        const float mean = norm->mean[c], inverse = norm->inverse_deviation[c];
        vector_double sum[DOUBLE_PARTS] = {{0}}, by_xhat[DOUBLE_PARTS] = {{0}};
        for (size_t y = 0; y < x->height; y++) {
            const float *in = row_of(x, block, c, y), *d = row_of(delta, block, c, y);
            for (size_t i = 0; i < x->width * SM_LANES; i += SM_LANES) {
                UNROLL
                for (size_t v = 0; v < DOUBLE_PARTS; v++) {
                    vector_half xhat = (load_half(in + i + v * D) - mean) * inverse;
                    vector_double dy = widen(load_half(d + i + v * D));
                    sum[v] += dy;
                    by_xhat[v] += dy * widen(xhat);
                }
            }
        }
        sums[c] = sum_of_images(sum, n_images);
        sums[x->channels + c] = sum_of_images(by_xhat, n_images);
    }
}

static void normalize_gradient(const struct sm_map *delta, const struct sm_map *x, size_t block, size_t n_images,
                               const struct sm_batch_norm *norm) {
    vector_int counts[PARTS];
    for (size_t j = 0; j < SM_LANES; j++) counts[j / V][j % V] = j < n_images ? -1 : 0;
    for (size_t y = 0; y < x->height; y++)
        for (size_t c = 0; c < x->channels; c++) {
            const float mean = norm->mean[c], inverse = norm->inverse_deviation[c], scale = norm->gamma[c] * inverse;
            const float mean_delta = norm->mean_delta[c], mean_by_xhat = norm->mean_delta_by_xhat[c];
            const float *in = row_of(x, block, c, y);
            float *d = row_of(delta, block, c, y);
            for (size_t i = 0; i < x->width * SM_LANES; i += SM_LANES) {
                UNROLL
                for (size_t v = 0; v < PARTS; v++) {
                    vector xhat = (load(in + i + v * V) - mean) * inverse;
                    vector dx = (load(d + i + v * V) - mean_delta - xhat * mean_by_xhat) * scale;
                    store(d + i + v * V, choose(counts[v], dx, (vector){0}));
                }
            }
        }
}

extern const struct sm_map_kernels JOIN(sm_map_kernels_, SM_ISA);
const struct sm_map_kernels JOIN(sm_map_kernels_, SM_ISA) = {
    .name = TEXT(SM_ISA),
    .activate = activate,
    .activation_gradient = activation_gradient,
    .add = add,
    .copy = copy,
    .accumulate = accumulate,
    .pool_rows = pool_rows,
    .unpool = unpool,
    .max_pool = max_pool,
    .max_pool_gradient = max_pool_gradient,
    .average_pool = average_pool,
    .average_pool_gradient = average_pool_gradient,
    .moments = moments,
    .normalize = normalize,
    .delta_moments = delta_moments,
    .normalize_gradient = normalize_gradient,
};
