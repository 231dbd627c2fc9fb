/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/moments.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/runs.h"

static size_t moment_bytes(const struct sm_run *run) {
    return sm_network_weights(&run->net) * (sizeof(int8_t) + sizeof(float));
}

int sm_moments_init(struct sm_moments *moments, const struct sm_analysis *analysis, size_t budget_bytes,
                    struct sm_error *err) {
    size_t first = analysis->n_runs;
    for (size_t used = 0; first > 0; first--) {
        used += moment_bytes(&analysis->runs[first - 1]);
        if (used > budget_bytes) break;
    }
    *moments = (struct sm_moments){.analysis = analysis, .first_kept = first};
    moments->moment = calloc(analysis->n_runs, sizeof *moments->moment);
    return moments->moment ? 0 : sm_fail(err, "%zu runs: out of memory", analysis->n_runs);
}

static void unload(struct sm_moment *moment) {
    free((void *)moment->mask);
    free((void *)moment->weights);
    *moment = (struct sm_moment){0};
}

void sm_moments_destroy(struct sm_moments *moments) {
    for (size_t i = 0; moments->moment && i < moments->analysis->n_runs; i++) unload(&moments->moment[i]);
    free(moments->moment);
    *moments = (struct sm_moments){0};
}

/* Which weights act at this record; a note where those that do were not stored. */
static enum sm_run_values acting_weights(const struct sm_analysis *analysis, const struct sm_run *run, size_t record) {
    enum sm_run_values which = sm_run_acting_weights(run, record);
    if (!run->trains_weights || which != SM_INITIAL_WEIGHTS) return which;
    sm_note(analysis->notes,
            "%s: its weights are trained and those of epoch %g were not stored: what depends on weights is told of the "
            "initial ones",
            run->name, run->epoch[record]);
    return which;
}

/* mask: what is known already, or NULL: to be read. */
static int load(struct sm_moments *moments, size_t i, int8_t *const *known, struct sm_error *err) {
    struct sm_moment *moment = &moments->moment[i];
    const struct sm_run *run = &moments->analysis->runs[i];
    size_t record = moments->analysis->record[i];
    int8_t **mask = sm_masks_new(&run->net);
    float **weights = sm_weights_new(&run->net);
    *moment = (struct sm_moment){.run = run, .run_index = i, .record = record, .mask = mask, .weights = weights};
    int status = mask && weights ? 0 : sm_fail(err, "%s: out of memory", run->path);
    if (status == 0 && known) memcpy(mask[0], known[0], sm_network_weights(&run->net)); /* one block (runs.h) */
    if (status == 0 && !known) status = sm_masks_read(mask, run, record, err);
    enum sm_run_values which = acting_weights(moments->analysis, run, record);
    if (status == 0) status = sm_weights_read(weights, run, which, err);
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) sm_run_rescale(run, l, mask[l], weights[l]);
    if (status != 0) unload(moment);
    return status;
}

int sm_moments_put(struct sm_moments *moments, size_t i, int8_t *const *mask, struct sm_error *err) {
    return moments->moment[i].mask ? 0 : load(moments, i, mask, err);
}

const struct sm_moment *sm_moments_get(struct sm_moments *moments, size_t i, struct sm_error *err) {
    if (!moments->moment[i].mask && load(moments, i, NULL, err) != 0) return NULL;
    return &moments->moment[i];
}

void sm_moments_release(struct sm_moments *moments, size_t i) {
    if (i < moments->first_kept) unload(&moments->moment[i]);
}

bool sm_moment_hides_nothing(const struct sm_moment *moment) {
    const struct sm_network *net = &moment->run->net;
    for (size_t l = 0; l < net->n_layers; l++)
        if (memchr(moment->mask[l], 0, sm_layer_weights(&net->layers[l]))) return false;
    return true;
}

bool sm_moment_weights_of_mask(const struct sm_moment *moment) {
    return sm_run_acting_weights(moment->run, moment->record) != SM_INITIAL_WEIGHTS;
}
