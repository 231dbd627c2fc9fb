/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/sheets.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <supermask/text.h>

#include "analyze/groups.h"

static const size_t NONE = SIZE_MAX;

/* ---- names ---- */

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const struct sm_names_entry *)a)->name, ((const struct sm_names_entry *)b)->name);
}

static size_t find_name(const struct sm_names *names, const char *name) {
    const struct sm_names_entry key = {.name = name};
    const struct sm_names_entry *found =
        names->n ? bsearch(&key, names->entry, names->n, sizeof key, compare_entries) : NULL;
    return found ? found->index : NONE;
}

static void put_name(struct sm_names *names, const char *name, size_t index) {
    names->entry[names->n++] = (struct sm_names_entry){name, index};
}

static void sort_names(struct sm_names *names) {
    qsort(names->entry, names->n, sizeof *names->entry, compare_entries);
}

static int read_run_names(struct sm_names *names, const struct sm_analysis *analysis) {
    names->entry = calloc(analysis->n_runs + 1, sizeof *names->entry);
    if (!names->entry) return -1;
    for (size_t i = 0; i < analysis->n_runs; i++) put_name(names, analysis->runs[i].name, i);
    sort_names(names);
    return 0;
}

static int read_labels(struct sm_names *names, const struct sm_seed_groups *groups) {
    names->entry = calloc(groups->n_groups + 1, sizeof *names->entry);
    if (!names->entry) return -1;
    for (size_t g = 0; g < groups->n_groups; g++) put_name(names, groups->label[g], g);
    sort_names(names);
    return 0;
}

/* Each name once, numbered in alphabetical order. */
static void make_distinct(struct sm_names *names) {
    size_t n = 0;
    sort_names(names);
    for (size_t i = 0; i < names->n; i++)
        if (n == 0 || strcmp(names->entry[n - 1].name, names->entry[i].name) != 0) names->entry[n++] = names->entry[i];
    names->n = n;
    for (size_t i = 0; i < n; i++) names->entry[i].index = i;
}

/* Layers of all networks, and what stands in their place. */
static int read_layer_names(struct sm_names *names, const struct sm_analysis *analysis) {
    static const char *const others[] = {"", "input", SM_ALL_LAYERS};
    size_t most = sizeof others / sizeof *others;
    for (size_t i = 0; i < analysis->n_runs; i++) most += analysis->runs[i].net.n_layers;
    names->entry = calloc(most, sizeof *names->entry);
    if (!names->entry) return -1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) put_name(names, others[i], 0);
    for (size_t i = 0; i < analysis->n_runs; i++)
        for (size_t l = 0; l < analysis->runs[i].net.n_layers; l++)
            put_name(names, analysis->runs[i].net.layers[l].name, 0);
    make_distinct(names);
    return 0;
}

int sm_sheets_init(struct sm_sheets *sheets, const char *directory, const struct sm_analysis *analysis,
                   const struct sm_seed_groups *groups, struct sm_error *err) {
    *sheets = (struct sm_sheets){.directory = directory, .groups = groups};
    if (read_run_names(&sheets->runs, analysis) == 0 && read_labels(&sheets->labels, groups) == 0 &&
        read_layer_names(&sheets->layers, analysis) == 0)
        return 0;
    return sm_fail(err, "%s: out of memory", directory);
}

/* ---- a table and its rows ---- */

static size_t group_of_run(const struct sm_sheets *sheets, const char *name) {
    size_t run = find_name(&sheets->runs, name);
    return run == NONE ? NONE : sheets->groups->group[run];
}

static size_t group_of_pair(const struct sm_sheets *sheets, const struct sm_tsv *tsv, size_t r) {
    size_t a = group_of_run(sheets, sm_tsv_text(tsv, r, "run_a"));
    return a == group_of_run(sheets, sm_tsv_text(tsv, r, "run_b")) ? a : NONE;
}

static size_t group_of_row(const struct sm_sheets *sheets, const struct sm_tsv *tsv, size_t r) {
    if (*sm_tsv_text(tsv, r, "run")) return group_of_run(sheets, sm_tsv_text(tsv, r, "run"));
    if (*sm_tsv_text(tsv, r, "run_a")) return group_of_pair(sheets, tsv, r);
    return find_name(&sheets->labels, sm_tsv_text(tsv, r, "group"));
}

static size_t slot_of_row(const struct sm_sheets *sheets, const struct sm_tsv *tsv, size_t r) {
    size_t group = group_of_row(sheets, tsv, r), layer = find_name(&sheets->layers, sm_tsv_text(tsv, r, "layer"));
    return group == NONE || layer == NONE ? NONE : group * sheets->layers.n + layer;
}

static size_t run_of_row(const struct sm_sheets *sheets, const struct sm_tsv *tsv, size_t r) {
    const char *name = sm_tsv_text(tsv, r, "run");
    return find_name(&sheets->runs, *name ? name : sm_tsv_text(tsv, r, "run_a"));
}

/* Counting sort: start[s] is first the number of rows before slot s, then moves on as they are placed. */
static void place_rows(struct sm_sheet *sheet, const size_t *slot, size_t n_slots) {
    size_t n = sheet->tsv.n_rows;
    for (size_t r = 0; r < n; r++)
        if (slot[r] != NONE) sheet->start[slot[r] + 1]++;
    for (size_t s = 0; s < n_slots; s++) sheet->start[s + 1] += sheet->start[s];
    for (size_t r = 0; r < n; r++)
        if (slot[r] != NONE) sheet->row[sheet->start[slot[r]]++] = r;
    for (size_t s = n_slots; s > 0; s--) sheet->start[s] = sheet->start[s - 1];
    sheet->start[0] = 0;
}

static int sort_rows(struct sm_sheet *sheet, const struct sm_sheets *sheets, struct sm_error *err) {
    size_t n = sheet->tsv.n_rows, n_slots = sheets->groups->n_groups * sheets->layers.n;
    size_t *slot = calloc(n + 1, sizeof *slot);
    sheet->run = calloc(n + 1, sizeof *sheet->run);
    sheet->row = calloc(n + 1, sizeof *sheet->row);
    sheet->start = calloc(n_slots + 2, sizeof *sheet->start);
    bool whole = slot && sheet->run && sheet->row && sheet->start;
    for (size_t r = 0; whole && r < n; r++) {
        slot[r] = slot_of_row(sheets, &sheet->tsv, r);
        sheet->run[r] = run_of_row(sheets, &sheet->tsv, r);
    }
    if (whole) place_rows(sheet, slot, n_slots);
    free(slot);
    return whole ? 0 : sm_fail(err, "%s.tsv: out of memory", sheet->name);
}

static void sheet_free(struct sm_sheet *sheet) {
    if (!sheet) return;
    sm_tsv_destroy(&sheet->tsv);
    free(sheet->name);
    free(sheet->run);
    free(sheet->start);
    free(sheet->row);
    free(sheet);
}

static struct sm_sheet *read_sheet(struct sm_sheets *sheets, const char *table, const char *path) {
    struct sm_sheet *sheet = calloc(1, sizeof *sheet);
    if (sheet) sheet->name = strdup(table);
    if (!sheet || !sheet->name || sheets->n == SM_MOST_SHEETS) {
        sm_fail(&sheets->err, "%s: out of memory", path);
    } else {
        sheet->layers = &sheets->layers;
        sheet->n_layers = sheets->layers.n;
        if (sm_tsv_read(&sheet->tsv, path, &sheets->err) == 0 && sort_rows(sheet, sheets, &sheets->err) == 0)
            return sheet;
    }
    sheets->failed = true;
    sheet_free(sheet);
    return NULL;
}

const struct sm_sheet *sm_sheets_find(struct sm_sheets *sheets, const char *table) {
    for (size_t i = 0; i < sheets->n; i++)
        if (strcmp(sheets->sheet[i]->name, table) == 0) return sheets->sheet[i];
    char *path = sm_format("%s/%s.tsv", sheets->directory, table);
    struct sm_sheet *sheet = path && access(path, F_OK) == 0 ? read_sheet(sheets, table, path) : NULL;
    if (sheet) sheets->sheet[sheets->n++] = sheet;
    free(path);
    return sheet;
}

int sm_sheets_status(const struct sm_sheets *sheets, struct sm_error *err) {
    return sheets->failed ? sm_fail(err, "%s", sheets->err.text) : 0;
}

bool sm_sheets_has_group(struct sm_sheets *sheets, const char *table, size_t group) {
    const struct sm_sheet *sheet = sm_sheets_find(sheets, table);
    for (size_t r = 0; sheet && r < sheet->tsv.n_rows; r++)
        if (group_of_row(sheets, &sheet->tsv, r) == group) return true;
    return false;
}

void sm_sheets_destroy(struct sm_sheets *sheets) {
    for (size_t i = 0; i < sheets->n; i++) sheet_free(sheets->sheet[i]);
    free(sheets->runs.entry);
    free(sheets->layers.entry);
    free(sheets->labels.entry);
    *sheets = (struct sm_sheets){0};
}

/* ---- rows ---- */

struct sm_rows sm_sheet_rows(const struct sm_sheet *sheet, size_t group, const char *layer) {
    size_t name = sheet ? find_name(sheet->layers, layer) : NONE;
    if (name == NONE) return (struct sm_rows){0};
    const size_t *start = sheet->start + group * sheet->n_layers + name;
    return (struct sm_rows){sheet, sheet->row + start[0], start[1] - start[0]};
}

const char *sm_rows_text(const struct sm_rows *rows, size_t i, const char *column) {
    return sm_tsv_text(&rows->sheet->tsv, rows->row[i], column);
}

double sm_rows_real(const struct sm_rows *rows, size_t i, const char *column) {
    return sm_tsv_real(&rows->sheet->tsv, rows->row[i], column);
}

size_t sm_rows_run(const struct sm_rows *rows, size_t i) {
    return rows->sheet->run[rows->row[i]];
}

bool sm_rows_match(const struct sm_rows *rows, size_t i, const struct sm_where *where) {
    for (; where && where->column; where++)
        if (strcmp(sm_rows_text(rows, i, where->column), where->value) != 0) return false;
    return true;
}

bool sm_rows_is_last(const struct sm_rows *rows, size_t i) {
    return i + 1 == rows->n || sm_rows_run(rows, i) != sm_rows_run(rows, i + 1);
}

/* ---- spreads ---- */

struct sm_spread sm_spread_of(const double *values, size_t n) {
    struct sm_estimate estimate = sm_estimate_of(values, n);
    struct sm_spread spread = {n, estimate.mean, estimate.low, estimate.high, NAN, NAN};
    for (size_t i = 0; i < n; i++) {
        spread.least = fmin(spread.least, values[i]);
        spread.most = fmax(spread.most, values[i]);
    }
    return spread;
}

static struct sm_spread spread_rows(const struct sm_rows *rows, const char *column, const struct sm_where *where,
                                    bool last) {
    double *values = calloc(rows->n + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; values && i < rows->n; i++) {
        if ((last && !sm_rows_is_last(rows, i)) || !sm_rows_match(rows, i, where)) continue;
        double value = sm_rows_real(rows, i, column);
        if (!isnan(value)) values[n++] = value;
    }
    struct sm_spread spread = sm_spread_of(values, n);
    free(values);
    return spread;
}

struct sm_spread sm_rows_spread(const struct sm_rows *rows, const char *column, const struct sm_where *where) {
    return spread_rows(rows, column, where, false);
}

struct sm_spread sm_rows_spread_last(const struct sm_rows *rows, const char *column) {
    return spread_rows(rows, column, NULL, true);
}
