/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes as a network description. What parses must print, parse back to the same network, and print the
 * same; what does not is refused with a sentence. tests/long/fuzz.bats builds and runs it. */
#include "tests/network_compare.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct sm_network *net) {
    const struct sm_network_options plain = {SM_RELU, 1.0, false};
    struct sm_network back;
    struct sm_error err = {0};
    char *text = sm_network_text(net);
    if (!text || sm_network_parse(&back, text, "printed", &plain, &err) || !same_network(net, &back)) abort();
    char *again = sm_network_text(&back);
    if (!again || strcmp(text, again) != 0) abort();
    free(text);
    free(again);
    sm_network_destroy(&back);
}

/* The first byte chooses what the recipe says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const struct sm_network_options options = {SM_ELU, data[0] & 1 ? 1.5 : 1.0, data[0] & 2};
    struct sm_network net;
    struct sm_error err = {0};
    char *text = malloc(size);
    if (!text) abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (sm_network_parse(&net, text, "fuzz", &options, &err) == 0)
        check_round_trip(&net);
    else if (!*err.text)
        abort();
    sm_network_destroy(&net);
    free(text);
    return 0;
}
