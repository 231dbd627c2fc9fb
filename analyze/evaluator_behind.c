/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/evaluator_behind.h"

#include <stdlib.h>
#include <string.h>

/* ---- who reads whom ---- */

/* Flags are bytes that are 0 or 1, for all units of all stages. */
struct links {
    const struct sm_evaluator *evaluator;
    const struct sm_stages *stages;
    uint8_t **joined; /* [n stages]: [units][units of the stage it reads] of a layer; NULL: unit c reads unit c */
    uint8_t *fed, *reaches, *changed;
};

static void links_destroy(struct links *links) {
    for (size_t s = 0; links->joined && s < links->stages->n; s++) free(links->joined[s]);
    free(links->joined);
    free(links->fed);
    free(links->reaches);
    free(links->changed);
}

static uint8_t any_entry(const int8_t *mask, size_t n) {
    uint8_t any = 0;
    for (size_t k = 0; k < n; k++) any |= mask[k] != 0;
    return any;
}

/* A unit of a map that is flattened stands for several inputs. */
static uint8_t *join(const struct links *links, const struct sm_stage *stage) {
    size_t n_below = links->stages->stage[stage->inputs[0]].n_units;
    const struct sm_evaluator *e = links->evaluator;
    size_t fan_in = sm_layer_fan_in(&e->run->net.layers[stage->layer]), entries = fan_in / n_below;
    const int8_t *mask = e->mask[stage->layer];
    uint8_t *joined = malloc(stage->n_units * n_below);
    for (size_t k = 0; joined && k < stage->n_units * n_below; k++) joined[k] = any_entry(mask + k * entries, entries);
    return joined;
}

static bool reads_any(const struct links *links, size_t s, size_t unit, const uint8_t *flag) {
    const struct sm_stage *stage = &links->stages->stage[s];
    uint8_t any = 0;
    for (size_t i = 0; i < stage->n_inputs; i++) {
        const struct sm_stage *below = &links->stages->stage[stage->inputs[i]];
        const uint8_t *joined = links->joined[s], *of_below = flag + below->first_unit;
        if (!joined) any |= of_below[unit];
        for (size_t k = 0; joined && k < below->n_units; k++) any |= joined[unit * below->n_units + k] & of_below[k];
    }
    return any;
}

/* Marks the units that the unit reads. */
static void mark_read(const struct links *links, size_t s, size_t unit, uint8_t *flag) {
    const struct sm_stage *stage = &links->stages->stage[s];
    for (size_t i = 0; i < stage->n_inputs; i++) {
        const struct sm_stage *below = &links->stages->stage[stage->inputs[i]];
        const uint8_t *joined = links->joined[s];
        if (!joined) flag[below->first_unit + unit] = 1;
        for (size_t k = 0; joined && k < below->n_units; k++)
            flag[below->first_unit + k] |= joined[unit * below->n_units + k];
    }
}

/* Batch norm gives something to a channel that reads nothing. */
static bool has_norm(const struct links *links, size_t s) {
    return s < links->stages->n_mapped && links->evaluator->forward[0].trunk.nodes[s - 1].norm.channels > 0;
}

static void mark_fed(const struct links *links) {
    const struct sm_stages *stages = links->stages;
    memset(links->fed, 1, stages->stage[0].n_units);
    for (size_t s = 1; s < stages->n; s++)
        for (size_t u = 0; u < stages->stage[s].n_units; u++)
            links->fed[stages->stage[s].first_unit + u] = has_norm(links, s) || reads_any(links, s, u, links->fed);
}

static void mark_reaching(const struct links *links) {
    const struct sm_stages *stages = links->stages;
    const struct sm_stage *last = &stages->stage[stages->n - 1];
    memset(links->reaches + last->first_unit, 1, last->n_units);
    for (size_t s = stages->n; s-- > 1;)
        for (size_t u = 0; u < stages->stage[s].n_units; u++)
            if (links->reaches[stages->stage[s].first_unit + u]) mark_read(links, s, u, links->reaches);
}

static int links_init(struct links *links, const struct sm_evaluator *e) {
    size_t n_units = e->stages.n_units;
    *links = (struct links){.evaluator = e, .stages = &e->stages};
    links->joined = calloc(e->stages.n, sizeof *links->joined);
    links->fed = calloc(n_units, 1);
    links->reaches = calloc(n_units, 1);
    links->changed = calloc(n_units, 1);
    if (!links->joined || !links->fed || !links->reaches || !links->changed) return -1;
    for (size_t s = 0; s < e->stages.n; s++)
        if (e->stages.stage[s].layer >= 0 && !(links->joined[s] = join(links, &e->stages.stage[s]))) return -1;
    mark_fed(links);
    mark_reaching(links);
    return 0;
}

/* ---- what changes ---- */

static int append_run(struct sm_behind *behind, size_t stage, size_t first, size_t last) {
    if (behind->n == behind->capacity) {
        size_t capacity = 2 * behind->capacity + 1024;
        struct sm_stage_run *larger = realloc(behind->run, capacity * sizeof *larger);
        if (!larger) return -1;
        behind->run = larger;
        behind->capacity = capacity;
    }
    behind->run[behind->n++] = (struct sm_stage_run){(uint32_t)stage, (uint32_t)first, (uint32_t)last};
    return 0;
}

static int append_changed(struct sm_behind *behind, size_t stage, const uint8_t *changed, size_t n) {
    for (size_t u = 0; u < n;) {
        size_t first = u;
        while (u < n && changed[u]) u++;
        if (u > first && append_run(behind, stage, first, u) != 0) return -1;
        while (u < n && !changed[u]) u++;
    }
    return 0;
}

static void mark_changed(const struct links *links, size_t s) {
    const struct sm_stage *stage = &links->stages->stage[s];
    uint8_t *changed = links->changed + stage->first_unit, any = 0;
    for (size_t u = 0; u < stage->n_units; u++) {
        bool reads = reads_any(links, s, u, links->changed);
        changed[u] = reads && links->reaches[stage->first_unit + u];
        any |= reads;
    }
    if (!sm_stage_is_by_unit(links->stages, &links->evaluator->forward[0], s)) memset(changed, any, stage->n_units);
}

static int append_behind(struct sm_behind *behind, const struct links *links, size_t s, size_t unit) {
    const struct sm_stages *stages = links->stages;
    memset(links->changed, 0, stages->n_units);
    links->changed[stages->stage[s].first_unit + unit] = 1;
    if (append_run(behind, s, unit, unit + 1) != 0) return -1;
    for (size_t k = s + 1; k < stages->n; k++) {
        mark_changed(links, k);
        if (append_changed(behind, k, links->changed + stages->stage[k].first_unit, stages->stage[k].n_units) != 0)
            return -1;
    }
    return 0;
}

static int append_all(struct sm_behind *behind, const struct links *links) {
    const struct sm_graph *graph = &links->evaluator->graph;
    for (size_t level = 0; level < graph->n_levels; level++) {
        size_t s = sm_stages_of_level(links->stages, level), first = links->stages->stage[s].first_unit;
        for (size_t u = 0; u < sm_graph_level_units(graph, level); u++) {
            bool matters = level + 1 < graph->n_levels && links->fed[first + u] && links->reaches[first + u];
            if (matters && append_behind(behind, links, s, u) != 0) return -1;
            behind->begin[graph->offset[level] + u + 1] = behind->n;
        }
    }
    return 0;
}

int sm_behind_init(struct sm_behind *behind, const struct sm_evaluator *e, struct sm_error *err) {
    struct links links;
    *behind = (struct sm_behind){.begin = calloc(sm_graph_n_units(&e->graph) + 1, sizeof *behind->begin)};
    int status = links_init(&links, e) == 0 && behind->begin && append_all(behind, &links) == 0 ? 0 : -1;
    links_destroy(&links);
    return status ? sm_fail(err, "%s: out of memory", e->run->path) : 0;
}

void sm_behind_destroy(struct sm_behind *behind) {
    free(behind->begin);
    free(behind->run);
    *behind = (struct sm_behind){0};
}
