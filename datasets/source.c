/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datasets/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <supermask/share.h>

/* The directory to look in, and for the sentence about a missing data set, why this one. */
struct choice {
    const char *directory, *reason;
};

static struct choice choose_directory(const char *option) {
    if (option != NULL)
        return (struct choice){option, "given by --data, which stands before $SUPERMASK_DATA and ./data"};
    const char *variable = getenv("SUPERMASK_DATA");
    if (variable != NULL && variable[0] != '\0')
        return (struct choice){variable, "given by $SUPERMASK_DATA, which stands after --data and before ./data"};
    return (struct choice){"./data", "the default, as neither --data nor $SUPERMASK_DATA is given"};
}

__attribute__((format(printf, 2, 3))) static bool make_path(char path[SM_SOURCE_MAX_PATH], const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(path, SM_SOURCE_MAX_PATH, format, args);
    va_end(args);
    return n >= 0 && n < SM_SOURCE_MAX_PATH;
}

/* FOLDER/file.gz, else FOLDER/file. What exists but cannot be read fails later, with its own sentence. */
static bool find_file(char path[SM_SOURCE_MAX_PATH], const char *folder, const char *file) {
    return (make_path(path, "%s/%s.gz", folder, file) && access(path, F_OK) == 0) ||
           (make_path(path, "%s/%s", folder, file) && access(path, F_OK) == 0);
}

/* Where the program is installed, the script is among the shared files; NULL: where it is built, beside the sources. */
static char *fetch_script(void) {
    struct sm_error ignored = {{0}};
    char *path = sm_share_path("datasets/fetch.sh", &ignored);
    if (path && access(path, X_OK) == 0) return path;
    free(path);
    return NULL;
}

int sm_source_find(struct sm_source *source, const char *name, const char *folder, const char *file,
                   const char *directory, struct sm_error *err) {
    struct choice chosen = choose_directory(directory);
    char path[SM_SOURCE_MAX_PATH];
    if (make_path(source->folder, "%s/%s", chosen.directory, folder) && find_file(path, source->folder, file)) return 0;
    if (make_path(source->folder, "%s", chosen.directory) && find_file(path, source->folder, file)) return 0;
    char *script = fetch_script();
    sm_fail(err, "data set %s: neither %s.gz nor %s is in %s/%s or %s (%s); `%s %s %s` gets it", name, file, file,
            chosen.directory, folder, chosen.directory, chosen.reason, script ? script : "datasets/fetch.sh", name,
            chosen.directory);
    free(script);
    return -1;
}

int sm_source_read(struct sm_blob *blob, const struct sm_source *source, const char *file, struct sm_error *err) {
    *blob = (struct sm_blob){.bytes = NULL};
    if (!find_file(blob->path, source->folder, file))
        return sm_fail(err, "%s/%s[.gz]: %s, though other files of the data set are there", source->folder, file,
                       strerror(errno));
    return sm_blob_read(blob, err);
}
