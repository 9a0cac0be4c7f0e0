// SPDX-License-Identifier: MIT
//
// The gradient with respect to filters by Winograd, some hundred tiles at a time: threads
// share the transforms of the images' tiles and of the output's gradient, then the products
//
//   sums[point][f][c] += gradient[point][f][tile] * tiles[point][tile][c]
//
// of the 36 points. At last each filter's sums are transformed back. Chunks of tiles follow one
// another, and the shape alone decides about their size, so the bits don't depend on the number of
// threads.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_winograd.h"

enum {
    POINTS = CONVK_WINOGRAD_POINTS,
    // Floats of a chunk's transforms: 4 MiB, for the third-level cache. Larger chunks read and
    // write the sums less often and gain nothing: milliseconds on Zen 5, two threads, chunks of 4
    // and of 64 MiB, 256 -> 384 channels of 13 x 13 6.3 and 8.0, 64 -> 64 of 56 x 56 6.5 and 6.0, 5
    // x 5 filters 96 -> 256 of 27 x 27 19.3 and 21.3.
    CHUNK_FLOATS = 1 << 20,
    FEWEST_TILES = 128,
    MOST_TILES = 512,
    ENOUGH_TASKS = 144,
    PANELS_OF_BLOCK = 4, // of filters, in one chunk
};

typedef struct {
    convk_conv2d_winograd winograd; // how tiles are cut, and the panels of filters
    ptrdiff_t channels, filters;    // of a group
    ptrdiff_t column_panels;        // panels of nr channels
    ptrdiff_t row_blocks;           // blocks of nr filters that are transformed at a time
    ptrdiff_t row_tasks;            // tasks that share a point
    ptrdiff_t tiles, depth;         // in all, and of a chunk: a multiple of nr
    ptrdiff_t gradient_stride;      // from one filter's transforms to the next one's
    ptrdiff_t sums_stride;          // from one filter's sums to the next one's
} blocking;

static blocking make(const convk_conv2d_plan *plan) {
    const convk_conv2d *conv = &plan->conv;
    const convk_window window = convk_window_of_group(conv);
    blocking p = {.channels = window.c, .filters = conv->filters / conv->groups};
    p.winograd = convk_conv2d_winograd_make(conv, plan->execution);
    const ptrdiff_t nr = p.winograd.kernels->nr;
    p.column_panels = convk_ceil_div(p.channels, nr);
    p.row_blocks = convk_ceil_div(p.filters, nr);
    p.row_tasks = convk_min(ENOUGH_TASKS / POINTS, p.winograd.row_panels);
    p.tiles = window.n * p.winograd.tiles_h * p.winograd.tiles_w;
    const ptrdiff_t fitting = CHUNK_FLOATS / (POINTS * (p.channels + p.filters));
    const ptrdiff_t most = convk_min(convk_max(fitting, FEWEST_TILES), MOST_TILES);
    const ptrdiff_t chunks = convk_ceil_div(p.tiles, most);
    p.depth = convk_round_up(convk_ceil_div(p.tiles, chunks), nr);
    // Rows a multiple of 4 KiB apart fall into the same few lines of the first-level cache.
    p.gradient_stride = p.depth + 16;
    p.sums_stride = convk_round_up(p.channels, 16);
    return p;
}

/// Whether tiles that hang over the outputs' edges leave something to gain.
///
/// The share of the direct gradient's time is about 0.3 + 5.5 (1/channels + 1/filters) where 3 x 3
/// filters have whole tiles, and grows as the tiles' area does. Measured on Zen 4, one thread: 16
/// -> 32 channels of 8 x 8 0.95, 32 -> 32 0.77, 64 -> 64 0.53; 24 -> 32 of 10 x 10 1.25, 24 -> 24
/// of 9 x 9 1.15, 64 -> 64 of 5 x 5 1.15; 16 -> 32 of 5 x 5 2.3.
static bool tiles_are_full(const convk_conv2d *conv) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    const double channels = (double)w->c, filters = (double)(conv->filters / conv->groups),
                 products = channels * filters, m = CONVK_WINOGRAD_TILE - w->kh + 1,
                 area = (double)convk_conv2d_winograd_tiles(w) * m * m,
                 outputs = (double)w->n * (double)w->oh * (double)w->ow;
    return area * (0.3 * products + 5.5 * (channels + filters)) < outputs * products;
}

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    // What pays for the transforms pays for these too. Milliseconds on Zen 5, one thread, against
    // the direct gradient: 48 -> 48 channels of 28 x 28 1.6 against 2.4, 64 -> 64 of 56 x 56 11.8
    // against 20.5, 256 -> 384 of 13 x 13 12.2 against 21.3, 5 x 5 96 -> 256 of 27 x 27 38.7
    // against 59.1; 16 -> 16 of 28 x 28 3.4 against 1.8. With 8 tiles the sums of all points take
    // longer to write than the gradient does; with 16, one image of 256 -> 256 of 14 x 14 on Zen 4,
    // 2.0 against 2.5, with 32, eight of 512 -> 512 of 7 x 7, 11 against 22.
    enum { FEWEST_THAT_PAY = 16 };
    return convk_conv2d_winograd_can(conv, execution) &&
           convk_conv2d_winograd_tiles(&conv->window) >= FEWEST_THAT_PAY &&
           (conv->window.kh != 3 || tiles_are_full(conv));
}

/// From one point to the next: of the gradient's transforms, and of those of a block of tiles.
static ptrdiff_t gradient_point(const blocking *p) {
    return p->filters * p->gradient_stride + CONVK_WINOGRAD_GAP;
}
static ptrdiff_t scratch_point(const blocking *p) {
    return p->winograd.kernels->nr * p->winograd.kernels->nr + CONVK_WINOGRAD_GAP;
}

/// The parts of the workspace, in floats.
static ptrdiff_t sums_size(const blocking *p) {
    return p->depth >= p->tiles ? 0 : POINTS * p->filters * p->sums_stride;
}
static ptrdiff_t gradient_size(const blocking *p) {
    return POINTS * gradient_point(p);
}
static ptrdiff_t tiles_size(const blocking *p) {
    return POINTS * p->column_panels * p->winograd.kernels->nr * p->depth;
}
/// A thread's transforms of a block of tiles and a panel of channels; or a filter's taps; or, of
/// one chunk, the sums of two panels and a filter's taps.
static ptrdiff_t scratch_size(const blocking *p) {
    const convk_conv2d_winograd *w = &p->winograd;
    const ptrdiff_t taps = w->window.kh * w->window.kw, nr = w->kernels->nr;
    const ptrdiff_t of_panels = POINTS * (w->panel * nr + CONVK_WINOGRAD_GAP) + taps * nr;
    return convk_max(convk_max(POINTS * scratch_point(p), taps * p->sums_stride), of_panels);
}

CONVK_FITS_A_PLAN(blocking);

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->workspace_floats =
        sums_size(&p) + gradient_size(&p) + tiles_size(&p) + plan->threads * scratch_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

/// One chunk of tiles of one group.
typedef struct {
    const blocking *p;
    const float *dy, *x; // the group's first plane of the first image
    float *sums, *gradient, *tiles;
    float *scratch; // the thread's
    ptrdiff_t tile; // the first
    ptrdiff_t depth;
} chunk;

/// Transforms nr tiles of some channels and packs them: tiles become rows, channels columns.
static void transform_tiles(const chunk *s, ptrdiff_t tile, ptrdiff_t panel) {
    const blocking *p = s->p;
    const convk_conv2d_winograd *winograd = &p->winograd;
    const convk_window *w = &winograd->window;
    const ptrdiff_t nr = winograd->kernels->nr, first = s->tile + tile;
    const ptrdiff_t channels = convk_min(nr, p->channels - panel * nr);
    convk_tile_block tiles;
    convk_conv2d_winograd_block(&tiles, winograd, first, convk_min(first + nr, p->tiles), false);
    for (ptrdiff_t c = 0; c < channels; c++)
        winograd->transforms->input(s->scratch + c * nr, scratch_point(p),
                                    s->x + (panel * nr + c) * w->h * w->w, &tiles);
    for (ptrdiff_t point = 0; point < POINTS; point++) {
        float *to = s->tiles + ((point * p->column_panels + panel) * p->depth + tile) * nr;
        convk_pack_b(winograd->kernels, to,
                     (convk_matrix){s->scratch + point * scratch_point(p), 1, nr}, nr, channels);
    }
}

/// Transforms the gradient of nr tiles for some filters.
static void transform_gradient(const chunk *s, ptrdiff_t tile, ptrdiff_t block) {
    const blocking *p = s->p;
    const convk_conv2d_winograd *winograd = &p->winograd;
    const convk_window *w = &winograd->window;
    const ptrdiff_t nr = winograd->kernels->nr, first = s->tile + tile;
    convk_tile_block tiles;
    convk_conv2d_winograd_block(&tiles, winograd, first, convk_min(first + nr, p->tiles), true);
    for (ptrdiff_t f = block * nr; f < convk_min((block + 1) * nr, p->filters); f++)
        winograd->transforms->gradient(s->gradient + f * p->gradient_stride + tile,
                                       gradient_point(p), s->dy + f * w->oh * w->ow, &tiles);
}

/// Adds the chunk's products at one point, of one panel of filters with one of channels, to sums.
static void multiply(const chunk *s, ptrdiff_t point, ptrdiff_t panel, ptrdiff_t j, float *sums,
                     ptrdiff_t sums_stride, ptrdiff_t columns) {
    const blocking *p = s->p;
    const ptrdiff_t height = p->winograd.panel, nr = p->winograd.kernels->nr, f = panel * height;
    const ptrdiff_t rows = convk_min(height, p->filters - f);
    const convk_tile tile = {
        .c = sums,
        .ldc = sums_stride,
        .a = s->gradient + point * gradient_point(p) + f * p->gradient_stride,
        .panel = rows,
        .a_row_stride = p->gradient_stride,
        .b = s->tiles + (point * p->column_panels + j) * p->depth * nr,
        .b_row_stride = nr,
        .k = s->depth,
        .rows = rows,
        .columns = columns,
        .alpha = 1,
        .beta = s->tile == 0 ? 0 : 1,
    };
    p->winograd.kernels->kernel(&tile);
}

/// Adds the chunk's products at one point, for panels of filters panel ..< end.
static void multiply_panels(const chunk *s, ptrdiff_t point, ptrdiff_t panel, ptrdiff_t end) {
    const blocking *p = s->p;
    const ptrdiff_t height = p->winograd.panel, nr = p->winograd.kernels->nr;
    float *sums = s->sums + point * p->filters * p->sums_stride;
    for (ptrdiff_t j = 0; j < p->column_panels; j++)
        for (ptrdiff_t i = panel; i < end; i++)
            multiply(s, point, i, j, sums + i * height * p->sums_stride + j * nr, p->sums_stride,
                     convk_min(nr, p->sums_stride - j * nr));
}

/// Transforms the tiles of a chunk, and the gradient's.
static void transform(const chunk *s) {
    const blocking *p = s->p;
    const ptrdiff_t nr = p->winograd.kernels->nr, parts = p->column_panels + p->row_blocks;
    // Each task writes its own tiles of its own channels or filters; the barrier waits for all.
    CONVK_SHARED_LOOP (task, s->depth / nr * parts) {
        const ptrdiff_t tile = task / parts * nr, part = task % parts;
        if (part < p->column_panels)
            transform_tiles(s, tile, part);
        else
            transform_gradient(s, tile, part - p->column_panels);
    }
    convk_wait_for_all();
}

/// Transforms the sums of one filter and some channels back: its taps lie together for each
/// channel.
static void finish_filter(const blocking *p, float *dw, const float *sums, ptrdiff_t point,
                          float *taps, ptrdiff_t channels) {
    const ptrdiff_t r = p->winograd.window.kh, lanes = convk_round_up(channels, 16);
    p->winograd.transforms->weights(taps, lanes, sums, point, lanes, (int)r);
    p->winograd.kernels->pack_strip(dw, taps, lanes, 1, r * r, channels, r * r);
}

/// All chunks of one group, inside a parallel region.
static void add_chunks(chunk s, float *dw) {
    const blocking *p = s.p;
    const ptrdiff_t nr = p->winograd.kernels->nr,
                    taps = p->winograd.window.kh * p->winograd.window.kw;
    for (s.tile = 0; s.tile < p->tiles; s.tile += p->depth) {
        s.depth = convk_round_up(convk_min(p->depth, p->tiles - s.tile), nr);
        transform(&s);
        // Each task writes the sums of its own filters at its own point.
        CONVK_SHARED_LOOP (task, POINTS * p->row_tasks) {
            const ptrdiff_t part = task % p->row_tasks, panels = p->winograd.row_panels;
            multiply_panels(&s, task / p->row_tasks, part * panels / p->row_tasks,
                            (part + 1) * panels / p->row_tasks);
        }
        convk_wait_for_all();
    }
    // Each iteration writes one filter's gradient.
    CONVK_SHARED_LOOP (f, p->filters)
        finish_filter(p, dw + f * p->channels * taps, s.sums + f * p->sums_stride,
                      p->filters * p->sums_stride, s.scratch, p->channels);
    convk_wait_for_all();
}

/// The same of one chunk: the sums of a panel of filters and one of channels are transformed back
/// while they are in the cache.
static void add_chunk(chunk s, float *dw) {
    const blocking *p = s.p;
    const ptrdiff_t nr = p->winograd.kernels->nr, height = p->winograd.panel;
    const ptrdiff_t taps = p->winograd.window.kh * p->winograd.window.kw;
    const ptrdiff_t point = height * nr + CONVK_WINOGRAD_GAP;
    float *sums = s.scratch, *transformed = s.scratch + POINTS * point;
    s.depth = convk_round_up(p->tiles, nr);
    transform(&s);
    // Each task writes the gradient of its own filters and channels. A few panels of filters go
    // through all channels, so that their gradients stay in the second-level cache.
    const ptrdiff_t blocks = convk_ceil_div(p->winograd.row_panels, PANELS_OF_BLOCK);
    CONVK_SHARED_LOOP (task, blocks * p->column_panels) {
        const ptrdiff_t j = task % p->column_panels,
                        first = task / p->column_panels * PANELS_OF_BLOCK;
        const ptrdiff_t end = convk_min(first + PANELS_OF_BLOCK, p->winograd.row_panels);
        const ptrdiff_t channels = convk_min(nr, p->channels - j * nr);
        const ptrdiff_t columns = convk_min(nr, p->sums_stride - j * nr);
        for (ptrdiff_t panel = first; panel < end; panel++) {
            for (ptrdiff_t i = 0; i < POINTS; i++)
                multiply(&s, i, panel, j, sums + i * point, nr, columns);
            for (ptrdiff_t row = 0; row < convk_min(height, p->filters - panel * height); row++)
                finish_filter(p, dw + ((panel * height + row) * p->channels + j * nr) * taps,
                              sums + row * nr, point, transformed, channels);
        }
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    const convk_window *w = &p.winograd.window;
    float *sums = workspace, *gradient = sums + sums_size(&p);
    float *tiles = gradient + gradient_size(&p), *scratches = tiles + tiles_size(&p);
    float *scratch = scratches + convk_thread_number() * scratch_size(&p);
    for (ptrdiff_t g = 0; g < p.winograd.groups; g++) {
        const chunk all = {.p = &p,
                           .dy = o->from + g * p.filters * w->oh * w->ow,
                           .x = o->images + g * p.channels * w->h * w->w,
                           .sums = sums,
                           .gradient = gradient,
                           .tiles = tiles,
                           .scratch = scratch};
        float *dw = o->to + g * p.filters * p.channels * w->kh * w->kw;
        if (p.depth >= p.tiles)
            add_chunk(all, dw);
        else
            add_chunks(all, dw);
    }
}

const convk_conv2d_algorithm convk_weights_winograd = {
    .name = "winograd",
    .accepts = accepts,
    .plan = plan_blocks,
    .run = run,
};
