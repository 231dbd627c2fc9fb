/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/options.h"
#include "train/spelling.h"

#include <supermask/text.h>

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argp reads this by its name. */
const char *argp_program_version = "supermask-train " SM_VERSION;

enum {
    OPTION_SEED = 256,
    OPTION_SET,
    OPTION_DATA,
    OPTION_RESUME,
    OPTION_DRY_RUN,
    OPTION_LIST,
    OPTION_KEYS,
    OPTION_KEY, /* OPTION_KEY + k: the option that stands for key_options[k] */
};

/* The first options of the table are a recipe's keys: options_table[k] stands for key_options[k]. */
static const char *const key_options[] = {"weight_seed", "score_seed", "data_seed", "epochs",
                                          "record",      "threads",    "precision"};
enum { N_KEY_OPTIONS = sizeof key_options / sizeof *key_options };

static const struct argp_option options_table[] = {
    {"weight-seed", OPTION_KEY + 0, "N", 0, "Seed of the initial weights; beats --seed", 1},
    {"score-seed", OPTION_KEY + 1, "N", 0, "Seed of the initial scores; beats --seed", 1},
    {"data-seed", OPTION_KEY + 2, "N", 0, "Seed of the order of the images; beats --seed", 1},
    {"epochs", OPTION_KEY + 3, "N", 0, "Train for N epochs", 2},
    {"record", OPTION_KEY + 4, "epoch|N", 0, "Record the masks every epoch or every N steps", 2},
    {"threads", OPTION_KEY + 5, "N", 0,
     "Use N threads (default: $OMP_NUM_THREADS, or every CPU); results do not depend on it", 3},
    {"precision", OPTION_KEY + 6, "fp32|bf16", 0,
     "Operands of the convolutions' weight gradients (default: fp32); bf16 is fast where the CPU has it", 2},
    {"seed", OPTION_SEED, "N", 0, "Seed of weights, scores and data (default: the recipe's)", 1},
    {"set", OPTION_SET, "KEY=VALUE", 0, "Set any key of the recipe; may be repeated, the later of two wins", 2},
    {"data", OPTION_DATA, "DIR", 0, "Look for data in DIR (default: $SUPERMASK_DATA, then ./data)", 3},
    {"output", 'o', "FILE|DIR", 0, "Write the run to FILE, or under its own name to DIR (default: .)", 3},
    {"resume", OPTION_RESUME, NULL, 0, "Continue a run that was stopped; start it where there is none", 3},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "Print the whole recipe and what the run will need, and stop", 4},
    {"list", OPTION_LIST, NULL, 0, "Print the shipped recipes, the networks, methods and data sets", 4},
    {"keys", OPTION_KEYS, NULL, 0, "Print the keys of a recipe", 4},
    {"quiet", 'q', NULL, 0, "Show no progress", 4},
    {0},
};

static const char documentation[] =
    "Trains a network with frozen random weights and a learned ternary mask, and writes one HDF5 file."
    "\vIn the place of RECIPE, as the first word (each has a --help of its own):\n"
    "  evaluate RUN.h5    accuracy of any recorded step, or of a compact file\n"
    "  export RUN.h5      the network without its hidden weights as a compact file\n\n"
    "RECIPE is the name of a shipped recipe or a YAML file (with a '/' in its name, or ending in .yaml). The run "
    "file is "
    "called RECIPE-seedN.h5, or RECIPE-wA-sB-dC.h5 where the three seeds differ.\n\n"
    "Exit status: 0 done, 1 something is wrong with a file or the system, 2 the command line is wrong, 130 or 143 "
    "stopped "
    "by a signal (--resume continues).";

/* ---- parsing ---- */

/* Keeps KEY=VALUE, freed by destroy. */
static void add_assignment(struct argp_state *state, char *assignment) {
    struct sm_options *options = state->input;
    char **grown = realloc(options->assignments, (options->n_assignments + 1) * sizeof *grown);
    if (!assignment || !grown) argp_failure(state, 1, 0, "out of memory");
    options->assignments = grown;
    grown[options->n_assignments++] = assignment;
}

/* Is it a setting at all? On a scratch recipe, so that a slip is found before any file is read. */
static int try_assignment(const char *assignment, struct sm_error *err) {
    struct sm_recipe scratch;
    sm_recipe_defaults(&scratch);
    return sm_recipe_set(&scratch, assignment, err);
}

static void add_setting(struct argp_state *state, const char *assignment) {
    struct sm_error err = {0};
    if (try_assignment(assignment, &err)) argp_failure(state, 2, 0, "--set: %s", err.text);
    add_assignment(state, strdup(assignment));
}

static void add_key_option(struct argp_state *state, size_t k, const char *value) {
    struct sm_error err = {0};
    char *assignment = sm_format("%s=%s", key_options[k], value);
    if (assignment &&
        try_assignment(assignment, &err)) /* the sentence begins with the key; here the option stands for it */
        argp_failure(state, 2, 0, "--%s%s", options_table[k].name, strchr(err.text, ':'));
    add_assignment(state, assignment);
}

static void set_seed(struct argp_state *state, const char *value) {
    struct sm_options *options = state->input;
    uint64_t seed;
    if (sm_parse_seed(value, &seed))
        argp_failure(state, 2, 0, "--seed: '%s' is not a whole number from 0 to 18446744073709551615", value);
    options->seed = value;
}

static void set_recipe(struct argp_state *state, const char *word) {
    struct sm_options *options = state->input;
    if (options->recipe) argp_failure(state, 2, 0, "one recipe a run: '%s' is one too many", word);
    options->recipe = word;
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    struct sm_options *options = state->input;
    if (key >= OPTION_KEY && key < OPTION_KEY + N_KEY_OPTIONS) {
        add_key_option(state, (size_t)(key - OPTION_KEY), value);
        return 0;
    }
    switch (key) {
    case OPTION_SEED:
        set_seed(state, value);
        return 0;
    case OPTION_SET:
        add_setting(state, value);
        return 0;
    case OPTION_DATA:
        options->data = value;
        return 0;
    case 'o':
        options->output = value;
        return 0;
    case OPTION_RESUME:
        options->resume = true;
        return 0;
    case OPTION_DRY_RUN:
        options->dry_run = true;
        return 0;
    case OPTION_LIST:
        options->list = true;
        return 0;
    case OPTION_KEYS:
        sm_recipe_print_keys(stdout);
        exit(0);
    case 'q':
        options->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        set_recipe(state, value);
        return 0;
    case ARGP_KEY_END:
        if (!options->recipe && !options->list)
            argp_failure(state, 2, 0, "no recipe given: --list shows the shipped ones, --help the options");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void sm_options_parse(struct sm_options *options, int argc, char **argv) {
    static const struct argp parser = {options_table, parse_option, "RECIPE", documentation, NULL, NULL, NULL};
    *options = (struct sm_options){0};
    argp_err_exit_status = 2;
    sm_spelling_check(options_table, argc, argv);
    argp_parse(&parser, argc, argv, 0, NULL, options);
}

void sm_options_destroy(struct sm_options *options) {
    for (size_t i = 0; i < options->n_assignments; i++) free(options->assignments[i]);
    free(options->assignments);
    *options = (struct sm_options){0};
}

bool sm_options_set_key(const struct sm_options *options, const char *key) {
    size_t length = strlen(key);
    for (size_t i = 0; i < options->n_assignments; i++)
        if (!strncmp(options->assignments[i], key, length) && options->assignments[i][length] == '=') return true;
    return false;
}

int sm_options_apply(const struct sm_options *options, struct sm_recipe *recipe, struct sm_error *err) {
    uint64_t seed;
    if (options->seed && sm_parse_seed(options->seed, &seed) == 0)
        recipe->weight_seed = recipe->score_seed = recipe->data_seed = seed;
    return sm_recipe_set_all(recipe, (const char *const *)options->assignments, options->n_assignments, err);
}
