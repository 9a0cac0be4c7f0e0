// SPDX-License-Identifier: MIT
//
// The algorithms of a convolution and of its gradients, and what each consists of. The lists of
// conv2d_algorithms.c say in which order they are asked.
#ifndef CONVK_CONV2D_ALGORITHMS_H
#define CONVK_CONV2D_ALGORITHMS_H

#include "base/convk_window.h"
#include "kernels/kernels.h"

#include <string.h>

/// What a run reads and writes.
typedef struct {
    float *to;            ///< y, dx or dw
    const float *from;    ///< x, or the output's gradient
    const float *filters; ///< packed; not for the gradient with respect to filters
    const float *bias;    ///< of a forward pass, or NULL; the tiles add it
    bool relu;            ///< of a forward pass: the tiles rectify what they write
    /// Of a forward pass, where the algorithm clips: the lowest and the highest number that the
    /// tiles write, or NULL.
    const float *clip;
    /// Of a forward pass what is done to outputs behind the tiles, or NULL: convk_finish.
    const convk_epilogue *finish;
    const float *images; ///< x, for the gradient with respect to filters
    /// Where the pooled numbers came from, for the gradient with respect to filters; NULL: nothing
    /// was pooled.
    const int32_t *argmax;
    const convk_window *pooling; ///< with argmax
} convk_conv2d_operands;

/// What tiles do to their sums for nothing, of an activation: they rectify, and some clip.
typedef struct {
    bool relu, clips;
    float bounds[2]; ///< the lowest and the highest number, where they clip
} convk_tile_ending;

static inline convk_tile_ending convk_tile_ending_of(const convk_activation *activation) {
    convk_tile_ending end = {.relu = false};
    if (activation == NULL) return end;
    end.relu = activation->kind == CONVK_ACTIVATION_relu;
    // With the lower bound above the upper one it matters which is looked at first.
    end.clips = activation->kind == CONVK_ACTIVATION_clip && activation->a <= activation->b;
    if (end.clips) end.bounds[0] = activation->a, end.bounds[1] = activation->b;
    return end;
}

typedef struct convk_conv2d_algorithm {
    const char *name;
    bool clips; ///< whether its tiles do
    /// Whether it can compute the convolution and is faster than those that are asked later.
    bool (*accepts)(const convk_conv2d *conv, convk_execution execution);
    /// Sets block sizes, the floats of packed filters, and those of workspace beside them.
    void (*plan)(convk_conv2d_plan *plan);
    /// Packs the filters. Called by every thread of a parallel region; none returns before all is
    /// packed. NULL for the gradient with respect to filters, which has none.
    void (*pack)(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace);
    /// Goes through the images. Called by every thread of a parallel region, after the filters are
    /// packed; none returns before all is written.
    void (*run)(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                float *restrict workspace);
    /// Does both, where filters had better be packed right before they are used than all at first;
    /// NULL for one after the other. The workspace begins with room for packed filters.
    void (*pack_and_run)(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                         const float *restrict weights, float *restrict workspace);
} convk_conv2d_algorithm;

extern const convk_conv2d_algorithm convk_forward_winograd, convk_forward_winograd_few,
    convk_forward_depthwise, convk_forward_rows, convk_forward_direct,
    convk_forward_pointwise_direct, convk_forward_pointwise, convk_forward_implicit_gemm;
extern const convk_conv2d_algorithm convk_data_depthwise, convk_data_columns;
extern const convk_conv2d_algorithm convk_weights_winograd, convk_weights_planes,
    convk_weights_depthwise, convk_weights_direct, convk_weights_pointwise,
    convk_weights_implicit_gemm;

/// The convolution of the output's gradient with flipped filters, which at stride 1 is the gradient
/// with respect to the images.
convk_conv2d convk_conv2d_flipped(const convk_conv2d *conv);

/// What an epilogue does to `count` neighbouring outputs of a filter behind the tile that wrote
/// them. An algorithm calls it for each output once, while the outputs are in a cache.
void convk_finish_outputs(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                          float *y, ptrdiff_t filter, ptrdiff_t count);

/// The same for `count` outputs of each of some filters next to one another, in planes of `plane`.
void convk_finish_filters(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                          float *y, ptrdiff_t filter, ptrdiff_t filters, ptrdiff_t plane,
                          ptrdiff_t count);

// Most convolutions have nothing to be finished: they are spared the call.
static inline void convk_finish(const convk_conv2d_plan *plan,
                                const convk_conv2d_operands *operands, float *y, ptrdiff_t filter,
                                ptrdiff_t count) {
    if (operands->finish) convk_finish_outputs(plan, operands, y, filter, count);
}

static inline void convk_finish_planes(const convk_conv2d_plan *plan,
                                       const convk_conv2d_operands *operands, float *y,
                                       ptrdiff_t filter, ptrdiff_t filters, ptrdiff_t plane,
                                       ptrdiff_t count) {
    if (operands->finish) convk_finish_filters(plan, operands, y, filter, filters, plane, count);
}

/// Keeps an algorithm's own block sizes in a plan. They are copied as bytes: the array has a type
/// of its own, which no pointer may hide.
static inline void convk_plan_keep(convk_conv2d_plan *plan, const void *blocking, size_t bytes) {
    memcpy(plan->block_sizes, blocking, bytes);
}

static inline void convk_plan_read(const convk_conv2d_plan *plan, void *blocking, size_t bytes) {
    memcpy(blocking, plan->block_sizes, bytes);
}

#define CONVK_FITS_A_PLAN(blocking)                                                                \
    _Static_assert(sizeof(blocking) <= sizeof(((convk_conv2d_plan *)0)->block_sizes),              \
                   "a plan has too little room for block sizes")

#endif
