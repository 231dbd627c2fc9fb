/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/job.h"
#include "train/method.h"
#include "train/train.h"

#include <supermask/dataset.h>
#include <supermask/text.h>

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_method(const struct sm_recipe *recipe, struct sm_error *err) {
    const char *method = recipe->method;
    const struct sm_method *found = sm_method_find(method);
    const char *sentence = found && found->check ? found->check(recipe) : NULL;
    if (sentence) return sm_fail(err, "%s: %s", recipe->name, sentence);
    if (found) return 0;
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
    if (sm_network_read(net, recipe->network, recipe->activation, err)) return -1;
    if (sm_network_fit_input(net, shape.channels, shape.height, shape.width, err)) return -1;
    const struct sm_layer *last = &net->layers[net->n_layers - 1];
    if (last->n_out != shape.n_classes)
        return sm_fail(err, "network %s: its last layer %s has %zu units, the data set %s has %zu classes", net->name,
                       last->name, last->n_out, recipe->dataset, shape.n_classes);
    return 0;
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
    if (sm_recipe_check(recipe, err) || check_method(recipe, err) || read_network(net, recipe, err)) {
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
