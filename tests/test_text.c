/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/text.h>

static void whole_numbers(void **state) {
    (void)state;
    int64_t value = 7;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"42", 42},
                {"-3", -3},
                {"+5", 5},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(sm_parse_int(good[i].text, &value), 0);
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {
        "", " 1", "1 ", "1O", "0x10", "1e3", "1.0", "-", "--1", "nan", "9223372036854775808", "-9223372036854775809"};
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(sm_parse_int(bad[i], &value), -1);
    assert_true(value == 7);
}

static void seeds(void **state) {
    (void)state;
    uint64_t value = 7;
    assert_int_equal(sm_parse_seed("18446744073709551615", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(sm_parse_seed("0", &value), 0);
    assert_true(value == 0);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1.5", "18446744073709551616", "one"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(sm_parse_seed(bad[i], &value), -1);
}

static void real_numbers(void **state) {
    (void)state;
    double value = 7;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0.05", 0.05}, {"5e-4", 0.0005}, {"5.0E-4", 0.0005}, {"-1", -1}, {".5", 0.5}, {"4.9e-324", 4.9e-324}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(sm_parse_real(good[i].text, &value), 0);
        assert_true(value == good[i].value);
    }
    assert_int_equal(sm_parse_real("nan", &value), 0);
    assert_true(isnan(value));
    static const char *const bad[] = {"",   "inf", "-inf", "infinity", "0x1p3", "1e999", "1e-999", "0,5",
                                      "1 ", " 1",  "e5",   "1e",       "5e-4x", "-",     ".",      "NAN(1)"};
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(sm_parse_real(bad[i], &value), -1);
    assert_true(value == 7);
}

static void nearest_names(void **state) {
    (void)state;
    static const char *const names[] = {"learning_rate", "weight_decay", "epochs", "elu", "he"};
    enum { N = 5 };
    assert_string_equal(sm_nearest("learning_rat", names, N), "learning_rate");
    assert_string_equal(sm_nearest("learning-rate", names, N), "learning_rate");
    assert_string_equal(sm_nearest("laerning_rate", names, N), "learning_rate"); /* one swap: distance 1 */
    assert_string_equal(sm_nearest("EPOCHS", names, N), "epochs");
    assert_string_equal(sm_nearest("epcohs", names, N), "epochs");
    assert_string_equal(sm_nearest("el", names, N), "elu"); /* distance 1 is always near enough; the first of equals */
    assert_null(sm_nearest("momentum", names, N));
    assert_null(sm_nearest("eee", names, N)); /* elu: 2 of 3 letters wrong */
    assert_null(sm_nearest("", names, N));
    assert_null(sm_nearest("epochs", names, 0));
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(sm_nearest(longest, names, N));
    const char *long_name = longest;
    assert_null(sm_nearest("aaa", &long_name, 1));
    char hint[SM_HINT_SIZE];
    assert_string_equal(sm_nearest_hint(hint, "epoch", names, N), " (nearest: epochs)");
    assert_string_equal(sm_nearest_hint(hint, "zzz", names, N), "");
}

/* ca -> abc is 2 with unrestricted swaps and 3 here (each pair swapped at most once, never edited again). */
static void distance_is_the_restricted_one(void **state) {
    (void)state;
    static const char *const name = "abcxxxxx";
    assert_string_equal(sm_nearest("caxxxxxxx", (const char *const[]){"abcxxxxxx"}, 1) ? "near" : "far", "near");
    assert_null(sm_nearest("caxxxxx", &name, 1)); /* a third of 7 is 2, the distance 3 */
}

static void lines(void **state) {
    (void)state;
    static const char *const good[] = {"", "plain", "f\xc3\xbcr", "\xe2\x82\xac", "\xf0\x9f\x99\x82", "a \"b\" \\ 'c'"};
    static const char *const bad[] = {
        "a\nb", "\t",           "\x7f",         "\xc2\x85",         "\xe2\x80\xa8", "\xff", "\xc0\x80",
        "\xc3", "\xed\xa0\x80", "\xef\xbb\xbf", "\xf4\x90\x80\x80", "\xe2\x82",     "\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(sm_text_is_line(good[i]), 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(sm_text_is_line(bad[i]), 0);
}

static void formats(void **state) {
    (void)state;
    char *text = sm_format("%s-%d", "seed", 3);
    assert_string_equal(text, "seed-3");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(seeds),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(distance_is_the_restricted_one),
        cmocka_unit_test(lines),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
