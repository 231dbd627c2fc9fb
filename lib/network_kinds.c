/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of the language: one row each. */
#include "network_description.h"

#include <supermask/text.h>

#include <string.h>

const struct network_kind sm_network_kinds[] = {
    {.name = "dense",
     .prefix = "dense",
     .counter = COUNT_LAYERS,
     .keys = {"kind", "name", "inputs", "units", "activation"},
     .expand = sm_network_expand_layer,
     .build = sm_network_build_dense},
    {.name = "conv2d",
     .prefix = "conv",
     .counter = COUNT_LAYERS,
     .keys = {"kind", "name", "inputs", "filters", "kernel", "stride", "padding", "batch_norm", "activation"},
     .expand = sm_network_expand_layer,
     .build = sm_network_build_conv2d},
    {.name = "max-pool",
     .prefix = "pool",
     .counter = COUNT_POOLS,
     .keys = {"kind", "name", "inputs", "size", "stride", "padding"},
     .expand = sm_network_expand_layer,
     .build = sm_network_build_max_pool},
    {.name = "global-average-pool",
     .prefix = "pool",
     .counter = COUNT_POOLS,
     .keys = {"kind", "name", "inputs"},
     .expand = sm_network_expand_layer,
     .build = sm_network_build_average_pool},
    {.name = "add",
     .prefix = "add",
     .counter = COUNT_SUMS,
     .keys = {"kind", "name", "inputs", "activation"},
     .expand = sm_network_expand_add,
     .build = sm_network_build_add},
    {.name = "residual",
     .keys = {"kind", "name", "inputs", "repeat", "branch", "shortcut", "activation"},
     .expand = sm_network_expand_residual},
    {.name = "repeat", .keys = {"kind", "times", "layers"}, .expand = sm_network_expand_repeat},
};
enum { N_KINDS = sizeof sm_network_kinds / sizeof *sm_network_kinds };
const size_t sm_network_n_kinds = N_KINDS;
const struct network_kind *const sm_network_kind_add = &sm_network_kinds[4];

/* Names that are usual elsewhere, for the hint alone. */
static const struct sm_alias aliases[] = {{"conv", "conv2d"},  {"convolution", "conv2d"}, {"sum", "add"},
                                          {"linear", "dense"}, {"fc", "dense"},           {"pool", "max-pool"}};

static bool has_key(const struct network_kind *kind, const char *key) {
    for (size_t k = 0; kind->keys[k]; k++)
        if (strcmp(kind->keys[k], key) == 0) return true;
    return false;
}

/* A key that only other kinds have is no misspelling: it is told so. */
static int check_kind_keys(const struct network_description *d, const struct network_kind *kind,
                           const struct sm_yaml *map) {
    for (size_t i = 0; i < map->n; i++)
        for (size_t k = 0; k < N_KINDS && !has_key(kind, map->keys[i]); k++)
            if (has_key(&sm_network_kinds[k], map->keys[i]))
                return sm_fail(d->err, "%s:%zu: the kind %s has no `%s`", d->origin, map->key_lines[i], kind->name,
                               map->keys[i]);
    return sm_network_check_keys(d, map, kind->keys);
}

const struct network_kind *sm_network_kind_of(const struct network_description *d, const struct sm_yaml *map) {
    char hint[SM_HINT_SIZE];
    const char *names[N_KINDS];
    const struct sm_yaml *kind = sm_network_find_key(map, "kind");
    if (map->kind != SM_YAML_MAP) {
        sm_fail(d->err, "%s:%zu: a layer is a map: {kind: dense, units: 300}", d->origin, map->line);
        return NULL;
    }
    if (!kind || kind->kind != SM_YAML_SCALAR) {
        sm_fail(d->err, "%s:%zu: a layer needs a `kind`", d->origin, kind ? kind->line : map->line);
        return NULL;
    }
    for (size_t k = 0; k < N_KINDS; k++) {
        names[k] = sm_network_kinds[k].name;
        if (strcmp(kind->scalar, names[k]) == 0)
            return check_kind_keys(d, &sm_network_kinds[k], map) ? NULL : &sm_network_kinds[k];
    }
    const char *meant = sm_alias_name(kind->scalar, aliases, sizeof aliases / sizeof *aliases);
    sm_fail(d->err, "%s:%zu: kind: '%.80s' is no kind of layer%s", d->origin, kind->line, kind->scalar,
            sm_nearest_hint(hint, meant, names, N_KINDS));
    return NULL;
}
