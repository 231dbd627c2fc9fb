/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flips.tsv: what changes from one record to the next. */
#include "analyze/stat.h"

#include <stdlib.h>

#include "analyze/bits.h"
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
    {"to_epoch", "epoch of the record"},
    {"to_record", "its number, from 1: of a method in rounds the round, where several may share a step"},
};

struct changes {
    size_t transition[3][3]; /* [from][to], each in the order keep, hide, invert */
    struct sm_likeness to_initial, to_final;
};

enum { BLOCK = 64 }; /* words of each of the four masks at a time */

static struct changes compare(const int8_t *previous, const int8_t *mask, const int8_t *initial, const int8_t *final,
                              size_t n) {
    enum { ENTRIES = BLOCK * SM_BITS_ENTRIES };
    struct changes changes = {0};
    struct sm_bits before[BLOCK], here[BLOCK], there[BLOCK];
    for (size_t i = 0; i < n; i += ENTRIES) {
        size_t m = n - i < ENTRIES ? n - i : ENTRIES;
        sm_bits_pack(before, previous + i, m);
        sm_bits_pack(here, mask + i, m);
        sm_bits_transitions(changes.transition, before, here, m);
        sm_bits_pack(there, initial + i, m);
        const struct sm_likeness to_initial = sm_bits_compare(here, there, m);
        sm_bits_pack(there, final + i, m);
        const struct sm_likeness to_final = sm_bits_compare(here, there, m);
        sm_likeness_add(&changes.to_initial, &to_initial);
        sm_likeness_add(&changes.to_final, &to_final);
    }
    return changes;
}

static void add(struct changes *sum, const struct changes *changes) {
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) sum->transition[from][to] += changes->transition[from][to];
    sm_likeness_add(&sum->to_initial, &changes->to_initial);
    sm_likeness_add(&sum->to_final, &changes->to_final);
}

static void write_row(struct sm_table *table, const struct sm_step *step, const char *layer,
                      const struct changes *changes) {
    size_t unchanged = changes->transition[0][0] + changes->transition[1][1] + changes->transition[2][2];
    size_t n = changes->to_final.n;
    sm_table_text(table, step->run->name);
    sm_table_text(table, layer);
    sm_table_int(table, step->run->step[step->record - 1]);
    sm_table_int(table, step->run->step[step->record]);
    sm_table_int(table, (int64_t)n);
    sm_table_int(table, (int64_t)(n - unchanged));
    sm_table_real(table, sm_share(n - unchanged, n));
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++) sm_table_int(table, (int64_t)changes->transition[from][to]);
    sm_table_real(table, sm_likeness_hamming(&changes->to_initial));
    sm_table_real(table, sm_likeness_hamming(&changes->to_final));
    sm_table_real(table, sm_likeness_jaccard(&changes->to_final));
    sm_table_real(table, step->run->epoch[step->record]);
    sm_table_int(table, (int64_t)step->record);
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)state;
    if (!step->previous) return 0;
    const struct sm_network *net = &step->run->net;
    struct changes *changes = calloc(net->n_layers, sizeof *changes), all = {0};
    if (!changes) return sm_fail(err, "%s: flips: out of memory", step->run->path);
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
    .of_draws = SM_DRAWS_IN_TIME,
    .record = record,
};
