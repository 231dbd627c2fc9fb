/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe_keys.h - the table of a recipe's keys, and what can be done with one key. Private to lib/recipe*.c. */
#ifndef SUPERMASK_LIB_RECIPE_KEYS_H
#define SUPERMASK_LIB_RECIPE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <supermask/recipe.h>

enum recipe_type {
    RECIPE_NAME,   /* char[size]: letters, digits, '_', '-', '.', '+' */
    RECIPE_LINE,   /* char[size]: one line of text */
    RECIPE_CHOICE, /* an enumeration whose values count `choices` from 0 */
    RECIPE_BOOL,   /* bool: true or false */
    RECIPE_INT,    /* int64_t in [min, max] */
    RECIPE_SEED,   /* uint64_t */
    RECIPE_REAL,   /* double in [min, max] */
    RECIPE_SHARE,  /* double in [0, 1], or NaN where unknown */
    RECIPE_RECORD  /* int64_t: "epoch" is 0, N is N steps */
};

struct recipe_key {
    const char *name;
    enum recipe_type type;
    size_t offset, size;                /* of the field in struct sm_recipe */
    double min, max;                    /* of INT, REAL, RECORD */
    const char *const *choices;         /* of CHOICE: NULL-terminated */
    bool comment;                       /* does not change a run's results */
    void (*chosen)(struct sm_recipe *); /* NULL, or what a new value brings along in other keys */
    const char *help;
};

/* All keys, in the order of the printed recipe. A key that brings another along (`chosen`) stands before it. */
extern const struct recipe_key sm_recipe_keys[];
extern const size_t sm_recipe_n_keys;

/* The key of that name, or NULL with the sentence "unknown key 'NAME' (nearest: ...)". */
const struct recipe_key *sm_recipe_key_find(const char *name, struct sm_error *err);

/* Sets the field from text. The sentence of a failure begins with the key's name. */
int sm_recipe_key_set(const struct recipe_key *key, struct sm_recipe *recipe, const char *text, struct sm_error *err);

/* The value as YAML. */
void sm_recipe_key_print(const struct recipe_key *key, const struct sm_recipe *recipe, FILE *out);

bool sm_recipe_key_equal(const struct recipe_key *key, const struct sm_recipe *a, const struct sm_recipe *b);

#endif
