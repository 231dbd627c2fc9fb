/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/stat.h"

#include <string.h>

const struct sm_statistic *const sm_statistics[] = {
    &sm_stat_ratios,     &sm_stat_flips,     &sm_stat_settling,      &sm_stat_similarity,    &sm_stat_oscillation,
    &sm_stat_earlybird,  &sm_stat_alignment, &sm_stat_overlap,       &sm_stat_matches,       &sm_stat_layers,
    &sm_stat_interfaces, &sm_stat_neurons,   &sm_stat_ablation,      &sm_stat_concentration, &sm_stat_consistency,
    &sm_stat_ensemble,   &sm_stat_methods,   &sm_stat_methods_units, &sm_stat_weights,       &sm_stat_controls,
    &sm_stat_thresholds, &sm_stat_rounds,    &sm_stat_summary,       &sm_stat_groups,
};

const size_t sm_n_statistics = sizeof sm_statistics / sizeof *sm_statistics;

const struct sm_statistic *sm_statistic_find(const char *name) {
    for (size_t i = 0; i < sm_n_statistics; i++)
        if (strcmp(sm_statistics[i]->name, name) == 0) return sm_statistics[i];
    return NULL;
}
