/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/seed_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/recipe.h>
#include <supermask/text.h>

#include "analyze/settings.h"

enum { MOST_SETTINGS = 3 }; /* of a label */

/* What the run was told (settings.h); of a recipe that this version cannot read, its text. NULL: no memory. */
static char *settings_of(const struct sm_run *run) {
    struct sm_recipe recipe;
    struct sm_error ignored = {{0}};
    sm_recipe_defaults(&recipe);
    bool read = sm_recipe_parse(&recipe, run->recipe, run->path, &ignored) == 0;
    return read ? sm_settings_text(&recipe, run) : sm_format("unread\n%s", run->recipe);
}

static bool same_settings(const struct sm_run *a, const struct sm_run *b) {
    char *first = settings_of(a), *second = settings_of(b);
    bool same = first && second && strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

bool sm_same_seed_group(const struct sm_run *a, const struct sm_run *b) {
    const char *const names[][2] = {{a->method, b->method},
                                    {a->dataset, b->dataset},
                                    {a->dataset_sha256, b->dataset_sha256},
                                    {a->recipe_name, b->recipe_name},
                                    {a->net.name, b->net.name}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], names[i][1]) != 0) return false;
    return sm_runs_comparable(a, b) && same_settings(a, b);
}

static size_t group_of(const struct sm_seed_groups *groups, const struct sm_analysis *analysis, size_t run) {
    size_t g = 0;
    while (g < groups->n_groups && !sm_same_seed_group(&analysis->runs[groups->first[g]], &analysis->runs[run])) g++;
    return g;
}

/* ---- labels ---- */

static const struct sm_run *first_run(const struct sm_seed_groups *groups, const struct sm_analysis *analysis,
                                      size_t g) {
    return &analysis->runs[groups->first[g]];
}

static char *recipe_settings(const struct sm_run *run) {
    struct sm_recipe recipe;
    struct sm_error ignored = {{0}};
    sm_recipe_defaults(&recipe);
    bool read = sm_recipe_parse(&recipe, run->recipe, run->path, &ignored) == 0;
    return read ? sm_settings_text(&recipe, run) : sm_format("%s", "");
}

static char *method(const struct sm_run *run) {
    return sm_format("method: %s\n", run->method);
}

/* "units: 784-300-100-10" */
static char *widths(const struct sm_run *run) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file) return NULL;
    fprintf(file, "units: %zu", run->net.n_layers ? run->net.layers[0].n_in : 0);
    for (size_t l = 0; l < run->net.n_layers; l++) fprintf(file, "-%zu", run->net.layers[l].n_out);
    fputc('\n', file);
    if (fclose(file) == 0) return text;
    free(text);
    return NULL;
}

/* What tells groups of the same name apart: the first of these in which they differ. */
static char *(*const facts[])(const struct sm_run *run) = {recipe_settings, method, widths};

/* What `fact` says of group g and not of every other group of its name; NULL: no memory. */
static char *difference_in(char *(*fact)(const struct sm_run *run), const struct sm_seed_groups *groups,
                           const struct sm_analysis *analysis, size_t g) {
    const char *name = first_run(groups, analysis, g)->recipe_name;
    char **texts = calloc(groups->n_groups, sizeof *texts), *mine = fact(first_run(groups, analysis, g));
    size_t n = 0;
    bool whole = texts && mine;
    for (size_t other = 0; whole && other < groups->n_groups; other++) {
        if (strcmp(first_run(groups, analysis, other)->recipe_name, name) != 0) continue;
        texts[n] = fact(first_run(groups, analysis, other));
        whole = texts[n++] != NULL;
    }
    char *found = whole ? sm_settings_difference(mine, (const char *const *)texts, n) : NULL;
    for (size_t i = 0; texts && i < n; i++) free(texts[i]);
    free(texts);
    free(mine);
    return found;
}

static void remove_quotes(char *text) {
    char *to = text;
    for (; *text; text++)
        if (*text != '"') *to++ = *text;
    *to = '\0';
}

/* Cuts the text behind its third setting: a label must fit into a figure. */
static void shorten(char *settings) {
    remove_quotes(settings);
    size_t n = 0;
    for (char *at = settings; (at = strstr(at, ", ")) != NULL; at++)
        if (++n == MOST_SETTINGS) {
            *at = '\0';
            return;
        }
}

static bool is_taken(const struct sm_seed_groups *groups, size_t g, const char *label) {
    for (size_t other = 0; other < g; other++)
        if (strcmp(groups->label[other], label) == 0) return true;
    return false;
}

/* The label, or "label #2" and so on where an earlier group has it. */
static char *make_unique(const struct sm_seed_groups *groups, size_t g, char *label) {
    char *tried = label ? sm_format("%s", label) : NULL;
    for (size_t number = 2; tried && is_taken(groups, g, tried); number++) {
        free(tried);
        tried = sm_format("%s #%zu", label, number);
    }
    free(label);
    return tried;
}

static char *label_of(const struct sm_seed_groups *groups, const struct sm_analysis *analysis, size_t g) {
    const struct sm_run *run = first_run(groups, analysis, g);
    const char *name = *run->recipe_name ? run->recipe_name : run->method;
    char *difference = NULL;
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        free(difference);
        difference = difference_in(facts[f], groups, analysis, g);
        if (!difference) return NULL;
        if (*difference) break;
    }
    shorten(difference);
    char *label = *difference ? sm_format("%s (%s)", name, difference) : sm_format("%s", name);
    free(difference);
    return make_unique(groups, g, label);
}

int sm_seed_groups_init(struct sm_seed_groups *groups, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t n = analysis->n_runs;
    *groups = (struct sm_seed_groups){.group = calloc(n + 1, sizeof *groups->group),
                                      .first = calloc(n + 1, sizeof *groups->first),
                                      .label = calloc(n + 1, sizeof *groups->label),
                                      .size = calloc(n + 1, sizeof *groups->size)};
    if (!groups->group || !groups->first || !groups->label || !groups->size)
        return sm_fail(err, "figures: out of memory");
    for (size_t i = 0; i < n; i++) {
        size_t g = group_of(groups, analysis, i);
        groups->group[i] = g;
        groups->size[g]++;
        if (g == groups->n_groups) groups->first[groups->n_groups++] = i;
    }
    for (size_t g = 0; g < groups->n_groups; g++)
        if (!(groups->label[g] = label_of(groups, analysis, g))) return sm_fail(err, "figures: out of memory");
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
