/* SPDX-License-Identifier: GPL-3.0-or-later */
/* figure_files.h - the files around the figures: copies of the scripts, redraw.sh, what is in a table. */
#ifndef SUPERMASK_ANALYZE_FIGURE_FILES_H
#define SUPERMASK_ANALYZE_FIGURE_FILES_H

#include <stdbool.h>
#include <supermask/error.h>

/* Copies the shipped plots/NAME.gp to DIRECTORY/plots, which exists. A copy that is there is replaced. */
int sm_figure_copy_script(const char *directory, const char *name, struct sm_error *err);

/* Writes DIRECTORY/plots/redraw.sh, which draws again every figure that is in DIRECTORY/figures. */
int sm_figure_write_redraw(const char *directory, struct sm_error *err);

/* What gnuplot cannot say in an SVG: other fonts of the same widths for machines without the figures' font, and
 * pictures whose pixels stay sharp. Reads the SVG at `from` and writes `to`; `from` stays. redraw.sh does the same. */
int sm_figure_tidy_svg(const char *from, const char *to, struct sm_error *err);

/* Has DIRECTORY/NAME.tsv a row below its header? */
bool sm_figure_table_has_rows(const char *directory, const char *name);

#endif
