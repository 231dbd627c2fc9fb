/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alignment of hidden units: which levels share an order, small networks on paper, permutations that were planted and
 * must be found, and the definition entry by entry on random networks. */
#include "tests/align_fixture.h"

static const enum sm_compare compares[] = {SM_COMPARE_MASK, SM_COMPARE_WEIGHT};

/* ---- spaces ---- */

static void spaces_of(struct sm_spaces *spaces, struct sm_graph *graph, struct fixture *f) {
    struct sm_error err;
    assert_int_equal(sm_graph_init(graph, &f->run.net, &err), 0);
    assert_int_equal(sm_spaces_init(spaces, graph, &err), 0);
}

static void assert_spaces(struct fixture *f, size_t n_spaces, const size_t *of_level, const size_t *n_units) {
    struct sm_graph graph;
    struct sm_spaces spaces;
    spaces_of(&spaces, &graph, f);
    assert_int_equal(spaces.n_spaces, n_spaces);
    assert_memory_equal(spaces.of_level, of_level, graph.n_levels * sizeof *of_level);
    assert_memory_equal(spaces.n_units, n_units, n_spaces * sizeof *n_units);
    sm_spaces_destroy(&spaces);
    sm_graph_destroy(&graph);
    fixture_destroy(f);
}

static const int8_t hidden[1024];

static void test_spaces_of_a_residual_graph(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "residual");
    fixture_layer(&f, "stem", 4, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&f, "block1", 2, 4, 1, 0, -2, hidden, NULL);
    fixture_layer(&f, "block2", 4, 2, 1, 1, -2, hidden, NULL);
    fixture_layer(&f, "next", 5, 4, 1, 0, 2, hidden, NULL); /* reads stem + block2 */
    fixture_layer(&f, "output", 2, 5, 1, 3, -2, hidden, NULL);
    assert_spaces(&f, 3, (size_t[]){3, 0, 1, 0, 2, 3}, (size_t[]){4, 2, 5});
}

/* Two sums that share a branch join all three. */
static void test_spaces_join_in_chains(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "chain");
    fixture_layer(&f, "a", 4, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&f, "b", 4, 4, 1, 0, -2, hidden, NULL);
    fixture_layer(&f, "c", 4, 4, 1, 0, 1, hidden, NULL);
    fixture_layer(&f, "output", 2, 4, 1, 1, 2, hidden, NULL);
    assert_spaces(&f, 1, (size_t[]){1, 0, 0, 0, 1}, (size_t[]){4});
}

static void test_spaces_of_a_flatten(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "flatten");
    fixture_layer(&f, "conv", 3, 1, 3, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&f, "dense", 5, 12, 1, 0, -2, hidden, NULL);
    fixture_layer(&f, "output", 2, 5, 1, 1, -2, hidden, NULL);
    assert_spaces(&f, 2, (size_t[]){2, 0, 1, 2}, (size_t[]){3, 5});
}

/* What is summed with the input stands still with it. */
static void test_spaces_fixed_by_the_input(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "shortcut");
    fixture_layer(&f, "a", 3, 3, 1, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&f, "b", 4, 3, 1, SM_NETWORK_INPUT, 0, hidden, NULL);
    fixture_layer(&f, "output", 2, 4, 1, 1, -2, hidden, NULL);
    assert_spaces(&f, 1, (size_t[]){1, 1, 0, 1}, (size_t[]){4});
}

/* Two channels of four positions plus eight units of their own: neither can be re-ordered alone. */
static void test_spaces_of_unequal_blocks(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "unequal");
    fixture_layer(&f, "conv", 2, 1, 3, SM_NETWORK_INPUT, -2, hidden, NULL);
    fixture_layer(&f, "dense", 8, 8, 1, 0, -2, hidden, NULL);
    fixture_layer(&f, "sum", 5, 8, 1, 0, 1, hidden, NULL);
    fixture_layer(&f, "output", 2, 5, 1, 2, -2, hidden, NULL);
    assert_spaces(&f, 1, (size_t[]){1, 1, 1, 0, 1}, (size_t[]){5});
}

static void test_no_hidden_unit(void **state) {
    (void)state;
    const int8_t a[] = {1, -1, 0, 1}, b[] = {1, 1, 1, 0};
    struct problem p = {0};
    fixture_init(&p.a, "a");
    fixture_init(&p.b, "b");
    fixture_layer(&p.a, "output", 2, 2, 1, SM_NETWORK_INPUT, -2, a, NULL);
    fixture_layer(&p.b, "output", 2, 2, 1, SM_NETWORK_INPUT, -2, b, NULL);
    problem_init_graph(&p);
    struct sm_alignment alignment;
    align_problem(&alignment, &p, SM_COMPARE_WEIGHT, 5, 1);
    assert_int_equal(p.spaces.n_spaces, 0);
    assert_int_equal(alignment.profit, 0); /* one equal sign, one opposite */
    assert_int_equal(alignment.n_starts, 1);
    assert_memory_equal(alignment.partner, ((uint32_t[]){0, 1, 0, 1}), 4 * sizeof(uint32_t));
    sm_alignment_destroy(&alignment);
    problem_destroy(&p);
}

/* ---- on paper ---- */

/* hidden reads two inputs, loop reads hidden, output reads hidden + loop. */
static void residual_by_hand(struct fixture *f, const char *name, const int8_t *first, const int8_t *loop,
                             const int8_t *output, size_t n_out) {
    fixture_init(f, name);
    fixture_layer(f, "hidden", 2, 2, 1, SM_NETWORK_INPUT, -2, first, NULL);
    fixture_layer(f, "loop", 2, 2, 1, 0, -2, loop, NULL);
    fixture_layer(f, "output", n_out, 2, 1, 0, 1, output, NULL);
}

/* b is a with the units of hidden and loop exchanged. */
static void test_residual_by_hand(void **state) {
    (void)state;
    struct problem p = {0};
    residual_by_hand(&p.a, "a", (int8_t[]){1, 0, 0, 1}, (int8_t[]){0, -1, 0, 0}, (int8_t[]){1, -1}, 1);
    residual_by_hand(&p.b, "b", (int8_t[]){0, 1, 1, 0}, (int8_t[]){0, 0, -1, 0}, (int8_t[]){-1, 1}, 1);
    problem_init_graph(&p);
    for (size_t c = 0; c < 2; c++) {
        struct sm_alignment alignment;
        align_problem(&alignment, &p, compares[c], 1, 1);
        assert_int_equal(alignment.profit, 5);
        assert_memory_equal(alignment.partner, ((uint32_t[]){0, 1, 1, 0, 1, 0, 0}), 7 * sizeof(uint32_t));
        sm_alignment_destroy(&alignment);
    }
    problem_destroy(&p);
}

/* hidden alone would win 2 by an exchange, output's three rows win 3 where units stand. One order serves both. */
static void test_branches_share_their_order(void **state) {
    (void)state;
    struct problem p = {0};
    const int8_t output[] = {1, 0, 1, 0, 1, 0};
    residual_by_hand(&p.a, "a", (int8_t[]){1, 0, 0, 1}, hidden, output, 3);
    residual_by_hand(&p.b, "b", (int8_t[]){0, 1, 1, 0}, hidden, output, 3);
    problem_init_graph(&p);
    struct sm_alignment alignment;
    align_problem(&alignment, &p, SM_COMPARE_MASK, 2, 1);
    assert_int_equal(alignment.profit, 3);
    assert_memory_equal(alignment.partner, ((uint32_t[]){0, 1, 0, 1, 0, 1, 0, 1, 2}), 9 * sizeof(uint32_t));
    sm_alignment_destroy(&alignment);
    problem_destroy(&p);
}

/* Two channels with two positions each; b has them exchanged. */
static void test_flatten_by_hand(void **state) {
    (void)state;
    struct problem p = {0};
    fixture_init(&p.a, "a");
    fixture_init(&p.b, "b");
    fixture_layer(&p.a, "conv", 2, 1, 3, SM_NETWORK_INPUT, -2, (int8_t[18]){[0] = 1, [10] = -1}, NULL);
    fixture_layer(&p.b, "conv", 2, 1, 3, SM_NETWORK_INPUT, -2, (int8_t[18]){[1] = -1, [9] = 1}, NULL);
    fixture_layer(&p.a, "output", 1, 4, 1, 0, -2, (int8_t[]){1, 0, 0, -1}, NULL);
    fixture_layer(&p.b, "output", 1, 4, 1, 0, -2, (int8_t[]){0, -1, 1, 0}, NULL);
    problem_init_graph(&p);
    struct sm_alignment alignment;
    align_problem(&alignment, &p, SM_COMPARE_WEIGHT, 1, 1);
    assert_int_equal(alignment.profit, 4);
    assert_memory_equal(alignment.partner, ((uint32_t[]){0, 1, 0, 0}), 4 * sizeof(uint32_t));
    uint32_t columns[9];
    sm_alignment_columns(&alignment, &p.graph, 1, columns);
    assert_memory_equal(columns, ((uint32_t[]){2, 3, 0, 1}), 4 * sizeof *columns);
    sm_alignment_columns(&alignment, &p.graph, 0, columns); /* the input is fixed */
    assert_memory_equal(columns, ((uint32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8}), 9 * sizeof *columns);
    int8_t aligned[4];
    assert_int_equal(sm_alignment_apply(&alignment, &p.graph, 1, p.b.mask[1], aligned, 1), 0);
    assert_memory_equal(aligned, p.a.mask[1], 4);
    sm_alignment_destroy(&alignment);
    problem_destroy(&p);
}

/* A unit that would lose stands against one without entries instead, if there is one. */
static void test_nobody_is_matched_at_a_loss(void **state) {
    (void)state;
    struct problem p = {0};
    fixture_init(&p.a, "a");
    fixture_init(&p.b, "b");
    fixture_layer(&p.a, "hidden", 2, 1, 1, SM_NETWORK_INPUT, -2, (int8_t[]){1, 0}, NULL);
    fixture_layer(&p.b, "hidden", 2, 1, 1, SM_NETWORK_INPUT, -2, (int8_t[]){-1, 0}, NULL);
    fixture_layer(&p.a, "output", 1, 2, 1, 0, -2, hidden, NULL);
    fixture_layer(&p.b, "output", 1, 2, 1, 0, -2, hidden, NULL);
    problem_init_graph(&p);
    struct sm_alignment alignment;
    align_problem(&alignment, &p, SM_COMPARE_WEIGHT, 1, 1);
    assert_int_equal(alignment.profit, 0);
    assert_int_equal(sm_alignment_partner(&alignment, 1, 0), 1);
    sm_alignment_destroy(&alignment);
    problem_destroy(&p);
}

/* ---- planted permutations ---- */

static void assert_planted_found(struct problem *p, const struct sm_alignment *alignment) {
    for (size_t k = 0; k < p->graph.n_levels; k++)
        for (size_t u = 0; u < sm_graph_level_units(&p->graph, k); u++)
            if (is_active(p, &p->a, k, u)) assert_int_equal(sm_alignment_partner(alignment, k, u), p->planted[k][u]);
}

/* profit: expected by masks and by weights. */
static void assert_found(struct problem *p, const int64_t profit[2]) {
    for (size_t c = 0; c < 2; c++) {
        struct sm_alignment alignment;
        align_problem(&alignment, p, compares[c], 1, 1);
        assert_int_equal(alignment.profit, profit[c]);
        assert_int_equal(alignment.profit, profit_by_definition(p, alignment.partner, compares[c]));
        assert_planted_found(p, &alignment);
        sm_alignment_destroy(&alignment);
    }
}

static void test_planted(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 40; trial++) {
        struct problem p = {0};
        problem_init(&p, shapes[trial % N_SHAPES], trial % 3 ? 0.3 : 0.12, trial);
        plant(&p, trial);
        assert_found(&p, (int64_t[]){count_entries(&p.a), count_entries(&p.a)});
        problem_destroy(&p);
    }
}

/* One entry in five gets the other sign: by masks nothing has changed. */
static int64_t flip_signs(struct fixture *f, struct sm_draws *draws) {
    int64_t n = 0;
    for (size_t l = 0; l < f->run.net.n_layers; l++)
        for (size_t i = 0; i < sm_layer_weights(&f->run.net.layers[l]); i++)
            if (f->mask[l][i] && sm_draws_below(draws, 5) == 0) {
                f->mask[l][i] = (int8_t)-f->mask[l][i];
                n++;
            }
    return n;
}

static void test_planted_with_flipped_signs(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 40; trial++) {
        struct problem p = {0};
        struct sm_draws draws = sm_draws_make(sm_rng_make(13, SM_RNG_TEST, trial));
        problem_init(&p, shapes[trial % N_SHAPES], 0.5, trial); /* entries enough to tell units apart */
        plant(&p, trial);
        int64_t n = count_entries(&p.a), flipped = flip_signs(&p.b, &draws);
        assert_true(flipped > n / 8 && flipped < n / 3);
        assert_found(&p, (int64_t[]){n, n - 2 * flipped});
        problem_destroy(&p);
    }
}

/* One entry in five moves to a place of its layer that was hidden. */
static void move_entries(struct fixture *f, struct sm_draws *draws) {
    for (size_t l = 0; l < f->run.net.n_layers; l++) {
        uint32_t n = (uint32_t)sm_layer_weights(&f->run.net.layers[l]);
        for (uint32_t i = 0; i < n; i++) {
            if (!f->mask[l][i] || sm_draws_below(draws, 5) > 0) continue;
            uint32_t to = sm_draws_below(draws, n);
            if (f->mask[l][to]) continue;
            f->mask[l][to] = f->mask[l][i];
            f->mask[l][i] = 0;
        }
    }
}

static void planted_partners(const struct problem *p, uint32_t *partner) {
    for (size_t k = 0; k < p->graph.n_levels; k++)
        for (size_t u = 0; u < sm_graph_level_units(&p->graph, k); u++)
            partner[p->graph.offset[k] + u] = p->planted[k][u];
}

static void test_planted_with_moved_entries(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 40; trial++) {
        struct problem p = {0};
        struct sm_draws draws = sm_draws_make(sm_rng_make(14, SM_RNG_TEST, trial));
        uint32_t partner[8 * ALIGN_MOST_UNITS];
        problem_init(&p, shapes[trial % N_SHAPES], 0.3, trial);
        plant(&p, trial);
        move_entries(&p.b, &draws);
        planted_partners(&p, partner);
        assert_found(&p, (int64_t[]){profit_by_definition(&p, partner, SM_COMPARE_MASK),
                                     profit_by_definition(&p, partner, SM_COMPARE_WEIGHT)});
        problem_destroy(&p);
    }
}

static void test_a_network_with_itself(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 40; trial++) {
        struct problem p = {0};
        problem_init(&p, shapes[trial % N_SHAPES], 0.2, trial);
        plant(&p, trial);
        struct fixture permuted = p.b;
        p.b = p.a;
        for (size_t k = 0; k < p.graph.n_levels; k++)
            for (uint32_t u = 0; u < sm_graph_level_units(&p.graph, k); u++) p.planted[k][u] = u;
        assert_found(&p, (int64_t[]){count_entries(&p.a), count_entries(&p.a)});
        p.b = permuted;
        problem_destroy(&p);
    }
}

/* ---- random pairs ---- */

static void assert_no_exchange_pays(struct problem *p, struct sm_alignment *alignment, enum sm_compare compare) {
    for (size_t k = 0; k < p->graph.n_levels; k++) {
        uint32_t *partner = alignment->partner + alignment->offset[k];
        bool alone = p->spaces.of_level[k] < p->spaces.n_spaces;
        for (size_t other = 0; other < p->graph.n_levels; other++)
            alone = alone && (other == k || p->spaces.of_level[other] != p->spaces.of_level[k]);
        for (size_t u = 1; alone && u < sm_graph_level_units(&p->graph, k); u++) {
            uint32_t held = partner[u];
            partner[u] = partner[u - 1];
            partner[u - 1] = held;
            assert_true(profit_by_definition(p, alignment->partner, compare) <= alignment->profit);
            partner[u - 1] = partner[u];
            partner[u] = held;
        }
    }
}

static void test_random_pairs(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 60; trial++) {
        struct problem p = {0};
        enum sm_compare compare = compares[trial / 2 % 2];
        struct sm_alignment alignment, more;
        problem_init(&p, shapes[trial % N_SHAPES], (double[]){0.02, 0.1, 0.5}[trial % 3], trial);
        align_problem(&alignment, &p, compare, 1, 1);
        assert_int_equal(alignment.profit, profit_by_definition(&p, alignment.partner, compare));
        assert_true(alignment.profit >= profit_by_definition(&p, NULL, compare));
        assert_no_exchange_pays(&p, &alignment, compare);
        align_problem(&more, &p, compare, 6, 1);
        assert_int_equal(more.n_starts, 6);
        assert_int_equal(more.start_profit[0], alignment.profit);
        assert_true(more.profit >= alignment.profit);
        for (size_t s = 0; s < 6; s++) assert_true(more.start_profit[s] <= more.profit);
        assert_int_equal(more.profit, profit_by_definition(&p, more.partner, compare));
        sm_alignment_destroy(&alignment);
        sm_alignment_destroy(&more);
        problem_destroy(&p);
    }
}

/* A sparse network against itself with some entries moved: many units have nothing that tells them apart, and matching
 * from below may lose what stands already. */
static void test_never_worse_than_raw(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 400; trial++) {
        struct problem p = {0};
        struct sm_draws draws = sm_draws_make(sm_rng_make(15, SM_RNG_TEST, trial));
        struct sm_alignment alignment;
        enum sm_compare compare = compares[trial / N_SHAPES % 2];
        problem_init(&p, shapes[trial % N_SHAPES], 0.03, trial);
        for (size_t l = 0; l < p.graph.net->n_layers; l++) {
            memcpy(p.b.mask[l], p.a.mask[l], sm_layer_weights(&p.graph.net->layers[l]));
            memcpy(p.b.weights[l], p.a.weights[l], sm_layer_weights(&p.graph.net->layers[l]) * sizeof(float));
        }
        move_entries(&p.b, &draws);
        align_problem(&alignment, &p, compare, 1, 1);
        assert_true(alignment.profit >= profit_by_definition(&p, NULL, compare));
        assert_int_equal(alignment.profit, profit_by_definition(&p, alignment.partner, compare));
        sm_alignment_destroy(&alignment);
        problem_destroy(&p);
    }
}

/* A stack 4-4-3-2 has 4! 3! orders: the best of many starts is the best of all. */
static void next_permutation(uint32_t *order, size_t n) {
    size_t i = n - 1, j = n - 1;
    while (i > 0 && order[i - 1] >= order[i]) i--;
    while (i > 0 && order[j] <= order[i - 1]) j--;
    if (i > 0) {
        uint32_t held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
    for (j = n - 1; i < j; i++, j--) {
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

static int64_t best_of_all(const struct problem *p, enum sm_compare compare) {
    uint32_t partner[] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 0, 1};
    int64_t best = INT64_MIN;
    for (size_t k = 0; k < 24 * 6; k++) {
        int64_t profit = profit_by_definition(p, partner, compare);
        if (profit > best) best = profit;
        next_permutation(partner + 4, 4);
        if (k % 24 == 23) next_permutation(partner + 8, 3);
    }
    return best;
}

static void test_best_of_all_orders(void **state) {
    (void)state;
    static const struct shape small = {"small", 3, {{4, 4, 1, STACK(-1)}, {3, 4, 1, STACK(0)}, {2, 3, 1, STACK(1)}}};
    for (uint32_t trial = 0; trial < 300; trial++) {
        struct problem p = {0};
        struct sm_alignment alignment;
        enum sm_compare compare = compares[trial / 3 % 2];
        problem_init(&p, &small, (double[]){0.2, 0.5, 0.9}[trial % 3], trial);
        align_problem(&alignment, &p, compare, SM_ALIGN_MOST_STARTS, 1);
        assert_int_equal(alignment.profit, best_of_all(&p, compare));
        sm_alignment_destroy(&alignment);
        problem_destroy(&p);
    }
}

/* ---- an alignment in use ---- */

static void test_apply(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < N_SHAPES; trial++) {
        struct problem p = {0};
        struct sm_alignment alignment;
        struct sm_error err;
        problem_init(&p, shapes[trial], 0.3, trial);
        plant(&p, trial); /* so that b in the planted order is a */
        assert_int_equal(sm_alignment_init(&alignment, &p.graph, &err), 0);
        planted_partners(&p, alignment.partner);
        for (size_t l = 0; l < p.graph.net->n_layers; l++) {
            size_t n = sm_layer_weights(&p.graph.net->layers[l]);
            float *aligned = check_alloc(n, sizeof *aligned);
            assert_int_equal(sm_alignment_apply(&alignment, &p.graph, l, p.b.weights[l], aligned, sizeof *aligned), 0);
            assert_memory_equal(aligned, p.a.weights[l], n * sizeof *aligned);
            free(aligned);
        }
        sm_alignment_destroy(&alignment);
        problem_destroy(&p);
    }
}

static void test_every_thread_finds_the_same(void **state) {
    (void)state;
    enum { N = 12 };
    struct problem p = {0};
    struct sm_alignment alignment[N];
    problem_init(&p, &residual_shape, 0.2, 7);
#pragma omp parallel for num_threads(4) schedule(dynamic)
    for (size_t k = 0; k < N; k++) align_problem(&alignment[k], &p, SM_COMPARE_WEIGHT, 5, 3);
    for (size_t k = 1; k < N; k++) {
        assert_memory_equal(alignment[k].partner, alignment[0].partner,
                            sm_graph_n_units(&p.graph) * sizeof *alignment[k].partner);
        assert_memory_equal(alignment[k].start_profit, alignment[0].start_profit, 5 * sizeof(int64_t));
    }
    for (size_t k = 0; k < N; k++) sm_alignment_destroy(&alignment[k]);
    problem_destroy(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces_of_a_residual_graph),
        cmocka_unit_test(test_spaces_join_in_chains),
        cmocka_unit_test(test_spaces_of_a_flatten),
        cmocka_unit_test(test_spaces_fixed_by_the_input),
        cmocka_unit_test(test_spaces_of_unequal_blocks),
        cmocka_unit_test(test_no_hidden_unit),
        cmocka_unit_test(test_residual_by_hand),
        cmocka_unit_test(test_branches_share_their_order),
        cmocka_unit_test(test_flatten_by_hand),
        cmocka_unit_test(test_nobody_is_matched_at_a_loss),
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_planted_with_flipped_signs),
        cmocka_unit_test(test_planted_with_moved_entries),
        cmocka_unit_test(test_a_network_with_itself),
        cmocka_unit_test(test_random_pairs),
        cmocka_unit_test(test_never_worse_than_raw),
        cmocka_unit_test(test_best_of_all_orders),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_every_thread_finds_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
