// SPDX-License-Identifier: MIT
//
// The micro-kernel of depthwise convolution for planes whose rows fill no more than half of
// AVX-512's vectors: with half vectors, and with AVX-512's masks and 32 registers.
#include "base/convk_targets.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { LANES = 8 };
#define STRIPS_KERNEL convk_strips_narrow_avx512
#define TARGET __attribute__((target(CONVK_AVX512)))
#define INLINE static inline CONVK_ALWAYS_INLINE TARGET

typedef __m256 vector;
typedef __mmask8 lane_mask;

INLINE vector zero(void) {
    return _mm256_setzero_ps();
}
INLINE vector load(const float *from) {
    return _mm256_loadu_ps(from);
}
INLINE void store(float *to, vector a) {
    _mm256_storeu_ps(to, a);
}
INLINE void store_first(float *to, vector a, ptrdiff_t count) {
    _mm256_mask_storeu_ps(to, (__mmask8)((1u << convk_min(count, LANES)) - 1), a);
}
INLINE vector broadcast(const float *from) {
    return _mm256_set1_ps(*from);
}
INLINE vector add(vector a, vector b) {
    return _mm256_add_ps(a, b);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return _mm256_fmadd_ps(a, b, c);
}
INLINE vector rectified(vector a) {
    return _mm256_maskz_mov_ps(_mm256_cmp_ps_mask(a, zero(), _CMP_NLE_UQ), a);
}
/// Of NaN and of two zeros min and max take the second.
INLINE vector clipped(vector a, const float *clip) {
    return _mm256_min_ps(broadcast(clip + 1), _mm256_max_ps(broadcast(clip), a));
}
INLINE lane_mask lanes_inside(ptrdiff_t at, ptrdiff_t width) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i place = _mm256_add_epi32(lane, _mm256_set1_epi32((int)at));
    // Without a sign, negative places are large.
    return _mm256_cmplt_epu32_mask(place, _mm256_set1_epi32((int)width));
}
INLINE vector load_lanes(const float *from, lane_mask mask) {
    return _mm256_maskz_loadu_ps(mask, from);
}
// Within each half of a vector first; then whole quarters into their places.
INLINE vector evens(vector a, vector b) {
    return _mm256_shuffle_ps(a, b, 0x88);
}
INLINE vector odds(vector a, vector b) {
    return _mm256_shuffle_ps(a, b, 0xDD);
}
INLINE vector evenly(vector a) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xD8));
}

#include "kernels/conv2d_strips_tile.inc"
#endif
