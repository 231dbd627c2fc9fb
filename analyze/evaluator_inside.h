/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_inside.h - what the sources of evaluator.h share. */
#ifndef SUPERMASK_ANALYZE_EVALUATOR_INSIDE_H
#define SUPERMASK_ANALYZE_EVALUATOR_INSIDE_H

#include <supermask/forward.h>
#include <supermask/progress.h>

#include "analyze/evaluator.h"
#include "analyze/evaluator_stages.h"

struct sm_evaluator {
    const struct sm_run *run;         /* borrowed */
    const struct sm_samples *samples; /* borrowed from the analysis */
    enum sm_loss_kind loss;
    struct sm_graph graph;
    struct sm_stages stages;
    size_t n_images, batch, n_batches; /* batch: images of a pass, as in training */
    int n_threads;
    struct sm_forward *forward;   /* [n_threads], each for one thread */
    int8_t **mask, **padded_mask; /* [n_layers] what is bound: as in the run file, and in the engine's layout */
    float **padded_weights;       /* [n_layers] */
    struct sm_test_data *kept;    /* where results of the moment are kept while it is what is bound, else NULL */
    size_t run_index;             /* of the moment */
    bool quiet;                   /* long work does not show itself */
    double *loss_of;              /* [n_images] of the score that is being computed */
    const char *table;            /* for which networks have been announced, else NULL */
    struct sm_progress networks;  /* of those */
    size_t n_scored;
};

/* A batch of images and who computes it. */
struct sm_evaluator_part {
    struct sm_evaluator *evaluator;
    struct sm_forward *forward; /* the thread's own, with the bound network */
    int thread;
    size_t index, first, n; /* of the batch: its number, its first image, its images */
    const uint8_t *labels;  /* [n] */
};

/* Calls function(part, context) for every batch, several at a time. */
void sm_evaluator_each_batch(struct sm_evaluator *evaluator,
                             void (*function)(const struct sm_evaluator_part *part, void *context), void *context);

/* The same for what may take minutes: once it has taken two seconds it shows itself on standard error, as images that
 * are done of all, unless the evaluator is quiet. removed: what is computed, one word ("each-unit"). */
void sm_evaluator_each_batch_shown(struct sm_evaluator *evaluator, const char *removed,
                                   void (*function)(const struct sm_evaluator_part *part, void *context),
                                   void *context);

/* One of the networks that were announced (sm_evaluator_announce) has been scored. */
void sm_evaluator_show_scored(struct sm_evaluator *evaluator);

/* The bound network on the images of the part. */
void sm_evaluator_pass(const struct sm_evaluator_part *part);

/* Images of the span whose label has the largest of the logits that stand in the part's forward. */
size_t sm_evaluator_count_correct(const struct sm_evaluator_part *part, struct sm_span span);

/* All images of the part. */
struct sm_span sm_evaluator_whole(const struct sm_evaluator_part *part);

#endif
