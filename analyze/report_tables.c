/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "analyze/html.h"
#include "analyze/question.h"

enum { MOST_ROWS = 30 }; /* the rest is in the file */

/* Tables that are shown open. */
static const char *const open_tables[] = {"groups", "summary"};

static bool is_open(const char *name) {
    for (size_t i = 0; i < sizeof open_tables / sizeof *open_tables; i++)
        if (strcmp(open_tables[i], name) == 0) return true;
    return false;
}

static bool is_number(const char *text) {
    char *end;
    strtod(text, &end);
    return *text && !*end;
}

/* Four digits of a real on the page, all of them in the tooltip and for sorting. */
static void write_cell(FILE *file, const char *text) {
    if (!is_number(text)) {
        fputs("<td class=\"t\">", file);
        sm_html_text(file, text);
    } else if (strcmp(text, "nan") == 0) {
        fputs("<td title=\"nan\">–", file);
    } else if (strpbrk(text, ".e")) {
        fputs("<td title=\"", file);
        sm_html_text(file, text);
        fprintf(file, "\">%.4g", strtod(text, NULL));
    } else {
        fputs("<td>", file);
        sm_html_text(file, text);
    }
    fputs("</td>", file);
}

static const char *column_help(const struct sm_statistic *statistic, const char *column) {
    for (size_t c = 0; c < statistic->n_columns; c++)
        if (strcmp(statistic->columns[c].name, column) == 0) return statistic->columns[c].help;
    return "";
}

static void write_header(FILE *file, const struct sm_statistic *statistic, const struct sm_tsv *tsv) {
    fputs("<thead><tr>", file);
    for (size_t c = 0; c < tsv->n_columns; c++) {
        bool text = tsv->n_rows > 0 && !is_number(tsv->cell[c]);
        fprintf(file, "<th%s title=\"", text ? " class=\"t\"" : "");
        sm_html_text(file, column_help(statistic, tsv->column[c]));
        fputs("\">", file);
        sm_html_text(file, tsv->column[c]);
        fputs("</th>", file);
    }
    fputs("</tr></thead>\n", file);
}

static void write_table(FILE *file, const struct sm_statistic *statistic, const struct sm_tsv *tsv) {
    size_t shown = tsv->n_rows > MOST_ROWS ? MOST_ROWS : tsv->n_rows;
    fprintf(file, "<details id=\"table-%s\"%s><summary><b>%s</b> ", statistic->name,
            is_open(statistic->name) ? " open" : "", statistic->name);
    sm_html_text(file, statistic->help);
    fputs("</summary>\n<p class=\"soft\">", file);
    sm_html_text(file, statistic->about);
    fputs("</p>\n<div class=\"scroll\"><table>\n", file);
    write_header(file, statistic, tsv);
    fputs("<tbody>\n", file);
    for (size_t r = 0; r < shown; r++) {
        fputs("<tr>", file);
        for (size_t c = 0; c < tsv->n_columns; c++) write_cell(file, tsv->cell[r * tsv->n_columns + c]);
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table></div>\n<p class=\"files\">", file);
    if (shown < tsv->n_rows) fprintf(file, "The first %zu of %zu rows; all are in ", shown, tsv->n_rows);
    fprintf(file, "<a href=\"%s.tsv\">%s.tsv</a></p></details>\n", statistic->name, statistic->name);
}

static const struct sm_sheet *sheet_of(const struct sm_report *report, size_t statistic, size_t question) {
    const char *name = sm_statistics[statistic]->name;
    return sm_question_of_table(name) == question ? sm_sheets_find(report->sheets, name) : NULL;
}

static void write_title(FILE *file, const struct sm_question *question) {
    fputs("<h3>", file);
    sm_html_text(file, question->title);
    fputs("</h3>\n", file);
}

static void write_question(const struct sm_report *report, size_t question) {
    bool any = false;
    for (size_t i = 0; i < sm_n_statistics; i++) {
        const struct sm_sheet *sheet = sheet_of(report, i, question);
        if (!sheet) continue;
        if (!any) write_title(report->file, &sm_questions[question]);
        any = true;
        write_table(report->file, sm_statistics[i], &sheet->tsv);
    }
}

int sm_report_tables(const struct sm_report *report, struct sm_error *err) {
    fputs("<h2 id=\"tables\">Tables</h2>\n<p class=\"soft\">A click on a column sorts the rows that are shown; its "
          "meaning appears under the pointer.</p>\n",
          report->file);
    for (size_t q = 0; q < sm_n_questions; q++) write_question(report, q);
    return sm_sheets_status(report->sheets, err);
}
