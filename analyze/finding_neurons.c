/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which neurons survive and matter? Collapsed layers first: nobody must overlook them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/finding.h"

enum { N_TOP = 5 };

/* ---- layer collapse ---- */

/* Runs whose last record of the layer has no effective weight, and one of them. */
static size_t count_collapsed(const struct sm_scope *scope, const char *layer, const char **run) {
    struct sm_rows rows = sm_scope_rows(scope, "ratios", layer);
    size_t n = 0;
    for (size_t i = 0; i < rows.n; i++) {
        if (!sm_rows_is_last(&rows, i) || sm_rows_real(&rows, i, "effective_remaining") != 0) continue;
        if (n++ == 0) *run = sm_rows_text(&rows, i, "run");
    }
    return n;
}

static void warn(const struct sm_scope *scope, const char *layer) {
    const char *run = "";
    size_t n = count_collapsed(scope, layer, &run);
    if (n == 0) return;
    sm_say_warning(scope, "Layer collapse: %s has no effective weight in %s (%zu of %zu run%s): nothing passes it.",
                   layer, run, n, scope->n_runs, sm_plural(scope->n_runs));
}

static void find_collapse(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    for (size_t l = 0; l < net->n_layers; l++) warn(scope, net->layers[l].name);
}

/* ---- alive and dead ---- */

static void write_alive_row(const struct sm_scope *scope, const char *layer) {
    struct sm_spread units = sm_scope_spread(scope, "concentration", layer, "units", NULL);
    struct sm_spread alive = sm_scope_spread(scope, "concentration", layer, "alive", NULL);
    if (alive.n == 0) return;
    sm_grid_row(scope, layer);
    sm_grid_cell(scope, "%.0f", units.mean);
    sm_grid_cell(scope, "%s", sm_number_range(alive).s);
    sm_grid_cell(scope, "%s", sm_percent(1 - alive.mean / units.mean).s);
    sm_grid_cell(scope, "%s", sm_number(sm_scope_spread(scope, "concentration", layer, "dead_in", NULL).mean).s);
    sm_grid_cell(scope, "%s", sm_number(sm_scope_spread(scope, "concentration", layer, "dead_out", NULL).mean).s);
}

/* Mean over the runs of a column's sum over the hidden layers. */
static double hidden_sum(const struct sm_scope *scope, const char *column) {
    const struct sm_network *net = &scope->first->net;
    double sum = 0;
    for (size_t l = 0; l + 1 < net->n_layers; l++)
        sum += sm_scope_spread(scope, "concentration", net->layers[l].name, column, NULL).mean;
    return sum;
}

static void find_alive(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    double units = hidden_sum(scope, "units"), alive = hidden_sum(scope, "alive");
    if (!(units > 0) || isnan(alive)) return;
    sm_say_begin(scope);
    fputs("<b>", scope->file);
    sm_say(scope, "%s of %.0f hidden units are alive", sm_number(alive).s, units);
    fputs("</b>", scope->file);
    sm_say(scope, " (%s): a path leads from the input through them to the output. %s", sm_percent(alive / units).s,
           alive < units ? "The others are dead:" : "No unit is dead.");
    if (alive < units) {
        sm_grid_open(scope, SM_COLUMNS("layer", "units", "alive", "dead", "without input", "without output"));
        write_alive_row(scope, "input");
        for (size_t l = 0; l < net->n_layers; l++) write_alive_row(scope, net->layers[l].name);
        sm_grid_close(scope);
    }
    sm_say_end(scope);
}

/* ---- ablation ---- */

/* An order in which units are removed. */
static const struct order {
    const char *criterion, *direction, *name;
} orders[] = {
    {"drop", "last", "least own accuracy drop first"},
    {"synflow", "last", "least SynFlow first"},
    {"paths", "last", "fewest paths first"},
    {"random", "random", "at random"},
    {"paths", "first", "most paths first"},
    {"synflow", "first", "most SynFlow first"},
    {"drop", "first", "largest own accuracy drop first"},
};
enum { N_ORDERS = sizeof orders / sizeof *orders };

/* How far accuracy may fall: a floor for an accuracy at the start. */
static double one_point(double start, double chance) {
    (void)chance;
    return start - 0.01;
}

static double half_way(double start, double chance) {
    return (start + chance) / 2;
}

/* Share of a run's alive units that can go, in the order of the rows, before accuracy is below the floor. */
struct removal {
    bool ended;   /* the floor was crossed: later rows do not count */
    double start; /* accuracy with all units */
    double share;
};

static void remove_units(struct removal *removal, double share, double accuracy,
                         double (*floor_of)(double start, double chance), double chance) {
    if (share == 0) *removal = (struct removal){.start = accuracy};
    if (removal->ended || isnan(accuracy)) return;
    removal->ended = accuracy < floor_of(removal->start, chance);
    if (!removal->ended) removal->share = share;
}

/* Over the runs; rows of a curve stand by run, in the order of units removed. */
static struct sm_spread removable(const struct sm_scope *scope, const struct order *order,
                                  double (*floor_of)(double start, double chance)) {
    struct sm_rows rows = sm_scope_rows(scope, "ablation", SM_ALL_LAYERS);
    const struct sm_where *where = SM_WHERE({"criterion", order->criterion}, {"direction", order->direction});
    struct removal *removal = calloc(scope->report->analysis->n_runs + 1, sizeof *removal);
    double *values = calloc(scope->report->analysis->n_runs + 1, sizeof *values), chance = sm_scope_chance(scope);
    size_t n = 0;
    for (size_t i = 0; removal && values && i < rows.n; i++)
        if (sm_rows_match(&rows, i, where))
            remove_units(&removal[sm_rows_run(&rows, i)], sm_rows_real(&rows, i, "share"),
                         sm_rows_real(&rows, i, "accuracy"), floor_of, chance);
    for (size_t r = 0; removal && values && r < scope->report->analysis->n_runs; r++)
        if (removal[r].start > 0) values[n++] = removal[r].share;
    struct sm_spread spread = sm_spread_of(values, n);
    free(removal);
    free(values);
    return spread;
}

static void find_ablation(const struct sm_scope *scope) {
    struct sm_spread gentle[N_ORDERS];
    const struct order *best = NULL;
    double most = -1;
    for (size_t o = 0; o < N_ORDERS; o++) {
        gentle[o] = removable(scope, &orders[o], one_point);
        if (gentle[o].mean > most) most = gentle[o].mean, best = &orders[o];
    }
    if (!best) return;
    sm_say_begin(scope);
    fputs("<b>", scope->file);
    sm_say(scope, "%s of the alive hidden units can go", sm_percent_interval(gentle[best - orders]).s);
    fputs("</b>", scope->file);
    sm_say(scope,
           " (%s) before accuracy falls by one point. Share of the units that can go before it falls by a point, or "
           "half way to chance (%s):",
           best->name, sm_percent(sm_scope_chance(scope)).s);
    sm_grid_open(scope, SM_COLUMNS("removed", "one point", "half way to chance"));
    for (size_t o = 0; o < N_ORDERS; o++) {
        if (gentle[o].n == 0) continue;
        sm_grid_row(scope, orders[o].name);
        sm_grid_cell(scope, "%s", sm_percent_range(gentle[o]).s);
        sm_grid_cell(scope, "%s", sm_percent_range(removable(scope, &orders[o], half_way)).s);
    }
    sm_grid_close(scope);
    sm_say_end(scope);
}

/* ---- the units that matter most ---- */

struct unit {
    const char *layer, *unit;
    double value;
};

/* Keeps `top` sorted, largest first; what falls off the end is lost. */
static void insert(struct unit top[N_TOP], struct unit unit) {
    for (size_t i = 0; i < N_TOP; i++) {
        if (top[i].unit && top[i].value >= unit.value) continue;
        struct unit next = top[i];
        top[i] = unit;
        unit = next;
        if (!unit.unit) return;
    }
}

static void collect_top(const struct sm_scope *scope, const char *column, struct unit top[N_TOP]) {
    const struct sm_network *net = &scope->first->net;
    for (size_t l = 0; l + 1 < net->n_layers; l++) {
        struct sm_rows rows = sm_scope_rows(scope, "neurons", net->layers[l].name);
        for (size_t i = 0; i < rows.n && strcmp(sm_rows_text(&rows, i, "run"), scope->first->name) == 0; i++) {
            double value = sm_rows_real(&rows, i, column);
            if (isfinite(value)) insert(top, (struct unit){net->layers[l].name, sm_rows_text(&rows, i, "unit"), value});
        }
    }
}

/* By the first of these that was measured. Where the first few are equal (in a dense network) none stands out. */
static const struct importance {
    const char *column, *words;
    struct sm_words (*print)(double value);
} importances[] = {
    {"ablation_accuracy_drop", "by the accuracy that is lost without them", sm_percent},
    {"log10_synflow", "by SynFlow (log10)", sm_number},
    {"log10_paths", "by their paths (log10)", sm_number},
};

static void say_top(const struct sm_scope *scope, const struct importance *importance, const struct unit *top) {
    sm_say_begin(scope);
    sm_say(scope, "Hidden units of %s that matter most, %s: ", scope->first->name, importance->words);
    for (size_t i = 0; i < N_TOP && top[i].unit; i++)
        sm_say(scope, "%s%s:%s (%s)", i ? ", " : "", top[i].layer, top[i].unit, importance->print(top[i].value).s);
    sm_say(scope, ". All of them are in ");
    fputs("<a href=\"#table-neurons\">neurons</a>; <code>supermask-analyze passport --unit ", scope->file);
    sm_say(scope, "%s:%s", top[0].layer, top[0].unit);
    fputs(" RUN...</code> makes a page about one.", scope->file);
    sm_say_end(scope);
}

static void find_top(const struct sm_scope *scope) {
    for (size_t i = 0; i < sizeof importances / sizeof *importances; i++) {
        struct unit top[N_TOP] = {{0}};
        collect_top(scope, importances[i].column, top);
        if (!top[0].unit) continue;
        if (!top[N_TOP - 1].unit || top[N_TOP - 1].value < top[0].value) say_top(scope, &importances[i], top);
        return;
    }
}

const sm_finding sm_findings_neurons[] = {find_collapse, find_alive, find_ablation, find_top, NULL};
