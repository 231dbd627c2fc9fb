/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_neurons.c - every unit of a masked network: what it reads, what reads it, how many routes lead through it. */
#include <math.h>
#include <stdlib.h>

#include "analyze/evaluator.h"
#include "analyze/stat.h"
#include "analyze/units.h"

static const struct sm_column columns[] = {
    {"run", "run"},
    {"layer", "layer whose unit it is (a neuron, or a channel of a convolution); input: the network's inputs"},
    {"unit", "unit within the layer, from 0"},
    {"fan_in", "non-hidden incoming weights; nan for input units"},
    {"kept_in", "incoming weights with g = +1; nan for input units"},
    {"inverted_in", "incoming weights with g = -1; nan for input units"},
    {"fan_out", "non-hidden outgoing weights, into all layers that read the unit; nan for output units"},
    {"kept_out", "outgoing weights with g = +1; nan for output units"},
    {"inverted_out", "outgoing weights with g = -1; nan for output units"},
    {"strength_in", "sum of |w g| over the incoming weights (w: initial weight; where the method trains weights, or "
                    "puts others in place, "
                    "that weight; times its layer's factor where masks rescale weights); nan for input units"},
    {"strength_out", "sum of |w g| over the outgoing weights; nan for output units"},
    {"log10_paths_in", "log10 of the routes from an input unit to this one; -inf without a route"},
    {"log10_paths_out", "log10 of the routes from this unit to an output unit; -inf without a route"},
    {"log10_paths", "log10 of the routes from input to output through this unit; -inf without a route"},
    {"alive", "1: on a route from input to output; 0: not"},
    {"rank", "rank by log10_paths within the layer, 1 = most; equal values share their average rank"},
    {"balance_in", "(positive - negative) / (positive + negative) over the incoming effective weights w g that are not "
                   "hidden; nan without any"},
    {"balance_out", "the same over the outgoing ones"},
    {"log10_synflow",
     "log10 of the sum, over the routes through the unit, of the product of |w g|; -inf without a route"},
    {"activation_mean",
     "mean over the test images of what the unit puts out, a channel over its positions too (input: the preprocessed "
     "pixel; output: the logit); nan without data"},
    {"activation_sd", "population standard deviation of those n values (n in the denominator)"},
    {"active_share", "share of those values that are above 0"},
    {"ablation_accuracy_drop", "test accuracy of the network minus that with what the unit puts out set to 0; nan for "
                               "output units, without data and where it was not asked for (--ablation; a "
                               "report asks for it where it takes minutes, not longer)"},
};

static void write_counts(struct sm_table *table, bool defined, struct sm_degree degree) {
    const size_t counts[] = {sm_degree_total(degree), degree.kept, degree.inverted};
    for (size_t i = 0; i < 3; i++) {
        if (defined)
            sm_table_int(table, (int64_t)counts[i]);
        else
            sm_table_real(table, NAN);
    }
}

/* One run's units and what was measured with data, NULL where it was not. */
struct neurons {
    const struct sm_moment *moment;
    struct sm_units units;
    struct sm_activations activations; /* [n_units] each */
    double *drop;                      /* [n_units] */
};

static void neurons_destroy(struct neurons *neurons) {
    sm_units_destroy(&neurons->units);
    free(neurons->activations.mean);
    free(neurons->activations.sd);
    free(neurons->activations.active);
    free(neurons->drop);
}

static int measure(struct neurons *neurons, struct sm_evaluator *evaluator, bool ablation, struct sm_error *err) {
    size_t n = sm_graph_n_units(&neurons->units.graph);
    struct sm_activations *activations = &neurons->activations;
    *activations =
        (struct sm_activations){malloc(n * sizeof(double)), malloc(n * sizeof(double)), malloc(n * sizeof(double))};
    if (ablation) neurons->drop = malloc(n * sizeof(double));
    if (!activations->mean || !activations->sd || !activations->active || (ablation && !neurons->drop))
        return sm_fail(err, "out of memory for %zu units", n);
    if (sm_evaluator_activations(evaluator, activations, err)) return -1;
    return ablation ? sm_evaluator_each_drop(evaluator, neurons->drop, err) : 0;
}

static bool wants_drop(const struct sm_evaluator *evaluator, const struct sm_moment *moment,
                       const struct sm_analysis *analysis) {
    if (!analysis->options->ablation && !analysis->options->report) return false;
    if (!sm_evaluator_takes_long(analysis, sm_evaluator_cost_of_each_unit(evaluator))) return true;
    sm_note(
        analysis->notes,
        "neurons: the accuracy of %s without each unit is left out of the report, it takes long; --ablation computes "
        "it",
        moment->run->name);
    return false;
}

/* The caller destroys `neurons`, also after a failure. */
static int neurons_init(struct neurons *neurons, const struct sm_moment *moment, const struct sm_analysis *analysis,
                        struct sm_error *err) {
    struct sm_evaluator *evaluator;
    *neurons = (struct neurons){.moment = moment};
    if (sm_units_init(&neurons->units, moment, err)) return -1;
    if (sm_evaluator_open_moment(&evaluator, analysis, moment, err)) return -1;
    int status = evaluator ? measure(neurons, evaluator, wants_drop(evaluator, moment, analysis), err) : 0;
    sm_evaluator_close(evaluator);
    return status;
}

static void write_measured(struct sm_table *table, const struct neurons *neurons, size_t u) {
    const struct sm_activations *activations = &neurons->activations;
    sm_table_real(table, activations->mean ? activations->mean[u] : NAN);
    sm_table_real(table, activations->sd ? activations->sd[u] : NAN);
    sm_table_real(table, activations->active ? activations->active[u] : NAN);
    sm_table_real(table, neurons->drop ? neurons->drop[u] : NAN);
}

static void write_unit(struct sm_table *table, const struct sm_units *units, size_t u, double rank) {
    write_counts(table, sm_unit_has_in(units, u), units->in[u]);
    write_counts(table, sm_unit_has_out(units, u), units->out[u]);
    sm_table_real(table, sm_unit_value(units, SM_UNIT_STRENGTH_IN, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_STRENGTH_OUT, u));
    sm_table_real(table, units->paths.in[u]);
    sm_table_real(table, units->paths.out[u]);
    sm_table_real(table, units->paths.through[u]);
    sm_table_int(table, sm_unit_alive(units, u));
    sm_table_real(table, rank);
    sm_table_real(table, sm_unit_value(units, SM_UNIT_BALANCE_IN, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_BALANCE_OUT, u));
    sm_table_real(table, sm_unit_value(units, SM_UNIT_LOG10_SYNFLOW, u));
}

static int write_level(struct sm_table *table, const struct neurons *neurons, size_t level, struct sm_error *err) {
    const struct sm_units *units = &neurons->units;
    size_t first = units->graph.offset[level], n = sm_graph_level_units(&units->graph, level);
    double *rank = malloc((n + 1) * sizeof *rank);
    if (!rank) return sm_fail(err, "out of memory for %zu units", n);
    int status = sm_unit_ranks(units, SM_UNIT_LOG10_PATHS, level, rank, err);
    for (size_t u = 0; !status && u < n; u++) {
        sm_table_text(table, neurons->moment->run->name);
        sm_table_text(table, sm_graph_level_name(&units->graph, level));
        sm_table_int(table, (int64_t)u);
        write_unit(table, units, first + u, rank[u]);
        write_measured(table, neurons, first + u);
    }
    free(rank);
    return status;
}

static int neurons_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis;
    return 0;
}

static int neurons_moment(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    struct neurons neurons;
    int status = neurons_init(&neurons, moment, state, err);
    for (size_t level = 0; !status && level < neurons.units.graph.n_levels; level++)
        status = write_level(table, &neurons, level, err);
    neurons_destroy(&neurons);
    return status ? sm_fail_prefix(err, "%s: neurons", moment->run->path) : 0;
}

const struct sm_statistic sm_stat_neurons = {
    .name = "neurons",
    .help = "every unit: degrees, balance, strength, routes, SynFlow, rank, activations, accuracy without it",
    .about =
        "Every unit of the masked network at one moment: input units, neurons, channels of convolutions.\n"
        "Where branches are summed (residual networks), a weight that reads the sum counts as outgoing weight of the\n"
        "unit of each branch; where a convolution is flattened, the outgoing weights of a channel are those of all "
        "its\n"
        "positions. A route is a choice of one non-hidden weight in each layer on the way from input to output; each\n"
        "entry of a convolution's kernel is a choice of its own, positions of the image are not told apart.\n"
        "Input units are channels where a convolution reads the input. nan = undefined; -inf = log10 of no route.\n"
        "log10_synflow is the unit score of SynFlow (Tanaka et al. 2020), rounded to 10 decimals. Activations (after\n"
        "the activation function, before a pool) and ablation_accuracy_drop take the test images of the run's data "
        "set.\n"
        "Where a quarter of a dense layer's weights or more remain, ablation_accuracy_drop takes what a unit adds off\n"
        "the layer's sums and does not add up the others again: that rounds otherwise, so an image whose two largest\n"
        "outputs are all but equal may count otherwise.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = neurons_open,
    .moment = neurons_moment,
};
