/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compact files: the code by hand, which units matter by hand, and the logits of the smaller network, read back from
 * its file, against those of the whole one: the same bytes. */
#include <supermask/alive.h>
#include <supermask/compact.h>
#include <unistd.h>

#include "lib/compact_code.h"
#include "tests/model_fixture.h"
#include "tests/tiny_data.h"

enum { N_IMAGES = 77 };

/* ---- the code ---- */

static void rice_by_hand(void **state) {
    (void)state;
    struct sm_bit_writer w = {0};
    sm_rice_put(&w, 9, 2); /* 9 >> 2 = 2 ones, a zero, the bits 1 0 of 9 mod 4 = 1, lowest first */
    assert_int_equal(w.n_bits, 5);
    assert_int_equal(w.bytes[0], 0x0b);
    sm_bits_put(&w, true);
    sm_rice_put(&w, 3, 0); /* 1 1 1 0 */
    assert_int_equal(w.n_bits, 10);
    assert_int_equal(w.bytes[0], 0xeb);
    assert_int_equal(w.bytes[1], 0x01);
    free(w.bytes);
    const uint64_t gaps[] = {5, 6, 4}; /* k = 0: 18 bits; 1: 6+4 = 13; 2: 3+9 = 12; 3: 12, no better */
    assert_int_equal(sm_rice_best(gaps, 3), 2);
    assert_int_equal(sm_rice_best(gaps, 0), 0);
}

static void rice_round_trip(void **state) {
    (void)state;
    const struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 60);
    for (unsigned k = 0; k <= SM_RICE_LARGEST; k++) {
        struct sm_bit_writer w = {0};
        for (size_t i = 0; i < 200; i++) sm_rice_put(&w, sm_rng_below(&rng, i, 300), k);
        struct sm_bit_reader r = {.bytes = w.bytes, .n_bits = w.n_bits};
        for (size_t i = 0; i < 200; i++) assert_int_equal(sm_rice_get(&r, k, 300), sm_rng_below(&rng, i, 300));
        assert_false(r.failed);
        assert_int_equal(r.at, r.n_bits);
        sm_rice_get(&r, k, 300);
        assert_true(r.failed); /* nothing is left */
        r = (struct sm_bit_reader){.bytes = w.bytes, .n_bits = w.n_bits};
        for (size_t i = 0; i < 200; i++) sm_rice_get(&r, k, 299 - 100);
        assert_true(r.failed); /* a value that is too large */
        free(w.bytes);
    }
}

static void checksum_of_the_standard(void **state) {
    (void)state;
    assert_int_equal(sm_compact_checksum((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(sm_compact_checksum(NULL, 0), 0);
}

/* ---- which units matter ---- */

/* Input 2x9x9 (162); 4 units, 3, 2. Unit 0 of the first layer is fed and read; 1 is fed, and read by a unit that nobody
 * reads; 2 is not fed; 3 is not read. */
static void alive_by_hand(void **state) {
    (void)state;
    struct sm_network net;
    struct sm_alive alive;
    struct sm_error err = {{0}};
    enum { N = FIXTURE_CHANNELS * FIXTURE_SIDE * FIXTURE_SIDE };
    static int8_t first[4 * N];
    const int8_t second[] = {1, 0, -1, 0, 0, -1, 0, 0, 0, 0, 1, 0}, third[] = {1, 0, 1, 0, 0, 0};
    first[0] = first[N + 5] = first[3 * N] = 1;
    fixture_network(&net, "[{kind: dense, units: 4}, {kind: dense, units: 3}, {kind: dense, units: 2}]", SM_ELU);
    const struct sm_alive_mask masks[] = {{first, N}, {second, 4}, {third, 3}};
    if (sm_alive_init(&alive, &net, masks, &err)) fail_msg("%s", err.text);
    const bool first_alive[] = {true, false, false, false}, second_alive[] = {true, false, false};
    for (size_t u = 0; u < 4; u++) assert_int_equal(sm_alive_unit(&alive, 0, u), first_alive[u]);
    for (size_t u = 0; u < 3; u++) assert_int_equal(sm_alive_unit(&alive, 1, u), second_alive[u]);
    assert_true(sm_alive_unit(&alive, 2, 0));
    assert_false(sm_alive_unit(&alive, 2, 1)); /* a class that nothing feeds */
    for (size_t l = 0; l < 3; l++) assert_int_equal(sm_alive_weights(&alive, l), 1);
    assert_false(sm_alive_weight(&alive, 1, 0, 2));                /* kept, but its input is not fed */
    assert_int_equal(sm_alive_units(&alive, SM_NETWORK_INPUT), 1); /* all pixels that are read are of one channel */
    sm_alive_destroy(&alive);
    sm_network_destroy(&net);
}

/* A channel of a sum is fed where either branch feeds it. One input channel is all that the first layer reads. */
static void alive_in_a_sum(void **state) {
    (void)state;
    struct sm_network net;
    struct sm_alive alive;
    struct sm_error err = {{0}};
    const int8_t a[] = {1, 0, 0, 0, 0, 0}, b[] = {0, 0, 0, 1, 0, 0, 0, 0, 0}, c[] = {-1, -1, 1};
    fixture_network(&net,
                    "[{kind: conv2d, name: a, filters: 3, kernel: 1},"
                    " {kind: conv2d, name: b, filters: 3, kernel: 1},"
                    " {kind: add, name: sum, inputs: [a, b]}, {kind: global-average-pool}, {kind: dense, units: 1}]",
                    SM_ELU);
    const struct sm_alive_mask masks[] = {{a, 2}, {b, 3}, {c, 3}};
    if (sm_alive_init(&alive, &net, masks, &err)) fail_msg("%s", err.text);
    const bool sum[] = {true, true, false}; /* 0 through a, 1 through b, 2 through neither */
    for (size_t u = 0; u < 3; u++) assert_int_equal(sm_alive_unit(&alive, 2, u), sum[u]);
    assert_int_equal(sm_alive_units(&alive, 0), 1);
    assert_int_equal(sm_alive_units(&alive, 1), 1);
    assert_false(sm_alive_unit(&alive, SM_NETWORK_INPUT, 1));
    assert_int_equal(sm_alive_weights(&alive, 2), 2);
    sm_alive_destroy(&alive);
    sm_network_destroy(&net);
}

/* ---- logits ---- */

static struct sm_dataset images_new(void) {
    struct sm_dataset data =
        tiny_data(FIXTURE_CHANNELS * FIXTURE_SIDE, FIXTURE_SIDE, FIXTURE_CLASSES, N_IMAGES, N_IMAGES);
    data.channels = FIXTURE_CHANNELS;
    data.height = FIXTURE_SIDE;
    return data;
}

static float *logits_of(const struct sm_model *model, const struct sm_samples *samples, int n_threads) {
    struct sm_error err = {{0}};
    float *logits = check_alloc(N_IMAGES * FIXTURE_CLASSES, sizeof *logits);
    if (sm_model_logits(model, samples, n_threads, logits, &err)) fail_msg("%s", err.text);
    return logits;
}

static void write_to(const struct sm_model *model, const char *path, size_t *n_bytes) {
    struct sm_error err = {{0}};
    if (sm_compact_write(model, path, n_bytes, &err)) fail_msg("%s", err.text);
}

static void file_path(char path[64]) {
    strcpy(path, "/tmp/supermask-compact-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
}

/* The model by way of its file. */
static void store_and_read(struct sm_model *back, const struct sm_model *model) {
    struct sm_error err = {{0}};
    char path[64];
    size_t n_bytes[32];
    file_path(path);
    write_to(model, path, n_bytes);
    assert_true(sm_compact_is(path));
    if (sm_compact_read(back, path, &err)) fail_msg("%s", err.text);
    unlink(path);
}

static size_t all_units(const struct sm_network *net) {
    size_t n = 0;
    for (size_t l = 0; l < net->n_layers; l++) n += net->layers[l].n_out;
    return n;
}

static void same_source(const struct sm_model_source *a, const struct sm_model_source *b) {
    assert_string_equal(a->run, b->run);
    assert_string_equal(a->dataset_sha256, b->dataset_sha256);
    assert_string_equal(a->recipe.name, b->recipe.name);
    assert_int_equal(a->recipe.batch, b->recipe.batch);
    assert_int_equal(a->record, b->record);
    assert_int_equal(a->step, b->step);
    assert_true(a->epoch == b->epoch);
    assert_int_equal(a->weights, b->weights);
    assert_int_equal(a->remaining, b->remaining);
}

/* Returns how many units are gone. */
static size_t compare_logits(const char *layers, enum sm_activation activation, const struct fixture_choice *choice) {
    struct sm_model model, small, back;
    struct sm_error err = {{0}};
    struct sm_dataset data = images_new();
    struct sm_samples samples;
    fixture_model(&model, layers, activation, choice);
    if (sm_samples_init(&samples, &data, &data.test, SM_STANDARDIZE_IMAGE, &err)) fail_msg("%s", err.text);
    float *whole = logits_of(&model, &samples, 1); /* in the forms that densities ask for */
    if (sm_model_fix_forms(&model, &err) || sm_model_shrink(&small, &model, &err)) fail_msg("%s", err.text);
    store_and_read(&back, &small);
    same_source(&model.source, &back.source);
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        float *of_file = logits_of(&back, &samples, n_threads);
        assert_memory_equal(whole, of_file, N_IMAGES * FIXTURE_CLASSES * sizeof *whole);
        free(of_file);
    }
    size_t gone = all_units(&model.net) - all_units(&back.net);
    free(whole);
    sm_samples_destroy(&samples);
    tiny_destroy(&data);
    sm_model_destroy(&back);
    sm_model_destroy(&small);
    sm_model_destroy(&model);
    return gone;
}

static const double sparse[] = {0.1, 0.05, 0.2}, dense[] = {0.8, 0.5}, mixed[] = {0.7, 0.08, 0.1, 0.6, 0.04},
                    nothing[] = {0}, everything[] = {1}, broken[] = {0.1, 0.1, 0};

#define DENSITIES(d) .density = d, .n_densities = sizeof d / sizeof *d

static const struct fixture_choice choices[] = {
    {DENSITIES(sparse), .one_size = true, .with_dead = true, .seed = 1},
    {DENSITIES(sparse), .with_dead = true, .seed = 2},
    {DENSITIES(dense), .one_size = true, .with_dead = true, .seed = 3},
    {DENSITIES(dense), .with_dead = true, .seed = 4},
    {DENSITIES(mixed), .one_size = true, .with_dead = true, .seed = 5},
    {DENSITIES(mixed), .with_dead = true, .seed = 6},
    {DENSITIES(mixed), .seed = 7},
    {DENSITIES(nothing), .one_size = true, .seed = 8},
    {DENSITIES(everything), .one_size = true, .seed = 9},
    {DENSITIES(everything), .seed = 10},
    {DENSITIES(broken), .one_size = true, .seed = 11},
    {DENSITIES(sparse), .one_size = true, .zero_hidden = true, .with_dead = true, .seed = 14},
    {DENSITIES(mixed), .one_size = true, .zero_hidden = true, .seed = 15},
    {.seed = 12}, /* trained weights without masks */
};

static void compare_all(const char *layers, enum sm_activation activation, size_t gone_at_least) {
    size_t gone = 0;
    for (size_t k = 0; k < sizeof choices / sizeof *choices; k++)
        gone += compare_logits(layers, activation, &choices[k]);
    assert_true(gone >= gone_at_least);
}

static void logits_of_a_stack(void **state) {
    (void)state;
    compare_all(fixture_stack, SM_ELU, 100);
    compare_all(fixture_stack, SM_RELU, 100);
}

static void logits_of_convolutions(void **state) {
    (void)state;
    compare_all(fixture_plain, SM_ELU, 100);
    compare_all(fixture_plain, SM_RELU, 100);
}

static void logits_of_a_residual_network(void **state) {
    (void)state;
    compare_all(fixture_residual, SM_ELU, 100);
    compare_all(fixture_residual, SM_LINEAR, 100);
}

/* A weight that is alone of its sign and size looks like a layer of one size; the whole layer is none. */
static void one_weight_left_of_many_sizes(void **state) {
    (void)state;
    const double few[] = {0.004, 1, 1};
    const struct fixture_choice choice = {DENSITIES(few), .seed = 13};
    compare_logits(fixture_stack, SM_ELU, &choice);
}

static void score_is_the_evaluation(void **state) {
    (void)state;
    struct sm_model model;
    struct sm_error err = {{0}};
    struct sm_dataset data = images_new();
    struct sm_samples samples;
    struct sm_forward forward;
    fixture_model(&model, fixture_plain, SM_ELU, &choices[4]);
    if (sm_samples_init(&samples, &data, &data.test, SM_STANDARDIZE_IMAGE, &err)) fail_msg("%s", err.text);
    float *logits = logits_of(&model, &samples, 2);
    if (sm_forward_init(&forward, &model.net, (size_t)model.source.recipe.batch, 2, true, &err))
        fail_msg("%s", err.text);
    for (size_t l = 0; l < model.net.n_layers; l++)
        if (sm_forward_bind(&forward, l, model.layers[l].weight, model.layers[l].mask, &err)) fail_msg("%s", err.text);
    struct sm_evaluation want = sm_forward_evaluate(&forward, &samples, model.source.recipe.loss, NULL, 1);
    struct sm_evaluation got = sm_model_score(&model, &samples, logits);
    assert_true(got.accuracy == want.accuracy && got.loss == want.loss);
    free(logits);
    sm_forward_destroy(&forward);
    sm_samples_destroy(&samples);
    tiny_destroy(&data);
    sm_model_destroy(&model);
}

/* ---- what is wrong with a file ---- */

static uint8_t *small_file(size_t *n) {
    struct sm_model model;
    struct sm_error err = {{0}};
    char path[64];
    size_t n_bytes[8];
    fixture_model(&model, "[{kind: dense, name: one, units: 3}, {kind: dense, name: two, units: 3}]", SM_ELU,
                  &choices[1]);
    if (sm_model_fix_forms(&model, &err)) fail_msg("%s", err.text);
    file_path(path);
    write_to(&model, path, n_bytes);
    *n = n_bytes[2];
    uint8_t *bytes = check_alloc(*n, 1);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    unlink(path);
    sm_model_destroy(&model);
    return bytes;
}

static void fix_checksum(uint8_t *bytes, size_t n) {
    uint32_t crc = sm_compact_checksum(bytes, n - 4);
    for (size_t k = 0; k < 4; k++) bytes[n - 4 + k] = (uint8_t)(crc >> 8 * k);
}

static void refused(const uint8_t *bytes, size_t n, const char *sentence) {
    struct sm_model model;
    struct sm_error err = {{0}};
    assert_int_equal(sm_compact_parse(&model, bytes, n, "f.smc", &err), -1);
    if (strncmp(err.text, "f.smc: ", 7) != 0 || !strstr(err.text, sentence)) fail_msg("'%s': %s", sentence, err.text);
    sm_model_destroy(&model);
}

static void any_damage_is_seen(void **state) {
    (void)state;
    size_t n;
    uint8_t *bytes = small_file(&n);
    for (size_t length = 0; length < n; length++) refused(bytes, length, "");
    for (size_t at = 0; at < n; at++) {
        bytes[at] ^= 0x10;
        refused(bytes, n, at < 8 ? "is not a compact network" : at < 12 ? "of version" : "cut short or damaged");
        bytes[at] ^= 0x10;
    }
    free(bytes);
}

/* With a checksum that fits: whatever a byte becomes, it is read or refused, and nothing worse happens. */
static void any_byte_may_be_wrong(void **state) {
    (void)state;
    size_t n, n_refused = 0;
    uint8_t *bytes = small_file(&n);
    for (size_t at = 12; at < n - 4; at++)
        for (unsigned flip = 1; flip < 256; flip *= 2) {
            struct sm_model model;
            struct sm_error err = {{0}};
            bytes[at] ^= (uint8_t)flip;
            fix_checksum(bytes, n);
            if (sm_compact_parse(&model, bytes, n, "f.smc", &err)) {
                n_refused++;
                assert_true(strlen(err.text) > 0);
            }
            sm_model_destroy(&model);
            bytes[at] ^= (uint8_t)flip;
        }
    assert_true(n_refused > n);
    free(bytes);
}

/* The first layer's head: form, coding, k, |v|, n, bytes of code. It stands behind the head and the network's text. */
static size_t first_layer(const uint8_t *bytes, size_t n) {
    size_t at = 12;
    for (int text = 0; text < 4; text++) at += 4 + bytes[at] + 256u * bytes[at + 1];
    assert_true(at + 40 < n);
    return at + 40;
}

static void wrong_layers(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        const char *sentence;
    } cases[] = {
        {0, 0, "layer one: it is computed in no known form"},
        {1, 4, "layer one: its weights are coded in no known way"},
        {1, 0, "layer one: not every weight has a value"},
        {1, 1, "layer one: the size of its weights is no number above 0"},
        {1, 3, "layer one: the size of its weights is no number above 0"},
        {2, 32, "layer one: the parameter of its code is too large"},
        {9, 200, "layer one: it keeps more weights than it has"},
        {20, 1, "layer one: the compact file ends before all of its weights"},
        {23, 0xff, "layer one: the code of its kept weights is damaged"},
    };
    size_t n;
    uint8_t *bytes = small_file(&n);
    size_t layer = first_layer(bytes, n);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint8_t before[4];
        memcpy(before, bytes + layer + cases[k].at, 4);
        bytes[layer + cases[k].at] = cases[k].value;
        if (cases[k].value == 0xff) memset(bytes + layer + cases[k].at, 0xff, 4);
        fix_checksum(bytes, n);
        refused(bytes, n, cases[k].sentence);
        memcpy(bytes + layer + cases[k].at, before, 4);
    }
    bytes[n - 4] = 0; /* one byte more than the layers have */
    uint8_t *longer = check_alloc(n + 1, 1);
    memcpy(longer, bytes, n - 4);
    fix_checksum(longer, n + 1);
    refused(longer, n + 1, "something stands behind the last layer");
    free(longer);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rice_by_hand),
        cmocka_unit_test(rice_round_trip),
        cmocka_unit_test(checksum_of_the_standard),
        cmocka_unit_test(alive_by_hand),
        cmocka_unit_test(alive_in_a_sum),
        cmocka_unit_test(logits_of_a_stack),
        cmocka_unit_test(logits_of_convolutions),
        cmocka_unit_test(logits_of_a_residual_network),
        cmocka_unit_test(one_weight_left_of_many_sizes),
        cmocka_unit_test(score_is_the_evaluation),
        cmocka_unit_test(any_damage_is_seen),
        cmocka_unit_test(any_byte_may_be_wrong),
        cmocka_unit_test(wrong_layers),
    };
    return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
