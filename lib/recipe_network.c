/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/recipe.h>

int sm_recipe_network(const struct sm_recipe *recipe, struct sm_network *net, struct sm_error *err) {
    const struct sm_network_options options = {recipe->activation, recipe->width, recipe->batch_norm};
    return sm_network_read_options(net, recipe->network, &options, err);
}
