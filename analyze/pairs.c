/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/pairs.h"

#include <stdint.h>
#include <stdlib.h>

#include "analyze/moments.h"

/* ---- choosing ---- */

static void choose(struct sm_pairs *pairs, size_t i, size_t j) {
    size_t a = i < j ? i : j, b = i < j ? j : i;
    pairs->chosen[a * pairs->analysis->n_runs + b] = true;
    pairs->n_chosen++;
}

/* Runs of a group. */
struct members {
    const size_t *run;
    size_t n;
};

static void choose_within(struct sm_pairs *pairs, struct members group) {
    for (size_t i = 0; i < group.n; i++)
        for (size_t j = i + 1; j < group.n; j++) choose(pairs, group.run[i], group.run[j]);
}

static void choose_between(struct sm_pairs *pairs, struct members first, struct members second) {
    const struct sm_run *runs = pairs->analysis->runs;
    size_t most = pairs->analysis->options->n_pairs, n[2] = {0};
    for (size_t shift = 0; shift < second.n; shift++)
        for (size_t k = 0; k < first.n; k++) {
            size_t i = first.run[k], j = second.run[(k + shift) % second.n];
            bool same_seed = runs[i].weight_seed == runs[j].weight_seed;
            if (most == 0 || n[same_seed]++ < most)
                choose(pairs, i, j);
            else
                pairs->n_left_out++;
        }
}

static struct members members_of(const struct sm_seed_groups *groups, const size_t *run, const size_t *start,
                                 size_t g) {
    return (struct members){run + start[g], groups->size[g]};
}

static void choose_all(struct sm_pairs *pairs, const size_t *run, const size_t *start) {
    const struct sm_seed_groups *groups = &pairs->groups;
    for (size_t g = 0; g < groups->n_groups; g++) {
        choose_within(pairs, members_of(groups, run, start, g));
        for (size_t h = g + 1; h < groups->n_groups; h++)
            if (sm_runs_comparable(&pairs->analysis->runs[groups->first[g]], &pairs->analysis->runs[groups->first[h]]))
                choose_between(pairs, members_of(groups, run, start, g), members_of(groups, run, start, h));
    }
}

/* run [n_runs]: group by group; start [n_groups + 1]: where a group begins. */
static void sort_runs(const struct sm_pairs *pairs, size_t *run, size_t *start) {
    const struct sm_seed_groups *groups = &pairs->groups;
    for (size_t g = 0, n = 0; g < groups->n_groups; g++) {
        start[g] = n;
        for (size_t i = 0; i < pairs->analysis->n_runs; i++)
            if (groups->group[i] == g) run[n++] = i;
    }
}

int sm_pairs_init(struct sm_pairs *pairs, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t n = analysis->n_runs;
    *pairs = (struct sm_pairs){.analysis = analysis, .chosen = calloc(n * n + 1, sizeof *pairs->chosen)};
    if (sm_seed_groups_init(&pairs->groups, analysis, err) != 0) return -1;
    size_t *run = calloc(n + 1, sizeof *run), *start = calloc(n + 1, sizeof *start);
    bool whole = pairs->chosen && run && start;
    if (whole) {
        sort_runs(pairs, run, start);
        choose_all(pairs, run, start);
    }
    free(run);
    free(start);
    return whole ? 0 : sm_fail(err, "out of memory for the pairs of %zu runs", n);
}

void sm_pairs_destroy(struct sm_pairs *pairs) {
    sm_seed_groups_destroy(&pairs->groups);
    free(pairs->chosen);
    *pairs = (struct sm_pairs){0};
}

bool sm_pairs_has(const struct sm_pairs *pairs, size_t a, size_t b) {
    return pairs->chosen[a * pairs->analysis->n_runs + b];
}

/* ---- masks ---- */

bool sm_pairs_compares(const struct sm_pairs *pairs, const struct sm_moment *a, const struct sm_moment *b) {
    const size_t *group = pairs->groups.group;
    if (group[a->run_index] == group[b->run_index]) return true;
    const struct sm_moment *whole = sm_moment_hides_nothing(a) ? a : sm_moment_hides_nothing(b) ? b : NULL;
    if (whole)
        sm_note(pairs->analysis->notes, "%s hides no weight, so that it was not compared with runs of other groups",
                whole->run->name);
    return !whole;
}
