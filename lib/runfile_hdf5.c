/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runfile_hdf5.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sm_h5_silence(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* The innermost entry comes first; the rest only says who called whom. */
static herr_t keep_first(unsigned n, const H5E_error2_t *entry, void *reason) {
    if (n == 0 && entry->desc) snprintf(reason, sizeof(struct sm_error), "%s", entry->desc);
    return 0;
}

/* HDF5 wraps errno's message in addresses and times: "... error message = 'No space left on device', buf = 0x..." */
static void unwrap_system_message(char *reason) {
    static const char mark[] = "error message = '";
    char *start = strstr(reason, mark);
    if (!start) return;
    start += strlen(mark);
    char *end = strchr(start, '\'');
    size_t length = end ? (size_t)(end - start) : strlen(start);
    memmove(reason, start, length);
    reason[length] = '\0';
}

int sm_h5_fail(struct sm_error *err, const char *path, const char *format, ...) {
    struct sm_error reason = {""}, what = {""};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, reason.text);
    H5Eclear2(H5E_DEFAULT);
    unwrap_system_message(reason.text);
    va_list args;
    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    return sm_fail(err, "%s: %s%s%s", path, what.text, *reason.text ? ": " : "", reason.text);
}

herr_t sm_h5_drop(hid_t handle) {
    if (handle < 0) return 0;
    hid_t reason = H5Eget_num(H5E_DEFAULT) > 0 ? H5Eget_current_stack() : -1;
    herr_t status = H5Idec_ref(handle) < 0 ? -1 : 0;
    if (reason >= 0) H5Eset_current_stack(reason);
    return status;
}

/* A reader beside a writer reads again what was half written, waiting 1, 2, 4, ... ns. HDF5's own 100 attempts would
 * hang for ever on a damaged file; the last of these waits 8 ms. */
enum { READ_ATTEMPTS = 24 };

hid_t sm_h5_access(void) {
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (list < 0) return list;
    if (H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0 || H5Pset_metadata_read_attempts(list, READ_ATTEMPTS) < 0 ||
        H5Pset_file_locking(list, true, true) < 0) { /* go on where the file system knows no locks */
        sm_h5_drop(list);
        return -1;
    }
    return list;
}

hid_t sm_h5_mask_type(void) {
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    for (size_t i = 0; type >= 0 && i < 3; i++)
        if (H5Tenum_insert(type, sm_mask_members[i].name, &sm_mask_members[i].value) < 0) {
            sm_h5_drop(type);
            type = -1;
        }
    return type;
}

hid_t sm_h5_text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        sm_h5_drop(type);
        type = -1;
    }
    return type;
}

/* ---- writing attributes ---- */

/* n = 0 makes a scalar. */
static herr_t put(hid_t object, const char *name, size_t n, hid_t file_type, hid_t memory_type, const void *values) {
    hsize_t dims[1] = {n};
    hid_t space = n ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attribute < 0 ? -1 : H5Awrite(attribute, memory_type, values);
    if (sm_h5_drop(attribute) < 0) status = -1;
    sm_h5_drop(space);
    return status;
}

herr_t sm_h5_put(hid_t object, const char *name, hid_t file_type, hid_t memory_type, const void *value) {
    return put(object, name, 0, file_type, memory_type, value);
}

herr_t sm_h5_put_array(hid_t object, const char *name, size_t n, const int64_t *values) {
    return put(object, name, n, H5T_STD_I64LE, H5T_NATIVE_INT64, values);
}

herr_t sm_h5_put_text(hid_t object, const char *name, const char *value) {
    hid_t type = sm_h5_text_type();
    herr_t status = type < 0 ? -1 : put(object, name, 0, type, type, &value);
    sm_h5_drop(type);
    return status;
}

herr_t sm_h5_put_texts(hid_t object, const char *name, const char *const *values, size_t n) {
    hid_t type = sm_h5_text_type();
    herr_t status = type < 0 ? -1 : put(object, name, n, type, type, values);
    sm_h5_drop(type);
    return status;
}

/* ---- reading attributes ---- */

static int fail_at(const struct sm_h5_place *place, struct sm_error *err, const char *what, const char *name) {
    const char *where = place->where ? place->where : "root";
    H5Eclear2(H5E_DEFAULT);
    return sm_fail(err, "%s: %s: %s `%s`", place->path, where, what, name);
}

/* What an attribute was found to be. */
struct found {
    hid_t attribute, type;
    H5T_class_t class;
    size_t n; /* elements */
    int rank; /* 0 for a scalar */
};

static void found_close(struct found *found) {
    sm_h5_drop(found->type);
    sm_h5_drop(found->attribute);
}

static int find(const struct sm_h5_place *place, const char *name, struct found *found, struct sm_error *err) {
    *found = (struct found){.attribute = -1, .type = -1};
    if (H5Aexists(place->object, name) <= 0) return fail_at(place, err, "no attribute", name);
    found->attribute = H5Aopen(place->object, name, H5P_DEFAULT);
    found->type = found->attribute < 0 ? -1 : H5Aget_type(found->attribute);
    hid_t space = found->type < 0 ? -1 : H5Aget_space(found->attribute);
    if (space >= 0) {
        found->class = H5Tget_class(found->type);
        found->n = (size_t)H5Sget_simple_extent_npoints(space);
        found->rank = H5Sget_simple_extent_ndims(space);
        sm_h5_drop(space);
        return 0;
    }
    found_close(found);
    return fail_at(place, err, "cannot read attribute", name);
}

static int get_numbers(const struct sm_h5_place *place, const char *name, size_t n, hid_t memory_type, void *values,
                       struct sm_error *err) {
    struct found found;
    if (find(place, name, &found, err) < 0) return -1;
    int status = 0;
    bool fits = found.class == H5T_INTEGER || (found.class == H5T_FLOAT && H5Tget_class(memory_type) == H5T_FLOAT);
    if (!fits || found.n != n)
        status =
            fail_at(place, err,
                    n == 1 ? "not one number of the right type: attribute" : "wrong shape or type: attribute", name);
    else if (H5Aread(found.attribute, memory_type, values) < 0)
        status = fail_at(place, err, "cannot read attribute", name);
    found_close(&found);
    return status;
}

int sm_h5_get_int(const struct sm_h5_place *place, const char *name, int64_t *value, struct sm_error *err) {
    return get_numbers(place, name, 1, H5T_NATIVE_INT64, value, err);
}

int sm_h5_get_seed(const struct sm_h5_place *place, const char *name, uint64_t *value, struct sm_error *err) {
    return get_numbers(place, name, 1, H5T_NATIVE_UINT64, value, err);
}

int sm_h5_get_real(const struct sm_h5_place *place, const char *name, double *value, struct sm_error *err) {
    return get_numbers(place, name, 1, H5T_NATIVE_DOUBLE, value, err);
}

int sm_h5_get_array(const struct sm_h5_place *place, const char *name, size_t n, int64_t *values,
                    struct sm_error *err) {
    return get_numbers(place, name, n, H5T_NATIVE_INT64, values, err);
}

/* Texts of fixed length, as some writers make them, into strings of their own. */
static char **read_fixed(const struct found *found) {
    size_t size = H5Tget_size(found->type);
    char **texts = calloc(found->n, sizeof *texts), *bytes = malloc(found->n * size + 1);
    bool good = texts && bytes && size && H5Aread(found->attribute, found->type, bytes) >= 0;
    for (size_t i = 0; good && i < found->n; i++) good = (texts[i] = strndup(bytes + i * size, size)) != NULL;
    if (!good && texts) {
        sm_h5_free_texts(texts, found->n);
        texts = NULL;
    }
    free(bytes);
    return texts;
}

/* HDF5 allocates variable-length texts itself: copied, so that free() is right for both kinds. */
static char **read_variable(const struct found *found) {
    char **texts = calloc(found->n, sizeof *texts);
    hid_t space = H5Aget_space(found->attribute);
    bool good = texts && space >= 0 && H5Aread(found->attribute, found->type, texts) >= 0;
    for (size_t i = 0; good && i < found->n; i++) {
        char *copy = strdup(texts[i] ? texts[i] : "");
        H5free_memory(texts[i]);
        texts[i] = copy;
    }
    for (size_t i = 0; good && i < found->n; i++) good = texts[i] != NULL;
    if (!good && texts) {
        sm_h5_free_texts(texts, found->n);
        texts = NULL;
    }
    sm_h5_drop(space);
    return texts;
}

int sm_h5_get_texts(const struct sm_h5_place *place, const char *name, char ***values, size_t *n,
                    struct sm_error *err) {
    struct found found;
    if (find(place, name, &found, err) < 0) return -1;
    int status = 0;
    *values = NULL;
    *n = found.n;
    if (found.class != H5T_STRING || found.n == 0)
        status = fail_at(place, err, "not text: attribute", name);
    else if (!(*values = H5Tis_variable_str(found.type) > 0 ? read_variable(&found) : read_fixed(&found)))
        status = fail_at(place, err, "cannot read attribute", name);
    found_close(&found);
    return status;
}

void sm_h5_free_texts(char **values, size_t n) {
    for (size_t i = 0; values && i < n; i++) free(values[i]);
    free(values);
}

int sm_h5_get_text(const struct sm_h5_place *place, const char *name, char **value, struct sm_error *err) {
    char **values;
    size_t n;
    if (sm_h5_get_texts(place, name, &values, &n, err) < 0) return -1;
    int status = n == 1 ? 0 : fail_at(place, err, "not one text: attribute", name);
    if (status == 0) {
        *value = values[0];
        values[0] = NULL;
    }
    sm_h5_free_texts(values, n);
    return status;
}
