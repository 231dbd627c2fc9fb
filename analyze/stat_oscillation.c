/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oscillation.tsv: how often weights change, and which of them come back.
 *
 * Memory: four bytes for each weight of the largest network, whatever the number of records. */
#include "analyze/stat.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"changes", "number of changes, from 0 to the most that a weight of the layer made"},
    {"weights", "weights whose mask changed exactly that often from one record to the next"},
    {"share", "weights / weights of the layer"},
    {"reentered", "of these, weights that were not hidden, then hidden, then again not hidden at least once"},
    {"remaining", "of these, weights that are not hidden at the last record"},
};

/* A weight's history in one number: LEFT and REENTERED, and CHANGE for each change. */
enum { LEFT = 1, REENTERED = 2, CHANGE = 4 };

/* Of the run whose records are being walked. */
struct oscillation {
    uint32_t *history; /* [weights of the network] */
};

/* Weights with the same number of changes. */
struct bin {
    size_t weights, reentered, remaining;
};

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t most = 0;
    for (size_t i = 0; i < analysis->n_runs; i++) {
        const struct sm_run *run = &analysis->runs[i];
        if (run->n_records > UINT32_MAX / CHANGE) return sm_fail(err, "%s: oscillation: too many records", run->path);
        if (sm_network_weights(&run->net) > most) most = sm_network_weights(&run->net);
    }
    struct oscillation *oscillation = calloc(1, sizeof *oscillation);
    if (oscillation) oscillation->history = malloc(most * sizeof *oscillation->history);
    *state = oscillation;
    return oscillation && oscillation->history ? 0 : sm_fail(err, "oscillation: out of memory for %zu weights", most);
}

static void release(void *state) {
    struct oscillation *oscillation = state;
    free(oscillation->history);
    free(oscillation);
}

static uint32_t change(uint32_t history, int8_t from, int8_t to) {
    if (from == to) return history;
    if (to == 0) history |= LEFT; /* it was not hidden, or nothing would have changed */
    if (from == 0 && history & LEFT) history |= REENTERED;
    return history + CHANGE;
}

static void follow_layer(uint32_t *history, const int8_t *previous, const int8_t *mask, size_t n) {
    enum { STRIDE = 8 }; /* most stretches of a mask do not change at all */
    size_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE) {
        if (memcmp(previous + i, mask + i, STRIDE) == 0) continue;
        for (size_t k = i; k < i + STRIDE; k++) history[k] = change(history[k], previous[k], mask[k]);
    }
    for (; i < n; i++) history[i] = change(history[i], previous[i], mask[i]);
}

static void follow(struct oscillation *oscillation, const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    uint32_t *history = oscillation->history;
    if (!step->previous) memset(history, 0, sm_network_weights(net) * sizeof *history);
    for (size_t l = 0; step->previous && l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        follow_layer(history, step->previous[l], step->mask[l], n);
        history += n;
    }
}

static void sort_into_bins(struct bin *bin, const uint32_t *history, const int8_t *final, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct bin *own = &bin[history[i] / CHANGE];
        own->weights++;
        own->reentered += (history[i] & REENTERED) != 0;
        own->remaining += final[i] != 0;
    }
}

static void add_bins(struct bin *sum, const struct bin *bin, size_t n_bins) {
    for (size_t k = 0; k < n_bins; k++) {
        sum[k].weights += bin[k].weights;
        sum[k].reentered += bin[k].reentered;
        sum[k].remaining += bin[k].remaining;
    }
}

static void write_rows(struct sm_table *table, const struct sm_run *run, const char *layer, const struct bin *bin,
                       size_t n) {
    for (size_t changes = 0, seen = 0; seen < n; changes++) {
        seen += bin[changes].weights;
        sm_table_text(table, run->name);
        sm_table_text(table, layer);
        sm_table_int(table, (int64_t)changes);
        sm_table_int(table, (int64_t)bin[changes].weights);
        sm_table_real(table, sm_share(bin[changes].weights, n));
        sm_table_int(table, (int64_t)bin[changes].reentered);
        sm_table_int(table, (int64_t)bin[changes].remaining);
    }
}

static int write_run(const struct oscillation *oscillation, const struct sm_step *step, struct sm_table *table,
                     struct sm_error *err) {
    const struct sm_run *run = step->run;
    size_t n_bins = run->n_records; /* 0 .. n_records - 1 changes */
    struct bin *bin = calloc(n_bins, sizeof *bin), *all = calloc(n_bins, sizeof *all);
    int status = bin && all ? 0 : sm_fail(err, "%s: oscillation: out of memory", run->path);
    const uint32_t *history = oscillation->history;
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        memset(bin, 0, n_bins * sizeof *bin);
        sort_into_bins(bin, history, step->final[l], n);
        add_bins(all, bin, n_bins);
        write_rows(table, run, run->net.layers[l].name, bin, n);
        history += n;
    }
    if (status == 0) write_rows(table, run, SM_ALL_LAYERS, all, sm_network_weights(&run->net));
    free(bin);
    free(all);
    return status;
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    follow(state, step);
    return step->record + 1 < step->run->n_records ? 0 : write_run(state, step, table, err);
}

const struct sm_statistic sm_stat_oscillation = {
    .name = "oscillation",
    .help = "how often weights change state, and how many of them leave and come back",
    .about = "How many weights change their mask (keep, hide, invert) exactly so often from one record to the next. A\n"
             "weight that is hidden and comes back has re-entered, with the same sign or the other; one that is "
             "hidden at\n"
             "first and then appears once has not. What changes and changes back between two records is not seen, so\n"
             "the counts of runs compare only where records are equally far apart.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_TIME,
    .open = open,
    .record = record,
    .free = release,
};
