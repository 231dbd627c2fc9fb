/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe.h - a recipe: every setting of a training run. One table of keys (lib/recipe.c) serves the defaults, the YAML
 * file, --set, the check, the printed text and the help, so that a setting is added in one row. */
#ifndef SUPERMASK_RECIPE_H
#define SUPERMASK_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <supermask/error.h>
#include <supermask/kernels.h>
#include <supermask/network.h>

/* Initial weights from the scale's deviation s: +s or -s with equal chance; uniform in (-sqrt(3) s, sqrt(3) s);
 * normal with deviation s. Initial scores are always uniform in (-sqrt(3) s, sqrt(3) s). */
enum sm_weight_init { SM_WEIGHTS_SIGNED_CONSTANT, SM_WEIGHTS_UNIFORM, SM_WEIGHTS_NORMAL };
/* The deviation s of a layer with gain f (Koster, Grothe & Rettinger 2022, section 3; He et al. 2015; Glorot & Bengio
 * 2010):
 *
 *     he      s = sqrt(f * 2 / fan_in)                 own gain f = 1
 *     xavier  s = sqrt(f * 2 / (fan_in + fan_out))     own gain f = 1
 *     elus    s = sqrt(f * 2 / fan_in)                 own gain f = 1.5   (sqrt(3 / fan_in))
 *     elu     s = sqrt(f * 2 / fan_in)                 own gain f = 0.75  (sqrt(1.5 / fan_in))
 *
 * Choosing weight_scale (score_scale) sets weight_gain (score_gain) to the scale's own; a gain beside it replaces
 * that. */
enum sm_init_scale { SM_SCALE_HE, SM_SCALE_XAVIER, SM_SCALE_ELUS, SM_SCALE_ELU };
double sm_scale_gain(enum sm_init_scale scale);
double sm_scale_deviation(enum sm_init_scale scale, double gain, size_t fan_in, size_t fan_out);

/* Choosing a schedule sets schedule_rate to its own: .96 for staircase, .9 otherwise. */
enum sm_schedule_kind {
    SM_SCHEDULE_CONSTANT,
    SM_SCHEDULE_EXPONENTIAL,
    SM_SCHEDULE_STAIRCASE,
    SM_SCHEDULE_PLATEAU,
    SM_SCHEDULE_COSINE
};
enum sm_threshold_kind { SM_THRESHOLD_ABSOLUTE, SM_THRESHOLD_RELATIVE };
/* Operands of the convolutions' weight gradients, which are summed in float: floats, or rounded to bfloat16. */
enum sm_precision { SM_FP32, SM_BF16 };
enum sm_loss_kind { SM_LOSS_CLIPPED, SM_LOSS_LOGITS };
/* dynamic: effective weights are w g (weights of the layer) / (kept weights of the layer), anew for every mask (dynamic
 * weight rescaling, Zhou et al. 2019, section 5). */
enum sm_rescale { SM_RESCALE_NONE, SM_RESCALE_DYNAMIC };
/* Which weights a round of pruning keeps, by initial value wi and trained value wf: those of the largest score (Zhou et
 * al. 2019, table 1; train/criterion.c has the formulas). */
enum sm_criterion {
    SM_LARGE_FINAL,
    SM_SMALL_FINAL,
    SM_LARGE_INIT,
    SM_SMALL_INIT,
    SM_LARGE_INIT_LARGE_FINAL,
    SM_SMALL_INIT_SMALL_FINAL,
    SM_MAGNITUDE_INCREASE,
    SM_MOVEMENT,
    SM_RANDOM,
    SM_LARGE_FINAL_SAME_SIGN,
    SM_LARGE_FINAL_DIFF_SIGN
};
/* What a kept weight starts the next round with: its initial value; another value of its layer, drawn anew (reinit) or
 * shuffled among the kept ones (reshuffle); the layer's standard deviation (constant). With a sign of its own at
 * random, or (signed) that of its initial value. */
enum sm_mask_one {
    SM_REWIND,
    SM_REINIT,
    SM_SIGNED_REINIT,
    SM_RESHUFFLE,
    SM_SIGNED_RESHUFFLE,
    SM_CONSTANT,
    SM_SIGNED_CONSTANT
};
/* What a hidden weight is: 0; its initial value, frozen; or 0 where training had moved it towards 0, else frozen. */
enum sm_mask_zero { SM_ZERO, SM_FREEZE, SM_ZERO_SHRUNK };
/* How bytes become inputs: batch.h has the formulas. */
enum sm_standardize_kind { SM_STANDARDIZE_IMAGE, SM_STANDARDIZE_UNIT, SM_STANDARDIZE_CHANNEL };

enum sm_augment_kind { SM_AUGMENT_NONE, SM_AUGMENT_CROP_FLIP }; /* augment.h */
/* The training samples: shuffled once, by the data seed, and the same in every pass; shuffled anew for each pass; or
 * as they stand in the data set's files. */
enum sm_order_kind { SM_ORDER_FIXED, SM_ORDER_SHUFFLED, SM_ORDER_FILE };

struct sm_recipe {
    char name[SM_NAME_SIZE]; /* "fcn-mnist" */
    char description[256];
    char network[256];          /* shipped name, file, or widths: see sm_network_read */
    double width;               /* > 0, factor of the units and filters of every layer but the last */
    bool batch_norm;            /* trainable, behind every convolution */
    char dataset[SM_NAME_SIZE]; /* "digits", "mnist", "cifar-10", "cifar-100" */
    char method[SM_NAME_SIZE];  /* a name of the table in train/methods.c */
    enum sm_activation activation;
    enum sm_loss_kind loss;
    enum sm_precision precision;
    enum sm_standardize_kind standardize;
    enum sm_augment_kind augment;
    enum sm_order_kind order;
    int64_t epochs, passes, batch; /* an epoch is `passes` passes over the training images */
    enum sm_optimizer optimizer;
    double learning_rate, weight_decay, momentum;
    bool nesterov;
    enum sm_schedule_kind schedule;
    double schedule_rate; /* exponential .9, staircase .96 */
    double decay_epochs;
    int64_t staircase_steps; /* steps the staircase counts as an epoch: 390 */
    int64_t plateau_patience, plateau_reductions, plateau_cooldown, plateau_start;
    double plateau_factor;
    enum sm_threshold_kind threshold_kind;
    double threshold;
    double keep;          /* (0, 1]: share of each layer's weights that a method of fixed density keeps */
    int64_t mask_samples; /* masks that an evaluation of sampled masks is the mean of */
    enum sm_rescale rescale;
    int64_t rounds;                         /* of training and pruning */
    bool retrain;                           /* train in every round; else once, and prune further each round */
    double prune, prune_conv, prune_output; /* share of a layer's kept weights that a round hides: dense, convolutions,
                                               the last layer */
    enum sm_criterion criterion;
    enum sm_mask_one mask_one;
    enum sm_mask_zero mask_zero;
    char masks_from[256];   /* run file whose masks the rounds take in place of a criterion's; empty: none */
    int64_t validation;     /* training images set aside, the last ones of the data set's files */
    int64_t validate_every; /* steps between two looks at the validation loss; 0: an epoch */
    enum sm_weight_init weight_init;
    enum sm_init_scale weight_scale;
    double weight_gain; /* f in sqrt(f*2/fan_in) */
    bool scale_fan;     /* fan_in * keep in place of fan_in: the deviation counts what is kept */
    enum sm_init_scale score_scale;
    double score_gain;
    int64_t record_every; /* 0: every epoch; N: every N steps (key `record`: "epoch" or N) */
    bool record_scores;
    uint64_t weight_seed, score_seed, data_seed;
    int64_t threads;                                /* 0: one for each CPU this process may use */
    double published_accuracy, published_remaining; /* shares; NaN where nothing was published */
    char published_source[256];
};

/* A signed-supermask run with the published settings of the FCN (SPEC 1.1, 1.8), without a network's or a data set's
 * name; all seeds are 1. */
void sm_recipe_defaults(struct sm_recipe *recipe);

/* The path that a user's word stands for: a word with '/' or the ending .yaml or .yml is a path itself, another one is
 * the name of a shipped recipe. malloc'ed; NULL and a sentence for a name that is not shipped (the sentence has the
 * nearest one). */
char *sm_recipe_path(const char *name_or_path, struct sm_error *err);

/* Overlays a YAML file: a shipped name or a path. A `network` in it that is a file is looked for beside it. Unknown
 * keys, wrong types and values out of range fail with "FILE:LINE: ..." and, for a misspelled key or choice, the nearest
 * right one. The order of the keys in the file does not matter. A file without the key `name` is named after itself. */
int sm_recipe_read(struct sm_recipe *recipe, const char *name_or_path, struct sm_error *err);

/* Overlays YAML text (the `recipe` attribute of a run file); `origin` names it in sentences. */
int sm_recipe_parse(struct sm_recipe *recipe, const char *text, const char *origin, struct sm_error *err);

/* Overlays one KEY=VALUE (the argument of --set). */
int sm_recipe_set(struct sm_recipe *recipe, const char *assignment, struct sm_error *err);

/* Overlays several at once. Of two values for one key the later wins; the order of different keys does not matter (a
 * gain stays whether it stands before or behind its scale). On failure the recipe is unspecified. */
int sm_recipe_set_all(struct sm_recipe *recipe, const char *const *assignments, size_t n, struct sm_error *err);

/* Reads the recipe's network, with its activation, width and batch norm. The caller destroys `net`, also after a
 * failure. */
int sm_recipe_network(const struct sm_recipe *recipe, struct sm_network *net, struct sm_error *err);

/* What no single key can tell: combinations that make no sense, and keys that must be there. */
int sm_recipe_check(const struct sm_recipe *recipe, struct sm_error *err);

/* The whole recipe as YAML text, every key, in the table's order; parses back to the same recipe bit for bit. The
 * caller frees. NULL when out of memory. */
char *sm_recipe_text(const struct sm_recipe *recipe);

/* The same for some keys only, in the order given. */
char *sm_recipe_lines(const struct sm_recipe *recipe, const char *const *keys, size_t n_keys);

/* The first key in which two recipes differ in a way that changes results, or NULL; `threads`, `description`
 * and the published values do not count. Constant string. */
const char *sm_recipe_differs(const struct sm_recipe *a, const struct sm_recipe *b);

/* Has that key, one of the table's, the value of sm_recipe_defaults? */
bool sm_recipe_is_default(const struct sm_recipe *recipe, const char *key);

/* Name of key number `index` in the table's order, NULL past the end. */
const char *sm_recipe_key(size_t index);

/* Prints the keys with type, default and one line of help to `out` (for --keys and the README). */
void sm_recipe_print_keys(FILE *out);

#endif
