/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods.c - the table of methods. A new one is a file in methods/ and a row here. */
#include "train/method.h"

#include <math.h>
#include <string.h>
#include <supermask/init.h>

#include "train/train.h"

extern const struct sm_method sm_method_signed_supermask, sm_method_supermask, sm_method_supermask_heuristic,
    sm_method_edge_popup, sm_method_lottery_ticket, sm_method_dense;

static const struct sm_method *const methods[] = {
    &sm_method_signed_supermask, &sm_method_supermask,      &sm_method_supermask_heuristic,
    &sm_method_edge_popup,       &sm_method_lottery_ticket, &sm_method_dense,
};
static const size_t n_methods = sizeof methods / sizeof *methods;

const struct sm_method *sm_method_find(const char *name) {
    for (size_t k = 0; k < n_methods; k++)
        if (!strcmp(methods[k]->name, name)) return methods[k];
    return NULL;
}

const char *sm_method_name(size_t index) {
    return index < n_methods ? methods[index]->name : NULL;
}

const char *sm_method_help(size_t index) {
    return index < n_methods ? methods[index]->help : NULL;
}

void sm_method_draw_weights(struct sm_method_layer *layer, const struct sm_recipe *recipe) {
    sm_init_weights(layer->weights, recipe, layer->layer, layer->index);
    layer->threshold = NAN;
}

size_t sm_method_trainings(const struct sm_method *method, const struct sm_recipe *recipe) {
    return method->in_rounds && recipe->retrain ? (size_t)recipe->rounds : 1;
}

size_t sm_method_rounds(const struct sm_method *method, const struct sm_recipe *recipe) {
    return method->in_rounds ? (size_t)recipe->rounds + method->reports_untrained : 1;
}
