// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to its images at strides other than 1, and with one or
// two channels: the columns that col2im would add up are computed a block at a time and added at
// once.
#include "convolution/conv2d_algorithms.h"
#include "gemm/sgemm_pack.h"

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    // With few channels most lanes of the direct convolution's tiles would be empty, and a row's
    // pixels are dealt out instead; with one or two, each pixel that is loaded is used too seldom,
    // while a block of columns has a row for every tap. Milliseconds on Zen 5, one thread, by rows
    // against blocks: 1 channel (simple.conv1) 1.86 against 0.73, 2 of 32 x 32 (3 x 3 filters) 0.67
    // against 0.51, 3 (5 x 5) 1.8 against 2.0, 6 (lenet.conv2) 0.47 against 0.89. The direct way
    // against blocks on Emerald Rapids: 16 channels (deep.conv_28) 2.9 against 4.4. With few
    // filters little is summed per column, and then neither matters. Milliseconds on Zen 5, one
    // thread, 16 images, blocks against by rows or planes: groups of 1 channel and filter of 56 x
    // 56 (64 of them) 7.8 and 1.1, of 2 and 2 7.7 and 2.0, of 1 and 2 of 28 x 28 2.3 and 0.7.
    enum { FEWEST_CHANNELS = 8, FEWEST_BY_ROWS = 3, FEW_FILTERS = 4 };
    if (conv->window.stride_h != 1 || conv->window.stride_w != 1) return true;
    const ptrdiff_t channels = conv->window.c / conv->groups;
    const ptrdiff_t filters = conv->filters / conv->groups;
    if (channels < FEWEST_BY_ROWS && filters > FEW_FILTERS) return true;
    const convk_conv2d flipped = convk_conv2d_flipped(conv);
    return channels < FEWEST_CHANNELS && !convk_forward_rows.accepts(&flipped, execution);
}

enum { BLOCK_COLUMNS = 256, BLOCK_FLOATS = 1 << 16 };

typedef struct {
    const convk_kernels *kernels;
    convk_conv2d conv;
    ptrdiff_t channels; // of a task: its planes of dx are its own
    ptrdiff_t blocks;   // of channels, in a group
    ptrdiff_t rows;     // columns of the im2col matrix for those channels: channels * kh * kw
    ptrdiff_t panel, kc;
    ptrdiff_t columns; // output pixels of a block, a multiple of nr
    ptrdiff_t filters; // of a group: the sum's length
} blocking;

static blocking make(const convk_conv2d_plan *plan) {
    const convk_conv2d *conv = &plan->conv;
    const convk_window *w = &conv->window;
    const ptrdiff_t taps = w->kh * w->kw, group_channels = w->c / conv->groups;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa), .conv = *conv};
    p.channels = convk_min(group_channels, convk_max(1, p.kernels->mc / taps));
    p.blocks = convk_ceil_div(group_channels, p.channels);
    p.rows = p.channels * taps;
    p.panel = convk_panel_height(p.rows, p.kernels);
    p.filters = conv->filters / conv->groups;
    p.kc = convk_min(p.filters, p.kernels->kc);
    const ptrdiff_t nr = p.kernels->nr;
    p.columns = convk_max(1, convk_min(BLOCK_COLUMNS, BLOCK_FLOATS / p.rows) / nr) * nr;
    p.columns = convk_min(p.columns, convk_round_up(w->oh * w->ow, nr));
    return p;
}

static ptrdiff_t packed_rows(const blocking *p) {
    return convk_round_up(p->rows, p->panel);
}

static ptrdiff_t weights_size(const blocking *p) {
    return convk_round_up(p->conv.groups * p->blocks * packed_rows(p) * p->filters, 16);
}

/// A thread's packed output gradients and its block of columns.
static ptrdiff_t block_size(const blocking *p) {
    return convk_round_up(p->columns * (p->kc + p->rows), 16);
}

/// row[x + i * stride] += from[i] for i < count, leaving out what lies outside the row's w pixels.
static void add_run(float *restrict row, const float *restrict from, ptrdiff_t x, ptrdiff_t stride,
                    ptrdiff_t count, ptrdiff_t w) {
    const ptrdiff_t begin = x >= 0 ? 0 : convk_min(convk_ceil_div(-x, stride), count);
    const ptrdiff_t end =
        x >= w ? begin : convk_max(convk_min((w - 1 - x) / stride + 1, count), begin);
    if (stride == 1)
        for (ptrdiff_t i = begin; i < end; i++) row[x + i] += from[i];
    else
        for (ptrdiff_t i = begin; i < end; i++) row[x + i * stride] += from[i];
}

/// Adds tap (u, v) of some output pixels to the plane of its channel.
static void add_tap(float *restrict dx_c, const float *restrict from, const convk_window *w,
                    ptrdiff_t u, ptrdiff_t v, ptrdiff_t pixel, ptrdiff_t pixel_end) {
    ptrdiff_t oh = pixel / w->ow, ow = pixel % w->ow;
    while (pixel < pixel_end) {
        const ptrdiff_t count = convk_min(w->ow - ow, pixel_end - pixel);
        const ptrdiff_t y = oh * w->stride_h + u * w->dilation_h - w->pad_top;
        if (y >= 0 && y < w->h)
            add_run(dx_c + y * w->w, from, ow * w->stride_w + v * w->dilation_w - w->pad_left,
                    w->stride_w, count, w->w);
        from += count;
        pixel += count;
        oh++;
        ow = 0;
    }
}

/// The columns of one task for output pixels pixel ..< end: rows x columns of the im2col matrix,
/// transposed. dy: the first filter of the group in the task's image.
static void multiply_block(const blocking *p, float *columns, float *packed_dy,
                           const float *weights, const float *dy, ptrdiff_t rows, ptrdiff_t pixel,
                           ptrdiff_t end) {
    const ptrdiff_t nr = p->kernels->nr, pixels = p->conv.window.oh * p->conv.window.ow;
    for (ptrdiff_t f = 0; f < p->filters; f += p->kc) {
        const ptrdiff_t depth = convk_min(p->kc, p->filters - f);
        for (ptrdiff_t j = pixel; j < end; j += nr) {
            const ptrdiff_t width = convk_min(nr, end - j);
            convk_pack_b(p->kernels, packed_dy, (convk_matrix){dy + f * pixels + j, pixels, 1},
                         depth, width);
            for (ptrdiff_t i = 0; i < rows; i += p->panel) {
                const convk_tile tile = {.c = columns + i * p->columns + j - pixel,
                                         .ldc = p->columns,
                                         .a = weights + i * p->filters + f * p->panel,
                                         .panel = p->panel,
                                         .b = packed_dy,
                                         .b_row_stride = p->kernels->nr,
                                         .k = depth,
                                         .rows = convk_min(p->panel, rows - i),
                                         .columns = width,
                                         .alpha = 1,
                                         .beta = f == 0 ? 0 : 1};
                p->kernels->kernel(&tile);
            }
        }
    }
}

/// All of one task: some channels of one image.
static void run_task(const blocking *p, float *dx, const float *dy, const float *weights,
                     ptrdiff_t channels, float *workspace) {
    const convk_window *w = &p->conv.window;
    const ptrdiff_t taps = w->kh * w->kw, pixels = w->oh * w->ow;
    float *columns = workspace, *packed_dy = workspace + p->columns * p->rows;
    memset(dx, 0, (size_t)(channels * w->h * w->w) * sizeof(float));
    for (ptrdiff_t pixel = 0; pixel < pixels; pixel += p->columns) {
        const ptrdiff_t end = convk_min(pixel + p->columns, pixels);
        multiply_block(p, columns, packed_dy, weights, dy, channels * taps, pixel, end);
        for (ptrdiff_t row = 0; row < channels * taps; row++)
            add_tap(dx + row / taps * w->h * w->w, columns + row * p->columns, w,
                    row % taps / w->kw, row % w->kw, pixel, end);
    }
}

// ---- As an algorithm ---------------------------------------------------------------------------

CONVK_FITS_A_PLAN(blocking);

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->prepacked_floats = weights_size(&p);
    plan->workspace_floats = plan->threads * block_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    (void)workspace;
    const blocking p = read(plan);
    const ptrdiff_t taps = p.conv.window.kh * p.conv.window.kw, groups = p.conv.groups;
    const ptrdiff_t group_channels = p.conv.window.c / groups;
    const ptrdiff_t panels = packed_rows(&p) / p.panel;
    // Each panel is written by one thread; all wait for the last.
    CONVK_SHARED_LOOP (index, groups * p.blocks * panels) {
        const ptrdiff_t g = index / (p.blocks * panels), b = index / panels % p.blocks;
        const ptrdiff_t row = index % panels * p.panel;
        const ptrdiff_t channels = convk_min(p.channels, group_channels - b * p.channels);
        const ptrdiff_t rows = convk_min(p.panel, channels * taps - row);
        if (rows <= 0) continue;
        const convk_matrix a = {weights + (g * p.filters * group_channels + b * p.channels) * taps +
                                    row,
                                1, group_channels * taps};
        convk_pack_a(p.kernels, filters + index * p.panel * p.filters, a, rows, p.filters, p.panel);
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.conv.window;
    const ptrdiff_t groups = p.conv.groups, group_channels = w->c / groups;
    const ptrdiff_t packed_block = packed_rows(&p) * p.filters;
    float *block = workspace + convk_thread_number() * block_size(&p);
    // Each task writes the planes of its own channels in its own image.
    CONVK_SHARED_LOOP (index, w->n * groups * p.blocks) {
        const ptrdiff_t image_group = index / p.blocks, b = index % p.blocks;
        const ptrdiff_t g = image_group % groups;
        run_task(&p, o->to + (image_group * group_channels + b * p.channels) * w->h * w->w,
                 o->from + image_group * p.filters * w->oh * w->ow,
                 o->filters + (g * p.blocks + b) * packed_block,
                 convk_min(p.channels, group_channels - b * p.channels), block);
    }
    convk_wait_for_all();
}

const convk_conv2d_algorithm convk_data_columns = {
    .name = "columns",
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};
