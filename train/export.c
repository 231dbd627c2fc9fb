/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.c - `supermask-train export`: a run's network as a compact file, and what that saves. */
#include "train/commands.h"
#include "train/method.h"
#include "train/model_options.h"
#include "train/output.h"

#include <supermask/alive.h>
#include <supermask/compact.h>
#include <supermask/table.h>
#include <supermask/text.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct sm_column columns[] = {
    {"run", "name of the run"},
    {"layer", "layer, or all for the network"},
    {"form", "how the engine computes it: lists (of kept weights) or product (dense, OpenBLAS)"},
    {"weights", "weights of the run's network"},
    {"remaining_weights", "those kept or inverted"},
    {"effective_weights", "those on a route from input to output: what the file has"},
    {"units", "units (channels of a convolution)"},
    {"alive_units", "those on a route"},
    {"stored_units", "units of the layer in the file; what a product reads or writes keeps its shape"},
    {"bytes", "bytes in the file; for all: of the whole file"},
    {"float32_bytes", "bytes of all weights as float32"},
    {"ratio", "float32_bytes / bytes"},
    {"int8_bytes", "bytes of the run's mask, one a weight"},
    {"bound_bytes",
     "entropy bound of the run's mask and of the sizes |w| it keeps; signs of w come from their seed (the "
     "file has a bit for each); nan where kept weights are trained"},
};

/* One row. */
struct sizes {
    size_t weights, remaining, effective, units, alive, stored, bytes;
    double bound; /* bytes */
};

/* ---- what the mask needs at least ---- */

static double entropy_term(size_t part, size_t whole) {
    double p = (double)part / (double)whole;
    return part ? -p * log2(p) : 0;
}

/* Numbers that tell |w| of all weights that remain. */
static size_t count_sizes(const struct sm_model_layer *layer) {
    size_t n = 0;
    float first = 0;
    bool equal = true;
    for (size_t k = 0; k < layer->shape.n_rows * layer->shape.stride; k++) {
        if (!layer->mask[k]) continue;
        if (n++ == 0) first = fabsf(layer->weight[k]);
        equal = equal && fabsf(layer->weight[k]) == first;
    }
    return equal ? n > 0 : n;
}

/* As bits_per_weight of supermask-analyze's summary: a code that knows the layer's shares of keep, hide and invert, and
 * has the signs of w from their seed. */
static double bound_of(const struct sm_model_layer *layer, size_t n) {
    size_t keep = 0, invert = 0;
    if (!layer->mask) return NAN;
    for (size_t k = 0; k < layer->shape.n_rows * layer->shape.stride; k++) {
        keep += layer->mask[k] > 0;
        invert += layer->mask[k] < 0;
    }
    double bits = entropy_term(keep, n) + entropy_term(invert, n) + entropy_term(n - keep - invert, n);
    return bits * (double)n / 8 + (double)(count_sizes(layer) * sizeof(float));
}

/* A heuristic's training chooses the mask; what the mask keeps are other weights. */
static bool is_trained(const struct sm_model *model) {
    const struct sm_method *method = sm_method_find(model->source.recipe.method);
    return method && method->trains_weights && !method->reports_untrained;
}

/* ---- the table ---- */

static struct sizes sizes_of(const struct sm_model *model, const struct sm_model *small, const struct sm_alive *alive,
                             size_t l, size_t bytes) {
    size_t n = sm_layer_weights(&model->net.layers[l]);
    return (struct sizes){.weights = n,
                          .remaining = sm_model_remaining(model, l),
                          .effective = sm_alive_weights(alive, l),
                          .units = model->net.layers[l].n_out,
                          .alive = sm_alive_units(alive, sm_network_node_of_layer(&model->net, l)),
                          .stored = small->net.layers[l].n_out,
                          .bytes = bytes,
                          .bound = is_trained(model) ? NAN : bound_of(&model->layers[l], n)};
}

static void add_sizes(struct sizes *sum, const struct sizes *one) {
    sum->weights += one->weights;
    sum->remaining += one->remaining;
    sum->effective += one->effective;
    sum->units += one->units;
    sum->alive += one->alive;
    sum->stored += one->stored;
    sum->bound += one->bound;
}

static void write_row(struct sm_table *table, const char *run, const char *layer, const char *form,
                      const struct sizes *s) {
    size_t full = s->weights * sizeof(float);
    const size_t counts[] = {s->weights, s->remaining, s->effective, s->units, s->alive, s->stored, s->bytes, full};
    sm_table_text(table, run);
    sm_table_text(table, layer);
    sm_table_text(table, form);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) sm_table_int(table, (int64_t)counts[k]);
    sm_table_real(table, (double)full / (double)s->bytes);
    sm_table_int(table, (int64_t)s->weights);
    sm_table_real(table, s->bound);
}

static int print_sizes(const struct sm_model *model, const struct sm_model *small, const struct sm_alive *alive,
                       const size_t *n_bytes, const char *path, struct sm_error *err) {
    struct sm_table *table;
    size_t n_layers = model->net.n_layers;
    struct sizes all = {.bytes = n_bytes[n_layers]};
    char *preamble = sm_format("file: %s", path);
    int status = preamble ? sm_table_print(&table, stdout, "export", "A masked network as a compact file.", preamble,
                                           columns, sizeof columns / sizeof *columns, err)
                          : sm_fail(err, "%s: out of memory", path);
    free(preamble);
    if (status) return -1;
    for (size_t l = 0; l < n_layers; l++) {
        const struct sizes one = sizes_of(model, small, alive, l, n_bytes[l]);
        const char *form = model->layers[l].form == SM_FORM_LISTS ? "lists" : "product";
        write_row(table, model->source.run, model->net.layers[l].name, form, &one);
        add_sizes(&all, &one);
    }
    write_row(table, model->source.run, "all", "-", &all);
    return sm_table_close(table, err);
}

/* ---- the file ---- */

/* Never over something that is no compact file, such as the run itself. */
static int check_output(const char *path, struct sm_error *err) {
    if (access(path, F_OK) != 0 || sm_compact_is(path)) return 0;
    return sm_fail(err, "%s: exists already and is no compact file: -o names another", path);
}

static int write_small(const struct sm_model *model, const struct sm_model *small, const char *path,
                       struct sm_error *err) {
    size_t *n_bytes = calloc(model->net.n_layers + 1, sizeof *n_bytes);
    struct sm_alive_mask *masks = calloc(model->net.n_layers, sizeof *masks);
    struct sm_alive alive = {0};
    int status = n_bytes && masks ? check_output(path, err) : sm_fail(err, "%s: out of memory", path);
    for (size_t l = 0; status == 0 && l < model->net.n_layers; l++)
        masks[l] = (struct sm_alive_mask){model->layers[l].mask, model->layers[l].shape.stride};
    if (status == 0) status = sm_alive_init(&alive, &model->net, masks, err);
    if (status == 0) status = sm_compact_write(small, path, n_bytes, err);
    if (status == 0) status = print_sizes(model, small, &alive, n_bytes, path, err);
    sm_alive_destroy(&alive);
    free(masks);
    free(n_bytes);
    return status;
}

static int export_model(struct sm_model *model, const char *from, const char *wanted, struct sm_error *err) {
    struct sm_model small = {0};
    char *name = sm_format("%s.smc", model->source.run), *path = name ? sm_output_place(wanted, name) : NULL;
    int status = path ? sm_output_make_directory(wanted, err) : sm_fail(err, "out of memory");
    if (status == 0) status = sm_model_fix_forms(model, err);
    if (status == 0 && sm_model_shrink(&small, model, err)) status = sm_fail_prefix(err, "%s", from);
    if (status == 0) status = write_small(model, &small, path, err);
    sm_model_destroy(&small);
    free(path);
    free(name);
    return status;
}

/* What is stored of a network says nothing of what was left out: sizes would be compared with itself. */
static int check_input(const char *path, struct sm_error *err) {
    return sm_compact_is(path) ? sm_fail(err, "%s: is a compact file already: export reads a run", path) : 0;
}

int sm_export(int argc, char **argv) {
    struct sm_model_options options;
    struct sm_model model = {0};
    struct sm_error err = {0};
    sm_model_options_parse(&options, SM_COMMAND_EXPORT, argc, argv);
    enum sm_exit status = sm_model_open(&model, &options, &err);
    if (status == SM_EXIT_DONE && check_input(options.path, &err)) status = SM_EXIT_WORLD;
    if (status == SM_EXIT_DONE && export_model(&model, options.path, options.output, &err)) status = SM_EXIT_WORLD;
    if (status != SM_EXIT_DONE) fprintf(stderr, "supermask-train: %s\n", err.text);
    sm_model_destroy(&model);
    return (int)status;
}
