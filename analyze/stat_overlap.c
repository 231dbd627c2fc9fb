/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_overlap.c - how much two runs keep in common, layer by layer, against chance.
 *
 * A block of rows is one choice from each of three tables: what is compared (comparisons), how b's units stand against
 * a's (raw, aligned), and what chance means (nulls.c). overlap.c computes them. */
#include "analyze/overlap.h"

static const struct sm_column columns[] = {
    {"run_a", "first run"},
    {"run_b", "second run"},
    {"layer", "layer, or all: the whole network"},
    {"compare", "mask: g in {-1, 0, +1}; weight: t = sign(w) g, w: the weight that acts, the trained one of "
                "methods that train weights, else the initial one or what stands in its place"},
    {"alignment",
     "raw: unit u of one run against unit u of the other; aligned: hidden units of run_b re-ordered to match"},
    {"null", "what run_b is exchanged for: independent, unit-permutation, degree, sign-shuffle (see above)"},
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
    {"p_value", "P(both >= observed) under the null; sampled: (1 + replicates >= observed) / (replicates + 1)"},
    {"p_holm", "p_value by Holm's method over the layers of these rows; nan for all"},
    {"expected_sign_agreement", "mean of sign_agreement over the replicates; nan where none has common weights"},
    {"sign_z", "(sign_agreement - expectation) / standard deviation over the replicates; nan where that is 0"},
    {"sign_p_value", "(1 + replicates with a sign_agreement >= observed) / (replicates + 1); nan where both = 0"},
};

static void write_cells(struct sm_table *table, const struct sm_overlap_cells *cells) {
    const size_t counts[] = {cells->n, cells->a, cells->b, cells->both};
    const double values[] = {
        cells->jaccard,     cells->dice,           cells->overlap_coefficient,     cells->agreement,
        cells->kappa,       cells->sign_agreement, cells->expected_jaccard,        cells->z,
        cells->p_value,     cells->p_holm,         cells->expected_sign_agreement, cells->sign_z,
        cells->sign_p_value};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) sm_table_int(table, (int64_t)counts[i]);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) sm_table_real(table, values[i]);
}

/* One alignment against one null: a row a layer and one for all. */
static void write_block(struct sm_table *table, const struct sm_pair *pair, const char *compare,
                        const struct sm_overlap *overlap, enum sm_overlap_alignment alignment, size_t null) {
    const struct sm_network *net = &pair->a->run->net;
    for (size_t l = 0; l <= net->n_layers; l++) {
        sm_table_text(table, pair->a->run->name);
        sm_table_text(table, pair->b->run->name);
        sm_table_text(table, l < net->n_layers ? net->layers[l].name : SM_ALL_LAYERS);
        sm_table_text(table, compare);
        sm_table_text(table, sm_overlap_alignment_names[alignment]);
        sm_table_text(table, sm_nulls[null].name);
        write_cells(table, sm_overlap_cells(overlap, alignment, null, l));
    }
}

static int compare(struct sm_table *table, const struct sm_pair *pair, const struct sm_comparison *comparison,
                   struct sm_error *err) {
    const struct sm_overlap *overlap = sm_pair_overlap(pair, comparison->bit, err);
    if (!overlap) return -1;
    for (size_t k = 0; k < SM_N_OVERLAP_ALIGNMENTS * SM_N_NULLS; k++)
        write_block(table, pair, comparison->name, overlap, (enum sm_overlap_alignment)(k / SM_N_NULLS),
                    k % SM_N_NULLS);
    return 0;
}

static int overlap_open(void **state, const struct sm_analysis *analysis, struct sm_error *err) {
    (void)err;
    *state = (void *)analysis; /* only read */
    return 0;
}

static int overlap_pair(void *state, const struct sm_pair *pair, struct sm_table *table, struct sm_error *err) {
    const struct sm_analysis *analysis = state;
    for (size_t i = 0; i < SM_N_COMPARISONS; i++) {
        if (!(analysis->options->compare & sm_comparisons[i].bit)) continue;
        if (compare(table, pair, &sm_comparisons[i], err)) return -1;
    }
    return 0;
}

const struct sm_statistic sm_stat_overlap = {
    .name = "overlap",
    .help = "how much two runs keep in common, as found and with hidden units aligned, against chance",
    .about =
        "Overlap of the masks of two runs at one moment, for every pair of runs with the same layers.\n"
        "compare: where the initial weights of the runs differ, weight is the meaningful row: equal mask entries on\n"
        "different weights do different things. A weight of exactly 0 counts as hidden there.\n"
        "alignment: hidden units have no fixed place, so that raw compares each with an arbitrary one. aligned "
        "re-orders\n"
        "the hidden units of run_b so that the overlap of the whole network is largest: coordinate descent over the\n"
        "layers, one linear assignment each, from --starts orders (Ainsworth et al. 2023, weight matching). It "
        "matches\n"
        "places for mask, and places with their signs for weight (a common place counts +1 for equal signs, -1 for\n"
        "opposite ones).\n"
        "null: what chance would give if run_b were\n"
        "  independent       as many kept and inverted weights in each layer at random places. For raw, "
        "expected_jaccard,\n"
        "                    z and p_value are exact (hypergeometric; for all, the layers' counts are drawn one by "
        "one\n"
        "                    and added, so that densities which differ between layers do not pass for agreement)\n"
        "  unit-permutation  the same network with its hidden units in random order; matched, it is the data again but "
        "for\n"
        "                    another local optimum of the search: a check of the alignment, not of the data\n"
        "  degree            a network in which each unit keeps its number of incoming weights, and each unit of the "
        "layer\n"
        "                    before its number of outgoing weights of each sign (curveball, signs dealt anew by "
        "column)\n"
        "  sign-shuffle      the same places with the signs of each layer in random order: see the sign_ columns\n"
        "each sampled --nulls times and aligned by the very same procedure as the data where the row is aligned.\n"
        "p_holm: Holm 1979, over the layers of one pair, compare, alignment and null.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .of_draws = SM_DRAWS_IN_PAIRS,
    .open = overlap_open,
    .pair = overlap_pair,
};
