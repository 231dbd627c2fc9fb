/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_criterion.c - data/criterion-plane.tsv: weights before and after training with what the last mask does to
 * them, for each group's first run in rounds. */
#include <stdlib.h>

#include <supermask/rng.h>

#include "analyze/figure_data.h"

enum { MOST_OF_A_KIND = 1000 }; /* hidden, and as many remaining: so that few that remain are seen among many */

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer"},
    {"initial_weight", "weight before training"},
    {"final_weight", "weight at the end of training"},
    {"mask", "what the last record's mask does to it: 1 keep, 0 hide, -1 invert"},
    {"remaining", "share of the layer's weights that are not hidden"},
};

static bool has_plane(const struct sm_run *run) {
    return run->in_rounds && run->trains_weights && run->has_final;
}

static bool has_group(const struct sm_figure_context *context, size_t group) {
    return has_plane(&context->analysis->runs[context->groups->first[group]]);
}

static const char *lacks(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_group(context, g)) return NULL;
    return "no group's first run works in rounds and holds its trained weights";
}

/* One layer in memory. */
struct plane {
    const struct sm_run *run;
    size_t layer, n;
    float *initial, *final; /* [n] */
    int8_t *mask;           /* [n] */
};

static int plane_read(struct plane *plane, struct sm_error *err) {
    plane->n = sm_layer_weights(&plane->run->net.layers[plane->layer]);
    plane->initial = malloc(plane->n * sizeof *plane->initial);
    plane->final = malloc(plane->n * sizeof *plane->final);
    plane->mask = malloc(plane->n);
    if (!plane->initial || !plane->final || !plane->mask) return sm_fail(err, "figure criterion-plane: out of memory");
    if (sm_run_read_values(plane->run, plane->layer, SM_INITIAL_WEIGHTS, plane->initial, err) != 0) return -1;
    if (sm_run_read_values(plane->run, plane->layer, SM_FINAL_WEIGHTS, plane->final, err) != 0) return -1;
    return sm_run_read_mask(plane->run, plane->layer, plane->run->n_records - 1, plane->mask, err);
}

static void plane_destroy(struct plane *plane) {
    free(plane->initial);
    free(plane->final);
    free(plane->mask);
}

static void write_point(struct sm_table *table, const struct plane *plane, size_t i, double remaining) {
    sm_table_text(table, plane->run->name);
    sm_table_text(table, plane->run->net.layers[plane->layer].name);
    sm_table_real(table, plane->initial[i]);
    sm_table_real(table, plane->final[i]);
    sm_table_int(table, plane->mask[i]);
    sm_table_real(table, remaining);
}

/* Every sample of MOST_OF_A_KIND of a kind is equally likely (Knuth, The Art of Computer Programming 2, 3.4.2,
 * algorithm S): of those that are left, each is taken with probability wanted / left. */
static void write_sample(struct sm_table *table, const struct plane *plane, const struct sm_rng *rng) {
    size_t left[2] = {0}, wanted[2];
    for (size_t i = 0; i < plane->n; i++) left[plane->mask[i] != 0]++;
    const double remaining = (double)left[1] / (double)plane->n;
    for (size_t kind = 0; kind < 2; kind++) wanted[kind] = left[kind] < MOST_OF_A_KIND ? left[kind] : MOST_OF_A_KIND;
    for (size_t i = 0; i < plane->n; i++) {
        const size_t kind = plane->mask[i] != 0;
        if (sm_rng_below(rng, i, left[kind]--) >= wanted[kind]) continue;
        wanted[kind]--;
        write_point(table, plane, i, remaining);
    }
}

static int write_run(struct sm_table *table, const struct sm_run *run, uint64_t seed, struct sm_error *err) {
    int status = 0;
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) {
        struct plane plane = {.run = run, .layer = l};
        const struct sm_rng rng = sm_rng_make(seed, SM_RNG_SAMPLE, (uint32_t)l);
        status = plane_read(&plane, err);
        if (status == 0) write_sample(table, &plane, &rng);
        plane_destroy(&plane);
    }
    return status;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    const struct sm_analysis *analysis = context->analysis;
    struct sm_table *table;
    if (sm_table_open(&table, context->directory, "criterion-plane",
                      "Weights before and after training: at most 1000 that remain and 1000 hidden ones of each layer, "
                      "drawn at random.",
                      NULL, columns, sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t g = 0; g < context->groups->n_groups; g++) {
        const struct sm_run *run = &analysis->runs[context->groups->first[g]];
        if (!has_plane(run) || write_run(table, run, analysis->options->seed, err) == 0) continue;
        sm_table_abandon(table);
        return -1;
    }
    return sm_table_close(table, err);
}

const struct sm_figure_data sm_figure_data_criterion = {"criterion-plane", lacks, write, has_group};
