/* SPDX-License-Identifier: GPL-3.0-or-later */
/* similarity.tsv: how alike the masks of two moments of a run are, for every two of up to 41 moments.
 *
 * Memory: the chosen records as bits, 41 * 2 / 8 bytes a weight (2.7 MB for 266,200 weights, 54 MB for 5.3 million),
 * of one run at a time, whatever the number of its records; and the counts of 861 pairs a layer. */
#include "analyze/stat.h"

#include <stdlib.h>

#include "analyze/bits.h"
#include "analyze/counts.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"from_step", "optimizer step of the earlier record"},
    {"to_step", "optimizer step of the later record, or the same"},
    {"from_epoch", "epoch of the earlier record"},
    {"to_epoch", "epoch of the later record"},
    {"jaccard", "weights not hidden at both records / not hidden at one of them or both; nan where all are hidden"},
    {"agreement", "share of weights with the same entry (of keep, hide, invert) at both records"},
    {"from_record",
     "number of the earlier record, from 0: of a method in rounds the round, where several may share a step"},
    {"to_record", "number of the later record"},
};

enum { MOST_RECORDS = 41 };

/* Of the run whose records are being walked. */
struct similarity {
    struct sm_bits *bits; /* [MOST_RECORDS][size of the largest network] chosen records, layers behind one another */
    size_t n_taken;
    size_t record[MOST_RECORDS]; /* [n_taken] which they are */
};

/* Words of a mask whose every layer begins with a word of its own. */
static size_t network_size(const struct sm_network *net) {
    size_t size = 0;
    for (size_t l = 0; l < net->n_layers; l++) size += sm_bits_size(sm_layer_weights(&net->layers[l]));
    return size;
}

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t most = 0;
    for (size_t i = 0; i < analysis->n_runs; i++) {
        size_t size = network_size(&analysis->runs[i].net);
        if (size > most) most = size;
    }
    struct similarity *similarity = calloc(1, sizeof *similarity);
    if (similarity) similarity->bits = malloc(MOST_RECORDS * most * sizeof *similarity->bits);
    *state = similarity;
    return similarity && similarity->bits ? 0 : sm_fail(err, "similarity: out of memory for %d masks", MOST_RECORDS);
}

static void release(void *state) {
    struct similarity *similarity = state;
    free(similarity->bits);
    free(similarity);
}

/* The k-th of the records that are compared: all, or MOST_RECORDS from first to last, spaced as evenly as they can be
 * (halves are rounded up). */
static size_t chosen(size_t k, size_t n_records) {
    if (n_records <= MOST_RECORDS) return k;
    return (2 * k * (n_records - 1) + MOST_RECORDS - 1) / (2 * (MOST_RECORDS - 1));
}

static void take(struct similarity *similarity, const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    struct sm_bits *bits = similarity->bits + similarity->n_taken * network_size(net);
    similarity->record[similarity->n_taken++] = step->record;
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        sm_bits_pack(bits, step->mask[l], n);
        bits += sm_bits_size(n);
    }
}

/* likeness: [n_layers + 1], of two taken records; the last is the whole network. */
static void compare(struct sm_likeness *likeness, const struct similarity *similarity, const struct sm_network *net,
                    size_t from, size_t to) {
    size_t size = network_size(net);
    const struct sm_bits *a = similarity->bits + from * size, *b = similarity->bits + to * size;
    struct sm_likeness all = {0};
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        likeness[l] = sm_bits_compare(a, b, n);
        sm_likeness_add(&all, &likeness[l]);
        a += sm_bits_size(n);
        b += sm_bits_size(n);
    }
    likeness[net->n_layers] = all;
}

static void write_row(struct sm_table *table, const struct sm_run *run, const char *layer, size_t from, size_t to,
                      const struct sm_likeness *likeness) {
    sm_table_text(table, run->name);
    sm_table_text(table, layer);
    sm_table_int(table, run->step[from]);
    sm_table_int(table, run->step[to]);
    sm_table_real(table, run->epoch[from]);
    sm_table_real(table, run->epoch[to]);
    sm_table_real(table, sm_likeness_jaccard(likeness));
    sm_table_real(table, sm_share(likeness->n - likeness->differ, likeness->n));
    sm_table_int(table, (int64_t)from);
    sm_table_int(table, (int64_t)to);
}

/* Pairs stand in the order (0, 0), (0, 1) .. (0, n - 1), (1, 1), ..: where those of `from` begin. */
static size_t first_pair(size_t from, size_t n) {
    return from * n - from * (from - 1) / 2;
}

static void write_layer(struct sm_table *table, const struct similarity *similarity, const struct sm_run *run, size_t l,
                        const struct sm_likeness *likeness) {
    size_t n = similarity->n_taken, n_layers = run->net.n_layers;
    const char *layer = l < n_layers ? run->net.layers[l].name : SM_ALL_LAYERS;
    for (size_t from = 0; from < n; from++)
        for (size_t to = from; to < n; to++)
            write_row(table, run, layer, similarity->record[from], similarity->record[to],
                      &likeness[(first_pair(from, n) + to - from) * (n_layers + 1) + l]);
}

static int write_run(const struct similarity *similarity, const struct sm_run *run, struct sm_table *table,
                     struct sm_error *err) {
    size_t n = similarity->n_taken, n_layers = run->net.n_layers;
    struct sm_likeness *likeness = calloc(first_pair(n, n) * (n_layers + 1), sizeof *likeness);
    if (!likeness) return sm_fail(err, "%s: similarity: out of memory", run->path);
#pragma omp parallel for schedule(dynamic)
    for (size_t from = 0; from < n; from++)
        for (size_t to = from; to < n; to++)
            compare(&likeness[(first_pair(from, n) + to - from) * (n_layers + 1)], similarity, &run->net, from, to);
    for (size_t l = 0; l <= n_layers; l++) write_layer(table, similarity, run, l, likeness);
    free(likeness);
    return 0;
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    struct similarity *similarity = state;
    size_t n_records = step->run->n_records;
    if (step->record == 0) similarity->n_taken = 0;
    if (step->record == chosen(similarity->n_taken, n_records)) take(similarity, step);
    return step->record + 1 < n_records ? 0 : write_run(similarity, step->run, table, err);
}

const struct sm_statistic sm_stat_similarity = {
    .name = "similarity",
    .help = "similarity of the masks of every two moments of a run",
    .about =
        "How alike the masks of two records of a run are, for every two of its records (at most 41 of them, evenly\n"
        "spaced, the first and the last among them) and for a record with itself. A block of similar records is a\n"
        "time in which the mask hardly moved. jaccard looks at where weights remain, whatever their sign; agreement\n"
        "at all three states, and is close to 1 wherever most weights are hidden.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_TIME,
    .open = open,
    .record = record,
    .free = release,
};
