/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying a run's values into a new file. Compressed chunks go over as they are, in the order of the layers and their
 * records, so that a resumed run ends as the same bytes as an uninterrupted one. */
#include "runfile_hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One data set on its way from the old file to the new. */
struct transfer {
    hid_t from, to;
    int rank;
    hsize_t dims[SM_RANK_MAX], chunk[SM_RANK_MAX];
    void *bytes;
    size_t n_bytes;
};

/* The filters, chunks and types must be equal for raw chunks to mean the same. */
static bool same_encoding(struct transfer *t) {
    hid_t lists[2] = {H5Dget_create_plist(t->from), H5Dget_create_plist(t->to)};
    hid_t types[2] = {H5Dget_type(t->from), H5Dget_type(t->to)};
    hsize_t chunk[SM_RANK_MAX];
    bool same = H5Pget_layout(lists[0]) == H5D_CHUNKED && H5Pget_chunk(lists[0], SM_RANK_MAX, chunk) == t->rank &&
                H5Pget_chunk(lists[1], SM_RANK_MAX, t->chunk) == t->rank &&
                memcmp(chunk, t->chunk, (size_t)t->rank * sizeof *chunk) == 0 && H5Tequal(types[0], types[1]) > 0 &&
                H5Pget_nfilters(lists[0]) == H5Pget_nfilters(lists[1]);
    for (int i = 0; same && i < H5Pget_nfilters(lists[1]); i++) {
        size_t n[2] = {0, 0};
        same = H5Pget_filter2(lists[0], (unsigned)i, NULL, &n[0], NULL, 0, NULL, NULL) ==
               H5Pget_filter2(lists[1], (unsigned)i, NULL, &n[1], NULL, 0, NULL, NULL);
    }
    for (int i = 0; i < 2; i++) {
        sm_h5_drop(lists[i]);
        sm_h5_drop(types[i]);
    }
    return same;
}

static herr_t reserve(struct transfer *t, size_t n_bytes) {
    if (n_bytes <= t->n_bytes) return 0;
    void *bytes = realloc(t->bytes, n_bytes);
    if (!bytes) return -1;
    t->bytes = bytes;
    t->n_bytes = n_bytes;
    return 0;
}

static herr_t copy_chunk(struct transfer *t, const hsize_t *offset) {
    uint32_t skipped_filters = 0;
    unsigned mask;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dget_chunk_info_by_coord(t->from, offset, &mask, &address, &size) < 0) return -1;
    if (address == HADDR_UNDEF || size == 0) return 0; /* never written: the fill value on both sides */
    if (reserve(t, size) < 0 || H5Dread_chunk(t->from, H5P_DEFAULT, offset, &skipped_filters, t->bytes) < 0) return -1;
    return H5Dwrite_chunk(t->to, H5P_DEFAULT, skipped_filters, offset, size, t->bytes);
}

/* Steps to the next chunk, the last axis first; false after the last one. */
static bool next_chunk(const struct transfer *t, hsize_t *offset) {
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        offset[axis] += t->chunk[axis];
        if (offset[axis] < t->dims[axis]) return true;
        offset[axis] = 0;
    }
    return false;
}

static herr_t copy_chunks(struct transfer *t) {
    hsize_t offset[SM_RANK_MAX] = {0};
    do
        if (copy_chunk(t, offset) < 0) return -1;
    while (next_chunk(t, offset));
    return 0;
}

/* The slow way, slice by slice of the first axis, for files that another program has written in another encoding. */
static herr_t copy_slices(struct transfer *t) {
    hsize_t start[SM_RANK_MAX] = {0}, count[SM_RANK_MAX];
    memcpy(count, t->dims, sizeof count);
    count[0] = 1;
    hid_t type = H5Dget_type(t->to), memory = H5Screate_simple(t->rank, count, NULL);
    hid_t from = H5Dget_space(t->from), to = H5Dget_space(t->to);
    herr_t status = reserve(t, (size_t)H5Sget_simple_extent_npoints(memory) * H5Tget_size(type));
    for (; status >= 0 && start[0] < t->dims[0]; start[0]++) {
        if (H5Sselect_hyperslab(from, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Dread(t->from, type, memory, from, H5P_DEFAULT, t->bytes) < 0 ||
            H5Dwrite(t->to, type, memory, to, H5P_DEFAULT, t->bytes) < 0)
            status = -1;
    }
    sm_h5_drop(memory);
    sm_h5_drop(from);
    sm_h5_drop(to);
    sm_h5_drop(type);
    return status;
}

/* `n`: length of the first axis of a data set that grows; 0 for one whose shape is fixed. */
static herr_t transfer(struct transfer *t, size_t n) {
    hid_t space = H5Dget_space(t->to);
    t->rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, t->dims, NULL);
    sm_h5_drop(space);
    if (t->rank < 1) return -1;
    if (n > 0) {
        t->dims[0] = n;
        if (H5Dset_extent(t->to, t->dims) < 0) return -1;
    }
    return same_encoding(t) ? copy_chunks(t) : copy_slices(t);
}

static int copy_set(const struct sm_disk *disk, const struct sm_run *run, const char *layer, const char *name, size_t n,
                    struct sm_error *err) {
    char object[SM_OBJECT_SIZE];
    sm_layout_object(object, layer, name);
    struct transfer t = {.from = H5Dopen2(run->handle->file, object, H5P_DEFAULT),
                         .to = H5Dopen2(disk->file, object, H5P_DEFAULT)};
    herr_t status = t.from < 0 || t.to < 0 ? -1 : transfer(&t, n);
    if (sm_h5_drop(t.to) < 0) status = -1;
    int result =
        status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot copy %s from the unfinished file", object) : 0;
    sm_h5_drop(t.from);
    free(t.bytes);
    return result;
}

static int copy_layer(const struct sm_disk *disk, const struct sm_run *run, const char *layer, struct sm_error *err) {
    if (copy_set(disk, run, layer, "initial_weights", 0, err) < 0) return -1;
    if (run->has_scores && copy_set(disk, run, layer, "initial_scores", 0, err) < 0) return -1;
    if (run->n_records == 0) return 0;
    if (copy_set(disk, run, layer, "mask", run->n_records, err) < 0) return -1;
    return run->has_score_records ? copy_set(disk, run, layer, "score", run->n_records, err) : 0;
}

static int write_series(const struct sm_disk *disk, const char *object, hid_t type, size_t n, const void *values,
                        struct sm_error *err) {
    if (n == 0) return 0;
    hsize_t length[1] = {n};
    hid_t set = H5Dopen2(disk->file, object, H5P_DEFAULT);
    herr_t status = set < 0 ? -1 : H5Dset_extent(set, length);
    if (status >= 0) status = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    if (sm_h5_drop(set) < 0) status = -1;
    return status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot write %s", object) : 0;
}

static int write_rows(const struct sm_disk *disk, const struct sm_rows *rows, const void *values, size_t n,
                      struct sm_error *err) {
    double *column = malloc((n + 1) * sizeof *column);
    int status = column ? 0 : sm_fail(err, "%s: out of memory", disk->path);
    for (size_t i = 0; status == 0 && i < rows->n_fields; i++) {
        char object[SM_OBJECT_SIZE];
        sm_rows_object(object, rows, i);
        for (size_t row = 0; row < n; row++)
            memcpy(&column[row], (const char *)values + row * rows->size + rows->fields[i].offset, sizeof *column);
        status = write_series(disk, object, H5T_NATIVE_DOUBLE, n, column, err);
    }
    free(column);
    return status;
}

static int write_rounds(const struct sm_disk *disk, const struct sm_run *run, struct sm_error *err) {
    int64_t *round = malloc((run->n_rounds + 1) * sizeof *round);
    int status = round ? write_rows(disk, &sm_round_rows, run->rounds, run->n_rounds, err)
                       : sm_fail(err, "%s: out of memory", disk->path);
    for (size_t r = 0; round && r < run->n_rounds; r++) round[r] = (int64_t)r;
    if (status == 0) status = write_series(disk, "rounds/round", H5T_NATIVE_INT64, run->n_rounds, round, err);
    free(round);
    return status;
}

int sm_copy_run(const struct sm_disk *disk, const struct sm_run *run, struct sm_error *err) {
    for (size_t l = 0; l < run->net.n_layers; l++)
        if (copy_layer(disk, run, run->net.layers[l].name, err) < 0) return -1;
    if (write_series(disk, "records/epoch", H5T_NATIVE_DOUBLE, run->n_records, run->epoch, err) < 0) return -1;
    if (write_series(disk, "records/step", H5T_NATIVE_INT64, run->n_records, run->step, err) < 0) return -1;
    if (write_rows(disk, &sm_metric_rows, run->metrics, run->n_metrics, err) < 0) return -1;
    return run->in_rounds ? write_rounds(disk, run, err) : 0;
}
