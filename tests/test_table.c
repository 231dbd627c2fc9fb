/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <float.h>
#include <supermask/outfile.h>
#include <supermask/rng.h>
#include <supermask/table.h>

static const struct sm_column columns[] = {{"run", "the run"}, {"n", "a count"}, {"share", "in [0,1]"}};

struct place {
    char directory[64], path[128];
};

static int make_place(void **state) {
    static struct place place;
    strcpy(place.directory, "/tmp/supermask-test-XXXXXX");
    if (!mkdtemp(place.directory)) return -1;
    snprintf(place.path, sizeof place.path, "%s/t.tsv", place.directory);
    *state = &place;
    return 0;
}

static int remove_place(void **state) {
    struct place *place = *state;
    unlink(place->path);
    return rmdir(place->directory);
}

static size_t n_files(const char *directory) {
    size_t n = 0;
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));)
        n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(stream);
    return n;
}

static void read_whole(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static struct sm_table *open_table(const struct place *place) {
    struct sm_table *table;
    struct sm_error err = {.text = ""};
    assert_int_equal(
        sm_table_open(&table, place->directory, "t", "First line.\n\nThird line.", "made by a test", columns, 3, &err),
        0);
    return table;
}

static void whole_table(void **state) {
    struct place *place = *state;
    struct sm_table *table = open_table(place);
    assert_int_equal(access(place->path, F_OK), -1); /* not there before it is whole */
    sm_table_text(table, "a\tb\nc");
    sm_table_int(table, INT64_MIN);
    sm_table_real(table, 0.1);
    sm_table_text(table, "d");
    sm_table_int(table, INT64_MAX);
    sm_table_real(table, NAN);
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_table_close(table, &err), 0);
    char text[2048];
    read_whole(place->path, text, sizeof text);
    assert_string_equal(text, "# t\n#\n# First line.\n#\n# Third line.\n#\n# made by a test\n#\n"
                              "#   run    the run\n#   n      a count\n#   share  in [0,1]\n"
                              "run\tn\tshare\n"
                              "a b c\t-9223372036854775808\t0.1\n"
                              "d\t9223372036854775807\tnan\n");
    assert_int_equal(n_files(place->directory), 1);
}

static void abandoned(void **state) {
    struct place *place = *state;
    struct sm_table *table = open_table(place);
    sm_table_text(table, "half a row");
    sm_table_abandon(table);
    sm_table_abandon(NULL);
    assert_int_equal(n_files(place->directory), 0);
}

static void old_table_stays_until_close(void **state) {
    struct place *place = *state;
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_table_close(open_table(place), &err), 0);
    struct sm_table *table = open_table(place);
    assert_int_equal(access(place->path, F_OK), 0);
    sm_table_abandon(table);
    assert_int_equal(access(place->path, F_OK), 0);
}

static void missing_directory(void **state) {
    (void)state;
    struct sm_table *table;
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_table_open(&table, "/nowhere/at/all", "t", "", NULL, columns, 3, &err), -1);
    assert_null(table);
    assert_non_null(strstr(err.text, "/nowhere/at/all/t.tsv"));
}

/* /dev/full takes every byte and has room for none. */
static void full_disk(void **state) {
    struct place *place = *state;
    char link[160];
    snprintf(link, sizeof link, "%s/.t.tsv.%ld.part", place->directory, (long)getpid());
    if (access("/dev/full", W_OK) != 0) skip();
    assert_int_equal(symlink("/dev/full", link), 0);
    struct sm_table *table = open_table(place);
    sm_table_text(table, "x");
    sm_table_int(table, 1);
    sm_table_real(table, 1);
    struct sm_error err = {.text = ""};
    assert_int_equal(sm_table_close(table, &err), -1);
    assert_non_null(strstr(err.text, "t.tsv"));
    assert_non_null(strstr(err.text, "space"));
    assert_int_equal(n_files(place->directory), 0);
}

static void directories(void **state) {
    struct place *place = *state;
    char path[128], inner[160], bad[200];
    struct sm_error err = {.text = ""};
    struct stat found;
    snprintf(path, sizeof path, "%s/a", place->directory);
    snprintf(inner, sizeof inner, "%s/b/", path);
    assert_int_equal(sm_directory_make(inner, &err), 0);
    assert_int_equal(sm_directory_make(inner, &err), 0);
    assert_int_equal(stat(inner, &found), 0);
    assert_true(S_ISDIR(found.st_mode));
    rmdir(inner);
    rmdir(path);
    assert_int_equal(sm_table_close(open_table(place), &err), 0);
    snprintf(bad, sizeof bad, "%s/c", place->path); /* below a file */
    assert_int_equal(sm_directory_make(bad, &err), -1);
    assert_non_null(strstr(err.text, "t.tsv"));
}

static void real_texts(void **state) {
    (void)state;
    char buffer[32];
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {100, "100"},
                 {1e300, "1e+300"},
                 {5e-324, "4.94065645841247e-324"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {NAN, "nan"},
                 {-NAN, "nan"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(sm_real_text(cases[i].value, buffer), cases[i].text);
}

static void reals_read_back(void **state) {
    (void)state;
    const struct sm_rng rng = sm_rng_make(3, SM_RNG_TEST, 0);
    char buffer[32];
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)sm_rng_u32(&rng, 2 * i) << 32 | sm_rng_u32(&rng, 2 * i + 1);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        assert_true(strtod(sm_real_text(value, buffer), NULL) == value);
        assert_true(strlen(buffer) < 32);
    }
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {IN_PLACE(whole_table),
                                       IN_PLACE(abandoned),
                                       IN_PLACE(old_table_stays_until_close),
                                       cmocka_unit_test(missing_directory),
                                       IN_PLACE(full_disk),
                                       IN_PLACE(directories),
                                       cmocka_unit_test(real_texts),
                                       cmocka_unit_test(reals_read_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
