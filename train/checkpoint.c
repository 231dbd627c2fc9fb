/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/runfile.h>
#include <unistd.h>

enum { FIXED_ARRAYS = 9, LAYER_ARRAYS = 12 };

struct arrays {
    struct sm_array *array;
    char (*name)[SM_NAME_SIZE];
    size_t n;
};

/* The end of a long name is cut off: it is their order that tells arrays apart, the names are there to be checked. */
static void add(struct arrays *a, const char *prefix, const char *name, enum sm_array_type type, size_t n, void *data) {
    int room = SM_NAME_SIZE - 1 - (int)strlen(prefix);
    snprintf(a->name[a->n], SM_NAME_SIZE, "%s%.*s", prefix, room, name);
    a->array[a->n] = (struct sm_array){.name = a->name[a->n], .type = type, .n = n, .data = data};
    a->n++;
}

static void add_norm(struct arrays *a, const char *layer, const struct sm_trainer_norm *t) {
    const struct sm_batch_norm *norm = t->norm;
    const struct {
        const char *prefix;
        float *values;
    } parts[] = {{"gamma/", norm->gamma},         {"beta/", norm->beta},
                 {"mean/", norm->moving_mean},    {"variance/", norm->moving_variance},
                 {"gamma_v/", t->gamma_velocity}, {"beta_v/", t->beta_velocity}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add(a, parts[i].prefix, layer, SM_F32, norm->channels, parts[i].values);
}

static void add_rounds(struct arrays *a, struct sm_rounds *r) {
    const struct sm_network *net = r->trainer->net;
    add(a, "", "round", SM_I64, 1, &r->round);
    add(a, "", "round_row", SM_F64, sizeof r->row / sizeof(double), &r->row);
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        add(a, "mask/", net->layers[l].name, SM_I8, n, r->mask[l]);
        add(a, "start/", net->layers[l].name, SM_F32, n, r->start[l]);
        add(a, "trained/", net->layers[l].name, SM_F32, n, r->trained[l]);
    }
}

static int list_arrays(struct arrays *a, struct sm_trainer *t, struct sm_rounds *rounds, double *seconds,
                       struct sm_error *err) {
    size_t capacity = FIXED_ARRAYS + LAYER_ARRAYS * t->net->n_layers;
    a->array = calloc(capacity, sizeof *a->array);
    a->name = calloc(capacity, sizeof *a->name);
    if (!a->array || !a->name) return sm_fail(err, "out of memory for the checkpoint");
    add(a, "", "step", SM_I64, 1, &t->step);
    add(a, "", "first_step", SM_I64, 1, &t->first_step);
    add(a, "", "loss_sum", SM_F64, 1, &t->loss_sum);
    add(a, "", "n_correct", SM_I64, 1, &t->n_correct);
    add(a, "", "n_seen", SM_I64, 1, &t->n_seen);
    add(a, "", "schedule", SM_F64, sizeof t->schedule / sizeof(double), &t->schedule);
    add(a, "", "seconds", SM_F64, 1, seconds);
    if (rounds) add_rounds(a, rounds);
    for (size_t l = 0; l < t->net->n_layers; l++) {
        const char *name = t->net->layers[l].name;
        size_t n = t->layers[l].shape.n_rows * t->layers[l].shape.stride;
        add(a, "value/", name, SM_F32, n, sm_trainer_values(t, l));
        add(a, "velocity/", name, SM_F32, n, t->layers[l].velocity);
        if (t->layers[l].second) add(a, "second/", name, SM_F32, n, t->layers[l].second);
        if (t->layers[l].norm.norm) add_norm(a, name, &t->layers[l].norm);
    }
    return 0;
}

static void free_arrays(struct arrays *a) {
    free(a->array);
    free(a->name);
}

int sm_checkpoint_save(const char *path, struct sm_trainer *t, struct sm_rounds *rounds, double *seconds,
                       struct sm_error *err) {
    struct arrays a = {0};
    int rc = list_arrays(&a, t, rounds, seconds, err);
    if (!rc) rc = sm_checkpoint_write(path, a.array, a.n, err);
    free_arrays(&a);
    return rc;
}

int sm_checkpoint_load(const char *path, struct sm_trainer *t, struct sm_rounds *rounds, double *seconds,
                       struct sm_error *err) {
    if (access(path, F_OK)) return 0;
    struct arrays a = {0};
    int rc = list_arrays(&a, t, rounds, seconds, err);
    if (!rc) rc = sm_checkpoint_read(path, a.array, a.n, err);
    if (!rc && rounds) rc = sm_rounds_restore(rounds, err);
    if (!rc) sm_trainer_restore(t);
    free_arrays(&a);
    return rc;
}
