/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run file as it is laid out: every group, data set and attribute. All of them are made before the first record,
 * because in single-writer/multiple-reader mode nothing may be added any more. Layouts that were tried, with sizes and
 * times: chunks one record deep are the only ones that survive a kill at any moment, and shuffling does nothing for
 * one-byte values.
 *
 * Nothing carries a time stamp of HDF5's own, so that equal runs give equal bytes. */
#include "runfile_hdf5.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_WEIGHTS = 65536, DEFLATE_LEVEL = 4, SERIES_CHUNK = 1024 };

#define FIELD(name, units, description)                                                                                \
    { #name, units, description, offsetof(struct sm_metrics, name), false }
#define SHARE(name, description)                                                                                       \
    { #name, "1", description ", in [0,1]", offsetof(struct sm_metrics, name), true }
static const struct sm_row_field metric_fields[SM_METRICS_COUNT] = {
    FIELD(train_loss, "nat", "Mean loss over the training samples"),
    SHARE(train_accuracy, "Share of training samples classified correctly"),
    FIELD(test_loss, "nat", "Mean loss over the test samples"),
    SHARE(test_accuracy, "Share of test samples classified correctly"),
    FIELD(learning_rate, "1", "Learning rate at the row's last step"),
    FIELD(weight_decay, "1", "Weight decay at the row's last step"),
    SHARE(remaining, "Share of the weights that are kept or inverted"),
    FIELD(seconds, "s", "Wall time since training started"),
    FIELD(epoch, "epoch", "Passes over the training set at each row; its length is the number of whole rows"),
};
#undef FIELD
#undef SHARE

#define FIELD(name, units, description)                                                                                \
    { #name, units, description, offsetof(struct sm_round, name), false }
#define SHARE(name, description)                                                                                       \
    { #name, "1", description ", in [0,1]", offsetof(struct sm_round, name), true }
static const struct sm_row_field round_fields[SM_ROUNDS_COUNT] = {
    SHARE(test_accuracy,
          "Test accuracy that the round's network is reported with: trained or untrained, by the method"),
    SHARE(untrained_accuracy, "Test accuracy under the round's mask before the round's training"),
    FIELD(untrained_loss, "nat", "Test loss under the round's mask before the round's training"),
    SHARE(trained_accuracy, "Test accuracy after the round's training"),
    FIELD(trained_loss, "nat", "Test loss after the round's training"),
    FIELD(validation_loss, "nat", "Least loss over the validation samples during the round's training"),
    FIELD(early_stop_step, "step", "Optimizer steps from the round's beginning to the least validation loss"),
    SHARE(early_stop_accuracy, "Test accuracy at the least validation loss"),
};
#undef FIELD
#undef SHARE

const struct sm_rows sm_metric_rows = {"metrics", metric_fields, SM_METRICS_COUNT, sizeof(struct sm_metrics)};
const struct sm_rows sm_round_rows = {"rounds", round_fields, SM_ROUNDS_COUNT, sizeof(struct sm_round)};

void sm_rows_object(char object[SM_OBJECT_SIZE], const struct sm_rows *rows, size_t field) {
    snprintf(object, SM_OBJECT_SIZE, "%s/%s", rows->group, rows->fields[field].name);
}

const char *const sm_values_names[5] = {"initial_weights", "final_weights", "initial_scores", "final_scores",
                                        "mask_weights"};
static const char *const values_descriptions[5] = {
    "Weights before the first step; the effective weight is this times the mask where the weights are frozen",
    "Weights at the end of training",
    "Scores before the first step",
    "Scores at the end of training",
    "Weights in place under the last record's mask; the effective weight is this times the mask",
};

const struct sm_mask_member sm_mask_members[3] = {{"INVERT", -1}, {"HIDE", 0}, {"KEEP", 1}};
const char *const sm_rescale_names[2] = {"none", "dynamic"};
const char *const sm_mask_sampling_names[2] = {"none", "record"};
const char *const sm_trained_names[3] = {"scores", "weights", "nothing"};

static const char root_description[] =
    "One training run of supermask. /layers/<name>/mask[record] is the ternary mask of a layer at the step "
    "/records/step[record]; /metrics has one row per evaluation; /rounds, of methods that work in rounds, one row per "
    "record; all shares and accuracies are in [0,1].";
static const char *const axis_names[SM_RANK_MAX] = {"record", "out", "in", "kernel_height", "kernel_width"};

const char *sm_layout_final_name(enum sm_trained trained) {
    static const char *const names[3] = {"final_scores", "final_weights", NULL};
    return names[trained];
}

void sm_layout_object(char object[SM_OBJECT_SIZE], const char *layer, const char *set) {
    snprintf(object, SM_OBJECT_SIZE, "layers/%s/%s", layer, set);
}

int sm_layout_shape(const struct sm_layer *layer, hsize_t dims[SM_RANK_MAX - 1]) {
    dims[0] = layer->n_out;
    dims[1] = layer->n_in;
    dims[2] = layer->kernel_height;
    dims[3] = layer->kernel_width;
    return layer->kind == SM_CONV2D ? 4 : 2;
}

/* ---- one data set ---- */

struct plan {
    const char *name, *description, *units;
    hid_t type; /* of the elements in the file and of the fill value */
    const void *fill;
    int rank;
    hsize_t dims[SM_RANK_MAX], chunk[SM_RANK_MAX];
    bool grows;    /* along the first axis, from 0 */
    bool compress; /* by deflate */
    bool shuffle;
};

static hid_t plan_properties(const struct plan *plan) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list < 0) return list;
    if (H5Pset_obj_track_times(list, false) < 0 || H5Pset_chunk(list, plan->rank, plan->chunk) < 0 ||
        (plan->fill && H5Pset_fill_value(list, plan->type, plan->fill) < 0) ||
        (plan->shuffle && H5Pset_shuffle(list) < 0) || (plan->compress && H5Pset_deflate(list, DEFLATE_LEVEL) < 0)) {
        sm_h5_drop(list);
        return -1;
    }
    return list;
}

static hid_t plan_create(hid_t group, const struct plan *plan) {
    hsize_t limit[SM_RANK_MAX];
    memcpy(limit, plan->dims, sizeof limit);
    if (plan->grows) limit[0] = H5S_UNLIMITED;
    hid_t list = plan_properties(plan), space = H5Screate_simple(plan->rank, plan->dims, limit);
    hid_t set =
        list < 0 || space < 0 ? -1 : H5Dcreate2(group, plan->name, plan->type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    sm_h5_drop(space);
    sm_h5_drop(list);
    if (set < 0 || sm_h5_put_text(set, "description", plan->description) < 0 ||
        sm_h5_put_text(set, "units", plan->units) < 0)
        return -1;
    return set;
}

hid_t sm_layout_group(hid_t parent, const char *name, bool ordered) {
    hid_t list = H5Pcreate(H5P_GROUP_CREATE);
    herr_t status = list < 0 ? -1 : H5Pset_obj_track_times(list, false);
    if (status >= 0 && ordered)
        status = H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t group = status < 0 ? -1 : H5Gcreate2(parent, name, H5P_DEFAULT, list, H5P_DEFAULT);
    sm_h5_drop(list);
    return group;
}

/* ---- records and metrics: one-dimensional, not compressed, since a chunk is written again with every element ---- */

static hid_t create_series(hid_t group, const char *name, const char *units, const char *description, hid_t type,
                           const void *fill) {
    struct plan plan = {.name = name,
                        .description = description,
                        .units = units,
                        .type = type,
                        .fill = fill,
                        .rank = 1,
                        .chunk = {SERIES_CHUNK},
                        .grows = true};
    return plan_create(group, &plan);
}

/* The fill values make an element that was never written recognizable: no step is -1, no epoch is NaN. */
static herr_t create_records(hid_t file, hid_t scales[2]) {
    const int64_t no_step = -1;
    const double no_epoch = NAN;
    hid_t group = sm_layout_group(file, "records", false);
    if (group < 0) return -1;
    scales[0] =
        create_series(group, "step", "step",
                      "Optimizer step after which each mask was recorded; its length is the number of whole records",
                      H5T_STD_I64LE, &no_step);
    scales[1] = create_series(group, "epoch", "epoch", "Passes over the training set when each mask was recorded",
                              H5T_IEEE_F64LE, &no_epoch);
    if (scales[0] < 0 || scales[1] < 0) return -1;
    if (H5DSset_scale(scales[0], "step") < 0 || H5DSset_scale(scales[1], "epoch") < 0) return -1;
    return sm_h5_drop(group);
}

/* A column of doubles, NaN where nothing was written; its one axis is called `axis`. */
static hid_t create_column(hid_t group, const struct sm_row_field *field, const char *axis) {
    const double missing = NAN;
    hid_t set = create_series(group, field->name, field->units, field->description, H5T_IEEE_F64LE, &missing);
    return set < 0 || H5DSset_label(set, 0, axis) < 0 ? -1 : set;
}

/* Columns whose rows are scaled by `scale`. */
static herr_t create_columns(hid_t group, const struct sm_row_field *fields, size_t n, const char *axis, hid_t scale) {
    herr_t status = H5DSset_scale(scale, axis);
    for (size_t i = 0; status >= 0 && i < n; i++) {
        hid_t set = create_column(group, &fields[i], axis);
        status = set < 0 ? -1 : H5DSattach_scale(set, scale, 0);
        if (sm_h5_drop(set) < 0) status = -1;
    }
    return status;
}

static herr_t create_metrics(hid_t file) {
    enum { EPOCH = SM_METRICS_COUNT - 1 };
    hid_t group = sm_layout_group(file, sm_metric_rows.group, false);
    hid_t epoch = group < 0 ? -1 : create_column(group, &metric_fields[EPOCH], "epoch");
    herr_t status = epoch < 0 ? -1 : create_columns(group, metric_fields, EPOCH, "epoch", epoch);
    if (sm_h5_drop(epoch) < 0) status = -1;
    return sm_h5_drop(group) < 0 ? -1 : status;
}

static herr_t create_rounds(hid_t file) {
    const int64_t no_round = -1;
    hid_t group = sm_layout_group(file, sm_round_rows.group, false), round = -1;
    if (group >= 0)
        round = create_series(group, "round", "round",
                              "Number of each round: that of its record; its length is the number of whole rows",
                              H5T_STD_I64LE, &no_round);
    herr_t status = round < 0 || H5DSset_label(round, 0, "round") < 0
                        ? -1
                        : create_columns(group, round_fields, SM_ROUNDS_COUNT, "round", round);
    if (sm_h5_drop(round) < 0) status = -1;
    return sm_h5_drop(group) < 0 ? -1 : status;
}

/* ---- layers ---- */

/* Whole units, as many as fit: a unit's history is then read by a few chunks, and so is one record. */
static void chunk_shape(const struct sm_layer *layer, hsize_t chunk[SM_RANK_MAX - 1]) {
    sm_layout_shape(layer, chunk);
    size_t units = CHUNK_WEIGHTS / sm_layer_fan_in(layer);
    if (units < 1) units = 1;
    if (units < layer->n_out) chunk[0] = units;
}

static herr_t set_labels(hid_t set, const char *const *names, int rank) {
    herr_t status = 0;
    for (int axis = 0; status >= 0 && axis < rank; axis++) status = H5DSset_label(set, (unsigned)axis, names[axis]);
    return status;
}

static herr_t create_values(hid_t group, const struct sm_layer *layer, enum sm_run_values which) {
    struct plan plan = {.name = sm_values_names[which],
                        .description = values_descriptions[which],
                        .units = "1",
                        .type = H5T_IEEE_F32LE,
                        .compress = true,
                        .shuffle = true};
    plan.rank = sm_layout_shape(layer, plan.dims);
    chunk_shape(layer, plan.chunk);
    hid_t set = plan_create(group, &plan);
    herr_t status = set < 0 ? -1 : set_labels(set, axis_names + 1, plan.rank);
    return sm_h5_drop(set) < 0 ? -1 : status;
}

/* A mask or the scores of every record. The fill value 0 is HIDE: what counts is the length of records/step. */
static herr_t create_history(hid_t group, const struct sm_layer *layer, struct plan *plan, const hid_t scales[2]) {
    plan->rank = 1 + sm_layout_shape(layer, plan->dims + 1);
    plan->dims[0] = 0;
    chunk_shape(layer, plan->chunk + 1);
    plan->chunk[0] = 1;
    plan->grows = plan->compress = true;
    hid_t set = plan_create(group, plan);
    herr_t status = set < 0 ? -1 : set_labels(set, axis_names, plan->rank);
    for (size_t i = 0; status >= 0 && i < 2; i++) status = H5DSattach_scale(set, scales[i], 0);
    return sm_h5_drop(set) < 0 ? -1 : status;
}

/* The enum stands in the data set itself: a named type would have to stay open, which the append mode refuses. */
static herr_t create_mask(hid_t group, const struct sm_layer *layer, const hid_t scales[2]) {
    hid_t type = sm_h5_mask_type();
    struct plan plan = {.name = "mask",
                        .units = "1",
                        .type = type,
                        .description = "Mask of each record: KEEP (+1), HIDE (0) or INVERT (-1) each weight"};
    herr_t status = type < 0 ? -1 : create_history(group, layer, &plan, scales);
    sm_h5_drop(type);
    return status;
}

static herr_t create_score(hid_t group, const struct sm_layer *layer, const hid_t scales[2]) {
    struct plan plan = {
        .name = "score", .units = "1", .type = H5T_IEEE_F32LE, .shuffle = true, .description = "Scores of each record"};
    return create_history(group, layer, &plan, scales);
}

static herr_t put_inputs(hid_t group, const struct sm_network *net, const struct sm_layer *layer) {
    const char **names = malloc(layer->n_inputs * sizeof *names);
    if (!names) return -1;
    for (size_t i = 0; i < layer->n_inputs; i++)
        names[i] = layer->inputs[i] == SM_NETWORK_INPUT ? SM_INPUT_NAME : net->layers[layer->inputs[i]].name;
    herr_t status = sm_h5_put_texts(group, "inputs", names, layer->n_inputs);
    free(names);
    return status;
}

static herr_t put_layer(hid_t group, const struct sm_layout *layout, size_t l) {
    const struct sm_layer *layer = &layout->net->layers[l];
    const struct {
        const char *name;
        size_t value;
    } counts[] = {{"index", l},
                  {"stride", layer->stride},
                  {"fan_in", sm_layer_fan_in(layer)},
                  {"fan_out", sm_layer_fan_out(layer)}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t value = (int64_t)counts[i].value;
        if (sm_h5_put(group, counts[i].name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value) < 0) return -1;
    }
    const double threshold = layout->header->threshold ? layout->header->threshold[l] : NAN;
    if (sm_h5_put(group, "threshold", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &threshold) < 0 ||
        sm_h5_put_text(group, "kind", sm_layer_kind_name(layer->kind)) < 0 ||
        sm_h5_put_text(group, "activation", sm_activation_name(layer->activation)) < 0)
        return -1;
    if (layer->kind == SM_CONV2D && sm_h5_put_text(group, "padding", sm_padding_name(layer->padding)) < 0) return -1;
    return put_inputs(group, layout->net, layer);
}

static herr_t create_layer(hid_t layers, const struct sm_layout *layout, size_t l, const hid_t scales[2]) {
    const struct sm_layer *layer = &layout->net->layers[l];
    hid_t group = sm_layout_group(layers, layer->name, false);
    if (group < 0 || put_layer(group, layout, l) < 0 || create_values(group, layer, SM_INITIAL_WEIGHTS) < 0) return -1;
    if (layout->has_scores && create_values(group, layer, SM_INITIAL_SCORES) < 0) return -1;
    if (layout->complete && layout->trained == SM_TRAINED_SCORES && create_values(group, layer, SM_FINAL_SCORES) < 0)
        return -1;
    if (layout->complete && layout->trained == SM_TRAINED_WEIGHTS && create_values(group, layer, SM_FINAL_WEIGHTS) < 0)
        return -1;
    if (layout->has_mask_weights && create_values(group, layer, SM_MASK_WEIGHTS) < 0) return -1;
    if (create_mask(group, layer, scales) < 0) return -1;
    if (layout->header->record_scores && create_score(group, layer, scales) < 0) return -1;
    return sm_h5_drop(group);
}

static herr_t create_layers(hid_t file, const struct sm_layout *layout, const hid_t scales[2]) {
    hid_t group = sm_layout_group(file, "layers", true);
    if (group < 0) return -1;
    for (size_t l = 0; l < layout->net->n_layers; l++)
        if (create_layer(group, layout, l, scales) < 0) return -1;
    return sm_h5_drop(group);
}

/* ---- the root ---- */

static herr_t put_count(hid_t file, const char *name, uint64_t value) {
    return sm_h5_put(file, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

/* Of a file that an older program began nobody knows them. */
static herr_t put_images(hid_t file, const struct sm_run_header *h) {
    if (!h->n_train_images) return 0;
    if (put_count(file, "train_images", h->n_train_images) < 0) return -1;
    return put_count(file, "test_images", h->n_test_images);
}

static herr_t put_root(hid_t file, const struct sm_layout *layout) {
    const struct sm_run_header *h = layout->header;
    const char *const texts[][2] = {
        {"format", SM_RUN_FORMAT},
        {"description", root_description},
        {"status", layout->status},
        {"created", layout->created},
        {"recipe", h->recipe},
        {"program_version", h->program_version},
        {"recipe_name", h->recipe_name},
        {"command_line", h->command_line},
        {"dataset", h->dataset},
        {"dataset_sha256", h->dataset_sha256},
        {"method", h->method},
        {"network", layout->net->name},
        {"trained", sm_trained_names[layout->trained]},
        {"rescale", sm_rescale_names[h->rescale]},
        {"mask_sampling", sm_mask_sampling_names[h->samples_masks]},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (sm_h5_put_text(file, texts[i][0], texts[i][1]) < 0) return -1;
    if (h->masks_from_recipe && sm_h5_put_text(file, "masks_from_recipe", h->masks_from_recipe) < 0) return -1;
    const int64_t version = SM_RUN_FORMAT_VERSION;
    const int64_t shape[3] = {(int64_t)layout->net->input_channels, (int64_t)layout->net->input_height,
                              (int64_t)layout->net->input_width};
    if (sm_h5_put(file, "format_version", H5T_STD_I64LE, H5T_NATIVE_INT64, &version) < 0 ||
        sm_h5_put_array(file, "input_shape", 3, shape) < 0 || put_count(file, "weight_seed", h->weight_seed) < 0 ||
        put_count(file, "score_seed", h->score_seed) < 0 || put_count(file, "data_seed", h->data_seed) < 0)
        return -1;
    return put_images(file, h);
}

static herr_t create_host(hid_t file, const struct sm_run_header *header) {
    hid_t group = sm_layout_group(file, "host", false);
    if (group < 0) return -1;
    for (size_t i = 0; i < header->n_host; i++)
        if (sm_h5_put_text(group, header->host[i].name, header->host[i].value) < 0) return -1;
    return sm_h5_drop(group);
}

int sm_layout_create(const struct sm_disk *disk, const struct sm_layout *layout, struct sm_error *err) {
    hid_t scales[2] = {-1, -1};
    if (put_root(disk->file, layout) < 0) return sm_disk_fail(disk, err, "cannot write the root's attributes");
    if (sm_description_create(disk->file, layout->net) < 0)
        return sm_disk_fail(disk, err, "cannot write network_description");
    if (create_host(disk->file, layout->header) < 0) return sm_disk_fail(disk, err, "cannot create host");
    if (create_records(disk->file, scales) < 0) return sm_disk_fail(disk, err, "cannot create records");
    if (create_metrics(disk->file) < 0) return sm_disk_fail(disk, err, "cannot create metrics");
    if (layout->header->in_rounds && create_rounds(disk->file) < 0)
        return sm_disk_fail(disk, err, "cannot create rounds");
    if (create_layers(disk->file, layout, scales) < 0) return sm_disk_fail(disk, err, "cannot create layers");
    if (sm_h5_drop(scales[0]) < 0 || sm_h5_drop(scales[1]) < 0) return sm_disk_fail(disk, err, "cannot create records");
    return 0;
}
