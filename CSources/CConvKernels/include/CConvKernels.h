// SPDX-License-Identifier: MIT
//
// The whole C API of the kernels. Plain C, no allocation, no I/O, no global state that changes: a
// kernel gets its arrays, their sizes, workspace where it needs some, and how to run.
//
// Common to all functions:
//   - Arrays are float32, row-major and contiguous unless a leading dimension says otherwise. Sizes
//     and strides are in elements. Images are NCHW.
//   - Arguments stand in the order outputs, inputs, sizes, workspace, execution.
//   - Outputs do not overlap inputs or one another unless the function says that they may.
//   - Nothing outside the arrays is read or written. Arrays need only the alignment of a float,
//     workspace 64 bytes.
//   - Sizes are not checked: the caller has checked that they are positive, consistent, and that
//     their products fit in ptrdiff_t.
//   - Denormal numbers are computed with as any others: nothing is flushed to zero, and the modes
//     of the floating-point unit stay as they are. On data that consists of them kernels took up to
//     6 times as long on Zen 5 (tanh; products and convolutions no longer, except portable ones).
//   - NaN and infinity come out where the formulas have them, unless a function says otherwise;
//     where an image is padded with zeros, an infinite filter may make NaN of one.
//   - Results are the same bits at any number of threads on one instruction set. Work is split by
//     shape, and each output element is written by one thread.
#ifndef CCONVKERNELS_H
#define CCONVKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convk_activations.h"
#include "convk_elementwise.h"

#ifdef __cplusplus
extern "C" {
// C++ knows C's restrict only by this name; the macro is undefined again below.
#define restrict __restrict__
#endif

// ---- How to run -------------------------------------------------------------------------------

/// The instruction sets that kernels are written for, from the plainest on.
typedef enum {
    CONVK_ISA_PORTABLE = 0, ///< what the compiler's baseline for this architecture offers
    CONVK_ISA_NEON = 1,     ///< 64-bit Arm with Advanced SIMD
    CONVK_ISA_AVX2 = 2,     ///< x86-64 with AVX2 and FMA
    CONVK_ISA_AVX512 = 3,   ///< x86-64 with AVX-512 F, VL, BW and DQ
} convk_isa;

/// How a kernel is to run. The instruction set must be one that the CPU has (convk_isa_supported).
typedef struct {
    convk_isa isa;
    int threads; ///< at least 1; the most threads that a parallel region may use
    /// Whether convolutions may take Winograd's algorithm where that is faster. Its error depends
    /// on the numbers of a whole tile of 6 x 6 pixels, not only on those that an output is summed
    /// of; its bound stands at convk_conv2d_forward.
    bool winograd;
} convk_execution;

/// Whether this CPU and operating system run the instruction set.
bool convk_isa_supported(convk_isa isa);

/// The best instruction set that this CPU runs.
convk_isa convk_best_isa(void);

/// "portable", "neon", "avx2" or "avx512".
const char *convk_isa_name(convk_isa isa);

/// The processors that the scheduler may put this process on, at least 1.
int convk_available_processors(void);

/// Whether the kernels were compiled with OpenMP. Without it each call runs on the calling thread
/// alone, with the same results.
bool convk_uses_openmp(void);

/// The name of the SGEMM micro-kernel that an instruction set uses, such as "sgemm_14x32_avx512".
const char *convk_sgemm_kernel_name(convk_isa isa);

/// Runs register-only fused multiply-adds on each thread at once, for measuring the peak.
/// Returns the number of floating-point operations done by all threads together.
double convk_peak_flops(float *result, ptrdiff_t iterations, convk_execution execution);

/// Copies count floats, the threads sharing the work, for measuring the memory's bandwidth.
void convk_copy(float *restrict destination, const float *restrict source, ptrdiff_t count,
                convk_execution execution);

/// What is done to [begin, end); context is the caller's.
typedef void (*convk_block_body)(void *context, ptrdiff_t begin, ptrdiff_t end);

/// Calls a body for each block of [0, count), the threads sharing the blocks: for functions of
/// numbers that have no kernel of their own. What the body writes for one block may not be read or
/// written for another one.
void convk_for_each_block(ptrdiff_t count, ptrdiff_t block, convk_block_body body, void *context,
                          convk_execution execution);

// ---- Products ---------------------------------------------------------------------------------

/// A matrix operand: element (i, j) is at data[i * row_stride + j * column_stride]. One of the two
/// strides is 1.
typedef struct {
    const float *data;
    ptrdiff_t row_stride;
    ptrdiff_t column_stride;
} convk_matrix;

/// C = alpha * A * B + beta * C, A being m x k, B k x n, and C m x n with rows ldc apart.
/// With beta 0, C is not read; with alpha 0 neither A nor B is. m, n and k may be 0. workspace:
/// convk_sgemm_workspace(m, n, k, a, b, execution) floats, perhaps 0; of a and b it looks at the
/// strides alone.
void convk_sgemm(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b, ptrdiff_t m,
                 ptrdiff_t n, ptrdiff_t k, float alpha, float beta, float *restrict workspace,
                 convk_execution execution);

/// The floats of workspace that convk_sgemm needs for a product of this size.
ptrdiff_t convk_sgemm_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a,
                                convk_matrix b, convk_execution execution);

/// y [m, n] = x [m, k] * weights [k, n] + bias [n], and with relu what is negative is 0: the bits
/// of convk_sgemm, convk_bias_add and relu. m, n and k are at least 1. workspace:
/// convk_affine_workspace(m, n, k, execution) floats.
void convk_affine(float *restrict y, const float *restrict x, const float *restrict weights,
                  const float *restrict bias, bool relu, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                  float *restrict workspace, convk_execution execution);

/// The floats of workspace that convk_affine needs; perhaps none, and then it may be NULL.
ptrdiff_t convk_affine_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution);

// ---- Windows ----------------------------------------------------------------------------------

/// A window that slides over images, and both sizes: everything that im2col, convolution and
/// pooling loop over. Tap (u, v) of place (i, j) reads the pixel
/// (i * stride_h + u * dilation_h - pad_top, j * stride_w + v * dilation_w - pad_left).
typedef struct {
    ptrdiff_t n, c, h, w;             ///< images [n, c, h, w]
    ptrdiff_t oh, ow;                 ///< places of the window along each axis
    ptrdiff_t kh, kw;                 ///< taps along each axis
    ptrdiff_t stride_h, stride_w;     ///< steps between places
    ptrdiff_t dilation_h, dilation_w; ///< distances between taps
    ptrdiff_t pad_top, pad_bottom, pad_left, pad_right;
} convk_window;

/// columns [n*oh*ow, c*kh*kw], rows over (n, oh, ow) and columns over (c, kh, kw), from images
/// [n, c, h, w]. Taps outside the image read 0. Threads share the rows.
void convk_im2col(float *restrict columns, const float *restrict x, const convk_window *window,
                  convk_execution execution);

/// The adjoint of convk_im2col: x [n, c, h, w] is set to the sum of the taps that read each pixel.
/// Threads share the planes (n, c).
void convk_col2im(float *restrict x, const float *restrict columns, const convk_window *window,
                  convk_execution execution);

// ---- What an activation is ---------------------------------------------------------------------

#define CONVK_ACTIVATION_KIND(name, value, gradient) CONVK_ACTIVATION_##name,
/// The activations; the list has their formulas.
typedef enum {
    CONVK_ACTIVATIONS(CONVK_ACTIVATION_KIND) CONVK_ACTIVATION_COUNT
} convk_activation_kind;
#undef CONVK_ACTIVATION_KIND

/// An activation and its parameters; those that it has not are not read.
typedef struct {
    convk_activation_kind kind;
    float a, b;
} convk_activation;

// ---- Convolution ------------------------------------------------------------------------------

/// A convolution of images [n, c, h, w] with filters [f, c/groups, kh, kw].
typedef struct {
    convk_window window;
    ptrdiff_t filters; ///< f, a multiple of groups
    ptrdiff_t groups;  ///< a divisor of c and f
    /// Floats from one image of x, and of y, to the next: more than an image has where its channels
    /// are some of a larger array's. 0: images lie one behind the other. For convk_conv2d_forward
    /// alone; the gradients and what pools take 0.
    ptrdiff_t x_image, y_image;
} convk_conv2d;

/// What is computed of a convolution.
typedef enum {
    CONVK_FORWARD,          ///< the output
    CONVK_BACKWARD_DATA,    ///< the gradient with respect to the images
    CONVK_BACKWARD_WEIGHTS, ///< the gradient with respect to the filters
} convk_conv2d_direction;

/// How a convolution or one of its gradients is computed: the first algorithm of its direction that
/// accepts the shape, and its block sizes. Made by convk_conv2d_plan_make, once for a call or for
/// any number of them, from any number of threads; not to be written by others. It refers to no
/// memory of the caller's and needs no release.
typedef struct {
    /// Filters that were prepacked with one plan serve any other with the same algorithm and
    /// instruction set, for filters of the same shape in as many groups.
    const struct convk_conv2d_algorithm *algorithm;
    ptrdiff_t prepacked_floats; ///< of the filters that convk_conv2d_prepack makes
    ptrdiff_t workspace_floats; ///< that a run needs, as many with prepacked filters as without
    int threads;                ///< that a run uses, at most those of the execution
    // What follows is the library's own.
    convk_execution execution;
    convk_conv2d conv;
    ptrdiff_t flipped_floats;
    ptrdiff_t block_sizes[40];
} convk_conv2d_plan;

/// The plan for one direction of a convolution.
convk_conv2d_plan convk_conv2d_plan_make(const convk_conv2d *conv, convk_conv2d_direction direction,
                                         convk_execution execution);

/// What the plan's algorithm is called:
///
/// - "winograd": Winograd's minimal number of multiplications
/// - "depthwise": depthwise, lanes are pixels of a plane, one channel per group
/// - "rows": lanes are pixels of a row
/// - "direct": lanes are filters
/// - "pointwise": a matrix product that reads the images in place, as each pixel is its own patch
/// - "implicit GEMM": a matrix product with patches (implicit GEMM)
/// - "columns": the gradient with respect to the images as a matrix product whose blocks of columns
///   are added up as by convk_col2im
const char *convk_conv2d_plan_name(const convk_conv2d_plan *plan);

/// prepacked [plan->prepacked_floats]: the filters as a forward plan reads them, for many calls
/// with the same weights; about as many floats as there are weights, rounded up to whole vectors or
/// panels, and with "winograd" 36 instead of 9 or 25 for each filter's channel. workspace:
/// plan->workspace_floats floats. Threads share blocks of filters.
void convk_conv2d_prepack(float *restrict prepacked, const float *restrict weights,
                          const convk_conv2d_plan *plan, float *restrict workspace);

/// What is done to a convolution's sums before they are written, in this order; the bits of one
/// operation after the other. NULL: it is left out.
typedef struct {
    const float *bias; ///< [f], added to the sums
    /// [f] each, all three or none: y = (y - mean) * scale + shift, as convk_batch_norm_apply, with
    /// scale = gamma / sqrt(variance + epsilon) and shift = beta.
    const float *mean, *scale, *shift;
    const float *addend;                ///< [n, f, oh, ow], lying as y does, added
    const convk_activation *activation; ///< of the result
} convk_epilogue;

/// y [n, f, oh, ow] = convolution of x with weights, and the epilogue of it. prepacked: what
/// convk_conv2d_prepack made of the weights, which are then not read, or NULL; the bits are the
/// same. plan: of CONVK_FORWARD. workspace: plan->workspace_floats floats.
///
/// With K = c/groups * kh * kw products in a sum and u = 2^-24, y is off by at most
/// (K + 2) u (sum |x w| + |bias|) to first order, and but with a probability of 2 exp(-l^2/2), if
/// rounding errors are independent of one another and of mean 0, by l sqrt(K + 2) u times the same.
///
/// With "winograd" it is a sum over all numbers r that are rounded on the way:
/// those of the tile's transformed pixels, of the transformed filters, of the products and their
/// sums at each point, and of the transform back. With h(r) half a unit in the last place of r, y
/// is off by at most sum |dy/dr| h(r), and but with a probability of 2 exp(-l^2/2), on the same
/// terms, by l sqrt(sum (dy/dr h(r))^2). With l = 5 the largest error of a hundred to some thousand
/// outputs, drawn or made to be hard on rounding, was 0.25 to 1 of that bound.
///
/// The gradients below are sums in the same way, of f/groups * kh * kw and of n * oh * ow products,
/// and so are their bounds.
void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict prepacked, const convk_epilogue *epilogue,
                          const convk_conv2d_plan *plan, float *restrict workspace);

/// Whether a 1 x 1 convolution and the depthwise convolution of its output, which reads channels as
/// groups, are faster at once: what lies between never leaves a cache.
bool convk_conv2d_expanded_pays(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                convk_execution execution);

/// The floats of workspace that convk_conv2d_expanded needs for a pair that pays.
ptrdiff_t convk_conv2d_expanded_workspace(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                          convk_execution execution);

/// The floats of the 1 x 1 filters as convk_conv2d_expanded_prepack packs them.
ptrdiff_t convk_conv2d_expanded_prepacked(const convk_conv2d *expand, convk_execution execution);

/// prepacked [convk_conv2d_expanded_prepacked]: the 1 x 1 filters as convk_conv2d_expanded reads
/// them, for many calls with the same weights, whatever the images' sizes.
void convk_conv2d_expanded_prepack(float *restrict prepacked, const float *restrict expand_weights,
                                   const convk_conv2d *expand, convk_execution execution);

/// y = the depthwise convolution of the 1 x 1 convolution of x, for a pair that pays: the bits of
/// two calls of convk_conv2d_forward. Both epilogues have a bias and an activation, or less.
/// prepacked: what convk_conv2d_expanded_prepack made of expand_weights, which are then not read,
/// or NULL. workspace: convk_conv2d_expanded_workspace floats.
void convk_conv2d_expanded(float *restrict y, const float *restrict x,
                           const float *restrict expand_weights, const float *restrict prepacked,
                           const convk_epilogue *first, const float *restrict weights,
                           const convk_epilogue *second, const convk_conv2d *expand,
                           const convk_conv2d *depthwise, float *restrict workspace,
                           convk_execution execution);

/// dx [n, c, h, w], the gradient with respect to the images, from dy [n, f, oh, ow].
/// plan: of CONVK_BACKWARD_DATA. workspace: plan->workspace_floats floats.
void convk_conv2d_backward_data(float *restrict dx, const float *restrict dy,
                                const float *restrict weights, const convk_conv2d_plan *plan,
                                float *restrict workspace);

/// dw [f, c/groups, kh, kw], the gradient with respect to the filters, from dy [n, f, oh, ow] and
/// the images. plan: of CONVK_BACKWARD_WEIGHTS. workspace: plan->workspace_floats floats.
void convk_conv2d_backward_weights(float *restrict dw, const float *restrict dy,
                                   const float *restrict x, const convk_conv2d_plan *plan,
                                   float *restrict workspace);

// ---- Bias -------------------------------------------------------------------------------------

/// x [n, channels, plane] += bias [channels], in place.
void convk_bias_add(float *restrict x, const float *restrict bias, ptrdiff_t n, ptrdiff_t channels,
                    ptrdiff_t plane, convk_execution execution);

/// sums [channels] = the sums of x [n, channels, plane] over n and plane, over a fixed tree.
void convk_bias_backward(float *restrict sums, const float *restrict x, ptrdiff_t n,
                         ptrdiff_t channels, ptrdiff_t plane, convk_execution execution);

// ---- Pooling ----------------------------------------------------------------------------------

/// y [n, c, oh, ow] = the largest number under each window, and argmax the flat index h * w_size +
/// w of the first such in its plane (argmax NULL: not wanted). Padding counts as -infinity, NaN
/// wins. A window that sees NaN yields the first NaN; every window sees at least one pixel.
void convk_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                    const convk_window *window, convk_execution execution);

/// Whether a convolution, by its forward plan, and a max pooling of its output are faster together.
bool convk_conv2d_pool_max_pays(const convk_conv2d_plan *plan);

/// y and argmax as convk_pool_max of what convk_conv2d_forward gives with the bias, to the bit
/// where convk_conv2d_pool_max_pays, and then the activation of y (NULL: none). argmax NULL: not
/// wanted. prepacked and plan: the convolution's, as for convk_conv2d_forward. pooling: its window
/// on images [n, filters, oh, ow] of the convolution. workspace: convk_conv2d_pool_max_workspace
/// floats. Threads share the images, their groups and bands of rows.
void convk_conv2d_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                           const float *restrict weights, const float *restrict prepacked,
                           const float *restrict bias, const convk_activation *activation,
                           const convk_conv2d_plan *plan, const convk_window *pooling,
                           float *restrict workspace);

/// The floats of workspace that convk_conv2d_pool_max needs.
ptrdiff_t convk_conv2d_pool_max_workspace(const convk_conv2d_plan *plan,
                                          const convk_window *pooling);

/// Whether the gradient with respect to the filters of a convolution that was max-pooled, by its
/// plan of CONVK_BACKWARD_WEIGHTS, is faster from the pooled gradient; it must be asked for only
/// where this is true.
bool convk_conv2d_pool_max_backward_weights_pays(const convk_conv2d_plan *plan);

/// dw [f, c/groups, kh, kw], the gradient with respect to the filters, from dy [n, f, oh, ow] of
/// the max pooling of the convolution's output and from where the maxima were: the bits of
/// convk_pool_max_backward and convk_conv2d_backward_weights. pooling: as for
/// convk_conv2d_pool_max; each argmax lies under its window. workspace: plan->workspace_floats
/// floats.
void convk_conv2d_pool_max_backward_weights(float *restrict dw, const float *restrict dy,
                                            const int32_t *restrict argmax, const float *restrict x,
                                            const convk_conv2d_plan *plan,
                                            const convk_window *pooling, float *restrict workspace);

/// dx [planes, input_plane] is set to zero, then dy [planes, output_plane] is added at argmax.
void convk_pool_max_backward(float *restrict dx, const float *restrict dy,
                             const int32_t *restrict argmax, ptrdiff_t planes,
                             ptrdiff_t input_plane, ptrdiff_t output_plane,
                             convk_execution execution);

/// y [n, c, oh, ow] = the mean under each window. The divisor counts the taps inside the padded
/// image where count_include_pad, otherwise those inside the image.
void convk_pool_average(float *restrict y, const float *restrict x, const convk_window *window,
                        bool count_include_pad, convk_execution execution);

/// dx [n, c, h, w] from dy [n, c, oh, ow], with the divisors of convk_pool_average.
void convk_pool_average_backward(float *restrict dx, const float *restrict dy,
                                 const convk_window *window, bool count_include_pad,
                                 convk_execution execution);

// ---- Activations ------------------------------------------------------------------------------

/// The name in the list, such as "relu".
const char *convk_activation_name(convk_activation_kind kind);

/// y = the activation of x. relu, clip and leakyReLU round once at most; sigmoid is right to within
/// 4 units in the last place or 1e-38 (over all floats the worst that x86-64 showed is 2.5 units),
/// tanh to within 4 units; the others to within 16 * 2^-24 * (|x| + |y|). y and x may be the same
/// array.
void convk_activation_forward(float *y, const float *x, ptrdiff_t count,
                              convk_activation activation, convk_execution execution);

/// dx = dy times the derivative. v is y for relu, clip, sigmoid, hardSigmoid and tanh, x for the
/// others. dx may be dy.
void convk_activation_backward(float *dx, const float *dy, const float *v, ptrdiff_t count,
                               convk_activation activation, convk_execution execution);

// ---- Arrays with axes -------------------------------------------------------------------------

/// The most axes of more than one element that an array has whose size ptrdiff_t holds, and the
/// most arrays that are walked over together.
enum { CONVK_LARGEST_RANK = 64, CONVK_LARGEST_OPERANDS = 3 };

/// Axes that one or more arrays are walked over along.
typedef struct {
    ptrdiff_t rank;           ///< from 1 to CONVK_LARGEST_RANK
    ptrdiff_t operands;       ///< from 1 to CONVK_LARGEST_OPERANDS
    const ptrdiff_t *shape;   ///< [rank], outermost first
    const ptrdiff_t *strides; ///< [operands, rank]
} convk_axes;

#define CONVK_BINARY_KIND(name, value, slope_a, slope_b) CONVK_BINARY_##name,
/// The operations on two arrays; the list has their formulas.
typedef enum { CONVK_BINARY_OPERATIONS(CONVK_BINARY_KIND) CONVK_BINARY_COUNT } convk_binary_kind;
#undef CONVK_BINARY_KIND

/// The name in the list, such as "add".
const char *convk_binary_name(convk_binary_kind kind);

/// y, an array of the axes' shape, = the operation on the numbers of a and b that lie there. The
/// axes' strides are those of a, then of b, those of the last axis 1, or 0 for an array that
/// repeats one number along it. a and b may be the same array. Each number is rounded once. Threads
/// share y.
void convk_binary(float *restrict y, const float *a, const float *b, const convk_axes *axes,
                  convk_binary_kind kind, convk_execution execution);

/// dx, an array of the axes' shape, = the gradient with respect to a, or to b, where dy is that of
/// y: what each use of a number gives, not yet added up where it is repeated. The axes' strides are
/// those of a, b and dy. Products and quotients of three numbers are rounded as often as they are
/// taken, the gradients of a power once.
void convk_binary_backward(float *restrict dx, const float *dy, const float *a, const float *b,
                           const convk_axes *axes, convk_binary_kind kind, bool of_b,
                           convk_execution execution);

#define CONVK_REDUCTION_KIND(name, start, next, join, finish) CONVK_REDUCTION_##name,
/// The reductions; the list has their formulas.
typedef enum { CONVK_REDUCTIONS(CONVK_REDUCTION_KIND) CONVK_REDUCTION_COUNT } convk_reduction_kind;
#undef CONVK_REDUCTION_KIND

/// The name in the list, such as "sum".
const char *convk_reduction_name(convk_reduction_kind kind);

/// y, an array of the kept axes' shape, = the reduction of x over the other axes, with totals in
/// double. Both axes' strides are those of x; the last of the reduced ones is 1, or the last of the
/// kept ones. NaN makes a maximum or minimum NaN. Threads share y.
void convk_reduce(float *restrict y, const float *restrict x, const convk_axes *kept,
                  const convk_axes *reduced, convk_reduction_kind kind, convk_execution execution);

// ---- Normalization ----------------------------------------------------------------------------

/// Local response normalization of images [n, channels, plane]: the channels c - size/2 up to
/// c + (size-1)/2, those that exist, add up to s_c = k + alpha/size * sum(x^2).
typedef struct {
    ptrdiff_t n, channels, plane;
    ptrdiff_t size; ///< at least 1
    float alpha_over_size, beta, k;
} convk_lrn;

/// y_c = x_c * s_c^-beta. s stays within float's normal numbers. Threads share blocks of pixels.
void convk_lrn_forward(float *restrict y, const float *restrict x, const convk_lrn *lrn,
                       convk_execution execution);

/// dx_c = dy_c s_c^-beta - 2 alpha/size beta x_c sum(dy x s^-beta-1), summed over the channels that
/// have c in their window. s is computed again: keeping it would move more memory than that takes.
/// workspace: convk_lrn_backward_workspace floats.
void convk_lrn_backward(float *restrict dx, const float *restrict dy, const float *restrict x,
                        const convk_lrn *lrn, float *restrict workspace, convk_execution execution);

/// The floats of workspace that convk_lrn_backward needs.
ptrdiff_t convk_lrn_backward_workspace(const convk_lrn *lrn, convk_execution execution);

/// Batch normalization of x [n, channels, plane].
typedef struct {
    ptrdiff_t n, channels, plane;
    double epsilon;
} convk_batch_norm;

/// The mean and the (biased) variance of each channel, summed in double in two passes. Threads
/// share the channels, here and below.
void convk_batch_norm_statistics(float *restrict mean, float *restrict variance,
                                 const float *restrict x, const convk_batch_norm *norm,
                                 convk_execution execution);

/// y = (x - mean) * gamma / sqrt(variance + epsilon) + beta, each with one number per channel.
void convk_batch_norm_apply(float *restrict y, const float *restrict x, const float *restrict mean,
                            const float *restrict variance, const float *restrict gamma,
                            const float *restrict beta, const convk_batch_norm *norm,
                            convk_execution execution);

/// The gradients where mean and variance are those of x: with z = (x - mean) / sqrt(variance +
/// epsilon), dgamma = sum(dy z), dbeta = sum(dy) and dx = gamma / sqrt(variance + epsilon) *
/// (dy - mean(dy) - z mean(dy z)).
void convk_batch_norm_backward(float *restrict dx, float *restrict dgamma, float *restrict dbeta,
                               const float *restrict dy, const float *restrict x,
                               const float *restrict mean, const float *restrict variance,
                               const float *restrict gamma, const convk_batch_norm *norm,
                               convk_execution execution);

/// What a normalization goes by, each with one number per channel.
typedef struct {
    const float *mean, *variance, *gamma, *beta;
} convk_norm_parameters;

/// The same with what stands behind it: y = activation(the normalization + addend). addend [n,
/// channels, plane] and activation may be NULL. The bits are those of one after the other; planes
/// have more than one number.
void convk_batch_norm_apply_joined(float *restrict y, const float *restrict x,
                                   const float *restrict addend,
                                   const convk_norm_parameters *parameters,
                                   const convk_activation *activation, const convk_batch_norm *norm,
                                   convk_execution execution);

/// The gradients where y = min(max(the normalization, from), to) and there was no addend; `to` may
/// be NaN for no upper end, as of ReLU. What lies between is computed again from x.
void convk_batch_norm_backward_between(float *restrict dx, float *restrict dgamma,
                                       float *restrict dbeta, const float *restrict dy,
                                       const float *restrict x,
                                       const convk_norm_parameters *parameters, float from,
                                       float to, const convk_batch_norm *norm,
                                       convk_execution execution);

/// Which elements a dropout keeps. Element e is kept where the 32-bit number that Philox 4x32-10
/// draws for it is at least the threshold: of groups of 64 elements, element 16 j + l takes number
/// j of the generator's block at counter (16 e/64 + l, stream).
typedef struct {
    uint32_t key[2];
    uint32_t stream[2];
    uint32_t threshold; ///< the rate times 2^32
    float scale;        ///< 1 / (1 - rate)
} convk_dropout_mask;

/// y = kept ? x * scale : 0. The gradient is the same of dy. y and x may be the same array. Threads
/// share the elements.
void convk_dropout(float *y, const float *x, ptrdiff_t count, const convk_dropout_mask *mask,
                   convk_execution execution);

// ---- Loss -------------------------------------------------------------------------------------

/// y [outer, classes, inner] = softmax of x along the classes. y and x may be the same array.
void convk_softmax(float *y, const float *x, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                   convk_execution execution);

/// dx = y * (dy - sum(dy y)) along the classes, y [outer, classes, inner] being a softmax; the sums
/// are in double.
void convk_softmax_backward(float *restrict dx, const float *restrict dy, const float *restrict y,
                            ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                            convk_execution execution);

/// Mean cross-entropy of the softmax of logits [rows, classes] against one class per row, by
/// log-sum-exp with sums in double. gradient [rows, classes] = (softmax - onehot) / rows.
/// row_losses: workspace of one double per row; they are added up in order. Returns the mean loss.
double convk_softmax_cross_entropy_labels(float *restrict gradient, double *restrict row_losses,
                                          const float *restrict logits,
                                          const ptrdiff_t *restrict labels, ptrdiff_t rows,
                                          ptrdiff_t classes, convk_execution execution);

/// The same against rows of probabilities: gradient = (softmax * sum(targets) - targets) / rows.
double convk_softmax_cross_entropy_targets(float *restrict gradient, double *restrict row_losses,
                                           const float *restrict logits,
                                           const float *restrict targets, ptrdiff_t rows,
                                           ptrdiff_t classes, convk_execution execution);

// ---- Updates ----------------------------------------------------------------------------------

/// What is done to each number g of a gradient, p being its parameter's, before an update uses it:
/// factor * min(max(g, -limit), limit) + weight_decay * p. NaN stays NaN. With factor 1, limit
/// infinite and weight_decay 0 the gradient is used as it is.
typedef struct {
    float factor, limit, weight_decay;
} convk_gradient_adjustment;

/// The sum of x², in double over a fixed tree. block_sums: workspace of
/// convk_sum_of_squares_workspace(count) doubles.
double convk_sum_of_squares(const float *restrict x, ptrdiff_t count, double *restrict block_sums,
                            convk_execution execution);

/// The doubles of workspace that convk_sum_of_squares needs.
ptrdiff_t convk_sum_of_squares_workspace(ptrdiff_t count);

/// p -= learning_rate * g. In this and the other updates g stands for the adjusted gradient.
void convk_update_sgd(float *restrict p, const float *restrict g, ptrdiff_t count,
                      float learning_rate, const convk_gradient_adjustment *adjustment,
                      convk_execution execution);

/// The constants of an update with a velocity.
typedef struct {
    float learning_rate, momentum;
    /// false: v = momentum * v - learning_rate * g; p += v.
    /// true: v = momentum * v + g; p -= learning_rate * (g + momentum * v).
    bool nesterov;
} convk_momentum;

/// An update with a velocity v.
void convk_update_momentum(float *restrict p, float *restrict v, const float *restrict g,
                           ptrdiff_t count, const convk_momentum *momentum,
                           const convk_gradient_adjustment *adjustment, convk_execution execution);

/// The constants of an update that is scaled by the root of squares.
typedef struct {
    float learning_rate;
    float kept;  ///< how much of the old squares counts: 1 for a sum
    float added; ///< how much of the new square counts
    float epsilon;
} convk_squares;

/// v = kept * v + added * g²; p -= learning_rate * g / (sqrt(v) + epsilon): AdaGrad, RMSProp.
void convk_update_squares(float *restrict p, float *restrict v, const float *restrict g,
                          ptrdiff_t count, const convk_squares *squares,
                          const convk_gradient_adjustment *adjustment, convk_execution execution);

/// Adam's constants for one step, the corrections for the step's number folded in.
typedef struct {
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float step_size;                   ///< learning_rate / (1 - beta1^t)
    float inverse_root_of_correction2; ///< 1 / sqrt(1 - beta2^t)
    float epsilon;
    float kept; ///< 1 - learning_rate * the decay of weights beside the gradient
} convk_adam;

/// m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g²;
/// p = kept * p - step_size * m / (sqrt(v) * inverse_root_of_correction2 + epsilon).
void convk_update_adam(float *restrict p, float *restrict m, float *restrict v,
                       const float *restrict g, ptrdiff_t count, const convk_adam *adam,
                       const convk_gradient_adjustment *adjustment, convk_execution execution);

// ---- Other places -----------------------------------------------------------------------------

/// The most axes of a copy.
enum { CONVK_MOST_AXES = 64 };

/// One axis of a copy: its extent, and how far two neighbours along it lie apart in the input and
/// in the output; negative where an axis runs backwards.
typedef struct {
    ptrdiff_t extent, from, to;
} convk_copy_axis;

/// y[sum of index * to] = x[sum of index * from], for all indices along count <=
/// CONVK_MOST_AXES axes, in any order. x and y point to the numbers whose indices are all 0. The
/// output's strides keep its numbers apart; an input's may be 0. Numbers between are left alone.
void convk_strided_copy(float *restrict y, const float *restrict x, const convk_copy_axis *axes,
                        int count, convk_execution execution);

/// A linear map from in numbers to out, most of whose weights are 0: number i is the sum of
/// weight[t] * x[place[t]] for first[i] <= t < first[i + 1], in this order, or 0.
typedef struct {
    ptrdiff_t in, out;
    ptrdiff_t each;         ///< how many taps each output has, or 0 where they differ
    const ptrdiff_t *first; ///< [out + 1], from 0 on
    const int32_t *place;
    const float *weight;
} convk_resampling;

/// The floats of workspace that convk_resample needs.
ptrdiff_t convk_resample_workspace(const convk_resampling *columns, convk_execution execution);

/// y[p,i,j] = sum of columns[j,v] (sum of rows[i,u] x[p,u,v]) over planes p: [planes, rows->out,
/// columns->out] from [planes, rows->in, columns->in]. Each sum is rounded at each step.
void convk_resample(float *restrict y, const float *restrict x, ptrdiff_t planes,
                    const convk_resampling *rows, const convk_resampling *columns,
                    float *restrict workspace, convk_execution execution);

#ifdef __cplusplus
#undef restrict
}
#endif

#endif
