/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supermask-analyze: tables and figures from run files. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/analyze.h"
#include "analyze/figure.h"
#include "analyze/options.h"
#include "analyze/passport.h"
#include "analyze/report.h"

/* argp reads this by its name. */
const char *argp_program_version = "supermask-analyze " SM_VERSION;

static int width_of_names(void) {
    int width = 0;
    for (size_t i = 0; i < sm_n_statistics; i++) width = snprintf(NULL, 0, "%-*s", width, sm_statistics[i]->name);
    for (size_t i = 0; i < sm_n_figures; i++) width = snprintf(NULL, 0, "%-*s", width, sm_figure_name(i));
    return width;
}

static void print_list(void) {
    int width = width_of_names();
    for (size_t i = 0; i < sm_n_statistics; i++)
        printf("table   %-*s  %s\n", width, sm_statistics[i]->name, sm_statistics[i]->help);
    for (size_t i = 0; i < sm_n_figures; i++) printf("figure  %-*s  %s\n", width, sm_figure_name(i), sm_figure_help(i));
}

static int draw_figures(const struct sm_command *command, const struct sm_analysis *analysis, struct sm_error *err) {
    const char **names = calloc(command->n_statistics, sizeof *names);
    if (!names) return sm_fail(err, "figures: out of memory");
    for (size_t i = 0; i < command->n_statistics; i++) names[i] = command->statistics[i]->name;
    int status = sm_figures_draw(command->options.directory, command->formats, analysis, names, command->n_statistics,
                                 command->options.quiet, err);
    free(names);
    return status;
}

static int analyze(const struct sm_command *command, struct sm_session *session, struct sm_error *err) {
    if (sm_session_open(session, &command->options, command->runs, command->n_runs, err) != 0) return -1;
    if (command->action == SM_ACTION_PASSPORT)
        return sm_passport_make(&session->analysis, command->layer, command->unit, command->formats, err);
    if (sm_session_run(session, command->statistics, command->n_statistics, err) != 0) return -1;
    return command->action == SM_ACTION_REPORT ? sm_report_write(&session->analysis, command->formats, err)
                                               : draw_figures(command, &session->analysis, err);
}

static void print_lines(FILE *file, const char *prefix, const struct sm_notes *lines) {
    for (size_t i = 0; i < lines->n; i++) fprintf(file, "%s%s\n", prefix, lines->text[i]);
}

/* What was written is told even where a later file failed. */
static int run_command(const struct sm_command *command) {
    struct sm_session session = {0};
    struct sm_error err = {.text = ""};
    if (command->n_threads > 0) omp_set_num_threads(command->n_threads);
    int status = analyze(command, &session, &err);
    print_lines(stdout, "", &session.written);
    print_lines(stderr, "note: ", &session.notes);
    sm_session_destroy(&session);
    if (status != 0) fprintf(stderr, "supermask-analyze: %s\n", err.text);
    return status != 0;
}

int main(int argc, char **argv) {
    struct sm_command command;
    sm_command_parse(&command, argc, argv);
    int status = 0;
    if (command.action == SM_ACTION_LIST)
        print_list();
    else
        status = run_command(&command);
    sm_command_destroy(&command);
    if (fclose(stdout) == 0) return status;
    perror("supermask-analyze: standard output");
    return 1;
}
