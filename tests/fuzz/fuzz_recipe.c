/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer harness: any bytes as a recipe. What parses must print, parse back, and print the same.
 *
 *     clang -g -O1 -std=c11 -D_GNU_SOURCE -Iinclude -fsanitize=fuzzer,address,undefined -o fuzz_recipe \
 *         tests/fuzz/fuzz_recipe.c lib/{recipe,recipe_keys,recipe_value,yaml,text,share,table,outfile,error}.c -lyaml
 * -lm
 *     ./fuzz_recipe -max_len=4096 -max_total_time=60 CORPUS train/recipes */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/recipe.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sm_recipe recipe, back;
    struct sm_error err = {0};
    char *text = malloc(size + 1);
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = '\0';
    sm_recipe_defaults(&recipe);
    if (sm_recipe_parse(&recipe, text, "fuzz", &err) == 0) {
        char *printed = sm_recipe_text(&recipe), *again;
        sm_recipe_defaults(&back);
        if (!printed || sm_recipe_parse(&back, printed, "printed", &err)) abort();
        again = sm_recipe_text(&back);
        if (!again || strcmp(printed, again) != 0 || sm_recipe_differs(&recipe, &back)) abort();
        free(printed);
        free(again);
    } else if (!*err.text)
        abort();
    free(text);
    return 0;
}
