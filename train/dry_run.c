/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/dry_run.h"
#include "train/train.h"

#include <supermask/kernels.h>

#include <stdlib.h>

enum { CELL_SIZE = 48 };

/* 266200 -> "266.2 kB" */
static const char *bytes_text(size_t bytes, char cell[CELL_SIZE]) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000.0 && unit + 1 < sizeof units / sizeof *units; unit++) value /= 1000.0;
    snprintf(cell, CELL_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return cell;
}

static void print_plan(FILE *out, const struct sm_recipe *recipe, const struct sm_train_plan *plan, const char *path) {
    char memory[CELL_SIZE], file[CELL_SIZE];
    fprintf(out, "#\n# The run\n#\n");
    fprintf(out, "# output           %s\n", path);
    fprintf(out, "# parameters       %zu\n", plan->parameters);
    fprintf(out, "# steps            %zu (%zu an epoch)\n", plan->n_steps, plan->steps_per_epoch);
    fprintf(out, "# records          %zu\n", plan->n_records);
    fprintf(out, "# memory           about %s\n", bytes_text(plan->memory_bytes, memory));
    fprintf(out, "# file             about %s\n", bytes_text(plan->file_bytes, file));
    fprintf(out, "# threads          %lld\n", (long long)recipe->threads);
    fprintf(out, "# kernels          %s\n", sm_kernels_name());
    fprintf(out, "# blas             %s\n", sm_blas_name());
    fprintf(out, "# blas core        %s\n", sm_blas_core());
    if (sm_blas_warning()) fprintf(out, "# note             %s\n", sm_blas_warning());
}

int sm_dry_run(FILE *out, const struct sm_recipe *recipe, const struct sm_network *net, const char *path,
               struct sm_error *err) {
    struct sm_train_plan plan;
    if (sm_train_plan(&plan, recipe, net, err)) return -1;
    char *text = sm_recipe_text(recipe);
    if (!text) return sm_fail(err, "out of memory");
    fputs(text, out);
    free(text);
    sm_dry_run_network(out, recipe, net);
    print_plan(out, recipe, &plan, path);
    return 0;
}
