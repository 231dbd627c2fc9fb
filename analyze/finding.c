/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/finding.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/html.h"

struct sm_rows sm_scope_rows(const struct sm_scope *scope, const char *table, const char *layer) {
    return sm_sheet_rows(sm_sheets_find(scope->report->sheets, table), scope->group, layer);
}

struct sm_spread sm_scope_spread(const struct sm_scope *scope, const char *table, const char *layer, const char *column,
                                 const struct sm_where *where) {
    struct sm_rows rows = sm_scope_rows(scope, table, layer);
    return sm_rows_spread(&rows, column, where);
}

bool sm_scope_is_complete(const struct sm_scope *scope) {
    const struct sm_analysis *analysis = scope->report->analysis;
    for (size_t i = 0; i < analysis->n_runs; i++)
        if (scope->report->groups.group[i] == scope->group && !analysis->runs[i].complete) return false;
    return true;
}

bool sm_scope_hides_nothing(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "ratios", SM_ALL_LAYERS);
    struct sm_spread remaining = sm_rows_spread_last(&rows, "remaining");
    return remaining.n > 0 && remaining.least >= 1;
}

double sm_scope_chance(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    return 1 / (double)net->layers[net->n_layers - 1].n_out;
}

/* ---- sentences ---- */

__attribute__((format(printf, 2, 0))) static void print_escaped(FILE *file, const char *format, va_list args) {
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) return;
    sm_html_text(file, text);
    free(text);
}

void sm_say(const struct sm_scope *scope, const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_escaped(scope->file, format, args);
    va_end(args);
}

void sm_say_begin(const struct sm_scope *scope) {
    fputs("<li>", scope->file);
}

void sm_say_end(const struct sm_scope *scope) {
    fputs("</li>\n", scope->file);
}

void sm_say_warning(const struct sm_scope *scope, const char *format, ...) {
    va_list args;
    fputs("<li class=\"warning\">", scope->file);
    va_start(args, format);
    print_escaped(scope->file, format, args);
    va_end(args);
    fputs("</li>\n", scope->file);
}

/* ---- numbers ---- */

#define NBSP "\u00a0" /* a line may break before a bound, not inside of it */

static const char *const undefined = "–";

const char *sm_plural(size_t n) {
    return n == 1 ? "" : "s";
}

/* A percentage's digits: two decimals from 10 % on, three digits below. */
static void print_percent(char text[24], double share) {
    double percent = 100 * share;
    snprintf(text, 24, percent == 0 ? "0" : fabs(percent) >= 10 ? "%.2f" : "%#.3g", percent);
}

/* Whole numbers as they are, others with three digits. */
static void print_number(char text[24], double value) {
    bool whole = value == round(value) || (fabs(value) >= 100 && fabs(value) < 1e6);
    snprintf(text, 24, whole ? "%.0f" : "%#.3g", value);
}

struct sm_words sm_percent(double share) {
    struct sm_words words;
    char text[24];
    print_percent(text, share);
    snprintf(words.s, sizeof words.s, "%s%s", isnan(share) ? undefined : text, isnan(share) ? "" : NBSP "%");
    return words;
}

struct sm_words sm_number(double value) {
    struct sm_words words;
    char text[24];
    print_number(text, value);
    snprintf(words.s, sizeof words.s, "%s", isnan(value) ? undefined : text);
    return words;
}

struct sm_words sm_points(double difference) {
    struct sm_words words;
    double points = 100 * difference;
    if (isnan(points))
        snprintf(words.s, sizeof words.s, "%s", undefined);
    else
        snprintf(words.s, sizeof words.s, "%s%.2f", points < 0 ? "−" : "+", fabs(points));
    return words;
}

struct bounds {
    double low, high;
    const char *open, *between, *close;
};

static struct bounds interval(double low, double high) {
    return (struct bounds){low, high, " [", "," NBSP, "]"};
}

/* One number has no range. */
static struct bounds range(const struct sm_spread *spread) {
    double low = spread->n < 2 ? NAN : spread->least;
    return (struct bounds){low, spread->most, " (", NBSP "to" NBSP, ")"};
}

/* The number and its bounds behind it, where they are defined and differ. */
static struct sm_words with_bounds(struct sm_words number, struct bounds bounds,
                                   void (*print)(char text[24], double value)) {
    struct sm_words words;
    char low[24], high[24];
    if (isnan(bounds.low) || isnan(bounds.high) || bounds.low == bounds.high) return number;
    print(low, bounds.low);
    print(high, bounds.high);
    snprintf(words.s, sizeof words.s, "%.24s%s%s%s%s%s", number.s, bounds.open, low, bounds.between, high,
             bounds.close);
    return words;
}

/* fmin and fmax would make a number of an undefined bound. */
static double clip_share(double share) {
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

struct sm_words sm_percent_interval(struct sm_spread spread) {
    return with_bounds(sm_percent(spread.mean), interval(clip_share(spread.low), clip_share(spread.high)),
                       print_percent);
}

struct sm_words sm_number_interval(struct sm_spread spread) {
    return with_bounds(sm_number(spread.mean), interval(spread.low, spread.high), print_number);
}

struct sm_words sm_percent_range(struct sm_spread spread) {
    return with_bounds(sm_percent(spread.mean), range(&spread), print_percent);
}

struct sm_words sm_number_range(struct sm_spread spread) {
    return with_bounds(sm_number(spread.mean), range(&spread), print_number);
}

/* ---- small tables ---- */

void sm_grid_open(const struct sm_scope *scope, const char *const *columns) {
    fputs("<div class=\"scroll grid\"><table>\n<thead><tr>", scope->file);
    for (size_t c = 0; columns[c]; c++) {
        fputs(c == 0 ? "<th class=\"t\">" : "<th>", scope->file);
        sm_html_text(scope->file, columns[c]);
        fputs("</th>", scope->file);
    }
    fputs("</tr></thead>\n<tbody>\n", scope->file);
}

void sm_grid_row(const struct sm_scope *scope, const char *name) {
    fputs("<tr><td class=\"t\">", scope->file);
    sm_html_text(scope->file, name);
    fputs("</td>", scope->file);
}

/* In a narrow column a range may break before its "to"; where there is room a cell has one line (html.c). */
static void let_break(char *text) {
    static const char whole[] = NBSP "to" NBSP, loose[] = " to" NBSP;
    for (char *at = text; (at = strstr(at, whole)) != NULL; at += strlen(loose)) {
        memmove(at, loose, strlen(loose));
        memmove(at + strlen(loose), at + strlen(whole), strlen(at + strlen(whole)) + 1);
    }
}

void sm_grid_cell(const struct sm_scope *scope, const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) return;
    let_break(text);
    fputs("<td>", scope->file);
    sm_html_text(scope->file, text);
    fputs("</td>", scope->file);
    free(text);
}

void sm_grid_close(const struct sm_scope *scope) {
    fputs("</tbody></table></div>\n", scope->file);
}
