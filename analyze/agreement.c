/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/agreement.h"

#include <stdlib.h>

/* ---- one ranking ---- */

/* Routes beyond 2^53 and SynFlow are rounded sums: what differs by rounding only is a tie. */
static double value_of(const struct sm_units *units, enum sm_unit_measure measure, size_t u) {
    double value = sm_unit_value(units, measure, u);
    bool rounded = measure == SM_UNIT_LOG10_PATHS || measure == SM_UNIT_LOG10_SYNFLOW;
    return rounded && isfinite(value) ? round(value * 1e9) / 1e9 : value;
}

static size_t partner_of(const struct sm_ranking *ranking, size_t u) {
    return ranking->alignment ? sm_alignment_partner(ranking->alignment, ranking->level, u) : u;
}

/* The values of the two runs side by side. Returns the number of units. */
static size_t gather(const struct sm_ranking *ranking, double *x, double *y) {
    const struct sm_units *a = ranking->a, *b = ranking->b;
    size_t first = a->graph.offset[ranking->level], n = 0;
    for (size_t u = 0; u < sm_graph_level_units(&a->graph, ranking->level); u++) {
        size_t ua = first + u, ub = first + partner_of(ranking, u);
        if (ranking->alive_only && !(sm_unit_alive(a, ua) && sm_unit_alive(b, ub))) continue;
        x[n] = value_of(a, ranking->measure, ua);
        y[n++] = value_of(b, ranking->measure, ub);
    }
    return n;
}

bool sm_ranking_is_defined(const struct sm_ranking *ranking) {
    return !isnan(sm_unit_value(ranking->a, ranking->measure, ranking->a->graph.offset[ranking->level]));
}

int sm_agreement_of(struct sm_agreement *agreement, const struct sm_ranking *ranking, struct sm_error *err) {
    size_t most = sm_graph_level_units(&ranking->a->graph, ranking->level);
    double *x = malloc((2 * most + 1) * sizeof *x);
    if (!x) return sm_fail(err, "out of memory for %zu units", most);
    double *y = x + most;
    size_t n = gather(ranking, x, y), k = (n + 9) / 10;
    *agreement = (struct sm_agreement){.n = n, .k = k, .expected_top_overlap = n ? (double)k / (double)n : NAN};
    int status = sm_spearman(x, y, n, &agreement->spearman, err);
    if (status == 0) status = sm_kendall_tau_b(x, y, n, &agreement->kendall, err);
    if (status == 0) status = sm_top_overlap(x, y, n, k, &agreement->top_overlap, err);
    free(x);
    return status;
}

/* ---- units of all runs ---- */

int sm_units_cache_init(struct sm_units_cache *cache, size_t n_runs, struct sm_error *err) {
    *cache = (struct sm_units_cache){n_runs, calloc(n_runs + 1, sizeof *cache->units),
                                     calloc(n_runs + 1, sizeof *cache->done)};
    return cache->units && cache->done ? 0 : sm_fail(err, "out of memory for the units of %zu runs", n_runs);
}

void sm_units_cache_destroy(struct sm_units_cache *cache) {
    for (size_t i = 0; cache->done && i < cache->n_runs; i++)
        if (cache->done[i]) sm_units_destroy(&cache->units[i]);
    free(cache->units);
    free(cache->done);
    *cache = (struct sm_units_cache){0};
}

const struct sm_units *sm_units_cache_get(struct sm_units_cache *cache, const struct sm_moment *moment,
                                          struct sm_error *err) {
    size_t i = moment->run_index;
    if (cache->done[i]) return &cache->units[i];
    if (sm_units_init(&cache->units[i], moment, err) != 0) {
        sm_units_destroy(&cache->units[i]);
        sm_fail_prefix(err, "%s", moment->run->path);
        return NULL;
    }
    cache->done[i] = true;
    return &cache->units[i];
}
