/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch_bf16.c - which kernels sum products of bfloat16: those of lib/dispatch.c's choice, or the instruction. */
#include <supermask/conv_bf16.h>

#include <stdbool.h>
#include <string.h>
#include <supermask/kernels.h>

#include "lib/kernels_bf16.h"

#if defined(__x86_64__)
extern const struct sm_bf16_kernels sm_bf16_kernels_avx512bf16, sm_bf16_kernels_avx512, sm_bf16_kernels_avx2;
#endif
extern const struct sm_bf16_kernels sm_bf16_kernels_baseline;

#if defined(__x86_64__)
/* Words and sums whose products tell apart: the order of the two, one rounding of both from two, how ties are rounded,
 * and what becomes of subnormal operands, sums and results. */
static const struct {
    uint32_t a, b;
    uint32_t sum; /* bits of a float */
} hard_cases[] = {
    {0x3f803f80, 0xcb803f80, 0x4b800000}, /* 2^24 - 2^24, then + 1 */
    {0x3f803f80, 0x3f80cb80, 0x4b800000}, /* 2^24 + 1, the 1 is lost, then - 2^24 */
    {0x3f803f80, 0x3f803f80, 0x4b800000}, /* 2^24 + 1 + 1: lost twice where each is rounded */
    {0x3f803f80, 0x33803f80, 0x3f800000}, /* 1 and half a unit in the last place: to even, down */
    {0x3f803f80, 0x33803f80, 0x3f800001}, /* the same from odd: up */
    {0x007f3f80, 0x7f000000, 0x00000000}, /* a subnormal operand, which the other would make normal */
    {0x3f803f80, 0x00000000, 0x007fffff}, /* a subnormal sum */
    {0x3f802000, 0x00001f80, 0x00000000}, /* a subnormal product, the last one */
    {0x20003f80, 0x1f800000, 0x00800001}, /* one that a normal sum takes whole */
    {0x3f803f80, 0x000080c0, 0x00800000}, /* a subnormal difference, the last one */
    {0x7f003f80, 0x40003f80, 0x00000000}, /* too large: an infinity */
    {0xbf80bf80, 0x3f80bf80, 0x3f800000}, /* signs */
};

static bool agree(const struct sm_bf16_kernels *one, const struct sm_bf16_kernels *other) {
    bool same = true;
    unsigned before = sm_flush_begin();
    for (size_t k = 0; k < sizeof hard_cases / sizeof *hard_cases; k++) {
        uint32_t a[SM_LANES] = {hard_cases[k].a}, b[SM_LANES] = {hard_cases[k].b};
        float got[SM_LANES] = {0}, want[SM_LANES] = {0};
        memcpy(got, &hard_cases[k].sum, sizeof *got);
        memcpy(want, &hard_cases[k].sum, sizeof *want);
        one->dot(got, a, b);
        other->dot(want, a, b);
        same = same && !memcmp(got, want, sizeof want);
    }
    sm_flush_end(before);
    return same;
}

static bool cpu_has_instruction(void) {
    __builtin_cpu_init();
    return sm_kernels_find("avx512") && __builtin_cpu_supports("avx512bf16") &&
           agree(&sm_bf16_kernels_avx512bf16, &sm_bf16_kernels_avx512);
}
#endif

const struct sm_bf16_kernels *sm_bf16_kernels_find(const char *name) {
#if defined(__x86_64__)
    if (!strcmp(name, "avx512bf16")) return cpu_has_instruction() ? &sm_bf16_kernels_avx512bf16 : NULL;
    if (!strcmp(name, "avx512")) return sm_kernels_find(name) ? &sm_bf16_kernels_avx512 : NULL;
    if (!strcmp(name, "avx2")) return sm_kernels_find(name) ? &sm_bf16_kernels_avx2 : NULL;
#endif
    return strcmp(name, "baseline") ? NULL : &sm_bf16_kernels_baseline;
}

const struct sm_bf16_kernels *sm_bf16_kernels_get(void) {
    const char *chosen = sm_kernels_name();
    const struct sm_bf16_kernels *instruction = strcmp(chosen, "avx512") ? NULL : sm_bf16_kernels_find("avx512bf16");
    return instruction ? instruction : sm_bf16_kernels_find(chosen);
}

const char *sm_bf16_kernels_name(const struct sm_bf16_kernels *kernels) {
    return kernels->name;
}
