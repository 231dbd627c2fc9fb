/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_figures.c - the figures that were drawn, question by question, inside the page. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <supermask/text.h>

#include "analyze/html.h"
#include "analyze/question.h"

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

static void write_files(const struct sm_report *report, const struct sm_figure *figure, size_t group) {
    fputs("<span class=\"files\"> ", report->file);
    for (size_t f = 0; f < N_FORMATS; f++) {
        if (!strstr(report->formats, formats_known[f]) || figure_size(report, figure, group, formats_known[f]) < 0)
            continue;
        char *relative = sm_figure_path(figure, group, formats_known[f]);
        fprintf(report->file, "<a href=\"%s\">%s</a> · ", relative ? relative : "", formats_known[f]);
        free(relative);
    }
    fprintf(report->file, "<a href=\"plots/%s.gp\">script</a></span>", figure->name);
}

/* `first`: of the figure's pictures; it has the caption, and links lead to it. */
static int write_picture(const struct sm_report *report, const struct sm_figure *figure, size_t group, bool first,
                         struct sm_error *err) {
    const char *format = format_to_show(report, figure, group);
    char *relative = sm_figure_path(figure, group, format), *path = absolute(report, relative);
    int status = path ? 0 : sm_fail(err, "index.html: out of memory");
    if (status == 0) {
        fprintf(report->file, "<figure%s", sm_html_picture_width(path) < NARROW ? " class=\"narrow\"" : "");
        if (first) fprintf(report->file, " id=\"figure-%s\"", figure->name);
        fputs(">\n", report->file);
        status = sm_html_picture(report->file, path, figure->help, err);
        fputs("<figcaption><b>", report->file);
        sm_html_text(report->file, figure->name);
        if (figure->by_group && report->groups.n_groups > 1)
            sm_html_print(report->file, ", %s", report->groups.label[group]);
        fputs(".</b> ", report->file);
        if (first) sm_html_text(report->file, figure->caption);
        write_files(report, figure, group);
        fputs("</figcaption>\n</figure>\n", report->file);
    }
    free(relative);
    free(path);
    return status;
}

static size_t n_groups_of(const struct sm_report *report, const struct sm_figure *figure) {
    return figure->by_group ? report->groups.n_groups : 1;
}

/* Was a picture of it drawn, for any group? */
static bool is_drawn(const struct sm_report *report, const struct sm_figure *figure) {
    for (size_t g = 0; g < n_groups_of(report, figure); g++)
        if (format_to_show(report, figure, g)) return true;
    return false;
}

bool sm_report_has_figures(const struct sm_report *report, size_t question) {
    if (strcmp(report->formats, "none") == 0) return false;
    for (size_t i = 0; i < sm_n_figures; i++)
        if (sm_question_of_figure(&sm_figures[i]) == question && is_drawn(report, &sm_figures[i])) return true;
    return false;
}

static int write_figure(const struct sm_report *report, const struct sm_figure *figure, struct sm_error *err) {
    bool first = true;
    for (size_t g = 0; g < n_groups_of(report, figure); g++) {
        if (!format_to_show(report, figure, g)) continue;
        if (write_picture(report, figure, g, first, err) != 0) return -1;
        first = false;
    }
    return 0;
}

static int write_question(const struct sm_report *report, size_t question, struct sm_error *err) {
    int status = 0;
    fprintf(report->file, "<h3 id=\"figures-%s\">", sm_questions[question].id);
    sm_html_text(report->file, sm_questions[question].title);
    fputs("</h3>\n<div class=\"figures\">\n", report->file);
    for (size_t i = 0; status == 0 && i < sm_n_figures; i++)
        if (sm_question_of_figure(&sm_figures[i]) == question) status = write_figure(report, &sm_figures[i], err);
    fputs("</div>\n", report->file);
    return status;
}

static void link_figures(const struct sm_report *report) {
    fputs("<nav>\n", report->file);
    for (size_t i = 0; i < sm_n_figures; i++)
        if (is_drawn(report, &sm_figures[i]))
            fprintf(report->file, "<a href=\"#figure-%s\">%s</a>\n", sm_figures[i].name, sm_figures[i].name);
    fputs("</nav>\n", report->file);
}

int sm_report_figures(const struct sm_report *report, struct sm_error *err) {
    int status = 0;
    if (strcmp(report->formats, "none") == 0) return 0;
    fputs("<h2 id=\"figures\">Figures</h2>\n", report->file);
    link_figures(report);
    fputs("<p class=\"soft\">Each figure is drawn by a script of its own: edit it, then run "
          "<code>sh plots/redraw.sh</code>.</p>\n",
          report->file);
    for (size_t q = 0; status == 0 && q < sm_n_questions; q++)
        if (sm_report_has_figures(report, q)) status = write_question(report, q, err);
    return status;
}
