/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport-settling.tsv: how the unit's weights came to be what they are, over the whole trajectory. Only its own rows
 * and columns of each record are read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"
#include "analyze/passport.h"

static const struct sm_column columns[] = {
    {"direction", "in: the unit's incoming weights; out: its outgoing ones"},
    {"record", "record, from 0"},
    {"step", "its optimizer step"},
    {"epoch", "its epoch"},
    {"kept", "weights with g = +1"},
    {"inverted", "weights with g = -1"},
    {"changed", "weights whose mask differs from the record before; nan at the first record"},
    {"settled", "share of all these weights whose last change is at or before this record"},
    {"remaining_settled", "the same of those that are not hidden at the last record; nan where there is none"},
};

static const struct sm_passport_table about = {
    .name = "passport-settling",
    .about =
        "The unit's own weights at every record, whatever --at says. A weight that never changes is settled at the\n"
        "first record; everything is settled at the last one by definition: what would have changed later is not\n"
        "known.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
};

/* The unit's weights on one side, over the records. */
struct side {
    const struct sm_passport_unit *unit;
    bool incoming;
    size_t n;                 /* weights */
    int8_t *before, *mask;    /* [n] of two records */
    size_t *last;             /* [n] record that first shows the last change so far */
    struct sm_counts *counts; /* [n_records] */
    size_t *changed;          /* [n_records] */
};

static size_t n_blocks(const struct side *side) {
    return side->incoming ? sm_unit_n_incoming(side->unit) : sm_unit_n_outgoing(side->unit);
}

static struct sm_unit_weights block_of(const struct side *side, size_t k) {
    return side->incoming ? sm_unit_incoming(side->unit) : sm_unit_outgoing(side->unit, k);
}

static void side_destroy(struct side *side) {
    free(side->before);
    free(side->mask);
    free(side->last);
    free(side->counts);
    free(side->changed);
}

static int side_init(struct side *side, const struct sm_passport_unit *unit, bool incoming, struct sm_error *err) {
    size_t n_records = unit->moment->run->n_records;
    *side = (struct side){.unit = unit, .incoming = incoming};
    for (size_t k = 0; k < n_blocks(side); k++) side->n += block_of(side, k).n_rows * block_of(side, k).n;
    side->before = malloc(side->n + 1);
    side->mask = malloc(side->n + 1);
    side->last = calloc(side->n + 1, sizeof *side->last);
    side->counts = calloc(n_records, sizeof *side->counts);
    side->changed = calloc(n_records, sizeof *side->changed);
    if (side->before && side->mask && side->last && side->counts && side->changed) return 0;
    return sm_fail(err, "%s: passport: out of memory for %zu weights", unit->moment->run->path, side->n);
}

/* The unit's weights in one record, block after block. */
static int read_record(struct side *side, size_t record, struct sm_error *err) {
    const struct sm_run *run = side->unit->moment->run;
    int8_t *to = side->mask;
    for (size_t k = 0; k < n_blocks(side); k++) {
        const struct sm_unit_weights block = block_of(side, k);
        const struct sm_layer *layer = &run->net.layers[block.layer];
        size_t kernel = layer->kernel_height * layer->kernel_width;
        const struct sm_mask_part part = {.first_out = side->incoming ? side->unit->unit : 0,
                                          .n_out = block.n_rows,
                                          .first_in = side->incoming ? 0 : block.first / kernel,
                                          .n_in = block.n / kernel};
        if (sm_run_read_mask_part(run, block.layer, record, &part, to, err) != 0) return -1;
        to += block.n_rows * block.n;
    }
    return 0;
}

static int follow(struct side *side, struct sm_error *err) {
    for (size_t r = 0; r < side->unit->moment->run->n_records; r++) {
        if (read_record(side, r, err) != 0) return -1;
        for (size_t i = 0; r > 0 && i < side->n; i++) {
            if (side->mask[i] == side->before[i]) continue;
            side->last[i] = r;
            side->changed[r]++;
        }
        side->counts[r] = sm_counts_of(side->mask, side->n);
        memcpy(side->before, side->mask, side->n);
    }
    return 0;
}

static void write_rows(const struct side *side, struct sm_table *table) {
    const struct sm_run *run = side->unit->moment->run;
    const struct sm_counts *final = &side->counts[run->n_records - 1];
    for (size_t r = 0; r < run->n_records; r++) {
        size_t settled = 0, remaining = 0;
        for (size_t i = 0; i < side->n; i++) {
            settled += side->last[i] <= r;
            remaining += side->last[i] <= r && side->mask[i] != 0;
        }
        sm_table_text(table, side->incoming ? "in" : "out");
        sm_table_int(table, (int64_t)r);
        sm_table_int(table, run->step[r]);
        sm_table_real(table, run->epoch[r]);
        sm_table_int(table, (int64_t)side->counts[r].keep);
        sm_table_int(table, (int64_t)side->counts[r].invert);
        sm_table_real(table, r > 0 ? (double)side->changed[r] : NAN);
        sm_table_real(table, sm_share(settled, side->n));
        sm_table_real(table, sm_share(remaining, final->keep + final->invert));
    }
}

int sm_passport_settling(const struct sm_passport *passport, struct sm_error *err) {
    struct sm_table *table = NULL;
    int status = sm_passport_open_table(passport, &about, &table, err);
    for (int incoming = 1; incoming >= 0 && status == 0; incoming--) {
        struct side side;
        status = side_init(&side, &passport->subject, incoming, err);
        if (status == 0 && side.n > 0) status = follow(&side, err);
        if (status == 0 && side.n > 0) write_rows(&side, table);
        side_destroy(&side);
    }
    return sm_passport_close_table(passport, &about, table, status, err);
}
