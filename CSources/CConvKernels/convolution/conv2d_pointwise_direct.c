// SPDX-License-Identifier: MIT
//
// Convolution with 1 x 1 filters of small images, direct: lanes are filters, and pixels are
// broadcast from where they lie. Images of 7 x 7 or 14 x 14 pixels fill no whole number of vectors,
// but nearly a whole number of tiles; and nothing but filters is packed.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_direct.h"

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    // GFLOP/s on Zen 4, one image, one thread, pointwise against this. AVX-512: 576 -> 96 channels
    // of 14 x 14 100 and 115, 96 -> 576 98 and 106, 960 -> 160 of 7 x 7 99 and 116, 1152 -> 48 of
    // one pixel 9 and 31; 64 -> 256 of 16 x 16 102 and 99, 128 -> 512 of 28 x 28 105 and 99. AVX2:
    // 960 -> 160 of 7 x 7 97 and 81, 256 -> 256 of 6 x 6 87 and 93, of one pixel 8 and 26.
    enum { FEWEST_TAPS = 8, FEWEST_FILTERS = 8, MOST_PIXELS_512 = 224, MOST_PIXELS_256 = 36 };
    const ptrdiff_t pixels = w->h * w->w;
    const ptrdiff_t most_pixels = kernels->lanes == 16  ? MOST_PIXELS_512
                                  : kernels->lanes == 8 ? MOST_PIXELS_256
                                                        : 0;
    // Whole vectors of pixels are another tile's.
    const bool is_uneven = kernels->lanes == 16 || pixels % kernels->lanes != 0;
    return convk_is_pointwise(w) && w->c >= FEWEST_TAPS && pixels <= most_pixels && is_uneven &&
           conv->filters / conv->groups >= FEWEST_FILTERS;
}

static convk_conv2d_direct make(const convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv);
    return (convk_conv2d_direct){.kernels = convk_kernels_for(plan->execution.isa),
                                 .window = window,
                                 .groups = plan->conv.groups,
                                 .rows = plan->conv.filters / plan->conv.groups,
                                 .taps = window.c};
}

static ptrdiff_t pixels_of(const convk_conv2d_direct *p) {
    return p->window.h * p->window.w;
}

/// How many tiles a plane is cut into, as even as can be.
static ptrdiff_t tiles_of(const convk_conv2d_direct *p) {
    return convk_ceil_div(pixels_of(p), p->kernels->mr);
}

/// How many blocks of filters a group is cut into.
static ptrdiff_t blocks_of(const convk_conv2d_direct *p) {
    return convk_ceil_div(p->rows, p->kernels->nr);
}

/// Tiles begin ..< end of a block of filters of an image.
static void run_block(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                      const convk_conv2d_direct *p, const ptrdiff_t *offsets, ptrdiff_t block,
                      ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t pixels = pixels_of(p), tiles = tiles_of(p), blocks = blocks_of(p);
    const ptrdiff_t row = block % blocks * p->kernels->nr, group = block / blocks;
    const ptrdiff_t n = group / p->groups, g = group % p->groups, filter = g * p->rows + row;
    const float *x = o->from + n * convk_x_image(&plan->conv) + g * p->taps * pixels;
    float *y = o->to + n * convk_y_image(&plan->conv) + filter * pixels;
    convk_direct_tile tile = convk_conv2d_direct_tile(p, o->filters, o->bias, offsets, g, row);
    tile.relu = o->relu;
    tile.clip = o->clip;
    // The first tile asks for the next block's weights.
    tile.ahead = p->kernels->nr * p->taps;
    const ptrdiff_t first = begin * pixels / tiles, last = end * pixels / tiles;
    for (ptrdiff_t i = begin; i < end; i++, tile.ahead = 0) {
        const ptrdiff_t pixel = i * pixels / tiles;
        tile.pixels = (i + 1) * pixels / tiles - pixel;
        tile.room = last - pixel;
        tile.x = x + pixel;
        tile.y = y + pixel;
        p->kernels->direct(&tile);
    }
    convk_finish_planes(plan, o, y + first, filter, tile.filters, pixels, last - first);
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const convk_conv2d_direct p = convk_conv2d_direct_of(plan);
    const ptrdiff_t size = convk_conv2d_direct_offsets_size(&p), tiles = tiles_of(&p);
    ptrdiff_t *offsets = (ptrdiff_t *)(workspace + convk_thread_number() * size);
    for (ptrdiff_t k = 0; k < p.taps; k++) offsets[k] = k * pixels_of(&p);
    // Each thread writes its own tiles, those of a block one after the other.
    const convk_share share = convk_share_of(p.window.n * p.groups * blocks_of(&p) * tiles);
    for (ptrdiff_t i = share.begin; i < share.end;) {
        const ptrdiff_t begin = i % tiles, count = convk_min(tiles - begin, share.end - i);
        run_block(plan, o, &p, offsets, i / tiles, begin, begin + count);
        i += count;
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const convk_conv2d_direct p = make(plan);
    plan->prepacked_floats = convk_conv2d_direct_filters_size(&p);
    plan->workspace_floats = plan->threads * convk_conv2d_direct_offsets_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_forward_pointwise_direct = {
    .name = "direct",
    .clips = true,
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = convk_conv2d_direct_pack,
    .run = run,
};
