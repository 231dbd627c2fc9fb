/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport-partners.tsv: the units that stand in the unit's place in the other runs, and how much they share with it.
 */
#include <math.h>
#include <stdlib.h>

#include "analyze/align.h"
#include "analyze/counts.h"
#include "analyze/moments.h"
#include "analyze/passport.h"

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"alignment", "aligned: hidden units are matched by their effective weights; identity: inputs and outputs"},
    {"unit", "the partner"},
    {"counterpart", "1: at least one incoming or outgoing effective weight is in common; 0: a partner in name only"},
    {"alive", "1: the partner is on a route from input to output; 0: not"},
    {"fan_in", "its non-hidden incoming weights; nan for input units"},
    {"fan_out", "its non-hidden outgoing weights; nan for output units"},
    {"log10_paths", "log10 of the routes through it; -inf without a route"},
    {"rank", "its rank by routes within its layer, 1 = most"},
    {"both_in", "incoming places that are non-hidden in both, after the units below are matched; nan for input units"},
    {"either_in", "incoming places that are non-hidden in one or both"},
    {"jaccard_in", "both_in / either_in; nan where neither has one"},
    {"sign_agreement_in", "share of equal signs of w g among both_in; nan where both_in is 0"},
    {"alike_in", "share of either_in that is non-hidden in both with equal signs: jaccard_in times sign_agreement_in"},
    {"median_alike_in", "median alike_in of all units of that run's layer that have an incoming weight"},
    {"better_in", "units of that run's layer with a larger alike_in than the partner; 0: none resembles the unit more"},
    {"both_out", "the same for outgoing places; nan for output units"},
    {"either_out", "outgoing places that are non-hidden in one or both"},
    {"jaccard_out", "both_out / either_out; nan where neither has one"},
    {"sign_agreement_out", "share of equal signs of w g among both_out; nan where both_out is 0"},
};

static const struct sm_passport_table about = {
    .name = "passport-partners",
    .about =
        "The unit's partner in each further run with the same layers. Hidden units are matched by coordinate descent\n"
        "over the layers on the signs of w g (Ainsworth et al. 2023): every unit has a partner, also where nothing\n"
        "is alike. The partner was chosen among all units of its layer, so compare alike_in with\n"
        "median_alike_in, not with 0. Signs are those of w g; a weight of exactly 0 counts as hidden.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
};

/* ---- two units side by side ---- */

struct common {
    size_t both, either, equal_signs;
};

static int sign_at(const struct sm_passport_unit *unit, size_t layer, size_t entry) {
    return sm_effective_sign(unit->moment->weights[layer][entry], unit->moment->mask[layer][entry]);
}

static void common_add(struct common *common, int a, int b) {
    common->both += a && b;
    common->either += a || b;
    common->equal_signs += a && a == b;
}

static double jaccard(const struct common *common) {
    return sm_share(common->both, common->either);
}

static double alike(const struct common *common) {
    return sm_share(common->equal_signs, common->either);
}

/* Incoming entries; column_of [fan-in] as the alignment has it. */
static struct common compare_incoming(const struct sm_passport_unit *a, const struct sm_passport_unit *b,
                                      const uint32_t *column_of) {
    const struct sm_unit_weights of_a = sm_unit_incoming(a), of_b = sm_unit_incoming(b);
    struct common common = {0};
    for (size_t i = 0; i < of_a.n; i++)
        common_add(&common, sign_at(a, of_a.layer, of_a.first + i), sign_at(b, of_b.layer, of_b.first + column_of[i]));
    return common;
}

/* Outgoing entries: the readers are matched, the positions within a channel stay. */
static struct common compare_outgoing(const struct sm_passport_unit *a, const struct sm_passport_unit *b,
                                      const struct sm_alignment *alignment) {
    struct common common = {0};
    for (size_t k = 0, n = sm_unit_n_outgoing(a); k < n; k++) {
        const struct sm_unit_weights of_a = sm_unit_outgoing(a, k), of_b = sm_unit_outgoing(b, k);
        for (size_t o = 0; o < of_a.n_rows; o++) {
            size_t partner = sm_alignment_partner(alignment, of_a.layer + 1, o);
            for (size_t i = 0; i < of_a.n; i++)
                common_add(&common, sign_at(a, of_a.layer, of_a.first + o * of_a.stride + i),
                           sign_at(b, of_b.layer, of_b.first + partner * of_b.stride + i));
        }
    }
    return common;
}

/* ---- how alike the rest of that layer is ---- */

struct others {
    double median;
    size_t n_better;
};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_layer(const struct sm_passport_unit *a, const struct sm_passport_unit *partner,
                         const uint32_t *column_of, struct others *others, struct sm_error *err) {
    size_t n = sm_graph_level_units(a->graph, a->level), n_fed = 0;
    double *all = calloc(n, sizeof *all), of_partner;
    if (!all) return sm_fail(err, "passport: out of memory for %zu units", n);
    struct common common = compare_incoming(a, partner, column_of);
    of_partner = alike(&common);
    *others = (struct others){NAN, 0};
    struct sm_passport_unit b = *partner;
    for (b.unit = 0; b.unit < n; b.unit++) {
        if (sm_unit_value(b.units, SM_UNIT_FAN_IN, sm_passport_node(&b)) == 0) continue;
        common = compare_incoming(a, &b, column_of);
        all[n_fed] = alike(&common);
        if (isnan(all[n_fed])) continue; /* all its weights are 0 */
        others->n_better += all[n_fed++] > of_partner;
    }
    qsort(all, n_fed, sizeof *all, ascending);
    if (n_fed > 0) others->median = (all[(n_fed - 1) / 2] + all[n_fed / 2]) / 2;
    free(all);
    return 0;
}

/* ---- rows ---- */

struct partner {
    struct sm_passport_unit unit;
    bool aligned; /* not by identity */
    struct common in, out;
    struct others others;
    double rank;
};

static void write_common(struct sm_table *table, bool defined, const struct common *common,
                         const struct others *others) {
    const double counts[] = {(double)common->both, (double)common->either, jaccard(common),
                             sm_share(common->equal_signs, common->both)};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) sm_table_real(table, defined ? counts[i] : NAN);
    if (!others) return;
    sm_table_real(table, defined ? alike(common) : NAN);
    sm_table_real(table, defined ? others->median : NAN);
    sm_table_real(table, defined ? (double)others->n_better : NAN);
}

static void write_partner(const struct partner *partner, struct sm_table *table) {
    const struct sm_passport_unit *unit = &partner->unit;
    const struct sm_units *units = unit->units;
    size_t u = sm_passport_node(unit);
    sm_table_text(table, unit->moment->run->name);
    sm_table_text(table, partner->aligned ? "aligned" : "identity");
    sm_table_int(table, (int64_t)unit->unit);
    sm_table_int(table, partner->in.both + partner->out.both > 0);
    sm_table_int(table, sm_unit_alive(units, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_FAN_IN, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_FAN_OUT, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_LOG10_PATHS, u));
    sm_table_real(table, partner->rank);
    write_common(table, sm_unit_has_in(units, u), &partner->in, &partner->others);
    write_common(table, sm_unit_has_out(units, u), &partner->out, NULL);
}

static int rank_of(const struct sm_passport_unit *unit, double *rank, struct sm_error *err) {
    size_t n = sm_graph_level_units(unit->graph, unit->level);
    double *ranks = calloc(n, sizeof *ranks);
    int status = ranks ? sm_unit_ranks(unit->units, SM_UNIT_LOG10_PATHS, unit->level, ranks, err)
                       : sm_fail(err, "passport: out of memory for %zu units", n);
    if (status == 0) *rank = ranks[unit->unit];
    free(ranks);
    return status;
}

static int measure_incoming(const struct sm_passport_unit *subject, const struct sm_alignment *alignment,
                            struct partner *partner, struct sm_error *err) {
    size_t l = subject->level - 1, fan_in = sm_layer_fan_in(&subject->graph->net->layers[l]);
    uint32_t *column_of = malloc((fan_in + 1) * sizeof *column_of);
    if (!column_of) return sm_fail(err, "passport: out of memory for %zu weights", fan_in);
    sm_alignment_columns(alignment, subject->graph, l, column_of);
    partner->in = compare_incoming(subject, &partner->unit, column_of);
    int status = compare_layer(subject, &partner->unit, column_of, &partner->others, err);
    free(column_of);
    return status;
}

struct tables {
    struct sm_table *partners, *fields;
};

static int write_run(const struct sm_passport *passport, const struct sm_moment *moment, struct tables *tables,
                     struct sm_error *err) {
    const struct sm_passport_unit *subject = &passport->subject;
    struct sm_units units = {0};
    struct sm_alignment alignment = {0};
    int status = sm_units_init(&units, moment, err);
    if (status == 0)
        status =
            sm_align_moments(&alignment, subject->moment, moment, SM_COMPARE_WEIGHT, passport->analysis->options, err);
    if (status == 0) {
        size_t unit = sm_alignment_partner(&alignment, subject->level, subject->unit);
        struct partner partner = {.unit = {moment, &units, &units.graph, subject->level, unit},
                                  .aligned = subject->level > 0 && subject->level + 1 < units.graph.n_levels};
        partner.out = compare_outgoing(subject, &partner.unit, &alignment);
        if (subject->level > 0) status = measure_incoming(subject, &alignment, &partner, err);
        if (status == 0) status = rank_of(&partner.unit, &partner.rank, err);
        if (status == 0) write_partner(&partner, tables->partners);
        if (status == 0) status = sm_passport_field(&partner.unit, tables->fields, err);
    }
    sm_alignment_destroy(&alignment);
    sm_units_destroy(&units);
    return status;
}

static int write_runs(const struct sm_passport *passport, struct tables *tables, struct sm_error *err) {
    const struct sm_analysis *analysis = passport->analysis;
    int status = sm_passport_field(&passport->subject, tables->fields, err);
    for (size_t i = 1; i < analysis->n_runs && status == 0; i++) {
        if (!sm_runs_comparable(&analysis->runs[0], &analysis->runs[i])) {
            sm_note(analysis->notes, "passport: %s and %s have different layers: no partner there",
                    analysis->runs[0].name, analysis->runs[i].name);
            continue;
        }
        const struct sm_moment *moment = sm_moments_get(analysis->moments, i, err);
        status = moment ? write_run(passport, moment, tables, err) : -1;
        sm_moments_release(analysis->moments, i);
    }
    return status;
}

int sm_passport_partners(const struct sm_passport *passport, struct sm_error *err) {
    struct tables tables = {0};
    int status = sm_passport_open_table(passport, &about, &tables.partners, err);
    if (status == 0) status = sm_passport_open_table(passport, &sm_passport_fields_table, &tables.fields, err);
    if (status == 0) status = write_runs(passport, &tables, err);
    status = sm_passport_close_table(passport, &about, tables.partners, status, err);
    return sm_passport_close_table(passport, &sm_passport_fields_table, tables.fields, status, err);
}
