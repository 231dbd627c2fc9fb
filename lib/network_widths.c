/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dense stacks from their widths: 784-300-100-10. */
#include "network_description.h"

#include <supermask/text.h>

#include <stdio.h>
#include <string.h>

bool sm_network_looks_like_widths(const char *spec) {
    return strchr(spec, '-') && strspn(spec, "0123456789-") == strlen(spec);
}

/* The number before the next '-', or -1; *spec moves behind the dash, or to NULL at the end. */
static int64_t next_width(const char **spec) {
    char digits[16];
    size_t length = strcspn(*spec, "-");
    int64_t width;
    if (length >= sizeof digits) return -1;
    memcpy(digits, *spec, length);
    digits[length] = '\0';
    *spec = (*spec)[length] ? *spec + length + 1 : NULL;
    return sm_parse_int(digits, &width) || width < 1 || width > NETWORK_LARGEST_SIZE ? -1 : width;
}

static int append_dense(struct sm_network *net, size_t n_in, size_t n_out, enum sm_activation activation,
                        struct sm_error *err) {
    char name[SM_NAME_SIZE];
    snprintf(name, sizeof name, "dense%zu", net->n_layers + 1);
    struct sm_layer *layer = sm_network_append(net, name, 1);
    if (!layer) return sm_fail(err, "network: out of memory");
    layer->n_in = n_in;
    layer->n_out = n_out;
    layer->kernel_height = layer->kernel_width = layer->stride = 1;
    layer->inputs[0] = (int)net->n_layers - 2; /* SM_NETWORK_INPUT for the first */
    layer->activation = activation;
    return 0;
}

/* One width after the other; `options` tell what the hidden ones become. */
static int append_all(struct sm_network *net, const char *spec, const struct sm_network_options *options,
                      struct sm_error *err) {
    const char *at = spec;
    for (size_t n_in = 0; at;) {
        int64_t width = next_width(&at);
        double product;
        if (width < 0)
            return sm_fail(err, "network: '%s': widths are whole numbers from 1 to %d: 784-300-100-10", spec,
                           NETWORK_LARGEST_SIZE);
        size_t units = (size_t)width;
        if (n_in && at && sm_network_widen(&units, options->width, &product))
            return sm_fail(err, "network: '%s': %zu units times the width %g are %g, no whole number from 1 to %d",
                           spec, units, options->width, product, NETWORK_LARGEST_SIZE);
        if (n_in && append_dense(net, n_in, units, at ? options->activation : SM_LINEAR, err)) return -1;
        if (!n_in) net->input_width = units;
        n_in = units;
    }
    return 0;
}

int sm_network_read_widths(struct sm_network *net, const char *spec, const struct sm_network_options *options,
                           struct sm_error *err) {
    if (strlen(spec) >= SM_NAME_SIZE) return sm_fail(err, "network: the widths %s are too long", spec);
    strcpy(net->name, spec);
    net->input_channels = net->input_height = 1;
    if (append_all(net, spec, options, err)) return -1;
    if (sm_network_check(net, err)) return sm_fail_prefix(err, "network %s", spec);
    return sm_network_stack_nodes(net) ? sm_fail(err, "network: out of memory") : 0;
}
