// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to its filters as a product: for each group of the
// output's gradient [filters, pixels] with the patches [pixels, taps], summed over the images.
//
// The gradient is read where it lies. The pixels of an image are taken a band at a time: the part
// of the image that a band's patches see is copied with its padding, so that every tap of every
// pixel is at a fixed distance from the pixel, and a row of the patches is one gather.
//
// Where the result is too small to keep many threads busy, the images are cut into chunks, each
// summed by itself, and the chunks' sums are added in order. How many chunks there are depends on
// the shape alone, so the bits don't depend on the number of threads.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_band.h"
#include "gemm/sgemm_pack.h"

enum {
    TASK_PANELS = 8,   // panels of taps in a task
    ENOUGH_TASKS = 32, // tasks below which images are cut into chunks
};

typedef struct {
    const convk_kernels *kernels;
    convk_conv2d conv;
    ptrdiff_t filters, channels, taps; // of a group; taps counts (c, kh, kw)
    ptrdiff_t mc, row_blocks;          // filters in a task, and such blocks in a group
    ptrdiff_t nc, column_blocks;       // taps in a task, and such blocks in a group
    ptrdiff_t panel;                   // height of panels of filters
    ptrdiff_t chunks;                  // of images
    ptrdiff_t band_pixels;             // output pixels in a band
    ptrdiff_t band_channels, band_rows, band_columns; // the padded part of an image
    bool packs_gradient;
    bool is_pointwise; // patches are pixels: the image, transposed
} blocking;

/// The filters of a task, at most. Each task packs its patches: with 1 x 1 filters that takes as
/// long as a few rows of the product, and where images are enough to share, tasks are tall.
/// Milliseconds on Zen 5, one thread, 16 images of 56 x 56, 56 and 288 filters: 64 -> 256
/// channels 9.5 and 8.1, 256 -> 64 12.9 and 10.4.
static ptrdiff_t most_filters(const blocking *p) {
    enum { TALL = 288, ENOUGH_IMAGES = 8 };
    const bool tall = p->is_pointwise && p->conv.window.n * p->conv.groups >= ENOUGH_IMAGES;
    return tall ? TALL : p->kernels->mc;
}

static blocking make(const convk_conv2d_plan *plan) {
    const convk_conv2d *conv = &plan->conv;
    const convk_window *w = &conv->window;
    const ptrdiff_t window_taps = w->kh * w->kw, pixels = w->oh * w->ow;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa), .conv = *conv};
    p.filters = conv->filters / conv->groups;
    p.channels = w->c / conv->groups;
    p.taps = p.channels * window_taps;
    p.is_pointwise = convk_is_pointwise(w);
    p.panel = convk_panel_height(p.filters, p.kernels);
    const ptrdiff_t row_panels = convk_ceil_div(p.filters, p.panel);
    p.row_blocks = convk_ceil_div(p.filters, most_filters(&p));
    p.mc = convk_ceil_div(row_panels, p.row_blocks) * p.panel;
    p.row_blocks = convk_ceil_div(p.filters, p.mc);
    const ptrdiff_t column_panels = convk_ceil_div(p.taps, p.kernels->nr);
    p.nc = convk_min(column_panels, TASK_PANELS) * p.kernels->nr;
    p.column_blocks = convk_ceil_div(p.taps, p.nc);
    const ptrdiff_t tasks = conv->groups * p.row_blocks * p.column_blocks;
    p.chunks = convk_min(w->n, convk_ceil_div(ENOUGH_TASKS, tasks));
    p.band_pixels = convk_ceil_div(pixels, convk_ceil_div(pixels, p.kernels->kc));
    // A band of pixels may begin and end inside a row.
    const ptrdiff_t rows = convk_min(w->oh, (p.band_pixels - 1) / w->ow + 2);
    p.band_rows = convk_rows_under(w, rows);
    p.band_columns = convk_columns_under(w);
    p.band_channels = convk_min(p.channels, (p.nc - 1) / window_taps + 2);
    // Rows a multiple of 4 KiB apart fall into the same few lines of the first-level cache.
    p.packs_gradient = pixels % 1024 == 0;
    return p;
}

/// The parts of one thread's workspace, in floats.
static ptrdiff_t band_size(const blocking *p) {
    return convk_round_up(p->band_channels * p->band_rows * p->band_columns, 16);
}
static ptrdiff_t patches_size(const blocking *p) {
    return p->band_pixels * p->nc;
}
static ptrdiff_t gradient_size(const blocking *p) {
    return p->packs_gradient ? convk_round_up(p->band_pixels * p->mc, 16) : 0;
}
static ptrdiff_t offsets_size(const blocking *p) { // int32_t, as large as a float
    return convk_round_up(p->band_pixels, 16) + p->nc;
}
static ptrdiff_t block_size(const blocking *p) {
    return band_size(p) + patches_size(p) + gradient_size(p) + offsets_size(p);
}

static ptrdiff_t result_size(const blocking *p) {
    return convk_round_up(p->conv.filters * p->taps, 16);
}

static ptrdiff_t chunk_sums_size(const blocking *p) {
    return p->chunks > 1 ? p->chunks * result_size(p) : 0;
}

CONVK_FITS_A_PLAN(blocking);

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->workspace_floats = chunk_sums_size(&p) + plan->threads * block_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

/// One task: a block of the result, over a chunk of the images.
typedef struct {
    const blocking *p;
    ptrdiff_t group;
    ptrdiff_t filter, filter_end; // of the group
    ptrdiff_t tap, tap_end;       // of the group
    ptrdiff_t image, image_end;
    float *sum; // [filters, taps], where the whole result's block of this group begins
    float *band, *patches, *gradient;
    int32_t *pixel_offsets, *tap_offsets;
} task;

/// Copies the part of image n that pixels of output rows oh and on see, with zeros for padding.
static void copy_band(const task *t, const float *x, ptrdiff_t n, ptrdiff_t oh, ptrdiff_t rows) {
    const blocking *p = t->p;
    const convk_window *w = &p->conv.window;
    const ptrdiff_t window_taps = w->kh * w->kw;
    const ptrdiff_t first = t->tap / window_taps, last = (t->tap_end - 1) / window_taps;
    const convk_band band = {.window = w,
                             .copies = true,
                             .rows = rows,
                             .width = p->band_columns,
                             .plane = p->band_rows * p->band_columns};
    convk_band_read(&band, t->band, x + (n * w->c + t->group * p->channels + first) * w->h * w->w,
                    oh, last - first + 1);
}

static void set_tap_offsets(const task *t) {
    const blocking *p = t->p;
    const convk_window *w = &p->conv.window;
    const ptrdiff_t window_taps = w->kh * w->kw, first = t->tap / window_taps;
    for (ptrdiff_t tap = t->tap; tap < t->tap_end; tap++) {
        const ptrdiff_t c = tap / window_taps - first;
        const ptrdiff_t u = tap % window_taps / w->kw, v = tap % w->kw;
        t->tap_offsets[tap - t->tap] =
            (int32_t)((c * p->band_rows + u * w->dilation_h) * p->band_columns + v * w->dilation_w);
    }
}

/// The patches at some pixels of image n, gathered from a copied band.
static void gather_patches(const task *t, const float *x, ptrdiff_t n, ptrdiff_t pixel,
                           ptrdiff_t count) {
    const blocking *p = t->p;
    const convk_window *w = &p->conv.window;
    const ptrdiff_t nr = p->kernels->nr, oh = pixel / w->ow;
    const ptrdiff_t output_rows = (pixel + count - 1) / w->ow - oh + 1;
    copy_band(t, x, n, oh, convk_rows_under(w, output_rows));
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t row = (pixel + i) / w->ow - oh, column = (pixel + i) % w->ow;
        t->pixel_offsets[i] = (int32_t)(row * w->stride_h * p->band_columns + column * w->stride_w);
    }
    for (ptrdiff_t j = t->tap; j < t->tap_end; j += nr)
        p->kernels->gather_taps(t->patches + (j - t->tap) * count, t->band, t->pixel_offsets,
                                t->tap_offsets + j - t->tap, count, convk_min(nr, t->tap_end - j));
}

/// The same where patches are pixels.
static void transpose_pixels(const task *t, const float *x, ptrdiff_t n, ptrdiff_t pixel,
                             ptrdiff_t count) {
    const blocking *p = t->p;
    const convk_window *w = &p->conv.window;
    const ptrdiff_t nr = p->kernels->nr, pixels = w->h * w->w;
    const float *x_n = x + (n * w->c + t->group * p->channels) * pixels + pixel;
    for (ptrdiff_t j = t->tap; j < t->tap_end; j += nr)
        convk_pack_b(p->kernels, t->patches + (j - t->tap) * count,
                     (convk_matrix){x_n + j * pixels, 1, pixels}, count,
                     convk_min(nr, t->tap_end - j));
}

/// Multiplies the gradient at some pixels of image n with their patches and adds to the sum.
static void multiply_band(const task *t, const float *dy, const float *x, ptrdiff_t n,
                          ptrdiff_t pixel, ptrdiff_t count, bool is_first) {
    const blocking *p = t->p;
    const convk_window *w = &p->conv.window;
    const ptrdiff_t nr = p->kernels->nr, pixels = w->oh * w->ow;
    if (p->is_pointwise)
        transpose_pixels(t, x, n, pixel, count);
    else
        gather_patches(t, x, n, pixel, count);
    const float *dy_n = dy + (n * p->conv.filters + t->group * p->filters) * pixels + pixel;
    if (p->packs_gradient)
        for (ptrdiff_t i = t->filter; i < t->filter_end; i += p->panel)
            convk_pack_a(p->kernels, t->gradient + (i - t->filter) * count,
                         (convk_matrix){dy_n + i * pixels, pixels, 1},
                         convk_min(p->panel, t->filter_end - i), count, p->panel);
    for (ptrdiff_t j = t->tap; j < t->tap_end; j += nr) {
        for (ptrdiff_t i = t->filter; i < t->filter_end; i += p->panel) {
            const ptrdiff_t rows = convk_min(p->panel, t->filter_end - i);
            const convk_tile tile = {.c = t->sum + i * p->taps + j,
                                     .ldc = p->taps,
                                     .a = p->packs_gradient ? t->gradient + (i - t->filter) * count
                                                            : dy_n + i * pixels,
                                     .panel = p->packs_gradient ? p->panel : rows,
                                     .a_row_stride = p->packs_gradient ? 0 : pixels,
                                     .b = t->patches + (j - t->tap) * count,
                                     .b_row_stride = p->kernels->nr,
                                     .k = count,
                                     .rows = rows,
                                     .columns = convk_min(nr, t->tap_end - j),
                                     .alpha = 1,
                                     .beta = is_first ? 0 : 1};
            p->kernels->kernel(&tile);
        }
    }
}

static void run_task(const task *t, const float *dy, const float *x) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->conv.window.oh * p->conv.window.ow;
    set_tap_offsets(t);
    for (ptrdiff_t n = t->image; n < t->image_end; n++)
        for (ptrdiff_t pixel = 0; pixel < pixels; pixel += p->band_pixels)
            multiply_band(t, dy, x, n, pixel, convk_min(p->band_pixels, pixels - pixel),
                          n == t->image && pixel == 0);
}

/// dw = the sums of the chunks, added in order. Each thread has its own elements.
static void add_chunks(float *restrict dw, const float *restrict sums, const blocking *p) {
    enum { BLOCK = 256 };
    const ptrdiff_t count = p->conv.filters * p->taps, stride = result_size(p);
    CONVK_SHARED_BLOCKS (begin, count, BLOCK) {
        const ptrdiff_t end = convk_min(begin + BLOCK, count);
        for (ptrdiff_t i = begin; i < end; i++) dw[i] = sums[i];
        for (ptrdiff_t chunk = 1; chunk < p->chunks; chunk++)
            for (ptrdiff_t i = begin; i < end; i++) dw[i] += sums[chunk * stride + i];
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    const ptrdiff_t images = p.conv.window.n, groups = p.conv.groups;
    float *sums = p.chunks > 1 ? workspace : o->to;
    float *block = workspace + chunk_sums_size(&p) + convk_thread_number() * block_size(&p);
    float *patches = block + band_size(&p), *gradient = patches + patches_size(&p);
    int32_t *offsets = (int32_t *)(gradient + gradient_size(&p));
    // Each task writes its own block of its own chunk's sum.
    CONVK_SHARED_LOOP (index, p.chunks * groups * p.row_blocks * p.column_blocks) {
        const ptrdiff_t tap = index % p.column_blocks * p.nc;
        const ptrdiff_t filter = index / p.column_blocks % p.row_blocks * p.mc;
        const ptrdiff_t g = index / (p.column_blocks * p.row_blocks) % groups;
        const ptrdiff_t chunk = index / (p.column_blocks * p.row_blocks * groups);
        const task t = {
            .p = &p,
            .group = g,
            .filter = filter,
            .filter_end = convk_min(filter + p.mc, p.filters),
            .tap = tap,
            .tap_end = convk_min(tap + p.nc, p.taps),
            .image = chunk * images / p.chunks,
            .image_end = (chunk + 1) * images / p.chunks,
            .sum = sums + chunk * result_size(&p) + g * p.filters * p.taps,
            .band = block,
            .patches = patches,
            .gradient = gradient,
            .pixel_offsets = offsets,
            .tap_offsets = offsets + convk_round_up(p.band_pixels, 16),
        };
        run_task(&t, o->from, o->images);
    }
    convk_wait_for_all();
    if (p.chunks > 1) add_chunks(o->to, sums, &p);
}

static bool accepts_pointwise(const convk_conv2d *conv, convk_execution execution) {
    (void)execution;
    return convk_is_pointwise(&conv->window);
}

static bool accepts_all(const convk_conv2d *conv, convk_execution execution) {
    (void)conv, (void)execution;
    return true;
}

const convk_conv2d_algorithm convk_weights_pointwise = {
    .name = "pointwise",
    .accepts = accepts_pointwise,
    .plan = plan_blocks,
    .run = run,
};

const convk_conv2d_algorithm convk_weights_implicit_gemm = {
    .name = "implicit GEMM",
    .accepts = accepts_all,
    .plan = plan_blocks,
    .run = run,
};
