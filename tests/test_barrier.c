/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The barrier: nobody is ahead of it, nobody is left behind, and what was written before it is seen after it. */
#include <supermask/barrier.h>

#include <pthread.h>

#include "tests/check.h"

enum { MOST = 16, PHASES = 2000 };

/* Plain, unsynchronized memory: only the barrier orders its writes and reads. */
struct experiment {
    struct sm_barrier barrier;
    int n_threads;
    unsigned written[MOST];
    unsigned long n_wrong[MOST];
};

struct member {
    struct experiment *experiment;
    int thread;
};

/* In each phase every thread writes the phase's number, waits, reads everybody's, and waits again. */
static void *take_part(void *argument) {
    const struct member *member = argument;
    struct experiment *e = member->experiment;
    for (unsigned phase = 1; phase <= PHASES; phase++) {
        e->written[member->thread] = phase;
        sm_barrier_wait(&e->barrier, e->n_threads);
        for (int t = 0; t < e->n_threads; t++) e->n_wrong[member->thread] += e->written[t] != phase;
        sm_barrier_wait(&e->barrier, e->n_threads);
    }
    return NULL;
}

static void run(struct experiment *e, int n_threads) {
    pthread_t threads[MOST];
    struct member members[MOST];
    e->n_threads = n_threads;
    for (int t = 0; t < n_threads; t++) {
        members[t] = (struct member){e, t};
        assert_int_equal(pthread_create(&threads[t], NULL, take_part, &members[t]), 0);
    }
    for (int t = 0; t < n_threads; t++) assert_int_equal(pthread_join(threads[t], NULL), 0);
    for (int t = 0; t < n_threads; t++) {
        assert_int_equal(e->n_wrong[t], 0);
        assert_int_equal(e->written[t], PHASES);
    }
    assert_int_equal(atomic_load(&e->barrier.arrived), 0);
    assert_int_equal(atomic_load(&e->barrier.generation), 2 * PHASES);
}

/* More threads than CPUs, too. */
static void nobody_is_ahead(void **state) {
    (void)state;
    static const int n_threads[] = {1, 2, 3, 7};
    for (size_t k = 0; k < 4; k++) {
        struct experiment e = {0};
        run(&e, n_threads[k]);
    }
}

/* The generation may pass the largest unsigned. */
static void generations_wrap_around(void **state) {
    (void)state;
    struct experiment e = {0};
    atomic_store(&e.barrier.generation, 0u - PHASES);
    e.n_threads = 3;
    pthread_t threads[3];
    struct member members[3];
    for (int t = 0; t < 3; t++) {
        members[t] = (struct member){&e, t};
        assert_int_equal(pthread_create(&threads[t], NULL, take_part, &members[t]), 0);
    }
    for (int t = 0; t < 3; t++) assert_int_equal(pthread_join(threads[t], NULL), 0);
    assert_int_equal(e.n_wrong[0] + e.n_wrong[1] + e.n_wrong[2], 0);
    assert_int_equal(atomic_load(&e.barrier.generation), PHASES);
}

/* One barrier, used by teams of different sizes one after the other. */
static void teams_may_change_their_size(void **state) {
    (void)state;
    struct experiment e = {0};
    run(&e, 3);
    atomic_store(&e.barrier.generation, 0);
    memset(e.written, 0, sizeof e.written);
    run(&e, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_ahead),
        cmocka_unit_test(generations_wrap_around),
        cmocka_unit_test(teams_may_change_their_size),
    };
    return cmocka_run_group_tests_name("barrier", tests, NULL, NULL);
}
