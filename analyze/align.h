/* SPDX-License-Identifier: GPL-3.0-or-later */
/* align.h - which hidden unit of one network plays the part of which unit of another: weight matching (Ainsworth,
 * Hayase & Srinivasa 2023, "Git Re-Basin", section 3.2) on ternary weights.
 *
 * Hidden units can be re-ordered without changing what a network computes, as long as the rows of the layer that makes
 * them and the columns of all layers that read them move together. Layers whose outputs are summed share one order: a
 * space. Input and output units stand for themselves: their spaces are fixed. For networks a and b we look for the
 * orders of b's spaces that make the profit largest: the sum over all entries of the product of a's and b's entries,
 * where entries are signs in {-1, 0, +1} (by weights), or 1 where not hidden (by masks: signs of different initial
 * weights do not speak to each other, so that only the places can be matched).
 *
 * Coordinate descent: one space after the other gets its best order, others held (a linear assignment), until a whole
 * round improves nothing. It finds a local optimum, so it begins at several orders and keeps the best: from the input
 * upwards, each space matched by what stands below it (or, should that end lower than b as it stands, from there: the
 * profit is never less than without alignment); from the output downwards; random ones. */
#ifndef SUPERMASK_ANALYZE_ALIGN_H
#define SUPERMASK_ANALYZE_ALIGN_H

#include "analyze/assignment.h"
#include "analyze/graph.h"
#include "analyze/stat.h"
#include "analyze/ternary.h"

enum { SM_ALIGN_MOST_STARTS = 64 };

/* Which levels of a graph share an order. */
struct sm_spaces {
    const struct sm_graph *graph; /* borrowed */
    size_t n_spaces;
    size_t *of_level; /* [n_levels] its space, or n_spaces: fixed */
    size_t *n_units;  /* [n_spaces] */
};
int sm_spaces_init(struct sm_spaces *spaces, const struct sm_graph *graph, struct sm_error *err);
void sm_spaces_destroy(struct sm_spaces *spaces);

struct sm_alignment {
    size_t n_levels;
    size_t *offset;    /* [n_levels + 1] as in the graph */
    uint32_t *partner; /* [n_units] unit of b, within its level, that stands where a's unit stands */
    int64_t profit;    /* at this order: the largest of the starts */
    size_t n_starts;
    int64_t start_profit[SM_ALIGN_MOST_STARTS]; /* where each start ended */
    size_t n_rounds;                            /* of the best start */
};

/* Memory of one thread, used again by its next alignment; all zeros is ready. */
struct sm_align_scratch {
    struct sm_assignment assignment;
    void *block; /* all arrays of one alignment */
    size_t block_bytes;
};
void sm_align_scratch_destroy(struct sm_align_scratch *scratch);

/* Room for an alignment of networks with this graph: every unit its own partner. The caller destroys it, also after a
 * failure. */
int sm_alignment_init(struct sm_alignment *alignment, const struct sm_graph *graph, struct sm_error *err);
void sm_alignment_destroy(struct sm_alignment *alignment);

struct sm_align_options {
    bool by_sign;    /* the product of signs; else 1 where both are not hidden */
    size_t n_starts; /* 1 .. SM_ALIGN_MOST_STARTS; from the third on they are random */
    uint64_t seed;   /* of these */
};
/* As the command line has it, by masks or by effective weights. */
struct sm_align_options sm_align_options_for(const struct sm_options *options, enum sm_compare compare);

/* Fills an initialized alignment. The same input gives the same alignment in every thread. */
int sm_align(struct sm_alignment *alignment, const struct sm_spaces *spaces, const struct sm_ternary *a,
             const struct sm_ternary *b, const struct sm_align_options *options, struct sm_align_scratch *scratch,
             struct sm_error *err);

/* Unit of b, within `level`, that stands at a's unit. */
static inline size_t sm_alignment_partner(const struct sm_alignment *alignment, size_t level, size_t unit) {
    return alignment->partner[alignment->offset[level] + unit];
}

/* Column of layer l in b (entry of the fan-in) that stands at a's column: column_of [fan_in]. */
void sm_alignment_columns(const struct sm_alignment *alignment, const struct sm_graph *graph, size_t l,
                          uint32_t *column_of);

/* Layer l of b in a's order: aligned[o][i] = values[partner of o][column of i]; entries of entry_size bytes. -1: no
 * memory. */
int sm_alignment_apply(const struct sm_alignment *alignment, const struct sm_graph *graph, size_t l, const void *values,
                       void *aligned, size_t entry_size);

/* What a pair of runs hands its statistics: both alignments, each computed when it is first asked for. */
struct sm_alignments {
    const struct sm_options *options; /* borrowed */
    bool done[2];                     /* by masks, by weights */
    struct sm_alignment alignment[2];
};
void sm_alignments_init(struct sm_alignments *alignments, const struct sm_options *options);
void sm_alignments_destroy(struct sm_alignments *alignments);

/* Of two moments of comparable runs; the same as sm_pair_alignment. The caller destroys it, also after a failure. */
int sm_align_moments(struct sm_alignment *alignment, const struct sm_moment *a, const struct sm_moment *b,
                     enum sm_compare compare, const struct sm_options *options, struct sm_error *err);

#endif
