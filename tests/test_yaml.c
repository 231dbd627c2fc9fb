/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/yaml.h>
#include <unistd.h>

static void a_tree_knows_its_lines(void **state) {
    (void)state;
    static const char text[] = "# comment\n"
                               "name: fcn   # behind\n"
                               "\n"
                               "input: [1, 28, 28]\n"
                               "layers:\n"
                               "  - {kind: dense, units: 300}\n"
                               "  - kind: \"dense\"\n"
                               "    units: 10\n"
                               "empty:\n";
    struct sm_yaml *root;
    struct sm_error err = {0};
    assert_int_equal(sm_yaml_parse(&root, text, strlen(text), "t", &err), 0);
    assert_int_equal(root->kind, SM_YAML_MAP);
    assert_int_equal(root->n, 4);
    assert_string_equal(root->keys[0], "name");
    assert_int_equal(root->key_lines[0], 2);
    assert_string_equal(root->items[0]->scalar, "fcn");
    assert_int_equal(root->items[1]->kind, SM_YAML_LIST);
    assert_int_equal(root->items[1]->n, 3);
    assert_string_equal(root->items[1]->items[2]->scalar, "28");
    assert_null(root->items[1]->keys);
    const struct sm_yaml *layers = root->items[2];
    assert_int_equal(layers->n, 2);
    assert_int_equal(layers->items[0]->line, 6);
    assert_string_equal(layers->items[0]->items[1]->scalar, "300");
    assert_int_equal(layers->items[1]->key_lines[1], 8);
    assert_string_equal(layers->items[1]->items[0]->scalar, "dense");
    assert_string_equal(root->items[3]->scalar, "");
    sm_yaml_free(root);
}

static void many_entries(void **state) {
    (void)state;
    struct sm_yaml *root;
    struct sm_error err = {0};
    char text[4096];
    size_t used = 0;
    for (int i = 0; i < 100; i++) used += (size_t)sprintf(text + used, "key%d: [%d, %d]\n", i, i, i + 1);
    assert_int_equal(sm_yaml_parse(&root, text, used, "t", &err), 0);
    assert_int_equal(root->n, 100);
    assert_string_equal(root->keys[99], "key99");
    assert_string_equal(root->items[99]->items[1]->scalar, "100");
    sm_yaml_free(root);
}

static void sentences(void **state) {
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "t: the file is empty"},
        {"# nothing\n", "t: the file is empty"},
        {"just some words\n", "t:1: expected lines of the form `key: value`"},
        {"\n- a\n- b\n", "t:2: expected lines of the form `key: value`"},
        {"a: 1\nb: 2\na: 3\n", "t:3: the key 'a' stands here for the second time (first in line 1)"},
        {"a: &x 1\n", "t:1: anchors and tags are not used here"},
        {"a: 1\nb: !!str 2\n", "t:2: anchors and tags are not used here"},
        {"a: *x\n", "t:1: anchors and tags are not used here"},
        {"a: 1\n---\nb: 2\n", "t:3: a second document begins"},
        {"a: 1\n? [x, y]\n: 2\n", "t:2: a key must be a plain word"},
        {"a: \"x\\0y\"\n", "t:1: a NUL character"},
        /* from here on the rest of the sentence is libyaml's */
        {"a: 1\nb: [1, 2\n", "t:3: "},
        {"a: 1\n\tb: 2\n", "t:2: "},
        {"a: 1\nb: \x01\n", "t:2: "},
        {"a: 1\nb: \xff\n", "t:2: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_yaml *root;
        struct sm_error err = {0};
        assert_int_equal(sm_yaml_parse(&root, cases[i].text, strlen(cases[i].text), "t", &err), -1);
        assert_null(root);
        if (strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)) != 0 || strlen(err.text) < 10)
            fail_msg("'%s' is not '%s'", err.text, cases[i].sentence);
    }
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    char text[4096] = "a: ";
    struct sm_yaml *root;
    struct sm_error err = {0};
    memset(text + 3, '[', 2000);
    assert_int_equal(sm_yaml_parse(&root, text, strlen(text), "t", &err), -1);
    assert_string_equal(err.text, "t:1: nested too deeply");
}

static void files(void **state) {
    (void)state;
    struct sm_yaml *root;
    struct sm_error err = {0};
    assert_int_equal(sm_yaml_read(&root, "/nonexistent/x.yaml", &err), -1);
    assert_string_equal(err.text, "/nonexistent/x.yaml: No such file or directory");
    assert_int_equal(sm_yaml_read(&root, "/tmp", &err), -1);
    assert_string_equal(err.text, "/tmp: Is a directory");
    assert_int_equal(sm_yaml_read(&root, "/dev/zero", &err), -1); /* has no end */
    assert_non_null(strstr(err.text, "/dev/zero: longer than 1048576 bytes"));
    char path[] = "/tmp/test_yaml.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    close(fd);
    assert_int_equal(sm_yaml_read(&root, path, &err), 0);
    assert_string_equal(root->items[0]->scalar, "1");
    sm_yaml_free(root);
    unlink(path);
    sm_yaml_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_knows_its_lines),  cmocka_unit_test(many_entries), cmocka_unit_test(sentences),
        cmocka_unit_test(deep_nesting_is_refused), cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
