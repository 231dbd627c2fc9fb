/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built-in digits: always the same bytes, balanced, no two pictures alike, and pictures of what the labels say. */
#include "datasets/digits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <omp.h>
#include <supermask/dataset.h>

enum { SIDE = SM_DIGITS_SIDE, PIXELS = SIDE * SIDE };

/* What the data set is, written down so that every machine and every version can be held to it. */
#define PUBLISHED_SHA256 "446badc354fbd920aca12c87a0938eb23121ff29da553e2289dd1ec52ff63e7e"

static void load(struct sm_dataset *data) {
    struct sm_error err = {""};
    if (sm_dataset_load(data, "digits", NULL, &err) != 0) fail_msg("%s", err.text);
}

static int setup(void **state) {
    struct sm_dataset *data = malloc(sizeof *data);
    if (data == NULL) return -1;
    load(data);
    *state = data;
    return 0;
}

static int teardown(void **state) {
    sm_dataset_destroy(*state);
    free(*state);
    return 0;
}

static void shape_is_as_announced(void **state) {
    const struct sm_dataset *data = *state;
    struct sm_dataset_shape shape;
    struct sm_error err = {""};
    assert_int_equal(sm_dataset_shape(&shape, "digits", &err), 0);
    assert_int_equal(data->train.n, 10000);
    assert_int_equal(data->test.n, 2000);
    assert_int_equal(shape.n_train, data->train.n);
    assert_int_equal(shape.n_test, data->test.n);
    assert_int_equal(shape.channels * shape.height * shape.width, PIXELS);
    assert_int_equal(data->channels * data->height * data->width, PIXELS);
    assert_int_equal(data->n_classes, 10);
}

static void assert_balanced(const struct sm_split *split) {
    size_t counts[10] = {0};
    for (size_t i = 0; i < split->n; i++) {
        assert_in_range(split->labels[i], 0, 9);
        counts[split->labels[i]]++;
    }
    for (size_t k = 0; k < 10; k++) assert_int_equal(counts[k], split->n / 10);
}

static void classes_are_balanced(void **state) {
    const struct sm_dataset *data = *state;
    assert_balanced(&data->train);
    assert_balanced(&data->test);
}

/* In random order the neighbour has the same label in (n/10 - 1)/(n - 1) of the cases; 5 standard deviations. */
static void labels_are_in_random_order(void **state) {
    const struct sm_split *train = &((const struct sm_dataset *)*state)->train;
    for (size_t lag = 1; lag <= 10; lag++) {
        size_t same = 0;
        for (size_t i = lag; i < train->n; i++) same += train->labels[i] == train->labels[i - lag];
        assert_in_range(same, 1000 - 150, 1000 + 150);
    }
}

static void thread_count_changes_nothing(void **state) {
    const struct sm_dataset *data = *state;
    const int before = omp_get_max_threads();
    for (int threads = 1; threads <= 5; threads += 2) {
        struct sm_dataset again;
        omp_set_num_threads(threads);
        load(&again);
        assert_string_equal(again.sha256, data->sha256);
        assert_memory_equal(again.train.images, data->train.images, data->train.n * PIXELS);
        assert_memory_equal(again.test.images, data->test.images, data->test.n * PIXELS);
        assert_memory_equal(again.train.labels, data->train.labels, data->train.n);
        sm_dataset_destroy(&again);
    }
    omp_set_num_threads(before);
}

static void checksum_is_the_published_one(void **state) {
    assert_string_equal(((const struct sm_dataset *)*state)->sha256, PUBLISHED_SHA256);
}

static void write_bytes(FILE *out, const struct sm_split *split) {
    assert_int_equal(fwrite(split->images, PIXELS, split->n, out), split->n);
    assert_int_equal(fwrite(split->labels, 1, split->n, out), split->n);
}

static void checksum_agrees_with_hashlib(void **state) {
    const struct sm_dataset *data = *state;
    char path[] = "/tmp/supermask-digits-XXXXXX", command[256], hex[65] = "";
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");
    assert_non_null(out);
    write_bytes(out, &data->train);
    write_bytes(out, &data->test);
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"import hashlib; print(hashlib.sha256(open('%s','rb').read()).hexdigest())\"", path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%64s ", hex), 1);
    assert_int_equal(pclose(in), 0);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(data->sha256, hex);
}

/* White paper, dark ink: between 2 and 50 % of the pixels carry ink, some of them much, and the corners none. */
static void assert_looks_written(const uint8_t *image) {
    size_t inked = 0;
    unsigned darkest = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        inked += image[i] > 0;
        if (image[i] > darkest) darkest = image[i];
    }
    assert_in_range(inked, PIXELS / 50, PIXELS / 2);
    assert_in_range(darkest, 120, 255);
    assert_int_equal(image[0] + image[SIDE - 1] + image[PIXELS - SIDE] + image[PIXELS - 1], 0);
}

static void no_image_is_blank_or_smeared(void **state) {
    const struct sm_dataset *data = *state;
    for (size_t i = 0; i < data->train.n; i++) assert_looks_written(data->train.images + i * PIXELS);
    for (size_t i = 0; i < data->test.n; i++) assert_looks_written(data->test.images + i * PIXELS);
}

static int compare_images(const void *a, const void *b) {
    return memcmp(*(uint8_t *const *)a, *(uint8_t *const *)b, PIXELS);
}

/* Stronger than train and test being disjoint: no two of the 12,000 images are equal. */
static void all_images_differ(void **state) {
    const struct sm_dataset *data = *state;
    const size_t n = data->train.n + data->test.n;
    const uint8_t **images = malloc(n * sizeof *images);
    assert_non_null(images);
    for (size_t i = 0; i < n; i++)
        images[i] =
            i < data->train.n ? data->train.images + i * PIXELS : data->test.images + (i - data->train.n) * PIXELS;
    qsort(images, n, sizeof *images, compare_images);
    for (size_t i = 1; i < n; i++) assert_true(memcmp(images[i - 1], images[i], PIXELS) != 0);
    free(images);
}

static void class_means(double means[10][PIXELS], const struct sm_split *split) {
    memset(means, 0, 10 * sizeof means[0]);
    for (size_t i = 0; i < split->n; i++)
        for (size_t p = 0; p < PIXELS; p++)
            means[split->labels[i]][p] += split->images[i * PIXELS + p] / ((double)split->n / 10);
}

static unsigned nearest_mean(double means[10][PIXELS], const uint8_t *image) {
    unsigned nearest = 0;
    double least = HUGE_VAL;
    for (unsigned k = 0; k < 10; k++) {
        double distance = 0;
        for (size_t p = 0; p < PIXELS; p++) distance += (image[p] - means[k][p]) * (image[p] - means[k][p]);
        if (distance < least) {
            least = distance;
            nearest = k;
        }
    }
    return nearest;
}

/* The labels belong to the pictures (chance is 10 %), but ten templates do not solve the task. */
static void nearest_mean_is_neither_lost_nor_enough(void **state) {
    const struct sm_dataset *data = *state;
    static double means[10][PIXELS];
    size_t right = 0;
    class_means(means, &data->train);
    for (size_t i = 0; i < data->test.n; i++)
        right += nearest_mean(means, data->test.images + i * PIXELS) == data->test.labels[i];
    assert_in_range(right, data->test.n * 55 / 100, data->test.n * 90 / 100);
}

/* ---- strokes and pen ---- */

static void glyphs_are_well_formed(void **state) {
    (void)state;
    for (unsigned k = 0; k < SM_DIGITS_CLASSES; k++) {
        const struct sm_digit *digit = sm_digit_glyphs(k);
        unsigned percent = 0;
        for (size_t g = 0; g < digit->n_glyphs; g++) {
            const struct sm_glyph *glyph = &digit->glyphs[g];
            percent += glyph->percent;
            assert_in_range(glyph->n_points, 2, SM_GLYPH_MAX_POINTS);
            assert_int_equal(glyph->points[0].move, SM_PEN_DOWN);
            for (size_t i = 0; i < glyph->n_points; i++) {
                assert_true(glyph->points[i].x >= 0 && glyph->points[i].x <= 1);
                assert_true(glyph->points[i].y >= 0 && glyph->points[i].y <= 1);
            }
        }
        assert_int_equal(percent, 100);
    }
}

static void assert_ink(double got, double expected) {
    if (fabs(got - expected) > 1e-12) fail_msg("ink %.17g, expected %.17g", got, expected);
}

/* A straight stroke of radius 2 and softness 2 along y = 10: full up to 1 pixel away, half at 2, none from 3 on. */
static void a_straight_stroke_by_hand(void **state) {
    (void)state;
    static const struct sm_stroke_point points[] = {{SM_PEN_DOWN, 0, 0}, {SM_PEN_GO, 1, 0}, {SM_PEN_GO, 2, 0}};
    const struct sm_glyph glyph = {points, 3, 100};
    const struct sm_point at[] = {{5, 10}, {12, 10}, {20, 10}};
    const struct sm_pen pen = {.radius = 2, .softness = 2, .pressure = 0};
    double ink[SIDE][SIDE] = {{0}};
    sm_pen_draw(ink, &glyph, at, &pen);
    for (int x = 5; x <= 20; x++) {
        assert_ink(ink[10][x], 1);
        assert_ink(ink[11][x], 1);
        assert_ink(ink[8][x], .5);
        assert_ink(ink[13][x], 0);
    }
    assert_ink(ink[10][3], .5); /* round ends */
    assert_ink(ink[10][22], .5);
    assert_ink(ink[10][23], 0);
    assert_ink(ink[10][2], 0);
}

/* Pressure .5: the radius runs from 2 (1 - .25) = 1.5 to 2.5 over the stroke. */
static void pressure_by_hand(void **state) {
    (void)state;
    static const struct sm_stroke_point points[] = {{SM_PEN_DOWN, 0, 0}, {SM_PEN_CORNER, 1, 0}};
    const struct sm_glyph glyph = {points, 2, 100};
    const struct sm_point at[] = {{14, 4}, {14, 24}};
    const struct sm_pen pen = {.radius = 2, .softness = 1, .pressure = .5};
    double ink[SIDE][SIDE] = {{0}};
    sm_pen_draw(ink, &glyph, at, &pen);
    assert_ink(ink[14][12], .5); /* the middle: radius 2, two pixels away */
    assert_ink(ink[4][12], 0);   /* the begin: 1.5 + softness/2 = 2 away: none */
    assert_ink(ink[24][12], 1);  /* the end: 2.5 - softness/2 = 2 away: full */
}

/* Two strokes leave the paper between them white, and a corner stays where it was put. */
static void strokes_are_apart_and_corners_sharp(void **state) {
    (void)state;
    static const struct sm_stroke_point points[] = {
        {SM_PEN_DOWN, 0, 0}, {SM_PEN_CORNER, 0, 0}, {SM_PEN_GO, 0, 0}, {SM_PEN_DOWN, 0, 0}, {SM_PEN_GO, 0, 0}};
    const struct sm_glyph glyph = {points, 5, 100};
    const struct sm_point at[] = {{4, 4}, {4, 14}, {14, 14}, {24, 4}, {24, 24}};
    const struct sm_pen pen = {.radius = 1, .softness = 1, .pressure = 0};
    double ink[SIDE][SIDE] = {{0}};
    sm_pen_draw(ink, &glyph, at, &pen);
    for (int i = 4; i <= 14; i++) {
        assert_ink(ink[i][4], 1);
        assert_ink(ink[14][i], 1);
        assert_ink(ink[i][24], 1);
        assert_ink(ink[i][19], 0);
        assert_ink(ink[i][2], 0);
        assert_ink(ink[16][i], 0);
    }
}

/* Strokes that leave the image are cut at its border and write nowhere else (the sanitizers watch). */
static void strokes_outside_are_cut(void **state) {
    (void)state;
    static const struct sm_stroke_point points[] = {{SM_PEN_DOWN, 0, 0}, {SM_PEN_GO, 1, 0}, {SM_PEN_GO, 1, 1}};
    const struct sm_glyph glyph = {points, 3, 100};
    const struct sm_point at[] = {{-40, -3}, {70, 30}, {-9, 90}};
    const struct sm_pen pen = {.radius = 3, .softness = 1, .pressure = 0};
    double ink[SIDE][SIDE] = {{0}};
    sm_pen_draw(ink, &glyph, at, &pen);
    for (size_t y = 0; y < SIDE; y++)
        for (size_t x = 0; x < SIDE; x++) assert_true(ink[y][x] >= 0 && ink[y][x] <= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_is_as_announced),
        cmocka_unit_test(classes_are_balanced),
        cmocka_unit_test(labels_are_in_random_order),
        cmocka_unit_test(thread_count_changes_nothing),
        cmocka_unit_test(checksum_is_the_published_one),
        cmocka_unit_test(checksum_agrees_with_hashlib),
        cmocka_unit_test(no_image_is_blank_or_smeared),
        cmocka_unit_test(all_images_differ),
        cmocka_unit_test(nearest_mean_is_neither_lost_nor_enough),
        cmocka_unit_test(glyphs_are_well_formed),
        cmocka_unit_test(a_straight_stroke_by_hand),
        cmocka_unit_test(pressure_by_hand),
        cmocka_unit_test(strokes_are_apart_and_corners_sharp),
        cmocka_unit_test(strokes_outside_are_cut),
    };
    return cmocka_run_group_tests_name("digits", tests, setup, teardown);
}
