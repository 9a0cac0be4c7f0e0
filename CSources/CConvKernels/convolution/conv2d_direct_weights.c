// SPDX-License-Identifier: MIT
//
// The gradient with respect to filters, directly: a task takes some filters, some channels and some
// of the images. For a band of output rows it transposes the filters' part of the output's
// gradient, so that lanes are filters, and adds up what each of some taps sees of the image.
//
// Where the output was max-pooled, its gradient is mostly zeros and stands in few numbers: it is
// made from them band by band, in the cache, instead of transposed.
//
// Images are cut into chunks where there are too few filters and channels to keep many threads
// busy. Each chunk is summed for itself, and the sums are added in order; how many there are
// depends on the shape alone.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_band.h"
#include "gemm/sgemm_pack.h"

enum {
    BAND_FLOATS = 1 << 15, // of the transposed gradient of a band
    ENOUGH_TASKS = 32,
    FEWEST_TILES = 8, // of a task: they share the transposition
};

typedef struct {
    const convk_kernels *kernels;
    ptrdiff_t groups;
    convk_window window;     // with the channels of one group
    ptrdiff_t filters, taps; // of a group
    ptrdiff_t width;         // filters of a block
    ptrdiff_t blocks;        // blocks of filters in a group
    ptrdiff_t tile_runs;     // runs of kw taps in a tile
    ptrdiff_t ranges;        // of channels
    ptrdiff_t chunks;        // of images
    ptrdiff_t band_rows;     // output rows of a band
} blocking;

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const ptrdiff_t kw = conv->window.kw;
    const bool known = kw == 3 || kw == 5 || kw == 7 || kw == 11;
    return known && kw <= 2 * convk_kernels_for(execution.isa)->mr && conv->window.dilation_w == 1;
}

static blocking make(const convk_conv2d_plan *plan) {
    const convk_window *w = &plan->conv.window;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa),
                  .groups = plan->conv.groups,
                  .window = convk_window_of_group(&plan->conv)};
    p.filters = plan->conv.filters / p.groups;
    p.taps = p.window.c * w->kh * w->kw;
    // One vector of filters is slower by a fifth, and worth it where it leaves fewer lanes empty.
    const bool narrow = 6 * convk_round_up(p.filters, p.kernels->lanes) <
                            5 * convk_round_up(p.filters, p.kernels->nr) ||
                        w->kw > p.kernels->mr;
    p.width = narrow ? p.kernels->lanes : p.kernels->nr;
    p.blocks = convk_ceil_div(p.filters, p.width);
    p.tile_runs = (narrow ? 2 : 1) * p.kernels->mr / w->kw;
    const ptrdiff_t tiles = convk_ceil_div(p.window.c * w->kh, p.tile_runs);
    const ptrdiff_t blocks = p.groups * p.blocks;
    p.ranges = convk_min(convk_ceil_div(ENOUGH_TASKS, blocks), convk_max(tiles / FEWEST_TILES, 1));
    p.ranges = convk_min(p.ranges, p.window.c);
    p.chunks = convk_min(w->n, convk_ceil_div(ENOUGH_TASKS, blocks * p.ranges));
    p.band_rows = convk_min(convk_max(BAND_FLOATS / (w->ow * p.width), 1), w->oh);
    return p;
}

static ptrdiff_t most_channels(const blocking *p) {
    return convk_ceil_div(p->window.c, p->ranges);
}

/// The parts of one thread's workspace, in floats.
static ptrdiff_t gradient_size(const blocking *p) {
    return p->band_rows * p->window.ow * p->width;
}
static ptrdiff_t offsets_size(const blocking *p) {
    const ptrdiff_t floats = sizeof(ptrdiff_t) / sizeof(float);
    return convk_round_up(most_channels(p) * p->window.kh * floats, 16);
}
static ptrdiff_t thread_size(const blocking *p, const convk_band *band) {
    return convk_round_up(gradient_size(p), 16) + offsets_size(p) +
           convk_band_size(band, most_channels(p));
}

/// The floats of one chunk's sums: [groups, blocks, taps, width].
static ptrdiff_t sums_size(const blocking *p) {
    return p->groups * p->blocks * p->taps * p->width;
}

CONVK_FITS_A_PLAN(blocking);

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    const convk_band band = convk_band_make(&p.window, p.band_rows);
    plan->workspace_floats =
        convk_round_up(p.chunks * sums_size(&p), 16) + plan->threads * thread_size(&p, &band);
    convk_plan_keep(plan, &p, sizeof p);
}

/// One task: a block of filters, a range of channels, a chunk of images.
typedef struct {
    const blocking *p;
    const convk_band *band;
    float *sums;                    // the range's taps of the block
    ptrdiff_t group, filter;        // the block's first filter, of the group
    ptrdiff_t channel, channel_end; // of the group
    ptrdiff_t image, image_end;
    float *gradient, *copy; // of the thread
    ptrdiff_t *offsets;
} task;

/// The gradient of output rows row ..< row_end of image n, the block's filters side by side.
static void transpose_gradient(const task *t, const float *dy, ptrdiff_t n, ptrdiff_t row,
                               ptrdiff_t row_end) {
    const blocking *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t pixels = w->oh * w->ow;
    const float *dy_n = dy + ((n * p->groups + t->group) * p->filters + t->filter) * pixels;
    p->kernels->pack_strip(t->gradient, dy_n + row * w->ow, pixels, 1,
                           convk_min(p->width, p->filters - t->filter), (row_end - row) * w->ow,
                           p->width);
}

/// The same from the gradient of the pooled output: each number is added where its maximum was.
static void scatter_gradient(const task *t, const convk_conv2d_operands *from, ptrdiff_t n,
                             ptrdiff_t row, ptrdiff_t row_end) {
    const blocking *p = t->p;
    const convk_window *pool = from->pooling;
    const ptrdiff_t ow = p->window.ow, count = (row_end - row) * ow, plane = pool->oh * pool->ow;
    memset(t->gradient, 0, (size_t)(count * p->width) * sizeof(float));
    // The pooled rows whose windows see one of the rows.
    const ptrdiff_t above = row + pool->pad_top - (pool->kh - 1) * pool->dilation_h;
    const ptrdiff_t begin = above <= 0 ? 0 : convk_ceil_div(above, pool->stride_h) * pool->ow;
    const ptrdiff_t last = (row_end - 1 + pool->pad_top) / pool->stride_h;
    const ptrdiff_t end = convk_min(last + 1, pool->oh) * pool->ow;
    const ptrdiff_t filters = convk_min(p->width, p->filters - t->filter);
    for (ptrdiff_t f = 0; f < filters; f++) {
        const ptrdiff_t channel = (n * p->groups + t->group) * p->filters + t->filter + f;
        const float *dy_f = from->from + channel * plane;
        const int32_t *argmax_f = from->argmax + channel * plane;
        for (ptrdiff_t i = begin; i < end; i++) {
            const ptrdiff_t place = argmax_f[i] - row * ow;
            if (place >= 0 && place < count) t->gradient[place * p->width + f] += dy_f[i];
        }
    }
}

/// Adds what output rows row ..< row_end of image n give.
static void add_band(const task *t, const convk_conv2d_operands *from, ptrdiff_t n, ptrdiff_t row,
                     ptrdiff_t row_end) {
    const blocking *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t channels = t->channel_end - t->channel;
    if (from->argmax)
        scatter_gradient(t, from, n, row, row_end);
    else
        transpose_gradient(t, from->from, n, row, row_end);
    const float *x_c =
        from->images + ((n * p->groups + t->group) * w->c + t->channel) * w->h * w->w;
    convk_direct_weights_tile tile = {
        .x = convk_band_read(t->band, t->copy, x_c, row, channels),
        .row_step = w->stride_h * t->band->width,
        .stride = w->stride_w,
        .kw = w->kw,
        .dy = t->gradient,
        .narrow = p->width == p->kernels->lanes,
        .rows = row_end - row,
        .columns = w->ow,
    };
    for (ptrdiff_t run = 0; run < channels * w->kh; run += p->tile_runs) {
        tile.sums = t->sums + run * w->kw * p->width;
        tile.offsets = t->offsets + run;
        tile.runs = convk_min(p->tile_runs, channels * w->kh - run);
        p->kernels->direct_weights(&tile);
    }
}

static void run_task(const task *t, const convk_conv2d_operands *from) {
    const blocking *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t channels = t->channel_end - t->channel;
    for (ptrdiff_t i = 0; i < channels * w->kh * w->kw * p->width; i++) t->sums[i] = 0;
    for (ptrdiff_t run = 0; run < channels * w->kh; run++)
        t->offsets[run] =
            run / w->kh * t->band->plane + run % w->kh * w->dilation_h * t->band->width;
    for (ptrdiff_t n = t->image; n < t->image_end; n++)
        for (ptrdiff_t row = 0; row < w->oh; row += p->band_rows)
            add_band(t, from, n, row, convk_min(row + p->band_rows, w->oh));
}

/// dw = the sums of the chunks, added in order and transposed. Each iteration writes one filter's.
static void add_chunks(float *restrict dw, const float *restrict sums, const blocking *p) {
    CONVK_SHARED_LOOP (index, p->groups * p->filters) {
        const ptrdiff_t g = index / p->filters, f = index % p->filters;
        const float *from =
            sums + (g * p->blocks + f / p->width) * p->taps * p->width + f % p->width;
        for (ptrdiff_t tap = 0; tap < p->taps; tap++) {
            float sum = from[tap * p->width];
            for (ptrdiff_t chunk = 1; chunk < p->chunks; chunk++)
                sum += from[chunk * sums_size(p) + tap * p->width];
            dw[index * p->taps + tap] = sum;
        }
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    const convk_window *w = &p.window;
    const convk_band band = convk_band_make(w, p.band_rows);
    const ptrdiff_t blocks = p.groups * p.blocks, block_size = p.taps * p.width;
    float *threads_part = workspace + convk_round_up(p.chunks * sums_size(&p), 16);
    float *gradient = threads_part + convk_thread_number() * thread_size(&p, &band);
    ptrdiff_t *offsets = (ptrdiff_t *)(gradient + convk_round_up(gradient_size(&p), 16));
    // Each task writes its own part of its own chunk's sums.
    CONVK_SHARED_LOOP (index, p.chunks * blocks * p.ranges) {
        const ptrdiff_t range = index % p.ranges, block = index / p.ranges % blocks;
        const ptrdiff_t chunk = index / p.ranges / blocks;
        const ptrdiff_t channel = range * w->c / p.ranges;
        const task t = {
            .p = &p,
            .band = &band,
            .sums = workspace + (chunk * blocks + block) * block_size +
                    channel * w->kh * w->kw * p.width,
            .group = block / p.blocks,
            .filter = block % p.blocks * p.width,
            .channel = channel,
            .channel_end = (range + 1) * w->c / p.ranges,
            .image = chunk * w->n / p.chunks,
            .image_end = (chunk + 1) * w->n / p.chunks,
            .gradient = gradient,
            .copy = (float *)offsets + offsets_size(&p),
            .offsets = offsets,
        };
        run_task(&t, o);
    }
    convk_wait_for_all();
    add_chunks(o->to, workspace, &p);
}

const convk_conv2d_algorithm convk_weights_direct = {
    .name = "direct",
    .accepts = accepts,
    .plan = plan_blocks,
    .run = run,
};
