/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rounds.tsv: what was measured in each round of the methods that train, prune and start again. */
#include "analyze/stat.h"

#include "analyze/counts.h"

/* F(field of struct sm_round, help), in the order of the table: one list for the columns and the cells. */
#define MEASURES(F)                                                                                                    \
    F(test_accuracy, "share, test set: what the round's network is reported with. lottery-ticket: trained_accuracy; "  \
                     "supermask-heuristic: untrained_accuracy")                                                        \
    F(untrained_accuracy, "share, test set: the network under the round's mask, before the round's training")          \
    F(untrained_loss, "its mean loss on the test set, nats")                                                           \
    F(trained_accuracy, "share, test set: the network after the round's training")                                     \
    F(trained_loss, "its mean loss on the test set, nats")                                                             \
    F(validation_loss, "the least mean loss on the validation samples during the round's training, nats")              \
    F(early_stop_step, "optimizer steps from the beginning of the round's training to validation_loss")                \
    F(early_stop_accuracy, "share, test set: the network at that step")

#define COLUMN(name, help) {#name, help},
static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"method", "training method"},
    {"recipe", "recipe's name"},
    {"round", "number of the round, and of its record: 0 is the whole network"},
    {"step", "optimizer step of the record, over all rounds"},
    {"epoch", "epoch of the record, over all rounds"},
    {"remaining", "share of the network's weights that the round's mask does not hide"},
    MEASURES(COLUMN)};

static double remaining(const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    size_t n_remaining = 0;
    for (size_t l = 0; l < net->n_layers; l++)
        n_remaining += sm_counts_remaining(sm_counts_of(step->mask[l], sm_layer_weights(&net->layers[l])));
    return sm_share(n_remaining, sm_network_weights(net));
}

#define WRITE(name, help) sm_table_real(table, row->name);
static void write_measures(struct sm_table *table, const struct sm_round *row) {
    MEASURES(WRITE)
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)state;
    (void)err;
    const struct sm_run *run = step->run;
    if (step->record >= run->n_rounds) return 0;
    sm_table_text(table, run->name);
    sm_table_text(table, run->method);
    sm_table_text(table, run->recipe_name);
    sm_table_int(table, (int64_t)step->record);
    sm_table_int(table, run->step[step->record]);
    sm_table_real(table, run->epoch[step->record]);
    sm_table_real(table, remaining(step));
    write_measures(table, &run->rounds[step->record]);
    return 0;
}

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)state;
    (void)err;
    size_t n_without = 0, last = 0;
    for (size_t i = 0; i < analysis->n_runs; i++) {
        if (analysis->runs[i].n_rounds > 0) continue;
        n_without++;
        last = i;
    }
    if (n_without == 1)
        sm_note(analysis->notes, "rounds: %s has no rounds and no row", analysis->runs[last].name);
    else if (n_without > 1)
        sm_note(analysis->notes, "rounds: %zu of the %zu runs have no rounds and no row", n_without, analysis->n_runs);
    return 0;
}

const struct sm_statistic sm_stat_rounds = {
    .name = "rounds",
    .help = "accuracy, loss and early stopping of each round of runs that train, prune and start again",
    .about =
        "One row for each finished round of runs that work in rounds: lottery-ticket (Frankle & Carbin 2019) trains,\n"
        "prunes and rewinds; supermask-heuristic (Zhou et al. 2019) trains, and masks the untrained network by a\n"
        "criterion. Round r is the network under the mask of record r. nan: not measured.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = open,
    .record = record,
};
