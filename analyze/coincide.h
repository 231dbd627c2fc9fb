/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coincide.h - what two ternary networks have in common, entry by entry, with b's units in some order. */
#ifndef SUPERMASK_ANALYZE_COINCIDE_H
#define SUPERMASK_ANALYZE_COINCIDE_H

#include "analyze/align.h"
#include "analyze/ternary.h"

/* Entries of one layer by their classes: table[i][j] that are class i in a and j in b; 0 invert or negative, 1 hide, 2
 * keep or positive. */
struct sm_joint {
    size_t table[3][3];
};

static inline size_t sm_joint_both(const struct sm_joint *joint) {
    return joint->table[0][0] + joint->table[0][2] + joint->table[2][0] + joint->table[2][2];
}
static inline size_t sm_joint_equal_signs(const struct sm_joint *joint) {
    return joint->table[0][0] + joint->table[2][2];
}

/* Memory of one thread: [widest fan-in] each. */
struct sm_coincide_scratch {
    int8_t *marker; /* all 0 between calls */
    uint32_t *column_of;
};
int sm_coincide_scratch_init(struct sm_coincide_scratch *scratch, const struct sm_ternary *like, struct sm_error *err);
void sm_coincide_scratch_destroy(struct sm_coincide_scratch *scratch);

/* joint [n_layers + 1]: the layers, then all. alignment NULL: unit against unit as they stand. */
void sm_coincide(struct sm_joint *joint, const struct sm_graph *graph, const struct sm_ternary *a,
                 const struct sm_ternary *b, const struct sm_alignment *alignment, struct sm_coincide_scratch *scratch);

#endif
