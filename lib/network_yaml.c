/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of a description's tree: keys, sizes, words, names. */
#include "network_description.h"

#include <supermask/text.h>

#include <string.h>

const struct sm_yaml *sm_network_find_key(const struct sm_yaml *map, const char *key) {
    for (size_t i = 0; map && map->kind == SM_YAML_MAP && i < map->n; i++)
        if (strcmp(map->keys[i], key) == 0) return map->items[i];
    return NULL;
}

static size_t find_word(const char *word, const char *const *words, size_t n) {
    size_t i = 0;
    while (i < n && strcmp(word, words[i]) != 0) i++;
    return i;
}

int sm_network_check_keys(const struct network_description *d, const struct sm_yaml *map, const char *const *known) {
    char hint[SM_HINT_SIZE];
    size_t n = 0;
    while (known[n]) n++;
    for (size_t i = 0; i < map->n; i++)
        if (find_word(map->keys[i], known, n) == n)
            return sm_fail(d->err, "%s:%zu: unknown key '%.80s'%s", d->origin, map->key_lines[i], map->keys[i],
                           sm_nearest_hint(hint, map->keys[i], known, n));
    return 0;
}

int sm_network_read_size(const struct network_description *d, const struct sm_yaml *node, const char *key,
                         size_t *size) {
    int64_t value;
    if (node->kind != SM_YAML_SCALAR || sm_parse_int(node->scalar, &value))
        return sm_fail(d->err, "%s:%zu: %s: expected a whole number", d->origin, node->line, key);
    if (value < 1 || value > NETWORK_LARGEST_SIZE)
        return sm_fail(d->err, "%s:%zu: %s: %.40s is outside 1 .. %d", d->origin, node->line, key, node->scalar,
                       NETWORK_LARGEST_SIZE);
    *size = (size_t)value;
    return 0;
}

int sm_network_read_size_key(const struct network_description *d, const struct sm_yaml *map, const char *key,
                             size_t otherwise, size_t *size) {
    const struct sm_yaml *node = sm_network_find_key(map, key), *kind = sm_network_find_key(map, "kind");
    *size = otherwise;
    if (node) return sm_network_read_size(d, node, key, size);
    return otherwise ? 0 : sm_fail(d->err, "%s:%zu: a %s layer needs `%s`", d->origin, map->line, kind->scalar, key);
}

int sm_network_read_word(const struct network_description *d, const struct sm_yaml *map, const char *key,
                         const char *const *words, size_t n, int *value) {
    char hint[SM_HINT_SIZE];
    const struct sm_yaml *node = sm_network_find_key(map, key);
    if (!node) return 0;
    if (node->kind != SM_YAML_SCALAR) return sm_fail(d->err, "%s:%zu: %s: expected a word", d->origin, node->line, key);
    size_t i = find_word(node->scalar, words, n);
    if (i == n)
        return sm_fail(d->err, "%s:%zu: %s: there is no '%.80s'%s", d->origin, node->line, key, node->scalar,
                       sm_nearest_hint(hint, node->scalar, words, n));
    *value = (int)i;
    return 0;
}

int sm_network_read_bool(const struct network_description *d, const struct sm_yaml *map, const char *key, bool *value) {
    static const char *const words[] = {"false", "true"};
    int index = *value;
    if (sm_network_read_word(d, map, key, words, 2, &index)) return -1;
    *value = index == 1;
    return 0;
}

int sm_network_read_name(const struct network_description *d, const struct sm_yaml *node, char name[SM_NAME_SIZE]) {
    if (node->kind != SM_YAML_SCALAR || !*node->scalar || !sm_text_is_line(node->scalar))
        return sm_fail(d->err, "%s:%zu: name: expected a word", d->origin, node->line);
    if (strlen(node->scalar) >= SM_NAME_SIZE)
        return sm_fail(d->err, "%s:%zu: name: longer than %d bytes", d->origin, node->line, SM_NAME_SIZE - 1);
    strcpy(name, node->scalar);
    return 0;
}

int sm_network_check_list(const struct network_description *d, const struct sm_yaml *node, const char *key,
                          const char *of) {
    if (node->kind == SM_YAML_LIST && node->n) return 0;
    return sm_fail(d->err, "%s:%zu: %s: expected a list of %s", d->origin, node->line, key, of);
}
