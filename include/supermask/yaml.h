/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yaml.h - the one door to libyaml: a file as a tree of nodes that know their line. */
#ifndef SUPERMASK_YAML_H
#define SUPERMASK_YAML_H

#include <stddef.h>
#include <supermask/error.h>

enum sm_yaml_kind { SM_YAML_SCALAR, SM_YAML_LIST, SM_YAML_MAP };

struct sm_yaml {
    enum sm_yaml_kind kind;
    size_t line;            /* from 1 */
    char *scalar;           /* text of a scalar, else NULL */
    size_t n;               /* entries of a list or a map */
    char **keys;            /* [n] of a map, else NULL */
    size_t *key_lines;      /* [n] of a map, else NULL */
    struct sm_yaml **items; /* [n] of a list or a map */
};

/* Parses one document whose root is a map; duplicate keys, anchors and several documents are errors: "origin:LINE:
 * ...". *root is malloc'ed; sm_yaml_free frees the tree. */
int sm_yaml_parse(struct sm_yaml **root, const char *text, size_t length, const char *origin, struct sm_error *err);
int sm_yaml_read(struct sm_yaml **root, const char *path, struct sm_error *err);
void sm_yaml_free(struct sm_yaml *root);

#endif
