/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_units.c - the units of the bound network one by one: how it does without each.
 *
 * Without one unit only those units change that lie behind it; they alone are computed again, from the other values as
 * they stand, and put back from a copy. Where a dense product reads the unit, what the unit adds is taken off the sums:
 * a column of the weights instead of all of them. Images are the outer loop, units the inner one, so that values stay
 * in the cache. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/evaluator_behind.h"
#include "analyze/test_data.h"

/* ---- each unit ---- */

struct removal {
    struct sm_behind behind;
    float *whole;      /* [n_threads][n_values][batch] values of the whole network, of a thread's images at hand */
    float *sums;       /* [n_threads][n_units of all stages][batch] of products, before the activation function */
    size_t *n_correct; /* [n_threads][n_units] */
};

/* Images that units are removed from at a time: a block where there are maps, so that all its maps stay in the cache.
 */
static size_t longest_span(const struct sm_evaluator *e) {
    return e->stages.n_mapped ? SM_LANES : e->batch;
}

static float *sums_of(const struct sm_evaluator_part *part, const struct removal *removal, size_t s) {
    const struct sm_evaluator *e = part->evaluator;
    return removal->sums + ((size_t)part->thread * e->stages.n_units + e->stages.stage[s].first_unit) * e->batch;
}

static struct sm_units_of_stage units_of(const struct sm_stage_run *run) {
    return (struct sm_units_of_stage){run->first, run->last};
}

/* run: the unit, those that read it (there are some), and so on. */
static void compute_without(const struct sm_evaluator_part *part, const struct removal *removal,
                            const struct sm_stage_run *run, size_t n, struct sm_span span) {
    const struct sm_stages *stages = &part->evaluator->stages;
    struct sm_forward *f = part->forward;
    size_t reader = run[1].stage, k = 1;
    if (sm_stage_is_product(stages, f, reader)) {
        sm_stage_compute_without(stages, f, reader, units_of(run), span, sums_of(part, removal, reader));
        k = 2;
    } else {
        sm_stage_silence(stages, f, run->stage, run->first, span);
    }
    for (; k < n; k++) sm_stage_compute(stages, f, run[k].stage, units_of(&run[k]), span);
}

static size_t correct_without(const struct sm_evaluator_part *part, const struct removal *removal,
                              const struct sm_stage_run *run, size_t n, const float *whole, struct sm_span span) {
    compute_without(part, removal, run, n, span);
    size_t n_correct = sm_evaluator_count_correct(part, span);
    for (size_t k = 0; k < n; k++)
        sm_stage_restore(&part->evaluator->stages, part->forward, run[k].stage, units_of(&run[k]), span, whole);
    return n_correct;
}

static void remove_each_from(const struct sm_evaluator_part *part, const struct removal *removal, struct sm_span span) {
    const struct sm_evaluator *e = part->evaluator;
    const struct sm_behind *behind = &removal->behind;
    size_t n_units = sm_graph_n_units(&e->graph), with_all = sm_evaluator_count_correct(part, span);
    size_t *n_correct = removal->n_correct + (size_t)part->thread * n_units;
    float *whole = removal->whole + (size_t)part->thread * e->stages.n_values * longest_span(e);
    for (size_t s = 0; s < e->stages.n; s++) sm_stage_keep(&e->stages, part->forward, s, span, whole);
    for (size_t u = 0; u < n_units; u++) {
        size_t begin = behind->begin[u], n = behind->begin[u + 1] - begin;
        n_correct[u] += n ? correct_without(part, removal, behind->run + begin, n, whole, span) : with_all;
    }
}

static void keep_sums(const struct sm_evaluator_part *part, const struct removal *removal) {
    const struct sm_stages *stages = &part->evaluator->stages;
    for (size_t s = 0; s < stages->n; s++) {
        if (!sm_stage_is_product(stages, part->forward, s)) continue;
        const struct sm_units_of_stage all = {0, stages->stage[stages->stage[s].inputs[0]].n_units};
        sm_stage_sums(stages, part->forward, s, all, sm_evaluator_whole(part), sums_of(part, removal, s));
    }
}

static void remove_each(const struct sm_evaluator_part *part, void *context) {
    size_t n_images = sm_padded(part->n), step = longest_span(part->evaluator);
    sm_evaluator_pass(part);
    keep_sums(part, context);
    for (size_t first = 0; first < n_images; first += step)
        remove_each_from(part, context, (struct sm_span){first, first + step < n_images ? first + step : n_images});
}

static int removal_init(struct removal *removal, const struct sm_evaluator *e, struct sm_error *err) {
    size_t n_threads = (size_t)e->n_threads;
    *removal = (struct removal){.n_correct = NULL};
    if (sm_behind_init(&removal->behind, e, err) != 0) return -1;
    removal->whole = sm_aligned_zeros(n_threads * e->stages.n_values * longest_span(e) * sizeof(float));
    removal->sums = sm_aligned_zeros(n_threads * e->stages.n_units * e->batch * sizeof(float));
    removal->n_correct = calloc(n_threads * sm_graph_n_units(&e->graph), sizeof *removal->n_correct);
    return removal->whole && removal->sums && removal->n_correct ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
}

static void removal_destroy(struct removal *removal) {
    sm_behind_destroy(&removal->behind);
    free(removal->whole);
    free(removal->sums);
    free(removal->n_correct);
}

static int evaluate_each_unit(struct sm_evaluator *e, double *accuracy, struct sm_error *err) {
    struct removal removal;
    size_t n_units = sm_graph_n_units(&e->graph), first_output = e->graph.offset[e->graph.n_levels - 1];
    int status = removal_init(&removal, e, err);
    if (status == 0) sm_evaluator_each_batch_shown(e, "each-unit", remove_each, &removal);
    for (size_t u = 0; status == 0 && u < n_units; u++) {
        size_t n_correct = 0;
        for (size_t t = 0; t < (size_t)e->n_threads; t++) n_correct += removal.n_correct[t * n_units + u];
        accuracy[u] = u < first_output ? (double)n_correct / (double)e->n_images : NAN;
    }
    removal_destroy(&removal);
    return status;
}

int sm_evaluator_each_unit(struct sm_evaluator *e, double *accuracy, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(&e->graph);
    const double *kept = e->kept ? sm_test_data_kept(e->kept, e->run_index) : NULL;
    if (kept) {
        memcpy(accuracy, kept, n_units * sizeof *accuracy);
        return 0;
    }
    if (evaluate_each_unit(e, accuracy, err) != 0) return -1;
    if (e->kept) sm_test_data_keep(e->kept, e->run_index, accuracy, n_units);
    return 0;
}
