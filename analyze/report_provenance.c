/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>

#include "analyze/html.h"
#include "analyze/report.h"

static void write_fact(FILE *file, const char *name, const char *value) {
    fputs("<dt>", file);
    sm_html_text(file, name);
    fputs("</dt><dd>", file);
    sm_html_text(file, *value ? value : "unknown");
    fputs("</dd>\n", file);
}

static void write_notes(const struct sm_report *report) {
    const struct sm_notes *notes = report->analysis->notes;
    if (notes->n == 0) return;
    fputs("<h3>What was left out, and why</h3>\n<ul>\n", report->file);
    for (size_t i = 0; i < notes->n; i++) {
        fputs("<li>", report->file);
        sm_html_text(report->file, notes->text[i]);
        fputs("</li>\n", report->file);
    }
    fputs("</ul>\n", report->file);
}

static void write_run(FILE *file, const struct sm_run *run) {
    char seeds[128];
    snprintf(seeds, sizeof seeds, "weights %" PRIu64 ", scores %" PRIu64 ", data %" PRIu64, run->weight_seed,
             run->score_seed, run->data_seed);
    fputs("<details><summary><b>", file);
    sm_html_text(file, run->name);
    fputs("</b>", file);
    if (!run->complete) fputs(" (not complete)", file);
    fputs("</summary>\n<dl>\n", file);
    write_fact(file, "file", run->path);
    write_fact(file, "recipe", run->recipe_name);
    write_fact(file, "method", run->method);
    write_fact(file, "network", run->net.name);
    write_fact(file, "data set", run->dataset);
    write_fact(file, "data, SHA-256", run->dataset_sha256);
    write_fact(file, "seeds", seeds);
    write_fact(file, "created", run->created);
    write_fact(file, "trained by", run->program_version);
    write_fact(file, "command", run->command_line);
    fputs("</dl>\n<pre>", file);
    sm_html_text(file, run->recipe);
    fputs("</pre></details>\n", file);
}

void sm_report_provenance(const struct sm_report *report) {
    FILE *file = report->file;
    fputs("<h2 id=\"provenance\">Provenance</h2>\n<dl>\n", file);
    write_fact(file, "analyzed by", "supermask-analyze " SM_VERSION);
    write_fact(file, "command", report->analysis->options->command_line ? report->analysis->options->command_line : "");
    fputs("</dl>\n", file);
    write_notes(report);
    fputs("<h3>Runs</h3>\n", file);
    for (size_t i = 0; i < report->analysis->n_runs; i++) write_run(file, &report->analysis->runs[i]);
}
