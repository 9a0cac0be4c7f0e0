// SPDX-License-Identifier: MIT
//
// Packing image patches for the AVX-512 micro-kernel: masked loads read nothing outside the image,
// and whole vectors are written, over what comes later in the panel.
#include "base/convk_targets.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target(CONVK_AVX512))), apply_to = function)

enum { NR = 32, LANES = 16 };

/// The lanes begin ..< end of 32.
static inline __mmask32 lanes(ptrdiff_t begin, ptrdiff_t end) {
    return (__mmask32)((((uint64_t)1 << end) - 1) & ~(((uint64_t)1 << begin) - 1));
}

/// to[i] = row[column + i] for begin <= i < end, zero for the other i < count, at most 32.
static inline void copy_run(float *restrict to, const float *restrict row, ptrdiff_t column,
                            ptrdiff_t begin, ptrdiff_t end, ptrdiff_t count) {
    const __mmask32 mask = lanes(begin, end);
    const float *from = row + column;
    _mm512_storeu_ps(to, _mm512_maskz_loadu_ps((__mmask16)mask, from));
    if (count > LANES)
        _mm512_storeu_ps(to + LANES,
                         _mm512_maskz_loadu_ps((__mmask16)(mask >> LANES), from + LANES));
}

/// to[j] = from[taps[j]] for j < count, zero up to NR.
static inline void gather_row(float *restrict to, const float *restrict from,
                              const int32_t *restrict taps, ptrdiff_t count) {
    const __mmask32 mask = lanes(0, count);
#pragma clang loop unroll(full)
    for (int v = 0; v < NR / LANES; v++) {
        const __mmask16 mask_v = (__mmask16)(mask >> (v * LANES));
        const __m512i offsets = _mm512_maskz_loadu_epi32(mask_v, taps + v * LANES);
        _mm512_storeu_ps(to + v * LANES,
                         _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask_v, offsets, from, 4));
    }
}

#define FUNCTION(name) name##_avx512
#include "convolution/conv2d_pack.inc"

#pragma clang attribute pop
#endif
