// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to its images. At stride 1 it is a convolution itself:
// of the output's gradient with the filters turned round, channels and filters exchanged. At other
// strides, and with one or two channels, the columns that col2im would add up are computed a block
// at a time and added at once.
#include "conv2d_product.h"
#include "conv2d_rows.h"

#include <string.h>

// ---- Stride 1, some channels -------------------------------------------------------------------

/// The convolution of the output's gradient with the filters turned round.
static convk_conv2d turned_convolution(const convk_conv2d *conv) {
    const convk_window *w = &conv->window;
    convk_conv2d turned = *conv;
    turned.filters = w->c;
    turned.window.c = conv->filters;
    turned.window.h = w->oh;
    turned.window.w = w->ow;
    turned.window.oh = w->h;
    turned.window.ow = w->w;
    // Negative where the padding is larger than the window's reach: then edges are cropped.
    turned.window.pad_top = w->dilation_h * (w->kh - 1) - w->pad_top;
    turned.window.pad_left = w->dilation_w * (w->kw - 1) - w->pad_left;
    return turned;
}

static bool is_convolution(const convk_conv2d *conv, convk_execution execution) {
    // With few channels most lanes of the direct convolution's tiles would be empty, and a row's
    // pixels are dealt out instead; with one or two, each pixel that is loaded is used too seldom,
    // while a block of columns has a row for every tap. Milliseconds on Zen 5, one thread, by rows
    // against blocks: 1 channel (simple.conv1) 1.86 against 0.73, 2 of 32 x 32 (3 x 3 filters) 0.67
    // against 0.51, 3 (5 x 5) 1.8 against 2.0, 6 (lenet.conv2) 0.47 against 0.89. The direct way
    // against blocks on Emerald Rapids: 16 channels (deep.conv_28) 2.9 against 4.4.
    // Few filters sum up little a column, and then neither matters. Milliseconds on Zen 5, one
    // thread, 16 images, blocks against by rows or planes: groups of 1 channel and filter of 56 x
    // 56 (64 of them) 7.8 and 1.1, of 2 and 2 7.7 and 2.0, of 1 and 2 of 28 x 28 2.3 and 0.7.
    enum { FEWEST_CHANNELS = 8, FEWEST_BY_ROWS = 3, FEW_FILTERS = 4 };
    if (conv->window.stride_h != 1 || conv->window.stride_w != 1) return false;
    const convk_conv2d turned = turned_convolution(conv);
    const ptrdiff_t channels = conv->window.c / conv->groups;
    const ptrdiff_t filters = conv->filters / conv->groups;
    if (channels < FEWEST_BY_ROWS && filters > FEW_FILTERS) return false;
    return channels >= FEWEST_CHANNELS ||
           convk_conv2d_rows_pays(&turned.window, channels, execution);
}

static ptrdiff_t turned_size(const convk_conv2d *conv) {
    const convk_window *w = &conv->window;
    return convk_round_up(conv->filters * (w->c / conv->groups) * w->kh * w->kw, 16);
}

/// to[g, c, f] = weights[g, f, c], for filters of one tap, through registers. Gradient of one image
/// of 7 x 7 with 2048 filters of 512 channels, Zen 5, one thread: 3.1 ms with numbers moved one by
/// one, 1.0 so.
static void transpose(float *restrict to, const float *restrict weights, const convk_conv2d *conv,
                      int threads, convk_execution execution) {
    enum { CHANNELS = 16 };
    const convk_sgemm_entry *entry = convk_sgemm_entry_for(execution.isa);
    const ptrdiff_t channels = conv->window.c / conv->groups;
    const ptrdiff_t filters = conv->filters / conv->groups;
    const ptrdiff_t blocks = convk_ceil_div(channels, CHANNELS);
    // Each iteration writes the filters of its own channels.
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t index = 0; index < conv->groups * blocks; index++) {
            const ptrdiff_t g = index / blocks, c = index % blocks * CHANNELS;
            entry->pack_strip(to + (g * channels + c) * filters,
                              weights + g * filters * channels + c, channels, 1, filters,
                              convk_min(CHANNELS, channels - c), filters);
        }
    }
}

/// to[g, c, f, u, v] = weights[g, f, c, kh - 1 - u, kw - 1 - v].
static void turn(float *restrict to, const float *restrict weights, const convk_conv2d *conv,
                 convk_execution execution) {
    const convk_window *w = &conv->window;
    const ptrdiff_t taps = w->kh * w->kw;
    const ptrdiff_t channels = w->c / conv->groups, filters = conv->filters / conv->groups;
    const int threads = convk_threads_for(conv->filters * channels * taps, execution);
    if (taps == 1) return transpose(to, weights, conv, threads, execution);
        // Each iteration writes one channel's filters.
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t index = 0; index < w->c; index++) {
            const ptrdiff_t g = index / channels, c = index % channels;
            float *to_c = to + index * filters * taps;
            for (ptrdiff_t f = 0; f < filters; f++) {
                const float *from = weights + ((g * filters + f) * channels + c) * taps;
                for (ptrdiff_t tap = 0; tap < taps; tap++)
                    to_c[f * taps + tap] = from[taps - 1 - tap];
            }
        }
    }
}

static void run_convolution(float *restrict dx, const float *restrict dy,
                            const float *restrict weights, const convk_conv2d *conv,
                            float *restrict workspace, convk_execution execution) {
    const convk_conv2d turned = turned_convolution(conv);
    turn(workspace, weights, conv, execution);
    convk_conv2d_forward(dx, dy, workspace, NULL, NULL, false, &turned,
                         workspace + turned_size(conv), execution);
}

// ---- Other strides, few channels ---------------------------------------------------------------

enum { BLOCK_COLUMNS = 256, BLOCK_FLOATS = 1 << 16 };

typedef struct {
    const convk_sgemm_entry *entry;
    const convk_conv2d *conv;
    ptrdiff_t channels; // of a task: its planes of dx are its own
    ptrdiff_t blocks;   // of channels, in a group
    ptrdiff_t rows;     // columns of the im2col matrix for those channels: channels * kh * kw
    ptrdiff_t panel, kc;
    ptrdiff_t columns; // output pixels of a block, a multiple of nr
    ptrdiff_t filters; // of a group: the sum's length
} plan;

static plan make_plan(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    const ptrdiff_t taps = w->kh * w->kw, group_channels = w->c / conv->groups;
    plan p = {.entry = convk_sgemm_entry_for(execution.isa), .conv = conv};
    p.channels = convk_min(group_channels, convk_max(1, p.entry->mc / taps));
    p.blocks = convk_ceil_div(group_channels, p.channels);
    p.rows = p.channels * taps;
    p.panel = convk_panel_height(p.rows, p.entry);
    p.filters = conv->filters / conv->groups;
    p.kc = convk_min(p.filters, p.entry->kc);
    const ptrdiff_t nr = p.entry->nr;
    p.columns = convk_max(1, convk_min(BLOCK_COLUMNS, BLOCK_FLOATS / p.rows) / nr) * nr;
    p.columns = convk_min(p.columns, convk_round_up(w->oh * w->ow, nr));
    return p;
}

static ptrdiff_t packed_rows(const plan *p) {
    return convk_round_up(p->rows, p->panel);
}

static ptrdiff_t weights_size(const plan *p) {
    return convk_round_up(p->conv->groups * p->blocks * packed_rows(p) * p->filters, 16);
}

/// A thread's packed output gradients and its block of columns.
static ptrdiff_t block_size(const plan *p) {
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
static void multiply_block(const plan *p, float *columns, float *packed_dy, const float *weights,
                           const float *dy, ptrdiff_t rows, ptrdiff_t pixel, ptrdiff_t end) {
    const ptrdiff_t nr = p->entry->nr, pixels = p->conv->window.oh * p->conv->window.ow;
    for (ptrdiff_t f = 0; f < p->filters; f += p->kc) {
        const ptrdiff_t depth = convk_min(p->kc, p->filters - f);
        for (ptrdiff_t j = pixel; j < end; j += nr) {
            const ptrdiff_t width = convk_min(nr, end - j);
            convk_pack_b(p->entry, packed_dy, (convk_matrix){dy + f * pixels + j, pixels, 1}, depth,
                         width);
            for (ptrdiff_t i = 0; i < rows; i += p->panel) {
                const convk_tile tile = {.c = columns + i * p->columns + j - pixel,
                                         .ldc = p->columns,
                                         .a = weights + i * p->filters + f * p->panel,
                                         .panel = p->panel,
                                         .b = packed_dy,
                                         .b_row_stride = p->entry->nr,
                                         .k = depth,
                                         .rows = convk_min(p->panel, rows - i),
                                         .columns = width,
                                         .alpha = 1,
                                         .beta = f == 0 ? 0 : 1};
                p->entry->kernel(&tile);
            }
        }
    }
}

/// All of one task: some channels of one image.
static void run_task(const plan *p, float *dx, const float *dy, const float *weights,
                     ptrdiff_t channels, float *workspace) {
    const convk_window *w = &p->conv->window;
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

static void run_blocks(float *restrict dx, const float *restrict dy, const float *restrict weights,
                       const convk_conv2d *conv, float *restrict workspace,
                       convk_execution execution) {
    const plan p = make_plan(conv, execution);
    const convk_window *w = &conv->window;
    const ptrdiff_t taps = w->kh * w->kw, group_channels = w->c / conv->groups;
    const ptrdiff_t packed_block = packed_rows(&p) * p.filters;
    const ptrdiff_t panels = packed_rows(&p) / p.panel;
    float *packed = workspace;
    const int threads = convk_conv2d_threads(conv, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
        float *block = workspace + weights_size(&p) + convk_thread_number() * block_size(&p);
        // Each panel is written by one thread; the barrier at the loop's end waits for all.
#pragma omp for schedule(static)
        for (ptrdiff_t index = 0; index < conv->groups * p.blocks * panels; index++) {
            const ptrdiff_t g = index / (p.blocks * panels), b = index / panels % p.blocks;
            const ptrdiff_t row = index % panels * p.panel;
            const ptrdiff_t channels = convk_min(p.channels, group_channels - b * p.channels);
            const ptrdiff_t rows = convk_min(p.panel, channels * taps - row);
            if (rows <= 0) continue;
            const convk_matrix a = {
                weights + (g * p.filters * group_channels + b * p.channels) * taps + row, 1,
                group_channels * taps};
            convk_pack_a(p.entry, packed + index * p.panel * p.filters, a, rows, p.filters,
                         p.panel);
        }
        // Each task writes the planes of its own channels in its own image.
#pragma omp for schedule(static)
        for (ptrdiff_t index = 0; index < w->n * conv->groups * p.blocks; index++) {
            const ptrdiff_t image_group = index / p.blocks, b = index % p.blocks;
            const ptrdiff_t g = image_group % conv->groups;
            run_task(&p, dx + (image_group * group_channels + b * p.channels) * w->h * w->w,
                     dy + image_group * p.filters * w->oh * w->ow,
                     packed + (g * p.blocks + b) * packed_block,
                     convk_min(p.channels, group_channels - b * p.channels), block);
        }
    }
}

// ---- Both --------------------------------------------------------------------------------------

ptrdiff_t convk_conv2d_backward_data_workspace(const convk_conv2d *conv,
                                               convk_execution execution) {
    if (is_convolution(conv, execution)) {
        const convk_conv2d turned = turned_convolution(conv);
        return turned_size(conv) + convk_conv2d_forward_workspace(&turned, execution);
    }
    const plan p = make_plan(conv, execution);
    return weights_size(&p) + execution.threads * block_size(&p);
}

void convk_conv2d_backward_data(float *restrict dx, const float *restrict dy,
                                const float *restrict weights, const convk_conv2d *conv,
                                float *restrict workspace, convk_execution execution) {
    if (is_convolution(conv, execution))
        run_convolution(dx, dy, weights, conv, workspace, execution);
    else
        run_blocks(dx, dy, weights, conv, workspace, execution);
}

const char *convk_conv2d_backward_data_algorithm(const convk_conv2d *conv,
                                                 convk_execution execution) {
    if (!is_convolution(conv, execution)) return "columns";
    const convk_conv2d turned = turned_convolution(conv);
    return convk_conv2d_forward_algorithm(&turned, execution);
}
