// SPDX-License-Identifier: MIT
//
// Blocks of im2col's matrix and of its adjoint, transposed through registers: along a row of places
// the pixels under one tap lie together in the image, and along a row of the matrix the taps of one
// place.
#ifndef CONVK_COLUMNS_BLOCK_H
#define CONVK_COLUMNS_BLOCK_H

#include "base/convk_window.h"

enum {
    CONVK_BLOCK_TAPS = 16,    ///< of a block: with float32 a cache line of a row of the matrix
    CONVK_FOLD_PLACES = 32,   ///< of a block that is folded, at most
    CONVK_LARGEST_REACH = 16, ///< from a folded window's first column to its last
    CONVK_FOLD_RING_TAPS = 64,
    /// Floats between taps of the ring: places, and zeros on both sides.
    CONVK_FOLD_TAP = CONVK_LARGEST_REACH + CONVK_FOLD_PLACES + CONVK_LARGEST_REACH + 16,
    CONVK_FOLD_RING = CONVK_FOLD_RING_TAPS * CONVK_FOLD_TAP
};

/// What a block's taps read in one row of places: place j reads from[j * stride] where
/// 0 <= column + j * stride < width, and 0 elsewhere. Columns and width are below 2^30.
typedef struct {
    const float *from[CONVK_BLOCK_TAPS];
    ptrdiff_t column[CONVK_BLOCK_TAPS];
    ptrdiff_t first_column, last_column; ///< bounds of the columns
    ptrdiff_t taps;                      ///< used of them
    ptrdiff_t width;                     ///< pixels of a row
    ptrdiff_t stride;                    ///< 1 or 2
    bool inside;                         ///< no tap lies above or below the image
} convk_block_taps;

/// The taps of some channels of one row of places, to be added to what they read.
typedef struct {
    float *x;             ///< the first channel's plane
    const float *columns; ///< the first place's row of the matrix, at the first channel
    ptrdiff_t channels;
    ptrdiff_t row, column; ///< the pixel under the first place's first tap, perhaps outside
    ptrdiff_t places;      ///< at most CONVK_FOLD_PLACES
} convk_fold_run;

typedef struct {
    /// to[j * patch + t] = what tap t of place j reads, for j < places. streams: past the caches;
    /// then to and patch are multiples of 16 floats, and all taps are used.
    void (*unfold)(float *restrict to, ptrdiff_t patch, const convk_block_taps *taps,
                   ptrdiff_t places, bool streams);
    /// Adds a run's taps to the pixels that they read. Windows at stride 1 along the row, of
    /// CONVK_LARGEST_REACH at most. ring: CONVK_FOLD_RING floats, zeros before the first run.
    void (*fold)(const convk_fold_run *run, const convk_window *window, float *ring);
} convk_columns_blocks;

/// Whether blocks are faster than copying runs of taps: where rows of places fill vectors well, or
/// the runs are short. Milliseconds on Zen 5, one thread, runs against blocks: 10 places of 5 taps
/// (lenet.conv2) 0.21 and 0.39, 24 (simple.conv1) 0.35 and 0.25, 13 of 3 (alex.conv3) 2.4 and 1.4.
static inline bool convk_blocks_pay(const convk_window *w) {
    enum { PLACES = 16, SHORT_RUN = 3 };
    return w->kw <= SHORT_RUN || 4 * w->ow >= 3 * convk_round_up(w->ow, PLACES);
}

#endif
