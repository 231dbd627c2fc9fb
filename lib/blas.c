/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blas.c - the one door to OpenBLAS. */
#include <supermask/kernels.h>

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sm_blas_init(void) {
    openblas_set_num_threads(1);
}

void sm_blas_product(float *out, const float *in, size_t image_stride, size_t n_images, const float *effective,
                     size_t stride, size_t n_in, size_t first, size_t last) {
    if (first == last) return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)(last - first), (blasint)n_images, (blasint)n_in,
                1.0f, effective + first * stride, (blasint)stride, in, (blasint)image_stride, 0.0f,
                out + first * image_stride, (blasint)image_stride);
}

void sm_blas_product_transposed(float *out, const float *in, size_t image_stride, size_t n_images,
                                const float *effective, size_t stride, size_t n_out, size_t first, size_t last) {
    if (first == last) return;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)(last - first), (blasint)n_images, (blasint)n_out,
                1.0f, effective + first, (blasint)stride, in, (blasint)image_stride, 0.0f, out + first * image_stride,
                (blasint)image_stride);
}

void sm_blas_accumulate(float *out, size_t out_stride, const float *a, size_t a_stride, const float *b, size_t b_stride,
                        size_t m, size_t n, size_t k, bool accumulate) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a,
                (blasint)a_stride, b, (blasint)b_stride, accumulate ? 1.0f : 0.0f, out, (blasint)out_stride);
}

void sm_blas_accumulate_transposed(float *out, size_t out_stride, const float *a, size_t a_stride, const float *b,
                                   size_t b_stride, size_t m, size_t n, size_t k) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)a_stride,
                b, (blasint)b_stride, 1.0f, out, (blasint)out_stride);
}

const char *sm_blas_core(void) {
    return openblas_get_corename();
}

const char *sm_blas_name(void) {
    return openblas_get_config();
}

const char *sm_blas_warning(void) {
    static const char *const with_avx512[] = {"SkylakeX",       "Cooperlake", "Sapphirerapids",
                                              "SapphireRapids", "Zen4",       "Zen5"};
    if (!sm_kernels_find("avx512")) return NULL;
    for (size_t k = 0; k < sizeof with_avx512 / sizeof *with_avx512; k++)
        if (!strcasecmp(sm_blas_core(), with_avx512[k])) return NULL;
    return "this CPU has AVX-512 but OpenBLAS runs kernels without it: unset OPENBLAS_CORETYPE";
}
