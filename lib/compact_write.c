/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/compact.h"
#include "lib/compact_code.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/outfile.h>

/* Keys of the recipe that stand in the file. */
static const char *const recipe_keys[] = {"name",  "dataset",     "method",     "standardize", "loss",
                                          "batch", "weight_seed", "score_seed", "data_seed"};

/* ---- numbers and texts; errors of the stream are looked for at the end ---- */

static void put(FILE *out, uint64_t value, size_t n_bytes) {
    for (size_t k = 0; k < n_bytes; k++) fputc((int)(value >> 8 * k & 0xff), out);
}

static void put_float(FILE *out, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(out, bits, sizeof bits);
}

static void put_double(FILE *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(out, bits, sizeof bits);
}

static void put_text(FILE *out, const char *text) {
    put(out, strlen(text), 4);
    fputs(text, out);
}

/* ---- one layer ---- */

/* The kept weights of a layer, in the order of their numbers. */
struct kept_list {
    size_t n;
    uint64_t *gap; /* [n] */
    float *value;  /* [n]: v */
};

static void list_kept(struct kept_list *list, const struct sm_model_layer *layer) {
    uint64_t expected = 0; /* the number behind the last one */
    for (size_t o = 0; o < layer->shape.n_out; o++)
        for (size_t i = 0; i < layer->shape.n_in; i++) {
            size_t at = o * layer->shape.stride + i;
            uint64_t number = o * layer->shape.n_in + i;
            if (layer->mask && !layer->mask[at]) continue;
            list->gap[list->n] = number - expected;
            list->value[list->n++] = layer->mask ? layer->weight[at] * (float)layer->mask[at] : layer->weight[at];
            expected = number + 1;
        }
}

static int code(struct sm_bit_writer *bits, const struct kept_list *list, unsigned k, bool signs) {
    for (size_t j = 0; j < list->n; j++) {
        sm_rice_put(bits, list->gap[j], k);
        if (signs) sm_bits_put(bits, list->value[j] < 0);
    }
    return bits->failed ? -1 : 0;
}

/* |v| where it is the same for all of them, else 0. */
static float size_of(const struct kept_list *list) {
    float size = list->n ? fabsf(list->value[0]) : 0;
    for (size_t j = 1; j < list->n; j++)
        if (fabsf(list->value[j]) != size) return 0;
    return size;
}

static enum sm_coding coding_of(const struct sm_model_layer *layer, const struct kept_list *list) {
    if (!layer->mask) return SM_CODING_ALL;
    if (layer->magnitude > 0) return SM_CODING_ONE_SIZE;
    return size_of(list) > 0 ? SM_CODING_SIGNS : SM_CODING_VALUES;
}

static int put_list(FILE *out, const struct sm_model_layer *layer, const struct kept_list *list) {
    enum sm_coding coding = coding_of(layer, list);
    bool has_size = sm_coding_has_size(coding);
    struct sm_bit_writer bits = {0};
    unsigned k = layer->mask ? sm_rice_best(list->gap, list->n) : 0;
    int status = layer->mask ? code(&bits, list, k, has_size) : 0;
    size_t n_bytes = (bits.n_bits + 7) / 8;
    put(out, layer->form, 1);
    put(out, coding, 1);
    put(out, k, 1);
    put_float(out, coding == SM_CODING_ONE_SIZE ? layer->magnitude : has_size ? size_of(list) : 0);
    put(out, list->n, 8);
    put(out, n_bytes, 8);
    if (n_bytes) fwrite(bits.bytes, 1, n_bytes, out);
    for (size_t j = 0; !has_size && j < list->n; j++) put_float(out, list->value[j]);
    free(bits.bytes);
    return status;
}

static int put_layer(FILE *out, const struct sm_model *model, size_t l) {
    const struct sm_model_layer *layer = &model->layers[l];
    size_t n = sm_model_remaining(model, l);
    struct kept_list list = {.gap = malloc((n + 1) * sizeof *list.gap), .value = malloc((n + 1) * sizeof *list.value)};
    int status = list.gap && list.value ? 0 : -1;
    assert(layer->form != SM_FORM_BY_DENSITY);
    if (status == 0) list_kept(&list, layer);
    if (status == 0) status = put_list(out, layer, &list);
    free(list.gap);
    free(list.value);
    return status;
}

/* ---- the file ---- */

static int put_head(FILE *out, const struct sm_model *model) {
    const struct sm_model_source *source = &model->source;
    char *recipe = sm_recipe_lines(&source->recipe, recipe_keys, sizeof recipe_keys / sizeof *recipe_keys),
         *network = sm_network_text(&model->net);
    int status = recipe && network ? 0 : -1;
    fwrite(sm_compact_signature, 1, sizeof sm_compact_signature, out);
    put(out, SM_COMPACT_VERSION, 4);
    const char *const texts[] = {source->run, recipe, source->dataset_sha256, network};
    for (size_t k = 0; k < sizeof texts / sizeof *texts && status == 0; k++) put_text(out, texts[k]);
    put(out, source->record, 8);
    put(out, source->weights, 8);
    put(out, source->remaining, 8);
    put(out, (uint64_t)source->step, 8);
    put_double(out, source->epoch);
    free(recipe);
    free(network);
    return status;
}

/* The bytes of the file before its checksum, in memory: malloc'ed; NULL when out of memory. */
static char *file_bytes(const struct sm_model *model, size_t *size, size_t *layer_bytes) {
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    if (!out) return NULL;
    int status = put_head(out, model);
    for (size_t l = 0; l < model->net.n_layers && status == 0; l++) {
        long before = ftell(out);
        status = put_layer(out, model, l);
        layer_bytes[l] = (size_t)(ftell(out) - before);
    }
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed && status == 0) return bytes;
    free(bytes);
    return NULL;
}

int sm_compact_write(const struct sm_model *model, const char *path, size_t *n_bytes, struct sm_error *err) {
    struct sm_outfile out;
    size_t size, n_layers = model->net.n_layers;
    char *bytes = file_bytes(model, &size, n_bytes);
    if (!bytes) return sm_fail(err, "%s: out of memory", path);
    int status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        fwrite(bytes, 1, size, out.file);
        put(out.file, sm_compact_checksum((const uint8_t *)bytes, size), 4);
        status = sm_outfile_close(&out, err);
    }
    n_bytes[n_layers] = size + 4;
    free(bytes);
    return status;
}
