/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How sparse, how accurate? */
#include <math.h>
#include <string.h>

#include "analyze/finding.h"
#include "analyze/published.h"

enum { MOST_LISTED = 6 }; /* layers that are listed one by one */

/* ---- accuracy, beside what was published ---- */

static const char *position(double value, const struct sm_spread *spread) {
    if (isnan(spread->low))
        return value < spread->mean ? "below it" : value > spread->mean ? "above it" : "exactly there";
    return value < spread->low    ? "below that interval"
           : value > spread->high ? "above that interval"
                                  : "inside that interval";
}

static struct sm_spread unfinished_epochs(const struct sm_scope *scope) {
    return sm_scope_spread(scope, "summary", "", "epochs", SM_WHERE({"unfinished", "1"}));
}

/* All tables take the last record, or that of --at, for the end. */
static void say_unfinished(const struct sm_scope *scope) {
    struct sm_spread epochs = unfinished_epochs(scope);
    if (epochs.n == 0) return;
    fputs(" <b>Training is not over there</b>", scope->file);
    sm_say(scope, ": %zu of the runs %s described as of epoch %g", epochs.n, epochs.n == 1 ? "is" : "are",
           epochs.least);
    if (epochs.most > epochs.least) sm_say(scope, " to %g", epochs.most);
    sm_say(scope, ". Below, too, that is what the end, final and last mean.");
}

void sm_say_published(const struct sm_scope *scope, const struct sm_spread *accuracy) {
    struct sm_published published;
    struct sm_error ignored = {{0}};
    if (sm_published_init(&published, scope->first, &ignored) == 0) {
        if (!isnan(published.accuracy)) {
            sm_say(scope, " Published for %s: %s", published.name, sm_percent(published.accuracy).s);
            if (!isnan(published.remaining)) sm_say(scope, " with %s remaining", sm_percent(published.remaining).s);
            if (unfinished_epochs(scope).n)
                sm_say(scope, ", at the end of training.");
            else
                sm_say(scope, "; that accuracy lies %s.", position(published.accuracy, accuracy));
        }
        if (published.of_another_experiment)
            sm_say(scope, " What was published for %s is of another experiment: these runs have %s.", published.name,
                   published.departures);
        else if (!isnan(published.accuracy) && *published.departures)
            sm_say(scope, " These runs do not follow the recipe as shipped (%s).", published.departures);
    }
    sm_published_destroy(&published);
}

static void find_accuracy(const struct sm_scope *scope) {
    struct sm_spread accuracy = sm_scope_spread(scope, "summary", "", "test_accuracy", NULL);
    struct sm_spread remaining = sm_scope_spread(scope, "summary", "", "remaining", NULL);
    if (remaining.n == 0) return;
    sm_say_begin(scope);
    fputs("<b>", scope->file);
    if (accuracy.n > 0)
        sm_say(scope, "Test accuracy %s with %s", sm_percent_interval(accuracy).s, sm_percent_interval(remaining).s);
    else
        sm_say(scope, "%s", sm_percent_interval(remaining).s);
    fputs("</b>", scope->file);
    sm_say(scope, " of %zu weights remaining.", sm_network_weights(&scope->first->net));
    say_unfinished(scope);
    /* Of rounds the best is published, not the last: sm_find_rounds. */
    if (accuracy.n > 0 && !scope->first->in_rounds) sm_say_published(scope, &accuracy);
    sm_say_end(scope);
}

/* ---- which weights remain ---- */

static struct sm_spread at_end(const struct sm_scope *scope, const char *layer, const char *column) {
    struct sm_rows rows = sm_scope_rows(scope, "ratios", layer);
    return sm_rows_spread_last(&rows, column);
}

static void list_layers(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    sm_say(scope, "By layer remain ");
    for (size_t l = 0; l < net->n_layers; l++)
        sm_say(scope, "%s%s of %s",
               l == 0                   ? ""
               : l + 1 == net->n_layers ? " and "
                                        : ", ",
               sm_percent(at_end(scope, net->layers[l].name, "remaining").mean).s, net->layers[l].name);
    sm_say(scope, ".");
}

static void name_extremes(const struct sm_scope *scope) {
    const struct sm_network *net = &scope->first->net;
    double least = INFINITY, most = -INFINITY;
    size_t thin = 0, thick = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        double share = at_end(scope, net->layers[l].name, "remaining").mean;
        if (share < least) least = share, thin = l;
        if (share > most) most = share, thick = l;
    }
    sm_say(scope, "The thinnest layer is %s (%s of its weights remain), the thickest %s (%s).", net->layers[thin].name,
           sm_percent(least).s, net->layers[thick].name, sm_percent(most).s);
}

static void find_layers(const struct sm_scope *scope) {
    size_t n_layers = scope->first->net.n_layers;
    struct sm_spread all = at_end(scope, SM_ALL_LAYERS, "remaining");
    if (all.n == 0 || n_layers < 2 || all.least >= 1) return;
    sm_say_begin(scope);
    if (n_layers <= MOST_LISTED)
        list_layers(scope);
    else
        name_extremes(scope);
    sm_say_end(scope);
}

static void find_paths(const struct sm_scope *scope) {
    struct sm_spread remaining = sm_scope_spread(scope, "summary", "", "remaining", NULL);
    struct sm_spread effective = sm_scope_spread(scope, "summary", "", "effective_remaining", NULL);
    if (effective.n == 0 || !(remaining.mean > 0)) return;
    double off = 1 - effective.mean / remaining.mean;
    sm_say_begin(scope);
    if (off > 0)
        sm_say(scope,
               "%s of the remaining weights lie on no path from the input to the output: effectively %s of all "
               "weights remain.",
               sm_percent(off).s, sm_percent_interval(effective).s);
    else
        sm_say(scope, "Every remaining weight lies on a path from the input to the output.");
    sm_say_end(scope);
}

/* ---- inverted ---- */

/* One run: the table's Wilson interval of the last record. */
static struct sm_spread inverted_share(const struct sm_scope *scope) {
    struct sm_spread share = at_end(scope, SM_ALL_LAYERS, "inverted_share");
    if (share.n == 1) {
        share.low = at_end(scope, SM_ALL_LAYERS, "inverted_low").mean;
        share.high = at_end(scope, SM_ALL_LAYERS, "inverted_high").mean;
    }
    return share;
}

static void find_inverted(const struct sm_scope *scope) {
    struct sm_spread share = inverted_share(scope);
    if (share.n == 0 || share.most == 0) return;
    sm_say_begin(scope);
    sm_say(scope, "%s of the remaining weights are inverted%s, %s.", sm_percent_interval(share).s,
           share.n == 1 ? " (Wilson's interval)" : "",
           share.low <= 0.5 && share.high >= 0.5 ? "compatible with one half"
           : share.mean < 0.5                    ? "less than one half"
                                                 : "more than one half");
    sm_say_end(scope);
}

const sm_finding sm_findings_sparse[] = {find_accuracy, sm_find_rounds, find_layers, find_paths, find_inverted, NULL};
