/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thresholds.tsv: masks for other thresholds from the stored final scores, without training again. */
#include "analyze/stat.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/counts.h"
#include "analyze/evaluator.h"
#include "analyze/runs.h"

static const double factors[] = {0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16};

static const struct sm_column columns[] = {
    {"run", "run file's base name"},
    {"layer", "layer, or `all` for the whole network"},
    {"factor", "multiple of the layer's own threshold tau; 1: the mask at the end of training"},
    {"threshold", "factor * tau; nan for `all`"},
    {"n_keep", "weights with a final score above the threshold"},
    {"n_hide", "weights with a final score between minus the threshold and the threshold, both included"},
    {"n_invert", "weights with a final score below minus the threshold"},
    {"remaining", "(n_keep + n_invert) / weights"},
    {"accuracy",
     "test accuracy of the whole network under these masks, share in [0, 1]; nan for a layer, or without data"},
    {"loss", "its mean test loss, nats; likewise"},
};

/* [n_layers][weights] each */
struct bench {
    const struct sm_moment *moment;
    struct sm_evaluator *evaluator; /* NULL: no accuracy */
    float **scores;
    int8_t **mask;
};

static int bench_init(struct bench *bench, const struct sm_analysis *analysis, const struct sm_moment *moment,
                      struct sm_error *err) {
    const struct sm_run *run = moment->run;
    bench->moment = moment;
    bench->scores = sm_weights_new(&run->net);
    bench->mask = sm_masks_new(&run->net);
    if (!bench->scores || !bench->mask) return sm_fail(err, "%s: thresholds: out of memory", run->path);
    for (size_t l = 0; l < run->net.n_layers; l++)
        if (sm_run_read_values(run, l, SM_FINAL_SCORES, bench->scores[l], err) != 0) return -1;
    return sm_evaluator_open_moment(&bench->evaluator, analysis, moment, err);
}

static void bench_destroy(struct bench *bench) {
    sm_evaluator_close(bench->evaluator);
    free(bench->scores);
    free(bench->mask);
}

/* In float, as in training: factor 1 is the trained mask. */
static void mask_at(int8_t *mask, const float *scores, size_t n, float threshold) {
    for (size_t k = 0; k < n; k++) mask[k] = (int8_t)((scores[k] > threshold) - (scores[k] < -threshold));
}

static void write_row(struct sm_table *table, const struct bench *bench, const char *layer, double factor,
                      double threshold, struct sm_counts counts, const struct sm_score *score) {
    sm_table_text(table, bench->moment->run->name);
    sm_table_text(table, layer);
    sm_table_real(table, factor);
    sm_table_real(table, threshold);
    sm_table_int(table, (int64_t)counts.keep);
    sm_table_int(table, (int64_t)counts.hide);
    sm_table_int(table, (int64_t)counts.invert);
    sm_table_real(table, sm_share(sm_counts_remaining(counts), sm_counts_total(counts)));
    sm_table_real(table, score ? score->accuracy : NAN);
    sm_table_real(table, score ? score->loss : NAN);
}

static int write_factor(struct sm_table *table, const struct bench *bench, double factor, struct sm_error *err) {
    const struct sm_run *run = bench->moment->run;
    struct sm_counts all = {0};
    struct sm_score score;
    for (size_t l = 0; l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        double threshold = factor * run->threshold[l];
        mask_at(bench->mask[l], bench->scores[l], n, (float)threshold);
        struct sm_counts counts = sm_counts_of(bench->mask[l], n);
        all = (struct sm_counts){all.keep + counts.keep, all.hide + counts.hide, all.invert + counts.invert};
        write_row(table, bench, run->net.layers[l].name, factor, threshold, counts, NULL);
    }
    if (bench->evaluator && sm_evaluator_score(bench->evaluator, bench->mask, bench->moment->weights, &score, err) != 0)
        return -1;
    write_row(table, bench, SM_ALL_LAYERS, factor, NAN, all, bench->evaluator ? &score : NULL);
    return 0;
}

/* A constant text, or NULL. */
static const char *lacks(const struct sm_run *run) {
    if (run->trains_weights || !run->has_scores) return "its method has no scores";
    if (!run->has_final) return "the run has not stored its final scores yet";
    for (size_t l = 0; l < run->net.n_layers; l++)
        if (isnan(run->threshold[l])) return "its method has no threshold";
    return NULL;
}

static int open_table(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis;
    return 0;
}

static int moment_rows(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    const char *why = lacks(moment->run);
    if (why) {
        sm_note(analysis->notes, "thresholds: %s is left out: %s", moment->run->name, why);
        return 0;
    }
    struct bench bench = {0};
    const size_t n = sizeof factors / sizeof *factors;
    int status = bench_init(&bench, analysis, moment, err);
    if (bench.evaluator) sm_evaluator_announce(bench.evaluator, "thresholds", n);
    for (size_t f = 0; f < n && status == 0; f++) status = write_factor(table, &bench, factors[f], err);
    bench_destroy(&bench);
    return status;
}

const struct sm_statistic sm_stat_thresholds = {
    .name = "thresholds",
    .help = "remaining weights and test accuracy for other thresholds of the final scores",
    .about = "What another threshold would have left, without training again: masks from the final scores m with the\n"
             "threshold t = factor * tau of each layer: keep where m > t, invert where m < -t, else hide. The scores\n"
             "were trained with the threshold of factor 1, whose mask is that of the end of training; --at changes\n"
             "nothing. Runs without final scores are left out, and a note says so.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = open_table,
    .moment = moment_rows,
};
