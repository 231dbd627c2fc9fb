/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers of an opened run: the graph from their attributes, the shapes from their data sets. */
#include "runfile_hdf5.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sm_h5_place layer_place(const struct sm_run *run, const char *name, char where[SM_OBJECT_SIZE]) {
    char object[SM_OBJECT_SIZE];
    snprintf(object, sizeof object, "layers/%s", name);
    snprintf(where, SM_OBJECT_SIZE, "layer %s", name);
    return (struct sm_h5_place){run->path, where, H5Oopen(run->handle->file, object, H5P_DEFAULT)};
}

/* ---- names, in the order of the attribute `index` ---- */

static int place_name(const struct sm_run *run, hid_t layers, hsize_t i, char **names, size_t n, struct sm_error *err) {
    char name[SM_NAME_SIZE], where[SM_OBJECT_SIZE];
    ssize_t length = H5Lget_name_by_idx(layers, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    if (length < 0) return sm_h5_fail(err, run->path, "cannot list layers");
    if ((size_t)length >= sizeof name) return sm_fail(err, "%s: layer %s...: name too long", run->path, name);
    struct sm_h5_place place = layer_place(run, name, where);
    int64_t index;
    if (place.object < 0) return sm_h5_fail(err, run->path, "cannot open layer %s", name);
    int status = sm_h5_get_int(&place, "index", &index, err);
    sm_h5_drop(place.object);
    if (status < 0) return -1;
    if (index < 0 || (size_t)index >= n || names[index])
        return sm_fail(err, "%s: %s: index %lld is taken or out of range", run->path, where, (long long)index);
    names[index] = strdup(name);
    return names[index] ? 0 : sm_fail(err, "%s: out of memory", run->path);
}

static int list_layers(const struct sm_run *run, char ***names, size_t *n, struct sm_error *err) {
    H5G_info_t info;
    *names = NULL;
    *n = 0;
    if (H5Lexists(run->handle->file, "layers", H5P_DEFAULT) <= 0) return sm_fail(err, "%s: has no layers", run->path);
    hid_t layers = H5Gopen2(run->handle->file, "layers", H5P_DEFAULT);
    if (layers < 0 || H5Gget_info(layers, &info) < 0) return sm_h5_fail(err, run->path, "cannot list layers");
    int status = 0;
    if (info.nlinks == 0) status = sm_fail(err, "%s: has no layers", run->path);
    if (status == 0 && !(*names = calloc(info.nlinks, sizeof **names)))
        status = sm_fail(err, "%s: out of memory", run->path);
    if (status == 0) *n = info.nlinks;
    for (hsize_t i = 0; i < *n && status == 0; i++) status = place_name(run, layers, i, *names, *n, err);
    sm_h5_drop(layers);
    return status;
}

/* ---- shapes ---- */

struct shape {
    int rank;
    hsize_t dims[SM_RANK_MAX];
};

static bool is_mask_type(hid_t type) {
    bool fits = H5Tget_class(type) == H5T_ENUM && H5Tget_nmembers(type) == 3 && H5Tget_size(type) == 1;
    for (unsigned i = 0; fits && i < 3; i++) {
        int8_t value = 99;
        fits = H5Tenum_valueof(type, sm_mask_members[i].name, &value) >= 0 && value == sm_mask_members[i].value;
    }
    return fits;
}

static bool is_float_type(hid_t type) {
    return H5Tget_class(type) == H5T_FLOAT;
}

/* Opens a layer's data set; *set is closed with the file. */
static int open_set(const struct sm_run *run, const char *layer, const char *name, bool (*fits)(hid_t), hid_t *set,
                    struct shape *shape, struct sm_error *err) {
    char object[SM_OBJECT_SIZE];
    sm_layout_object(object, layer, name);
    if (H5Lexists(run->handle->file, object, H5P_DEFAULT) <= 0) return sm_fail(err, "%s: has no %s", run->path, object);
    *set = H5Dopen2(run->handle->file, object, H5P_DEFAULT);
    hid_t space = *set < 0 ? -1 : H5Dget_space(*set), type = *set < 0 ? -1 : H5Dget_type(*set);
    int status = 0;
    if (space < 0 || type < 0)
        status = sm_h5_fail(err, run->path, "cannot open %s", object);
    else if (!fits(type))
        status = sm_fail(err, "%s: %s has the wrong type", run->path, object);
    else if ((shape->rank = H5Sget_simple_extent_ndims(space)) < 1 || shape->rank > SM_RANK_MAX ||
             H5Sget_simple_extent_dims(space, shape->dims, NULL) < 0)
        status = sm_fail(err, "%s: %s has the wrong rank", run->path, object);
    sm_h5_drop(space);
    sm_h5_drop(type);
    return status;
}

/* ---- one layer ---- */

static int read_kind(const struct sm_h5_place *place, struct sm_layer *layer, struct sm_error *err) {
    static const char *const activations[] = {"linear", "elu", "relu"};
    char *kind = NULL, *activation = NULL;
    int64_t stride;
    int status = -1;
    if (sm_h5_get_text(place, "kind", &kind, err) < 0 || sm_h5_get_text(place, "activation", &activation, err) < 0 ||
        sm_h5_get_int(place, "stride", &stride, err) < 0)
        goto done;
    layer->kind = strcmp(kind, "dense") == 0 ? SM_DENSE : SM_CONV2D;
    if (strcmp(kind, sm_layer_kind_name(layer->kind)) != 0) {
        sm_fail(err, "%s: %s: unknown kind '%.100s'", place->path, place->where, kind);
        goto done;
    }
    size_t a = 0;
    while (a < 3 && strcmp(activation, activations[a]) != 0) a++;
    if (a == 3 || stride < 1) {
        sm_fail(err, "%s: %s: unknown activation '%.100s' or stride %lld", place->path, place->where, activation,
                (long long)stride);
        goto done;
    }
    layer->activation = (enum sm_activation)a;
    layer->stride = (size_t)stride;
    status = 0;
done:
    free(kind);
    free(activation);
    return status;
}

/* Files of an older program have none: 'same'. */
static int read_padding(const struct sm_h5_place *place, struct sm_layer *layer, struct sm_error *err) {
    char *padding = NULL;
    if (layer->kind != SM_CONV2D || H5Aexists(place->object, "padding") <= 0) return 0;
    if (sm_h5_get_text(place, "padding", &padding, err) < 0) return -1;
    layer->padding = strcmp(padding, "valid") == 0 ? SM_VALID : SM_SAME;
    int status = strcmp(padding, sm_padding_name(layer->padding)) == 0
                     ? 0
                     : sm_fail(err, "%s: %s: unknown padding '%.100s'", place->path, place->where, padding);
    free(padding);
    return status;
}

static int check_fans(const struct sm_h5_place *place, const struct sm_layer *layer, struct sm_error *err) {
    int64_t fan_in, fan_out;
    if (sm_h5_get_int(place, "fan_in", &fan_in, err) < 0 || sm_h5_get_int(place, "fan_out", &fan_out, err) < 0)
        return -1;
    if ((size_t)fan_in == sm_layer_fan_in(layer) && (size_t)fan_out == sm_layer_fan_out(layer)) return 0;
    return sm_fail(err, "%s: %s: fan_in or fan_out does not fit the shape of the weights", place->path, place->where);
}

/* Appends the layer with the inputs it names; only layers before it can be found. */
static struct sm_layer *append_layer(struct sm_run *run, const struct sm_h5_place *place, const char *name,
                                     struct sm_error *err) {
    char **inputs;
    size_t n;
    if (sm_h5_get_texts(place, "inputs", &inputs, &n, err) < 0) return NULL;
    struct sm_layer *layer = sm_network_append(&run->net, name, n);
    if (!layer) sm_fail(err, "%s: out of memory", run->path);
    for (size_t i = 0; layer && i < n; i++) {
        if (strcmp(inputs[i], SM_INPUT_NAME) == 0) continue;
        layer->inputs[i] = sm_network_find(&run->net, inputs[i]);
        if (layer->inputs[i] >= 0 && layer->inputs[i] < (int)run->net.n_layers - 1) continue;
        sm_fail(err, "%s: %s: is fed by '%.100s', which does not stand before it", run->path, place->where, inputs[i]);
        layer = NULL;
    }
    sm_h5_free_texts(inputs, n);
    return layer;
}

static int set_shape(const struct sm_h5_place *place, struct sm_layer *layer, const struct shape *weights,
                     struct sm_error *err) {
    bool conv = layer->kind == SM_CONV2D;
    if (weights->rank != (conv ? 4 : 2))
        return sm_fail(err, "%s: %s: initial_weights has rank %d, a %s layer has %d", place->path, place->where,
                       weights->rank, sm_layer_kind_name(layer->kind), conv ? 4 : 2);
    layer->n_out = weights->dims[0];
    layer->n_in = weights->dims[1];
    layer->kernel_height = conv ? weights->dims[2] : 1;
    layer->kernel_width = conv ? weights->dims[3] : 1;
    return 0;
}

static int read_layer(struct sm_run *run, const char *name, double *threshold, struct sm_error *err) {
    char where[SM_OBJECT_SIZE];
    struct shape weights;
    hid_t set = -1;
    struct sm_h5_place place = layer_place(run, name, where);
    int status = -1;
    if (place.object < 0) return sm_h5_fail(err, run->path, "cannot open layer %s", name);
    struct sm_layer *layer = append_layer(run, &place, name, err);
    if (!layer || read_kind(&place, layer, err) < 0 || read_padding(&place, layer, err) < 0 ||
        sm_h5_get_real(&place, "threshold", threshold, err) < 0)
        goto done;
    if (open_set(run, name, sm_values_names[SM_INITIAL_WEIGHTS], is_float_type, &set, &weights, err) < 0) goto done;
    if (set_shape(&place, layer, &weights, err) == 0) status = check_fans(&place, layer, err);
done:
    sm_h5_drop(set);
    sm_h5_drop(place.object);
    return status;
}

/* NaN says that the method has no threshold, which is so in every layer or in none. */
static int check_thresholds(const struct sm_run *run, struct sm_error *err) {
    const struct sm_layer *layers = run->net.layers;
    for (size_t l = 0; l < run->net.n_layers; l++) {
        if (isinf(run->threshold[l]))
            return sm_fail(err, "%s: layer %s: attribute `threshold` is infinite", run->path, layers[l].name);
        if (isnan(run->threshold[l]) == isnan(run->threshold[0])) continue;
        return sm_fail(err, "%s: layer %s has a `threshold`, and layer %s has none (NaN)", run->path,
                       layers[isnan(run->threshold[l]) ? 0 : l].name, layers[isnan(run->threshold[l]) ? l : 0].name);
    }
    return 0;
}

/* ---- data sets that must fit the weights ---- */

static int check_shape(const struct sm_run *run, size_t l, const char *name, const struct shape *shape, bool history,
                       struct sm_error *err) {
    const struct sm_layer *layer = &run->net.layers[l];
    hsize_t dims[SM_RANK_MAX];
    int first = history ? 1 : 0, rank = sm_layout_shape(layer, dims);
    if (shape->rank != first + rank)
        return sm_fail(err, "%s: layers/%s/%s has rank %d where %d belongs", run->path, layer->name, name, shape->rank,
                       first + rank);
    for (int axis = 0; axis < rank; axis++)
        if (shape->dims[first + axis] != dims[axis])
            return sm_fail(err, "%s: layers/%s/%s does not have the shape of the weights", run->path, layer->name,
                           name);
    if (history && shape->dims[0] < run->n_records)
        return sm_fail(err, "%s: layers/%s/%s holds %llu records where records/step has %zu", run->path, layer->name,
                       name, (unsigned long long)shape->dims[0], run->n_records);
    return 0;
}

static int open_history(const struct sm_run *run, const char *name, bool (*fits)(hid_t), hid_t *sets,
                        struct sm_error *err) {
    for (size_t l = 0; l < run->net.n_layers; l++) {
        struct shape shape;
        if (open_set(run, run->net.layers[l].name, name, fits, &sets[l], &shape, err) < 0) return -1;
        if (check_shape(run, l, name, &shape, true, err) < 0) return -1;
    }
    return 0;
}

static bool layer_has(const struct sm_run *run, size_t l, const char *name) {
    char object[SM_OBJECT_SIZE];
    sm_layout_object(object, run->net.layers[l].name, name);
    return H5Lexists(run->handle->file, object, H5P_DEFAULT) > 0;
}

static int check_values(const struct sm_run *run, const char *name, struct sm_error *err) {
    for (size_t l = 0; l < run->net.n_layers; l++) {
        struct shape shape;
        hid_t set = -1;
        if (open_set(run, run->net.layers[l].name, name, is_float_type, &set, &shape, err) < 0) return -1;
        sm_h5_drop(set);
        if (check_shape(run, l, name, &shape, false, err) < 0) return -1;
    }
    return 0;
}

/* What the first layer has, every layer must have. */
static int check_optional(struct sm_run *run, struct sm_error *err) {
    const char *final_name = sm_layout_final_name(run->handle->trained);
    run->has_scores = layer_has(run, 0, "initial_scores") || run->handle->trained == SM_TRAINED_SCORES;
    run->has_final = final_name && run->complete;
    run->has_mask_weights = layer_has(run, 0, sm_values_names[SM_MASK_WEIGHTS]);
    run->has_score_records = layer_has(run, 0, "score");
    if (run->has_scores && check_values(run, "initial_scores", err) < 0) return -1;
    if (run->has_final && check_values(run, final_name, err) < 0) return -1;
    return run->has_mask_weights ? check_values(run, sm_values_names[SM_MASK_WEIGHTS], err) : 0;
}

int sm_run_open_layers(struct sm_run *run, struct sm_error *err) {
    char **names;
    size_t n;
    int status = list_layers(run, &names, &n, err);
    if (status == 0) {
        run->threshold = calloc(n, sizeof *run->threshold);
        run->handle->mask = calloc(n, sizeof *run->handle->mask);
        run->handle->score = calloc(n, sizeof *run->handle->score);
        if (!run->threshold || !run->handle->mask || !run->handle->score)
            status = sm_fail(err, "%s: out of memory", run->path);
    }
    for (size_t l = 0; status == 0 && l < n; l++) status = read_layer(run, names[l], &run->threshold[l], err);
    sm_h5_free_texts(names, n);
    if (status < 0 || check_thresholds(run, err) < 0) return -1;
    if (sm_network_check(&run->net, err) < 0) return sm_fail_prefix(err, "%s", run->path);
    if (sm_description_open(run, err) < 0) return -1;
    if (check_optional(run, err) < 0 || open_history(run, "mask", is_mask_type, run->handle->mask, err) < 0) return -1;
    return run->has_score_records ? open_history(run, "score", is_float_type, run->handle->score, err) : 0;
}
