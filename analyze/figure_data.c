/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/figure_data.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- data/runs.tsv ---- */

static const struct sm_column run_columns[] = {
    {"run", "run file's base name"},
    {"group", "number of its group, from 1: runs whose recipes differ in nothing but seeds"},
    {"label", "name of the group"},
    {"in_rounds", "1: of a method that works in rounds, whose records are its rounds; else 0"},
};

static int write_runs(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "runs", "Which runs the figures average.", NULL, run_columns,
                      COUNT(run_columns), err) != 0)
        return -1;
    for (size_t i = 0; i < context->analysis->n_runs; i++) {
        size_t g = context->groups->group[i];
        sm_table_text(table, context->analysis->runs[i].name);
        sm_table_int(table, (int64_t)g + 1);
        sm_table_text(table, context->groups->label[g]);
        sm_table_int(table, context->analysis->runs[i].in_rounds);
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_runs = {"runs", NULL, write_runs, NULL};

/* ---- data/networks.tsv ---- */

static const struct sm_column network_columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer"},
    {"index", "its place in the forward pass, from 0"},
    {"kind", "dense or conv2d"},
    {"units_out", "neurons or channels"},
    {"units_in", "inputs or input channels"},
    {"kernel_height", "1 for a dense layer"},
    {"kernel_width", "1 for a dense layer"},
    {"weights", "number of weights, hidden ones too"},
    {"threshold", "threshold of the scores; nan where the method has none"},
    {"input_channels", "channels of the network's input"},
    {"input_height", "its height in pixels"},
    {"input_width", "its width in pixels"},
};

static void write_layer(struct sm_table *table, const struct sm_run *run, size_t l) {
    const struct sm_layer *layer = &run->net.layers[l];
    sm_table_text(table, run->name);
    sm_table_text(table, layer->name);
    sm_table_int(table, (int64_t)l);
    sm_table_text(table, sm_layer_kind_name(layer->kind));
    sm_table_int(table, (int64_t)layer->n_out);
    sm_table_int(table, (int64_t)layer->n_in);
    sm_table_int(table, (int64_t)layer->kernel_height);
    sm_table_int(table, (int64_t)layer->kernel_width);
    sm_table_int(table, (int64_t)sm_layer_weights(layer));
    sm_table_real(table, run->threshold[l]);
    sm_table_int(table, (int64_t)run->net.input_channels);
    sm_table_int(table, (int64_t)run->net.input_height);
    sm_table_int(table, (int64_t)run->net.input_width);
}

static int write_networks(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "networks", "Shapes of the layers.", NULL, network_columns,
                      COUNT(network_columns), err) != 0)
        return -1;
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        for (size_t l = 0; l < context->analysis->runs[i].net.n_layers; l++)
            write_layer(table, &context->analysis->runs[i], l);
    return sm_table_close(table, err);
}

static bool has_image(const struct sm_figure_context *context, size_t group) {
    const struct sm_network *net = &context->analysis->runs[context->groups->first[group]].net;
    return net->input_channels == 1 && net->input_height > 1 && net->input_width > 1 && net->layers[0].kind == SM_DENSE;
}

static const char *lacks_image(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_image(context, g)) return NULL;
    return "the first layer does not read the pixels of an image of one channel one by one";
}

const struct sm_figure_data sm_figure_data_networks = {"networks", NULL, write_networks, NULL};
const struct sm_figure_data sm_figure_data_image = {"networks", lacks_image, write_networks, has_image};

/* ---- inverted weights ---- */

static bool has_inverted(const struct sm_figure_context *context, size_t group) {
    struct sm_rows rows = sm_sheet_rows(sm_sheets_find(context->sheets, "ratios"), group, SM_ALL_LAYERS);
    return sm_rows_spread(&rows, "n_invert", NULL).most > 0;
}

static const char *lacks_inverted(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_inverted(context, g)) return NULL;
    return "no run inverts a weight at any record";
}

const struct sm_figure_data sm_figure_data_inverted = {"inverted", lacks_inverted, NULL, has_inverted};

/* ---- data/training.tsv ---- */

static const struct sm_column training_columns[] = {
    {"run", "run file's base name"},
    {"group", "name of the group of runs whose recipes differ in nothing but seeds"},
    {"epoch", "epoch"},
    {"train_loss", "mean over the training samples; nan where not measured"},
    {"train_accuracy", "share"},
    {"test_loss", "mean over the test samples"},
    {"test_accuracy", "share"},
    {"learning_rate", "at the end of the epoch"},
    {"weight_decay", "at the end of the epoch"},
    {"remaining", "share of weights that are not hidden"},
};

static const char *lacks_metrics(const struct sm_figure_context *context) {
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        if (context->analysis->runs[i].n_metrics > 0) return NULL;
    return "no run holds metrics";
}

static int write_training(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "training", "What was measured while the runs were trained.", NULL,
                      training_columns, COUNT(training_columns), err) != 0)
        return -1;
    for (size_t i = 0; i < context->analysis->n_runs; i++) {
        const struct sm_run *run = &context->analysis->runs[i];
        for (size_t k = 0; k < run->n_metrics; k++) {
            const struct sm_metrics *row = &run->metrics[k];
            const double values[] = {row->epoch,         row->train_loss,    row->train_accuracy, row->test_loss,
                                     row->test_accuracy, row->learning_rate, row->weight_decay,   row->remaining};
            sm_table_text(table, run->name);
            sm_table_text(table, context->groups->label[context->groups->group[i]]);
            for (size_t v = 0; v < COUNT(values); v++) sm_table_real(table, values[v]);
        }
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_training = {"training", lacks_metrics, write_training, NULL};
const struct sm_figure_data sm_figure_data_metrics = {"training", NULL, write_training, NULL};
