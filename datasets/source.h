/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.h - a data set's files: where they are looked for, reading them whole, their checksum. */
#ifndef SUPERMASK_DATASETS_SOURCE_H
#define SUPERMASK_DATASETS_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>

enum { SM_SOURCE_MAX_PATH = 4096 };

/* The folder that holds a data set's files. */
struct sm_source {
    char folder[SM_SOURCE_MAX_PATH];
};

/* A file in memory, uncompressed. */
struct sm_blob {
    char path[SM_SOURCE_MAX_PATH]; /* for the sentences about it */
    uint8_t *bytes;                /* malloc'ed */
    size_t length;
};

/* Finds data set `name` by one of its files. Exactly one directory is looked in: `directory` (--data) where it is not
 * NULL, else $SUPERMASK_DATA where that is set and not empty, else ./data; a directory that the user named is never
 * passed over silently for another. There the files lie in DIRECTORY/folder/ or in DIRECTORY itself. */
int sm_source_find(struct sm_source *source, const char *name, const char *folder, const char *file,
                   const char *directory, struct sm_error *err);

/* Reads FOLDER/file.gz or else FOLDER/file. The caller destroys the blob, also after a failure. */
int sm_source_read(struct sm_blob *blob, const struct sm_source *source, const char *file, struct sm_error *err);

/* Reads blob->path, gzip'ed or plain (told by its content; a name that ends in .gz must be gzip). The caller destroys
 * the blob, also after a failure. */
int sm_blob_read(struct sm_blob *blob, struct sm_error *err);
void sm_blob_destroy(struct sm_blob *blob);

/* SHA-256 of the parts one after the other, lower-case hex, terminated. */
struct sm_bytes {
    const uint8_t *bytes; /* borrowed */
    size_t length;
};
void sm_sha256_hex(char hex[65], const struct sm_bytes *parts, size_t n_parts);

#endif
