/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_ablation.c - accuracy against the number of units removed: the most important first, the least important first,
 * in random orders. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <supermask/rng.h>

#include "analyze/counts.h"
#include "analyze/evaluator.h"
#include "analyze/stat.h"
#include "analyze/units.h"

enum { STEPS = 16, ORDERS = 8 };

static const struct sm_column columns[] = {
    {"run", "run"},
    {"layer", "hidden layer whose units are removed; all: those of all hidden layers together"},
    {"criterion", "what the order follows: paths (log10_paths), synflow (log10_synflow), drop (ablation_accuracy_drop: "
                  "columns of the table neurons); random: nothing"},
    {"direction", "first: the largest value is removed first; last: the smallest; random: random orders"},
    {"removed", "units removed"},
    {"units", "alive units there are to remove"},
    {"share", "removed / units; nan where units is 0"},
    {"accuracy", "test accuracy without them; random: mean over the orders"},
    {"accuracy_low", "lowest accuracy over the orders"},
    {"accuracy_high", "highest accuracy over the orders"},
    {"orders", "orders that were tried"},
};

/* The orders in which the units of a layer are removed, a curve each. Random ones come last. */
enum { BY_PATHS, BY_SYNFLOW, BY_DROP, N_CRITERIA, N_SORTED = 2 * N_CRITERIA, N_CURVES = N_SORTED + ORDERS };
static const char *const criterion_names[N_CRITERIA] = {"paths", "synflow", "drop"};
static const char *const direction_names[2] = {"first", "last"};

/* One run's network, and the units that the curves of a layer (or of all) remove. */
struct ablation {
    const struct sm_moment *moment;
    struct sm_evaluator *evaluator; /* NULL: the moment cannot be evaluated */
    struct sm_units units;
    double *drop;              /* [n_units] */
    bool *removed;             /* [N_CURVES * (STEPS + 1)][n_units] */
    uint32_t *order[N_CURVES]; /* [n] in the graph's numbering */
    const char *layer;
    size_t n, steps; /* alive units; a curve has steps + 1 points */
    double accuracy[N_CURVES][STEPS + 1];
};

static void ablation_destroy(struct ablation *ablation) {
    sm_evaluator_close(ablation->evaluator);
    sm_units_destroy(&ablation->units);
    free(ablation->drop);
    free(ablation->removed);
    free(ablation->order[0]);
}

/* All curves: those of each hidden level, and those of all, which begin at the first. */
static double cost_of_curves(const struct ablation *ablation) {
    const struct sm_evaluator *e = ablation->evaluator;
    size_t n_levels = ablation->units.graph.n_levels;
    double cost = n_levels > 2 ? sm_evaluator_cost_of_set(e, 1) : 0;
    for (size_t level = 1; level + 1 < n_levels; level++) cost += sm_evaluator_cost_of_set(e, level);
    return N_CURVES * (STEPS + 1) * cost;
}

static bool is_left_out(const struct ablation *ablation, const struct sm_analysis *analysis) {
    double cost = sm_evaluator_cost_of_each_unit(ablation->evaluator) + cost_of_curves(ablation);
    if (!sm_evaluator_takes_long(analysis, cost)) return false;
    sm_note(analysis->notes,
            "ablation: %s is left out of the report, it takes long; --ablation, or the table ablation by "
            "itself, computes it",
            ablation->moment->run->name);
    return true;
}

/* The caller destroys `ablation`, also after a failure. */
static int ablation_init(struct ablation *ablation, const struct sm_moment *moment, const struct sm_analysis *analysis,
                         struct sm_error *err) {
    *ablation = (struct ablation){.moment = moment};
    if (sm_evaluator_open_moment(&ablation->evaluator, analysis, moment, err)) return -1;
    if (!ablation->evaluator) return 0;
    if (sm_units_init(&ablation->units, moment, err)) return -1;
    if (is_left_out(ablation, analysis)) {
        sm_evaluator_close(ablation->evaluator);
        ablation->evaluator = NULL;
        return 0;
    }
    size_t n_units = sm_graph_n_units(&ablation->units.graph);
    ablation->drop = malloc(n_units * sizeof *ablation->drop);
    ablation->removed = malloc(N_CURVES * (STEPS + 1) * n_units * sizeof *ablation->removed);
    uint32_t *orders = malloc(N_CURVES * n_units * sizeof *orders);
    for (size_t c = 0; orders && c < N_CURVES; c++) ablation->order[c] = orders + c * n_units;
    if (!ablation->drop || !ablation->removed || !orders)
        return sm_fail(err, "out of memory for the ablation of %zu units", n_units);
    return sm_evaluator_each_drop(ablation->evaluator, ablation->drop, err);
}

/* ---- orders ---- */

struct valued {
    double value;
    uint32_t unit;
};

static int descending(const void *left, const void *right) {
    const struct valued *a = left, *b = right;
    if (a->value != b->value) return a->value < b->value ? 1 : -1;
    return a->unit < b->unit ? -1 : 1;
}

static double value_of(const struct ablation *ablation, size_t criterion, size_t u) {
    if (criterion == BY_DROP) return ablation->drop[u];
    return sm_unit_value(&ablation->units, criterion == BY_PATHS ? SM_UNIT_LOG10_PATHS : SM_UNIT_LOG10_SYNFLOW, u);
}

/* Largest first, and the reverse. valued: scratch [n]. */
static void sort_by(const struct ablation *ablation, size_t criterion, const uint32_t *alive, struct valued *valued) {
    size_t n = ablation->n;
    for (size_t i = 0; i < n; i++) valued[i] = (struct valued){value_of(ablation, criterion, alive[i]), alive[i]};
    qsort(valued, n, sizeof *valued, descending);
    for (size_t i = 0; i < n; i++)
        ablation->order[2 * criterion][i] = ablation->order[2 * criterion + 1][n - 1 - i] = valued[i].unit;
}

static void shuffle(const struct ablation *ablation, uint32_t *order, const uint32_t *alive, struct sm_rng rng) {
    sm_rng_permutation(&rng, order, ablation->n);
    for (size_t i = 0; i < ablation->n; i++) order[i] = alive[order[i]];
}

/* The alive units of levels first .. last in all orders. group: own random numbers for each layer. */
static int make_orders(struct ablation *ablation, size_t first, size_t last, size_t group, uint64_t seed,
                       struct sm_error *err) {
    const size_t *offset = ablation->units.graph.offset;
    size_t most = offset[last + 1] - offset[first];
    uint32_t *alive = malloc((most + 1) * sizeof *alive);
    struct valued *valued = malloc((most + 1) * sizeof *valued);
    int status = alive && valued ? 0 : sm_fail(err, "out of memory for orders of %zu units", most);
    ablation->n = 0;
    for (size_t u = offset[first]; !status && u < offset[last + 1]; u++)
        if (sm_unit_alive(&ablation->units, u)) alive[ablation->n++] = (uint32_t)u;
    ablation->steps = ablation->n < STEPS ? ablation->n : STEPS;
    for (size_t c = 0; !status && c < N_CRITERIA; c++) sort_by(ablation, c, alive, valued);
    for (size_t r = 0; !status && r < ORDERS; r++)
        shuffle(ablation, ablation->order[N_SORTED + r], alive,
                sm_rng_make(seed, SM_RNG_REMOVAL, (uint32_t)(group * ORDERS + r)));
    free(alive);
    free(valued);
    return status;
}

/* ---- accuracies ---- */

static size_t removed_at(const struct ablation *ablation, size_t step) {
    size_t steps = ablation->steps;
    return steps ? (2 * step * ablation->n + steps) / (2 * steps) : 0; /* rounded */
}

/* An earlier curve that has the same units removed at this point, or the curve itself: all curves begin and end alike,
 * and where all weights of a layer have one size, paths and SynFlow order units alike. */
static size_t same_curve(const struct ablation *ablation, size_t curve, size_t step) {
    size_t n_bytes = ablation->n * sizeof **ablation->order, paths = curve - 2 * BY_SYNFLOW;
    if (step == 0 || step == ablation->steps) return 0;
    bool synflow = curve / 2 == BY_SYNFLOW;
    return synflow && memcmp(ablation->order[curve], ablation->order[paths], n_bytes) == 0 ? paths : curve;
}

static int measure(struct ablation *ablation, struct sm_error *err) {
    size_t n_sets = 0, n_units = sm_graph_n_units(&ablation->units.graph);
    double accuracy[N_CURVES * (STEPS + 1)];
    for (size_t c = 0; c < N_CURVES; c++)
        for (size_t step = 0; step <= ablation->steps; step++) {
            if (same_curve(ablation, c, step) != c) continue;
            bool *removed = ablation->removed + n_sets++ * n_units;
            memset(removed, 0, n_units * sizeof *removed);
            for (size_t i = 0; i < removed_at(ablation, step); i++) removed[ablation->order[c][i]] = true;
        }
    if (sm_evaluator_accuracy_without(ablation->evaluator, ablation->removed, n_sets, accuracy, err)) return -1;
    n_sets = 0;
    for (size_t c = 0; c < N_CURVES; c++)
        for (size_t step = 0; step <= ablation->steps; step++) {
            size_t same = same_curve(ablation, c, step);
            ablation->accuracy[c][step] = same == c ? accuracy[n_sets++] : ablation->accuracy[same][step];
        }
    return 0;
}

/* ---- rows ---- */

struct spread {
    double mean, low, high;
};

/* Over the curves first .. first + n - 1. The mean of equal values is that value. */
static struct spread spread_of(const struct ablation *ablation, size_t first, size_t n, size_t step) {
    struct spread spread = {0, INFINITY, -INFINITY};
    for (size_t c = first; c < first + n; c++) {
        spread.low = fmin(spread.low, ablation->accuracy[c][step]);
        spread.high = fmax(spread.high, ablation->accuracy[c][step]);
    }
    for (size_t c = first; c < first + n; c++) spread.mean += ablation->accuracy[c][step] - spread.low;
    spread.mean = spread.low + spread.mean / (double)n;
    return spread;
}

static void write_rows(struct sm_table *table, const struct ablation *ablation, const char *criterion,
                       const char *direction, size_t first, size_t n) {
    for (size_t step = 0; step <= ablation->steps; step++) {
        struct spread spread = spread_of(ablation, first, n, step);
        sm_table_text(table, ablation->moment->run->name);
        sm_table_text(table, ablation->layer);
        sm_table_text(table, criterion);
        sm_table_text(table, direction);
        sm_table_int(table, (int64_t)removed_at(ablation, step));
        sm_table_int(table, (int64_t)ablation->n);
        sm_table_real(table, sm_share(removed_at(ablation, step), ablation->n));
        sm_table_real(table, spread.mean);
        sm_table_real(table, spread.low);
        sm_table_real(table, spread.high);
        sm_table_int(table, (int64_t)n);
    }
}

static void write_curves(struct sm_table *table, const struct ablation *ablation) {
    for (size_t c = 0; c < N_SORTED; c++)
        write_rows(table, ablation, criterion_names[c / 2], direction_names[c % 2], c, 1);
    write_rows(table, ablation, "random", "random", N_SORTED, ORDERS);
}

/* ---- the statistic ---- */

static int ablation_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis;
    return 0;
}

static int ablation_moment(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    struct ablation ablation;
    int status = ablation_init(&ablation, moment, analysis, err);
    size_t n_hidden = moment->run->net.n_layers - 1; /* levels 1 .. n_hidden */
    for (size_t group = 0; !status && ablation.evaluator && n_hidden && group <= n_hidden; group++) {
        bool all = group == n_hidden;
        ablation.layer = all ? SM_ALL_LAYERS : moment->run->net.layers[group].name;
        status = make_orders(&ablation, all ? 1 : group + 1, all ? n_hidden : group + 1, group, analysis->options->seed,
                             err);
        if (!status) status = measure(&ablation, err);
        if (!status) write_curves(table, &ablation);
    }
    ablation_destroy(&ablation);
    return status ? sm_fail_prefix(err, "%s: ablation", moment->run->path) : 0;
}

const struct sm_statistic sm_stat_ablation = {
    .name = "ablation",
    .help = "test accuracy against units removed, in order of importance, in reverse and at random",
    .about =
        "Test accuracy without the first so many units of an order, for each hidden layer and for all hidden layers\n"
        "together. A unit is removed by setting what it puts out to 0 (a channel at every position, its part in sums\n"
        "included). Only units that are alive (on a route from input to output) are removed: the others make no\n"
        "difference. Each curve has up to 17 points, sixteenths of the alive units rounded to whole units, from none\n"
        "to all. Equal values keep the order of the units' numbers in direction first, the reverse in direction last.\n"
        "Random: mean, lowest and highest over 8 orders, which follow from --seed. Only where the data is at hand; a\n"
        "report leaves out networks that take long, unless --ablation is given.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .needs_images = true,
    .open = ablation_open,
    .moment = ablation_moment,
};
