/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digits.c - the built-in data set: one hand-like variation of a glyph for each sample. It is one data set, as MNIST
 * is: the seed is part of its definition and no option changes it. */
#include "datasets/digits.h"
#include "datasets/load.h"
#include "datasets/source.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <supermask/rng.h>

SM_NO_FUSED_PRODUCTS

#define DIGITS_SEED 28
#define CENTRE ((SM_DIGITS_SIDE - 1) / 2.0)
#define MAX_EXTENT 20.0 /* pixels: as in MNIST, the pen's path stays in a box of about 20 x 20 */

/* Streams: samples count up from 0 over both splits, the orders of the labels from the top. */
enum { TRAIN_ORDER = INT32_MAX, TEST_ORDER = INT32_MAX - 1 };

/* A sample's own sequence of random values. C leaves the order of calls within an expression open, so each value that
 * is drawn gets a statement or a declarator of its own. */
struct hand {
    struct sm_rng rng;
    uint64_t next;
};

static double uniform(struct hand *hand) {
    return sm_rng_uniform(&hand->rng, hand->next++);
}

static double between(struct hand *hand, double low, double high) {
    return low + (high - low) * uniform(hand);
}

/* Mean 0, the given standard deviation, never beyond 3.5 of them: a centred sum of four uniforms (variance 4/12). */
static double bell(struct hand *hand, double sd) {
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += uniform(hand);
    return sd * sqrt(3.0) * (sum - 2);
}

static const struct sm_glyph *choose_glyph(struct hand *hand, unsigned label) {
    const struct sm_digit *digit = sm_digit_glyphs(label);
    double pick = 100 * uniform(hand);
    size_t g = 0;
    for (double below = digit->glyphs[0].percent; pick >= below && g + 1 < digit->n_glyphs;)
        below += digit->glyphs[++g].percent;
    return &digit->glyphs[g];
}

/* Each point is a little off, and the whole figure bows and widens smoothly (a quadratic warp about its middle). */
static void bend(struct sm_point *at, const struct sm_glyph *glyph, struct hand *hand) {
    double wobble = between(hand, .010, .036);
    double bow_x = bell(hand, .24), bow_y = bell(hand, .16), widen = bell(hand, .32), tilt = bell(hand, .22);
    for (size_t i = 0; i < glyph->n_points; i++) {
        double u = glyph->points[i].x - .5 + bell(hand, wobble), v = glyph->points[i].y - .5 + bell(hand, wobble);
        at[i].x = u + bow_x * v * v + widen * u * v;
        at[i].y = v + bow_y * u * u + tilt * u * v;
    }
}

/* Scale, slant (people lean to the right) and rotation. With h = tan(angle/2) the rotation needs no sine. */
static void write_slanted(struct sm_point *at, size_t n, struct hand *hand) {
    double height = 18 + bell(hand, 1.6), width = height * (1.05 + bell(hand, .17));
    double slant = .12 + bell(hand, .20), h = bell(hand, .06);
    double c = (1 - h * h) / (1 + h * h), s = 2 * h / (1 + h * h);
    for (size_t i = 0; i < n; i++) {
        double x = width * at[i].x - slant * height * at[i].y, y = height * at[i].y;
        at[i] = (struct sm_point){c * x - s * y, s * x + c * y};
    }
}

/* Shrinks what would be too large and puts the middle of the bounding box near the middle of the image. */
static void place(struct sm_point *at, size_t n, struct hand *hand) {
    struct sm_point low = at[0], high = at[0];
    for (size_t i = 1; i < n; i++) {
        low = (struct sm_point){fmin(low.x, at[i].x), fmin(low.y, at[i].y)};
        high = (struct sm_point){fmax(high.x, at[i].x), fmax(high.y, at[i].y)};
    }
    double extent = fmax(high.x - low.x, high.y - low.y), shrink = extent > MAX_EXTENT ? MAX_EXTENT / extent : 1;
    double x = CENTRE + bell(hand, .8), y = CENTRE + bell(hand, .8);
    for (size_t i = 0; i < n; i++) {
        at[i].x = x + shrink * (at[i].x - (low.x + high.x) / 2);
        at[i].y = y + shrink * (at[i].y - (low.y + high.y) / 2);
    }
}

/* Ink of a pixel with a share of its four neighbours' mixed in: a slight blur. */
static double blurred(double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], size_t y, size_t x, double share) {
    const size_t end = SM_DIGITS_SIDE - 1;
    double around = (y > 0 ? ink[y - 1][x] : 0) + (y < end ? ink[y + 1][x] : 0) + (x > 0 ? ink[y][x - 1] : 0) +
                    (x < end ? ink[y][x + 1] : 0);
    return (1 - share) * ink[y][x] + share * around / 4;
}

/* Blur, the ink's strength and its grain, then bytes; paper without ink stays exactly 0, as in MNIST. */
static void expose(uint8_t *image, double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], struct hand *hand) {
    double share = between(hand, .0, .25), strength = between(hand, .9, 1.4), grain = between(hand, .02, .22);
    for (size_t y = 0; y < SM_DIGITS_SIDE; y++)
        for (size_t x = 0; x < SM_DIGITS_SIDE; x++) {
            size_t pixel = y * SM_DIGITS_SIDE + x;
            double v = 255 * strength * blurred(ink, y, x, share);
            if (v > 0) v *= 1 - grain * sm_rng_uniform(&hand->rng, hand->next + pixel);
            image[pixel] = v > 255 ? 255 : (uint8_t)(v + 0.5);
        }
}

static struct sm_pen choose_pen(struct hand *hand) {
    struct sm_pen pen;
    pen.radius = between(hand, .8, 1.6);
    pen.softness = between(hand, .8, 1.3);
    pen.pressure = bell(hand, .15);
    return pen;
}

static void draw_sample(uint8_t *image, unsigned label, uint32_t sample) {
    struct hand hand = {.rng = sm_rng_make(DIGITS_SEED, SM_RNG_DIGITS, sample)};
    const struct sm_glyph *glyph = choose_glyph(&hand, label);
    struct sm_point at[SM_GLYPH_MAX_POINTS];
    assert(glyph->n_points <= SM_GLYPH_MAX_POINTS);
    bend(at, glyph, &hand);
    write_slanted(at, glyph->n_points, &hand);
    place(at, glyph->n_points, &hand);
    struct sm_pen pen = choose_pen(&hand);
    double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE] = {{0}};
    sm_pen_draw(ink, glyph, at, &pen);
    expose(image, ink, &hand);
}

/* Equally many of each class, in random order. */
static int order_labels(struct sm_split *split, uint32_t stream) {
    uint32_t *order = malloc(split->n * sizeof *order);
    if (order == NULL) return -1;
    struct sm_rng rng = sm_rng_make(DIGITS_SEED, SM_RNG_DIGITS, stream);
    sm_rng_permutation(&rng, order, split->n);
    for (size_t i = 0; i < split->n; i++) split->labels[i] = (uint8_t)(order[i] % SM_DIGITS_CLASSES);
    free(order);
    return 0;
}

static int fill_split(struct sm_split *split, size_t n, uint32_t order_stream, uint32_t first_sample) {
    const size_t pixels = (size_t)SM_DIGITS_SIDE * SM_DIGITS_SIDE;
    *split = (struct sm_split){.n = n, .images = malloc(n * pixels), .labels = malloc(n)};
    if (split->images == NULL || split->labels == NULL || order_labels(split, order_stream) != 0) return -1;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        draw_sample(split->images + i * pixels, split->labels[i], first_sample + (uint32_t)i);
    return 0;
}

static void set_checksum(struct sm_dataset *data) {
    const size_t pixels = (size_t)SM_DIGITS_SIDE * SM_DIGITS_SIDE;
    const struct sm_bytes parts[] = {{data->train.images, data->train.n * pixels},
                                     {data->train.labels, data->train.n},
                                     {data->test.images, data->test.n * pixels},
                                     {data->test.labels, data->test.n}};
    sm_sha256_hex(data->sha256, parts, sizeof parts / sizeof parts[0]);
}

int sm_digits_load(struct sm_dataset *data, const char *directory, struct sm_error *err) {
    (void)directory;
    if (fill_split(&data->train, SM_DIGITS_TRAIN, TRAIN_ORDER, 0) != 0 ||
        fill_split(&data->test, SM_DIGITS_TEST, TEST_ORDER, SM_DIGITS_TRAIN) != 0)
        return sm_fail(err, "data set digits: out of memory for 12,000 images");
    set_checksum(data);
    return 0;
}
