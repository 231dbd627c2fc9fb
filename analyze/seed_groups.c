/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/seed_groups.h"

#include <stdlib.h>
#include <string.h>

#include <supermask/recipe.h>
#include <supermask/text.h>

/* A recipe text that this version cannot read is the same as another only letter by letter. */
static bool same_recipe(const struct sm_run *a, const struct sm_run *b) {
    struct sm_recipe first, second;
    struct sm_error ignored = {{0}};
    sm_recipe_defaults(&first);
    sm_recipe_defaults(&second);
    if (sm_recipe_parse(&first, a->recipe, a->path, &ignored) != 0 ||
        sm_recipe_parse(&second, b->recipe, b->path, &ignored) != 0)
        return strcmp(a->recipe, b->recipe) == 0;
    second.weight_seed = first.weight_seed;
    second.score_seed = first.score_seed;
    second.data_seed = first.data_seed;
    return !sm_recipe_differs(&first, &second);
}

static bool same_group(const struct sm_run *a, const struct sm_run *b) {
    return strcmp(a->method, b->method) == 0 && strcmp(a->dataset, b->dataset) == 0 && sm_runs_comparable(a, b) &&
           same_recipe(a, b);
}

static size_t group_of(const struct sm_seed_groups *groups, const struct sm_analysis *analysis, size_t run) {
    size_t g = 0;
    while (g < groups->n_groups && !same_group(&analysis->runs[groups->first[g]], &analysis->runs[run])) g++;
    return g;
}

/* The how-manieth group of that recipe's name is group g, from 1? */
static size_t namesake(const struct sm_seed_groups *groups, const struct sm_analysis *analysis, size_t g) {
    const char *name = analysis->runs[groups->first[g]].recipe_name;
    size_t count = 1;
    for (size_t other = 0; other < g; other++)
        count += strcmp(analysis->runs[groups->first[other]].recipe_name, name) == 0;
    return count;
}

static char *label_of(const struct sm_seed_groups *groups, const struct sm_analysis *analysis, size_t g) {
    const struct sm_run *run = &analysis->runs[groups->first[g]];
    const char *name = *run->recipe_name ? run->recipe_name : run->method;
    size_t count = namesake(groups, analysis, g);
    return count > 1 ? sm_format("%s (%zu)", name, count) : sm_format("%s", name);
}

int sm_seed_groups_init(struct sm_seed_groups *groups, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t n = analysis->n_runs;
    *groups = (struct sm_seed_groups){.group = calloc(n + 1, sizeof *groups->group),
                                      .first = calloc(n + 1, sizeof *groups->first),
                                      .label = calloc(n + 1, sizeof *groups->label),
                                      .size = calloc(n + 1, sizeof *groups->size)};
    if (!groups->group || !groups->first || !groups->label || !groups->size)
        return sm_fail(err, "out of memory for the groups of %zu runs", n);
    for (size_t i = 0; i < n; i++) {
        size_t g = group_of(groups, analysis, i);
        groups->group[i] = g;
        groups->size[g]++;
        if (g < groups->n_groups) continue;
        groups->first[groups->n_groups++] = i;
        if (!(groups->label[g] = label_of(groups, analysis, g)))
            return sm_fail(err, "out of memory for the groups of %zu runs", n);
    }
    return 0;
}

void sm_seed_groups_destroy(struct sm_seed_groups *groups) {
    for (size_t g = 0; groups->label && g < groups->n_groups; g++) free(groups->label[g]);
    free(groups->group);
    free(groups->first);
    free(groups->label);
    free(groups->size);
    *groups = (struct sm_seed_groups){0};
}
