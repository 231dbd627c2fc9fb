/* SPDX-License-Identifier: GPL-3.0-or-later */
/* controls.tsv: does the mask carry the information, or only its density? */
#include "analyze/stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/controls.h"
#include "analyze/counts.h"
#include "analyze/evaluator.h"
#include "analyze/moments.h"
#include "analyze/runs.h"

enum { REPLICATES = 10 };

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"control", "what was done to the mask or its weights"},
    {"replicates",
     "evaluated networks: 10 where the control draws random numbers (--seed), else 1; 0: can change nothing"},
    {"accuracy", "mean test accuracy, share in [0, 1]"},
    {"accuracy_sd", "standard deviation over the replicates (n - 1 in the denominator); nan for one"},
    {"accuracy_min", "lowest"},
    {"accuracy_max", "highest"},
    {"loss", "mean test loss, nats"},
    {"remaining", "share of weights that act, those that are neither hidden nor 0: the same for all controls"},
};

/* Mask and weights of a moment to be worked on, and what they are evaluated with. */
struct bench {
    const struct sm_moment *moment;
    struct sm_evaluator *evaluator;
    struct sm_recipe recipe;
    int8_t **mask;
    float **weights;
    uint64_t seed;
};

static int bench_init(struct bench *bench, const struct sm_moment *moment, uint64_t seed, struct sm_error *err) {
    const struct sm_run *run = moment->run;
    bench->moment = moment;
    bench->seed = seed;
    sm_recipe_defaults(&bench->recipe);
    if (sm_recipe_parse(&bench->recipe, run->recipe, run->path, err) != 0) return -1;
    bench->mask = sm_masks_new(&run->net);
    bench->weights = sm_weights_new(&run->net);
    return bench->mask && bench->weights ? 0 : sm_fail(err, "%s: controls: out of memory", run->path);
}

static int evaluate(const struct bench *bench, const struct sm_control *control, uint32_t replicate,
                    struct sm_score *score, struct sm_error *err) {
    const struct sm_network *net = &bench->moment->run->net;
    for (size_t l = 0; l < net->n_layers; l++) {
        size_t n = sm_layer_weights(&net->layers[l]);
        memcpy(bench->mask[l], bench->moment->mask[l], n);
        memcpy(bench->weights[l], bench->moment->weights[l], n * sizeof(float));
    }
    const struct sm_control_work work = {.net = net,
                                         .recipe = &bench->recipe,
                                         .mask = bench->mask,
                                         .weights = bench->weights,
                                         .weights_of_mask = sm_moment_weights_of_mask(bench->moment),
                                         .seed = bench->seed,
                                         .replicate = replicate};
    if (control->apply(&work, err) != 0) return -1;
    return sm_evaluator_score(bench->evaluator, bench->mask, bench->weights, score, err);
}

static double remaining_of(const struct bench *bench) {
    const struct sm_network *net = &bench->moment->run->net;
    size_t remaining = 0;
    for (size_t l = 0; l < net->n_layers; l++)
        for (size_t k = 0; k < sm_layer_weights(&net->layers[l]); k++)
            remaining += bench->mask[l][k] != 0 && bench->weights[l][k] != 0;
    return sm_share(remaining, sm_network_weights(net));
}

static void write_row(struct sm_table *table, const struct bench *bench, const struct sm_control *control,
                      const struct sm_score *score, size_t n) {
    double sum = 0, loss = 0, squares = 0, low = NAN, high = NAN;
    for (size_t r = 0; r < n; r++) {
        sum += score[r].accuracy;
        loss += score[r].loss;
        low = fmin(low, score[r].accuracy);
        high = fmax(high, score[r].accuracy);
    }
    double mean = sum / (double)n; /* of none: nan, and so are the extremes */
    for (size_t r = 0; r < n; r++) squares += (score[r].accuracy - mean) * (score[r].accuracy - mean);
    sm_table_text(table, bench->moment->run->name);
    sm_table_text(table, control->name);
    sm_table_int(table, (int64_t)n);
    sm_table_real(table, mean);
    sm_table_real(table, n > 1 ? sqrt(squares / (double)(n - 1)) : NAN);
    sm_table_real(table, low);
    sm_table_real(table, high);
    sm_table_real(table, loss / (double)n);
    sm_table_real(table, remaining_of(bench));
}

static size_t n_replicates(const struct bench *bench, const struct sm_control *control) {
    if (!control->applies(&bench->moment->run->net, bench->moment->mask)) return 0;
    return control->random ? REPLICATES : 1;
}

static void announce(const struct bench *bench) {
    size_t n = 0;
    for (size_t c = 0; c < sm_n_controls; c++) n += n_replicates(bench, &sm_controls[c]);
    if (n) sm_evaluator_announce(bench->evaluator, "controls", n);
}

static int write_control(struct sm_table *table, const struct bench *bench, const struct sm_control *control,
                         struct sm_error *err) {
    struct sm_score score[REPLICATES];
    const size_t n = n_replicates(bench, control);
    for (size_t r = 0; r < n; r++)
        if (evaluate(bench, control, (uint32_t)r, &score[r], err) != 0) return -1;
    write_row(table, bench, control, score, n);
    return 0;
}

static int open_table(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis;
    return 0;
}

static int moment_rows(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    struct bench bench = {0};
    if (sm_evaluator_open_moment(&bench.evaluator, analysis, moment, err) != 0) return -1;
    if (!bench.evaluator) return 0;
    int status = bench_init(&bench, moment, analysis->options->seed, err);
    if (status == 0) announce(&bench);
    for (size_t c = 0; c < sm_n_controls && status == 0; c++)
        status = write_control(table, &bench, &sm_controls[c], err);
    free(bench.mask);
    free(bench.weights);
    sm_evaluator_close(bench.evaluator);
    return status;
}

const struct sm_statistic sm_stat_controls = {
    .name = "controls",
    .help = "test accuracy with the mask or its signs shuffled, all inverted, or other weights",
    .about =
        "Test accuracy of the network at the record that --at picks, and of networks made from it that keep the\n"
        "number of non-hidden weights of each layer, so that they have its density and nothing else in common:\n"
        "  as-trained      the network itself\n"
        "  shuffle-mask    the entries of the mask g permuted within each layer. Where weights were trained or put in\n"
        "                  place under the mask (lottery-ticket, supermask-heuristic), nothing stands where it hides:\n"
        "                  there a place that is kept anew gets the weight of one that is hidden anew, drawn at\n"
        "                  random within the layer. The layer's weights remain the same ones; their places are lost\n"
        "  shuffle-signs   the signs of g permuted among the non-hidden entries of each layer\n"
        "  invert-all      g becomes -g\n"
        "  redraw-weights  new initial weights, drawn as the recipe says from another seed; of weights that were\n"
        "                  trained or put in place nothing is left: the network is untrained\n"
        "A mask that carried only its density would lose nothing. A control that can change nothing has no "
        "replicates,\n"
        "and nan for what would be measured: shuffle-mask where the mask has one state in each layer (dense),\n"
        "shuffle-signs where none has both signs (a method that inverts no weight). A run that cannot be evaluated has "
        "no rows, and a note says why.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .needs_images = true,
    .open = open_table,
    .moment = moment_rows,
};
