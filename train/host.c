/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/host.h"

#include <supermask/conv_bf16.h>
#include <supermask/kernels.h>

#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void add(struct sm_host *host, const char *name, const char *text) {
    assert(host->n < SM_HOST_FACTS);
    char *copy = host->text[host->n];
    snprintf(copy, SM_HOST_TEXT, "%s", text);
    host->facts[host->n++] = (struct sm_host_fact){name, copy};
}

static void add_number(struct sm_host *host, const char *name, int number) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    add(host, name, text);
}

/* The first "model name : ..." of /proc/cpuinfo. */
static void read_cpu_model(char *model, size_t size) {
    char line[512];
    snprintf(model, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) != 0 || !colon) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(model, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
        break;
    }
    fclose(file); /* read only: nothing can be lost */
}

void sm_host_collect(struct sm_host *host, int threads) {
    struct utsname name;
    char text[SM_HOST_TEXT];
    memset(host, 0, sizeof *host);
    bool known = uname(&name) == 0;
    add(host, "hostname", known ? name.nodename : "unknown");
    if (known) snprintf(text, sizeof text, "%.60s %.60s %.60s", name.sysname, name.release, name.machine);
    add(host, "system", known ? text : "unknown");
    read_cpu_model(text, sizeof text);
    add(host, "cpu", text);
    add_number(host, "cpus", omp_get_num_procs());
    add_number(host, "threads", threads);
    add(host, "kernels", sm_kernels_name());
    add(host, "kernels_bf16", sm_bf16_kernels_name(sm_bf16_kernels_get()));
    add(host, "blas", sm_blas_name());
    add(host, "blas_core", sm_blas_core());
#ifdef __clang__
    add(host, "compiler", __VERSION__);
#else
    add(host, "compiler", "gcc " __VERSION__);
#endif
    add_number(host, "openmp", _OPENMP);
}
