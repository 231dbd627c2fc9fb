/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_findings.c - what the tables say, in sentences. A finding reads one table, for one group of runs, and says
 * nothing where the table has nothing to say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <supermask/recipe.h>
#include <supermask/text.h>

#include "analyze/groups.h"
#include "analyze/html.h"
#include "analyze/report.h"
#include "analyze/tsv.h"

struct scope {
    const struct sm_report *report;
    size_t group;
    const struct sm_tsv *tsv;
    double *values; /* scratch, [rows of the table + 1] */
};

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

/* ---- the group's rows ---- */

static bool has_run(const struct scope *scope, const char *name) {
    const struct sm_analysis *analysis = scope->report->analysis;
    for (size_t i = 0; i < analysis->n_runs; i++)
        if (scope->report->groups.group[i] == scope->group && strcmp(analysis->runs[i].name, name) == 0) return true;
    return false;
}

static bool is_mine(const struct scope *scope, size_t row) {
    return has_run(scope, sm_tsv_text(scope->tsv, row, "run"));
}

static const struct sm_run *first_run(const struct scope *scope) {
    return &scope->report->analysis->runs[scope->report->groups.first[scope->group]];
}

/* Is this the last row of its run and layer (tables are written in the order of the records)? */
static bool is_last(const struct scope *scope, size_t row) {
    const struct sm_tsv *tsv = scope->tsv;
    for (size_t r = row + 1; r < tsv->n_rows; r++)
        if (sm_tsv_is(tsv, r, "run", sm_tsv_text(tsv, row, "run")) &&
            sm_tsv_is(tsv, r, "layer", sm_tsv_text(tsv, row, "layer")))
            return false;
    return true;
}

/* Estimate of a column over the group's rows of a layer (NULL: any), last ones only where asked for. */
static struct sm_estimate estimate(const struct scope *scope, const char *column, const char *layer, bool last,
                                   size_t *n) {
    *n = 0;
    for (size_t r = 0; r < scope->tsv->n_rows; r++) {
        double value = sm_tsv_real(scope->tsv, r, column);
        if (isnan(value) || (layer && !sm_tsv_is(scope->tsv, r, "layer", layer)) || !is_mine(scope, r)) continue;
        if (!last || is_last(scope, r)) scope->values[(*n)++] = value;
    }
    return *n ? sm_estimate_of(scope->values, *n) : (struct sm_estimate){NAN, NAN, NAN, NAN};
}

/* ---- how numbers are said ---- */

/* Share as a percentage: two decimals from 10 % on, else three digits. */
static const char *percent(double share, char text[32]) {
    snprintf(text, 32, share >= 0.1 ? "%.2f %%" : "%.3g %%", 100 * share);
    return text;
}

static void say_percent(FILE *file, double share) {
    char text[32];
    fputs(percent(share, text), file);
}

/* " (95 % interval of the mean over 3 runs: a to b)", or nothing for one run. */
static void say_interval(FILE *file, const struct sm_estimate *estimate, size_t n) {
    char low[32], high[32];
    if (n < 2 || isnan(estimate->low)) return;
    fprintf(file, " (95 %% interval of the mean over %zu runs: %s to %s)", n, percent(fmax(estimate->low, 0), low),
            percent(estimate->high, high));
}

static void begin(FILE *file) {
    fputs("<li>", file);
}

static void end(FILE *file) {
    fputs("</li>\n", file);
}

/* ---- findings ---- */

static const char *position(double value, const struct sm_estimate *estimate) {
    if (isnan(estimate->low))
        return value < estimate->mean ? "below it" : value > estimate->mean ? "above it" : "equal";
    return value < estimate->low    ? "below that interval"
           : value > estimate->high ? "above that interval"
                                    : "inside that interval";
}

/* Settings that are not those of the shipped recipe of that name make the published values another experiment's. */
static void say_difference(FILE *file, const struct sm_recipe *recipe) {
    struct sm_recipe shipped;
    struct sm_error ignored = {{0}};
    sm_recipe_defaults(&shipped);
    if (sm_recipe_read(&shipped, recipe->name, &ignored) != 0) return;
    shipped.weight_seed = recipe->weight_seed;
    shipped.score_seed = recipe->score_seed;
    shipped.data_seed = recipe->data_seed;
    const char *key = sm_recipe_differs(&shipped, recipe);
    if (key) sm_html_print(file, " Note that these runs do not follow the recipe as shipped: %s differs.", key);
}

static void say_published(const struct scope *scope, const struct sm_estimate *accuracy) {
    struct sm_recipe recipe;
    struct sm_error ignored = {{0}};
    FILE *file = scope->report->file;
    sm_recipe_defaults(&recipe);
    if (sm_recipe_parse(&recipe, first_run(scope)->recipe, "recipe", &ignored) != 0) return;
    if (isnan(recipe.published_accuracy)) return;
    sm_html_print(file, " Published for %s: ", recipe.name);
    say_percent(file, recipe.published_accuracy);
    if (!isnan(recipe.published_remaining)) {
        fputs(" with ", file);
        say_percent(file, recipe.published_remaining);
        fputs(" remaining", file);
    }
    fprintf(file, "; that accuracy lies %s.", position(recipe.published_accuracy, accuracy));
    say_difference(file, &recipe);
}

static void find_accuracy(const struct scope *scope) {
    FILE *file = scope->report->file;
    size_t n, n_remaining;
    struct sm_estimate remaining = estimate(scope, "remaining", NULL, false, &n_remaining);
    struct sm_estimate accuracy = estimate(scope, "test_accuracy", NULL, false, &n);
    if (n_remaining == 0) return;
    begin(file);
    if (n > 0) {
        fputs("<b>Test accuracy ", file);
        say_percent(file, accuracy.mean);
        fputs("</b>", file);
        say_interval(file, &accuracy, n);
        fputs(", with ", file);
    }
    fputs("<b>", file);
    say_percent(file, remaining.mean);
    fprintf(file, " of %zu weights remaining</b>", sm_network_weights(&first_run(scope)->net));
    say_interval(file, &remaining, n_remaining);
    fputs(".", file);
    if (n > 0) say_published(scope, &accuracy);
    end(file);
}

static void find_paths(const struct scope *scope) {
    FILE *file = scope->report->file;
    size_t n;
    struct sm_estimate remaining = estimate(scope, "remaining", NULL, false, &n);
    struct sm_estimate effective = estimate(scope, "effective_remaining", NULL, false, &n);
    if (n == 0 || !(remaining.mean > 0)) return;
    double off = 1 - effective.mean / remaining.mean;
    begin(file);
    if (off > 0) {
        say_percent(file, off);
        fputs(" of the remaining weights lie on no path from the input to the output: on paths are ", file);
        say_percent(file, effective.mean);
        fputs(" of all weights.", file);
    } else {
        fputs("Every remaining weight lies on a path from the input to the output.", file);
    }
    end(file);
}

static void find_layers(const struct scope *scope) {
    FILE *file = scope->report->file;
    const struct sm_network *net = &first_run(scope)->net;
    double least = INFINITY, most = -INFINITY;
    size_t thin = 0, dense = 0, n;
    for (size_t l = 0; l < net->n_layers; l++) {
        double mean = estimate(scope, "remaining", net->layers[l].name, true, &n).mean;
        if (mean < least) least = mean, thin = l;
        if (mean > most) most = mean, dense = l;
    }
    if (thin == dense || !isfinite(least)) return;
    begin(file);
    sm_html_print(file, "The thinnest layer is %s: ", net->layers[thin].name);
    say_percent(file, least);
    sm_html_print(file, " of its weights remain. The densest is %s with ", net->layers[dense].name);
    say_percent(file, most);
    fputs(".", file);
    end(file);
}

/* One run: the table's Wilson interval of the last record. */
static struct sm_estimate wilson(const struct scope *scope) {
    struct sm_estimate found = {NAN, NAN, NAN, NAN};
    for (size_t r = 0; r < scope->tsv->n_rows; r++)
        if (sm_tsv_is(scope->tsv, r, "layer", SM_ALL_LAYERS) && is_mine(scope, r))
            found = (struct sm_estimate){.mean = sm_tsv_real(scope->tsv, r, "inverted_share"),
                                         .sd = NAN,
                                         .low = sm_tsv_real(scope->tsv, r, "inverted_low"),
                                         .high = sm_tsv_real(scope->tsv, r, "inverted_high")};
    return found;
}

static void find_inverted(const struct scope *scope) {
    FILE *file = scope->report->file;
    char low[32], high[32];
    size_t n;
    struct sm_estimate share = estimate(scope, "inverted_share", SM_ALL_LAYERS, true, &n);
    if (n == 0) return;
    if (n == 1) share = wilson(scope);
    begin(file);
    say_percent(file, share.mean);
    fprintf(file, " of the remaining weights are inverted (95 %% interval %s: %s to %s), ",
            n == 1 ? "by Wilson" : "of the mean", percent(fmax(share.low, 0), low), percent(share.high, high));
    fputs(share.low <= 0.5 && share.high >= 0.5 ? "which is compatible with one half."
          : share.mean < 0.5                    ? "which is less than one half."
                                                : "which is more than one half.",
          file);
    end(file);
}

/* Flips of the whole network in the first (or last) recorded interval, mean over the runs; NaN without any. */
static double flip_rate(const struct scope *scope, bool last) {
    const struct sm_tsv *tsv = scope->tsv;
    double sum = 0;
    size_t n = 0;
    for (size_t r = 0; r < tsv->n_rows; r++) {
        if (!sm_tsv_is(tsv, r, "layer", SM_ALL_LAYERS) || !is_mine(scope, r)) continue;
        bool wanted = last ? is_last(scope, r) : sm_tsv_real(tsv, r, "from_step") == 0;
        if (!wanted) continue;
        sum += sm_tsv_real(tsv, r, "flip_rate");
        n++;
    }
    return n ? sum / (double)n : NAN;
}

static void find_flips(const struct scope *scope) {
    FILE *file = scope->report->file;
    double first = flip_rate(scope, false), last = flip_rate(scope, true);
    if (isnan(first) || isnan(last)) return;
    begin(file);
    fputs("Between the first two records ", file);
    say_percent(file, first);
    fputs(" of all weights changed state; between the last two ", file);
    if (last > 0)
        say_percent(file, last);
    else
        fputs("none", file);
    fputs(last > 0 ? " still did." : " did.", file);
    end(file);
}

/* First step of a run at which at least `share` of all weights are settled; NaN where never. */
static double settled_at(const struct scope *scope, const char *run, double share) {
    const struct sm_tsv *tsv = scope->tsv;
    for (size_t r = 0; r < tsv->n_rows; r++)
        if (sm_tsv_is(tsv, r, "layer", SM_ALL_LAYERS) && sm_tsv_is(tsv, r, "run", run) &&
            sm_tsv_real(tsv, r, "settled") >= share)
            return sm_tsv_real(tsv, r, "step");
    return NAN;
}

static void find_settling(const struct scope *scope) {
    FILE *file = scope->report->file;
    const struct sm_run *run = first_run(scope);
    double half = settled_at(scope, run->name, 0.5), most = settled_at(scope, run->name, 0.99);
    if (isnan(half) || isnan(most)) return;
    begin(file);
    sm_html_print(file,
                  "In run %s, half of the weights have their final state by step %.0f and 99 %% by step %.0f of %.0f.",
                  run->name, half, most, (double)run->step[run->n_records - 1]);
    end(file);
}

/* Sums over the pairs of runs of the group, for one layer and one way of comparing. */
struct overlap {
    double jaccard, expected;
    size_t n, significant;
};

static struct overlap overlap_of(const struct scope *scope, const char *layer, const char *alignment,
                                 const char *null) {
    const struct sm_tsv *tsv = scope->tsv;
    struct overlap sum = {0};
    for (size_t r = 0; r < tsv->n_rows; r++) {
        double jaccard = sm_tsv_real(tsv, r, "jaccard"), expected = sm_tsv_real(tsv, r, "expected_jaccard");
        if (!sm_tsv_is(tsv, r, "layer", layer) || !sm_tsv_is(tsv, r, "compare", "mask") || isnan(jaccard) ||
            isnan(expected) || !sm_tsv_is(tsv, r, "alignment", alignment) || !sm_tsv_is(tsv, r, "null", null) ||
            !has_run(scope, sm_tsv_text(tsv, r, "run_a")) || !has_run(scope, sm_tsv_text(tsv, r, "run_b")))
            continue;
        sum.jaccard += jaccard;
        sum.expected += expected;
        sum.significant += sm_tsv_real(tsv, r, "p_holm") < 0.05;
        sum.n++;
    }
    if (sum.n) {
        sum.jaccard /= (double)sum.n;
        sum.expected /= (double)sum.n;
    }
    return sum;
}

static void say_overlap(FILE *file, const char *layer, const struct overlap *found) {
    begin(file);
    sm_html_print(file,
                  "Two runs' masks of %s have a Jaccard similarity of %.3g as found, where independent masks of the "
                  "same densities would have %.3g; %zu of %zu pair%s overlap more than that (p < 0.05, Holm).",
                  layer, found->jaccard, found->expected, found->significant, found->n, plural(found->n));
    end(file);
}

static void say_aligned(const struct scope *scope, const char *layer) {
    struct overlap found = overlap_of(scope, layer, "aligned", "degree");
    if (found.n == 0) return;
    begin(scope->report->file);
    sm_html_print(scope->report->file,
                  "With the hidden units of %s aligned the similarity is %.3g, where masks of the same fan-ins and "
                  "fan-outs reach %.3g when aligned alike.",
                  layer, found.jaccard, found.expected);
    end(scope->report->file);
}

static void find_overlap(const struct scope *scope) {
    const struct sm_layer *layer = &first_run(scope)->net.layers[0];
    struct overlap found = overlap_of(scope, layer->name, "raw", "independent");
    if (found.n == 0) return;
    say_overlap(scope->report->file, layer->name, &found);
    say_aligned(scope, layer->name);
}

static void find_units(const struct scope *scope) {
    FILE *file = scope->report->file;
    const struct sm_layer *layer = &first_run(scope)->net.layers[0];
    size_t n;
    double units = estimate(scope, "units", layer->name, false, &n).mean;
    double fed = estimate(scope, "fed", layer->name, false, &n).mean;
    double both = estimate(scope, "both", layer->name, false, &n).mean;
    if (n == 0 || !(units > 0)) return;
    begin(file);
    sm_html_print(
        file, "Of the %.0f units of %s, %.4g are fed by the input and %.4g of these are read by the next layer%s.",
        units, layer->name, fed, both, scope->report->groups.size[scope->group] > 1 ? " (means over the runs)" : "");
    end(file);
}

/* ---- all of them ---- */

static const struct finding {
    const char *table;
    void (*say)(const struct scope *scope);
} findings[] = {
    {"summary", find_accuracy}, {"summary", find_paths},     {"ratios", find_layers},   {"ratios", find_inverted},
    {"flips", find_flips},      {"settling", find_settling}, {"overlap", find_overlap}, {"interfaces", find_units},
};

static int say_finding(const struct sm_report *report, size_t group, const struct finding *finding,
                       struct sm_error *err) {
    struct sm_tsv tsv = {0};
    int status = 0;
    char *path = sm_format("%s/%s.tsv", report->directory, finding->table);
    if (!path) return sm_fail(err, "index.html: out of memory");
    if (access(path, F_OK) == 0) {
        status = sm_tsv_read(&tsv, path, err);
        double *values = status == 0 ? calloc(tsv.n_rows + 1, sizeof *values) : NULL;
        if (status == 0 && !values) status = sm_fail(err, "index.html: out of memory");
        if (status == 0) finding->say(&(struct scope){report, group, &tsv, values});
        free(values);
    }
    sm_tsv_destroy(&tsv);
    free(path);
    return status;
}

static void write_heading(const struct sm_report *report, size_t group) {
    const struct sm_run *run = &report->analysis->runs[report->groups.first[group]];
    size_t n = report->groups.size[group];
    fputs("<p class=\"lead\">", report->file);
    if (report->groups.n_groups > 1) sm_html_print(report->file, "%s: ", report->groups.label[group]);
    sm_html_print(report->file, "%zu run%s of %s on %s, method %s, %g epochs.", n, plural(n), run->net.name,
                  run->dataset, run->method, run->epoch[run->n_records - 1]);
    fputs("</p>\n<ul class=\"findings\">\n", report->file);
}

int sm_report_findings(const struct sm_report *report, struct sm_error *err) {
    for (size_t g = 0; g < report->groups.n_groups; g++) {
        write_heading(report, g);
        for (size_t i = 0; i < sizeof findings / sizeof *findings; i++)
            if (say_finding(report, g, &findings[i], err) != 0) return -1;
        fputs("</ul>\n", report->file);
    }
    return 0;
}
