/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/coincide.h"

#include <stdlib.h>
#include <string.h>

int sm_coincide_scratch_init(struct sm_coincide_scratch *scratch, const struct sm_ternary *like, struct sm_error *err) {
    size_t fan_in = 1;
    for (size_t l = 0; l < like->n_layers; l++)
        if (like->layers[l].n_columns > fan_in) fan_in = like->layers[l].n_columns;
    scratch->marker = calloc(fan_in, 1);
    scratch->column_of = malloc(fan_in * sizeof *scratch->column_of);
    return scratch->marker && scratch->column_of ? 0 : sm_fail(err, "out of memory for a fan-in of %zu", fan_in);
}

void sm_coincide_scratch_destroy(struct sm_coincide_scratch *scratch) {
    free(scratch->marker);
    free(scratch->column_of);
    *scratch = (struct sm_coincide_scratch){0};
}

static void mark_row(int8_t *marker, const struct sm_ternary_layer *layer, size_t row, bool set) {
    for (size_t e = layer->start[row]; e < layer->start[row + 1]; e++)
        marker[layer->column[e]] = set ? layer->sign[e] : 0;
}

static void count_signs(const struct sm_ternary_layer *layer, size_t *negative, size_t *positive) {
    *negative = 0;
    for (size_t e = 0; e < layer->n_entries; e++) *negative += layer->sign[e] < 0;
    *positive = layer->n_entries - *negative;
}

/* The corners are counted; what is hidden in one or both follows from the sums of rows and columns. */
static void fill_hidden(struct sm_joint *joint, const struct sm_ternary_layer *a, const struct sm_ternary_layer *b) {
    size_t(*t)[3] = joint->table, sum_a[3] = {0}, sum_b[3] = {0};
    count_signs(a, &sum_a[0], &sum_a[2]);
    count_signs(b, &sum_b[0], &sum_b[2]);
    for (size_t i = 0; i < 3; i += 2) {
        t[i][1] = sum_a[i] - t[i][0] - t[i][2];
        t[1][i] = sum_b[i] - t[0][i] - t[2][i];
    }
    t[1][1] = a->n_rows * a->n_columns - sm_joint_both(joint) - t[0][1] - t[2][1] - t[1][0] - t[1][2];
}

static void coincide_layer(struct sm_joint *joint, const struct sm_ternary_layer *a, const struct sm_ternary_layer *b,
                           const uint32_t *row_of, const uint32_t *column_of, int8_t *marker) {
    *joint = (struct sm_joint){0};
    for (size_t r = 0; r < a->n_rows; r++) {
        size_t partner = row_of ? row_of[r] : r;
        if (a->start[r] == a->start[r + 1] || b->start[partner] == b->start[partner + 1]) continue;
        mark_row(marker, b, partner, true);
        for (size_t e = a->start[r]; e < a->start[r + 1]; e++)
            joint->table[a->sign[e] + 1][marker[column_of ? column_of[a->column[e]] : a->column[e]] + 1]++;
        mark_row(marker, b, partner, false);
    }
    fill_hidden(joint, a, b);
}

void sm_coincide(struct sm_joint *joint, const struct sm_graph *graph, const struct sm_ternary *a,
                 const struct sm_ternary *b, const struct sm_alignment *alignment,
                 struct sm_coincide_scratch *scratch) {
    struct sm_joint *all = &joint[a->n_layers];
    *all = (struct sm_joint){0};
    for (size_t l = 0; l < a->n_layers; l++) {
        if (alignment) sm_alignment_columns(alignment, graph, l, scratch->column_of);
        coincide_layer(&joint[l], &a->layers[l], &b->layers[l],
                       alignment ? alignment->partner + alignment->offset[l + 1] : NULL,
                       alignment ? scratch->column_of : NULL, scratch->marker);
        for (size_t i = 0; i < 9; i++) all->table[i / 3][i % 3] += joint[l].table[i / 3][i % 3];
    }
}
