/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What surrounds the figures: formats, paths, escaping, tables read back, pictures inside a page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/figure.h"
#include "analyze/figure_files.h"
#include "analyze/html.h"
#include "analyze/tsv.h"

/* ---- helpers ---- */

static char *write_file(const char *suffix, const char *content) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/test_figure_XXXXXX%s", suffix);
    int fd = mkstemps(path, (int)strlen(suffix));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(close(fd), 0);
    return path;
}

static void assert_html(const char *text, const char *expected) {
    char *written = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&written, &size);
    sm_html_text(file, text);
    fclose(file);
    assert_string_equal(written, expected);
    free(written);
}

/* ---- tests ---- */

static void test_formats(void **state) {
    (void)state;
    const char *right[] = {"none", "svg", "pdf", "png", "svg,pdf,png", "png,svg"};
    const char *wrong[] = {"", "jpg", "svg,", ",svg", "svg,none", "svg pdf", "svgx", "SVG"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) assert_null(sm_figure_formats_check(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_non_null(sm_figure_formats_check(wrong[i]));
}

static void test_paths(void **state) {
    (void)state;
    char *first = sm_figure_path(&sm_figures[0], 0, "svg"), *third = sm_figure_path(&sm_figures[0], 2, "pdf");
    assert_string_equal(first, "figures/accuracy-remaining.svg");
    assert_string_equal(third, "figures/accuracy-remaining-group3.pdf");
    free(first);
    free(third);
}

/* Names are unique, every figure says what it needs, and the list ends. */
static void test_list(void **state) {
    (void)state;
    for (size_t i = 0; i < sm_n_figures; i++) {
        assert_non_null(sm_figures[i].tables[0]);
        assert_true(strlen(sm_figures[i].help) > 10 && strlen(sm_figures[i].caption) > 40);
        for (size_t t = 0; t < SM_FIGURE_TABLES && sm_figures[i].tables[t]; t++)
            assert_non_null(sm_statistic_find(sm_figures[i].tables[t]));
        for (size_t j = 0; j < i; j++) assert_string_not_equal(sm_figures[i].name, sm_figures[j].name);
    }
    assert_null(sm_figure_name(sm_n_figures));
    assert_null(sm_figure_help(sm_n_figures));
}

static void test_escape(void **state) {
    (void)state;
    assert_html("a<b>&\"c\"'d'", "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
    assert_html("\xce\xb4 \x01x\n", "\xce\xb4  x\n");
    assert_html("", "");
}

static void test_tsv(void **state) {
    (void)state;
    struct sm_tsv tsv;
    struct sm_error err = {.text = ""};
    char *path = write_file(".tsv", "# about\n# run: name\nrun\tx\ty\na\t1.5\tnan\n\nb c\t-inf\t\n");
    assert_int_equal(sm_tsv_read(&tsv, path, &err), 0);
    assert_int_equal(tsv.n_columns, 3);
    assert_int_equal(tsv.n_rows, 2);
    assert_true(sm_tsv_real(&tsv, 0, "x") == 1.5);
    assert_true(isnan(sm_tsv_real(&tsv, 0, "y")));
    assert_true(sm_tsv_real(&tsv, 1, "x") == -INFINITY);
    assert_true(isnan(sm_tsv_real(&tsv, 1, "y")));
    assert_true(isnan(sm_tsv_real(&tsv, 0, "absent")));
    assert_string_equal(sm_tsv_text(&tsv, 1, "run"), "b c");
    assert_true(sm_tsv_is(&tsv, 0, "run", "a"));
    sm_tsv_destroy(&tsv);
    unlink(path);
}

static void test_tsv_wrong(void **state) {
    (void)state;
    const char *contents[] = {"", "# only words\n", "a\tb\n1\n", "a\tb\n1\t2\t3\n"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct sm_tsv tsv;
        struct sm_error err = {.text = ""};
        char *path = write_file(".tsv", contents[i]);
        assert_int_equal(sm_tsv_read(&tsv, path, &err), -1);
        assert_non_null(strstr(err.text, path));
        sm_tsv_destroy(&tsv);
        unlink(path);
    }
}

/* RFC 4648, section 10. */
static void test_base64(void **state) {
    (void)state;
    const char *cases[][2] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_file(".png", cases[i][0]), *page = NULL, expected[128];
        size_t size = 0;
        struct sm_error err = {.text = ""};
        FILE *file = open_memstream(&page, &size);
        assert_int_equal(sm_html_picture(file, path, "<x>", &err), 0);
        fclose(file);
        snprintf(expected, sizeof expected, "<img alt=\"&lt;x&gt;\" src=\"data:image/png;base64,%s\">", cases[i][1]);
        assert_non_null(strstr(page, expected));
        free(page);
        unlink(path);
    }
}

static void test_widths(void **state) {
    (void)state;
    char *path =
        write_file(".svg", "<?xml version=\"1.0\"?>\n<svg \n width=\"321\" height=\"200\"\n viewBox=\"0 0 321 200\">");
    assert_true(sm_html_picture_width(path) == 321);
    unlink(path);
    assert_true(sm_html_picture_width("/nonexistent.svg") == 0);
}

static void test_tidy_svg(void **state) {
    (void)state;
    struct sm_error err = {.text = ""};
    char *from = strdup(write_file(".svg", "<g font-family=\"DejaVu Sans\"><image x='1'/></g>\n<images/>\n"));
    char *to = strdup(write_file(".svg", "old"));
    assert_int_equal(sm_figure_tidy_svg(from, to, &err), 0);
    FILE *file = fopen(to, "r");
    char text[512];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text,
                        "<g font-family=\"DejaVu Sans, Verdana, sans-serif\"><image "
                        "style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\" x='1'/></g>\n<images/>\n");
    unlink(from);
    unlink(to);
    free(from);
    free(to);
}

static void test_has_rows(void **state) {
    (void)state;
    char *with = write_file(".tsv", "# x\na\tb\n1\t2\n"), name[64];
    snprintf(name, sizeof name, "%.*s", (int)(strlen(with) - 4 - strlen("/tmp/")), with + strlen("/tmp/"));
    assert_true(sm_figure_table_has_rows("/tmp", name));
    unlink(with);
    assert_false(sm_figure_table_has_rows("/tmp", name));
    char *without = write_file(".tsv", "# x\n# y\na\tb\n");
    snprintf(name, sizeof name, "%.*s", (int)(strlen(without) - 4 - strlen("/tmp/")), without + strlen("/tmp/"));
    assert_false(sm_figure_table_has_rows("/tmp", name));
    unlink(without);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),  cmocka_unit_test(test_paths),  cmocka_unit_test(test_list),
        cmocka_unit_test(test_escape),   cmocka_unit_test(test_tsv),    cmocka_unit_test(test_tsv_wrong),
        cmocka_unit_test(test_base64),   cmocka_unit_test(test_widths), cmocka_unit_test(test_tidy_svg),
        cmocka_unit_test(test_has_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
