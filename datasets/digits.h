/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digits.h - the built-in data set `digits`: how a digit is written (strokes.c), the pen (pen.c), the samples
 * (digits.c).
 *
 * Every byte is the same on every machine: the drawing uses + - * / and sqrt alone, which IEEE 754 rounds exactly, and
 * no function of libm, whose last bit differs between versions. */
#ifndef SUPERMASK_DATASETS_DIGITS_H
#define SUPERMASK_DATASETS_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* A fused multiply-add would round once where the other machine rounds twice (gcc -std=c11 does not fuse). */
#ifdef __clang__
#    define SM_NO_FUSED_PRODUCTS _Pragma("STDC FP_CONTRACT OFF")
#else
#    define SM_NO_FUSED_PRODUCTS
#endif

enum { SM_DIGITS_SIDE = 28, SM_DIGITS_CLASSES = 10, SM_DIGITS_TRAIN = 10000, SM_DIGITS_TEST = 2000 };

/* Where a stroke's curve goes on smoothly, turns, or where the pen is set down anew. */
enum sm_pen_move { SM_PEN_GO, SM_PEN_CORNER, SM_PEN_DOWN };

/* x to the right, y downwards, both in units of the digit's height; a digit fills about [.2, .8] x [0, 1]. */
struct sm_stroke_point {
    enum sm_pen_move move;
    double x, y;
};

/* One way to write a digit; the first point is always SM_PEN_DOWN. */
struct sm_glyph {
    const struct sm_stroke_point *points;
    size_t n_points;
    unsigned percent; /* of the people who write this digit so; a digit's glyphs add up to 100 */
};

enum { SM_GLYPH_MAX_POINTS = 16, SM_DIGIT_MAX_GLYPHS = 4 };

struct sm_digit {
    size_t n_glyphs;
    struct sm_glyph glyphs[SM_DIGIT_MAX_GLYPHS];
};

/* digit in 0..9; static storage. */
const struct sm_digit *sm_digit_glyphs(unsigned digit);

struct sm_point {
    double x, y; /* pixels; the centre of pixel (0, 0) is at (0, 0) */
};

struct sm_pen {
    double radius;   /* of the stroke, pixels */
    double softness; /* width of the edge from full ink to none, pixels, > 0 */
    double pressure; /* the radius grows by this share from a stroke's begin to its end, in (-1, 1) */
};

/* Draws the glyph, its points already moved to `at` [glyph->n_points], onto ink [side, side] in [0, 1]; the darker of
 * old and new ink stays. Strokes are Catmull-Rom splines through the points. */
void sm_pen_draw(double ink[SM_DIGITS_SIDE][SM_DIGITS_SIDE], const struct sm_glyph *glyph, const struct sm_point *at,
                 const struct sm_pen *pen);

#endif
