/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport.tsv: a row for each measure of the unit, with its rank among the units of its layer. */
#include <math.h>
#include <stdlib.h>

#include "analyze/evaluator.h"
#include "analyze/passport.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"measure", "what is measured; the last column explains it"},
    {"value", "its value for this unit; nan where it is undefined (an input unit reads nothing) or was not measured"},
    {"rank", "rank within the layer, 1 = largest; equal values share their average rank; nan where not ranked"},
    {"of", "units of the layer"},
    {"surpassed", "share of the layer's other units that rank lower: (of - rank) / (of - 1); nan where not ranked"},
    {"meaning", "what the measure is"},
};

static const struct sm_passport_table about = {
    .name = "passport",
    .about =
        "One unit of a masked network in numbers, and where it stands among the units of its layer.\n"
        "g is the mask (+1 keep, 0 hide, -1 invert), w the initial weight (of a dense run the trained one), v = w g\n"
        "the effective weight. A route chooses one non-hidden weight in each layer on the way from input to output.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
};

/* Weights on one side of the unit, hidden ones too. */
static size_t count_possible(const struct sm_passport_unit *unit, bool incoming) {
    size_t n = incoming && sm_unit_n_incoming(unit) ? sm_unit_incoming(unit).n : 0;
    for (size_t k = 0, end = incoming ? 0 : sm_unit_n_outgoing(unit); k < end; k++)
        n += sm_unit_outgoing(unit, k).n_rows * sm_unit_outgoing(unit, k).n;
    return n;
}

/* log10 of the number of all routes: the sum over the input units. */
static double log10_all_paths(const struct sm_units *units) {
    const double *through = units->paths.through;
    double most = -INFINITY, sum = 0;
    for (size_t u = 0; u < units->graph.offset[1]; u++) most = fmax(most, through[u]);
    if (isinf(most)) return most;
    for (size_t u = 0; u < units->graph.offset[1]; u++) sum += pow(10, through[u] - most);
    return most + log10(sum);
}

/* ---- rows ---- */

struct writer {
    const struct sm_passport_unit *unit;
    struct sm_table *table;
    size_t n;     /* units of the layer */
    double *rank; /* [n] */
};

static void write_row(const struct writer *writer, const char *name, double value, double rank, const char *meaning) {
    double n = (double)writer->n;
    sm_table_text(writer->table, name);
    sm_table_real(writer->table, value);
    sm_table_real(writer->table, rank);
    sm_table_int(writer->table, (int64_t)writer->n);
    sm_table_real(writer->table, n > 1 ? (n - rank) / (n - 1) : NAN);
    sm_table_text(writer->table, meaning);
}

static void write_degree(const struct writer *writer, bool incoming) {
    const struct sm_passport_unit *unit = writer->unit;
    size_t u = sm_passport_node(unit);
    bool defined = incoming ? sm_unit_has_in(unit->units, u) : sm_unit_has_out(unit->units, u);
    const struct sm_degree *degree = incoming ? &unit->units->in[u] : &unit->units->out[u];
    const struct {
        const char *name, *meaning;
        size_t count;
    } rows[] = {
        {incoming ? "possible_in" : "possible_out", "weights on this side, hidden ones too",
         count_possible(unit, incoming)},
        {incoming ? "kept_in" : "kept_out", "of these, those with g = +1", degree->kept},
        {incoming ? "inverted_in" : "inverted_out", "of these, those with g = -1", degree->inverted},
        {incoming ? "positive_in" : "positive_out", "of these, those with w g > 0", degree->positive},
        {incoming ? "negative_in" : "negative_out", "of these, those with w g < 0", degree->negative},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_row(writer, rows[i].name, defined ? (double)rows[i].count : NAN, NAN, rows[i].meaning);
}

static const char *const meanings[SM_N_UNIT_MEASURES] = {
    [SM_UNIT_FAN_IN] = "incoming weights that are not hidden",
    [SM_UNIT_FAN_OUT] = "outgoing weights that are not hidden, into all layers that read the unit",
    [SM_UNIT_STRENGTH_IN] = "sum of |w g| over the incoming weights",
    [SM_UNIT_STRENGTH_OUT] = "sum of |w g| over the outgoing weights",
    [SM_UNIT_BALANCE_IN] = "(positive - negative) / (positive + negative) of the incoming weights w g",
    [SM_UNIT_BALANCE_OUT] = "(positive - negative) / (positive + negative) of the outgoing weights w g",
    [SM_UNIT_LOG10_PATHS] = "log10 of the routes from input to output through the unit; -inf without one",
    [SM_UNIT_LOG10_SYNFLOW] = "log10 of the sum over these routes of the product of |w g| (Tanaka et al. 2020)",
};

static int write_measures(const struct writer *writer, struct sm_error *err) {
    const struct sm_passport_unit *unit = writer->unit;
    for (enum sm_unit_measure m = 0; m < SM_N_UNIT_MEASURES; m++) {
        double value = sm_unit_value(unit->units, m, sm_passport_node(unit));
        if (sm_unit_ranks(unit->units, m, unit->level, writer->rank, err) != 0) return -1;
        write_row(writer, sm_unit_measure_name(m), value, isnan(value) ? NAN : writer->rank[unit->unit], meanings[m]);
    }
    return 0;
}

/* ---- with images ---- */

/* Of all units; NaN where nothing could be measured. */
struct observed {
    struct sm_activations activations;
    double *drop;    /* [n_units] accuracy of the network less that without the unit */
    double *block;   /* of the four arrays */
    double accuracy; /* of the network */
};

static int observe(struct observed *observed, struct sm_evaluator *evaluator, const struct sm_moment *moment,
                   struct sm_error *err) {
    struct sm_score score;
    if (sm_evaluator_activations(evaluator, &observed->activations, err) != 0) return -1;
    if (sm_evaluator_each_drop(evaluator, observed->drop, err) != 0) return -1;
    if (sm_evaluator_score(evaluator, moment->mask, moment->weights, &score, err) != 0) return -1;
    observed->accuracy = score.accuracy;
    return 0;
}

/* The caller frees observed->block, also after a failure. */
static int observed_init(struct observed *observed, const struct sm_passport *passport, struct sm_error *err) {
    size_t n = sm_graph_n_units(passport->subject.graph);
    double *block = calloc(4 * n, sizeof *block);
    *observed = (struct observed){
        .activations = {block, block + n, block + 2 * n}, .drop = block + 3 * n, .block = block, .accuracy = NAN};
    if (!block) return sm_fail(err, "passport: out of memory for %zu units", n);
    for (size_t i = 0; i < 4 * n; i++) block[i] = NAN;
    struct sm_evaluator *evaluator = NULL;
    int status = sm_evaluator_open_moment(&evaluator, passport->analysis, passport->subject.moment, err);
    if (status == 0 && evaluator) status = observe(observed, evaluator, passport->subject.moment, err);
    sm_evaluator_close(evaluator);
    return status;
}

static int write_observed(const struct writer *writer, const struct observed *observed, struct sm_error *err) {
    const struct sm_passport_unit *unit = writer->unit;
    size_t first = unit->graph->offset[unit->level], u = sm_passport_node(unit);
    double rank = NAN;
    if (!isnan(observed->drop[u])) {
        if (sm_average_ranks(observed->drop + first, writer->n, writer->rank, err) != 0) return -1;
        rank = (double)writer->n + 1 - writer->rank[unit->unit];
    }
    write_row(
        writer, "activation_mean", observed->activations.mean[u], NAN,
        "mean over the test images (and positions) of what the unit puts out (input: the preprocessed pixel; output: "
        "the logit)");
    write_row(writer, "activation_sd", observed->activations.sd[u], NAN, "standard deviation of that");
    write_row(writer, "active_share", observed->activations.active[u], NAN,
              "share of the test images (and positions) on which the unit puts out more than 0");
    write_row(writer, "ablation_accuracy_drop", observed->drop[u], rank,
              "test accuracy of the network minus that with what the unit puts out set to 0");
    write_row(writer, "accuracy", observed->accuracy, NAN, "test accuracy of the network");
    return 0;
}

static int write_rows(const struct writer *writer, const struct observed *observed, struct sm_error *err) {
    const struct sm_units *units = writer->unit->units;
    size_t u = sm_passport_node(writer->unit);
    double all = log10_all_paths(units);
    write_row(writer, "alive", sm_unit_alive(units, u), NAN, "1: on a route from input to output; 0: not");
    write_degree(writer, true);
    write_degree(writer, false);
    write_row(writer, "path_share", isinf(all) ? NAN : pow(10, units->paths.through[u] - all), NAN,
              "share of all routes from input to output that lead through the unit");
    if (write_measures(writer, err) != 0) return -1;
    return write_observed(writer, observed, err);
}

int sm_passport_measures(const struct sm_passport *passport, struct sm_error *err) {
    const struct sm_passport_unit *unit = &passport->subject;
    struct writer writer = {.unit = unit, .n = sm_graph_level_units(unit->graph, unit->level)};
    struct observed observed = {0};
    writer.rank = calloc(writer.n, sizeof *writer.rank);
    int status = writer.rank ? 0 : sm_fail(err, "passport: out of memory for %zu units", writer.n);
    if (status == 0) status = observed_init(&observed, passport, err);
    if (status == 0) status = sm_passport_open_table(passport, &about, &writer.table, err);
    if (status == 0) status = write_rows(&writer, &observed, err);
    free(observed.block);
    free(writer.rank);
    return sm_passport_close_table(passport, &about, writer.table, status, err);
}
