/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat.h - what a statistic is: one row of the table in tables.c, one file stat_NAME.c, one output NAME.tsv.
 *
 * The driver (analyze.c) opens every run, walks over the records of each run once (whatever the number of statistics
 * that want them), then over the pairs of runs, and calls the hooks. Memory holds a few records, never a trajectory. */
#ifndef SUPERMASK_ANALYZE_STAT_H
#define SUPERMASK_ANALYZE_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/runfile.h>
#include <supermask/table.h>

enum sm_compare { SM_COMPARE_MASK = 1, SM_COMPARE_WEIGHT = 2 }; /* bits: both are computed unless --compare picks one */

struct sm_options {
    const char *directory; /* OUT */
    unsigned compare;      /* sm_compare bits */
    double at_epoch;       /* --at; NaN: the last record */
    size_t n_nulls;        /* --nulls: replicates of null models that are sampled */
    size_t n_pairs;        /* --pairs: of two groups, with equal and with different weight seeds each; 0: all */
    size_t n_starts;       /* --starts: orders from which an alignment begins (align.h) */
    uint64_t seed;         /* --seed: of all that is sampled here */
    const char *data;      /* --data; NULL: see sm_dataset_load */
    bool ablation;         /* --ablation: also what takes a forward pass for each unit */
    bool report;           /* every table is made: the same, as far as data is at hand */
    bool needs_images;     /* a table was asked for by name that holds nothing else */
    bool quiet;
    const char *command_line; /* as typed */
};

/* Sentences about what was left out and why ("a and b have different layers and were not compared"); shown on standard
 * error at the end and in the report. */
struct sm_notes {
    size_t n;
    char **text;
};
/* Adds a sentence; one that is there already is not repeated. */
void sm_note(struct sm_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sm_notes_destroy(struct sm_notes *notes);

struct sm_moments;
struct sm_test_data;

struct sm_analysis {
    const struct sm_options *options;
    size_t n_runs;
    const struct sm_run *runs; /* [n_runs], in the order of the command line. run->name is unique here: where base names
                                  clash, parent directories stand before them ("seeds-a/fcn"), so it may hold '/' */
    const size_t *record;      /* [n_runs] the record that --at picks */
    struct sm_moments *moments;     /* masks and weights at those records, for what comes after the walk (moments.h) */
    struct sm_test_data *test_data; /* test images of the runs' data sets (test_data.h); NULL: none at hand */
    struct sm_notes *notes;
    struct sm_notes *written; /* path of every file that was written; main prints them */
};

/* One recorded step of one run. masks: [n_layers], each [weights of the layer]. */
struct sm_step {
    const struct sm_run *run;
    size_t run_index, record;
    int8_t *const *mask;     /* this record */
    int8_t *const *previous; /* the record before; NULL at record 0 */
    int8_t *const *initial;  /* record 0 */
    int8_t *const *final;    /* the last record */
};

/* One run at the moment that --at picks. */
struct sm_moment {
    const struct sm_run *run;
    size_t run_index, record;
    int8_t *const *mask;   /* [n_layers][weights] */
    float *const *weights; /* [n_layers][weights]: those that act, the initial weights w; at the last record those in
                              place under its mask, and the final ones where weights are trained
                              (sm_run_acting_weights); the initial ones, with a note, where those that act are not
                              stored; each layer's rescaled by its mask where the method does that (sm_run_rescale) */
};

/* Two runs with the same layers (sm_runs_comparable) at their moments, a before b on the command line. */
struct sm_pair {
    const struct sm_moment *a, *b;
    struct sm_alignments *alignments; /* sm_pair_alignment */
    struct sm_overlaps *overlaps;     /* sm_pair_overlap (overlap.h) */
};

/* How b's hidden units are re-ordered to match a's, by masks or by effective weights (align.h): computed when it is
 * first asked for, for all statistics. Valid until the pair's last hook returns. NULL on failure. */
const struct sm_alignment *sm_pair_alignment(const struct sm_pair *pair, enum sm_compare compare, struct sm_error *err);

/* What a table compares where masks are samples (samples.h): the draws of two records, or those of two runs. */
enum sm_of_draws { SM_DRAWS_NOT_COMPARED, SM_DRAWS_IN_TIME, SM_DRAWS_IN_PAIRS };

struct sm_statistic {
    const char *name;  /* "flips": flips.tsv, stat_flips.c, plots/flips.gp */
    const char *help;  /* one line, for `list` */
    const char *about; /* the text at the top of the table: definitions and sources; lines without '#' */
    const struct sm_column *columns;
    size_t n_columns;
    bool needs_images; /* without test images it has nothing to say */
    enum sm_of_draws of_draws;
    /* Hooks in the order of their calls; any may be NULL. `state` is what open stored. Rows go to `table`. */
    int (*open)(void **state, const struct sm_analysis *analysis, struct sm_error *err);
    int (*record)(void *state, const struct sm_step *step, struct sm_table *table, struct sm_error *err);
    int (*moment)(void *state, const struct sm_moment *moment, struct sm_table *table, struct sm_error *err);
    int (*pair)(void *state, const struct sm_pair *pair, struct sm_table *table,
                struct sm_error *err); /* a before b with the same layers, all of a group and some of two (pairs.h) */
    int (*close)(void *state, struct sm_table *table, struct sm_error *err); /* rows over all runs */
    void (*free)(void *state);
};

/* Where layers are added up: the name of the whole network's row. */
#define SM_ALL_LAYERS "all"

/* Can the masks of two runs be compared entry by entry: same layers, same shapes, same feeding? */
bool sm_runs_comparable(const struct sm_run *a, const struct sm_run *b);

/* One in each stat_NAME.c. */
extern const struct sm_statistic sm_stat_ratios, sm_stat_flips, sm_stat_settling, sm_stat_similarity,
    sm_stat_oscillation, sm_stat_earlybird, sm_stat_alignment, sm_stat_overlap, sm_stat_matches, sm_stat_layers,
    sm_stat_interfaces, sm_stat_neurons, sm_stat_ablation, sm_stat_concentration, sm_stat_consistency, sm_stat_ensemble,
    sm_stat_methods, sm_stat_methods_units, sm_stat_weights, sm_stat_controls, sm_stat_thresholds, sm_stat_rounds,
    sm_stat_summary, sm_stat_groups;

/* The table of statistics (tables.c), in the order of `list`. */
extern const struct sm_statistic *const sm_statistics[];
extern const size_t sm_n_statistics;
const struct sm_statistic *sm_statistic_find(const char *name);

#endif
