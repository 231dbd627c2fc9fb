/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/figure.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <supermask/outfile.h>
#include <supermask/progress.h>
#include <supermask/text.h>

#include "analyze/figure_files.h"
#include "analyze/sheets.h"

extern char **environ;

enum { N_PROCESSES = 2 };

static const char *const format_names[] = {"svg", "pdf", "png"};
enum { N_FORMATS = sizeof format_names / sizeof *format_names };

/* ---- one gnuplot process ---- */

struct process {
    bool running;
    pid_t pid;
    FILE *log;              /* what gnuplot says */
    char *temporary, *path; /* of the figure */
    const char *name, *format;
};

/* One picture to draw. */
struct picture {
    const struct sm_figure *figure;
    size_t group; /* or run */
    const char *format;
};

struct drawing {
    const struct sm_figure *figures;
    size_t n_figures;
    const char *directory;
    const struct sm_analysis *analysis;
    struct sm_seed_groups groups;
    struct sm_sheets sheets; /* the figures' tables */
    struct picture *pictures;
    size_t n_pictures;
    struct process process[N_PROCESSES];
    size_t n_failed;
    struct sm_error first_failure;
};

static void process_clear(struct process *process) {
    if (process->log) fclose(process->log);
    free(process->temporary);
    free(process->path);
    *process = (struct process){0};
}

/* gnuplot's complaint is a line `"FILE" line N: what`, after an echo of the command and blanks: the last such line, or
 * the last line that is not empty. */
static void read_complaint(FILE *log, char *text, size_t size) {
    char *line = NULL;
    size_t room = 0;
    snprintf(text, size, "it gave no reason");
    rewind(log);
    while (getline(&line, &room, log) > 0) {
        line[strcspn(line, "\n")] = '\0';
        size_t start = strspn(line, " \t^");
        if (line[start]) snprintf(text, size, "%s", line + start);
    }
    free(line);
}

static void fail_picture(struct drawing *drawing, const struct process *process, const char *reason) {
    if (drawing->n_failed++ == 0)
        sm_fail(&drawing->first_failure, "figure %s (%s): gnuplot: %s", process->name, process->format, reason);
}

static bool is_filled(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}

static int move_into_place(const struct process *process, struct sm_error *err) {
    if (strcmp(process->format, "svg") == 0) return sm_figure_tidy_svg(process->temporary, process->path, err);
    if (rename(process->temporary, process->path) == 0) return 0;
    return sm_fail(err, "%s: %s", process->path, strerror(errno));
}

static void process_wait(struct drawing *drawing, struct process *process) {
    int status = 0;
    char complaint[512];
    if (!process->running) return;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
    }
    read_complaint(process->log, complaint, sizeof complaint);
    if (WIFSIGNALED(status)) snprintf(complaint, sizeof complaint, "killed by signal %d", WTERMSIG(status));
    bool drawn = WIFEXITED(status) && WEXITSTATUS(status) == 0 && is_filled(process->temporary);
    struct sm_error err = {.text = ""};
    if (!drawn)
        fail_picture(drawing, process, complaint);
    else if (move_into_place(process, &err) != 0)
        fail_picture(drawing, process, err.text);
    else
        sm_note(drawing->analysis->written, "%s", process->path);
    unlink(process->temporary);
    process_clear(process);
}

static int spawn_in(pid_t *pid, const char *directory, FILE *log, char *const argv[]) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, fileno(log), 1);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, fileno(log), 2);
    if (!error) error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int spawn_gnuplot(struct drawing *drawing, struct process *process, const struct picture *picture,
                         struct sm_error *err) {
    char program[] = "gnuplot", no_startup[] = "-d", execute[] = "-e";
    char *settings = sm_format("FMT='%s'; OUT='figures/.%s-%zu'; %s=%zu", picture->format, picture->figure->name,
                               picture->group + 1, picture->figure->by_run ? "RUN" : "GROUP", picture->group + 1);
    char *script = sm_format("plots/%s.gp", picture->figure->name);
    char *const argv[] = {program, no_startup, execute, settings, script, NULL};
    int error = settings && script ? spawn_in(&process->pid, drawing->directory, process->log, argv) : ENOMEM;
    free(settings);
    free(script);
    if (error == ENOENT)
        return sm_fail(err, "figures: gnuplot is not installed (package gnuplot-nox); --figures none draws none");
    if (error) return sm_fail(err, "figures: gnuplot cannot be started: %s", strerror(error));
    process->running = true;
    return 0;
}

static int process_start(struct drawing *drawing, struct process *process, const struct picture *picture,
                         struct sm_error *err) {
    char *relative = sm_figure_path(picture->figure, picture->group, picture->format);
    process->name = picture->figure->name;
    process->format = picture->format;
    process->temporary = sm_format("%s/figures/.%s-%zu.%s", drawing->directory, picture->figure->name,
                                   picture->group + 1, picture->format);
    process->path = relative ? sm_format("%s/%s", drawing->directory, relative) : NULL;
    free(relative);
    process->log = tmpfile();
    if (!process->temporary || !process->path) return sm_fail(err, "figures: out of memory");
    if (!process->log) return sm_fail(err, "figures: no temporary file: %s", strerror(errno));
    return spawn_gnuplot(drawing, process, picture, err);
}

static int draw_all(struct drawing *drawing, bool quiet, struct sm_error *err) {
    struct sm_progress progress;
    int status = 0;
    sm_progress_start(&progress, "figures", drawing->n_pictures, quiet);
    for (size_t k = 0; status == 0 && k < drawing->n_pictures; k++) {
        struct process *process = &drawing->process[k % N_PROCESSES];
        process_wait(drawing, process);
        status = process_start(drawing, process, &drawing->pictures[k], err);
        if (sm_progress_due(&progress, k + 1)) sm_progress_update(&progress, k + 1, NULL);
    }
    for (size_t k = 0; k < N_PROCESSES; k++) {
        process_wait(drawing, &drawing->process[k]);
        process_clear(&drawing->process[k]);
    }
    sm_progress_end(&progress);
    return status;
}

/* ---- which figures ---- */

char *sm_figure_path(const struct sm_figure *figure, size_t group, const char *format) {
    return group == 0
               ? sm_format("figures/%s.%s", figure->name, format)
               : sm_format("figures/%s-%s%zu.%s", figure->name, figure->by_run ? "run" : "group", group + 1, format);
}

/* Is `name` (of that length) one of the formats? NULL where it is not. */
static const char *find_format(const char *name, size_t length) {
    for (size_t f = 0; f < N_FORMATS; f++)
        if (strlen(format_names[f]) == length && strncmp(format_names[f], name, length) == 0) return format_names[f];
    return NULL;
}

const char *sm_figure_formats_check(const char *formats) {
    if (strcmp(formats, "none") == 0) return NULL;
    for (const char *at = formats;; at++) {
        size_t length = strcspn(at, ",");
        if (!find_format(at, length)) return "figures are svg, pdf or png, with commas between, or none";
        at += length;
        if (!*at) return NULL;
    }
}

static bool was_made(const char *name, const char *const *tables, size_t n_tables) {
    for (size_t t = 0; t < n_tables; t++)
        if (strcmp(tables[t], name) == 0) return true;
    return false;
}

static bool tables_made(const struct sm_figure *figure, const char *const *tables, size_t n_tables) {
    for (size_t t = 0; t < SM_FIGURE_TABLES && figure->tables[t]; t++)
        if (!was_made(figure->tables[t], tables, n_tables)) return false;
    return true;
}

/* Can it be drawn? If not, a note says why. */
static bool can_draw(const struct drawing *drawing, const struct sm_figure_context *context,
                     const struct sm_figure *figure) {
    struct sm_notes *notes = drawing->analysis->notes;
    for (size_t t = 0; t < SM_FIGURE_TABLES && figure->tables[t]; t++)
        if (!sm_figure_table_has_rows(drawing->directory, figure->tables[t])) {
            sm_note(notes, "figure %s: not drawn: the table %s has no rows", figure->name, figure->tables[t]);
            return false;
        }
    for (size_t d = 0; d < SM_FIGURE_DATA && figure->data[d]; d++) {
        const char *reason = figure->data[d]->lacks ? figure->data[d]->lacks(context) : NULL;
        if (reason) sm_note(notes, "figure %s: not drawn: %s", figure->name, reason);
        if (reason) return false;
    }
    return true;
}

/* Has every kind of the figure's data that group (or run)? */
static bool has_data(const struct sm_figure_context *context, const struct sm_figure *figure, size_t number) {
    for (size_t d = 0; d < SM_FIGURE_DATA && figure->data[d]; d++)
        if (figure->data[d]->has_group && !figure->data[d]->has_group(context, number)) return false;
    return true;
}

static bool has_group(const struct drawing *drawing, const struct sm_figure_context *context,
                      const struct sm_figure *figure, size_t group) {
    const struct sm_seed_groups *groups = &drawing->groups;
    size_t most_records = 0;
    for (size_t i = 0; i < drawing->analysis->n_runs; i++)
        if (groups->group[i] == group && drawing->analysis->runs[i].n_records > most_records)
            most_records = drawing->analysis->runs[i].n_records;
    return has_data(context, figure, group) && groups->size[group] >= figure->min_runs &&
           most_records >= figure->min_records;
}

/* The first of the figure's tables in which that group has no row; NULL where it has rows in all. */
static const char *table_without(struct drawing *drawing, const struct sm_figure *figure, size_t group) {
    if (drawing->groups.n_groups == 1) return NULL; /* can_draw saw its rows */
    for (size_t t = 0; t < SM_FIGURE_TABLES && figure->tables[t]; t++)
        if (!sm_sheets_has_group(&drawing->sheets, figure->tables[t], group)) return figure->tables[t];
    return NULL;
}

static void add_pictures(struct drawing *drawing, const struct sm_figure *figure, size_t group, const char *formats) {
    for (size_t f = 0; f < N_FORMATS; f++)
        if (strstr(formats, format_names[f]))
            drawing->pictures[drawing->n_pictures++] = (struct picture){figure, group, format_names[f]};
}

/* Groups that a figure leaves out as they have no row in one of its tables. */
struct left_out {
    size_t n, first;   /* the first such group */
    const char *table; /* in which that one has no row */
};

static void note_left_out(const struct drawing *drawing, const struct sm_figure *figure,
                          const struct left_out *left_out) {
    const char *label = drawing->groups.label[left_out->first];
    if (left_out->n == 1)
        sm_note(drawing->analysis->notes, "figure %s: not drawn for %s: it has no row in the table %s", figure->name,
                label, left_out->table);
    else if (left_out->n > 1)
        sm_note(drawing->analysis->notes,
                "figure %s: not drawn for %zu groups of runs: %s, for example, has no row in the table %s",
                figure->name, left_out->n, label, left_out->table);
}

static void prepare_groups(struct drawing *drawing, const struct sm_figure_context *context,
                           const struct sm_figure *figure, const char *formats) {
    struct left_out left_out = {0};
    size_t before = drawing->n_pictures;
    for (size_t g = 0; g < drawing->groups.n_groups; g++) {
        if (!has_group(drawing, context, figure, g)) continue;
        const char *table = table_without(drawing, figure, g);
        if (!table)
            add_pictures(drawing, figure, g, formats);
        else if (left_out.n++ == 0)
            left_out.first = g, left_out.table = table;
    }
    note_left_out(drawing, figure, &left_out);
    if (drawing->n_pictures == before && left_out.n == 0)
        sm_note(drawing->analysis->notes,
                "figure %s: not drawn: no group of runs that differ in their seeds only has "
                "enough runs (%zu) and records (%zu) for it",
                figure->name, figure->min_runs, figure->min_records);
}

/* A figure's script, its data and its pictures. */
static int prepare_figure(struct drawing *drawing, const struct sm_figure_context *context,
                          const struct sm_figure *figure, const char *formats, struct sm_error *err) {
    if (sm_figure_copy_script(drawing->directory, figure->name, err) != 0) return -1;
    for (size_t d = 0; d < SM_FIGURE_DATA && figure->data[d]; d++)
        if (figure->data[d]->write && figure->data[d]->write(context, err) != 0) return -1;
    if (figure->by_group) prepare_groups(drawing, context, figure, formats);
    for (size_t i = 0; figure->by_run && i < drawing->analysis->n_runs; i++)
        if (has_data(context, figure, i)) add_pictures(drawing, figure, i, formats);
    if (!figure->by_group && !figure->by_run) add_pictures(drawing, figure, 0, formats);
    return 0;
}

/* A picture of an earlier analysis beside the new tables would tell of other runs. Their numbers may have gaps. */
void sm_figure_remove(const char *directory, const struct sm_figure *figure) {
    const size_t widest_gap = 64;
    for (size_t g = 0, n_missed = 0; n_missed < widest_gap; g++) {
        n_missed++;
        for (size_t f = 0; f < N_FORMATS; f++) {
            char *relative = sm_figure_path(figure, g, format_names[f]);
            char *path = relative ? sm_format("%s/%s", directory, relative) : NULL;
            if (path && unlink(path) == 0) n_missed = 0;
            free(relative);
            free(path);
        }
    }
}

static int make_directories(const char *directory, struct sm_error *err) {
    static const char *const names[] = {"figures", "plots", "data"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = sm_format("%s/%s", directory, names[i]);
        int status = path ? sm_directory_make(path, err) : sm_fail(err, "%s: out of memory", directory);
        free(path);
        if (status != 0) return -1;
    }
    return 0;
}

static int copy_shared(const struct drawing *drawing, const struct sm_figure_context *context, struct sm_error *err) {
    static const char *const shared[] = {"style", "lines", "curves"};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (sm_figure_copy_script(drawing->directory, shared[i], err) != 0) return -1;
    if (sm_figure_data_runs.write(context, err) != 0) return -1;
    return sm_figure_write_redraw(drawing->directory, err);
}

static int prepare(struct drawing *drawing, const char *formats, const char *const *tables, size_t n_tables,
                   struct sm_error *err) {
    char *data = sm_format("%s/data", drawing->directory);
    struct sm_figure_context context = {drawing->analysis, &drawing->groups, &drawing->sheets, data};
    int status = data ? make_directories(drawing->directory, err) : sm_fail(err, "figures: out of memory");
    if (status == 0) status = sm_seed_groups_init(&drawing->groups, drawing->analysis, err);
    if (status == 0)
        status = sm_sheets_init(&drawing->sheets, drawing->directory, drawing->analysis, &drawing->groups, err);
    size_t most = drawing->n_figures * N_FORMATS * (drawing->analysis->n_runs + 1);
    drawing->pictures = calloc(most, sizeof *drawing->pictures);
    if (status == 0 && !drawing->pictures) status = sm_fail(err, "figures: out of memory");
    if (status == 0) status = copy_shared(drawing, &context, err);
    for (size_t i = 0; status == 0 && i < drawing->n_figures; i++) {
        const struct sm_figure *figure = &drawing->figures[i];
        if (!tables_made(figure, tables, n_tables)) continue;
        sm_figure_remove(drawing->directory, figure);
        if (can_draw(drawing, &context, figure)) status = prepare_figure(drawing, &context, figure, formats, err);
    }
    if (status == 0) status = sm_sheets_status(&drawing->sheets, err);
    sm_sheets_destroy(&drawing->sheets);
    free(data);
    return status;
}

int sm_figures_draw_of(const struct sm_figure *figures, size_t n_figures, const char *directory, const char *formats,
                       const struct sm_analysis *analysis, const char *const *tables, size_t n_tables, bool quiet,
                       struct sm_error *err) {
    const char *wrong = sm_figure_formats_check(formats);
    if (wrong) return sm_fail(err, "%s: %s", formats, wrong);
    if (strcmp(formats, "none") == 0 || analysis->n_runs == 0) return 0;
    struct drawing drawing = {.figures = figures, .n_figures = n_figures, .directory = directory, .analysis = analysis};
    int status = prepare(&drawing, formats, tables, n_tables, err);
    if (status == 0) status = draw_all(&drawing, quiet, err);
    if (status == 0 && drawing.n_failed > 0) {
        *err = drawing.first_failure;
        status = -1;
    }
    sm_seed_groups_destroy(&drawing.groups);
    free(drawing.pictures);
    return status;
}

int sm_figures_draw(const char *directory, const char *formats, const struct sm_analysis *analysis,
                    const char *const *tables, size_t n_tables, bool quiet, struct sm_error *err) {
    return sm_figures_draw_of(sm_figures, sm_n_figures, directory, formats, analysis, tables, n_tables, quiet, err);
}
