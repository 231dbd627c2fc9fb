/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CIFAR-10 and CIFAR-100 from files made by hand, whole and broken, and the real ones where they are. */
#include <supermask/dataset.h>

#include "tests/cifar_fixture.h"

static const struct cifar_files *const both[] = {&cifar_10_files, &cifar_100_files};

static int setup(void **state) {
    char *path = malloc(64);
    cifar_directory_new(path);
    *state = path;
    return 0;
}

static int teardown(void **state) {
    cifar_directory_remove(*state);
    free(*state);
    return 0;
}

static void assert_fails(const char *directory, const struct cifar_files *files, const char *file,
                         const char *sentence) {
    struct sm_dataset data;
    struct sm_error err = {""};
    assert_int_equal(sm_dataset_load(&data, files->name, directory, &err), -1);
    if (!strstr(err.text, file) || !strstr(err.text, sentence) || strchr(err.text, '\n'))
        fail_msg("\"%s\" does not say \"%s: %s\"", err.text, file, sentence);
    sm_dataset_destroy(&data);
}

/* Images of file f, from number `from` of the split on. */
static void assert_images(const struct sm_split *split, size_t from, const struct cifar_files *files, size_t f) {
    uint8_t *bytes = cifar_bytes(files, f);
    for (size_t i = 0; i < files->n[f]; i++) {
        assert_int_equal(split->labels[from + i], cifar_label(files, f, i, files->n_labels - 1));
        assert_memory_equal(split->images + (from + i) * CIFAR_PIXELS,
                            bytes + i * cifar_record(files) + files->n_labels, CIFAR_PIXELS);
    }
    free(bytes);
}

static void assert_loads(const struct cifar_files *files, const char *directory, size_t n_classes) {
    struct sm_dataset data;
    struct sm_error err = {""};
    size_t n = 0;
    if (sm_dataset_load(&data, files->name, directory, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(data.channels, 3);
    assert_int_equal(data.height, 32);
    assert_int_equal(data.width, 32);
    assert_int_equal(data.n_classes, n_classes);
    for (size_t f = 0; f + 1 < files->n_files; n += files->n[f++]) assert_images(&data.train, n, files, f);
    assert_int_equal(data.train.n, n);
    assert_images(&data.test, 0, files, files->n_files - 1);
    assert_int_equal(data.test.n, files->n[files->n_files - 1]);
    sm_dataset_destroy(&data);
}

static void loads_in_its_folder_or_in_the_directory(void **state) {
    const char *path = *state;
    char inside[128];
    for (size_t k = 0; k < 2; k++) {
        cifar_write(path, both[k]);
        assert_loads(both[k], path, k ? 100 : 10);
        snprintf(inside, sizeof inside, "%s/%s", path, both[k]->folder);
        assert_loads(both[k], inside, k ? 100 : 10);
    }
}

/* Of all files one after the other, by sha256sum. */
static void checksum(void **state) {
    const char *path = *state;
    for (size_t k = 0; k < 2; k++) {
        struct sm_dataset data;
        struct sm_error err = {""};
        char command[512], want[65] = "";
        cifar_write(path, both[k]);
        snprintf(command, sizeof command, "cd '%s/%s' && cat %s | sha256sum", path, both[k]->folder,
                 k ? "train.bin test.bin" : "data_batch_?.bin test_batch.bin");
        FILE *in = popen(command, "r");
        assert_non_null(in);
        assert_int_equal(fscanf(in, "%64s", want), 1);
        while (fgetc(in) != EOF) continue;
        assert_int_equal(pclose(in), 0);
        if (sm_dataset_load(&data, both[k]->name, path, &err) != 0) fail_msg("%s", err.text);
        assert_string_equal(data.sha256, want);
        sm_dataset_destroy(&data);
    }
}

static void missing_files(void **state) {
    const char *path = *state;
    for (size_t k = 0; k < 2; k++) {
        char get[128], file[128];
        snprintf(get, sizeof get, "fetch.sh %s %s` gets it", both[k]->name, path);
        assert_fails(path, both[k], both[k]->folder, get);
        cifar_write(path, both[k]);
        size_t last = both[k]->n_files - 1;
        snprintf(file, sizeof file, "%s/%s/%s", path, both[k]->folder, both[k]->files[last]);
        assert_int_equal(unlink(file), 0);
        assert_fails(path, both[k], both[k]->files[last], "No such file");
    }
}

/* One byte of a file changed, or its length. */
static void broken_files(void **state) {
    static const struct {
        size_t set, file, at;
        uint8_t value;
        long lengthen;
        const char *sentence;
    } cases[] = {
        {0, 2, 0, 0, -1, "21510 bytes are no whole number of images of 3073 bytes (1 label, 3072 pixels)"},
        {0, 5, 0, 0, 1, "15366 bytes are no whole number of images of 3073 bytes"},
        {1, 0, 0, 0, -8, "24584 bytes are no whole number of images of 3074 bytes (2 labels, 3072 pixels)"},
        {0, 1, 0, 0, -3073, "the file is empty"},
        {0, 4, 8 * 3073, 10, 0, "image 8: its label is 10, expected 0 to 9"},
        {1, 1, 2 * 3074 + 1, 100, 0, "image 2: its label is 100, expected 0 to 99"},
        {1, 0, 0, 20, 0, "image 0: its coarse label is 20, expected 0 to 19"},
    };
    const char *path = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cifar_files *files = both[cases[i].set];
        size_t f = cases[i].file, length = files->n[f] * cifar_record(files);
        cifar_write(path, files);
        uint8_t *bytes = cifar_bytes(files, f);
        bytes[cases[i].at] = cases[i].value;
        cifar_put(path, files, f, bytes, (size_t)((long)length + cases[i].lengthen));
        assert_fails(path, files, files->files[f], cases[i].sentence);
        free(bytes);
    }
}

/* Files of one image over and over; `cut` has 1000 of them, the others as many as published. */
static void write_published(const char *path, const struct cifar_files *files, const size_t *n, size_t cut) {
    for (size_t f = 0; f < files->n_files; f++) {
        size_t n_images = f == cut ? 1000 : n[f];
        uint8_t *bytes = check_alloc(n_images, cifar_record(files));
        memset(bytes, 0, n_images * cifar_record(files));
        cifar_put(path, files, f, bytes, n_images * cifar_record(files));
        free(bytes);
    }
}

/* A file that was cut at the end of an image: it is found by the others, which are whole. */
static void cut_files(void **state) {
    static const size_t n_10[] = {10000, 10000, 10000, 10000, 10000, 10000}, n_100[] = {50000, 10000};
    const char *path = *state;
    write_published(path, &cifar_10_files, n_10, 5);
    assert_fails(path, &cifar_10_files, "test_batch.bin", "1000 images, expected 10000: data_batch_1.bin beside it");
    write_published(path, &cifar_10_files, n_10, 0);
    assert_fails(path, &cifar_10_files, "data_batch_1.bin", "1000 images, expected 10000: data_batch_2.bin beside it");
    write_published(path, &cifar_100_files, n_100, 0);
    assert_fails(path, &cifar_100_files, "train.bin", "1000 images, expected 50000: test.bin beside it");
}

/* Facts about CIFAR-10 that do not depend on the order of its records: equally many of each class, and the means that
 * everybody normalizes with. */
static void real_files(void **state) {
    (void)state;
    static const double means[] = {.4914, .4822, .4465};
    char folder[4096];
    const char *directory = getenv("SUPERMASK_DATA");
    snprintf(folder, sizeof folder, "%s/cifar-10-batches-bin", directory ? directory : "");
    if (directory == NULL || access(folder, F_OK) != 0) {
        print_message("SUPERMASK_DATA names no directory with cifar-10-batches-bin: the real CIFAR-10 is not tested\n");
        skip();
    }
    struct sm_dataset data;
    struct sm_error err = {""};
    size_t counts[10] = {0};
    if (sm_dataset_load(&data, "cifar-10", NULL, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(data.train.n, 50000);
    assert_int_equal(data.test.n, 10000);
    for (size_t i = 0; i < data.train.n; i++) counts[data.train.labels[i]]++;
    for (size_t c = 0; c < 10; c++) assert_int_equal(counts[c], 5000);
    for (size_t c = 0; c < 3; c++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < data.train.n; i++)
            for (size_t p = 0; p < 1024; p++) sum += data.train.images[(i * 3 + c) * 1024 + p];
        assert_within((double)sum / 255 / 1024 / 50000, means[c], 1e-4);
    }
    sm_dataset_destroy(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads_in_its_folder_or_in_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_files, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_files, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_files, setup, teardown),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests_name("cifar", tests, NULL, NULL);
}
