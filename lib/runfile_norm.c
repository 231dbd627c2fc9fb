/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /batch_norm/<layer>: what the batch norm of a complete run needs beside the weights. */
#include "runfile_hdf5.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

static const char group_name[] = "batch_norm";

struct field {
    const char *name, *description;
    size_t offset;   /* of the pointer in struct sm_batch_norm */
    double smallest; /* that the values may have */
};
#define FIELD(name, smallest, description)                                                                             \
    { #name, description, offsetof(struct sm_batch_norm, name), smallest }
static const struct field fields[] = {
    FIELD(gamma, -INFINITY,
          "Scale of each channel at the end of training: the layer gives f(gamma * xhat + beta), "
          "xhat = (x - moving_mean) / sqrt(moving_variance + 0.001) of the convolution's output x"),
    FIELD(beta, -INFINITY, "Shift of each channel at the end of training"),
    FIELD(moving_mean, -INFINITY, "Moving mean of each channel of the convolution's output at the end of training"),
    FIELD(moving_variance, 0, "Moving variance of each channel of the convolution's output at the end of training"),
};
#undef FIELD
enum { N_FIELDS = sizeof fields / sizeof *fields };

static float *values_of(const struct sm_batch_norm *norm, const struct field *field) {
    return *(float *const *)((const char *)norm + field->offset);
}

/* ---- writing ---- */

static herr_t write_field(hid_t group, const struct sm_batch_norm *norm, const struct field *field) {
    const hsize_t dims[1] = {norm->channels};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, dims, NULL), set = -1;
    if (list >= 0 && space >= 0 && H5Pset_obj_track_times(list, false) >= 0)
        set = H5Dcreate2(group, field->name, H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    herr_t status =
        set < 0 ? -1 : H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values_of(norm, field));
    if (status >= 0) status = sm_h5_put_text(set, "description", field->description);
    if (status >= 0) status = sm_h5_put_text(set, "units", "1");
    if (status >= 0) status = H5DSset_label(set, 0, "out");
    if (sm_h5_drop(set) < 0) status = -1;
    sm_h5_drop(space);
    sm_h5_drop(list);
    return status;
}

static herr_t write_layer(hid_t parent, const char *layer, const struct sm_batch_norm *norm) {
    hid_t group = sm_layout_group(parent, layer, false);
    herr_t status = group < 0 ? -1 : 0;
    for (size_t i = 0; status >= 0 && i < N_FIELDS; i++) status = write_field(group, norm, &fields[i]);
    return sm_h5_drop(group) < 0 ? -1 : status;
}

int sm_batch_norm_write(const struct sm_disk *disk, const struct sm_network *net,
                        const struct sm_batch_norm *const *norms, struct sm_error *err) {
    hid_t group = sm_layout_group(disk->file, group_name, true);
    herr_t status = group < 0 ? -1 : 0;
    for (size_t l = 0; status >= 0 && l < net->n_layers; l++)
        if (norms[l]) status = write_layer(group, net->layers[l].name, norms[l]);
    if (sm_h5_drop(group) < 0) status = -1;
    return status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot write %s", group_name) : 0;
}

/* ---- reading ---- */

/* The group, then the layer's, then the data set: HDF5 asks about one link at a time. */
static bool exists(hid_t file, const char *layer, const char *object) {
    char group[SM_OBJECT_SIZE];
    snprintf(group, sizeof group, "%s/%s", group_name, layer);
    return H5Lexists(file, group_name, H5P_DEFAULT) > 0 && H5Lexists(file, group, H5P_DEFAULT) > 0 &&
           H5Lexists(file, object, H5P_DEFAULT) > 0;
}

static bool is_list(hid_t set, size_t n) {
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    hsize_t length = 0;
    bool fits = space >= 0 && type >= 0 && H5Tget_class(type) == H5T_FLOAT && H5Sget_simple_extent_ndims(space) == 1 &&
                H5Sget_simple_extent_dims(space, &length, NULL) == 1 && length == n;
    sm_h5_drop(type);
    sm_h5_drop(space);
    return fits;
}

static int check_values(const struct sm_run *run, const char *object, const float *values, size_t n, double smallest,
                        struct sm_error *err) {
    for (size_t c = 0; c < n; c++)
        if (!isfinite(values[c]) || (double)values[c] < smallest)
            return sm_fail(err, "%s: %s holds the value %g for channel %zu", run->path, object, (double)values[c], c);
    return 0;
}

static int read_field(const struct sm_run *run, const char *layer, const struct field *field,
                      const struct sm_batch_norm *norm, struct sm_error *err) {
    char object[SM_OBJECT_SIZE];
    float *values = values_of(norm, field);
    snprintf(object, sizeof object, "%s/%s/%s", group_name, layer, field->name);
    if (!exists(run->handle->file, layer, object))
        return sm_fail(err, "%s: has no %s%s", run->path, object,
                       run->complete ? "" : ", which is written when the run is complete");
    hid_t set = H5Dopen2(run->handle->file, object, H5P_DEFAULT);
    int status = 0;
    if (set >= 0 && !is_list(set, norm->channels))
        status = sm_fail(err, "%s: %s is not a list of %zu real numbers", run->path, object, norm->channels);
    else if (set < 0 || H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = sm_h5_fail(err, run->path, "cannot read %s", object);
    sm_h5_drop(set);
    return status < 0 ? -1 : check_values(run, object, values, norm->channels, field->smallest, err);
}

int sm_run_read_batch_norm(const struct sm_run *run, size_t layer, const struct sm_batch_norm *norm,
                           struct sm_error *err) {
    assert(layer < run->net.n_layers && norm->channels == run->net.layers[layer].n_out);
    sm_h5_silence();
    for (size_t i = 0; i < N_FIELDS; i++)
        if (read_field(run, run->net.layers[layer].name, &fields[i], norm, err) < 0) return -1;
    return 0;
}
