/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary.tsv: one row a run. */
#include "analyze/stat.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyze/run_summary.h"

#define COLUMN(kind, name, help) {#name, help},
static const struct sm_column columns[] = {SM_SUMMARY_FIELDS(COLUMN)};

/* Seeds use all 64 bits, which a signed cell cannot hold. */
static void write_count(struct sm_table *table, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    sm_table_text(table, text);
}

static void write_field(struct sm_table *table, const struct sm_run_summary *summary,
                        const struct sm_summary_field *field) {
    switch (field->kind) {
    case SM_FIELD_TEXT:
        sm_table_text(table, sm_summary_text(summary, field));
        break;
    case SM_FIELD_COUNT:
        write_count(table, sm_summary_count(summary, field));
        break;
    case SM_FIELD_REAL:
        sm_table_real(table, sm_summary_real(summary, field));
        break;
    }
}

static int moment_row(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    (void)state;
    struct sm_run_summary summary;
    if (sm_run_summary_compute(&summary, moment, err) != 0) return -1;
    for (size_t i = 0; i < sm_n_summary_fields; i++) write_field(table, &summary, &sm_summary_fields[i]);
    return 0;
}

const struct sm_statistic sm_stat_summary = {
    .name = "summary",
    .help = "one row a run: what it is, accuracy, remaining weights, size",
    .about =
        "One row a run, at the record that --at picks (default: the last).\n"
        "effective_remaining: Vysogorets & Kempe 2023. bits_per_weight is the entropy bound of the ternary mask: with\n"
        "p the shares of keep, hide and invert in a layer, H = -sum p log2 p, averaged over the layers by their "
        "numbers\n"
        "of weights. It is what a code that knows each layer's shares needs at least, the frozen weights being made\n"
        "again from their seed; undefined where the weights themselves are trained. compression is against 32-bit\n"
        "weights: 32 / bits_per_weight.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .moment = moment_row,
};
