/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/figure_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <supermask/outfile.h>
#include <supermask/share.h>
#include <supermask/text.h>

static int copy_bytes(FILE *to, const char *path, struct sm_error *err) {
    FILE *from = fopen(path, "r");
    if (!from) return sm_fail(err, "%s: %s", path, strerror(errno));
    char buffer[8192];
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, from)) > 0) fwrite(buffer, 1, n, to);
    int failed = ferror(from);
    fclose(from);
    return failed ? sm_fail(err, "%s: cannot be read", path) : 0;
}

int sm_figure_copy_script(const char *directory, const char *name, struct sm_error *err) {
    struct sm_outfile out = {0};
    int status = -1;
    char *relative = sm_format("plots/%s.gp", name), *to = sm_format("%s/plots/%s.gp", directory, name), *from = NULL;
    if (!relative || !to) {
        sm_fail(err, "plots/%s.gp: out of memory", name);
        goto done;
    }
    if (!(from = sm_share_path(relative, err))) goto done;
    if (sm_outfile_open(&out, to, err) != 0) goto done;
    if (copy_bytes(out.file, from, err) != 0) {
        sm_outfile_abandon(&out);
        goto done;
    }
    status = sm_outfile_close(&out, err);
done:
    free(relative);
    free(to);
    free(from);
    return status;
}

/* ---- SVG ---- */

#define FONTS_FROM "font-family=\"DejaVu Sans\""
#define FONTS_TO "font-family=\"DejaVu Sans, Verdana, sans-serif\""
#define IMAGE_FROM "<image "
#define IMAGE_TO "<image style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\" "

static const struct replacement {
    const char *from, *to;
} replacements[] = {{FONTS_FROM, FONTS_TO}, {IMAGE_FROM, IMAGE_TO}};

/* The replacement whose `from` begins here, or NULL. */
static const struct replacement *replacement_at(const char *text) {
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        if (strncmp(text, replacements[i].from, strlen(replacements[i].from)) == 0) return &replacements[i];
    return NULL;
}

static void write_tidy(FILE *to, const char *line) {
    while (*line) {
        const struct replacement *found = replacement_at(line);
        if (found) {
            fputs(found->to, to);
            line += strlen(found->from);
        } else {
            fputc(*line++, to);
        }
    }
}

int sm_figure_tidy_svg(const char *from, const char *to, struct sm_error *err) {
    FILE *file = fopen(from, "r");
    if (!file) return sm_fail(err, "%s: %s", from, strerror(errno));
    struct sm_outfile out;
    int status = sm_outfile_open(&out, to, err);
    char *line = NULL;
    size_t size = 0;
    while (status == 0 && getline(&line, &size, file) > 0) write_tidy(out.file, line);
    bool failed = ferror(file) != 0;
    if (status == 0 && failed) {
        sm_outfile_abandon(&out);
        status = sm_fail(err, "%s: cannot be read", from);
    } else if (status == 0) {
        status = sm_outfile_close(&out, err);
    }
    free(line);
    fclose(file);
    return status;
}

/* ---- redraw.sh ---- */

static const char redraw[] =
    "#!/bin/sh\n"
    "# Draws again every figure that is in figures/, from the tables and the scripts beside this file: edit a script,\n"
    "# then run `sh plots/redraw.sh`, or `sh plots/redraw.sh ratios` for one figure.\n"
    "cd \"$(dirname \"$0\")/..\" || exit 1\n"
    "for figure in figures/*.svg figures/*.pdf figures/*.png; do\n"
    "    [ -e \"$figure\" ] || continue\n"
    "    format=${figure##*.} out=${figure%.*}\n"
    "    name=${out#figures/} number=GROUP=1\n"
    "    case $name in\n"
    "        *-group[0-9]*) number=GROUP=${name##*-group} name=${name%-group*} ;;\n"
    "        *-run[0-9]*) number=RUN=${name##*-run} name=${name%-run*} ;;\n"
    "    esac\n"
    "    [ $# -eq 0 ] || case \" $* \" in *\" $name \"*) ;; *) continue ;; esac\n"
    "    gnuplot -d -e \"FMT='$format'; OUT='$out'; $number\" \"plots/$name.gp\" || exit 1\n"
    "    # Other fonts where the figures' font is missing, sharp pixels.\n"
    "    [ $format != svg ] || sed -i -e 's/" FONTS_FROM "/" FONTS_TO "/g' -e 's/" IMAGE_FROM "/" IMAGE_TO
    "/g' \"$figure\"\n"
    "done\n";

int sm_figure_write_redraw(const char *directory, struct sm_error *err) {
    char *path = sm_format("%s/plots/redraw.sh", directory);
    if (!path) return sm_fail(err, "plots/redraw.sh: out of memory");
    struct sm_outfile out;
    int status = sm_outfile_open(&out, path, err);
    if (status == 0) {
        fputs(redraw, out.file);
        status = sm_outfile_close(&out, err);
    }
    if (status == 0 && chmod(path, 0755) != 0) status = sm_fail(err, "%s: %s", path, strerror(errno));
    free(path);
    return status;
}

bool sm_figure_table_has_rows(const char *directory, const char *name) {
    char *path = sm_format("%s/%s.tsv", directory, name);
    FILE *file = path ? fopen(path, "r") : NULL;
    free(path);
    if (!file) return false;
    char *line = NULL;
    size_t size = 0, lines = 0;
    while (lines < 2 && getline(&line, &size, file) > 0) lines += line[0] != '#';
    free(line);
    fclose(file);
    return lines == 2;
}
