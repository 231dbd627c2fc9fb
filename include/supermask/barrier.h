/* SPDX-License-Identifier: GPL-3.0-or-later */
/* barrier.h - where threads of one team wait for each other, many thousand times a second.
 *
 * A waiting thread spins for a few microseconds and then gives its CPU away at every look: on a machine with other
 * work the partner that is waited for may need that very CPU. (OpenMP's own barrier spins for milliseconds: with a
 * busy neighbour a training step took ten times as long.) */
#ifndef SUPERMASK_BARRIER_H
#define SUPERMASK_BARRIER_H

#include <stdatomic.h>

struct sm_barrier {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint generation;
};

/* All zeros is a ready barrier. Returns when n_threads threads are here; what they wrote before is seen after. */
void sm_barrier_wait(struct sm_barrier *barrier, int n_threads);

#endif
