// SPDX-License-Identifier: MIT
//
// A 1 x 1 convolution and the depthwise convolution of its output, as MobileNet's blocks begin:
// some channels at a time are expanded, row by row, and convolved as soon as there are as many rows
// as the window sees, while they are in the first or second-level cache. In between channels lie
// side by side, so that lanes are channels, and rows of any length fill them. The bits are those of
// one convolution after the other.
#include "convolution/conv2d_depthwise.h"

enum {
    OUTPUT_FLOATS = 4 << 10,  // of outputs, before each channel gets its plane
    LARGEST_RING = 128 << 10, // floats: a second-level cache of 512 KiB
    TASKS = 4,                // per thread
    PRODUCTS = 8,             // that take as long as to move a number
};

typedef struct {
    const convk_kernels *kernels;
    const convk_window *w;        // of the depthwise convolution
    ptrdiff_t n, m, k;            // images, expanded channels, channels before
    ptrdiff_t taps;               // of a depthwise filter
    ptrdiff_t blocks;             // of nr channels
    ptrdiff_t row_pixels;         // of an expanded row with its padding
    ptrdiff_t step;               // rows of outputs that are computed at once, at most
    ptrdiff_t ring;               // expanded rows that they see: row r lies at r % ring
    ptrdiff_t output_rows, bands; // of a task, at most; of a plane
    int threads;
} blocking;

static blocking make(const convk_conv2d *expand, const convk_conv2d *depthwise,
                     convk_execution execution) {
    const convk_window *w = &depthwise->window;
    blocking p = {.kernels = convk_kernels_for(execution.isa),
                  .w = w,
                  .n = w->n,
                  .m = expand->filters,
                  .k = expand->window.c,
                  .taps = w->kh * w->kw};
    p.blocks = convk_ceil_div(p.m, p.kernels->nr);
    p.row_pixels = convk_max(w->pad_left + w->w, (w->ow - 1) * w->stride_w + w->kw);
    p.step = convk_min(convk_max(OUTPUT_FLOATS / (w->ow * p.kernels->nr), 1), w->oh);
    p.step = convk_ceil_div(w->oh, convk_ceil_div(w->oh, p.step));
    p.ring = (p.step - 1) * w->stride_h + w->kh;
    const ptrdiff_t products = p.n * p.m * (w->h * w->w * p.k + w->oh * w->ow * p.taps);
    p.threads = convk_threads_for(products / PRODUCTS, execution);
    // What one thread does alone is not cut into bands for others.
    const ptrdiff_t tasks = p.threads > 1 ? TASKS * p.threads : 1;
    p.bands = convk_min(convk_ceil_div(tasks, p.n * p.blocks), convk_ceil_div(w->oh, p.step));
    p.output_rows = convk_ceil_div(w->oh, p.bands);
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

/// The floats of a block's filters, and of its depthwise ones with their bias.
static ptrdiff_t expanding_size(const blocking *p) {
    return p->k * p->kernels->nr;
}
static ptrdiff_t depthwise_size(const blocking *p) {
    return (p->taps + 1) * p->kernels->nr;
}
static ptrdiff_t offsets_size(const blocking *p) {
    return convk_round_up(p->k * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}
/// The addresses of rows.
static ptrdiff_t rows_size(const blocking *p) {
    return convk_round_up(p->ring * (ptrdiff_t)(sizeof(float *) / sizeof(float)), 16);
}
static ptrdiff_t row_size(const blocking *p) {
    return p->row_pixels * p->kernels->nr;
}
static ptrdiff_t outputs_size(const blocking *p) {
    return p->step * p->w->ow * p->kernels->nr;
}
/// With a row of zeros.
static ptrdiff_t thread_size(const blocking *p) {
    const ptrdiff_t pixels = (p->ring + 1) * row_size(p) + outputs_size(p);
    return convk_round_up(rows_size(p) + depthwise_size(p) + pixels, 16);
}

bool convk_conv2d_expanded_pays(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                convk_execution execution) {
    const convk_window *w = &depthwise->window;
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    if (kernels->channels == NULL || !convk_is_pointwise(&expand->window)) return false;
    if (expand->groups != 1 || expand->window.c > kernels->kc) return false;
    if (depthwise->groups != expand->filters || depthwise->filters != depthwise->groups ||
        !convk_has_strips(w) || w->pad_top < 0 || w->pad_left < 0)
        return false;
    // Microseconds on Zen 4, one image, one thread, one convolution after the other and both at
    // once: 16 -> 96 channels of 112 x 112, then 3 x 3 / 2, 678 and 528, with AVX2 806 and 615;
    // 64 -> 384 of 14 x 14, then 3 x 3, 124 and 115, 143 and 130; 96 -> 576 of 7 x 7, then 5 x 5,
    // 102 and 71, 113 and 81; 160 -> 960, then 3 x 3, 172 and 152, 187 and 183.
    const blocking p = make(expand, depthwise, execution);
    return p.ring * row_size(&p) <= LARGEST_RING;
}

/// What all threads share of the workspace.
static ptrdiff_t shared_size(const blocking *p) {
    return offsets_size(p) + convk_round_up(p->blocks * expanding_size(p), 16);
}

ptrdiff_t convk_conv2d_expanded_workspace(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                          convk_execution execution) {
    const blocking p = make(expand, depthwise, execution);
    return shared_size(&p) + execution.threads * thread_size(&p);
}

/// What tiles do to their sums, and what is left to do behind them.
typedef struct {
    convk_tile_ending tiles;
    const convk_activation *rest; // or NULL
} ending;

static ending ending_of(const convk_activation *activation) {
    const convk_tile_ending tiles = convk_tile_ending_of(activation);
    return (ending){tiles, tiles.relu || tiles.clips ? NULL : activation};
}

static void finish(const blocking *p, const ending *end, float *y, ptrdiff_t count) {
    const convk_activation *a = end->rest;
    if (a) p->kernels->leaves->activations[a->kind].forward(y, y, count, a->a, a->b);
}

/// What both convolutions read, and where the outputs go.
typedef struct {
    float *y;
    const float *x;
    const float *expanding, *expand_bias; // filters: a row of nr or lanes per channel of x
    const float *weights, *bias;          // of the depthwise convolution
    ending first, second;
    ptrdiff_t x_image, y_image;
    const ptrdiff_t *offsets; // of the channels of x
} operands;

/// How many of the channels from one on there are in its block, and have room side by side.
static ptrdiff_t channels_at(const blocking *p, ptrdiff_t channel) {
    return convk_min(p->kernels->nr, p->m - channel);
}
static ptrdiff_t width_at(const blocking *p, ptrdiff_t channel) {
    const convk_kernels *kernels = p->kernels;
    return channels_at(p, channel) > kernels->lanes ? kernels->nr : kernels->lanes;
}

/// Packs `count` weights of each channel of a block: a row of them per weight.
static void pack_block(const blocking *p, float *to, const float *weights, ptrdiff_t channel,
                       ptrdiff_t count) {
    p->kernels->pack_strip(to, weights + channel * count, count, 1, channels_at(p, channel), count,
                           width_at(p, channel));
}

/// Packs the filters of the expansion, each block by one thread.
static void pack_expanding(const blocking *p, float *packed, const float *weights) {
    CONVK_SHARED_LOOP (block, p->blocks)
        pack_block(p, packed + block * expanding_size(p), weights, block * p->kernels->nr, p->k);
}

/// Packs a block's depthwise filters, with their bias behind them, and asks for the next block's.
static void pack_depthwise(const blocking *p, float *packed, const float *weights,
                           const float *bias, ptrdiff_t channel) {
    enum { LINE = 16 };
    const ptrdiff_t width = width_at(p, channel);
    float *behind = packed + p->taps * width;
    pack_block(p, packed, weights, channel, p->taps);
    memset(behind, 0, (size_t)width * sizeof(float));
    if (bias) memcpy(behind, bias + channel, (size_t)channels_at(p, channel) * sizeof(float));
    const ptrdiff_t next = (channel + p->kernels->nr) * p->taps;
    const ptrdiff_t end = convk_min(next + p->kernels->nr * p->taps, p->m * p->taps);
    for (ptrdiff_t i = next; i < end; i += LINE) __builtin_prefetch(weights + i, 0, 2);
}

ptrdiff_t convk_conv2d_expanded_prepacked(const convk_conv2d *expand, convk_execution execution) {
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    return convk_round_up(expand->filters, kernels->nr) * expand->window.c;
}

void convk_conv2d_expanded_prepack(float *restrict prepacked, const float *restrict expand_weights,
                                   const convk_conv2d *expand, convk_execution execution) {
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    const blocking p = {.kernels = kernels,
                        .m = expand->filters,
                        .k = expand->window.c,
                        .blocks = convk_ceil_div(expand->filters, kernels->nr)};
    const int threads = convk_threads_for(p.m * p.k, execution);
    if (convk_is_alone(threads)) return pack_expanding(&p, prepacked, expand_weights);
    CONVK_PARALLEL (threads) {
        pack_expanding(&p, prepacked, expand_weights);
    }
}

/// Some rows of a block of channels of an image.
typedef struct {
    const blocking *p;
    const operands *o;
    ptrdiff_t n, channel;
    ptrdiff_t row, row_end; // of outputs
    ptrdiff_t channels, width;
    const float *expanding; // the block's filters
    float *depthwise;       // those too: a row per tap, and the bias
    ptrdiff_t ahead;        // floats to the filters that are wanted next, or 0
    const float **rows;     // what a step sees
    float *zeros, *ring, *outputs;
} task;

/// Expands `pixels` pixels of the image that lie one behind the other, from one on.
static void expand_pixels(task *t, float *to, ptrdiff_t first, ptrdiff_t pixels) {
    const blocking *p = t->p;
    const operands *o = t->o;
    convk_direct_tile tile = {.stride = 1,
                              .offsets = o->offsets,
                              .taps = p->k,
                              .run = 1,
                              .weights = t->expanding,
                              .filters = t->channels,
                              .bias = o->expand_bias ? o->expand_bias + t->channel : NULL,
                              .relu = o->first.tiles.relu,
                              .clip = o->first.tiles.clips ? o->first.tiles.bounds : NULL,
                              .interleaved = true};
    const float *x = o->x + t->n * o->x_image + first;
    const ptrdiff_t tiles = convk_ceil_div(pixels, p->kernels->mr);
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t pixel = i * pixels / tiles;
        tile.pixels = (i + 1) * pixels / tiles - pixel;
        tile.x = x + pixel;
        tile.y = to + pixel * t->width;
        // The first tile asks for the next block's filters.
        tile.ahead = t->ahead;
        t->ahead = 0;
        p->kernels->direct(&tile);
    }
    finish(p, &o->first, to, pixels * t->width);
}

/// Expands `count` rows of the image, from one on, which lie one behind the other in the ring; with
/// zeros for their padding.
static void expand_rows(task *t, ptrdiff_t first, ptrdiff_t count) {
    const convk_window *w = t->p->w;
    const ptrdiff_t step = t->p->row_pixels * t->width, left = w->pad_left * t->width;
    const ptrdiff_t width = w->w * t->width;
    float *to = t->ring + first % t->p->ring * step;
    float *pixels = count == 1 ? to + left : to;
    expand_pixels(t, pixels, first * w->w, count * w->w);
    // Rows move apart, the last one first.
    for (ptrdiff_t i = count - 1; i >= 0; i--) {
        float *row = to + i * step;
        if (count > 1) memmove(row + left, pixels + i * width, (size_t)width * sizeof(float));
        memset(row, 0, (size_t)left * sizeof(float));
        memset(row + left + width, 0, (size_t)(step - left - width) * sizeof(float));
    }
}

/// Expands rows first ..< end of the image.
static void expand(task *t, ptrdiff_t first, ptrdiff_t end) {
    const blocking *p = t->p;
    // Several short rows fill tiles better than each by itself.
    const bool is_short = p->w->w < 2 * p->kernels->mr;
    while (first < end) {
        const ptrdiff_t fit = convk_min(end - first, p->ring - first % p->ring);
        const ptrdiff_t count = is_short ? fit : 1;
        expand_rows(t, first, count);
        first += count;
    }
}

static void run_task(task *t) {
    const blocking *p = t->p;
    const operands *o = t->o;
    const convk_window *w = p->w;
    const ptrdiff_t plane = w->oh * w->ow;
    convk_channels_tile tile = {.y = t->outputs,
                                .rows = t->rows,
                                .width = t->width,
                                .size = w->kw,
                                .stride = w->stride_w,
                                .weights = t->depthwise,
                                .columns = w->ow,
                                .bias = t->depthwise + p->taps * t->width,
                                .relu = o->second.tiles.relu,
                                .clip = o->second.tiles.clips ? o->second.tiles.bounds : NULL};
    float *y = o->y + t->n * o->y_image + t->channel * plane;
    ptrdiff_t expanded = 0; // rows of the image
    for (ptrdiff_t row = t->row; row < t->row_end; row += tile.output_rows) {
        tile.output_rows = convk_min(p->step, t->row_end - row);
        const ptrdiff_t top = row * w->stride_h - w->pad_top;
        const ptrdiff_t seen = (tile.output_rows - 1) * w->stride_h + w->kh;
        const ptrdiff_t end = convk_min(top + seen, w->h);
        expanded = convk_max(expanded, top);
        expand(t, expanded, end);
        expanded = convk_max(expanded, end);
        for (ptrdiff_t i = 0; i < seen; i++)
            t->rows[i] = top + i < 0 || top + i >= w->h
                             ? t->zeros
                             : t->ring + (top + i) % p->ring * p->row_pixels * t->width;
        p->kernels->channels(&tile);
        const ptrdiff_t count = tile.output_rows * w->ow;
        finish(p, &o->second, t->outputs, count * t->width);
        p->kernels->unpack_planes(y + row * w->ow, plane, t->outputs, t->width, t->channels, count);
    }
}

/// Inside a parallel region.
static void run(const blocking *p, const operands *o, float *scratch) {
    scratch += convk_thread_number() * thread_size(p);
    task t = {.p = p, .o = o, .rows = (const float **)scratch};
    t.depthwise = scratch + rows_size(p);
    t.zeros = t.depthwise + depthwise_size(p);
    t.ring = t.zeros + row_size(p);
    t.outputs = t.ring + p->ring * row_size(p);
    memset(t.zeros, 0, (size_t)row_size(p) * sizeof(float));
    // Each task writes its own rows of its own channels.
    CONVK_SHARED_LOOP (index, p->n * p->blocks * p->bands) {
        const ptrdiff_t block = index / p->bands % p->blocks;
        t.n = index / (p->blocks * p->bands);
        t.row = index % p->bands * p->output_rows;
        t.row_end = convk_min(t.row + p->output_rows, p->w->oh);
        t.channel = block * p->kernels->nr;
        t.channels = channels_at(p, t.channel);
        t.width = width_at(p, t.channel);
        t.expanding = o->expanding + block * expanding_size(p);
        pack_depthwise(p, t.depthwise, o->weights, o->bias, t.channel);
        t.ahead = expanding_size(p);
        run_task(&t);
    }
}

void convk_conv2d_expanded(float *restrict y, const float *restrict x,
                           const float *restrict expand_weights, const float *restrict prepacked,
                           const convk_epilogue *first, const float *restrict weights,
                           const convk_epilogue *second, const convk_conv2d *expand,
                           const convk_conv2d *depthwise, float *restrict workspace,
                           convk_execution execution) {
    const blocking p = make(expand, depthwise, execution);
    ptrdiff_t *offsets = (ptrdiff_t *)workspace;
    for (ptrdiff_t k = 0; k < p.k; k++) offsets[k] = k * p.w->h * p.w->w;
    float *expanding = workspace + offsets_size(&p);
    const operands o = {.y = y,
                        .x = x,
                        .expanding = prepacked ? prepacked : expanding,
                        .expand_bias = first->bias,
                        .weights = weights,
                        .bias = second->bias,
                        .first = ending_of(first->activation),
                        .second = ending_of(second->activation),
                        .x_image = convk_x_image(expand),
                        .y_image = convk_y_image(depthwise),
                        .offsets = offsets};
    if (prepacked == NULL)
        convk_conv2d_expanded_prepack(expanding, expand_weights, expand, execution);
    float *scratch = workspace + shared_size(&p);
    if (convk_is_alone(p.threads)) return run(&p, &o, scratch);
    CONVK_PARALLEL (p.threads) {
        run(&p, &o, scratch);
    }
}
