/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/text.h>

/* Of each seed another run: what they have in common is its recipe. */
static void forget_which_run(struct sm_recipe *recipe, const struct sm_run *run) {
    const char *source = run->masks_from_recipe;
    if (*recipe->masks_from)
        snprintf(recipe->masks_from, sizeof recipe->masks_from, "a run%s%s", source ? " of " : "",
                 source ? source : "");
}

char *sm_settings_text(const struct sm_recipe *recipe, const struct sm_run *run) {
    struct sm_recipe plain = *recipe;
    plain.weight_seed = plain.score_seed = plain.data_seed = 0;
    plain.threads = 0;
    plain.record_every = 0;
    plain.record_scores = false;
    forget_which_run(&plain, run);
    if (plain.optimizer == SM_ADAM) plain.nesterov = false; /* it has none */
    plain.description[0] = plain.published_source[0] = '\0';
    plain.published_accuracy = plain.published_remaining = NAN;
    char *text = sm_recipe_text(&plain);
    char *settings = text ? sm_format("%sdataset_sha256: %s\n", text, run->dataset_sha256) : NULL;
    free(text);
    return settings;
}

static const char *next_line(const char *line) {
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

static bool has_line(const char *text, const char *line, size_t length) {
    for (; *text; text = next_line(text))
        if (strcspn(text, "\n") == length && strncmp(text, line, length) == 0) return true;
    return false;
}

static bool all_have(const char *const *texts, size_t n, const char *line, size_t length) {
    for (size_t i = 0; i < n; i++)
        if (*texts[i] && !has_line(texts[i], line, length)) return false;
    return true;
}

char *sm_settings_difference(const char *settings, const char *const *others, size_t n_others) {
    char *text = NULL;
    size_t size = 0, n = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file) return NULL;
    for (const char *line = settings; *line; line = next_line(line)) {
        size_t length = strcspn(line, "\n");
        if (!all_have(others, n_others, line, length)) fprintf(file, "%s%.*s", n++ ? ", " : "", (int)length, line);
    }
    if (fclose(file) == 0) return text;
    free(text);
    return NULL;
}
