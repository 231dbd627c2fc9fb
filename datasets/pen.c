/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pen.c - a round, soft pen that follows splines and leaves anti-aliased ink. */
#include "datasets/digits.h"

#include <math.h>

SM_NO_FUSED_PRODUCTS

enum { PIECES = 8 }; /* straight pieces between two points of a stroke */

/* A straight piece of a stroke whose radius changes evenly from begin to end. */
struct piece {
    struct sm_point from, to;
    double from_radius, to_radius;
};

/* Catmull-Rom spline (Catmull & Rom 1974): passes b at t = 0 and c at t = 1, with tangents (c - a)/2 and (d - b)/2. */
static double spline(double a, double b, double c, double d, double t) {
    return 0.5 * (2 * b + t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a))));
}

static double clamp01(double v) {
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Ink of the piece at (x, y): full inside, falling smoothly to none over the softness. */
static double ink_at(const struct piece *piece, double softness, double x, double y) {
    double dx = piece->to.x - piece->from.x, dy = piece->to.y - piece->from.y;
    double px = x - piece->from.x, py = y - piece->from.y;
    double length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? clamp01((px * dx + py * dy) / length2) : 0;
    double ox = px - t * dx, oy = py - t * dy;
    double radius = piece->from_radius + t * (piece->to_radius - piece->from_radius);
    double v = clamp01((radius - sqrt(ox * ox + oy * oy)) / softness + 0.5);
    return v * v * (3 - 2 * v);
}

/* First and last pixel that can lie within `reach` of the span a..b, cut to the image. */
static void pixel_range(double a, double b, double reach, int *first, int *last) {
    double low = fmin(a, b) - reach, high = fmax(a, b) + reach;
    *first = low < 0 ? 0 : (int)low;
    *last = high > SM_DIGITS_SIDE - 1 ? SM_DIGITS_SIDE - 1 : (int)high;
}

static void draw_piece(double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], const struct piece *piece, double softness) {
    double reach = fmax(piece->from_radius, piece->to_radius) + 0.5 * softness;
    int x0, x1, y0, y1;
    pixel_range(piece->from.x, piece->to.x, reach, &x0, &x1);
    pixel_range(piece->from.y, piece->to.y, reach, &y0, &y1);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++)
            if (ink[y][x] < 1) {
                double fresh = ink_at(piece, softness, x, y);
                if (fresh > ink[y][x]) ink[y][x] = fresh;
            }
}

/* The spline between the points i and i + 1. A neighbour beyond a corner or an end does not bend the curve. */
static void draw_span(double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], const struct sm_glyph *glyph,
                      const struct sm_point *at, size_t i, const struct sm_pen *pen, double from_radius,
                      double to_radius) {
    int bends_before = glyph->points[i].move == SM_PEN_GO;
    int bends_after =
        glyph->points[i + 1].move == SM_PEN_GO && i + 2 < glyph->n_points && glyph->points[i + 2].move != SM_PEN_DOWN;
    struct sm_point b = at[i], c = at[i + 1];
    struct sm_point a = bends_before ? at[i - 1] : b, d = bends_after ? at[i + 2] : c;
    struct piece piece = {.to = b, .to_radius = from_radius};
    for (int k = 1; k <= PIECES; k++) {
        double t = (double)k / PIECES;
        piece.from = piece.to;
        piece.from_radius = piece.to_radius;
        piece.to = (struct sm_point){spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t)};
        piece.to_radius = from_radius + t * (to_radius - from_radius);
        draw_piece(ink, &piece, pen->softness);
    }
}

/* Points from `first` up to the next one where the pen is set down, or the end. */
static size_t stroke_length(const struct sm_glyph *glyph, size_t first) {
    size_t n = 1;
    while (first + n < glyph->n_points && glyph->points[first + n].move != SM_PEN_DOWN) n++;
    return n;
}

static double radius_at(const struct sm_pen *pen, size_t i, size_t n_spans) {
    return pen->radius * (1 + pen->pressure * ((double)i / (double)n_spans - 0.5));
}

void sm_pen_draw(double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], const struct sm_glyph *glyph, const struct sm_point *at,
                 const struct sm_pen *pen) {
    for (size_t first = 0, n; first < glyph->n_points; first += n) {
        n = stroke_length(glyph, first);
        for (size_t i = 0; i + 1 < n; i++)
            draw_span(ink, glyph, at, first + i, pen, radius_at(pen, i, n - 1), radius_at(pen, i + 1, n - 1));
    }
}
