/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <supermask/outfile.h>

enum { PREFIX = 10, HEAD = 128 }; /* magic, version and length; all before the values, a multiple of 64 */

static void put_head(FILE *out, size_t n_rows, size_t n_columns) {
    char text[HEAD - PREFIX];
    memset(text, ' ', sizeof text);
    int n = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n_rows,
                     n_columns);
    text[n] = ' '; /* over the terminating zero */
    text[sizeof text - 1] = '\n';
    fwrite("\x93NUMPY\x01\x00", 1, PREFIX - 2, out);
    fputc(sizeof text & 0xff, out);
    fputc(sizeof text >> 8, out);
    fwrite(text, 1, sizeof text, out);
}

int sm_npy_write(const char *path, const float *values, size_t n_rows, size_t n_columns, struct sm_error *err) {
    struct sm_outfile out;
    if (sm_outfile_open(&out, path, err)) return -1;
    put_head(out.file, n_rows, n_columns);
    for (size_t i = 0; i < n_rows * n_columns; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (unsigned k = 0; k < sizeof bits; k++) fputc((int)(bits >> 8 * k & 0xff), out.file);
    }
    return sm_outfile_close(&out, err);
}
