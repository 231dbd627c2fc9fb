/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the list of layers, with its blocks and repetitions, to a list of parts that have names and know what they read.
 * A part reads the one before it unless its `inputs` say otherwise; several inputs are summed two by two. */
#include "network_description.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one part ---- */

static int check_name(const struct network_description *d, const struct network_part *part, size_t line) {
    if (sm_network_check_name(part->name, d->err)) return sm_fail_prefix(d->err, "%s:%zu", d->origin, line);
    for (size_t p = 0; p < d->n_parts; p++)
        if (strcmp(d->parts[p].name, part->name) == 0)
            return sm_fail(d->err, "%s:%zu: two layers are called '%s'", d->origin, line, part->name);
    return 0;
}

static int name_part(const struct network_description *d, struct network_part *part) {
    const struct sm_yaml *name = sm_network_find_key(part->map, "name");
    if (!name)
        snprintf(part->name, SM_NAME_SIZE, "%s%zu", part->kind->prefix, d->counts[part->kind->counter]);
    else if (sm_network_read_name(d, name, part->name))
        return -1;
    return check_name(d, part, name ? name->line : part->line);
}

/* Room for one more: the capacity is the next power of two. */
static int grow(struct network_description *d, size_t line) {
    size_t n = d->n_parts;
    if (n == NETWORK_MOST_PARTS)
        return sm_fail(d->err, "%s:%zu: more than %d layers, pools and sums", d->origin, line, NETWORK_MOST_PARTS);
    if (n & (n - 1)) return 0;
    struct network_part *parts = realloc(d->parts, (n ? 2 * n : 1) * sizeof *parts);
    if (!parts) return sm_fail(d->err, "%s: out of memory", d->origin);
    d->parts = parts;
    return 0;
}

/* *at becomes the new part. */
static int append_part(struct network_description *d, struct network_part part, struct network_ref *at) {
    if (grow(d, part.line)) return -1;
    d->counts[part.kind->counter]++;
    if (name_part(d, &part)) return -1;
    *at = (struct network_ref){NULL, (int)d->n_parts};
    d->parts[d->n_parts++] = part;
    return 0;
}

/* ---- inputs ---- */

/* The refs behind `inputs`, or *at alone; the caller frees. NULL with a sentence. */
static struct network_ref *read_refs(struct network_description *d, const struct sm_yaml *map,
                                     const struct network_ref *at, size_t *n) {
    const struct sm_yaml *inputs = sm_network_find_key(map, "inputs");
    if (inputs && sm_network_check_list(d, inputs, "inputs", "layers")) return NULL;
    *n = inputs ? inputs->n : 1;
    struct network_ref *refs = calloc(*n, sizeof *refs);
    if (!refs) sm_fail(d->err, "%s: out of memory", d->origin);
    for (size_t i = 0; refs && i < *n; i++) refs[i] = inputs ? (struct network_ref){inputs->items[i], 0} : *at;
    return refs;
}

/* Adds the first two into one until `keep` are left; these sums have no activation. */
static int add_up(struct network_description *d, size_t line, struct network_ref *refs, size_t *n, size_t keep) {
    while (*n > keep) {
        struct network_part sum = {
            .kind = sm_network_kind_add, .line = line, .n_inputs = 2, .inputs = {refs[0], refs[1]}};
        if (append_part(d, sum, &refs[1])) return -1;
        memmove(refs, refs + 1, --*n * sizeof *refs);
    }
    return 0;
}

/* Fills in a part's inputs, at most `keep` of them. */
static int read_inputs(struct network_description *d, const struct sm_yaml *map, const struct network_ref *at,
                       size_t keep, struct network_ref inputs[2], size_t *n) {
    struct network_ref *refs = read_refs(d, map, at, n);
    int status = refs ? add_up(d, map->line, refs, n, keep) : -1;
    if (status == 0) memcpy(inputs, refs, *n * sizeof *refs);
    free(refs);
    return status;
}

/* ---- kinds ---- */

static int expand_list(struct network_description *d, const struct sm_yaml *layers, struct network_ref *at) {
    for (size_t l = 0; l < layers->n; l++) {
        const struct network_kind *kind = sm_network_kind_of(d, layers->items[l]);
        if (!kind || kind->expand(d, kind, layers->items[l], at)) return -1;
    }
    return 0;
}

int sm_network_expand_layer(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                            struct network_ref *at) {
    struct network_part part = {.kind = kind, .map = map, .line = map->line};
    if (read_inputs(d, map, at, 1, part.inputs, &part.n_inputs)) return -1;
    return append_part(d, part, at);
}

int sm_network_expand_add(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                          struct network_ref *at) {
    struct network_part part = {.kind = kind, .map = map, .line = map->line};
    if (read_inputs(d, map, at, 2, part.inputs, &part.n_inputs)) return -1;
    if (part.n_inputs < 2)
        return sm_fail(d->err, "%s:%zu: a sum needs two `inputs`: {kind: add, inputs: [a, b]}", d->origin, map->line);
    return append_part(d, part, at);
}

/* One block: both paths begin at *at, and their sum is the block's output. No shortcut is the identity. */
static int expand_block(struct network_description *d, const struct sm_yaml *map, struct network_ref *at) {
    const struct sm_yaml *shortcut = sm_network_find_key(map, "shortcut");
    struct network_part sum = {
        .kind = sm_network_kind_add, .map = map, .line = map->line, .n_inputs = 2, .inputs = {*at, *at}};
    if (expand_list(d, sm_network_find_key(map, "branch"), &sum.inputs[0])) return -1;
    if (shortcut && expand_list(d, shortcut, &sum.inputs[1])) return -1;
    return append_part(d, sum, at);
}

int sm_network_expand_residual(struct network_description *d, const struct network_kind *kind,
                               const struct sm_yaml *map, struct network_ref *at) {
    const struct sm_yaml *branch = sm_network_find_key(map, "branch"), *shortcut = sm_network_find_key(map, "shortcut");
    size_t times, n;
    struct network_ref from[2];
    (void)kind;
    if (!branch) return sm_fail(d->err, "%s:%zu: a residual needs a `branch`", d->origin, map->line);
    if (sm_network_check_list(d, branch, "branch", "layers") ||
        (shortcut && sm_network_check_list(d, shortcut, "shortcut", "layers")) ||
        sm_network_read_size_key(d, map, "repeat", 1, &times) || read_inputs(d, map, at, 1, from, &n))
        return -1;
    *at = from[0];
    for (size_t t = 0; t < times; t++)
        if (expand_block(d, map, at)) return -1;
    return 0;
}

/* The list is never empty, so every repetition adds a part and the limit of parts ends any. */
int sm_network_expand_repeat(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                             struct network_ref *at) {
    const struct sm_yaml *layers = sm_network_find_key(map, "layers");
    size_t times;
    (void)kind;
    if (!layers) return sm_fail(d->err, "%s:%zu: a repeat needs `layers`", d->origin, map->line);
    if (sm_network_check_list(d, layers, "layers", "layers") || sm_network_read_size_key(d, map, "times", 0, &times))
        return -1;
    for (size_t t = 0; t < times; t++)
        if (expand_list(d, layers, at)) return -1;
    return 0;
}

int sm_network_expand(struct network_description *d, const struct sm_yaml *layers) {
    struct network_ref at = {NULL, SM_NETWORK_INPUT};
    if (sm_network_check_list(d, layers, "layers", "layers")) return -1;
    return expand_list(d, layers, &at);
}
