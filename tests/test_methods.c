/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods that make masks of their scores anew for every pass: edge-popup's masks against a sort, Supermask's against
 * the random numbers of their indices; gradients of scores against central differences of a loss whose masks are real
 * numbers; steps of every optimizer against the formulas; evaluations; the same bytes for any number of threads and
 * after a resume. */
#include <unistd.h>

#include "tests/trainer_fixture.h"
#include "train/checkpoint.h"
#include "train/masking.h"

static const char dense_layers[] = "[{kind: dense, units: 23}, {kind: dense, units: 3}]";
/* No pool: where a channel is dead all values of a window are equal, and the maximum has no derivative. */
static const char unpooled_layers[] = "[{kind: conv2d, filters: 9, kernel: 3, stride: 2},"
                                      " {kind: conv2d, filters: 6, kernel: 3}, {kind: dense, units: 3}]";

#define OPEN(b, layers, n_threads, ...)                                                                                \
    bench_init(b, layers, (const char *const[]){__VA_ARGS__},                                                          \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), n_threads)
#define EDGE_POPUP "method=edge-popup", "loss=logits"
#define SUPERMASK "method=supermask", "loss=logits"

/* Scores uniform in (low, high), from the layer's own numbers. */
static void fill_scores(struct bench *b, double low, double high) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &b->trainer.layers[l];
        for (size_t o = 0; o < layer->shape.n_out; o++)
            check_fill(layer->scores + o * layer->shape.stride, layer->shape.n_in, low, high,
                       (uint32_t)(1000 * l + o + 1));
    }
}

/* ---- edge-popup's masks ---- */

struct ranked {
    float size;
    size_t index;
};

static int by_size_and_index(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The int((1 - k) n) weights that come first by (|m|, index) are hidden, all others kept, nothing else is. */
static void assert_edges(const struct bench *b, size_t l) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    struct sm_padded_shape s = layer->shape;
    size_t n = s.n_out * s.n_in, n_hidden = (size_t)((1 - b->recipe.keep) * (double)n);
    struct ranked *order = check_alloc(n, sizeof *order);
    int8_t *want = check_alloc(s.n_rows * s.stride, 1);
    for (size_t k = 0; k < n; k++)
        order[k] = (struct ranked){fabsf(layer->scores[k / s.n_in * s.stride + k % s.n_in]), k};
    qsort(order, n, sizeof *order, by_size_and_index);
    for (size_t r = n_hidden; r < n; r++) want[order[r].index / s.n_in * s.stride + order[r].index % s.n_in] = 1;
    for (size_t a = 0; a < s.n_rows * s.stride; a++)
        if (layer->mask[a] != want[a])
            fail_msg("layer %zu, keep %g, %lld threads: mask %zu is %d", l, b->recipe.keep,
                     (long long)b->recipe.threads, a, layer->mask[a]);
    free(order);
    free(want);
}

/* What is done to a score: nothing; rounded to few sizes; to one; numbers so small or large that sizes are odd. */
static float as_it_is(float m) {
    return m;
}
static float of_few_sizes(float m) {
    return roundf(m * 4) / 4;
}
static float of_one_size(float m) {
    return m < 0 ? -0.5f : 0.5f;
}
static float of_odd_sizes(float m) {
    return m < -0.6f ? -INFINITY : m < -0.2f ? m * 1e-38f : m < 0.2f ? copysignf(0, m) : m < 0.6f ? m * 1e30f : m;
}

static void change_scores(struct bench *b, float (*change)(float)) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_padded_shape s = b->trainer.layers[l].shape;
        float *scores = b->trainer.layers[l].scores;
        for (size_t k = 0; k < s.n_out * s.n_in; k++) {
            size_t at = k / s.n_in * s.stride + k % s.n_in;
            scores[at] = change(scores[at]);
        }
    }
}

static void check_edges(struct bench *b) {
    static float (*const changes[])(float) = {as_it_is, of_few_sizes, of_one_size, of_odd_sizes};
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        fill_scores(b, -1, 1);
        if (changes[c] != as_it_is) change_scores(b, changes[c]);
        if (changes[c] == of_one_size) b->trainer.layers[0].scores[0] = 0.25f; /* one below all the others */
        sm_trainer_draw_masks(&b->trainer);
        for (size_t l = 0; l < b->net.n_layers; l++) assert_edges(b, l);
    }
}

/* A layer has at least 15 weights and at most 3726: 0.9999 hides none, 1e-6 all but one. */
static void the_largest_scores_are_kept(void **state) {
    (void)state;
    static const char *const layers[] = {dense_layers, plain_layers};
    static const double keep[] = {1, 0.9999, 0.9, 0.5, 0.037, 1e-6};
    static const int n_threads[] = {1, 2, 7};
    for (size_t c = 0; c < 6; c++) {
        struct bench b;
        OPEN(&b, layers[c % 2], n_threads[c / 2], EDGE_POPUP);
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) {
            b.recipe.keep = keep[k]; /* which the trainer borrows */
            check_edges(&b);
        }
        bench_destroy(&b);
    }
}

/* ---- Supermask's masks ---- */

static size_t layer_size(const struct sm_trainer_layer *layer) {
    return layer->shape.n_rows * layer->shape.stride;
}

/* The mask with that number: of the layer's stream the number at (draw n_rows stride + place) for each weight. Where
 * its probability is rounded to either side of the number (kernels are tested for that) the engine's is taken. */
static void sampled_mask(int8_t *mask, const struct bench *b, size_t l, enum sm_rng_purpose purpose, uint64_t draw) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    const struct sm_rng rng = sm_rng_make(b->recipe.score_seed, purpose, (uint32_t)l);
    size_t n = layer_size(layer);
    for (size_t a = 0; a < n; a++) {
        bool used = a / layer->shape.stride < layer->shape.n_out && a % layer->shape.stride < layer->shape.n_in;
        double p = 1 / (1 + exp(-(double)layer->scores[a]));
        double uniform = ((sm_rng_u32(&rng, draw * n + a) >> 9) + 0.5) * 0x1p-23;
        mask[a] = used && (fabs(uniform - p) < 1e-6 ? layer->mask[a] == 1 : uniform < p);
    }
}

static void assert_sampled(const struct bench *b, enum sm_rng_purpose purpose, uint64_t draw) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        int8_t *want = check_alloc(layer_size(&b->trainer.layers[l]), 1);
        sampled_mask(want, b, l, purpose, draw);
        assert_memory_equal(b->trainer.layers[l].mask, want, layer_size(&b->trainer.layers[l]));
        free(want);
    }
}

/* Of every step another one, which the step itself uses: masks that were drawn to be looked at are drawn again. */
static void masks_are_those_of_the_step(void **state) {
    (void)state;
    for (int n_threads = 1; n_threads <= 5; n_threads += 2) {
        struct bench b;
        OPEN(&b, plain_layers, n_threads, SUPERMASK, "score_seed=7", "learning_rate=20");
        int8_t *before = check_alloc(layer_size(&b.trainer.layers[1]), 1);
        for (uint64_t step = 0; step < 3; step++) {
            sm_trainer_draw_masks(&b.trainer);
            assert_sampled(&b, SM_RNG_MASK, step);
            assert_memory_not_equal(before, b.trainer.layers[1].mask, layer_size(&b.trainer.layers[1]));
            memcpy(before, b.trainer.layers[1].mask, layer_size(&b.trainer.layers[1]));
            sm_trainer_gradient(&b.trainer, NULL);
            assert_memory_equal(before, b.trainer.layers[1].mask, layer_size(&b.trainer.layers[1]));
            sm_trainer_steps(&b.trainer, 1);
            if (step == 0) assert_memory_equal(before, b.trainer.layers[1].mask, layer_size(&b.trainer.layers[1]));
        }
        free(before);
        bench_destroy(&b);
    }
}

/* ---- a loss of real gates ---- */

/* The gates of each layer, plain layout, and the network whose weights they make: v = w g, times n / sum(g); a method
 * that fixes how many it keeps has the same sum for all its gates. */
struct relaxed {
    struct naive_graph graph;
    double **gate;
};

static void apply_gates(struct relaxed *r, const struct bench *b, size_t l) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    size_t n_in = layer->shape.n_in, n = layer->shape.n_out * n_in;
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += r->gate[l][k];
    if (!b->trainer.method->samples_masks) sum = round(sum);
    double scale = b->recipe.rescale == SM_RESCALE_DYNAMIC && sum > 0 ? (double)n / sum : 1;
    for (size_t k = 0; k < n; k++)
        r->graph.v[l][k] = scale * r->gate[l][k] * layer->weights[k / n_in * layer->shape.stride + k % n_in];
}

/* Gates as the trainer's masks are now. */
static void relaxed_init(struct relaxed *r, const struct bench *b) {
    naive_graph_init_batch(&r->graph, &b->net, BATCH);
    r->gate = check_alloc(b->net.n_layers, sizeof *r->gate);
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &b->trainer.layers[l];
        size_t n_in = layer->shape.n_in, n = layer->shape.n_out * n_in;
        r->gate[l] = check_alloc(n, sizeof(double));
        for (size_t k = 0; k < n; k++) r->gate[l][k] = layer->mask[k / n_in * layer->shape.stride + k % n_in];
        apply_gates(r, b, l);
    }
}

static void relaxed_destroy(struct relaxed *r, const struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) free(r->gate[l]);
    free(r->gate);
    naive_graph_destroy(&r->graph);
}

/* d loss / d t of gates + t direction, at 0. */
static double difference(struct relaxed *r, const struct bench *b, size_t l, const double *direction) {
    const double h = 1e-7;
    double loss[2];
    size_t n = sm_layer_weights(&b->net.layers[l]);
    double *start = check_alloc(n, sizeof *start);
    memcpy(start, r->gate[l], n * sizeof *start);
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < n; k++) r->gate[l][k] = start[k] + (side ? -h : h) * direction[k];
        apply_gates(r, b, l);
        loss[side] = naive_loss_of(&r->graph, b);
    }
    memcpy(r->gate[l], start, n * sizeof *start);
    apply_gates(r, b, l);
    free(start);
    return (loss[0] - loss[1]) / (2 * h);
}

/* How the gate of a score moves with it. */
static double slope_of(const struct bench *b, double m) {
    double p = 1 / (1 + exp(-m));
    return b->trainer.method->samples_masks ? p * (1 - p) : (m > 0) - (m < 0);
}

/* The derivative along e (plain layout) in the scores of layer l: by differences, and of the engine's gradient. */
static void check_along(struct relaxed *r, const struct bench *b, size_t l, const float *gradient, const double *e) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    size_t n_in = layer->shape.n_in, n = layer->shape.n_out * n_in;
    double *direction = check_alloc(n, sizeof *direction), got = 0, size = 0;
    for (size_t k = 0; k < n; k++) {
        size_t at = k / n_in * layer->shape.stride + k % n_in;
        direction[k] = e[k] * slope_of(b, layer->scores[at]);
        got += e[k] * gradient[at];
        size += pow(e[k] * gradient[at], 2);
    }
    double want = difference(r, b, l, direction);
    assert_within(got, want, 1e-5 + 2e-3 * sqrt(size));
    free(direction);
}

/* Along each of some weights, kept and hidden ones, and along random signs of all. */
static void check_layer(struct relaxed *r, const struct bench *b, size_t l, const float *gradient) {
    const struct sm_rng rng = sm_rng_make(8, SM_RNG_TEST, (uint32_t)l);
    size_t n = sm_layer_weights(&b->net.layers[l]);
    double *e = check_alloc(n, sizeof *e);
    for (size_t k = 0; k < 2; k++) {
        size_t at = sm_rng_below(&rng, k, n);
        e[at] = 100; /* so that a gradient of one weight is no small number */
        check_along(r, b, l, gradient, e);
        e[at] = 0;
    }
    for (size_t k = 0; k < n; k++) e[k] = sm_rng_u32(&rng, 100 + k) % 2 ? 1 : -1;
    check_along(r, b, l, gradient, e);
    free(e);
}

/* dL/dm of every layer of the next step, one thread. */
static void score_gradients(struct bench *b, float **gradient) {
    sm_trainer_gradient(&b->trainer, gradient);
    for (size_t l = 0; l < b->net.n_layers; l++)
        sm_masking_gradient(&b->trainer, l, gradient[l], 0, b->trainer.layers[l].shape.n_rows, 0, 1);
}

static void check_gradients(const char *layers, double low, double high, const char *const *settings, size_t n) {
    struct bench b;
    bench_init(&b, layers, settings, n, 2);
    fill_scores(&b, low, high);
    for (size_t batch = 0; batch < 3; batch++, sm_trainer_steps(&b.trainer, 1)) {
        if (batch == 1) continue; /* the last one is smaller */
        struct relaxed r;
        float **gradient = gradients_new(&b);
        double loss = b.trainer.loss_sum;
        score_gradients(&b, gradient);
        relaxed_init(&r, &b);
        assert_close((b.trainer.loss_sum - loss) / (double)b.trainer.batch->n, naive_loss_of(&r.graph, &b), 1e-4);
        for (size_t l = 0; l < b.net.n_layers; l++) check_layer(&r, &b, l, gradient[l]);
        relaxed_destroy(&r, &b);
        gradients_free(gradient, &b);
    }
    bench_destroy(&b);
}

#define CHECK_GRADIENTS(layers, low, high, ...)                                                                        \
    check_gradients(layers, low, high, (const char *const[]){__VA_ARGS__},                                             \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* p about 1/2, and about 1/20: lists, units and channels without any weight, which are others in every step. */
static void gradients_through_sampled_masks(void **state) {
    (void)state;
    static const char *const rescale[] = {"rescale=none", "rescale=dynamic"};
    static const char *const weights[] = {"weight_init=signed-constant", "weight_init=normal"};
    for (size_t k = 0; k < 4; k++) {
        CHECK_GRADIENTS(dense_layers, -1, 1, SUPERMASK, rescale[k % 2], weights[k / 2], "learning_rate=5");
        CHECK_GRADIENTS(dense_layers, -4, -2, SUPERMASK, rescale[k % 2], weights[k / 2], "learning_rate=5");
        if (k % 3 == 0) /* its naive network takes seconds */
            CHECK_GRADIENTS(plain_layers, -1, 1, SUPERMASK, rescale[k % 2], weights[k / 2], "learning_rate=5");
        CHECK_GRADIENTS(unpooled_layers, -4, -2, SUPERMASK, rescale[k % 2], weights[k / 2], "learning_rate=5");
    }
}

static void gradients_through_the_largest_scores(void **state) {
    (void)state;
    static const char *const weights[] = {"weight_init=signed-constant", "weight_init=normal"};
    for (size_t k = 0; k < 2; k++) {
        CHECK_GRADIENTS(dense_layers, -1, 1, EDGE_POPUP, "keep=0.5", weights[k], "learning_rate=0.1");
        CHECK_GRADIENTS(dense_layers, -1, 1, EDGE_POPUP, "keep=0.05", weights[k], "learning_rate=0.1");
        if (k == 1) CHECK_GRADIENTS(plain_layers, -1, 1, EDGE_POPUP, "keep=0.6", weights[k], "learning_rate=0.1");
        CHECK_GRADIENTS(unpooled_layers, -1, 1, EDGE_POPUP, "keep=0.08", weights[k], "learning_rate=0.1");
        CHECK_GRADIENTS(unpooled_layers, -1, 1, EDGE_POPUP, "keep=0.2", "rescale=dynamic", weights[k]);
    }
}

/* Without a kept weight nothing is rescaled and nothing moves. */
static void a_layer_without_weights_stays(void **state) {
    (void)state;
    struct bench b;
    OPEN(&b, plain_layers, 2, SUPERMASK, "rescale=dynamic", "weight_decay=0", "learning_rate=100");
    fill_scores(&b, -100, -90);
    float *before = check_alloc(layer_size(&b.trainer.layers[1]), sizeof *before);
    memcpy(before, b.trainer.layers[1].scores, layer_size(&b.trainer.layers[1]) * sizeof *before);
    sm_trainer_steps(&b.trainer, 3);
    assert_true(sm_trainer_remaining(&b.trainer) == 0);
    assert_memory_equal(before, b.trainer.layers[1].scores, layer_size(&b.trainer.layers[1]) * sizeof *before);
    assert_close(b.trainer.loss_sum, N_TRAIN * log(CLASSES), 1e-6);
    free(before);
    bench_destroy(&b);
}

/* ---- dynamic weight rescaling ---- */

static void kept_weights_are_rescaled(void **state) {
    (void)state;
    struct bench b;
    OPEN(&b, plain_layers, 3, SUPERMASK, "rescale=dynamic", "weight_init=normal");
    fill_scores(&b, -2, 1);
    sm_trainer_draw_masks(&b.trainer);
    for (size_t l = 0; l < b.net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &b.trainer.layers[l];
        double n = (double)sm_layer_weights(&b.net.layers[l]), n_kept = 0;
        for (size_t a = 0; a < layer_size(layer); a++) n_kept += layer->mask[a];
        assert_in_range(n_kept, 1, n - 1);
        for (size_t a = 0; a < layer_size(layer); a++)
            assert_close(layer->rescaled[a], layer->weights[a] * n / n_kept, 1.5e-7);
    }
    bench_destroy(&b);
}

/* ---- evaluation ---- */

/* Over all training images, which are the batches of one epoch. */
static double naive_epoch_loss(struct naive_graph *g, struct bench *b) {
    double sum = 0;
    const struct sm_batch *next = b->trainer.batch;
    for (size_t step = 0; step < b->trainer.steps_per_epoch; step++) {
        b->trainer.batch = sm_loader_batch(&b->trainer.loader, (int64_t)step);
        sum += naive_loss_of(g, b) * (double)b->trainer.batch->n;
    }
    b->trainer.batch = next;
    return sum / N_TRAIN;
}

static double naive_loss_of_mask(struct bench *b, uint64_t draw) {
    struct relaxed r;
    for (size_t l = 0; l < b->net.n_layers; l++) sampled_mask(b->trainer.layers[l].mask, b, l, SM_RNG_MASK_TEST, draw);
    relaxed_init(&r, b);
    double loss = naive_epoch_loss(&r.graph, b);
    relaxed_destroy(&r, b);
    return loss;
}

/* The accuracy of each mask is the engine's own, of masks that were put there. */
static double accuracy_of_mask(struct bench *b, uint64_t draw) {
    for (size_t l = 0; l < b->net.n_layers; l++) sampled_mask(b->trainer.layers[l].mask, b, l, SM_RNG_MASK_TEST, draw);
    return sm_forward_evaluate(&b->trainer.forward, &b->trainer.train, SM_LOSS_LOGITS, NULL, 1).accuracy;
}

static void evaluations_are_means_over_masks(void **state) {
    (void)state;
    static const char *const rescale[] = {"rescale=none", "rescale=dynamic"};
    for (size_t k = 0; k < 2; k++) {
        struct bench b;
        OPEN(&b, plain_layers, 2, SUPERMASK, rescale[k], "mask_samples=4", "learning_rate=5", "order=file");
        sm_trainer_steps(&b.trainer, 3);
        struct sm_evaluation got = sm_trainer_evaluate(&b.trainer, &b.trainer.train, NULL);
        assert_sampled(&b, SM_RNG_MASK, 3); /* the masks of the step are back */
        double loss = 0, accuracy = 0;
        for (uint64_t draw = 0; draw < 4; draw++) {
            loss += naive_loss_of_mask(&b, draw) / 4;
            if (k == 0) accuracy += accuracy_of_mask(&b, draw) / 4;
        }
        assert_close(got.loss, loss, 1e-5);
        if (k == 0) assert_close(got.accuracy, accuracy, 1e-12);
        struct sm_evaluation again = sm_trainer_evaluate(&b.trainer, &b.trainer.train, NULL);
        assert_memory_equal(&got, &again, sizeof got);
        bench_destroy(&b);
    }
}

/* ---- steps ---- */

struct optimizer {
    const char *setting, *nesterov;
};
static const struct optimizer optimizers[] = {{"optimizer=sgdw", "nesterov=true"},
                                              {"optimizer=sgdw", "nesterov=false"},
                                              {"optimizer=sgd", "nesterov=true"},
                                              {"optimizer=sgd", "nesterov=false"},
                                              {"optimizer=adam", "nesterov=false"}};
enum { N_OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

struct state {
    double *value, *velocity, *second;
};

/* One value in double precision (kernels.h has the formulas); the learning rate, decay and momentum are those that
 * take_steps sets. */
static void move(struct state *s, size_t k, double g, enum sm_optimizer optimizer, bool nesterov, int step) {
    const double rate = 0.1, decay = 0.05, mu = 0.8, b = 0.999;
    double *m = &s->value[k], *v = &s->velocity[k], *second = &s->second[k];
    if (optimizer == SM_ADAM) {
        g += decay * *m;
        *v = mu * *v + (1 - mu) * g;
        *second = b * *second + (1 - b) * g * g;
        *m -= rate * *v / (1 - pow(mu, step)) / (sqrt(*second / (1 - pow(b, step))) + 1e-8);
        return;
    }
    if (optimizer == SM_SGDW) *m -= decay * *m;
    if (optimizer == SM_SGD) g += decay * *m;
    *v = mu * *v - rate * g;
    *m += nesterov ? mu * *v - rate * g : *v;
}

static struct state state_of(const struct bench *b, size_t l) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    size_t n = layer_size(layer);
    struct state s = {check_alloc(n, sizeof(double)), check_alloc(n, sizeof(double)), check_alloc(n, sizeof(double))};
    for (size_t a = 0; a < n; a++) {
        s.value[a] = sm_trainer_values(&b->trainer, l)[a];
        s.velocity[a] = layer->velocity[a];
        s.second[a] = layer->second ? layer->second[a] : 0;
    }
    return s;
}

static void state_free(struct state *s) {
    free(s->value);
    free(s->velocity);
    free(s->second);
}

/* dL/dm from dL/dv, as the method says; of a method that trains weights they are the same. */
static void push_of(double *push, const struct bench *b, size_t l, const float *gradient) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    const float *weights = layer->rescaled ? layer->rescaled : layer->weights;
    double shift = 0, n_kept = 0;
    for (size_t a = 0; layer->rescaled && a < layer_size(layer); a++) {
        shift += layer->mask[a] ? (double)gradient[a] * weights[a] : 0;
        n_kept += layer->mask[a];
    }
    for (size_t a = 0; a < layer_size(layer); a++) {
        double g = gradient[a], m = layer->scores ? layer->scores[a] : 0;
        bool used = a / layer->shape.stride < layer->shape.n_out && a % layer->shape.stride < layer->shape.n_in;
        if (b->trainer.method->samples_masks)
            g = (g * weights[a] - (n_kept > 0 ? shift / n_kept : 0)) * slope_of(b, m);
        else if (b->trainer.method->masks)
            g = g * weights[a] * slope_of(b, m);
        else if (layer->scores)
            g *= layer->weights[a];
        push[a] = used ? g : 0;
    }
}

static double largest(const double *values, size_t n) {
    double most = 0;
    for (size_t k = 0; k < n; k++) most = fmax(most, fabs(values[k]));
    return most;
}

/* Adam divides by the gradient's size: what is off by rounding of the largest is off by more of a small one. */
static void assert_moved(const struct bench *b, size_t l, const struct state *want, const double *push, bool adam) {
    const struct sm_trainer_layer *layer = &b->trainer.layers[l];
    size_t n = layer_size(layer);
    double size = largest(push, n);
    assert_true(size > 1e-5);
    for (size_t a = 0; a < n; a++) {
        double bound = adam ? 0.1 * fmin(2, 1e-6 * size / (fabs(push[a]) + 1e-12)) : 1e-6 * size;
        double rounding = 4 * 0x1p-24 * (fabs(want->value[a]) + fabs(want->velocity[a]));
        assert_within(sm_trainer_values(&b->trainer, l)[a], want->value[a], bound + rounding + (adam ? 1e-6 : 0));
        assert_within(layer->velocity[a], want->velocity[a], 1e-6 * size + rounding);
        if (adam) assert_within(layer->second[a], want->second[a], 1e-7 * size * size + 2e-5 * want->second[a]);
    }
}

/* Three steps, each from what the one before it left; masks that are held stay, with what they hide. */
static void take_steps(const char *layers, const struct optimizer *o, const char *const *method, size_t n_method,
                       void (*prepare)(struct bench *)) {
    struct bench b;
    const char *settings[16] = {o->setting,     o->nesterov,   "learning_rate=0.1", "weight_decay=0.05",
                                "momentum=0.8", "loss=logits", "schedule=constant", "threshold_kind=relative",
                                "threshold=0.3"};
    memcpy(settings + 9, method, n_method * sizeof *method);
    bench_init(&b, layers, settings, 9 + n_method, 2);
    if (prepare) prepare(&b);
    bool adam = b.recipe.optimizer == SM_ADAM;
    for (int step = 1; step <= 3; step++) {
        float **gradient = gradients_new(&b);
        sm_trainer_gradient(&b.trainer, gradient);
        struct state want[8];
        double *push[8];
        for (size_t l = 0; l < b.net.n_layers; l++) {
            size_t n = layer_size(&b.trainer.layers[l]);
            const int8_t *held = b.trainer.layers[l].scores ? NULL : b.trainer.layers[l].mask;
            want[l] = state_of(&b, l);
            push[l] = check_alloc(n, sizeof(double));
            push_of(push[l], &b, l, gradient[l]);
            for (size_t a = 0; a < n; a++)
                if (!held || held[a]) move(&want[l], a, push[l][a], b.recipe.optimizer, b.recipe.nesterov, step);
        }
        sm_trainer_steps(&b.trainer, 1);
        for (size_t l = 0; l < b.net.n_layers; l++) {
            assert_moved(&b, l, &want[l], push[l], adam);
            state_free(&want[l]);
            free(push[l]);
        }
        gradients_free(gradient, &b);
    }
    bench_destroy(&b);
}

static void scatter_scores(struct bench *b) {
    fill_scores(b, -1.5, 0.5);
}

/* A mask over weights that are trained: every layer's, one in `of` or so. */
static void make_masks(struct bench *b, uint32_t of) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        struct sm_trainer_layer *layer = &b->trainer.layers[l];
        const struct sm_rng rng = sm_rng_make(9, SM_RNG_TEST, (uint32_t)l);
        layer->mask = check_alloc(layer_size(layer), 1);
        for (size_t o = 0; o < layer->shape.n_out; o++)
            for (size_t i = 0; i < layer->shape.n_in; i++)
                layer->mask[o * layer->shape.stride + i] = sm_rng_u32(&rng, o * layer->shape.n_in + i) % of == 0;
    }
}

static void bind_masks(struct bench *b) {
    for (size_t l = 0; l < b->net.n_layers; l++) {
        const struct sm_trainer_layer *layer = &b->trainer.layers[l];
        const struct sm_binding moving = {.weight = layer->weights, .mask = layer->mask, .holds = true};
        struct sm_error err;
        assert_int_equal(sm_forward_bind_as(&b->trainer.forward, l, &moving, &err), 0);
    }
}

static void hold_masks(struct bench *b) {
    make_masks(b, 4);
    bind_masks(b);
}

static void hold_all(struct bench *b) {
    make_masks(b, 1);
    bind_masks(b);
}

/* Hidden weights stay as they are, but take part in the pass, which knows of no mask. */
static void freeze_hidden(struct bench *b) {
    make_masks(b, 4);
}

static void every_optimizer_steps_every_method(void **state) {
    (void)state;
    static const struct {
        const char *settings[4];
        size_t n;
        void (*prepare)(struct bench *);
    } methods[] = {{{"method=signed-supermask"}, 1, NULL},
                   {{"method=supermask", "rescale=none", "weight_init=normal"}, 3, scatter_scores},
                   {{"method=supermask", "rescale=dynamic", "weight_init=signed-constant"}, 3, scatter_scores},
                   {{"method=edge-popup", "keep=0.3", "weight_init=signed-constant"}, 3, NULL},
                   {{"method=dense", "weight_init=normal"}, 2, NULL},
                   {{"method=dense", "weight_init=normal"}, 2, hold_masks},
                   {{"method=dense", "weight_init=normal"}, 2, hold_all},
                   {{"method=dense", "weight_init=normal"}, 2, freeze_hidden}};
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
        for (size_t o = 0; o < N_OPTIMIZERS; o++) {
            take_steps(plain_layers, &optimizers[o], methods[m].settings, methods[m].n, methods[m].prepare);
            take_steps(dense_layers, &optimizers[o], methods[m].settings, methods[m].n, methods[m].prepare);
        }
}

/* ---- the same bytes ---- */

static void assert_same_bytes(const struct bench *a, const struct bench *b) {
    for (size_t l = 0; l < a->net.n_layers; l++) {
        const struct sm_trainer_layer *x = &a->trainer.layers[l], *y = &b->trainer.layers[l];
        size_t n = layer_size(x);
        assert_memory_equal(x->scores, y->scores, n * sizeof(float));
        assert_memory_equal(x->velocity, y->velocity, n * sizeof(float));
        assert_memory_equal(x->mask, y->mask, n);
        if (x->second) assert_memory_equal(x->second, y->second, n * sizeof(float));
        if (x->rescaled) assert_memory_equal(x->rescaled, y->rescaled, n * sizeof(float));
    }
    assert_true(a->trainer.loss_sum == b->trainer.loss_sum);
}

static const struct {
    const char *layers, *settings[6];
    size_t n;
} runs[] = {
    {plain_layers, {SUPERMASK, "rescale=dynamic", "optimizer=adam", "learning_rate=0.1"}, 5},
    {plain_layers, {SUPERMASK, "weight_init=normal", "optimizer=sgd", "learning_rate=10"}, 5},
    {plain_layers, {EDGE_POPUP, "keep=0.3", "optimizer=sgd", "order=shuffled"}, 5},
    {dense_layers, {SUPERMASK, "rescale=dynamic", "optimizer=sgd", "learning_rate=10", "order=shuffled"}, 6},
    {dense_layers, {EDGE_POPUP, "keep=0.05", "weight_init=normal", "optimizer=adam"}, 5},
};
enum { N_RUNS = sizeof runs / sizeof *runs, STEPS = 5 };

static void open_run(struct bench *b, size_t k, int n_threads) {
    bench_init(b, runs[k].layers, runs[k].settings, runs[k].n, n_threads);
}

static void any_number_of_threads(void **state) {
    (void)state;
    for (size_t k = 0; k < N_RUNS; k++) {
        struct bench one, other;
        open_run(&one, k, 1);
        sm_trainer_steps(&one.trainer, STEPS);
        struct sm_evaluation e = sm_trainer_evaluate(&one.trainer, &one.trainer.test, NULL);
        for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
            open_run(&other, k, n_threads);
            sm_trainer_steps(&other.trainer, 2);
            sm_trainer_draw_masks(&other.trainer);
            sm_trainer_steps(&other.trainer, STEPS - 2);
            struct sm_evaluation f = sm_trainer_evaluate(&other.trainer, &other.trainer.test, NULL);
            assert_same_bytes(&one, &other);
            assert_memory_equal(&e, &f, sizeof e);
            bench_destroy(&other);
        }
        bench_destroy(&one);
    }
}

static void resumed_runs_go_on_alike(void **state) {
    (void)state;
    char path[] = "/tmp/methods-checkpoint-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t k = 0; k < N_RUNS; k++) {
        struct bench whole, stopped, resumed;
        struct sm_error err = {{0}};
        double seconds = 1;
        open_run(&whole, k, 2);
        open_run(&stopped, k, 2);
        open_run(&resumed, k, 1);
        sm_trainer_steps(&whole.trainer, STEPS);
        sm_trainer_steps(&stopped.trainer, 3);
        if (sm_checkpoint_save(path, &stopped.trainer, NULL, &seconds, &err)) fail_msg("%s", err.text);
        if (sm_checkpoint_load(path, &resumed.trainer, NULL, &seconds, &err)) fail_msg("%s", err.text);
        sm_trainer_draw_masks(&stopped.trainer);
        assert_same_bytes(&stopped, &resumed);
        sm_trainer_steps(&resumed.trainer, STEPS - 3);
        assert_same_bytes(&whole, &resumed);
        bench_destroy(&whole);
        bench_destroy(&stopped);
        bench_destroy(&resumed);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_scores_are_kept),
        cmocka_unit_test(masks_are_those_of_the_step),
        cmocka_unit_test(gradients_through_sampled_masks),
        cmocka_unit_test(gradients_through_the_largest_scores),
        cmocka_unit_test(a_layer_without_weights_stays),
        cmocka_unit_test(kept_weights_are_rescaled),
        cmocka_unit_test(evaluations_are_means_over_masks),
        cmocka_unit_test(every_optimizer_steps_every_method),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(resumed_runs_go_on_alike),
    };
    return cmocka_run_group_tests_name("methods", tests, NULL, NULL);
}
