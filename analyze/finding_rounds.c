/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of runs that work in rounds: the best round, and how far the whole network's accuracy is held. */
#include <math.h>
#include <stdio.h>

#include "analyze/finding.h"

static struct sm_spread of_round(const struct sm_rows *rows, const char *column, size_t round) {
    char number[32];
    snprintf(number, sizeof number, "%zu", round);
    return sm_rows_spread(rows, column, SM_WHERE({"round", number}));
}

/* Rounds by the mean over the runs. */
struct rounds {
    size_t n, best,
        last; /* last: the last that is at least as accurate as the whole network; 0: none, or that itself */
};

static struct rounds look_at(const struct sm_rows *rows, double whole) {
    struct rounds found = {0};
    double best = -INFINITY;
    for (; of_round(rows, "remaining", found.n).n > 0; found.n++) {
        double accuracy = of_round(rows, "test_accuracy", found.n).mean;
        if (accuracy > best) best = accuracy, found.best = found.n;
        if (accuracy >= whole) found.last = found.n;
    }
    return found;
}

static const char *remaining(const struct sm_rows *rows, size_t round, struct sm_words *words) {
    *words = sm_percent(of_round(rows, "remaining", round).mean);
    return words->s;
}

void sm_find_rounds(const struct sm_scope *scope) {
    struct sm_rows rows = sm_scope_rows(scope, "rounds", "");
    struct sm_spread trained = of_round(&rows, "trained_accuracy", 0);
    struct sm_spread whole = trained.n > 0 ? trained : of_round(&rows, "test_accuracy", 0);
    struct rounds rounds = look_at(&rows, whole.mean);
    struct sm_spread best = of_round(&rows, "test_accuracy", rounds.best);
    struct sm_words share;
    if (rounds.n < 2 || best.n == 0 || whole.n == 0) return;
    sm_say_begin(scope);
    sm_say(scope, "Of %zu rounds number %zu, which leaves %s of the weights, has the highest mean test accuracy: %s.",
           rounds.n, rounds.best, remaining(&rows, rounds.best, &share), sm_percent_interval(best).s);
    sm_say(scope, " The whole network has %s%s", sm_percent_interval(whole).s, trained.n > 0 ? " when trained" : "");
    if (rounds.last > 0)
        sm_say(scope, "; the last round that is at least as good leaves %s", remaining(&rows, rounds.last, &share));
    sm_say(scope, ".");
    sm_say_published(scope, &best);
    sm_say_end(scope);
}
