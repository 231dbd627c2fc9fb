/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/passport_figures.h"

#include <assert.h>
#include <string.h>

/* A run of other layers has no partner. */
static bool has_partner(const struct sm_figure_context *context, size_t run) {
    return sm_runs_comparable(&context->analysis->runs[0], &context->analysis->runs[run]);
}

static const struct sm_figure_data fields = {"passport-fields", NULL, NULL, has_partner};

static const struct sm_figure figures[] = {
    {.name = "passport-field",
     .help = "what the unit looks at",
     .caption = "Blue adds to the unit, vermilion subtracts from it, paler is weaker, grey is hidden.",
     .tables = {"passport-fields"},
     .data = {&fields},
     .by_run = true},
    {.name = "passport-classes",
     .help = "routes from the unit to each class, and their signed weight",
     .caption =
         "Left, how the unit's routes are divided among the classes; right, their signed weight: the sum over "
         "the routes of the product of their effective weights. Activations are left out, so a positive weight "
         "(blue) speaks for the class and a negative one (vermilion) against it as far as the network is linear.",
     .tables = {"passport-classes"}},
    {.name = "passport-settling",
     .help = "how the unit's weights came to be what they are",
     .caption = "Above, how many incoming and outgoing weights are kept or inverted at each record, on a logarithmic "
                "axis. Below, the share of the finally remaining weights that have their final state already; it "
                "reaches 100 % at the last record by definition.",
     .tables = {"passport-settling"},
     .min_records = 2},
};
enum { N_FIGURES = sizeof figures / sizeof *figures };

const struct sm_figure *sm_passport_figure(const char *name) {
    size_t i = 0;
    while (i < N_FIGURES && strcmp(figures[i].name, name) != 0) i++;
    assert(i < N_FIGURES);
    return &figures[i];
}

static bool applies(const struct sm_passport *passport, const struct sm_figure *figure) {
    const struct sm_passport_unit *unit = &passport->subject;
    if (strcmp(figure->name, "passport-field") == 0) /* an input channel as a whole is no picture */
        return unit->level > 0 || sm_graph_level_units(unit->graph, 0) == sm_network_inputs(unit->graph->net);
    if (strcmp(figure->name, "passport-classes") == 0)
        return unit->level + 1 < unit->graph->n_levels && isfinite(unit->units->paths.out[sm_passport_node(unit)]);
    return unit->moment->run->n_records >= figure->min_records;
}

int sm_passport_draw(const struct sm_passport *passport, struct sm_error *err) {
    struct sm_figure chosen[N_FIGURES];
    const char *tables[N_FIGURES];
    const struct sm_options *options = passport->analysis->options;
    size_t n = 0;
    for (size_t i = 0; i < N_FIGURES; i++) {
        sm_figure_remove(options->directory, &figures[i]);
        if (!applies(passport, &figures[i])) continue;
        chosen[n] = figures[i];
        tables[n++] = figures[i].tables[0];
    }
    return sm_figures_draw_of(chosen, n, options->directory, passport->formats, passport->analysis, tables, n,
                              options->quiet, err);
}
