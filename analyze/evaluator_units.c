/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evaluator_units.c - the units of the bound network one by one: how it does without each, and what each puts out.
 *
 * Without one unit only those units change that lie behind it; their rows alone are computed again, from the other
 * activations as they stand. Batches are the outer loop, units the inner one, so that a batch stays in the cache. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/evaluator_inside.h"
#include "analyze/test_data.h"

/* ---- which units change without a unit ---- */

/* unit[begin[u] .. begin[u + 1]): u itself, then the units behind it that reach an output, ascending, in the graph's
 * numbering. Nothing where u matters to no output. */
struct behind {
    size_t *begin; /* [n_units + 1] */
    uint32_t *unit;
    size_t n, capacity, longest; /* longest: list of a unit */
};

static void behind_destroy(struct behind *behind) {
    free(behind->begin);
    free(behind->unit);
}

static int behind_append(struct behind *behind, size_t unit) {
    if (behind->n == behind->capacity) {
        size_t capacity = 2 * behind->capacity + 1024;
        uint32_t *larger = realloc(behind->unit, capacity * sizeof *larger);
        if (!larger) return -1;
        behind->unit = larger;
        behind->capacity = capacity;
    }
    behind->unit[behind->n++] = (uint32_t)unit;
    return 0;
}

static bool reads_any(const int8_t *row, const uint32_t *unit, size_t n, size_t offset) {
    for (size_t k = 0; k < n; k++)
        if (row[unit[k] - offset]) return true;
    return false;
}

/* Appends the units of layer l that read one of the listed units first .. end - 1 of the level below; all of the layer
 * where it is computed as a whole. */
static int append_readers(struct behind *behind, const struct sm_evaluator *e, size_t l, const bool *reaches,
                          size_t first, size_t end) {
    const struct sm_layer *layer = &e->run->net.layers[l];
    size_t below = e->graph.offset[l], own = e->graph.offset[l + 1];
    bool whole = end > first && !sm_forward_is_sparse(&e->forward[0], l);
    for (size_t o = 0; o < layer->n_out; o++) {
        bool reader =
            reaches[own + o] && reads_any(e->mask[l] + o * layer->n_in, behind->unit + first, end - first, below);
        if ((whole || reader) && behind_append(behind, own + o) != 0) return -1;
    }
    return 0;
}

static int append_behind(struct behind *behind, const struct sm_evaluator *e, size_t level, size_t u,
                         const bool *reaches) {
    size_t first = behind->n;
    if (behind_append(behind, u) != 0) return -1;
    for (size_t l = level; l < e->run->net.n_layers; l++) {
        size_t end = behind->n;
        if (append_readers(behind, e, l, reaches, first, end) != 0) return -1;
        first = end;
    }
    return 0;
}

static int append_all(struct behind *behind, const struct sm_evaluator *e, const bool *fed, const bool *reaches) {
    const size_t *offset = e->graph.offset, output = e->graph.n_levels - 1;
    for (size_t level = 0; level <= output; level++)
        for (size_t u = offset[level]; u < offset[level + 1]; u++) {
            /* A unit that nothing feeds puts out 0 anyway; one that reaches no output does not matter. */
            bool matters = level < output && fed[u] && reaches[u];
            if (matters && append_behind(behind, e, level, u, reaches) != 0) return -1;
            behind->begin[u + 1] = behind->n;
            if (behind->n - behind->begin[u] > behind->longest) behind->longest = behind->n - behind->begin[u];
        }
    return 0;
}

/* The caller destroys `behind`, also after a failure. */
static int behind_init(struct behind *behind, const struct sm_evaluator *e, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(&e->graph);
    bool *fed = calloc(n_units, sizeof *fed), *reaches = calloc(n_units, sizeof *reaches);
    *behind = (struct behind){.begin = calloc(n_units + 1, sizeof *behind->begin)};
    int status = fed && reaches && behind->begin ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
    if (status == 0) status = sm_graph_reach(&e->graph, e->mask, fed, reaches, err);
    if (status == 0 && append_all(behind, e, fed, reaches) != 0)
        status = sm_fail(err, "%s: out of memory", e->run->path);
    free(fed);
    free(reaches);
    return status;
}

/* ---- each unit ---- */

struct removal {
    struct behind behind;
    float *saved;      /* [n_threads][longest][batch] activations of the whole network */
    size_t *n_correct; /* [n_threads][n_units] */
};

static float *unit_row(const struct sm_evaluator_part *part, size_t level, size_t unit) {
    const struct sm_evaluator *e = part->evaluator;
    return sm_forward_level(part->forward, level) + (unit - e->graph.offset[level]) * e->batch;
}

/* Copies the rows of the listed units, the first of which stands in `level`. */
static void copy_rows(const struct sm_evaluator_part *part, size_t level, const uint32_t *unit, size_t n, float *saved,
                      bool restore) {
    size_t batch = part->evaluator->batch;
    for (size_t k = 0; k < n; k++) {
        while (unit[k] >= part->evaluator->graph.offset[level + 1]) level++;
        float *row = unit_row(part, level, unit[k]), *copy = saved + k * batch;
        memcpy(restore ? row : copy, restore ? copy : row, batch * sizeof(float));
    }
}

static void compute_again(const struct sm_evaluator_part *part, size_t level, const uint32_t *unit, size_t n) {
    const size_t *offset = part->evaluator->graph.offset;
    for (size_t k = 0; k < n;) {
        while (unit[k] >= offset[level + 1]) level++;
        if (sm_forward_is_sparse(part->forward, level - 1)) {
            sm_forward_compute_unit(part->forward, level - 1, unit[k] - offset[level]);
            k++;
        } else {
            sm_forward_compute(part->forward, level - 1);
            k += offset[level + 1] - offset[level];
        }
    }
}

static size_t correct_without(const struct sm_evaluator_part *part, const struct removal *removal, size_t level,
                              size_t u) {
    const struct behind *behind = &removal->behind;
    const uint32_t *unit = behind->unit + behind->begin[u];
    size_t n = behind->begin[u + 1] - behind->begin[u], batch = part->evaluator->batch;
    float *saved = removal->saved + (size_t)part->thread * behind->longest * batch;
    copy_rows(part, level, unit, n, saved, false);
    memset(unit_row(part, level, u), 0, batch * sizeof(float));
    compute_again(part, level, unit + 1, n - 1);
    size_t n_correct = sm_evaluator_count_correct(part);
    copy_rows(part, level, unit, n, saved, true);
    return n_correct;
}

static void remove_each(const struct sm_evaluator_part *part, void *context) {
    const struct removal *removal = context;
    const size_t *offset = part->evaluator->graph.offset, *begin = removal->behind.begin;
    size_t n_levels = part->evaluator->graph.n_levels;
    size_t *n_correct = removal->n_correct + (size_t)part->thread * offset[n_levels];
    sm_evaluator_pass(part);
    size_t with_all = sm_evaluator_count_correct(part);
    for (size_t level = 0; level + 1 < n_levels; level++)
        for (size_t u = offset[level]; u < offset[level + 1]; u++)
            n_correct[u] += begin[u] < begin[u + 1] ? correct_without(part, removal, level, u) : with_all;
}

static int removal_init(struct removal *removal, const struct sm_evaluator *e, struct sm_error *err) {
    size_t n_threads = (size_t)e->n_threads;
    *removal = (struct removal){.n_correct = NULL};
    if (behind_init(&removal->behind, e, err) != 0) return -1;
    removal->saved = sm_aligned_zeros(n_threads * removal->behind.longest * e->batch * sizeof(float));
    removal->n_correct = calloc(n_threads * sm_graph_n_units(&e->graph), sizeof *removal->n_correct);
    return removal->saved && removal->n_correct ? 0 : sm_fail(err, "%s: out of memory", e->run->path);
}

static void removal_destroy(struct removal *removal) {
    behind_destroy(&removal->behind);
    free(removal->saved);
    free(removal->n_correct);
}

static int evaluate_each_unit(struct sm_evaluator *e, double *accuracy, struct sm_error *err) {
    struct removal removal;
    size_t n_units = sm_graph_n_units(&e->graph), first_output = e->graph.offset[e->graph.n_levels - 1];
    int status = removal_init(&removal, e, err);
    if (status == 0) sm_evaluator_each_batch(e, remove_each, &removal);
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

/* ---- activations ---- */

/* Number, mean, sum of squared deviations; images above 0. */
struct moments {
    double n, mean, squares;
    size_t active;
};

static struct moments moments_of(const float *value, size_t n) {
    struct moments m = {.n = (double)n};
    for (size_t b = 0; b < n; b++) {
        m.mean += value[b] / (double)n;
        m.active += value[b] > 0;
    }
    for (size_t b = 0; b < n; b++) m.squares += (value[b] - m.mean) * (value[b] - m.mean);
    return m;
}

/* Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances". */
static struct moments moments_join(struct moments a, struct moments b) {
    double n = a.n + b.n, difference = b.mean - a.mean;
    return (struct moments){.n = n,
                            .mean = a.mean + difference * b.n / n,
                            .squares = a.squares + b.squares + difference * difference * a.n * b.n / n,
                            .active = a.active + b.active};
}

/* context: moments [n_batches][n_units] */
static void measure(const struct sm_evaluator_part *part, void *context) {
    const struct sm_graph *graph = &part->evaluator->graph;
    struct moments *moments = (struct moments *)context + part->index * sm_graph_n_units(graph);
    sm_evaluator_pass(part);
    for (size_t level = 0; level < graph->n_levels; level++)
        for (size_t u = graph->offset[level]; u < graph->offset[level + 1]; u++)
            moments[u] = moments_of(unit_row(part, level, u), part->n);
}

int sm_evaluator_activations(struct sm_evaluator *e, const struct sm_activations *activations, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(&e->graph);
    struct moments *moments = calloc(e->n_batches * n_units, sizeof *moments);
    if (!moments) return sm_fail(err, "%s: out of memory", e->run->path);
    sm_evaluator_each_batch(e, measure, moments);
    for (size_t u = 0; u < n_units; u++) {
        struct moments all = moments[u];
        for (size_t b = 1; b < e->n_batches; b++) all = moments_join(all, moments[b * n_units + u]);
        activations->mean[u] = all.mean;
        activations->sd[u] = sqrt(all.squares / all.n);
        activations->active[u] = (double)all.active / all.n;
    }
    free(moments);
    return 0;
}
