/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_methods.c - data/methods-neurons.tsv: which units the runs of each group use, so that methods can be seen side
 * by side. Input units stand for themselves, so all runs of a group are averaged; a hidden unit is the same unit in two
 * runs only where both began with the same weights, so hidden layers are those of one weight seed, and of the groups
 * whose initial weights have the same signs there: the same seed gives other draws in another distribution. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/figure_data.h"
#include "analyze/moments.h"
#include "analyze/statistics.h"
#include "analyze/units.h"

static const struct sm_column columns[] = {
    {"group", "number of the group, from 1"},
    {"label", "its name"},
    {"method", "training method"},
    {"layer", "input, or a hidden layer"},
    {"unit", "unit, from 0"},
    {"runs",
     "runs in the mean: input: all of the group; hidden layers: those with the weight seed, of groups that began "
     "with the same signs of weights"},
    {"weight_seed", "that most groups have a run of"},
    {"kept", "input: kept and inverted outgoing weights of the unit; hidden: incoming ones; mean over the runs"},
    {"relative", "kept / mean of kept over the layer's units: 1 for even spreading; nan where nothing is kept"},
    {"alive", "share of the runs in which the unit is on a route from input to output"},
    {"place", "place of the unit in its layer, from 0, by the mean over the groups of its rank by kept, largest first"},
    {"height", "rows of the input image; 0: the input is no image of one channel"},
    {"width", "columns of the input image"},
};

/* Groups that can be seen side by side. */
struct gallery {
    const struct sm_figure_context *context;
    struct sm_graph graph; /* of all that are shown */
    uint64_t weight_seed;
    bool *shown;              /* [n_groups] */
    size_t *n_all, *n_seeded; /* [n_groups] runs; those of the weight seed */
    int8_t **signs;           /* [n_groups] of the first layer's initial weights, of one with the seed; or NULL */
    double *kept, *alive, *relative; /* [n_groups][n_units] */
};

static const struct sm_run *run_at(const struct gallery *gallery, size_t i) {
    return &gallery->context->analysis->runs[i];
}

/* ---- which groups, which weight seed ---- */

/* Does the group's first run hide a weight? Without a mask there is nothing to see. */
static bool has_mask(const struct sm_figure_context *context, size_t group) {
    struct sm_moments *moments = context->analysis->moments;
    struct sm_error ignored = {{0}};
    size_t i = context->groups->first[group];
    const struct sm_moment *moment = sm_moments_get(moments, i, &ignored);
    bool has = moment && !sm_moment_hides_nothing(moment);
    sm_moments_release(moments, i);
    return has;
}

static const struct sm_run *first_run(const struct sm_figure_context *context, size_t group) {
    return &context->analysis->runs[context->groups->first[group]];
}

/* The first group with a mask: others are shown if they have its layers. NULL: there is none. */
static const struct sm_run *model(const struct sm_figure_context *context) {
    for (size_t g = 0; g < context->groups->n_groups; g++)
        if (has_mask(context, g)) return first_run(context, g);
    return NULL;
}

static bool group_has(const struct sm_figure_context *context, size_t group, uint64_t weight_seed) {
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        if (context->groups->group[i] == group && context->analysis->runs[i].weight_seed == weight_seed) return true;
    return false;
}

static size_t groups_with(const struct sm_figure_context *context, uint64_t weight_seed) {
    size_t n = 0;
    for (size_t g = 0; g < context->groups->n_groups; g++) n += group_has(context, g, weight_seed);
    return n;
}

/* The first of those that most groups have. */
static uint64_t common_seed(const struct sm_figure_context *context) {
    const struct sm_run *runs = context->analysis->runs;
    uint64_t best = runs[0].weight_seed;
    for (size_t i = 1; i < context->analysis->n_runs; i++)
        if (groups_with(context, runs[i].weight_seed) > groups_with(context, best)) best = runs[i].weight_seed;
    return best;
}

/* ---- who began alike ---- */

/* Unrelated signs agree in one half. */
static const double ALIKE = 0.9;

static int read_signs(struct gallery *gallery, size_t group, const struct sm_run *run, struct sm_error *err) {
    size_t n = sm_layer_weights(&run->net.layers[0]);
    float *weights = malloc((n + 1) * sizeof *weights);
    int8_t *signs = malloc(n + 1);
    int status = weights && signs ? sm_run_read_values(run, 0, SM_INITIAL_WEIGHTS, weights, err)
                                  : sm_fail(err, "figure methods-neurons: out of memory for %zu weights", n);
    for (size_t i = 0; status == 0 && i < n; i++) signs[i] = (int8_t)((weights[i] > 0) - (weights[i] < 0));
    gallery->signs[group] = signs;
    free(weights);
    return status;
}

static bool began_alike(const struct gallery *gallery, size_t g, size_t h) {
    size_t n = sm_layer_weights(&gallery->graph.net->layers[0]), equal = 0;
    const int8_t *a = gallery->signs[g], *b = gallery->signs[h];
    for (size_t i = 0; a && b && i < n; i++) equal += a[i] == b[i];
    return a && b && (double)equal > ALIKE * (double)n;
}

static size_t count_alike(const struct gallery *gallery, size_t g) {
    size_t n = 0;
    for (size_t h = 0; h < gallery->context->groups->n_groups; h++) n += began_alike(gallery, g, h);
    return n;
}

/* Leaves hidden layers to the first of the largest families of groups that began alike. */
static void keep_one_family(struct gallery *gallery) {
    size_t best = 0;
    for (size_t g = 1; g < gallery->context->groups->n_groups; g++)
        if (count_alike(gallery, g) > count_alike(gallery, best)) best = g;
    for (size_t g = 0; g < gallery->context->groups->n_groups; g++)
        if (!began_alike(gallery, best, g)) gallery->n_seeded[g] = 0;
}

/* ---- sums over runs ---- */

static double kept_of(const struct sm_units *units, size_t level, size_t u) {
    return sm_unit_value(units, level == 0 ? SM_UNIT_FAN_OUT : SM_UNIT_FAN_IN, u);
}

static void add_units(struct gallery *gallery, size_t group, const struct sm_units *units, bool seeded) {
    const struct sm_graph *graph = &gallery->graph;
    size_t n_units = sm_graph_n_units(graph);
    for (size_t level = 0; level < (seeded ? graph->n_levels : 1); level++)
        for (size_t u = graph->offset[level]; u < graph->offset[level + 1]; u++) {
            gallery->kept[group * n_units + u] += kept_of(units, level, u);
            gallery->alive[group * n_units + u] += sm_unit_alive(units, u);
        }
}

static int add_run(struct gallery *gallery, size_t i, struct sm_error *err) {
    struct sm_moments *moments = gallery->context->analysis->moments;
    size_t group = gallery->context->groups->group[i];
    bool seeded = run_at(gallery, i)->weight_seed == gallery->weight_seed;
    const struct sm_moment *moment = sm_moments_get(moments, i, err);
    struct sm_units units = {0};
    int status = moment ? sm_units_init(&units, moment, err) : -1;
    if (status == 0) add_units(gallery, group, &units, seeded);
    gallery->n_all[group]++;
    gallery->n_seeded[group] += seeded;
    if (status == 0 && seeded && !gallery->signs[group]) status = read_signs(gallery, group, run_at(gallery, i), err);
    sm_units_destroy(&units);
    sm_moments_release(moments, i);
    return status;
}

static size_t n_runs_of(const struct gallery *gallery, size_t group, size_t level) {
    return level == 0 ? gallery->n_all[group] : gallery->n_seeded[group];
}

/* Sums become means, and shares of the layer's mean. */
static void finish_level(struct gallery *gallery, size_t group, size_t level) {
    size_t first = gallery->graph.offset[level], n = sm_graph_level_units(&gallery->graph, level);
    size_t base = group * sm_graph_n_units(&gallery->graph) + first;
    double runs = (double)n_runs_of(gallery, group, level), sum = 0;
    for (size_t u = base; u < base + n; u++) {
        gallery->kept[u] /= runs;
        gallery->alive[u] /= runs;
        sum += gallery->kept[u];
    }
    for (size_t u = base; u < base + n; u++) gallery->relative[u] = sum > 0 ? gallery->kept[u] * (double)n / sum : NAN;
}

/* ---- order of a level's units ---- */

struct ranked {
    size_t unit;
    double rank; /* sum over the groups */
};

static int larger_first(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
    return x->unit < y->unit ? -1 : 1;
}

/* Is anything known of the group's units there? */
static bool is_shown(const struct gallery *gallery, size_t group, size_t level) {
    return gallery->shown[group] && n_runs_of(gallery, group, level) > 0;
}

/* Ranks and not sizes: a sparse method, whose units differ most, must not decide alone. */
static int add_ranks(const struct gallery *gallery, size_t group, size_t level, struct ranked *ranked,
                     struct sm_error *err) {
    size_t first = gallery->graph.offset[level], n = sm_graph_level_units(&gallery->graph, level);
    double *rank = malloc((n + 1) * sizeof *rank);
    if (!rank) return sm_fail(err, "figure methods-neurons: out of memory for %zu units", n);
    int status = sm_average_ranks(gallery->kept + group * sm_graph_n_units(&gallery->graph) + first, n, rank, err);
    for (size_t u = 0; status == 0 && u < n; u++) ranked[u].rank += rank[u];
    free(rank);
    return status;
}

/* place [units of the level] */
static int find_places(const struct gallery *gallery, size_t level, size_t *place, struct sm_error *err) {
    size_t n = sm_graph_level_units(&gallery->graph, level);
    struct ranked *ranked = calloc(n + 1, sizeof *ranked);
    int status = ranked ? 0 : sm_fail(err, "figure methods-neurons: out of memory for %zu units", n);
    for (size_t u = 0; status == 0 && u < n; u++) ranked[u].unit = u;
    for (size_t g = 0; status == 0 && g < gallery->context->groups->n_groups; g++)
        if (is_shown(gallery, g, level)) status = add_ranks(gallery, g, level, ranked, err);
    if (status == 0) qsort(ranked, n, sizeof *ranked, larger_first);
    for (size_t k = 0; status == 0 && k < n; k++) place[ranked[k].unit] = k;
    free(ranked);
    return status;
}

/* ---- rows ---- */

/* Beyond 2^63 too. */
static void write_seed(struct sm_table *table, uint64_t seed) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, seed);
    sm_table_text(table, text);
}

static void write_unit(const struct gallery *gallery, struct sm_table *table, size_t group, size_t level, size_t unit,
                       size_t place) {
    const struct sm_seed_groups *groups = gallery->context->groups;
    const struct sm_network *net = gallery->graph.net;
    bool image = net->input_channels == 1 && net->input_height > 1 && net->input_width > 1 &&
                 sm_graph_level_units(&gallery->graph, 0) == net->input_height * net->input_width;
    size_t u = group * sm_graph_n_units(&gallery->graph) + gallery->graph.offset[level] + unit;
    sm_table_int(table, (int64_t)group + 1);
    sm_table_text(table, groups->label[group]);
    sm_table_text(table, first_run(gallery->context, group)->method);
    sm_table_text(table, sm_graph_level_name(&gallery->graph, level));
    sm_table_int(table, (int64_t)unit);
    sm_table_int(table, (int64_t)n_runs_of(gallery, group, level));
    write_seed(table, gallery->weight_seed);
    sm_table_real(table, gallery->kept[u]);
    sm_table_real(table, gallery->relative[u]);
    sm_table_real(table, gallery->alive[u]);
    sm_table_int(table, (int64_t)place);
    sm_table_int(table, image ? (int64_t)net->input_height : 0);
    sm_table_int(table, image ? (int64_t)net->input_width : 0);
}

static int write_level(const struct gallery *gallery, struct sm_table *table, size_t level, struct sm_error *err) {
    size_t n = sm_graph_level_units(&gallery->graph, level), *place = calloc(n + 1, sizeof *place);
    int status = place ? find_places(gallery, level, place, err)
                       : sm_fail(err, "figure methods-neurons: out of memory for %zu units", n);
    for (size_t g = 0; status == 0 && g < gallery->context->groups->n_groups; g++)
        for (size_t u = 0; u < n && is_shown(gallery, g, level); u++) write_unit(gallery, table, g, level, u, place[u]);
    free(place);
    return status;
}

static int write_gallery(const struct gallery *gallery, struct sm_error *err) {
    struct sm_table *table;
    if (sm_table_open(&table, gallery->context->directory, "methods-neurons", "Which units the runs of each group use.",
                      NULL, columns, sizeof columns / sizeof *columns, err) != 0)
        return -1;
    for (size_t level = 0; level + 1 < gallery->graph.n_levels; level++)
        if (write_level(gallery, table, level, err) != 0) {
            sm_table_abandon(table);
            return -1;
        }
    return sm_table_close(table, err);
}

/* ---- the whole ---- */

static void gallery_destroy(struct gallery *gallery) {
    sm_graph_destroy(&gallery->graph);
    free(gallery->shown);
    free(gallery->n_all);
    free(gallery->n_seeded);
    for (size_t g = 0; gallery->signs && g < gallery->context->groups->n_groups; g++) free(gallery->signs[g]);
    free(gallery->signs);
    free(gallery->kept);
    free(gallery->alive);
    free(gallery->relative);
}

static int gallery_init(struct gallery *gallery, const struct sm_figure_context *context, struct sm_error *err) {
    size_t n_groups = context->groups->n_groups;
    *gallery = (struct gallery){.context = context, .weight_seed = common_seed(context)};
    if (sm_graph_init(&gallery->graph, &model(context)->net, err) != 0) return -1;
    size_t n = n_groups * sm_graph_n_units(&gallery->graph);
    gallery->shown = calloc(n_groups, sizeof *gallery->shown);
    gallery->n_all = calloc(n_groups, sizeof *gallery->n_all);
    gallery->n_seeded = calloc(n_groups, sizeof *gallery->n_seeded);
    gallery->signs = calloc(n_groups, sizeof *gallery->signs);
    gallery->kept = calloc(n, sizeof *gallery->kept);
    gallery->alive = calloc(n, sizeof *gallery->alive);
    gallery->relative = calloc(n, sizeof *gallery->relative);
    bool whole = gallery->shown && gallery->n_all && gallery->n_seeded && gallery->signs && gallery->kept &&
                 gallery->alive && gallery->relative;
    return whole ? 0 : sm_fail(err, "figure methods-neurons: out of memory for %zu units", n);
}

static int fill(struct gallery *gallery, struct sm_error *err) {
    const struct sm_figure_context *context = gallery->context;
    for (size_t g = 0; g < context->groups->n_groups; g++)
        gallery->shown[g] = has_mask(context, g) && sm_runs_comparable(model(context), first_run(context, g));
    for (size_t i = 0; i < context->analysis->n_runs; i++)
        if (gallery->shown[context->groups->group[i]] && add_run(gallery, i, err) != 0) return -1;
    keep_one_family(gallery);
    for (size_t g = 0; g < context->groups->n_groups; g++)
        for (size_t level = 0; level + 1 < gallery->graph.n_levels; level++)
            if (is_shown(gallery, g, level)) finish_level(gallery, g, level);
    return 0;
}

static int write(const struct sm_figure_context *context, struct sm_error *err) {
    struct gallery gallery;
    int status = gallery_init(&gallery, context, err);
    if (status == 0) status = fill(&gallery, err);
    if (status == 0) status = write_gallery(&gallery, err);
    gallery_destroy(&gallery);
    return status;
}

static const char *lacks(const struct sm_figure_context *context) {
    const struct sm_run *first = model(context);
    size_t n = 0;
    for (size_t g = 0; first && g < context->groups->n_groups; g++)
        n += sm_runs_comparable(first, first_run(context, g)) && has_mask(context, g);
    return n > 1 ? NULL : "there are not two groups of runs with the same layers and something hidden";
}

const struct sm_figure_data sm_figure_data_methods = {"methods-neurons", lacks, write, NULL};
