/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checkpoint: what an exact resume needs beside the run file, as plain bytes in the machine's own order:
 *
 *   "supermask-checkpoint 1\n"  byte order mark uint64 0x0102030405060708  number of arrays uint64
 *   for each array: name char[64], type uint64, n uint64, n elements
 *   FNV-1a hash of everything before it, uint64
 *
 * Only the program that wrote it reads it, on the same machine as a rule; a file from elsewhere is refused. */
#include <supermask/outfile.h>
#include <supermask/runfile.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "supermask-checkpoint 1\n";
static const uint64_t byte_order = 0x0102030405060708u;

struct entry {
    char name[SM_NAME_SIZE];
    uint64_t type, n;
};

/* A stream and the hash of what went through it (Fowler, Noll & Vo: 64 bit FNV-1a). */
struct hashed {
    FILE *file;
    uint64_t hash;
};

static void hash_bytes(struct hashed *stream, const void *bytes, size_t n) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++) stream->hash = (stream->hash ^ byte[i]) * 0x100000001b3u;
}

static struct hashed hashed_start(FILE *file) {
    return (struct hashed){file, 0xcbf29ce484222325u};
}

static int put(struct hashed *stream, const void *bytes, size_t n) {
    hash_bytes(stream, bytes, n);
    return fwrite(bytes, 1, n, stream->file) == n ? 0 : -1;
}

static int get(struct hashed *stream, void *bytes, size_t n) {
    if (fread(bytes, 1, n, stream->file) != n) return -1;
    hash_bytes(stream, bytes, n);
    return 0;
}

static size_t element_size(enum sm_array_type type) {
    static const size_t sizes[] = {[SM_F32] = 4, [SM_F64] = 8, [SM_I64] = 8, [SM_I8] = 1};
    return sizes[type];
}

static struct entry entry_of(const struct sm_array *array) {
    struct entry entry = {.type = array->type, .n = array->n};
    assert(strlen(array->name) < sizeof entry.name);
    strcpy(entry.name, array->name);
    return entry;
}

static int write_array(struct hashed *stream, const struct sm_array *array) {
    struct entry entry = entry_of(array);
    if (put(stream, &entry, sizeof entry) < 0) return -1;
    return put(stream, array->data, array->n * element_size(array->type));
}

/* After the last byte, before the rename: a power cut may cost the newest checkpoint, never leave half of one. */
static int write_all(FILE *file, const struct sm_array *arrays, size_t n_arrays) {
    struct hashed stream = hashed_start(file);
    const uint64_t count = n_arrays;
    if (put(&stream, magic, sizeof magic - 1) < 0 || put(&stream, &byte_order, sizeof byte_order) < 0 ||
        put(&stream, &count, sizeof count) < 0)
        return -1;
    for (size_t i = 0; i < n_arrays; i++)
        if (write_array(&stream, &arrays[i]) < 0) return -1;
    const uint64_t hash = stream.hash;
    if (put(&stream, &hash, sizeof hash) < 0 || fflush(file) != 0) return -1;
    return fsync(fileno(file));
}

int sm_checkpoint_write(const char *path, const struct sm_array *arrays, size_t n_arrays, struct sm_error *err) {
    struct sm_outfile out;
    if (sm_outfile_open(&out, path, err) < 0) return -1;
    errno = 0;
    if (write_all(out.file, arrays, n_arrays) == 0) return sm_outfile_close(&out, err);
    sm_fail(err, "%s: cannot be written: %s", path, strerror(errno));
    sm_outfile_abandon(&out);
    return -1;
}

static int read_head(struct hashed *stream, const char *path, size_t n_arrays, struct sm_error *err) {
    char found[sizeof magic - 1];
    uint64_t order, count;
    if (get(stream, found, sizeof found) < 0 || memcmp(found, magic, sizeof found) != 0)
        return sm_fail(err, "%s: is not a checkpoint of this version", path);
    if (get(stream, &order, sizeof order) < 0 || order != byte_order)
        return sm_fail(err, "%s: is a checkpoint of another kind of machine", path);
    if (get(stream, &count, sizeof count) < 0 || count != n_arrays)
        return sm_fail(err, "%s: does not hold the %zu arrays of this run", path, n_arrays);
    return 0;
}

static int read_array(struct hashed *stream, const char *path, const struct sm_array *array, struct sm_error *err) {
    struct entry entry, expected = entry_of(array);
    if (get(stream, &entry, sizeof entry) < 0) return sm_fail(err, "%s: is cut short", path);
    if (memcmp(&entry, &expected, sizeof entry) != 0)
        return sm_fail(err, "%s: does not hold %zu values of `%s` where they belong", path, array->n, array->name);
    if (get(stream, array->data, array->n * element_size(array->type)) < 0)
        return sm_fail(err, "%s: is cut short", path);
    return 0;
}

static int read_end(struct hashed *stream, const char *path, struct sm_error *err) {
    const uint64_t hash = stream->hash;
    uint64_t found;
    if (get(stream, &found, sizeof found) < 0) return sm_fail(err, "%s: is cut short", path);
    if (found != hash || fgetc(stream->file) != EOF)
        return sm_fail(err, "%s: is damaged: its checksum does not fit", path);
    return 0;
}

int sm_checkpoint_read(const char *path, const struct sm_array *arrays, size_t n_arrays, struct sm_error *err) {
    FILE *file = fopen(path, "rb");
    if (!file) return sm_fail(err, "%s: cannot open: %s", path, strerror(errno));
    struct hashed stream = hashed_start(file);
    int status = read_head(&stream, path, n_arrays, err);
    for (size_t i = 0; status == 0 && i < n_arrays; i++) status = read_array(&stream, path, &arrays[i], err);
    if (status == 0) status = read_end(&stream, path, err);
    fclose(file);
    return status;
}
