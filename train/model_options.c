/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/model_options.h"
#include "train/spelling.h"

#include <supermask/compact.h>
#include <supermask/text.h>

#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPTION_AT = 256, OPTION_RECORD, OPTION_DATA, OPTION_THREADS, OPTION_TRAIN, OPTION_LOGITS };
enum { MOST_THREADS = 4096 };

#define AT_OPTIONS                                                                                                     \
    {"at", OPTION_AT, "EPOCH", 0, "The last record at or before EPOCH (default: the last record)", 1}, {               \
        "record", OPTION_RECORD, "N", 0, "Record number N, counted from 0, the initial mask", 1                        \
    }

static const struct argp_option evaluate_options[] = {
    AT_OPTIONS,
    {"train", OPTION_TRAIN, NULL, 0, "On the training images instead of the test images", 2},
    {"data", OPTION_DATA, "DIR", 0, "Look for data in DIR (default: $SUPERMASK_DATA, then ./data)", 2},
    {"threads", OPTION_THREADS, "N", 0,
     "Use N threads (default: $OMP_NUM_THREADS, or every CPU); results do not depend on it", 2},
    {"logits", OPTION_LOGITS, "FILE.npy", 0, "Write the logits, float32 [images, classes], for numpy.load", 3},
    {0},
};

static const struct argp_option export_options[] = {
    AT_OPTIONS,
    {"output", 'o', "FILE|DIR", 0, "Write FILE, or the run's name and .smc in DIR (default: .)", 2},
    {0},
};

static const char evaluate_text[] =
    "Prints accuracy and loss of a run at one of its records, or of a compact file, as a table.\vAccuracy on the test "
    "images is what the run file has under metrics/test_accuracy, to the last digit, on the machine that made it (of a "
    "run in rounds under rounds/test_accuracy; of masks that are drawn it is that of the recorded one, where training "
    "took the mean over several). A run that trains weights, in rounds or not, has stored those of its last record "
    "only.";

static const char export_text[] =
    "Writes the network of a run without its hidden weights and dead units to a compact file, and prints its sizes as "
    "a "
    "table.\v`supermask-train evaluate FILE.smc` gives the same logits as the run, to the last bit.";

/* ---- parsing ---- */

/* argp would call the program by two words. */
static void reject(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void reject(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("supermask-train: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(SM_EXIT_USAGE);
}

static void set_epoch(struct sm_model_options *options, const char *word) {
    if (sm_parse_real(word, &options->at) || !isfinite(options->at) || options->at < 0)
        reject("--at: '%s' is not an epoch, a number of at least 0", word);
}

static int64_t whole(const char *option, const char *word, int64_t least, int64_t most) {
    int64_t value;
    if (sm_parse_int(word, &value) || value < least || value > most)
        reject("--%s: '%s' is not a whole number from %lld to %lld", option, word, (long long)least, (long long)most);
    return value;
}

static void set_path(struct sm_model_options *options, const char *word) {
    if (options->path) reject("one run at a time: '%s' is one too many", word);
    options->path = word;
}

static void check_end(const struct sm_model_options *options) {
    if (!options->path) reject("no run file given");
    if (options->by_number && !isnan(options->at)) reject("--at and --record both say which record: give one of them");
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    struct sm_model_options *options = state->input;
    switch (key) {
    case OPTION_AT:
        set_epoch(options, value);
        return 0;
    case OPTION_RECORD:
        options->record = (size_t)whole("record", value, 0, INT64_MAX);
        options->by_number = true;
        return 0;
    case OPTION_DATA:
        options->data = value;
        return 0;
    case OPTION_THREADS:
        options->n_threads = (int)whole("threads", value, 1, MOST_THREADS);
        return 0;
    case OPTION_TRAIN:
        options->train = true;
        return 0;
    case OPTION_LOGITS:
        options->logits = value;
        return 0;
    case 'o':
        options->output = value;
        return 0;
    case ARGP_KEY_ARG:
        set_path(options, value);
        return 0;
    case ARGP_KEY_END:
        check_end(options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void sm_model_options_parse(struct sm_model_options *options, enum sm_model_command command, int argc, char **argv) {
    static const struct argp parsers[] = {
        [SM_COMMAND_EVALUATE] = {evaluate_options, parse_option, "RUN.h5|FILE.smc", evaluate_text, NULL, NULL, NULL},
        [SM_COMMAND_EXPORT] = {export_options, parse_option, "RUN.h5", export_text, NULL, NULL, NULL}};
    *options = (struct sm_model_options){.at = NAN, .n_threads = omp_get_max_threads()};
    argp_err_exit_status = SM_EXIT_USAGE;
    sm_spelling_check(parsers[command].options, argc, argv);
    argp_parse(&parsers[command], argc, argv, 0, NULL, options);
}

/* ---- opening ---- */

static int find_record(const struct sm_run *run, const struct sm_model_options *options, size_t *record,
                       struct sm_error *err) {
    if (!options->by_number) return sm_run_record_at(run, options->at, record, err);
    *record = options->record;
    if (options->record < run->n_records) return 0;
    return sm_fail(err, "%s: has no record %zu: its records are 0 to %zu", run->path, options->record,
                   run->n_records - 1);
}

static enum sm_exit open_run(struct sm_model *model, const struct sm_model_options *options, struct sm_error *err) {
    struct sm_run run;
    size_t record = 0;
    if (sm_run_open(&run, options->path, err)) return SM_EXIT_WORLD;
    int status = find_record(&run, options, &record, err);
    if (status == 0) status = sm_model_read_run(model, &run, record, err);
    sm_run_destroy(&run);
    return status ? SM_EXIT_WORLD : SM_EXIT_DONE;
}

enum sm_exit sm_model_open(struct sm_model *model, const struct sm_model_options *options, struct sm_error *err) {
    *model = (struct sm_model){0};
    if (!sm_compact_is(options->path)) return open_run(model, options, err);
    if (options->by_number || !isnan(options->at)) {
        sm_fail(err, "%s: a compact file holds one record: --at and --record are for runs", options->path);
        return SM_EXIT_USAGE;
    }
    return sm_compact_read(model, options->path, err) ? SM_EXIT_WORLD : SM_EXIT_DONE;
}
