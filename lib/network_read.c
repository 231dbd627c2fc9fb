/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network descriptions:
 *
 *     name: fcn
 *     description: one line
 *     input: [1, 28, 28]                # channels, height, width
 *     layers:
 *       - {kind: dense, units: 300}     # called dense1: kind and position
 *       - {kind: dense, units: 10, name: output, inputs: [dense1]}
 *
 * `inputs` names the layers that are summed, or `input`; without it a layer reads the one before. A kind of layer is
 * one row of `kinds` below: its keys, and the function that turns them and the shape of what it reads into a layer. */
#include <supermask/network.h>
#include <supermask/share.h>
#include <supermask/text.h>
#include <supermask/yaml.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_SIZE = 1 << 28 }; /* of a unit count or an image side: products of two stay far below 2^64 */

struct shape {
    size_t channels, height, width;
};

struct description {
    struct sm_network *net;
    struct shape *shapes; /* [n_layers] what each layer gives */
    const char *origin;
    struct sm_error *err;
};

/* ---- parts of the tree ---- */

static const struct sm_yaml *find(const struct sm_yaml *map, const char *key) {
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i], key) == 0) return map->items[i];
    return NULL;
}

static int check_keys(const struct description *in, const struct sm_yaml *map, const char *const *known,
                      size_t n_known) {
    char hint[SM_HINT_SIZE];
    for (size_t i = 0; i < map->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n_known; k++) found = found || strcmp(map->keys[i], known[k]) == 0;
        if (!found)
            return sm_fail(in->err, "%s:%zu: unknown key '%.80s'%s", in->origin, map->key_lines[i], map->keys[i],
                           sm_nearest_hint(hint, map->keys[i], known, n_known));
    }
    return 0;
}

/* A whole number of at least 1. */
static int read_size(const struct description *in, const struct sm_yaml *node, const char *what, size_t *size) {
    int64_t value;
    if (node->kind != SM_YAML_SCALAR || sm_parse_int(node->scalar, &value))
        return sm_fail(in->err, "%s:%zu: %s: expected a whole number", in->origin, node->line, what);
    if (value < 1 || value > LARGEST_SIZE)
        return sm_fail(in->err, "%s:%zu: %s: %.40s is outside 1 .. %d", in->origin, node->line, what, node->scalar,
                       LARGEST_SIZE);
    *size = (size_t)value;
    return 0;
}

static int read_name(const struct description *in, const struct sm_yaml *node, char name[SM_NAME_SIZE]) {
    if (node->kind != SM_YAML_SCALAR) return sm_fail(in->err, "%s:%zu: name: expected a word", in->origin, node->line);
    if (strlen(node->scalar) >= SM_NAME_SIZE)
        return sm_fail(in->err, "%s:%zu: name: longer than %d bytes", in->origin, node->line, SM_NAME_SIZE - 1);
    strcpy(name, node->scalar);
    return 0;
}

/* ---- kinds of layers ---- */

static int build_dense(const struct description *in, const struct sm_yaml *map, const struct shape *reads,
                       struct sm_layer *layer, struct shape *gives) {
    const struct sm_yaml *units = find(map, "units");
    if (!units) return sm_fail(in->err, "%s:%zu: a dense layer needs `units`", in->origin, map->line);
    if (read_size(in, units, "units", &layer->n_out)) return -1;
    layer->kind = SM_DENSE;
    layer->n_in = reads->channels * reads->height * reads->width;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    *gives = (struct shape){layer->n_out, 1, 1};
    return 0;
}

enum { MOST_KEYS = 8 };

static const struct layer_kind {
    const char *name;
    size_t n_keys;
    const char *keys[MOST_KEYS];
    int (*build)(const struct description *in, const struct sm_yaml *map, const struct shape *reads,
                 struct sm_layer *layer, struct shape *gives);
} kinds[] = {
    {"dense", 4, {"name", "kind", "inputs", "units"}, build_dense},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const struct layer_kind *read_kind(const struct description *in, const struct sm_yaml *map) {
    char hint[SM_HINT_SIZE];
    const char *names[N_KINDS];
    const struct sm_yaml *kind = find(map, "kind");
    if (!kind || kind->kind != SM_YAML_SCALAR) {
        sm_fail(in->err, "%s:%zu: a layer needs a `kind`", in->origin, kind ? kind->line : map->line);
        return NULL;
    }
    for (size_t k = 0; k < N_KINDS; k++) {
        names[k] = kinds[k].name;
        if (strcmp(kind->scalar, names[k]) == 0) return &kinds[k];
    }
    sm_fail(in->err, "%s:%zu: kind: '%.80s' is no kind of layer%s", in->origin, kind->line, kind->scalar,
            sm_nearest_hint(hint, kind->scalar, names, N_KINDS));
    return NULL;
}

/* ---- what a layer reads ---- */

/* Does a layer of that name stand in the list at all (called so, or by its position)? Only for a better sentence. */
static bool stands_later(const struct sm_yaml *layers, const char *name) {
    for (size_t l = 0; l < layers->n; l++) {
        const struct sm_yaml *own = layers->items[l]->kind == SM_YAML_MAP ? find(layers->items[l], "name") : NULL;
        if (own && own->kind == SM_YAML_SCALAR && strcmp(own->scalar, name) == 0) return true;
    }
    return false;
}

static int unknown_input(const struct description *in, const struct sm_yaml *layers, const struct sm_yaml *node) {
    char hint[SM_HINT_SIZE];
    size_t n = in->net->n_layers;
    if (stands_later(layers, node->scalar))
        return sm_fail(in->err, "%s:%zu: inputs: '%.80s' does not stand before this layer", in->origin, node->line,
                       node->scalar);
    const char **names = malloc((n + 1) * sizeof *names);
    if (!names) return sm_fail(in->err, "%s: out of memory", in->origin);
    names[0] = "input";
    for (size_t l = 0; l < n; l++) names[l + 1] = in->net->layers[l].name;
    sm_fail(in->err, "%s:%zu: inputs: no layer '%.80s' stands before this one%s", in->origin, node->line, node->scalar,
            sm_nearest_hint(hint, node->scalar, names, n + 1));
    free(names);
    return -1;
}

static int read_input(const struct description *in, const struct sm_yaml *layers, const struct sm_yaml *node,
                      int *index) {
    if (node->kind != SM_YAML_SCALAR)
        return sm_fail(in->err, "%s:%zu: inputs: expected names of layers", in->origin, node->line);
    *index = SM_NETWORK_INPUT;
    if (strcmp(node->scalar, "input") == 0) return 0;
    *index = sm_network_find(in->net, node->scalar);
    return *index < 0 ? unknown_input(in, layers, node) : 0;
}

static struct shape shape_of(const struct description *in, int index) {
    const struct sm_network *net = in->net;
    if (index != SM_NETWORK_INPUT) return in->shapes[index];
    return (struct shape){net->input_channels, net->input_height, net->input_width};
}

/* Fills indices[n] and the one shape that all of them have. */
static int read_inputs(const struct description *in, const struct sm_yaml *layers, const struct sm_yaml *inputs,
                       int *indices, struct shape *reads) {
    for (size_t i = 0; i < inputs->n; i++) {
        if (read_input(in, layers, inputs->items[i], &indices[i])) return -1;
        struct shape shape = shape_of(in, indices[i]);
        if (i == 0) *reads = shape;
        if (shape.channels != reads->channels || shape.height != reads->height || shape.width != reads->width)
            return sm_fail(in->err, "%s:%zu: inputs: %zux%zux%zu and %zux%zux%zu cannot be summed", in->origin,
                           inputs->line, reads->channels, reads->height, reads->width, shape.channels, shape.height,
                           shape.width);
    }
    return 0;
}

/* ---- one layer ---- */

static int name_layer(const struct description *in, const struct sm_yaml *map, const struct layer_kind *kind,
                      char name[SM_NAME_SIZE]) {
    const struct sm_yaml *node = find(map, "name");
    size_t line = node ? node->line : map->line;
    snprintf(name, SM_NAME_SIZE, "%s%zu", kind->name, in->net->n_layers + 1);
    if (node && read_name(in, node, name)) return -1;
    if (sm_network_find(in->net, name) >= 0)
        return sm_fail(in->err, "%s:%zu: two layers are called '%s'", in->origin, line, name);
    return 0;
}

/* Appends the layer with its name and inputs; the rest of it is the kind's. */
static struct sm_layer *append_layer(const struct description *in, const struct sm_yaml *layers,
                                     const struct sm_yaml *map, const char *name, struct shape *reads) {
    struct sm_network *net = in->net;
    const struct sm_yaml *inputs = find(map, "inputs");
    int before = net->n_layers ? (int)net->n_layers - 1 : SM_NETWORK_INPUT, *indices = NULL;
    size_t n = inputs ? inputs->n : 1;
    if (inputs && (inputs->kind != SM_YAML_LIST || !n)) {
        sm_fail(in->err, "%s:%zu: inputs: expected a list of layers", in->origin, inputs->line);
        return NULL;
    }
    indices = calloc(n, sizeof *indices);
    if (!indices) goto no_memory;
    indices[0] = before;
    *reads = shape_of(in, before);
    if (inputs && read_inputs(in, layers, inputs, indices, reads)) goto failed;
    struct sm_layer *layer = sm_network_append(net, name, n);
    if (!layer) goto no_memory;
    memcpy(layer->inputs, indices, n * sizeof *indices);
    free(indices);
    return layer;
no_memory:
    sm_fail(in->err, "%s: out of memory", in->origin);
failed:
    free(indices);
    return NULL;
}

static int read_layer(const struct description *in, const struct sm_yaml *layers, size_t l) {
    const struct sm_yaml *map = layers->items[l];
    char name[SM_NAME_SIZE];
    struct shape reads;
    if (map->kind != SM_YAML_MAP)
        return sm_fail(in->err, "%s:%zu: a layer is a map: {kind: dense, units: 300}", in->origin, map->line);
    const struct layer_kind *kind = read_kind(in, map);
    if (!kind || check_keys(in, map, kind->keys, kind->n_keys) || name_layer(in, map, kind, name)) return -1;
    struct sm_layer *layer = append_layer(in, layers, map, name, &reads);
    return layer ? kind->build(in, map, &reads, layer, &in->shapes[l]) : -1;
}

/* ---- the whole description ---- */

static int read_input_shape(const struct description *in, const struct sm_yaml *node) {
    size_t *sizes[] = {&in->net->input_channels, &in->net->input_height, &in->net->input_width};
    if (node->kind != SM_YAML_LIST || node->n != 3)
        return sm_fail(in->err, "%s:%zu: input: expected [channels, height, width]", in->origin, node->line);
    for (size_t i = 0; i < 3; i++)
        if (read_size(in, node->items[i], "input", sizes[i])) return -1;
    if (sm_network_inputs(in->net) > LARGEST_SIZE || *sizes[0] * *sizes[1] > LARGEST_SIZE)
        return sm_fail(in->err, "%s:%zu: input: more than %d values", in->origin, node->line, LARGEST_SIZE);
    return 0;
}

static int read_description(struct description *in, const struct sm_yaml *root) {
    static const char *const keys[] = {"name", "description", "input", "layers"};
    const struct sm_yaml *name = find(root, "name"), *input = find(root, "input"), *layers = find(root, "layers");
    if (check_keys(in, root, keys, sizeof keys / sizeof *keys)) return -1;
    if (!name || !input || !layers)
        return sm_fail(in->err, "%s: the description has no `%s`", in->origin,
                       !name    ? "name"
                       : !input ? "input"
                                : "layers");
    if (read_name(in, name, in->net->name) || read_input_shape(in, input)) return -1;
    if (layers->kind != SM_YAML_LIST || !layers->n)
        return sm_fail(in->err, "%s:%zu: layers: expected a list of layers", in->origin, layers->line);
    in->shapes = calloc(layers->n, sizeof *in->shapes);
    if (!in->shapes) return sm_fail(in->err, "%s: out of memory", in->origin);
    for (size_t l = 0; l < layers->n; l++)
        if (read_layer(in, layers, l)) return -1;
    return 0;
}

static int read_file(struct sm_network *net, const char *path, struct sm_error *err) {
    struct sm_yaml *root;
    if (sm_yaml_read(&root, path, err)) return -1;
    struct description in = {.net = net, .origin = path, .err = err};
    int status = read_description(&in, root);
    if (status == 0 && sm_network_check(net, err)) status = sm_fail_prefix(err, "%s", path);
    free(in.shapes);
    sm_yaml_free(root);
    return status;
}

/* ---- widths ---- */

static bool looks_like_widths(const char *spec) {
    return strchr(spec, '-') && strspn(spec, "0123456789-") == strlen(spec);
}

/* The number before the next '-', or -1; *spec moves behind the dash, or to NULL at the end. */
static int64_t next_width(const char **spec) {
    char digits[16];
    size_t length = strcspn(*spec, "-");
    int64_t width;
    if (length >= sizeof digits) return -1;
    memcpy(digits, *spec, length);
    digits[length] = '\0';
    *spec = (*spec)[length] ? *spec + length + 1 : NULL;
    return sm_parse_int(digits, &width) || width < 1 || width > LARGEST_SIZE ? -1 : width;
}

static int read_widths(struct sm_network *net, const char *spec, struct sm_error *err) {
    if (strlen(spec) >= SM_NAME_SIZE) return sm_fail(err, "network: the widths %s are too long", spec);
    strcpy(net->name, spec);
    const char *at = spec;
    for (size_t n_in = 0; at;) {
        int64_t width = next_width(&at);
        if (width < 0)
            return sm_fail(err, "network: '%s': widths are whole numbers from 1 to %d: 784-300-100-10", spec,
                           (int)LARGEST_SIZE);
        char name[SM_NAME_SIZE];
        snprintf(name, sizeof name, "dense%zu", net->n_layers + 1);
        struct sm_layer *layer = n_in ? sm_network_append(net, name, 1) : NULL;
        if (n_in && !layer) return sm_fail(err, "network: out of memory");
        if (layer) {
            layer->n_in = n_in;
            layer->n_out = (size_t)width;
            layer->kernel_height = layer->kernel_width = layer->stride = 1;
            layer->inputs[0] = (int)net->n_layers - 2; /* SM_NETWORK_INPUT for the first */
        } else {
            net->input_channels = net->input_height = 1;
            net->input_width = (size_t)width;
        }
        n_in = (size_t)width;
    }
    return sm_network_check(net, err) ? sm_fail_prefix(err, "network %s", spec) : 0;
}

/* ---- the door ---- */

static bool is_path(const char *spec) {
    size_t length = strlen(spec);
    return strchr(spec, '/') || (length > 5 && strcmp(spec + length - 5, ".yaml") == 0) ||
           (length > 4 && strcmp(spec + length - 4, ".yml") == 0);
}

static int read_shipped(struct sm_network *net, const char *name, struct sm_error *err) {
    char **names, hint[SM_HINT_SIZE];
    size_t n_names;
    bool found = false;
    if (sm_share_list("networks", ".yaml", &names, &n_names, err)) return -1;
    for (size_t i = 0; i < n_names; i++) found = found || strcmp(names[i], name) == 0;
    if (!found)
        sm_fail(err,
                "network: '%.80s' is not shipped%s: --list shows what is; a file's name has a '/' or ends in .yaml",
                name, sm_nearest_hint(hint, name, (const char *const *)names, n_names));
    sm_share_free(names, n_names);
    if (!found) return -1;
    char *relative = sm_format("networks/%s.yaml", name);
    char *path = relative ? sm_share_path(relative, err) : NULL;
    int status = path ? read_file(net, path, err) : -1;
    if (!relative) sm_fail(err, "network: out of memory");
    free(path);
    free(relative);
    return status;
}

int sm_network_read(struct sm_network *net, const char *spec, enum sm_activation activation, struct sm_error *err) {
    *net = (struct sm_network){0};
    int status = looks_like_widths(spec) ? read_widths(net, spec, err)
                 : is_path(spec)         ? read_file(net, spec, err)
                                         : read_shipped(net, spec, err);
    for (size_t l = 0; l + 1 < net->n_layers; l++) net->layers[l].activation = activation;
    return status;
}
