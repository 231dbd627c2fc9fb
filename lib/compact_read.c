/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/compact.h"
#include "lib/compact_code.h"
#include "lib/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that are read from front to back. */
struct input {
    const uint8_t *bytes;
    size_t n, at;
    const char *origin;
    struct sm_error *err;
};

/* ---- numbers and texts ---- */

static int ends_early(struct input *in) {
    return sm_fail(in->err, "%s: the compact file ends early", in->origin);
}

static int get(struct input *in, uint64_t *value, size_t n_bytes) {
    *value = 0;
    if (in->n - in->at < n_bytes) return ends_early(in);
    for (size_t k = 0; k < n_bytes; k++) *value |= (uint64_t)in->bytes[in->at++] << 8 * k;
    return 0;
}

static int get_float(struct input *in, float *value) {
    uint64_t wide;
    if (get(in, &wide, sizeof(float))) return -1;
    uint32_t bits = (uint32_t)wide;
    memcpy(value, &bits, sizeof bits);
    return 0;
}

static int get_text(struct input *in, char **text) {
    uint64_t length;
    if (get(in, &length, 4)) return -1;
    if (in->n - in->at < length) return ends_early(in);
    if (memchr(in->bytes + in->at, '\0', length)) return sm_fail(in->err, "%s: a text holds a zero byte", in->origin);
    *text = strndup((const char *)in->bytes + in->at, length);
    in->at += length;
    return *text ? 0 : sm_fail(in->err, "%s: out of memory", in->origin);
}

/* ---- the head ---- */

static int check_frame(struct input *in) {
    uint64_t version, checksum;
    const size_t frame = SM_COMPACT_SIGNATURE_SIZE + 8; /* with version and checksum */
    if (in->n < SM_COMPACT_SIGNATURE_SIZE || memcmp(in->bytes, sm_compact_signature, SM_COMPACT_SIGNATURE_SIZE) != 0)
        return sm_fail(in->err, "%s: is not a compact network", in->origin);
    if (in->n < frame) return ends_early(in);
    in->at = SM_COMPACT_SIGNATURE_SIZE;
    if (get(in, &version, 4)) return -1;
    if (version != SM_COMPACT_VERSION)
        return sm_fail(in->err, "%s: is a compact network of version %llu, and this program reads version %d",
                       in->origin, (unsigned long long)version, SM_COMPACT_VERSION);
    size_t first = in->at;
    in->at = in->n - 4;
    if (get(in, &checksum, 4)) return -1;
    in->n -= 4;
    in->at = first;
    if (sm_compact_checksum(in->bytes, in->n) != checksum)
        return sm_fail(in->err, "%s: the compact file is cut short or damaged (its checksum does not fit)", in->origin);
    return 0;
}

/* The system would grant the memory and kill the program when it is used. */
static int check_memory(struct input *in, const struct sm_network *net) {
    double weights = (double)sm_network_weights(net), bytes = weights * (sizeof(float) + sizeof(int8_t));
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= memory) return 0;
    return sm_fail(in->err, "%s: its %.0f weights take %.1f GB, and this machine has %.1f GB of memory", in->origin,
                   weights, bytes / 1e9, memory / 1e9);
}

static int parse_texts(struct input *in, struct sm_model *model, const char *recipe, const char *network) {
    const struct sm_network_options plain = {.activation = SM_LINEAR, .width = 1};
    sm_recipe_defaults(&model->source.recipe);
    if (sm_recipe_parse(&model->source.recipe, recipe, in->origin, in->err)) return -1;
    if (model->source.recipe.batch < 1) return sm_fail(in->err, "%s: its recipe has no batch", in->origin);
    if (sm_network_parse(&model->net, network, in->origin, &plain, in->err)) return -1;
    if (check_memory(in, &model->net)) return -1;
    for (size_t n = 0; n < model->net.n_nodes; n++)
        if (model->net.nodes[n].batch_norm)
            return sm_fail(in->err, "%s: layer %s has batch norm, which a compact network cannot have", in->origin,
                           model->net.nodes[n].name);
    return sm_forward_check(&model->net, in->err) ? sm_fail_prefix(in->err, "%s", in->origin) : 0;
}

static int get_record(struct input *in, struct sm_model_source *source) {
    uint64_t step = 0, epoch = 0;
    if (get(in, &source->record, 8) || get(in, &source->weights, 8) || get(in, &source->remaining, 8) ||
        get(in, &step, 8) || get(in, &epoch, 8))
        return -1;
    source->step = (int64_t)step;
    memcpy(&source->epoch, &epoch, sizeof epoch);
    return 0;
}

static int get_head(struct input *in, struct sm_model *model) {
    char *recipe = NULL, *network = NULL;
    int status = get_text(in, &model->source.run) || get_text(in, &recipe) ||
                         get_text(in, &model->source.dataset_sha256) || get_text(in, &network) ||
                         get_record(in, &model->source) || parse_texts(in, model, recipe, network)
                     ? -1
                     : 0;
    free(recipe);
    free(network);
    if (status == 0 && (!*model->source.run || strchr(model->source.run, '/'))) /* an export is called after it */
        return sm_fail(in->err, "%s: '%.80s' is no name of a run", in->origin, model->source.run);
    return status;
}

/* ---- one layer ---- */

struct layer_head {
    uint64_t form, coding, k, n, n_bytes;
    float magnitude;
};

static int get_layer_head(struct input *in, struct layer_head *head) {
    return get(in, &head->form, 1) || get(in, &head->coding, 1) || get(in, &head->k, 1) ||
                   get_float(in, &head->magnitude) || get(in, &head->n, 8) || get(in, &head->n_bytes, 8)
               ? -1
               : 0;
}

static int bad_layer(const struct input *in, const char *name, const char *what) {
    return sm_fail(in->err, "%s: layer %s: %s", in->origin, name, what);
}

/* The rest of a sentence about what cannot be, or NULL. */
static const char *check_layer_head(const struct input *in, const struct layer_head *head, size_t n_weights) {
    uint64_t left = in->n - in->at;
    bool values = !sm_coding_has_size((enum sm_coding)head->coding);
    if (head->form != SM_FORM_LISTS && head->form != SM_FORM_PRODUCT) return "it is computed in no known form";
    if (head->coding >= SM_N_CODINGS) return "its weights are coded in no known way";
    if (head->k > SM_RICE_LARGEST) return "the parameter of its code is too large";
    if (head->n > n_weights) return "it keeps more weights than it has";
    if (head->coding == SM_CODING_ALL && (head->n != n_weights || head->n_bytes)) return "not every weight has a value";
    if (head->n_bytes > left || (values && head->n > (left - head->n_bytes) / sizeof(float)))
        return "the compact file ends before all of its weights";
    if (!values && !(isfinite(head->magnitude) && head->magnitude > 0))
        return "the size of its weights is no number above 0";
    return NULL;
}

/* The sign is the mask's where all have the size that the engine multiplies by, else the weight's. */
static int put_weight(struct input *values, const struct layer_head *head, struct sm_model_layer *layer,
                      uint64_t number, bool negative) {
    size_t at = number / layer->shape.n_in * layer->shape.stride + number % layer->shape.n_in;
    bool by_mask = head->coding == SM_CODING_ONE_SIZE;
    float value = head->magnitude;
    if (!sm_coding_has_size((enum sm_coding)head->coding) && get_float(values, &value)) return -1;
    if (!isfinite(value)) return -1;
    layer->weight[at] = negative && !by_mask ? -value : value;
    if (layer->mask) layer->mask[at] = negative && by_mask ? -1 : 1;
    return 0;
}

/* Kept weights: their places from the code, their sizes from what stands behind it. */
static const char *get_kept(const struct layer_head *head, struct sm_bit_reader *bits, struct input *values,
                            struct sm_model_layer *layer) {
    uint64_t n_weights = (uint64_t)layer->shape.n_out * layer->shape.n_in, number = 0;
    for (uint64_t j = 0; j < head->n; j++, number++) {
        if (layer->mask) number += sm_rice_get(bits, (unsigned)head->k, n_weights - number);
        bool negative = sm_coding_has_size((enum sm_coding)head->coding) && sm_bits_get(bits);
        if (bits->failed) return "the code of its kept weights is damaged";
        if (put_weight(values, head, layer, number, negative)) return "one of its weights is no number";
    }
    return bits->n_bits - bits->at < 8 ? NULL : "the code of its kept weights is too long";
}

/* The engine's lists and products read weights of one size from the layer, wherever they are hidden. */
static void fill_size(struct sm_model_layer *layer) {
    for (size_t o = 0; o < layer->shape.n_out; o++)
        for (size_t i = 0; i < layer->shape.n_in; i++) layer->weight[o * layer->shape.stride + i] = layer->magnitude;
}

static int get_layer(struct input *in, struct sm_model *model, size_t l) {
    const char *name = model->net.layers[l].name;
    struct layer_head head = {0};
    if (get_layer_head(in, &head)) return -1;
    const char *wrong = check_layer_head(in, &head, sm_layer_weights(&model->net.layers[l]));
    if (wrong) return bad_layer(in, name, wrong);
    if (sm_model_allocate_layer(model, l, head.coding != SM_CODING_ALL, in->err))
        return sm_fail_prefix(in->err, "%s", in->origin);
    struct sm_model_layer *layer = &model->layers[l];
    layer->form = (enum sm_form)head.form;
    layer->magnitude = head.coding == SM_CODING_ONE_SIZE ? head.magnitude : 0;
    struct sm_bit_reader bits = {.bytes = in->bytes + in->at, .n_bits = 8 * head.n_bytes};
    in->at += head.n_bytes;
    if (layer->magnitude > 0) fill_size(layer);
    wrong = get_kept(&head, &bits, in, layer);
    return wrong ? bad_layer(in, name, wrong) : 0;
}

/* ---- the file ---- */

int sm_compact_parse(struct sm_model *model, const uint8_t *bytes, size_t n, const char *origin, struct sm_error *err) {
    struct input in = {.bytes = bytes, .n = n, .origin = origin, .err = err};
    *model = (struct sm_model){0};
    if (check_frame(&in) || get_head(&in, model)) return -1;
    if (sm_model_allocate(model, err)) return sm_fail_prefix(err, "%s", origin);
    for (size_t l = 0; l < model->net.n_layers; l++)
        if (get_layer(&in, model, l)) return -1;
    return in.at == in.n ? 0 : sm_fail(err, "%s: something stands behind the last layer", origin);
}

static uint8_t *read_bytes(const char *path, size_t *n, struct sm_error *err) {
    struct stat status;
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status) != 0) {
        sm_fail(err, "%s: %s", path, strerror(errno));
        goto done;
    }
    *n = (size_t)status.st_size;
    bytes = malloc(*n + 1);
    if (!bytes) {
        sm_fail(err, "%s: out of memory", path);
    } else if (fread(bytes, 1, *n, file) != *n) {
        sm_fail(err, "%s: cannot be read: %s", path, ferror(file) ? strerror(errno) : "it became shorter");
        free(bytes);
        bytes = NULL;
    }
done:
    if (file) fclose(file);
    return bytes;
}

int sm_compact_read(struct sm_model *model, const char *path, struct sm_error *err) {
    size_t n;
    *model = (struct sm_model){0};
    uint8_t *bytes = read_bytes(path, &n, err);
    if (!bytes) return -1;
    int status = sm_compact_parse(model, bytes, n, path, err);
    free(bytes);
    return status;
}
