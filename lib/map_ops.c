/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/map_ops.h>

#include <string.h>

extern const struct sm_map_kernels sm_map_kernels_baseline;
#if defined(__x86_64__)
extern const struct sm_map_kernels sm_map_kernels_avx512, sm_map_kernels_avx2;
#endif

static const struct sm_map_kernels *const built[] = {
    &sm_map_kernels_baseline,
#if defined(__x86_64__)
    &sm_map_kernels_avx512,
    &sm_map_kernels_avx2,
#endif
};

/* Whether the CPU runs them is known in one place (lib/dispatch.c). */
const struct sm_map_kernels *sm_map_kernels_find(const char *name) {
    if (!sm_kernels_find(name)) return NULL;
    for (size_t k = 0; k < sizeof built / sizeof *built; k++)
        if (!strcmp(built[k]->name, name)) return built[k];
    return NULL;
}

const struct sm_map_kernels *sm_map_kernels_get(void) {
    return sm_map_kernels_find(sm_kernels_name());
}
