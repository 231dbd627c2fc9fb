/* SPDX-License-Identifier: GPL-3.0-or-later */
/* npy.h - one array in a file that numpy.load reads. */
#ifndef SUPERMASK_TRAIN_NPY_H
#define SUPERMASK_TRAIN_NPY_H

#include <stddef.h>
#include <supermask/error.h>

/* Writes values [n_rows][n_columns] as little-endian float32 (format version 1.0, numpy.lib.format). */
int sm_npy_write(const char *path, const float *values, size_t n_rows, size_t n_columns, struct sm_error *err);

#endif
