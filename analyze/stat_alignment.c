/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_alignment.c - how well the hidden units of two runs could be matched, and how much that hung on where the search
 * began. */
#include <math.h>

#include "analyze/align.h"
#include "analyze/stat.h"

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run, whose hidden units are re-ordered"},
    {"compare", "what is matched: mask: places; weight: places with the sign of w g"},
    {"profit",
     "at the order that the aligned rows of all tables use, the best of `starts`: common places; for weight those "
     "with equal signs less those with opposite ones"},
    {"profit_lowest", "where the worst of `tried` starts ended"},
    {"profit_mean", "mean of where they ended"},
    {"profit_sd", "their standard deviation (n - 1); nan for a single one"},
    {"starts", "orders from which the search began (--starts; 1 where there is no hidden unit)"},
    {"rounds", "rounds over the layers until nothing improved, from the start that was kept"},
    {"tried", "orders from which it was begun for the spread: at least four, those of `starts` first"},
    {"profit_highest", "where the best of `tried` starts ended"},
};

/* So many starts are tried to tell how much hangs on them, however few the alignment itself had. */
static const size_t LEAST_TRIED = 4;

struct spread {
    int64_t lowest, highest;
    double mean, sd;
};

static struct spread spread_of(const struct sm_alignment *tried) {
    size_t n = tried->n_starts;
    struct spread spread = {.lowest = tried->profit, .highest = tried->profit};
    double squares = 0, sum = 0;
    for (size_t s = 0; s < n; s++) {
        int64_t profit = tried->start_profit[s];
        spread.lowest = profit < spread.lowest ? profit : spread.lowest;
        sum += (double)profit;
    }
    spread.mean = sum / (double)n;
    for (size_t s = 0; s < n; s++) squares += pow((double)tried->start_profit[s] - spread.mean, 2);
    spread.sd = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
    return spread;
}

static int write_row(struct sm_table *table, const struct sm_pair *pair, enum sm_compare compare, const char *name,
                     const struct sm_options *options, struct sm_error *err) {
    struct sm_options more = *options;
    struct sm_alignment tried;
    if (more.n_starts < LEAST_TRIED) more.n_starts = LEAST_TRIED;
    const struct sm_alignment *used = sm_pair_alignment(pair, compare, err);
    if (!used) return -1;
    if (sm_align_moments(&tried, pair->a, pair->b, compare, &more, err) != 0) {
        sm_alignment_destroy(&tried);
        return -1;
    }
    struct spread spread = spread_of(&tried);
    sm_table_text(table, pair->a->run->name);
    sm_table_text(table, pair->b->run->name);
    sm_table_text(table, name);
    sm_table_int(table, used->profit);
    sm_table_int(table, spread.lowest);
    sm_table_real(table, spread.mean);
    sm_table_real(table, spread.sd);
    sm_table_int(table, (int64_t)used->n_starts);
    sm_table_int(table, (int64_t)used->n_rounds);
    sm_table_int(table, (int64_t)tried.n_starts);
    sm_table_int(table, spread.highest);
    sm_alignment_destroy(&tried);
    return 0;
}

static int alignment_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis; /* only read */
    return 0;
}

static int alignment_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    const struct sm_options *options = analysis->options;
    if (options->compare & SM_COMPARE_MASK && write_row(table, pair, SM_COMPARE_MASK, "mask", options, err) != 0)
        return -1;
    if (!(options->compare & SM_COMPARE_WEIGHT)) return 0;
    return write_row(table, pair, SM_COMPARE_WEIGHT, "weight", options, err);
}

const struct sm_statistic sm_stat_alignment = {
    .name = "alignment",
    .help = "how well the hidden units of two runs could be matched, and whether the start of the search mattered",
    .about =
        "The search behind every aligned row of the other tables: hidden units of run_b are re-ordered so that the\n"
        "profit of the whole network is largest, by coordinate descent over the layers with one linear assignment\n"
        "each (Ainsworth et al. 2023, weight matching). It ends at a local optimum, so it may begin at several orders\n"
        "(--starts): from the input upwards, from the output downwards, then random ones. Here it is begun at four\n"
        "orders at least: where they end close to each other, little hangs on where one begins.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = alignment_open,
    .pair = alignment_pair,
};
