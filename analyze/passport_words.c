/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport_words.c - what a unit's page says in sentences, bars and small tables; every number from the tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/html.h"
#include "analyze/passport_page.h"
#include "analyze/runs.h"

enum { MOST_CHIPS = 100 };

/* 0.0000123 -> "0.0012 %", 0.018 -> "1.8 %", 0.5 -> "50 %": two significant digits. */
static void write_percent(FILE *file, double share) {
    double percent = 100 * share;
    int digits = percent >= 9.95 || percent <= 0 ? 0 : percent >= 0.995 ? 1 : (int)ceil(1 - log10(percent));
    fprintf(file, "%.*f %%", digits > 6 ? 6 : digits, percent);
}

/* ---- who is on the other side ---- */

/* The units on one side: "pixels", "units of dense2", or NULL where a weight does not stand for one unit. */
struct neighbours {
    const char *what, *layer;
};

static struct neighbours neighbours_in(const struct sm_passport_unit *unit) {
    const struct sm_layer *layer = &unit->graph->net->layers[unit->level - 1];
    size_t level = sm_graph_feeding_level(unit->graph, unit->level - 1, 0);
    bool one_by_one = layer->n_inputs == 1 && sm_layer_fan_in(layer) == sm_graph_level_units(unit->graph, level);
    if (!one_by_one) return (struct neighbours){NULL, ""};
    if (level > 0) return (struct neighbours){"units of ", sm_graph_level_name(unit->graph, level)};
    return (struct neighbours){unit->graph->net->input_height > 1 ? "pixels" : "inputs", ""};
}

static struct neighbours neighbours_out(const struct sm_passport_unit *unit) {
    if (sm_unit_n_outgoing(unit) != 1) return (struct neighbours){NULL, ""};
    const struct sm_unit_weights block = sm_unit_outgoing(unit, 0);
    if (block.n != 1) return (struct neighbours){NULL, ""};
    return (struct neighbours){"units of ", sm_graph_level_name(unit->graph, block.layer + 1)};
}

/* ---- the summary ---- */

static void write_reading(const struct sm_passport_page *page) {
    const struct neighbours other = neighbours_in(&page->passport->subject);
    double fan_in = sm_page_value(page, "fan_in");
    sm_html_print(page->file, "Reads %.0f of %.0f %s%s", fan_in, sm_page_value(page, "possible_in"),
                  other.what ? other.what : "weights", other.layer);
    if (fan_in > 0)
        fprintf(page->file, ", %.0f kept and %.0f inverted", sm_page_value(page, "kept_in"),
                sm_page_value(page, "inverted_in"));
    fputs("; ", page->file);
}

static void write_being_read(const struct sm_passport_page *page) {
    const struct neighbours other = neighbours_out(&page->passport->subject);
    bool first = page->passport->subject.level == 0;
    sm_html_print(page->file, "%s read %s%.0f of %.0f %s%s; ", first ? "Is" : "is", other.what ? "by " : "through ",
                  sm_page_value(page, "fan_out"), sm_page_value(page, "possible_out"),
                  other.what ? other.what : "outgoing weights", other.layer);
}

static void write_ablation(const struct sm_passport_page *page) {
    double drop = sm_page_value(page, "ablation_accuracy_drop");
    if (isnan(drop)) return;
    if (fabs(drop) < 5e-7)
        fputs("; without it the network is as accurate as with it", page->file);
    else
        fprintf(page->file, "; without it the network %s %.2f percentage points of accuracy",
                drop > 0 ? "loses" : "gains", 100 * fabs(drop));
}

void sm_page_summary(const struct sm_passport_page *page) {
    if (!isnan(sm_page_value(page, "fan_in"))) write_reading(page);
    if (!isnan(sm_page_value(page, "fan_out"))) write_being_read(page);
    double share = sm_page_value(page, "path_share");
    if (!(share > 0)) {
        fputs("no route from input to output leads through it", page->file);
    } else {
        fputs("lies on ", page->file);
        write_percent(page->file, share);
        fprintf(page->file, " of all routes, rank %g of %zu in its layer", sm_page_rank(page, "log10_paths"),
                sm_page_layer_units(page));
    }
    write_ablation(page);
    fputs(".", page->file);
}

/* ---- one side ---- */

struct part {
    double count;
    const char *word;
};

/* Two parts of a whole as a bar. */
static void write_bar(FILE *file, const struct part *left, const struct part *right) {
    double sum = left->count + right->count;
    if (!(sum > 0)) return;
    fputs("<div class=\"bar\">", file);
    for (int k = 0; k < 2; k++) {
        const struct part *part = k == 0 ? left : right;
        if (part->count > 0)
            fprintf(file, "<span class=\"%s\" style=\"width:%.1f%%\" title=\"%.0f %s\">%.0f %s</span>",
                    k == 0 ? "plus" : "minus", 100 * part->count / sum, part->count, part->word, part->count,
                    part->word);
    }
    fputs("</div>\n", file);
}

struct chip {
    size_t row;
    double importance;
};

/* The most routes first; of equals the first in the table. */
static int by_importance(const void *a, const void *b) {
    const struct chip *x = a, *y = b;
    if (x->importance != y->importance) return x->importance < y->importance ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static void write_chip(const struct sm_passport_page *page, const struct chip *chip, bool several_layers) {
    const struct sm_tsv *tsv = &page->links;
    double weight = sm_tsv_real(tsv, chip->row, "weight"), inverted = sm_tsv_real(tsv, chip->row, "inverted");
    fprintf(page->file, "<span class=\"chip %s%s%s\" title=\"",
            weight > 0   ? "plus"
            : weight < 0 ? "minus"
                         : "none",
            inverted > sm_tsv_real(tsv, chip->row, "kept") ? " inv" : "", isinf(chip->importance) ? " off" : "");
    sm_html_print(page->file, "%s %s: %s kept, %s inverted, w g = %.3g%s", sm_tsv_text(tsv, chip->row, "layer"),
                  sm_tsv_text(tsv, chip->row, "unit"), sm_tsv_text(tsv, chip->row, "kept"),
                  sm_tsv_text(tsv, chip->row, "inverted"), weight, isinf(chip->importance) ? ", dead" : "");
    fputs("\">", page->file);
    if (several_layers) sm_html_print(page->file, "%s:", sm_tsv_text(tsv, chip->row, "layer"));
    fprintf(page->file, "%s</span>", sm_tsv_text(tsv, chip->row, "unit"));
}

static void write_chips(const struct sm_passport_page *page, const char *direction) {
    const struct sm_tsv *tsv = &page->links;
    struct chip *chips = calloc(tsv->n_rows + 1, sizeof *chips);
    size_t n = 0;
    bool several = false;
    for (size_t row = 0; chips && row < tsv->n_rows; row++) {
        if (!sm_tsv_is(tsv, row, "direction", direction)) continue;
        several |= n > 0 && !sm_tsv_is(tsv, chips[0].row, "layer", sm_tsv_text(tsv, row, "layer"));
        chips[n++] = (struct chip){row, sm_tsv_real(tsv, row, "log10_paths")};
    }
    if (n > 0) {
        qsort(chips, n, sizeof *chips, by_importance);
        fputs("<div class=\"chips\">", page->file);
        for (size_t i = 0; i < n && i < MOST_CHIPS; i++) write_chip(page, &chips[i], several);
        if (n > MOST_CHIPS) fprintf(page->file, " and %zu more", n - MOST_CHIPS);
        fputs("</div>\n", page->file);
    }
    free(chips);
}

static void write_share_of(const struct sm_passport_page *page, bool incoming) {
    double fan = sm_page_value(page, incoming ? "fan_in" : "fan_out");
    double possible = sm_page_value(page, incoming ? "possible_in" : "possible_out");
    fprintf(page->file, "<p>%.0f of %.0f %s weights remain", fan, possible, incoming ? "incoming" : "outgoing");
    if (possible > 0 && fan > 0) {
        fputs(" (", page->file);
        write_percent(page->file, fan / possible);
        fputs(")", page->file);
    }
    fputs(".</p>\n", page->file);
}

void sm_page_side(const struct sm_passport_page *page, bool incoming) {
    if (isnan(sm_page_value(page, incoming ? "fan_in" : "fan_out"))) {
        fputs(incoming ? "<p>It is an input: it reads nothing.</p>\n" : "<p>It is an output: nothing reads it.</p>\n",
              page->file);
        return;
    }
    const struct part kept = {sm_page_value(page, incoming ? "kept_in" : "kept_out"), "kept"};
    const struct part inverted = {sm_page_value(page, incoming ? "inverted_in" : "inverted_out"), "inverted"};
    const struct part positive = {sm_page_value(page, incoming ? "positive_in" : "positive_out"), "add"};
    const struct part negative = {sm_page_value(page, incoming ? "negative_in" : "negative_out"), "subtract"};
    write_share_of(page, incoming);
    write_bar(page->file, &kept, &inverted);
    write_bar(page->file, &positive, &negative);
    const struct neighbours other =
        incoming ? neighbours_in(&page->passport->subject) : neighbours_out(&page->passport->subject);
    if (other.what && strcmp(other.what, "pixels") == 0) return; /* the picture shows them */
    write_chips(page, incoming ? "in" : "out");
    if (sm_page_value(page, incoming ? "fan_in" : "fan_out") > 0)
        fputs("<p class=\"files\">By number, those on most routes first; blue adds, vermilion subtracts, a dot: "
              "inverted, pale: dead.</p>\n",
              page->file);
}

/* ---- ranks ---- */

static const struct {
    const char *measure, *words;
} ranked[] = {
    {"fan_in", "fan-in"},
    {"strength_in", "strength in, Σ|v|"},
    {"fan_out", "fan-out"},
    {"strength_out", "strength out, Σ|v|"},
    {"log10_paths", "routes, log₁₀"},
    {"log10_synflow", "SynFlow, log₁₀"},
    {"ablation_accuracy_drop", "accuracy lost without it"},
};

static void write_rank(const struct sm_passport_page *page, size_t i) {
    double value = sm_page_value(page, ranked[i].measure), rank = sm_page_rank(page, ranked[i].measure);
    double n = (double)sm_page_layer_units(page);
    if (isnan(rank)) return;
    fprintf(page->file, "<tr><td class=\"t\">%s</td><td title=\"%.17g\">", ranked[i].words, value);
    if (strcmp(ranked[i].measure, "ablation_accuracy_drop") == 0)
        fprintf(page->file, "%.2f %%", fabs(value) < 5e-7 ? 0 : 100 * value);
    else if (isinf(value))
        fputs("none", page->file);
    else
        fprintf(page->file, "%.4g", value);
    fprintf(page->file, "</td><td>%g of %.0f</td><td><span class=\"meter\"><i style=\"width:%.1f%%\"></i></span></td>",
            rank, n, n > 1 ? 100 * (n - rank) / (n - 1) : 100);
    fprintf(page->file, "<td>%s%.0f %%</td></tr>\n", n > 1 ? "" : "–", n > 1 ? 100 * (n - rank) / (n - 1) : 0);
}

static void write_activation(const struct sm_passport_page *page) {
    double active = sm_page_value(page, "active_share");
    if (isnan(active)) return;
    fputs("<p class=\"files\">Over the test images it puts out ", page->file);
    fprintf(page->file, "%.3g on average (standard deviation %.3g), more than 0 on ",
            sm_page_value(page, "activation_mean"), sm_page_value(page, "activation_sd"));
    write_percent(page->file, active);
    fputs(" of them.</p>\n", page->file);
}

void sm_page_ranks(const struct sm_passport_page *page) {
    fputs("<table class=\"rank\"><thead><tr><th class=\"t\">by</th><th>value</th><th>rank</th><th></th><th "
          "title=\"share of the layer's other units that rank lower\">surpasses</th></tr></thead><tbody>\n",
          page->file);
    for (size_t i = 0; i < sizeof ranked / sizeof *ranked; i++) write_rank(page, i);
    fputs("</tbody></table>\n", page->file);
    write_activation(page);
}

/* ---- history ---- */

/* The first epoch at which at least half of the remaining weights are settled; NaN without such weights. */
static double half_settled_epoch(const struct sm_tsv *tsv, const char *direction) {
    for (size_t row = 0; row < tsv->n_rows; row++)
        if (sm_tsv_is(tsv, row, "direction", direction) && sm_tsv_real(tsv, row, "remaining_settled") >= 0.5)
            return sm_tsv_real(tsv, row, "epoch");
    return NAN;
}

/* The last record in the first nine tenths of the epochs: at the very last one everything counts as settled. */
static size_t late_row(const struct sm_tsv *tsv, const char *direction) {
    double end = 0.9 * sm_tsv_real(tsv, tsv->n_rows - 1, "epoch");
    size_t found = tsv->n_rows;
    for (size_t row = 0; row < tsv->n_rows; row++)
        if (sm_tsv_is(tsv, row, "direction", direction) && sm_tsv_real(tsv, row, "epoch") <= end) found = row;
    return found;
}

/* The first epoch from which on nothing remains on that side; NaN where something does at the end, and where there is
 * no such side. */
static double lost_epoch(const struct sm_tsv *tsv, const char *direction) {
    double since = NAN;
    for (size_t row = 0; row < tsv->n_rows; row++) {
        if (!sm_tsv_is(tsv, row, "direction", direction)) continue;
        bool none = sm_tsv_real(tsv, row, "kept") + sm_tsv_real(tsv, row, "inverted") == 0;
        if (!none)
            since = NAN;
        else if (isnan(since))
            since = sm_tsv_real(tsv, row, "epoch");
    }
    return since;
}

static void write_side_history(const struct sm_passport_page *page, const char *direction, const char *weights,
                               const char *silence) {
    const struct sm_tsv *tsv = &page->settling;
    double half = half_settled_epoch(tsv, direction), lost = lost_epoch(tsv, direction);
    size_t late = late_row(tsv, direction);
    if (!isnan(lost)) fprintf(page->file, "<p>%s since epoch %g.</p>\n", silence, lost);
    if (isnan(half) || late == tsv->n_rows) return;
    fprintf(page->file, "<p>Half of the %s weights that remain at the end had their final state by epoch %g; ", weights,
            half);
    write_percent(page->file, 1 - sm_tsv_real(tsv, late, "remaining_settled"));
    fprintf(page->file, " of them still changed after epoch %g.</p>\n", sm_tsv_real(tsv, late, "epoch"));
}

void sm_page_history(const struct sm_passport_page *page) {
    if (page->passport->subject.moment->run->n_records < 2) {
        fputs("<p>The run has a single record: there is no history.</p>\n", page->file);
        return;
    }
    if (page->passport->subject.moment->run->samples_masks) {
        fputs("<p>The masks of this run are samples, drawn anew for each record: when its weights came to be what they "
              "are cannot be seen in them.</p>\n",
              page->file);
        return;
    }
    write_side_history(page, "in", "incoming", "It has read nothing");
    write_side_history(page, "out", "outgoing", "Nothing has read it");
}

/* ---- counterparts ---- */

struct likeness {
    size_t n, n_counterparts, n_best;
    double low, high, median; /* share alike; the largest of the layers' medians */
};

static struct likeness likeness_of(const struct sm_passport_page *page) {
    const struct sm_tsv *tsv = &page->partners;
    bool incoming = page->passport->subject.level > 0;
    struct likeness all = {.n = tsv->n_rows, .low = INFINITY, .high = -INFINITY, .median = NAN};
    for (size_t row = 0; row < tsv->n_rows; row++) {
        if (!sm_tsv_is(tsv, row, "counterpart", "1")) continue;
        double alike = incoming ? sm_tsv_real(tsv, row, "alike_in")
                                : sm_tsv_real(tsv, row, "jaccard_out") * sm_tsv_real(tsv, row, "sign_agreement_out");
        all.n_counterparts++;
        all.n_best += sm_tsv_real(tsv, row, "better_in") == 0;
        all.low = fmin(all.low, alike);
        all.high = fmax(all.high, alike);
        all.median = fmax(all.median, sm_tsv_real(tsv, row, "median_alike_in"));
    }
    return all;
}

static void write_alike(FILE *file, const struct likeness *all, bool incoming) {
    fprintf(file, ": of the places %s, ", incoming ? "that one or both read" : "by which one or both are read");
    if (100 * (all->high - all->low) >= 1) fprintf(file, "%.0f to ", 100 * all->low);
    fprintf(file, "%.0f %% are common and have the same sign", 100 * all->high);
    if (!isnan(all->median))
        fprintf(file, " (the median unit of its layer: %s%.0f %%). ", all->n_counterparts > 1 ? "at most " : "",
                100 * all->median);
    else
        fputs(". ", file);
    if (!incoming) return;
    if (all->n_best == 0)
        fputs("In each of them another unit of the layer resembles it more: the match serves the whole network.", file);
    else
        fprintf(file, "In %zu of them no unit of the layer resembles it more.", all->n_best);
}

void sm_page_counterparts(const struct sm_passport_page *page) {
    const struct sm_passport_unit *unit = &page->passport->subject;
    const struct likeness all = likeness_of(page);
    bool hidden = unit->level > 0 && unit->level + 1 < unit->graph->n_levels;
    if (all.n == 0) {
        fputs("Name more runs of the same network to see its counterparts there.", page->file);
        return;
    }
    fprintf(page->file, "%s It has a counterpart in %zu of %zu other run%s",
            hidden ? "Hidden units are matched between runs by the signs of their effective weights."
                   : "Inputs and outputs are the same units in every run.",
            all.n_counterparts, all.n, all.n == 1 ? "" : "s");
    if (all.n_counterparts > 0)
        write_alike(page->file, &all, unit->level > 0);
    else
        fputs(".", page->file);
}
