/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rescale.h - dynamic weight rescaling (DWR): Zhou et al. 2019 (arXiv 1905.01067), section 5. */
#ifndef SUPERMASK_RESCALE_H
#define SUPERMASK_RESCALE_H

#include <stddef.h>

/* What the n_kept kept weights of a layer are multiplied by: weights / kept weights; 1 where none is kept. */
float sm_rescale_factor(size_t n_weights, size_t n_kept);

#endif
