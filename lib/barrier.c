/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/barrier.h>

#include <sched.h>

#define SPINS 2000 /* a few microseconds: longer than the usual difference between two threads' shares */

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void sm_barrier_wait(struct sm_barrier *barrier, int n_threads) {
    unsigned generation = atomic_load_explicit(&barrier->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 == (unsigned)n_threads) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->generation, generation + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&barrier->generation, memory_order_acquire) == generation; spins++) {
        if (spins < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
}
