/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/group_pairs.h"

#include <stdlib.h>

int sm_group_pairs_init(struct sm_group_pairs *pairs, const struct sm_analysis *analysis, struct sm_error *err) {
    *pairs = (struct sm_group_pairs){.analysis = analysis};
    if (sm_seed_groups_init(&pairs->groups, analysis, err) != 0) return -1;
    pairs->pair = calloc(sm_group_pairs_size(pairs) + 1, sizeof *pairs->pair);
    return pairs->pair ? 0 : sm_fail(err, "out of memory for the pairs of %zu groups", pairs->groups.n_groups);
}

void sm_group_pairs_destroy(struct sm_group_pairs *pairs) {
    for (size_t k = 0; pairs->pair && k < sm_group_pairs_size(pairs); k++) free(pairs->pair[k].cell);
    free(pairs->pair);
    sm_seed_groups_destroy(&pairs->groups);
    *pairs = (struct sm_group_pairs){0};
}

size_t sm_group_pairs_size(const struct sm_group_pairs *pairs) {
    return 2 * pairs->groups.n_groups * pairs->groups.n_groups;
}

struct sm_group_pair *sm_group_pairs_add(struct sm_group_pairs *pairs, const struct sm_pair *of, size_t n_cells,
                                         bool *swapped, struct sm_error *err) {
    size_t a = pairs->groups.group[of->a->run_index], b = pairs->groups.group[of->b->run_index];
    *swapped = b < a;
    size_t earlier = *swapped ? b : a, later = *swapped ? a : b;
    bool other_seed = of->a->run->weight_seed != of->b->run->weight_seed;
    struct sm_group_pair *found = &pairs->pair[2 * (earlier * pairs->groups.n_groups + later) + other_seed];
    if (!found->cell) found->cell = calloc(n_cells, sizeof *found->cell);
    if (!found->cell) {
        sm_fail(err, "out of memory for the pairs of %zu groups", pairs->groups.n_groups);
        return NULL;
    }
    found->n_pairs++;
    return found;
}

struct sm_group_pair_key sm_group_pairs_key(const struct sm_group_pairs *pairs, size_t k) {
    size_t n = pairs->groups.n_groups, a = k / 2 / n, b = k / 2 % n;
    const struct sm_run *runs = pairs->analysis->runs;
    return (struct sm_group_pair_key){
        {a, b}, {&runs[pairs->groups.first[a]], &runs[pairs->groups.first[b]]}, k % 2 == 0};
}

void sm_group_pairs_write_key(const struct sm_group_pairs *pairs, size_t k, struct sm_table *table) {
    const struct sm_group_pair_key key = sm_group_pairs_key(pairs, k);
    for (size_t i = 0; i < 2; i++) {
        sm_table_text(table, pairs->groups.label[key.group[i]]);
        sm_table_text(table, key.first[i]->method);
    }
    sm_table_text(table, key.same_weight_seed ? "same" : "different");
    sm_table_int(table, (int64_t)pairs->pair[k].n_pairs);
}
