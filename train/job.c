/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/job.h"
#include "train/method.h"
#include "train/train.h"

#include <supermask/dataset.h>
#include <supermask/forward.h>
#include <supermask/text.h>

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_masked(const struct sm_method *method) {
    return !method->trains_weights || method->holds_mask;
}

/* What no method in rounds can do. */
static int check_rounds(const struct sm_recipe *recipe, struct sm_error *err) {
    if (recipe->schedule == SM_SCHEDULE_PLATEAU)
        return sm_fail(err, "schedule: plateau counts epochs of a run, not of a round");
    if (recipe->record_every) return sm_fail(err, "record: methods in rounds record the mask of each round");
    return 0;
}

/* Did the recipe file say it for a method that the command line has replaced? Most files say these keys: whoever tries
 * another method would have to set back each. */
static bool is_left_over(const struct sm_options *options, const char *key) {
    static const char *const keys[] = {"threshold_kind", "threshold", "score_scale", "score_gain"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (!strcmp(key, keys[k])) return !sm_options_set_key(options, key);
    return false;
}

/* Keys that only some methods heed: of another one they must have their defaults, or the user believes in vain. */
static int check_heeded(const struct sm_recipe *recipe, const struct sm_method *method,
                        const struct sm_options *options, struct sm_error *err) {
    const char *const no_rounds = "does not work in rounds", *const no_share = "keeps no fixed share of weights",
                      *const no_samples = "samples no masks", *const no_threshold = "has no threshold",
                      *const no_draw = method->trains_weights ? "has no scores" : "begins with scores of 0";
    const struct {
        const char *key;
        bool heeded;
        const char *why; /* of the method, where it is not */
    } keys[] = {{"batch_norm", !is_masked(method), "masks the network, and masked networks have none"},
                {"rescale", method->masks, "has none"},
                {"keep", method->keeps_share, no_share},
                {"scale_fan", method->keeps_share, no_share},
                {"mask_samples", method->samples_masks, no_samples},
                {"record_scores", !method->trains_weights, "has no scores"},
                {"threshold_kind", method->has_threshold, no_threshold},
                {"threshold", method->has_threshold, no_threshold},
                {"score_scale", method->draws_scores, no_draw},
                {"score_gain", method->draws_scores, no_draw},
                {"rounds", method->in_rounds, no_rounds},
                {"retrain", method->in_rounds, no_rounds},
                {"prune", method->in_rounds, no_rounds},
                {"prune_conv", method->in_rounds, no_rounds},
                {"prune_output", method->in_rounds, no_rounds},
                {"criterion", method->in_rounds, no_rounds},
                {"mask_one", method->in_rounds, no_rounds},
                {"mask_zero", method->in_rounds, no_rounds},
                {"masks_from", method->in_rounds, no_rounds},
                {"validation", method->in_rounds, no_rounds},
                {"validate_every", method->in_rounds, no_rounds}};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (!keys[k].heeded && !sm_recipe_is_default(recipe, keys[k].key) && !is_left_over(options, keys[k].key))
            return sm_fail(err, "%s: the method %s %s", keys[k].key, method->name, keys[k].why);
    return method->in_rounds ? check_rounds(recipe, err) : 0;
}

static int check_method(const struct sm_recipe *recipe, const struct sm_options *options, struct sm_error *err) {
    const char *method = recipe->method;
    const struct sm_method *found = sm_method_find(method);
    const char *sentence = found && found->check ? found->check(recipe) : NULL;
    if (sentence) return sm_fail(err, "%s", sentence);
    if (found) return check_heeded(recipe, found, options, err);
    enum { MOST_METHODS = 32 };
    const char *names[MOST_METHODS];
    char hint[SM_HINT_SIZE];
    size_t n = 0;
    while (n < MOST_METHODS && (names[n] = sm_method_name(n))) n++;
    return sm_fail(err, "method: there is no method '%s'%s: --list shows them", method,
                   sm_nearest_hint(hint, method, names, n));
}

/* Reads the network and fits it to the data set: the images at its input, the classes at its output. */
static int read_network(struct sm_network *net, const struct sm_recipe *recipe, struct sm_error *err) {
    struct sm_dataset_shape shape;
    if (sm_dataset_shape(&shape, recipe->dataset, err)) return -1;
    if (sm_recipe_network(recipe, net, err)) return -1;
    if (sm_network_fit_input(net, shape.channels, shape.height, shape.width, err)) return -1;
    const struct sm_layer *last = &net->layers[net->n_layers - 1]; /* pools behind it keep its units */
    if (last->n_out != shape.n_classes)
        return sm_fail(err, "network %s: its last layer %s has %zu units, the data set %s has %zu classes", net->name,
                       last->name, last->n_out, recipe->dataset, shape.n_classes);
    return 0;
}

/* What a description asks for by itself, and a method with masks cannot have. */
static int check_batch_norm(const struct sm_recipe *recipe, const struct sm_network *net, struct sm_error *err) {
    bool masked = is_masked(sm_method_find(recipe->method));
    for (size_t n = 0; masked && n < net->n_nodes; n++)
        if (net->nodes[n].batch_norm)
            return sm_fail(err, "network %s: layer %s has batch norm, and networks masked by %s have none", net->name,
                           net->nodes[n].name, recipe->method);
    return 0;
}

/* A network whose weights alone are too much is told before anything is allocated: the system would grant the memory
 * and kill the run when it is used. */
static int check_memory(const struct sm_recipe *recipe, const struct sm_network *net, struct sm_error *err) {
    double bytes = sm_train_weight_bytes(recipe, net);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= memory) return 0;
    return sm_fail(err, "network %s: training its %zu weights takes %.1f GB, and this machine has %.1f GB of memory",
                   net->name, sm_network_weights(net), bytes / 1e9, memory / 1e9);
}

enum sm_exit sm_job_resolve(struct sm_recipe *recipe, struct sm_network *net, const struct sm_options *options,
                            struct sm_error *err) {
    *net = (struct sm_network){0};
    sm_recipe_defaults(recipe);
    char *path = sm_recipe_path(options->recipe, err);
    if (!path) return SM_EXIT_USAGE;
    int status = sm_recipe_read(recipe, path, err);
    free(path);
    if (status) return SM_EXIT_WORLD;
    if (sm_options_apply(options, recipe, err)) return SM_EXIT_USAGE;
    if (recipe->threads == 0) recipe->threads = omp_get_max_threads();
    if (sm_recipe_check(recipe, err) || check_method(recipe, options, err) || read_network(net, recipe, err) ||
        check_batch_norm(recipe, net, err) || sm_forward_check(net, err) || check_memory(recipe, net, err)) {
        sm_fail_prefix(err, "%s", options->recipe);
        return SM_EXIT_WORLD;
    }
    return SM_EXIT_DONE;
}

void sm_job_print_word(FILE *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+:,@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

char *sm_job_command_line(int argc, char **argv) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (int a = 0; a < argc; a++) {
        if (a) fputc(' ', out);
        sm_job_print_word(out, argv[a]);
    }
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed) return text;
    free(text);
    return NULL;
}
