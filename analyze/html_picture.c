/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html_picture.c - pictures that travel inside the page. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/html.h"

static const double PNG_DPI = 200; /* plots/style.gp */
static const double ZOOM = 1.4;    /* on a screen, print size is small */

static unsigned char *read_bytes(const char *path, size_t *n, struct sm_error *err) {
    unsigned char *bytes = NULL;
    FILE *file = fopen(path, "r");
    if (!file) {
        sm_fail(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (length > 0) bytes = malloc((size_t)length + 1);
    rewind(file);
    if (!bytes || fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        sm_fail(err, "%s: cannot be read", path);
        free(bytes);
        bytes = NULL;
    } else {
        bytes[length] = '\0';
        *n = (size_t)length;
    }
    fclose(file);
    return bytes;
}

/* RFC 4648: groups of three bytes are written as they fill. */
struct base64 {
    FILE *file;
    unsigned char group[3];
    size_t n;
};

static void base64_flush(struct base64 *out) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (out->n == 0) return;
    for (size_t i = out->n; i < 3; i++) out->group[i] = 0;
    unsigned bits = (unsigned)out->group[0] << 16 | (unsigned)out->group[1] << 8 | out->group[2];
    for (size_t i = 0; i < 4; i++) fputc(i <= out->n ? digit[bits >> (18 - 6 * i) & 63] : '=', out->file);
    out->n = 0;
}

static void base64_put(struct base64 *out, const void *data, size_t n) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) {
        out->group[out->n++] = bytes[i];
        if (out->n == 3) base64_flush(out);
    }
}

static bool is_svg(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".svg") == 0;
}

static double svg_width(const char *text) {
    const char *width = strstr(text, "width=\"");
    return width ? strtod(width + 7, NULL) : 0;
}

/* Bytes 16..19 of a PNG: the width, big-endian. */
static double png_width(const unsigned char *bytes, size_t n) {
    if (n < 24) return 0;
    unsigned width = (unsigned)bytes[16] << 24 | (unsigned)bytes[17] << 16 | (unsigned)bytes[18] << 8 | bytes[19];
    return width * 96 / PNG_DPI;
}

double sm_html_picture_width(const char *path) {
    struct sm_error ignored = {{0}};
    size_t n = 0;
    unsigned char *bytes = read_bytes(path, &n, &ignored);
    if (!bytes) return 0;
    double width = is_svg(path) ? svg_width((const char *)bytes) : png_width(bytes, n);
    free(bytes);
    return width;
}

int sm_html_picture(FILE *file, const char *path, const char *alt, struct sm_error *err) {
    size_t n = 0;
    unsigned char *bytes = read_bytes(path, &n, err);
    if (!bytes) return -1;
    bool svg = is_svg(path);
    double width = svg ? svg_width((const char *)bytes) : png_width(bytes, n);
    fputs("<div class=\"picture\"><img alt=\"", file);
    sm_html_text(file, alt);
    fputs("\"", file);
    if (width > 0) fprintf(file, " style=\"width:%.0fpx\"", ZOOM * width);
    fprintf(file, " src=\"data:image/%s;base64,", svg ? "svg+xml" : "png");
    struct base64 out = {.file = file};
    base64_put(&out, bytes, n);
    base64_flush(&out);
    fputs("\"></div>\n", file);
    free(bytes);
    return 0;
}
