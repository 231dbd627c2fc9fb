/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches: which images, in which order, after any jump; what the thread prepares ahead against the same made here; and
 * everything at once against numpy, from CIFAR files to the network's input. */
#include <supermask/loader.h>

#include <supermask/augment.h>

#include "tests/cifar_fixture.h"
#include "tests/tiny_data.h"

enum { N_TRAIN = 40, BATCH = 16, HEIGHT = 6, WIDTH = 5, CHANNELS = 2, N_PIXELS = CHANNELS * HEIGHT * WIDTH };

struct bench {
    struct sm_recipe recipe;
    struct sm_dataset data;
    struct sm_samples samples;
    struct sm_loader loader;
};

static void open_loader(struct bench *b) {
    struct sm_error err = {""};
    if (sm_samples_init(&b->samples, &b->data, &b->data.train, b->recipe.standardize, &err)) fail_msg("%s", err.text);
    if (sm_loader_init(&b->loader, &b->samples, &b->recipe, &err)) fail_msg("%s", err.text);
}

static void close_loader(struct bench *b) {
    sm_loader_destroy(&b->loader);
    sm_samples_destroy(&b->samples);
}

static void bench_init(struct bench *b, const char *const *settings, size_t n) {
    struct sm_error err = {""};
    memset(b, 0, sizeof *b);
    sm_recipe_defaults(&b->recipe);
    b->recipe.batch = BATCH;
    b->recipe.data_seed = 5;
    if (sm_recipe_set_all(&b->recipe, settings, n, &err)) fail_msg("%s", err.text);
    b->data = tiny_data(HEIGHT * CHANNELS, WIDTH, 7, N_TRAIN, 1);
    b->data.channels = CHANNELS;
    b->data.height = HEIGHT;
    open_loader(b);
}

static void bench_destroy(struct bench *b) {
    close_loader(b);
    tiny_destroy(&b->data);
}

#define BENCH(b, ...)                                                                                                  \
    bench_init(b, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* The sample at place `at` of the pass: drawn by the data seed, once or for each pass. */
static size_t sample_at(const struct bench *b, uint32_t pass, size_t at) {
    uint32_t order[N_TRAIN];
    if (b->recipe.order == SM_ORDER_FILE) return at;
    struct sm_rng rng = sm_rng_make(b->recipe.data_seed, SM_RNG_ORDER, b->recipe.order == SM_ORDER_SHUFFLED ? pass : 0);
    sm_rng_permutation(&rng, order, N_TRAIN);
    return order[at];
}

/* Batches of 16, 16 and 8 in every pass. */
static size_t size_of_step(int64_t step) {
    return step % 3 == 2 ? 8 : 16;
}

/* ---- as they stand ---- */

static void assert_batch_as_it_stands(struct bench *b, int64_t step) {
    const struct sm_batch *batch = sm_loader_batch(&b->loader, step);
    assert_int_equal(batch->n, size_of_step(step));
    assert_int_equal(batch->n_pixels, N_PIXELS);
    for (size_t k = 0; k < batch->n; k++) {
        size_t sample = sample_at(b, (uint32_t)(step / 3), (size_t)(step % 3) * BATCH + k);
        assert_ptr_equal(batch->images[k], b->data.train.images + sample * N_PIXELS); /* nothing is copied */
        assert_int_equal(batch->labels[k], b->data.train.labels[sample]);
        for (size_t c = 0; c < batch->n_scales; c++) {
            assert_true(batch->scale[k * batch->n_scales + c] == b->samples.scale[sample * batch->n_scales + c]);
            assert_true(batch->shift[k * batch->n_scales + c] == b->samples.shift[sample * batch->n_scales + c]);
        }
    }
}

static void order_of_the_images(void **state) {
    (void)state;
    static const char *const orders[] = {"order=fixed", "order=shuffled", "order=file"};
    static const int64_t steps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 7, 1, 100000001};
    for (size_t k = 0; k < 3; k++) {
        struct bench b;
        BENCH(&b, orders[k], "passes=2", "standardize=channel");
        assert_int_equal(sm_loader_steps_per_epoch(&b.loader), 6);
        assert_false(b.loader.ahead);
        assert_int_equal(b.samples.n_scales, CHANNELS);
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) assert_batch_as_it_stands(&b, steps[s]);
        bench_destroy(&b);
    }
}

static void a_batch_of_all_images(void **state) {
    (void)state;
    struct bench b;
    BENCH(&b, "batch=40", "order=shuffled");
    assert_int_equal(sm_loader_steps_per_epoch(&b.loader), 1);
    assert_int_equal(sm_loader_batch(&b.loader, 9)->n, N_TRAIN);
    bench_destroy(&b);
}

/* ---- augmented ---- */

static void assert_augmented_batch(struct bench *b, int64_t step) {
    const struct sm_batch *batch = sm_loader_batch(&b->loader, step);
    uint8_t image[N_PIXELS];
    assert_int_equal(batch->n, size_of_step(step));
    for (size_t k = 0; k < batch->n; k++) {
        uint32_t pass = (uint32_t)(step / 3);
        size_t sample = sample_at(b, pass, (size_t)(step % 3) * BATCH + k);
        sm_crop_flip_apply(image, b->data.train.images + sample * N_PIXELS, CHANNELS, HEIGHT, WIDTH,
                           sm_crop_flip_draw(b->recipe.data_seed, pass, sample));
        assert_memory_equal(batch->images[k], image, N_PIXELS);
        assert_int_equal(batch->labels[k], b->data.train.labels[sample]);
        float scale[CHANNELS], shift[CHANNELS];
        memcpy(scale, &b->samples.scale[sample * batch->n_scales], batch->n_scales * sizeof *scale);
        memcpy(shift, &b->samples.shift[sample * batch->n_scales], batch->n_scales * sizeof *shift);
        if (b->recipe.standardize == SM_STANDARDIZE_IMAGE) sm_standardize_image(scale, shift, image, N_PIXELS);
        assert_memory_equal(&batch->scale[k * batch->n_scales], scale, batch->n_scales * sizeof *scale);
        assert_memory_equal(&batch->shift[k * batch->n_scales], shift, batch->n_scales * sizeof *shift);
    }
}

static void the_thread_makes_what_we_make(void **state) {
    (void)state;
    static const char *const kinds[] = {"standardize=image", "standardize=unit", "standardize=channel"};
    for (size_t k = 0; k < 3; k++) {
        struct bench b;
        BENCH(&b, kinds[k], "augment=crop-flip", "order=shuffled", "passes=2");
        assert_true(b.loader.ahead);
        for (int64_t step = 0; step < 30; step++) assert_augmented_batch(&b, step);
        bench_destroy(&b);
    }
}

/* A resume begins anywhere; so may whoever asks. Jumps of every parity, back and forth, and the same step again. */
static void any_step_may_be_asked_for(void **state) {
    (void)state;
    struct bench b;
    BENCH(&b, "augment=crop-flip", "order=shuffled");
    const struct sm_rng rng = sm_rng_make(6, SM_RNG_TEST, 50);
    for (uint64_t k = 0; k < 300; k++) assert_augmented_batch(&b, (int64_t)sm_rng_below(&rng, k, k % 2 ? 9 : 3));
    bench_destroy(&b);
}

/* A batch stays as it is until the next is asked for, while the thread is at work on that one. */
static void a_batch_stays_until_the_next_call(void **state) {
    (void)state;
    struct bench b;
    uint8_t first[BATCH * N_PIXELS];
    BENCH(&b, "augment=crop-flip");
    const struct sm_batch *batch = sm_loader_batch(&b.loader, 4);
    memcpy(first, batch->images[0], sizeof first);
    usleep(20000);
    assert_memory_equal(batch->images[0], first, sizeof first);
    bench_destroy(&b);
}

/* An error elsewhere may end a run before its first step, or while a batch is being prepared. */
static void ends_at_any_time(void **state) {
    (void)state;
    for (int64_t k = 0; k < 100; k++) {
        struct bench b;
        BENCH(&b, "augment=crop-flip", "order=shuffled");
        if (k % 4) sm_loader_batch(&b.loader, k);
        bench_destroy(&b);
    }
    struct sm_loader never = {0};
    sm_loader_destroy(&never);
}

/* ---- against numpy ---- */

static void write_batch(FILE *out, const struct sm_batch *batch) {
    const int64_t n = (int64_t)batch->n;
    size_t plane = batch->n_pixels / batch->n_scales;
    fwrite(&n, sizeof n, 1, out);
    fwrite(batch->labels, 1, batch->n, out);
    for (size_t at = 0; at < batch->n * batch->n_pixels; at++) {
        size_t k = at / batch->n_pixels, p = at % batch->n_pixels, c = k * batch->n_scales + p / plane;
        const double x = (double)batch->images[k][p] * (double)batch->scale[c] + (double)batch->shift[c];
        fwrite(&x, sizeof x, 1, out);
    }
}

/* Three passes of the training images, then the test images; the oracle reads the recipe from the first line. */
static void write_case(FILE *out, const char *path, const struct bench *made) {
    struct bench b = *made;
    struct sm_samples test;
    struct sm_error err = {""};
    if (sm_dataset_load(&b.data, b.recipe.dataset, path, &err) != 0) fail_msg("%s", err.text);
    open_loader(&b);
    if (sm_samples_init(&test, &b.data, &b.data.test, b.recipe.standardize, &err)) fail_msg("%s", err.text);
    static const char *const kinds[] = {"image", "unit", "channel"}, *const orders[] = {"fixed", "shuffled", "file"};
    int64_t n_steps = (int64_t)sm_loader_steps_per_epoch(&b.loader);
    fprintf(out, "%s %s %s %d %lld %llu %lld\n", b.recipe.dataset, kinds[b.recipe.standardize], orders[b.recipe.order],
            b.recipe.augment == SM_AUGMENT_CROP_FLIP, (long long)b.recipe.batch, (unsigned long long)b.recipe.data_seed,
            (long long)n_steps);
    for (int64_t step = 0; step < n_steps; step++) write_batch(out, sm_loader_batch(&b.loader, step));
    const struct sm_batch all = sm_samples_batch(&test, 0, b.data.test.n);
    write_batch(out, &all);
    sm_samples_destroy(&test);
    close_loader(&b);
    sm_dataset_destroy(&b.data);
}

static void everything_against_numpy(void **state) {
    (void)state;
    static const struct {
        const char *dataset;
        enum sm_standardize_kind standardize;
        enum sm_order_kind order;
        enum sm_augment_kind augment;
        int64_t batch;
    } cases[] = {
        {"cifar-10", SM_STANDARDIZE_IMAGE, SM_ORDER_SHUFFLED, SM_AUGMENT_NONE, 10},
        {"cifar-10", SM_STANDARDIZE_CHANNEL, SM_ORDER_SHUFFLED, SM_AUGMENT_CROP_FLIP, 24},
        {"cifar-100", SM_STANDARDIZE_IMAGE, SM_ORDER_SHUFFLED, SM_AUGMENT_CROP_FLIP, 3},
        {"cifar-100", SM_STANDARDIZE_UNIT, SM_ORDER_FIXED, SM_AUGMENT_CROP_FLIP, 8},
        {"cifar-100", SM_STANDARDIZE_CHANNEL, SM_ORDER_FILE, SM_AUGMENT_NONE, 5},
    };
    const char *python = getenv("PYTHON") ? getenv("PYTHON") : "/usr/bin/python3";
    char path[64], command[256];
    snprintf(command, sizeof command, "%s -c 'import numpy' 2>/dev/null", python);
    if (system(command) != 0) {
        print_message("skipped: %s has no numpy\n", python);
        skip();
    }
    cifar_directory_new(path);
    cifar_write(path, &cifar_10_files);
    cifar_write(path, &cifar_100_files);
    snprintf(command, sizeof command, "%s/batches", path);
    FILE *out = fopen(command, "wb");
    assert_non_null(out);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct bench b = {.recipe.order = cases[k].order,
                          .recipe.standardize = cases[k].standardize,
                          .recipe.augment = cases[k].augment,
                          .recipe.batch = cases[k].batch,
                          .recipe.passes = 3,
                          .recipe.data_seed = 11 + k};
        strcpy(b.recipe.dataset, cases[k].dataset);
        write_case(out, path, &b);
    }
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command, "%s tests/oracle/check_batches.py %s", python, path);
    int status = system(command);
    cifar_directory_remove(path);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_the_images),
        cmocka_unit_test(a_batch_of_all_images),
        cmocka_unit_test(the_thread_makes_what_we_make),
        cmocka_unit_test(any_step_may_be_asked_for),
        cmocka_unit_test(a_batch_stays_until_the_next_call),
        cmocka_unit_test(ends_at_any_time),
        cmocka_unit_test(everything_against_numpy),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
