/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h - on what a run was made: facts for the run file. None of them changes a result. */
#ifndef SUPERMASK_TRAIN_HOST_H
#define SUPERMASK_TRAIN_HOST_H

#include <stddef.h>
#include <supermask/runfile.h>

enum { SM_HOST_FACTS = 16, SM_HOST_TEXT = 256 };

/* facts[0..n) point into this struct or to constant strings: do not copy it. */
struct sm_host {
    struct sm_host_fact facts[SM_HOST_FACTS];
    size_t n;
    char text[SM_HOST_FACTS][SM_HOST_TEXT];
};

/* Fills in hostname, system, cpu (model), cpus (that this process may use), threads (the argument), kernels, blas,
 * blas_core, compiler and openmp. What the system does not tell is "unknown". */
void sm_host_collect(struct sm_host *host, int threads);

#endif
