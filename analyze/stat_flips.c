/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flips.tsv: what changes from one record to the next. */
#include "analyze/stat.h"

#include <stdlib.h>

#include "analyze/counts.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"from_step", "optimizer step of the record before"},
    {"to_step", "optimizer step of the record"},
    {"weights", "weights of the layer"},
    {"flips", "weights whose mask differs between the two records"},
    {"flip_rate", "flips / weights"},
    {"keep_keep", "weights that were kept at from_step and are kept at to_step"},
    {"keep_hide", "kept, then hidden"},
    {"keep_invert", "kept, then inverted"},
    {"hide_keep", "hidden, then kept"},
    {"hide_hide", "hidden, then hidden"},
    {"hide_invert", "hidden, then inverted"},
    {"invert_keep", "inverted, then kept"},
    {"invert_hide", "inverted, then hidden"},
    {"invert_invert", "inverted, then inverted"},
    {"distance_to_initial", "share of weights whose mask at to_step differs from the run's first record"},
    {"distance_to_final", "share of weights whose mask at to_step differs from the run's last record"},
    {"jaccard_to_final",
     "weights not hidden at to_step and at the last record / not hidden at one of them or both; nan "
     "where all are hidden at both"},
};

struct changes {
    size_t weights;
    size_t transition[3][3]; /* [from][to], each in the order keep, hide, invert */
    size_t from_initial, from_final;
    size_t both, either; /* not hidden at this record and the last one */
};

static struct changes compare(const int8_t *previous, const int8_t *mask, const int8_t *initial, const int8_t *final,
                              size_t n) {
    struct changes changes = {.weights = n};
    for (size_t i = 0; i < n; i++) {
        changes.transition[1 - previous[i]][1 - mask[i]]++;
        changes.from_initial += mask[i] != initial[i];
        changes.from_final += mask[i] != final[i];
        changes.both += mask[i] != 0 && final[i] != 0;
        changes.either += mask[i] != 0 || final[i] != 0;
    }
    return changes;
}

static void add(struct changes *sum, const struct changes *changes) {
    sum->weights += changes->weights;
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) sum->transition[from][to] += changes->transition[from][to];
    sum->from_initial += changes->from_initial;
    sum->from_final += changes->from_final;
    sum->both += changes->both;
    sum->either += changes->either;
}

static void write_row(struct sm_table *table, const struct sm_step *step, const char *layer,
                      const struct changes *changes) {
    size_t unchanged = changes->transition[0][0] + changes->transition[1][1] + changes->transition[2][2];
    size_t n = changes->weights;
    sm_table_text(table, step->run->name);
    sm_table_text(table, layer);
    sm_table_int(table, step->run->step[step->record - 1]);
    sm_table_int(table, step->run->step[step->record]);
    sm_table_int(table, (int64_t)n);
    sm_table_int(table, (int64_t)(n - unchanged));
    sm_table_real(table, sm_share(n - unchanged, n));
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) sm_table_int(table, (int64_t)changes->transition[from][to]);
    sm_table_real(table, sm_share(changes->from_initial, n));
    sm_table_real(table, sm_share(changes->from_final, n));
    sm_table_real(table, sm_share(changes->both, changes->either));
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)state;
    if (!step->previous) return 0;
    const struct sm_network *net = &step->run->net;
    struct changes *changes = calloc(net->n_layers, sizeof *changes), all = {0};
    if (!changes) return sm_fail(err, "%s: flips: out of memory", step->run->path);
#pragma omp parallel for schedule(dynamic)
    for (size_t l = 0; l < net->n_layers; l++)
        changes[l] = compare(step->previous[l], step->mask[l], step->initial[l], step->final[l],
                             sm_layer_weights(&net->layers[l]));
    for (size_t l = 0; l < net->n_layers; l++) {
        write_row(table, step, net->layers[l].name, &changes[l]);
        add(&all, &changes[l]);
    }
    write_row(table, step, SM_ALL_LAYERS, &all);
    free(changes);
    return 0;
}

const struct sm_statistic sm_stat_flips = {
    .name = "flips",
    .help = "flip rate and the nine transition counts from each record to the next",
    .about = "Weights whose mask changes from one record to the next, by kind of change, and how far the mask is from\n"
             "the run's first and last record. A weight that changes and changes back between two records is not seen.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .record = record,
};
