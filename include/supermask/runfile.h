/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runfile.h - the run file: one HDF5 file per training run (SPEC: "The run file"). lib/runfile*.c is the only place
 * that knows HDF5.
 *
 * While a run is written the file is in HDF5's single-writer/multiple-reader mode, chunks are one record deep and every
 * append is flushed: a run killed at any moment leaves a file that opens and holds every record whose append returned.
 * records/step is written last, so its length is the number of whole records. Byte order and timestamps are fixed: the
 * same run gives the same data sets.
 *
 * The network stands in the file twice. Attributes of /layers/<name> (kind, activation, stride, inputs, a convolution's
 * padding) say what each layer is and which layers feed it. /network_description, a scalar string, is the text of
 * sm_network_text: the graph of operators, with pools, sums and batch norm. Files of an older program have neither it
 * nor `padding` (which was 'same'): of these, stacks of dense layers get their nodes, other networks have none.
 *
 * /batch_norm/<layer>/{gamma, beta, moving_mean, moving_variance}, float32 [channels], are the values at the end of a
 * complete run, for the layers that have batch norm; a file of a network without it has no such group. They are no
 * weights: no mask covers them, and no count of weights includes them.
 *
 * Methods that work in rounds (train, prune, start again) have /rounds: row r of each column, float64 [round], belongs
 * to record r, and record 0 is the whole network. rounds/round, int64 [round], counts 0, 1, 2, ...; it is written last,
 * so its length is the number of whole rows, of which there are at most as many as records. Other runs have no such
 * group.
 *
 * /layers/<name>/mask_weights, float32 in the layer's shape, in a complete run: the weights that are in place under the
 * last record's mask, where they are neither initial_weights nor final_weights (a signed constant, a redrawn weight).
 * The network of the last record is its mask times mask_weights where these stand, else times final_weights where the
 * method trains weights, else times initial_weights. A recipe whose mask_zero is not `zero` leaves hidden weights in
 * the network, of which its mask does not tell. */
#ifndef SUPERMASK_RUNFILE_H
#define SUPERMASK_RUNFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/batch_norm.h>
#include <supermask/error.h>
#include <supermask/network.h>

#define SM_RUN_FORMAT "supermask-run"
#define SM_RUN_FORMAT_VERSION 1

/* One row of /metrics. Shares in [0,1]; NaN = not measured. */
struct sm_metrics {
    double epoch, train_loss, train_accuracy, test_loss, test_accuracy, learning_rate, weight_decay, remaining, seconds;
};

/* One row of /rounds: the networks of one round, on the test set where nothing else is said. Losses in nat, shares in
 * [0,1]; NaN = not measured. */
struct sm_round {
    double test_accuracy; /* what the round's network is reported with: trained_ or untrained_accuracy, by the method */
    double untrained_accuracy, untrained_loss; /* under this round's mask, before its training */
    double trained_accuracy, trained_loss;     /* after its training */
    double validation_loss;                    /* the least of this round */
    double early_stop_step;                    /* optimizer steps from the round's beginning to the least one */
    double early_stop_accuracy;                /* there */
};

/* A named text attribute of /host (CPU, BLAS, compiler, versions, threads ...). */
struct sm_host_fact {
    const char *name, *value;
};

/* Everything that is known before the first step. Borrowed until sm_run_create returns. */
struct sm_run_header {
    const char *program_version, *command_line, *recipe; /* recipe: the whole resolved configuration as YAML text */
    const char *recipe_name, *dataset, *method, *dataset_sha256;
    const char *masks_from_recipe; /* recipe name of the run whose masks this one takes; NULL: none */
    uint64_t weight_seed, score_seed, data_seed;
    uint64_t n_train_images, n_test_images; /* of the data set as it was at hand, held-out ones too; 0: unknown */
    const double *threshold;                /* [n_layers], NaN where the method has none */
    bool trains_weights;                    /* dense: the weights move; final_weights stands where the scores would */
    bool record_scores;                     /* also append the scores of every record */
    bool rescale;       /* effective weights are w*g*weights/kept of the layer (dynamic weight rescaling) */
    bool samples_masks; /* a record's mask is a draw from its scores */
    bool in_rounds;     /* the method works in rounds: sm_run_append_round may be called */
    const struct sm_host_fact *host;
    size_t n_host;
};

/* ---- writing ---- */

struct sm_run_writer;

/* Creates PATH (built as PATH.part, renamed when whole; fails if PATH exists) with weights[l] and scores[l],
 * each [out, in(, kh, kw)]; scores is NULL for a method without them. The writer is locked against a second one. */
int sm_run_create(struct sm_run_writer **writer, const char *path, const struct sm_run_header *header,
                  const struct sm_network *net, const float *const *weights, const float *const *scores,
                  struct sm_error *err);

/* Reopens a run that did not finish, whatever killed it, keeping every whole record and metric row. The file is
 * rebuilt beside itself and renamed, so a second crash costs nothing. Fails on a complete run and on one that another
 * process is writing. Whether the recipe is the same is the caller's to check (sm_run_open, sm_recipe_differs). */
int sm_run_resume(struct sm_run_writer **writer, const char *path, struct sm_error *err);

size_t sm_run_n_records(const struct sm_run_writer *writer);
size_t sm_run_n_metrics(const struct sm_run_writer *writer);
size_t sm_run_n_rounds(const struct sm_run_writer *writer);

/* Appends one record: masks[l] int8 in {-1, 0, +1} in the layer's shape; scores[l] where the header asked for scores,
 * else NULL. `step` is at least 0 and rises from record to record; in rounds without training between them it stays.
 * Flushed when it returns. After a failure (a full disk) nothing more is written, every later append fails, and the
 * file holds what was whole before. */
int sm_run_append_record(struct sm_run_writer *writer, int64_t step, double epoch, const int8_t *const *masks,
                         const float *const *scores, struct sm_error *err);
/* row->epoch is not NaN. */
int sm_run_append_metrics(struct sm_run_writer *writer, const struct sm_metrics *row, struct sm_error *err);
/* Row r tells of record r, which has been appended before. Only where the header said `in_rounds`. */
int sm_run_append_round(struct sm_run_writer *writer, const struct sm_round *row, struct sm_error *err);

/* For a network with batch norm, before sm_run_finish, which writes gamma, beta and the moving statistics: norms[l] is
 * NULL where layer l has none. Borrowed until then. */
void sm_run_set_batch_norm(struct sm_run_writer *writer, const struct sm_batch_norm *const *norms);

/* Before sm_run_finish, which then writes values[l] as layer l's mask_weights. Borrowed until then. */
void sm_run_set_mask_weights(struct sm_run_writer *writer, const float *const *values);

/* Writes final_scores (or final_weights; final_values is NULL for a method that trains neither), sets status to
 * "complete" and closes; frees the writer in every case. After a failure the run is as it was, to be resumed. */
int sm_run_finish(struct sm_run_writer *writer, const float *const *final_values, struct sm_error *err);

/* Closes an unfinished run: readable, status "running", ready for sm_run_resume. NULL is allowed. */
int sm_run_close(struct sm_run_writer *writer, struct sm_error *err);

/* ---- checkpoint: PATH is a file of its own beside the run, replaced as a whole ---- */

enum sm_array_type { SM_F32, SM_F64, SM_I64, SM_I8 };
struct sm_array {
    const char *name;
    enum sm_array_type type;
    size_t n;
    void *data;
};
int sm_checkpoint_write(const char *path, const struct sm_array *arrays, size_t n_arrays, struct sm_error *err);
/* Fills arrays[i].data; name, type and n must be those that were written. After a failure the data is undefined. */
int sm_checkpoint_read(const char *path, const struct sm_array *arrays, size_t n_arrays, struct sm_error *err);

/* ---- reading ---- */

struct sm_run_handle; /* the open HDF5 objects */

/* An opened run. All fields are read-only for the user; sm_run_destroy frees them. */
struct sm_run {
    char *path, *name; /* name: base name without extension */
    bool complete;     /* status == "complete" */
    char *created, *program_version, *command_line, *recipe, *recipe_name, *dataset, *method, *dataset_sha256;
    char *masks_from_recipe; /* NULL: its masks are its own, or an older program wrote the file */
    uint64_t weight_seed, score_seed, data_seed;
    uint64_t n_train_images, n_test_images; /* see the header's fields; 0: an older program wrote the file */
    struct sm_host_fact *host;              /* [n_host] */
    size_t n_host;
    struct sm_network net; /* net.n_nodes may be 0: see above */
    double *threshold;     /* [n_layers]: all finite, or all NaN where the method has none */
    bool trains_weights;   /* final_weights stand where final_scores would */
    bool rescale;          /* dynamic weight rescaling: see the header's field */
    bool samples_masks;    /* two records, and two runs, differ by chance even where their scores are the same */
    bool has_scores;       /* initial_scores are there */
    bool has_final;        /* final_scores (final_weights) are there */
    bool has_mask_weights; /* mask_weights are there */
    bool has_score_records;
    size_t n_records;
    int64_t *step; /* [n_records]: from 0, rising; of methods in rounds two may be equal */
    double *epoch; /* [n_records]: likewise, finite */
    size_t n_metrics;
    struct sm_metrics *metrics; /* [n_metrics] */
    bool in_rounds;             /* /rounds is there, with or without rows */
    size_t n_rounds;            /* at most n_records */
    struct sm_round *rounds;    /* [n_rounds]: row r is of record r */
    struct sm_run_handle *handle;
};

/* Opens a finished, running, interrupted or crashed run and validates its structure. 0 records is an error. That
 * no program here knows the method is none: whoever adds one has runs that everybody can read. That the recipe in the
 * file is of another method is one. */
int sm_run_open(struct sm_run *run, const char *path, struct sm_error *err);
void sm_run_destroy(struct sm_run *run);

/* The last record at or before `epoch` (NaN: the last one). Fails where the first record is later. */
int sm_run_record_at(const struct sm_run *run, double epoch, size_t *record, struct sm_error *err);

/* mask [out, in(, kh, kw)] of one record; every value is checked to be -1, 0 or +1. */
int sm_run_read_mask(const struct sm_run *run, size_t layer, size_t record, int8_t *mask, struct sm_error *err);
/* The part of it that joins units first_out .. first_out + n_out - 1 with inputs first_in .. first_in + n_in - 1 of the
 * layer: mask [n_out, n_in(, kh, kw)]. */
struct sm_mask_part {
    size_t first_out, n_out, first_in, n_in;
};
int sm_run_read_mask_part(const struct sm_run *run, size_t layer, size_t record, const struct sm_mask_part *part,
                          int8_t *mask, struct sm_error *err);

enum sm_run_values { SM_INITIAL_WEIGHTS, SM_FINAL_WEIGHTS, SM_INITIAL_SCORES, SM_FINAL_SCORES, SM_MASK_WEIGHTS };
/* Values [out, in(, kh, kw)] of a layer; every one is checked to be finite. */
int sm_run_read_values(const struct sm_run *run, size_t layer, enum sm_run_values which, float *values,
                       struct sm_error *err);
/* Which values the mask of a record multiplies; trained ones stand for the last record only. */
enum sm_run_values sm_run_acting_weights(const struct sm_run *run, size_t record);
/* Multiplies values [out, in(, kh, kw)] of a layer by what dynamic weight rescaling makes of this mask of it; nothing
 * in a run without. */
void sm_run_rescale(const struct sm_run *run, size_t layer, const int8_t *mask, float *values);
/* Fills gamma, beta and the moving statistics of a `norm` of as many channels as the layer has units. Finite, variances
 * not negative. Fails, naming the object, where the file has none: only complete runs do. */
int sm_run_read_batch_norm(const struct sm_run *run, size_t layer, const struct sm_batch_norm *norm,
                           struct sm_error *err);
/* Scores of one record, where has_score_records; likewise finite. */
int sm_run_read_scores(const struct sm_run *run, size_t layer, size_t record, float *scores, struct sm_error *err);

#endif
