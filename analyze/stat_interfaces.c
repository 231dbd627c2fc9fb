/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stat_interfaces.c - between two layers: are the units that receive something the ones that are read? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/counts.h"
#include "analyze/graph.h"
#include "analyze/stat.h"
#include "analyze/statistics.h"

static const struct sm_column columns[] = {
    {"run", "run"},
    {"layer", "layer whose units stand between the two"},
    {"next_layer", "layer that reads them"},
    {"units", "units of the layer"},
    {"fed", "units with a non-hidden incoming weight"},
    {"read", "units with a non-hidden outgoing weight into next_layer"},
    {"both", "units that are fed and read"},
    {"jaccard", "both / (fed + read - both); nan where no unit is fed or read"},
    {"spearman", "rank correlation of fan-in with fan-out into next_layer; nan where one of them is constant"},
    {"p_value", "of spearman, two-sided, by Student's t with units - 2 degrees of freedom"},
};

/* The units between two layers: non-hidden weights on either side, [n] each. */
struct interface {
    size_t n;
    struct sm_degree *degree_in, *degree_out;
    double *fan_in, *fan_out;
};

static void interface_destroy(struct interface *between) {
    free(between->degree_in);
    free(between->degree_out);
    free(between->fan_in);
    free(between->fan_out);
}

/* The caller destroys `between`, also after a failure. */
static int interface_init(struct interface *between, const struct sm_moment *moment, size_t layer, size_t next,
                          struct sm_error *err) {
    const struct sm_layer *layers = moment->run->net.layers;
    size_t n = layers[layer].n_out;
    *between = (struct interface){n, calloc(n + 1, sizeof(struct sm_degree)), calloc(n + 1, sizeof(struct sm_degree)),
                                  calloc(n + 1, sizeof(double)), calloc(n + 1, sizeof(double))};
    if (!between->degree_in || !between->degree_out || !between->fan_in || !between->fan_out)
        return sm_fail(err, "out of memory for %zu units", n);
    sm_layer_degree_in(&layers[layer], moment->mask[layer], NULL, between->degree_in);
    sm_layer_degree_out(&layers[next], moment->mask[next], NULL, n, between->degree_out);
    for (size_t u = 0; u < n; u++) {
        between->fan_in[u] = (double)sm_degree_total(between->degree_in[u]);
        between->fan_out[u] = (double)sm_degree_total(between->degree_out[u]);
    }
    return 0;
}

static int write_interface(struct sm_table *table, const struct interface *between, struct sm_error *err) {
    size_t fed = 0, read = 0, both = 0;
    for (size_t u = 0; u < between->n; u++) {
        fed += between->fan_in[u] > 0;
        read += between->fan_out[u] > 0;
        both += between->fan_in[u] > 0 && between->fan_out[u] > 0;
    }
    struct sm_correlation correlation;
    if (sm_spearman(between->fan_in, between->fan_out, between->n, &correlation, err)) return -1;
    sm_table_int(table, (int64_t)between->n);
    sm_table_int(table, (int64_t)fed);
    sm_table_int(table, (int64_t)read);
    sm_table_int(table, (int64_t)both);
    sm_table_real(table, sm_share(both, fed + read - both));
    sm_table_real(table, correlation.value);
    sm_table_real(table, correlation.p_value);
    return 0;
}

static int run_interface(struct sm_table *table, const struct sm_moment *moment, size_t layer, size_t next,
                         struct sm_error *err) {
    const struct sm_layer *layers = moment->run->net.layers;
    struct interface between;
    int status = interface_init(&between, moment, layer, next, err);
    if (!status) {
        sm_table_text(table, moment->run->name);
        sm_table_text(table, layers[layer].name);
        sm_table_text(table, layers[next].name);
        status = write_interface(table, &between, err);
    }
    interface_destroy(&between);
    return status;
}

static bool reads(const struct sm_layer *reader, size_t layer) {
    for (size_t k = 0; k < reader->n_inputs; k++)
        if (reader->inputs[k] == (int)layer) return true;
    return false;
}

static int interfaces_moment(void *state, const struct sm_moment *moment, struct sm_table *table,
                             struct sm_error *err) {
    (void)state;
    const struct sm_network *net = &moment->run->net;
    for (size_t l = 0; l < net->n_layers; l++)
        for (size_t next = l + 1; next < net->n_layers; next++)
            if (reads(&net->layers[next], l) && run_interface(table, moment, l, next, err))
                return sm_fail_prefix(err, "%s: interfaces", moment->run->path);
    return 0;
}

const struct sm_statistic sm_stat_interfaces = {
    .name = "interfaces",
    .help = "units fed by one layer and read by the next: overlap and rank correlation of fan-in with fan-out",
    .about =
        "Units between each layer and each layer that reads it, at one moment: a unit is fed where a weight into it\n"
        "is not hidden, and read where a weight from it into next_layer is not hidden. Units are neurons, or\n"
        "channels of a convolution (all kernel entries and, where it is flattened, all positions together). Where\n"
        "branches are summed, each branch is a layer of its own here and only its own incoming weights feed it.",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .moment = interfaces_moment,
};
