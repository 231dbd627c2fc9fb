/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HDF5 file driver for files that are written. HDF5 does not survive a failed write: a data set that cannot be
 * flushed is freed but stays registered, and closing the file, or the end of the process, reads it again. So HDF5 is
 * never told. The first failure is kept in `error` of struct sm_disk (an errno), and nothing is written from then on:
 * on the disk it looks as if the process had been killed at that moment, which the append mode is made for. Who writes
 * looks at `error` after each flush and after the close. */
#include "runfile_hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct driver {
    H5FD_t shared; /* HDF5's part, first */
    int fd, *error;
    haddr_t eoa, eof;
    dev_t device;
    ino_t inode;
};

static const haddr_t max_address = ((haddr_t)1 << 62) - 1;

static void keep_error(struct driver *disk) {
    if (*disk->error == 0) *disk->error = errno ? errno : EIO;
}

static H5FD_t *disk_open(const char *path, unsigned flags, hid_t access, haddr_t max) {
    (void)max;
    int *const *error = H5Pget_driver_info(access);
    struct driver *disk = calloc(1, sizeof *disk);
    struct stat status;
    int mode = O_RDWR | O_CLOEXEC | (flags & H5F_ACC_CREAT ? O_CREAT : 0) | (flags & H5F_ACC_TRUNC ? O_TRUNC : 0);
    if (!disk || !error) {
        free(disk);
        return NULL;
    }
    disk->error = *error;
    disk->fd = open(path, mode, 0666);
    if (disk->fd < 0 || fstat(disk->fd, &status) < 0) {
        keep_error(disk);
        if (disk->fd >= 0) close(disk->fd);
        free(disk);
        return NULL;
    }
    disk->eof = (haddr_t)status.st_size;
    disk->device = status.st_dev;
    disk->inode = status.st_ino;
    return &disk->shared;
}

static herr_t disk_close(H5FD_t *file) {
    struct driver *disk = (struct driver *)file;
    if (close(disk->fd) < 0) keep_error(disk);
    free(disk);
    return 0;
}

static int disk_compare(const H5FD_t *a, const H5FD_t *b) {
    const struct driver *left = (const struct driver *)a, *right = (const struct driver *)b;
    if (left->device != right->device) return left->device < right->device ? -1 : 1;
    return left->inode < right->inode ? -1 : left->inode > right->inode;
}

static herr_t disk_query(const H5FD_t *file, unsigned long *features) {
    (void)file;
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t disk_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const struct driver *)file)->eoa;
}

static herr_t disk_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((struct driver *)file)->eoa = address;
    return 0;
}

static haddr_t disk_get_eof(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const struct driver *)file)->eof;
}

/* What lies beyond the end reads as zero, as HDF5's own driver has it. */
static herr_t disk_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes) {
    (void)type;
    (void)transfer;
    const struct driver *disk = (const struct driver *)file;
    char *to = bytes;
    while (size > 0) {
        ssize_t n = pread(disk->fd, to, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) {
            memset(to, 0, size);
            return 0;
        }
        to += n;
        size -= (size_t)n;
        address += (haddr_t)n;
    }
    return 0;
}

static herr_t disk_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                         const void *bytes) {
    (void)type;
    (void)transfer;
    struct driver *disk = (struct driver *)file;
    const char *from = bytes;
    if (address + size > disk->eof) disk->eof = address + size;
    while (size > 0 && *disk->error == 0) {
        errno = 0;
        ssize_t n = pwrite(disk->fd, from, size, (off_t)address);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            keep_error(disk);
            break;
        }
        from += n;
        size -= (size_t)n;
        address += (haddr_t)n;
    }
    return 0;
}

static herr_t disk_truncate(H5FD_t *file, hid_t transfer, hbool_t closing) {
    (void)transfer;
    (void)closing;
    struct driver *disk = (struct driver *)file;
    if (disk->eoa == disk->eof) return 0;
    if (*disk->error == 0 && ftruncate(disk->fd, (off_t)disk->eoa) < 0) keep_error(disk);
    disk->eof = disk->eoa;
    return 0;
}

/* HDF5's own lock, which tells its other users to keep off until append mode begins. A file system without it is no
 * reason to fail: writers of runs exclude each other by runfile_part.c. */
static herr_t disk_lock(H5FD_t *file, hbool_t for_writing) {
    int status = flock(((const struct driver *)file)->fd, (for_writing ? LOCK_EX : LOCK_SH) | LOCK_NB);
    return status < 0 && errno == EWOULDBLOCK ? -1 : 0;
}

static herr_t disk_unlock(H5FD_t *file) {
    flock(((const struct driver *)file)->fd, LOCK_UN);
    return 0;
}

static const H5FD_class_t disk_class = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)510, /* any number from 256 on that no driver in use has */
#endif
    .name = "supermask",
    .maxaddr = max_address,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(int *),
    .open = disk_open,
    .close = disk_close,
    .cmp = disk_compare,
    .query = disk_query,
    .get_eoa = disk_get_eoa,
    .set_eoa = disk_set_eoa,
    .get_eof = disk_get_eof,
    .read = disk_read,
    .write = disk_write,
    .truncate = disk_truncate,
    .lock = disk_lock,
    .unlock = disk_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

int sm_disk_create(struct sm_disk *disk, const char *path, struct sm_error *err) {
    *disk = (struct sm_disk){.path = path, .file = -1, .driver = H5FDregister(&disk_class)};
    int *const error = &disk->error;
    hid_t access = sm_h5_access(), create = H5Pcreate(H5P_FILE_CREATE);
    if (disk->driver >= 0 && access >= 0 && create >= 0 && H5Pset_obj_track_times(create, false) >= 0 &&
        H5Pset_driver(access, disk->driver, &error) >= 0)
        disk->file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    sm_h5_drop(create);
    sm_h5_drop(access);
    if (disk->file >= 0) return 0;
    sm_h5_drop(disk->driver);
    disk->driver = -1;
    return sm_disk_fail(disk, err, "cannot create");
}

int sm_disk_flush(struct sm_disk *disk, struct sm_error *err) {
    herr_t status = H5Fflush(disk->file, H5F_SCOPE_GLOBAL);
    return status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot write") : 0;
}

int sm_disk_close(struct sm_disk *disk, struct sm_error *err) {
    herr_t status = disk->file >= 0 ? H5Fclose(disk->file) : 0;
    sm_h5_drop(disk->driver); /* after the file: HDF5 reads the driver's table when it has let go of it */
    disk->file = disk->driver = -1;
    return status < 0 || disk->error ? sm_disk_fail(disk, err, "cannot write") : 0;
}

int sm_disk_fail(const struct sm_disk *disk, struct sm_error *err, const char *format, ...) {
    struct sm_error what = {""};
    va_list args;
    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    if (!disk->error) return sm_h5_fail(err, disk->path, "%s", what.text);
    H5Eclear2(H5E_DEFAULT);
    return sm_fail(err, "%s: %s: %s", disk->path, what.text, strerror(disk->error));
}
