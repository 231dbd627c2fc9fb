/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/samples.h"

#include <stdlib.h>

#include <supermask/text.h>

#include "analyze/runs.h"

static const struct {
    enum sm_of_draws kind;
    const char *so;
} kinds[] = {
    {SM_DRAWS_IN_TIME, "a weight kept with probability p changes its state between two of them with probability "
                       "2 p (1 - p), even where nothing is learned"},
    {SM_DRAWS_IN_PAIRS, "one draw of each is compared, which have less in common than the probabilities behind them: "
                        "overlap and association are diluted"},
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* "flips, settling"; empty: no table of that kind. malloc'ed; NULL: no memory. */
static char *tables_of(enum sm_of_draws kind, const struct sm_statistic *const *statistics, size_t n) {
    char *text = sm_format("%s", "");
    for (size_t t = 0; t < n && text; t++) {
        if (statistics[t]->of_draws != kind) continue;
        char *longer = sm_format("%s%s%s", text, *text ? ", " : "", statistics[t]->name);
        free(text);
        text = longer;
    }
    return text;
}

/* "a" or "3 runs, the first of them a,"; empty: none. malloc'ed; NULL: no memory. */
static char *runs_of(const struct sm_analysis *analysis) {
    size_t n = 0, first = 0;
    for (size_t i = analysis->n_runs; i-- > 0;)
        if (analysis->runs[i].samples_masks) n++, first = i;
    if (n < 2) return sm_format("%s", n == 0 ? "" : analysis->runs[first].name);
    return sm_format("%zu runs, the first of them %s,", n, analysis->runs[first].name);
}

char *sm_samples_sentence(const struct sm_analysis *analysis, enum sm_of_draws kind) {
    char *runs = runs_of(analysis), *sentence = NULL;
    if (runs && (kind == SM_DRAWS_NOT_COMPARED || !*runs)) sentence = sm_format("%s", "");
    for (size_t k = 0; runs && !sentence && k < N_KINDS; k++)
        if (kinds[k].kind == kind)
            sentence = sm_format("masks of %s are samples, drawn anew for each record: %s", runs, kinds[k].so);
    free(runs);
    return sentence;
}

/* Out of memory costs the notes and nothing else, as in notes.c. */
void sm_samples_note(const struct sm_analysis *analysis, const struct sm_statistic *const *statistics,
                     size_t n_statistics) {
    for (size_t k = 0; k < N_KINDS; k++) {
        char *tables = tables_of(kinds[k].kind, statistics, n_statistics);
        char *sentence = sm_samples_sentence(analysis, kinds[k].kind);
        if (tables && *tables && sentence && *sentence) sm_note(analysis->notes, "%s: %s", tables, sentence);
        free(tables);
        free(sentence);
    }
}
