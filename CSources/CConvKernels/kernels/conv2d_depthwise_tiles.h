// SPDX-License-Identifier: MIT
//
// What the micro-kernels of depthwise convolution are given, and the functions around them.
#ifndef CONVK_CONV2D_DEPTHWISE_TILES_H
#define CONVK_CONV2D_DEPTHWISE_TILES_H

#include "base/convk_base.h"

/// One call of the depthwise convolution's micro-kernel, for some rows of a plane of outputs:
/// y[i * y_step + j] = sum_t weights[t] * x[i * x_step + j + offsets[t]] + bias, for i < rows and
/// j < columns.
typedef struct {
    float *y;
    ptrdiff_t y_step; ///< numbers between two rows may be overwritten
    const float *x;   ///< whole vectors are read: there are lanes floats under each tap
    ptrdiff_t x_step;
    const ptrdiff_t *offsets; ///< of the taps
    ptrdiff_t taps;           ///< perhaps 0
    const float *weights;     ///< one per tap
    ptrdiff_t rows, columns;
    const float *bias; ///< one number, or NULL
    bool relu;         ///< what is negative becomes 0 at last
    const float *clip; ///< NULL, or the lowest and the highest number that y becomes at last
} convk_depthwise_tile;

typedef void convk_depthwise_kernel(const convk_depthwise_tile *tile);

/// One call of the micro-kernel for filters of 3 x 3 and 5 x 5 that reads images as they lie, for
/// some rows of a plane of outputs: y[i * columns + j] = sum over u and v of weights[u * size + v]
/// * rows[i * stride + u][j * stride + v - left] + bias, of the taps inside the row's width.
typedef struct {
    float *y;                 ///< output_rows rows of `columns` numbers
    const float *const *rows; ///< of the image: (output_rows - 1) * stride + size of them
    ptrdiff_t width;          ///< of a row
    ptrdiff_t left;           ///< columns of padding, or, negative, of what is cropped
    ptrdiff_t size;           ///< 3 or 5
    ptrdiff_t stride;         ///< 1 or 2
    const float *weights;     ///< size * size of them
    ptrdiff_t output_rows, columns;
    const float *bias; ///< one number, or NULL
    bool relu;         ///< what is negative becomes 0 at last
    const float *clip; ///< NULL, or the lowest and the highest number that y becomes at last
} convk_strips_tile;

typedef void convk_strips_kernel(const convk_strips_tile *tile);

/// One call of the micro-kernel for filters of 3 x 3 and 5 x 5 where channels lie side by side, for
/// some rows of outputs: y[(i * columns + j) * width + f] = sum over u and v of
/// weights[(u * size + v) * width + f] * rows[i * stride + u][(j * stride + v) * width + f] +
/// bias[f], for f < width.
typedef struct {
    float *y;
    const float *const *rows; ///< with their padding: (output_rows - 1) * stride + size of them
    ptrdiff_t width;          ///< channels, a multiple of lanes
    ptrdiff_t size;           ///< 3 or 5
    ptrdiff_t stride;         ///< 1 or 2
    const float *weights;     ///< size * size rows of width numbers
    ptrdiff_t output_rows, columns;
    const float *bias; ///< width numbers
    bool relu;         ///< what is negative becomes 0 at last
    const float *clip; ///< NULL, or the lowest and the highest number that y becomes at last
} convk_channels_tile;

typedef void convk_channels_kernel(const convk_channels_tile *tile);

/// One call of the micro-kernel for its gradient with respect to a filter, for some rows of a plane
/// of outputs: lane l of sums[t] += sum of x[i * x_step + j + offsets[t]] * dy[i * dy_step + j]
/// over i < rows and those j < columns that are l modulo lanes, whole vectors of all rows first.
typedef struct {
    float *sums; ///< one vector per tap
    const float *x, *dy;
    ptrdiff_t x_step, dy_step;
    const ptrdiff_t *offsets;
    ptrdiff_t taps;
    ptrdiff_t rows, columns;
} convk_depthwise_weights_tile;

typedef void convk_depthwise_weights_kernel(const convk_depthwise_weights_tile *tile);

/// The same for whole planes at stride 1 whose rows are as long as the images': pixels are counted
/// over the ends of rows. sums[t] = sum over planes and pixels p of x[p + offsets[t]] * dy[p], of
/// the pixels whose bit the tap's mask has.
typedef struct {
    float *sums; ///< one per tap
    const float *x, *dy;
    const ptrdiff_t *offsets; ///< of the taps
    const uint16_t *masks;    ///< taps of them a vector; nothing is read where a bit is not set
    ptrdiff_t taps;
    ptrdiff_t pixels; ///< of a plane of dy
    ptrdiff_t planes;
    ptrdiff_t x_step, dy_step; ///< from one plane to the next
} convk_depthwise_planes_tile;

typedef void convk_depthwise_planes_kernel(const convk_depthwise_planes_tile *tile);

/// to[i] = the sum of vector i's lanes, over a fixed tree.
typedef void convk_sum_lanes(float *restrict to, const float *restrict sums, ptrdiff_t count);

/// Sorts a row's pixels by their column modulo the stride: to[c % stride * width + c / stride] =
/// from[c - column] for column <= c < column + count. Zeros may be written behind each, as many as
/// a vector has lanes.
typedef void convk_split_row(float *restrict to, const float *restrict from, ptrdiff_t column,
                             ptrdiff_t count, ptrdiff_t stride, ptrdiff_t width);

/// The way back: to[i] = from[i % stride * width + i / stride] for i < count. Whole vectors are
/// read of each phase.
typedef void convk_join_rows(float *restrict to, const float *restrict from, ptrdiff_t count,
                             ptrdiff_t stride, ptrdiff_t width);

#endif
