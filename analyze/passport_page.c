/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passport_page.c - OUT/passport.html. */
#include "analyze/passport_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <supermask/outfile.h>
#include <supermask/text.h>

#include "analyze/html.h"
#include "analyze/passport_figures.h"

/* ---- tables and pictures ---- */

static size_t row_of(const struct sm_passport_page *page, const char *measure) {
    size_t row = 0;
    while (row < page->measures.n_rows && !sm_tsv_is(&page->measures, row, "measure", measure)) row++;
    return row;
}

double sm_page_value(const struct sm_passport_page *page, const char *measure) {
    size_t row = row_of(page, measure);
    return row < page->measures.n_rows ? sm_tsv_real(&page->measures, row, "value") : NAN;
}

double sm_page_rank(const struct sm_passport_page *page, const char *measure) {
    size_t row = row_of(page, measure);
    return row < page->measures.n_rows ? sm_tsv_real(&page->measures, row, "rank") : NAN;
}

const char *sm_page_layer(const struct sm_passport_page *page) {
    const struct sm_passport_unit *unit = &page->passport->subject;
    return sm_graph_level_name(unit->graph, unit->level);
}

size_t sm_page_layer_units(const struct sm_passport_page *page) {
    const struct sm_passport_unit *unit = &page->passport->subject;
    return sm_graph_level_units(unit->graph, unit->level);
}

static char *picture_path(const struct sm_passport_page *page, const char *name, size_t number) {
    char *relative = sm_figure_path(sm_passport_figure(name), number, "svg");
    char *path = relative ? sm_format("%s/%s", page->passport->analysis->options->directory, relative) : NULL;
    free(relative);
    return path;
}

bool sm_page_has_picture(const struct sm_passport_page *page, const char *name, size_t number) {
    char *path = picture_path(page, name, number);
    bool found = path && access(path, R_OK) == 0;
    free(path);
    return found;
}

int sm_page_picture(const struct sm_passport_page *page, const char *name, size_t number, const char *alt,
                    struct sm_error *err) {
    if (!sm_page_has_picture(page, name, number)) return 0;
    char *path = picture_path(page, name, number);
    int status = path ? sm_html_picture(page->file, path, alt, err) : sm_fail(err, "passport.html: out of memory");
    free(path);
    return status;
}

/* ---- the head ---- */

static void write_fact(FILE *file, const char *name, const char *value) {
    fputs("<dt>", file);
    sm_html_text(file, name);
    fputs("</dt><dd>", file);
    sm_html_text(file, *value ? value : "unknown");
    fputs("</dd>\n", file);
}

static void write_facts(const struct sm_passport_page *page) {
    const struct sm_moment *moment = page->passport->subject.moment;
    const struct sm_run *run = moment->run;
    char epoch[96], accuracy[32];
    snprintf(epoch, sizeof epoch, "%g%s%s", run->epoch[moment->record],
             moment->record + 1 < run->n_records ? ", not the last record" : "",
             run->complete ? "" : "; the run is not complete");
    fputs("<dl>\n", page->file);
    write_fact(page->file, "run", run->name);
    write_fact(page->file, "network", run->net.name);
    write_fact(page->file, "data set", run->dataset);
    write_fact(page->file, "method", run->method);
    write_fact(page->file, "epoch", epoch);
    if (!isnan(sm_page_value(page, "accuracy"))) {
        snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * sm_page_value(page, "accuracy"));
        write_fact(page->file, "test accuracy", accuracy);
    }
    fputs("</dl>\n", page->file);
}

/* How to read the picture, by what it shows: passport_field.c. */
static const char *field_words(const struct sm_passport_page *page) {
    const struct sm_passport_unit *unit = &page->passport->subject;
    const struct sm_graph *graph = unit->graph;
    if (unit->level == 0) return "Where this input stands in the image.";
    const struct sm_layer *layer = &graph->net->layers[unit->level - 1];
    bool pixels = sm_graph_level_units(graph, 0) == sm_network_inputs(graph->net);
    if (layer->kind == SM_CONV2D)
        return "Its kernels, one for each input channel. Blue adds (w g > 0), vermilion subtracts, paler is weaker; a "
               "white dot marks an inverted weight, grey is hidden.";
    if (layer->inputs[0] == SM_NETWORK_INPUT)
        return "The pixels it reads. Blue adds (w g > 0), vermilion subtracts; a white dot marks an inverted weight, "
               "grey is hidden.";
    if (pixels)
        return "Signed weight of all routes from each pixel to it: blue adds, vermilion subtracts, as far as "
               "activations can be left out. Clipped at a third of the largest.";
    return "Its incoming weights, a panel for each channel that it reads. Blue adds (w g > 0), vermilion subtracts; a "
           "white dot marks an inverted weight, grey is hidden.";
}

static int write_head(const struct sm_passport_page *page, struct sm_error *err) {
    FILE *file = page->file;
    bool alive = sm_page_value(page, "alive") > 0, photo = sm_page_has_picture(page, "passport-field", 0);
    fprintf(file, "<header class=\"id%s\">\n", photo ? "" : " bare");
    if (photo) {
        fputs("<figure class=\"photo narrow\">", file);
        if (sm_page_picture(page, "passport-field", 0, "what the unit looks at", err) != 0) return -1;
        fprintf(file, "<figcaption>%s</figcaption></figure>\n", field_words(page));
    }
    fputs("<div>\n<p class=\"kicker\">supermask · passport of a unit</p>\n<h1><span>", file);
    sm_html_print(file, "%s : %zu", sm_page_layer(page), page->passport->subject.unit);
    fprintf(file, "</span> <span class=\"state %s\">%s</span></h1>\n<p class=\"lead\">", alive ? "alive" : "dead",
            alive ? "alive" : "dead");
    sm_page_summary(page);
    fputs("</p>\n", file);
    write_facts(page);
    fputs("</div>\n</header>\n", file);
    return 0;
}

/* ---- sections ---- */

static void write_sides(const struct sm_passport_page *page) {
    fputs("<div class=\"two\">\n<section><h2>What it reads</h2>\n", page->file);
    sm_page_side(page, true);
    fputs("</section>\n<section><h2>What reads it</h2>\n", page->file);
    sm_page_side(page, false);
    fputs("</section>\n</div>\n", page->file);
}

static void write_caption(const struct sm_passport_page *page, const char *name) {
    fputs("<figcaption>", page->file);
    sm_html_text(page->file, sm_passport_figure(name)->caption);
    fputs("</figcaption>\n", page->file);
}

static int write_figure(const struct sm_passport_page *page, const char *name, struct sm_error *err) {
    if (!sm_page_has_picture(page, name, 0)) return 0;
    fputs("<figure class=\"narrow wide\">", page->file);
    int status = sm_page_picture(page, name, 0, sm_passport_figure(name)->help, err);
    write_caption(page, name);
    fputs("</figure>\n", page->file);
    return status;
}

static int write_importance(const struct sm_passport_page *page, struct sm_error *err) {
    bool output = page->passport->subject.level + 1 == page->passport->subject.graph->n_levels;
    fputs("<div class=\"two\">\n<section><h2>How much it matters</h2>\n", page->file);
    sm_page_ranks(page);
    fputs("</section>\n<section><h2>What it says to each class</h2>\n", page->file);
    if (output)
        fputs("<p>It is a class itself.</p>\n", page->file);
    else if (isinf(sm_page_value(page, "log10_paths")) && !sm_page_has_picture(page, "passport-classes", 0))
        fputs("<p>No route leads from it to a class.</p>\n", page->file);
    int status = write_figure(page, "passport-classes", err);
    fputs("</section>\n</div>\n", page->file);
    return status;
}

/* The figure, and beside it what it says. */
static int write_history(const struct sm_passport_page *page, struct sm_error *err) {
    bool drawn = sm_page_has_picture(page, "passport-settling", 0);
    int status = 0;
    fputs("<section><h2>When it was chosen</h2>\n<div class=\"two\">\n", page->file);
    if (drawn) {
        fputs("<figure class=\"narrow wide\">", page->file);
        status = sm_page_picture(page, "passport-settling", 0, sm_passport_figure("passport-settling")->help, err);
        fputs("</figure>\n", page->file);
    }
    fputs("<div class=\"beside\">\n", page->file);
    sm_page_history(page);
    if (drawn) write_caption(page, "passport-settling");
    fputs("</div>\n</div>\n</section>\n", page->file);
    return status;
}

/* ---- partners ---- */

/* Number of the run of that name. */
static size_t run_of(const struct sm_passport_page *page, const char *name) {
    const struct sm_analysis *analysis = page->passport->analysis;
    size_t i = 0;
    while (i + 1 < analysis->n_runs && strcmp(analysis->runs[i].name, name) != 0) i++;
    return i;
}

/* Incoming weights; outgoing ones where there are none. */
static void write_likeness(const struct sm_passport_page *page, size_t row) {
    const struct sm_tsv *tsv = &page->partners;
    FILE *file = page->file;
    bool incoming = page->passport->subject.level > 0;
    double jaccard = sm_tsv_real(tsv, row, incoming ? "jaccard_in" : "jaccard_out");
    double signs = sm_tsv_real(tsv, row, incoming ? "sign_agreement_in" : "sign_agreement_out");
    double better = sm_tsv_real(tsv, row, "better_in");
    if (!isnan(jaccard)) fprintf(file, "<br>Jaccard %.2f", jaccard);
    if (!isnan(signs)) fprintf(file, ", %.0f %% equal signs", 100 * signs);
    if (incoming && !isnan(jaccard))
        fprintf(file, "<br>alike %.2f, median unit %.2f", sm_tsv_real(tsv, row, "alike_in"),
                sm_tsv_real(tsv, row, "median_alike_in"));
    if (better > 0)
        fprintf(file, "<br>%.0f other unit%s %s it more", better, better > 1 ? "s" : "",
                better > 1 ? "resemble" : "resembles");
}

static void write_numbers(const struct sm_passport_page *page, size_t row) {
    const struct sm_tsv *tsv = &page->partners;
    double fan_in = sm_tsv_real(tsv, row, "fan_in"), fan_out = sm_tsv_real(tsv, row, "fan_out");
    if (!isnan(fan_in)) fprintf(page->file, "<br>reads %.0f", fan_in);
    if (!isnan(fan_out)) fprintf(page->file, "%sread by %.0f", isnan(fan_in) ? "<br>" : ", ", fan_out);
    fprintf(page->file, "<br>rank %g of %zu by routes", sm_tsv_real(tsv, row, "rank"), sm_page_layer_units(page));
}

/* An input looks the same in every run. */
static int write_card_picture(const struct sm_passport_page *page, size_t run, struct sm_error *err) {
    if (page->passport->subject.level == 0) return 0;
    return sm_page_picture(page, "passport-field", run, "what it looks at", err);
}

static int write_card(const struct sm_passport_page *page, size_t row, struct sm_error *err) {
    const struct sm_tsv *tsv = &page->partners;
    FILE *file = page->file;
    bool counterpart = sm_tsv_is(tsv, row, "counterpart", "1");
    fputs("<figure class=\"card narrow\">", file);
    int status = 0;
    if (counterpart)
        status = write_card_picture(page, run_of(page, sm_tsv_text(tsv, row, "run")), err);
    else
        fputs("<div class=\"void\">no counterpart</div>", file);
    fputs("<figcaption><b class=\"name\">", file);
    sm_html_text(file, sm_tsv_text(tsv, row, "run"));
    fputs("</b><br>", file);
    if (counterpart) {
        sm_html_print(file, "%s : %s, %s", sm_page_layer(page), sm_tsv_text(tsv, row, "unit"),
                      sm_tsv_is(tsv, row, "alive", "1") ? "alive" : "dead");
        write_likeness(page, row);
        write_numbers(page, row);
    } else {
        sm_html_print(file, "unit %s takes its place and shares no weight with it", sm_tsv_text(tsv, row, "unit"));
    }
    fputs("</figcaption></figure>\n", file);
    return status;
}

static int write_subject_card(const struct sm_passport_page *page, struct sm_error *err) {
    const struct sm_passport_unit *unit = &page->passport->subject;
    fputs("<figure class=\"card narrow\">", page->file);
    int status = write_card_picture(page, 0, err);
    fputs("<figcaption><b class=\"name\">", page->file);
    sm_html_text(page->file, unit->moment->run->name);
    fputs("</b><br>", page->file);
    sm_html_print(page->file, "%s : %zu, this unit", sm_page_layer(page), unit->unit);
    fputs("</figcaption></figure>\n", page->file);
    return status;
}

static int write_partners(const struct sm_passport_page *page, struct sm_error *err) {
    fputs("<h2>The same unit in other runs</h2>\n<p>", page->file);
    sm_page_counterparts(page);
    fputs("</p>\n", page->file);
    if (page->partners.n_rows == 0) return 0;
    fputs("<div class=\"cards\">\n", page->file);
    int status = write_subject_card(page, err);
    for (size_t row = 0; status == 0 && row < page->partners.n_rows; row++) status = write_card(page, row, err);
    fputs("</div>\n", page->file);
    return status;
}

/* ---- the foot ---- */

static void write_foot(const struct sm_passport_page *page) {
    static const char *const tables[] = {"passport",         "passport-fields",   "passport-links",
                                         "passport-classes", "passport-settling", "passport-partners"};
    const struct sm_analysis *analysis = page->passport->analysis;
    FILE *file = page->file;
    fputs("<footer>\n<p>Every number stands in a table beside this page: ", file);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        fprintf(file, "%s<a href=\"%s.tsv\">%s.tsv</a>", t ? ", " : "", tables[t], tables[t]);
    fputs(". Keep means that a weight stays as it was initialized, invert that its sign is turned, hide that it is "
          "left out. A route chooses one remaining weight in each layer from input to output.</p>\n",
          file);
    for (size_t i = 0; i < analysis->notes->n; i++) {
        fputs("<p>Note: ", file);
        sm_html_text(file, analysis->notes->text[i]);
        fputs("</p>\n", file);
    }
    fputs("<p>supermask-analyze " SM_VERSION " · <code>", file);
    sm_html_text(file, analysis->options->command_line);
    fputs("</code></p>\n</footer>\n", file);
}

/* ---- all of it ---- */

static int read_tables(struct sm_passport_page *page, struct sm_error *err) {
    const struct {
        struct sm_tsv *tsv;
        const char *name;
    } tables[] = {{&page->measures, "passport"},
                  {&page->links, "passport-links"},
                  {&page->classes, "passport-classes"},
                  {&page->settling, "passport-settling"},
                  {&page->partners, "passport-partners"}};
    int status = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables && status == 0; t++) {
        char *path = sm_format("%s/%s.tsv", page->passport->analysis->options->directory, tables[t].name);
        status = path ? sm_tsv_read(tables[t].tsv, path, err) : sm_fail(err, "passport.html: out of memory");
        free(path);
    }
    return status;
}

static void page_destroy(struct sm_passport_page *page) {
    sm_tsv_destroy(&page->measures);
    sm_tsv_destroy(&page->links);
    sm_tsv_destroy(&page->classes);
    sm_tsv_destroy(&page->settling);
    sm_tsv_destroy(&page->partners);
}

static int write_page(const struct sm_passport_page *page, struct sm_error *err) {
    char *title = sm_format("%s:%zu · %s", sm_page_layer(page), page->passport->subject.unit,
                            page->passport->subject.moment->run->name);
    sm_html_head_styled(page->file, title ? title : "passport of a unit", sm_passport_style);
    free(title);
    fputs("<main class=\"pass\">\n", page->file);
    if (write_head(page, err) != 0) return -1;
    write_sides(page);
    if (write_importance(page, err) != 0 || write_history(page, err) != 0 || write_partners(page, err) != 0) return -1;
    write_foot(page);
    fputs("</main>\n", page->file);
    sm_html_foot(page->file);
    return 0;
}

int sm_passport_page(const struct sm_passport *passport, struct sm_error *err) {
    struct sm_passport_page page = {.passport = passport};
    struct sm_outfile out = {0};
    char *path = sm_format("%s/passport.html", passport->analysis->options->directory);
    int status = path ? read_tables(&page, err) : sm_fail(err, "passport.html: out of memory");
    if (status == 0) status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        page.file = out.file;
        status = write_page(&page, err);
        if (status == 0)
            status = sm_outfile_close(&out, err);
        else
            sm_outfile_abandon(&out);
    }
    if (status == 0) sm_note(passport->analysis->written, "%s", path);
    page_destroy(&page);
    free(path);
    return status;
}
