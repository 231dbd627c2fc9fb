/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/runs.h"

#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <supermask/text.h>

/* ---- names ---- */

/* `name` with the last `depth` directories of its folder before it; all of them where there are fewer. */
static char *name_with_parents(const char *folder, const char *name, size_t depth) {
    const char *start = folder + strlen(folder);
    while (depth > 0 && start > folder) {
        start--;
        if (*start == '/') depth--;
    }
    return sm_format("%s/%s", start + (*start == '/'), name);
}

static char *folder_of(const char *path) {
    char *copy = strdup(path);
    char *folder = copy ? realpath(dirname(copy), NULL) : NULL;
    free(copy);
    return folder;
}

static bool clashes(const struct sm_run *runs, size_t n, size_t i) {
    for (size_t j = 0; j < n; j++)
        if (j != i && strcmp(runs[i].name, runs[j].name) == 0) return true;
    return false;
}

/* Beyond the deepest folder only the extension can differ. */
static char *longer_name(const struct sm_run *run, size_t depth, size_t deepest) {
    char *folder = folder_of(run->path);
    const char *slash = strrchr(run->path, '/');
    const char *base = slash ? slash + 1 : run->path;
    char *stem = strdup(base);
    char *dot = stem ? strrchr(stem, '.') : NULL;
    if (dot && dot != stem && depth <= deepest) *dot = '\0';
    char *name = folder && stem ? name_with_parents(folder, stem, depth) : NULL;
    free(folder);
    free(stem);
    return name;
}

/* All runs that clash grow by one folder at a time, so that the names of a clash have the same form. */
static int make_names_unique(struct sm_run *runs, size_t n, struct sm_error *err) {
    const size_t deepest = 64;
    bool *again = calloc(n, sizeof *again);
    if (!again) return sm_fail(err, "%zu runs: out of memory", n);
    int status = 0;
    bool any = true;
    for (size_t depth = 1; any && depth <= deepest + 1 && status == 0; depth++) {
        any = false;
        for (size_t i = 0; i < n; i++) any |= again[i] = clashes(runs, n, i);
        for (size_t i = 0; i < n && status == 0; i++) {
            char *name = again[i] ? longer_name(&runs[i], depth, deepest) : NULL;
            if (again[i] && !name) status = sm_fail(err, "%s: its folder cannot be found", runs[i].path);
            if (!name) continue;
            free(runs[i].name);
            runs[i].name = name;
        }
    }
    free(again);
    return status;
}

/* ---- opening ---- */

static int check_given_once(char *const *paths, size_t n, struct sm_error *err) {
    struct stat *file = calloc(n, sizeof *file);
    if (!file) return sm_fail(err, "%zu runs: out of memory", n);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        if (stat(paths[i], &file[i]) != 0) continue; /* opening it will say why */
        for (size_t j = 0; j < i && status == 0; j++)
            if (file[j].st_nlink && file[i].st_dev == file[j].st_dev && file[i].st_ino == file[j].st_ino)
                status = sm_fail(err, "%s: the same file as %s: each run is counted once", paths[i], paths[j]);
    }
    free(file);
    return status;
}

/* Adds a further unreadable file to the sentence about the first. */
static void add_unreadable(struct sm_error *err, size_t n_before, const char *path) {
    char list[sizeof err->text];
    memcpy(list, err->text, sizeof list);
    sm_fail(err, "%s%s%s", list, n_before == 1 ? "; unreadable too: " : ", ", path);
}

int sm_runs_open(struct sm_run **runs, char *const *paths, size_t n_paths, struct sm_error *err) {
    *runs = NULL;
    if (check_given_once(paths, n_paths, err) != 0) return -1;
    struct sm_run *opened = calloc(n_paths, sizeof *opened);
    if (!opened) return sm_fail(err, "%zu runs: out of memory", n_paths);
    size_t n_bad = 0;
    for (size_t i = 0; i < n_paths; i++) {
        struct sm_error why = {.text = ""};
        if (sm_run_open(&opened[i], paths[i], &why) == 0) continue;
        if (n_bad++ == 0)
            *err = why;
        else
            add_unreadable(err, n_bad - 1, paths[i]);
    }
    if (n_bad > 0 || make_names_unique(opened, n_paths, err) != 0) {
        sm_runs_free(opened, n_paths);
        return -1;
    }
    *runs = opened;
    return 0;
}

void sm_runs_free(struct sm_run *runs, size_t n_runs) {
    for (size_t i = 0; runs && i < n_runs; i++) sm_run_destroy(&runs[i]);
    free(runs);
}

const struct sm_metrics *sm_run_metrics_at(const struct sm_run *run, double epoch) {
    const struct sm_metrics *row = NULL;
    for (size_t i = 0; i < run->n_metrics && run->metrics[i].epoch <= epoch; i++) row = &run->metrics[i];
    return row;
}

double sm_run_test_accuracy(const struct sm_run *run, size_t record) {
    if (run->in_rounds) return record < run->n_rounds ? run->rounds[record].test_accuracy : NAN;
    const struct sm_metrics *metrics = sm_run_metrics_at(run, run->epoch[record]);
    return metrics ? metrics->test_accuracy : NAN;
}

/* ---- masks and weights ---- */

/* One block: the pointers to the layers, then their entries. */
static void *layers_new(const struct sm_network *net, size_t entry_size) {
    return malloc(net->n_layers * sizeof(void *) + sm_network_weights(net) * entry_size);
}

int8_t **sm_masks_new(const struct sm_network *net) {
    int8_t **mask = layers_new(net, sizeof **mask);
    int8_t *next = mask ? (int8_t *)(mask + net->n_layers) : NULL;
    for (size_t l = 0; mask && l < net->n_layers; next += sm_layer_weights(&net->layers[l++])) mask[l] = next;
    return mask;
}

float **sm_weights_new(const struct sm_network *net) {
    float **weights = layers_new(net, sizeof **weights);
    float *next = weights ? (float *)(weights + net->n_layers) : NULL;
    for (size_t l = 0; weights && l < net->n_layers; next += sm_layer_weights(&net->layers[l++])) weights[l] = next;
    return weights;
}

int sm_masks_read(int8_t *const *mask, const struct sm_run *run, size_t record, struct sm_error *err) {
    for (size_t l = 0; l < run->net.n_layers; l++)
        if (sm_run_read_mask(run, l, record, mask[l], err) != 0) return -1;
    return 0;
}

int sm_weights_read(float *const *weights, const struct sm_run *run, enum sm_run_values which, struct sm_error *err) {
    for (size_t l = 0; l < run->net.n_layers; l++)
        if (sm_run_read_values(run, l, which, weights[l], err) != 0) return -1;
    return 0;
}

/* ---- comparing ---- */

static bool layers_alike(const struct sm_layer *a, const struct sm_layer *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->n_out == b->n_out && a->n_in == b->n_in &&
           a->kernel_height == b->kernel_height && a->kernel_width == b->kernel_width && a->stride == b->stride &&
           a->n_inputs == b->n_inputs && memcmp(a->inputs, b->inputs, a->n_inputs * sizeof *a->inputs) == 0;
}

bool sm_runs_comparable(const struct sm_run *a, const struct sm_run *b) {
    const struct sm_network *na = &a->net, *nb = &b->net;
    if (na->n_layers != nb->n_layers || na->input_channels != nb->input_channels ||
        na->input_height != nb->input_height || na->input_width != nb->input_width)
        return false;
    for (size_t l = 0; l < na->n_layers; l++)
        if (!layers_alike(&na->layers[l], &nb->layers[l])) return false;
    return true;
}
