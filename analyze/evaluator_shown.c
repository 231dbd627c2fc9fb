/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_shown.c - batches that take long show themselves: a walk over the runs counts masks, and all units of a
 * convolutional network removed one by one, or some hundred sets of them, are minutes within one of its steps. */
#include <stdio.h>

#include <supermask/clock.h>
#include <supermask/progress.h>

#include "analyze/evaluator_inside.h"

static const double SECONDS_BETWEEN = 2;

struct shown {
    void (*function)(const struct sm_evaluator_part *part, void *context);
    void *context;
    const char *removed;
    struct sm_progress progress;
    size_t n_done; /* images */
    double last;   /* when something was shown */
};

/* A bar whenever it can move; a line as soon as work takes long, then once in every tenth. */
static bool is_due(const struct shown *shown) {
    const struct sm_progress *progress = &shown->progress;
    if (progress->terminal) return sm_now() - progress->started >= SECONDS_BETWEEN;
    bool moved = progress->done == 0 || shown->n_done * 10 / progress->total != progress->done * 10 / progress->total;
    return moved && sm_now() - shown->last >= SECONDS_BETWEEN;
}

static void show(struct shown *shown, const struct sm_evaluator_part *part) {
    char detail[256];
    shown->n_done += part->n;
    if (!is_due(shown)) return;
    snprintf(detail, sizeof detail, "run=%s removed=%s", part->evaluator->run->name, shown->removed);
    sm_progress_update(&shown->progress, shown->n_done, detail);
    shown->last = sm_now();
}

static void compute_and_show(const struct sm_evaluator_part *part, void *context) {
    struct shown *shown = context;
    shown->function(part, shown->context);
#pragma omp critical(sm_evaluator_shown)
    show(shown, part);
}

void sm_evaluator_each_batch_shown(struct sm_evaluator *e, const char *removed,
                                   void (*function)(const struct sm_evaluator_part *part, void *context),
                                   void *context) {
    struct shown shown = {.function = function, .context = context, .removed = removed, .last = sm_now()};
    sm_progress_start(&shown.progress, "images", e->n_images, e->quiet);
    sm_evaluator_each_batch(e, compute_and_show, &shown);
    if (shown.progress.done) sm_progress_wipe(&shown.progress);
}
