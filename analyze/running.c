/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analyze/running.h"

#include <math.h>

void sm_running_add(struct sm_running *running, double value) {
    if (isnan(value)) return;
    double before = value - running->mean;
    running->n++;
    running->mean += before / (double)running->n;
    running->squares += before * (value - running->mean);
    running->least = running->n == 1 ? value : fmin(running->least, value);
    running->most = running->n == 1 ? value : fmax(running->most, value);
}

double sm_running_mean(const struct sm_running *running) {
    return running->n ? running->mean : NAN;
}

double sm_running_sd(const struct sm_running *running) {
    return running->n > 1 ? sqrt(running->squares / (double)(running->n - 1)) : NAN;
}

double sm_running_least(const struct sm_running *running) {
    return running->n ? running->least : NAN;
}

double sm_running_most(const struct sm_running *running) {
    return running->n ? running->most : NAN;
}
