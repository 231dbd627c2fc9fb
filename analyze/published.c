/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/published.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/dataset.h>
#include <supermask/text.h>

#include "analyze/settings.h"

/* What an experiment is: with another value here the published numbers are those of something else. Other keys (epochs,
 * initial weights, a learning rate) are departures too, but the run remains an attempt at the same thing. */
static const char *const experiment[] = {"network", "width",   "batch_norm", "dataset",  "method",   "activation",
                                         "keep",    "rescale", "criterion",  "mask_one", "mask_zero"};

static int differs_in(const struct sm_recipe *a, const struct sm_recipe *b, const char *key, bool *differs) {
    char *first = sm_recipe_lines(a, &key, 1), *second = sm_recipe_lines(b, &key, 1);
    int status = first && second ? 0 : -1;
    *differs = status == 0 && strcmp(first, second) != 0;
    free(first);
    free(second);
    return status;
}

static int is_another_experiment(const struct sm_recipe *shipped, const struct sm_recipe *recipe, bool *another) {
    *another = false;
    for (size_t k = 0; k < sizeof experiment / sizeof *experiment && !*another; k++)
        if (differs_in(shipped, recipe, experiment[k], another) != 0) return -1;
    return 0;
}

/* Which run's masks were taken is the user's to say whatever the recipe. */
static char *departures_from(struct sm_recipe shipped, const struct sm_recipe *recipe, const struct sm_run *run) {
    memcpy(shipped.masks_from, recipe->masks_from, sizeof shipped.masks_from);
    char *theirs = sm_settings_text(&shipped, run), *ours = sm_settings_text(recipe, run);
    char *text = theirs && ours ? sm_settings_difference(ours, (const char *const[]){theirs}, 1) : NULL;
    free(theirs);
    free(ours);
    return text;
}

static int compare(struct sm_published *published, const struct sm_recipe *recipe, const struct sm_run *run) {
    struct sm_recipe shipped;
    struct sm_error ignored = {.text = ""};
    sm_recipe_defaults(&shipped);
    if (sm_recipe_read(&shipped, recipe->name, &ignored) != 0) return 0;
    bool another;
    if (is_another_experiment(&shipped, recipe, &another) != 0) return -1;
    published->of_another_experiment = another && !isnan(published->accuracy);
    if (another) published->accuracy = published->remaining = NAN;
    free(published->departures);
    published->departures = departures_from(shipped, recipe, run);
    return published->departures ? 0 : -1;
}

/* A part of a data set is another one. */
static int compare_images(struct sm_published *published, const struct sm_run *run) {
    struct sm_dataset_shape whole;
    struct sm_error ignored = {.text = ""};
    if (!run->n_train_images || sm_dataset_shape(&whole, run->dataset, &ignored) != 0) return 0;
    if (run->n_train_images == whole.n_train && run->n_test_images == whole.n_test) return 0;
    char *text = sm_format("images: %" PRIu64 " of %zu for training and %" PRIu64 " of %zu for testing%s%s",
                           run->n_train_images, whole.n_train, run->n_test_images, whole.n_test,
                           *published->departures ? ", " : "", published->departures);
    if (!text) return -1;
    free(published->departures);
    published->departures = text;
    published->of_another_experiment |= !isnan(published->accuracy);
    published->accuracy = published->remaining = NAN;
    return 0;
}

int sm_published_init(struct sm_published *published, const struct sm_run *run, struct sm_error *err) {
    struct sm_recipe recipe;
    struct sm_error ignored = {.text = ""};
    *published = (struct sm_published){.accuracy = NAN, .remaining = NAN, .departures = strdup("")};
    sm_recipe_defaults(&recipe);
    int status = published->departures ? 0 : -1;
    if (status == 0 && sm_recipe_parse(&recipe, run->recipe, run->path, &ignored) == 0) {
        memcpy(published->name, recipe.name, sizeof published->name);
        published->accuracy = recipe.published_accuracy;
        published->remaining = recipe.published_remaining;
        status = compare(published, &recipe, run);
        if (status == 0) status = compare_images(published, run);
    }
    return status == 0 ? 0 : sm_fail(err, "%s: its recipe: out of memory", run->path);
}

void sm_published_destroy(struct sm_published *published) {
    free(published->departures);
    *published = (struct sm_published){0};
}
