/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/evaluator.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/loss.h>
#include <supermask/recipe.h>

#include "analyze/evaluator_inside.h"
#include "analyze/runs.h"
#include "analyze/test_data.h"

/* ---- opening ---- */

static int read_recipe(struct sm_recipe *recipe, const struct sm_run *run, struct sm_error *err) {
    sm_recipe_defaults(recipe);
    if (sm_recipe_parse(recipe, run->recipe, run->path, err) != 0) return -1;
    return recipe->batch > 0 ? 0 : sm_fail(err, "%s: its recipe has no batch", run->path);
}

/* Shapes are known without the images. */
static int check_shape(const struct sm_run *run, struct sm_error *err) {
    struct sm_dataset_shape shape;
    if (sm_dataset_shape(&shape, run->dataset, err) != 0) return sm_fail_prefix(err, "%s", run->name);
    size_t n_pixels = shape.channels * shape.height * shape.width;
    size_t n_classes = run->net.layers[run->net.n_layers - 1].n_out;
    if (sm_network_inputs(&run->net) == n_pixels && n_classes == shape.n_classes) return 0;
    return sm_fail(
        err, "%s: its network takes %zu inputs to %zu classes, but the images of %s have %zu pixels and %zu classes",
        run->name, sm_network_inputs(&run->net), n_classes, run->dataset, n_pixels, shape.n_classes);
}

static int find_samples(struct sm_evaluator *e, const struct sm_analysis *analysis, const struct sm_recipe *recipe,
                        struct sm_error *err) {
    const struct sm_run *run = e->run;
    if (check_shape(run, err) != 0) return -1;
    if (!analysis->test_data) return sm_fail(err, "%s: no test images are at hand", run->name);
    const struct sm_dataset *data = sm_test_data_set(analysis->test_data, run->dataset, err);
    if (!data) return -1;
    if (strcmp(data->sha256, run->dataset_sha256) != 0)
        return sm_fail(err,
                       "%s: the data set %s at hand is another one than the run was trained on (SHA-256 %.12s... "
                       "instead of %.12s...)",
                       run->name, run->dataset, data->sha256, run->dataset_sha256);
    if (data->test.n == 0)
        return sm_fail(err, "%s: the data set %s at hand has no test images", run->name, run->dataset);
    e->samples = sm_test_data_samples(analysis->test_data, run->dataset, recipe->standardize, err);
    return e->samples ? 0 : -1;
}

static int allocate_layers(struct sm_evaluator *e) {
    const struct sm_network *net = &e->run->net;
    e->mask = sm_masks_new(net);
    e->padded_mask = calloc(net->n_layers, sizeof *e->padded_mask);
    e->padded_weights = calloc(net->n_layers, sizeof *e->padded_weights);
    bool whole = e->mask && e->padded_mask && e->padded_weights;
    for (size_t l = 0; whole && l < net->n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&net->layers[l]);
        e->padded_mask[l] = sm_aligned_zeros(s.n_rows * s.stride);
        e->padded_weights[l] = sm_aligned_zeros(s.n_rows * s.stride * sizeof(float));
        whole = e->padded_mask[l] && e->padded_weights[l];
    }
    return whole ? 0 : -1;
}

static int read_batch_norms(const struct sm_evaluator *e, const struct sm_forward *forward, struct sm_error *err) {
    for (size_t l = 0; l < e->run->net.n_layers; l++) {
        const struct sm_batch_norm *norm = sm_forward_batch_norm(forward, l);
        if (norm && sm_run_read_batch_norm(e->run, l, norm, err) != 0) return -1;
    }
    return 0;
}

static int open_forwards(struct sm_evaluator *e, size_t capacity, struct sm_error *err) {
    e->n_threads = omp_get_max_threads();
    e->forward = sm_aligned_zeros((size_t)e->n_threads * sizeof *e->forward); /* their barriers want 64 bytes */
    if (!e->forward) return sm_fail(err, "%s: out of memory", e->run->path);
    for (int t = 0; t < e->n_threads; t++)
        if (sm_forward_init(&e->forward[t], &e->run->net, capacity, 1, false, err) != 0 ||
            read_batch_norms(e, &e->forward[t], err) != 0)
            return -1;
    e->n_images = e->samples->split->n;
    e->batch = e->forward[0].image_stride;
    e->n_batches = (e->n_images + e->batch - 1) / e->batch;
    e->loss_of = calloc(e->n_images + 1, sizeof *e->loss_of);
    return e->loss_of ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
}

static int open_evaluator(struct sm_evaluator *e, const struct sm_analysis *analysis, struct sm_error *err) {
    struct sm_recipe recipe;
    if (sm_forward_check(&e->run->net, err) != 0) return sm_fail_prefix(err, "%s", e->run->name);
    if (read_recipe(&recipe, e->run, err) != 0 || find_samples(e, analysis, &recipe, err) != 0) return -1;
    e->loss = recipe.loss;
    if (sm_graph_init(&e->graph, &e->run->net, err) != 0) return -1;
    if (allocate_layers(e) != 0) return sm_fail(err, "%s: out of memory", e->run->path);
    if (open_forwards(e, (size_t)recipe.batch, err) != 0) return -1;
    return sm_stages_init(&e->stages, &e->forward[0], &e->graph, err);
}

int sm_evaluator_open(struct sm_evaluator **evaluator, const struct sm_analysis *analysis, const struct sm_run *run,
                      struct sm_error *err) {
    struct sm_evaluator *e = *evaluator = calloc(1, sizeof *e);
    if (!e) return sm_fail(err, "%s: out of memory", run->path);
    e->run = run;
    e->quiet = analysis->options->quiet;
    if (open_evaluator(e, analysis, err) == 0) return 0;
    sm_evaluator_close(e);
    *evaluator = NULL;
    return -1;
}

void sm_evaluator_close(struct sm_evaluator *e) {
    if (!e) return;
    for (int t = 0; e->forward && t < e->n_threads; t++)
        if (e->forward[t].net) sm_forward_destroy(&e->forward[t]);
    for (size_t l = 0; l < e->run->net.n_layers; l++) {
        if (e->padded_mask) free(e->padded_mask[l]);
        if (e->padded_weights) free(e->padded_weights[l]);
    }
    sm_graph_destroy(&e->graph);
    sm_stages_destroy(&e->stages);
    free(e->forward);
    free(e->mask);
    free(e->padded_mask);
    free(e->padded_weights);
    free(e->loss_of);
    free(e);
}

/* ---- opening for a moment ---- */

static bool has_batch_norm(const struct sm_network *net) {
    for (size_t n = 0; n < net->n_nodes; n++)
        if (net->nodes[n].batch_norm) return true;
    return false;
}

/* Hidden weights that act are in no mask. What cannot be read as a recipe is told of where the recipe is needed. */
static bool hides_by_freezing(const struct sm_run *run) {
    struct sm_recipe recipe;
    struct sm_error unread;
    return read_recipe(&recipe, run, &unread) == 0 && recipe.mask_zero != SM_ZERO;
}

/* What no data can help: the sentence goes to a note. */
static int check_moment(const struct sm_moment *moment, struct sm_error *err) {
    const struct sm_run *run = moment->run;
    if (sm_forward_check(&run->net, err) != 0) return sm_fail_prefix(err, "%s", run->name);
    if (check_shape(run, err) != 0) return -1;
    if (hides_by_freezing(run))
        return sm_fail(err, "%s: its hidden weights are not all 0 (recipe key mask_zero)", run->name);
    const char *what = run->trains_weights ? "weights are" : has_batch_norm(&run->net) ? "batch norm is" : NULL;
    if (!what) return 0;
    if (!run->has_final) return sm_fail(err, "%s: its %s trained and the run is not complete yet", run->name, what);
    if (moment->record + 1 == run->n_records) return 0;
    return sm_fail(err, "%s: its %s trained and the state of epoch %g was not stored, only the final one", run->name,
                   what, run->epoch[moment->record]);
}

int sm_evaluator_open_moment(struct sm_evaluator **evaluator, const struct sm_analysis *analysis,
                             const struct sm_moment *moment, struct sm_error *err) {
    struct sm_error why = {.text = ""};
    *evaluator = NULL;
    bool possible = check_moment(moment, &why) == 0;
    if (!possible || sm_evaluator_open(evaluator, analysis, moment->run, &why) != 0) {
        const struct sm_options *options = analysis->options;
        if (possible && (options->data || options->ablation || options->needs_images))
            return sm_fail(err, "%s", why.text);
        sm_note(analysis->notes, "not evaluated on test images: %s", why.text);
        return 0;
    }
    if (sm_evaluator_bind(*evaluator, moment->mask, moment->weights, err) == 0) {
        (*evaluator)->kept = analysis->test_data;
        (*evaluator)->run_index = moment->run_index;
        return 0;
    }
    sm_evaluator_close(*evaluator);
    *evaluator = NULL;
    return -1;
}

/* ---- binding ---- */

/* Trained weights without a mask were multiplied as they are: the same way here gives the same rounding. */
static bool needs_mask(const struct sm_evaluator *e, size_t l) {
    return !e->run->trains_weights || memchr(e->mask[l], 0, sm_layer_weights(&e->run->net.layers[l])) ||
           memchr(e->mask[l], -1, sm_layer_weights(&e->run->net.layers[l]));
}

int sm_evaluator_bind(struct sm_evaluator *e, int8_t *const *mask, float *const *weights, struct sm_error *err) {
    const struct sm_network *net = &e->run->net;
    e->kept = NULL;
    for (size_t l = 0; l < net->n_layers; l++) {
        struct sm_padded_shape s = sm_padded_shape_of(&net->layers[l]);
        memcpy(e->mask[l], mask[l], sm_layer_weights(&net->layers[l]));
        sm_pad_mask(e->padded_mask[l], mask[l], s);
        sm_pad_floats(e->padded_weights[l], weights[l], s);
        for (int t = 0; t < e->n_threads; t++)
            if (sm_forward_bind(&e->forward[t], l, e->padded_weights[l], needs_mask(e, l) ? e->padded_mask[l] : NULL,
                                err) != 0)
                return -1;
    }
    for (int t = 0; t < e->n_threads; t++) sm_forward_freeze(&e->forward[t]);
    return 0;
}

/* ---- batches ---- */

void sm_evaluator_each_batch(struct sm_evaluator *e,
                             void (*function)(const struct sm_evaluator_part *part, void *context), void *context) {
#pragma omp parallel num_threads(e->n_threads)
    {
        int thread = omp_get_thread_num();
        unsigned before = sm_flush_begin();
#pragma omp for schedule(dynamic)
        for (size_t b = 0; b < e->n_batches; b++) {
            size_t first = b * e->batch, left = e->n_images - first;
            const struct sm_evaluator_part part = {.evaluator = e,
                                                   .forward = &e->forward[thread],
                                                   .thread = thread,
                                                   .index = b,
                                                   .first = first,
                                                   .n = left < e->batch ? left : e->batch,
                                                   .labels = e->samples->split->labels + first};
            function(&part, context);
        }
        sm_flush_end(before);
    }
}

struct sm_span sm_evaluator_whole(const struct sm_evaluator_part *part) {
    return (struct sm_span){0, sm_padded(part->n)};
}

/* Silences the units of stage s that are removed (NULL: none). */
static void silence(const struct sm_evaluator_part *part, size_t s, const bool *removed, struct sm_span span) {
    const struct sm_evaluator *e = part->evaluator;
    size_t level = e->stages.stage[s].level;
    if (!removed || level == SM_NO_LEVEL) return;
    for (size_t u = 0; u < e->stages.stage[s].n_units; u++)
        if (removed[e->graph.offset[level] + u]) sm_stage_silence(&e->stages, part->forward, s, u, span);
}

static void run_span(const struct sm_evaluator_part *part, size_t first, size_t end, const bool *removed,
                     struct sm_span span) {
    const struct sm_stages *stages = &part->evaluator->stages;
    for (size_t s = first; s < end; s++) {
        const struct sm_units_of_stage all = {0, stages->stage[s].n_units};
        if (s > 0) sm_stage_compute(stages, part->forward, s, all, span);
        silence(part, s, removed, span);
    }
}

/* Stages [first, end) without the units that are removed; the input has been loaded. Maps are computed block by block,
 * so that a block stays in the cache. */
static void run_stages(const struct sm_evaluator_part *part, size_t first, size_t end, const bool *removed) {
    size_t n_mapped = part->evaluator->stages.n_mapped;
    for (size_t b = 0; first < n_mapped && b < part->n; b += SM_LANES)
        run_span(part, first, end < n_mapped ? end : n_mapped, removed, (struct sm_span){b, b + SM_LANES});
    run_span(part, first < n_mapped ? n_mapped : first, end, removed, sm_evaluator_whole(part));
}

static void load_images(const struct sm_evaluator_part *part) {
    const struct sm_batch batch = sm_samples_batch(part->evaluator->samples, part->first, part->n);
    sm_forward_load(part->forward, &batch);
}

void sm_evaluator_pass(const struct sm_evaluator_part *part) {
    load_images(part);
    run_stages(part, 0, part->evaluator->stages.n, NULL);
}

size_t sm_evaluator_count_correct(const struct sm_evaluator_part *part, struct sm_span span) {
    const struct sm_stages *stages = &part->evaluator->stages;
    size_t last = span.last < part->n ? span.last : part->n;
    return sm_loss_count_correct(sm_forward_logits(part->forward) + span.first, part->forward->image_stride,
                                 stages->stage[stages->n - 1].n_units, part->labels + span.first, last - span.first);
}

/* ---- scores ---- */

/* Units removed: [n_units] in the graph's numbering, or NULL; and the first stage with such a unit, up to which the
 * values of the bound network hold, or the output where there is none. */
struct scoring {
    const bool *removed;
    size_t first_stage;
    size_t n_correct;
};

static bool any_of_stage(const struct sm_evaluator *e, size_t s, const bool *removed) {
    const struct sm_stage *stage = &e->stages.stage[s];
    return stage->level != SM_NO_LEVEL && memchr(removed + e->graph.offset[stage->level], true, stage->n_units);
}

static struct scoring scoring_without(const struct sm_evaluator *e, const bool *removed) {
    struct scoring scoring = {.removed = removed};
    while (scoring.first_stage + 1 < e->stages.n && !any_of_stage(e, scoring.first_stage, removed))
        scoring.first_stage++;
    return scoring;
}

static void run_intact(const struct sm_evaluator_part *part, size_t end, size_t *n_intact) {
    if (*n_intact == 0) {
        load_images(part);
        *n_intact = 1;
    }
    if (*n_intact < end) run_stages(part, *n_intact, end, NULL);
}

/* The logits of the part. *n_intact: so many stages hold the values of the bound network, before and afterwards. */
static void pass_without(const struct sm_evaluator_part *part, const struct scoring *scoring, size_t *n_intact) {
    run_intact(part, scoring->first_stage, n_intact);
    run_stages(part, scoring->first_stage, part->evaluator->stages.n, scoring->removed);
    *n_intact = scoring->first_stage;
}

/* The same; a dense layer whose units are the first to be removed is put back from a copy [n_values][batch], so that
 * the next set finds it. */
static void pass_of_set(const struct sm_evaluator_part *part, const struct scoring *scoring, size_t *n_intact,
                        float *copy) {
    const struct sm_stages *stages = &part->evaluator->stages;
    const struct sm_span all = sm_evaluator_whole(part);
    size_t first = scoring->first_stage;
    if (first < stages->n_mapped) {
        pass_without(part, scoring, n_intact);
        return;
    }
    run_intact(part, first + 1, n_intact);
    sm_stage_keep(stages, part->forward, first, all, copy);
    silence(part, first, scoring->removed, all);
    run_stages(part, first + 1, stages->n, scoring->removed);
    sm_stage_restore(stages, part->forward, first, (struct sm_units_of_stage){0, stages->stage[first].n_units}, all,
                     copy);
    *n_intact = first + 1;
}

static void score_part(const struct sm_evaluator_part *part, void *context) {
    struct scoring *scoring = context;
    struct sm_evaluator *e = part->evaluator;
    size_t n_classes = e->stages.stage[e->stages.n - 1].n_units, n_correct = 0, n_intact = 0;
    pass_without(part, scoring, &n_intact);
    for (size_t b = 0; b < part->n; b++) {
        struct sm_loss_of_image one = sm_loss_evaluate(e->loss, sm_forward_logits(part->forward) + b, e->batch,
                                                       n_classes, part->labels[b], 0, NULL);
        e->loss_of[part->first + b] = one.loss;
        n_correct += one.correct;
    }
#pragma omp atomic
    scoring->n_correct += n_correct;
}

/* Losses are added in the order of the images, as in training. */
static void score_bound(struct sm_evaluator *e, struct scoring *scoring, struct sm_score *score) {
    double loss = 0;
    sm_evaluator_each_batch(e, score_part, scoring);
    for (size_t i = 0; i < e->n_images; i++) loss += e->loss_of[i];
    *score = (struct sm_score){.accuracy = (double)scoring->n_correct / (double)e->n_images,
                               .loss = loss / (double)e->n_images,
                               .n_correct = scoring->n_correct,
                               .n_images = e->n_images};
}

int sm_evaluator_score(struct sm_evaluator *e, int8_t *const *mask, float *const *weights, struct sm_score *score,
                       struct sm_error *err) {
    if (sm_evaluator_bind(e, mask, weights, err) != 0) return -1;
    struct scoring scoring = {.removed = NULL, .first_stage = e->stages.n - 1};
    score_bound(e, &scoring, score);
    sm_evaluator_show_scored(e);
    return 0;
}

int sm_evaluator_score_without(struct sm_evaluator *e, const bool *removed, struct sm_score *score,
                               struct sm_error *err) {
    (void)err;
    struct scoring scoring = scoring_without(e, removed);
    score_bound(e, &scoring, score);
    return 0;
}

/* ---- many sets: batches are the outer loop, so that a batch stays in the cache ---- */

struct sets {
    const struct scoring *scoring; /* [n_sets] */
    size_t n_sets;
    size_t *n_correct; /* [n_threads][n_sets] */
    float *copy;       /* [n_threads][n_values][batch] */
};

static void count_sets(const struct sm_evaluator_part *part, void *context) {
    const struct sets *sets = context;
    size_t *n_correct = sets->n_correct + (size_t)part->thread * sets->n_sets;
    float *copy = sets->copy + (size_t)part->thread * part->evaluator->stages.n_values * part->evaluator->batch;
    size_t n_intact = 0;
    for (size_t s = 0; s < sets->n_sets; s++) {
        pass_of_set(part, &sets->scoring[s], &n_intact, copy);
        n_correct[s] += sm_evaluator_count_correct(part, sm_evaluator_whole(part));
    }
}

int sm_evaluator_accuracy_without(struct sm_evaluator *e, const bool *removed, size_t n_sets, double *accuracy,
                                  struct sm_error *err) {
    size_t n_threads = (size_t)e->n_threads, n_units = sm_graph_n_units(&e->graph);
    struct scoring *scoring = calloc(n_sets + 1, sizeof *scoring);
    struct sets sets = {scoring, n_sets, calloc(n_threads * n_sets + 1, sizeof(size_t)),
                        calloc(n_threads * e->stages.n_values * e->batch, sizeof(float))};
    int status = scoring && sets.n_correct && sets.copy ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
    if (status == 0) {
        for (size_t s = 0; s < n_sets; s++) scoring[s] = scoring_without(e, removed + s * n_units);
        sm_evaluator_each_batch_shown(e, "sets-of-units", count_sets, &sets);
    }
    for (size_t s = 0; status == 0 && s < n_sets; s++) {
        size_t n_correct = 0;
        for (size_t t = 0; t < n_threads; t++) n_correct += sets.n_correct[t * n_sets + s];
        accuracy[s] = (double)n_correct / (double)e->n_images;
    }
    free(scoring);
    free(sets.n_correct);
    free(sets.copy);
    return status;
}

int sm_evaluator_each_drop(struct sm_evaluator *e, double *drop, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(&e->graph);
    bool *none = calloc(n_units, sizeof *none);
    struct sm_score whole = {.accuracy = NAN};
    int status =
        none ? sm_evaluator_score_without(e, none, &whole, err) : sm_fail(err, "%s: out of memory", e->run->path);
    if (status == 0) status = sm_evaluator_each_unit(e, drop, err);
    for (size_t u = 0; status == 0 && u < n_units; u++) drop[u] = whole.accuracy - drop[u];
    free(none);
    return status;
}
