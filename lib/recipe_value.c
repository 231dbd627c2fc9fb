/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One key's value: from text, to text, compared. Each type is a row {set, print}. */
#include "recipe_keys.h"

#include <supermask/table.h>
#include <supermask/text.h>

#include <assert.h>
#include <math.h>
#include <string.h>

static void *field_of(const struct recipe_key *key, struct sm_recipe *recipe) {
    return (char *)recipe + key->offset;
}

static const void *value_of(const struct recipe_key *key, const struct sm_recipe *recipe) {
    return (const char *)recipe + key->offset;
}

/* ---- text ---- */

static int set_line(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    if (!sm_text_is_line(text)) return sm_fail(err, "%s: not one line of UTF-8 text", key->name);
    if (strlen(text) >= key->size) return sm_fail(err, "%s: longer than %zu bytes", key->name, key->size - 1);
    memset(field, 0, key->size); /* so that equal texts are equal bytes */
    strcpy(field, text);
    return 0;
}

static int set_name(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+";
    if (strspn(text, allowed) != strlen(text) || *text == '.' || *text == '-')
        return sm_fail(err, "%s: '%.80s' is no name (letters, digits, '_', '-', '.', '+')", key->name, text);
    return set_line(key, field, text, err);
}

static void print_quoted(const struct recipe_key *key, const void *value, FILE *out) {
    (void)key;
    fputc('"', out);
    for (const char *at = value; *at; at++) {
        if (*at == '"' || *at == '\\') fputc('\\', out);
        fputc(*at, out);
    }
    fputc('"', out);
}

/* ---- choices ---- */

static size_t count(const char *const *words) {
    size_t n = 0;
    while (words[n]) n++;
    return n;
}

/* "constant, exponential or plateau" */
static void join_words(char *list, size_t size, const char *const *words, size_t n) {
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++) {
        const char *before = i == 0 ? "" : i + 1 == n ? " or " : ", ";
        used += (size_t)snprintf(list + used, size - used, "%s%s", before, words[i]);
    }
}

/* Index of `text` among the key's choices, or -1 with a sentence. */
static int find_choice(const struct recipe_key *key, const char *text, struct sm_error *err) {
    char list[256], hint[SM_HINT_SIZE];
    size_t n = count(key->choices);
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, key->choices[i]) == 0) return (int)i;
    join_words(list, sizeof list, key->choices, n);
    return sm_fail(err, "%s: '%.80s' is not %s%s", key->name, text, list, sm_nearest_hint(hint, text, key->choices, n));
}

static int set_choice(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    int chosen = find_choice(key, text, err);
    if (chosen < 0) return -1;
    assert(key->size == sizeof chosen);
    memcpy(field, &chosen, sizeof chosen);
    return 0;
}

static void print_choice(const struct recipe_key *key, const void *value, FILE *out) {
    int chosen;
    memcpy(&chosen, value, sizeof chosen);
    fputs(key->choices[chosen], out);
}

static int set_bool(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) return sm_fail(err, "%s: '%.80s' is not true or false", key->name, text);
    memcpy(field, &yes, sizeof yes);
    return 0;
}

static void print_bool(const struct recipe_key *key, const void *value, FILE *out) {
    (void)key;
    fputs(*(const bool *)value ? "true" : "false", out);
}

/* ---- numbers ---- */

static int check_range(const struct recipe_key *key, double value, const char *text, struct sm_error *err) {
    if (value >= key->min && value <= key->max) return 0;
    return sm_fail(err, "%s: %.80s is outside %.15g .. %.15g", key->name, text, key->min, key->max);
}

static int set_int(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    int64_t value;
    if (sm_parse_int(text, &value)) return sm_fail(err, "%s: '%.80s' is not a whole number", key->name, text);
    if (check_range(key, (double)value, text, err)) return -1;
    memcpy(field, &value, sizeof value);
    return 0;
}

static void print_int(const struct recipe_key *key, const void *value, FILE *out) {
    (void)key;
    fprintf(out, "%lld", (long long)*(const int64_t *)value);
}

static int set_record(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    if (strcmp(text, "epoch") == 0) {
        memset(field, 0, sizeof(int64_t));
        return 0;
    }
    int64_t steps;
    if (sm_parse_int(text, &steps))
        return sm_fail(err, "%s: '%.80s' is neither `epoch` nor a number of steps", key->name, text);
    return set_int(key, field, text, err);
}

static void print_record(const struct recipe_key *key, const void *value, FILE *out) {
    if (*(const int64_t *)value == 0)
        fputs("epoch", out);
    else
        print_int(key, value, out);
}

static int set_seed(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    uint64_t value;
    if (sm_parse_seed(text, &value))
        return sm_fail(err, "%s: '%.80s' is not a whole number from 0 to 18446744073709551615", key->name, text);
    memcpy(field, &value, sizeof value);
    return 0;
}

static void print_seed(const struct recipe_key *key, const void *value, FILE *out) {
    (void)key;
    fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)value);
}

static int set_real(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    double value;
    if (sm_parse_real(text, &value) || isnan(value))
        return sm_fail(err, "%s: '%.80s' is not a number", key->name, text);
    if (check_range(key, value, text, err)) return -1;
    value = value == 0.0 ? 0.0 : value; /* no negative zero */
    memcpy(field, &value, sizeof value);
    return 0;
}

/* YAML 1.1 readers (Python's among them) take 1e-05 for text and 1.0e-05 for a number; both read back the same here. */
static void print_real(const struct recipe_key *key, const void *value, FILE *out) {
    (void)key;
    char text[32];
    sm_real_text(*(const double *)value, text);
    size_t mantissa = strcspn(text, "e");
    if (text[mantissa] == 'e' && !strchr(text, '.'))
        fprintf(out, "%.*s.0%s", (int)mantissa, text, text + mantissa);
    else
        fputs(text, out);
}

static int set_share(const struct recipe_key *key, void *field, const char *text, struct sm_error *err) {
    double value;
    if (strcmp(text, ".nan") == 0) text = "nan";
    if (sm_parse_real(text, &value)) return sm_fail(err, "%s: '%.80s' is not a number", key->name, text);
    if (!isnan(value) && !(value >= 0.0 && value <= 1.0))
        return sm_fail(err, "%s: %.80s is outside 0 .. 1 (a share, not percent)", key->name, text);
    value = value == 0.0 ? 0.0 : value;
    memcpy(field, &value, sizeof value);
    return 0;
}

static void print_share(const struct recipe_key *key, const void *value, FILE *out) {
    if (isnan(*(const double *)value))
        fputs(".nan", out);
    else
        print_real(key, value, out);
}

/* ---- all types ---- */

static const struct {
    int (*set)(const struct recipe_key *key, void *field, const char *text, struct sm_error *err);
    void (*print)(const struct recipe_key *key, const void *value, FILE *out);
} types[] = {
    [RECIPE_NAME] = {set_name, print_quoted},     [RECIPE_LINE] = {set_line, print_quoted},
    [RECIPE_CHOICE] = {set_choice, print_choice}, [RECIPE_BOOL] = {set_bool, print_bool},
    [RECIPE_INT] = {set_int, print_int},          [RECIPE_SEED] = {set_seed, print_seed},
    [RECIPE_REAL] = {set_real, print_real},       [RECIPE_SHARE] = {set_share, print_share},
    [RECIPE_RECORD] = {set_record, print_record},
};

int sm_recipe_key_set(const struct recipe_key *key, struct sm_recipe *recipe, const char *text, struct sm_error *err) {
    if (types[key->type].set(key, field_of(key, recipe), text, err)) return -1;
    if (key->chosen) key->chosen(recipe);
    return 0;
}

void sm_recipe_key_print(const struct recipe_key *key, const struct sm_recipe *recipe, FILE *out) {
    types[key->type].print(key, value_of(key, recipe), out);
}

/* Texts by their characters, all others by their bytes: a NaN equals itself. */
bool sm_recipe_key_equal(const struct recipe_key *key, const struct sm_recipe *a, const struct sm_recipe *b) {
    bool text = key->type == RECIPE_NAME || key->type == RECIPE_LINE;
    const void *x = value_of(key, a), *y = value_of(key, b);
    return text ? strcmp(x, y) == 0 : memcmp(x, y, key->size) == 0;
}
