// SPDX-License-Identifier: MIT
//
// The two inner loops of packing in plain C, for the instruction sets that have no better ones.
// Each including file compiles them for its own instruction set.

/// to[i] = row[column + i] for begin <= i < end, zero for the other i < count.
static inline void copy_run(float *restrict to, const float *restrict row, ptrdiff_t column,
                            ptrdiff_t begin, ptrdiff_t end, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < begin; i++) to[i] = 0;
    for (ptrdiff_t i = begin; i < end; i++) to[i] = row[column + i];
    for (ptrdiff_t i = end; i < count; i++) to[i] = 0;
}

/// to[j] = from[taps[j]] for j < count, zero up to NR.
static inline void gather_row(float *restrict to, const float *restrict from,
                              const int32_t *restrict taps, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j++) to[j] = from[taps[j]];
    for (ptrdiff_t j = count; j < NR; j++) to[j] = 0;
}
