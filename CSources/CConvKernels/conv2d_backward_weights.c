// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to its filters: for each group the product of the
// output's gradient [filters, pixels] with the patches [pixels, taps], summed over the images.
//
// The gradient is read where it lies. The pixels of an image are taken a band at a time: the part
// of the image that a band's patches see is copied with its padding, so that every tap of every
// pixel is at a fixed distance from the pixel, and a row of the patches is one gather.
//
// Where the result is too small to keep many threads busy, the images are cut into chunks, each
// summed by itself, and the chunks' sums are added in order. How many chunks there are depends on
// the shape alone, so the bits don't depend on the number of threads.
#include "conv2d_direct_weights.h"
#include "conv2d_planes.h"
#include "conv2d_winograd_weights.h"
#include "convk_window.h"
#include "sgemm_pack.h"

#include <string.h>

#include "conv2d_product.h"

enum {
    TASK_PANELS = 8,   // panels of taps in a task
    ENOUGH_TASKS = 32, // tasks below which images are cut into chunks
};

typedef struct {
    const convk_sgemm_entry *entry;
    const convk_conv2d *conv;
    ptrdiff_t filters, channels, taps; // of a group; taps counts (c, kh, kw)
    ptrdiff_t mc, row_blocks;          // filters in a task, and such blocks in a group
    ptrdiff_t nc, column_blocks;       // taps in a task, and such blocks in a group
    ptrdiff_t panel;                   // height of panels of filters
    ptrdiff_t chunks;                  // of images
    ptrdiff_t band_pixels;             // output pixels in a band
    ptrdiff_t band_channels, band_rows, band_columns; // the padded part of an image
    bool packs_gradient;
    bool is_pointwise; // patches are pixels: the image, transposed
} plan;

/// The filters of a task, at most. Each task packs its patches: with 1 x 1 filters that takes as
/// long as a few rows of the product, and where images are enough to share, tasks are tall.
/// Milliseconds on Zen 5, one thread, 16 images of 56 x 56, 56 and 288 filters: 64 -> 256
/// channels 9.5 and 8.1, 256 -> 64 12.9 and 10.4.
static ptrdiff_t most_filters(const plan *p) {
    enum { TALL = 288, ENOUGH_IMAGES = 8 };
    const bool tall = p->is_pointwise && p->conv->window.n * p->conv->groups >= ENOUGH_IMAGES;
    return tall ? TALL : p->entry->mc;
}

static plan make_plan(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    const ptrdiff_t window_taps = w->kh * w->kw, pixels = w->oh * w->ow;
    plan p = {.entry = convk_sgemm_entry_for(execution.isa), .conv = conv};
    p.filters = conv->filters / conv->groups;
    p.channels = w->c / conv->groups;
    p.taps = p.channels * window_taps;
    p.is_pointwise = convk_is_pointwise(w);
    p.panel = convk_panel_height(p.filters, p.entry);
    const ptrdiff_t row_panels = convk_ceil_div(p.filters, p.panel);
    p.row_blocks = convk_ceil_div(p.filters, most_filters(&p));
    p.mc = convk_ceil_div(row_panels, p.row_blocks) * p.panel;
    p.row_blocks = convk_ceil_div(p.filters, p.mc);
    const ptrdiff_t column_panels = convk_ceil_div(p.taps, p.entry->nr);
    p.nc = convk_min(column_panels, TASK_PANELS) * p.entry->nr;
    p.column_blocks = convk_ceil_div(p.taps, p.nc);
    const ptrdiff_t tasks = conv->groups * p.row_blocks * p.column_blocks;
    p.chunks = convk_min(w->n, convk_ceil_div(ENOUGH_TASKS, tasks));
    p.band_pixels = convk_ceil_div(pixels, convk_ceil_div(pixels, p.entry->kc));
    // A band of pixels may begin and end inside a row.
    const ptrdiff_t rows = convk_min(w->oh, (p.band_pixels - 1) / w->ow + 2);
    p.band_rows = (rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1;
    p.band_columns = (w->ow - 1) * w->stride_w + (w->kw - 1) * w->dilation_w + 1;
    p.band_channels = convk_min(p.channels, (p.nc - 1) / window_taps + 2);
    // Rows a multiple of 4 KiB apart fall into the same few lines of the first-level cache.
    p.packs_gradient = pixels % 1024 == 0;
    return p;
}

/// The parts of one thread's workspace, in floats.
static ptrdiff_t band_size(const plan *p) {
    return convk_round_up(p->band_channels * p->band_rows * p->band_columns, 16);
}
static ptrdiff_t patches_size(const plan *p) {
    return p->band_pixels * p->nc;
}
static ptrdiff_t gradient_size(const plan *p) {
    return p->packs_gradient ? convk_round_up(p->band_pixels * p->mc, 16) : 0;
}
static ptrdiff_t offsets_size(const plan *p) { // int32_t, as large as a float
    return convk_round_up(p->band_pixels, 16) + p->nc;
}
static ptrdiff_t block_size(const plan *p) {
    return band_size(p) + patches_size(p) + gradient_size(p) + offsets_size(p);
}

static ptrdiff_t result_size(const plan *p) {
    return convk_round_up(p->conv->filters * p->taps, 16);
}

static ptrdiff_t chunk_sums_size(const plan *p) {
    return p->chunks > 1 ? p->chunks * result_size(p) : 0;
}

/// The first way that suits the shape.
static convk_conv2d_way way_of(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    if (convk_conv2d_winograd_weights_pays(conv, execution)) return CONVK_WINOGRAD;
    if (convk_conv2d_planes_pays(&window, conv->filters / conv->groups, execution))
        return CONVK_BY_PLANES;
    return convk_conv2d_direct_weights_pays(conv, execution) ? CONVK_DIRECT : CONVK_PRODUCT;
}

static convk_conv2d_planes planes_of(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    return convk_conv2d_planes_make(&window, conv->groups, conv->filters / conv->groups, execution);
}

ptrdiff_t convk_conv2d_backward_weights_workspace(const convk_conv2d *conv,
                                                  convk_execution execution) {
    const convk_conv2d_way way = way_of(conv, execution);
    if (way == CONVK_WINOGRAD) return convk_conv2d_winograd_weights_workspace(conv, execution);
    if (way == CONVK_BY_PLANES) {
        const convk_conv2d_planes p = planes_of(conv, execution);
        return convk_conv2d_planes_workspace(&p, execution.threads);
    }
    if (way == CONVK_DIRECT) return convk_conv2d_direct_weights_workspace(conv, execution);
    const plan p = make_plan(conv, execution);
    return chunk_sums_size(&p) + execution.threads * block_size(&p);
}

const char *convk_conv2d_backward_weights_algorithm(const convk_conv2d *conv,
                                                    convk_execution execution) {
    const convk_conv2d_way way = way_of(conv, execution);
    if (way == CONVK_WINOGRAD) return "winograd";
    if (way == CONVK_BY_PLANES) return "planes";
    if (way == CONVK_DIRECT) return "direct";
    return convk_is_pointwise(&conv->window) ? "pointwise" : "product";
}

/// One task: a block of the result, over a chunk of the images.
typedef struct {
    const plan *p;
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
    const plan *p = t->p;
    const convk_window *w = &p->conv->window;
    const ptrdiff_t window_taps = w->kh * w->kw;
    const ptrdiff_t first = t->tap / window_taps, last = (t->tap_end - 1) / window_taps;
    const ptrdiff_t begin = convk_min(w->pad_left, p->band_columns);
    const ptrdiff_t end = convk_max(convk_min(w->pad_left + w->w, p->band_columns), begin);
    for (ptrdiff_t c = first; c <= last; c++) {
        const float *plane = x + ((n * w->c + t->group * p->channels + c) * w->h) * w->w;
        for (ptrdiff_t r = 0; r < rows; r++) {
            const ptrdiff_t y = oh * w->stride_h - w->pad_top + r;
            float *to = t->band + ((c - first) * p->band_rows + r) * p->band_columns;
            if (y < 0 || y >= w->h) {
                memset(to, 0, (size_t)p->band_columns * sizeof(float));
                continue;
            }
            memset(to, 0, (size_t)begin * sizeof(float));
            memcpy(to + begin, plane + y * w->w, (size_t)(end - begin) * sizeof(float));
            memset(to + end, 0, (size_t)(p->band_columns - end) * sizeof(float));
        }
    }
}

static void set_tap_offsets(const task *t) {
    const plan *p = t->p;
    const convk_window *w = &p->conv->window;
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
    const plan *p = t->p;
    const convk_window *w = &p->conv->window;
    const ptrdiff_t nr = p->entry->nr, oh = pixel / w->ow;
    const ptrdiff_t output_rows = (pixel + count - 1) / w->ow - oh + 1;
    copy_band(t, x, n, oh, (output_rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t row = (pixel + i) / w->ow - oh, column = (pixel + i) % w->ow;
        t->pixel_offsets[i] = (int32_t)(row * w->stride_h * p->band_columns + column * w->stride_w);
    }
    for (ptrdiff_t j = t->tap; j < t->tap_end; j += nr)
        p->entry->gather_taps(t->patches + (j - t->tap) * count, t->band, t->pixel_offsets,
                              t->tap_offsets + j - t->tap, count, convk_min(nr, t->tap_end - j));
}

/// The same where patches are pixels.
static void transpose_pixels(const task *t, const float *x, ptrdiff_t n, ptrdiff_t pixel,
                             ptrdiff_t count) {
    const plan *p = t->p;
    const convk_window *w = &p->conv->window;
    const ptrdiff_t nr = p->entry->nr, pixels = w->h * w->w;
    const float *x_n = x + (n * w->c + t->group * p->channels) * pixels + pixel;
    for (ptrdiff_t j = t->tap; j < t->tap_end; j += nr)
        convk_pack_b(p->entry, t->patches + (j - t->tap) * count,
                     (convk_matrix){x_n + j * pixels, 1, pixels}, count,
                     convk_min(nr, t->tap_end - j));
}

/// Multiplies the gradient at some pixels of image n with their patches and adds to the sum.
static void multiply_band(const task *t, const float *dy, const float *x, ptrdiff_t n,
                          ptrdiff_t pixel, ptrdiff_t count, bool is_first) {
    const plan *p = t->p;
    const convk_window *w = &p->conv->window;
    const ptrdiff_t nr = p->entry->nr, pixels = w->oh * w->ow;
    if (p->is_pointwise)
        transpose_pixels(t, x, n, pixel, count);
    else
        gather_patches(t, x, n, pixel, count);
    const float *dy_n = dy + (n * p->conv->filters + t->group * p->filters) * pixels + pixel;
    if (p->packs_gradient)
        for (ptrdiff_t i = t->filter; i < t->filter_end; i += p->panel)
            convk_pack_a(p->entry, t->gradient + (i - t->filter) * count,
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
                                     .b_row_stride = p->entry->nr,
                                     .k = count,
                                     .rows = rows,
                                     .columns = convk_min(nr, t->tap_end - j),
                                     .alpha = 1,
                                     .beta = is_first ? 0 : 1};
            p->entry->kernel(&tile);
        }
    }
}

static void run_task(const task *t, const float *dy, const float *x) {
    const plan *p = t->p;
    const ptrdiff_t pixels = p->conv->window.oh * p->conv->window.ow;
    set_tap_offsets(t);
    for (ptrdiff_t n = t->image; n < t->image_end; n++)
        for (ptrdiff_t pixel = 0; pixel < pixels; pixel += p->band_pixels)
            multiply_band(t, dy, x, n, pixel, convk_min(p->band_pixels, pixels - pixel),
                          n == t->image && pixel == 0);
}

/// dw = the sums of the chunks, added in order. Each thread has its own elements.
static void add_chunks(float *restrict dw, const float *restrict sums, const plan *p) {
    enum { BLOCK = 256 };
    const ptrdiff_t count = p->conv->filters * p->taps, stride = result_size(p);
#pragma omp for schedule(static)
    for (ptrdiff_t begin = 0; begin < count; begin += BLOCK) {
        const ptrdiff_t end = convk_min(begin + BLOCK, count);
        for (ptrdiff_t i = begin; i < end; i++) dw[i] = sums[i];
        for (ptrdiff_t chunk = 1; chunk < p->chunks; chunk++)
            for (ptrdiff_t i = begin; i < end; i++) dw[i] += sums[chunk * stride + i];
    }
}

static void run_planes(float *restrict dw, const float *restrict dy, const float *restrict x,
                       const convk_conv2d *conv, float *restrict workspace,
                       convk_execution execution) {
    const convk_conv2d_planes p = planes_of(conv, execution);
    const int threads = convk_conv2d_threads(conv, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
        convk_conv2d_planes_weights(&p, dw, dy, x, workspace);
    }
}

void convk_conv2d_backward_weights(float *restrict dw, const float *restrict dy,
                                   const float *restrict x, const convk_conv2d *conv,
                                   float *restrict workspace, convk_execution execution) {
    const convk_conv2d_way way = way_of(conv, execution);
    if (way == CONVK_WINOGRAD)
        return convk_conv2d_winograd_weights(dw, dy, x, conv, workspace, execution);
    if (way == CONVK_BY_PLANES) return run_planes(dw, dy, x, conv, workspace, execution);
    if (way == CONVK_DIRECT)
        return convk_conv2d_direct_weights(dw, dy, x, conv, workspace, execution);
    const plan p = make_plan(conv, execution);
    const ptrdiff_t images = conv->window.n;
    float *sums = p.chunks > 1 ? workspace : dw;
    const int threads = convk_conv2d_threads(conv, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
        float *block = workspace + chunk_sums_size(&p) + convk_thread_number() * block_size(&p);
        float *patches = block + band_size(&p), *gradient = patches + patches_size(&p);
        int32_t *offsets = (int32_t *)(gradient + gradient_size(&p));
        // Each task writes its own block of its own chunk's sum.
#pragma omp for schedule(static)
        for (ptrdiff_t index = 0; index < p.chunks * conv->groups * p.row_blocks * p.column_blocks;
             index++) {
            const ptrdiff_t tap = index % p.column_blocks * p.nc;
            const ptrdiff_t filter = index / p.column_blocks % p.row_blocks * p.mc;
            const ptrdiff_t g = index / (p.column_blocks * p.row_blocks) % conv->groups;
            const ptrdiff_t chunk = index / (p.column_blocks * p.row_blocks * conv->groups);
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
            run_task(&t, dy, x);
        }
        if (p.chunks > 1) add_chunks(dw, sums, &p);
    }
}
