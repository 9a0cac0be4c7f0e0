// SPDX-License-Identifier: MIT
//
// The forward convolution: packs the filters, unless they were prepacked before, and then goes
// through the images.
#include "convolution/conv2d_forward.h"

void convk_finish_outputs(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                          float *y, ptrdiff_t filter, ptrdiff_t count) {
    const convk_leaves *leaves = convk_kernels_for(plan->execution.isa)->leaves;
    const convk_epilogue *e = operands->finish;
    if (e->scale) {
        const convk_norm_channel channel = {
            .mean = e->mean[filter], .scale = e->scale[filter], .shift = e->shift[filter]};
        leaves->norm_apply(y, y, count, channel);
    }
    const float *addend = e->addend ? e->addend + (y - operands->to) : NULL;
    if (addend && e->activation && e->activation->kind == CONVK_ACTIVATION_relu)
        return leaves->add_rectified(y, addend, count);
    if (addend) leaves->add(y, addend, count);
    if (e->activation)
        leaves->activations[e->activation->kind].forward(y, y, count, e->activation->a,
                                                         e->activation->b);
}

void convk_finish_filters(const convk_conv2d_plan *plan, const convk_conv2d_operands *operands,
                          float *y, ptrdiff_t filter, ptrdiff_t filters, ptrdiff_t plane,
                          ptrdiff_t count) {
    // Whole planes to which the same is done are one long run.
    if (count == plane && operands->finish->scale == NULL)
        return convk_finish_outputs(plan, operands, y, filter, filters * plane);
    for (ptrdiff_t f = 0; f < filters; f++)
        convk_finish_outputs(plan, operands, y + f * plane, filter + f, count);
}

void convk_conv2d_prepack(float *restrict prepacked, const float *restrict weights,
                          const convk_conv2d_plan *plan, float *restrict workspace) {
    if (convk_is_alone(plan->threads))
        return plan->algorithm->pack(plan, prepacked, weights, workspace);
    CONVK_PARALLEL (plan->threads) {
        plan->algorithm->pack(plan, prepacked, weights, workspace);
    }
}

/// Inside a parallel region.
static void pack_and_run(const convk_conv2d_plan *plan, convk_conv2d_operands operands,
                         const float *restrict weights, float *restrict workspace) {
    if (operands.filters) return plan->algorithm->run(plan, &operands, workspace);
    if (plan->algorithm->pack_and_run)
        return plan->algorithm->pack_and_run(plan, &operands, weights, workspace);
    float *filters = workspace, *blocks = workspace + plan->prepacked_floats;
    plan->algorithm->pack(plan, filters, weights, blocks);
    operands.filters = filters;
    plan->algorithm->run(plan, &operands, blocks);
}

void convk_conv2d_pack_and_run(const convk_conv2d_plan *plan, convk_conv2d_operands operands,
                               const float *restrict weights, float *restrict workspace) {
    if (convk_is_alone(plan->threads)) return pack_and_run(plan, operands, weights, workspace);
    CONVK_PARALLEL (plan->threads) {
        pack_and_run(plan, operands, weights, workspace);
    }
}

void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict prepacked, const convk_epilogue *epilogue,
                          const convk_conv2d_plan *plan, float *restrict workspace) {
    const convk_tile_ending end = convk_tile_ending_of(epilogue->activation);
    const bool clips = end.clips && plan->algorithm->clips;
    const bool is_plain = epilogue->scale == NULL && epilogue->addend == NULL;
    // Whatever tiles don't do comes behind them.
    const bool tiles_do_all = is_plain && (end.relu || clips || epilogue->activation == NULL);
    const convk_conv2d_operands operands = {.to = y,
                                            .from = x,
                                            .filters = prepacked,
                                            .bias = epilogue->bias,
                                            .relu = tiles_do_all && end.relu,
                                            .clip = tiles_do_all && clips ? end.bounds : NULL,
                                            .finish = tiles_do_all ? NULL : epilogue};
    convk_conv2d_pack_and_run(plan, operands, weights, workspace);
}
