/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.h - how long work shows itself on standard error: a bar redrawn in place on a terminal, one plain
 * key=value line a unit elsewhere. Nothing goes to standard output. */
#ifndef SUPERMASK_PROGRESS_H
#define SUPERMASK_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct sm_progress {
    bool quiet, terminal, left_unknown;
    const char *label;         /* borrowed */
    size_t total, done, first; /* first: units that were done before the clock started */
    double started, drawn;     /* seconds, monotonic clock; drawn: the bar, or the last line */
};

/* Bar if stderr is a terminal (TERM not dumb, NO_COLOR and CI unset), else plain lines. */
/* `label` is the name of the unit, one word ("epoch"). */
void sm_progress_start(struct sm_progress *progress, const char *label, size_t total, bool quiet);
/* Of a resumed run: so many units were done before. They do not count in the estimate of the time left. */
void sm_progress_skip(struct sm_progress *progress, size_t done);
/* While `unknown`, no time left is told: what is done says nothing of how long the rest takes. */
void sm_progress_left_unknown(struct sm_progress *progress, bool unknown);
/* `done` of total units; `detail` is key=value text ("loss=0.12 test_accuracy=0.975"), may be NULL. A bar redraws at
 * most ten times a second; a plain line is written each call, with UTC time, elapsed seconds and the estimate of the
 * seconds left: "2026-11-20T15:00:00Z epoch=3 of=100 DETAIL elapsed=12 left=388". */
void sm_progress_update(struct sm_progress *progress, size_t done, const char *detail);
/* For work of many small units: should it be shown that the `done`-th (from 1) is done? Always where a bar is drawn;
 * elsewhere, where each update is a line, once in every tenth of the total. */
bool sm_progress_due(const struct sm_progress *progress, size_t done);
/* In the place of an update for a part of longer work, which is mostly short: shows itself from the third second on,
 * and where each update is a line, at most one in two seconds and in every tenth of the total. */
void sm_progress_update_part(struct sm_progress *progress, size_t done, const char *detail);
/* Takes the bar away, if one was drawn: of a part of longer work, whose own bar comes back with its next update. */
void sm_progress_wipe(struct sm_progress *progress);
/* Ends the bar's line. */
void sm_progress_end(struct sm_progress *progress);

#endif
