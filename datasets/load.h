/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load.h - the load functions in the table of data sets (dataset.c). Each fills the splits and the checksum of a
 * dataset whose name and shape are set; on failure what it allocated stays in the dataset, whose owner destroys it. */
#ifndef SUPERMASK_DATASETS_LOAD_H
#define SUPERMASK_DATASETS_LOAD_H

#include <supermask/dataset.h>

int sm_digits_load(struct sm_dataset *data, const char *directory, struct sm_error *err); /* needs no directory */
int sm_cifar_10_load(struct sm_dataset *data, const char *directory, struct sm_error *err);
int sm_cifar_100_load(struct sm_dataset *data, const char *directory, struct sm_error *err);
int sm_mnist_load(struct sm_dataset *data, const char *directory, struct sm_error *err);

#endif
