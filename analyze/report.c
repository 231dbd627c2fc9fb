/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/report.h"

#include <stdlib.h>
#include <string.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/html.h"
#include "analyze/question.h"

static void write_navigation(const struct sm_report *report) {
    fputs("<nav class=\"top\">", report->file);
    for (size_t q = 0; report->groups.n_groups == 1 && q + 1 < sm_n_questions; q++) {
        fprintf(report->file, "<a href=\"#%s\">", sm_questions[q].id);
        sm_html_text(report->file, sm_questions[q].title);
        fputs("</a>\n", report->file);
    }
    fputs("<a href=\"#figures\">Figures</a>\n<a href=\"#tables\">Tables</a>\n<a "
          "href=\"#provenance\">Provenance</a></nav>\n",
          report->file);
}

static void write_title(const struct sm_report *report) {
    const struct sm_analysis *analysis = report->analysis;
    fputs("<h1>", report->file);
    for (size_t g = 0; g < report->groups.n_groups && g < 3; g++)
        sm_html_print(report->file, "%s%s", g ? ", " : "", report->groups.label[g]);
    if (report->groups.n_groups > 3) sm_html_print(report->file, " and %zu more", report->groups.n_groups - 3);
    sm_html_print(report->file, ": %zu run%s", analysis->n_runs, analysis->n_runs == 1 ? "" : "s");
    fputs("</h1>\n", report->file);
    write_navigation(report);
}

static int write_page(struct sm_report *report, const char *formats, struct sm_error *err) {
    char *title = sm_format("%s: supermask report", report->groups.label[0]);
    sm_html_head(report->file, title ? title : "supermask report");
    free(title);
    write_title(report);
    if (sm_report_findings(report, err) != 0) return -1;
    if (sm_report_figures(report, formats, err) != 0) return -1;
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
    struct sm_sheets sheets = {0};
    report.sheets = &sheets;
    struct sm_outfile out = {0};
    char *path = sm_format("%s/index.html", report.directory);
    int status =
        path ? sm_seed_groups_init(&report.groups, analysis, err) : sm_fail(err, "index.html: out of memory");
    if (status == 0) status = sm_sheets_init(&sheets, report.directory, analysis, &report.groups, err);
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
    sm_sheets_destroy(&sheets);
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
