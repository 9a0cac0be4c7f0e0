// SPDX-License-Identifier: MIT
//
// The kernels of an instruction set: one table each, in kernels_<isa>.c. It names the tile that the
// micro-kernel of products computes, the blocks that suit it, and every function that is compiled
// for the instruction set. Drivers ask convk_kernels_for, and nothing else chooses.
//
// A micro-kernel computes one tile of C, at most mr x nr, from a panel of A and a panel of B:
//
//        B panel: k rows of nr floats          b[p * nr + j]
//        ┌──────────┐
//        │          │   for each p:
//   A    └──────────┘     tile[i][j] += a(i, p) * b(p, j)
//   ┌─┐  ┌──────────┐
//   │ │  │ C tile   │   A panel, packed: k columns of `panel` floats    a[p * panel + i]
//   └─┘  └──────────┘   A in place: rows a_row_stride apart           a[i * a_row_stride + p]
//
// The tile lives in registers for the whole k loop; C is touched once, at the end. A panel's height
// may be anything up to mr, so that 30 rows become three panels of 10 and not two of 14 and one
// of 2.
#ifndef CONVK_KERNELS_H
#define CONVK_KERNELS_H

#include "base/convk_base.h"
#include "kernels/columns_block.h"
#include "kernels/conv2d_depthwise_tiles.h"
#include "kernels/convk_leaves.h"
#include "kernels/winograd_transform.h"

/// The largest tile of any table, for tiles on the stack.
enum { CONVK_LARGEST_MR = 14, CONVK_LARGEST_NR = 32 };

/// One call of a micro-kernel:
/// c[i][j] = alpha * sum_p a(i, p) * b[p][j] + beta * c[i][j] + row_bias[i] + column_bias[j],
/// i < rows, j < columns.
typedef struct {
    float *c;
    ptrdiff_t ldc;
    const float *a;
    ptrdiff_t panel; ///< height of the packed A panel, at most mr; rows beyond it don't exist
    ptrdiff_t a_row_stride; ///< 0: A is packed; otherwise the distance between its rows in place
    const float *b;         ///< rows of nr floats, zero or unused beyond the tile's columns
    ptrdiff_t b_row_stride; ///< distance between its rows: nr where B is packed
    float *packed_b;        ///< NULL; or, with nr columns, where rows of B are packed to on the way
    ptrdiff_t k;
    ptrdiff_t rows;    ///< at most panel
    ptrdiff_t columns; ///< at most nr
    float alpha;
    float beta;               ///< 0: c is not read
    const float *row_bias;    ///< rows numbers, or NULL
    const float *column_bias; ///< columns numbers, or NULL
    bool relu;                ///< what is negative becomes 0 at last
    const float *clip;        ///< NULL, or the lowest and the highest number that c becomes at last
} convk_tile;

/// As the activation: NaN stays.
static inline float convk_clipped(float x, const float *clip) {
    if (clip == NULL) return x;
    return x < clip[0] ? clip[0] : x > clip[1] ? clip[1] : x;
}

typedef void convk_sgemm_kernel(const convk_tile *tile);

/// One call of the micro-kernel for a tile of one column, of any height:
/// c[i * ldc] = sum_p a(i, p) * b[p * b_row_stride] + beta * c[i * ldc] + row_bias[i], i < rows, in
/// the order of the other tiles.
typedef struct {
    float *c;
    ptrdiff_t ldc;
    const float *a;   ///< packed, as many panels as the rows need
    ptrdiff_t panel;  ///< their height, at most mr
    ptrdiff_t a_step; ///< from one panel to the next
    const float *b;
    ptrdiff_t b_row_stride;
    ptrdiff_t k;
    ptrdiff_t rows;
    float beta;            ///< 0 or 1; 0: c is not read
    const float *row_bias; ///< rows numbers, or NULL
    bool relu;             ///< what is negative becomes 0 at last
    const float *clip;     ///< NULL, or the lowest and the highest number that c becomes at last
} convk_column_tile;

typedef void convk_column_kernel(const convk_column_tile *tile);

/// The vectors of a tile of one row.
enum { CONVK_ROW_VECTORS = 8 };

/// One call of the direct convolution's micro-kernel, for neighbouring pixels of one output row:
/// y[f * plane + i] = sum_p sum_v x[offsets[p] + i * stride + v] * weights[p * run + v][f] +
/// bias[f].
typedef struct {
    float *y;
    ptrdiff_t plane; ///< from one filter's outputs to the next one's
    const float *x;  ///< tap (0, 0, 0) of the first pixel, all taps lying inside
    ptrdiff_t stride;
    const ptrdiff_t *offsets; ///< of the runs of taps
    ptrdiff_t taps;           ///< runs of taps
    /// Taps of a run, side by side: 1; at stride 1 and with at most lanes filters also 3 or 5, and
    /// then each pixel is broadcast once for all of them.
    ptrdiff_t run;
    const float
        *weights; ///< taps * run rows of nr floats, or of lanes where there are no more filters
    ptrdiff_t filters; ///< at most nr
    /// At most mr; with at most lanes filters also even numbers to 2 mr, or 2 mr - 2 in runs of 5.
    ptrdiff_t pixels;
    /// How many pixels may be written to, at least as many: what lies behind the tile's own is
    /// written later. Whole vectors are then stored as such.
    ptrdiff_t room;
    /// Weights further on by so many floats are asked for on the way.
    ptrdiff_t ahead;
    const float *bias; ///< filters numbers, or NULL
    bool relu;         ///< what is negative becomes 0 at last
    const float *clip; ///< NULL, or the lowest and the highest number that y becomes at last
    /// The filters' outputs side by side instead: y[i * width + f] for all f < width, width being
    /// nr, or lanes where there are no more filters.
    bool interleaved;
} convk_direct_tile;

typedef void convk_direct_kernel(const convk_direct_tile *tile);

/// One call of the convolution by rows' micro-kernel, for some vectors of neighbouring output
/// pixels: y[i * plane + y_places[v] + l] = sum_p weights[p * filters + i] *
/// x[offsets[p] + x_places[v] + l] + bias[i], for i < rows, l < count.
typedef struct {
    float *y;
    ptrdiff_t plane;          ///< from one filter's outputs to the next one's
    const float *x;           ///< whole vectors are read: there are lanes floats under each tap
    const ptrdiff_t *offsets; ///< of the taps
    ptrdiff_t taps;
    const float *weights;                 ///< taps rows of `filters` floats
    ptrdiff_t filters;                    ///< height of the weights' panel, at most rows_filters
    ptrdiff_t rows;                       ///< of them that exist
    const ptrdiff_t *x_places, *y_places; ///< where each vector begins
    ptrdiff_t vectors;
    ptrdiff_t count;   ///< pixels of each vector, at most lanes
    const float *bias; ///< rows numbers, or NULL
    bool relu;         ///< what is negative becomes 0 at last
} convk_rows_tile;

typedef void convk_rows_kernel(const convk_rows_tile *tile);

/// One call of the micro-kernel for the direct gradient with respect to filters:
/// sums[r * kw + v][f] += sum over output rows i and pixels j of
///     x[offsets[r] + i * row_step + j * stride + v] * dy[i * columns + j][f].
typedef struct {
    float *sums;    ///< rows of nr floats, or of lanes where narrow
    const float *x; ///< tap (0, 0, 0) of the first pixel, all taps lying inside
    ptrdiff_t row_step, stride;
    const ptrdiff_t *offsets; ///< of the runs of taps
    ptrdiff_t runs;           ///< runs of kw taps, runs * kw at most mr, or 2 mr where narrow
    ptrdiff_t kw;             ///< 3, 5, 7 or 11
    const float *dy;          ///< rows of nr floats, or of lanes where narrow
    bool narrow;              ///< one vector of filters
    ptrdiff_t rows, columns;  ///< of output pixels
} convk_direct_weights_tile;

typedef void convk_direct_weights_kernel(const convk_direct_weights_tile *tile);

/// A run of neighbouring output pixels of one row, the unit in which patches are packed.
typedef struct {
    const float *image; ///< the first channel's plane of the image that the run reads
    ptrdiff_t place;    ///< where the run starts in its panel
    ptrdiff_t count;    ///< how many pixels
    ptrdiff_t row;      ///< input row of tap (0, 0), perhaps negative
    ptrdiff_t column;   ///< input column of tap (0, 0) of the first pixel, perhaps negative
} convk_patch_run;

/// Packs rows k_begin ..< k_end of a panel of patches: panel[(k - k_begin) * nr + j] is tap k,
/// counted over (c, kh, kw), of output pixel j; zero outside the image and beyond the last run.
/// Up to nr floats past the end of the packed rows may be overwritten: a panel has that slack.
typedef void convk_pack_patches(float *restrict panel, const convk_window *window,
                                const convk_patch_run *restrict runs, ptrdiff_t run_count,
                                ptrdiff_t k_begin, ptrdiff_t k_end);

/// Gathers rows of taps: panel[p * nr + j] = base[pixels[p] + taps[j]], j < count; zero beyond.
typedef void convk_gather_taps(float *restrict panel, const float *restrict base,
                               const int32_t *restrict pixels, const int32_t *restrict taps,
                               ptrdiff_t pixel_count, ptrdiff_t count);

/// Packs a strip of a matrix: to[p * width + i] = from[i * stride + p * k_stride], i < used <=
/// width and p < k, zero for used <= i. One of the strides is 1.
typedef void convk_pack_strip(float *restrict to, const float *restrict from, ptrdiff_t stride,
                              ptrdiff_t k_stride, ptrdiff_t used, ptrdiff_t k, ptrdiff_t width);

/// Packs rows into all strips of nr columns: to[j * depth + p * nr + l] = from[p * stride + j + l]
/// for each j that is a multiple of nr, zero for columns <= j + l. Long rows are read from one end
/// to the other, which the hardware fetches ahead; strip by strip it would not.
typedef void convk_spread_rows(float *restrict to, const float *restrict from, ptrdiff_t stride,
                               ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, ptrdiff_t nr);

/// The opposite, for channels that lie side by side, width of them a multiple of lanes: each gets
/// its plane, to[f * plane + i] = from[i * width + f], f < planes <= width and i < count.
typedef void convk_unpack_planes(float *restrict to, ptrdiff_t plane, const float *restrict from,
                                 ptrdiff_t width, ptrdiff_t planes, ptrdiff_t count);

typedef struct {
    convk_isa isa;
    const char *name;
    ptrdiff_t mr, nr;     ///< the full tile
    ptrdiff_t lanes;      ///< of a vector
    ptrdiff_t kc;         ///< depth of a block where patches or columns are packed
    ptrdiff_t product_kc; ///< depth of a block of a plain product
    ptrdiff_t mc; ///< rows of a task: its A block of mc x kc stays in the second-level cache
    convk_sgemm_kernel *kernel;
    convk_sgemm_kernel *row; ///< tiles of one row, up to CONVK_ROW_VECTORS vectors wide; B in place
    convk_column_kernel *column; ///< NULL where the other tiles are as fast
    convk_direct_kernel *direct;
    convk_rows_kernel *rows;
    ptrdiff_t rows_filters;            ///< filters of a tile of `rows`, at most
    convk_depthwise_kernel *depthwise; ///< NULL without vectors, and the next six too
    convk_strips_kernel *strips;
    convk_channels_kernel *channels;
    convk_depthwise_weights_kernel *depthwise_weights;
    convk_sum_lanes *sum_lanes;
    convk_split_row *split_row;
    convk_join_rows *join_rows;
    convk_depthwise_planes_kernel *depthwise_planes; ///< NULL where lanes cannot be masked
    ptrdiff_t planes_columns; ///< up to which rows depthwise_planes is faster than the rest
    convk_direct_weights_kernel *direct_weights;
    convk_pack_strip *pack_strip;
    convk_spread_rows *spread_rows;
    convk_unpack_planes *unpack_planes;
    convk_pack_patches *pack_patches;
    convk_gather_taps *gather_taps;
    const convk_leaves *leaves;                ///< the inner loops of everything but products
    const convk_columns_blocks *columns;       ///< of im2col and col2im
    const convk_winograd_transforms *winograd; ///< of Winograd's algorithm
} convk_kernels;

/// The kernels of an instruction set.
const convk_kernels *convk_kernels_for(convk_isa isa);

/// What is compiled for an instruction set, under names that end in its own. Some have no depthwise
/// kernels, or no leaves but the portable ones.
#define CONVK_DECLARE_KERNELS(isa)                                                                 \
    extern const convk_kernels convk_kernels_##isa;                                                \
    extern const convk_leaves convk_leaves_##isa;                                                  \
    extern const convk_columns_blocks convk_columns_##isa;                                         \
    extern const convk_winograd_transforms convk_winograd_##isa;                                   \
    convk_sgemm_kernel convk_sgemm_##isa, convk_sgemm_row_##isa;                                   \
    convk_column_kernel convk_sgemm_column_##isa;                                                  \
    convk_direct_kernel convk_direct_##isa;                                                        \
    convk_rows_kernel convk_rows_##isa;                                                            \
    convk_depthwise_kernel convk_depthwise_##isa;                                                  \
    convk_depthwise_weights_kernel convk_depthwise_weights_##isa;                                  \
    convk_depthwise_planes_kernel convk_depthwise_planes_##isa;                                    \
    convk_strips_kernel convk_strips_##isa;                                                        \
    convk_channels_kernel convk_channels_##isa;                                                    \
    convk_sum_lanes convk_sum_lanes_##isa;                                                         \
    convk_split_row convk_split_row_##isa;                                                         \
    convk_join_rows convk_join_rows_##isa;                                                         \
    convk_direct_weights_kernel convk_direct_weights_##isa;                                        \
    convk_pack_strip convk_pack_strip_##isa;                                                       \
    convk_spread_rows convk_spread_rows_##isa;                                                     \
    convk_unpack_planes convk_unpack_planes_##isa;                                                 \
    convk_pack_patches convk_pack_patches_##isa;                                                   \
    convk_gather_taps convk_gather_taps_##isa;

/// Of AVX-512 with half vectors.
convk_strips_kernel convk_strips_narrow_avx512;

CONVK_DECLARE_KERNELS(portable)
CONVK_DECLARE_KERNELS(avx2)
CONVK_DECLARE_KERNELS(avx512)
CONVK_DECLARE_KERNELS(neon)

/// A table's fields with the micro-kernels of products and of convolutions.
#define CONVK_MICRO_KERNELS(isa)                                                                   \
    .kernel = convk_sgemm_##isa, .row = convk_sgemm_row_##isa, .direct = convk_direct_##isa,       \
    .rows = convk_rows_##isa, .direct_weights = convk_direct_weights_##isa,                        \
    .pack_patches = convk_pack_patches_##isa, .gather_taps = convk_gather_taps_##isa

/// A table's fields with the micro-kernels of depthwise convolution.
#define CONVK_DEPTHWISE_KERNELS(isa)                                                               \
    .depthwise = convk_depthwise_##isa, .depthwise_weights = convk_depthwise_weights_##isa,        \
    .strips = convk_strips_##isa, .channels = convk_channels_##isa,                                \
    .sum_lanes = convk_sum_lanes_##isa, .split_row = convk_split_row_##isa,                        \
    .join_rows = convk_join_rows_##isa

/// A table's fields with what stands beside them.
#define CONVK_OTHER_KERNELS(isa)                                                                   \
    .pack_strip = convk_pack_strip_##isa, .spread_rows = convk_spread_rows_##isa,                  \
    .unpack_planes = convk_unpack_planes_##isa, .leaves = &convk_leaves_##isa,                     \
    .columns = &convk_columns_##isa, .winograd = &convk_winograd_##isa

/// The height of the panels that m rows are cut into: as even as mr allows.
static inline ptrdiff_t convk_panel_height(ptrdiff_t m, const convk_kernels *kernels) {
    return convk_ceil_div(m, convk_ceil_div(m, kernels->mr));
}

#endif
