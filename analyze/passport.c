/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/passport.h"

#include <stdlib.h>
#include <string.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/moments.h"
#include "analyze/passport_figures.h"

/* ---- which unit ---- */

static int fail_no_layer(const struct sm_run *run, const struct sm_graph *graph, const char *layer,
                         struct sm_error *err) {
    char hint[SM_HINT_SIZE];
    const char **names = calloc(graph->n_levels, sizeof *names);
    if (!names) return sm_fail(err, "%s: out of memory", run->path);
    for (size_t k = 0; k < graph->n_levels; k++) names[k] = sm_graph_level_name(graph, k);
    sm_nearest_hint(hint, layer, names, graph->n_levels);
    sm_fail(err, "%s: there is no layer '%s'%s; there are input and %zu layers, from %s to %s", run->path, layer, hint,
            graph->n_levels - 1, names[1], names[graph->n_levels - 1]);
    free(names);
    return -1;
}

static int find_unit(struct sm_passport_unit *subject, const char *layer, size_t unit, struct sm_error *err) {
    const struct sm_run *run = subject->moment->run;
    size_t level = 0;
    while (level < subject->graph->n_levels && strcmp(sm_graph_level_name(subject->graph, level), layer) != 0) level++;
    if (level == subject->graph->n_levels) return fail_no_layer(run, subject->graph, layer, err);
    size_t n = sm_graph_level_units(subject->graph, level);
    if (unit >= n)
        return sm_fail(err, "%s: there is no unit %zu in %s: its units are 0 to %zu", run->path, unit, layer, n - 1);
    subject->level = level;
    subject->unit = unit;
    return 0;
}

/* ---- tables ---- */

int sm_passport_open_table(const struct sm_passport *passport, const struct sm_passport_table *about,
                           struct sm_table **table, struct sm_error *err) {
    const struct sm_passport_unit *subject = &passport->subject;
    const struct sm_run *run = subject->moment->run;
    char *preamble =
        sm_format("supermask-analyze " SM_VERSION "\n%s\nunit %zu of %s, run %s, epoch %g",
                  passport->analysis->options->command_line, subject->unit,
                  sm_graph_level_name(subject->graph, subject->level), run->name, run->epoch[subject->moment->record]);
    int status = preamble ? sm_table_open(table, passport->analysis->options->directory, about->name, about->about,
                                          preamble, about->columns, about->n_columns, err)
                          : sm_fail(err, "%s: out of memory", about->name);
    free(preamble);
    return status;
}

int sm_passport_close_table(const struct sm_passport *passport, const struct sm_passport_table *about,
                            struct sm_table *table, int status, struct sm_error *err) {
    if (status != 0) {
        sm_table_abandon(table);
        return -1;
    }
    if (sm_table_close(table, err) != 0) return -1;
    sm_note(passport->analysis->written, "%s/%s.tsv", passport->analysis->options->directory, about->name);
    return 0;
}

static int write_tables(const struct sm_passport *passport, struct sm_error *err) {
    static int (*const tables[])(const struct sm_passport *passport, struct sm_error *err) = {
        sm_passport_measures, sm_passport_links, sm_passport_classes, sm_passport_settling, sm_passport_partners};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        if (tables[t](passport, err) != 0) return -1;
    return 0;
}

/* ---- all of it ---- */

/* A figure that fails is the error, but the page is written with the others. */
static int draw_and_write_page(const struct sm_passport *passport, struct sm_error *err) {
    int figures = sm_passport_draw(passport, err);
    struct sm_error second = {.text = ""};
    int page = sm_passport_page(passport, figures == 0 ? err : &second);
    return figures == 0 ? page : figures;
}

int sm_passport_make(const struct sm_analysis *analysis, const char *layer, size_t unit, const char *formats,
                     struct sm_error *err) {
    struct sm_passport passport = {.analysis = analysis, .formats = formats};
    const struct sm_moment *moment = sm_moments_get(analysis->moments, 0, err);
    int status = moment ? sm_units_init(&passport.units, moment, err) : -1;
    passport.subject =
        (struct sm_passport_unit){.moment = moment, .units = &passport.units, .graph = &passport.units.graph};
    if (status == 0) status = find_unit(&passport.subject, layer, unit, err);
    if (status == 0) status = sm_directory_make(analysis->options->directory, err);
    if (status == 0) status = write_tables(&passport, err);
    if (status == 0) status = draw_and_write_page(&passport, err);
    sm_units_destroy(&passport.units);
    if (moment) sm_moments_release(analysis->moments, 0);
    return status;
}
