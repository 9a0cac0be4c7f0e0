// SPDX-License-Identifier: MIT
//
// Winograd's transforms, compiled once per instruction set.
#include "kernels/winograd_transform.h"

#include "base/convk_targets.h"
#include "kernels/kernels.h"

enum {
    // From one pixel of all tiles to the next one, with seven tiles behind the last.
    STRIDE = CONVK_WINOGRAD_BLOCK + 8,
    // From one row of the pixels of all runs to the next one: each run's tiles are at most 4 apart,
    // with 4 pixels behind the last; then whole vectors.
    LINE = 8 * CONVK_WINOGRAD_BLOCK + 48,
};

typedef float four __attribute__((vector_size(16), aligned(4)));

#define low_pairs(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define high_pairs(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define low_halves(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define high_halves(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)

static inline four load_four(const float *from) {
    return *(const four *)from;
}
static inline void store_four(float *to, four a) {
    *(four *)to = a;
}

/// A row above or below the image, as long as the longest run.
static const float no_pixels[4 * CONVK_WINOGRAD_BLOCK + 4];

/// The two tiles at a place, or one; goes on to the next place. Returns whether other tiles of the
/// block follow in the next two lanes.
static bool find_pair(convk_tile_eight *eight, int k, const convk_tile_block *block, ptrdiff_t *run,
                      ptrdiff_t *tile) {
    const convk_tile_run *r = block->runs + *run;
    const ptrdiff_t left = r->count - *tile;
    eight->run[k] = *run;
    eight->tile[k] = *tile;
    eight->width[k] = convk_min(4 * convk_min(left, 2), block->w - (r->column + 4 * *tile));
    eight->height[k] = convk_min(4, block->h - r->row);
    *tile += 2;
    if (left > 2) return true;
    *run += 1;
    *tile = 0;
    return left == 2 && *run < block->run_count;
}

void convk_tile_block_find_eights(convk_tile_block *block) {
    block->eight_count = 0;
    ptrdiff_t run = 0, tile = 0;
    while (block->m == 4 && run < block->run_count) {
        convk_tile_eight *eight = block->eights + block->eight_count++;
        *eight = (convk_tile_eight){.place = block->runs[run].place + tile, .whole = true};
        bool more = true;
        for (int k = 0; k < 4; k++) {
            if (more) {
                more = find_pair(eight, k, block, &run, &tile);
            } else {
                // Read once more, and not written.
                eight->run[k] = eight->run[k - 1];
                eight->tile[k] = eight->tile[k - 1];
            }
            eight->whole = eight->whole && eight->width[k] == 8 && eight->height[k] == 4;
        }
    }
}

/// to[j * STRIDE + t] = pixel j < columns of eight tiles t, which begin offset numbers behind
/// pixels.
static inline __attribute__((always_inline)) void deal_eight_portable(float *restrict to,
                                                                      const float *const *pixels,
                                                                      ptrdiff_t offset,
                                                                      const int columns) {
    for (int k = 0; k < 4; k += 2) {
        const float *first = pixels[k] + offset, *second = pixels[k + 1] + offset;
        for (int j = 0; j < columns; j += 4) {
            const four a = load_four(first + j), b = load_four(first + j + 4);
            const four c = load_four(second + j), d = load_four(second + j + 4);
            const four ab = low_pairs(a, b), cd = low_pairs(c, d);
            store_four(to + j * STRIDE + 2 * k, low_halves(ab, cd));
            store_four(to + (j + 1) * STRIDE + 2 * k, high_halves(ab, cd));
            if (j == 4) break;
            const four ab_high = high_pairs(a, b), cd_high = high_pairs(c, d);
            store_four(to + 2 * STRIDE + 2 * k, low_halves(ab_high, cd_high));
            store_four(to + 3 * STRIDE + 2 * k, high_halves(ab_high, cd_high));
        }
    }
}

/// The reverse for 4 x 4 outputs: to[k][offset ...] are the outputs of tiles 2 k and 2 k + 1.
static inline __attribute__((always_inline)) void
interleave_eight_portable(float *const *to, ptrdiff_t offset, const float *restrict from) {
    for (int k = 0; k < 4; k += 2) {
        float *first = to[k] + offset, *second = to[k + 1] + offset;
        const four a = load_four(from + 2 * k), b = load_four(from + STRIDE + 2 * k);
        const four c = load_four(from + 2 * STRIDE + 2 * k),
                   d = load_four(from + 3 * STRIDE + 2 * k);
        const four ab = low_pairs(a, b), cd = low_pairs(c, d);
        const four ab_high = high_pairs(a, b), cd_high = high_pairs(c, d);
        store_four(first, low_halves(ab, cd));
        store_four(first + 4, high_halves(ab, cd));
        store_four(second, low_halves(ab_high, cd_high));
        store_four(second + 4, high_halves(ab_high, cd_high));
    }
}
#define LANES 4
#define FUNCTION(name) name##_portable
#define divide_by_9(a) ((a) / 9)
static inline four load_between_portable(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    four lanes = {0};
    for (ptrdiff_t l = convk_max(begin, 0); l < convk_min(end, 4); l++) lanes[l] = from[l];
    return lanes;
}
#define load_between load_between_portable
#define deal_eight deal_eight_portable
#define interleave_eight interleave_eight_portable
#include "kernels/winograd_transform.inc"

#if defined(__x86_64__)
#include <immintrin.h>

// A product with 1/9, corrected by the remainder: exact where the quotient is, and several times as
// fast as a division.
#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
static inline __m256 ninth_avx2(__m256 a) {
    const __m256 ninth = _mm256_set1_ps(1.0f / 9), quotient = _mm256_mul_ps(a, ninth);
    const __m256 rest = _mm256_fnmadd_ps(quotient, _mm256_set1_ps(9), a);
    return _mm256_fmadd_ps(rest, ninth, quotient);
}
static inline __m256 load_between_avx2(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i left = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32((int)begin - 1));
    const __m256i right = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)end), lane);
    return _mm256_maskload_ps(from, _mm256_and_si256(left, right));
}
static inline __attribute__((always_inline)) void deal_eight_avx2(float *restrict to,
                                                                  const float *const *pixels,
                                                                  ptrdiff_t offset,
                                                                  const int columns) {
    for (int j = 0; j < columns; j += 4) {
        __m256 of[4];
        // Tiles t and t + 4.
        for (int t = 0; t < 4; t++) {
            const float *first = pixels[t / 2] + offset + t % 2 * 4 + j;
            const float *second = pixels[t / 2 + 2] + offset + t % 2 * 4 + j;
            of[t] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(first)),
                                         _mm_loadu_ps(second), 1);
        }
        const __m256d ab = (__m256d)_mm256_unpacklo_ps(of[0], of[1]);
        const __m256d cd = (__m256d)_mm256_unpacklo_ps(of[2], of[3]);
        _mm256_storeu_ps(to + j * STRIDE, (__m256)_mm256_unpacklo_pd(ab, cd));
        _mm256_storeu_ps(to + (j + 1) * STRIDE, (__m256)_mm256_unpackhi_pd(ab, cd));
        if (j == 4) break;
        const __m256d ab_high = (__m256d)_mm256_unpackhi_ps(of[0], of[1]);
        const __m256d cd_high = (__m256d)_mm256_unpackhi_ps(of[2], of[3]);
        _mm256_storeu_ps(to + 2 * STRIDE, (__m256)_mm256_unpacklo_pd(ab_high, cd_high));
        _mm256_storeu_ps(to + 3 * STRIDE, (__m256)_mm256_unpackhi_pd(ab_high, cd_high));
    }
}
static inline __attribute__((always_inline)) void
interleave_eight_avx2(float *const *to, ptrdiff_t offset, const float *restrict from) {
    const __m256 a = _mm256_loadu_ps(from), b = _mm256_loadu_ps(from + STRIDE);
    const __m256 c = _mm256_loadu_ps(from + 2 * STRIDE), d = _mm256_loadu_ps(from + 3 * STRIDE);
    const __m256d ab = (__m256d)_mm256_unpacklo_ps(a, b), cd = (__m256d)_mm256_unpacklo_ps(c, d);
    const __m256d ab_high = (__m256d)_mm256_unpackhi_ps(a, b);
    const __m256d cd_high = (__m256d)_mm256_unpackhi_ps(c, d);
    // Tiles t and t + 4.
    const __m256 of[4] = {(__m256)_mm256_unpacklo_pd(ab, cd), (__m256)_mm256_unpackhi_pd(ab, cd),
                          (__m256)_mm256_unpacklo_pd(ab_high, cd_high),
                          (__m256)_mm256_unpackhi_pd(ab_high, cd_high)};
    for (int t = 0; t < 4; t++) {
        _mm_storeu_ps(to[t / 2] + offset + t % 2 * 4, _mm256_castps256_ps128(of[t]));
        _mm_storeu_ps(to[t / 2 + 2] + offset + t % 2 * 4, _mm256_extractf128_ps(of[t], 1));
    }
}
#define load_between (vector) load_between_avx2
#define deal_eight deal_eight_avx2
#define interleave_eight interleave_eight_avx2
#define LANES 8
#define FUNCTION(name) name##_avx2
#define divide_by_9(a) ((vector)ninth_avx2((__m256)(a)))
#include "kernels/winograd_transform.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(CONVK_AVX512))), apply_to = function)
static inline __m512 ninth_avx512(__m512 a) {
    const __m512 ninth = _mm512_set1_ps(1.0f / 9), quotient = _mm512_mul_ps(a, ninth);
    const __m512 rest = _mm512_fnmadd_ps(quotient, _mm512_set1_ps(9), a);
    return _mm512_fmadd_ps(rest, ninth, quotient);
}
static inline __m512 load_between_avx512(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 left = _mm512_cmpge_epi32_mask(lane, _mm512_set1_epi32((int)begin));
    const __mmask16 right = _mm512_cmplt_epi32_mask(lane, _mm512_set1_epi32((int)end));
    return _mm512_maskz_loadu_ps(left & right, from);
}
static inline __attribute__((always_inline)) __m512 load_pairs_avx512(const float *first,
                                                                      const float *second) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(first)),
                              _mm256_loadu_ps(second), 1);
}
static inline __attribute__((always_inline)) void deal_eight_avx512(float *restrict to,
                                                                    const float *const *pixels,
                                                                    ptrdiff_t offset,
                                                                    const int columns) {
    // One permutation gives two pixels of all eight.
    const __m512i pixel_0 =
        _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
    const __m512i pixel_2 =
        _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
    for (int j = 0; j < columns; j += 4) {
        const __m512 a = load_pairs_avx512(pixels[0] + offset + j, pixels[1] + offset + j);
        const __m512 b = load_pairs_avx512(pixels[2] + offset + j, pixels[3] + offset + j);
        for (int next = 0; next < (j == 4 ? 2 : 4); next += 2) {
            const __m512 two = _mm512_permutex2var_ps(a, next == 0 ? pixel_0 : pixel_2, b);
            _mm256_storeu_ps(to + (j + next) * STRIDE, _mm512_castps512_ps256(two));
            _mm256_storeu_ps(to + (j + next + 1) * STRIDE, _mm512_extractf32x8_ps(two, 1));
        }
    }
}
static inline __attribute__((always_inline)) void
interleave_eight_avx512(float *const *to, ptrdiff_t offset, const float *restrict from) {
    const __m512i tiles_0 =
        _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    const __m512i tiles_4 =
        _mm512_setr_epi32(4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    const __m512 a = load_pairs_avx512(from, from + STRIDE);
    const __m512 b = load_pairs_avx512(from + 2 * STRIDE, from + 3 * STRIDE);
    for (int k = 0; k < 4; k += 2) {
        const __m512 four_tiles = _mm512_permutex2var_ps(a, k == 0 ? tiles_0 : tiles_4, b);
        _mm256_storeu_ps(to[k] + offset, _mm512_castps512_ps256(four_tiles));
        _mm256_storeu_ps(to[k + 1] + offset, _mm512_extractf32x8_ps(four_tiles, 1));
    }
}
#define load_between (vector) load_between_avx512
#define deal_eight deal_eight_avx512
#define interleave_eight interleave_eight_avx512
#define LANES 16
#define FUNCTION(name) name##_avx512
#define divide_by_9(a) ((vector)ninth_avx512((__m512)(a)))
#include "kernels/winograd_transform.inc"
#pragma clang attribute pop
#endif
