/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure.h - figures of the tables: one row each in figure_list.c, one script each in plots/. gnuplot draws them,
 * called in figure.c only.
 *
 * Scripts are copied to OUT/plots, what they need beyond the tables is written to OUT/data, and gnuplot runs in OUT
 * just as a user who redraws a figure would run it. A figure that averages runs is drawn once for each group of runs
 * that differ in nothing but seeds: NAME.FMT for the first, NAME-group2.FMT and so on. One that shows runs one by one
 * is drawn once for each run: NAME.FMT, NAME-run2.FMT and so on. */
#ifndef SUPERMASK_ANALYZE_FIGURE_H
#define SUPERMASK_ANALYZE_FIGURE_H

#include "analyze/figure_data.h"

enum { SM_FIGURE_TABLES = 3, SM_FIGURE_DATA = 2 };

struct sm_figure {
    const char *name;                     /* "flips": plots/flips.gp, figures/flips.svg */
    const char *help;                     /* one line, for `list` */
    const char *caption;                  /* what it shows and how to read it, for the report */
    const char *tables[SM_FIGURE_TABLES]; /* drawn when all of these were made and have rows (by_group: of the group);
                                             NULL-padded */
    const struct sm_figure_data *data[SM_FIGURE_DATA];
    bool by_group;      /* averages runs: a picture for each group, number GROUP in the script */
    bool by_run;        /* a picture for each run, number RUN in the script */
    size_t min_runs;    /* of a group, for a picture of it */
    size_t min_records; /* of some run of the group */
};

extern const struct sm_figure sm_figures[]; /* in the order of the report */
extern const size_t sm_n_figures;

const char *sm_figure_name(size_t i); /* NULL behind the last */
const char *sm_figure_help(size_t i);

/* NULL where `formats` is "none" or a list of svg, pdf and png with commas between; else the sentence that says what is
 * wrong, constant text. */
const char *sm_figure_formats_check(const char *formats);

/* Draws into DIRECTORY/figures the figures whose tables are among `tables` (names, without .tsv), in every one of
 * `formats`, at most two gnuplot processes at a time. What cannot be drawn for these runs is noted. A figure that fails
 * does not keep the others from being drawn; the first failure is the error. */
int sm_figures_draw(const char *directory, const char *formats, const struct sm_analysis *analysis,
                    const char *const *tables, size_t n_tables, bool quiet, struct sm_error *err);

/* The same with figures that are not among sm_figures. */
int sm_figures_draw_of(const struct sm_figure *figures, size_t n_figures, const char *directory, const char *formats,
                       const struct sm_analysis *analysis, const char *const *tables, size_t n_tables, bool quiet,
                       struct sm_error *err);

/* Removes what an earlier analysis drew of it. */
void sm_figure_remove(const char *directory, const struct sm_figure *figure);

/* malloc'ed path of a figure's picture below the directory: "figures/ratios-group2.svg"; group (or run) counts from 0.
 * NULL: no memory. */
char *sm_figure_path(const struct sm_figure *figure, size_t group, const char *format);

#endif
