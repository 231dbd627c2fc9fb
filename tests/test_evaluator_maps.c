/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The evaluator on convolutional and residual networks, against a naive one in double precision. */
#include <omp.h>

#include "tests/evaluator_fixture.h"
#include "tests/naive.h"
#include "tests/naive_graph.h"

enum { IMAGES = 51 }; /* two batches, the second one with a block that is not full */

/* The pool that belongs to a convolution, one that stands alone, a stride, channels that are flattened. */
static const char plain[] =
    "[{kind: conv2d, filters: 6, kernel: 5, stride: 2}, {kind: conv2d, filters: 16, kernel: 3},"
    " {kind: max-pool, size: 2}, {kind: conv2d, filters: 16, kernel: 3, padding: valid},"
    " {kind: max-pool, size: 2, stride: 1, padding: same}, {kind: dense, units: 30}, {kind: dense, units: 10}]";
/* Identity and projected shortcuts, a global average; the image itself in a sum. */
static const char residual[] =
    "[{kind: add, name: twice, inputs: [input, input], activation: linear},"
    " {kind: conv2d, filters: 16, kernel: 3, stride: 3}, {kind: max-pool, size: 3, stride: 1, padding: same},"
    " {kind: residual, branch: [{kind: conv2d, filters: 16, kernel: 3},"
    "  {kind: conv2d, filters: 16, kernel: 3, activation: linear}]},"
    " {kind: residual, branch: [{kind: conv2d, filters: 8, kernel: 1, stride: 2}, {kind: conv2d, filters: 8, kernel: "
    "3}],"
    "  shortcut: [{kind: conv2d, filters: 8, kernel: 1, stride: 2, activation: linear}]},"
    " {kind: global-average-pool}, {kind: dense, units: 10}]";
static const char *const networks[] = {plain, residual};

struct naive_bench {
    struct bench bench;
    struct naive_graph graph;
    double images[IMAGES][PIXELS];
    struct sm_graph units;
};

static void read_network(struct sm_network *net, const char *layers) {
    const struct sm_network_options options = {.activation = SM_ELU, .width = 1};
    struct sm_error err = {{0}};
    char text[2048];
    snprintf(text, sizeof text, "name: test\ninput: [1, 28, 28]\nlayers: %s\n", layers);
    if (sm_network_parse(net, text, "text", &options, &err)) fail_msg("%s", err.text);
}

/* Weights of about the size that keeps values alike from layer to layer, so that every layer matters. */
static void scale_weights(const struct bench *b, double density) {
    for (size_t l = 0; l < b->run.net.n_layers; l++) {
        double fan_in = (double)sm_layer_fan_in(&b->run.net.layers[l]);
        for (size_t k = 0; k < sm_layer_weights(&b->run.net.layers[l]); k++)
            b->weights[l][k] *= (float)(sqrt(1.4 / (density * fan_in)) / 0.3);
    }
}

static void naive_bench_init(struct naive_bench *n, struct sm_test_data *cache, const char *layers, double density) {
    static char recipe[] = "batch: 32\nloss: logits\n";
    struct sm_network net;
    struct sm_error err = {{0}};
    struct bench *b = &n->bench;
    read_network(&net, layers);
    bench_init_network(b, cache, &net, recipe);
    ((struct sm_dataset *)b->data)->test.n = IMAGES;
    randomize(b, density, 3);
    scale_weights(b, density);
    naive_graph_init(&n->graph, &b->run.net);
    n->graph.silent = check_alloc(b->run.net.n_nodes, sizeof *n->graph.silent);
    for (size_t k = 0; k < b->run.net.n_nodes; k++)
        n->graph.silent[k] = check_alloc(b->run.net.nodes[k].channels, sizeof(bool));
    for (size_t l = 0; l < b->run.net.n_layers; l++)
        for (size_t k = 0; k < sm_layer_weights(&b->run.net.layers[l]); k++)
            n->graph.v[l][k] = (double)b->weights[l][k] * b->mask[l][k];
    for (size_t i = 0; i < IMAGES; i++)
        naive_standardize(n->images[i], b->data->test.images + i * PIXELS, PIXELS, SM_STANDARDIZE_IMAGE);
    if (sm_graph_init(&n->units, &b->run.net, &err)) fail_msg("%s", err.text);
}

static void naive_bench_destroy(struct naive_bench *n) {
    for (size_t k = 0; k < n->bench.run.net.n_nodes; k++) free(n->graph.silent[k]);
    free(n->graph.silent);
    naive_graph_destroy(&n->graph);
    sm_graph_destroy(&n->units);
    bench_destroy(&n->bench);
}

/* ---- scores ---- */

static struct sm_score naive_score(struct naive_bench *n) {
    struct sm_score score = {.n_images = IMAGES};
    for (size_t i = 0; i < IMAGES; i++) {
        const double *z = naive_graph_run(&n->graph, n->images[i]);
        double total = 0;
        size_t best = 0, label = n->bench.data->test.labels[i];
        for (size_t c = 1; c < CLASSES; c++) best = z[c] > z[best] ? c : best;
        for (size_t c = 0; c < CLASSES; c++) total += exp(z[c] - z[best]);
        score.loss += (log(total) + z[best] - z[label]) / IMAGES;
        score.n_correct += best == label;
    }
    score.accuracy = (double)score.n_correct / IMAGES;
    return score;
}

static void assert_score(const struct sm_score *got, struct sm_score want) {
    assert_int_equal(got->n_images, IMAGES);
    assert_close(got->loss, want.loss, 1e-4);
    assert_within(got->accuracy, want.accuracy, 1.01 / IMAGES); /* a tie of rounding */
}

/* Silences what the sets say, in the naive network's numbering; unit 0 is the image. */
static void silence(struct naive_bench *n, const bool *removed) {
    const struct sm_network *net = &n->bench.run.net;
    for (size_t k = 0; k < net->n_nodes; k++)
        for (size_t c = 0; net->nodes[k].layer >= 0 && c < net->nodes[k].channels; c++)
            n->graph.silent[k][c] = removed[n->units.offset[net->nodes[k].layer + 1] + c];
}

/* Density .15: lists; .8: dense products (where the layer is not too small, or strided). */
static void scores_and_sets(void **state) {
    for (int k = 0; k < 4; k++) {
        struct naive_bench n;
        struct sm_error err = {{0}};
        struct sm_score score;
        naive_bench_init(&n, *state, networks[k / 2], k % 2 ? 0.8 : 0.15);
        const struct sm_rng rng = sm_rng_make(7, SM_RNG_TEST, (uint32_t)k);
        struct sm_evaluator *e = evaluator_of(&n.bench);
        size_t n_units = sm_graph_n_units(&n.units), hidden = n_units - CLASSES;
        bool *removed = check_alloc(5 * n_units, sizeof *removed);
        double accuracy[5];
        assert_int_equal(sm_evaluator_score(e, n.bench.mask, n.bench.weights, &score, &err), 0);
        assert_score(&score, naive_score(&n));
        for (size_t set = 0; set < 5; set++) {
            bool *of_set = removed + set * n_units;
            size_t from = set == 1 ? hidden / 2 : set == 2 ? hidden - 8 : 1; /* later layers alone, and again all */
            for (size_t u = from; u < hidden && set < 4; u++) of_set[u] = sm_rng_uniform(&rng, 1000 * set + u) < 0.2;
            silence(&n, of_set);
            assert_int_equal(sm_evaluator_score_without(e, of_set, &score, &err), 0);
            assert_score(&score, naive_score(&n));
            accuracy[set] = score.accuracy;
        }
        double together[5];
        assert_int_equal(sm_evaluator_accuracy_without(e, removed, 5, together, &err), 0);
        assert_memory_equal(accuracy, together, sizeof together);
        memset(removed, 0, n_units);
        removed[0] = true; /* nothing is left of the image */
        assert_int_equal(sm_evaluator_score_without(e, removed, &score, &err), 0);
        assert_close(score.loss, log(CLASSES), 1e-6);
        free(removed);
        sm_evaluator_close(e);
        naive_bench_destroy(&n);
    }
}

/* Each unit by itself is the set of that unit, and the naive network says so too; where there are products rounding may
 * decide otherwise for an image of one unit. */
static void each_unit_is_its_set(void **state) {
    for (int k = 0; k < 4; k++) {
        struct naive_bench n;
        struct sm_error err = {{0}};
        struct sm_score score;
        naive_bench_init(&n, *state, networks[k / 2], k % 2 ? 0.8 : 0.15);
        struct sm_evaluator *e = evaluator_of(&n.bench);
        size_t n_units = sm_graph_n_units(&n.units), hidden = n_units - CLASSES;
        size_t n_different = 0, n_ties = 0;
        bool *removed = check_alloc(n_units, sizeof *removed);
        double *each = check_alloc(n_units, sizeof *each), whole = accuracy_without(e, removed);
        assert_int_equal(sm_evaluator_each_unit(e, each, &err), 0);
        for (size_t u = 0; u < n_units; u++) {
            removed[u] = true;
            if (u < hidden)
                n_ties += each[u] != accuracy_without(e, removed);
            else
                assert_true(isnan(each[u]));
            n_different += u < hidden && each[u] != whole;
            if (u % 9 == 1 && u < hidden) {
                silence(&n, removed);
                assert_int_equal(sm_evaluator_score_without(e, removed, &score, &err), 0);
                assert_score(&score, naive_score(&n));
            }
            removed[u] = false;
        }
        assert_true(n_different > 0 && n_ties <= (size_t)(k % 2));
        free(removed);
        free(each);
        sm_evaluator_close(e);
        naive_bench_destroy(&n);
    }
}

/* ---- activations ---- */

struct values {
    double n, sum, squares, active;
};

static void add_values(struct values *values, const double *value, size_t n) {
    for (size_t k = 0; k < n; k++) {
        values->sum += value[k];
        values->squares += value[k] * value[k];
        values->active += value[k] > 0;
    }
    values->n += (double)n;
}

static struct values *naive_values(struct naive_bench *n) {
    const struct sm_network *net = &n->bench.run.net;
    struct values *values = check_alloc(sm_graph_n_units(&n->units), sizeof *values);
    for (size_t i = 0; i < IMAGES; i++) {
        naive_graph_run(&n->graph, n->images[i]);
        add_values(&values[0], n->images[i], PIXELS);
        for (size_t k = 0; k < net->n_nodes; k++) {
            const struct sm_node *node = &net->nodes[k];
            size_t pixels = node->height * node->width;
            for (size_t c = 0; node->layer >= 0 && c < node->channels; c++)
                add_values(&values[n->units.offset[node->layer + 1] + c], n->graph.output[k] + c * pixels, pixels);
        }
    }
    return values;
}

static void activations_of_channels(void **state) {
    for (size_t k = 0; k < 2; k++) {
        struct naive_bench n;
        struct sm_error err = {{0}};
        naive_bench_init(&n, *state, networks[k], 0.2);
        size_t n_units = sm_graph_n_units(&n.units);
        struct values *want = naive_values(&n);
        double *got = check_alloc(3 * n_units, sizeof *got);
        const struct sm_activations activations = {got, got + n_units, got + 2 * n_units};
        struct sm_evaluator *e = evaluator_of(&n.bench);
        assert_int_equal(sm_evaluator_activations(e, &activations, &err), 0);
        for (size_t u = 0; u < n_units; u++) {
            double mean = want[u].sum / want[u].n, sd = sqrt(fmax(want[u].squares / want[u].n - mean * mean, 0));
            assert_within(activations.mean[u], mean, 1e-5 * (1 + sd));
            assert_within(activations.sd[u], sd, 1e-5 * (1 + sd));
            assert_within(activations.active[u], want[u].active / want[u].n, 1e-3);
        }
        free(want);
        free(got);
        sm_evaluator_close(e);
        naive_bench_destroy(&n);
    }
}

static void threads_change_nothing(void **state) {
    struct naive_bench n;
    struct sm_error err = {{0}};
    int before = omp_get_max_threads();
    naive_bench_init(&n, *state, residual, 0.15);
    size_t n_units = sm_graph_n_units(&n.units);
    double *got[2];
    for (int k = 0; k < 2; k++) {
        got[k] = check_alloc(4 * n_units, sizeof **got);
        const struct sm_activations activations = {got[k], got[k] + n_units, got[k] + 2 * n_units};
        omp_set_num_threads(1 + 2 * k);
        struct sm_evaluator *e = evaluator_of(&n.bench);
        assert_int_equal(sm_evaluator_activations(e, &activations, &err), 0);
        assert_int_equal(sm_evaluator_each_unit(e, got[k] + 3 * n_units, &err), 0);
        sm_evaluator_close(e);
    }
    omp_set_num_threads(before);
    assert_memory_equal(got[0], got[1], (4 * n_units - CLASSES) * sizeof **got);
    free(got[0]);
    free(got[1]);
    naive_bench_destroy(&n);
}

/* ---- what cannot be evaluated ---- */

static void networks_without_a_convolution_on_the_images_are_refused(void **state) {
    struct bench b;
    struct sm_network net;
    struct sm_evaluator *e;
    struct sm_error err = {{0}};
    static char recipe[] = "batch: 32\nloss: logits\n";
    read_network(&net, "[{kind: add, inputs: [input, input]}, {kind: dense, units: 10}]");
    bench_init_network(&b, *state, &net, recipe);
    assert_int_equal(sm_evaluator_open(&e, &b.analysis, &b.run, &err), -1);
    assert_non_null(strstr(err.text, "no convolution reads the images"));
    bench_destroy(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_sets),
        cmocka_unit_test(each_unit_is_its_set),
        cmocka_unit_test(activations_of_channels),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(networks_without_a_convolution_on_the_images_are_refused),
    };
    return cmocka_run_group_tests_name("evaluator on maps", tests, make_cache, free_cache);
}
