/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compact.h - a masked network without its hidden weights in a small file, to be evaluated with the same logits.
 *
 * A format of its own, since HDF5's headers alone are as large as the masks of a small network. Little endian:
 *
 *   8 bytes   89 53 4D 43 0D 0A 1A 0A: no text, and a transfer that changes line ends shows
 *   u32       version, 1
 *   text      name of the run;  each text: u32 length, then so many bytes, none of them 0
 *   text      lines of its recipe ("dataset: mnist"): what evaluation needs, and where the run came from
 *   text      SHA-256 of the data set
 *   text      description of the network (its language: train/networks/resnet20.yaml), with the units that are left
 *   u64 3x    record; weights of the whole network; how many of them the record does not hide
 *   i64, f64  step and epoch of the record
 *   per layer, in the order of the forward pass:
 *     u8      form: 1 computed from lists, 2 as a product (enum sm_form): they round differently
 *     u8      coding: 0 every weight has a value; 1 kept weights have one size; 2 kept weights have values; 3 kept
 *             weights have one size, and are computed as with 2: one by one (1: the size is multiplied in at the end)
 *     u8      parameter k of the Rice code (coding 1, 2, 3)
 *     f32     |v| of all kept weights (coding 1, 3), else 0
 *     u64     n, number of kept weights (coding 0: of all)
 *     u64     bytes of code (coding 0: 0), then the code
 *     f32 n   the values v (coding 0, 2)
 *   u32       CRC-32 (IEEE 802.3: zlib's crc32) of all before it
 *
 * v = w*g, the effective weight. Kept weights are numbered within their layer by its [out][in][kh][kw]. The code is,
 * for each in ascending order, the gap g to the one before (to -1 for the first; less 1): g >> k ones, a zero, the k
 * low bits of g; then with coding 1 and 3 a bit that is set where v < 0. Bits fill bytes from the lowest on; the last
 * byte is filled up with zeros. Rice's code is Golomb's with a power of two: best for gaps of independent choices of
 * one probability (Golomb 1966; Gallager & van Voorhis 1975); k is the one that gives the fewest bits. */
#ifndef SUPERMASK_COMPACT_H
#define SUPERMASK_COMPACT_H

#include <stdbool.h>
#include <supermask/model.h>

/* Writes the model, whose forms are fixed. n_bytes [n_layers + 1] receives the bytes of each layer and of the file. */
int sm_compact_write(const struct sm_model *model, const char *path, size_t *n_bytes, struct sm_error *err);

/* Reads and checks everything; whatever is wrong is one sentence. Hidden weights come back as zeros. The caller
 * destroys, also after a failure. */
int sm_compact_read(struct sm_model *model, const char *path, struct sm_error *err);
/* The same from memory; `origin` names it in sentences. */
int sm_compact_parse(struct sm_model *model, const uint8_t *bytes, size_t n, const char *origin, struct sm_error *err);

/* Does the file begin as a compact one? Also false where it cannot be read. */
bool sm_compact_is(const char *path);

/* CRC-32 of n bytes. */
uint32_t sm_compact_checksum(const uint8_t *bytes, size_t n);

#endif
