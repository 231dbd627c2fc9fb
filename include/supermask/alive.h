/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alive.h - which units of a masked network matter: those on a route of weights that are not hidden from the input to
 * the output (the effective weights of Vysogorets & Kempe 2023, "Connectivity matters", are those between them).
 *
 * Units are the channels of the input and of each node's output; those of a dense layer are its own units. Positions
 * within a channel are not told apart, so a weight counts as used even where padding would silence it. */
#ifndef SUPERMASK_ALIVE_H
#define SUPERMASK_ALIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <supermask/error.h>
#include <supermask/network.h>

/* The masks that it is worked out from: [n_layers] pointers to rows [n_out][stride[l]]; NULL: nothing is hidden. */
struct sm_alive_mask {
    const int8_t *mask;
    size_t stride;
};

struct sm_alive {
    const struct sm_network *net;      /* borrowed, as are the masks */
    const struct sm_alive_mask *masks; /* [n_layers] */
    size_t *offset;                    /* [n_nodes + 2]: units of node n are offset[n + 1] ..; node -1 is the input */
    bool *fed, *read;                  /* of each unit: is it reached from the input; does it reach the output */
};

/* The network has nodes. The caller destroys, also after a failure. */
int sm_alive_init(struct sm_alive *alive, const struct sm_network *net, const struct sm_alive_mask *masks,
                  struct sm_error *err);
void sm_alive_destroy(struct sm_alive *alive);

/* Is unit u of the node (or SM_NETWORK_INPUT) on a route? */
bool sm_alive_unit(const struct sm_alive *alive, int node, size_t u);
/* Is weight i of unit o of a layer on a route: not hidden, its input fed, its output read? */
bool sm_alive_weight(const struct sm_alive *alive, size_t layer, size_t o, size_t i);
size_t sm_alive_weights(const struct sm_alive *alive, size_t layer);
size_t sm_alive_units(const struct sm_alive *alive, int node);

#endif
