/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The IDX parser, MNIST's files in every state a disk can hold them in, and the table of data sets. */
#include "datasets/idx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>
#include <supermask/dataset.h>
#include <supermask/rng.h>

enum { PIXELS = 28 * 28, N_TRAIN = 5, N_TEST = 3, N_FILES = 4 };

static const char *const file_names[N_FILES] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static void assert_contains(const char *text, const char *part) {
    if (strstr(text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* ---- a small MNIST on disk ---- */

struct file_image {
    uint8_t bytes[16 + N_TRAIN * PIXELS + 8];
    size_t length;
};

struct folder {
    char path[64];
    struct file_image files[N_FILES]; /* what is written by write_folder */
};

static void put_size(struct file_image *file, uint32_t size) {
    for (int shift = 24; shift >= 0; shift -= 8) file->bytes[file->length++] = (uint8_t)(size >> shift);
}

static void make_images(struct file_image *file, uint32_t n, uint32_t count) {
    struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, count);
    file->length = 0;
    put_size(file, 0x803);
    put_size(file, n);
    put_size(file, 28);
    put_size(file, 28);
    for (size_t i = 0; i < (size_t)n * PIXELS; i++) file->bytes[file->length++] = (uint8_t)sm_rng_u32(&rng, i);
}

static void make_labels(struct file_image *file, uint32_t n, const uint8_t *labels) {
    file->length = 0;
    put_size(file, 0x801);
    put_size(file, n);
    memcpy(file->bytes + file->length, labels, n);
    file->length += n;
}

static int setup(void **state) {
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL) return -1;
    *state = folder;
    strcpy(folder->path, "/tmp/supermask-dataset-XXXXXX");
    if (mkdtemp(folder->path) == NULL) return -1;
    make_images(&folder->files[0], N_TRAIN, 0);
    make_labels(&folder->files[1], N_TRAIN, (const uint8_t[]){5, 0, 4, 9, 1});
    make_images(&folder->files[2], N_TEST, 1);
    make_labels(&folder->files[3], N_TEST, (const uint8_t[]){7, 2, 1});
    return unsetenv("SUPERMASK_DATA");
}

static int teardown(void **state) {
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
    free(folder);
    return chdir("/") != 0 || system(command) != 0;
}

static void write_plain(const char *path, const uint8_t *bytes, size_t length) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static void write_gz(const char *path, const uint8_t *bytes, size_t length) {
    gzFile out = gzopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(gzwrite(out, bytes, (unsigned)length), (int)length);
    assert_int_equal(gzclose(out), Z_OK);
}

static void file_path(char path[256], const struct folder *folder, size_t f, const char *subfolder, bool gz) {
    snprintf(path, 256, "%s%s/%s%s", folder->path, subfolder, file_names[f], gz ? ".gz" : "");
}

static void write_folder(const struct folder *folder, const char *subfolder, bool gz) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", folder->path, subfolder);
    mkdir(path, 0700);
    for (size_t f = 0; f < N_FILES; f++) {
        file_path(path, folder, f, subfolder, gz);
        (gz ? write_gz : write_plain)(path, folder->files[f].bytes, folder->files[f].length);
    }
}

/* What hashlib makes of the uncompressed files in their order. */
static void hashlib_digest(char hex[65], const struct folder *folder) {
    char command[1024], raw[128];
    snprintf(raw, sizeof raw, "%s/raw", folder->path);
    FILE *out = fopen(raw, "wb");
    assert_non_null(out);
    for (size_t f = 0; f < N_FILES; f++)
        assert_int_equal(fwrite(folder->files[f].bytes, 1, folder->files[f].length, out), folder->files[f].length);
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"import hashlib; print(hashlib.sha256(open('%s','rb').read()).hexdigest())\"", raw);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%64s ", hex), 1);
    assert_int_equal(pclose(in), 0);
}

static void assert_loads(const struct folder *folder, const char *directory) {
    struct sm_dataset data;
    struct sm_error err = {""};
    char digest[65];
    if (sm_dataset_load(&data, "mnist", directory, &err) != 0) fail_msg("%s", err.text);
    assert_string_equal(data.name, "mnist");
    assert_int_equal(data.channels * data.height * data.width, PIXELS);
    assert_int_equal(data.train.n, N_TRAIN);
    assert_int_equal(data.test.n, N_TEST);
    assert_memory_equal(data.train.images, folder->files[0].bytes + 16, N_TRAIN * PIXELS);
    assert_memory_equal(data.train.labels, folder->files[1].bytes + 8, N_TRAIN);
    assert_memory_equal(data.test.images, folder->files[2].bytes + 16, N_TEST * PIXELS);
    assert_memory_equal(data.test.labels, folder->files[3].bytes + 8, N_TEST);
    hashlib_digest(digest, folder);
    assert_string_equal(data.sha256, digest);
    sm_dataset_destroy(&data);
}

static void assert_fails(const char *directory, const char *part) {
    struct sm_dataset data;
    struct sm_error err = {""};
    assert_int_equal(sm_dataset_load(&data, "mnist", directory, &err), -1);
    assert_contains(err.text, part);
    assert_null(strchr(err.text, '\n'));
    sm_dataset_destroy(&data);
}

/* ---- where the files are ---- */

static void loads_gzip_in_a_subfolder(void **state) {
    struct folder *folder = *state;
    write_folder(folder, "/mnist", true);
    assert_loads(folder, folder->path);
}

static void loads_plain_files_in_a_subfolder(void **state) {
    struct folder *folder = *state;
    write_folder(folder, "/mnist", false);
    assert_loads(folder, folder->path);
}

static void loads_files_directly_in_the_directory(void **state) {
    struct folder *folder = *state;
    write_folder(folder, "", true);
    assert_loads(folder, folder->path);
}

static void loads_a_mixture_of_plain_and_gzip(void **state) {
    struct folder *folder = *state;
    char path[256];
    write_folder(folder, "", true);
    file_path(path, folder, 2, "", true);
    assert_int_equal(unlink(path), 0);
    file_path(path, folder, 2, "", false);
    write_plain(path, folder->files[2].bytes, folder->files[2].length);
    assert_loads(folder, folder->path);
}

static void loads_gzip_content_without_the_suffix(void **state) {
    struct folder *folder = *state;
    char path[256];
    write_folder(folder, "", false);
    file_path(path, folder, 0, "", false);
    write_gz(path, folder->files[0].bytes, folder->files[0].length);
    assert_loads(folder, folder->path);
}

static void the_variable_names_the_directory(void **state) {
    struct folder *folder = *state;
    write_folder(folder, "/mnist", true);
    assert_int_equal(setenv("SUPERMASK_DATA", folder->path, 1), 0);
    assert_loads(folder, NULL);
}

static void the_option_stands_before_the_variable(void **state) {
    struct folder *folder = *state;
    write_folder(folder, "/mnist", true);
    assert_int_equal(setenv("SUPERMASK_DATA", "/nonexistent", 1), 0);
    assert_loads(folder, folder->path);
    assert_int_equal(setenv("SUPERMASK_DATA", folder->path, 1), 0);
    assert_fails("/nonexistent", "/nonexistent/mnist or /nonexistent (given by --data");
}

static void the_default_is_data_in_the_current_directory(void **state) {
    struct folder *folder = *state;
    char back[4096];
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(folder->path), 0);
    assert_int_equal(setenv("SUPERMASK_DATA", "", 1), 0);
    assert_fails(NULL, "./data/mnist or ./data (the default");
    assert_int_equal(mkdir("data", 0700), 0);
    write_folder(folder, "/data/mnist", true);
    assert_loads(folder, NULL);
    assert_int_equal(chdir(back), 0);
}

static void a_missing_data_set_says_how_to_get_it(void **state) {
    const struct folder *folder = *state;
    char expected[256];
    snprintf(expected, sizeof expected, "`datasets/fetch.sh mnist %s` gets it", folder->path);
    assert_fails(folder->path, expected);
    assert_fails(folder->path, "train-images-idx3-ubyte");
    setenv("SUPERMASK_DATA", folder->path, 1);
    assert_fails(NULL, "$SUPERMASK_DATA");
}

static void a_missing_file_is_named(void **state) {
    struct folder *folder = *state;
    char path[256];
    write_folder(folder, "/mnist", true);
    file_path(path, folder, 3, "/mnist", true);
    assert_int_equal(unlink(path), 0);
    assert_fails(folder->path, "/mnist/t10k-labels-idx1-ubyte[.gz]: No such file");
}

static void a_folder_instead_of_a_file(void **state) {
    struct folder *folder = *state;
    char path[256];
    file_path(path, folder, 0, "", true);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(folder->path, "train-images-idx3-ubyte.gz: Is a directory");
}

/* ---- broken files ---- */

struct broken {
    const char *name;
    size_t file;
    size_t at;     /* this byte ... */
    uint8_t value; /* ... becomes this */
    long lengthen; /* bytes more (or less) than there were */
    const char *sentence;
};

static const struct broken broken_files[] = {
    {"wrong type", 0, 2, 0x0d, 0, "wrong magic number 0x00000d03, expected 0x00000803"},
    {"labels' magic", 2, 3, 1, 0, "wrong magic number 0x00000801, expected 0x00000803"},
    {"images' magic", 1, 3, 3, 0, "wrong magic number 0x00000803, expected 0x00000801"},
    {"one byte short", 0, 3, 3, -1, "truncated: the header announces 3920 bytes of data, the file holds 3919"},
    {"header cut", 0, 3, 3, 10 - (16 + N_TRAIN * PIXELS), "truncated: 10 bytes are too few for an IDX header"},
    {"magic cut", 3, 0, 0, 3 - (8 + N_TEST), "truncated: 3 bytes are too few"},
    {"empty", 1, 0, 0, -(8 + N_TRAIN), "the file is empty"},
    {"a byte more", 2, 3, 3, 1, "1 trailing byte after the 2352"},
    {"labels trail", 3, 3, 1, 2, "2 trailing bytes after the 3"},
    {"no labels", 1, 7, 0, -N_TRAIN, "dimension 0 has size zero"},
    {"no rows", 2, 11, 0, 0, "dimension 1 has size zero"},
    {"announces too much", 0, 4, 0xff, 0, "truncated: the header announces 3354101026640 bytes"},
    {"label 10", 1, 8 + 3, 10, 0, "label 3 is 10, expected 0 to 9"},
    {"label 255", 3, 8, 255, 0, "label 0 is 255, expected 0 to 9"},
    {"29 rows", 0, 11, 29, N_TRAIN * 28, "images of 29 x 28 pixels, expected 28 x 28"},
    {"fewer labels", 1, 7, N_TRAIN - 1, -1, "4 labels, but"},
    {"more labels", 3, 7, N_TEST + 1, 1, "4 labels, but"},
};

static void broken_files_fail_with_a_sentence(void **state) {
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof broken_files / sizeof broken_files[0]; i++) {
        const struct broken *broken = &broken_files[i];
        struct file_image good = folder->files[broken->file], *file = &folder->files[broken->file];
        char path[256];
        file->bytes[broken->at] = broken->value;
        file->length = (size_t)((long)file->length + broken->lengthen);
        for (int gz = 0; gz < 2; gz++) {
            write_folder(folder, "", gz);
            file_path(path, folder, broken->file, "", gz);
            assert_fails(folder->path, broken->sentence);
            assert_fails(folder->path, path);
            for (size_t f = 0; f < N_FILES; f++) {
                file_path(path, folder, f, "", gz);
                unlink(path);
            }
        }
        *file = good;
    }
}

static size_t slurp(const char *path, uint8_t *bytes, size_t room) {
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t n = fread(bytes, 1, room, in);
    fclose(in);
    return n;
}

static void a_plain_file_named_gz(void **state) {
    struct folder *folder = *state;
    char path[256];
    write_folder(folder, "", true);
    file_path(path, folder, 1, "", true);
    write_plain(path, folder->files[1].bytes, folder->files[1].length);
    assert_fails(folder->path, "train-labels-idx1-ubyte.gz: not a gzip file");
}

static void a_gzip_stream_that_ends_early(void **state) {
    struct folder *folder = *state;
    uint8_t bytes[8192];
    char path[256];
    write_folder(folder, "", true);
    file_path(path, folder, 0, "", true);
    size_t n = slurp(path, bytes, sizeof bytes);
    for (size_t cut = 1; cut < n - 20; cut += 97) {
        write_plain(path, bytes, n - cut);
        assert_fails(folder->path, "train-images-idx3-ubyte.gz: truncated: the gzip stream ends early");
    }
}

static void a_gzip_stream_with_a_flipped_byte(void **state) {
    struct folder *folder = *state;
    uint8_t bytes[8192];
    char path[256];
    write_folder(folder, "", true);
    file_path(path, folder, 0, "", true);
    size_t n = slurp(path, bytes, sizeof bytes);
    bytes[n / 2] ^= 0x40;
    write_plain(path, bytes, n);
    assert_fails(folder->path, "train-images-idx3-ubyte.gz: the gzip stream is damaged");
}

/* ---- the parser by itself ---- */

static void the_parser_reads_one_to_four_dimensions(void **state) {
    (void)state;
    static const uint8_t cube[] = {0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 9, 8, 7, 6, 5, 4};
    static const uint8_t line[] = {0, 0, 8, 1, 0, 0, 0, 2, 250, 251};
    struct sm_idx idx;
    struct sm_error err = {""};
    assert_int_equal(sm_idx_parse(&idx, cube, sizeof cube, 4, &err), 0);
    assert_int_equal(idx.n_values, 6);
    assert_int_equal(idx.dims[1], 2);
    assert_int_equal(idx.dims[3], 3);
    assert_int_equal(idx.values[5], 4);
    assert_int_equal(sm_idx_parse(&idx, line, sizeof line, 1, &err), 0);
    assert_int_equal(idx.n_dims, 1);
    assert_int_equal(idx.values[1], 251);
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    uint8_t bytes[32] = {0, 0, 8, 4};
    memset(bytes + 4, 0xff, 16);
    struct sm_idx idx;
    struct sm_error err = {""};
    assert_int_equal(sm_idx_parse(&idx, bytes, sizeof bytes, 4, &err), -1);
    assert_contains(err.text, "more data than a file can hold");
}

/* ---- the table ---- */

static void names_and_shapes(void **state) {
    (void)state;
    struct sm_dataset_shape shape;
    struct sm_error err = {""};
    size_t n = 0;
    for (const char *const *name = sm_dataset_names(); *name != NULL; name++, n++)
        assert_int_equal(sm_dataset_shape(&shape, *name, &err), 0);
    assert_int_equal(n, 4);
    assert_int_equal(sm_dataset_shape(&shape, "mnist", &err), 0);
    assert_int_equal(shape.n_train, 60000);
    assert_int_equal(shape.n_test, 10000);
    assert_int_equal(shape.channels * shape.height * shape.width, PIXELS);
    assert_int_equal(shape.n_classes, 10);
}

static void an_unknown_name_gets_the_nearest(void **state) {
    (void)state;
    struct sm_dataset_shape shape;
    struct sm_dataset data;
    struct sm_error err = {""};
    assert_int_equal(sm_dataset_shape(&shape, "mnits", &err), -1);
    assert_contains(err.text, "unknown data set \"mnits\"");
    assert_contains(err.text, "did you mean \"mnist\"?");
    assert_int_equal(sm_dataset_load(&data, "imagenet-22k", NULL, &err), -1);
    assert_contains(err.text, "digits, mnist");
    assert_null(strstr(err.text, "did you mean"));
    sm_dataset_destroy(&data);
}

/* ---- the real thing: facts about MNIST that are printed all over the literature ---- */

static void real_mnist(void **state) {
    (void)state;
    static const uint8_t first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
    static const size_t per_class[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    const char *directory = getenv("SUPERMASK_DATA");
    if (directory == NULL) {
        print_message("SUPERMASK_DATA is not set: the real MNIST is not tested\n");
        skip();
    }
    struct sm_dataset data;
    struct sm_error err = {""};
    size_t counts[10] = {0};
    double sum = 0;
    if (sm_dataset_load(&data, "mnist", NULL, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(data.train.n, 60000);
    assert_int_equal(data.test.n, 10000);
    assert_memory_equal(data.train.labels, first, sizeof first);
    for (size_t i = 0; i < data.train.n; i++) counts[data.train.labels[i]]++;
    assert_memory_equal(counts, per_class, sizeof counts);
    for (size_t i = 0; i < data.train.n * PIXELS; i++) sum += data.train.images[i];
    double mean = sum / 255 / (double)(data.train.n * PIXELS);
    assert_true(mean > 0.13065 && mean < 0.13070); /* the 0.1307 of everybody's normalization */
    sm_dataset_destroy(&data);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_mnist), /* first: the others unset the variable */
        cmocka_unit_test(the_parser_reads_one_to_four_dimensions),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(names_and_shapes),
        cmocka_unit_test(an_unknown_name_gets_the_nearest),
        IN_FOLDER(loads_gzip_in_a_subfolder),
        IN_FOLDER(loads_plain_files_in_a_subfolder),
        IN_FOLDER(loads_files_directly_in_the_directory),
        IN_FOLDER(loads_a_mixture_of_plain_and_gzip),
        IN_FOLDER(loads_gzip_content_without_the_suffix),
        IN_FOLDER(the_variable_names_the_directory),
        IN_FOLDER(the_option_stands_before_the_variable),
        IN_FOLDER(the_default_is_data_in_the_current_directory),
        IN_FOLDER(a_missing_data_set_says_how_to_get_it),
        IN_FOLDER(a_missing_file_is_named),
        IN_FOLDER(a_folder_instead_of_a_file),
        IN_FOLDER(broken_files_fail_with_a_sentence),
        IN_FOLDER(a_plain_file_named_gz),
        IN_FOLDER(a_gzip_stream_that_ends_early),
        IN_FOLDER(a_gzip_stream_with_a_flipped_byte),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
