/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_findings.c - the first screen: for each group of runs, what the tables say about each question. */
#include <math.h>
#include <stdlib.h>

#include "analyze/html.h"
#include "analyze/question.h"
#include "analyze/run_summary.h"

/* ---- one question ---- */

/* What the question's findings write, malloc'ed; NULL: no memory. */
static char *find_all(struct sm_scope scope, const struct sm_question *question) {
    char *text = NULL;
    size_t size = 0;
    scope.file = open_memstream(&text, &size);
    if (!scope.file) return NULL;
    for (const sm_finding *find = question->findings; find && *find; find++) (*find)(&scope);
    if (fclose(scope.file) == 0) return text;
    free(text);
    return NULL;
}

static void write_answer(const struct sm_scope *scope, size_t question, const char *text) {
    const char *id = sm_questions[question].id;
    fputs("<section class=\"question\"", scope->file);
    if (!(scope->report->answered & 1u << question)) fprintf(scope->file, " id=\"%s\"", id);
    fputs("><h3>", scope->file);
    sm_html_text(scope->file, sm_questions[question].title);
    if (sm_report_has_figures(scope->report, question))
        fprintf(scope->file, " <a class=\"more\" href=\"#figures-%s\">figures</a>", id);
    fprintf(scope->file, "</h3>\n<ul class=\"findings\">\n%s</ul>\n</section>\n", text);
}

static int answer(struct sm_report *report, const struct sm_scope *scope, size_t question, struct sm_error *err) {
    char *text = find_all(*scope, &sm_questions[question]);
    if (!text) return sm_fail(err, "index.html: out of memory");
    if (*text) {
        write_answer(scope, question, text);
        report->answered |= 1u << question;
    }
    free(text);
    return 0;
}

/* ---- one group ---- */

static struct sm_scope scope_of(const struct sm_report *report, size_t group) {
    return (struct sm_scope){.report = report,
                             .file = report->file,
                             .group = group,
                             .n_runs = report->groups.size[group],
                             .first = &report->analysis->runs[report->groups.first[group]]};
}

static void write_heading(const struct sm_scope *scope) {
    const struct sm_run *run = scope->first;
    if (scope->report->groups.n_groups > 1) {
        fprintf(scope->file, "<h2 id=\"group-%zu\">", scope->group + 1);
        sm_say(scope, "%s", scope->report->groups.label[scope->group]);
        fputs("</h2>\n", scope->file);
    }
    fputs("<p class=\"lead\">", scope->file);
    sm_say(scope, "%zu run%s of %s on %s, method %s, %g epochs%s.", scope->n_runs, sm_plural(scope->n_runs),
           run->net.name, run->dataset, run->method, sm_run_trained_until(run, run->n_records - 1),
           run->complete ? "" : " so far");
    fputs("</p>\n", scope->file);
}

/* ---- several groups side by side ---- */

static struct sm_spread overlap_of(const struct sm_scope *scope, const char *alignment, const char *null,
                                   const char *column) {
    struct sm_spread spread =
        sm_scope_spread(scope, "overlap", SM_ALL_LAYERS, column,
                        SM_WHERE({"compare", "weight"}, {"alignment", alignment}, {"null", null}));
    if (spread.n) return spread;
    return sm_scope_spread(scope, "overlap", SM_ALL_LAYERS, column,
                           SM_WHERE({"compare", "mask"}, {"alignment", alignment}, {"null", null}));
}

static void compare_group(const struct sm_scope *scope) {
    sm_grid_row(scope, scope->report->groups.label[scope->group]);
    sm_grid_cell(scope, "%zu", scope->n_runs);
    sm_grid_cell(scope, "%s", sm_percent_interval(sm_scope_spread(scope, "summary", "", "test_accuracy", NULL)).s);
    sm_grid_cell(scope, "%s", sm_percent_interval(sm_scope_spread(scope, "summary", "", "remaining", NULL)).s);
    sm_grid_cell(scope, "%s", sm_number(overlap_of(scope, "raw", "independent", "jaccard").mean).s);
    sm_grid_cell(scope, "%s", sm_number(overlap_of(scope, "raw", "independent", "expected_jaccard").mean).s);
    sm_grid_cell(scope, "%s", sm_number(overlap_of(scope, "aligned", "degree", "jaccard").mean).s);
    sm_grid_cell(scope, "%s", sm_number(overlap_of(scope, "aligned", "degree", "expected_jaccard").mean).s);
}

/* Recipes that differ in more than seeds are never averaged; here they stand beside each other. */
static void compare_groups(const struct sm_report *report) {
    struct sm_scope scope = scope_of(report, 0);
    fputs("<p class=\"lead\">Groups of runs that differ in more than their seeds stay apart:</p>\n", report->file);
    sm_grid_open(&scope, SM_COLUMNS("group", "runs", "test accuracy", "remaining", "overlap raw", "chance", "aligned",
                                    "aligned null"));
    for (size_t g = 0; g < report->groups.n_groups; g++) {
        scope = scope_of(report, g);
        compare_group(&scope);
    }
    sm_grid_close(&scope);
    fputs("<nav>", report->file);
    for (size_t g = 0; g < report->groups.n_groups; g++) {
        fprintf(report->file, "<a href=\"#group-%zu\">", g + 1);
        sm_html_text(report->file, report->groups.label[g]);
        fputs("</a>\n", report->file);
    }
    fputs("</nav>\n", report->file);
}

int sm_report_findings(struct sm_report *report, struct sm_error *err) {
    fputs("<p class=\"files\">Computed from the tables below. [a, b]: 95 % interval of the mean over the runs "
          "(Student's t); "
          "(a to b): lowest to highest; –: undefined.</p>\n",
          report->file);
    if (report->groups.n_groups > 1) {
        compare_groups(report);
        sm_report_methods(report);
    }
    for (size_t g = 0; g < report->groups.n_groups; g++) {
        struct sm_scope scope = scope_of(report, g);
        write_heading(&scope);
        for (size_t q = 0; q < sm_n_questions; q++)
            if (answer(report, &scope, q, err) != 0) return -1;
    }
    return sm_sheets_status(report->sheets, err);
}
