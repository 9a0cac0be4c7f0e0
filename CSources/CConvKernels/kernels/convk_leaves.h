// SPDX-License-Identifier: MIT
//
// The inner loops of everything but products: plain C, written once in convk_leaves.inc and
// compiled for each instruction set. Drivers hold the OpenMP pragmas and call these on their part
// of the work. What a leaf computes for an element does not depend on where its part begins.
#ifndef CONVK_LEAVES_H
#define CONVK_LEAVES_H

#include <math.h>

#include "base/convk_base.h"

/// One row of outputs of a max pooling whose windows lie inside the image along both axes.
typedef struct {
    float *y;
    int32_t *argmax;    ///< or NULL
    const float *plane; ///< the input plane
    ptrdiff_t pixel;    ///< flat index of the first output's first tap
    ptrdiff_t count;    ///< outputs
    ptrdiff_t kh, kw, stride_w, dilation_w;
    ptrdiff_t row_step; ///< from a tap to the one below it
} convk_pool_row;

/// One row of images whose channels lie side by side, [w, width], on its way into a max pooling.
typedef struct {
    float *y;         ///< [count, width]: the largest numbers of the rows so far
    int32_t *argmax;  ///< beside them, or NULL
    const float *row; ///< of the images
    ptrdiff_t width;  ///< a multiple of a vector's lanes
    ptrdiff_t pixel;  ///< flat index of the row's first pixel in its plane
    ptrdiff_t w;      ///< pixels in the row
    ptrdiff_t count;  ///< outputs
    ptrdiff_t kw, stride_w, dilation_w, pad_left;
    bool is_first; ///< nothing is in y yet
} convk_pool_fold;

/// What batch normalization does to the numbers of one channel.
typedef struct {
    float mean, scale;
    float shift; ///< forward beta; backward the mean of dy
    float slope; ///< backward: how much of x - mean is taken off
} convk_norm_channel;

/// A normalization forward, and the range outside of which, ends included, what comes out has no
/// gradient; `to` may be NaN.
typedef struct {
    convk_norm_channel channel;
    float from, to;
} convk_norm_range;

/// An activation's loops. y may be x, and dx may be dy; v is y or x.
typedef struct {
    void (*forward)(float *y, const float *x, ptrdiff_t count, float a, float b);
    void (*backward)(float *dx, const float *dy, const float *v, ptrdiff_t count, float a, float b);
} convk_activation_leaf;

/// How far it is from one number of a row to the next in each operand: 1, or 0 where it is
/// repeated.
typedef struct {
    ptrdiff_t dy, a, b;
} convk_binary_steps;

/// One row of an operation on two arrays, or of its gradient. Without a gradient dy is any array of
/// such a row.
typedef void (*convk_binary_leaf)(float *restrict y, const float *dy, const float *a,
                                  const float *b, ptrdiff_t count, convk_binary_steps steps);

/// An operation on two arrays, and its gradients with respect to a and to b.
typedef struct {
    convk_binary_leaf values, slopes_a, slopes_b;
} convk_binary_leaves;

/// A reduction's loops.
typedef struct {
    /// What a total begins at.
    double start;
    /// The total and count numbers more.
    double (*run)(double total, const float *x, ptrdiff_t count);
    /// As many totals, and one number more each.
    void (*rows)(double *restrict totals, const float *restrict x, ptrdiff_t count);
    /// The results of totals of n numbers each.
    void (*end)(float *restrict y, const double *restrict totals, ptrdiff_t count, ptrdiff_t n);
} convk_reduction_leaf;

typedef struct {
    convk_activation_leaf activations[CONVK_ACTIVATION_COUNT];
    convk_binary_leaves binary[CONVK_BINARY_COUNT];
    convk_reduction_leaf reductions[CONVK_REDUCTION_COUNT];
    /// sums += the sums of x - mean and of its square; what lies ahead of them is prefetched.
    void (*norm_deviations)(const float *x, double mean, ptrdiff_t count, ptrdiff_t ahead,
                            double sums[2]);
    /// sums += the sums of dy and of dy (x - mean).
    void (*norm_products)(const float *dy, const float *x, double mean, ptrdiff_t count,
                          ptrdiff_t ahead, double sums[2]);
    /// y = (x - mean) scale + shift. y may be x.
    void (*norm_apply)(float *y, const float *x, ptrdiff_t count, convk_norm_channel channel);
    /// dx = scale (dy - shift - (x - mean) slope).
    void (*norm_backward)(float *restrict dx, const float *restrict dy, const float *restrict x,
                          ptrdiff_t count, convk_norm_channel channel);
    /// The same of dy where what came out is in a range, and zeros elsewhere.
    void (*norm_products_between)(const float *dy, const float *x, double mean, ptrdiff_t count,
                                  ptrdiff_t ahead, const convk_norm_range *range, double sums[2]);
    void (*norm_backward_between)(float *restrict dx, const float *restrict dy,
                                  const float *restrict x, ptrdiff_t count,
                                  convk_norm_channel channel, const convk_norm_range *range);
    /// x += value.
    void (*add_constant)(float *x, float value, ptrdiff_t count);
    /// x += addend, element by element.
    void (*add)(float *restrict x, const float *restrict addend, ptrdiff_t count);
    /// The same, and what is negative becomes 0.
    void (*add_rectified)(float *restrict x, const float *restrict addend, ptrdiff_t count);
    /// sums[j] = the products of x and the count rows of w, each of k numbers.
    void (*dots)(float *restrict sums, const float *restrict x, const float *restrict w,
                 ptrdiff_t row_stride, ptrdiff_t k, ptrdiff_t count);
    /// The sum, in blocks over a fixed tree.
    double (*sum)(const float *x, ptrdiff_t count);
    /// sums += x, element by element, in double.
    void (*accumulate)(double *restrict sums, const float *restrict x, ptrdiff_t count);
    /// The largest element; NaN where there is one.
    float (*largest)(const float *x, ptrdiff_t count);
    /// y = exp(x - offset); returns the sum of y in double, in order. y may be x.
    double (*exponentials)(float *y, const float *x, float offset, ptrdiff_t count);
    /// The same with an offset each, and the numbers of y added to as many sums. y may be x.
    void (*exponential_row)(float *y, const float *x, const float *restrict offsets,
                            double *restrict sums, ptrdiff_t count);
    void (*pool_max_row)(const convk_pool_row *row);
    void (*pool_max_fold)(const convk_pool_fold *fold);
    /// A row of means of 2x2 pixels of two rows, 2 * count pixels each.
    void (*pool_average_pairs)(float *restrict y, const float *restrict upper,
                               const float *restrict lower, ptrdiff_t count);
    /// Its gradient: a quarter of dy to each of the pixels.
    void (*pool_average_pairs_backward)(float *restrict upper, float *restrict lower,
                                        const float *restrict dy, ptrdiff_t count);
    /// A sum of weighted rows of a plane, and a row's resampling.
    void (*resample_rows)(float *restrict y, const float *restrict plane, ptrdiff_t width,
                          const int32_t *place, const float *weight, ptrdiff_t taps);
    void (*resample_columns)(float *restrict y, const float *restrict x,
                             const convk_resampling *map);
    /// The sum of x² in double, over a fixed tree.
    double (*sum_of_squares)(const float *x, ptrdiff_t count);
    /// One block of pixels, at most CONVK_LRN_BLOCK, of an image through all channels.
    void (*lrn_forward)(float *y, const float *x, ptrdiff_t count, const convk_lrn *lrn);
    /// The same; terms: convk_lrn_slots rows of CONVK_LRN_BLOCK.
    void (*lrn_backward)(float *restrict dx, const float *restrict dy, const float *restrict x,
                         float *restrict terms, ptrdiff_t count, const convk_lrn *lrn);
    /// Elements from a multiple of 64 on, the first-th of their array.
    void (*dropout)(float *y, const float *x, ptrdiff_t first, ptrdiff_t count,
                    const convk_dropout_mask *mask);
    void (*update_sgd)(float *restrict p, const float *restrict g, ptrdiff_t count,
                       float learning_rate, const convk_gradient_adjustment *adjustment);
    void (*update_momentum)(float *restrict p, float *restrict v, const float *restrict g,
                            ptrdiff_t count, const convk_momentum *momentum,
                            const convk_gradient_adjustment *adjustment);
    void (*update_squares)(float *restrict p, float *restrict v, const float *restrict g,
                           ptrdiff_t count, const convk_squares *squares,
                           const convk_gradient_adjustment *adjustment);
    void (*update_adam)(float *restrict p, float *restrict m, float *restrict v,
                        const float *restrict g, ptrdiff_t count, const convk_adam *adam,
                        const convk_gradient_adjustment *adjustment);
    /// Multiply-adds on registers alone; writes a number that depends on them all. Returns the
    /// floating-point operations done.
    double (*peak)(float *result, ptrdiff_t iterations);
} convk_leaves;

/// Before a loop each of whose steps touches one element of every array: two of them may be the
/// same array. The compiler, which would otherwise fall back to scalars where they overlap, is told
/// so. One vector at a time: runs are short, and what is left of them goes one by one.
#define CONVK_ELEMENTWISE _Pragma("clang loop vectorize(assume_safety) interleave_count(1)")

/// Elements that a thread takes at a time in loops over whole arrays: whole groups of dropout's.
enum { CONVK_ELEMENT_BLOCK = 8192 };

/// Pixels that local response normalization takes through all channels at a time, at most: with
/// windows of five channels its rows fill half of the first-level cache.
enum { CONVK_LRN_BLOCK = 512 };

/// The channels whose terms the gradient of local response normalization keeps.
static inline ptrdiff_t convk_lrn_slots(ptrdiff_t channels, ptrdiff_t size) {
    return convk_min(channels, size);
}

#endif
