/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/html.h"

static const char *const formats_known[] = {"svg", "png", "pdf"};
enum { N_FORMATS = sizeof formats_known / sizeof *formats_known };

static const off_t LARGEST_SVG = 300 * 1024;
static const double NARROW = 400; /* CSS pixels in print: one column of a page */

static char *absolute(const struct sm_report *report, const char *relative) {
    return relative ? sm_format("%s/%s", report->directory, relative) : NULL;
}

/* Size of the figure's file in that format; -1 where there is none. */
static off_t figure_size(const struct sm_report *report, const struct sm_figure *figure, size_t group,
                         const char *format) {
    char *relative = sm_figure_path(figure, group, format), *path = absolute(report, relative);
    struct stat status;
    off_t size = path && stat(path, &status) == 0 ? status.st_size : -1;
    free(relative);
    free(path);
    return size;
}

/* The format to show: SVG unless it is large and there is a PNG. NULL where neither was drawn. */
static const char *format_to_show(const struct sm_report *report, const struct sm_figure *figure, size_t group) {
    off_t svg = figure_size(report, figure, group, "svg"), png = figure_size(report, figure, group, "png");
    if (png > 0 && (svg < 0 || svg > LARGEST_SVG)) return "png";
    return svg > 0 ? "svg" : NULL;
}

static void write_files(const struct sm_report *report, const struct sm_figure *figure, size_t group,
                        const char *formats) {
    fputs("<span class=\"files\"> ", report->file);
    for (size_t f = 0; f < N_FORMATS; f++) {
        if (!strstr(formats, formats_known[f]) || figure_size(report, figure, group, formats_known[f]) < 0) continue;
        char *relative = sm_figure_path(figure, group, formats_known[f]);
        fprintf(report->file, "<a href=\"%s\">%s</a> · ", relative ? relative : "", formats_known[f]);
        free(relative);
    }
    fprintf(report->file, "<a href=\"plots/%s.gp\">script</a></span>", figure->name);
}

static int write_picture(const struct sm_report *report, const struct sm_figure *figure, size_t group,
                         const char *formats, struct sm_error *err) {
    const char *format = format_to_show(report, figure, group);
    if (!format) return 0;
    char *relative = sm_figure_path(figure, group, format), *path = absolute(report, relative);
    int status = path ? 0 : sm_fail(err, "index.html: out of memory");
    if (status == 0) {
        fprintf(report->file, "<figure%s", sm_html_picture_width(path) < NARROW ? " class=\"narrow\"" : "");
        if (group == 0) fprintf(report->file, " id=\"figure-%s\"", figure->name);
        fputs(">\n", report->file);
        status = sm_html_picture(report->file, path, figure->help, err);
        fputs("<figcaption><b>", report->file);
        sm_html_text(report->file, figure->name);
        if (figure->by_group && report->groups.n_groups > 1)
            sm_html_print(report->file, ", %s", report->groups.label[group]);
        fputs(".</b> ", report->file);
        if (group == 0) sm_html_text(report->file, figure->caption);
        write_files(report, figure, group, formats);
        fputs("</figcaption>\n</figure>\n", report->file);
    }
    free(relative);
    free(path);
    return status;
}

static int write_figures(const struct sm_report *report, const char *formats, struct sm_error *err) {
    int status = 0;
    if (strcmp(formats, "none") == 0) return 0;
    fputs("<h2 id=\"figures\">Figures</h2>\n<nav>\n", report->file);
    for (size_t i = 0; i < sm_n_figures; i++)
        if (format_to_show(report, &sm_figures[i], 0))
            fprintf(report->file, "<a href=\"#figure-%s\">%s</a>\n", sm_figures[i].name, sm_figures[i].name);
    fputs("</nav>\n<p class=\"soft\">Each figure is drawn by a script of its own: edit it, then run "
          "<code>sh plots/redraw.sh</code>.</p>\n<div class=\"figures\">\n",
          report->file);
    for (size_t i = 0; status == 0 && i < sm_n_figures; i++) {
        size_t n_groups = sm_figures[i].by_group ? report->groups.n_groups : 1;
        for (size_t g = 0; status == 0 && g < n_groups; g++)
            status = write_picture(report, &sm_figures[i], g, formats, err);
    }
    fputs("</div>\n", report->file);
    return status;
}

static void write_title(const struct sm_report *report) {
    const struct sm_analysis *analysis = report->analysis;
    fputs("<h1>", report->file);
    for (size_t g = 0; g < report->groups.n_groups && g < 3; g++)
        sm_html_print(report->file, "%s%s", g ? ", " : "", report->groups.label[g]);
    if (report->groups.n_groups > 3) sm_html_print(report->file, " and %zu more", report->groups.n_groups - 3);
    sm_html_print(report->file, ": %zu run%s", analysis->n_runs, analysis->n_runs == 1 ? "" : "s");
    fputs("</h1>\n<p class=\"soft\">supermask report · <a href=\"#figures\">figures</a> · <a "
          "href=\"#tables\">tables</a> · "
          "<a href=\"#provenance\">provenance</a></p>\n",
          report->file);
}

static int write_page(struct sm_report *report, const char *formats, struct sm_error *err) {
    char *title = sm_format("%s: supermask report", report->groups.label[0]);
    sm_html_head(report->file, title ? title : "supermask report");
    free(title);
    write_title(report);
    if (sm_report_findings(report, err) != 0) return -1;
    if (write_figures(report, formats, err) != 0) return -1;
    if (sm_report_tables(report, err) != 0) return -1;
    sm_report_provenance(report);
    sm_html_foot(report->file);
    return 0;
}

static int draw_figures(const struct sm_analysis *analysis, const char *formats, struct sm_error *err) {
    const char **names = calloc(sm_n_statistics + 1, sizeof *names);
    if (!names) return sm_fail(err, "index.html: out of memory");
    for (size_t i = 0; i < sm_n_statistics; i++) names[i] = sm_statistics[i]->name;
    int status = sm_figures_draw(analysis->options->directory, formats, analysis, names, sm_n_statistics,
                                 analysis->options->quiet, err);
    free(names);
    return status;
}

static int write_index(const struct sm_analysis *analysis, const char *formats, struct sm_error *err) {
    struct sm_report report = {.analysis = analysis, .directory = analysis->options->directory};
    struct sm_outfile out = {0};
    char *path = sm_format("%s/index.html", report.directory);
    int status = path ? sm_seed_groups_init(&report.groups, analysis, err) : sm_fail(err, "index.html: out of memory");
    if (status == 0) status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        report.file = out.file;
        status = write_page(&report, formats, err);
        if (status == 0)
            status = sm_outfile_close(&out, err);
        else
            sm_outfile_abandon(&out);
    }
    if (status == 0) sm_note(analysis->written, "%s", path);
    sm_seed_groups_destroy(&report.groups);
    free(path);
    return status;
}

/* A figure that fails is the error, but the page is written with the others. */
int sm_report_write(const struct sm_analysis *analysis, const char *formats, struct sm_error *err) {
    int figures = draw_figures(analysis, formats, err);
    struct sm_error page = {.text = ""};
    if (write_index(analysis, formats, figures == 0 ? err : &page) != 0) {
        if (figures != 0) sm_note(analysis->notes, "%s", page.text);
        return -1;
    }
    return figures;
}
