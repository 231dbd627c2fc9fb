/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ratios.tsv: how much of each layer is kept, hidden and inverted, over the whole trajectory. */
#include "analyze/stat.h"

#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/graph.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"record", "recorded mask, from 0 (the initial mask)"},
    {"step", "optimizer step of the record"},
    {"epoch", "epoch of the record"},
    {"weights", "weights of the layer"},
    {"n_keep", "weights with mask +1"},
    {"n_hide", "weights with mask 0"},
    {"n_invert", "weights with mask -1"},
    {"keep", "n_keep / weights"},
    {"hide", "n_hide / weights"},
    {"invert", "n_invert / weights"},
    {"remaining", "(n_keep + n_invert) / weights"},
    {"effective_remaining", "share of weights that are kept or inverted and on a path from an input to an output"},
    {"inverted_share", "n_invert / (n_keep + n_invert); nan where all are hidden"},
    {"inverted_low", "lower end of its Wilson 95 % interval"},
    {"inverted_high", "upper end"},
};

static void write_row(struct sm_table *table, const struct sm_step *step, const char *layer, struct sm_counts counts,
                      size_t effective) {
    size_t n = sm_counts_total(counts), remaining = sm_counts_remaining(counts);
    double low, high;
    sm_wilson_interval(counts.invert, remaining, &low, &high);
    sm_table_text(table, step->run->name);
    sm_table_text(table, layer);
    sm_table_int(table, (int64_t)step->record);
    sm_table_int(table, step->run->step[step->record]);
    sm_table_real(table, step->run->epoch[step->record]);
    sm_table_int(table, (int64_t)n);
    sm_table_int(table, (int64_t)counts.keep);
    sm_table_int(table, (int64_t)counts.hide);
    sm_table_int(table, (int64_t)counts.invert);
    sm_table_real(table, sm_share(counts.keep, n));
    sm_table_real(table, sm_share(counts.hide, n));
    sm_table_real(table, sm_share(counts.invert, n));
    sm_table_real(table, sm_share(remaining, n));
    sm_table_real(table, sm_share(effective, n));
    sm_table_real(table, sm_share(counts.invert, remaining));
    sm_table_real(table, low);
    sm_table_real(table, high);
}

static int record(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err) {
    (void)state;
    const struct sm_network *net = &step->run->net;
    struct sm_counts *counts = calloc(net->n_layers + 1, sizeof *counts);
    size_t *effective = calloc(net->n_layers + 1, sizeof *effective);
    int status = counts && effective ? 0 : sm_fail(err, "%s: ratios: out of memory", step->run->path);
    if (status == 0) status = sm_effective_counts(net, step->mask, effective, err);
    if (status == 0) {
        sm_counts_layers(counts, net, step->mask);
        for (size_t l = 0; l < net->n_layers; l++) {
            write_row(table, step, net->layers[l].name, counts[l], effective[l]);
            effective[net->n_layers] += effective[l];
        }
        write_row(table, step, SM_ALL_LAYERS, counts[net->n_layers], effective[net->n_layers]);
    }
    free(counts);
    free(effective);
    return status;
}

const struct sm_statistic sm_stat_ratios = {
    .name = "ratios",
    .help = "shares of kept, hidden and inverted weights of each layer at each record",
    .about = "Shares of kept (mask +1), hidden (0) and inverted (-1) weights of every layer at every record.\n"
             "effective_remaining leaves out what no signal can pass: it counts only weights on a path of kept or\n"
             "inverted weights from an input to an output (Vysogorets & Kempe 2023, effective sparsity).\n"
             "Interval of inverted_share: Wilson 1927, 95 %, as if the signs of remaining weights were independent.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .record = record,
};
