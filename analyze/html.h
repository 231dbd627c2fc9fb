/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html.h - pieces of a page that needs nothing but itself. Write errors stay in the stream. */
#ifndef SUPERMASK_ANALYZE_HTML_H
#define SUPERMASK_ANALYZE_HTML_H

#include <stddef.h>
#include <stdio.h>
#include <supermask/error.h>

/* Text with & < > " ' escaped; bytes that are no printable character of UTF-8's ASCII part stay as they are, control
 * characters become blanks. */
void sm_html_text(FILE *file, const char *text);
/* sm_html_text of a printf. */
void sm_html_print(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A file's path as the value of href: every byte outside A-Z a-z 0-9 - _ . ~ / as %XX. */
void sm_html_link(FILE *file, const char *path);

void sm_html_head(FILE *file, const char *title);
/* The same with more style rules behind those of all pages. */
void sm_html_head_styled(FILE *file, const char *title, const char *more_style);
void sm_html_foot(FILE *file);

/* An <img> in a <div class="picture">, whose source is the picture itself, an SVG or a PNG of plots/style.gp, somewhat
 * wider than in print. Fails where the picture cannot be read. */
int sm_html_picture(FILE *file, const char *path, const char *alt, struct sm_error *err);
/* Width of a picture in CSS pixels (1/96 inch) as it prints, 0 where it cannot be told. */
double sm_html_picture_width(const char *path);

#endif
