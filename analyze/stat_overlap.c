/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_overlap.c - how much two runs keep in common, layer by layer, against chance.
 *
 * A block of rows is one choice from each of three tables: what is compared (comparisons), how b's units are matched to
 * a's (alignments), and what chance means (nulls). */
#include "analyze/counts.h"
#include "analyze/hypergeometric.h"
#include "analyze/stat.h"
#include "analyze/statistics.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run"},
    {"layer", "layer, or all: the whole network"},
    {"compare", "mask: g in {-1, 0, +1}; weight: t = sign(w) g"},
    {"alignment", "raw: unit u of one run against unit u of the other"},
    {"null", "independent: each layer's non-hidden places drawn at random, a and b of them in each layer as observed"},
    {"n", "weights"},
    {"a", "non-hidden weights of run_a"},
    {"b", "non-hidden weights of run_b"},
    {"both", "weights that are non-hidden in both"},
    {"jaccard", "both / (a + b - both); nan where both masks hide everything"},
    {"dice", "2 both / (a + b); nan where both masks hide everything"},
    {"overlap_coefficient", "both / min(a, b); nan where one mask hides everything"},
    {"agreement", "share of equal entries, three classes"},
    {"kappa", "Cohen's kappa, three classes; nan where chance agreement is 1"},
    {"sign_agreement", "share of equal signs among both; nan where both = 0"},
    {"expected_jaccard", "expectation of the Jaccard index under the null; nan where both masks hide everything"},
    {"z", "(both - expectation) / standard deviation under the null; nan where that is 0"},
    {"p_value", "P(both >= observed) under the null; 0 only where it is below the smallest double (4.9e-324)"},
    {"p_holm", "p_value by Holm's method over the layers of these rows; nan for all"},
};

/* ---- what is compared: the two masks as a 3 x 3 table of classes (0 invert, 1 hide, 2 keep) ---- */

typedef size_t class_table[3][3];

static void count_masks(const struct sm_moment *a, const struct sm_moment *b, size_t layer, class_table table) {
    const int8_t *ga = a->mask[layer], *gb = b->mask[layer];
    size_t n = sm_layer_weights(&a->run->net.layers[layer]);
    for (size_t i = 0; i < n; i++) table[ga[i] + 1][gb[i] + 1]++;
}

static int sign_of(float w) {
    return (w > 0) - (w < 0);
}

static void count_weights(const struct sm_moment *a, const struct sm_moment *b, size_t layer, class_table table) {
    const int8_t *ga = a->mask[layer], *gb = b->mask[layer];
    const float *wa = a->weights[layer], *wb = b->weights[layer];
    size_t n = sm_layer_weights(&a->run->net.layers[layer]);
    for (size_t i = 0; i < n; i++) table[sign_of(wa[i]) * ga[i] + 1][sign_of(wb[i]) * gb[i] + 1]++;
}

static const struct comparison {
    enum sm_compare bit;
    const char *name;
    void (*count)(const struct sm_moment *a, const struct sm_moment *b, size_t layer, class_table table);
} comparisons[] = {
    {SM_COMPARE_MASK, "mask", count_masks},
    {SM_COMPARE_WEIGHT, "weight", count_weights},
};

/* ---- what was observed ---- */

struct observed {
    class_table table;
    size_t n, a, b, both, equal, equal_signs;
};

static void observed_finish(struct observed *seen) {
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            seen->n += seen->table[i][j];
            seen->a += i != 1 ? seen->table[i][j] : 0;
            seen->b += j != 1 ? seen->table[i][j] : 0;
            seen->both += i != 1 && j != 1 ? seen->table[i][j] : 0;
            seen->equal += i == j ? seen->table[i][j] : 0;
        }
    seen->equal_signs = seen->table[0][0] + seen->table[2][2];
}

/* seen [n_layers + 1], zeroed: the layers, then all. */
static void observe(struct observed *seen, const struct comparison *comparison, const struct sm_moment *a,
                    const struct sm_moment *b) {
    size_t n_layers = a->run->net.n_layers;
    struct observed *all = &seen[n_layers];
    for (size_t l = 0; l < n_layers; l++) {
        comparison->count(a, b, l, seen[l].table);
        for (size_t i = 0; i < 9; i++) all->table[i / 3][i % 3] += seen[l].table[i / 3][i % 3];
        observed_finish(&seen[l]);
    }
    observed_finish(all);
}

/* ---- what chance means ---- */

struct chance {
    double expected_jaccard, z, p_value, p_holm;
};

/* seen and chance: [n_layers + 1]; fills all but p_holm. */
typedef int null_model(struct chance *chance, const struct observed *seen, size_t n_layers, struct sm_error *err);

static int independent_chance(struct chance *chance, const struct sm_stratum *strata, size_t n_strata, size_t both,
                              struct sm_error *err) {
    double sd = sqrt(sm_coincidence_variance(strata, n_strata));
    chance->z = sd > 0 ? ((double)both - sm_coincidence_mean(strata, n_strata)) / sd : NAN;
    if (sm_coincidence_jaccard(strata, n_strata, &chance->expected_jaccard, err)) return -1;
    return sm_coincidence_tail(strata, n_strata, both, &chance->p_value, err);
}

static int independent_null(struct chance *chance, const struct observed *seen, size_t n_layers, struct sm_error *err) {
    struct sm_stratum *strata = calloc(n_layers + 1, sizeof *strata);
    int status = strata ? 0 : sm_fail(err, "out of memory for the null model of %zu layers", n_layers);
    for (size_t l = 0; !status && l < n_layers; l++) {
        strata[l] = (struct sm_stratum){seen[l].n, seen[l].a, seen[l].b};
        status = independent_chance(&chance[l], &strata[l], 1, seen[l].both, err);
    }
    if (!status) status = independent_chance(&chance[n_layers], strata, n_layers, seen[n_layers].both, err);
    free(strata);
    return status;
}

static const struct {
    const char *name;
    null_model *evaluate;
} nulls[] = {
    {"independent", independent_null},
};

static int adjust_layers(struct chance *chance, size_t n_layers, struct sm_error *err) {
    double *p = malloc((n_layers + 1) * sizeof *p);
    if (!p) return sm_fail(err, "out of memory for %zu p-values", n_layers);
    for (size_t l = 0; l < n_layers; l++) p[l] = chance[l].p_value;
    int status = sm_holm(p, n_layers, p, err);
    for (size_t l = 0; !status && l < n_layers; l++) chance[l].p_holm = p[l];
    chance[n_layers].p_holm = NAN;
    free(p);
    return status;
}

/* ---- rows ---- */

static void write_row(struct sm_table *table, struct observed *seen, const struct chance *chance) {
    sm_table_int(table, (int64_t)seen->n);
    sm_table_int(table, (int64_t)seen->a);
    sm_table_int(table, (int64_t)seen->b);
    sm_table_int(table, (int64_t)seen->both);
    sm_table_real(table, sm_share(seen->both, seen->a + seen->b - seen->both));
    sm_table_real(table, sm_share(2 * seen->both, seen->a + seen->b));
    sm_table_real(table, sm_share(seen->both, seen->a < seen->b ? seen->a : seen->b));
    sm_table_real(table, sm_share(seen->equal, seen->n));
    sm_table_real(table, sm_cohen_kappa(seen->table));
    sm_table_real(table, sm_share(seen->equal_signs, seen->both));
    sm_table_real(table, chance->expected_jaccard);
    sm_table_real(table, chance->z);
    sm_table_real(table, chance->p_value);
    sm_table_real(table, chance->p_holm);
}

/* Two moments whose units stand against each other as `alignment` says. */
struct block {
    const struct sm_moment *a, *b;
    const struct comparison *comparison;
    const char *alignment;
};

static void write_block(struct sm_table *table, const struct block *block, const char *null, struct observed *seen,
                        const struct chance *chance) {
    const struct sm_network *net = &block->a->run->net;
    for (size_t l = 0; l <= net->n_layers; l++) {
        sm_table_text(table, block->a->run->name);
        sm_table_text(table, block->b->run->name);
        sm_table_text(table, l < net->n_layers ? net->layers[l].name : SM_ALL_LAYERS);
        sm_table_text(table, block->comparison->name);
        sm_table_text(table, block->alignment);
        sm_table_text(table, null);
        write_row(table, &seen[l], &chance[l]);
    }
}

static int run_block(struct sm_table *table, const struct block *block, struct sm_error *err) {
    size_t n_layers = block->a->run->net.n_layers;
    struct observed *seen = calloc(n_layers + 1, sizeof *seen);
    struct chance *chance = calloc(n_layers + 1, sizeof *chance);
    int status = seen && chance ? 0 : sm_fail(err, "out of memory for the overlap of %zu layers", n_layers);
    if (!status) observe(seen, block->comparison, block->a, block->b);
    for (size_t i = 0; !status && i < sizeof nulls / sizeof *nulls; i++) {
        status = nulls[i].evaluate(chance, seen, n_layers, err);
        if (!status) status = adjust_layers(chance, n_layers, err);
        if (!status) write_block(table, block, nulls[i].name, seen, chance);
    }
    free(seen);
    free(chance);
    return status;
}

static int overlap_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis; /* only read */
    return 0;
}

static int overlap_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    const struct sm_moment *a = pair->a, *b = pair->b;
    if (!sm_runs_comparable(a->run, b->run)) {
        sm_note(analysis->notes, "overlap: %s and %s have different layers and were not compared", a->run->name,
                b->run->name);
        return 0;
    }
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (!(analysis->options->compare & comparisons[i].bit)) continue;
        const struct block block = {a, b, &comparisons[i], "raw"};
        if (run_block(table, &block, err)) return -1;
    }
    return 0;
}

const struct sm_statistic sm_stat_overlap = {
    .name = "overlap",
    .help = "how much two runs keep in common, against chance (Jaccard, Dice, kappa, sign agreement, p-values)",
    .about =
        "Overlap of the masks of two runs at one moment, for every pair of runs with the same layers.\n"
        "Where the initial weights of the runs differ, compare = weight is the meaningful row: equal mask entries on\n"
        "different weights do different things. A weight of exactly 0 counts as hidden there.\n"
        "null = independent: the places of a and b are drawn at random and independently within each layer; `both` is\n"
        "then hypergeometric (expected_jaccard, z and p_value are exact: expectation of the ratio, exact moments, "
        "upper\n"
        "tail P(X >= both)). For layer = all the layers' counts are drawn one by one and added, so that densities\n"
        "which differ between layers do not pass for agreement; pooling all weights into one hypergeometric would.\n"
        "p_holm: Holm 1979, over the layers of one pair, compare, alignment and null.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .open = overlap_open,
    .pair = overlap_pair,
};
