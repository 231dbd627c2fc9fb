/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run file is built as PATH.part and gets its name when it is whole. The lock is an open-file-description lock:
 * HDF5 uses flock(2) for its own purposes, and the two do not see each other on local file systems. It belongs to the
 * inode, so it goes with the file through the rename; only who holds it renames or removes. */
#include "runfile_hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_errno(struct sm_error *err, const char *path, const char *what) {
    return sm_fail(err, "%s: %s: %s", path, what, strerror(errno));
}

/* The name may have gone to another file between open and lock. */
static bool still_named(int fd, const char *path) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static int lock(int fd, const char *path, struct sm_error *err) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0 && still_named(fd, path)) return 0;
    if (errno == EAGAIN || errno == EACCES || !still_named(fd, path))
        return sm_fail(err, "%s: is being written by another process", path);
    return fail_errno(err, path, "cannot lock");
}

static int open_locked(int *fd, const char *path, int flags, struct sm_error *err) {
    *fd = open(path, O_RDWR | O_CLOEXEC | flags, 0666);
    if (*fd < 0) return fail_errno(err, path, flags & O_CREAT ? "cannot create" : "cannot open for writing");
    if (lock(*fd, path, err) == 0) return 0;
    close(*fd);
    *fd = -1;
    return -1;
}

int sm_lock_open(int *fd, const char *path, struct sm_error *err) {
    return open_locked(fd, path, 0, err);
}

int sm_part_open(struct sm_part *part, const char *path, struct sm_error *err) {
    *part = (struct sm_part){.fd = -1};
    if (asprintf(&part->path, "%s.part", path) < 0) {
        part->path = NULL;
        return sm_fail(err, "%s: out of memory", path);
    }
    if (open_locked(&part->fd, part->path, O_CREAT, err) == 0) return 0;
    free(part->path);
    part->path = NULL;
    return -1;
}

/* A rename is durable when its directory is. */
static int sync_directory(const char *path) {
    char *copy = strdup(path);
    if (!copy) return -1;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0) return -1;
    int status = fsync(fd);
    if (status < 0 && (errno == EINVAL || errno == EROFS)) status = 0; /* not every file system syncs directories */
    close(fd);
    return status;
}

/* Never over an existing file; where the file system has no such rename, a hard link does the same. */
static int rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    return link(from, to) < 0 ? -1 : unlink(from);
}

int sm_part_publish(struct sm_part *part, const char *path, bool replace, struct sm_error *err) {
    if (fsync(part->fd) < 0) return fail_errno(err, part->path, "cannot write");
    int status = replace ? rename(part->path, path) : rename_new(part->path, path);
    if (status < 0) return fail_errno(err, path, "cannot create");
    free(part->path);
    part->path = NULL;
    return sync_directory(path) < 0 ? fail_errno(err, path, "cannot write its directory") : 0;
}

void sm_part_discard(struct sm_part *part) {
    if (part->path) unlink(part->path);
    free(part->path);
    if (part->fd >= 0) close(part->fd);
    *part = (struct sm_part){.fd = -1};
}
