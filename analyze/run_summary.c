/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/run_summary.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/graph.h"
#include "analyze/runs.h"

#define FIELD(kind, name, help) {#name, SM_FIELD_##kind, offsetof(struct sm_run_summary, name)},

const struct sm_summary_field sm_summary_fields[] = {SM_SUMMARY_FIELDS(FIELD)};
const size_t sm_n_summary_fields = sizeof sm_summary_fields / sizeof *sm_summary_fields;

static const void *value_of(const struct sm_run_summary *summary, const struct sm_summary_field *field) {
    return (const char *)summary + field->offset;
}

const char *sm_summary_text(const struct sm_run_summary *summary, const struct sm_summary_field *field) {
    return *(const char *const *)value_of(summary, field);
}

uint64_t sm_summary_count(const struct sm_run_summary *summary, const struct sm_summary_field *field) {
    return *(const uint64_t *)value_of(summary, field);
}

double sm_summary_real(const struct sm_run_summary *summary, const struct sm_summary_field *field) {
    return *(const double *)value_of(summary, field);
}

static void take_seconds(struct sm_run_summary *summary, const struct sm_run *run) {
    const struct sm_metrics *last = sm_run_metrics_at(run, summary->epochs);
    summary->seconds = last ? last->seconds : NAN;
}

/* Where the last measurement is lacking, the accuracy is: an older one would be another mask's. */
static void take_accuracy(struct sm_run_summary *summary, const struct sm_run *run, size_t record) {
    const struct sm_metrics *last = sm_run_metrics_at(run, run->epoch[record]);
    double best = NAN;
    for (size_t r = 0; run->in_rounds && r <= record; r++) best = fmax(best, sm_run_test_accuracy(run, r));
    for (const struct sm_metrics *row = run->metrics; !run->in_rounds && last && row <= last; row++)
        best = fmax(best, row->test_accuracy);
    summary->test_accuracy = sm_run_test_accuracy(run, record);
    summary->best_test_accuracy = best;
}

double sm_run_trained_until(const struct sm_run *run, size_t record) {
    double epoch = run->epoch[record];
    if (!run->in_rounds) return epoch;
    if (record + 1 < run->n_records) return run->epoch[record + 1];
    bool over = record < run->n_rounds && run->n_metrics;
    return over ? fmax(epoch, run->metrics[run->n_metrics - 1].epoch) : epoch;
}

/* Entropy bound of a code that knows each layer's three shares: what the mask costs where the weights come from a seed.
 */
static double mean_entropy(const struct sm_counts *counts, size_t n_layers) {
    double bits = 0;
    for (size_t l = 0; l < n_layers; l++) bits += (double)sm_counts_total(counts[l]) * sm_counts_entropy(counts[l]);
    return bits / (double)sm_counts_total(counts[n_layers]);
}

static void take_mask(struct sm_run_summary *summary, const struct sm_run *run, const struct sm_counts *counts,
                      const size_t *effective) {
    size_t n_layers = run->net.n_layers, n_effective = 0;
    for (size_t l = 0; l < n_layers; l++) n_effective += effective[l];
    size_t n = sm_counts_total(counts[n_layers]);
    summary->parameters = n;
    summary->remaining_weights = sm_counts_remaining(counts[n_layers]);
    summary->remaining = sm_share(summary->remaining_weights, n);
    summary->effective_remaining = sm_share(n_effective, n);
    summary->bits_per_weight = run->trains_weights ? NAN : mean_entropy(counts, n_layers);
    summary->compression = summary->bits_per_weight > 0 ? 32 / summary->bits_per_weight : NAN;
}

int sm_run_summary_compute(struct sm_run_summary *summary, const struct sm_moment *moment, struct sm_error *err) {
    const struct sm_run *run = moment->run;
    *summary = (struct sm_run_summary){.run = run->name,
                                       .network = run->net.name,
                                       .dataset = run->dataset,
                                       .method = run->method,
                                       .recipe = run->recipe_name,
                                       .weight_seed = run->weight_seed,
                                       .score_seed = run->score_seed,
                                       .data_seed = run->data_seed,
                                       .epochs = sm_run_trained_until(run, moment->record),
                                       .unfinished = !run->complete || moment->record + 1 < run->n_records};
    take_seconds(summary, run);
    take_accuracy(summary, run, moment->record);
    struct sm_counts *counts = calloc(run->net.n_layers + 1, sizeof *counts);
    size_t *effective = calloc(run->net.n_layers, sizeof *effective);
    int status = counts && effective ? 0 : sm_fail(err, "%s: summary: out of memory", run->path);
    if (status == 0) status = sm_effective_counts(&run->net, moment->mask, effective, err);
    if (status == 0) {
        sm_counts_layers(counts, &run->net, moment->mask);
        take_mask(summary, run, counts, effective);
    }
    free(counts);
    free(effective);
    return status;
}
