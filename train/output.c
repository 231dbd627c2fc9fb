/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/output.h"

#include <supermask/outfile.h>
#include <supermask/text.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in_slash(const char *path) {
    return *path && path[strlen(path) - 1] == '/';
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static char *run_name(const struct sm_recipe *recipe) {
    unsigned long long w = recipe->weight_seed, s = recipe->score_seed, d = recipe->data_seed;
    if (w == s && s == d) return sm_format("%s-seed%llu.h5", recipe->name, w);
    return sm_format("%s-w%llu-s%llu-d%llu.h5", recipe->name, w, s, d);
}

char *sm_output_place(const char *wanted, const char *name) {
    if (!wanted) return strdup(name);
    if (!ends_in_slash(wanted) && !is_directory(wanted)) return strdup(wanted);
    return sm_format("%s%s%s", wanted, ends_in_slash(wanted) ? "" : "/", name);
}

char *sm_output_path(const char *wanted, const struct sm_recipe *recipe) {
    char *name = run_name(recipe);
    char *path = name ? sm_output_place(wanted, name) : NULL;
    free(name);
    return path;
}

int sm_output_make_directory(const char *wanted, struct sm_error *err) {
    return wanted && ends_in_slash(wanted) ? sm_directory_make(wanted, err) : 0;
}

/* Only a try shows whether a file can be made: permissions say nothing about read-only or full file systems. */
static int try_to_write(const char *path, struct sm_error *err) {
    char *temporary = sm_format("%s.XXXXXX", path);
    if (!temporary) return sm_fail(err, "%s: out of memory", path);
    int status = 0, file = mkstemp(temporary);
    if (file < 0)
        status = sm_fail(err, "%s: the run file cannot be written: %s", path, strerror(errno));
    else if (close(file) != 0 || unlink(temporary) != 0)
        status = sm_fail(err, "%s: %s", temporary, strerror(errno));
    free(temporary);
    return status;
}

int sm_output_prepare(const char *path, const char *wanted, bool resume, struct sm_error *err) {
    struct stat status;
    if (sm_output_make_directory(wanted, err)) return -1;
    if (stat(path, &status) == 0) {
        if (!S_ISREG(status.st_mode)) return sm_fail(err, "%s: is not a regular file", path);
        if (!resume) return sm_fail(err, "%s: exists already: --resume continues it, -o names another", path);
    }
    return try_to_write(path, err);
}
