/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /network_description: the network as text, from which a reader rebuilds the graph of operators. */
#include "runfile_hdf5.h"

#include <stdlib.h>
#include <string.h>

static const char set_name[] = "network_description";
static const char description[] = "The network: every layer, pool and sum in the order of the forward pass, with what "
                                  "it reads; YAML, the language of "
                                  "supermask's network descriptions";

/* ---- writing ---- */

static hid_t create_set(hid_t file, hid_t type) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate(H5S_SCALAR), set = -1;
    if (list >= 0 && space >= 0 && H5Pset_obj_track_times(list, false) >= 0)
        set = H5Dcreate2(file, set_name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    sm_h5_drop(space);
    sm_h5_drop(list);
    return set;
}

herr_t sm_description_create(hid_t file, const struct sm_network *net) {
    if (!net->n_nodes) return 0;
    char *text = sm_network_text(net);
    hid_t type = text ? sm_h5_text_type() : -1, set = type < 0 ? -1 : create_set(file, type);
    herr_t status = set < 0 ? -1 : H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text);
    if (status >= 0) status = sm_h5_put_text(set, "description", description);
    if (sm_h5_drop(set) < 0) status = -1;
    sm_h5_drop(type);
    free(text);
    return status;
}

/* ---- reading ---- */

/* malloc'ed; NULL with a sentence. */
static char *read_text(const struct sm_run *run, struct sm_error *err) {
    char *text = NULL, *copy = NULL;
    hid_t set = H5Dopen2(run->handle->file, set_name, H5P_DEFAULT);
    hid_t space = set < 0 ? -1 : H5Dget_space(set), type = set < 0 ? -1 : H5Dget_type(set), memory = sm_h5_text_type();
    if (space < 0 || type < 0 || memory < 0)
        sm_h5_fail(err, run->path, "cannot open %s", set_name);
    else if (H5Tis_variable_str(type) <= 0 || H5Sget_simple_extent_npoints(space) != 1)
        sm_fail(err, "%s: %s is not one text", run->path, set_name);
    else if (H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) < 0)
        sm_h5_fail(err, run->path, "cannot read %s", set_name);
    else if (!(copy = strdup(text ? text : "")))
        sm_fail(err, "%s: out of memory", run->path);
    H5free_memory(text);
    sm_h5_drop(memory);
    sm_h5_drop(type);
    sm_h5_drop(space);
    sm_h5_drop(set);
    return copy;
}

static bool is_same_layer(const struct sm_layer *a, const struct sm_layer *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->activation == b->activation &&
           a->n_out == b->n_out && a->n_in == b->n_in && a->kernel_height == b->kernel_height &&
           a->kernel_width == b->kernel_width && a->stride == b->stride && a->padding == b->padding &&
           a->n_inputs == b->n_inputs && memcmp(a->inputs, b->inputs, a->n_inputs * sizeof *a->inputs) == 0;
}

/* The description and the groups of /layers are of one network. */
static int check_same(const struct sm_run *run, const struct sm_network *described, struct sm_error *err) {
    const struct sm_network *net = &run->net;
    if (strcmp(described->name, net->name) != 0 || described->n_layers != net->n_layers ||
        described->input_channels != net->input_channels || described->input_height != net->input_height ||
        described->input_width != net->input_width)
        return sm_fail(err, "%s: %s describes another network than the one that is stored", run->path, set_name);
    for (size_t l = 0; l < net->n_layers; l++)
        if (!is_same_layer(&described->layers[l], &net->layers[l]))
            return sm_fail(err, "%s: %s describes layer %s, and layers/%s is another", run->path, set_name,
                           described->layers[l].name, net->layers[l].name);
    return 0;
}

static int read_nodes(struct sm_run *run, struct sm_error *err) {
    static const struct sm_network_options plain = {SM_LINEAR, 1.0, false}; /* the text leaves nothing to options */
    struct sm_network described = {0};
    char *text = read_text(run, err);
    if (!text) return -1;
    int status = sm_network_parse(&described, text, set_name, &plain, err);
    free(text);
    if (status < 0)
        sm_fail_prefix(err, "%s", run->path);
    else
        status = check_same(run, &described, err);
    if (status == 0) {
        run->net.n_nodes = described.n_nodes;
        run->net.nodes = described.nodes;
        described.n_nodes = 0;
        described.nodes = NULL;
    }
    sm_network_destroy(&described);
    return status;
}

int sm_description_open(struct sm_run *run, struct sm_error *err) {
    if (H5Lexists(run->handle->file, set_name, H5P_DEFAULT) > 0) return read_nodes(run, err);
    return sm_network_stack_nodes(&run->net) ? sm_fail(err, "%s: out of memory", run->path) : 0;
}
