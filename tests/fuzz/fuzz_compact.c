/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes as the inside of a compact file (signature, version and checksum are put around them, or nothing
 * would get past the checksum). What is read must be a network that the engine takes; what is not is refused with a
 * sentence. tests/long/fuzz.bats builds and runs it. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <supermask/compact.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A description may ask for any amount of memory; that is no fault to look for. */
static int asks_for_much(const uint8_t *data, size_t size) {
    const uint8_t *network = memmem(data, size, "input:", 6), *end = data + size;
    size_t digits = 0;
    for (const uint8_t *c = network; c && c < end && digits < 3; c++) digits = isdigit(*c) ? digits + 1 : 0;
    return digits >= 3;
}

static void bind(const struct sm_model *model) {
    struct sm_forward forward;
    struct sm_error err = {{0}};
    if (sm_network_weights(&model->net) > 100000 || sm_network_inputs(&model->net) > 10000) return;
    if (sm_model_forward(&forward, model, 1, 1, &err) && !*err.text) abort();
    sm_forward_destroy(&forward);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t begin[] = {0x89, 'S', 'M', 'C', '\r', '\n', 0x1a, '\n', 1, 0, 0, 0};
    struct sm_model model;
    struct sm_error err = {{0}};
    if (asks_for_much(data, size)) return 0;
    size_t n = sizeof begin + size + 4;
    uint8_t *bytes = malloc(n);
    if (!bytes) abort();
    memcpy(bytes, begin, sizeof begin);
    memcpy(bytes + sizeof begin, data, size);
    uint32_t crc = sm_compact_checksum(bytes, n - 4);
    for (size_t k = 0; k < 4; k++) bytes[n - 4 + k] = (uint8_t)(crc >> 8 * k);
    if (sm_compact_parse(&model, bytes, n, "fuzz", &err) == 0)
        bind(&model);
    else if (!*err.text)
        abort();
    sm_model_destroy(&model);
    free(bytes);
    return 0;
}
