/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/commands.h"
#include "train/dry_run.h"
#include "train/job.h"
#include "train/list.h"
#include "train/options.h"
#include "train/output.h"
#include "train/train.h"

#include <supermask/runfile.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- standard streams ---- */

/* A stream that came closed would hand its number to the next file that is opened, and what is printed would go into
 * the run file. */
static void guard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1) continue;
        if (fd == STDOUT_FILENO) {
            fputs("supermask-train: standard output is closed\n", stderr);
            _exit(SM_EXIT_WORLD);
        }
        if (open("/dev/null", O_RDWR) != fd) _exit(SM_EXIT_WORLD);
    }
}

/* Runs at every exit, also from --help: results that did not reach their reader are an error. */
static void check_stdout(void) {
    bool failed = ferror(stdout);
    if (fclose(stdout) == 0 && !failed) return;
    fprintf(stderr, "supermask-train: standard output: %s\n", strerror(errno));
    _exit(SM_EXIT_WORLD);
}

static int report(const struct sm_error *err, int status) {
    fprintf(stderr, "supermask-train: %s\n", err->text);
    return status;
}

/* ---- signals ---- */

/* The signal that asked to stop, 0 before. A handler can reach nothing but a global. */
static volatile sig_atomic_t stop_signal;

static void remember_signal(int number) {
    stop_signal = number;
}

/* SA_RESETHAND: the second one finds the default action and kills at once. A signal that the caller ignores (nohup, a
 * script's background job) stays ignored. */
static void catch_signal(int number) {
    struct sigaction before, action = {.sa_handler = remember_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
    sigaction(number, &action, NULL);
}

/* ---- the run ---- */

/* Share of the weights that the last record keeps or inverts. */
static int last_remaining(const struct sm_run *run, double *remaining, struct sm_error *err) {
    size_t n_kept = 0;
    int status = 0;
    for (size_t l = 0; status == 0 && l < run->net.n_layers; l++) {
        size_t n = sm_layer_weights(&run->net.layers[l]);
        int8_t *mask = malloc(n);
        status = mask ? sm_run_read_mask(run, l, run->n_records - 1, mask, err) : sm_fail(err, "out of memory");
        for (size_t k = 0; status == 0 && k < n; k++) n_kept += mask[k] != 0;
        free(mask);
    }
    *remaining = (double)n_kept / (double)sm_network_weights(&run->net);
    return status;
}

/* One line of key=value, read back from the file: what is printed is what was stored. */
static int print_result(const char *path, struct sm_error *err) {
    struct sm_run run;
    double remaining = NAN;
    if (sm_run_open(&run, path, err)) return -1;
    int status =
        run.n_metrics ? last_remaining(&run, &remaining, err) : sm_fail(err, "%s: the run has no metrics", path);
    if (status == 0) {
        const struct sm_metrics *last = &run.metrics[run.n_metrics - 1];
        double accuracy = run.n_rounds ? run.rounds[run.n_rounds - 1].test_accuracy : last->test_accuracy;
        fputs("path=", stdout);
        sm_job_print_word(stdout, path);
        printf(" test_accuracy=%.4f remaining=%.4f epochs=%g seconds=%.1f\n", accuracy, remaining, last->epoch,
               last->seconds);
    }
    sm_run_destroy(&run);
    return status;
}

/* The command line once more, with --resume. */
static int say_how_to_resume(const struct sm_train_job *job) {
    fprintf(stderr, "supermask-train: stopped; continue with: %s%s\n", job->command_line,
            job->resume ? "" : " --resume");
    return 128 + stop_signal;
}

static int train(const struct sm_recipe *recipe, const struct sm_options *options, const char *path,
                 const char *command_line) {
    struct sm_error err = {0};
    struct sm_train_job job = {.recipe = recipe,
                               .output = path,
                               .data_directory = options->data,
                               .command_line = command_line,
                               .resume = options->resume,
                               .quiet = options->quiet,
                               .stop = &stop_signal};
    if (sm_output_prepare(path, options->output, options->resume, &err)) return report(&err, SM_EXIT_WORLD);
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    switch (sm_train_run(&job, &err)) {
    case SM_TRAIN_FAILED:
        return report(&err, SM_EXIT_WORLD);
    case SM_TRAIN_STOPPED:
        return say_how_to_resume(&job);
    case SM_TRAIN_DONE:
        break;
    }
    return print_result(path, &err) ? report(&err, SM_EXIT_WORLD) : SM_EXIT_DONE;
}

static int train_or_plan(const struct sm_options *options, const char *command_line) {
    struct sm_recipe recipe;
    struct sm_network net;
    struct sm_error err = {0};
    char *path = NULL;
    int status = (int)sm_job_resolve(&recipe, &net, options, &err);
    if (status) {
        report(&err, status);
        goto done;
    }
    path = sm_output_path(options->output, &recipe);
    if (!path) {
        sm_fail(&err, "out of memory");
        status = report(&err, SM_EXIT_WORLD);
    } else if (options->dry_run)
        status = sm_dry_run(stdout, &recipe, &net, path, &err) ? report(&err, SM_EXIT_WORLD) : SM_EXIT_DONE;
    else
        status = train(&recipe, options, path, command_line);
done:
    free(path);
    sm_network_destroy(&net);
    return status;
}

static int train_as_told(int argc, char **argv) {
    struct sm_options options;
    struct sm_error err = {0};
    int status = SM_EXIT_DONE;
    char *command_line = sm_job_command_line(argc, argv); /* as typed: the parser changes the order of argv */
    sm_options_parse(&options, argc, argv);
    if (!command_line) {
        sm_fail(&err, "out of memory");
        status = report(&err, SM_EXIT_WORLD);
    } else if (options.list)
        status = sm_list(stdout, &err) ? report(&err, SM_EXIT_WORLD) : SM_EXIT_DONE;
    else
        status = train_or_plan(&options, command_line);
    free(command_line);
    sm_options_destroy(&options);
    return status;
}

/* ---- commands ---- */

/* What stands in the place of a recipe. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is both words */
} commands[] = {{"evaluate", sm_evaluate}, {"export", sm_export}};

int main(int argc, char **argv) {
    guard_streams();
    atexit(check_stdout);
    for (size_t k = 0; argc > 1 && k < sizeof commands / sizeof *commands; k++) {
        if (strcmp(argv[1], commands[k].name) != 0) continue;
        char both[64];
        snprintf(both, sizeof both, "supermask-train %s", argv[1]);
        argv[1] = both;
        return commands[k].run(argc - 1, argv + 1);
    }
    return train_as_told(argc, argv);
}
