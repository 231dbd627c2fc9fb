/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.h - what --list prints. */
#ifndef SUPERMASK_TRAIN_LIST_H
#define SUPERMASK_TRAIN_LIST_H

#include <stdio.h>
#include <supermask/error.h>

/* Recipes with their descriptions, networks, methods, data sets: a heading each, then one indented line an item. */
int sm_list(FILE *out, struct sm_error *err);

#endif
