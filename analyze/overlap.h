/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overlap.h - what two runs keep in common, layer by layer, as found and with hidden units aligned, against each null
 * model (nulls.h): computed once for a pair, whichever tables ask. Every replicate of a null is compared as found and
 * then aligned by the very same procedure as the data. */
#ifndef SUPERMASK_ANALYZE_OVERLAP_H
#define SUPERMASK_ANALYZE_OVERLAP_H

#include "analyze/nulls.h"
#include "analyze/stat.h"

/* What can be compared. */
struct sm_comparison {
    enum sm_compare bit;
    const char *name; /* "mask", "weight" */
};
enum { SM_N_COMPARISONS = 2 };
extern const struct sm_comparison sm_comparisons[SM_N_COMPARISONS];

enum sm_overlap_alignment { SM_OVERLAP_RAW, SM_OVERLAP_ALIGNED, SM_N_OVERLAP_ALIGNMENTS };
extern const char *const sm_overlap_alignment_names[SM_N_OVERLAP_ALIGNMENTS]; /* "raw", "aligned" */

/* Of one layer, or all of them. Counts are weights; what is undefined is NaN: the columns of `overlap` say when. */
struct sm_overlap_cells {
    size_t n, a, b, both; /* all; non-hidden in the first run, in the second, in both */
    double jaccard, dice, overlap_coefficient, agreement, kappa, sign_agreement;
    double expected_both, expected_jaccard, z, p_value, p_holm;
    double expected_sign_agreement, sign_z, sign_p_value;
};

/* How far from chance towards what the two densities allow: with E = expected_both, (both - E) / (min(a, b) - E) where
 * both >= E, else (both - E) / (E - max(0, a + b - n)). 1 where all that one run keeps the other keeps too, 0 where
 * they have as much in common as chance gives, -1 where as little as possible. Against independent masks it is the
 * coefficient of interspecific association C7 of Cole 1949 ("The measurement of interspecific association", Ecology
 * 30), which, unlike Jaccard's index, can be 1 where the densities differ. NaN where chance leaves nothing open. */
double sm_overlap_association(const struct sm_overlap_cells *cells);

struct sm_overlap {
    size_t n_layers;
    struct sm_overlap_cells *cells; /* [SM_N_OVERLAP_ALIGNMENTS][SM_N_NULLS][n_layers + 1]; the last layer: all */
};
const struct sm_overlap_cells *sm_overlap_cells(const struct sm_overlap *overlap, enum sm_overlap_alignment alignment,
                                                size_t null, size_t layer);

/* What a pair of runs hands its statistics: by masks and by weights, each computed when it is first asked for. */
struct sm_overlaps {
    bool done[2];
    struct sm_overlap overlap[2];
};
void sm_overlaps_destroy(struct sm_overlaps *overlaps);

/* Valid until the pair's last hook returns; NULL on failure. */
const struct sm_overlap *sm_pair_overlap(const struct sm_pair *pair, enum sm_compare compare, struct sm_error *err);

#endif
