/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluate.c - `supermask-train evaluate`: a recorded step, or a compact file, on the images of its data set. */
#include "train/commands.h"
#include "train/model_options.h"
#include "train/npy.h"

#include <supermask/table.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sm_column columns[] = {
    {"run", "name of the run"},
    {"record", "number of the record, from 0, the initial mask"},
    {"step", "optimizer steps before it"},
    {"epoch", "the same in epochs"},
    {"split", "test or train"},
    {"images", "number of images"},
    {"accuracy", "share of images whose class has the largest logit, 0 to 1"},
    {"loss", "mean cross-entropy in nats, as the recipe's `loss` has it"},
    {"remaining", "share of the run's weights that are kept or inverted, 0 to 1"},
};

/* ---- images ---- */

static int check_data(const struct sm_model *model, const struct sm_dataset *data, const char *path,
                      struct sm_error *err) {
    const struct sm_layer *last = &model->net.layers[model->net.n_layers - 1];
    if (strcmp(data->sha256, model->source.dataset_sha256) != 0)
        return sm_fail(err,
                       "%s: the data set %s at hand is another one than the run was trained on (SHA-256 %.12s... "
                       "instead of %.12s...)",
                       path, data->name, data->sha256, model->source.dataset_sha256);
    if (sm_network_inputs(&model->net) != data->channels * data->height * data->width || last->n_out != data->n_classes)
        return sm_fail(err, "%s: its network does not fit the images and classes of %s", path, data->name);
    return 0;
}

/* ---- one evaluation ---- */

static int print_row(const struct sm_model *model, const char *split, size_t n_images, struct sm_evaluation score,
                     struct sm_error *err) {
    const struct sm_model_source *source = &model->source;
    struct sm_table *table;
    if (sm_table_print(&table, stdout, "evaluate", "A masked network on the images of its data set.", NULL, columns,
                       sizeof columns / sizeof *columns, err))
        return -1;
    sm_table_text(table, source->run);
    sm_table_int(table, (int64_t)source->record);
    sm_table_int(table, source->step);
    sm_table_real(table, source->epoch);
    sm_table_text(table, split);
    sm_table_int(table, (int64_t)n_images);
    sm_table_real(table, score.accuracy);
    sm_table_real(table, score.loss);
    sm_table_real(table, (double)source->remaining / (double)source->weights);
    return sm_table_close(table, err);
}

static int evaluate_samples(const struct sm_model *model, const struct sm_samples *samples,
                            const struct sm_model_options *options, struct sm_error *err) {
    size_t n = samples->split->n, n_classes = model->net.layers[model->net.n_layers - 1].n_out;
    float *logits = malloc((n * n_classes + 1) * sizeof *logits);
    int status = logits ? 0 : sm_fail(err, "%s: out of memory", options->path);
    if (status == 0) status = sm_model_logits(model, samples, options->n_threads, logits, err);
    if (status == 0 && options->logits) status = sm_npy_write(options->logits, logits, n, n_classes, err);
    if (status == 0)
        status = print_row(model, options->train ? "train" : "test", n, sm_model_score(model, samples, logits), err);
    free(logits);
    return status;
}

static int evaluate_model(const struct sm_model *model, const struct sm_model_options *options, struct sm_error *err) {
    struct sm_dataset data;
    struct sm_samples samples = {0};
    int status = sm_dataset_load(&data, model->source.recipe.dataset, options->data, err);
    const struct sm_split *split = options->train ? &data.train : &data.test;
    if (status == 0) status = check_data(model, &data, options->path, err);
    if (status == 0 && split->n == 0)
        status = sm_fail(err, "%s: the data set %s has no %s images", options->path, data.name,
                         options->train ? "training" : "test");
    if (status == 0) status = sm_samples_init(&samples, &data, split, model->source.recipe.standardize, err);
    if (status == 0) status = evaluate_samples(model, &samples, options, err);
    sm_samples_destroy(&samples);
    sm_dataset_destroy(&data);
    return status;
}

int sm_evaluate(int argc, char **argv) {
    struct sm_model_options options;
    struct sm_model model;
    struct sm_error err = {0};
    sm_model_options_parse(&options, SM_COMMAND_EVALUATE, argc, argv);
    enum sm_exit status = sm_model_open(&model, &options, &err);
    if (status == SM_EXIT_DONE && evaluate_model(&model, &options, &err)) status = SM_EXIT_WORLD;
    if (status != SM_EXIT_DONE) fprintf(stderr, "supermask-train: %s\n", err.text);
    sm_model_destroy(&model);
    return (int)status;
}
