/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a kill -9 or a full disk leaves behind, at every single system call that changes the file, and at random times.
 *
 * The functions below stand in for the C library's, also for HDF5: the N-th call either kills the process or fails as
 * on a full disk. */
#include "runfile_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum mode { PASS, KILL, FULL };
static struct {
    enum mode mode;
    long at, calls; /* the first call is number 1 */
} trap;

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);
int ftruncate(int fd, off_t length);
int ftruncate64(int fd, off_t length);
int rename(const char *from, const char *to);
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

/* False where the call has to fail. */
static bool allowed(void) {
    long call = ++trap.calls;
    if (trap.mode == KILL && call == trap.at) raise(SIGKILL);
    if (trap.mode != FULL || call < trap.at) return true;
    errno = ENOSPC;
    return false;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at) {
    return allowed() ? syscall(SYS_pwrite64, fd, bytes, n, at) : -1;
}
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    return pwrite64(fd, bytes, n, at);
}
int ftruncate64(int fd, off_t length) {
    return allowed() ? (int)syscall(SYS_ftruncate, fd, length) : -1;
}
int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}
int rename(const char *from, const char *to) {
    return allowed() ? (int)syscall(SYS_rename, from, to) : -1;
}
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return allowed() ? (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags) : -1;
}

static void set_trap(enum mode mode, long at) {
    trap.mode = mode;
    trap.at = at;
    trap.calls = 0;
}

/* ---- the child: starts or resumes, appends, finishes, and says each time what has been promised ---- */

struct report {
    size_t created, records, metrics, rounds, finished;
};

static void say(int pipe_end, char what) {
    (void)!write(pipe_end, &what, 1);
}

static void child_run(const struct fixture *f, int pipe_end) {
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    bool resumes = access(f->path, F_OK) == 0;
    if ((resumes ? sm_run_resume(&writer, f->path, &err) : fixture_create(f, &writer, &err)) < 0) goto failed;
    say(pipe_end, 'c');
    for (size_t r = sm_run_n_records(writer); r < FIXTURE_RECORDS; r++) {
        if (fixture_append(f, writer, r, &err) < 0) goto failed;
        say(pipe_end, 'r');
        while (f->in_rounds && sm_run_n_rounds(writer) <= r) {
            if (fixture_append_round(writer, sm_run_n_rounds(writer), &err) < 0) goto failed;
            say(pipe_end, 'o');
        }
        if (r <= sm_run_n_metrics(writer)) continue;
        if (fixture_append_metrics(writer, sm_run_n_metrics(writer), &err) < 0) goto failed;
        say(pipe_end, 'm');
    }
    if (fixture_append_to(f, writer, FIXTURE_RECORDS, &err) < 0 || fixture_finish(f, writer, &err) < 0) goto failed;
    say(pipe_end, 'f');
    _exit(0);
failed:
    dprintf(2, "child: %s\n", err.text);
    _exit(1);
}

/* Runs the child; after `nanoseconds` (where not 0) it is killed from outside. Returns waitpid's status. */
static int run_child(const struct fixture *f, enum mode mode, long at, long nanoseconds, struct report *report) {
    int ends[2], status;
    *report = (struct report){0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        set_trap(mode, at);
        child_run(f, ends[1]);
    }
    close(ends[1]);
    if (nanoseconds) {
        nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
        kill(child, SIGKILL);
    }
    char what;
    while (read(ends[0], &what, 1) == 1) {
        report->created += what == 'c';
        report->records += what == 'r';
        report->metrics += what == 'm';
        report->rounds += what == 'o';
        report->finished += what == 'f';
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* ---- what must hold afterwards ---- */

static void check_leftover(const struct fixture *f, const struct report *promised) {
    struct sm_error err = {""};
    struct sm_run run;
    if (sm_run_open(&run, f->path, &err) < 0) {
        if (promised->records == 0 && strstr(err.text, "holds no record yet")) return;
        fail_msg("%s", err.text);
    }
    assert_true(run.n_records >= promised->records && run.n_records <= FIXTURE_RECORDS);
    assert_true(run.n_metrics >= promised->metrics);
    assert_true(run.n_rounds >= promised->rounds && run.n_rounds <= run.n_records);
    if (promised->finished) assert_true(run.complete);
    check_run(f, &run);
    sm_run_destroy(&run);
}

/* Goes on from whatever is there to the end. */
static void complete_run(const struct fixture *f) {
    struct sm_error err = {""};
    struct sm_run_writer *writer;
    struct sm_run run;
    bool resumes = access(f->path, F_OK) == 0;
    int status = resumes ? sm_run_resume(&writer, f->path, &err) : fixture_create(f, &writer, &err);
    if (status < 0 && !strstr(err.text, "the run is complete")) fail_msg("%s", err.text);
    if (status == 0 && fixture_append_to(f, writer, FIXTURE_RECORDS, &err) < 0) fail_msg("%s", err.text);
    if (status == 0 && fixture_finish(f, writer, &err) < 0) fail_msg("%s", err.text);
    if (sm_run_open(&run, f->path, &err) < 0) fail_msg("%s", err.text);
    assert_true(run.complete && run.has_final);
    assert_int_equal(run.n_records, FIXTURE_RECORDS);
    assert_int_equal(run.n_metrics, FIXTURE_RECORDS - 1);
    assert_int_equal(run.n_rounds, f->in_rounds ? FIXTURE_RECORDS : 0);
    check_run(f, &run);
    sm_run_destroy(&run);
}

static char *read_bytes(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

/* The only thing that may differ: the text of the attribute `created`. */
static void blank_created(char *bytes, size_t n, const char *created) {
    size_t length = strlen(created);
    char *found = memmem(bytes, n, created, length);
    assert_non_null(found);
    memset(found, '-', length);
}

static char *finished_bytes(const char *path, size_t *n) {
    struct sm_error err;
    struct sm_run run;
    assert_int_equal(sm_run_open(&run, path, &err), 0);
    char *bytes = read_bytes(path, n);
    blank_created(bytes, *n, run.created);
    sm_run_destroy(&run);
    return bytes;
}

/* The reference: the same run, never interrupted. */
static char *uninterrupted(void (*network)(struct sm_network *), size_t *n) {
    struct fixture f;
    fixture_init(&f, network);
    f.in_rounds = true;
    complete_run(&f);
    char *bytes = finished_bytes(f.path, n);
    fixture_destroy(&f);
    return bytes;
}

static void check_same_bytes(const struct fixture *f, const char *expected, size_t n_expected) {
    size_t n;
    char *bytes = finished_bytes(f->path, &n);
    assert_int_equal(n, n_expected);
    assert_memory_equal(bytes, expected, n);
    free(bytes);
}

static void remove_run(const struct fixture *f) {
    unlink(f->path);
}

/* ---- tests ---- */

/* Of all calls that change the file every one is tried. Instrumented, each try takes several times as long and looks
 * for something else, wrong accesses to memory on the ways back, which are as many as there are kinds of calls: there
 * each fifth of the 400. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 5 };
#else
enum { STRIDE = 1 };
#endif

/* In a run with rounds, which also appends what every other run does. */
static void test_killed_at_every_call(void **state) {
    (void)state;
    size_t n;
    char *expected = uninterrupted(fixture_dense, &n);
    struct fixture f;
    fixture_init(&f, fixture_dense);
    f.in_rounds = true;
    long kills = 0;
    for (long at = 1;; at += STRIDE) {
        struct report report;
        int status = run_child(&f, KILL, at, 0, &report);
        if (report.created) assert_int_equal(access(f.path, F_OK), 0);
        if (access(f.path, F_OK) == 0) check_leftover(&f, &report);
        complete_run(&f);
        check_same_bytes(&f, expected, n);
        remove_run(&f);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }
        kills++;
    }
    assert_true(kills * STRIDE > 100); /* the trap catches HDF5's own writes */
    print_message("%ld kills\n", kills);
    fixture_destroy(&f);
    free(expected);
}

static void promise(struct report *sum, const struct report *report) {
    sum->created += report->created;
    sum->records += report->records;
    sum->metrics += report->metrics;
    sum->rounds += report->rounds;
    sum->finished += report->finished;
}

/* The second process, which resumes, is killed too: what the first one promised must still be there. */
static void test_killed_while_resuming(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, fixture_dense);
    for (long second = 1;; second += 3 * STRIDE) {
        struct report sum, report;
        run_child(&f, KILL, 150, 0, &sum);
        assert_true(sum.created && !sum.finished);
        int status = run_child(&f, KILL, second, 0, &report);
        promise(&sum, &report);
        check_leftover(&f, &sum);
        complete_run(&f);
        remove_run(&f);
        if (WIFEXITED(status)) break;
    }
    fixture_destroy(&f);
}

static void test_killed_at_random_times(void **state) {
    (void)state;
    struct fixture f;
    struct sm_rng rng = sm_rng_make((uint64_t)time(NULL), SM_RNG_TEST, 0);
    print_message("seed %llu\n", (unsigned long long)rng.seed);
    fixture_init(&f, fixture_residual);
    for (uint64_t i = 0; i < 25; i++) {
        struct report sum = {0};
        for (uint64_t attempt = 0; attempt < 3; attempt++) {
            struct report report;
            if (sum.finished) break;
            run_child(&f, PASS, 0, 1 + (long)sm_rng_below(&rng, i * 3 + attempt, 150000000), &report);
            promise(&sum, &report);
            if (access(f.path, F_OK) == 0) check_leftover(&f, &sum);
        }
        complete_run(&f);
        remove_run(&f);
    }
    fixture_destroy(&f);
}

/* A killed file that then lost its end, as after a power cut, is refused; HDF5 alone would read zeros there. */
static void test_killed_and_cut(void **state) {
    (void)state;
    struct fixture f;
    struct report report;
    struct stat status;
    fixture_init(&f, fixture_dense);
    run_child(&f, KILL, 200, 0, &report);
    assert_true(report.records > 0 && !report.finished);
    assert_int_equal(stat(f.path, &status), 0);
    for (off_t size = status.st_size - 1; size > 0; size -= 1009) {
        struct sm_error err = {""};
        struct sm_run run;
        assert_int_equal(truncate(f.path, size), 0);
        assert_int_equal(sm_run_open(&run, f.path, &err), -1);
        assert_non_null(strstr(err.text, "is cut short"));
    }
    fixture_destroy(&f);
}

/* ---- the full disk ---- */

static bool names_full_disk(const char *text) {
    return strstr(text, "No space left on device") != NULL;
}

enum { FULL_AT_CREATION = 20, FULL_AFTER = 30 }; /* exit status of the child: plus the records that it was promised */

/* Fails from call `at` on, then there is room again. In a child, so that every case begins with a fresh HDF5. */
static int fill_disk(const struct fixture *f, long at) {
    struct sm_error err = {""};
    struct sm_run_writer *writer = NULL;
    size_t records = 0;
    set_trap(FULL, at);
    int status = fixture_create(f, &writer, &err);
    bool created = status == 0;
    for (size_t r = 0; status == 0 && r < FIXTURE_RECORDS; r++) {
        status = fixture_append(f, writer, r, &err);
        records += status == 0;
    }
    bool appended = status == 0;
    if (created && !appended) {
        struct sm_error ignored;
        if (fixture_append(f, writer, records, &ignored) == 0) return 3; /* goes on after a failure */
        sm_run_close(writer, &ignored);
    }
    if (appended) status = fixture_finish(f, writer, &err);
    set_trap(PASS, 0);
    if (status == 0) return 0;
    if (!names_full_disk(err.text)) {
        dprintf(2, "call %ld: %s\n", at, err.text);
        return 4;
    }
    if (!created && access(f->path, F_OK) == 0) return 5;
    return created ? FULL_AFTER + (int)records : FULL_AT_CREATION;
}

static void test_full_at_every_call(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, fixture_dense);
    for (long at = 1;; at += STRIDE) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) exit(fill_disk(&f, at));
        assert_int_equal(waitpid(child, &status, 0), child);
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        if (code != 0 && code < FULL_AT_CREATION) fail_msg("call %ld: status %x", at, (unsigned)status);
        const struct report promised = {.records = (size_t)(code - FULL_AFTER)};
        if (code >= FULL_AFTER) check_leftover(&f, &promised);
        if (code == 0) break;
        complete_run(&f);
        remove_run(&f);
    }
    fixture_destroy(&f);
}

/* In one process, with a real file system of 1.5 MiB, in a mount namespace of our own. */
static void test_small_file_system(void **state) {
    (void)state;
    struct fixture f;
    struct sm_error err = {""};
    struct sm_run_writer *writer = NULL;
    fixture_init(&f, fixture_residual);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", f.directory, "tmpfs", 0, "size=1536k") != 0) {
        print_message("skipped: mounting is not permitted\n");
        fixture_destroy(&f);
        skip();
    }
    size_t records = 0;
    int status = fixture_create(&f, &writer, &err);
    if (status < 0) print_message("%s\n", err.text);
    assert_int_equal(status, 0);
    while (status == 0 && records < 1000) {
        status = fixture_append(&f, writer, records, &err);
        records += status == 0;
    }
    bool named = names_full_disk(err.text);
    sm_run_close(writer, &err);
    struct sm_run run;
    int opened = sm_run_open(&run, f.path, &err);
    size_t found = opened == 0 ? run.n_records : 0;
    if (opened == 0) check_run(&f, &run);
    if (opened == 0) sm_run_destroy(&run);
    int resumed = sm_run_resume(&writer, f.path, &err); /* there is no room for a second file */
    bool named_again = names_full_disk(err.text);
    assert_int_equal(mount("tmpfs", f.directory, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    struct sm_error after = {""};
    int later = sm_run_resume(&writer, f.path, &after);
    size_t kept = later == 0 ? sm_run_n_records(writer) : 0;
    int closed = later == 0 ? sm_run_close(writer, &after) : -1;
    assert_int_equal(umount(f.directory), 0);
    fixture_destroy(&f);
    assert_true(records > 0 && status < 0 && named);
    assert_true(opened == 0 && found == records);
    assert_true(resumed < 0 && named_again);
    assert_true(later == 0 && kept == records && closed == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_call),   cmocka_unit_test(test_killed_while_resuming),
        cmocka_unit_test(test_killed_at_random_times), cmocka_unit_test(test_killed_and_cut),
        cmocka_unit_test(test_full_at_every_call),     cmocka_unit_test(test_small_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
