/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/options.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <supermask/text.h>

#include "analyze/align.h"
#include "analyze/figure.h"

enum {
    KEY_COMPARE = 256,
    KEY_AT,
    KEY_NULLS,
    KEY_PAIRS,
    KEY_FIGURES,
    KEY_DATA,
    KEY_ABLATION,
    KEY_THREADS,
    KEY_SEED,
    KEY_STARTS,
    KEY_UNIT
};

static const int64_t DEFAULT_NULLS = 99, DEFAULT_PAIRS = 5, MOST_PAIRS = 1000000, MOST_NULLS = 1000000,
                     MOST_THREADS = 1024;

static const struct argp_option option_table[] = {
    {"output", 'o', "DIR", 0,
     "Write into DIR, which is made if needed (default: tables; report: report; passport: passport)", 0},
    {"unit", KEY_UNIT, "LAYER:UNIT", 0,
     "The unit of the first run that passport describes, counted from 0, as in dense1:12; input:12 is an input", 0},
    {"compare", KEY_COMPARE, "mask|weight", 0,
     "Compare masks or effective weights, sign(w) times mask, between runs (default: both)", 0},
    {"at", KEY_AT, "EPOCH", 0,
     "Describe the last record at or before EPOCH (default: the last record). ratios, flips, settling, similarity, "
     "oscillation and earlybird always cover the whole trajectory",
     0},
    {"nulls", KEY_NULLS, "N", 0,
     "Replicates of null models that are sampled (default: 99); the smallest p-value is 1/(N+1)", 0},
    {"pairs", KEY_PAIRS, "N|all", 0,
     "Pairs of runs that are compared of two groups of other methods or settings: N whose runs have the same weight "
     "seed and N others (default: 5); within a group all are",
     0},
    {"starts", KEY_STARTS, "N", 0,
     "Orders from which an alignment of hidden units begins; the best end is kept (default: 1; from the third on they "
     "are random)",
     0},
    {"seed", KEY_SEED, "N", 0,
     "Seed of everything that is sampled here: null models, controls, random orders (default: 1)", 0},
    {"data", KEY_DATA, "DIR", 0,
     "Where the data sets are, for what needs images (default: $SUPERMASK_DATA, else ./data; digits are built in)", 0},
    {"ablation", KEY_ABLATION, NULL, 0,
     "Also measure what each unit is worth: test accuracy without it (neurons; report does so by itself)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one for each CPU); results do not depend on it", 0},
    {"figures", KEY_FIGURES, "svg,pdf,png|none", 0, "Formats of the figures (default: svg)", 0},
    {"quiet", 'q', NULL, 0, "Show no progress", 0},
    {0},
};

static const char *const compare_names[] = {"mask", "weight"};
/* Words that stand in the place of tables, by enum sm_action; their default directories. */
static const char *const action_names[] = {"report", "passport", "list"};
static const enum sm_action actions[] = {SM_ACTION_REPORT, SM_ACTION_PASSPORT, SM_ACTION_LIST};
static const char *const default_directories[] = {
    [SM_ACTION_TABLES] = "tables", [SM_ACTION_REPORT] = "report", [SM_ACTION_PASSPORT] = "passport"};

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { MOST_NAMES = 128 }; /* of tables and actions */

/* What argp hands from word to word. */
struct parse {
    struct sm_command *command;
    bool *wanted; /* [sm_n_statistics] */
    bool any_table;
    const char *formats; /* as typed; NULL: not given */
};

/* ---- one value ---- */

static size_t find_name(const char *const *names, size_t n, const char *word) {
    size_t i = 0;
    while (i < n && strcmp(names[i], word) != 0) i++;
    return i;
}

static void reject_name(struct argp_state *state, const char *what, const char *word, const char *const *names,
                        size_t n) {
    char hint[SM_HINT_SIZE];
    argp_failure(state, 2, 0, "there is no %s '%s'%s", what, word, sm_nearest_hint(hint, word, names, n));
}

static void set_compare(struct parse *parse, const char *word, struct argp_state *state) {
    size_t i = find_name(compare_names, COUNT(compare_names), word);
    if (i == COUNT(compare_names)) reject_name(state, "comparison", word, compare_names, COUNT(compare_names));
    parse->command->options.compare = 1u << i;
}

static void set_epoch(struct parse *parse, const char *word, struct argp_state *state) {
    double epoch;
    if (sm_parse_real(word, &epoch) != 0 || !isfinite(epoch) || epoch < 0)
        argp_failure(state, 2, 0, "--at wants an epoch, a number of at least 0, not '%s'", word);
    parse->command->options.at_epoch = epoch;
}

static void set_nulls(struct parse *parse, const char *word, struct argp_state *state) {
    int64_t n;
    if (sm_parse_int(word, &n) != 0 || n < 1 || n > MOST_NULLS)
        argp_failure(state, 2, 0, "--nulls wants a whole number from 1 to %lld, not '%s'", (long long)MOST_NULLS, word);
    parse->command->options.n_nulls = (size_t)n;
}

static void set_pairs(struct parse *parse, const char *word, struct argp_state *state) {
    int64_t n = 0;
    if (strcmp(word, "all") != 0 && (sm_parse_int(word, &n) != 0 || n < 1 || n > MOST_PAIRS))
        argp_failure(state, 2, 0, "--pairs wants a whole number from 1 to %lld or all, not '%s'", (long long)MOST_PAIRS,
                     word);
    parse->command->options.n_pairs = (size_t)n;
}

static void set_starts(struct parse *parse, const char *word, struct argp_state *state) {
    int64_t n;
    if (sm_parse_int(word, &n) != 0 || n < 1 || n > SM_ALIGN_MOST_STARTS)
        argp_failure(state, 2, 0, "--starts wants a whole number from 1 to %d, not '%s'", SM_ALIGN_MOST_STARTS, word);
    parse->command->options.n_starts = (size_t)n;
}

static void set_seed(struct parse *parse, const char *word, struct argp_state *state) {
    if (sm_parse_seed(word, &parse->command->options.seed) != 0)
        argp_failure(state, 2, 0, "--seed wants a whole number from 0 to 2^64 - 1, not '%s'", word);
}

static void set_threads(struct parse *parse, const char *word, struct argp_state *state) {
    int64_t n;
    if (sm_parse_int(word, &n) != 0 || n < 1 || n > MOST_THREADS)
        argp_failure(state, 2, 0, "--threads wants a whole number from 1 to %lld, not '%s'", (long long)MOST_THREADS,
                     word);
    parse->command->n_threads = (int)n;
}

static void set_unit(struct parse *parse, const char *word, struct argp_state *state) {
    struct sm_command *command = parse->command;
    const char *colon = strrchr(word, ':');
    int64_t unit = -1;
    if (!colon || colon == word || sm_parse_int(colon + 1, &unit) != 0 || unit < 0)
        argp_failure(state, 2, 0, "--unit wants a layer and the number of a unit, as in dense1:12, not '%s'", word);
    free(command->layer);
    command->layer = sm_format("%.*s", (int)(colon - word), word);
    if (!command->layer) argp_failure(state, 1, 0, "out of memory");
    command->unit = (size_t)unit;
}

static void set_formats(struct parse *parse, const char *word, struct argp_state *state) {
    const char *wrong = sm_figure_formats_check(word);
    if (wrong) argp_failure(state, 2, 0, "--figures '%s': %s", word, wrong);
    parse->formats = word;
}

/* ---- one word ---- */

static bool is_run(const char *word) {
    size_t length = strlen(word);
    bool named_so = length > 3 && strcmp(word + length - 3, ".h5") == 0;
    return named_so || strchr(word, '/') || access(word, F_OK) == 0;
}

static bool take_action(struct parse *parse, const char *word, struct argp_state *state) {
    size_t i = find_name(action_names, COUNT(action_names), word);
    if (i == COUNT(action_names)) return false;
    if (parse->any_table) argp_failure(state, 2, 0, "'%s' stands alone: it takes no tables", word);
    parse->command->action = actions[i];
    parse->any_table = true;
    return true;
}

static size_t statistic_index(const char *word) {
    size_t i = 0;
    while (i < sm_n_statistics && strcmp(sm_statistics[i]->name, word) != 0) i++;
    return i;
}

/* On the stack: argp_failure exits, and what is on the heap then may pass for a leak. */
static void reject_table(struct argp_state *state, const char *word) {
    const char *names[MOST_NAMES];
    size_t n = 0;
    for (size_t i = 0; i < sm_n_statistics && n < MOST_NAMES; i++) names[n++] = sm_statistics[i]->name;
    for (size_t i = 0; i < COUNT(action_names) && n < MOST_NAMES; i++) names[n++] = action_names[i];
    reject_name(state, "table", word, names, n);
}

static void take_table(struct parse *parse, size_t i, struct argp_state *state) {
    if (parse->command->action != SM_ACTION_TABLES)
        argp_failure(state, 2, 0, "'%s' stands alone: it takes no tables",
                     action_names[parse->command->action - actions[0]]);
    parse->wanted[i] = true;
    parse->any_table = true;
}

static void take_word(struct parse *parse, char *word, struct argp_state *state) {
    struct sm_command *command = parse->command;
    size_t i = statistic_index(word);
    if (command->n_runs > 0) {
        if (i < sm_n_statistics && access(word, F_OK) != 0)
            argp_failure(state, 2, 0, "the table '%s' stands behind a run file: tables come first", word);
        command->runs[command->n_runs++] = word;
    } else if (i < sm_n_statistics) {
        take_table(parse, i, state);
    } else if (!take_action(parse, word, state)) {
        if (!is_run(word)) reject_table(state, word);
        command->runs[command->n_runs++] = word;
    }
}

/* ---- the whole line ---- */

/* Pages show SVG, so they draw that whatever else is asked for. */
static void set_default_formats(struct parse *parse, struct argp_state *state) {
    struct sm_command *command = parse->command;
    const char *typed = parse->formats ? parse->formats : "svg";
    bool lacks_svg = command->action != SM_ACTION_TABLES && strcmp(typed, "none") != 0 && !strstr(typed, "svg");
    command->formats = sm_format("%s%s", lacks_svg ? "svg," : "", typed);
    if (!command->formats) argp_failure(state, 1, 0, "out of memory");
}

static void check_unit(const struct sm_command *command, struct argp_state *state) {
    if (command->action == SM_ACTION_PASSPORT && !command->layer)
        argp_failure(state, 2, 0, "passport wants a unit: --unit LAYER:UNIT, as in --unit dense1:12");
    if (command->action != SM_ACTION_PASSPORT && command->layer)
        argp_failure(state, 2, 0, "--unit belongs to passport");
}

static void check(struct parse *parse, struct argp_state *state) {
    struct sm_command *command = parse->command;
    if (!parse->any_table)
        argp_failure(state, 2, 0,
                     "no table is named; `supermask-analyze list` shows the tables, `report` makes all of them");
    check_unit(command, state);
    if (command->action == SM_ACTION_LIST) {
        if (command->n_runs > 0) argp_failure(state, 2, 0, "list takes no run file");
        return;
    }
    if (command->n_runs == 0) argp_failure(state, 2, 0, "no run file is named");
    for (size_t i = 0; i < sm_n_statistics; i++)
        if (parse->wanted[i] && sm_statistics[i]->needs_images) command->options.needs_images = true;
    for (size_t i = 0; i < sm_n_statistics; i++)
        if (parse->wanted[i] || command->action == SM_ACTION_REPORT)
            command->statistics[command->n_statistics++] = sm_statistics[i];
    command->options.report = command->action == SM_ACTION_REPORT;
    if (!command->options.directory) command->options.directory = default_directories[command->action];
    set_default_formats(parse, state);
}

static void set_directory(struct parse *parse, const char *word, struct argp_state *state) {
    if (!*word) argp_failure(state, 2, 0, "-o wants the name of a directory");
    parse->command->options.directory = word;
}

static error_t parse_one(int key, char *arg, struct argp_state *state) {
    struct parse *parse = state->input;
    switch (key) {
    case 'o':
        set_directory(parse, arg, state);
        break;
    case 'q':
        parse->command->options.quiet = true;
        break;
    case KEY_COMPARE:
        set_compare(parse, arg, state);
        break;
    case KEY_AT:
        set_epoch(parse, arg, state);
        break;
    case KEY_NULLS:
        set_nulls(parse, arg, state);
        break;
    case KEY_PAIRS:
        set_pairs(parse, arg, state);
        break;
    case KEY_STARTS:
        set_starts(parse, arg, state);
        break;
    case KEY_SEED:
        set_seed(parse, arg, state);
        break;
    case KEY_UNIT:
        set_unit(parse, arg, state);
        break;
    case KEY_DATA:
        parse->command->options.data = arg;
        break;
    case KEY_ABLATION:
        parse->command->options.ablation = true;
        break;
    case KEY_THREADS:
        set_threads(parse, arg, state);
        break;
    case KEY_FIGURES:
        set_formats(parse, arg, state);
        break;
    case ARGP_KEY_ARG:
        take_word(parse, arg, state);
        break;
    case ARGP_KEY_END:
        check(parse, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool needs_quotes(const char *word) {
    return !*word || word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%")];
}

/* 'it'\''s': a single quote cannot stand between single quotes. */
static void print_word(FILE *file, const char *word) {
    if (!needs_quotes(word)) {
        fputs(word, file);
        return;
    }
    fputc('\'', file);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", file);
        else
            fputc(*word, file);
    }
    fputc('\'', file);
}

static char *join_words(int argc, char **argv) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file) return NULL;
    for (int i = 0; i < argc; i++) {
        if (i > 0) fputc(' ', file);
        print_word(file, i == 0 ? program_invocation_short_name : argv[i]);
    }
    if (fclose(file) == 0) return text;
    free(text);
    return NULL;
}

void sm_command_parse(struct sm_command *command, int argc, char **argv) {
    static const struct argp argp = {
        .options = option_table,
        .parser = parse_one,
        .args_doc = "TABLE... RUN.h5...\nreport RUN.h5...\npassport --unit LAYER:UNIT RUN.h5...\nlist",
        .doc = "Computes statistics of the masks in run files, as tables and figures.\v"
               "The tables are tab-separated and explain themselves; the paths of what was written go to standard "
               "output. Exit status: 0 done, 1 something in the world is wrong, 2 the command line is wrong."};
    *command = (struct sm_command){0};
    command->options = (struct sm_options){.compare = SM_COMPARE_MASK | SM_COMPARE_WEIGHT,
                                           .at_epoch = NAN,
                                           .n_nulls = (size_t)DEFAULT_NULLS,
                                           .n_pairs = (size_t)DEFAULT_PAIRS,
                                           .n_starts = 1,
                                           .seed = 1};
    command->statistics = calloc(sm_n_statistics, sizeof *command->statistics);
    command->runs = calloc((size_t)argc, sizeof *command->runs);
    command->command_line = join_words(argc, argv);
    struct parse parse = {.command = command, .wanted = calloc(sm_n_statistics, sizeof *parse.wanted)};
    if (!command->statistics || !command->runs || !command->command_line || !parse.wanted) {
        fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
        exit(1);
    }
    command->options.command_line = command->command_line;
    argp_err_exit_status = 2; /* of an option that argp does not know */
    argp_parse(&argp, argc, argv, 0, NULL, &parse);
    free(parse.wanted);
}

void sm_command_destroy(struct sm_command *command) {
    free((void *)command->statistics);
    free(command->formats);
    free(command->layer);
    free(command->runs);
    free(command->command_line);
    *command = (struct sm_command){0};
}
