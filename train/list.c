/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/list.h"
#include "train/train.h"

#include <supermask/dataset.h>
#include <supermask/network.h>
#include <supermask/recipe.h>
#include <supermask/share.h>

enum { NAME_COLUMN = 26 }; /* resnet20-cifar10-x15-dense */

static int list_recipe(FILE *out, const char *name, struct sm_error *err) {
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe);
    if (sm_recipe_read(&recipe, name, err)) return -1;
    fprintf(out, "  %-*s %s\n", NAME_COLUMN, name, recipe.description);
    return 0;
}

static int list_network(FILE *out, const char *name, struct sm_error *err) {
    struct sm_network net;
    int status = sm_network_read(&net, name, SM_LINEAR, err);
    if (status == 0)
        fprintf(out, "  %-*s %zux%zux%zu to %zu, %zu layers, %zu weights\n", NAME_COLUMN, name, net.input_channels,
                net.input_height, net.input_width, net.layers[net.n_layers - 1].n_out, net.n_layers,
                sm_network_weights(&net));
    sm_network_destroy(&net);
    return status;
}

/* One line for each shipped file of a folder. */
static int list_shipped(FILE *out, const char *folder, int (*list)(FILE *, const char *, struct sm_error *),
                        struct sm_error *err) {
    char **names;
    size_t n_names;
    if (sm_share_list(folder, ".yaml", &names, &n_names, err)) return -1;
    int status = 0;
    for (size_t i = 0; i < n_names && status == 0; i++) status = list(out, names[i], err);
    sm_share_free(names, n_names);
    return status;
}

static int list_datasets(FILE *out, struct sm_error *err) {
    for (const char *const *name = sm_dataset_names(); *name; name++) {
        struct sm_dataset_shape shape;
        if (sm_dataset_shape(&shape, *name, err)) return -1;
        fprintf(out, "  %-*s %zux%zux%zu, %zu classes, %zu training and %zu test images\n", NAME_COLUMN, *name,
                shape.channels, shape.height, shape.width, shape.n_classes, shape.n_train, shape.n_test);
    }
    return 0;
}

int sm_list(FILE *out, struct sm_error *err) {
    fputs("Recipes:\n", out);
    if (list_shipped(out, "recipes", list_recipe, err)) return -1;
    fputs("Networks (or widths, such as 784-300-100-10, or a file):\n", out);
    if (list_shipped(out, "networks", list_network, err)) return -1;
    fputs("Methods:\n", out);
    for (size_t i = 0; sm_method_name(i); i++)
        fprintf(out, "  %-*s %s\n", NAME_COLUMN, sm_method_name(i), sm_method_help(i));
    fputs("Data sets:\n", out);
    return list_datasets(out, err);
}
