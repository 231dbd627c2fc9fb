/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blob.c - a whole file in memory, through zlib: gzread passes plain files on as they are. */
#include "datasets/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The data sets stay below 200 MB; a file that unpacks to more is broken or not meant for us. */
#define MAX_BYTES ((size_t)1 << 30)
#define FIRST_BYTES ((size_t)1 << 20)
#define CHUNK_BYTES ((size_t)1 << 20)

static int fail_reading(gzFile file, const struct sm_blob *blob, struct sm_error *err) {
    int number = Z_OK;
    const char *text = gzerror(file, &number);
    if (number == Z_BUF_ERROR) return sm_fail(err, "%s: truncated: the gzip stream ends early", blob->path);
    if (number == Z_DATA_ERROR) return sm_fail(err, "%s: the gzip stream is damaged (%s)", blob->path, text);
    return sm_fail(err, "%s: %s", blob->path, number == Z_ERRNO ? strerror(errno) : text);
}

static int make_room(struct sm_blob *blob, size_t *capacity, struct sm_error *err) {
    if (blob->length < *capacity) return 0;
    if (*capacity >= MAX_BYTES) return sm_fail(err, "%s: holds more than %zu bytes", blob->path, MAX_BYTES);
    size_t larger = *capacity == 0 ? FIRST_BYTES : 2 * *capacity;
    uint8_t *bytes = realloc(blob->bytes, larger);
    if (bytes == NULL) return sm_fail(err, "%s: out of memory for %zu bytes", blob->path, larger);
    blob->bytes = bytes;
    *capacity = larger;
    return 0;
}

static int read_all(struct sm_blob *blob, gzFile file, struct sm_error *err) {
    size_t capacity = 0;
    for (int n = 1; n > 0;) {
        if (make_room(blob, &capacity, err) != 0) return -1;
        size_t room = capacity - blob->length;
        n = gzread(file, blob->bytes + blob->length, (unsigned)(room < CHUNK_BYTES ? room : CHUNK_BYTES));
        if (n > 0) blob->length += (size_t)n;
    }
    int number = Z_OK;
    gzerror(file, &number);
    return number == Z_OK || number == Z_STREAM_END ? 0 : fail_reading(file, blob, err);
}

static bool named_gz(const char *path) {
    size_t n = strlen(path);
    return n >= 3 && strcmp(path + n - 3, ".gz") == 0;
}

int sm_blob_read(struct sm_blob *blob, struct sm_error *err) {
    errno = 0;
    gzFile file = gzopen(blob->path, "rb");
    if (file == NULL) return sm_fail(err, "%s: %s", blob->path, errno != 0 ? strerror(errno) : "out of memory");
    int status = read_all(blob, file, err);
    if (status == 0 && blob->length > 0 && named_gz(blob->path) && gzdirect(file))
        status = sm_fail(err, "%s: not a gzip file, though its name ends in .gz", blob->path);
    if (gzclose_r(file) != Z_OK && status == 0) status = sm_fail(err, "%s: cannot be read to its end", blob->path);
    return status;
}

void sm_blob_destroy(struct sm_blob *blob) {
    free(blob->bytes);
    blob->bytes = NULL;
    blob->length = 0;
}
