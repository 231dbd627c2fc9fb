/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/spelling.h"

#include <supermask/text.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OPTIONS = 64 };

/* The options of a table and argp's own. */
struct vocabulary {
    const struct argp_option *table;
    size_t n_table, n;
    const char *names[MOST_OPTIONS];
};

static struct vocabulary vocabulary_of(const struct argp_option *table) {
    static const char *const built_in[] = {"help", "usage", "version"};
    struct vocabulary v = {.table = table};
    while (v.n + sizeof built_in / sizeof *built_in < MOST_OPTIONS && table[v.n].name)
        v.names[v.n] = table[v.n].name, v.n++;
    v.n_table = v.n;
    for (size_t k = 0; k < sizeof built_in / sizeof *built_in; k++) v.names[v.n++] = built_in[k];
    return v;
}

static bool takes_value(const struct vocabulary *v, size_t option) {
    return option < v->n_table && v->table[option].arg;
}

/* Index of the option that `word` (without "--" and "=VALUE") names or abbreviates, or -1. */
static int find_option(const struct vocabulary *v, const char *word, size_t length) {
    int found = -1;
    for (size_t i = 0; i < v->n; i++) {
        if (strncmp(v->names[i], word, length) != 0) continue;
        if (strlen(v->names[i]) == length) return (int)i;
        if (found < 0) found = (int)i;
    }
    return found;
}

/* Exits if `word`, an option without its dashes, is none. Returns how many arguments behind it are its value. */
static int check_option(const struct vocabulary *v, char *word) {
    size_t length = strcspn(word, "=");
    int option = find_option(v, word, length);
    if (option >= 0) return takes_value(v, (size_t)option) && !word[length];
    word[length] = '\0';
    const char *nearest = sm_nearest(word, v->names, v->n);
    fprintf(stderr, "supermask-train: unknown option '--%.80s'%s%s%s\n", word, nearest ? " (nearest: --" : "",
            nearest ? nearest : "", nearest ? ")" : "");
    exit(2);
}

void sm_spelling_check(const struct argp_option *table, int argc, char **argv) {
    const struct vocabulary v = vocabulary_of(table);
    for (int a = 1; a < argc && strcmp(argv[a], "--") != 0; a++) {
        if (strcmp(argv[a], "-o") == 0)
            a++; /* what follows is its value, whatever it looks like */
        else if (strncmp(argv[a], "--", 2) == 0)
            a += check_option(&v, argv[a] + 2);
    }
}
