/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/graph.h"

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- levels ---- */

/* Channels where a convolution reads the input, else the entries that dense layers read: the narrowest reader tells. */
static size_t count_input_units(const struct sm_network *net) {
    size_t units = 0;
    for (size_t l = 0; l < net->n_layers; l++)
        for (size_t k = 0; k < net->layers[l].n_inputs; k++)
            if (net->layers[l].inputs[k] == SM_NETWORK_INPUT && (!units || net->layers[l].n_in < units))
                units = net->layers[l].n_in;
    return units;
}

static int check_feeding(const struct sm_graph *graph, size_t l, struct sm_error *err) {
    const struct sm_layer *layer = &graph->net->layers[l];
    for (size_t k = 0; k < layer->n_inputs; k++) {
        if (layer->inputs[k] < SM_NETWORK_INPUT || layer->inputs[k] >= (int)l)
            return sm_fail(err, "layer %s reads layer number %d, which does not stand before it", layer->name,
                           layer->inputs[k]);
        size_t level = sm_graph_feeding_level(graph, l, k), units = sm_graph_level_units(graph, level);
        if (!units || layer->n_in % units)
            return sm_fail(err, "layer %s has %zu inputs, no multiple of the %zu units of %s, which feeds it",
                           layer->name, layer->n_in, units, sm_graph_level_name(graph, level));
    }
    return 0;
}

int sm_graph_init(struct sm_graph *graph, const struct sm_network *net, struct sm_error *err) {
    *graph = (struct sm_graph){.net = net, .n_levels = net->n_layers + 1};
    graph->offset = calloc(graph->n_levels + 1, sizeof *graph->offset);
    if (!graph->offset) return sm_fail(err, "out of memory for the graph of %zu layers", net->n_layers);
    graph->offset[1] = count_input_units(net);
    for (size_t l = 0; l < net->n_layers; l++) graph->offset[l + 2] = graph->offset[l + 1] + net->layers[l].n_out;
    for (size_t l = 0; l < net->n_layers; l++)
        if (check_feeding(graph, l, err)) return -1;
    return 0;
}

void sm_graph_destroy(struct sm_graph *graph) {
    free(graph->offset);
    graph->offset = NULL;
}

size_t sm_graph_n_units(const struct sm_graph *graph) {
    return graph->offset[graph->n_levels];
}

size_t sm_graph_level_units(const struct sm_graph *graph, size_t level) {
    assert(level < graph->n_levels);
    return graph->offset[level + 1] - graph->offset[level];
}

const char *sm_graph_level_name(const struct sm_graph *graph, size_t level) {
    assert(level < graph->n_levels);
    return level ? graph->net->layers[level - 1].name : "input";
}

size_t sm_graph_feeding_level(const struct sm_graph *graph, size_t layer, size_t k) {
    assert(layer < graph->net->n_layers && k < graph->net->layers[layer].n_inputs);
    return (size_t)(graph->net->layers[layer].inputs[k] - SM_NETWORK_INPUT);
}

/* ---- numbers of routes: mantissa in [0.5, 1) times a power of two, or 0 ---- */

struct count {
    double mantissa;
    int exponent;
};

static struct count count_make(double value, int exponent) {
    int shift;
    double mantissa = frexp(value, &shift);
    return (struct count){mantissa, mantissa > 0 ? exponent + shift : 0};
}

static struct count count_add(struct count a, struct count b) {
    if (!(a.mantissa > 0)) return b;
    if (!(b.mantissa > 0)) return a;
    if (a.exponent < b.exponent) return count_add(b, a);
    return count_make(a.mantissa + ldexp(b.mantissa, b.exponent - a.exponent), a.exponent);
}

static double count_log10(struct count a, struct count b) {
    struct count product = count_make(a.mantissa * b.mantissa, a.exponent + b.exponent);
    if (!(product.mantissa > 0)) return -INFINITY;
    if (abs(product.exponent) < DBL_MAX_EXP - 2) return log10(ldexp(product.mantissa, product.exponent));
    return log10(product.mantissa) + product.exponent * M_LN2 / M_LN10;
}

/* ---- one layer ---- */

enum direction { FORWARD, BACKWARD };

static size_t kernel_size(const struct sm_layer *layer) {
    return layer->kernel_height * layer->kernel_width;
}

static unsigned count_entries(const int8_t *mask, size_t n) {
    unsigned count = 0;
    for (size_t k = 0; k < n; k++) count += mask[k] & 1; /* -1 and 1 are the odd ones */
    return count;
}

static double sum_magnitudes(const int8_t *mask, const float *weights, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += mask[k] ? fabs((double)weights[k]) : 0;
    return sum;
}

/* What a route gains between two units: each non-hidden weight counts 1, or its |w| where there are weights. */
static double gain(const struct sm_layer *layer, const int8_t *mask, const float *weights, size_t o, size_t i) {
    size_t kernel = kernel_size(layer), first = (o * layer->n_in + i) * kernel;
    return weights ? sum_magnitudes(mask + first, weights + first, kernel) : count_entries(mask + first, kernel);
}

/* target[o] = sum over i of (gain between i and o) source[i]. */
static void sum_forward(const struct sm_layer *layer, const int8_t *mask, const float *weights, const double *source,
                        double *target) {
    for (size_t o = 0; o < layer->n_out; o++) {
        double sum = 0;
        for (size_t i = 0; i < layer->n_in; i++) sum += gain(layer, mask, weights, o, i) * source[i];
        target[o] = sum;
    }
}

/* target[i] = sum over o of (gain between i and o) source[o]. */
static void sum_backward(const struct sm_layer *layer, const int8_t *mask, const float *weights, const double *source,
                         double *target) {
    memset(target, 0, layer->n_in * sizeof *target);
    for (size_t o = 0; o < layer->n_out; o++) {
        if (!(source[o] > 0)) continue;
        for (size_t i = 0; i < layer->n_in; i++) target[i] += gain(layer, mask, weights, o, i) * source[o];
    }
}

static void exponent_range(const struct count *source, size_t n, int *low, int *high) {
    *low = INT_MAX;
    *high = INT_MIN;
    for (size_t i = 0; i < n; i++) {
        if (!(source[i].mantissa > 0)) continue;
        if (source[i].exponent < *low) *low = source[i].exponent;
        if (source[i].exponent > *high) *high = source[i].exponent;
    }
}

/* Sums over a layer in plain doubles scaled by 2^-base. Almost always one pass does: doubles reach down to 2^-1022, and
 * a gain, 1 or more for a count, is no smaller than a float: 2^-149. A target whose sum came out so small that smaller
 * terms may be missing waits for a pass with a lower base, in which the sources above it can be left out: none of them
 * touches a target that waits. scratch: [n_in + n_out]. */
static void sum_layer(const struct sm_layer *layer, const int8_t *mask, const float *weights, enum direction direction,
                      const struct count *source, struct count *target, double *scratch) {
    const int window = 800, accepted = -700, stride = 600;
    size_t n_source = direction == FORWARD ? layer->n_in : layer->n_out;
    size_t n_target = direction == FORWARD ? layer->n_out : layer->n_in;
    double *scaled = scratch, *sum = scratch + n_source;
    int low, high;
    exponent_range(source, n_source, &low, &high);
    memset(target, 0, n_target * sizeof *target);
    bool last = low > high; /* nothing comes in at all */
    for (int base = high; !last; base -= stride) {
        last = low >= base - window;
        for (size_t i = 0; i < n_source; i++)
            scaled[i] = source[i].exponent > base + stride ? 0 : ldexp(source[i].mantissa, source[i].exponent - base);
        (direction == FORWARD ? sum_forward : sum_backward)(layer, mask, weights, scaled, sum);
        for (size_t i = 0; i < n_target; i++)
            if (!(target[i].mantissa > 0) && (last || sum[i] > ldexp(1, accepted)))
                target[i] = count_make(sum[i], base);
    }
}

/* ---- the whole network ---- */

/* Routes from the inputs and to the outputs, or what they gain: [n_units] each; edge and scratch serve one layer. */
struct routes {
    struct count *in, *out, *edge;
    double *scratch;
};

static void routes_destroy(struct routes *routes) {
    free(routes->in);
    free(routes->out);
    free(routes->edge);
    free(routes->scratch);
}

static int routes_init(struct routes *routes, const struct sm_graph *graph, struct sm_error *err) {
    size_t widest = 1, n_units = sm_graph_n_units(graph) + 1;
    for (size_t l = 0; l < graph->net->n_layers; l++) {
        const struct sm_layer *layer = &graph->net->layers[l];
        if (layer->n_in + layer->n_out > widest) widest = layer->n_in + layer->n_out;
    }
    routes->in = calloc(n_units, sizeof *routes->in);
    routes->out = calloc(n_units, sizeof *routes->out);
    routes->edge = calloc(widest, sizeof *routes->edge);
    routes->scratch = calloc(widest, sizeof *routes->scratch);
    if (routes->in && routes->out && routes->edge && routes->scratch) return 0;
    return sm_fail(err, "out of memory for the graph of %zu units", n_units);
}

/* What arrives at the inputs of a layer: the sum over the levels that feed it. */
static void gather(const struct sm_graph *graph, size_t l, const struct count *unit, struct count *input) {
    const struct sm_layer *layer = &graph->net->layers[l];
    memset(input, 0, layer->n_in * sizeof *input);
    for (size_t k = 0; k < layer->n_inputs; k++) {
        size_t level = sm_graph_feeding_level(graph, l, k), block = layer->n_in / sm_graph_level_units(graph, level);
        for (size_t i = 0; i < layer->n_in; i++) input[i] = count_add(input[i], unit[graph->offset[level] + i / block]);
    }
}

static void scatter(const struct sm_graph *graph, size_t l, const struct count *input, struct count *unit) {
    const struct sm_layer *layer = &graph->net->layers[l];
    for (size_t k = 0; k < layer->n_inputs; k++) {
        size_t level = sm_graph_feeding_level(graph, l, k), block = layer->n_in / sm_graph_level_units(graph, level);
        struct count *fed = unit + graph->offset[level];
        for (size_t i = 0; i < layer->n_in; i++) fed[i / block] = count_add(fed[i / block], input[i]);
    }
}

static void count_forward(const struct sm_graph *graph, int8_t *const *mask, float *const *weights,
                          struct routes *routes) {
    for (size_t u = 0; u < graph->offset[1]; u++) routes->in[u] = count_make(1, 0);
    for (size_t l = 0; l < graph->net->n_layers; l++) {
        gather(graph, l, routes->in, routes->edge);
        sum_layer(&graph->net->layers[l], mask[l], weights ? weights[l] : NULL, FORWARD, routes->edge,
                  routes->in + graph->offset[l + 1], routes->scratch);
    }
}

static void count_backward(const struct sm_graph *graph, int8_t *const *mask, float *const *weights,
                           struct routes *routes) {
    for (size_t u = graph->offset[graph->n_levels - 1]; u < sm_graph_n_units(graph); u++)
        routes->out[u] = count_make(1, 0);
    for (size_t l = graph->net->n_layers; l-- > 0;) {
        sum_layer(&graph->net->layers[l], mask[l], weights ? weights[l] : NULL, BACKWARD,
                  routes->out + graph->offset[l + 1], routes->edge, routes->scratch);
        scatter(graph, l, routes->edge, routes->out);
    }
}

/* weights NULL: each route counts 1; else the product of its |w|. */
static int count_routes(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, struct routes *routes,
                        struct sm_error *err) {
    *routes = (struct routes){0};
    if (routes_init(routes, graph, err)) return -1;
    count_forward(graph, mask, weights, routes);
    count_backward(graph, mask, weights, routes);
    return 0;
}

int sm_graph_paths(const struct sm_graph *graph, int8_t *const *mask, struct sm_paths *paths, struct sm_error *err) {
    size_t n_units = sm_graph_n_units(graph);
    const struct count one = count_make(1, 0);
    struct routes routes;
    int status = -1;
    *paths = (struct sm_paths){malloc((n_units + 1) * sizeof(double)), malloc((n_units + 1) * sizeof(double)),
                               malloc((n_units + 1) * sizeof(double))};
    if (count_routes(graph, mask, NULL, &routes, err)) goto done;
    if (!paths->in || !paths->out || !paths->through) {
        sm_fail(err, "out of memory for the routes of %zu units", n_units);
        goto done;
    }
    for (size_t u = 0; u < n_units; u++) {
        paths->in[u] = count_log10(routes.in[u], one);
        paths->out[u] = count_log10(routes.out[u], one);
        paths->through[u] = count_log10(routes.in[u], routes.out[u]);
    }
    status = 0;
done:
    routes_destroy(&routes);
    return status;
}

void sm_paths_destroy(struct sm_paths *paths) {
    free(paths->in);
    free(paths->out);
    free(paths->through);
    *paths = (struct sm_paths){0};
}

int sm_graph_synflow(const struct sm_graph *graph, int8_t *const *mask, float *const *weights, double *log10_synflow,
                     struct sm_error *err) {
    const double decimals = 1e10;
    struct routes routes;
    int status = count_routes(graph, mask, weights, &routes, err);
    for (size_t u = 0; !status && u < sm_graph_n_units(graph); u++)
        log10_synflow[u] = round(count_log10(routes.in[u], routes.out[u]) * decimals) / decimals;
    routes_destroy(&routes);
    return status;
}

int sm_graph_reach(const struct sm_graph *graph, int8_t *const *mask, bool *forward, bool *backward,
                   struct sm_error *err) {
    struct routes routes;
    int status = count_routes(graph, mask, NULL, &routes, err);
    for (size_t u = 0; !status && u < sm_graph_n_units(graph); u++) {
        forward[u] = routes.in[u].mantissa > 0;
        backward[u] = routes.out[u].mantissa > 0;
    }
    routes_destroy(&routes);
    return status;
}

/* ---- degrees ---- */

static void degree_add_counts(struct sm_degree *degree, const int8_t *mask, size_t n) {
    size_t kept = 0, inverted = 0;
    for (size_t k = 0; k < n; k++) {
        kept += mask[k] > 0;
        inverted += mask[k] < 0;
    }
    degree->kept += kept;
    degree->inverted += inverted;
}

static void degree_add_weights(struct sm_degree *degree, const int8_t *mask, const float *weights, size_t n) {
    size_t positive = 0, negative = 0;
    for (size_t k = 0; k < n; k++) {
        float effective = weights[k] * (float)mask[k];
        positive += effective > 0;
        negative += effective < 0;
    }
    degree->positive += positive;
    degree->negative += negative;
    degree->strength += sum_magnitudes(mask, weights, n);
}

static void degree_add(struct sm_degree *degree, const int8_t *mask, const float *weights, size_t n) {
    degree_add_counts(degree, mask, n);
    if (weights) degree_add_weights(degree, mask, weights, n);
}

double sm_degree_balance(struct sm_degree degree) {
    double positive = (double)degree.positive, negative = (double)degree.negative;
    return positive + negative > 0 ? (positive - negative) / (positive + negative) : NAN;
}

void sm_layer_degree_in(const struct sm_layer *layer, const int8_t *mask, const float *weights,
                        struct sm_degree *degree) {
    size_t row = sm_layer_fan_in(layer);
    memset(degree, 0, layer->n_out * sizeof *degree);
    for (size_t o = 0; o < layer->n_out; o++)
        degree_add(&degree[o], mask + o * row, weights ? weights + o * row : NULL, row);
}

void sm_layer_degree_out(const struct sm_layer *layer, const int8_t *mask, const float *weights, size_t n_units,
                         struct sm_degree *degree) {
    size_t row = sm_layer_fan_in(layer), part = row / n_units; /* entries of a row that read one unit */
    for (size_t o = 0; o < layer->n_out; o++)
        for (size_t u = 0; u < n_units; u++) {
            size_t first = o * row + u * part;
            degree_add(&degree[u], mask + first, weights ? weights + first : NULL, part);
        }
}

/* ---- effective weights ---- */

static size_t count_effective(const struct sm_layer *layer, const int8_t *mask, const struct count *input,
                              const struct count *output) {
    size_t kernel = kernel_size(layer), row = layer->n_in * kernel, count = 0;
    for (size_t o = 0; o < layer->n_out; o++) {
        if (!(output[o].mantissa > 0)) continue;
        for (size_t i = 0; i < layer->n_in; i++)
            if (input[i].mantissa > 0) count += count_entries(mask + o * row + i * kernel, kernel);
    }
    return count;
}

int sm_effective_counts(const struct sm_network *net, int8_t *const *mask, size_t *effective, struct sm_error *err) {
    struct sm_graph graph;
    struct routes routes = {0};
    int status = sm_graph_init(&graph, net, err);
    if (!status) status = count_routes(&graph, mask, NULL, &routes, err);
    for (size_t l = 0; !status && l < net->n_layers; l++) {
        gather(&graph, l, routes.in, routes.edge);
        effective[l] = count_effective(&net->layers[l], mask[l], routes.edge, routes.out + graph.offset[l + 1]);
    }
    routes_destroy(&routes);
    sm_graph_destroy(&graph);
    return status;
}
