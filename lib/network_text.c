/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network as the text of its description: one line for each node, every key written out. */
#include <supermask/network.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Names are quoted: "1e5", "no" and "-" are names of layers, too. */
static void print_quoted(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_layer(FILE *out, const struct sm_network *net, const struct sm_node *node) {
    const struct sm_layer *layer = &net->layers[node->layer];
    if (layer->kind == SM_DENSE) {
        fprintf(out, ", kind: dense, units: %zu", layer->n_out);
        return;
    }
    fprintf(out, ", kind: conv2d, filters: %zu, kernel: [%zu, %zu], stride: %zu, padding: %s, batch_norm: %s",
            layer->n_out, layer->kernel_height, layer->kernel_width, layer->stride, sm_padding_name(layer->padding),
            node->batch_norm ? "true" : "false");
}

static void print_kind(FILE *out, const struct sm_network *net, const struct sm_node *node) {
    if (node->kind == SM_NODE_LAYER)
        print_layer(out, net, node);
    else
        fprintf(out, ", kind: %s", sm_node_kind_name(node->kind));
    if (node->kind == SM_NODE_MAX_POOL)
        fprintf(out, ", size: %zu, stride: %zu, padding: %s", node->size, node->stride, sm_padding_name(node->padding));
    if (node->kind == SM_NODE_LAYER || node->kind == SM_NODE_ADD)
        fprintf(out, ", activation: %s", sm_activation_name(node->activation));
}

static void print_node(FILE *out, const struct sm_network *net, const struct sm_node *node) {
    fputs("  - {name: ", out);
    print_quoted(out, node->name);
    print_kind(out, net, node);
    fputs(", inputs: [", out);
    for (size_t i = 0; i < node->n_inputs; i++) {
        if (i) fputs(", ", out);
        print_quoted(out, node->inputs[i] == SM_NETWORK_INPUT ? "input" : net->nodes[node->inputs[i]].name);
    }
    fputs("]}\n", out);
}

char *sm_network_text(const struct sm_network *net) {
    char *text = NULL;
    size_t size;
    assert(net->n_nodes);
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fputs("name: ", out);
    print_quoted(out, net->name);
    fprintf(out, "\ninput: [%zu, %zu, %zu]\nlayers:\n", net->input_channels, net->input_height, net->input_width);
    for (size_t n = 0; n < net->n_nodes; n++) print_node(out, net, &net->nodes[n]);
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed) return text;
    free(text);
    return NULL;
}
