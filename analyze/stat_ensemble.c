/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_ensemble.c - how many runs of a group keep the same weight, and the networks that keep what several runs keep.
 *
 * Pairs arrive as (first run of the group, j), for every other run j of the group, before another run comes first: one
 * group at a time is counted, and no mask stays in memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"
#include "analyze/ensemble.h"
#include "analyze/ensemble_null.h"
#include "analyze/evaluator.h"
#include "analyze/runs.h"
#include "analyze/seed_groups.h"

static const struct sm_column columns[] = {
    {"group", "runs whose recipes differ in nothing but seeds: the recipe's name"},
    {"runs", "R: runs of the group"},
    {"layer", "layer, or all: the whole network"},
    {"alignment", "raw: units as they stand; aligned: hidden units of each run matched to the first run's, by weights"},
    {"times", "0 .. R"},
    {"weights", "weights that are non-hidden in exactly `times` of the runs"},
    {"expected", "the same for independent masks with the densities of the runs"},
    {"at_least", "weights that are non-hidden in at least `times` of the runs"},
    {"accuracy",
     "test accuracy of the first run's network with these weights; nan but for all, times >= 1, and without data"},
    {"first_accuracy", "test accuracy of the first run as it is, to compare; nan as accuracy"},
    {"expected_degree",
     "weights, if each other run were a network of the same degrees (5 draws), matched alike where aligned"},
};

enum { RAW, ALIGNED, N_ALIGNMENTS };
static const char *const alignment_names[N_ALIGNMENTS] = {"raw", "aligned"};

struct state {
    const struct sm_analysis *analysis;
    struct sm_seed_groups groups;
    bool at_work;          /* a group is being counted: */
    struct sm_graph graph; /* of its first run */
    struct sm_ensemble ensemble[N_ALIGNMENTS];
    struct sm_ensemble_null null;
};

/* ---- one group after the other ---- */

static void end_group(struct state *state) {
    for (size_t k = 0; k < N_ALIGNMENTS; k++) sm_ensemble_destroy(&state->ensemble[k]);
    sm_ensemble_null_destroy(&state->null);
    sm_graph_destroy(&state->graph);
    state->at_work = false;
}

static int begin_group(struct state *state, const struct sm_moment *first, size_t n_runs, struct sm_error *err) {
    state->at_work = true;
    int status = sm_graph_init(&state->graph, &first->run->net, err);
    for (size_t k = 0; k < N_ALIGNMENTS && status == 0; k++) {
        status = sm_ensemble_init(&state->ensemble[k], &first->run->net, n_runs, err);
        if (status == 0) status = sm_ensemble_add(&state->ensemble[k], first, &state->graph, NULL, err);
    }
    return status == 0 ? sm_ensemble_null_init(&state->null, first, err) : -1;
}

static int add_run(struct state *state, const struct sm_pair *pair, struct sm_error *err) {
    const struct sm_alignment *alignment = sm_pair_alignment(pair, SM_COMPARE_WEIGHT, err);
    if (!alignment || sm_ensemble_add(&state->ensemble[RAW], pair->b, &state->graph, NULL, err) != 0) return -1;
    if (sm_ensemble_add(&state->ensemble[ALIGNED], pair->b, &state->graph, alignment, err) != 0) return -1;
    return sm_ensemble_null_add(&state->null, pair, state->analysis->options, err);
}

/* ---- accuracies ---- */

/* Of one group; [n_runs + 1], 0 unused. NaN where not measured. */
struct accuracies {
    double first, *at_least[N_ALIGNMENTS];
};

static void accuracies_destroy(struct accuracies *accuracies) {
    for (size_t k = 0; k < N_ALIGNMENTS; k++) free(accuracies->at_least[k]);
}

static int accuracies_init(struct accuracies *accuracies, size_t n_runs, struct sm_error *err) {
    *accuracies = (struct accuracies){.first = NAN};
    for (size_t k = 0; k < N_ALIGNMENTS; k++) {
        accuracies->at_least[k] = calloc(n_runs + 1, sizeof(double));
        if (!accuracies->at_least[k]) return sm_fail(err, "ensemble: out of memory");
        for (size_t times = 0; times <= n_runs; times++) accuracies->at_least[k][times] = NAN;
    }
    return 0;
}

static int measure_masks(const struct state *state, struct accuracies *accuracies, struct sm_evaluator *evaluator,
                         const struct sm_moment *first, int8_t *const *mask, struct sm_error *err) {
    struct sm_score score;
    size_t n = 1;
    for (size_t k = 0; k < N_ALIGNMENTS; k++) n += state->ensemble[k].n_runs;
    sm_evaluator_announce(evaluator, "ensemble", n);
    if (sm_evaluator_score(evaluator, first->mask, first->weights, &score, err) != 0) return -1;
    accuracies->first = score.accuracy;
    for (size_t k = 0; k < N_ALIGNMENTS; k++)
        for (size_t times = 1; times <= state->ensemble[k].n_runs; times++) {
            sm_ensemble_mask(&state->ensemble[k], first, times, mask);
            if (sm_evaluator_score(evaluator, mask, first->weights, &score, err) != 0) return -1;
            accuracies->at_least[k][times] = score.accuracy;
        }
    return 0;
}

/* Without data, or for a network that cannot be evaluated, a note says why and the accuracies stay NaN. */
static int measure(const struct state *state, struct accuracies *accuracies, const struct sm_moment *first,
                   struct sm_error *err) {
    struct sm_notes *notes = state->analysis->notes;
    struct sm_evaluator *evaluator = NULL;
    struct sm_error reason = {{0}};
    if (first->run->trains_weights) {
        sm_note(notes, "ensemble: %s: no accuracies, as its weights were trained and not its mask", first->run->name);
        return 0;
    }
    if (sm_evaluator_open(&evaluator, state->analysis, first->run, &reason) != 0) {
        sm_note(notes, "ensemble: no accuracies: %s", reason.text);
        return 0;
    }
    int8_t **mask = sm_masks_new(&first->run->net);
    int status =
        mask ? measure_masks(state, accuracies, evaluator, first, mask, err) : sm_fail(err, "ensemble: out of memory");
    free(mask);
    sm_evaluator_close(evaluator);
    return status;
}

/* ---- rows ---- */

/* Of one layer or all of them; [n_runs + 1] each. */
struct counts {
    size_t *weights;
    double *expected, *degree;
};

/* Rows of one group and alignment. */
struct block {
    const char *group, *alignment;
    const struct sm_ensemble *ensemble;
    const struct sm_ensemble_null *null;
    bool aligned;
    const struct accuracies *accuracies;
    const double *accuracy; /* at_least[] of the alignment */
};

static void write_counts(struct sm_table *table, const struct block *block, const char *layer, bool all,
                         const struct counts *counts) {
    size_t n_runs = block->ensemble->n_runs, at_least = 0;
    for (size_t times = 0; times <= n_runs; times++) at_least += counts->weights[times];
    for (size_t times = 0; times <= n_runs; times++) {
        bool measured = all && times >= 1;
        sm_table_text(table, block->group);
        sm_table_int(table, (int64_t)n_runs);
        sm_table_text(table, layer);
        sm_table_text(table, block->alignment);
        sm_table_int(table, (int64_t)times);
        sm_table_int(table, (int64_t)counts->weights[times]);
        sm_table_real(table, counts->expected[times]);
        sm_table_int(table, (int64_t)at_least);
        sm_table_real(table, measured ? block->accuracy[times] : NAN);
        sm_table_real(table, measured ? block->accuracies->first : NAN);
        sm_table_real(table, counts->degree[times]);
        at_least -= counts->weights[times];
    }
}

static void add_counts(struct counts *all, const struct counts *counts, size_t n) {
    for (size_t k = 0; k < n; k++) {
        all->weights[k] += counts->weights[k];
        all->expected[k] += counts->expected[k];
        all->degree[k] += counts->degree[k];
    }
}

static int write_block(struct sm_table *table, const struct block *block, const struct sm_network *net,
                       struct sm_error *err) {
    size_t n = block->ensemble->n_runs + 1;
    size_t *weights = calloc(2 * n, sizeof *weights);
    double *expected = calloc(5 * n, sizeof *expected);
    int status = weights && expected ? 0 : sm_fail(err, "ensemble: out of memory for %zu runs", n);
    struct counts layer = {weights, expected, expected + n};
    struct counts all = {weights + n, expected + 2 * n, expected + 3 * n};
    for (size_t l = 0; l < net->n_layers && status == 0; l++) {
        sm_ensemble_histogram(block->ensemble, l, layer.weights);
        sm_ensemble_expected(block->ensemble, l, expected + 4 * n, layer.expected);
        sm_ensemble_null_histogram(block->null, l, block->aligned, layer.degree);
        write_counts(table, block, net->layers[l].name, false, &layer);
        add_counts(&all, &layer, n);
    }
    if (status == 0) write_counts(table, block, SM_ALL_LAYERS, true, &all);
    free(weights);
    free(expected);
    return status;
}

static int write_group(const struct state *state, const char *group, const struct sm_moment *first,
                       struct sm_table *table, struct sm_error *err) {
    struct accuracies accuracies;
    int status = accuracies_init(&accuracies, state->ensemble[RAW].n_runs, err);
    if (status == 0) status = measure(state, &accuracies, first, err);
    for (size_t k = 0; k < N_ALIGNMENTS && status == 0; k++) {
        const struct block block = {group,        alignment_names[k], &state->ensemble[k],   &state->null,
                                    k == ALIGNED, &accuracies,        accuracies.at_least[k]};
        status = write_block(table, &block, &first->run->net, err);
    }
    accuracies_destroy(&accuracies);
    return status;
}

/* ---- hooks ---- */

static void note_lonely_runs(const struct state *state) {
    for (size_t g = 0; g < state->groups.n_groups; g++)
        if (state->groups.size[g] == 1)
            sm_note(state->analysis->notes, "ensemble: %s is left out: no other run differs from it in seeds only",
                    state->analysis->runs[state->groups.first[g]].name);
}

static int ensemble_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    struct state *new = calloc(1, sizeof *new);
    *state = new;
    if (!new) return sm_fail(err, "ensemble: out of memory");
    new->analysis = analysis;
    if (sm_seed_groups_init(&new->groups, analysis, err) != 0) return -1;
    note_lonely_runs(new);
    return 0;
}

static void ensemble_free(void *state) {
    struct state *ensemble = state;
    end_group(ensemble);
    sm_seed_groups_destroy(&ensemble->groups);
    free(ensemble);
}

static int ensemble_pair(void *data, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    struct state *state = data;
    const struct sm_seed_groups *groups = &state->groups;
    size_t group = groups->group[pair->a->run_index];
    if (groups->group[pair->b->run_index] != group || groups->first[group] != pair->a->run_index) return 0;
    if (!state->at_work && begin_group(state, pair->a, groups->size[group], err) != 0) return -1;
    if (add_run(state, pair, err) != 0) return -1;
    if (state->ensemble[RAW].n_runs < groups->size[group]) return 0;
    int status = write_group(state, groups->label[group], pair->a, table, err);
    end_group(state);
    return status;
}

const struct sm_statistic sm_stat_ensemble = {
    .name = "ensemble",
    .help = "how many seeds keep the same weight, against chance; accuracy of union, majority and intersection",
    .about =
        "In how many of the R runs of a group a weight is non-hidden, and the networks that follow from it. For\n"
        "alignment = aligned the hidden units of each run were re-ordered to match the group's first run (weight\n"
        "matching by effective weights, see the table matches), before counting.\n"
        "expected: were the masks drawn at random and independently, each with the density of its run and layer, the\n"
        "number of runs that keep a weight would be Poisson-binomial; all adds up layers. Aligned masks share more\n"
        "than that even when they are random, as the alignment looks for what they share: expected_degree is what the\n"
        "same procedure finds where every run but the first is exchanged for a random network in which each unit has\n"
        "as many incoming and outgoing weights (the degree null of `overlap`); mean over five draws.\n"
        "accuracy: the first run's network with its own initial |w|, whose mask keeps what is non-hidden in at least\n"
        "`times` runs: times = 1 is the union, more than R/2 a majority, R the intersection. Each weight has the sign\n"
        "that most of the runs' effective weights w g have there; where both signs are equally frequent it has that\n"
        "of the first run, and is hidden if the first run hides it.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = ensemble_open,
    .pair = ensemble_pair,
    .free = ensemble_free,
};
