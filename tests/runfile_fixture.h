/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runfile_fixture.h - small runs for the tests of the run file: two networks, and masks, scores, metrics and rounds
 * that are a function of (layer, record, weight), so that whatever is read back can be checked without keeping it. */
#ifndef SUPERMASK_TESTS_RUNFILE_FIXTURE_H
#define SUPERMASK_TESTS_RUNFILE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/rng.h>
#include <supermask/runfile.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIXTURE_RECORDS = 5 };

struct fixture {
    struct sm_network net;
    float **weights, **scores;
    double *threshold;
    bool dense_method, record_scores, in_rounds; /* in_rounds: mask_weights and rescaling, too */
    char directory[64], path[128];
};

static inline struct sm_layer *fixture_layer(struct sm_network *net, const char *name, enum sm_layer_kind kind,
                                             size_t n_out, size_t n_in, size_t kernel, size_t n_inputs) {
    struct sm_layer *layer = sm_network_append(net, name, n_inputs);
    layer->kind = kind;
    layer->activation = SM_ELU;
    layer->n_out = n_out;
    layer->n_in = n_in;
    layer->kernel_height = layer->kernel_width = kernel;
    layer->stride = 1;
    return layer;
}

/* 2x3 pixels, 6-4-3; names that do not stand in the order of the alphabet. */
static inline void fixture_dense(struct sm_network *net) {
    *net = (struct sm_network){.name = "tiny", .input_channels = 1, .input_height = 2, .input_width = 3};
    fixture_layer(net, "hidden", SM_DENSE, 4, 6, 1, 1);
    struct sm_layer *last = fixture_layer(net, "a_last", SM_DENSE, 3, 4, 1, 1);
    last->inputs[0] = 0;
    last->activation = SM_LINEAR;
}

/* 1x4x4 pixels; a strided convolution, a summed branch, and layers of several chunks (dense1: 3 x 32768 weights in
 * chunks of 2 units; dense2). */
static inline void fixture_residual(struct sm_network *net) {
    *net = (struct sm_network){.name = "residual", .input_channels = 2, .input_height = 4, .input_width = 4};
    fixture_layer(net, "conv1", SM_CONV2D, 2048, 2, 3, 1)->stride = 2;
    fixture_layer(net, "shortcut", SM_CONV2D, 2048, 2, 1, 1)->stride = 2;
    struct sm_layer *sum = fixture_layer(net, "dense1", SM_DENSE, 3, 2048 * 16, 1, 2);
    sum->inputs[0] = 0;
    sum->inputs[1] = 1;
    sum->activation = SM_RELU;
    struct sm_layer *last = fixture_layer(net, "dense2", SM_DENSE, 2, 3, 1, 1);
    last->inputs[0] = 2;
    last->activation = SM_LINEAR;
}

/* 2x6x6 pixels; from a description, so with nodes: a residual block, both kinds of padding and of pools, batch norm. */
static inline void fixture_described(struct sm_network *net) {
    static const struct sm_network_options options = {SM_ELU, 1.0, false};
    struct sm_error err = {""};
    if (sm_network_parse(net,
                         "name: described\ninput: [2, 6, 6]\nlayers:\n"
                         "  - {kind: conv2d, name: stem, filters: 3, kernel: [3, 2], padding: valid}\n"
                         "  - {kind: max-pool, size: 3, stride: 1, padding: same}\n"
                         "  - kind: residual\n"
                         "    branch: [{kind: conv2d, filters: 4, kernel: 3, stride: 2, batch_norm: true}]\n"
                         "    shortcut: [{kind: conv2d, filters: 4, kernel: 1, stride: 2, activation: linear}]\n"
                         "  - {kind: conv2d, name: '-', filters: 4, kernel: 1, activation: relu}\n"
                         "  - {kind: add, inputs: ['-', add1], activation: linear}\n"
                         "  - {kind: global-average-pool}\n"
                         "  - {kind: dense, units: 3}\n",
                         "described", &options, &err))
        fail_msg("%s", err.text);
}

static inline float fixture_real(size_t layer, size_t kind, size_t i) {
    struct sm_rng rng = sm_rng_make(kind, SM_RNG_TEST, (uint32_t)layer);
    return (float)(2 * sm_rng_uniform(&rng, i) - 1);
}

/* Never all of one kind, different in every record. */
static inline int8_t fixture_mask(size_t layer, size_t record, size_t i) {
    struct sm_rng rng = sm_rng_make(1000 + record, SM_RNG_TEST, (uint32_t)layer);
    return (int8_t)((int)sm_rng_below(&rng, i, 3) - 1);
}

static inline int64_t fixture_step(size_t record) {
    return (int64_t)(record * 10);
}
static inline double fixture_epoch(size_t record) {
    return (double)record / 2;
}

static inline struct sm_metrics fixture_metrics(size_t row) {
    double t = (double)row + 1;
    return (struct sm_metrics){.epoch = t,
                               .train_loss = 2 / t,
                               .train_accuracy = 1 - 1 / t,
                               .test_loss = NAN,
                               .test_accuracy = 1 - 1.5 / (t + 1),
                               .learning_rate = 0.05 * pow(0.9, t),
                               .weight_decay = 5e-4,
                               .remaining = 1 / t,
                               .seconds = 3 * t};
}

/* All different; every other row lacks its second column. */
static inline struct sm_round fixture_round(size_t row) {
    double t = (double)row + 1;
    return (struct sm_round){.test_accuracy = 1 - 0.1 * t,
                             .untrained_accuracy = row % 2 ? NAN : 0.1 * t,
                             .untrained_loss = 2.3 / t,
                             .trained_accuracy = 1 - 0.11 * t,
                             .trained_loss = 0.3 * t,
                             .validation_loss = 0.25 * t,
                             .early_stop_step = 100 * t,
                             .early_stop_accuracy = 1 - 0.12 * t};
}

static inline float **fixture_reals(const struct sm_network *net, size_t kind) {
    float **all = calloc(net->n_layers, sizeof *all);
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        all[l] = malloc(n * sizeof **all);
        for (size_t i = 0; i < n; i++) all[l][i] = fixture_real(l, kind, i);
    }
    return all;
}

static inline int8_t **fixture_masks(const struct sm_network *net, size_t record) {
    int8_t **all = calloc(net->n_layers, sizeof *all);
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        all[l] = malloc(n);
        for (size_t i = 0; i < n; i++) all[l][i] = fixture_mask(l, record, i);
    }
    return all;
}

static inline void fixture_free(const struct sm_network *net, void *all) {
    void **rows = all;
    for (size_t l = 0; l < net->n_layers; l++) free(rows[l]);
    free(rows);
}

static inline void fixture_init(struct fixture *f, void (*network)(struct sm_network *)) {
    *f = (struct fixture){.directory = "/tmp/supermask-runfile-XXXXXX"};
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/run.one.h5", f->directory);
    network(&f->net);
    f->weights = fixture_reals(&f->net, 1);
    f->scores = fixture_reals(&f->net, 2);
    f->threshold = calloc(f->net.n_layers, sizeof *f->threshold);
    for (size_t l = 0; l < f->net.n_layers; l++) f->threshold[l] = 0.01 * (double)(l + 1);
}

static inline void fixture_destroy(struct fixture *f) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->directory);
    assert_int_equal(system(command), 0);
    fixture_free(&f->net, f->weights);
    fixture_free(&f->net, f->scores);
    free(f->threshold);
    sm_network_destroy(&f->net);
}

static inline int fixture_create(const struct fixture *f, struct sm_run_writer **writer, struct sm_error *err) {
    const struct sm_host_fact host[] = {{"cpu", "a cpu"}, {"blas", "\xce\xbc-blas"}};
    const struct sm_run_header header = {.program_version = "9.8.7",
                                         .command_line = "supermask-train x --seed 3",
                                         .recipe = "name: tiny # \xce\xbc\nepochs: 3\n",
                                         .recipe_name = "tiny-recipe",
                                         .dataset = "digits",
                                         .method = f->dense_method ? "dense" : "signed-supermask",
                                         .dataset_sha256 = "0123456789abcdef",
                                         .weight_seed = UINT64_MAX,
                                         .score_seed = 2,
                                         .data_seed = 3,
                                         .threshold = f->threshold,
                                         .trains_weights = f->dense_method,
                                         .record_scores = f->record_scores,
                                         .rescale = f->in_rounds,
                                         .in_rounds = f->in_rounds,
                                         .host = host,
                                         .n_host = 2};
    return sm_run_create(writer, f->path, &header, &f->net, (const float *const *)f->weights,
                         f->dense_method ? NULL : (const float *const *)f->scores, err);
}

/* Appends record number `record` and, after the first, the metric row before it. */
static inline int fixture_append(const struct fixture *f, struct sm_run_writer *writer, size_t record,
                                 struct sm_error *err) {
    int8_t **masks = fixture_masks(&f->net, record);
    float **scores = f->record_scores ? fixture_reals(&f->net, 100 + record) : NULL;
    int status = sm_run_append_record(writer, fixture_step(record), fixture_epoch(record), (const int8_t *const *)masks,
                                      (const float *const *)scores, err);
    fixture_free(&f->net, masks);
    if (scores) fixture_free(&f->net, scores);
    return status;
}

static inline int fixture_append_metrics(struct sm_run_writer *writer, size_t row, struct sm_error *err) {
    struct sm_metrics metrics = fixture_metrics(row);
    return sm_run_append_metrics(writer, &metrics, err);
}

static inline int fixture_append_round(struct sm_run_writer *writer, size_t row, struct sm_error *err) {
    struct sm_round round = fixture_round(row);
    return sm_run_append_round(writer, &round, err);
}

/* Goes on to `records` records, as many rounds, and one metric row less, from wherever the writer stands. */
static inline int fixture_append_to(const struct fixture *f, struct sm_run_writer *writer, size_t records,
                                    struct sm_error *err) {
    int status = 0;
    for (size_t r = sm_run_n_records(writer); status == 0 && r < records; r++)
        status = fixture_append(f, writer, r, err);
    for (size_t m = sm_run_n_metrics(writer); status == 0 && m + 1 < records; m++)
        status = fixture_append_metrics(writer, m, err);
    for (size_t r = sm_run_n_rounds(writer); f->in_rounds && status == 0 && r < records; r++)
        status = fixture_append_round(writer, r, err);
    return status;
}

/* What the batch norm of layer l ends with: four lists of fixture_real(l, kind, channel), kinds 10 to 13; a variance is
 * not negative. */
static inline float fixture_norm_value(size_t l, size_t kind, size_t c) {
    float value = fixture_real(l, kind, c);
    return kind == 13 ? fabsf(value) : value;
}

static inline struct sm_batch_norm *fixture_norm(size_t l, size_t channels) {
    struct sm_batch_norm *norm = calloc(1, sizeof *norm);
    assert_int_equal(sm_batch_norm_init(norm, channels), 0);
    float *const parts[] = {norm->gamma, norm->beta, norm->moving_mean, norm->moving_variance};
    for (size_t kind = 10; kind < 14; kind++)
        for (size_t c = 0; c < channels; c++) parts[kind - 10][c] = fixture_norm_value(l, kind, c);
    return norm;
}

static inline bool fixture_has_norm(const struct sm_network *net, size_t l) {
    int node = sm_network_node_of_layer(net, l);
    return node >= 0 && net->nodes[node].batch_norm;
}

static inline struct sm_batch_norm **fixture_norms(const struct sm_network *net) {
    struct sm_batch_norm **all = calloc(net->n_layers, sizeof *all);
    for (size_t l = 0; l < net->n_layers; l++)
        if (fixture_has_norm(net, l)) all[l] = fixture_norm(l, net->layers[l].n_out);
    return all;
}

static inline void fixture_free_norms(const struct sm_network *net, struct sm_batch_norm **all) {
    for (size_t l = 0; l < net->n_layers; l++)
        if (all[l]) sm_batch_norm_destroy(all[l]);
    fixture_free(net, all);
}

static inline int fixture_finish(const struct fixture *f, struct sm_run_writer *writer, struct sm_error *err) {
    float **final_values = fixture_reals(&f->net, 3), **mask_weights = fixture_reals(&f->net, 4);
    struct sm_batch_norm **norms = fixture_norms(&f->net);
    if (f->net.n_nodes) sm_run_set_batch_norm(writer, (const struct sm_batch_norm *const *)norms);
    if (f->in_rounds) sm_run_set_mask_weights(writer, (const float *const *)mask_weights);
    int status = sm_run_finish(writer, (const float *const *)final_values, err);
    fixture_free(&f->net, final_values);
    fixture_free(&f->net, mask_weights);
    fixture_free_norms(&f->net, norms);
    return status;
}

/* ---- checks ---- */

/* Of a complete run: every layer that has batch norm, and what is said of one that has none. */
static inline void check_norms(const struct sm_run *run) {
    for (size_t l = 0; l < run->net.n_layers; l++) {
        struct sm_error err = {""};
        struct sm_batch_norm norm;
        assert_int_equal(sm_batch_norm_init(&norm, run->net.layers[l].n_out), 0);
        bool there = fixture_has_norm(&run->net, l);
        assert_int_equal(sm_run_read_batch_norm(run, l, &norm, &err), there ? 0 : -1);
        if (!there) assert_non_null(strstr(err.text, ": has no batch_norm/"));
        const float *const parts[] = {norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance};
        for (size_t kind = 10; there && kind < 14; kind++)
            for (size_t c = 0; c < norm.channels; c++)
                assert_true(parts[kind - 10][c] == fixture_norm_value(l, kind, c));
        sm_batch_norm_destroy(&norm);
    }
}

static inline bool same_real(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static inline void check_reals(const void *expected, const void *found, size_t n_bytes) {
    const double *a = expected, *b = found;
    for (size_t i = 0; i < n_bytes / sizeof *a; i++) assert_true(same_real(a[i], b[i]));
}

static inline void check_metrics(const struct sm_run *run) {
    for (size_t row = 0; row < run->n_metrics; row++) {
        struct sm_metrics expected = fixture_metrics(row);
        check_reals(&expected, &run->metrics[row], sizeof expected);
    }
}

static inline void check_rounds(const struct sm_run *run) {
    for (size_t row = 0; row < run->n_rounds; row++) {
        struct sm_round expected = fixture_round(row);
        check_reals(&expected, &run->rounds[row], sizeof expected);
    }
}

static inline void check_values(const struct sm_run *run, enum sm_run_values which, size_t kind) {
    struct sm_error err;
    for (size_t l = 0; l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        float *values = malloc(n * sizeof *values);
        assert_int_equal(sm_run_read_values(run, l, which, values, &err), 0);
        for (size_t i = 0; i < n; i++) assert_true(values[i] == fixture_real(l, kind, i));
        free(values);
    }
}

static inline void check_mask(const struct sm_run *run, size_t l, size_t record) {
    struct sm_error err;
    size_t n = sm_layer_weights(&run->net.layers[l]);
    int8_t *mask = malloc(n);
    if (sm_run_read_mask(run, l, record, mask, &err) < 0) fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++) assert_int_equal(mask[i], fixture_mask(l, record, i));
    free(mask);
}

/* Whatever an opened run holds is what the fixture gave. */
static inline void check_run(const struct fixture *f, const struct sm_run *run) {
    assert_int_equal(run->net.n_layers, f->net.n_layers);
    for (size_t r = 0; r < run->n_records; r++) {
        assert_int_equal(run->step[r], fixture_step(r));
        assert_true(run->epoch[r] == fixture_epoch(r));
        for (size_t l = 0; l < run->net.n_layers; l++) check_mask(run, l, r);
    }
    check_metrics(run);
    check_rounds(run);
    assert_true(run->in_rounds == f->in_rounds && run->rescale == f->in_rounds);
    assert_true(run->has_mask_weights == (run->complete && f->in_rounds));
    check_values(run, SM_INITIAL_WEIGHTS, 1);
    if (run->has_mask_weights) check_values(run, SM_MASK_WEIGHTS, 4);
    if (run->has_scores) check_values(run, SM_INITIAL_SCORES, 2);
    if (run->has_final) check_values(run, run->trains_weights ? SM_FINAL_WEIGHTS : SM_FINAL_SCORES, 3);
}

#endif
