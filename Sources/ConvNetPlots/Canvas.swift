// SPDX-License-Identifier: MIT
//
// Drawing on a Cairo context: the few shapes that pictures are made of. Cairo keeps its own account
// of errors, which is asked once, when the drawing is done.

internal import CCairo

/// What pictures are drawn on; lives as long as the closure that gets it.
final class Canvas {
    /// Where a text stands relative to its place.
    enum Alignment { case left, center, right }

    private let context: OpaquePointer

    /// A canvas on a context that the caller keeps.
    init(_ context: OpaquePointer) {
        self.context = context
        Self.chooseFont(context, bold: false)
    }

    /// Fills a rectangle.
    func fill(_ area: Rectangle, _ color: Color) {
        cairo_rectangle(context, area.x, area.y, area.width, area.height)
        setColor(color)
        cairo_fill(context)
    }

    /// Draws a line of the given width around a rectangle, outside of it.
    func frame(_ area: Rectangle, _ color: Color, width: Double = 0.5) {
        cairo_rectangle(
            context, area.x - width / 2, area.y - width / 2, area.width + width,
            area.height + width)
        stroke(color, width, dashes: [])
    }

    /// Draws a line through some points.
    func line(_ points: [Point], _ color: Color, width: Double = 1, dashes: [Double] = []) {
        guard let first = points.first else { return }
        cairo_move_to(context, first.x, first.y)
        for point in points.dropFirst() { cairo_line_to(context, point.x, point.y) }
        stroke(color, width, dashes: dashes)
    }

    /// Draws a line through some points that is level or upright at each: straight where two differ
    /// in one direction, in a bend that begins and ends upright where they differ in both.
    func bendingLine(_ points: [Point], _ color: Color, width: Double = 1) {
        guard var last = points.first else { return }
        cairo_move_to(context, last.x, last.y)
        for point in points.dropFirst() {
            let middle = (last.y + point.y) / 2
            if last.x == point.x || last.y == point.y {
                cairo_line_to(context, point.x, point.y)
            } else {
                cairo_curve_to(context, last.x, middle, point.x, middle, point.x, point.y)
            }
            last = point
        }
        stroke(color, width, dashes: [])
    }

    /// Fills the shape that some points are the corners of.
    func fill(corners: [Point], _ color: Color) {
        guard let first = corners.first else { return }
        cairo_move_to(context, first.x, first.y)
        for point in corners.dropFirst() { cairo_line_to(context, point.x, point.y) }
        cairo_close_path(context)
        setColor(color)
        cairo_fill(context)
    }

    /// Fills a disc, with a thin white rim that keeps it apart from its neighbours.
    func disc(_ center: Point, radius: Double, _ color: Color) {
        cairo_new_sub_path(context)
        cairo_arc(context, center.x, center.y, radius, 0, 2 * Double.pi)
        setColor(color)
        cairo_fill_preserve(context)
        stroke(.paper, 0.5, dashes: [])
    }

    /// Writes a line of text; `place` is on its base line.
    func text(
        _ text: String, at place: Point, size: Double = 11, _ color: Color = .ink,
        _ alignment: Alignment = .left, bold: Bool = false, upwards: Bool = false
    ) {
        cairo_save(context)
        defer { cairo_restore(context) }
        Self.chooseFont(context, bold: bold)
        cairo_set_font_size(context, size)
        let width = Self.advance(of: text, context)
        let shift =
            switch alignment {
            case .left: 0.0
            case .center: -width / 2
            case .right: -width
            }
        cairo_translate(context, place.x, place.y)
        if upwards { cairo_rotate(context, -Double.pi / 2) }
        cairo_move_to(context, shift, 0)
        setColor(color)
        cairo_show_text(context, text)
    }

    /// Draws an image into a rectangle; each of its pixels stays a sharp rectangle.
    func image(_ raster: Raster, in area: Rectangle) {
        // SVG viewers smooth what they enlarge; an image of many pixels they hardly do.
        let across = area.width / Double(raster.width)
        let raster = raster.enlarged(by: min(max(Int((2 * across).rounded(.up)), 1), 32))
        guard
            let surface = cairo_image_surface_create(
                CAIRO_FORMAT_RGB24, Int32(raster.width), Int32(raster.height))
        else { return }
        defer { cairo_surface_destroy(surface) }
        guard let bytes = cairo_image_surface_get_data(surface) else { return }
        let stride = Int(cairo_image_surface_get_stride(surface))
        cairo_surface_flush(surface)
        raster.pixels.withUnsafeBytes { pixels in
            for y in 0..<raster.height {
                let row = UnsafeRawBufferPointer(
                    rebasing: pixels[y * raster.width * 4..<(y + 1) * raster.width * 4])
                UnsafeMutableRawPointer(bytes + y * stride).copyMemory(
                    from: row.baseAddress ?? UnsafeRawPointer(bytes), byteCount: row.count)
            }
        }
        cairo_surface_mark_dirty(surface)
        cairo_save(context)
        defer { cairo_restore(context) }
        cairo_translate(context, area.x, area.y)
        cairo_scale(
            context, area.width / Double(raster.width), area.height / Double(raster.height))
        // Not cairo_get_source: from a context that has failed it makes a pattern that is never
        // freed.
        let source = cairo_pattern_create_for_surface(surface)
        defer { cairo_pattern_destroy(source) }
        cairo_pattern_set_filter(
            source, across >= 1 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD)
        // Without it, the rim of the image would fade into what lies around it.
        cairo_pattern_set_extend(source, CAIRO_EXTEND_PAD)
        cairo_set_source(context, source)
        cairo_rectangle(context, 0, 0, Double(raster.width), Double(raster.height))
        cairo_fill(context)
    }

    /// Draws only inside a rectangle.
    func clipped(to area: Rectangle, _ body: () -> Void) {
        cairo_save(context)
        cairo_rectangle(context, area.x, area.y, area.width, area.height)
        cairo_clip(context)
        body()
        cairo_restore(context)
    }

    /// How wide a text is.
    static func width(of text: String, size: Double = 11, bold: Bool = false) -> Double {
        // A surface without area: it has fonts, and needs no memory for pixels.
        guard let surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 0, 0),
            let context = cairo_create(surface)
        else { return 0 }
        defer {
            cairo_destroy(context)
            cairo_surface_destroy(surface)
        }
        chooseFont(context, bold: bold)
        cairo_set_font_size(context, size)
        return advance(of: text, context)
    }

    private static func advance(of text: String, _ context: OpaquePointer) -> Double {
        var extents = cairo_text_extents_t()
        cairo_text_extents(context, text, &extents)
        return extents.x_advance
    }

    /// Letters keep their proportions at every scale, so that what was measured fits.
    private static func chooseFont(_ context: OpaquePointer, bold: Bool) {
        cairo_select_font_face(
            context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
            bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        let options = cairo_font_options_create()
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
        cairo_set_font_options(context, options)
        cairo_font_options_destroy(options)
    }

    private func setColor(_ color: Color) {
        cairo_set_source_rgb(context, color.red, color.green, color.blue)
    }

    private func stroke(_ color: Color, _ width: Double, dashes: [Double]) {
        setColor(color)
        cairo_set_line_width(context, width)
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
        cairo_set_dash(context, dashes, Int32(dashes.count), 0)
        cairo_stroke(context)
    }
}
