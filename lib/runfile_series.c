/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an opened run holds for each record, row of metrics and round: data sets of one dimension, read whole. */
#include "runfile_hdf5.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Opens file/OBJECT: rank 1 of the given class. *n is its length. */
static int open_series(const struct sm_run *run, const char *object, H5T_class_t class, hid_t *set, size_t *n,
                       struct sm_error *err) {
    *set = -1;
    if (H5Lexists(run->handle->file, object, H5P_DEFAULT) <= 0) return sm_fail(err, "%s: has no %s", run->path, object);
    *set = H5Dopen2(run->handle->file, object, H5P_DEFAULT);
    hid_t space = *set < 0 ? -1 : H5Dget_space(*set), type = *set < 0 ? -1 : H5Dget_type(*set);
    hsize_t length = 0;
    bool fits = space >= 0 && H5Sget_simple_extent_ndims(space) == 1 &&
                H5Sget_simple_extent_dims(space, &length, NULL) == 1 && type >= 0 && H5Tget_class(type) == class;
    sm_h5_drop(space);
    sm_h5_drop(type);
    *n = (size_t)length;
    if (fits) return 0;
    sm_h5_drop(*set);
    return sm_h5_fail(err, run->path, "%s is not a list of %s numbers", object,
                      class == H5T_INTEGER ? "whole" : "real");
}

static int read_series(const struct sm_run *run, const char *object, hid_t memory_type, size_t n, void *values,
                       struct sm_error *err) {
    hid_t set;
    size_t length;
    if (open_series(run, object, H5Tget_class(memory_type), &set, &length, err) < 0) return -1;
    int status = 0;
    if (length < n) status = sm_fail(err, "%s: %s holds %zu values where %zu belong", run->path, object, length, n);
    hsize_t start[1] = {0}, count[1] = {n};
    hid_t file = H5Dget_space(set), memory = H5Screate_simple(1, count, NULL);
    if (status == 0 && n > 0 &&
        (H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
         H5Dread(set, memory_type, memory, file, H5P_DEFAULT, values) < 0))
        status = sm_h5_fail(err, run->path, "cannot read %s", object);
    sm_h5_drop(memory);
    sm_h5_drop(file);
    sm_h5_drop(set);
    return status;
}

static int series_length(const struct sm_run *run, const char *object, H5T_class_t class, size_t *n,
                         struct sm_error *err) {
    hid_t set;
    if (open_series(run, object, class, &set, n, err) < 0) return -1;
    sm_h5_drop(set);
    return 0;
}

/* A step that was never written is -1: in a run that goes on, or was stopped, such records may stand at the end. */
static int check_steps(const struct sm_run *run, size_t n, struct sm_error *err) {
    size_t whole = run->n_records;
    if (whole < n && (run->step[whole] != -1 || (run->complete && whole > 0)))
        return sm_fail(err, "%s: records/step says %lld for record %zu", run->path, (long long)run->step[whole], whole);
    for (size_t r = 1; r < whole; r++)
        if (run->step[r] < run->step[r - 1] || (run->step[r] == run->step[r - 1] && !run->in_rounds))
            return sm_fail(err, "%s: records/step does not rise from record %zu to %zu", run->path, r - 1, r);
    return 0;
}

/* Training only goes on, so the epochs of a list rise. `before` is that of the row above, NaN in the first row. */
static int check_epoch(const struct sm_run *run, const char *object, size_t row, double before, double epoch,
                       bool may_stand, struct sm_error *err) {
    if (!(epoch >= 0) || isinf(epoch)) return sm_fail(err, "%s: %s says %g for row %zu", run->path, object, epoch, row);
    if (epoch < before || (epoch == before && !may_stand))
        return sm_fail(err, "%s: %s does not rise from row %zu to %zu", run->path, object, row - 1, row);
    return 0;
}

/* Of a method in rounds two records may be of one moment. */
static int check_record_epochs(const struct sm_run *run, struct sm_error *err) {
    for (size_t r = 0; r < run->n_records; r++)
        if (check_epoch(run, "records/epoch", r, r ? run->epoch[r - 1] : NAN, run->epoch[r], run->in_rounds, err) < 0)
            return -1;
    return 0;
}

/* What follows the whole rows was begun by a run that is not over, and never written. */
static int check_metric_epochs(const struct sm_run *run, size_t n, struct sm_error *err) {
    const struct sm_metrics *rows = run->metrics;
    bool lacks = run->n_metrics < n && run->complete;
    for (size_t i = run->n_metrics; i < n; i++) lacks = lacks || !isnan(rows[i].epoch);
    if (lacks) return sm_fail(err, "%s: metrics/epoch says nan for row %zu", run->path, run->n_metrics);
    for (size_t i = 0; i < run->n_metrics; i++)
        if (check_epoch(run, "metrics/epoch", i, i ? rows[i - 1].epoch : NAN, rows[i].epoch, false, err) < 0) return -1;
    return 0;
}

/* Only whole records count: those up to the first step that was never written. */
static int read_records(struct sm_run *run, struct sm_error *err) {
    size_t n;
    if (series_length(run, "records/step", H5T_INTEGER, &n, err) < 0) return -1;
    run->step = calloc(n + 1, sizeof *run->step);
    run->epoch = calloc(n + 1, sizeof *run->epoch);
    if (!run->step || !run->epoch) return sm_fail(err, "%s: out of memory", run->path);
    if (read_series(run, "records/step", H5T_NATIVE_INT64, n, run->step, err) < 0) return -1;
    while (run->n_records < n && run->step[run->n_records] >= 0) run->n_records++;
    if (read_series(run, "records/epoch", H5T_NATIVE_DOUBLE, run->n_records, run->epoch, err) < 0) return -1;
    return check_steps(run, n, err) < 0 ? -1 : check_record_epochs(run, err);
}

/* A mean of shares may miss 1 by its rounding. */
static int check_shares(const struct sm_run *run, const char *object, const double *share, size_t n,
                        struct sm_error *err) {
    const double rounding = 1e-9;
    for (size_t row = 0; row < n; row++)
        if (share[row] < 0 || share[row] > 1 + rounding)
            return sm_fail(err, "%s: %s says %g for row %zu, where a share belongs", run->path, object, share[row],
                           row);
    return 0;
}

/* n rows; NULL on failure. */
static void *read_rows(const struct sm_run *run, const struct sm_rows *rows, size_t n, struct sm_error *err) {
    double *column = calloc(n + 1, sizeof *column);
    char *values = calloc(n + 1, rows->size);
    int status = column && values ? 0 : sm_fail(err, "%s: out of memory", run->path);
    for (size_t i = 0; status == 0 && i < rows->n_fields; i++) {
        char object[SM_OBJECT_SIZE];
        sm_rows_object(object, rows, i);
        status = read_series(run, object, H5T_NATIVE_DOUBLE, n, column, err);
        if (status == 0 && rows->fields[i].share) status = check_shares(run, object, column, n, err);
        for (size_t row = 0; status == 0 && row < n; row++)
            memcpy(values + row * rows->size + rows->fields[i].offset, &column[row], sizeof *column);
    }
    free(column);
    if (status == 0) return values;
    free(values);
    return NULL;
}

static int read_metrics(struct sm_run *run, struct sm_error *err) {
    size_t n;
    if (series_length(run, "metrics/epoch", H5T_FLOAT, &n, err) < 0) return -1;
    run->metrics = read_rows(run, &sm_metric_rows, n, err);
    if (!run->metrics) return -1;
    while (run->n_metrics < n && !isnan(run->metrics[run->n_metrics].epoch)) run->n_metrics++;
    return check_metric_epochs(run, n, err);
}

/* How many of the n rows of /rounds are whole: a number that was never written is -1. */
static int count_rounds(struct sm_run *run, size_t n, struct sm_error *err) {
    int64_t *round = calloc(n + 1, sizeof *round);
    if (!round) return sm_fail(err, "%s: out of memory", run->path);
    int status = read_series(run, "rounds/round", H5T_NATIVE_INT64, n, round, err);
    size_t whole = 0;
    while (status == 0 && whole < n && round[whole] == (int64_t)whole) whole++;
    if (status == 0 && whole < n && round[whole] != -1)
        status =
            sm_fail(err, "%s: rounds/round says %lld where %zu belongs", run->path, (long long)round[whole], whole);
    run->n_rounds = whole;
    free(round);
    return status;
}

static int read_rounds(struct sm_run *run, struct sm_error *err) {
    size_t n;
    run->in_rounds = H5Lexists(run->handle->file, sm_round_rows.group, H5P_DEFAULT) > 0;
    if (!run->in_rounds) return 0;
    if (series_length(run, "rounds/round", H5T_INTEGER, &n, err) < 0 || count_rounds(run, n, err) < 0) return -1;
    run->rounds = read_rows(run, &sm_round_rows, run->n_rounds, err);
    return run->rounds ? 0 : -1;
}

int sm_run_open_series(struct sm_run *run, struct sm_error *err) {
    /* In the opposite order of writing: a writer at work can only have appended more of what is read later. */
    if (read_rounds(run, err) < 0 || read_records(run, err) < 0 || read_metrics(run, err) < 0) return -1;
    if (run->n_rounds <= run->n_records) return 0;
    return sm_fail(err, "%s: rounds has %zu rows where records/step has %zu", run->path, run->n_rounds, run->n_records);
}
