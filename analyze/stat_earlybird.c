/* SPDX-License-Identifier: GPL-3.0-or-later */
/* earlybird.tsv: when training could have stopped changing the mask (You et al. 2020). */
#include "analyze/stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/bits.h"
#include "analyze/counts.h"
#include "analyze/runs.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"distance", "hamming or jaccard: how the distance of two consecutive records is measured"},
    {"epsilon", "below this distance a mask counts as unchanged"},
    {"window", "so many distances in a row must be below epsilon"},
    {"epoch", "epoch of the early bird: the first record with which the last `window` distances are below epsilon; nan "
              "where there is none"},
    {"step", "its optimizer step; nan where there is none"},
    {"remaining", "share of weights that are not hidden at it"},
    {"jaccard_to_final", "weights not hidden at it and at the run's last record / not hidden at one of them or both"},
    {"test_accuracy", "of the whole network, share, last measured at or before the early bird's epoch; of a method in "
                      "rounds what that round is reported with; nan where not measured"},
    {"final_test_accuracy", "the same for the run's last record"},
    {"record", "number of the early bird's record, from 0: of a method in rounds the round; nan where there is none"},
};

static const double EPSILON = 0.1;
enum { WINDOW = 5 };

/* What differs is not hidden in one of the masks at least, so this is 1 - (equal and not hidden) / either. */
static double signed_jaccard(const struct sm_likeness *likeness) {
    return sm_share(likeness->differ, likeness->either);
}

static const struct {
    const char *name;
    double (*of)(const struct sm_likeness *likeness);
} distances[] = {{"hamming", sm_likeness_hamming}, {"jaccard", signed_jaccard}};
enum { N_DISTANCES = sizeof distances / sizeof *distances };

/* One layer and one distance. */
struct bird {
    size_t n_below; /* distances below epsilon in a row, up to this record */
    bool found;
    size_t record;
    double remaining, jaccard_to_final;
};

/* Of the run whose records are being walked. The whole network stands behind the layers. */
struct earlybird {
    struct bird (*bird)[N_DISTANCES]; /* [n_layers + 1] */
    struct sm_likeness *likeness;     /* [n_layers + 1] scratch */
    struct sm_counts *counts;         /* [n_layers + 1] scratch */
};

static int open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    size_t most = 0;
    for (size_t i = 0; i < analysis->n_runs; i++)
        if (analysis->runs[i].net.n_layers > most) most = analysis->runs[i].net.n_layers;
    struct earlybird *earlybird = calloc(1, sizeof *earlybird);
    *state = earlybird;
    if (!earlybird) return sm_fail(err, "earlybird: out of memory");
    earlybird->bird = calloc(most + 1, sizeof *earlybird->bird);
    earlybird->likeness = calloc(most + 1, sizeof *earlybird->likeness);
    earlybird->counts = calloc(most + 1, sizeof *earlybird->counts);
    if (earlybird->bird && earlybird->likeness && earlybird->counts) return 0;
    return sm_fail(err, "earlybird: out of memory for %zu layers", most);
}

static void release(void *state) {
    struct earlybird *earlybird = state;
    free(earlybird->bird);
    free(earlybird->likeness);
    free(earlybird->counts);
    free(earlybird);
}

static void compare(struct sm_likeness *likeness, const struct sm_network *net, int8_t *const *a, int8_t *const *b) {
    struct sm_likeness all = {0};
    for (size_t l = 0; l < net->n_layers; l++) {
        likeness[l] = sm_masks_compare(a[l], b[l], sm_layer_weights(&net->layers[l]));
        sm_likeness_add(&all, &likeness[l]);
    }
    likeness[net->n_layers] = all;
}

/* Is a bird found with this distance? */
static bool follow(struct bird *bird, double distance, size_t record) {
    bird->n_below = distance < EPSILON ? bird->n_below + 1 : 0; /* an undefined distance is not below */
    if (bird->found || bird->n_below < WINDOW) return false;
    bird->found = true;
    bird->record = record;
    return true;
}

/* What is told of the birds that were found at this record. */
static void describe(struct earlybird *earlybird, const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    sm_counts_layers(earlybird->counts, net, step->mask);
    compare(earlybird->likeness, net, step->mask, step->final);
    for (size_t l = 0; l <= net->n_layers; l++)
        for (size_t d = 0; d < N_DISTANCES; d++) {
            struct bird *bird = &earlybird->bird[l][d];
            if (!bird->found || bird->record != step->record) continue;
            struct sm_counts counts = earlybird->counts[l];
            bird->remaining = sm_share(sm_counts_remaining(counts), sm_counts_total(counts));
            bird->jaccard_to_final = sm_likeness_jaccard(&earlybird->likeness[l]);
        }
}

static void look(struct earlybird *earlybird, const struct sm_step *step) {
    const struct sm_network *net = &step->run->net;
    bool found = false;
    compare(earlybird->likeness, net, step->previous, step->mask);
    for (size_t l = 0; l <= net->n_layers; l++)
        for (size_t d = 0; d < N_DISTANCES; d++)
            found |= follow(&earlybird->bird[l][d], distances[d].of(&earlybird->likeness[l]), step->record);
    if (found) describe(earlybird, step);
}

static void write_found(struct sm_table *table, const struct bird *bird, int64_t value) {
    if (bird->found)
        sm_table_int(table, value);
    else
        sm_table_real(table, NAN);
}

static void write_row(struct sm_table *table, const struct sm_run *run, size_t l, size_t d, const struct bird *bird) {
    sm_table_text(table, run->name);
    sm_table_text(table, l < run->net.n_layers ? run->net.layers[l].name : SM_ALL_LAYERS);
    sm_table_text(table, distances[d].name);
    sm_table_real(table, EPSILON);
    sm_table_int(table, WINDOW);
    sm_table_real(table, bird->found ? run->epoch[bird->record] : NAN);
    write_found(table, bird, run->step[bird->record]);
    sm_table_real(table, bird->found ? bird->remaining : NAN);
    sm_table_real(table, bird->found ? bird->jaccard_to_final : NAN);
    sm_table_real(table, bird->found ? sm_run_test_accuracy(run, bird->record) : NAN);
    sm_table_real(table, sm_run_test_accuracy(run, run->n_records - 1));
    write_found(table, bird, (int64_t)bird->record);
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)err;
    struct earlybird *earlybird = state;
    const struct sm_run *run = step->run;
    if (step->previous)
        look(earlybird, step);
    else
        memset(earlybird->bird, 0, (run->net.n_layers + 1) * sizeof *earlybird->bird);
    if (step->record + 1 < run->n_records) return 0;
    for (size_t l = 0; l <= run->net.n_layers; l++)
        for (size_t d = 0; d < N_DISTANCES; d++) write_row(table, run, l, d, &earlybird->bird[l][d]);
    return 0;
}

const struct sm_statistic sm_stat_earlybird = {
    .name = "earlybird",
    .help = "when training could have stopped changing the mask, and the accuracy it had then",
    .about =
        "The early bird of You et al. 2020 (Drawing early-bird tickets, ICLR): the first record at which the last\n"
        "`window` distances, each between a record and the one before it, are all below epsilon (text of the paper;\n"
        "its published code compares the newest mask with each of the last ones). Their distance is `hamming`: the\n"
        "share of all weights whose entry (of keep, hide, invert) differs. Where most weights are hidden it is small\n"
        "whatever the others do: at 4 % remaining it cannot exceed 0.08. Hence `jaccard` as well: weights that differ\n"
        "/ weights not hidden in one or both, that is, 1 - Jaccard similarity where only equal signs are common; nan,\n"
        "which is not below epsilon, between two masks that hide all. Distances grow with the time between two\n"
        "records: the paper has one record an epoch, and runs that are recorded otherwise compare only among\n"
        "themselves. The last record of a run that is not complete stands for the final one.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_TIME,
    .open = open,
    .record = record,
    .free = release,
};
