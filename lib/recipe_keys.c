/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe_keys.h"

#include <supermask/text.h>

static void own_weight_gain(struct sm_recipe *recipe) {
    recipe->weight_gain = sm_scale_gain(recipe->weight_scale);
}

static void own_score_gain(struct sm_recipe *recipe) {
    recipe->score_gain = sm_scale_gain(recipe->score_scale);
}

static void own_schedule_rate(struct sm_recipe *recipe) {
    recipe->schedule_rate = recipe->schedule == SM_SCHEDULE_STAIRCASE ? 0.96 : 0.9;
}

/* Each list stands in the order of its enumeration in recipe.h or network.h. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ACTIVATIONS WORDS([SM_LINEAR] = "linear", [SM_ELU] = "elu", [SM_RELU] = "relu")
#define LOSSES WORDS([SM_LOSS_CLIPPED] = "clipped", [SM_LOSS_LOGITS] = "logits")
#define PRECISIONS WORDS([SM_FP32] = "fp32", [SM_BF16] = "bf16")
#define STANDARDIZATIONS                                                                                               \
    WORDS([SM_STANDARDIZE_IMAGE] = "image", [SM_STANDARDIZE_UNIT] = "unit", [SM_STANDARDIZE_CHANNEL] = "channel")
#define AUGMENTS WORDS([SM_AUGMENT_NONE] = "none", [SM_AUGMENT_CROP_FLIP] = "crop-flip")
#define ORDERS WORDS([SM_ORDER_FIXED] = "fixed", [SM_ORDER_SHUFFLED] = "shuffled", [SM_ORDER_FILE] = "file")
#define OPTIMIZERS WORDS([SM_SGDW] = "sgdw", [SM_SGD] = "sgd", [SM_ADAM] = "adam")
#define RESCALES WORDS([SM_RESCALE_NONE] = "none", [SM_RESCALE_DYNAMIC] = "dynamic")
#define CRITERIA                                                                                                       \
    WORDS([SM_LARGE_FINAL] = "large_final", [SM_SMALL_FINAL] = "small_final", [SM_LARGE_INIT] = "large_init",          \
          [SM_SMALL_INIT] = "small_init", [SM_LARGE_INIT_LARGE_FINAL] = "large_init_large_final",                      \
          [SM_SMALL_INIT_SMALL_FINAL] = "small_init_small_final", [SM_MAGNITUDE_INCREASE] = "magnitude_increase",      \
          [SM_MOVEMENT] = "movement", [SM_RANDOM] = "random", [SM_LARGE_FINAL_SAME_SIGN] = "large_final_same_sign",    \
          [SM_LARGE_FINAL_DIFF_SIGN] = "large_final_diff_sign")
#define MASK_ONES                                                                                                      \
    WORDS([SM_REWIND] = "rewind", [SM_REINIT] = "reinit", [SM_SIGNED_REINIT] = "signed-reinit",                        \
          [SM_RESHUFFLE] = "reshuffle", [SM_SIGNED_RESHUFFLE] = "signed-reshuffle", [SM_CONSTANT] = "constant",        \
          [SM_SIGNED_CONSTANT] = "signed-constant")
#define MASK_ZEROS WORDS([SM_ZERO] = "zero", [SM_FREEZE] = "freeze", [SM_ZERO_SHRUNK] = "zero-shrunk")
#define SCHEDULES                                                                                                      \
    WORDS([SM_SCHEDULE_CONSTANT] = "constant", [SM_SCHEDULE_EXPONENTIAL] = "exponential",                              \
          [SM_SCHEDULE_STAIRCASE] = "staircase", [SM_SCHEDULE_PLATEAU] = "plateau", [SM_SCHEDULE_COSINE] = "cosine")
#define THRESHOLDS WORDS([SM_THRESHOLD_ABSOLUTE] = "absolute", [SM_THRESHOLD_RELATIVE] = "relative")
#define WEIGHT_INITS                                                                                                   \
    WORDS([SM_WEIGHTS_SIGNED_CONSTANT] = "signed-constant", [SM_WEIGHTS_UNIFORM] = "uniform",                          \
          [SM_WEIGHTS_NORMAL] = "normal")
#define SCALES                                                                                                         \
    WORDS([SM_SCALE_HE] = "he", [SM_SCALE_XAVIER] = "xavier", [SM_SCALE_ELUS] = "elus", [SM_SCALE_ELU] = "elu")

#define FIELD(field)                                                                                                   \
    .name = #field, .offset = offsetof(struct sm_recipe, field), .size = sizeof((struct sm_recipe *)0)->field
#define RANGE(least, most) .min = (least), .max = (most)

const struct recipe_key sm_recipe_keys[] = {
    {FIELD(name), .type = RECIPE_NAME, .help = "name of the recipe; part of the run file's name"},
    {FIELD(description), .type = RECIPE_LINE, .comment = true, .help = "one line for --list"},
    {FIELD(network), .type = RECIPE_LINE,
     .help = "shipped name, file (of a recipe file: looked for beside it), or widths such as 784-300-100-10"},
    {FIELD(width), .type = RECIPE_REAL, RANGE(1e-3, 1e3),
     .help = "factor of the units and filters of every layer but the last; must give whole numbers"},
    {FIELD(batch_norm), .type = RECIPE_BOOL,
     .help = "trainable batch norm behind every convolution; for methods without a mask"},
    {FIELD(dataset), .type = RECIPE_NAME, .help = "mnist, digits, cifar-10 or cifar-100"},
    {FIELD(method), .type = RECIPE_NAME, .help = "what is learned: see --list"},
    {FIELD(activation), .type = RECIPE_CHOICE, .choices = ACTIVATIONS,
     .help = "of every layer but the last, and of sums"},
    {FIELD(loss), .type = RECIPE_CHOICE, .choices = LOSSES,
     .help = "cross-entropy, softmax outputs clipped to [1e-7, 1 - 1e-7] or not"},
    {FIELD(precision), .type = RECIPE_CHOICE, .choices = PRECISIONS,
     .help = "operands of the convolutions' weight gradients: floats, or rounded to bfloat16"},
    {FIELD(standardize), .type = RECIPE_CHOICE, .choices = STANDARDIZATIONS,
     .help = "image: each to mean 0 and deviation 1; unit: pixels in [0, 1]; channel: by the training set's"},
    {FIELD(augment), .type = RECIPE_CHOICE, .choices = AUGMENTS,
     .help = "crop-flip: 4 black pixels around a training image, a random crop, perhaps mirrored; then standardized"},
    {FIELD(order), .type = RECIPE_CHOICE, .choices = ORDERS,
     .help = "samples shuffled once and the same in every pass, shuffled anew for each, or as in the files"},
    {FIELD(epochs), .type = RECIPE_INT, RANGE(1, 1e6),
     .help = "how long training lasts; of a method in rounds: each round's"},
    {FIELD(passes), .type = RECIPE_INT, RANGE(1, 1000), .help = "passes over the training images that make one epoch"},
    {FIELD(batch), .type = RECIPE_INT, RANGE(1, 1e6), .help = "images a step"},
    {FIELD(optimizer), .type = RECIPE_CHOICE, .choices = OPTIMIZERS,
     .help = "sgdw: SGD, weight decay decoupled from the rate; sgd, adam: weight decay added to the gradient"},
    {FIELD(learning_rate), .type = RECIPE_REAL, RANGE(0, 1e6), .help = "at the first step"},
    {FIELD(weight_decay), .type = RECIPE_REAL, RANGE(0, 1),
     .help = "sgdw: share taken off each step, not multiplied by the rate; else factor of the value in the gradient"},
    {FIELD(momentum), .type = RECIPE_REAL, RANGE(0, 0.9999), .help = "of the optimizer"},
    {FIELD(nesterov), .type = RECIPE_BOOL, .help = "Nesterov momentum, of sgdw and sgd"},
    {FIELD(schedule), .type = RECIPE_CHOICE, .choices = SCHEDULES, .chosen = own_schedule_rate,
     .help = "of the learning rate and the weight decay of sgdw; sets schedule_rate to its own"},
    {FIELD(schedule_rate), .type = RECIPE_REAL, RANGE(1e-6, 1),
     .help = "factor of exponential (own: 0.9) and staircase (0.96)"},
    {FIELD(decay_epochs), .type = RECIPE_REAL, RANGE(1e-3, 1e6), .help = "epochs for one factor"},
    {FIELD(staircase_steps), .type = RECIPE_INT, RANGE(1, 1e9), .help = "steps that the staircase counts as an epoch"},
    {FIELD(plateau_patience), .type = RECIPE_INT, RANGE(2, 64),
     .help = "plateau: epochs without progress before a reduction"},
    {FIELD(plateau_reductions), .type = RECIPE_INT, RANGE(1, 1e6), .help = "plateau: training stops at this reduction"},
    {FIELD(plateau_cooldown), .type = RECIPE_INT, RANGE(0, 1e6),
     .help = "plateau: epochs after a reduction that do not count"},
    {FIELD(plateau_start), .type = RECIPE_INT, RANGE(0, 1e6), .help = "plateau: first epoch that counts"},
    {FIELD(plateau_factor), .type = RECIPE_REAL, RANGE(1e-6, 1), .help = "plateau: factor of a reduction"},
    {FIELD(threshold_kind), .type = RECIPE_CHOICE, .choices = THRESHOLDS,
     .help = "relative: share of the layer's largest initial |score|"},
    {FIELD(threshold), .type = RECIPE_REAL, RANGE(0, 1e6), .help = "scores up to this size hide their weight"},
    {FIELD(keep), .type = RECIPE_REAL, RANGE(1e-6, 1),
     .help = "share of each layer's weights that is kept, of methods that fix it"},
    {FIELD(mask_samples), .type = RECIPE_INT, RANGE(1, 1000),
     .help = "sampled masks: an evaluation is the mean over so many"},
    {FIELD(rescale), .type = RECIPE_CHOICE, .choices = RESCALES,
     .help = "dynamic: the kept weights of a layer times its weights / kept weights, for every mask"},
    {FIELD(rounds), .type = RECIPE_INT, RANGE(1, 1000),
     .help = "how often a method in rounds trains for `epochs`, prunes and starts again"},
    {FIELD(retrain), .type = RECIPE_BOOL, .help = "false: train in the first round only, prune further in each"},
    {FIELD(prune), .type = RECIPE_REAL, RANGE(0, 1),
     .help = "share of a dense layer's kept weights that a round hides"},
    {FIELD(prune_conv), .type = RECIPE_REAL, RANGE(0, 1), .help = "the same of a convolution"},
    {FIELD(prune_output), .type = RECIPE_REAL, RANGE(0, 1), .help = "the same of the last layer"},
    {FIELD(criterion), .type = RECIPE_CHOICE, .choices = CRITERIA,
     .help = "which weights a round keeps, by initial and trained value"},
    {FIELD(mask_one), .type = RECIPE_CHOICE, .choices = MASK_ONES,
     .help = "what a kept weight starts the next round with; signed: with the sign of its initial value"},
    {FIELD(mask_zero), .type = RECIPE_CHOICE, .choices = MASK_ZEROS,
     .help = "a hidden weight is 0, frozen as it was at first, or 0 only where training had made it smaller"},
    {FIELD(masks_from), .type = RECIPE_LINE,
     .help = "run file whose masks the rounds take: all of a run in rounds, else the last ones"},
    {FIELD(validation), .type = RECIPE_INT, RANGE(0, 1e6),
     .help = "training images set aside for the validation loss, the last of the files"},
    {FIELD(validate_every), .type = RECIPE_INT, RANGE(0, 1e9), .help = "steps between its measurements; 0: an epoch"},
    {FIELD(weight_init), .type = RECIPE_CHOICE, .choices = WEIGHT_INITS, .help = "distribution of the initial weights"},
    {FIELD(weight_scale), .type = RECIPE_CHOICE, .choices = SCALES, .chosen = own_weight_gain,
     .help = "of the initial weights; sets weight_gain to its own"},
    {FIELD(weight_gain), .type = RECIPE_REAL, RANGE(1e-6, 1e6),
     .help = "f in sqrt(f*2/fan_in); own: he 1, xavier 1, elus 1.5, elu 0.75"},
    {FIELD(scale_fan), .type = RECIPE_BOOL, .help = "initial weights are scaled by fan_in * keep, not fan_in"},
    {FIELD(score_scale), .type = RECIPE_CHOICE, .choices = SCALES, .chosen = own_score_gain,
     .help = "of the uniform initial scores; sets score_gain to its own"},
    {FIELD(score_gain), .type = RECIPE_REAL, RANGE(1e-6, 1e6), .help = "as weight_gain"},
    {.name = "record",
     .type = RECIPE_RECORD,
     .offset = offsetof(struct sm_recipe, record_every),
     .size = sizeof((struct sm_recipe *)0)->record_every,
     RANGE(1, 1e12),
     .help = "when masks are recorded: epoch, or every so many steps"},
    {FIELD(record_scores), .type = RECIPE_BOOL, .help = "record the scores with each mask"},
    {FIELD(weight_seed), .type = RECIPE_SEED, .help = "of the initial weights"},
    {FIELD(score_seed), .type = RECIPE_SEED,
     .help = "of the initial scores, of masks that are drawn, and of what rounds draw"},
    {FIELD(data_seed), .type = RECIPE_SEED, .help = "of the order of the images and of their augmentation"},
    {FIELD(threads), .type = RECIPE_INT, RANGE(0, 4096), .comment = true,
     .help = "0: one for each CPU this process may use"},
    {FIELD(published_accuracy), .type = RECIPE_SHARE, .comment = true,
     .help = "for comparison; nan where nothing is published"},
    {FIELD(published_remaining), .type = RECIPE_SHARE, .comment = true,
     .help = "share of non-hidden weights, likewise"},
    {FIELD(published_source), .type = RECIPE_LINE, .comment = true, .help = "where the two stand"},
};
const size_t sm_recipe_n_keys = sizeof sm_recipe_keys / sizeof *sm_recipe_keys;
