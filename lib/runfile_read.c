/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading values out of an opened run. What is checked once, at opening, is in runfile_open.c. */
#include "runfile_hdf5.h"

#include <assert.h>

/* Reads record `record` of `set`, whose records have the shape of the layer. */
static int read_record(hid_t set, const struct sm_layer *layer, size_t record, hid_t memory_type, void *values) {
    hsize_t start[SM_RANK_MAX] = {record}, count[SM_RANK_MAX] = {1};
    int rank = 1 + sm_layout_shape(layer, count + 1);
    hid_t memory = H5Screate_simple(rank, count, NULL), file = H5Dget_space(set);
    herr_t status = memory < 0 || file < 0 ? -1 : H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL);
    if (status >= 0) status = H5Dread(set, memory_type, memory, file, H5P_DEFAULT, values);
    sm_h5_drop(memory);
    sm_h5_drop(file);
    return status < 0 ? -1 : 0;
}

int sm_run_read_mask(const struct sm_run *run, size_t layer, size_t record, int8_t *mask, struct sm_error *err) {
    assert(layer < run->net.n_layers && record < run->n_records);
    const struct sm_layer *shape = &run->net.layers[layer];
    sm_h5_silence();
    if (read_record(run->handle->mask[layer], shape, record, H5T_NATIVE_INT8, mask) < 0)
        return sm_h5_fail(err, run->path, "layer %s: cannot read record %zu of the mask", shape->name, record);
    size_t n = sm_layer_weights(shape);
    for (size_t i = 0; i < n; i++)
        if (mask[i] < -1 || mask[i] > 1)
            return sm_fail(err, "%s: layer %s: mask holds the value %d in record %zu", run->path, shape->name, mask[i],
                           record);
    return 0;
}

int sm_run_read_scores(const struct sm_run *run, size_t layer, size_t record, float *scores, struct sm_error *err) {
    assert(layer < run->net.n_layers && record < run->n_records && run->has_score_records);
    const struct sm_layer *shape = &run->net.layers[layer];
    sm_h5_silence();
    if (read_record(run->handle->score[layer], shape, record, H5T_NATIVE_FLOAT, scores) == 0) return 0;
    return sm_h5_fail(err, run->path, "layer %s: cannot read record %zu of the scores", shape->name, record);
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
    return result;
}
