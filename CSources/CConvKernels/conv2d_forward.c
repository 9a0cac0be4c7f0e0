// SPDX-License-Identifier: MIT
//
// The forward convolution, in the first of five ways that suits the shape: Winograd's, by planes,
// by rows, directly, or as a product with patches. Each packs the filters, unless they were
// prepared before, and then goes through the images.
#include "conv2d_direct.h"
#include "conv2d_planes.h"
#include "conv2d_product.h"
#include "conv2d_rows.h"
#include "conv2d_winograd.h"

/// The way that is taken, and its block sizes.
typedef struct {
    convk_conv2d_way way;
    int threads;
    union {
        convk_conv2d_winograd winograd;
        convk_conv2d_planes planes;
        convk_conv2d_rows rows;
        convk_conv2d_direct direct;
        convk_conv2d_product product;
    };
} plan;

convk_conv2d_way convk_conv2d_way_of(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    const ptrdiff_t rows = conv->filters / conv->groups;
    if (convk_conv2d_winograd_pays(&window, rows, execution)) return CONVK_WINOGRAD;
    if (convk_conv2d_planes_pays(&window, rows, execution)) return CONVK_BY_PLANES;
    if (convk_conv2d_rows_pays(&window, rows, execution)) return CONVK_BY_ROWS;
    return convk_conv2d_direct_pays(&window) ? CONVK_DIRECT : CONVK_PRODUCT;
}

static plan make_plan(const convk_conv2d *conv, convk_execution execution) {
    // What one thread does alone is not cut into bands for others.
    execution.threads = convk_conv2d_threads(conv, execution);
    plan p = {.way = convk_conv2d_way_of(conv, execution), .threads = execution.threads};
    const convk_window window = convk_window_of_group(conv);
    const ptrdiff_t groups = conv->groups, rows = conv->filters / conv->groups;
    switch (p.way) {
    case CONVK_WINOGRAD:
        p.winograd = convk_conv2d_winograd_make(&window, groups, rows, execution);
        break;
    case CONVK_BY_PLANES:
        p.planes = convk_conv2d_planes_make(&window, groups, rows, execution);
        break;
    case CONVK_BY_ROWS:
        p.rows = convk_conv2d_rows_make(&window, groups, rows, execution);
        break;
    case CONVK_DIRECT:
        p.direct = convk_conv2d_direct_make(&window, groups, rows, execution);
        break;
    case CONVK_PRODUCT:
        p.product = convk_conv2d_product_make(&window, groups, rows, execution);
        break;
    }
    return p;
}

/// The floats that the packed filters take.
static ptrdiff_t filters_size(const plan *p) {
    switch (p->way) {
    case CONVK_WINOGRAD:
        return convk_conv2d_winograd_filters_size(&p->winograd);
    case CONVK_BY_PLANES:
        return convk_conv2d_planes_filters_size(&p->planes);
    case CONVK_BY_ROWS:
        return convk_conv2d_rows_filters_size(&p->rows);
    case CONVK_DIRECT:
        return convk_conv2d_direct_filters_size(&p->direct);
    case CONVK_PRODUCT:
        return convk_conv2d_product_weights_size(&p->product);
    }
}

/// The floats of workspace beside them.
static ptrdiff_t blocks_size(const plan *p) {
    switch (p->way) {
    case CONVK_WINOGRAD:
        return convk_conv2d_winograd_workspace(&p->winograd, p->threads);
    case CONVK_BY_PLANES:
        return convk_conv2d_planes_workspace(&p->planes, p->threads);
    case CONVK_BY_ROWS:
        return convk_conv2d_rows_workspace(&p->rows, p->threads);
    case CONVK_DIRECT:
        return convk_conv2d_direct_workspace(&p->direct, p->threads);
    case CONVK_PRODUCT:
        return convk_conv2d_product_workspace(&p->product, p->threads);
    }
}

/// Packs the filters, inside a parallel region; nobody goes on before all is packed.
static void pack(const plan *p, float *restrict filters, const float *restrict weights,
                 float *restrict blocks) {
    switch (p->way) {
    case CONVK_WINOGRAD:
        return convk_conv2d_winograd_pack(&p->winograd, filters, weights, blocks);
    case CONVK_BY_PLANES:
        return convk_conv2d_planes_pack(&p->planes, filters, weights);
    case CONVK_BY_ROWS:
        return convk_conv2d_rows_pack(&p->rows, filters, weights);
    case CONVK_DIRECT:
        return convk_conv2d_direct_pack(&p->direct, filters, weights);
    case CONVK_PRODUCT:
        return convk_conv2d_product_pack(&p->product, filters, weights);
    }
}

/// Goes through the images, inside a parallel region.
static void run(const plan *p, float *restrict y, const float *restrict x,
                const float *restrict filters, const float *restrict bias, bool relu,
                float *restrict blocks) {
    switch (p->way) {
    case CONVK_WINOGRAD:
        return convk_conv2d_winograd_run(&p->winograd, y, x, filters, bias, relu, blocks);
    case CONVK_BY_PLANES:
        return convk_conv2d_planes_run(&p->planes, y, x, filters, bias, relu, blocks);
    case CONVK_BY_ROWS:
        return convk_conv2d_rows_run(&p->rows, y, x, filters, bias, relu, blocks);
    case CONVK_DIRECT:
        return convk_conv2d_direct_run(&p->direct, y, x, filters, bias, relu, blocks);
    case CONVK_PRODUCT:
        return convk_conv2d_product_run(&p->product, y, x, filters, bias, relu, blocks);
    }
}

/// Both, unless the filters are prepared.
static void pack_and_run(const plan *p, float *restrict y, const float *restrict x,
                         const float *restrict weights, const float *restrict prepared,
                         const float *restrict bias, bool relu, float *restrict workspace) {
    if (prepared) return run(p, y, x, prepared, bias, relu, workspace);
    float *blocks = workspace + filters_size(p);
    pack(p, workspace, weights, blocks);
    run(p, y, x, workspace, bias, relu, blocks);
}

const char *convk_conv2d_forward_algorithm(const convk_conv2d *conv, convk_execution execution) {
    const plan p = make_plan(conv, execution);
    switch (p.way) {
    case CONVK_WINOGRAD:
        return "winograd";
    case CONVK_BY_PLANES:
        return "planes";
    case CONVK_BY_ROWS:
        return "rows";
    case CONVK_DIRECT:
        return "direct";
    case CONVK_PRODUCT:
        return p.product.is_pointwise ? "pointwise" : "product";
    }
}

ptrdiff_t convk_conv2d_prepare_size(const convk_conv2d *conv, convk_execution execution) {
    const plan p = make_plan(conv, execution);
    return filters_size(&p);
}

void convk_conv2d_prepare(float *restrict prepared, const float *restrict weights,
                          const convk_conv2d *conv, float *restrict workspace,
                          convk_execution execution) {
    const plan p = make_plan(conv, execution);
#pragma omp parallel num_threads(p.threads) if (p.threads > 1)
    {
        convk_enter_region();
        pack(&p, prepared, weights, workspace);
    }
}

ptrdiff_t convk_conv2d_forward_workspace(const convk_conv2d *conv, convk_execution execution) {
    const plan p = make_plan(conv, execution);
    return filters_size(&p) + blocks_size(&p);
}

void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict prepared, const float *restrict bias, bool relu,
                          const convk_conv2d *conv, float *restrict workspace,
                          convk_execution execution) {
    const plan p = make_plan(conv, execution);
    if (convk_is_alone(p.threads))
        return pack_and_run(&p, y, x, weights, prepared, bias, relu, workspace);
#pragma omp parallel num_threads(p.threads) if (p.threads > 1)
    {
        convk_enter_region();
        pack_and_run(&p, y, x, weights, prepared, bias, relu, workspace);
    }
}
