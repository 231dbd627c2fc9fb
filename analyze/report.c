/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/report.h"

#include <stdlib.h>
#include <string.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/html.h"
#include "analyze/question.h"

static void write_link(FILE *file, const char *id, const char *title) {
    fprintf(file, "<a href=\"#%s\">", id);
    sm_html_text(file, title);
    fputs("</a>\n", file);
}

/* Of several groups, each has its own answers: links to the groups stand beside their comparison. */
static void write_navigation(const struct sm_report *report) {
    fputs("<nav>", report->file);
    for (size_t q = 0; report->groups.n_groups == 1 && q < sm_n_questions; q++)
        if (report->answered & 1u << q) write_link(report->file, sm_questions[q].id, sm_questions[q].title);
    if (strcmp(report->formats, "none") != 0) write_link(report->file, "figures", "Figures");
    write_link(report->file, "tables", "Tables");
    write_link(report->file, "provenance", "Provenance");
    fputs("</nav>\n", report->file);
}

static void write_title(const struct sm_report *report) {
    const struct sm_analysis *analysis = report->analysis;
    fputs("<h1>", report->file);
    if (report->groups.n_groups == 1)
        sm_html_print(report->file, "%s: %zu run%s", report->groups.label[0], analysis->n_runs,
                      sm_plural(analysis->n_runs));
    else
        sm_html_print(report->file, "%zu runs in %zu groups", analysis->n_runs, report->groups.n_groups);
    fputs("</h1>\n", report->file);
    write_navigation(report);
}

/* What sm_report_findings writes, malloc'ed: the navigation in front of it must know what was answered. */
static char *findings_text(struct sm_report *report, struct sm_error *err) {
    FILE *page = report->file;
    char *text = NULL;
    size_t size = 0;
    report->file = open_memstream(&text, &size);
    int status = report->file ? sm_report_findings(report, err) : sm_fail(err, "index.html: out of memory");
    if (report->file && fclose(report->file) != 0 && status == 0) status = sm_fail(err, "index.html: out of memory");
    report->file = page;
    if (status == 0) return text;
    free(text);
    return NULL;
}

static int write_page(struct sm_report *report, struct sm_error *err) {
    char *findings = findings_text(report, err);
    if (!findings) return -1;
    char *title = sm_format("%s: supermask report", report->groups.label[0]);
    sm_html_head(report->file, title ? title : "supermask report");
    free(title);
    write_title(report);
    fputs(findings, report->file);
    free(findings);
    if (sm_report_figures(report, err) != 0) return -1;
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
    struct sm_report report = {.analysis = analysis, .directory = analysis->options->directory, .formats = formats};
    struct sm_sheets sheets = {0};
    report.sheets = &sheets;
    struct sm_outfile out = {0};
    char *path = sm_format("%s/index.html", report.directory);
    int status = path ? sm_seed_groups_init(&report.groups, analysis, err) : sm_fail(err, "index.html: out of memory");
    if (status == 0) status = sm_sheets_init(&sheets, report.directory, analysis, &report.groups, err);
    if (status == 0) status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        report.file = out.file;
        status = write_page(&report, err);
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
