/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading values out of an opened run. What is checked once, at opening, is in runfile_open.c. */
#include "runfile_hdf5.h"

#include <assert.h>
#include <math.h>
#include <supermask/rescale.h>

/* Reads a part of record `record` of `set`, whose records have the shape of the layer. */
static int read_part(hid_t set, const struct sm_layer *layer, size_t record, const struct sm_mask_part *part,
                     hid_t memory_type, void *values) {
    hsize_t start[SM_RANK_MAX] = {record, part->first_out, part->first_in}, count[SM_RANK_MAX] = {1};
    int rank = 1 + sm_layout_shape(layer, count + 1);
    count[1] = part->n_out;
    count[2] = part->n_in;
    hid_t memory = H5Screate_simple(rank, count, NULL), file = H5Dget_space(set);
    herr_t status = memory < 0 || file < 0 ? -1 : H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL);
    if (status >= 0) status = H5Dread(set, memory_type, memory, file, H5P_DEFAULT, values);
    sm_h5_drop(memory);
    sm_h5_drop(file);
    return status < 0 ? -1 : 0;
}

static int read_record(hid_t set, const struct sm_layer *layer, size_t record, hid_t memory_type, void *values) {
    const struct sm_mask_part whole = {.n_out = layer->n_out, .n_in = layer->n_in};
    return read_part(set, layer, record, &whole, memory_type, values);
}

int sm_run_read_mask_part(const struct sm_run *run, size_t layer, size_t record, const struct sm_mask_part *part,
                          int8_t *mask, struct sm_error *err) {
    assert(layer < run->net.n_layers && record < run->n_records);
    const struct sm_layer *shape = &run->net.layers[layer];
    assert(part->first_out + part->n_out <= shape->n_out && part->first_in + part->n_in <= shape->n_in);
    sm_h5_silence();
    if (read_part(run->handle->mask[layer], shape, record, part, H5T_NATIVE_INT8, mask) < 0)
        return sm_h5_fail(err, run->path, "layer %s: cannot read record %zu of the mask", shape->name, record);
    size_t n = part->n_out * part->n_in * shape->kernel_height * shape->kernel_width;
    for (size_t i = 0; i < n; i++)
        if (mask[i] < -1 || mask[i] > 1)
            return sm_fail(err, "%s: layer %s: mask holds the value %d in record %zu", run->path, shape->name, mask[i],
                           record);
    return 0;
}

int sm_run_read_mask(const struct sm_run *run, size_t layer, size_t record, int8_t *mask, struct sm_error *err) {
    assert(layer < run->net.n_layers);
    const struct sm_layer *shape = &run->net.layers[layer];
    const struct sm_mask_part whole = {.n_out = shape->n_out, .n_in = shape->n_in};
    return sm_run_read_mask_part(run, layer, record, &whole, mask, err);
}

/* A program that computes with numbers that are none gives accuracies that are none. */
static int check_finite(const struct sm_run *run, const char *what, const float *values, size_t n,
                        struct sm_error *err) {
    size_t i = 0;
    while (i < n && isfinite(values[i])) i++;
    return i == n ? 0
                  : sm_fail(err, "%s: %s holds the value %g, for weight %zu of %zu", run->path, what, (double)values[i],
                            i, n);
}

int sm_run_read_scores(const struct sm_run *run, size_t layer, size_t record, float *scores, struct sm_error *err) {
    assert(layer < run->net.n_layers && record < run->n_records && run->has_score_records);
    char object[SM_OBJECT_SIZE];
    const struct sm_layer *shape = &run->net.layers[layer];
    sm_h5_silence();
    if (read_record(run->handle->score[layer], shape, record, H5T_NATIVE_FLOAT, scores) < 0)
        return sm_h5_fail(err, run->path, "layer %s: cannot read record %zu of the scores", shape->name, record);
    sm_layout_object(object, shape->name, "score");
    return check_finite(run, object, scores, sm_layer_weights(shape), err);
}

int sm_run_read_values(const struct sm_run *run, size_t layer, enum sm_run_values which, float *values,
                       struct sm_error *err) {
    assert(layer < run->net.n_layers);
    char object[SM_OBJECT_SIZE];
    sm_layout_object(object, run->net.layers[layer].name, sm_values_names[which]);
    sm_h5_silence();
    if (H5Lexists(run->handle->file, object, H5P_DEFAULT) <= 0) return sm_fail(err, "%s: has no %s", run->path, object);
    hid_t set = H5Dopen2(run->handle->file, object, H5P_DEFAULT);
    herr_t status = set < 0 ? -1 : H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    int result = status < 0 ? sm_h5_fail(err, run->path, "cannot read %s", object) : 0;
    sm_h5_drop(set);
    return result ? -1 : check_finite(run, object, values, sm_layer_weights(&run->net.layers[layer]), err);
}

enum sm_run_values sm_run_acting_weights(const struct sm_run *run, size_t record) {
    bool last = record + 1 == run->n_records && run->has_final;
    if (last && run->has_mask_weights) return SM_MASK_WEIGHTS;
    return last && run->trains_weights ? SM_FINAL_WEIGHTS : SM_INITIAL_WEIGHTS;
}

void sm_run_rescale(const struct sm_run *run, size_t layer, const int8_t *mask, float *values) {
    if (!run->rescale) return;
    size_t n = sm_layer_weights(&run->net.layers[layer]), n_kept = 0;
    for (size_t k = 0; k < n; k++) n_kept += mask[k] != 0;
    float factor = sm_rescale_factor(n, n_kept);
    for (size_t k = 0; k < n; k++) values[k] *= factor;
}

int sm_run_record_at(const struct sm_run *run, double epoch, size_t *record, struct sm_error *err) {
    *record = run->n_records - 1;
    if (isnan(epoch)) return 0;
    while (*record > 0 && run->epoch[*record] > epoch) --*record;
    if (run->epoch[*record] <= epoch) return 0;
    return sm_fail(err, "%s: no mask was recorded at or before epoch %g: the first record is of epoch %g", run->path,
                   epoch, run->epoch[0]);
}
