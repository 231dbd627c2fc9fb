/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run's method. Which ones there are is known only to the program that trains, and whoever adds one to it has run
 * files that everybody can analyze: so no name is refused because it is unknown. But the file says it twice, in an
 * attribute and in the recipe, and what trained by it wrote both alike. */
#include "runfile_hdf5.h"

#include <supermask/yaml.h>

#include <string.h>

/* What the recipe says of the key; NULL where it says nothing. */
static const char *scalar_of(const struct sm_yaml *recipe, const char *key) {
    for (size_t i = 0; i < recipe->n; i++)
        if (strcmp(recipe->keys[i], key) == 0) return recipe->items[i]->scalar;
    return NULL;
}

int sm_run_check_method(const struct sm_run *run, struct sm_error *err) {
    struct sm_error unread;
    struct sm_yaml *recipe = NULL;
    if (sm_yaml_parse(&recipe, run->recipe, strlen(run->recipe), run->path, &unread) < 0) return 0;
    const char *told = scalar_of(recipe, "method");
    int status = 0;
    if (told && strcmp(told, run->method) != 0)
        status = sm_fail(err, "%s: root: attribute `method` says '%.100s' where the recipe in the file says '%.100s'",
                         run->path, run->method, told);
    sm_yaml_free(recipe);
    return status;
}
