# SPDX-License-Identifier: GPL-3.0-or-later
# style.gp - one look for every figure; each figure's script loads it. Needs gnuplot 5.4 with the cairo terminals.
#
# Scripts run in the directory that holds the tables (OUT of supermask-analyze):
#     gnuplot plots/NAME.gp                                 figures/NAME.svg
#     gnuplot -e "FMT='pdf'" plots/NAME.gp                  svg, pdf or png (200 dpi)
#     gnuplot -e "OUT='elsewhere'" plots/NAME.gp            elsewhere.svg
#     gnuplot -e "GROUP=2" plots/NAME.gp                    another group of runs (data/runs.tsv)
# Sizes are centimetres in print (8.5: one column, 17: the page), the type is 8 and 7 points.

if (!exists("FMT")) FMT = "svg"
if (!exists("FIGURE")) FIGURE = "figure"
if (!exists("OUT")) OUT = "figures/".FIGURE
FONT = "DejaVu Sans"
DPI = 200.0

# Names of runs and layers hold underscores: no markup in texts.
png_terminal(w, h) = sprintf("set terminal pngcairo noenhanced size %d,%d font '%s,8' fontscale %g linewidth %g \
pointscale %g rounded background 'white'", int(w*DPI/2.54), int(h*DPI/2.54), FONT, DPI/96, DPI/96, DPI/96*0.6)
pdf_terminal(w, h) = sprintf("set terminal pdfcairo noenhanced color size %g cm,%g cm font '%s,8' fontscale 0.75 \
linewidth 1.5 pointscale 0.45 rounded background 'white'", w, h, FONT)
svg_terminal(w, h) = sprintf("set terminal svg noenhanced size %d,%d font '%s,8' fontscale 1.3333 linewidth 1.0 \
rounded background 'white'", int(w*96/2.54), int(h*96/2.54), FONT)
# `eval page(W, H)` opens OUT.FMT with W x H cm.
page(w, h) = (FMT eq "png" ? png_terminal(w, h) : FMT eq "pdf" ? pdf_terminal(w, h) : svg_terminal(w, h)) \
    ."; set output '".quoted(OUT.".".FMT)."'"
# A single quote is doubled inside a single-quoted string.
quoted(s) = strlen(s) == 0 ? "" : (s[1:1] eq "'" ? "''" : s[1:1]).quoted(s[2:strlen(s)])

set encoding utf8
set datafile separator tab
set datafile missing "nan"

# Okabe-Ito: told apart by every kind of colour vision.
BLUE = 0x0072B2; VERMILION = 0xD55E00; GREEN = 0x009E73; PURPLE = 0xCC79A7; ORANGE = 0xE69F00; SKY = 0x56B4E9
GREY = 0x777777; DARK = 0x333333; LIGHT = 0xE4E4E4
KEEP = BLUE; INVERT = VERMILION; HIDE = 0xE4E4E4
set linetype 1 lc rgb BLUE lw 1.5 pt 7
set linetype 2 lc rgb VERMILION lw 1.5 pt 5
set linetype 3 lc rgb GREEN lw 1.5 pt 9
set linetype 4 lc rgb PURPLE lw 1.5 pt 13
set linetype 5 lc rgb ORANGE lw 1.5 pt 11
set linetype 6 lc rgb SKY lw 1.5 pt 15
set linetype 7 lc rgb 0x000000 lw 1.5 pt 6
set linetype cycle 7
VIRIDIS = "0 '#440154', 0.125 '#472C7A', 0.25 '#3B518B', 0.375 '#2C718E', 0.5 '#21908D', 0.625 '#27AD81', \
0.75 '#5CC863', 0.875 '#AADC32', 1 '#FDE725'"
DIVERGE = "-1 '#8C2D04', -0.6 '#D55E00', -0.25 '#F5B58A', 0 '#F7F7F7', 0.25 '#92C5DE', 0.6 '#0072B2', 1 '#053061'"

set border 3 lc rgb DARK lw 0.7
set tics nomirror out scale 0.5 font ",7" textcolor rgb DARK
set key noautotitle noopaque samplen 1.6 spacing 1.05 font ",7" textcolor rgb DARK
set grid ytics lc rgb 0xE6E6E6 lw 0.6 lt 1
set title font ",8" offset 0,-0.6
set style fill solid 1.0 noborder

# Lists of layers and runs, in the order of a table: `stats TABLE using (add_layer(strcol("layer"))) nooutput`.
# `all` (the whole network) is no layer.
array LAYER[1024]; NL = 0; L_LAST = 0
array RUNS[4096]; NR = 0; R_LAST = 0
find_layer(s) = (L_LAST && LAYER[L_LAST] eq s) ? L_LAST : \
    (L_LAST = 0, (NL ? (sum [_k = 1:NL] (LAYER[_k] eq s ? (L_LAST = _k) : 0)) : 0), L_LAST)
find_run(s) = (R_LAST && RUNS[R_LAST] eq s) ? R_LAST : \
    (R_LAST = 0, (NR ? (sum [_k = 1:NR] (RUNS[_k] eq s ? (R_LAST = _k) : 0)) : 0), R_LAST)
add_layer(s) = s eq "all" ? 0 : find_layer(s) ? 0 : (NL = NL + 1, LAYER[NL] = s, L_LAST = NL, 0)
add_run(s) = find_run(s) ? 0 : (NR = NR + 1, RUNS[NR] = s, R_LAST = NR, 0)

# Runs of group GROUP (data/runs.tsv, where the analyzer wrote one): a figure averages no others. Methods in rounds (all
# runs of a group have one method) are drawn over the rounds: several rounds may share a step and an epoch.
if (!exists("GROUP")) GROUP = 1
array USED_RUN[4096]; N_USED = 0; U_LAST = 0; GROUP_LABEL = ""; IN_ROUNDS = 0
HAS_GROUPS = system("test -f data/runs.tsv && echo yes") eq "yes"
if (HAS_GROUPS) {
    set datafile columnheaders
    stats "data/runs.tsv" using (column("group") == GROUP ? (N_USED = N_USED + 1, USED_RUN[N_USED] = strcol("run"), \
        GROUP_LABEL = strcol("label"), IN_ROUNDS = int(column("in_rounds")), 0) : 0) nooutput
    unset datafile columnheaders
}
is_used(s) = (U_LAST && USED_RUN[U_LAST] eq s) ? 1 : \
    (U_LAST = 0, (N_USED ? (sum [_k = 1:N_USED] (USED_RUN[_k] eq s ? (U_LAST = _k) : 0)) : 0), U_LAST > 0)
used(s) = HAS_GROUPS ? is_used(s) : 1

# Panels of a page: `n` small multiples in at most `most` columns. More than MOST_PANELS layers are thinned evenly,
# first and last kept; panel(i) is the layer of panel i.
MOST_PANELS = 20
n_panels(n) = n > MOST_PANELS ? MOST_PANELS : n
panel(i) = NL <= MOST_PANELS ? i : 1 + int((i - 1)*(NL - 1.0)/(MOST_PANELS - 1) + 0.5)
columns(n, most) = n <= most ? n : int(ceil(1.0*n/int(ceil(1.0*n/most))))
rows(n, most) = int(ceil(1.0*n/columns(n, most)))
thinned(n) = n > MOST_PANELS ? sprintf(" · %d of %d layers", MOST_PANELS, n) : ""
runs_text(n) = n == 1 ? RUNS[1] : (GROUP_LABEL eq "" ? "" : GROUP_LABEL." · ").sprintf("%d runs", n)

# Colour of layer i of n along the depth of the network: Okabe-Ito for up to seven, viridis beyond.
array OKABE[7] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, 0x000000]
array STOPS[9] = [0x440154, 0x472C7A, 0x3B518B, 0x2C718E, 0x21908D, 0x27AD81, 0x5CC863, 0xAADC32, 0xFDE725]
channel(c, shift) = (c/2**shift) % 256
mix(a, b, f, shift) = int(channel(a, shift)*(1 - f) + channel(b, shift)*f + 0.5)*2**shift
ramp(x) = ramp_between(STOPS[1 + int(8*x)], STOPS[x < 1 ? 2 + int(8*x) : 9], 8*x - int(8*x))
ramp_between(a, b, f) = mix(a, b, f, 16) + mix(a, b, f, 8) + mix(a, b, f, 0)
clip(x) = x < 0 ? 0 : x > 1 ? 1 : x
layer_colour(i, n) = n <= 7 ? OKABE[i] : ramp(0.9*(i - 1)/(n - 1))

# Pictures with cells that are nan: `with image` infers its grid from the others and goes wrong where a whole row or column
# lacks. `using x:y:(red(c)):(green(c)):(blue(c)) with rgbimage` has them all; c is the colour of v in DIVERGE, or NOTHING.
# The colour box needs a plot of the palette: `@COLOURS`, a point outside every axis.
NOTHING = 0xD0D0D0
array DIVERGE_AT[7] = [-1.0, -0.6, -0.25, 0.0, 0.25, 0.6, 1.0]
array DIVERGE_STOP[7] = [0x8C2D04, 0xD55E00, 0xF5B58A, 0xF7F7F7, 0x92C5DE, 0x0072B2, 0x053061]
diverge_from(k, v) = ramp_between(DIVERGE_STOP[k], DIVERGE_STOP[k + 1], (v - DIVERGE_AT[k])/(DIVERGE_AT[k + 1] - DIVERGE_AT[k]))
diverge(v) = v != v ? NOTHING : v >= 1 ? DIVERGE_STOP[7] : v <= -1 ? DIVERGE_STOP[1] : \
    diverge_from(int(sum [_k = 1:6] (v >= DIVERGE_AT[_k] ? 1 : 0)), v)
red(c) = channel(c, 16)
green(c) = channel(c, 8)
blue(c) = channel(c, 0)
COLOURS = "'+' using (-1e6):(-1e6):(0) every ::0::0 with points palette"

# A name with what is different in brackets, "recipe (criterion: movement)", in n letters: the recipe's is cut first.
bracket(s) = strstrt(s, " (")
shortened(s, n) = strlen(s) <= n ? s : bracket(s) && strlen(s) - bracket(s) + 8 <= n ? \
    s[1:n - 1 - (strlen(s) - bracket(s) + 1)]."…".s[bracket(s):*] : s[1:n - 1]."…"

# Two-sided 95 % quantile of Student's t with n - 1 degrees of freedom (n >= 2); half width of the interval of a mean.
T_TABLE = "12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131 2.120 2.110 \
2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 2.056 2.052 2.048 2.045 2.042"
t95(n) = n <= 31 ? real(word(T_TABLE, int(n) - 1)) : 1.95996 + 2.3722/(n - 1) + 2.82/(n - 1)**2
half_width(n, sum1, sum2) = n < 2 ? NaN : t95(n)*sqrt(abs(sum2 - sum1*sum1/n)/(n - 1)/n)
percent(x) = x != x ? "" : x >= 0.0995 ? sprintf("%.0f %%", 100*x) : x >= 0.00995 ? sprintf("%.1f %%", 100*x) : sprintf("%.2g %%", 100*x)

# `eval panels(R, C, W, H, left, right, bottom, top, gap_x, gap_y)`: a grid of R x C panels, margins and gaps in cm.
panels(r, c, w, h, left, right, bottom, top, gx, gy) = sprintf("set multiplot layout %d,%d margins screen \
%g,%g,%g,%g spacing screen %g,%g", r, c, left/w, 1 - right/w, bottom/h, 1 - top/h, gx/w, gy/h)
# Is panel i in the left column; does it stand above no other panel?
is_left(i, c) = (i - 1) % c == 0
is_bottom(i, n, c) = i + c > n

# A round distance between tics (1, 2, 2.5, 5 times a power of ten) that gives at most about n of them over `span` > 0.
round_step(span, n) = rounded(10.0**floor(log10(1.0*span/n)), 1.0*span/n)
rounded(ten, x) = x <= 1.001*ten ? ten : x <= 2.001*ten ? 2*ten : x <= 2.501*ten ? 2.5*ten : x <= 5.001*ten ? 5*ten : 10*ten

# The same for an axis of `cm` whose longest label has so many letters.
fitting_step(span, cm, letters) = round_step(span, cm/(0.15*letters + 0.35))
# The same on an axis of whole numbers.
whole_step(step) = step < 1 ? 1 : step > 2 && step < 3 ? 5 : step
# Large counts in short: 2000, in a series up to 100000 and beyond 2k; 1.5M.
short_count(x, top) = top < 1e5 || x == 0 ? sprintf("%.0f", x) : x < 1e6 ? sprintf("%gk", x/1e3) : sprintf("%gM", x/1e6)

# One tic on either side of 0 on an axis that reaches to +-edge: the largest of 1, 2, 5 times a power of ten that leaves
# room for its label.
side_tic(edge) = (_t = 10.0**floor(log10(0.8*edge)), _q = 0.8*edge/_t, (_q >= 5 ? 5 : _q >= 2 ? 2 : 1)*_t)
side_tics(t) = sprintf("('%g' %g, '0' 0, '%g' %g)", -t, -t, t, t)

# A legend entry of its own, in cm from the page's left and top edge: a filled swatch or a line, then the text.
# Valid between `page` and the first plot; `eval no_legend(N)` forgets the first N entries.
swatch(k, x, y, w, h, colour, text) = sprintf("set object %d rectangle from screen %g,%g to screen %g,%g fs solid noborder \
fc rgb %d front; set label %d '%s' at screen %g,%g left font ',7' tc rgb %d front", 100 + k, x/w, 1 - (y + 0.11)/h, \
(x + 0.32)/w, 1 - (y - 0.11)/h, colour, 100 + k, quoted(text), (x + 0.45)/w, 1 - y/h, DARK)
stroke(k, x, y, w, h, colour, dash, text) = sprintf("set arrow %d from screen %g,%g to screen %g,%g nohead lw 1.6 dt %d \
lc rgb %d front; set label %d '%s' at screen %g,%g left font ',7' tc rgb %d front", 100 + k, x/w, 1 - y/h, (x + 0.7)/w, \
1 - y/h, dash, colour, 100 + k, quoted(text), (x + 0.8)/w, 1 - y/h, DARK)
point_entry(k, x, y, w, h, colour, type, text) = sprintf("set label %d '' at screen %g,%g point pt %d ps 0.9 lc rgb %d front; \
set label %d '%s' at screen %g,%g left font ',7' tc rgb %d front", 300 + k, (x + 0.16)/w, 1 - y/h, type, colour, 100 + k, quoted(text), \
(x + 0.45)/w, 1 - y/h, DARK)
no_legend(n) = sprintf("do for [_k=1:%d] { unset object 100 + _k; unset arrow 100 + _k; unset label 100 + _k }", n)
shares_legend(w, h) = swatch(1, w - 5.6, 0.4, w, h, KEEP, "keep (+1)")."; ".swatch(2, w - 3.65, 0.4, w, h, INVERT, "invert (−1)") \
    ."; ".swatch(3, w - 1.6, 0.4, w, h, HIDE, "hide (0)")

# Mean, lowest and highest over the runs at each x, one series a layer: a first pass over the table lists the layers
# and the x values (add_x), `eval bands()` makes room, a second pass adds (band_add), BANDS(l) writes series l.
array XS[65536]; NX = 0; X_LAST = 0
find_x(x) = (X_LAST && XS[X_LAST] == x) ? X_LAST : (X_LAST && X_LAST < NX && XS[X_LAST + 1] == x) ? (X_LAST = X_LAST + 1, X_LAST) : \
    (X_LAST = 0, (NX ? (sum [_k = 1:NX] (XS[_k] == x ? (X_LAST = _k) : 0)) : 0), X_LAST)
add_x(x) = find_x(x) ? 0 : (NX = NX + 1, XS[NX] = x, X_LAST = NX, 0)
array BN[1]; array BS[1]; array BL[1]; array BH[1]
BANDS = "array BN[NL*NX]; array BS[NL*NX]; array BL[NL*NX]; array BH[NL*NX]; do for [_k=1:NL*NX] { BN[_k] = 0 }"
band_add(l, x, y) = (l < 1 || y != y) ? 0 : band_put((l - 1)*NX + find_x(x), y)
band_put(b, y) = BN[b] == 0 ? (BN[b] = 1, BS[b] = y, BL[b] = y, BH[b] = y, 0) : \
    (BN[b] = BN[b] + 1, BS[b] = BS[b] + y, BL[b] = (y < BL[b] ? y : BL[b]), BH[b] = (y > BH[b] ? y : BH[b]), 0)
band_n(l, k) = BN[(l - 1)*NX + k]
band_mean(l, k) = band_n(l, k) ? BS[(l - 1)*NX + k]/band_n(l, k) : NaN
band_low(l, k) = band_n(l, k) ? BL[(l - 1)*NX + k] : NaN
band_high(l, k) = band_n(l, k) ? BH[(l - 1)*NX + k] : NaN
# On a logarithmic axis a zero has no place.
positive(x) = x > 0 ? x : NaN
# Transparent version of a colour (share 0 .. 1 of opacity).
faint(colour, share) = int((1 - share)*255)*16777216 + colour
