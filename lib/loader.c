/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/loader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/augment.h>
#include <supermask/rng.h>

/* ---- one batch ---- */

static size_t steps_per_pass(const struct sm_loader *l) {
    return (l->samples->split->n + l->batch_size - 1) / l->batch_size;
}

size_t sm_loader_steps_per_epoch(const struct sm_loader *l) {
    return steps_per_pass(l) * l->passes;
}

/* A fixed order is that of pass 0. */
static void draw_order(struct sm_loader *l, int64_t pass) {
    if (l->order_kind == SM_ORDER_FIXED) pass = 0;
    if (!l->order || l->ordered == pass) return;
    struct sm_rng rng = sm_rng_make(l->data_seed, SM_RNG_ORDER, (uint32_t)pass);
    sm_rng_permutation(&rng, l->order, l->samples->split->n);
    l->ordered = pass;
}

/* Image k of the batch is the sample as it stands. */
static void take_sample(const struct sm_loader *l, struct sm_loader_buffer *buffer, size_t k, size_t sample) {
    const struct sm_samples *s = l->samples;
    buffer->images[k] = s->images[sample];
    buffer->labels[k] = s->split->labels[sample];
    for (size_t c = 0; c < s->n_scales; c++) {
        buffer->scale[k * s->n_scales + c] = s->scale[sample * s->n_scales + c];
        buffer->shift[k * s->n_scales + c] = s->shift[sample * s->n_scales + c];
    }
}

/* Puts a changed copy in the place of image k; one that is standardized by itself is so after the change. */
static void augment(const struct sm_loader *l, struct sm_loader_buffer *buffer, size_t k, struct sm_crop_flip choice) {
    const struct sm_dataset *data = l->samples->data;
    size_t n_pixels = l->samples->n_pixels;
    uint8_t *out = buffer->pixels + k * n_pixels;
    sm_crop_flip_apply(out, buffer->images[k], data->channels, data->height, data->width, choice);
    buffer->images[k] = out;
    if (l->samples->standardize == SM_STANDARDIZE_IMAGE)
        sm_standardize_image(&buffer->scale[k], &buffer->shift[k], out, n_pixels);
}

static void prepare(struct sm_loader *l, struct sm_loader_buffer *buffer, int64_t step) {
    int64_t pass = step / (int64_t)steps_per_pass(l);
    size_t first = (size_t)step % steps_per_pass(l) * l->batch_size, left = l->samples->split->n - first;
    buffer->batch.n = left < l->batch_size ? left : l->batch_size;
    draw_order(l, pass);
    for (size_t k = 0; k < buffer->batch.n; k++) {
        size_t sample = l->order ? l->order[first + k] : first + k;
        take_sample(l, buffer, k, sample);
        if (buffer->pixels) augment(l, buffer, k, sm_crop_flip_draw(l->data_seed, (uint32_t)pass, sample));
    }
}

/* ---- ahead of the caller ---- */

/* Step s goes to buffer s % 2: the caller computes on one while the next is prepared in the other. */
static struct sm_loader_buffer *buffer_of(struct sm_loader *l, int64_t step) {
    return &l->buffers[step % 2];
}

static bool is_ready(struct sm_loader *l, int64_t step) {
    return step < 0 || buffer_of(l, step)->step == step;
}

static void *prepare_ahead(void *context) {
    struct sm_loader *l = context;
    struct sm_loader_thread *thread = &l->thread;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->ending) {
        int64_t step = thread->wanted;
        if (is_ready(l, step)) {
            pthread_cond_wait(&thread->changed, &thread->mutex);
            continue;
        }
        buffer_of(l, step)->step = -1;
        pthread_mutex_unlock(&thread->mutex);
        prepare(l, buffer_of(l, step), step);
        pthread_mutex_lock(&thread->mutex);
        buffer_of(l, step)->step = step;
        pthread_cond_broadcast(&thread->changed);
    }
    pthread_mutex_unlock(&thread->mutex);
    return NULL;
}

static void want(struct sm_loader_thread *thread, int64_t step) {
    thread->wanted = step;
    pthread_cond_broadcast(&thread->changed);
}

/* A step that nobody has asked for yet may find the thread at work on another: that one is finished first. */
static const struct sm_batch *batch_from_thread(struct sm_loader *l, int64_t step) {
    struct sm_loader_thread *thread = &l->thread;
    pthread_mutex_lock(&thread->mutex);
    if (thread->wanted != step) want(thread, step);
    while (!is_ready(l, step)) pthread_cond_wait(&thread->changed, &thread->mutex);
    want(thread, step + 1);
    pthread_mutex_unlock(&thread->mutex);
    return &buffer_of(l, step)->batch;
}

static int start_thread(struct sm_loader *l, struct sm_error *err) {
    struct sm_loader_thread *thread = &l->thread;
    thread->wanted = -1;
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_cond_init(&thread->changed, NULL);
    int number = pthread_create(&thread->id, NULL, prepare_ahead, l);
    l->ahead = number == 0;
    if (l->ahead) return 0;
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->mutex);
    return sm_fail(err, "no thread can be started to prepare the images: %s", strerror(number));
}

static void end_thread(struct sm_loader *l) {
    struct sm_loader_thread *thread = &l->thread;
    pthread_mutex_lock(&thread->mutex);
    thread->ending = true;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->mutex);
    pthread_join(thread->id, NULL);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->mutex);
    l->ahead = false;
}

/* ---- all of it ---- */

static int init_buffer(struct sm_loader_buffer *b, const struct sm_loader *l) {
    const struct sm_samples *s = l->samples;
    size_t n_scales = l->batch_size * s->n_scales;
    bool copies = l->augment != SM_AUGMENT_NONE;
    b->step = -1;
    b->images = malloc(l->batch_size * sizeof *b->images);
    b->scale = malloc(n_scales * sizeof *b->scale);
    b->shift = malloc(n_scales * sizeof *b->shift);
    b->labels = malloc(l->batch_size);
    if (copies) b->pixels = malloc(l->batch_size * s->n_pixels);
    b->batch = (struct sm_batch){.n_pixels = s->n_pixels,
                                 .n_scales = s->n_scales,
                                 .mostly_zero = s->mostly_zero,
                                 .images = b->images,
                                 .scale = b->scale,
                                 .shift = b->shift,
                                 .labels = b->labels};
    return b->images && b->scale && b->shift && b->labels && (b->pixels || !copies) ? 0 : -1;
}

static void destroy_buffer(struct sm_loader_buffer *b) {
    free(b->images);
    free(b->scale);
    free(b->shift);
    free(b->labels);
    free(b->pixels);
}

int sm_loader_init(struct sm_loader *l, const struct sm_samples *samples, const struct sm_recipe *recipe,
                   struct sm_error *err) {
    size_t n = samples->split->n;
    assert(recipe->batch >= 1 && (size_t)recipe->batch <= n && recipe->passes >= 1);
    *l = (struct sm_loader){.samples = samples,
                            .order_kind = recipe->order,
                            .augment = recipe->augment,
                            .data_seed = recipe->data_seed,
                            .batch_size = (size_t)recipe->batch,
                            .passes = (size_t)recipe->passes,
                            .ordered = -1};
    if (l->order_kind != SM_ORDER_FILE) l->order = malloc(n * sizeof *l->order);
    bool whole = l->order || l->order_kind == SM_ORDER_FILE;
    for (size_t b = 0; b < 2; b++) whole = init_buffer(&l->buffers[b], l) == 0 && whole;
    if (!whole) return sm_fail(err, "out of memory for batches of %zu images", l->batch_size);
    return l->augment == SM_AUGMENT_NONE ? 0 : start_thread(l, err);
}

void sm_loader_destroy(struct sm_loader *l) {
    if (l->ahead) end_thread(l);
    for (size_t b = 0; b < 2; b++) destroy_buffer(&l->buffers[b]);
    free(l->order);
    *l = (struct sm_loader){0};
}

const struct sm_batch *sm_loader_batch(struct sm_loader *l, int64_t step) {
    assert(step >= 0);
    if (l->ahead) return batch_from_thread(l, step);
    prepare(l, &l->buffers[0], step);
    return &l->buffers[0].batch;
}
