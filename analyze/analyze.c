/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/analyze.h"

#include <stdio.h>
#include <stdlib.h>

#include <supermask/outfile.h>
#include <supermask/progress.h>
#include <supermask/text.h>

#include "analyze/align.h"
#include "analyze/overlap.h"
#include "analyze/pairs.h"
#include "analyze/runs.h"
#include "analyze/samples.h"
#include "analyze/test_data.h"

static const size_t MOMENTS_BUDGET = (size_t)512 << 20; /* bytes of masks and weights that stay in memory */

/* ---- the session ---- */

static void note_about_run(struct sm_notes *notes, const struct sm_run *run, double at_epoch) {
    double last = run->epoch[run->n_records - 1];
    if (!run->complete)
        sm_note(notes, "%s: the run is not complete: it is described up to its last record, epoch %g", run->name, last);
    if (at_epoch > last)
        sm_note(notes, "%s: --at %g is behind its last record, epoch %g, which is taken", run->name, at_epoch, last);
}

int sm_session_open(struct sm_session *session, const struct sm_options *options, char *const *paths, size_t n_paths,
                    struct sm_error *err) {
    *session = (struct sm_session){0};
    if (sm_runs_open(&session->runs, paths, n_paths, err) != 0) return -1;
    session->analysis = (struct sm_analysis){.options = options,
                                             .n_runs = n_paths,
                                             .runs = session->runs,
                                             .moments = &session->moments,
                                             .notes = &session->notes,
                                             .written = &session->written};
    session->record = calloc(n_paths, sizeof *session->record);
    session->test_data = sm_test_data_new(options->data);
    if (!session->record || !session->test_data) return sm_fail(err, "%zu runs: out of memory", n_paths);
    session->analysis.record = session->record;
    session->analysis.test_data = session->test_data;
    for (size_t i = 0; i < n_paths; i++) {
        if (sm_run_record_at(&session->runs[i], options->at_epoch, &session->record[i], err) != 0) return -1;
        note_about_run(&session->notes, &session->runs[i], options->at_epoch);
    }
    return sm_session_set_budget(session, MOMENTS_BUDGET, err);
}

int sm_session_set_budget(struct sm_session *session, size_t n_bytes, struct sm_error *err) {
    sm_moments_destroy(&session->moments);
    return sm_moments_init(&session->moments, &session->analysis, n_bytes, err);
}

void sm_session_destroy(struct sm_session *session) {
    sm_moments_destroy(&session->moments);
    sm_runs_free(session->runs, session->analysis.n_runs);
    free(session->record);
    sm_test_data_free(session->test_data);
    sm_notes_destroy(&session->notes);
    sm_notes_destroy(&session->written);
    *session = (struct sm_session){0};
}

/* ---- statistics at work ---- */

struct task {
    const struct sm_statistic *statistic;
    struct sm_table *table;
    void *state;
};

struct work {
    const struct sm_analysis *analysis;
    struct task *task; /* [n_tasks] */
    size_t n_tasks;
    struct sm_moments *moments;
    struct sm_progress progress;
    size_t n_done;
};

static int task_open(struct task *task, const struct sm_statistic *statistic, const struct sm_analysis *analysis,
                     struct sm_error *err) {
    task->statistic = statistic;
    char *caution = sm_samples_sentence(analysis, statistic->of_draws);
    char *preamble = sm_format("supermask-analyze " SM_VERSION "\n%s%s%s", analysis->options->command_line,
                               caution && *caution ? "\nCaution: " : "", caution ? caution : "");
    free(caution);
    if (!preamble) return sm_fail(err, "%s: out of memory", statistic->name);
    int status = sm_table_open(&task->table, analysis->options->directory, statistic->name, statistic->about, preamble,
                               statistic->columns, statistic->n_columns, err);
    free(preamble);
    if (status == 0 && statistic->open) status = statistic->open(&task->state, analysis, err);
    return status;
}

static int task_close(struct task *task, const struct sm_analysis *analysis, struct sm_error *err) {
    struct sm_table *table = task->table;
    task->table = NULL;
    if (sm_table_close(table, err) != 0) return -1;
    sm_note(analysis->written, "%s/%s.tsv", analysis->options->directory, task->statistic->name);
    return 0;
}

static void show(struct work *work, const struct sm_run *run) {
    if (!sm_progress_due(&work->progress, ++work->n_done)) return;
    char detail[256];
    snprintf(detail, sizeof detail, "run=%s", run->name);
    sm_progress_update(&work->progress, work->n_done, detail);
}

/* ---- records ---- */

static bool wants_records(const struct work *work) {
    for (size_t t = 0; t < work->n_tasks; t++)
        if (work->task[t].statistic->record) return true;
    return false;
}

static bool wants_moments(const struct work *work) {
    for (size_t t = 0; t < work->n_tasks; t++)
        if (work->task[t].statistic->moment) return true;
    return false;
}

static bool wants_pairs(const struct work *work) {
    for (size_t t = 0; t < work->n_tasks; t++)
        if (work->task[t].statistic->pair) return work->analysis->n_runs > 1;
    return false;
}

static int step_hooks(struct work *work, const struct sm_step *step, struct sm_error *err) {
    for (size_t t = 0; t < work->n_tasks; t++) {
        struct task *task = &work->task[t];
        if (task->statistic->record && task->statistic->record(task->state, step, task->table, err) != 0) return -1;
    }
    return 0;
}

/* First and last record stay in memory; those between alternate between two buffers, so that the one before is there
 * too. buffer: initial, final, even, odd. */
static int walk_buffers(struct work *work, size_t run_index, int8_t **const buffer[4], struct sm_error *err) {
    const struct sm_run *run = &work->analysis->runs[run_index];
    size_t last = run->n_records - 1;
    bool keep = wants_moments(work) || wants_pairs(work);
    if (sm_masks_read(buffer[0], run, 0, err) != 0) return -1;
    if (last > 0 && sm_masks_read(buffer[1], run, last, err) != 0) return -1;
    int8_t *const *previous = NULL;
    for (size_t r = 0; r <= last; r++) {
        int8_t *const *mask = r == 0 ? buffer[0] : r == last ? buffer[1] : buffer[2 + r % 2];
        if (r > 0 && r < last && sm_masks_read(mask, run, r, err) != 0) return -1;
        const struct sm_step step = {.run = run,
                                     .run_index = run_index,
                                     .record = r,
                                     .mask = mask,
                                     .previous = previous,
                                     .initial = buffer[0],
                                     .final = last > 0 ? buffer[1] : buffer[0]};
        if (step_hooks(work, &step, err) != 0) return -1;
        if (keep && r == work->analysis->record[run_index] && sm_moments_put(work->moments, run_index, mask, err) != 0)
            return -1;
        previous = mask;
        show(work, run);
    }
    return 0;
}

static int walk_records(struct work *work, size_t run_index, struct sm_error *err) {
    const struct sm_run *run = &work->analysis->runs[run_index];
    int8_t **buffer[4] = {0};
    int status = 0;
    for (size_t b = 0; b < 4 && status == 0; b++) {
        buffer[b] = sm_masks_new(&run->net);
        if (!buffer[b]) status = sm_fail(err, "%s: out of memory", run->path);
    }
    if (status == 0) status = walk_buffers(work, run_index, buffer, err);
    for (size_t b = 0; b < 4; b++) free(buffer[b]);
    return status;
}

/* ---- moments and pairs ---- */

static int moment_hooks(struct work *work, size_t run_index, struct sm_error *err) {
    const struct sm_moment *moment = sm_moments_get(work->moments, run_index, err);
    int status = moment ? 0 : -1;
    for (size_t t = 0; t < work->n_tasks && status == 0; t++) {
        struct task *task = &work->task[t];
        if (task->statistic->moment) status = task->statistic->moment(task->state, moment, task->table, err);
    }
    return status;
}

static int walk_runs(struct work *work, struct sm_error *err) {
    bool records = wants_records(work), moments = wants_moments(work);
    size_t n_runs = work->analysis->n_runs, total = 0;
    for (size_t i = 0; i < n_runs; i++) total += (records ? work->analysis->runs[i].n_records : 0) + (moments ? 1 : 0);
    if (total == 0) return 0;
    sm_progress_start(&work->progress, "masks", total, work->analysis->options->quiet);
    sm_progress_left_unknown(&work->progress, records && moments); /* a moment may take longer than all records */
    work->n_done = 0;
    int status = 0;
    for (size_t i = 0; i < n_runs && status == 0; i++) {
        if (records) status = walk_records(work, i, err);
        if (status == 0 && moments) {
            status = moment_hooks(work, i, err);
            sm_progress_left_unknown(&work->progress, false);
            show(work, &work->analysis->runs[i]);
        }
        sm_moments_release(work->moments, i);
    }
    sm_progress_end(&work->progress);
    return status;
}

static int pair_hooks(struct work *work, const struct sm_moment *a, const struct sm_moment *b, struct sm_error *err) {
    struct sm_alignments alignments;
    sm_alignments_init(&alignments, work->analysis->options);
    struct sm_overlaps overlaps = {0};
    const struct sm_pair pair = {a, b, &alignments, &overlaps};
    int status = 0;
    for (size_t t = 0; t < work->n_tasks && status == 0; t++) {
        struct task *task = &work->task[t];
        if (task->statistic->pair) status = task->statistic->pair(task->state, &pair, task->table, err);
    }
    sm_overlaps_destroy(&overlaps);
    sm_alignments_destroy(&alignments);
    return status;
}

static bool comparable(const struct work *work, size_t i, size_t j) {
    return sm_runs_comparable(&work->analysis->runs[i], &work->analysis->runs[j]);
}

static int walk_partner(struct work *work, const struct sm_pairs *pairs, const struct sm_moment *a, size_t j,
                        struct sm_error *err) {
    const struct sm_moment *b = sm_moments_get(work->moments, j, err);
    int status = b ? 0 : -1;
    if (b && sm_pairs_compares(pairs, a, b)) status = pair_hooks(work, a, b, err);
    sm_moments_release(work->moments, j);
    show(work, &work->analysis->runs[j]);
    return status;
}

static int walk_partners(struct work *work, const struct sm_pairs *pairs, size_t i, struct sm_error *err) {
    const struct sm_moment *a = sm_moments_get(work->moments, i, err);
    int status = a ? 0 : -1;
    for (size_t j = i + 1; j < work->analysis->n_runs && status == 0; j++)
        if (sm_pairs_has(pairs, i, j)) status = walk_partner(work, pairs, a, j, err);
    sm_moments_release(work->moments, i);
    return status;
}

/* Pairs of runs with different layers: the first of them into `file`, and how many there are. */
static size_t list_incomparable(const struct work *work, FILE *file) {
    enum { MOST_LISTED = 3 };
    const struct sm_run *runs = work->analysis->runs;
    size_t n = 0;
    for (size_t i = 0; i < work->analysis->n_runs; i++)
        for (size_t j = i + 1; j < work->analysis->n_runs; j++) {
            if (comparable(work, i, j)) continue;
            if (n < MOST_LISTED)
                fprintf(file, "%s%s and %s", n > 0 ? ", " : "", runs[i].name, runs[j].name);
            else if (n == MOST_LISTED)
                fputs(" and so on", file);
            n++;
        }
    return n;
}

/* One note for all pairs and tables: of two groups with ten runs each, a hundred pairs are left out. */
static void note_incomparable(const struct work *work) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file) return;
    size_t n = list_incomparable(work, file);
    bool whole = fclose(file) == 0;
    if (whole && n == 1)
        sm_note(work->analysis->notes, "%s have different layers and were not compared", text);
    else if (whole && n > 1)
        sm_note(work->analysis->notes, "%zu pairs of runs have different layers and were not compared: %s", n, text);
    free(text);
}

static void note_left_out(const struct work *work, const struct sm_pairs *pairs) {
    if (pairs->n_left_out)
        sm_note(work->analysis->notes,
                "%zu pairs of runs of different groups were left out: of two groups %zu with the same weight seed and "
                "%zu others are compared (--pairs)",
                pairs->n_left_out, work->analysis->options->n_pairs, work->analysis->options->n_pairs);
}

static int walk_chosen(struct work *work, const struct sm_pairs *pairs, struct sm_error *err) {
    int status = 0;
    note_left_out(work, pairs);
    sm_progress_start(&work->progress, "pairs", pairs->n_chosen, work->analysis->options->quiet);
    work->n_done = 0;
    for (size_t i = 0; i + 1 < work->analysis->n_runs && status == 0; i++) status = walk_partners(work, pairs, i, err);
    sm_progress_end(&work->progress);
    return status;
}

static int walk_pairs(struct work *work, struct sm_error *err) {
    struct sm_pairs pairs;
    if (!wants_pairs(work)) return 0;
    note_incomparable(work);
    int status = sm_pairs_init(&pairs, work->analysis, err);
    if (status == 0) status = walk_chosen(work, &pairs, err);
    sm_pairs_destroy(&pairs);
    return status;
}

/* ---- all of it ---- */

static int run_tasks(struct work *work, struct sm_error *err) {
    if (walk_runs(work, err) != 0 || walk_pairs(work, err) != 0) return -1;
    for (size_t t = 0; t < work->n_tasks; t++) {
        struct task *task = &work->task[t];
        if (task->statistic->close && task->statistic->close(task->state, task->table, err) != 0) return -1;
    }
    for (size_t t = 0; t < work->n_tasks; t++)
        if (task_close(&work->task[t], work->analysis, err) != 0) return -1;
    return 0;
}

int sm_session_run(struct sm_session *session, const struct sm_statistic *const *statistics, size_t n_statistics,
                   struct sm_error *err) {
    const struct sm_analysis *analysis = &session->analysis;
    struct work work = {.analysis = analysis, .n_tasks = n_statistics, .moments = &session->moments};
    if (sm_directory_make(analysis->options->directory, err) != 0) return -1;
    work.task = calloc(n_statistics, sizeof *work.task);
    int status = work.task ? 0 : sm_fail(err, "%zu tables: out of memory", n_statistics);
    sm_samples_note(analysis, statistics, n_statistics);
    for (size_t t = 0; t < n_statistics && status == 0; t++)
        status = task_open(&work.task[t], statistics[t], analysis, err);
    if (status == 0) status = run_tasks(&work, err);
    for (size_t t = 0; work.task && t < n_statistics; t++) {
        sm_table_abandon(work.task[t].table);
        if (work.task[t].state && work.task[t].statistic->free) work.task[t].statistic->free(work.task[t].state);
    }
    free(work.task);
    return status;
}
