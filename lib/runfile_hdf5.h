/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runfile_hdf5.h - the door to HDF5: what lib/runfile*.c share and nobody else sees.
 *
 * Every function returns 0, or -1 with a sentence that begins with the file's path. Handles are closed with the file:
 * files are opened with H5F_CLOSE_STRONG, so an error path only closes the file. */
#ifndef SUPERMASK_RUNFILE_HDF5_H
#define SUPERMASK_RUNFILE_HDF5_H

#include <hdf5.h>
#include <hdf5_hl.h>
#include <supermask/runfile.h>

#define SM_RANK_MAX 5                      /* record, out, in, kernel_height, kernel_width */
#define SM_OBJECT_SIZE (SM_NAME_SIZE + 64) /* "layers/<name>/initial_weights" */

/* ---- names (runfile_layout.c) ---- */

/* A group of columns of doubles, which grow by rows: in memory an array of structs. */
struct sm_row_field {
    const char *name, *units, *description;
    size_t offset; /* in the struct */
    bool share;    /* in [0,1], or NaN */
};
struct sm_rows {
    const char *group;
    const struct sm_row_field *fields; /* in the order in which a row is written */
    size_t n_fields, size;             /* size of the struct */
};
enum { SM_METRICS_COUNT = 9, SM_ROUNDS_COUNT = 8 };
extern const struct sm_rows sm_metric_rows; /* of struct sm_metrics; epoch last, whose length counts */
extern const struct sm_rows sm_round_rows;  /* of struct sm_round; after them comes rounds/round, whose length counts */
/* "GROUP/NAME" of a field */
void sm_rows_object(char object[SM_OBJECT_SIZE], const struct sm_rows *rows, size_t field);

/* A per-layer data set of values that do not change; index: enum sm_run_values. */
extern const char *const sm_values_names[5];

#define SM_INPUT_NAME "input" /* among a layer's inputs: the network's input */

struct sm_mask_member {
    const char *name;
    int8_t value;
};
extern const struct sm_mask_member sm_mask_members[3];

/* What the root attribute `trained` says: what the method changes. */
enum sm_trained { SM_TRAINED_SCORES, SM_TRAINED_WEIGHTS, SM_TRAINED_NOTHING };
extern const char *const sm_trained_names[3];
extern const char *const sm_rescale_names[2];       /* by whether there is dynamic weight rescaling */
extern const char *const sm_mask_sampling_names[2]; /* by whether each record's mask is a draw of its own */

/* ---- HDF5 made short (runfile_hdf5.c) ---- */

/* HDF5 prints nothing by itself in this thread from now on. */
void sm_h5_silence(void);
/* Fails with "PATH: WHAT: innermost reason HDF5 gives"; the system's own message where there is one. */
int sm_h5_fail(struct sm_error *err, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Closes any handle but a file; a negative one is allowed. Keeps the reason of an earlier failure, which HDF5 forgets
 * with its next successful call. Negative when closing (and thereby writing) fails. */
herr_t sm_h5_drop(hid_t handle);

hid_t sm_h5_access(void);    /* file access list: 1.10 format, strong close; to be closed; negative on failure */
hid_t sm_h5_mask_type(void); /* enum over native int8; to be closed; negative on failure */
hid_t sm_h5_text_type(void); /* variable-length UTF-8; to be closed; negative on failure */

/* Attributes of `object`; negative on failure, without a sentence. */
herr_t sm_h5_put_text(hid_t object, const char *name, const char *value);
herr_t sm_h5_put_texts(hid_t object, const char *name, const char *const *values, size_t n);
herr_t sm_h5_put(hid_t object, const char *name, hid_t file_type, hid_t memory_type, const void *value);
herr_t sm_h5_put_array(hid_t object, const char *name, size_t n, const int64_t *values);

/* The same with a sentence: `object` is called `where` in it ("layer dense1"; NULL for the root). */
struct sm_h5_place {
    const char *path, *where;
    hid_t object;
};
int sm_h5_get_text(const struct sm_h5_place *place, const char *name, char **value, struct sm_error *err);
int sm_h5_get_texts(const struct sm_h5_place *place, const char *name, char ***values, size_t *n, struct sm_error *err);
void sm_h5_free_texts(char **values, size_t n);
int sm_h5_get_int(const struct sm_h5_place *place, const char *name, int64_t *value, struct sm_error *err);
int sm_h5_get_seed(const struct sm_h5_place *place, const char *name, uint64_t *value, struct sm_error *err);
int sm_h5_get_real(const struct sm_h5_place *place, const char *name, double *value, struct sm_error *err);
int sm_h5_get_array(const struct sm_h5_place *place, const char *name, size_t n, int64_t *values, struct sm_error *err);

/* ---- a file that is written (runfile_disk.c) ---- */

struct sm_disk {
    const char *path; /* for sentences; borrowed */
    hid_t file;       /* negative when closed */
    hid_t driver;
    int error; /* errno of the first write that failed; HDF5 does not learn of it, and writes nothing any more */
};
int sm_disk_create(struct sm_disk *disk, const char *path,
                   struct sm_error *err); /* `disk` must not move until closed */
int sm_disk_flush(struct sm_disk *disk, struct sm_error *err);
/* Fails, too, where an earlier write has failed; the file is closed in any case. */
int sm_disk_close(struct sm_disk *disk, struct sm_error *err);
/* sm_h5_fail with the disk's own error where there is one. */
int sm_disk_fail(const struct sm_disk *disk, struct sm_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the file as it is laid out (runfile_layout.c) ---- */

struct sm_layout {
    const char *status, *created;
    const struct sm_run_header *header;
    const struct sm_network *net;
    bool has_scores, has_mask_weights, complete;
    enum sm_trained trained;
};
/* The name of the data set with the trained values, or NULL where nothing is trained. */
const char *sm_layout_final_name(enum sm_trained trained);
/* Everything but the values, in an empty file. */
int sm_layout_create(const struct sm_disk *disk, const struct sm_layout *layout, struct sm_error *err);
/* A group without a time stamp; `ordered`: its links keep the order in which they are made. To be closed. */
hid_t sm_layout_group(hid_t parent, const char *name, bool ordered);
/* "layers/NAME/SET" */
void sm_layout_object(char object[SM_OBJECT_SIZE], const char *layer, const char *set);
/* Shape of a layer's weights: dims[0..rank). Returns the rank, 2 or 4. */
int sm_layout_shape(const struct sm_layer *layer, hsize_t dims[SM_RANK_MAX - 1]);

/* ---- the network as text (runfile_description.c) ---- */

/* Writes nothing for a network that has no nodes. */
herr_t sm_description_create(hid_t file, const struct sm_network *net);
/* The nodes of a run whose layers are known: from the text, or, where a file has none (one that an older program has
 * written), those of a stack of dense layers; other networks are left without. */
int sm_description_open(struct sm_run *run, struct sm_error *err);

/* ---- batch norm (runfile_norm.c) ---- */

/* Writes /batch_norm of a file that is complete otherwise; norms[l] is NULL where layer l has none. */
int sm_batch_norm_write(const struct sm_disk *disk, const struct sm_network *net,
                        const struct sm_batch_norm *const *norms, struct sm_error *err);

/* ---- copying (runfile_copy.c) ---- */

/* Writes the values that `run` holds into the laid-out file: initial values, whole records, rows of metrics and rounds.
 */
int sm_copy_run(const struct sm_disk *disk, const struct sm_run *run, struct sm_error *err);

/* ---- reading (runfile_open.c) ---- */

struct sm_run_handle {
    hid_t file;
    hid_t *mask;  /* [n_layers] */
    hid_t *score; /* [n_layers], or NULL */
    enum sm_trained trained;
};
/* sm_run_open that accepts a run without a record. */
int sm_run_open_any(struct sm_run *run, const char *path, struct sm_error *err);
/* The recipe in the file, where it can be read and names one, is of the same method (runfile_method.c). */
int sm_run_check_method(const struct sm_run *run, struct sm_error *err);
/* Whole records, rows of metrics and rounds (runfile_series.c). */
int sm_run_open_series(struct sm_run *run, struct sm_error *err);
/* The graph, the thresholds and the open masks of a run whose records are known (runfile_graph.c). */
int sm_run_open_layers(struct sm_run *run, struct sm_error *err);

/* ---- locks and names (runfile_part.c); no HDF5 in there ---- */

/* A file under its temporary name PATH.part, locked until `fd` is closed. */
struct sm_part {
    char *path; /* malloc'ed; NULL once published */
    int fd;
};
int sm_part_open(struct sm_part *part, const char *path, struct sm_error *err);
/* Makes the content durable and gives it its name. `replace`: an existing file gives way; else it is an error. */
int sm_part_publish(struct sm_part *part, const char *path, bool replace, struct sm_error *err);
/* Removes the temporary file, if it was not published, and lets go of the lock. */
void sm_part_discard(struct sm_part *part);
/* Opens and locks an existing file against a second writer; *fd is the caller's. */
int sm_lock_open(int *fd, const char *path, struct sm_error *err);

#endif
