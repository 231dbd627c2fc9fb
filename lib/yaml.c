/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/yaml.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    DEEPEST = 32,           /* levels of nesting; a description needs four */
    LONGEST_FILE = 1 << 20, /* bytes; keeps a data file given by mistake from being read to its end */
};

struct reader {
    yaml_parser_t parser;
    const char *text, *origin;
    size_t length;
    struct sm_error *err;
};

/* libyaml gives a mark for what it scans, and only an offset for bytes that it cannot decode. */
static size_t problem_line(const struct reader *in) {
    if (in->parser.error != YAML_READER_ERROR) return in->parser.problem_mark.line + 1;
    size_t line = 1, end = in->parser.problem_offset;
    for (size_t i = 0; i < end && i < in->length; i++) line += in->text[i] == '\n';
    return line;
}

static int next_event(struct reader *in, yaml_event_t *event) {
    if (yaml_parser_parse(&in->parser, event)) return 0;
    const char *problem = in->parser.problem ? in->parser.problem : "out of memory";
    return sm_fail(in->err, "%s:%zu: %s", in->origin, problem_line(in), problem);
}

static bool has_anchor_or_tag(const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default:
        return event->type == YAML_ALIAS_EVENT;
    }
}

static int copy_scalar(struct reader *in, const yaml_event_t *event, char **copy) {
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length)
        return sm_fail(in->err, "%s:%zu: a NUL character", in->origin, event->start_mark.line + 1);
    *copy = strdup(value);
    return *copy ? 0 : sm_fail(in->err, "%s: out of memory", in->origin);
}

/* Makes room for one more entry: capacity is the next power of two, so only those n reallocate. */
static int grow(struct reader *in, struct sm_yaml *node) {
    size_t n = node->n;
    if (n & (n - 1)) return 0;
    size_t capacity = n ? 2 * n : 1;
    struct sm_yaml **items = realloc(node->items, capacity * sizeof *items);
    if (items) node->items = items;
    if (!items) return sm_fail(in->err, "%s: out of memory", in->origin);
    if (node->kind != SM_YAML_MAP) return 0;
    char **keys = realloc(node->keys, capacity * sizeof *keys);
    if (keys) node->keys = keys;
    size_t *key_lines = realloc(node->key_lines, capacity * sizeof *key_lines);
    if (key_lines) node->key_lines = key_lines;
    return keys && key_lines ? 0 : sm_fail(in->err, "%s: out of memory", in->origin);
}

static int read_key(struct reader *in, struct sm_yaml *map, const yaml_event_t *event) {
    size_t line = event->start_mark.line + 1, n = map->n;
    if (event->type != YAML_SCALAR_EVENT || has_anchor_or_tag(event))
        return sm_fail(in->err, "%s:%zu: a key must be a plain word", in->origin, line);
    map->keys[n] = NULL;
    if (copy_scalar(in, event, &map->keys[n])) return -1;
    map->key_lines[n] = line;
    map->items[n] = NULL;
    map->n++; /* from here on the tree owns the key */
    for (size_t i = 0; i < n; i++)
        if (strcmp(map->keys[i], map->keys[n]) == 0)
            return sm_fail(in->err, "%s:%zu: the key '%s' stands here for the second time (first in line %zu)",
                           in->origin, line, map->keys[n], map->key_lines[i]);
    return 0;
}

static int read_node(struct reader *in, const yaml_event_t *event, int depth, struct sm_yaml **out);

/* Reads one entry into `container`; *more becomes false at the container's end. */
static int read_entry(struct reader *in, struct sm_yaml *container, int depth, bool *more) {
    yaml_event_t event;
    if (next_event(in, &event)) return -1;
    int status = 0;
    *more = event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT;
    if (!*more) goto done;
    status = grow(in, container);
    if (status) goto done;
    if (container->kind == SM_YAML_LIST) {
        container->items[container->n++] = NULL;
        status = read_node(in, &event, depth + 1, &container->items[container->n - 1]);
        goto done;
    }
    status = read_key(in, container, &event);
    if (status) goto done;
    yaml_event_delete(&event);
    if (next_event(in, &event)) return -1;
    status = read_node(in, &event, depth + 1, &container->items[container->n - 1]);
done:
    yaml_event_delete(&event);
    return status;
}

/* The node that `event` begins. *out holds what was built so far also after a failure. */
static int read_node(struct reader *in, const yaml_event_t *event, int depth, struct sm_yaml **out) {
    size_t line = event->start_mark.line + 1;
    if (depth > DEEPEST) return sm_fail(in->err, "%s:%zu: nested too deeply", in->origin, line);
    if (has_anchor_or_tag(event))
        return sm_fail(in->err, "%s:%zu: anchors and tags are not used here", in->origin, line);
    struct sm_yaml *node = *out = calloc(1, sizeof *node);
    if (!node) return sm_fail(in->err, "%s: out of memory", in->origin);
    node->line = line;
    if (event->type == YAML_SCALAR_EVENT) return copy_scalar(in, event, &node->scalar);
    node->kind = event->type == YAML_SEQUENCE_START_EVENT ? SM_YAML_LIST : SM_YAML_MAP;
    bool more = true;
    while (more)
        if (read_entry(in, node, depth, &more)) return -1;
    return 0;
}

/* Skips the events before (or after) the document's root and leaves the first other one in *event. */
static int skip_to_content(struct reader *in, yaml_event_t *event) {
    for (;;) {
        if (next_event(in, event)) return -1;
        bool frame = event->type == YAML_STREAM_START_EVENT || event->type == YAML_DOCUMENT_START_EVENT ||
                     event->type == YAML_DOCUMENT_END_EVENT;
        if (!frame) return 0;
        yaml_event_delete(event);
    }
}

static int read_document(struct reader *in, struct sm_yaml **root) {
    yaml_event_t event;
    if (skip_to_content(in, &event)) return -1;
    int status = 0;
    if (event.type == YAML_STREAM_END_EVENT)
        status = sm_fail(in->err, "%s: the file is empty", in->origin);
    else if (event.type != YAML_MAPPING_START_EVENT)
        status =
            sm_fail(in->err, "%s:%zu: expected lines of the form `key: value`", in->origin, event.start_mark.line + 1);
    else
        status = read_node(in, &event, 0, root);
    yaml_event_delete(&event);
    if (status || skip_to_content(in, &event)) return -1;
    if (event.type != YAML_STREAM_END_EVENT)
        status = sm_fail(in->err, "%s:%zu: a second document begins", in->origin, event.start_mark.line + 1);
    yaml_event_delete(&event);
    return status;
}

int sm_yaml_parse(struct sm_yaml **root, const char *text, size_t length, const char *origin, struct sm_error *err) {
    struct reader in = {.text = text, .length = length, .origin = origin, .err = err};
    *root = NULL;
    if (!yaml_parser_initialize(&in.parser)) return sm_fail(err, "%s: out of memory", origin);
    yaml_parser_set_input_string(&in.parser, (const unsigned char *)text, length);
    yaml_parser_set_encoding(&in.parser, YAML_UTF8_ENCODING);
    int status = read_document(&in, root);
    yaml_parser_delete(&in.parser);
    if (status) {
        sm_yaml_free(*root);
        *root = NULL;
    }
    return status;
}

int sm_yaml_read(struct sm_yaml **root, const char *path, struct sm_error *err) {
    *root = NULL;
    int status = -1;
    char *text = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return sm_fail(err, "%s: %s", path, strerror(errno));
    text = malloc(LONGEST_FILE + 1);
    if (!text) {
        sm_fail(err, "%s: out of memory", path);
        goto done;
    }
    size_t length = fread(text, 1, LONGEST_FILE + 1, file);
    if (ferror(file)) {
        sm_fail(err, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (length > LONGEST_FILE) {
        sm_fail(err, "%s: longer than %d bytes, so this is no recipe and no network description", path, LONGEST_FILE);
        goto done;
    }
    status = sm_yaml_parse(root, text, length, path, err);
done:
    free(text);
    fclose(file); /* read only: nothing can be lost */
    return status;
}

void sm_yaml_free(struct sm_yaml *root) {
    if (!root) return;
    for (size_t i = 0; i < root->n; i++) {
        sm_yaml_free(root->items[i]);
        if (root->keys) free(root->keys[i]);
    }
    free(root->items);
    free(root->keys);
    free(root->key_lines);
    free(root->scalar);
    free(root);
}
