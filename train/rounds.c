/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/criterion.h"
#include "train/mask_actions.h"

/* ---- memory ---- */

static size_t weights_of(const struct sm_rounds *r, size_t l) {
    return sm_layer_weights(&r->trainer->net->layers[l]);
}

static float **float_layers(const struct sm_rounds *r) {
    size_t n = r->trainer->net->n_layers;
    float **layers = calloc(n, sizeof *layers);
    for (size_t l = 0; layers && l < n; l++) layers[l] = calloc(weights_of(r, l), sizeof **layers);
    return layers;
}

static bool all_there(void *const *layers, size_t n) {
    bool whole = layers;
    for (size_t l = 0; whole && l < n; l++) whole = layers[l];
    return whole;
}

static void free_layers(void **layers, size_t n) {
    for (size_t l = 0; layers && l < n; l++) free(layers[l]);
    free(layers);
}

static int allocate(struct sm_rounds *r) {
    size_t n = r->trainer->net->n_layers;
    r->initial = float_layers(r);
    r->start = float_layers(r);
    r->trained = float_layers(r);
    r->mask = calloc(n, sizeof *r->mask);
    size_t most = 0;
    for (size_t l = 0; r->mask && l < n; l++) {
        r->mask[l] = malloc(weights_of(r, l));
        if (weights_of(r, l) > most) most = weights_of(r, l);
    }
    r->places = malloc(most * sizeof *r->places);
    r->source_mask = malloc(most);
    return r->places && r->source_mask && all_there((void **)r->initial, n) && all_there((void **)r->start, n) &&
                   all_there((void **)r->trained, n) && all_there((void **)r->mask, n)
               ? 0
               : -1;
}

void sm_rounds_destroy(struct sm_rounds *r) {
    if (!r->trainer) return;
    size_t n = r->trainer->net->n_layers;
    free_layers((void **)r->initial, n);
    free_layers((void **)r->start, n);
    free_layers((void **)r->trained, n);
    free_layers((void **)r->mask, n);
    free(r->places);
    free(r->source_mask);
    sm_run_destroy(&r->source);
    *r = (struct sm_rounds){0};
}

/* ---- masks of another run ---- */

static bool same_shape(const struct sm_layer *a, const struct sm_layer *b) {
    return a->kind == b->kind && a->n_out == b->n_out && a->n_in == b->n_in && a->kernel_height == b->kernel_height &&
           a->kernel_width == b->kernel_width;
}

/* Of a run in rounds every mask is taken, of another one the last ones. A control of tickets is none with their own
 * weights. */
static int check_source_rounds(const struct sm_rounds *r, struct sm_error *err) {
    const struct sm_recipe *recipe = r->trainer->recipe;
    size_t rounds = (size_t)recipe->rounds;
    if (r->source.in_rounds && r->source.n_records != rounds)
        return sm_fail(err, "%s: has %zu rounds, and rounds is %zu", r->source.path, r->source.n_records, rounds);
    if (r->source.n_records < rounds)
        return sm_fail(err, "%s: has %zu records, and %zu rounds need one each", r->source.path, r->source.n_records,
                       rounds);
    if (r->source.in_rounds && recipe->mask_one == SM_REWIND && recipe->weight_seed == r->source.weight_seed)
        return sm_fail(err, "%s: has weight seed %llu, too: a control needs other initial weights (--weight-seed)",
                       r->source.path, (unsigned long long)recipe->weight_seed);
    return 0;
}

static int check_source(const struct sm_rounds *r, struct sm_error *err) {
    const struct sm_network *net = r->trainer->net, *other = &r->source.net;
    if (!r->source.complete) return sm_fail(err, "%s: the run is not complete yet", r->source.path);
    if (other->n_layers != net->n_layers)
        return sm_fail(err, "%s: has %zu layers, network %s has %zu", r->source.path, other->n_layers, net->name,
                       net->n_layers);
    for (size_t l = 0; l < net->n_layers; l++)
        if (!same_shape(&other->layers[l], &net->layers[l]))
            return sm_fail(err, "%s: layer %s has another shape than layer %s of network %s", r->source.path,
                           other->layers[l].name, net->layers[l].name, net->name);
    return check_source_rounds(r, err);
}

static int open_source(struct sm_rounds *r, struct sm_error *err) {
    const char *path = r->trainer->recipe->masks_from;
    if (!*path) return 0;
    return sm_run_open(&r->source, path, err) || check_source(r, err) ? -1 : 0;
}

/* The last masks of the other run, one a round. A mask that is held has no inverts: what the other inverts is kept. */
static int read_source(const struct sm_rounds *r, size_t l, int8_t *mask, struct sm_error *err) {
    size_t record = r->source.n_records - (size_t)r->trainer->recipe->rounds + (size_t)r->round;
    if (sm_run_read_mask(&r->source, l, record, mask, err)) return -1;
    for (size_t k = 0; k < weights_of(r, l); k++) mask[k] = mask[k] != 0;
    return 0;
}

/* ---- rounds ---- */

size_t sm_rounds_steps(const struct sm_trainer *t) {
    return (size_t)t->recipe->epochs * t->steps_per_epoch;
}

size_t sm_rounds_total_steps(const struct sm_trainer *t) {
    return sm_rounds_steps(t) * sm_method_trainings(t->method, t->recipe);
}

bool sm_rounds_last(const struct sm_rounds *r) {
    return (size_t)r->round + 1 == sm_method_rounds(r->trainer->method, r->trainer->recipe);
}

bool sm_rounds_untrained(const struct sm_rounds *r) {
    return r->round == r->trainer->recipe->rounds || (r->round > 0 && !r->trainer->recipe->retrain);
}

static struct sm_round nothing_known(void) {
    return (struct sm_round){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

/* Masks and starting weights to where they are trained; the optimizer forgets the round before. */
static void put_in_place(struct sm_rounds *r) {
    struct sm_trainer *t = r->trainer;
    for (size_t l = 0; l < t->net->n_layers; l++) {
        struct sm_trainer_layer *layer = &t->layers[l];
        size_t bytes = layer->shape.n_rows * layer->shape.stride * sizeof(float);
        sm_pad_floats(layer->weights, r->start[l], layer->shape);
        sm_pad_mask(layer->mask, r->mask[l], layer->shape);
        memset(layer->velocity, 0, bytes);
        if (layer->second) memset(layer->second, 0, bytes);
    }
    t->first_step = t->step;
    sm_schedule_init(&t->schedule);
}

/* Another stream for every round and layer. */
static struct sm_rng stream_of(const struct sm_rounds *r, enum sm_rng_purpose purpose, size_t l) {
    const struct sm_trainer *t = r->trainer;
    return sm_rng_make(t->recipe->score_seed, purpose, (uint32_t)((size_t)r->round * t->net->n_layers + l));
}

static void act(struct sm_rounds *r, size_t l) {
    const struct sm_mask_action action = {.layer = &r->trainer->net->layers[l],
                                          .mask = r->mask[l],
                                          .initial = r->initial[l],
                                          .trained = r->trained[l],
                                          .rng = stream_of(r, SM_RNG_ROUNDS, l),
                                          .places = r->places};
    sm_mask_actions(r->start[l], r->trainer->recipe, &action);
}

/* Round 0 has every weight, or what the other run's first mask leaves, as it was drawn. */
static int first_layer(struct sm_rounds *r, size_t l, struct sm_error *err) {
    struct sm_trainer *t = r->trainer;
    sm_unpad_floats(r->initial[l], t->layers[l].weights, t->layers[l].shape);
    memset(r->mask[l], 1, weights_of(r, l));
    if (r->source.path && read_source(r, l, r->mask[l], err)) return -1;
    for (size_t k = 0; k < weights_of(r, l); k++)
        r->start[l][k] = r->mask[l][k] || t->recipe->mask_zero != SM_ZERO ? r->initial[l][k] : 0;
    return 0;
}

int sm_rounds_init(struct sm_rounds *r, struct sm_trainer *t, struct sm_error *err) {
    *r = (struct sm_rounds){.trainer = t, .row = nothing_known()};
    if (allocate(r)) return sm_fail(err, "out of memory for the rounds of network %s", t->net->name);
    if (open_source(r, err)) return -1;
    for (size_t l = 0; l < t->net->n_layers; l++)
        if (first_layer(r, l, err)) return -1;
    put_in_place(r);
    return 0;
}

/* The file may be another one than the run began with: of the same name, made anew. */
static int check_source_mask(const struct sm_rounds *r, size_t l, struct sm_error *err) {
    if (!r->source.path) return 0;
    if (read_source(r, l, r->source_mask, err)) return -1;
    if (memcmp(r->source_mask, r->mask[l], weights_of(r, l)) == 0) return 0;
    return sm_fail(err, "%s: cannot resume: its masks have changed since the run was started", r->source.path);
}

int sm_rounds_restore(struct sm_rounds *r, struct sm_error *err) {
    for (size_t l = 0; l < r->trainer->net->n_layers; l++) {
        if (check_source_mask(r, l, err)) return -1;
        sm_pad_mask(r->trainer->layers[l].mask, r->mask[l], r->trainer->layers[l].shape);
    }
    return 0;
}

void sm_rounds_begin(struct sm_rounds *r) {
    struct sm_evaluation test = sm_trainer_evaluate(r->trainer, &r->trainer->test, NULL);
    r->row = nothing_known();
    r->row.untrained_accuracy = test.accuracy;
    r->row.untrained_loss = test.loss;
    if (r->trainer->method->reports_untrained) r->row.test_accuracy = test.accuracy;
}

size_t sm_rounds_validation_interval(const struct sm_trainer *t) {
    return t->recipe->validate_every ? (size_t)t->recipe->validate_every : t->steps_per_epoch;
}

void sm_rounds_validate(struct sm_rounds *r) {
    struct sm_trainer *t = r->trainer;
    if (!t->recipe->validation) return;
    struct sm_evaluation seen = sm_trainer_evaluate(t, &t->validation, NULL);
    if (!isnan(r->row.validation_loss) && !(seen.loss < r->row.validation_loss)) return;
    r->row.validation_loss = seen.loss;
    r->row.early_stop_step = (double)(t->step - t->first_step);
    r->row.early_stop_accuracy = sm_trainer_evaluate(t, &t->test, NULL).accuracy;
}

void sm_rounds_end(struct sm_rounds *r, const struct sm_evaluation *test) {
    r->row.trained_accuracy = test->accuracy;
    r->row.trained_loss = test->loss;
    if (!r->trainer->method->reports_untrained) r->row.test_accuracy = test->accuracy;
}

/* ---- from one round to the next ---- */

static double share_to_hide(const struct sm_rounds *r, size_t l) {
    const struct sm_recipe *recipe = r->trainer->recipe;
    const struct sm_network *net = r->trainer->net;
    if (l + 1 == net->n_layers) return recipe->prune_output;
    return net->layers[l].kind == SM_CONV2D ? recipe->prune_conv : recipe->prune;
}

static int prune_layer(struct sm_rounds *r, size_t l, struct sm_error *err) {
    size_t n = weights_of(r, l), n_kept = 0;
    for (size_t k = 0; k < n; k++) n_kept += r->mask[l][k] != 0;
    return sm_criterion_prune(r->mask[l], r->trainer->recipe->criterion, r->start[l], r->trained[l], n,
                              (size_t)lround(share_to_hide(r, l) * (double)n_kept), stream_of(r, SM_RNG_TIES, l), err);
}

/* Where only the first round trains, every mask comes from what that one started and ended with. */
static int next_layer(struct sm_rounds *r, size_t l, struct sm_error *err) {
    struct sm_trainer *t = r->trainer;
    if (r->round == 1 || t->recipe->retrain)
        sm_unpad_floats(r->trained[l], t->layers[l].weights, t->layers[l].shape);
    else
        memcpy(r->start[l], r->initial[l], weights_of(r, l) * sizeof(float));
    if (r->source.path ? read_source(r, l, r->mask[l], err) : prune_layer(r, l, err)) return -1;
    act(r, l);
    return 0;
}

int sm_rounds_next(struct sm_rounds *r, struct sm_error *err) {
    r->round++;
    for (size_t l = 0; l < r->trainer->net->n_layers; l++)
        if (next_layer(r, l, err)) return -1;
    put_in_place(r);
    return 0;
}
