/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network descriptions: where they come from, and their head. The language is taught by train/networks/resnet20.yaml;
 * how the list of layers is read, by network_description.h. */
#include "network_description.h"

#include <supermask/share.h>
#include <supermask/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a description ---- */

static int read_input_shape(const struct network_description *d, const struct sm_yaml *node) {
    size_t *sizes[] = {&d->net->input_channels, &d->net->input_height, &d->net->input_width};
    if (node->kind != SM_YAML_LIST || node->n != 3)
        return sm_fail(d->err, "%s:%zu: input: expected [channels, height, width]", d->origin, node->line);
    for (size_t i = 0; i < 3; i++)
        if (sm_network_read_size(d, node->items[i], "input", sizes[i])) return -1;
    if (sm_network_inputs(d->net) > NETWORK_LARGEST_SIZE || *sizes[0] * *sizes[1] > NETWORK_LARGEST_SIZE)
        return sm_fail(d->err, "%s:%zu: input: more than %d values", d->origin, node->line, NETWORK_LARGEST_SIZE);
    return 0;
}

static int read_root(struct network_description *d, const struct sm_yaml *root) {
    static const char *const keys[] = {"name", "description", "input", "layers", NULL};
    const struct sm_yaml *name = sm_network_find_key(root, "name"), *input = sm_network_find_key(root, "input"),
                         *layers = sm_network_find_key(root, "layers");
    if (sm_network_check_keys(d, root, keys)) return -1;
    if (!name || !input || !layers)
        return sm_fail(d->err, "%s: the description has no `%s`", d->origin,
                       !name    ? "name"
                       : !input ? "input"
                                : "layers");
    if (sm_network_read_name(d, name, d->net->name) || read_input_shape(d, input)) return -1;
    if (sm_network_expand(d, layers) || sm_network_build(d)) return -1;
    return sm_network_check(d->net, d->err) ? sm_fail_prefix(d->err, "%s", d->origin) : 0;
}

/* Frees the tree. */
static int read_tree(struct sm_network *net, struct sm_yaml *root, const char *origin,
                     const struct sm_network_options *options, struct sm_error *err) {
    struct network_description d = {.net = net, .options = options, .origin = origin, .err = err};
    int status = read_root(&d, root);
    free(d.parts);
    sm_yaml_free(root);
    return status;
}

int sm_network_parse(struct sm_network *net, const char *text, const char *origin,
                     const struct sm_network_options *options, struct sm_error *err) {
    struct sm_yaml *root;
    *net = (struct sm_network){0};
    if (sm_yaml_parse(&root, text, strlen(text), origin, err)) return -1;
    return read_tree(net, root, origin, options, err);
}

static int read_file(struct sm_network *net, const char *path, const struct sm_network_options *options,
                     struct sm_error *err) {
    struct sm_yaml *root;
    if (sm_yaml_read(&root, path, err)) return -1;
    return read_tree(net, root, path, options, err);
}

/* ---- the door ---- */

static int read_shipped(struct sm_network *net, const char *name, const struct sm_network_options *options,
                        struct sm_error *err) {
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
    int status = path ? read_file(net, path, options, err) : -1;
    if (!relative) sm_fail(err, "network: out of memory");
    free(path);
    free(relative);
    return status;
}

int sm_network_read_options(struct sm_network *net, const char *spec, const struct sm_network_options *options,
                            struct sm_error *err) {
    *net = (struct sm_network){0};
    return sm_network_looks_like_widths(spec) ? sm_network_read_widths(net, spec, options, err)
           : sm_share_is_path(spec)           ? read_file(net, spec, options, err)
                                              : read_shipped(net, spec, options, err);
}

int sm_network_read(struct sm_network *net, const char *spec, enum sm_activation activation, struct sm_error *err) {
    return sm_network_read_options(net, spec, &(struct sm_network_options){activation, 1.0, false}, err);
}
