/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - a network as it stands at one moment, to be evaluated: description, weights, masks, and what to evaluate it
 * on. It comes from a run file (any recorded step) or from a compact file (compact.h); both are computed by the same
 * engine (forward.h).
 *
 * A model can be shrunk: units that no route from input to output goes through are taken out of the network, and so are
 * weights on no route. The logits stay the same to the last bit (see sm_model_shrink). */
#ifndef SUPERMASK_MODEL_H
#define SUPERMASK_MODEL_H

#include <stdint.h>
#include <supermask/forward.h>
#include <supermask/recipe.h>
#include <supermask/runfile.h>

struct sm_model_layer {
    struct sm_padded_shape shape;
    float *weight;             /* [n_rows][stride], the engine's layout, zeros where padded */
    int8_t *mask;              /* likewise; NULL: no weight is hidden */
    struct sm_batch_norm norm; /* with its moving statistics; no channels: there is none */
    enum sm_form form;
    float magnitude; /* as in sm_binding; meaningless while form is SM_FORM_BY_DENSITY */
};

/* What the model is a state of. */
struct sm_model_source {
    char *run;               /* the run's name */
    char *dataset_sha256;    /* of the data that it was trained on */
    struct sm_recipe recipe; /* name, dataset, method, standardize, loss, batch and seeds; the rest may be defaults */
    uint64_t record, weights, remaining; /* of the record: its number, weights of the whole network, those not hidden */
    int64_t step;
    double epoch;
};

struct sm_model {
    struct sm_model_source source;
    struct sm_network net;
    struct sm_model_layer *layers; /* [net.n_layers] */
};

/* Reads one record of a run, with the initial weights, or the final ones of a run that trains weights: of those only
 * the last record of a complete run can be read. The caller destroys, also after a failure. */
int sm_model_read_run(struct sm_model *model, const struct sm_run *run, size_t record, struct sm_error *err);
void sm_model_destroy(struct sm_model *model);

/* Weights that are not hidden. */
size_t sm_model_remaining(const struct sm_model *model, size_t layer);

/* Writes down how the engine computes each layer: no form is SM_FORM_BY_DENSITY afterwards. */
int sm_model_fix_forms(struct sm_model *model, struct sm_error *err);

/* The smaller network that gives the same logits, of a model whose forms are fixed. A weight is dropped where its input
 * is fed by nothing or its output is read by nothing (alive.h); a unit, where that is so in every place that shares its
 * number: all branches of a residual sum.
 *
 * Why not a bit changes: a unit that nothing feeds is 0 for every image (a list's empty sum is +0, a product's zeros
 * add up to 0, and ELU, ReLU, pools and sums turn 0 into 0). Adding 0 or -0 to a sum that began as +0 changes no bit of
 * it, finite as all numbers here are, so weights that read such a unit may go, and weights that feed what nobody reads.
 * The remaining summands keep their order. A layer that is computed as a product (OpenBLAS) adds in an order that
 * depends on its shape; it keeps its shape, and its dropped weights become zeros. Input and output keep their units,
 * and every layer keeps one. */
int sm_model_shrink(struct sm_model *small, const struct sm_model *model, struct sm_error *err);

/* For `capacity` images a pass; binds every layer and freezes. Borrows the model. The caller destroys `forward`, also
 * after a failure. */
int sm_model_forward(struct sm_forward *forward, const struct sm_model *model, size_t capacity, int n_threads,
                     struct sm_error *err);

/* Logits [samples][classes] of all samples, in passes of the recipe's batch as in training. */
int sm_model_logits(const struct sm_model *model, const struct sm_samples *samples, int n_threads, float *logits,
                    struct sm_error *err);
/* Accuracy and mean loss from them: the numbers that sm_forward_evaluate gives. */
struct sm_evaluation sm_model_score(const struct sm_model *model, const struct sm_samples *samples,
                                    const float *logits);

#endif
