/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_first_layer.c - data/first-layer-mask.tsv and data/first-layer-sample.tsv: the first run's first mask and the
 * test sample that it sees. */
#include <stdio.h>
#include <stdlib.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/figure_data.h"
#include "analyze/moments.h"
#include "analyze/test_data.h"

enum { MOST_PIXELS = 1600, MOST_UNITS = 2000 }; /* more than a page can show */

static const char *lacks(const struct sm_figure_context *context) {
    const struct sm_network *net = &context->analysis->runs[0].net;
    if (net->layers[0].kind != SM_DENSE) return "the first layer is a convolution";
    if (net->input_channels != 1 || net->input_height < 2 || net->input_width < 2)
        return "the input is not an image of one channel";
    if (net->layers[0].n_in > MOST_PIXELS || net->layers[0].n_out > MOST_UNITS)
        return "the first layer has more entries than a page can show";
    return NULL;
}

static int write_mask(const struct sm_figure_context *context, const int8_t *mask, struct sm_error *err) {
    const struct sm_layer *layer = &context->analysis->runs[0].net.layers[0];
    char *path = sm_format("%s/first-layer-mask.tsv", context->directory);
    if (!path) return sm_fail(err, "figure first-layer: out of memory");
    struct sm_outfile out;
    int status = sm_outfile_open(&out, path, err);
    free(path);
    if (status != 0) return -1;
    fprintf(out.file, "# Mask of %s: one line a unit, one column an input; 1 keep, 0 hide, -1 invert\n", layer->name);
    for (size_t u = 0; u < layer->n_out; u++)
        for (size_t i = 0; i < layer->n_in; i++)
            fprintf(out.file, "%d%c", mask[u * layer->n_in + i], i + 1 < layer->n_in ? '\t' : '\n');
    return sm_outfile_close(&out, err);
}

static const struct sm_column columns[] = {
    {"pixel", "input, from 0"},
    {"row", "its row"},
    {"column", "its column"},
    {"value", "first sample of the test set, 0..255; 0 everywhere where the data set was not at hand"},
};

/* `image` is NULL or [height, width]. */
static int write_sample(const struct sm_figure_context *context, const uint8_t *image, struct sm_error *err) {
    const struct sm_network *net = &context->analysis->runs[0].net;
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "first-layer-sample", "A test sample.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t p = 0; p < net->input_height * net->input_width; p++) {
        sm_table_int(table, (int64_t)p);
        sm_table_int(table, (int64_t)(p / net->input_width));
        sm_table_int(table, (int64_t)(p % net->input_width));
        sm_table_int(table, image ? image[p] : 0);
    }
    return sm_table_close(table, err);
}

/* The first image of the test set, or NULL and a note. */
static const uint8_t *first_sample(const struct sm_figure_context *context) {
    const struct sm_run *run = &context->analysis->runs[0];
    struct sm_error absent = {{0}};
    const struct sm_dataset *data = sm_test_data_set(context->analysis->test_data, run->dataset, &absent);
    if (!data) {
        sm_note(context->analysis->notes, "figure first-layer: drawn without a test sample: %s", absent.text);
        return NULL;
    }
    if (data->test.n > 0 && data->channels == 1 && data->height == run->net.input_height &&
        data->width == run->net.input_width)
        return data->test.images;
    sm_note(context->analysis->notes, "figure first-layer: drawn without a test sample: those of %s have another shape",
            run->dataset);
    return NULL;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_moments *moments = context->analysis->moments;
    const struct sm_moment *moment = sm_moments_get(moments, 0, err);
    int status = moment ? write_mask(context, moment->mask[0], err) : -1;
    sm_moments_release(moments, 0);
    return status == 0 ? write_sample(context, first_sample(context), err) : -1;
}

const struct sm_figure_data sm_figure_data_first_layer = {"first-layer", lacks, write, NULL};
