/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/recipe.h>

#include "recipe_keys.h"

#include <supermask/share.h>
#include <supermask/text.h>
#include <supermask/yaml.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double sm_scale_gain(enum sm_init_scale scale) {
    static const double own[] = {
        [SM_SCALE_HE] = 1.0, [SM_SCALE_XAVIER] = 1.0, [SM_SCALE_ELUS] = 1.5, [SM_SCALE_ELU] = 0.75};
    assert((size_t)scale < sizeof own / sizeof *own);
    return own[scale];
}

double sm_scale_deviation(enum sm_init_scale scale, double gain, size_t fan_in, size_t fan_out) {
    size_t fan = scale == SM_SCALE_XAVIER ? fan_in + fan_out : fan_in;
    return sqrt(gain * 2.0 / (double)fan);
}

void sm_recipe_defaults(struct sm_recipe *recipe) {
    *recipe = (struct sm_recipe){
        .width = 1,
        .method = "signed-supermask",
        .activation = SM_ELU,
        .loss = SM_LOSS_CLIPPED,
        .standardize = SM_STANDARDIZE_IMAGE,
        .augment = SM_AUGMENT_NONE,
        .order = SM_ORDER_FIXED,
        .epochs = 100,
        .passes = 1,
        .batch = 128,
        .optimizer = SM_SGDW,
        .learning_rate = 0.05,
        .weight_decay = 5e-4,
        .momentum = 0.9,
        .nesterov = true,
        .schedule = SM_SCHEDULE_STAIRCASE,
        .schedule_rate = 0.96,
        .decay_epochs = 10,
        .staircase_steps = 390,
        .plateau_patience = 15,
        .plateau_reductions = 5,
        .plateau_cooldown = 10,
        .plateau_start = 10,
        .plateau_factor = 0.2,
        .threshold_kind = SM_THRESHOLD_ABSOLUTE,
        .threshold = 0.01,
        .keep = 0.5,
        .mask_samples = 10,
        .rounds = 1,
        .retrain = true,
        .prune = 0.2,
        .prune_conv = 0.1,
        .prune_output = 0.1,
        .weight_init = SM_WEIGHTS_SIGNED_CONSTANT,
        .weight_scale = SM_SCALE_ELUS,
        .weight_gain = 1.5,
        .score_scale = SM_SCALE_XAVIER,
        .score_gain = 1.0,
        .weight_seed = 1,
        .score_seed = 1,
        .data_seed = 1,
        .published_accuracy = NAN,
        .published_remaining = NAN,
    };
}

/* ---- keys ---- */

const char *sm_recipe_key(size_t index) {
    return index < sm_recipe_n_keys ? sm_recipe_keys[index].name : NULL;
}

/* Names that are usual elsewhere, for the hint alone. */
static const struct sm_alias aliases[] = {
    {"lr", "learning_rate"}, {"wd", "weight_decay"}, {"batch_size", "batch"}, {"record_every", "record"}};

const struct recipe_key *sm_recipe_key_find(const char *name, struct sm_error *err) {
    enum { MOST_KEYS = 96 };
    const char *names[MOST_KEYS];
    char hint[SM_HINT_SIZE];
    assert(sm_recipe_n_keys <= MOST_KEYS);
    for (size_t k = 0; k < sm_recipe_n_keys; k++) {
        names[k] = sm_recipe_keys[k].name;
        if (strcmp(name, names[k]) == 0) return &sm_recipe_keys[k];
    }
    const char *meant = sm_alias_name(name, aliases, sizeof aliases / sizeof *aliases);
    sm_fail(err, "unknown key '%.80s'%s", name, sm_nearest_hint(hint, meant, names, sm_recipe_n_keys));
    return NULL;
}

const char *sm_recipe_differs(const struct sm_recipe *a, const struct sm_recipe *b) {
    for (size_t k = 0; k < sm_recipe_n_keys; k++) {
        const struct recipe_key *key = &sm_recipe_keys[k];
        if (!key->comment && !sm_recipe_key_equal(key, a, b)) return key->name;
    }
    return NULL;
}

bool sm_recipe_is_default(const struct sm_recipe *recipe, const char *key) {
    struct sm_error err;
    struct sm_recipe defaults;
    sm_recipe_defaults(&defaults);
    const struct recipe_key *found = sm_recipe_key_find(key, &err);
    assert(found);
    return sm_recipe_key_equal(found, recipe, &defaults);
}

static void print_line(FILE *out, const struct sm_recipe *recipe, const struct recipe_key *key) {
    fprintf(out, "%s: ", key->name);
    sm_recipe_key_print(key, recipe, out);
    fputc('\n', out);
}

/* Closes what open_memstream opened: its text, or NULL. */
static char *close_text(FILE *out, char **text) {
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed) return *text;
    free(*text);
    return NULL;
}

char *sm_recipe_text(const struct sm_recipe *recipe) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (size_t k = 0; k < sm_recipe_n_keys; k++) print_line(out, recipe, &sm_recipe_keys[k]);
    return close_text(out, &text);
}

char *sm_recipe_lines(const struct sm_recipe *recipe, const char *const *keys, size_t n_keys) {
    struct sm_error unknown;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (size_t k = 0; k < n_keys; k++) {
        const struct recipe_key *key = sm_recipe_key_find(keys[k], &unknown);
        assert(key);
        print_line(out, recipe, key);
    }
    return close_text(out, &text);
}

void sm_recipe_print_keys(FILE *out) {
    static const char *const types[] = {[RECIPE_NAME] = "name",
                                        [RECIPE_LINE] = "text",
                                        [RECIPE_BOOL] = "true, false",
                                        [RECIPE_SEED] = "seed",
                                        [RECIPE_INT] = "whole",
                                        [RECIPE_REAL] = "number",
                                        [RECIPE_SHARE] = "share, or .nan",
                                        [RECIPE_RECORD] = "epoch, or whole"};
    struct sm_recipe defaults;
    sm_recipe_defaults(&defaults);
    for (size_t k = 0; k < sm_recipe_n_keys; k++) {
        const struct recipe_key *key = &sm_recipe_keys[k];
        fprintf(out, "%s\n    %s\n    values: ", key->name, key->help);
        if (key->choices)
            for (size_t i = 0; key->choices[i]; i++) fprintf(out, "%s%s", i ? ", " : "", key->choices[i]);
        else
            fputs(types[key->type], out);
        if (key->max > key->min) fprintf(out, " from %.15g to %.15g", key->min, key->max);
        fputs("; default: ", out);
        sm_recipe_key_print(key, &defaults, out);
        fputc('\n', out);
    }
}

/* ---- from YAML ---- */

static int set_from_node(struct sm_recipe *recipe, const struct recipe_key *key, const struct sm_yaml *node,
                         const char *origin, struct sm_error *err) {
    if (node->kind != SM_YAML_SCALAR)
        return sm_fail(err, "%s:%zu: %s: expected one value, not a %s", origin, node->line, key->name,
                       node->kind == SM_YAML_LIST ? "list" : "map");
    if (sm_recipe_key_set(key, recipe, node->scalar, err)) return sm_fail_prefix(err, "%s:%zu", origin, node->line);
    return 0;
}

/* Number of the entry with that key, or map->n. */
static size_t find_entry(const struct sm_yaml *map, const char *key) {
    size_t i = 0;
    while (i < map->n && strcmp(map->keys[i], key) != 0) i++;
    return i;
}

/* In the table's order, so that a gain may stand before its scale in the file. */
static int set_from_map(struct sm_recipe *recipe, const struct sm_yaml *map, const char *origin, struct sm_error *err) {
    for (size_t i = 0; i < map->n; i++)
        if (!sm_recipe_key_find(map->keys[i], err)) return sm_fail_prefix(err, "%s:%zu", origin, map->key_lines[i]);
    for (size_t k = 0; k < sm_recipe_n_keys; k++) {
        size_t i = find_entry(map, sm_recipe_keys[k].name);
        if (i < map->n && set_from_node(recipe, &sm_recipe_keys[k], map->items[i], origin, err)) return -1;
    }
    return 0;
}

int sm_recipe_parse(struct sm_recipe *recipe, const char *text, const char *origin, struct sm_error *err) {
    struct sm_yaml *root;
    if (sm_yaml_parse(&root, text, strlen(text), origin, err)) return -1;
    int status = set_from_map(recipe, root, origin, err);
    sm_yaml_free(root);
    return status;
}

/* ---- from a file ---- */

static bool ends_in(const char *text, const char *tail) {
    size_t length = strlen(text), n = strlen(tail);
    return length >= n && strcmp(text + length - n, tail) == 0;
}

char *sm_recipe_path(const char *name_or_path, struct sm_error *err) {
    char **names, *path = NULL, hint[SM_HINT_SIZE];
    size_t n_names;
    if (sm_share_is_path(name_or_path)) {
        path = strdup(name_or_path);
        if (!path) sm_fail(err, "out of memory");
        return path;
    }
    if (sm_share_list("recipes", ".yaml", &names, &n_names, err)) return NULL;
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(names[i], name_or_path) != 0) continue;
        char *relative = sm_format("recipes/%s.yaml", names[i]);
        path = relative ? sm_share_path(relative, err) : NULL;
        if (!relative) sm_fail(err, "out of memory");
        free(relative);
        goto done;
    }
    sm_fail(err,
            "no recipe is called '%.80s'%s: --list shows the shipped ones; a file's name has a '/' or ends in .yaml",
            name_or_path, sm_nearest_hint(hint, name_or_path, (const char *const *)names, n_names));
done:
    sm_share_free(names, n_names);
    return path;
}

/* The file's base name without .yaml or .yml becomes the recipe's name. */
static int name_after_file(struct sm_recipe *recipe, const char *path, struct sm_error *err) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t tail = ends_in(base, ".yaml") ? 5 : ends_in(base, ".yml") ? 4 : 0;
    char *name = strndup(base, strlen(base) - tail);
    if (!name) return sm_fail(err, "%s: out of memory", path);
    int status = sm_recipe_key_set(sm_recipe_key_find("name", err), recipe, name, err);
    free(name);
    return status ? sm_fail_prefix(err, "%s: the file sets no `name`, and its own does not do", path) : 0;
}

/* A network that the recipe's file names by a path stands beside that file: its path is put before the word. */
static int place_network(struct sm_recipe *recipe, const char *path, struct sm_error *err) {
    const char *slash = strrchr(path, '/'), *word = recipe->network;
    if (!slash || *word == '/' || !sm_share_is_path(word)) return 0;
    while (strncmp(word, "./", 2) == 0) word += 2;
    char *placed = sm_format("%.*s/%s", (int)(slash - path), path, word);
    if (!placed) return sm_fail(err, "%s: out of memory", path);
    int status = sm_recipe_key_set(sm_recipe_key_find("network", err), recipe, placed, err);
    free(placed);
    return status ? sm_fail_prefix(err, "%s", path) : 0;
}

int sm_recipe_read(struct sm_recipe *recipe, const char *name_or_path, struct sm_error *err) {
    int status = -1;
    struct sm_yaml *root = NULL;
    char *path = sm_recipe_path(name_or_path, err);
    if (!path || sm_yaml_read(&root, path, err)) goto done;
    status = set_from_map(recipe, root, path, err);
    if (status == 0 && find_entry(root, "name") == root->n) status = name_after_file(recipe, path, err);
    if (status == 0 && find_entry(root, "network") < root->n) status = place_network(recipe, path, err);
done:
    sm_yaml_free(root);
    free(path);
    return status;
}

/* ---- from the command line ---- */

struct assignment {
    const struct recipe_key *key;
    const char *value;
};

static int split_assignment(struct assignment *out, const char *text, struct sm_error *err) {
    const char *equals = strchr(text, '=');
    if (!equals) return sm_fail(err, "'%.80s' is not KEY=VALUE", text);
    char *name = strndup(text, (size_t)(equals - text));
    if (!name) return sm_fail(err, "out of memory");
    *out = (struct assignment){sm_recipe_key_find(name, err), equals + 1};
    free(name);
    return out->key ? 0 : -1;
}

int sm_recipe_set_all(struct sm_recipe *recipe, const char *const *assignments, size_t n, struct sm_error *err) {
    int status = -1;
    struct assignment *parts = calloc(n ? n : 1, sizeof *parts);
    if (!parts) return sm_fail(err, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (split_assignment(&parts[i], assignments[i], err)) goto done;
    for (size_t k = 0; k < sm_recipe_n_keys; k++)
        for (size_t i = 0; i < n; i++)
            if (parts[i].key == &sm_recipe_keys[k] && sm_recipe_key_set(parts[i].key, recipe, parts[i].value, err))
                goto done;
    status = 0;
done:
    free(parts);
    return status;
}

int sm_recipe_set(struct sm_recipe *recipe, const char *assignment, struct sm_error *err) {
    return sm_recipe_set_all(recipe, &assignment, 1, err);
}

/* ---- what no single key can tell ---- */

int sm_recipe_check(const struct sm_recipe *recipe, struct sm_error *err) {
    const struct {
        const char *key, *value;
    } needed[] = {
        {"name", recipe->name}, {"network", recipe->network}, {"dataset", recipe->dataset}, {"method", recipe->method}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!*needed[i].value) return sm_fail(err, "the recipe does not say its %s", needed[i].key);
    if (recipe->threshold_kind == SM_THRESHOLD_RELATIVE && recipe->threshold >= 1.0)
        return sm_fail(err, "threshold: a relative threshold of 1 or more hides every weight");
    if (recipe->batch_norm && recipe->optimizer == SM_ADAM)
        return sm_fail(err, "batch_norm: its gamma and beta are trained by SGD only; the optimizer is adam");
    return 0;
}
