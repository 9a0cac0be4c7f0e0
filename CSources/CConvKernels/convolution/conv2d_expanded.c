// SPDX-License-Identifier: MIT
//
// A 1 x 1 convolution and the depthwise convolution of its output, as MobileNet's blocks begin: a
// panel of channels is expanded, a band of rows at a time, and convolved while it is in the
// second-level cache. Without its own memory, what lies between would be written to a further cache
// and read again. The bits are those of one convolution after the other.
#include "convolution/conv2d_depthwise.h"
#include "gemm/sgemm_pack.h"

enum {
    BAND_FLOATS = 80 << 10, // of a panel of channels: a part of a second-level cache of 512 KiB
};

typedef struct {
    const convk_kernels *kernels;
    const convk_window *w; // of the depthwise convolution
    ptrdiff_t n, m, k;     // images, expanded channels, channels before
    ptrdiff_t panel, panels;
    ptrdiff_t output_rows, bands; // of a band, at most; of a plane
} blocking;

/// The rows of a plane that a band of outputs reads, those outside it too.
static ptrdiff_t band_rows(const blocking *p, ptrdiff_t output_rows) {
    return (output_rows - 1) * p->w->stride_h + p->w->kh;
}

static blocking make(const convk_conv2d *expand, const convk_conv2d *depthwise,
                     convk_execution execution) {
    const convk_window *w = &depthwise->window;
    blocking p = {.kernels = convk_kernels_for(execution.isa),
                  .w = w,
                  .n = w->n,
                  .m = expand->filters,
                  .k = expand->window.c};
    p.panel = convk_panel_height(p.m, p.kernels);
    p.panels = convk_ceil_div(p.m, p.panel);
    const ptrdiff_t rows = BAND_FLOATS / (p.panel * w->w);
    const ptrdiff_t most = convk_max((rows - w->kh) / w->stride_h + 1, 4);
    p.bands = convk_ceil_div(w->oh, most);
    p.output_rows = convk_ceil_div(w->oh, p.bands);
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

static ptrdiff_t filters_size(const blocking *p) {
    return convk_round_up(p->panels * p->panel * p->k, 16);
}
static ptrdiff_t rows_size(const blocking *p) {
    const ptrdiff_t count = band_rows(p, p->output_rows);
    return convk_round_up(count * (ptrdiff_t)(sizeof(float *) / sizeof(float)), 16);
}
static ptrdiff_t zeros_size(const blocking *p) {
    return convk_round_up(p->w->w, 16);
}
static ptrdiff_t thread_size(const blocking *p) {
    return rows_size(p) + zeros_size(p) +
           convk_round_up(p->panel * band_rows(p, p->output_rows) * p->w->w, 16);
}

bool convk_conv2d_expanded_pays(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                convk_execution execution) {
    const convk_window *w = &depthwise->window;
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    // What lies between has to be too large for the cache. Microseconds on Zen 4, one thread, one
    // convolution after the other and both at once: 16 -> 96 channels of 112 x 112, then 3 x 3 / 2,
    // one image 679 and 648, with AVX2 813 and 765, eight images 8755 and 6182, with AVX2 11378 and
    // 6822; 24 -> 144 of 56 x 56, then 3 x 3, 379 and 362; 64 -> 384 of 14 x 14 123 and 135.
    enum { FEWEST_FLOATS = 256 << 10 };
    if (kernels->strips == NULL || !convk_is_pointwise(&expand->window)) return false;
    if (expand->groups != 1 || expand->window.c > kernels->kc) return false;
    if (depthwise->groups != expand->filters || depthwise->filters != depthwise->groups ||
        !convk_has_strips(w))
        return false;
    // A band has at least a tile's pixels.
    const blocking p = make(expand, depthwise, execution);
    const bool is_wide =
        w->w >= kernels->nr || (p.bands == 1 && w->h >= 4 && w->h * w->w >= 2 * kernels->nr);
    return is_wide && expand->filters * w->h * w->w >= FEWEST_FLOATS;
}

ptrdiff_t convk_conv2d_expanded_workspace(const convk_conv2d *expand, const convk_conv2d *depthwise,
                                          convk_execution execution) {
    const blocking p = make(expand, depthwise, execution);
    return filters_size(&p) + execution.threads * thread_size(&p);
}

/// What tiles do to their sums, and what is left to do behind them.
typedef struct {
    bool relu;
    float bounds[2];
    bool clips;
    const convk_activation *rest; // or NULL
} ending;

static ending ending_of(const convk_activation *activation) {
    ending end = {.rest = activation};
    if (activation == NULL) return end;
    end.relu = activation->kind == CONVK_ACTIVATION_relu;
    end.clips = activation->kind == CONVK_ACTIVATION_clip && activation->a <= activation->b;
    end.bounds[0] = end.clips ? activation->a : 0;
    end.bounds[1] = end.clips ? activation->b : 0;
    if (end.relu || end.clips) end.rest = NULL;
    return end;
}

static void finish(const blocking *p, const ending *end, float *y, ptrdiff_t count) {
    const convk_activation *a = end->rest;
    if (a) p->kernels->leaves->activations[a->kind].forward(y, y, count, a->a, a->b);
}

/// Expands rows row ..< end of a panel of channels. x: the image's.
static void expand_rows(const blocking *p, float *to, const float *x, const float *filters,
                        const float *bias, const ending *end, ptrdiff_t channel, ptrdiff_t row,
                        ptrdiff_t row_end) {
    const ptrdiff_t plane = p->w->h * p->w->w, nr = p->kernels->nr;
    const ptrdiff_t pixels = (row_end - row) * p->w->w;
    convk_tile tile = {.ldc = pixels,
                       .a = filters + channel * p->k,
                       .panel = p->panel,
                       .b_row_stride = plane,
                       .k = p->k,
                       .rows = convk_min(p->panel, p->m - channel),
                       .columns = nr,
                       .alpha = 1,
                       .row_bias = bias ? bias + channel : NULL,
                       .relu = end->relu,
                       .clip = end->clips ? end->bounds : NULL};
    for (ptrdiff_t i = 0; i < pixels; i += nr) {
        // The last tile goes over some pixels again rather than beyond the band.
        const ptrdiff_t pixel = convk_min(i, pixels - nr);
        tile.c = to + pixel;
        tile.b = x + row * p->w->w + pixel;
        p->kernels->kernel(&tile);
    }
    finish(p, end, to, tile.rows * pixels);
}

/// A thread's memory: the rows of the band that a plane's outputs read, a row of zeros, and the
/// band.
typedef struct {
    const float **rows;
    float *zeros, *band;
} scratch;

static scratch make_scratch(const blocking *p, float *workspace) {
    workspace += convk_thread_number() * thread_size(p);
    float *zeros = workspace + rows_size(p);
    memset(zeros, 0, (size_t)zeros_size(p) * sizeof(float));
    return (scratch){(const float **)workspace, zeros, zeros + zeros_size(p)};
}

/// What both convolutions read, and where the outputs go.
typedef struct {
    float *y;
    const float *x, *filters, *weights; // filters: of the expansion, packed
    const float *expand_bias, *bias;
    ending first, second;
    ptrdiff_t x_image, y_image;
} operands;

/// Rows row ..< row + output_rows of a panel of channels of an image.
static void run_band(const blocking *p, const operands *o, const scratch *s, ptrdiff_t n,
                     ptrdiff_t channel, ptrdiff_t row, ptrdiff_t output_rows) {
    const convk_window *w = p->w;
    const ptrdiff_t rows = band_rows(p, output_rows), top = row * w->stride_h - w->pad_top;
    const ptrdiff_t begin = convk_max(top, 0), end = convk_max(convk_min(top + rows, w->h), begin);
    expand_rows(p, s->band, o->x + n * o->x_image, o->filters, o->expand_bias, &o->first, channel,
                begin, end);
    for (ptrdiff_t f = channel; f < convk_min(channel + p->panel, p->m); f++) {
        const float *plane = s->band + (f - channel) * (end - begin) * w->w;
        for (ptrdiff_t i = 0; i < rows; i++) {
            const ptrdiff_t in_band = top + i - begin;
            const bool exists = in_band >= 0 && in_band < end - begin;
            s->rows[i] = exists ? plane + in_band * w->w : s->zeros;
        }
        float *y = o->y + n * o->y_image + f * w->oh * w->ow + row * w->ow;
        const convk_strips_tile tile = {.y = y,
                                        .rows = s->rows,
                                        .width = w->w,
                                        .left = w->pad_left,
                                        .size = w->kw,
                                        .stride = w->stride_w,
                                        .weights = o->weights + f * w->kh * w->kw,
                                        .output_rows = output_rows,
                                        .columns = w->ow,
                                        .bias = o->bias ? o->bias + f : NULL,
                                        .relu = o->second.relu,
                                        .clip = o->second.clips ? o->second.bounds : NULL};
        p->kernels->strips(&tile);
        finish(p, &o->second, y, output_rows * w->ow);
    }
}

void convk_conv2d_expanded(float *restrict y, const float *restrict x,
                           const float *restrict expand_weights, const convk_epilogue *first,
                           const float *restrict weights, const convk_epilogue *second,
                           const convk_conv2d *expand, const convk_conv2d *depthwise,
                           float *restrict workspace, convk_execution execution) {
    const blocking p = make(expand, depthwise, execution);
    const operands o = {.y = y,
                        .x = x,
                        .filters = workspace,
                        .weights = weights,
                        .expand_bias = first->bias,
                        .bias = second->bias,
                        .first = ending_of(first->activation),
                        .second = ending_of(second->activation),
                        .x_image = convk_x_image(expand),
                        .y_image = convk_y_image(depthwise)};
    CONVK_PARALLEL (execution.threads) {
        // Each panel is written by one thread; all wait for the last.
        CONVK_SHARED_LOOP (i, p.panels) {
            const ptrdiff_t channel = i * p.panel;
            const convk_matrix a = {expand_weights + channel * p.k, p.k, 1};
            convk_pack_a(p.kernels, workspace + channel * p.k, a, convk_min(p.panel, p.m - channel),
                         p.k, p.panel);
        }
        convk_wait_for_all();
        const scratch s = make_scratch(&p, workspace + filters_size(&p));
        // Each task writes its own rows of its own channels.
        CONVK_SHARED_LOOP (index, p.n * p.panels * p.bands) {
            const ptrdiff_t n = index / (p.panels * p.bands);
            const ptrdiff_t channel = index / p.bands % p.panels * p.panel;
            const ptrdiff_t row = index % p.bands * p.output_rows;
            run_band(&p, &o, &s, n, channel, row, convk_min(p.output_rows, p.w->oh - row));
        }
    }
}
