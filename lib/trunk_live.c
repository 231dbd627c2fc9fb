/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trunk_live.c - which channels a mask leaves alive, from both ends of the trunk.
 *
 * A channel is heard when anything but 0 can arrive in it: forward, through kept weights from channels that are heard.
 * It is asked when its gradient can be anything but 0: backward, through kept weights to channels that are asked.
 * ELU(0) = ReLU(0) = 0, and sums, pools and gradients of zeros are zeros, so both are exact. */
#include <supermask/trunk.h>

#include <string.h>

static bool hears(const struct sm_trunk_node *t, size_t o, const uint8_t *heard) {
    const struct sm_kept_row row = sm_kept_row(t->weights.kept, o);
    size_t taps = sm_conv_taps(&t->conv);
    for (uint32_t k = 0; k < row.n_plus; k++)
        if (heard[row.plus[k] / taps]) return true;
    for (uint32_t k = 0; k < row.n_minus; k++)
        if (heard[row.minus[-(ptrdiff_t)k] / taps]) return true;
    return false;
}

static void ask(const struct sm_trunk_node *t, size_t o, uint8_t *asked) {
    const struct sm_kept_row row = sm_kept_row(t->weights.kept, o);
    size_t taps = sm_conv_taps(&t->conv);
    for (uint32_t k = 0; k < row.n_plus; k++) asked[row.plus[k] / taps] = 1;
    for (uint32_t k = 0; k < row.n_minus; k++) asked[row.minus[-(ptrdiff_t)k] / taps] = 1;
}

/* What a dense product computes counts as alive; batch norm makes something of nothing. */
static bool is_listed(const struct sm_trunk_node *t) {
    return t->weights.sparse && !t->node->batch_norm;
}

static uint8_t *heard_of(const struct sm_trunk *trunk, int n) {
    return n >= 0 ? trunk->nodes[n].heard : trunk->images_heard;
}

static void hear(struct sm_trunk *trunk, struct sm_trunk_node *t) {
    for (size_t c = 0; c < t->out.channels; c++) {
        if (sm_trunk_is_conv(t)) {
            t->heard[c] = !is_listed(t) || hears(t, c, heard_of(trunk, t->inputs[0]));
            continue;
        }
        t->heard[c] = 0;
        for (size_t i = 0; i < t->node->n_inputs; i++) t->heard[c] |= heard_of(trunk, t->inputs[i])[c];
    }
}

static void ask_inputs(struct sm_trunk *trunk, struct sm_trunk_node *t) {
    for (size_t i = 0; i < t->node->n_inputs; i++) {
        if (t->inputs[i] < 0) continue;
        struct sm_trunk_node *below = &trunk->nodes[t->inputs[i]];
        for (size_t c = 0; c < t->out.channels; c++) {
            if (!t->asked[c]) continue;
            if (!sm_trunk_is_conv(t))
                below->asked[c] = 1;
            else if (is_listed(t))
                ask(t, c, below->asked);
            else
                memset(below->asked, 1, below->out.channels);
        }
    }
}

/* Units of the dense layers to channels of the last node. */
static void ask_last(struct sm_trunk *trunk, const uint8_t *asked_units) {
    struct sm_trunk_node *last = &trunk->nodes[trunk->n_nodes - 1];
    size_t n_units = sm_trunk_units(trunk), per_channel = n_units / last->out.channels;
    for (size_t u = 0; u < n_units; u++) last->asked[u / per_channel] |= asked_units[u];
}

void sm_trunk_find_live(struct sm_trunk *trunk, const uint8_t *asked_units) {
    for (size_t n = 0; n < trunk->n_nodes; n++) {
        hear(trunk, &trunk->nodes[n]);
        memset(trunk->nodes[n].asked, 0, trunk->nodes[n].out.channels);
    }
    ask_last(trunk, asked_units);
    for (size_t n = trunk->n_nodes; n-- > 0;) ask_inputs(trunk, &trunk->nodes[n]);
    for (size_t n = 0; n < trunk->n_nodes; n++) {
        struct sm_trunk_node *t = &trunk->nodes[n];
        if (!sm_trunk_is_conv(t)) continue;
        sm_channels_set(&t->in_channels, heard_of(trunk, t->inputs[0]));
        sm_channels_set(&t->out_channels, t->asked);
    }
}
