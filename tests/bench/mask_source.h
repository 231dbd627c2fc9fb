/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask_source.h - the masks of a real run, put into a trainer: those of a run file, or random ones like those of a
 * recorded trajectory (trajectory.py), which need no run file.
 *
 * A mask stands where the scores are 2 tau g. It stays as long as learning rate and weight decay are 0. */
#ifndef SUPERMASK_BENCH_MASK_SOURCE_H
#define SUPERMASK_BENCH_MASK_SOURCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/runfile.h>

#include "analyze/tsv.h"
#include "tests/bench/random_mask.h"
#include "train/trainer.h"

enum { MASK_MOMENTS = 12 };

/* One of the two is open. */
struct mask_source {
    const char *path;
    bool is_run;
    struct sm_run run;
    struct sm_tsv trajectory;
    size_t n_moments; /* ascending in epochs */
    double epoch[MASK_MOMENTS];
    size_t record[MASK_MOMENTS]; /* of the run */
};

static inline void mask_source_close(struct mask_source *source) {
    sm_run_destroy(&source->run);
    sm_tsv_destroy(&source->trajectory);
}

/* At most MASK_MOMENTS records, the last among them; closer together at the beginning, where masks change most. */
static inline int mask_source_open_run(struct mask_source *source, const char *path, struct sm_error *err) {
    *source = (struct mask_source){.path = path, .is_run = true};
    if (sm_run_open(&source->run, path, err)) return -1;
    size_t last = source->run.n_records - 1;
    for (size_t k = 0; k < MASK_MOMENTS; k++) {
        double along = (double)k / (MASK_MOMENTS - 1);
        size_t record = (size_t)lround(along * along * (double)last), n = source->n_moments;
        if (n > 0 && source->record[n - 1] == record) continue;
        source->record[n] = record;
        source->epoch[n] = source->run.epoch[record];
        source->n_moments++;
    }
    return 0;
}

/* Columns epoch, layer, keep, invert, units, channels; the rows of a moment stand together. */
static inline int mask_source_open_trajectory(struct mask_source *source, const char *path, struct sm_error *err) {
    *source = (struct mask_source){.path = path, .is_run = false};
    if (sm_tsv_read(&source->trajectory, path, err)) return -1;
    for (size_t row = 0; row < source->trajectory.n_rows; row++) {
        double epoch = sm_tsv_real(&source->trajectory, row, "epoch");
        size_t n = source->n_moments;
        if (n > 0 && source->epoch[n - 1] == epoch) continue;
        if (!(epoch >= 0) || (n > 0 && source->epoch[n - 1] > epoch))
            return sm_fail(err, "%s: row %zu: epochs are not in order", path, row + 1);
        if (n == MASK_MOMENTS) return sm_fail(err, "%s: more than %d epochs", path, MASK_MOMENTS);
        source->epoch[source->n_moments++] = epoch;
    }
    return source->n_moments ? 0 : sm_fail(err, "%s: holds no epoch", path);
}

/* The share `column` of a layer at a moment; NaN where there is no such row. */
static inline double mask_source_share(const struct mask_source *source, const char *layer, size_t moment,
                                       const char *column) {
    const struct sm_tsv *rows = &source->trajectory;
    for (size_t row = 0; row < rows->n_rows; row++)
        if (sm_tsv_real(rows, row, "epoch") == source->epoch[moment] && sm_tsv_is(rows, row, "layer", layer))
            return sm_tsv_real(rows, row, column);
    return NAN;
}

/* Of a trajectory; units and channels are all alive where it has no such columns. */
static inline struct mask_shares mask_source_shares(const struct mask_source *source, const char *layer,
                                                    size_t moment) {
    double units = mask_source_share(source, layer, moment, "units"),
           channels = mask_source_share(source, layer, moment, "channels");
    return (struct mask_shares){.keep = mask_source_share(source, layer, moment, "keep"),
                                .invert = mask_source_share(source, layer, moment, "invert"),
                                .units = isnan(units) ? 1 : units,
                                .channels = isnan(channels) ? 1 : channels};
}

static inline int mask_source_read(const struct mask_source *source, const struct sm_network *net, size_t index,
                                   size_t moment, int8_t *mask, struct sm_error *err) {
    if (source->is_run) return sm_run_read_mask(&source->run, index, source->record[moment], mask, err);
    const struct sm_layer *layer = &net->layers[index];
    const struct mask_shares shares = mask_source_shares(source, layer->name, moment);
    if (!(shares.keep >= 0 && shares.invert >= 0))
        return sm_fail(err, "%s: no shares of layer %s at epoch %g", source->path, layer->name, source->epoch[moment]);
    if (random_mask(mask, net, layer, &shares))
        return sm_fail(err, "%s: layer %s at epoch %g has not so many places", source->path, layer->name,
                       source->epoch[moment]);
    return 0;
}

/* Is it a run of this network? A trajectory has the names of its layers only, which each moment's reading checks. */
static inline int mask_source_check(const struct mask_source *source, const struct sm_network *net,
                                    struct sm_error *err) {
    if (!source->is_run) return 0;
    bool same = source->run.net.n_layers == net->n_layers;
    for (size_t l = 0; same && l < net->n_layers; l++)
        same = sm_layer_weights(&source->run.net.layers[l]) == sm_layer_weights(&net->layers[l]);
    return same ? 0 : sm_fail(err, "%s: is no run of network %s", source->path, net->name);
}

/* Every layer's mask of that moment becomes the trainer's. */
static inline int mask_source_apply(const struct mask_source *source, size_t moment, struct sm_trainer *t,
                                    struct sm_error *err) {
    if (mask_source_check(source, t->net, err)) return -1;
    for (size_t l = 0; l < t->net->n_layers; l++) {
        struct sm_trainer_layer *layer = &t->layers[l];
        size_t n = sm_layer_weights(&t->net->layers[l]);
        int8_t *mask = malloc(n);
        float *scores = malloc(n * sizeof *scores);
        int rc = mask && scores ? mask_source_read(source, t->net, l, moment, mask, err)
                                : sm_fail(err, "out of memory for layer %s", t->net->layers[l].name);
        for (size_t k = 0; !rc && k < n; k++) scores[k] = 2 * (float)layer->threshold * (float)mask[k];
        if (!rc) sm_pad_floats(layer->scores, scores, layer->shape);
        free(mask);
        free(scores);
        if (rc) return -1;
    }
    sm_trainer_restore(t);
    return 0;
}

#endif
