/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strokes.c - how people write the ten digits: a few strokes each, with the usual variants. */
#include "datasets/digits.h"

#include <assert.h>

#define DOWN SM_PEN_DOWN
#define GO SM_PEN_GO
#define TURN SM_PEN_CORNER

typedef const struct sm_stroke_point stroke_points;

/* clang-format off */
static stroke_points zero_oval[] = {
    {DOWN, .56, .03}, {GO, .36, .10}, {GO, .25, .36}, {GO, .26, .68}, {GO, .41, .95}, {GO, .61, .93}, {GO, .75, .66},
    {GO, .75, .33}, {GO, .66, .10}, {GO, .53, .03}};
static stroke_points zero_narrow[] = {
    {DOWN, .54, .01}, {GO, .40, .10}, {GO, .33, .38}, {GO, .34, .70}, {GO, .45, .97}, {GO, .59, .95}, {GO, .67, .66},
    {GO, .67, .32}, {GO, .60, .07}, {GO, .50, .02}};
static stroke_points zero_tail[] = {
    {DOWN, .64, .15}, {GO, .44, .03}, {GO, .26, .25}, {GO, .23, .62}, {GO, .41, .95}, {GO, .66, .89}, {GO, .78, .56},
    {GO, .72, .19}, {GO, .55, .04}, {GO, .41, .10}};

static stroke_points one_stick[] = {{DOWN, .51, .0}, {GO, .50, .5}, {GO, .49, 1.}};
static stroke_points one_flag[] = {{DOWN, .35, .23}, {GO, .46, .13}, {TURN, .54, .02}, {GO, .53, .5}, {GO, .52, 1.}};
static stroke_points one_foot[] = {
    {DOWN, .35, .22}, {GO, .45, .13}, {TURN, .53, .02}, {GO, .52, .5}, {GO, .51, .98}, {DOWN, .30, .99}, {GO, .74, .98}};

static stroke_points two_plain[] = {
    {DOWN, .24, .25}, {GO, .34, .08}, {GO, .54, .02}, {GO, .71, .14}, {GO, .70, .35}, {GO, .52, .62}, {TURN, .23, .95},
    {GO, .50, .94}, {GO, .80, .94}};
static stroke_points two_loop[] = {
    {DOWN, .24, .23}, {GO, .37, .07}, {GO, .57, .02}, {GO, .72, .17}, {GO, .66, .43}, {GO, .48, .70}, {GO, .31, .92},
    {GO, .20, .90}, {GO, .26, .77}, {GO, .44, .82}, {GO, .62, .95}, {GO, .84, .89}};
static stroke_points two_swan[] = {
    {DOWN, .26, .19}, {GO, .44, .03}, {GO, .66, .08}, {GO, .70, .28}, {GO, .55, .57}, {TURN, .22, .97}, {GO, .40, .89},
    {GO, .60, .96}, {GO, .80, .91}};

static stroke_points three_round[] = {
    {DOWN, .26, .13}, {GO, .46, .02}, {GO, .68, .10}, {GO, .67, .32}, {TURN, .42, .47}, {GO, .68, .56}, {GO, .76, .75},
    {GO, .60, .96}, {GO, .37, .98}, {GO, .21, .87}};
static stroke_points three_flat[] = {
    {DOWN, .24, .05}, {GO, .50, .05}, {TURN, .74, .04}, {TURN, .45, .42}, {GO, .70, .51}, {GO, .77, .73}, {GO, .60, .95},
    {GO, .37, .98}, {GO, .22, .89}};
static stroke_points three_loop[] = {
    {DOWN, .26, .13}, {GO, .48, .02}, {GO, .69, .13}, {GO, .62, .35}, {GO, .44, .49}, {GO, .38, .44}, {GO, .54, .46},
    {GO, .73, .60}, {GO, .74, .82}, {GO, .54, .98}, {GO, .25, .92}};

static stroke_points four_open[] = {
    {DOWN, .33, .04}, {GO, .27, .30}, {TURN, .22, .55}, {GO, .50, .56}, {GO, .82, .52}, {DOWN, .68, .10}, {GO, .65, .5},
    {GO, .62, 1.}};
static stroke_points four_closed[] = {
    {DOWN, .62, .01}, {GO, .42, .31}, {TURN, .19, .64}, {GO, .50, .65}, {GO, .84, .63}, {DOWN, .63, .0}, {GO, .62, .5},
    {GO, .61, 1.}};
static stroke_points four_cup[] = {
    {DOWN, .30, .05}, {GO, .24, .34}, {GO, .36, .54}, {GO, .57, .47}, {TURN, .71, .06}, {GO, .67, .5}, {GO, .63, 1.}};

static stroke_points five_bar[] = {
    {DOWN, .35, .06}, {TURN, .30, .42}, {GO, .53, .37}, {GO, .74, .54}, {GO, .72, .81}, {GO, .50, .97}, {GO, .24, .90},
    {DOWN, .34, .06}, {GO, .56, .05}, {GO, .80, .03}};
static stroke_points five_single[] = {
    {DOWN, .79, .04}, {GO, .58, .05}, {TURN, .36, .06}, {TURN, .31, .43}, {GO, .54, .38}, {GO, .74, .56}, {GO, .70, .83},
    {GO, .47, .98}, {GO, .22, .89}};
static stroke_points five_swing[] = {
    {DOWN, .79, .03}, {GO, .56, .06}, {GO, .38, .17}, {GO, .36, .37}, {GO, .56, .49}, {GO, .69, .70}, {GO, .55, .94},
    {GO, .23, .94}};

static stroke_points six_bow[] = {
    {DOWN, .66, .02}, {GO, .42, .21}, {GO, .27, .52}, {GO, .29, .82}, {GO, .48, .98}, {GO, .70, .87}, {GO, .70, .65},
    {GO, .50, .55}, {GO, .31, .70}};
static stroke_points six_stem[] = {
    {DOWN, .50, .0}, {GO, .34, .35}, {GO, .27, .70}, {GO, .37, .94}, {GO, .57, .97}, {GO, .71, .80}, {GO, .61, .62},
    {GO, .42, .65}, {GO, .29, .81}};
static stroke_points six_curl[] = {
    {DOWN, .73, .10}, {GO, .55, .03}, {GO, .35, .20}, {GO, .25, .55}, {GO, .32, .87}, {GO, .54, .98}, {GO, .74, .82},
    {GO, .68, .57}, {GO, .46, .52}, {GO, .28, .68}};

static stroke_points seven_plain[] = {
    {DOWN, .22, .08}, {GO, .50, .07}, {TURN, .77, .04}, {GO, .58, .48}, {GO, .43, 1.}};
static stroke_points seven_crossed[] = {
    {DOWN, .22, .08}, {GO, .50, .07}, {TURN, .77, .04}, {GO, .58, .48}, {GO, .45, 1.}, {DOWN, .33, .51}, {GO, .76, .47}};
static stroke_points seven_hook[] = {
    {DOWN, .22, .23}, {TURN, .24, .07}, {GO, .50, .09}, {TURN, .77, .05}, {GO, .60, .45}, {GO, .50, 1.}};
static stroke_points seven_round[] = {
    {DOWN, .21, .13}, {GO, .42, .05}, {GO, .64, .06}, {GO, .74, .17}, {GO, .64, .45}, {GO, .52, .72}, {GO, .45, 1.}};

static stroke_points eight_single[] = {
    {DOWN, .69, .17}, {GO, .51, .02}, {GO, .31, .14}, {GO, .38, .36}, {GO, .61, .55}, {GO, .73, .77}, {GO, .52, .98},
    {GO, .28, .80}, {GO, .40, .56}, {GO, .62, .37}, {GO, .70, .18}, {GO, .60, .06}};
static stroke_points eight_rings[] = {
    {DOWN, .50, .46}, {GO, .33, .24}, {GO, .50, .03}, {GO, .67, .24}, {GO, .51, .46}, {DOWN, .50, .46}, {GO, .27, .71},
    {GO, .50, .98}, {GO, .74, .71}, {GO, .51, .47}};
static stroke_points eight_open[] = {
    {DOWN, .72, .10}, {GO, .50, .04}, {GO, .33, .18}, {GO, .43, .40}, {GO, .64, .60}, {GO, .69, .82}, {GO, .48, .98},
    {GO, .29, .81}, {GO, .42, .57}, {GO, .62, .37}, {GO, .77, .08}};

static stroke_points nine_stem[] = {
    {DOWN, .71, .15}, {GO, .51, .03}, {GO, .29, .20}, {GO, .34, .44}, {GO, .56, .43}, {TURN, .72, .15}, {GO, .69, .55},
    {GO, .64, 1.}};
static stroke_points nine_hook[] = {
    {DOWN, .71, .15}, {GO, .50, .03}, {GO, .29, .20}, {GO, .35, .46}, {GO, .57, .43}, {TURN, .72, .14}, {GO, .72, .60},
    {GO, .63, .91}, {GO, .42, .98}, {GO, .26, .88}};
static stroke_points nine_round[] = {
    {DOWN, .69, .33}, {GO, .50, .50}, {GO, .30, .36}, {GO, .38, .09}, {GO, .60, .04}, {GO, .72, .26}, {GO, .66, .62},
    {GO, .49, 1.}};
/* clang-format on */

#define GLYPH(points, percent)                                                                                         \
    { points, sizeof(points) / sizeof(points)[0], percent }

static const struct sm_digit digits[SM_DIGITS_CLASSES] = {
    {3, {GLYPH(zero_oval, 50), GLYPH(zero_narrow, 25), GLYPH(zero_tail, 25)}},
    {3, {GLYPH(one_stick, 60), GLYPH(one_flag, 28), GLYPH(one_foot, 12)}},
    {3, {GLYPH(two_plain, 40), GLYPH(two_loop, 35), GLYPH(two_swan, 25)}},
    {3, {GLYPH(three_round, 55), GLYPH(three_flat, 20), GLYPH(three_loop, 25)}},
    {3, {GLYPH(four_open, 50), GLYPH(four_closed, 25), GLYPH(four_cup, 25)}},
    {3, {GLYPH(five_bar, 40), GLYPH(five_single, 35), GLYPH(five_swing, 25)}},
    {3, {GLYPH(six_bow, 45), GLYPH(six_stem, 35), GLYPH(six_curl, 20)}},
    {4, {GLYPH(seven_plain, 35), GLYPH(seven_crossed, 20), GLYPH(seven_hook, 20), GLYPH(seven_round, 25)}},
    {3, {GLYPH(eight_single, 50), GLYPH(eight_rings, 20), GLYPH(eight_open, 30)}},
    {3, {GLYPH(nine_stem, 40), GLYPH(nine_hook, 25), GLYPH(nine_round, 35)}},
};

const struct sm_digit *sm_digit_glyphs(unsigned digit) {
    assert(digit < SM_DIGITS_CLASSES);
    return &digits[digit];
}
