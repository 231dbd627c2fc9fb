/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/outfile.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "DIR/.NAME.PID.part": hidden, in the same directory so that the rename is atomic, one for each process. */
static char *temporary_name(const char *path) {
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash + 1 - path) : 0;
    char *name = NULL;
    return asprintf(&name, "%.*s.%s.%ld.part", directory, path, path + directory, (long)getpid()) < 0 ? NULL : name;
}

static void release(struct sm_outfile *out) {
    free(out->path);
    free(out->temporary);
    *out = (struct sm_outfile){0};
}

int sm_outfile_open(struct sm_outfile *out, const char *path, struct sm_error *err) {
    *out = (struct sm_outfile){.path = strdup(path), .temporary = temporary_name(path)};
    if (!out->path || !out->temporary) {
        release(out);
        return sm_fail(err, "%s: out of memory", path);
    }
    out->file = fopen(out->temporary, "w");
    if (!out->file) {
        int reason = errno;
        release(out);
        return sm_fail(err, "%s: cannot be written: %s", path, strerror(reason));
    }
    return 0;
}

int sm_outfile_close(struct sm_outfile *out, struct sm_error *err) {
    errno = 0;
    int bad = ferror(out->file);
    if (fflush(out->file) != 0) bad = 1;
    int reason = errno;
    if (fclose(out->file) != 0 && !bad) {
        bad = 1;
        reason = errno;
    }
    if (!bad && rename(out->temporary, out->path) != 0) {
        bad = 1;
        reason = errno;
    }
    int status = 0;
    if (bad) {
        unlink(out->temporary);
        status = sm_fail(err, "%s: cannot be written: %s", out->path, reason ? strerror(reason) : "write error");
    }
    release(out);
    return status;
}

void sm_outfile_abandon(struct sm_outfile *out) {
    if (out->file) {
        fclose(out->file);
        unlink(out->temporary);
    }
    release(out);
}

static int make_one(const char *path, struct sm_error *err) {
    struct stat found;
    if (mkdir(path, 0777) == 0) return 0;
    int reason = errno;
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) return 0;
    return sm_fail(err, "%s: cannot make the directory: %s", path, strerror(reason));
}

int sm_directory_make(const char *path, struct sm_error *err) {
    char *copy = strdup(path);
    if (!copy) return sm_fail(err, "%s: out of memory", path);
    int status = 0;
    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash && status == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(copy, err);
        *slash = '/';
    }
    if (status == 0) status = make_one(copy, err);
    free(copy);
    return status;
}
