/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/recipe.h>
#include <supermask/rng.h>
#include <supermask/share.h>
#include <unistd.h>

static struct sm_recipe defaults(void) {
    struct sm_recipe recipe;
    sm_recipe_defaults(&recipe);
    return recipe;
}

static struct sm_recipe with(const char *assignment) {
    struct sm_recipe recipe = defaults();
    struct sm_error err = {0};
    if (sm_recipe_set(&recipe, assignment, &err)) fail_msg("%s: %s", assignment, err.text);
    return recipe;
}

/* A value that is not the default for every key, and the line that must come out of sm_recipe_text. */
static const struct {
    const char *key, *value, *printed;
} values[] = {
    {"name", "my-recipe_2.b+", "name: \"my-recipe_2.b+\"\n"},
    {"description", "says \"hi\" \\ f\xc3\xbcr # all: [x]",
     "description: \"says \\\"hi\\\" \\\\ f\xc3\xbcr # all: [x]\"\n"},
    {"network", "784-10", "network: \"784-10\"\n"},
    {"width", "1.5", "width: 1.5\n"},
    {"batch_norm", "true", "batch_norm: true\n"},
    {"dataset", "mnist", "dataset: \"mnist\"\n"},
    {"method", "dense", "method: \"dense\"\n"},
    {"activation", "relu", "activation: relu\n"},
    {"loss", "logits", "loss: logits\n"},
    {"precision", "bf16", "precision: bf16\n"},
    {"standardize", "unit", "standardize: unit\n"},
    {"augment", "crop-flip", "augment: crop-flip\n"},
    {"order", "shuffled", "order: shuffled\n"},
    {"epochs", "3", "epochs: 3\n"},
    {"passes", "7", "passes: 7\n"},
    {"batch", "60", "batch: 60\n"},
    {"optimizer", "adam", "optimizer: adam\n"},
    {"learning_rate", "0.1", "learning_rate: 0.1\n"},
    {"weight_decay", "1e-5", "weight_decay: 1.0e-05\n"},
    {"momentum", "0", "momentum: 0\n"},
    {"nesterov", "false", "nesterov: false\n"},
    {"schedule", "plateau", "schedule: plateau\n"},
    {"schedule_rate", "0.5", "schedule_rate: 0.5\n"},
    {"decay_epochs", "2.5", "decay_epochs: 2.5\n"},
    {"staircase_steps", "469", "staircase_steps: 469\n"},
    {"plateau_patience", "10", "plateau_patience: 10\n"},
    {"plateau_reductions", "7", "plateau_reductions: 7\n"},
    {"plateau_cooldown", "0", "plateau_cooldown: 0\n"},
    {"plateau_start", "1", "plateau_start: 1\n"},
    {"plateau_factor", "0.1", "plateau_factor: 0.1\n"},
    {"threshold_kind", "relative", "threshold_kind: relative\n"},
    {"threshold", "0.4", "threshold: 0.4\n"},
    {"keep", "0.25", "keep: 0.25\n"},
    {"mask_samples", "3", "mask_samples: 3\n"},
    {"rescale", "dynamic", "rescale: dynamic\n"},
    {"rounds", "24", "rounds: 24\n"},
    {"retrain", "false", "retrain: false\n"},
    {"prune", "0.3", "prune: 0.3\n"},
    {"prune_conv", "0.15", "prune_conv: 0.15\n"},
    {"prune_output", "0.25", "prune_output: 0.25\n"},
    {"criterion", "movement", "criterion: movement\n"},
    {"mask_one", "signed-constant", "mask_one: signed-constant\n"},
    {"mask_zero", "freeze", "mask_zero: freeze\n"},
    {"masks_from", "runs/a.h5", "masks_from: \"runs/a.h5\"\n"},
    {"validation", "5000", "validation: 5000\n"},
    {"validate_every", "100", "validate_every: 100\n"},
    {"weight_init", "normal", "weight_init: normal\n"},
    {"weight_scale", "he", "weight_scale: he\n"},
    {"weight_gain", "3", "weight_gain: 3\n"},
    {"scale_fan", "true", "scale_fan: true\n"},
    {"score_scale", "elu", "score_scale: elu\n"},
    {"score_gain", "1.3", "score_gain: 1.3\n"},
    {"record", "100", "record: 100\n"},
    {"record_scores", "true", "record_scores: true\n"},
    {"weight_seed", "18446744073709551615", "weight_seed: 18446744073709551615\n"},
    {"score_seed", "2", "score_seed: 2\n"},
    {"data_seed", "3", "data_seed: 3\n"},
    {"threads", "4", "threads: 4\n"},
    {"published_accuracy", "0.9748", "published_accuracy: 0.9748\n"},
    {"published_remaining", "0.0377", "published_remaining: 0.0377\n"},
    {"published_source", "a paper", "published_source: \"a paper\"\n"},
};
enum { N_VALUES = sizeof values / sizeof *values };

static void every_key_can_be_set_and_is_printed(void **state) {
    (void)state;
    for (size_t k = 0; k < N_VALUES; k++) {
        char assignment[256];
        assert_non_null(sm_recipe_key(k));
        assert_string_equal(sm_recipe_key(k), values[k].key); /* none is missing here, and this is their order */
        snprintf(assignment, sizeof assignment, "%s=%s", values[k].key, values[k].value);
        struct sm_recipe recipe = with(assignment);
        char *text = sm_recipe_text(&recipe);
        if (!strstr(text, values[k].printed)) fail_msg("%s is not in\n%s", values[k].printed, text);
        free(text);
    }
    assert_null(sm_recipe_key(N_VALUES));
}

static void keys_reach_their_fields(void **state) {
    (void)state;
    assert_true(with("activation=linear").activation == SM_LINEAR && with("activation=elu").activation == SM_ELU);
    assert_true(with("activation=relu").activation == SM_RELU);
    assert_true(with("loss=clipped").loss == SM_LOSS_CLIPPED && with("loss=logits").loss == SM_LOSS_LOGITS);
    assert_true(with("standardize=image").standardize == SM_STANDARDIZE_IMAGE);
    assert_true(with("standardize=unit").standardize == SM_STANDARDIZE_UNIT);
    assert_true(with("standardize=channel").standardize == SM_STANDARDIZE_CHANNEL);
    assert_true(with("augment=none").augment == SM_AUGMENT_NONE);
    assert_true(with("augment=crop-flip").augment == SM_AUGMENT_CROP_FLIP);
    assert_true(with("order=fixed").order == SM_ORDER_FIXED && with("order=shuffled").order == SM_ORDER_SHUFFLED);
    assert_true(with("order=file").order == SM_ORDER_FILE);
    assert_true(with("schedule=constant").schedule == SM_SCHEDULE_CONSTANT);
    assert_true(with("schedule=exponential").schedule == SM_SCHEDULE_EXPONENTIAL);
    assert_true(with("schedule=staircase").schedule == SM_SCHEDULE_STAIRCASE);
    assert_true(with("schedule=plateau").schedule == SM_SCHEDULE_PLATEAU);
    assert_true(with("threshold_kind=absolute").threshold_kind == SM_THRESHOLD_ABSOLUTE);
    assert_true(with("threshold_kind=relative").threshold_kind == SM_THRESHOLD_RELATIVE);
    assert_true(with("weight_init=signed-constant").weight_init == SM_WEIGHTS_SIGNED_CONSTANT);
    assert_true(with("weight_init=uniform").weight_init == SM_WEIGHTS_UNIFORM);
    assert_true(with("weight_init=normal").weight_init == SM_WEIGHTS_NORMAL);
    assert_true(with("weight_scale=he").weight_scale == SM_SCALE_HE &&
                with("score_scale=he").score_scale == SM_SCALE_HE);
    assert_true(with("weight_scale=xavier").weight_scale == SM_SCALE_XAVIER);
    assert_true(with("weight_scale=elus").weight_scale == SM_SCALE_ELUS);
    assert_true(with("weight_scale=elu").weight_scale == SM_SCALE_ELU);
    assert_true(with("record=epoch").record_every == 0 && with("record=250").record_every == 250);
    assert_true(with("momentum=0.5").momentum == 0.5 && with("nesterov=true").nesterov);
    assert_true(with("weight_decay=-0").weight_decay == 0.0 && !signbit(with("weight_decay=-0").weight_decay));
    assert_true(isnan(with("published_accuracy=nan").published_accuracy));
    assert_true(isnan(with("published_accuracy=.nan").published_accuracy));
}

/* SPEC 1.1: c = sqrt(3/fan_in) for ELUS, +-sqrt(6/(fan_in+fan_out)) for uniform Xavier, whose deviation is that over
 * sqrt(3). */
static void scales(void **state) {
    (void)state;
    assert_true(fabs(sm_scale_deviation(SM_SCALE_ELUS, sm_scale_gain(SM_SCALE_ELUS), 12, 5) - 0.5) < 1e-15);
    assert_true(fabs(sm_scale_deviation(SM_SCALE_HE, sm_scale_gain(SM_SCALE_HE), 8, 5) - 0.5) < 1e-15);
    assert_true(fabs(sm_scale_deviation(SM_SCALE_ELU, sm_scale_gain(SM_SCALE_ELU), 6, 5) - 0.5) < 1e-15);
    assert_true(fabs(sm_scale_deviation(SM_SCALE_XAVIER, sm_scale_gain(SM_SCALE_XAVIER), 5, 3) - 0.5) < 1e-15);
    assert_true(fabs(sm_scale_deviation(SM_SCALE_ELUS, 3, 24, 1) - 0.5) < 1e-15);
}

static void a_choice_brings_its_own_number(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_error err = {0};
    assert_true(with("weight_scale=elu").weight_gain == 0.75 && with("weight_scale=elus").weight_gain == 1.5);
    assert_true(with("weight_scale=he").weight_gain == 1.0 && with("score_scale=elus").score_gain == 1.5);
    assert_true(with("schedule=exponential").schedule_rate == 0.9 && with("schedule=staircase").schedule_rate == 0.96);
    /* In one go the order does not matter; of two values for one key the later wins. */
    const char *const orders[][3] = {{"weight_gain=9", "weight_gain=2", "weight_scale=he"},
                                     {"weight_scale=he", "weight_gain=9", "weight_gain=2"},
                                     {"weight_gain=9", "weight_scale=he", "weight_gain=2"}};
    for (size_t i = 0; i < 3; i++) {
        recipe = defaults();
        assert_int_equal(sm_recipe_set_all(&recipe, orders[i], 3, &err), 0);
        assert_true(recipe.weight_gain == 2.0 && recipe.weight_scale == SM_SCALE_HE);
    }
    recipe = defaults();
    assert_int_equal(sm_recipe_parse(&recipe, "weight_gain: 3\nweight_scale: elu\n", "t", &err), 0);
    assert_true(recipe.weight_gain == 3.0);
}

static void sentences(void **state) {
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"epochs: 3\nlearning_rat: 0.1\n", "f:2: unknown key 'learning_rat' (nearest: learning_rate)"},
        {"record_every: 3\n", "f:1: unknown key 'record_every' (nearest: record)"},
        {"lr: 0.1\n", "f:1: unknown key 'lr' (nearest: learning_rate)"},
        {"epochs: 1O\n", "f:1: epochs: '1O' is not a whole number"},
        {"epochs: 0\n", "f:1: epochs: 0 is outside 1 .. 1000000"},
        {"epochs: 2.5\n", "f:1: epochs: '2.5' is not a whole number"},
        {"epochs:\n", "f:1: epochs: '' is not a whole number"},
        {"epochs: [1, 2]\n", "f:1: epochs: expected one value, not a list"},
        {"epochs: {a: 1}\n", "f:1: epochs: expected one value, not a map"},
        {"learning_rate: fast\n", "f:1: learning_rate: 'fast' is not a number"},
        {"learning_rate: nan\n", "f:1: learning_rate: 'nan' is not a number"},
        {"learning_rate: -0.1\n", "f:1: learning_rate: -0.1 is outside 0 .. 1000000"},
        {"momentum: 1\n", "f:1: momentum: 1 is outside 0 .. 0.9999"},
        {"nesterov: yes\n", "f:1: nesterov: 'yes' is not true or false"},
        {"schedule: stair\n", "f:1: schedule: 'stair' is not constant, exponential, staircase, plateau or cosine"},
        {"schedule: plateu\n",
         "f:1: schedule: 'plateu' is not constant, exponential, staircase, plateau or cosine (nearest: plateau)"},
        {"optimizer: adm\n", "f:1: optimizer: 'adm' is not sgdw, sgd or adam (nearest: adam)"},
        {"weight_seed: -1\n", "f:1: weight_seed: '-1' is not a whole number from 0 to 18446744073709551615"},
        {"record: often\n", "f:1: record: 'often' is neither `epoch` nor a number of steps"},
        {"record: 0\n", "f:1: record: 0 is outside 1 .. 1000000000000"},
        {"name: a/b\n", "f:1: name: 'a/b' is no name (letters, digits, '_', '-', '.', '+')"},
        {"name: .hidden\n", "f:1: name: '.hidden' is no name (letters, digits, '_', '-', '.', '+')"},
        {"description: |\n  two\n  lines\n", "f:1: description: not one line of UTF-8 text"},
        {"published_accuracy: 97.48\n", "f:1: published_accuracy: 97.48 is outside 0 .. 1 (a share, not percent)"},
        {"published_accuracy: high\n", "f:1: published_accuracy: 'high' is not a number"},
        {"name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "f:1: name: longer than 63 bytes"},
        {"Just a text.\n", "f:1: expected lines of the form `key: value`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_recipe recipe = defaults();
        struct sm_error err = {0};
        assert_int_equal(sm_recipe_parse(&recipe, cases[i].text, "f", &err), -1);
        assert_string_equal(err.text, cases[i].sentence);
    }
}

static void assignments_that_fail(void **state) {
    (void)state;
    static const struct {
        const char *assignment, *sentence;
    } cases[] = {{"epochs", "'epochs' is not KEY=VALUE"},
                 {"=3", "unknown key ''"},
                 {"epoch=3", "unknown key 'epoch' (nearest: epochs)"},
                 {"epochs=", "epochs: '' is not a whole number"},
                 {"network=a\nb", "network: not one line of UTF-8 text"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_recipe recipe = defaults();
        struct sm_error err = {0};
        assert_int_equal(sm_recipe_set(&recipe, cases[i].assignment, &err), -1);
        assert_string_equal(err.text, cases[i].sentence);
    }
}

static void round_trip(const struct sm_recipe *recipe) {
    struct sm_recipe back = defaults();
    struct sm_error err = {0};
    char *text = sm_recipe_text(recipe);
    assert_non_null(text);
    if (sm_recipe_parse(&back, text, "printed", &err)) fail_msg("%s in\n%s", err.text, text);
    char *again = sm_recipe_text(&back);
    assert_string_equal(text, again);
    free(again);
    assert_true(memcmp(&recipe->learning_rate, &back.learning_rate, sizeof(double)) == 0);
    assert_true(memcmp(&recipe->schedule_rate, &back.schedule_rate, sizeof(double)) == 0);
    assert_true(memcmp(&recipe->threshold, &back.threshold, sizeof(double)) == 0);
    assert_true(memcmp(&recipe->weight_gain, &back.weight_gain, sizeof(double)) == 0);
    assert_true(memcmp(recipe->description, back.description, sizeof back.description) == 0);
    assert_true(recipe->weight_seed == back.weight_seed && recipe->nesterov == back.nesterov);
    assert_null(sm_recipe_differs(recipe, &back));
    free(text);
}

static void text_parses_back_bit_for_bit(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_rng rng = sm_rng_make(1, SM_RNG_TEST, 0);
    round_trip(&recipe);
    for (uint64_t i = 0; i < 300; i++) {
        recipe.learning_rate = ldexp(sm_rng_uniform(&rng, 8 * i), (int)(i % 40) - 20);
        recipe.threshold = exp(-30.0 * sm_rng_uniform(&rng, 8 * i + 1));
        recipe.weight_gain = 1e-6 + sm_rng_uniform(&rng, 8 * i + 2) / 3.0;
        recipe.schedule_rate = nextafter(0.9, i % 2 ? 1.0 : 0.0);
        recipe.weight_seed = (uint64_t)sm_rng_u32(&rng, 8 * i + 3) << 32 | sm_rng_u32(&rng, 8 * i + 4);
        recipe.nesterov = i % 2;
        recipe.schedule = (enum sm_schedule_kind)(i % 4);
        recipe.published_accuracy = i % 3 ? sm_rng_uniform(&rng, 8 * i + 5) : NAN;
        round_trip(&recipe);
    }
    for (size_t k = 0; k < N_VALUES; k++) {
        char assignment[256];
        snprintf(assignment, sizeof assignment, "%s=%s", values[k].key, values[k].value);
        recipe = with(assignment);
        round_trip(&recipe);
    }
}

static void differences(void **state) {
    (void)state;
    struct sm_recipe plain = defaults();
    for (size_t k = 0; k < N_VALUES; k++) {
        char assignment[256];
        snprintf(assignment, sizeof assignment, "%s=%s", values[k].key, values[k].value);
        struct sm_recipe other = with(assignment);
        bool same = strcmp(values[k].key, "threads") == 0 || strcmp(values[k].key, "description") == 0 ||
                    strncmp(values[k].key, "published_", 10) == 0;
        const char *key = sm_recipe_differs(&plain, &other);
        if (same)
            assert_null(key);
        else
            assert_string_equal(key, values[k].key);
    }
}

static void combinations(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_error err = {0};
    assert_int_equal(sm_recipe_check(&recipe, &err), -1);
    assert_string_equal(err.text, "the recipe does not say its name");
    const char *const whole[] = {"name=a", "network=784-10", "dataset=mnist"};
    assert_int_equal(sm_recipe_set_all(&recipe, whole, 3, &err), 0);
    assert_int_equal(sm_recipe_check(&recipe, &err), 0);
    recipe.threshold_kind = SM_THRESHOLD_RELATIVE;
    recipe.threshold = 1.0;
    assert_int_equal(sm_recipe_check(&recipe, &err), -1);
    assert_non_null(strstr(err.text, "hides every weight"));
    recipe.threshold = 0.99;
    assert_int_equal(sm_recipe_check(&recipe, &err), 0);
}

static void shipped_recipes(void **state) {
    (void)state;
    char **names;
    size_t n_names;
    struct sm_error err = {0};
    assert_int_equal(sm_share_list("recipes", ".yaml", &names, &n_names, &err), 0);
    assert_true(n_names >= 5);
    for (size_t i = 0; i < n_names; i++) {
        struct sm_recipe recipe = defaults();
        if (sm_recipe_read(&recipe, names[i], &err)) fail_msg("%s", err.text);
        if (sm_recipe_check(&recipe, &err)) fail_msg("%s: %s", names[i], err.text);
        assert_string_equal(recipe.name, names[i]);
        assert_true(*recipe.description);
        round_trip(&recipe);
    }
    sm_share_free(names, n_names);
}

/* SPEC 1.8, row fcn-mnist. */
static void the_published_recipe(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_error err = {0};
    assert_int_equal(sm_recipe_read(&recipe, "fcn-mnist", &err), 0);
    assert_true(recipe.learning_rate == 0.05 && recipe.weight_decay == 0.0005 && recipe.momentum == 0.9);
    assert_true(recipe.schedule == SM_SCHEDULE_STAIRCASE && recipe.schedule_rate == 0.96 && recipe.decay_epochs == 10);
    assert_true(recipe.staircase_steps == 390 && recipe.epochs == 100 && recipe.batch == 128 && recipe.nesterov);
    assert_true(recipe.threshold_kind == SM_THRESHOLD_ABSOLUTE && recipe.threshold == 0.01);
    assert_true(recipe.weight_init == SM_WEIGHTS_SIGNED_CONSTANT && recipe.weight_scale == SM_SCALE_ELUS);
    assert_true(recipe.weight_gain == 3 && recipe.score_scale == SM_SCALE_XAVIER && recipe.score_gain == 1);
    assert_true(recipe.published_accuracy == 0.9748 && recipe.published_remaining == 0.0377);
}

static void names_and_paths(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_error err = {0};
    assert_int_equal(sm_recipe_read(&recipe, "fcn-mnits", &err), -1);
    assert_non_null(strstr(err.text, "no recipe is called 'fcn-mnits' (nearest: fcn-mnist): --list"));
    assert_int_equal(sm_recipe_read(&recipe, "absent.yaml", &err), -1);
    assert_string_equal(err.text, "absent.yaml: No such file or directory");
    char directory[] = "/tmp/test_recipe.XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/mine.yml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("epochs: 7\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sm_recipe_read(&recipe, path, &err), 0);
    assert_string_equal(recipe.name, "mine");
    assert_int_equal(recipe.epochs, 7);
    unlink(path);
    rmdir(directory);
}

/* What the recipe's file is called, what stands in it, and where the network is then looked for. */
static void a_network_stands_beside_its_recipe(void **state) {
    (void)state;
    static const struct {
        const char *text, *network; /* "@" is the recipe's directory */
    } cases[] = {
        {"network: ./net.yaml\n", "@/net.yaml"},
        {"network: net.yml\n", "@/net.yml"},
        {"network: ../net.yaml\n", "@/../net.yaml"},
        {"network: /tmp/net.yaml\n", "/tmp/net.yaml"},
        {"network: fcn\n", "fcn"},
        {"network: 784-10\n", "784-10"},
        {"epochs: 1\n", "./before.yaml"}, /* what --set gave stays as it is */
    };
    char directory[] = "/tmp/test_recipe.XXXXXX", path[64], expected[128];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/mine.yaml", directory);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sm_recipe recipe = with("network=./before.yaml");
        struct sm_error err = {0};
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(cases[i].text, file);
        assert_int_equal(fclose(file), 0);
        if (sm_recipe_read(&recipe, path, &err)) fail_msg("%s", err.text);
        bool beside = cases[i].network[0] == '@';
        snprintf(expected, sizeof expected, "%s%s", beside ? directory : "", cases[i].network + beside);
        assert_string_equal(recipe.network, expected);
    }
    unlink(path);
    rmdir(directory);
}

/* Activation, width and batch norm reach the network. */
static void its_network(void **state) {
    (void)state;
    struct sm_recipe recipe = defaults();
    struct sm_network net;
    struct sm_error err = {0};
    const char *const settings[] = {"network=resnet20", "activation=relu", "width=2", "batch_norm=true"};
    assert_int_equal(sm_recipe_set_all(&recipe, settings, 4, &err), 0);
    assert_int_equal(sm_recipe_network(&recipe, &net, &err), 0);
    assert_int_equal(net.layers[0].n_out, 32);
    assert_true(net.layers[0].activation == SM_RELU && net.nodes[0].batch_norm);
    sm_network_destroy(&net);
    recipe = with("network=784-5-2");
    assert_int_equal(sm_recipe_network(&recipe, &net, &err), 0);
    assert_int_equal(net.layers[0].n_out, 5);
    sm_network_destroy(&net);
}

static void keys_are_listed(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sm_recipe_print_keys(out);
    fclose(out);
    for (size_t k = 0; k < N_VALUES; k++) {
        char line[80];
        snprintf(line, sizeof line, "%s\n    ", values[k].key);
        assert_non_null(strstr(text, line));
    }
    assert_non_null(strstr(text, "values: constant, exponential, staircase, plateau, cosine; default: staircase\n"));
    assert_non_null(strstr(text, "values: whole from 1 to 1000000; default: 100\n"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_can_be_set_and_is_printed),
        cmocka_unit_test(keys_reach_their_fields),
        cmocka_unit_test(scales),
        cmocka_unit_test(a_choice_brings_its_own_number),
        cmocka_unit_test(sentences),
        cmocka_unit_test(assignments_that_fail),
        cmocka_unit_test(text_parses_back_bit_for_bit),
        cmocka_unit_test(differences),
        cmocka_unit_test(combinations),
        cmocka_unit_test(shipped_recipes),
        cmocka_unit_test(the_published_recipe),
        cmocka_unit_test(names_and_paths),
        cmocka_unit_test(a_network_stands_beside_its_recipe),
        cmocka_unit_test(its_network),
        cmocka_unit_test(keys_are_listed),
    };
    setenv("SUPERMASK_SHARE", "train", 0); /* the sources' own recipes; the tests run in the repository's root */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
