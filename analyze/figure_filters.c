/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_filters.c - data/filters.tsv: the first convolution of one run of each group, weight by weight. */
#include "analyze/figure_data.h"
#include "analyze/moments.h"

enum { MOST_FILTERS = 64 }; /* what a page can show */

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "its first layer, which reads the images"},
    {"filters", "filters of the layer; those beyond 64 are left out"},
    {"filter", "from 0"},
    {"channel", "channel of the image, from 0: red, green and blue of a colour image"},
    {"row", "row of the kernel"},
    {"column", "column of the kernel"},
    {"mask", "1 keep, 0 hide, -1 invert"},
    {"weight", "effective weight v = w g"},
};

static bool has_group(const struct sm_figure_context *context, size_t group) {
    const struct sm_layer *first = &context->analysis->runs[context->groups->first[group]].net.layers[0];
    return first->kind == SM_CONV2D && first->n_inputs == 1 && first->inputs[0] == SM_NETWORK_INPUT;
}

static const char *lacks(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_group(context, g)) return NULL;
    return "no first layer is a convolution";
}

static void write_filter(struct sm_table *table, const struct sm_moment *moment, size_t filter) {
    const struct sm_layer *layer = &moment->run->net.layers[0];
    size_t fan_in = sm_layer_fan_in(layer), taps = layer->kernel_height * layer->kernel_width;
    for (size_t k = 0; k < fan_in; k++) {
        size_t at = filter * fan_in + k;
        sm_table_text(table, moment->run->name);
        sm_table_text(table, layer->name);
        sm_table_int(table, (int64_t)layer->n_out);
        sm_table_int(table, (int64_t)filter);
        sm_table_int(table, (int64_t)(k / taps));
        sm_table_int(table, (int64_t)(k % taps / layer->kernel_width));
        sm_table_int(table, (int64_t)(k % layer->kernel_width));
        sm_table_int(table, moment->mask[0][at]);
        sm_table_real(table, (double)moment->weights[0][at] * moment->mask[0][at]);
    }
}

static int write_run(struct sm_table *table, const struct sm_figure_context *context, size_t run,
                     struct sm_error *err) {
    struct sm_moments *moments = context->analysis->moments;
    const struct sm_moment *moment = sm_moments_get(moments, run, err);
    size_t n = moment ? moment->run->net.layers[0].n_out : 0;
    for (size_t filter = 0; filter < n && filter < MOST_FILTERS; filter++) write_filter(table, moment, filter);
    sm_moments_release(moments, run);
    return moment ? 0 : -1;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "filters", "Filters of the first layer.", NULL, columns,
                      sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t g = 0; g < context->groups->n_groups; g++) {
        if (!has_group(context, g) || write_run(table, context, context->groups->first[g], err) == 0) continue;
        sm_table_abandon(table);
        return -1;
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_filters = {"filters", lacks, write, has_group};
