/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Null models: what each promises to keep, that what it leaves open is drawn evenly, and that p-values of data drawn
 * from the null itself are uniform. Seeds are fixed; bounds are so wide that one seed in a million would miss them. */
#include "tests/align_fixture.h"

#include "analyze/nulls.h"

/* ---- a drawing room ---- */

struct room {
    struct problem problem;
    struct sm_ternary from, drawn;
    struct sm_null_scratch scratch;
};

static void room_open(struct room *room) {
    struct sm_error err;
    struct sm_moment moment = fixture_moment(&room->problem.b);
    assert_int_equal(sm_ternary_init(&room->from, &moment, SM_COMPARE_WEIGHT, &err), 0);
    assert_int_equal(sm_ternary_copy(&room->drawn, &room->from, &err), 0);
    assert_int_equal(sm_null_scratch_init(&room->scratch, &room->from, &room->problem.spaces, &err), 0);
}

static void room_init(struct room *room, const struct shape *shape, double density, uint32_t trial) {
    problem_init(&room->problem, shape, density, trial);
    room_open(room);
}

/* A network of one layer with this mask. */
static void room_init_mask(struct room *room, size_t n_rows, size_t n_columns, const int8_t *mask) {
    const struct shape shape = {"one", 1, {{n_rows, n_columns, 1, STACK(-1)}}};
    problem_init(&room->problem, &shape, 0, 0);
    memcpy(room->problem.b.mask[0], mask, n_rows * n_columns);
    for (size_t i = 0; i < n_rows * n_columns; i++) room->problem.b.weights[0][i] = 1;
    room_open(room);
}

static void room_destroy(struct room *room) {
    sm_null_scratch_destroy(&room->scratch);
    sm_ternary_destroy(&room->from);
    sm_ternary_destroy(&room->drawn);
    problem_destroy(&room->problem);
}

static void draw(struct room *room, size_t null, uint32_t replicate) {
    struct sm_draws draws = sm_draws_make(sm_rng_make(21, SM_RNG_NULL, replicate));
    sm_nulls[null].draw(&room->drawn, &room->from, &room->problem.spaces, &draws, &room->scratch);
}

/* ---- what is kept ---- */

/* Rows begin where the one before ends, columns ascend, signs are signs. */
static void assert_sound(const struct sm_ternary *ternary) {
    for (size_t l = 0; l < ternary->n_layers; l++) {
        const struct sm_ternary_layer *layer = &ternary->layers[l];
        assert_int_equal(layer->start[0], 0);
        assert_int_equal(layer->start[layer->n_rows], layer->n_entries);
        for (size_t r = 0; r < layer->n_rows; r++)
            for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++) {
                assert_true(layer->column[e] < layer->n_columns);
                assert_true(e == layer->start[r] || layer->column[e - 1] < layer->column[e]);
                assert_true(layer->sign[e] == 1 || layer->sign[e] == -1);
            }
    }
}

static size_t count_sign(const struct sm_ternary_layer *layer, int8_t sign) {
    size_t n = 0;
    for (size_t e = 0; e < layer->n_entries; e++) n += layer->sign[e] == sign;
    return n;
}

static size_t row_degree(const struct sm_ternary_layer *layer, size_t r) {
    return layer->start[r + 1] - layer->start[r];
}

/* Entries of each sign in a column. */
static size_t column_degree(const struct sm_ternary_layer *layer, size_t c, int8_t sign) {
    size_t n = 0;
    for (size_t e = 0; e < layer->n_entries; e++) n += layer->column[e] == c && layer->sign[e] == sign;
    return n;
}

static void assert_degrees_kept(const struct sm_ternary_layer *from, const struct sm_ternary_layer *drawn) {
    for (size_t r = 0; r < from->n_rows; r++) assert_int_equal(row_degree(from, r), row_degree(drawn, r));
    for (size_t c = 0; c < from->n_columns; c++) {
        assert_int_equal(column_degree(from, c, 1), column_degree(drawn, c, 1));
        assert_int_equal(column_degree(from, c, -1), column_degree(drawn, c, -1));
    }
}

static void assert_places_kept(const struct sm_ternary_layer *from, const struct sm_ternary_layer *drawn) {
    assert_memory_equal(from->start, drawn->start, (from->n_rows + 1) * sizeof *from->start);
    assert_memory_equal(from->column, drawn->column, from->n_entries * sizeof *from->column);
}

static bool same_entries(const struct sm_ternary_layer *a, const struct sm_ternary_layer *b) {
    return memcmp(a->start, b->start, (a->n_rows + 1) * sizeof *a->start) == 0 &&
           memcmp(a->column, b->column, a->n_entries * sizeof *a->column) == 0 &&
           memcmp(a->sign, b->sign, a->n_entries) == 0;
}

static void assert_promises(const struct room *room, size_t null) {
    assert_sound(&room->drawn);
    for (size_t l = 0; l < room->from.n_layers; l++) {
        const struct sm_ternary_layer *from = &room->from.layers[l], *drawn = &room->drawn.layers[l];
        assert_int_equal(from->n_entries, drawn->n_entries);
        assert_int_equal(count_sign(from, 1), count_sign(drawn, 1));
        if (null == SM_NULL_DEGREE) assert_degrees_kept(from, drawn);
        if (null == SM_NULL_SIGN_SHUFFLE) assert_places_kept(from, drawn);
    }
    assert_false(same_entries(&room->from.layers[1], &room->drawn.layers[1]));
}

static void test_promises(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 3 * N_SHAPES; trial++) {
        struct room room;
        room_init(&room, shapes[trial % N_SHAPES], (double[]){0.05, 0.4, 0.9}[trial / N_SHAPES], trial);
        for (size_t null = 0; null < SM_N_NULLS; null++)
            for (uint32_t replicate = 0; replicate < 10; replicate++) {
                draw(&room, null, replicate);
                assert_promises(&room, null);
            }
        room_destroy(&room);
    }
}

/* The same number gives the same draw, whatever was drawn before. */
static void test_draws_depend_on_their_number_alone(void **state) {
    (void)state;
    struct room room;
    struct sm_ternary kept;
    struct sm_error err;
    room_init(&room, &residual_shape, 0.2, 1);
    for (size_t null = 0; null < SM_N_NULLS; null++) {
        draw(&room, null, 5);
        assert_int_equal(sm_ternary_copy(&kept, &room.drawn, &err), 0);
        draw(&room, (null + 1) % SM_N_NULLS, 6);
        draw(&room, null, 5);
        for (size_t l = 0; l < kept.n_layers; l++) assert_true(same_entries(&kept.layers[l], &room.drawn.layers[l]));
        sm_ternary_destroy(&kept);
    }
    room_destroy(&room);
}

/* All hidden, all kept, one row, one entry: nothing to draw, nothing to break. */
static void test_extremes(void **state) {
    (void)state;
    static const struct shape thin = {"thin", 2, {{1, 1, 1, STACK(-1)}, {1, 1, 1, STACK(0)}}};
    for (size_t k = 0; k < 3; k++) {
        struct room room;
        room_init(&room, k == 2 ? &thin : &dense_shape, k == 0 ? 0 : 1, 1);
        for (size_t null = 0; null < SM_N_NULLS; null++) {
            draw(&room, null, 1);
            assert_sound(&room.drawn);
            for (size_t l = 0; l < room.from.n_layers; l++)
                assert_places_kept(&room.from.layers[l], &room.drawn.layers[l]);
        }
        room_destroy(&room);
    }
}

/* ---- unit-permutation is a relabelling ---- */

static void test_relabelled_units_are_found_again(void **state) {
    (void)state;
    for (uint32_t trial = 0; trial < 2 * N_SHAPES; trial++) {
        struct room room;
        struct sm_alignment alignment;
        struct sm_align_scratch scratch = {0};
        struct sm_error err;
        room_init(&room, shapes[trial % N_SHAPES], 0.3, trial);
        draw(&room, SM_NULL_UNIT_PERMUTATION, trial);
        size_t n = 0;
        for (size_t l = 0; l < room.from.n_layers; l++) n += room.from.layers[l].n_entries;
        const struct sm_align_options how = {.by_sign = true, .n_starts = 1, .seed = 1};
        assert_int_equal(sm_alignment_init(&alignment, &room.problem.graph, &err), 0);
        assert_int_equal(sm_align(&alignment, &room.problem.spaces, &room.from, &room.drawn, &how, &scratch, &err), 0);
        assert_int_equal(alignment.profit, n);
        sm_align_scratch_destroy(&scratch);
        sm_alignment_destroy(&alignment);
        room_destroy(&room);
    }
}

/* ---- every matrix comes up equally often ---- */

/* Upper bound of chi-square with n degrees of freedom that one seed in a million exceeds (Wilson & Hilferty 1931). */
static double chi_square_bound(double n) {
    return n * pow(1 - 2 / (9 * n) + 4.75 * sqrt(2 / (9 * n)), 3);
}

enum { MOST_MATRICES = 4096 };

/* The matrix as one number: a bit for each entry that is there, or positive where places are kept. */
static size_t code_of(const struct sm_ternary_layer *layer, bool signs) {
    size_t code = 0;
    for (size_t r = 0; r < layer->n_rows; r++)
        for (size_t e = layer->start[r]; e < layer->start[r + 1]; e++)
            if (!signs || layer->sign[e] > 0) code |= (size_t)1 << (r * layer->n_columns + layer->column[e]);
    return code;
}

/* Of the n things that are counted `expected` come up, each as often as any other. */
static void assert_even(const size_t *count, size_t n, size_t expected, size_t n_draws) {
    double chi_square = 0, each = (double)n_draws / (double)expected;
    size_t n_seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (!count[i]) continue;
        n_seen++;
        chi_square += pow((double)count[i] - each, 2) / each;
    }
    assert_int_equal(n_seen, expected);
    if (chi_square > chi_square_bound((double)expected - 1))
        fail_msg("chi-square %g with %zu degrees of freedom", chi_square, expected - 1);
}

static void count_draws(size_t null, size_t n_rows, size_t n_columns, const int8_t *mask, size_t n_draws,
                        size_t *count) {
    struct room room;
    room_init_mask(&room, n_rows, n_columns, mask);
    memset(count, 0, MOST_MATRICES * sizeof *count);
    for (uint32_t k = 0; k < n_draws; k++) {
        draw(&room, null, k);
        count[code_of(&room.drawn.layers[0], null == SM_NULL_SIGN_SHUFFLE)]++;
    }
    room_destroy(&room);
}

static void test_independent_masks_are_even(void **state) {
    (void)state;
    size_t count[MOST_MATRICES];
    count_draws(SM_NULL_INDEPENDENT, 2, 4, (int8_t[]){1, -1, 1, 0, 0, 0, 0, 0}, 20000, count);
    assert_even(count, MOST_MATRICES, 56, 20000); /* 8 over 3 */
    count_draws(SM_NULL_INDEPENDENT, 2, 4, (int8_t[]){1, -1, 1, 0, 1, 0, 1, 1}, 20000, count);
    assert_even(count, MOST_MATRICES, 28, 20000); /* 8 over 6, by the places that are left out */
}

static void test_shuffled_signs_are_even(void **state) {
    (void)state;
    size_t count[MOST_MATRICES];
    count_draws(SM_NULL_SIGN_SHUFFLE, 2, 4, (int8_t[]){1, -1, 1, 0, -1, 0, 0, -1}, 20000, count);
    assert_even(count, MOST_MATRICES, 10, 20000); /* two of five are positive */
}

/* Has the matrix of these bits the row and column sums of the mask? */
static bool has_degrees(size_t code, size_t n_rows, size_t n_columns, const int8_t *mask) {
    int row[4] = {0}, column[4] = {0};
    for (size_t i = 0; i < n_rows * n_columns; i++) {
        int more = (int)(code >> i & 1) - (mask[i] != 0);
        row[i / n_columns] += more;
        column[i % n_columns] += more;
    }
    for (size_t k = 0; k < 4; k++)
        if (row[k] || column[k]) return false;
    return true;
}

static void put_back(struct room *room, size_t l) {
    struct sm_ternary_layer *drawn = &room->drawn.layers[l];
    const struct sm_ternary_layer *from = &room->from.layers[l];
    memcpy(drawn->start, from->start, (from->n_rows + 1) * sizeof *from->start);
    memcpy(drawn->column, from->column, from->n_entries * sizeof *from->column);
    memcpy(drawn->sign, from->sign, from->n_entries);
}

static void curveball(struct room *room, size_t l, size_t n_rounds, uint32_t number) {
    struct sm_draws draws = sm_draws_make(sm_rng_make(22, SM_RNG_NULL, number));
    put_back(room, l);
    sm_null_curveball(&room->drawn.layers[l], n_rounds, &draws, &room->scratch);
}

/* A column has entries of one sign only, so that places say all. The start must be forgotten: three rows see few
 * trades, hence twenty for each here. */
static void test_degree_matrices_are_even(void **state) {
    (void)state;
    enum { N_DRAWS = 30000 };
    static const struct {
        size_t n_rows, n_columns;
        int8_t mask[12];
    } cases[] = {
        {3, 3, {1, 0, 0, 0, 1, 0, 0, 0, 1}},
        {3, 3, {1, 1, 0, 1, 0, -1, 0, 1, 0}},
        {3, 4, {1, -1, 0, 0, 1, 0, 1, 0, 0, -1, 1, -1}},
        {4, 3, {1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        size_t count[MOST_MATRICES] = {0}, n_rows = cases[k].n_rows, n_columns = cases[k].n_columns, expected = 0;
        struct room room;
        room_init_mask(&room, n_rows, n_columns, cases[k].mask);
        for (size_t code = 0; code < (size_t)1 << n_rows * n_columns; code++)
            expected += has_degrees(code, n_rows, n_columns, cases[k].mask);
        for (uint32_t i = 0; i < N_DRAWS; i++) {
            curveball(&room, 0, 40, i);
            count[code_of(&room.drawn.layers[0], false)]++;
        }
        assert_even(count, MOST_MATRICES, expected, N_DRAWS);
        room_destroy(&room);
    }
}

/* A full layer has no trade to make: each column deals its signs alone. 3 ways for the first, 3 for the second, 1. */
static void test_degree_deals_signs_evenly(void **state) {
    (void)state;
    enum { N_DRAWS = 20000 };
    static size_t count[MOST_MATRICES];
    struct room room;
    room_init_mask(&room, 3, 3, (int8_t[]){1, 1, -1, -1, 1, -1, -1, -1, -1});
    for (uint32_t i = 0; i < N_DRAWS; i++) {
        curveball(&room, 0, 12, i);
        count[code_of(&room.drawn.layers[0], true)]++;
    }
    assert_even(count, MOST_MATRICES, 9, N_DRAWS);
    room_destroy(&room);
}

/* ---- convergence ---- */

/* Entries of both that stand at the same place. */
static size_t count_common(const struct sm_ternary_layer *a, const struct sm_ternary_layer *b) {
    size_t n = 0;
    for (size_t r = 0; r < a->n_rows; r++)
        for (size_t e = a->start[r], f = b->start[r]; e < a->start[r + 1] && f < b->start[r + 1];) {
            n += a->column[e] == b->column[f];
            size_t at = a->column[e];
            e += at <= b->column[f];
            f += b->column[f] <= at;
        }
    return n;
}

struct mean {
    double value, error; /* standard error */
};

static struct mean mean_common(struct room *room, size_t l, size_t n_rounds, uint32_t n) {
    double sum = 0, squares = 0;
    for (uint32_t k = 0; k < n; k++) {
        curveball(room, l, n_rounds, k + (uint32_t)n_rounds * n);
        double common = (double)count_common(&room->from.layers[l], &room->drawn.layers[l]);
        sum += common;
        squares += common * common;
    }
    double variance = (squares - sum * sum / n) / (n - 1);
    return (struct mean){sum / n, sqrt(variance / n)};
}

/* The twelve rounds of the null leave as much in common with the original as a hundred; three leave more. */
static void test_curveball_converges(void **state) {
    (void)state;
    enum { N = 150 };
    static const struct shape wide = {"wide", 2, {{100, 300, 1, STACK(-1)}, {20, 100, 1, STACK(0)}}};
    for (size_t k = 0; k < 2; k++) {
        struct room room;
        room_init(&room, &wide, k ? 0.3 : 0.03, 1);
        for (size_t l = 0; l < 2; l++) {
            struct mean few = mean_common(&room, l, 3, N), enough = mean_common(&room, l, 12, N),
                        many = mean_common(&room, l, 100, N);
            assert_within(enough.value, many.value, 4 * hypot(enough.error, many.error));
            assert_true(few.value > many.value + 4 * hypot(few.error, many.error));
        }
        room_destroy(&room);
    }
}

/* Entries of both at the same place with the same sign. */
static size_t count_equal(const struct sm_ternary_layer *a, const struct sm_ternary_layer *b) {
    size_t n = 0;
    for (size_t r = 0; r < a->n_rows; r++)
        for (size_t e = a->start[r], f = b->start[r]; e < a->start[r + 1] && f < b->start[r + 1];) {
            n += a->column[e] == b->column[f] && a->sign[e] == b->sign[f];
            size_t at = a->column[e];
            e += at <= b->column[f];
            f += b->column[f] <= at;
        }
    return n;
}

/* Where most rows have a column its places cannot move far, but its signs must: with every place as it was (no round) a
 * column of n entries, p of them positive, has (p^2 + (n - p)^2) / n signs in common with the original on average. */
static void test_signs_forget_where_they_were(void **state) {
    (void)state;
    enum { N = 400 };
    static const struct shape dense = {"dense", 1, {{10, 100, 1, STACK(-1)}}};
    struct room room;
    room_init(&room, &dense, 0.75, 1);
    const struct sm_ternary_layer *from = &room.from.layers[0];
    double expected = 0, sum = 0, squares = 0;
    for (size_t c = 0; c < from->n_columns; c++) {
        double n = 0, p = 0;
        for (size_t e = 0; e < from->n_entries; e++)
            if (from->column[e] == c) {
                n++;
                p += from->sign[e] > 0;
            }
        if (n > 0) expected += (p * p + (n - p) * (n - p)) / n;
    }
    for (uint32_t k = 0; k < N; k++) {
        curveball(&room, 0, 0, k);
        double equal = (double)count_equal(from, &room.drawn.layers[0]);
        sum += equal;
        squares += equal * equal;
    }
    double error = sqrt((squares - sum * sum / N) / (N - 1) / N);
    assert_true(error > 0);
    assert_within(sum / N, expected, 4 * error);
    room_destroy(&room);
}

/* ---- p-values under the null ---- */

enum { N_RANKS = 20 }; /* the data and 19 replicates */

typedef int64_t (*statistic)(const struct room *, const struct sm_ternary *);

static int64_t common_of(const struct room *room, const struct sm_ternary *a) {
    size_t n = 0;
    for (size_t l = 0; l < a->n_layers; l++) n += count_common(&a->layers[l], &room->drawn.layers[l]);
    return (int64_t)n;
}

static int64_t aligned_profit_of(const struct room *room, const struct sm_ternary *a) {
    const struct sm_align_options how = {.by_sign = true, .n_starts = 1, .seed = 1};
    struct sm_alignment alignment;
    struct sm_align_scratch scratch = {0};
    struct sm_error err;
    assert_int_equal(sm_alignment_init(&alignment, &room->problem.graph, &err), 0);
    assert_int_equal(sm_align(&alignment, &room->problem.spaces, a, &room->drawn, &how, &scratch, &err), 0);
    int64_t profit = alignment.profit;
    sm_align_scratch_destroy(&scratch);
    sm_alignment_destroy(&alignment);
    return profit;
}

/* Equal overlaps make p-values larger than they need be; a random rank among equals makes them uniform. */
static size_t rank_of_data(const int64_t *value, struct sm_draws *draws) {
    size_t larger = 0, equal = 0;
    for (size_t k = 1; k < N_RANKS; k++) {
        larger += value[k] > value[0];
        equal += value[k] == value[0];
    }
    return larger + sm_draws_below(draws, (uint32_t)equal + 1);
}

/* Rank of data drawn from the null among draws that begin at these data, as with real ones. */
static size_t draw_rank(struct room *room, const struct sm_ternary *a, size_t null, statistic of, uint32_t number) {
    struct sm_draws draws = sm_draws_make(sm_rng_make(24, SM_RNG_TEST, number));
    struct sm_ternary original = room->from, data;
    struct sm_error err;
    int64_t value[N_RANKS];
    draw(room, null, number * N_RANKS);
    value[0] = of(room, a);
    assert_int_equal(sm_ternary_copy(&data, &room->drawn, &err), 0);
    room->from = data;
    for (uint32_t r = 1; r < N_RANKS; r++) {
        draw(room, null, number * N_RANKS + r);
        value[r] = of(room, a);
    }
    room->from = original;
    sm_ternary_destroy(&data);
    return rank_of_data(value, &draws);
}

static void assert_uniform(size_t null, statistic of, uint32_t n_data) {
    static const struct shape shape = {"p", 2, {{20, 30, 1, STACK(-1)}, {12, 20, 1, STACK(0)}}};
    struct room room;
    struct sm_ternary a;
    struct sm_error err;
    size_t count[N_RANKS] = {0};
    room_init(&room, &shape, 0.2, (uint32_t)null);
    struct sm_moment moment = fixture_moment(&room.problem.a);
    assert_int_equal(sm_ternary_init(&a, &moment, SM_COMPARE_WEIGHT, &err), 0);
    for (uint32_t d = 0; d < n_data; d++) count[draw_rank(&room, &a, null, of, d)]++;
    assert_even(count, N_RANKS, N_RANKS, n_data);
    sm_ternary_destroy(&a);
    room_destroy(&room);
}

static void test_p_values_are_uniform(void **state) {
    (void)state;
    static const size_t nulls[] = {SM_NULL_INDEPENDENT, SM_NULL_UNIT_PERMUTATION, SM_NULL_DEGREE};
    for (size_t k = 0; k < sizeof nulls / sizeof *nulls; k++) assert_uniform(nulls[k], common_of, 1000);
}

static void test_p_values_after_alignment_are_uniform(void **state) {
    (void)state;
    for (size_t null = 0; null < SM_N_NULLS; null++) assert_uniform(null, aligned_profit_of, 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_draws_depend_on_their_number_alone),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_relabelled_units_are_found_again),
        cmocka_unit_test(test_independent_masks_are_even),
        cmocka_unit_test(test_shuffled_signs_are_even),
        cmocka_unit_test(test_degree_matrices_are_even),
        cmocka_unit_test(test_curveball_converges),
        cmocka_unit_test(test_degree_deals_signs_evenly),
        cmocka_unit_test(test_signs_forget_where_they_were),
        cmocka_unit_test(test_p_values_are_uniform),
        cmocka_unit_test(test_p_values_after_alignment_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
