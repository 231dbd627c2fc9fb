/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.h - values of RFC 8259. Write errors stay in the stream. */
#ifndef SUPERMASK_ANALYZE_JSON_H
#define SUPERMASK_ANALYZE_JSON_H

#include <stdio.h>

/* Quoted and escaped; bytes that are not UTF-8 (a file name may hold any) become U+FFFD. */
void sm_json_string(FILE *file, const char *text);

/* Reads back to the same double; null where it is not finite. */
void sm_json_real(FILE *file, double value);

#endif
