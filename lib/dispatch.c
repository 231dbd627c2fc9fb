/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.c - which kernels run: the best that were built and that this CPU has. */
#include <supermask/kernels.h>

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#    include <xmmintrin.h>
#endif

#if defined(__x86_64__)
extern const struct sm_kernels sm_kernels_avx512, sm_kernels_avx2;
#endif
extern const struct sm_kernels sm_kernels_baseline;

static bool cpu_runs(const struct sm_kernels *kernels) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (kernels == &sm_kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    if (kernels == &sm_kernels_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return kernels == &sm_kernels_baseline;
}

static const struct sm_kernels *const best_first[] = {
#if defined(__x86_64__)
    &sm_kernels_avx512,
    &sm_kernels_avx2,
#endif
    &sm_kernels_baseline,
};

const struct sm_kernels *sm_kernels_find(const char *name) {
    for (size_t k = 0; k < sizeof best_first / sizeof *best_first; k++)
        if (!strcmp(best_first[k]->name, name) && cpu_runs(best_first[k])) return best_first[k];
    return NULL;
}

const struct sm_kernels *sm_kernels_get(void) {
    const char *wanted = getenv("SUPERMASK_KERNELS");
    const struct sm_kernels *found = wanted ? sm_kernels_find(wanted) : NULL;
    for (size_t k = 0; !found; k++)
        if (cpu_runs(best_first[k])) found = best_first[k];
    return found;
}

const char *sm_kernels_name(void) {
    return sm_kernels_get()->name;
}

#if defined(__x86_64__)
#    define FLUSH_RESULTS_AND_OPERANDS 0x8040u /* MXCSR: FTZ and DAZ */

unsigned sm_flush_begin(void) {
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH_RESULTS_AND_OPERANDS);
    return before;
}

void sm_flush_end(unsigned before) {
    _mm_setcsr(before);
}
#else
unsigned sm_flush_begin(void) {
    return 0;
}

void sm_flush_end(unsigned before) {
    (void)before;
}
#endif
