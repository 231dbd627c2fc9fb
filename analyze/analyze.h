/* SPDX-License-Identifier: GPL-3.0-or-later */
/* analyze.h - the driver: opens the runs, walks over records, moments and pairs, and hands each statistic what its
 * hooks ask for. Tables appear together, when all are whole. */
#ifndef SUPERMASK_ANALYZE_ANALYZE_H
#define SUPERMASK_ANALYZE_ANALYZE_H

#include "analyze/moments.h"
#include "analyze/stat.h"

/* What a command works on; `analysis` borrows the rest. */
struct sm_session {
    struct sm_run *runs;
    size_t *record;
    struct sm_notes notes, written;
    struct sm_analysis analysis;
    struct sm_moments moments;
    struct sm_test_data *test_data;
};

/* Opens the runs, picks the moment of each and notes what a reader must know about them (unfinished runs, an --at
 * behind the last record). `options` is borrowed until destroy. The caller destroys the session, also after a failure.
 */
int sm_session_open(struct sm_session *session, const struct sm_options *options, char *const *paths, size_t n_paths,
                    struct sm_error *err);
/* Bytes of masks and weights that stay in memory between pairs: 512 MiB unless this is called, right after open. */
int sm_session_set_budget(struct sm_session *session, size_t n_bytes, struct sm_error *err);
void sm_session_destroy(struct sm_session *session);

/* Makes the output directory and writes the tables of these statistics. After a failure none of them was written. */
int sm_session_run(struct sm_session *session, const struct sm_statistic *const *statistics, size_t n_statistics,
                   struct sm_error *err);

#endif
