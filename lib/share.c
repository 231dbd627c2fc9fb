/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <supermask/share.h>
#include <supermask/text.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in(const char *text, const char *tail) {
    size_t length = strlen(text), n = strlen(tail);
    return length > n && strcmp(text + length - n, tail) == 0;
}

bool sm_share_is_path(const char *word) {
    return strchr(word, '/') || ends_in(word, ".yaml") || ends_in(word, ".yml");
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* DIR/../share/supermask of the program DIR/PROGRAM; NULL and a sentence on failure. */
static char *beside_program(struct sm_error *err) {
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) {
        sm_fail(err, "/proc/self/exe: %s: set SUPERMASK_SHARE to the directory of the shipped files", strerror(errno));
        return NULL;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) *slash = '\0';
    char *path = sm_format("%s/../share/supermask", program);
    if (!path) sm_fail(err, "out of memory");
    return path;
}

static char *share_directory(struct sm_error *err) {
    const char *set = getenv("SUPERMASK_SHARE");
    char *path = set && *set ? strdup(set) : beside_program(err);
    if (!path || is_directory(path)) return path;
    sm_fail(err, "%s: no such directory, so the shipped recipes, networks and plots cannot be found%s", path,
            set ? " (from SUPERMASK_SHARE)" : ": set SUPERMASK_SHARE");
    free(path);
    return NULL;
}

char *sm_share_path(const char *relative, struct sm_error *err) {
    char *directory = share_directory(err);
    if (!directory) return NULL;
    char *path = sm_format("%s/%s", directory, relative);
    if (!path) sm_fail(err, "out of memory");
    free(directory);
    return path;
}

/* Adds the name without its suffix, if the suffix is there. */
static int add_name(const char *file, const char *suffix, char ***names, size_t *n_names) {
    size_t length = strlen(file), tail = strlen(suffix);
    if (*file == '.' || length <= tail || strcmp(file + length - tail, suffix) != 0) return 0;
    char **grown = realloc(*names, (*n_names + 1) * sizeof *grown);
    if (!grown) return -1;
    *names = grown;
    grown[*n_names] = strndup(file, length - tail);
    if (!grown[*n_names]) return -1;
    ++*n_names;
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int sm_share_list(const char *folder, const char *suffix, char ***names, size_t *n_names, struct sm_error *err) {
    int status = -1;
    *names = NULL;
    *n_names = 0;
    char *path = sm_share_path(folder, err);
    if (!path) return -1;
    DIR *directory = opendir(path);
    if (!directory) {
        sm_fail(err, "%s: %s", path, strerror(errno));
        goto done;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        if (add_name(entry->d_name, suffix, names, n_names)) {
            sm_fail(err, "%s: out of memory", path);
            goto done;
        }
    if (*n_names) qsort(*names, *n_names, sizeof **names, by_name);
    status = 0;
done:
    if (directory) closedir(directory);
    if (status) {
        sm_share_free(*names, *n_names);
        *names = NULL;
        *n_names = 0;
    }
    free(path);
    return status;
}

void sm_share_free(char **names, size_t n_names) {
    for (size_t i = 0; i < n_names; i++) free(names[i]);
    free(names);
}
