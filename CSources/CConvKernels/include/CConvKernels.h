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
//     6 times as long on Zen 5 (tanh; products and convolutions no longer, but for portable ones).
//   - NaN and infinity come out where the formulas have them, unless a function says otherwise;
//     where an image is padded with zeros, an infinite filter may make NaN of one.
//   - Results are the same bits at any number of threads on one instruction set. Work is split by
//     shape, and each output element is written by one thread.
#ifndef CCONVKERNELS_H
#define CCONVKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
// C++ knows C's restrict only by this name; below, the word is let go of again.
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
    /// Whether convolutions may take Winograd's way where that is faster. Its error depends on the
    /// numbers of a whole tile of 6 x 6 pixels, not only on those that an output is summed of; its
    /// bound stands at convk_conv2d_forward.
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

/// The name of the SGEMM micro-kernel that an instruction set uses, such as "sgemm_12x32_avx512".
const char *convk_sgemm_kernel_name(convk_isa isa);

/// Runs register-only fused multiply-adds on each thread at once, for measuring the peak.
/// Returns the number of floating-point operations done by all threads together.
double convk_peak_flops(float *result, ptrdiff_t iterations, convk_execution execution);

/// Copies count floats, the threads sharing the work, for measuring the memory's bandwidth.
void convk_copy(float *restrict destination, const float *restrict source, ptrdiff_t count,
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
/// of convk_sgemm, convk_bias_add and convk_relu. m, n and k are at least 1. workspace:
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

// ---- Convolution ------------------------------------------------------------------------------

/// A convolution of images [n, c, h, w] with filters [f, c/groups, kh, kw].
typedef struct {
    convk_window window;
    ptrdiff_t filters; ///< f, a multiple of groups
    ptrdiff_t groups;  ///< a divisor of c and f
} convk_conv2d;

/// The ways of the forward pass; each has filters laid out after its own fashion.
typedef enum {
    CONVK_WINOGRAD,  ///< in Winograd's minimal number of multiplications: transformed
    CONVK_BY_PLANES, ///< lanes are pixels of a plane, one channel a group: as they are
    CONVK_BY_ROWS,   ///< lanes are pixels: packed in panels
    CONVK_DIRECT,    ///< lanes are filters: packed in blocks of vectors
    CONVK_PRODUCT,   ///< a matrix product with patches: packed in panels
} convk_conv2d_way;

/// The way that a convolution takes. Filters that were prepared for one serve any other that takes
/// the same way on the same instruction set, with filters of the same shape in as many groups.
convk_conv2d_way convk_conv2d_way_of(const convk_conv2d *conv, convk_execution execution);

/// What the way of the forward pass, or of one of the gradients, is called: "winograd", "planes",
/// "rows", "direct" or "product", as above; "pointwise", a product that reads the images in place,
/// as each pixel is its own patch; or "columns", the gradient of the images as a product whose
/// blocks of columns are added up as by convk_col2im.
const char *convk_conv2d_forward_algorithm(const convk_conv2d *conv, convk_execution execution);
const char *convk_conv2d_backward_data_algorithm(const convk_conv2d *conv,
                                                 convk_execution execution);
const char *convk_conv2d_backward_weights_algorithm(const convk_conv2d *conv,
                                                    convk_execution execution);

/// prepared [convk_conv2d_prepare_size]: the filters as the convolution reads them, for many calls
/// with the same weights. workspace: convk_conv2d_forward_workspace floats. Threads share
/// blocks of filters.
void convk_conv2d_prepare(float *restrict prepared, const float *restrict weights,
                          const convk_conv2d *conv, float *restrict workspace,
                          convk_execution execution);

/// The floats of a convolution's prepared filters: about as many as there are weights, rounded up
/// to whole vectors or panels; by Winograd's way 36 instead of 9 or 25 for each filter's channel.
ptrdiff_t convk_conv2d_prepare_size(const convk_conv2d *conv, convk_execution execution);

/// y [n, f, oh, ow] = convolution of x with weights, plus bias [f] (NULL for none), and with relu
/// what is negative is 0: the bits of convk_relu. prepared: what convk_conv2d_prepare made of the
/// weights, which are then not read, or NULL; the bits are the same. workspace:
/// convk_conv2d_forward_workspace floats.
///
/// With K = c/groups * kh * kw products in a sum and u = 2^-24, y is off by at most
/// (K + 2) u (sum |x w| + |bias|) to first order, and but with a probability of 2 exp(-l^2/2), if
/// rounding errors are independent of one another and of mean 0, by l sqrt(K + 2) u times the same.
///
/// By Winograd's way (CONVK_WINOGRAD) it is a sum over all numbers r that are rounded on the way:
/// those of the tile's transformed pixels, of the transformed filters, of the products and their
/// sums at each point, and of the transform back. With h(r) half a unit in the last place of r, y
/// is off by at most sum |dy/dr| h(r), and but with a probability of 2 exp(-l^2/2), on the same
/// terms, by l sqrt(sum (dy/dr h(r))^2). With l = 5 the largest error of a hundred to some thousand
/// outputs, drawn or made to be hard on rounding, was 0.25 to 1 of that bound.
///
/// The gradients below are sums in the same way, of f/groups * kh * kw and of n * oh * ow products,
/// and so are their bounds.
void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict prepared, const float *restrict bias, bool relu,
                          const convk_conv2d *conv, float *restrict workspace,
                          convk_execution execution);

/// The floats of workspace that convk_conv2d_forward needs. As many with prepared filters as
/// without: who calls again and again asks for one size alone.
ptrdiff_t convk_conv2d_forward_workspace(const convk_conv2d *conv, convk_execution execution);

/// dx [n, c, h, w], the gradient with respect to the images, from dy [n, f, oh, ow].
/// workspace: convk_conv2d_backward_data_workspace floats.
void convk_conv2d_backward_data(float *restrict dx, const float *restrict dy,
                                const float *restrict weights, const convk_conv2d *conv,
                                float *restrict workspace, convk_execution execution);

/// The floats of workspace that convk_conv2d_backward_data needs.
ptrdiff_t convk_conv2d_backward_data_workspace(const convk_conv2d *conv, convk_execution execution);

/// dw [f, c/groups, kh, kw], the gradient with respect to the filters, from dy [n, f, oh, ow] and
/// the images. workspace: convk_conv2d_backward_weights_workspace floats.
void convk_conv2d_backward_weights(float *restrict dw, const float *restrict dy,
                                   const float *restrict x, const convk_conv2d *conv,
                                   float *restrict workspace, convk_execution execution);

/// The floats of workspace that convk_conv2d_backward_weights needs.
ptrdiff_t convk_conv2d_backward_weights_workspace(const convk_conv2d *conv,
                                                  convk_execution execution);

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

/// Whether a convolution and a max pooling of its output are faster together.
bool convk_conv2d_pool_max_pays(const convk_conv2d *conv, convk_execution execution);

/// y and argmax as convk_pool_max of what convk_conv2d_forward gives, to the bit where
/// convk_conv2d_pool_max_pays; with relu, what is negative in y is 0. argmax NULL: not wanted.
/// prepared: the convolution's, as for convk_conv2d_forward, or NULL. pooling: its window on images
/// [n, filters, oh, ow] of the convolution. workspace: convk_conv2d_pool_max_workspace floats.
/// Threads share the images, their groups and bands of rows.
void convk_conv2d_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                           const float *restrict weights, const float *restrict prepared,
                           const float *restrict bias, bool relu, const convk_conv2d *conv,
                           const convk_window *pooling, float *restrict workspace,
                           convk_execution execution);

/// The floats of workspace that convk_conv2d_pool_max needs.
ptrdiff_t convk_conv2d_pool_max_workspace(const convk_conv2d *conv, const convk_window *pooling,
                                          convk_execution execution);

/// Whether the gradient with respect to the filters of a convolution that was max-pooled is faster
/// from the pooled gradient; it must be asked for only where this is true.
bool convk_conv2d_pool_max_backward_weights_pays(const convk_conv2d *conv,
                                                 convk_execution execution);

/// dw [f, c/groups, kh, kw], the gradient with respect to the filters, from dy [n, f, oh, ow] of
/// the max pooling of the convolution's output and from where the maxima were: the bits of
/// convk_pool_max_backward and convk_conv2d_backward_weights. pooling: as for
/// convk_conv2d_pool_max; each argmax lies under its window. workspace:
/// convk_conv2d_backward_weights_workspace floats.
void convk_conv2d_pool_max_backward_weights(float *restrict dw, const float *restrict dy,
                                            const int32_t *restrict argmax, const float *restrict x,
                                            const convk_conv2d *conv, const convk_window *pooling,
                                            float *restrict workspace, convk_execution execution);

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

/// y = x <= 0 ? 0 : x: NaN stays NaN, and -0 becomes 0. y and x may be the same array.
void convk_relu(float *y, const float *x, ptrdiff_t count, convk_execution execution);

/// dx = y <= 0 ? 0 : dy. dx may be dy.
void convk_relu_backward(float *dx, const float *dy, const float *y, ptrdiff_t count,
                         convk_execution execution);

/// y = 1 / (1 + exp(-x)), to within 4 units in the last place or 1e-38; over all floats the worst
/// that x86-64 showed is 2.5 units. y and x may be the same.
void convk_sigmoid(float *y, const float *x, ptrdiff_t count, convk_execution execution);

/// dx = dy * y * (1 - y). dx may be dy.
void convk_sigmoid_backward(float *dx, const float *dy, const float *y, ptrdiff_t count,
                            convk_execution execution);

/// y = tanh(x), to within 4 units in the last place. y and x may be the same.
void convk_tanh(float *y, const float *x, ptrdiff_t count, convk_execution execution);

/// dx = dy * (1 - y) * (1 + y). dx may be dy.
void convk_tanh_backward(float *dx, const float *dy, const float *y, ptrdiff_t count,
                         convk_execution execution);

/// y = x > 0 ? x : slope * x, NaN staying NaN. y and x may be the same.
void convk_leaky_relu(float *y, const float *x, ptrdiff_t count, float slope,
                      convk_execution execution);

/// dx = x > 0 ? dy : slope * dy. dx may be dy.
void convk_leaky_relu_backward(float *dx, const float *dy, const float *x, ptrdiff_t count,
                               float slope, convk_execution execution);

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

/// y = (x - mean) * gamma / sqrt(variance + epsilon) + beta, with a number of each a channel.
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

/// y [rows, classes] = softmax of each row of x. y and x may be the same array.
void convk_softmax(float *y, const float *x, ptrdiff_t rows, ptrdiff_t classes,
                   convk_execution execution);

/// dx = y * (dy - sum(dy y)) for each row, y [rows, classes] being its softmax; the sum is in
/// double.
void convk_softmax_backward(float *restrict dx, const float *restrict dy, const float *restrict y,
                            ptrdiff_t rows, ptrdiff_t classes, convk_execution execution);

/// Mean cross-entropy of the softmax of logits [rows, classes] against a class a row, by
/// log-sum-exp with sums in double. gradient [rows, classes] = (softmax - onehot) / rows.
/// row_losses: one double a row of workspace; they are added up in order. Returns the mean loss.
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

#ifdef __cplusplus
#undef restrict
}
#endif

#endif
