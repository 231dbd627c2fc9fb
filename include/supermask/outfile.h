/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outfile.h - a text file that is either whole or not there: written under a temporary name in the same directory,
 * renamed when every byte has been accepted. */
#ifndef SUPERMASK_OUTFILE_H
#define SUPERMASK_OUTFILE_H

#include <stdio.h>
#include <supermask/error.h>

struct sm_outfile {
    FILE *file; /* write here; write errors are kept until close */
    char *path, *temporary;
};

/* Opens PATH for writing. The directory must exist. After a failure nothing needs to be closed. */
int sm_outfile_open(struct sm_outfile *out, const char *path, struct sm_error *err);

/* Flushes, checks, renames onto PATH; after a failure the temporary file is gone. Frees in every case. */
int sm_outfile_close(struct sm_outfile *out, struct sm_error *err);

/* Removes the temporary file and frees. A zeroed `out` is allowed. */
void sm_outfile_abandon(struct sm_outfile *out);

/* Creates a directory and its parents; one that exists is fine. */
int sm_directory_make(const char *path, struct sm_error *err);

#endif
