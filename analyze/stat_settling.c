/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settling.tsv: when weights change for the last time. */
#include "analyze/stat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"step", "optimizer step of a record"},
    {"settled", "share of weights whose last change is at or before that record"},
    {"record", "number of the record, from 0: of a method in rounds the round, where several may share a step"},
};

/* Of the run whose records are being walked. */
struct settling {
    int32_t *last_change; /* [weights of the network] record that first shows the mask's last change so far; 0: none */
};

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t most = 0;
    for (size_t i = 0; i < analysis->n_runs; i++) {
        const struct sm_run *run = &analysis->runs[i];
        if (run->n_records > INT32_MAX) return sm_fail(err, "%s: settling: too many records", run->path);
        if (sm_network_weights(&run->net) > most) most = sm_network_weights(&run->net);
    }
    struct settling *settling = calloc(1, sizeof *settling);
    if (settling) settling->last_change = malloc(most * sizeof *settling->last_change);
    *state = settling;
    return settling && settling->last_change ? 0 : sm_fail(err, "settling: out of memory for %zu weights", most);
}

static void release(void *state) {
    struct settling *settling = state;
    free(settling->last_change);
    free(settling);
}

static void follow(struct settling *settling, const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    int32_t *last = settling->last_change;
    if (!step->previous) memset(last, 0, sm_network_weights(net) * sizeof *last);
    for (size_t l = 0; step->previous && l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        const int8_t *mask = step->mask[l], *previous = step->previous[l];
        for (size_t i = 0; i < n; i++) last[i] = mask[i] != previous[i] ? (int32_t)step->record : last[i];
        last += n;
    }
}

static void write_rows(struct sm_table *table, const struct sm_run *run, const char *layer, const size_t *n_changed,
                       size_t n) {
    size_t settled = 0;
    for (size_t r = 0; r < run->n_records; r++) {
        settled += n_changed[r];
        sm_table_text(table, run->name);
        sm_table_text(table, layer);
        sm_table_int(table, run->step[r]);
        sm_table_real(table, sm_share(settled, n));
        sm_table_int(table, (int64_t)r);
    }
    assert(settled == n);
}

/* n_changed[r]: weights of the layer whose last change shows at record r. */
static int write_run(const struct settling *settling, const struct sm_run *run, struct sm_table *table,
                     struct sm_error *err) {
    size_t *n_changed = calloc(run->n_records, sizeof *n_changed), *all = calloc(run->n_records, sizeof *all);
    int status = n_changed && all ? 0 : sm_fail(err, "%s: settling: out of memory", run->path);
    const int32_t *last = settling->last_change;
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        memset(n_changed, 0, run->n_records * sizeof *n_changed);
        for (size_t i = 0; i < n; i++) n_changed[last[i]]++;
        for (size_t r = 0; r < run->n_records; r++) all[r] += n_changed[r];
        write_rows(table, run, run->net.layers[l].name, n_changed, n);
        last += n;
    }
    if (status == 0) write_rows(table, run, SM_ALL_LAYERS, all, sm_network_weights(&run->net));
    free(n_changed);
    free(all);
    return status;
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    follow(state, step);
    if (step->record + 1 < step->run->n_records) return 0;
    return write_run(state, step->run, table, err);
}

const struct sm_statistic sm_stat_settling = {
    .name = "settling",
    .help = "share of weights that have changed for the last time, over the steps",
    .about =
        "Share of weights whose mask changes for the last time at or before a record; a weight that never changes\n"
        "is settled at the first record. The share is 1 at the last record by definition: what would have changed\n"
        "later is not known.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_TIME,
    .open = open,
    .record = record,
    .free = release,
};
