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

/* Zeros where the row is behind the first n_rows or the column behind the first n_columns. */
static void clear_behind(const struct sm_map *map, size_t block, size_t n_rows, size_t n_columns) {
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
    if (!whole) clear_behind(delta, block, 2 * pooled->height, 2 * pooled->width);
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

/* The part of a window that lies inside the map: rows and columns of it, and where the first of them is in the map. */
struct window {
    struct range rows, columns;
    size_t y, x;
};

INLINE struct window window_at(size_t y, size_t x, const struct sm_map *map, const struct sm_pool *pool) {
    struct range rows = places_inside(y, pool->pad_top, map->height, pool);
    struct range columns = places_inside(x, pool->pad_left, map->width, pool);
    return (struct window){rows, columns, y * pool->stride + rows.first - pool->pad_top,
                           x * pool->stride + columns.first - pool->pad_left};
}

/* pixel: the first of the window, channels of a row lie side by side, rows row_stride floats apart. */
INLINE void find_winner(struct winner best[PARTS], const float *pixel, size_t row_stride, struct window w,
                        size_t size) {
    UNROLL
    for (size_t v = 0; v < PARTS; v++)
        best[v] =
            (struct winner){load(pixel + v * V), (vector_int){0} + (int32_t)(w.rows.first * size + w.columns.first)};
    for (size_t r = w.rows.first; r < w.rows.last; r++, pixel += row_stride)
        for (size_t s = w.columns.first; s < w.columns.last; s++) {
            const float *x = pixel + (s - w.columns.first) * SM_LANES;
            UNROLL
            for (size_t v = 0; v < PARTS; v++) best[v] = contest(best[v], load(x + v * V), (int32_t)(r * size + s));
        }
}

static void max_pool(const struct sm_map *out, uint8_t *winner, const struct sm_map *in, size_t block,
                     const struct sm_pool *pool) {
    const struct sm_map from = *in, to = *out;
    const struct sm_pool p = *pool;
    for (size_t y = 0; y < to.height; y++)
        for (size_t c = 0; c < to.channels; c++)
            for (size_t x = 0; x < to.width; x++) {
                struct window w = window_at(y, x, &from, &p);
                struct winner best[PARTS];
                find_winner(best, row_of(&from, block, c, w.y) + w.x * SM_LANES, from.row_stride, w, p.size);
                float *pixel = row_of(&to, block, c, y) + x * SM_LANES;
                uint8_t *places = winner ? winner + ((y * to.channels + c) * to.width + x) * SM_LANES : NULL;
                UNROLL
                for (size_t v = 0; v < PARTS; v++) {
                    store(pixel + v * V, best[v].value);
                    if (places) store_places(places + v * V, best[v].place);
                }
            }
}

/* Every pixel of the window gets the deltas of the images in which it won. */
INLINE void give_to_winner(float *pixel, size_t row_stride, struct window w, size_t size, const float *delta,
                           const uint8_t *winner) {
    vector d[PARTS];
    vector_int place[PARTS];
    UNROLL
    for (size_t v = 0; v < PARTS; v++) {
        d[v] = load(delta + v * V);
        place[v] = load_places(winner + v * V);
    }
    for (size_t r = w.rows.first; r < w.rows.last; r++, pixel += row_stride)
        for (size_t s = w.columns.first; s < w.columns.last; s++) {
            float *x = pixel + (s - w.columns.first) * SM_LANES;
            UNROLL
            for (size_t v = 0; v < PARTS; v++)
                store(x + v * V, load(x + v * V) + won(d[v], place[v], (int32_t)(r * size + s)));
        }
}

static void max_pool_gradient(const struct sm_map *in_delta, const struct sm_map *out_delta, const uint8_t *winner,
                              size_t block, const struct sm_pool *pool, bool accumulates) {
    const struct sm_map to = *in_delta, from = *out_delta;
    const struct sm_pool p = *pool;
    if (!accumulates) clear_behind(&to, block, 0, 0);
    for (size_t y = 0; y < from.height; y++)
        for (size_t c = 0; c < from.channels; c++)
            for (size_t x = 0; x < from.width; x++, winner += SM_LANES) {
                struct window w = window_at(y, x, &to, &p);
                give_to_winner(row_of(&to, block, c, w.y) + w.x * SM_LANES, to.row_stride, w, p.size,
                               row_of(&from, block, c, y) + x * SM_LANES, winner);
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
