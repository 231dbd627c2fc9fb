/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules: factors worked by hand, and traces of a plateau on paper. */
#include "train/schedule.h"

#include "tests/check.h"

static struct sm_recipe recipe_of(const char *const *settings, size_t n) {
    struct sm_recipe recipe;
    struct sm_error err = {{0}};
    sm_recipe_defaults(&recipe);
    if (sm_recipe_set_all(&recipe, settings, n, &err)) fail_msg("%s", err.text);
    return recipe;
}
#define RECIPE(...)                                                                                                    \
    recipe_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static double factor(const struct sm_recipe *recipe, int64_t step, int64_t steps_per_epoch) {
    struct sm_schedule_state state;
    sm_schedule_init(&state);
    return sm_schedule_factor(recipe, &state, step, steps_per_epoch);
}

static void constant_is_constant(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=constant");
    assert_true(factor(&recipe, 0, 469) == 1);
    assert_true(factor(&recipe, 46900, 469) == 1);
}

/* 0.9 in 10 epochs of 469 steps: 0.9^(1/2) after 2345 steps, 0.9 after 4690, 0.81 after 9380. */
static void exponential_by_hand(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=exponential", "decay_epochs=10");
    assert_true(factor(&recipe, 0, 469) == 1);
    assert_close(factor(&recipe, 1, 469), 0.9999775354, 1e-10); /* exp(ln 0.9 / 4690) */
    assert_close(factor(&recipe, 2345, 469), 0.94868329805051380, 1e-14);
    assert_close(factor(&recipe, 4690, 469), 0.9, 1e-14);
    assert_close(factor(&recipe, 9380, 469), 0.81, 1e-14);
    assert_close(factor(&recipe, 4690, 938), 0.94868329805051380, 1e-14); /* epochs twice as long */
}

/* 0.96 every 10 * 390 steps whatever the epoch's length. */
static void staircase_by_hand(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=staircase", "decay_epochs=10");
    static const int64_t steps_per_epoch[] = {469, 391, 79};
    for (size_t k = 0; k < 3; k++) {
        assert_true(factor(&recipe, 0, steps_per_epoch[k]) == 1);
        assert_true(factor(&recipe, 3899, steps_per_epoch[k]) == 1);
        assert_close(factor(&recipe, 3900, steps_per_epoch[k]), 0.96, 1e-14);
        assert_close(factor(&recipe, 7799, steps_per_epoch[k]), 0.96, 1e-14);
        assert_close(factor(&recipe, 7800, steps_per_epoch[k]), 0.9216, 1e-14);
        assert_close(factor(&recipe, 46899, steps_per_epoch[k]), 0.612709757329767, 1e-13); /* 12 stairs: 0.96^12 */
    }
    const struct sm_recipe own =
        RECIPE("schedule=staircase", "decay_epochs=2.5", "staircase_steps=10", "schedule_rate=0.5");
    assert_true(factor(&own, 24, 7) == 1);
    assert_close(factor(&own, 25, 7), 0.5, 1e-14);
    assert_close(factor(&own, 74, 7), 0.25, 1e-14);
}

/* ---- plateau ---- */

struct epoch {
    double loss, factor; /* the factor after the epoch */
    bool ends;
};

/* Feeds the losses of epochs 1, 2, ... and compares after each one. */
static void check_trace(const struct sm_recipe *recipe, const struct epoch *epochs, size_t n) {
    struct sm_schedule_state state;
    sm_schedule_init(&state);
    assert_true(sm_schedule_factor(recipe, &state, 0, 10) == 1);
    for (size_t k = 0; k < n; k++) {
        bool goes_on = sm_schedule_epoch(recipe, &state, (int64_t)k + 1, epochs[k].loss);
        assert_int_equal(goes_on, !sm_schedule_ended(recipe, &state)); /* what a resume will be told */
        double got = sm_schedule_factor(recipe, &state, (int64_t)(k + 1) * 10, 10);
        if (goes_on == epochs[k].ends || !check_within(got, epochs[k].factor, 1e-14))
            fail_msg("after epoch %zu: factor %.17g, goes on: %d", k + 1, got, goes_on);
    }
}
#define TRACE(recipe, ...)                                                                                             \
    check_trace(recipe, (const struct epoch[]){__VA_ARGS__},                                                           \
                sizeof((const struct epoch[]){__VA_ARGS__}) / sizeof(struct epoch))

/* Patience 3 looks at the two losses before the newest. wait counts 1 2 3 in epochs 2-4 and exceeds 3 in epoch 5. */
static void plateau_falls_when_wait_exceeds_patience(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=3", "plateau_factor=0.2",
                                           "plateau_cooldown=0", "plateau_start=1", "plateau_reductions=9");
    TRACE(&recipe, {1, 1, false}, {1, 1, false}, {1, 1, false}, {1, 1, false}, {1, 0.2, false}, {1, 0.04, false});
}

/* wait is not reset: two bad epochs (2, 3: wait 2), progress (4, 5), two bad ones (6, 7: wait 4 > 3). After the
 * reduction it stays at 4: one more bad epoch (9) is enough. */
static void plateau_never_resets_wait(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=3", "plateau_factor=0.5",
                                           "plateau_cooldown=0", "plateau_start=1", "plateau_reductions=9");
    TRACE(&recipe, {5, 1, false}, {5, 1, false}, {5, 1, false}, {4, 1, false}, {3, 1, false}, {3, 1, false},
          {3, 0.5, false}, {2, 0.5, false}, {2, 0.25, false});
}

/* Progress is more than 1e-4 below the best of the window, which forgets what is older: with patience 3 the loss of 1
 * in epoch 1 does not count in epoch 4, so that 2 after 3, 3 is progress. */
static void plateau_compares_with_a_window(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=3", "plateau_factor=0.5",
                                           "plateau_cooldown=0", "plateau_start=1", "plateau_reductions=9");
    /* wait:        0              1              2              2              3: not 1e-4 below  4: reduced */
    TRACE(&recipe, {1, 1, false}, {3, 1, false}, {3, 1, false}, {2, 1, false}, {1.99995, 1, false},
          {1.9999, 0.5, false});
    /* 1.9998 + 1e-4 is below 1.99995: progress in the last epoch */
    TRACE(&recipe, {1, 1, false}, {3, 1, false}, {3, 1, false}, {2, 1, false}, {1.99995, 1, false}, {1.9998, 1, false});
}

/* Nothing is counted before epoch 4, but its losses are remembered; nor in the two epochs of the cooldown. */
static void plateau_starts_late_and_cools_down(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=2", "plateau_factor=0.5",
                                           "plateau_cooldown=2", "plateau_start=4", "plateau_reductions=9");
    TRACE(&recipe, {1, 1, false}, {1, 1, false}, {1, 1, false}, /* before the start */
          {1, 1, false}, {1, 1, false}, {1, 0.5, false},        /* wait 1, 2, 3: reduced */
          {9, 0.5, false}, {9, 0.5, false},                     /* cooldown: not counted */
          {9, 0.25, false},                                     /* wait 4 at once */
          {9, 0.25, false}, {9, 0.25, false}, {8, 0.25, false}, /* cooldown, then progress */
          {8, 0.125, false});
}

static void plateau_ends_at_the_last_reduction(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=2", "plateau_factor=0.1",
                                           "plateau_cooldown=1", "plateau_start=0", "plateau_reductions=2");
    TRACE(&recipe, {1, 1, false}, {1, 1, false}, {1, 1, false}, {1, 0.1, false}, {1, 0.1, false}, {1, 0.01, true});
    const struct sm_recipe first = RECIPE("schedule=plateau", "plateau_patience=2", "plateau_factor=0.1",
                                          "plateau_cooldown=1", "plateau_start=0", "plateau_reductions=1");
    TRACE(&first, {1, 1, false}, {1, 1, false}, {1, 1, false}, {1, 0.1, true});
}

/* The published setting: patience 15, factor .2, from epoch 10, cooldown 10. A loss that stands still from the first
 * epoch waits in epochs 10 to 25, where wait is 16; then every 11th epoch; the fifth reduction ends it in epoch 69. */
static void plateau_as_published(void **state) {
    (void)state;
    const struct sm_recipe recipe =
        RECIPE("schedule=plateau", "plateau_patience=15", "plateau_factor=0.2", "plateau_reductions=5");
    struct epoch trace[69];
    for (size_t k = 0; k < 69; k++) {
        size_t epoch = k + 1, reductions = epoch < 25 ? 0 : 1 + (epoch - 25) / 11;
        trace[k] = (struct epoch){0.7, pow(0.2, (double)reductions), epoch == 69};
    }
    check_trace(&recipe, trace, 69);
}

/* The largest patience that a recipe may have, over more epochs than are remembered: a loss that falls always is always
 * progress; a low one is the best for 63 epochs and then forgotten. */
static void plateau_with_the_longest_memory(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=plateau", "plateau_patience=64", "plateau_start=0");
    struct sm_schedule_state plateau;
    sm_schedule_init(&plateau);
    for (int64_t epoch = 1; epoch <= 300; epoch++)
        assert_true(sm_schedule_epoch(&recipe, &plateau, epoch, 300 - (double)epoch));
    assert_true(plateau.wait == 0 && plateau.factor == 1);
    sm_schedule_init(&plateau);
    for (int64_t epoch = 1; epoch <= 99; epoch++) sm_schedule_epoch(&recipe, &plateau, epoch, 1000 - (double)epoch);
    sm_schedule_epoch(&recipe, &plateau, 100, 0);
    for (int64_t epoch = 101; epoch <= 162; epoch++) sm_schedule_epoch(&recipe, &plateau, epoch, 5);
    assert_true(plateau.wait == 62);
    sm_schedule_epoch(&recipe, &plateau, 163, 1); /* the 0 is the oldest of the 63 before the newest */
    assert_true(plateau.wait == 63);
    sm_schedule_epoch(&recipe, &plateau, 164, 0.5); /* forgotten: progress against 1 */
    assert_true(plateau.wait == 63);
}

static void other_schedules_never_end(void **state) {
    (void)state;
    const struct sm_recipe recipe = RECIPE("schedule=exponential", "plateau_start=0", "plateau_patience=2");
    struct sm_schedule_state plateau, untouched;
    sm_schedule_init(&plateau);
    sm_schedule_init(&untouched);
    for (int64_t epoch = 1; epoch <= 100; epoch++) assert_true(sm_schedule_epoch(&recipe, &plateau, epoch, 1));
    assert_memory_equal(&plateau, &untouched, sizeof plateau);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_is_constant),
        cmocka_unit_test(exponential_by_hand),
        cmocka_unit_test(staircase_by_hand),
        cmocka_unit_test(plateau_falls_when_wait_exceeds_patience),
        cmocka_unit_test(plateau_never_resets_wait),
        cmocka_unit_test(plateau_compares_with_a_window),
        cmocka_unit_test(plateau_starts_late_and_cools_down),
        cmocka_unit_test(plateau_ends_at_the_last_reduction),
        cmocka_unit_test(plateau_as_published),
        cmocka_unit_test(plateau_with_the_longest_memory),
        cmocka_unit_test(other_schedules_never_end),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
