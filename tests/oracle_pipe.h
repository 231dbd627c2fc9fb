/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oracle_pipe.h - asks tests/oracle/scipy_statistics.py: a test writes questions and its own answers, all of them are
 * compared at the end. Included by one test binary at a time, hence functions here. */
#ifndef SUPERMASK_TESTS_ORACLE_PIPE_H
#define SUPERMASK_TESTS_ORACLE_PIPE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct oracle {
    char questions[64];
    FILE *out;
    size_t n, room;
    struct answer {
        char what[40];
        double value, tolerance;
    } * answer;
};

static const char *oracle_python(void) {
    const char *python = getenv("PYTHON");
    return python ? python : "/usr/bin/python3";
}

/* Skips the test where there is no Python with scipy. */
static void oracle_open(struct oracle *oracle) {
    char command[256];
    snprintf(command, sizeof command, "%s -c 'import numpy, scipy' 2>/dev/null", oracle_python());
    if (system(command) != 0) {
        print_message("skipped: %s has no scipy\n", oracle_python());
        skip();
    }
    *oracle = (struct oracle){.questions = "/tmp/supermask-oracle-XXXXXX"};
    int fd = mkstemp(oracle->questions);
    assert_true(fd >= 0);
    oracle->out = fdopen(fd, "w");
    assert_non_null(oracle->out);
}

static void oracle_ask(struct oracle *oracle, const char *name) {
    fputs(name, oracle->out);
}

static void oracle_argument(struct oracle *oracle, const double *x, size_t n) {
    fputc('|', oracle->out);
    for (size_t i = 0; i < n; i++) fprintf(oracle->out, "%s%.17g", i ? " " : "", x[i]);
}

/* What the program says; the answers of one question in the oracle's order, then oracle_end. */
static void oracle_expect(struct oracle *oracle, const char *what, double value, double tolerance) {
    if (oracle->n == oracle->room) {
        oracle->room = oracle->room ? 2 * oracle->room : 64;
        oracle->answer = realloc(oracle->answer, oracle->room * sizeof *oracle->answer);
        assert_non_null(oracle->answer);
    }
    struct answer *answer = &oracle->answer[oracle->n++];
    *answer = (struct answer){.value = value, .tolerance = tolerance};
    snprintf(answer->what, sizeof answer->what, "%s", what);
}

static void oracle_end(struct oracle *oracle) {
    fputc('\n', oracle->out);
}

static int answers_agree(double ours, double theirs, double tolerance) {
    if (isnan(ours) || isnan(theirs)) return isnan(ours) && isnan(theirs);
    return fabs(ours - theirs) <= tolerance * fabs(theirs) + (theirs == 0 ? tolerance : 0);
}

/* Runs the oracle and compares; tolerance is relative, absolute where the oracle says 0. */
static void oracle_compare(struct oracle *oracle) {
    char command[512];
    assert_int_equal(fclose(oracle->out), 0);
    snprintf(command, sizeof command, "%s tests/oracle/scipy_statistics.py < %s", oracle_python(), oracle->questions);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    size_t wrong = 0, n_read = 0;
    char word[64];
    for (; n_read < oracle->n && fscanf(in, "%63s", word) == 1; n_read++) {
        const struct answer *answer = &oracle->answer[n_read];
        double theirs = strtod(word, NULL);
        if (answers_agree(answer->value, theirs, answer->tolerance)) continue;
        print_error("answer %zu, %s: %.17g, oracle %.17g\n", n_read, answer->what, answer->value, theirs);
        wrong++;
    }
    int extra = fscanf(in, "%63s", word);
    assert_int_equal(pclose(in), 0);
    assert_int_equal(n_read, oracle->n);
    assert_int_equal(extra, EOF);
    remove(oracle->questions);
    free(oracle->answer);
    assert_int_equal(wrong, 0);
}

#endif
