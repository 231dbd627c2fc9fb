/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_data.h - the test images of the runs' data sets, and what is dear to compute on them: each set is loaded when it
 * is first asked for, and stays until the end of the analysis. Not to be called by several threads at once. */
#ifndef SUPERMASK_ANALYZE_TEST_DATA_H
#define SUPERMASK_ANALYZE_TEST_DATA_H

#include <supermask/batch.h>
#include <supermask/dataset.h>

struct sm_test_data;

/* directory: --data, borrowed until the cache is freed, may be NULL (sm_dataset_load). NULL when out of memory. */
struct sm_test_data *sm_test_data_new(const char *directory);
void sm_test_data_free(struct sm_test_data *cache);

/* The data set of that name, valid until the cache is freed. NULL and a sentence where it cannot be loaded. */
const struct sm_dataset *sm_test_data_set(struct sm_test_data *cache, const char *name, struct sm_error *err);

/* Its test split with one of its preprocessings; likewise. */
const struct sm_samples *sm_test_data_samples(struct sm_test_data *cache, const char *name,
                                              enum sm_standardize_kind kind, struct sm_error *err);

/* Results of a run at its moment that several tables ask for: keep copies n values (without memory it keeps none), kept
 * gives them back, NULL where none were kept. */
void sm_test_data_keep(struct sm_test_data *cache, size_t run_index, const double *values, size_t n);
const double *sm_test_data_kept(const struct sm_test_data *cache, size_t run_index);

#endif
