/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing a run: created, resumed and finished as a new file under a temporary name; in between, records and metric
 * rows are appended to the named file in HDF5's single-writer/multiple-reader mode. A finished file is a rebuilt one
 * too, since leaving that mode in place has a moment in which a kill makes the file unreadable.
 *
 * Order of an append: scores and masks, then the epoch, then the step; each flushed before the next. */
#include "runfile_hdf5.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/clock.h>
#include <time.h>
#include <unistd.h>

/* An open data set that grows by one along its first axis. */
struct series {
    hid_t set;
    int rank;
    hsize_t dims[SM_RANK_MAX]; /* of one element: dims[0] is 1 */
    char object[SM_OBJECT_SIZE];
};

struct sm_run_writer {
    char *path;
    int fd; /* holds the lock */
    struct sm_disk disk;
    hid_t mask_type;
    size_t n_layers, n_records, n_metrics, n_rounds;
    bool in_rounds;
    struct series *masks, *scores; /* [n_layers]; scores is NULL where they are not recorded */
    struct series step, epoch, metrics[SM_METRICS_COUNT];
    struct series rounds[SM_ROUNDS_COUNT], round; /* where in_rounds */
    /* [n_layers], borrowed; NULL where nobody has set them */
    const struct sm_batch_norm *const *norms;
    const float *const *mask_weights;
    int64_t last_step;
    double synced; /* seconds, monotonic clock */
};

size_t sm_run_n_records(const struct sm_run_writer *writer) {
    return writer->n_records;
}
size_t sm_run_n_metrics(const struct sm_run_writer *writer) {
    return writer->n_metrics;
}
size_t sm_run_n_rounds(const struct sm_run_writer *writer) {
    return writer->n_rounds;
}

/* Frees; a file that is still open is given up without a word, since what went wrong has been said already. */
static void release(struct sm_run_writer *writer) {
    struct sm_error ignored;
    sm_disk_close(&writer->disk, &ignored);
    sm_h5_drop(writer->mask_type);
    if (writer->fd >= 0) close(writer->fd);
    free(writer->masks);
    free(writer->scores);
    free(writer->path);
    free(writer);
}

/* ---- building a file under its temporary name ---- */

static int write_values(const struct sm_disk *disk, const struct sm_layer *layer, const char *name, const float *values,
                        struct sm_error *err) {
    char object[SM_OBJECT_SIZE];
    sm_layout_object(object, layer->name, name);
    hid_t set = H5Dopen2(disk->file, object, H5P_DEFAULT);
    herr_t status = set < 0 ? -1 : H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    if (sm_h5_drop(set) < 0) status = -1;
    return status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot write %s", object) : 0;
}

static int write_all_values(const struct sm_disk *disk, const struct sm_network *net, const char *name,
                            const float *const *values, struct sm_error *err) {
    for (size_t l = 0; l < net->n_layers; l++)
        if (write_values(disk, &net->layers[l], name, values[l], err) < 0) return -1;
    return 0;
}

/* ---- from a built file to a writer ---- */

static herr_t series_open(struct series *series, hid_t file) {
    series->set = H5Dopen2(file, series->object, H5P_DEFAULT);
    hid_t space = series->set < 0 ? -1 : H5Dget_space(series->set);
    series->rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, series->dims, NULL);
    sm_h5_drop(space);
    series->dims[0] = 1;
    return series->rank < 1 ? -1 : 0;
}

static herr_t open_layers(struct sm_run_writer *writer, const struct sm_network *net) {
    for (size_t l = 0; l < net->n_layers; l++) {
        sm_layout_object(writer->masks[l].object, net->layers[l].name, "mask");
        if (series_open(&writer->masks[l], writer->disk.file) < 0) return -1;
        if (!writer->scores) continue;
        sm_layout_object(writer->scores[l].object, net->layers[l].name, "score");
        if (series_open(&writer->scores[l], writer->disk.file) < 0) return -1;
    }
    return 0;
}

static herr_t open_rows(const struct sm_run_writer *writer, const struct sm_rows *rows, struct series *columns) {
    for (size_t i = 0; i < rows->n_fields; i++) {
        sm_rows_object(columns[i].object, rows, i);
        if (series_open(&columns[i], writer->disk.file) < 0) return -1;
    }
    return 0;
}

static herr_t open_series(struct sm_run_writer *writer) {
    strcpy(writer->step.object, "records/step");
    strcpy(writer->epoch.object, "records/epoch");
    strcpy(writer->round.object, "rounds/round");
    if (series_open(&writer->step, writer->disk.file) < 0 || series_open(&writer->epoch, writer->disk.file) < 0 ||
        open_rows(writer, &sm_metric_rows, writer->metrics) < 0)
        return -1;
    if (!writer->in_rounds) return 0;
    return series_open(&writer->round, writer->disk.file) < 0 ? -1 : open_rows(writer, &sm_round_rows, writer->rounds);
}

static struct sm_run_writer *writer_new(const char *path, size_t n_layers, bool record_scores, bool in_rounds) {
    struct sm_run_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->fd = -1;
    writer->disk.file = writer->disk.driver = -1;
    writer->last_step = -1;
    writer->n_layers = n_layers;
    writer->in_rounds = in_rounds;
    writer->mask_type = sm_h5_mask_type();
    writer->disk.path = writer->path = strdup(path);
    writer->masks = calloc(n_layers, sizeof *writer->masks);
    writer->scores = record_scores ? calloc(n_layers, sizeof *writer->scores) : NULL;
    if (writer->mask_type >= 0 && writer->path && writer->masks && (writer->scores || !record_scores)) return writer;
    release(writer);
    return NULL;
}

/* The file in the part is whole: it goes over to append mode and gets its name, and its lock goes to the writer. */
static int start(struct sm_run_writer *writer, struct sm_part *part, const struct sm_network *net, bool replace,
                 struct sm_error *err) {
    struct sm_disk *disk = &writer->disk;
    if (sm_disk_flush(disk, err) < 0) return -1;
    if (open_layers(writer, net) < 0 || open_series(writer) < 0 || H5Fstart_swmr_write(disk->file) < 0 || disk->error)
        return sm_disk_fail(disk, err, "cannot write");
    if (sm_part_publish(part, writer->path, replace, err) < 0) return -1;
    disk->path = writer->path;
    writer->fd = part->fd;
    part->fd = -1;
    return 0;
}

/* ---- create ---- */

static void now_text(char text[32]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static int build_new(const struct sm_disk *disk, const struct sm_run_header *header, const struct sm_network *net,
                     const float *const *weights, const float *const *scores, struct sm_error *err) {
    char created[32];
    now_text(created);
    struct sm_layout layout = {.status = "running",
                               .created = created,
                               .header = header,
                               .net = net,
                               .has_scores = scores != NULL,
                               .trained = SM_TRAINED_NOTHING};
    if (scores) layout.trained = SM_TRAINED_SCORES;
    if (header->trains_weights) layout.trained = SM_TRAINED_WEIGHTS;
    if (sm_layout_create(disk, &layout, err) < 0) return -1;
    if (write_all_values(disk, net, "initial_weights", weights, err) < 0) return -1;
    return scores ? write_all_values(disk, net, "initial_scores", scores, err) : 0;
}

int sm_run_create(struct sm_run_writer **out, const char *path, const struct sm_run_header *header,
                  const struct sm_network *net, const float *const *weights, const float *const *scores,
                  struct sm_error *err) {
    assert(net->n_layers > 0 && weights && (scores || !header->record_scores));
    struct sm_part part;
    *out = NULL;
    sm_h5_silence();
    if (access(path, F_OK) == 0) return sm_fail(err, "%s: exists already", path);
    if (sm_part_open(&part, path, err) < 0) return -1;
    int status = -1;
    struct sm_run_writer *writer = writer_new(path, net->n_layers, header->record_scores, header->in_rounds);
    if (!writer)
        sm_fail(err, "%s: out of memory", path);
    else if (sm_disk_create(&writer->disk, part.path, err) == 0 &&
             build_new(&writer->disk, header, net, weights, scores, err) == 0)
        status = start(writer, &part, net, false, err);
    if (status < 0 && writer) release(writer);
    if (status == 0) *out = writer;
    sm_part_discard(&part);
    return status;
}

/* ---- rebuild: the same run in a new file ---- */

static int build_again(const struct sm_disk *disk, const struct sm_run *run, bool complete, bool has_mask_weights,
                       struct sm_error *err) {
    const struct sm_run_header header = {.program_version = run->program_version,
                                         .command_line = run->command_line,
                                         .recipe = run->recipe,
                                         .recipe_name = run->recipe_name,
                                         .dataset = run->dataset,
                                         .method = run->method,
                                         .dataset_sha256 = run->dataset_sha256,
                                         .masks_from_recipe = run->masks_from_recipe,
                                         .weight_seed = run->weight_seed,
                                         .score_seed = run->score_seed,
                                         .data_seed = run->data_seed,
                                         .n_train_images = run->n_train_images,
                                         .n_test_images = run->n_test_images,
                                         .threshold = run->threshold,
                                         .record_scores = run->has_score_records,
                                         .rescale = run->rescale,
                                         .samples_masks = run->samples_masks,
                                         .in_rounds = run->in_rounds,
                                         .host = run->host,
                                         .n_host = run->n_host};
    const struct sm_layout layout = {.status = complete ? "complete" : "running",
                                     .created = run->created,
                                     .header = &header,
                                     .net = &run->net,
                                     .has_scores = run->has_scores,
                                     .has_mask_weights = has_mask_weights,
                                     .complete = complete,
                                     .trained = run->handle->trained};
    return sm_layout_create(disk, &layout, err) < 0 ? -1 : sm_copy_run(disk, run, err);
}

static struct sm_run_writer *rebuild(const struct sm_run *run, struct sm_part *part, struct sm_error *err) {
    struct sm_run_writer *writer = writer_new(run->path, run->net.n_layers, run->has_score_records, run->in_rounds);
    if (!writer)
        sm_fail(err, "%s: out of memory", run->path);
    else if (sm_disk_create(&writer->disk, part->path, err) == 0 &&
             build_again(&writer->disk, run, false, false, err) == 0 && start(writer, part, &run->net, true, err) == 0)
        return writer;
    if (writer) release(writer);
    return NULL;
}

int sm_run_resume(struct sm_run_writer **out, const char *path, struct sm_error *err) {
    int old = -1, status = -1;
    struct sm_run run = {0};
    struct sm_part part = {.fd = -1};
    *out = NULL;
    sm_h5_silence();
    if (sm_lock_open(&old, path, err) < 0 || sm_run_open_any(&run, path, err) < 0) goto done;
    if (run.complete) {
        sm_fail(err, "%s: the run is complete", path);
        goto done;
    }
    if (sm_part_open(&part, path, err) < 0 || !(*out = rebuild(&run, &part, err))) goto done;
    (*out)->n_records = run.n_records;
    (*out)->n_metrics = run.n_metrics;
    (*out)->n_rounds = run.n_rounds;
    (*out)->last_step = run.n_records ? run.step[run.n_records - 1] : -1;
    status = 0;
done:
    sm_run_destroy(&run);
    sm_part_discard(&part);
    if (old >= 0) close(old);
    return status;
}

/* ---- appending ---- */

/* HDF5's flush hands the data to the system, which survives a kill; once a second it also goes to the disk. */
static int sync_now_and_then(struct sm_run_writer *writer, struct sm_error *err) {
    double now = sm_now();
    if (now - writer->synced < 1) return 0;
    writer->synced = now;
    if (fdatasync(writer->fd) == 0) return 0;
    writer->disk.error = errno;
    return sm_disk_fail(&writer->disk, err, "cannot write");
}

static int append(struct sm_run_writer *writer, const struct series *series, size_t at, hid_t type, const void *values,
                  struct sm_error *err) {
    hsize_t start[SM_RANK_MAX] = {at}, extent[SM_RANK_MAX];
    memcpy(extent, series->dims, sizeof extent);
    extent[0] = at + 1;
    herr_t status = H5Dset_extent(series->set, extent);
    hid_t file = status < 0 ? -1 : H5Dget_space(series->set),
          memory = H5Screate_simple(series->rank, series->dims, NULL);
    if (file < 0 || memory < 0 || H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, series->dims, NULL) < 0 ||
        H5Dwrite(series->set, type, memory, file, H5P_DEFAULT, values) < 0 || H5Dflush(series->set) < 0 ||
        writer->disk.error) {
        status = sm_disk_fail(&writer->disk, err, "cannot write %s", series->object);
        if (!writer->disk.error) writer->disk.error = EIO; /* HDF5's own failure ends the writing too */
    }
    sm_h5_drop(file);
    sm_h5_drop(memory);
    return status < 0 ? -1 : 0;
}

static bool is_ternary(const int8_t *mask, const struct series *series) {
    size_t n = 1;
    for (int axis = 0; axis < series->rank; axis++) n *= series->dims[axis];
    for (size_t i = 0; i < n; i++)
        if (mask[i] < -1 || mask[i] > 1) return false;
    return true;
}

int sm_run_append_record(struct sm_run_writer *writer, int64_t step, double epoch, const int8_t *const *masks,
                         const float *const *scores, struct sm_error *err) {
    assert((writer->in_rounds ? step >= writer->last_step : step > writer->last_step) &&
           (scores != NULL) == (writer->scores != NULL));
    const size_t r = writer->n_records;
    if (writer->disk.error) return sm_disk_fail(&writer->disk, err, "is not written any more after a failure");
    sm_h5_silence();
    for (size_t l = 0; l < writer->n_layers; l++) {
        assert(is_ternary(masks[l], &writer->masks[l]));
        if (append(writer, &writer->masks[l], r, writer->mask_type, masks[l], err) < 0) return -1;
        if (scores && append(writer, &writer->scores[l], r, H5T_NATIVE_FLOAT, scores[l], err) < 0) return -1;
    }
    if (append(writer, &writer->epoch, r, H5T_NATIVE_DOUBLE, &epoch, err) < 0) return -1;
    if (append(writer, &writer->step, r, H5T_NATIVE_INT64, &step, err) < 0) return -1;
    writer->n_records++;
    writer->last_step = step;
    return sync_now_and_then(writer, err);
}

static int append_row(struct sm_run_writer *writer, const struct sm_rows *rows, const struct series *columns, size_t at,
                      const void *row, struct sm_error *err) {
    if (writer->disk.error) return sm_disk_fail(&writer->disk, err, "is not written any more after a failure");
    sm_h5_silence();
    for (size_t i = 0; i < rows->n_fields; i++) {
        const char *value = (const char *)row + rows->fields[i].offset;
        if (append(writer, &columns[i], at, H5T_NATIVE_DOUBLE, value, err) < 0) return -1;
    }
    return 0;
}

int sm_run_append_metrics(struct sm_run_writer *writer, const struct sm_metrics *row, struct sm_error *err) {
    assert(row->epoch == row->epoch);
    if (append_row(writer, &sm_metric_rows, writer->metrics, writer->n_metrics, row, err) < 0) return -1;
    writer->n_metrics++;
    return sync_now_and_then(writer, err);
}

int sm_run_append_round(struct sm_run_writer *writer, const struct sm_round *row, struct sm_error *err) {
    assert(writer->in_rounds && writer->n_rounds < writer->n_records);
    const int64_t round = (int64_t)writer->n_rounds;
    if (append_row(writer, &sm_round_rows, writer->rounds, writer->n_rounds, row, err) < 0) return -1;
    if (append(writer, &writer->round, writer->n_rounds, H5T_NATIVE_INT64, &round, err) < 0) return -1;
    writer->n_rounds++;
    return sync_now_and_then(writer, err);
}

/* ---- the end ---- */

int sm_run_close(struct sm_run_writer *writer, struct sm_error *err) {
    if (!writer) return 0;
    sm_h5_silence();
    bool failed_before = writer->disk.error != 0; /* that has been said; what was whole before it still is */
    int status = sm_disk_close(&writer->disk, err);
    release(writer);
    return failed_before ? 0 : status;
}

void sm_run_set_batch_norm(struct sm_run_writer *writer, const struct sm_batch_norm *const *norms) {
    writer->norms = norms;
}

void sm_run_set_mask_weights(struct sm_run_writer *writer, const float *const *values) {
    writer->mask_weights = values;
}

static int write_complete(const struct sm_run_writer *writer, const struct sm_run *run, const struct sm_part *part,
                          const float *const *final_values, struct sm_error *err) {
    const char *name = sm_layout_final_name(run->handle->trained);
    struct sm_disk disk;
    struct sm_error ignored;
    assert(final_values || !name);
    if (sm_disk_create(&disk, part->path, err) < 0) return -1;
    int status = build_again(&disk, run, true, writer->mask_weights != NULL, err);
    if (status == 0 && name) status = write_all_values(&disk, &run->net, name, final_values, err);
    if (status == 0 && writer->mask_weights)
        status = write_all_values(&disk, &run->net, sm_values_names[SM_MASK_WEIGHTS], writer->mask_weights, err);
    if (status == 0 && writer->norms) status = sm_batch_norm_write(&disk, &run->net, writer->norms, err);
    if (sm_disk_close(&disk, status == 0 ? err : &ignored) < 0) status = -1;
    return status;
}

int sm_run_finish(struct sm_run_writer *writer, const float *const *final_values, struct sm_error *err) {
    struct sm_run run = {0};
    struct sm_part part = {.fd = -1};
    const char *path = writer->path;
    int status = -1;
    sm_h5_silence();
    if (writer->disk.error)
        sm_disk_fail(&writer->disk, err, "is not written any more after a failure");
    else if (sm_disk_close(&writer->disk, err) == 0 && sm_run_open_any(&run, path, err) == 0 &&
             sm_part_open(&part, path, err) == 0 && write_complete(writer, &run, &part, final_values, err) == 0)
        status = sm_part_publish(&part, path, true, err);
    sm_run_destroy(&run);
    sm_part_discard(&part);
    release(writer);
    return status;
}
