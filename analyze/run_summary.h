/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_summary.h - one run in one row: what it is and what it reached at the moment that --at picks. */
#ifndef SUPERMASK_ANALYZE_RUN_SUMMARY_H
#define SUPERMASK_ANALYZE_RUN_SUMMARY_H

#include "analyze/stat.h"

/* The fields in the order of the table: F(kind, name, help). One list for the struct, summary.tsv and summary.json. */
#define SM_SUMMARY_FIELDS(F)                                                                                           \
    F(TEXT, run, "run file's base name")                                                                               \
    F(TEXT, network, "network's name")                                                                                 \
    F(TEXT, dataset, "data set's name")                                                                                \
    F(TEXT, method, "training method")                                                                                 \
    F(TEXT, recipe, "recipe's name")                                                                                   \
    F(COUNT, weight_seed, "seed of the initial weights")                                                               \
    F(COUNT, score_seed, "seed of the initial scores")                                                                 \
    F(COUNT, data_seed, "seed of the order of the training samples")                                                   \
    F(COUNT, parameters, "weights of the network, hidden ones too")                                                    \
    F(COUNT, remaining_weights, "weights that are kept or inverted")                                                   \
    F(REAL, remaining, "remaining_weights / parameters")                                                               \
    F(REAL, effective_remaining, "share of weights kept or inverted and on a path from an input to an output")         \
    F(REAL, test_accuracy,                                                                                             \
      "share, last measured at or before the record's epoch (in rounds: in table rounds); nan where not measured")     \
    F(REAL, best_test_accuracy, "highest share measured up to the record's epoch")                                     \
    F(REAL, epochs, "epochs trained up to the record")                                                                 \
    F(REAL, seconds, "wall time since the start of training, at the same measurement as test_accuracy")                \
    F(REAL, bits_per_weight, "sum over layers of weights * H(keep, hide, invert) / parameters; nan: weights trained")  \
    F(REAL, compression, "32 / bits_per_weight; nan for 0 bits")                                                       \
    F(COUNT, unfinished, "1: training went on, or will go on, after the record (--at, a run not complete); else 0")

#define SM_SUMMARY_TEXT const char *
#define SM_SUMMARY_COUNT uint64_t
#define SM_SUMMARY_REAL double
#define SM_SUMMARY_MEMBER(kind, name, help) SM_SUMMARY_##kind name;

/* Texts are borrowed from the run. */
struct sm_run_summary {
    SM_SUMMARY_FIELDS(SM_SUMMARY_MEMBER)
};

enum sm_field_kind { SM_FIELD_TEXT, SM_FIELD_COUNT, SM_FIELD_REAL };

struct sm_summary_field {
    const char *name;
    enum sm_field_kind kind;
    size_t offset; /* in struct sm_run_summary */
};

extern const struct sm_summary_field sm_summary_fields[];
extern const size_t sm_n_summary_fields;

/* The field's value; the one that matches its kind. */
const char *sm_summary_text(const struct sm_run_summary *summary, const struct sm_summary_field *field);
uint64_t sm_summary_count(const struct sm_run_summary *summary, const struct sm_summary_field *field);
double sm_summary_real(const struct sm_run_summary *summary, const struct sm_summary_field *field);

int sm_run_summary_compute(struct sm_run_summary *summary, const struct sm_moment *moment, struct sm_error *err);

/* Epoch until which the network of a record was trained: a round's record stands at its beginning. */
double sm_run_trained_until(const struct sm_run *run, size_t record);

#endif
