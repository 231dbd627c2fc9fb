/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/dry_run.h"
#include "train/method.h"
#include "train/train.h"

#include <supermask/init.h>
#include <supermask/kernels.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 48 };

/* 266200 -> "266.2 kB" */
static const char *bytes_text(size_t bytes, char cell[CELL_SIZE]) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000.0 && unit + 1 < sizeof units / sizeof *units; unit++) value /= 1000.0;
    snprintf(cell, CELL_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return cell;
}

static bool trains_weights(const struct sm_recipe *recipe) {
    return sm_method_find(recipe->method)->trains_weights;
}

static void shape_text(const struct sm_layer *layer, char cell[CELL_SIZE]) {
    if (layer->kind == SM_DENSE)
        snprintf(cell, CELL_SIZE, "[%zu, %zu]", layer->n_out, layer->n_in);
    else
        snprintf(cell, CELL_SIZE, "[%zu, %zu, %zu, %zu]", layer->n_out, layer->n_in, layer->kernel_height,
                 layer->kernel_width);
}

static void threshold_text(const struct sm_recipe *recipe, char cell[CELL_SIZE]) {
    if (trains_weights(recipe))
        snprintf(cell, CELL_SIZE, "-");
    else
        snprintf(cell, CELL_SIZE, recipe->threshold_kind == SM_THRESHOLD_RELATIVE ? "%g max|m|" : "%g",
                 recipe->threshold);
}

/* What a deviation s means for the distribution: see recipe.h. */
static void weights_text(const struct sm_recipe *recipe, const struct sm_layer *layer, char cell[CELL_SIZE]) {
    static const struct {
        const char *words;
        double variance; /* of the distribution whose parameter is 1 */
    } forms[] = {[SM_WEIGHTS_SIGNED_CONSTANT] = {"+-", 1.0},
                 [SM_WEIGHTS_UNIFORM] = {"uniform +-", 1.0 / 3.0},
                 [SM_WEIGHTS_NORMAL] = {"normal, sd ", 1.0}};
    snprintf(cell, CELL_SIZE, "%s%.6g", forms[recipe->weight_init].words,
             sm_init_weight_deviation(recipe, layer) / sqrt(forms[recipe->weight_init].variance));
}

static void scores_text(const struct sm_recipe *recipe, const struct sm_layer *layer, char cell[CELL_SIZE]) {
    if (trains_weights(recipe))
        snprintf(cell, CELL_SIZE, "-");
    else
        snprintf(cell, CELL_SIZE, "uniform +-%.6g", sqrt(3.0) * sm_init_score_deviation(recipe, layer));
}

/* Rows as text, so that the header and the numbers share one format. */
static void print_row(FILE *out, const char *const cells[8]) {
    fprintf(out, "# %-12s %-7s %-20s %10s %-10s %-12s %-20s %s\n", cells[0], cells[1], cells[2], cells[3], cells[4],
            cells[5], cells[6], cells[7]);
}

static void print_layer(FILE *out, const struct sm_recipe *recipe, const struct sm_layer *layer) {
    char shape[CELL_SIZE], parameters[CELL_SIZE], threshold[CELL_SIZE], weights[CELL_SIZE], scores[CELL_SIZE];
    shape_text(layer, shape);
    snprintf(parameters, sizeof parameters, "%zu", sm_layer_weights(layer));
    threshold_text(recipe, threshold);
    weights_text(recipe, layer, weights);
    scores_text(recipe, layer, scores);
    print_row(out, (const char *const[]){layer->name, sm_layer_kind_name(layer->kind), shape, parameters,
                                         sm_activation_name(layer->activation), threshold, weights, scores});
}

static void print_layers(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net) {
    fprintf(out, "#\n# The network %s: input %zux%zux%zu, weights [out, in], no biases\n#\n", net->name,
            net->input_channels, net->input_height, net->input_width);
    print_row(out, (const char *const[]){"layer", "kind", "shape", "parameters", "activation", "threshold",
                                         "initial weights", "initial scores"});
    for (size_t l = 0; l < net->n_layers; l++) print_layer(out, recipe, &net->layers[l]);
}

static void print_plan(FILE *out, const struct sm_recipe *recipe, const struct sm_train_plan *plan, const char *path) {
    char memory[CELL_SIZE], file[CELL_SIZE];
    fprintf(out, "#\n# The run\n#\n");
    fprintf(out, "# output           %s\n", path);
    fprintf(out, "# parameters       %zu\n", plan->parameters);
    fprintf(out, "# steps            %zu (%zu an epoch)\n", plan->n_steps, plan->steps_per_epoch);
    fprintf(out, "# records          %zu\n", plan->n_records);
    fprintf(out, "# memory           about %s\n", bytes_text(plan->memory_bytes, memory));
    fprintf(out, "# file             about %s\n", bytes_text(plan->file_bytes, file));
    fprintf(out, "# threads          %lld\n", (long long)recipe->threads);
    fprintf(out, "# kernels          %s\n", sm_kernels_name());
    fprintf(out, "# blas             %s\n", sm_blas_name());
    fprintf(out, "# blas core        %s\n", sm_blas_core());
    if (sm_blas_warning()) fprintf(out, "# note             %s\n", sm_blas_warning());
}

int sm_dry_run(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net, const char *path,
               struct sm_error *err) {
    struct sm_train_plan plan;
    if (sm_train_plan(&plan, recipe, net, err)) return -1;
    char *text = sm_recipe_text(recipe);
    if (!text) return sm_fail(err, "out of memory");
    fputs(text, out);
    free(text);
    print_layers(out, recipe, net);
    print_plan(out, recipe, &plan, path);
    return 0;
}
