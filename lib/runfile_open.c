/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a run: finished, running, interrupted or crashed, and checking that it is what it says. */
#include "runfile_hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

/* The head of HDF5's version 3 superblock, little-endian (HDF5 file format specification, II.A). */
enum { HEAD_SIZE = 36, HEAD_VERSION = 8, HEAD_FLAGS = 11, HEAD_END = 28, FLAGS_APPENDING = 5 };

static int read_head(const char *path, unsigned char head[HEAD_SIZE], struct stat *status, struct sm_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, status) < 0) {
        int reason = errno;
        if (fd >= 0) close(fd);
        return sm_fail(err, "%s: cannot open: %s", path, strerror(reason));
    }
    memset(head, 0, HEAD_SIZE);
    ssize_t n = S_ISREG(status->st_mode) ? pread(fd, head, HEAD_SIZE, 0) : 0;
    int reason = errno;
    close(fd);
    return n < 0 ? sm_fail(err, "%s: cannot read: %s", path, strerror(reason)) : 0;
}

/* A running or killed run opens only as a reader beside its writer. That mode looks over a missing end and reads zeros
 * there, so the length is checked here. */
static int check_file(const char *path, bool *appending, struct sm_error *err) {
    unsigned char head[HEAD_SIZE];
    struct stat status;
    uint64_t end = 0;
    if (read_head(path, head, &status, err) < 0) return -1;
    if (S_ISDIR(status.st_mode)) return sm_fail(err, "%s: is a directory, not a run file", path);
    if (!S_ISREG(status.st_mode)) return sm_fail(err, "%s: is not a regular file", path);
    if (status.st_size == 0) return sm_fail(err, "%s: is empty, not a run file", path);
    if (memcmp(head, "\211HDF\r\n\032\n", 8) != 0) return sm_fail(err, "%s: is not an HDF5 file", path);
    if (status.st_size < HEAD_SIZE)
        return sm_fail(err, "%s: is cut short: %lld bytes are less than the head of a run file", path,
                       (long long)status.st_size);
    if (head[HEAD_VERSION] != 3) return 0;
    for (int i = 7; i >= 0; i--) end = end << 8 | head[HEAD_END + i];
    *appending = (head[HEAD_FLAGS] & FLAGS_APPENDING) == FLAGS_APPENDING;
    if ((uint64_t)status.st_size >= end) return 0;
    return sm_fail(err, "%s: is cut short: %lld bytes, and at least %llu belong", path, (long long)status.st_size,
                   (unsigned long long)end);
}

static int open_file(const char *path, hid_t *file, struct sm_error *err) {
    bool appending = false;
    if (check_file(path, &appending, err) < 0) return -1;
    hid_t access = sm_h5_access();
    *file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY | (appending ? H5F_ACC_SWMR_READ : 0), access);
    sm_h5_drop(access);
    return *file < 0 ? sm_h5_fail(err, path, "cannot open") : 0;
}

/* ---- the root ---- */

static int check_format(const struct sm_h5_place *root, struct sm_error *err) {
    char *format = NULL;
    int64_t version = 0;
    if (H5Aexists(root->object, "format") <= 0 || sm_h5_get_text(root, "format", &format, err) < 0 ||
        strcmp(format, SM_RUN_FORMAT) != 0) {
        free(format);
        return sm_fail(err, "%s: is an HDF5 file, but no run of supermask", root->path);
    }
    free(format);
    if (sm_h5_get_int(root, "format_version", &version, err) < 0) return -1;
    if (version > SM_RUN_FORMAT_VERSION)
        return sm_fail(err, "%s: has format version %lld, this program reads up to %d", root->path, (long long)version,
                       SM_RUN_FORMAT_VERSION);
    if (version < 1) return sm_fail(err, "%s: has no valid format version", root->path);
    return 0;
}

/* The index of `text` among `names`, or -1. */
static int choice(const char *text, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0) return i;
    return -1;
}

static int read_choice(const struct sm_h5_place *place, const char *name, const char *const *names, int n, int *value,
                       struct sm_error *err) {
    char *text = NULL;
    if (sm_h5_get_text(place, name, &text, err) < 0) return -1;
    *value = choice(text, names, n);
    if (*value < 0)
        sm_fail(err, "%s: %s: attribute `%s` says '%.100s'", place->path, place->where ? place->where : "root", name,
                text);
    free(text);
    return *value < 0 ? -1 : 0;
}

static int read_name(const struct sm_h5_place *root, const char *name, char value[SM_NAME_SIZE], struct sm_error *err) {
    char *text = NULL;
    if (sm_h5_get_text(root, name, &text, err) < 0) return -1;
    int status = strlen(text) < SM_NAME_SIZE ? 0 : sm_fail(err, "%s: attribute `%s` is too long", root->path, name);
    if (status == 0) strcpy(value, text);
    free(text);
    return status;
}

static int read_texts(struct sm_run *run, const struct sm_h5_place *root, struct sm_error *err) {
    const struct {
        const char *name;
        char **value;
    } texts[] = {
        {"created", &run->created}, {"program_version", &run->program_version}, {"command_line", &run->command_line},
        {"recipe", &run->recipe},   {"recipe_name", &run->recipe_name},         {"dataset", &run->dataset},
        {"method", &run->method},   {"dataset_sha256", &run->dataset_sha256}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (sm_h5_get_text(root, texts[i].name, texts[i].value, err) < 0) return -1;
    if (H5Aexists(root->object, "masks_from_recipe") <= 0) return 0;
    return sm_h5_get_text(root, "masks_from_recipe", &run->masks_from_recipe, err);
}

/* An attribute of which files of an older program say nothing. */
static int read_switch(const struct sm_h5_place *root, const char *name, const char *const names[2], bool otherwise,
                       bool *value, struct sm_error *err) {
    int choice = otherwise;
    if (H5Aexists(root->object, name) > 0 && read_choice(root, name, names, 2, &choice, err) < 0) return -1;
    *value = choice == 1;
    return 0;
}

static int read_switches(struct sm_run *run, const struct sm_h5_place *root, struct sm_error *err) {
    bool was_sampled = strcmp(run->method, "supermask") == 0; /* by the one method that older programs sampled for */
    if (read_switch(root, "rescale", sm_rescale_names, false, &run->rescale, err) < 0) return -1;
    return read_switch(root, "mask_sampling", sm_mask_sampling_names, was_sampled, &run->samples_masks, err);
}

/* An older program wrote no such attributes. */
static int read_images(struct sm_run *run, const struct sm_h5_place *root, struct sm_error *err) {
    if (H5Aexists(root->object, "train_images") <= 0) return 0;
    if (sm_h5_get_seed(root, "train_images", &run->n_train_images, err) < 0) return -1;
    return sm_h5_get_seed(root, "test_images", &run->n_test_images, err);
}

static int read_root(struct sm_run *run, const struct sm_h5_place *root, struct sm_error *err) {
    static const char *const statuses[] = {"running", "complete"};
    int status, trained;
    int64_t shape[3];
    if (read_choice(root, "status", statuses, 2, &status, err) < 0) return -1;
    if (read_choice(root, "trained", sm_trained_names, 3, &trained, err) < 0) return -1;
    run->complete = status == 1;
    run->handle->trained = (enum sm_trained)trained;
    run->trains_weights = trained == SM_TRAINED_WEIGHTS;
    if (read_texts(run, root, err) < 0 || read_switches(run, root, err) < 0) return -1;
    if (read_name(root, "network", run->net.name, err) < 0) return -1;
    if (sm_h5_get_seed(root, "weight_seed", &run->weight_seed, err) < 0) return -1;
    if (sm_h5_get_seed(root, "score_seed", &run->score_seed, err) < 0) return -1;
    if (sm_h5_get_seed(root, "data_seed", &run->data_seed, err) < 0) return -1;
    if (read_images(run, root, err) < 0) return -1;
    if (sm_h5_get_array(root, "input_shape", 3, shape, err) < 0) return -1;
    for (int i = 0; i < 3; i++)
        if (shape[i] < 1) return sm_fail(err, "%s: attribute `input_shape` holds %lld", run->path, (long long)shape[i]);
    run->net.input_channels = (size_t)shape[0];
    run->net.input_height = (size_t)shape[1];
    run->net.input_width = (size_t)shape[2];
    return 0;
}

/* One attribute of /host after the other; the list owns both strings. */
static int read_fact(struct sm_run *run, const struct sm_h5_place *host, hsize_t i, struct sm_error *err) {
    ssize_t length = H5Aget_name_by_idx(host->object, ".", H5_INDEX_NAME, H5_ITER_INC, i, NULL, 0, H5P_DEFAULT);
    char *name = length < 0 ? NULL : malloc((size_t)length + 1), *value = NULL;
    if (!name || H5Aget_name_by_idx(host->object, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, (size_t)length + 1,
                                    H5P_DEFAULT) < 0) {
        free(name);
        return sm_h5_fail(err, run->path, "cannot read host");
    }
    if (sm_h5_get_text(host, name, &value, err) < 0) {
        free(name);
        return -1;
    }
    run->host[run->n_host++] = (struct sm_host_fact){name, value};
    return 0;
}

static int read_host(struct sm_run *run, struct sm_error *err) {
    if (H5Lexists(run->handle->file, "host", H5P_DEFAULT) <= 0) return sm_fail(err, "%s: has no host", run->path);
    struct sm_h5_place host = {run->path, "host", H5Oopen(run->handle->file, "host", H5P_DEFAULT)};
    H5O_info_t info;
    if (host.object < 0 || H5Oget_info2(host.object, &info, H5O_INFO_NUM_ATTRS) < 0)
        return sm_h5_fail(err, run->path, "cannot read host");
    int status = 0;
    run->host = calloc(info.num_attrs + 1, sizeof *run->host);
    if (!run->host) status = sm_fail(err, "%s: out of memory", run->path);
    for (hsize_t i = 0; status == 0 && i < info.num_attrs; i++) status = read_fact(run, &host, i, err);
    sm_h5_drop(host.object);
    return status;
}

/* Base name without extension. */
static char *name_of(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return dot && dot > base ? strndup(base, (size_t)(dot - base)) : strdup(base);
}

int sm_run_open_any(struct sm_run *run, const char *path, struct sm_error *err) {
    *run = (struct sm_run){0};
    sm_h5_silence();
    run->path = strdup(path);
    run->name = name_of(path);
    run->handle = calloc(1, sizeof *run->handle);
    if (run->handle) run->handle->file = -1;
    if (!run->path || !run->name || !run->handle) {
        sm_fail(err, "%s: out of memory", path);
        goto fail;
    }
    if (open_file(path, &run->handle->file, err) < 0) goto fail;
    struct sm_h5_place root = {path, NULL, run->handle->file};
    if (check_format(&root, err) < 0 || read_root(run, &root, err) < 0 || read_host(run, err) < 0) goto fail;
    if (sm_run_check_method(run, err) < 0) goto fail;
    /* The steps come before the masks, so that a writer at work can only have appended more of these. */
    if (sm_run_open_series(run, err) < 0 || sm_run_open_layers(run, err) < 0) goto fail;
    return 0;
fail:
    sm_run_destroy(run);
    return -1;
}

int sm_run_open(struct sm_run *run, const char *path, struct sm_error *err) {
    if (sm_run_open_any(run, path, err) < 0) return -1;
    if (run->n_records > 0) return 0;
    sm_run_destroy(run);
    return sm_fail(err, "%s: holds no record yet (if nobody is writing it, remove it and start anew)", path);
}

void sm_run_destroy(struct sm_run *run) {
    if (run->handle) {
        if (run->handle->file >= 0) H5Fclose(run->handle->file); /* with everything that is open in it */
        free(run->handle->mask);
        free(run->handle->score);
    }
    void *const owned[] = {
        run->handle, run->path,        run->name,    run->created, run->program_version,  run->command_line,
        run->recipe, run->recipe_name, run->dataset, run->method,  run->dataset_sha256,   run->threshold,
        run->step,   run->epoch,       run->metrics, run->rounds,  run->masks_from_recipe};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    for (size_t i = 0; i < run->n_host; i++) {
        free((char *)run->host[i].name);
        free((char *)run->host[i].value);
    }
    free(run->host);
    sm_network_destroy(&run->net);
    *run = (struct sm_run){0};
}
