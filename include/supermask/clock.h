/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SUPERMASK_CLOCK_H
#define SUPERMASK_CLOCK_H

/* Seconds since some moment, by a clock that never goes back. */
double sm_now(void);

#endif
