/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/test_data.h"

#include <stdlib.h>
#include <string.h>

enum { N_KINDS = SM_STANDARDIZE_CHANNEL + 1 };

struct set {
    struct sm_dataset data;
    struct sm_samples samples[N_KINDS]; /* split is NULL until asked for */
    struct set *next;
};

struct result {
    size_t run_index;
    double *values;
    struct result *next;
};

struct sm_test_data {
    const char *directory;
    struct set *first;
    struct result *results;
};

struct sm_test_data *sm_test_data_new(const char *directory) {
    struct sm_test_data *cache = calloc(1, sizeof *cache);
    if (cache) cache->directory = directory;
    return cache;
}

static void set_free(struct set *set) {
    for (size_t k = 0; k < N_KINDS; k++) sm_samples_destroy(&set->samples[k]);
    sm_dataset_destroy(&set->data);
    free(set);
}

void sm_test_data_free(struct sm_test_data *cache) {
    if (!cache) return;
    for (struct set *set = cache->first, *next; set; set = next) {
        next = set->next;
        set_free(set);
    }
    for (struct result *result = cache->results, *next; result; result = next) {
        next = result->next;
        free(result->values);
        free(result);
    }
    free(cache);
}

static struct set *load_set(struct sm_test_data *cache, const char *name, struct sm_error *err) {
    struct set *set = calloc(1, sizeof *set);
    if (!set) {
        sm_fail(err, "data set %s: out of memory", name);
        return NULL;
    }
    if (sm_dataset_load(&set->data, name, cache->directory, err) != 0) {
        set_free(set);
        return NULL;
    }
    set->next = cache->first;
    return cache->first = set;
}

static struct set *find_set(struct sm_test_data *cache, const char *name, struct sm_error *err) {
    for (struct set *set = cache->first; set; set = set->next)
        if (strcmp(set->data.name, name) == 0) return set;
    return load_set(cache, name, err);
}

const struct sm_dataset *sm_test_data_set(struct sm_test_data *cache, const char *name, struct sm_error *err) {
    const struct set *set = find_set(cache, name, err);
    return set ? &set->data : NULL;
}

const struct sm_samples *sm_test_data_samples(struct sm_test_data *cache, const char *name,
                                              enum sm_standardize_kind kind, struct sm_error *err) {
    struct set *set = find_set(cache, name, err);
    if (!set) return NULL;
    struct sm_samples *samples = &set->samples[kind];
    if (samples->split) return samples;
    return sm_samples_init(samples, &set->data, &set->data.test, kind, err) == 0 ? samples : NULL;
}

void sm_test_data_keep(struct sm_test_data *cache, size_t run_index, const double *values, size_t n) {
    struct result *result = malloc(sizeof *result);
    double *copy = malloc((n + 1) * sizeof *copy);
    if (!result || !copy) {
        free(result);
        free(copy);
        return;
    }
    memcpy(copy, values, n * sizeof *copy);
    *result = (struct result){run_index, copy, cache->results};
    cache->results = result;
}

const double *sm_test_data_kept(const struct sm_test_data *cache, size_t run_index) {
    for (const struct result *result = cache->results; result; result = result->next)
        if (result->run_index == run_index) return result->values;
    return NULL;
}
