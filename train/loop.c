/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop.c - epochs, records, checkpoints: a trainer's steps become a run file.
 *
 * Everything that is appended is a function of the step, so after a resume what the file already holds is passed over
 * and not written twice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/clock.h>
#include <supermask/progress.h>
#include <supermask/runfile.h>
#include <supermask/text.h>
#include <unistd.h>

#include "train/checkpoint.h"
#include "train/host.h"
#include "train/rounds.h"
#include "train/train.h"
#include "train/trainer.h"

/* What a kill -9 can cost in training time (never in records): so long, or longer where a checkpoint takes its time:
 * saving takes at most a fiftieth of it. */
#define CHECKPOINT_SECONDS 15.0
#define CHECKPOINT_SHARE 50.0

/* Between two looks at the clock and at whether the user has asked to stop: about so long, and at most so many steps.
 */
#define SECONDS_AT_ONCE 0.25
#define STEPS_AT_ONCE 32

/* What an event, or a few steps with theirs, gives beside 0 and -1: the user asked to stop, the checkpoint is to be
 * saved. */
enum { STOPPED = 1 };

struct run {
    const struct sm_train_job *job;
    const struct sm_recipe *recipe;
    struct sm_network net;
    struct sm_dataset data;
    struct sm_trainer trainer;
    struct sm_rounds rounds;   /* of a method that works in rounds */
    struct sm_evaluation test; /* at the end of the last epoch */
    struct sm_run_writer *writer;
    struct sm_progress progress;
    char *checkpoint;                   /* its path */
    int8_t **mask;                      /* [n_layers] in the file's layout, for the record at hand */
    float **values;                     /* [n_layers] likewise: scores or trained weights */
    const struct sm_batch_norm **norms; /* [n_layers], the trainer's; NULL where a layer has none */
    size_t steps_at_once;               /* as many as fit into SECONDS_AT_ONCE */
    size_t n_records;                   /* records that this run has come by, written now or before */
    double seconds;                     /* spent on training so far, over interruptions */
    double epoch_began;                 /* `seconds` at the end of the epoch before, or at the resume within it */
    int64_t seen_before;                /* images of this epoch that an interrupted run had seen */
    double checkpoint_every;            /* seconds */
    double clock, last_saved;           /* seconds of a clock that never goes back */
    bool empty;                         /* the first record could not be written: the file is worth nothing */
};

static void count_time(struct run *r) {
    double t = sm_now();
    r->seconds += t - r->clock;
    r->clock = t;
}

static struct sm_rounds *rounds_of(struct run *r) {
    return r->trainer.method->in_rounds ? &r->rounds : NULL;
}

/* ---- buffers in the file's layout ---- */

static int allocate_buffers(struct run *r, struct sm_error *err) {
    size_t n = r->net.n_layers;
    r->mask = calloc(n, sizeof *r->mask);
    r->values = calloc(n, sizeof *r->values);
    r->norms = calloc(n, sizeof *r->norms);
    bool whole = r->mask && r->values && r->norms;
    for (size_t l = 0; whole && l < n; l++) {
        size_t weights = sm_layer_weights(&r->net.layers[l]);
        r->mask[l] = malloc(weights);
        r->values[l] = malloc(weights * sizeof(float));
        whole = r->mask[l] && r->values[l];
        if (whole) memset(r->mask[l], 1, weights); /* what a method without masks records: all keep */
    }
    return whole ? 0 : sm_fail(err, "out of memory for the records of network %s", r->net.name);
}

static void free_buffers(struct run *r) {
    for (size_t l = 0; l < r->net.n_layers; l++) {
        if (r->mask) free(r->mask[l]);
        if (r->values) free(r->values[l]);
    }
    free(r->mask);
    free(r->values);
    free(r->norms);
}

static void copy_values(struct run *r) {
    for (size_t l = 0; l < r->net.n_layers; l++)
        sm_unpad_floats(r->values[l], sm_trainer_values(&r->trainer, l), r->trainer.layers[l].shape);
}

static void copy_masks(struct run *r) {
    for (size_t l = 0; l < r->net.n_layers; l++)
        if (r->trainer.layers[l].mask) sm_unpad_mask(r->mask[l], r->trainer.layers[l].mask, r->trainer.layers[l].shape);
}

/* ---- opening ---- */

static float **copy_weights(struct run *r) {
    float **weights = calloc(r->net.n_layers, sizeof *weights);
    for (size_t l = 0; weights && l < r->net.n_layers; l++) {
        weights[l] = malloc(sm_layer_weights(&r->net.layers[l]) * sizeof(float));
        if (weights[l]) sm_unpad_floats(weights[l], r->trainer.layers[l].weights, r->trainer.layers[l].shape);
    }
    return weights;
}

static void free_weights(struct run *r, float **weights) {
    for (size_t l = 0; weights && l < r->net.n_layers; l++) free(weights[l]);
    free(weights);
}

/* What a file begins with, beside facts of the recipe and the data. */
struct beginning {
    struct sm_host host;
    char *recipe;
    double *threshold; /* [n_layers] */
    float **weights;   /* [n_layers], in the file's layout */
};

static void forget_beginning(struct run *r, struct beginning *b) {
    free(b->recipe);
    free(b->threshold);
    free_weights(r, b->weights);
}

/* The caller forgets it, also after a failure. */
static int collect_beginning(struct run *r, struct beginning *b, struct sm_error *err) {
    *b = (struct beginning){.recipe = sm_recipe_text(r->recipe),
                            .threshold = calloc(r->net.n_layers, sizeof *b->threshold),
                            .weights = copy_weights(r)};
    sm_host_collect(&b->host, r->trainer.n_threads);
    bool whole = b->recipe && b->threshold && b->weights;
    for (size_t l = 0; whole && l < r->net.n_layers; l++) {
        whole = b->weights[l];
        b->threshold[l] = r->trainer.layers[l].threshold;
    }
    copy_values(r);
    return whole ? 0 : sm_fail(err, "out of memory for %s", r->job->output);
}

static int create_file(struct run *r, struct sm_error *err) {
    struct beginning b;
    int status = collect_beginning(r, &b, err);
    const struct sm_run_header header = {.program_version = SM_VERSION,
                                         .command_line = r->job->command_line,
                                         .recipe = b.recipe,
                                         .recipe_name = r->recipe->name,
                                         .dataset = r->data.name,
                                         .method = r->recipe->method,
                                         .dataset_sha256 = r->data.sha256,
                                         .masks_from_recipe = r->rounds.source.recipe_name,
                                         .weight_seed = r->recipe->weight_seed,
                                         .score_seed = r->recipe->score_seed,
                                         .data_seed = r->recipe->data_seed,
                                         .n_train_images = r->data.train.n,
                                         .n_test_images = r->data.test.n,
                                         .threshold = b.threshold,
                                         .trains_weights = r->trainer.method->trains_weights,
                                         .record_scores = r->recipe->record_scores,
                                         .in_rounds = r->trainer.method->in_rounds,
                                         .rescale = r->recipe->rescale == SM_RESCALE_DYNAMIC,
                                         .samples_masks = r->trainer.method->samples_masks,
                                         .host = b.host.facts,
                                         .n_host = b.host.n};
    if (!status)
        status = sm_run_create(&r->writer, r->job->output, &header, &r->net, (const float *const *)b.weights,
                               header.trains_weights ? NULL : (const float *const *)r->values, err);
    forget_beginning(r, &b);
    return status;
}

/* A description's file may have changed where the recipe has not. A file of an older program has no graph to compare.
 */
static int check_same_network(const struct run *r, const struct sm_run *old, struct sm_error *err) {
    if (!old->net.n_nodes) return 0;
    char *before = sm_network_text(&old->net), *now_described = sm_network_text(&r->net);
    int rc = 0;
    if (!before || !now_described)
        rc = sm_fail(err, "out of memory");
    else if (strcmp(before, now_described) != 0)
        rc = sm_fail(err, "%s: cannot resume: the network %s has changed since the run was started", old->path,
                     r->recipe->network);
    free(before);
    free(now_described);
    return rc;
}

/* May the run in the file be continued with this recipe and data? */
static int check_same(const struct run *r, const struct sm_run *old, struct sm_error *err) {
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe);
    if (sm_recipe_parse(&recipe, old->recipe, old->path, err)) return -1;
    const char *key = sm_recipe_differs(&recipe, r->recipe);
    if (key) return sm_fail(err, "%s: cannot resume: the run was started with another value of '%s'", old->path, key);
    if (strcmp(old->dataset_sha256, r->data.sha256))
        return sm_fail(err, "%s: cannot resume: the data set %s has changed since the run was started", old->path,
                       r->data.name);
    return check_same_network(r, old, err);
}

/* 1: the file is complete, nothing to do. */
static int resume_file(struct run *r, struct sm_error *err) {
    struct sm_run old = {0};
    int rc = sm_run_open(&old, r->job->output, err);
    if (!rc) rc = check_same(r, &old, err);
    bool complete = !rc && old.complete;
    sm_run_destroy(&old);
    if (rc || complete) return rc ? -1 : 1;
    if (sm_run_resume(&r->writer, r->job->output, err)) return -1;
    return sm_checkpoint_load(r->checkpoint, &r->trainer, rounds_of(r), &r->seconds, err);
}

static int open_file(struct run *r, struct sm_error *err) {
    r->checkpoint = sm_format("%s.checkpoint", r->job->output);
    if (!r->checkpoint) return sm_fail(err, "out of memory");
    if (r->job->resume && !access(r->job->output, F_OK)) return resume_file(r, err);
    if (access(r->job->output, F_OK)) unlink(r->checkpoint); /* of a run whose file is gone */
    return create_file(r, err);
}

/* ---- training ---- */

static double epoch_of(const struct run *r) {
    return (double)r->trainer.step / (double)r->trainer.steps_per_epoch;
}

static bool in_rounds(const struct run *r) {
    return r->trainer.method->in_rounds;
}

static size_t record_interval(const struct run *r) {
    return r->recipe->record_every ? (size_t)r->recipe->record_every : r->trainer.steps_per_epoch;
}

/* Appends the record of the step just reached, unless a run before this one did. */
static int append_record(struct run *r, struct sm_error *err) {
    if (r->n_records++ < sm_run_n_records(r->writer)) return 0;
    sm_trainer_draw_masks(&r->trainer);
    copy_masks(r);
    bool scores = r->recipe->record_scores && !r->trainer.method->trains_weights;
    if (scores) copy_values(r);
    return sm_run_append_record(r->writer, r->trainer.step, epoch_of(r), (const int8_t *const *)r->mask,
                                scores ? (const float *const *)r->values : NULL, err);
}

static int save_checkpoint(struct run *r, struct sm_error *err) {
    count_time(r);
    r->last_saved = r->clock;
    int status = sm_checkpoint_save(r->checkpoint, &r->trainer, rounds_of(r), &r->seconds, err);
    r->checkpoint_every = fmax(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * (sm_now() - r->clock));
    return status;
}

/* Accuracy is NaN where the user asked to stop meanwhile. */
static struct sm_metrics measure_epoch(struct run *r) {
    struct sm_trainer *t = &r->trainer;
    struct sm_metrics row = {.epoch = epoch_of(r),
                             .train_loss = t->loss_sum / (double)t->n_seen,
                             .train_accuracy = (double)t->n_correct / (double)t->n_seen};
    t->step--; /* the rates of the epoch's last step, not of the next one */
    row.learning_rate = sm_trainer_learning_rate(t);
    row.weight_decay = sm_trainer_weight_decay(t);
    t->step++;
    r->test = sm_trainer_evaluate(t, &t->test, r->job->stop);
    row.test_loss = r->test.loss;
    row.test_accuracy = r->test.accuracy;
    row.remaining = sm_trainer_remaining(t); /* the evaluation left the masks of this step */
    return row;
}

static void show_epoch(struct run *r, const struct sm_metrics *row) {
    char detail[160];
    int64_t n_seen = r->trainer.n_seen - r->seen_before;
    snprintf(detail, sizeof detail, "train_loss=%.4f test_accuracy=%.4f remaining=%.4f images_per_second=%.0f",
             row->train_loss, row->test_accuracy, row->remaining, (double)n_seen / (r->seconds - r->epoch_began));
    sm_progress_update(&r->progress, (size_t)row->epoch, detail);
}

/* end_epoch sets n_seen back; where it has not, a stop came within its evaluation, and it is made after the resume. */
static bool is_epoch_due(const struct run *r) {
    return r->trainer.n_seen && (size_t)r->trainer.step % r->trainer.steps_per_epoch == 0;
}

static int end_epoch(struct run *r, struct sm_error *err) {
    struct sm_trainer *t = &r->trainer;
    struct sm_metrics row = measure_epoch(r);
    size_t epoch = (size_t)t->step / t->steps_per_epoch;
    if (isnan(row.test_accuracy)) return STOPPED;
    count_time(r);
    row.seconds = r->seconds;
    if (!isfinite(row.train_loss))
        return sm_fail(err,
                       "%s: training diverged in epoch %zu: the loss is %g (a smaller learning_rate or weight_gain?)",
                       r->job->output, epoch, row.train_loss);
    if (epoch > sm_run_n_metrics(r->writer) && sm_run_append_metrics(r->writer, &row, err)) return -1;
    show_epoch(r, &row);
    sm_schedule_epoch(r->recipe, &t->schedule, (int64_t)epoch, row.train_loss);
    t->loss_sum = 0;
    t->n_correct = t->n_seen = r->seen_before = 0;
    r->epoch_began = r->seconds;
    return 0;
}

/* ---- rounds ---- */

/* A round that is over, unless a run before this one wrote it. */
static int append_round(struct run *r, struct sm_error *err) {
    bool written = (size_t)r->rounds.round < sm_run_n_rounds(r->writer);
    return written ? 0 : sm_run_append_round(r->writer, &r->rounds.row, err);
}

/* The next round begins: its mask is recorded and its network measured. One without training is over at once. */
static int next_round(struct run *r, struct sm_error *err) {
    if (sm_rounds_next(&r->rounds, err) || append_record(r, err)) return -1;
    sm_rounds_begin(&r->rounds);
    return sm_rounds_untrained(&r->rounds) ? append_round(r, err) : 0;
}

static int end_round(struct run *r, struct sm_error *err) {
    sm_rounds_end(&r->rounds, &r->test);
    if (append_round(r, err)) return -1;
    do {
        if (sm_rounds_last(&r->rounds)) return 0;
        if (next_round(r, err)) return -1;
    } while (sm_rounds_untrained(&r->rounds));
    return 0;
}

/* ---- steps and what happens between them ---- */

/* What happens at the multiples of `interval`, in this order. A round counts from its own beginning, and is a whole
 * number of epochs. An epoch's end may be put off by a stop: what follows it then comes after the resume, too. */
struct event {
    size_t interval; /* in steps; 0: never */
    int (*happens)(struct run *r, struct sm_error *err);
};

static int validate(struct run *r, struct sm_error *err) {
    (void)err;
    sm_rounds_validate(&r->rounds);
    return 0;
}

enum { EPOCH_ENDS = 2, N_EVENTS = 4 };

static void list_events(const struct run *r, struct event events[N_EVENTS]) {
    const struct sm_trainer *t = &r->trainer;
    events[0] = (struct event){in_rounds(r) ? 0 : record_interval(r), append_record};
    events[1] = (struct event){in_rounds(r) ? sm_rounds_validation_interval(t) : 0, validate};
    events[EPOCH_ENDS] = (struct event){t->steps_per_epoch, end_epoch};
    events[3] = (struct event){in_rounds(r) ? sm_rounds_steps(t) : 0, end_round};
}

/* n steps; and twice or half as many the next time, by how long these took. */
static void take_steps(struct run *r, size_t n) {
    double began = sm_now();
    sm_trainer_steps(&r->trainer, n);
    double seconds = sm_now() - began, wanted = SECONDS_AT_ONCE * (double)n / (double)r->steps_at_once;
    if (seconds < wanted / 2 && r->steps_at_once < STEPS_AT_ONCE) r->steps_at_once *= 2;
    if (seconds > 2 * wanted && r->steps_at_once > 1) r->steps_at_once /= 2;
}

/* The events of the step just reached, from the e-th on. 0, -1 or STOPPED. */
static int run_events(struct run *r, size_t e, struct sm_error *err) {
    struct event events[N_EVENTS];
    size_t step = (size_t)(r->trainer.step - r->trainer.first_step);
    list_events(r, events);
    int status = 0;
    for (; e < N_EVENTS && !status; e++)
        if (events[e].interval && step % events[e].interval == 0) status = events[e].happens(r, err);
    return status;
}

/* The steps up to the next event, or to a look at signal and clock; and the events. 0, -1 or STOPPED. */
static int advance(struct run *r, struct sm_error *err) {
    struct event events[N_EVENTS];
    size_t step = (size_t)(r->trainer.step - r->trainer.first_step), n = r->steps_at_once;
    list_events(r, events);
    for (size_t e = 0; e < N_EVENTS; e++) {
        size_t interval = events[e].interval, left = interval ? interval - step % interval : n;
        if (left < n) n = left;
    }
    take_steps(r, n);
    int status = run_events(r, 0, err);
    if (status) return status;
    return sm_now() - r->last_saved > r->checkpoint_every ? save_checkpoint(r, err) : 0;
}

/* Records that were written before the checkpoint was taken. */
static size_t records_so_far(const struct run *r) {
    if (in_rounds(r)) return r->trainer.step ? (size_t)r->rounds.round + 1 : 0;
    return r->trainer.step ? (size_t)r->trainer.step / record_interval(r) + 1 : 0;
}

static int begin(struct run *r, struct sm_error *err) {
    if (append_record(r, err)) {
        r->empty = sm_run_n_records(r->writer) == 0;
        return -1;
    }
    if (in_rounds(r)) sm_rounds_begin(&r->rounds);
    return 0;
}

/* A plateau's last reduction ends a run, or, of a method in rounds, nothing: its rounds are equally long. */
static bool is_over(const struct run *r) {
    if ((size_t)r->trainer.step >= sm_rounds_total_steps(&r->trainer)) return true;
    return !in_rounds(r) && sm_schedule_ended(r->recipe, &r->trainer.schedule);
}

static enum sm_train_result train_to_end(struct run *r, struct sm_error *err) {
    r->n_records = records_so_far(r);
    if (!r->trainer.step && begin(r, err)) return SM_TRAIN_FAILED;
    r->clock = r->last_saved = sm_now();
    r->epoch_began = r->seconds;
    r->seen_before = r->trainer.n_seen;
    int status = is_epoch_due(r) ? run_events(r, EPOCH_ENDS, err) : 0;
    while (!status && !is_over(r)) status = *r->job->stop ? STOPPED : advance(r, err);
    if (status == STOPPED && !save_checkpoint(r, err)) return SM_TRAIN_STOPPED;
    return status ? SM_TRAIN_FAILED : SM_TRAIN_DONE;
}

/* A network without batch norm has none to write. */
static void hand_over_norms(struct run *r) {
    bool any = false;
    for (size_t l = 0; l < r->net.n_layers; l++) {
        r->norms[l] = sm_forward_batch_norm(&r->trainer.forward, l);
        any = any || r->norms[l];
    }
    if (any) sm_run_set_batch_norm(r->writer, r->norms);
}

/* The file is closed in every case; the checkpoint goes only when the whole run is in the file. */
static enum sm_train_result close_file(struct run *r, enum sm_train_result result, struct sm_error *err) {
    if (result == SM_TRAIN_DONE) {
        copy_values(r);
        hand_over_norms(r);
        bool untrained = r->trainer.method->reports_untrained;
        if (untrained) sm_run_set_mask_weights(r->writer, (const float *const *)r->values);
        float **final = untrained ? r->rounds.trained : r->values;
        if (sm_run_finish(r->writer, (const float *const *) final, err)) return SM_TRAIN_FAILED;
        unlink(r->checkpoint);
        return SM_TRAIN_DONE;
    }
    struct sm_error closing = {{0}};
    int closed = sm_run_close(r->writer, &closing);
    if (r->empty) unlink(r->job->output); /* or it would stand in the way of the next try */
    if (closed && result != SM_TRAIN_FAILED) {
        *err = closing;
        return SM_TRAIN_FAILED;
    }
    return result;
}

static enum sm_train_result train(struct run *r, struct sm_error *err) {
    int opened = open_file(r, err);
    if (opened > 0) return SM_TRAIN_DONE;
    if (opened < 0) return close_file(r, SM_TRAIN_FAILED, err);
    sm_progress_start(&r->progress, "epoch", sm_rounds_total_steps(&r->trainer) / r->trainer.steps_per_epoch,
                      r->job->quiet);
    sm_progress_skip(&r->progress, (size_t)r->trainer.step / r->trainer.steps_per_epoch);
    enum sm_train_result result = train_to_end(r, err);
    sm_progress_end(&r->progress);
    return close_file(r, result, err);
}

/* A part of a data set is one, but nobody should take its results for those of the whole. */
static int note_part(const struct sm_dataset *data, struct sm_error *err) {
    struct sm_dataset_shape whole;
    if (sm_dataset_shape(&whole, data->name, err)) return -1;
    if (data->train.n != whole.n_train || data->test.n != whole.n_test)
        fprintf(stderr,
                "supermask-train: note: %s has %zu training and %zu test images here, as published %zu and %zu\n",
                data->name, data->train.n, data->test.n, whole.n_train, whole.n_test);
    return 0;
}

/* Images that are set aside and never looked at are missed in training all the same. */
static void note_validation(const struct sm_trainer *t) {
    size_t steps = sm_rounds_steps(t), interval = sm_rounds_validation_interval(t);
    if (t->recipe->validation && steps < interval)
        fprintf(stderr,
                "supermask-train: note: a round has %zu steps, fewer than validate_every %zu: no validation loss is "
                "measured, and no early stop\n",
                steps, interval);
}

enum sm_train_result sm_train_run(const struct sm_train_job *job, struct sm_error *err) {
    struct run r = {.job = job, .recipe = job->recipe, .steps_at_once = 1, .checkpoint_every = CHECKPOINT_SECONDS};
    enum sm_train_result result = SM_TRAIN_FAILED;
    if (sm_recipe_network(job->recipe, &r.net, err)) goto done;
    if (sm_dataset_load(&r.data, job->recipe->dataset, job->data_directory, err)) goto done;
    if (note_part(&r.data, err)) goto done;
    if (sm_network_fit_input(&r.net, r.data.channels, r.data.height, r.data.width, err)) goto done;
    if (sm_trainer_init(&r.trainer, job->recipe, &r.net, &r.data, err)) goto done;
    if (r.trainer.method->in_rounds && sm_rounds_init(&r.rounds, &r.trainer, err)) goto done;
    if (r.trainer.method->in_rounds) note_validation(&r.trainer);
    if (allocate_buffers(&r, err)) goto done;
    result = train(&r, err);
done:
    free_buffers(&r);
    free(r.checkpoint);
    sm_rounds_destroy(&r.rounds);
    sm_trainer_destroy(&r.trainer);
    sm_dataset_destroy(&r.data);
    sm_network_destroy(&r.net);
    return result;
}
