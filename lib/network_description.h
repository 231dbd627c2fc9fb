/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network_description.h - how a description becomes a network. Private to lib/network*.c.
 *
 *   network_read.c    where descriptions come from, and their head
 *   network_expand.c  the list of layers, with its blocks and repetitions, becomes parts: named, but without shapes
 *   network_build.c   parts become layers and nodes, shapes and feeding layers are derived
 *   network_kinds.c   the table of kinds
 *   network_yaml.c    pieces of a description's tree
 *   network_text.c    and back
 *
 * Functions that return int fail with -1 and a sentence "ORIGIN:LINE: ..." in the description's `err`. */
#ifndef SUPERMASK_LIB_NETWORK_DESCRIPTION_H
#define SUPERMASK_LIB_NETWORK_DESCRIPTION_H

#include <stdint.h>
#include <supermask/network.h>
#include <supermask/yaml.h>

enum {
    NETWORK_LARGEST_SIZE = 1 << 28, /* of units, filters, windows, images: products of two stay far below 2^64 */
    NETWORK_MOST_PARTS = 4096,      /* repetitions within repetitions would fill the memory */
    NETWORK_MOST_KEYS = 10
};

/* What is read: the part called `name`, or, where that is NULL, part number `index` or SM_NETWORK_INPUT. */
struct network_ref {
    const struct sm_yaml *name;
    int index;
};

/* A node before its shape is known. */
struct network_part {
    const struct network_kind *kind;
    const struct sm_yaml *map; /* its keys; NULL for a sum that several `inputs` imply */
    size_t line;
    char name[SM_NAME_SIZE];
    size_t n_inputs;
    struct network_ref inputs[2];
};

/* What is counted apart for names: layers are numbered together, whatever their kind, then pools, then sums. */
enum network_counter { COUNT_LAYERS, COUNT_POOLS, COUNT_SUMS, N_COUNTERS };

struct network_description {
    struct sm_network *net;
    const struct sm_network_options *options;
    const char *origin;
    struct sm_error *err;
    size_t n_parts;
    struct network_part *parts;
    size_t counts[N_COUNTERS];
};

/* A kind of the language: either it builds a node, or it expands into several parts. */
struct network_kind {
    const char *name, *prefix; /* of default names: "conv" of conv1 */
    enum network_counter counter;
    const char *keys[NETWORK_MOST_KEYS]; /* NULL-terminated */
    /* Appends parts; *at is what the first of them reads, and afterwards the last of them. */
    int (*expand)(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                  struct network_ref *at);
    /* Fills in what the kind is (kind, window, activation) and what it gives; for a layer also the layer, which stands
     * appended with its name and inputs. The node has its name and inputs. */
    int (*build)(struct network_description *d, const struct network_part *part, struct sm_node *node);
};

extern const struct network_kind sm_network_kinds[];
extern const size_t sm_network_n_kinds;
extern const struct network_kind *const sm_network_kind_add;

/* The kind of a map, its keys checked; NULL with a sentence. */
const struct network_kind *sm_network_kind_of(const struct network_description *d, const struct sm_yaml *map);

/* ---- expand ---- */

/* Appends the parts of a list of layers, the first of which reads the network's input. */
int sm_network_expand(struct network_description *d, const struct sm_yaml *layers);
int sm_network_expand_layer(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                            struct network_ref *at);
int sm_network_expand_add(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                          struct network_ref *at);
int sm_network_expand_residual(struct network_description *d, const struct network_kind *kind,
                               const struct sm_yaml *map, struct network_ref *at);
int sm_network_expand_repeat(struct network_description *d, const struct network_kind *kind, const struct sm_yaml *map,
                             struct network_ref *at);

/* ---- build ---- */

/* Layers and nodes of all parts, and the check that there is one output. */
int sm_network_build(struct network_description *d);
int sm_network_build_conv2d(struct network_description *d, const struct network_part *part, struct sm_node *node);
int sm_network_build_dense(struct network_description *d, const struct network_part *part, struct sm_node *node);
int sm_network_build_max_pool(struct network_description *d, const struct network_part *part, struct sm_node *node);
int sm_network_build_average_pool(struct network_description *d, const struct network_part *part, struct sm_node *node);
int sm_network_build_add(struct network_description *d, const struct network_part *part, struct sm_node *node);

/* ---- pieces of the tree ---- */

/* The value of a key, or NULL, also where `map` is NULL or no map. */
const struct sm_yaml *sm_network_find_key(const struct sm_yaml *map, const char *key);
/* Are all keys among these (NULL-terminated)? */
int sm_network_check_keys(const struct network_description *d, const struct sm_yaml *map, const char *const *known);
/* A whole number from 1 to NETWORK_LARGEST_SIZE. */
int sm_network_read_size(const struct network_description *d, const struct sm_yaml *node, const char *key,
                         size_t *size);
/* The same under a key of the map; absent: `otherwise`, or, where that is 0, a sentence. */
int sm_network_read_size_key(const struct network_description *d, const struct sm_yaml *map, const char *key,
                             size_t otherwise, size_t *size);
/* One of the words (n of them) under a key; *value is left alone where the key is absent. */
int sm_network_read_word(const struct network_description *d, const struct sm_yaml *map, const char *key,
                         const char *const *words, size_t n, int *value);
int sm_network_read_bool(const struct network_description *d, const struct sm_yaml *map, const char *key, bool *value);
/* One line of text that fits. */
int sm_network_read_name(const struct network_description *d, const struct sm_yaml *node, char name[SM_NAME_SIZE]);
/* A list that is not empty; `of` says what belongs in it. */
int sm_network_check_list(const struct network_description *d, const struct sm_yaml *node, const char *key,
                          const char *of);

/* ---- elsewhere ---- */

/* Can a layer, pool or sum be called so? The sentence has no place. */
int sm_network_check_name(const char *name, struct sm_error *err);

/* Dense stacks from their widths, as a whole network (network_widths.c). */
bool sm_network_looks_like_widths(const char *spec);
int sm_network_read_widths(struct sm_network *net, const char *spec, const struct sm_network_options *options,
                           struct sm_error *err);

/* size * width, where that is a whole number up to NETWORK_LARGEST_SIZE: 0; else -1 and the product in *product. */
int sm_network_widen(size_t *size, double width, double *product);

#endif
