/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/figure.h"

const struct sm_figure sm_figures[] = {
    {.name = "accuracy-remaining",
     .help = "test accuracy against remaining weights: runs, means of groups, published values",
     .caption =
         "Test accuracy against the share of weights that are not hidden. Small open points are runs, each method with "
         "a type of point of its own; a filled one is the mean of a group of runs that differ in their seeds only, "
         "with the 95 % interval of the mean in both directions (from two runs on). A run whose training is not over "
         "is a cross where its last record is (or that of --at), and its group has no mean. A star is what was "
         "published for the recipe, a dotted line leads to it; where the paper gives no share, a dotted line across "
         "is the published accuracy. A line is the way of a method that prunes in rounds, mean over the runs. Up and "
         "to the left is better; lines and intervals may leave the picture downwards.",
     .tables = {"summary", "groups"},
     .data = {&sm_figure_data_training, &sm_figure_data_trajectories}},
    {.name = "training",
     .help = "test error, loss and remaining weights over the epochs",
     .caption =
         "Test error, loss and remaining weights over the epochs. One colour for each group of runs: the line is "
         "their mean, the band reaches from the lowest to the highest run. Error and remaining weights are on "
         "logarithmic axes, so that equal steps are equal factors.",
     .tables = {"summary"},
     .data = {&sm_figure_data_training}},
    {.name = "rounds",
     .help = "test accuracy of each round against remaining weights, one curve for each recipe",
     .caption =
         "Methods that train, prune and start again: test accuracy of each round's network against the share of "
         "weights that its mask leaves, fewer to the right, on a logarithmic axis. For lottery-ticket it is the "
         "network after the round's training, for supermask-heuristic the untrained one under its mask. One curve for "
         "each group of runs that differ in their seeds only (in brackets their number): their mean, and a band from "
         "the lowest to the highest run. Dotted: the whole network when trained, mean over the runs of the panel that "
         "took no masks of another run. "
         "After figures of Frankle and Carbin (arXiv 1803.03635) and Zhou et al. (arXiv 1905.01067).",
     .tables = {"rounds"},
     .data = {&sm_figure_data_rounds}},
    {.name = "early-stop",
     .help = "steps of each round to its least validation loss against remaining weights",
     .caption =
         "How fast each round's network learns: optimizer steps from the beginning of the round's training to its "
         "least validation loss, against the share of weights that the round's mask leaves. Curves, bands and the "
         "dotted line (the whole network) as in the figure of accuracies. After figures of Frankle and Carbin (arXiv "
         "1803.03635).",
     .tables = {"rounds"},
     .data = {&sm_figure_data_early_stop}},
    {.name = "criterion-plane",
     .help = "initial against final weights of each layer, those that the last mask keeps in colour",
     .caption =
         "Which weights does the last mask keep? Each point is a weight, before training (across) and after it (up), "
         "for "
         "one run that works in rounds: in colour where the mask keeps it, grey where it hides it (the hidden ones of "
         "a "
         "lottery ticket are 0 in its last training). "
         "Of each layer at most 1000 weights that remain and 1000 hidden ones are drawn, at random; the title says "
         "what share remains. After figures of Zhou et al. (arXiv 1905.01067).",
     .tables = {"rounds"},
     .data = {&sm_figure_data_criterion},
     .by_group = true},
    {.name = "ratios",
     .help = "keep, hide and invert shares of each layer over the epochs (stacked areas)",
     .caption =
         "Shares of kept, inverted and hidden weights of each layer over the epochs (rounds of a method that prunes in "
         "rounds), for one run. The boundary of "
         "the grey area is the share of remaining weights; where vermilion and blue are equally high, half of the "
         "remaining weights are inverted.",
     .tables = {"ratios"},
     .by_group = true},
    {.name = "layers-ratios",
     .help = "keep, hide and invert shares of each layer at the last record (stacked bars)",
     .caption =
         "The same shares at the last record, mean over the runs. The number over a bar is the remaining share; the "
         "whisker is the 95 % interval of its mean (Student's t over the runs, from two runs on). The bar \"all\" "
         "weighs every weight of the network alike, so it is close to the largest layer.",
     .tables = {"ratios"},
     .by_group = true},
    {.name = "architectures",
     .help = "kept and inverted weights of each layer, networks and recipes side by side (logarithmic)",
     .caption =
         "Shares of kept and inverted weights of each layer, first to last, one panel for each group of runs that "
         "differ in their seeds only (in brackets their number, then the share of the whole network that remains), all "
         "on "
         "one logarithmic axis. A bar that is missing "
         "stands for a layer without such a weight. Bars of equal height: half of the remaining weights are inverted.",
     .tables = {"ratios"},
     .data = {&sm_figure_data_architectures}},
    {.name = "remaining",
     .help = "remaining weights of each layer over the epochs (logarithmic)",
     .caption = "Share of weights that are not hidden, over the epochs (rounds of a method that prunes in rounds), on "
                "a logarithmic axis: a straight line is decay by a constant "
                "factor. Lines are means over the runs, bands reach from the lowest to the highest run.",
     .tables = {"ratios"},
     .by_group = true},
    {.name = "inverted",
     .help = "inverted weights among the remaining ones over the epochs",
     .caption =
         "Share of inverted weights among the remaining ones, over the epochs. The dotted line is one half: on it, "
         "keeping and "
         "inverting are equally frequent. Lines are means over the runs, bands reach from the lowest to the highest "
         "run. Small layers scatter more because they have fewer weights. Groups that invert no weight are left out.",
     .tables = {"ratios"},
     .data = {&sm_figure_data_inverted},
     .by_group = true},
    {.name = "flips",
     .help = "share of weights that changed state between two records (logarithmic)",
     .caption =
         "Share of a layer's weights whose state (keep, hide, invert) differs between one record and the next (one "
         "round and the next). "
         "Lines are means over the runs, bands reach from the lowest to the highest run. The axis is logarithmic: an "
         "interval without a single flip is not drawn.",
     .tables = {"flips"},
     .by_group = true,
     .min_records = 2},
    {.name = "settling",
     .help = "share of weights that have reached their final state",
     .caption = "Share of a layer's weights whose last change is at or before a step (a round of a method that prunes "
                "in rounds). It reaches 100 % at the last record "
                "by definition; how early it rises tells how early the mask is decided.",
     .tables = {"settling"},
     .by_group = true,
     .min_records = 2},
    {.name = "similarity",
     .help = "similarity of the masks of every two moments of training, one matrix for each layer",
     .caption =
         "Jaccard similarity of the places of the remaining weights at two moments of training, whatever their signs; "
         "mean over the runs. All matrices have one colour scale. The bottom row is the first mask, the top row the "
         "last: how soon the top row turns bright tells how early the final mask is found. A bright block on the "
         "diagonal is a time in which the mask hardly moved.",
     .tables = {"similarity"},
     .by_group = true,
     .min_records = 2},
    {.name = "earlybird",
     .help = "distance between consecutive masks, and the test error at the early birds",
     .caption =
         "When could training have stopped changing the mask? Distance between each record and the one before, as "
         "the share of all weights that differ (left, the measure of You et al. 2020) and as one minus the Jaccard "
         "similarity of the remaining weights with their signs (middle), on logarithmic axes. A ring is a layer's "
         "early bird: the first record with which five distances in a row are below epsilon (dotted, 0.1), at the "
         "mean epoch of the runs that have one. Right: test error over the epochs (of each round's network where a "
         "method prunes in rounds: epochs are rounds then), and at the early birds of the "
         "whole network and the last record. Where few weights remain the left distance is small even if none of "
         "them stays. Lines are means over the runs, bands reach from the lowest to the highest run.",
     .tables = {"earlybird", "flips"},
     .data = {&sm_figure_data_metrics, &sm_figure_data_accuracies},
     .by_group = true,
     .min_records = 2},
    {.name = "oscillation",
     .help = "how often weights change state, and how often those that remain did",
     .caption =
         "Left: share of a layer's weights whose state (keep, hide, invert) changes so often from record to record, "
         "on a logarithmic axis; lines are means over the runs, bands reach from the lowest to the highest run where "
         "every run has such weights. Right: of the weights that remain at the last record, those that changed at "
         "most so often. In the legend: weights that were hidden after they had not been, and came back at least "
         "once.",
     .tables = {"oscillation"},
     .by_group = true,
     .min_records = 2},
    {.name = "scores",
     .help = "histograms of the scores before and after training, with thresholds where there are any",
     .caption = "Density of the scores before (line) and after training (filled), on a logarithmic axis, for one run. "
                "Dashed lines are the threshold of a method that has one, with either sign: weights between them are "
                "hidden, those to the right kept, those to the left inverted. Methods without one hide by other rules: "
                "edge-popup keeps the share of a layer whose scores are largest in size, supermask each weight with "
                "probability 1/(1 + exp(-score)).",
     .tables = {"weights"},
     .data = {&sm_figure_data_scores},
     .by_group = true},
    {.name = "first-layer",
     .help = "the first layer's mask over a flattened test sample",
     .caption =
         "The first layer's mask: one row for each unit, one column for each input pixel, for the first run. A blue "
         "dot keeps a weight, a vermilion dot inverts it. Grey columns are the ink of the test sample on the right, "
         "flattened row after row: units read what lies in grey columns. After figure 1 of Koster, Grothe and "
         "Rettinger (arXiv 2201.13361).",
     .tables = {"neurons"},
     .data = {&sm_figure_data_first_layer}},
    {.name = "filters",
     .help = "the filters of a first convolution: kept, inverted and hidden weights, and effective weights",
     .caption =
         "The filters of the first layer, each a row of tiles, one for each channel of the image, for one run. Left, "
         "what the mask does to each weight; right, the effective weight that comes of it, dark where it is negative, "
         "light where it is positive, middle grey where it is hidden. Tiles of one filter that are alike look for "
         "light and dark, tiles of opposite signs for a colour. The number on the left is that of the row's first "
         "filter.",
     .tables = {"ratios"},
     .data = {&sm_figure_data_filters},
     .by_group = true},
    {.name = "input-pixels",
     .help = "which input pixels are read: kept, inverted, routes to the outputs",
     .caption = "How many weights of the first layer each pixel keeps and inverts (not drawn where none is inverted), "
                "and how many routes lead from it to the "
                "outputs (logarithm), mean over the runs. Grey pixels have no route in any run.",
     .tables = {"neurons"},
     .data = {&sm_figure_data_image},
     .by_group = true},
    {.name = "input-pixels-classes",
     .help = "signed weight of all paths from each pixel to each class",
     .caption = "Signed weight of all paths from a pixel to a class: the product of the masked weight matrices. Blue "
                "pixels speak for the class, vermilion ones against it. Activations are left out, so this is what the "
                "network would compute if it were linear. Colours are clipped at a third of the largest weight.",
     .tables = {"neurons"},
     .data = {&sm_figure_data_classes}},
    {.name = "fan-in",
     .help = "sorted fan-in of each layer's units, against even spreading",
     .caption =
         "Remaining incoming weights of each unit, sorted from the largest. The dashed line is what the first run's "
         "density would give if its remaining weights were spread over the layer by chance: a steeper curve means "
         "that few units read much and many read little.",
     .tables = {"neurons"},
     .data = {&sm_figure_data_networks},
     .by_group = true},
    {.name = "concentration",
     .help = "Gini coefficients of fan-in and fan-out, units off every path",
     .caption =
         "How unevenly the remaining weights are spread over a layer's units: Gini coefficients of fan-in and "
         "fan-out (0: all units alike, 1: one unit has all), and the share of units that lie on no path from the "
         "input to the output. Points are runs, strokes their mean.",
     .tables = {"concentration"},
     .by_group = true},
    {.name = "survival",
     .help = "units of each layer that are fed, read, both or neither",
     .caption =
         "Which units still take part: fed means that an incoming weight remains, read that an outgoing one into "
         "the next layer does. Only units that are both can pass anything on; a fed unit that nobody reads is lost "
         "effort. Mean over the runs.",
     .tables = {"interfaces"},
     .by_group = true},
    {.name = "controls",
     .help = "test accuracy with the mask or its signs shuffled, all inverted, or other weights",
     .caption =
         "Does the mask carry information, or only its density? Test accuracy of the network as trained (dashed line) "
         "and of networks with as many weights in each layer: the mask's entries shuffled within each layer, its signs "
         "shuffled among the remaining weights, all its signs inverted, and the same mask over newly drawn weights. "
         "Circles are runs, bars reach from the lowest to the highest replicate of all runs, black strokes and numbers "
         "are means over the runs. Dotted: one guess in as many as there are classes.",
     .tables = {"controls"},
     .data = {&sm_figure_data_networks},
     .by_group = true},
    {.name = "thresholds",
     .help = "accuracy and remaining weights for other thresholds of the final scores",
     .caption =
         "What another threshold would have left, from the final scores and without training again. Left and middle: "
         "test accuracy of the whole network and remaining weights of each layer against the threshold, in multiples "
         "of "
         "the recipe's (dashed line); lines are means over the runs, bands reach from the lowest to the highest run, "
         "and "
         "a line ends where nothing remains. Right: accuracy against remaining weights, a line for each run, a circle "
         "at the recipe's threshold. Dotted: "
         "one guess in as many as there are classes.",
     .tables = {"thresholds"},
     .data = {&sm_figure_data_networks},
     .by_group = true},
    {.name = "ablation",
     .help = "accuracy against units removed: most important first, least important first, at random",
     .caption =
         "Test accuracy against the share of alive units that are removed (what they put out set to 0): those with "
         "the most routes first, those with the fewest first, and in random orders. Lines are means over the runs, "
         "bands reach from the lowest to the highest run (random: from the lowest to the highest order of any run). "
         "The farther the two lines lie on either side of the random one, the better the number of routes tells how "
         "much a unit matters. Dotted: chance.",
     .tables = {"ablation"},
     .data = {&sm_figure_data_networks},
     .by_group = true},
    {.name = "overlap",
     .help = "what two runs have in common for each layer: as found, units matched, and against chance",
     .caption =
         "Jaccard similarity of the remaining weights of two runs, by masks and by effective weights, and the share of "
         "equal signs among the weights that both keep; means over the pairs of runs, whiskers from the lowest to the "
         "highest pair. Light: units as they stand, each against an arbitrary one. Dark: hidden units of one run "
         "re-ordered to match the other. Orange: what networks with the same degrees (entries of each row and column) "
         "reach when they are matched by the same procedure; what the dark bar has beyond it is structure that the two "
         "runs found alike. Solid strokes are independent masks of the same densities, dotted ones the same places "
         "with their signs in random order, treated as the bar they stand on.",
     .tables = {"overlap"},
     .by_group = true,
     .min_runs = 2},
    {.name = "overlap-runs",
     .help = "Jaccard similarity of every pair of runs as found, one matrix for each layer",
     .caption = "Jaccard similarity of every pair of runs with units as they stand. All matrices have one colour "
                "scale, from 0 "
                "to the most similar pair of any layer; a layer's range stands over its matrix.",
     .tables = {"overlap"},
     .by_group = true,
     .min_runs = 2},
    {.name = "overlap-runs-aligned",
     .help = "Jaccard similarity of every pair of runs with units matched, one matrix for each layer",
     .caption =
         "The same after the hidden units of one run of each pair were re-ordered to match the other by effective "
         "weights. Rows that stand out are runs that found something of their own.",
     .tables = {"overlap"},
     .by_group = true,
     .min_runs = 2},
    {.name = "rank-scatter",
     .help = "rank of each unit in one run against its partner's rank in another",
     .caption =
         "Rank of each unit by the number of routes from input to output through it (1: most), in the first run and in "
         "the second; input units are the same in both, hidden ones stand beside the partner that the alignment by "
         "weights gives them. Units without a route share their layer's last ranks. Over each panel Spearman's "
         "correlation over all units, and over those alive in both runs.",
     .tables = {"neurons", "matches", "consistency"},
     .by_group = true,
     .min_runs = 2},
    {.name = "consistency",
     .help = "do two runs rank the same units high: rank correlations and overlap of the highest tenth",
     .caption =
         "Agreement between runs on which units of a layer matter, by several measures of a unit: mean over the pairs "
         "of runs, strokes from the lowest to the highest pair. Filled over all units of the layer, open over those "
         "that are alive in both runs: dead units, tied at the end, let the correlation over all look better. Hidden "
         "units are aligned by weights. Dotted: what unrelated ranks would give. Measures that rank exactly as "
         "another are not drawn (strength and fan where all |w| of a layer are equal).",
     .tables = {"consistency"},
     .by_group = true,
     .min_runs = 2},
    {.name = "ensemble",
     .help = "in how many runs a weight remains, against chance; accuracy of what several runs keep",
     .caption =
         "How many weights remain in exactly so many of the runs, weight by weight as found and after each run's "
         "hidden units were matched to the first run's. Dashed, what independent masks of the same densities would "
         "give; "
         "orange, what the same matching finds in common where every run but the first is a random network of the same "
         "degrees. "
         "Last: test accuracy of the first run's network when it keeps what remains in at least k runs, each weight "
         "with the sign that most runs give it: left the union, right the intersection. The dotted line is the first "
         "run with its own mask.",
     .tables = {"ensemble"},
     .by_group = true,
     .min_runs = 2},
    {.name = "methods",
     .help = "do methods keep the same weights: association of masks for every two of them, one matrix for each layer",
     .caption =
         "How far the masks of two methods have more in common than chance gives: 1 where all that one run keeps the "
         "other keeps too, 0 (white) for chance, whatever the densities; means over pairs of runs. Left, weight by "
         "weight as found, against independent masks; right, after hidden units were matched by effective weights, "
         "against networks of the same degrees matched alike. Above the diagonal the runs of a pair have the same "
         "weight seed and began with the same signs of weights, below it they have other seeds; on the diagonal, seeds "
         "of "
         "one method. Grey: no such pair.",
     .tables = {"methods"},
     .data = {&sm_figure_data_methods}},
    {.name = "methods-neurons",
     .help = "which pixels and hidden units each method reads, side by side",
     .caption =
         "Which units each method uses. Maps: weights that are kept from each pixel, as multiples of even spreading, "
         "mean over the runs. Strips: incoming weights of each hidden unit likewise, for the runs of one weight seed "
         "that began with the same signs of weights, so that a column is one and the same initial unit; units in the "
         "order of their mean rank over the methods. Where methods agree the strips fade alike from left to right. One "
         "colour scale for all; grey: nothing is kept (a whole grey row: a method that began with other weights).",
     .tables = {"methods-units"},
     .data = {&sm_figure_data_methods}},
    {.name = "layers",
     .help = "distance between layers' keep/hide/invert shares, within a run and between runs",
     .caption =
         "Jensen-Shannon distance (base 2) between the keep/hide/invert shares of every two layers: 0 for the same "
         "shares, 1 where nothing is shared. Left within one run, right between different runs: a dark diagonal on "
         "the right means that a layer has the same shares whatever the seed.",
     .tables = {"layers"},
     .by_group = true},
};

const size_t sm_n_figures = sizeof sm_figures / sizeof *sm_figures;

const char *sm_figure_name(size_t i) {
    return i < sm_n_figures ? sm_figures[i].name : NULL;
}

const char *sm_figure_help(size_t i) {
    return i < sm_n_figures ? sm_figures[i].help : NULL;
}
