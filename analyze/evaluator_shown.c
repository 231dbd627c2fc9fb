/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_shown.c - what takes long shows itself: a walk over the runs counts masks, and all units of a convolutional
 * network removed one by one, some hundred sets of them, or some dozens of its controls are minutes within one of its
 * steps. */
#include <stdio.h>

#include <supermask/progress.h>

#include "analyze/evaluator_inside.h"

struct shown {
    void (*function)(const struct sm_evaluator_part *part, void *context);
    void *context;
    const char *removed;
    struct sm_progress progress;
    size_t n_done; /* images */
};

static void compute_and_show(const struct sm_evaluator_part *part, void *context) {
    struct shown *shown = context;
    char detail[256];
    shown->function(part, shown->context);
    snprintf(detail, sizeof detail, "run=%s removed=%s", part->evaluator->run->name, shown->removed);
#pragma omp critical(sm_evaluator_shown)
    sm_progress_update_part(&shown->progress, shown->n_done += part->n, detail);
}

void sm_evaluator_each_batch_shown(struct sm_evaluator *e, const char *removed,
                                   void (*function)(const struct sm_evaluator_part *part, void *context),
                                   void *context) {
    struct shown shown = {.function = function, .context = context, .removed = removed};
    sm_progress_start(&shown.progress, "images", e->n_images, e->quiet);
    sm_evaluator_each_batch(e, compute_and_show, &shown);
    sm_progress_wipe(&shown.progress);
}

/* ---- networks that are scored one after the other ---- */

void sm_evaluator_announce(struct sm_evaluator *e, const char *table, size_t n) {
    e->table = table;
    e->n_scored = 0;
    sm_progress_start(&e->networks, "networks", n, e->quiet);
}

void sm_evaluator_show_scored(struct sm_evaluator *e) {
    char detail[256];
    if (!e->table) return;
    snprintf(detail, sizeof detail, "run=%s table=%s", e->run->name, e->table);
    sm_progress_update_part(&e->networks, ++e->n_scored, detail);
    if (e->n_scored < e->networks.total) return;
    sm_progress_wipe(&e->networks);
    e->table = NULL;
}
