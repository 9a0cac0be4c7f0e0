// SPDX-License-Identifier: MIT
//
// Which algorithm computes a convolution or one of its gradients: one list per direction, whose
// first algorithm that accepts the shape is taken. The last of each accepts every shape.
#include "convolution/conv2d_algorithms.h"

#include "base/convk_base.h"

typedef struct {
    const convk_conv2d_algorithm *algorithm;
    bool flips; // asked for the convolution with flipped filters
} choice;

static const choice forward[] = {
    {&convk_forward_winograd, false},  {&convk_forward_winograd_few, false},
    {&convk_forward_depthwise, false}, {&convk_forward_rows, false},
    {&convk_forward_direct, false},    {&convk_forward_pointwise_direct, false},
    {&convk_forward_pointwise, false}, {&convk_forward_implicit_gemm, false},
};

static const choice backward_data[] = {
    {&convk_data_depthwise, false},   {&convk_data_columns, false},
    {&convk_forward_winograd, true},  {&convk_forward_winograd_few, true},
    {&convk_forward_depthwise, true}, {&convk_forward_rows, true},
    {&convk_forward_direct, true},    {&convk_forward_pointwise_direct, true},
    {&convk_forward_pointwise, true}, {&convk_forward_implicit_gemm, true},
};

static const choice backward_weights[] = {
    {&convk_weights_winograd, false},  {&convk_weights_planes, false},
    {&convk_weights_depthwise, false}, {&convk_weights_direct, false},
    {&convk_weights_pointwise, false}, {&convk_weights_implicit_gemm, false},
};

static const choice *const lists[] = {
    [CONVK_FORWARD] = forward,
    [CONVK_BACKWARD_DATA] = backward_data,
    [CONVK_BACKWARD_WEIGHTS] = backward_weights,
};

/// The threads for a convolution with this many multiply-adds.
static int threads_of(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    const double work = (double)w->n * (double)w->oh * (double)w->ow * (double)conv->filters *
                        (double)(w->c / conv->groups) * (double)(w->kh * w->kw);
    // Below a few microseconds of work the others would wake up too late.
    return work < 1 << 18 ? 1 : execution.threads;
}

/// The floats of the filters, flipped.
static ptrdiff_t flipped_size(const convk_conv2d *conv) {
    const convk_window *w = &conv->window;
    return convk_round_up(conv->filters * (w->c / conv->groups) * w->kh * w->kw, 16);
}

convk_conv2d_plan convk_conv2d_plan_make(const convk_conv2d *conv, convk_conv2d_direction direction,
                                         convk_execution execution) {
    const bool is_data = direction == CONVK_BACKWARD_DATA;
    const convk_conv2d flipped = is_data ? convk_conv2d_flipped(conv) : *conv;
    const choice *c = lists[direction];
    while (!c->algorithm->accepts(c->flips ? &flipped : conv, execution)) c++;
    convk_conv2d_plan plan = {.algorithm = c->algorithm,
                              .execution = execution,
                              .conv = c->flips ? flipped : *conv,
                              .flipped_floats = c->flips ? flipped_size(conv) : 0};
    // What one thread does alone is not cut into bands for others.
    plan.threads = threads_of(&plan.conv, execution);
    plan.algorithm->plan(&plan);
    plan.workspace_floats += plan.flipped_floats + plan.prepacked_floats;
    return plan;
}

const char *convk_conv2d_plan_name(const convk_conv2d_plan *plan) {
    return plan->algorithm->name;
}
