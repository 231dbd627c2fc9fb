# SPDX-License-Identifier: GPL-3.0-or-later
# first-layer.gp - the first layer's mask, one row a unit and one column an input pixel, over a flattened test sample:
# after figure 1 of Koster, Grothe & Rettinger 2022 (arXiv 2201.13361).
# Run in the directory of the tables: gnuplot -e "FMT='pdf'" plots/first-layer.gp
# Reads data/first-layer-mask.tsv ([units, pixels] of -1, 0, 1) and data/first-layer-sample.tsv (pixel, row, column,
# value 0..255; all 0 where the data set was not at hand). Variables: FMT, OUT (style.gp).
FIGURE = "first-layer"
load "plots/style.gp"
MASK = "data/first-layer-mask.tsv"; SAMPLE = "data/first-layer-sample.tsv"
set datafile columnheaders
array SHAPE[4] = [0, 0, 0, 0]
array VALUE[65536]
stats SAMPLE using (VALUE[int(column("pixel")) + 1] = column("value"), SHAPE[1] = (column("row") > SHAPE[1] ? int(column("row")) : SHAPE[1]), \
    SHAPE[2] = (column("column") > SHAPE[2] ? int(column("column")) : SHAPE[2]), SHAPE[3] = SHAPE[3] + 1, SHAPE[4] = SHAPE[4] + column("value"), 0) nooutput
unset datafile columnheaders
N_PIXELS = SHAPE[3]
stats MASK matrix nooutput
UNITS = STATS_size_y
# Two dots for each pixel and unit at 300 dpi, so that columns are equally wide.
DPI = 300.0
DOT = 2*2.54/DPI*(N_PIXELS <= 800 ? 1 : 0.5)
WIDE = N_PIXELS*DOT; TALL = UNITS*DOT*(UNITS < 200 ? 2 : 1)
THUMB = 1.9
W = 1.5 + WIDE + 0.4 + THUMB + 0.3; H = 0.75 + 0.5 + 0.15 + TALL + 1.15
eval page(W, H)
BOTTOM = 1.15
unset grid; unset key
set border 0
set multiplot
# The strip: the sample, flattened.
set lmargin at screen 1.5/W; set rmargin at screen (1.5 + WIDE)/W
unset tics
set xrange [-0.5:N_PIXELS - 0.5]; set yrange [-0.5:1.5]
set bmargin at screen (BOTTOM + TALL + 0.15)/H; set tmargin at screen (BOTTOM + TALL + 0.65)/H
grey(v) = 255 - int(0.92*v)
set label 1 "sample" at screen 1.4/W, screen (BOTTOM + TALL + 0.4)/H right font ",7" tc rgb DARK
eval swatch(1, 1.5, 0.3, W, H, KEEP, "keep (+1)"); eval swatch(2, 3.5, 0.3, W, H, INVERT, "invert (−1)")
eval swatch(3, 5.7, 0.3, W, H, 0xCFCFCF, "pixel of the sample, hidden weights")
# Two rows of the same pixels: an image of a single row has no height.
array I[2*N_PIXELS]
do for [k=1:2*N_PIXELS] { I[k] = k }
shade(k) = grey(VALUE[int((k - 1)/2) + 1])
plot I using (int(($1 - 1)/2)):(int($1 - 1) % 2):(shade($1)):(shade($1)):(shade($1)) with rgbimage
unset label 1; eval no_legend(3)
# The mask: kept blue, inverted vermilion, hidden as light as the sample's pixel is dark.
set bmargin at screen BOTTOM/H; set tmargin at screen (BOTTOM + TALL)/H
set border 15 lc rgb GREY lw 0.5
set yrange [UNITS - 0.5:-0.5]
set xtics out nomirror scale 0.4 font ",7" textcolor rgb DARK
set ytics out nomirror scale 0.4 font ",7" textcolor rgb DARK
set xlabel "input pixel (row after row)" offset 0,0.4
set ylabel "unit of the first layer" offset 0.9,0
back(x) = 255 - int(0.22*VALUE[int(x) + 1])
red(m, x) = m > 0 ? 0x00 : m < 0 ? 0xD5 : back(x)
green(m, x) = m > 0 ? 0x72 : m < 0 ? 0x5E : back(x)
blue(m, x) = m > 0 ? 0xB2 : m < 0 ? 0x00 : back(x)
plot MASK matrix using 1:2:(red($3, $1)):(green($3, $1)):(blue($3, $1)) with rgbimage
# The sample as it is.
unset tics; unset xlabel; unset ylabel
ROWS = SHAPE[1] + 1; COLS = SHAPE[2] + 1
set lmargin at screen (1.5 + WIDE + 0.4)/W; set rmargin at screen (1.5 + WIDE + 0.4 + THUMB)/W
set tmargin at screen (BOTTOM + TALL)/H; set bmargin at screen (BOTTOM + TALL - THUMB*ROWS/COLS)/H
set xrange [-0.5:COLS - 0.5]; set yrange [ROWS - 0.5:-0.5]
set datafile columnheaders
if (SHAPE[4] > 0) { plot SAMPLE using (column("column")):(column("row")):(grey(column("value"))):(grey(column("value"))):(grey(column("value"))) with rgbimage }
unset multiplot
