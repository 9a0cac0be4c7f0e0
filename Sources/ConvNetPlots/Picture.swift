// SPDX-License-Identifier: MIT
//
// A picture: a size and what is drawn on it. It is drawn when it is asked for, by Cairo, into
// pixels or into the lines of an SVG file.

internal import CCairo
import ConvNetTensor
import Foundation

/// The two kinds of files that pictures are written to.
public enum PictureFormat: String, Sendable, CaseIterable {
    /// Pixels.
    case png
    /// Lines, which stay sharp at every size.
    case svg

    /// The format that a file's name ends in, `.png` or `.svg`.
    ///
    /// - Throws: ``FileError`` when it ends in something else.
    public init(of file: URL) throws(FileError) {
        guard let format = PictureFormat(rawValue: file.pathExtension.lowercased()) else {
            throw FileError(
                file: file.path, problem: "not a picture's name",
                expected: "one that ends in .png or .svg")
        }
        self = format
    }
}

/// A drawing of a known size that can be written to a file.
///
/// ```swift
/// try Picture.filters(weights).write(to: URL(fileURLWithPath: "filters.svg"))
/// ```
public struct Picture: Sendable {
    /// The most pixels that a side of a PNG file may have: Cairo's limit.
    static let longestSide = 32_767
    /// The most pixels that a PNG file may have, 2²⁶.
    static let largestPixelCount = 1 << 26

    /// The width in units; text is about 11 units high.
    public let width: Double
    /// The height in units.
    public let height: Double
    private let draw: @Sendable (Canvas) -> Void

    /// A picture of the given size; its whole ground is white.
    init(width: Double, height: Double, draw: @escaping @Sendable (Canvas) -> Void) {
        self.width = width.rounded(.up)
        self.height = height.rounded(.up)
        self.draw = draw
    }

    /// Writes the picture to a PNG or SVG file, as the name ends. The old file is there until the
    /// new one is whole.
    ///
    /// - Parameters:
    ///   - file: where to; its name ends in `.png` or `.svg`.
    ///   - scale: pixels a unit, for PNG.
    /// - Throws: ``FileError`` when the name ends otherwise, the picture has too many pixels, or
    ///   the file can't be written.
    public func write(to file: URL, scale: Double = 2) throws(FileError) {
        let format = try PictureFormat(of: file)
        let bytes = try bytes(format, scale: scale, file: file.path)
        try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try AtomicFile.write(UnsafeRawBufferPointer(buffer), to: file.path)
        }
    }

    /// The bytes of a file with the picture.
    ///
    /// - Parameters:
    ///   - format: PNG or SVG.
    ///   - scale: pixels a unit, for PNG.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` when the picture has too many pixels or there is no memory for it.
    public func bytes(
        _ format: PictureFormat, scale: Double = 2, file: String = "picture"
    ) throws(FileError) -> [UInt8] {
        switch format {
        case .png:
            let surface = try rendered(scale: scale, file: file)
            defer { cairo_surface_destroy(surface) }
            let sink = ByteSink()
            try Self.require(
                cairo_surface_write_to_png_stream(surface, ByteSink.append, sink.pointer), file)
            return sink.bytes
        case .svg: return try svgBytes(file)
        }
    }

    /// The picture's pixels.
    func raster(scale: Double = 1) throws(FileError) -> Raster {
        let surface = try rendered(scale: scale, file: "picture")
        defer { cairo_surface_destroy(surface) }
        return Raster(surface)
    }

    private func rendered(scale: Double, file: String) throws(FileError) -> OpaquePointer {
        let (across, down) = (width * scale, height * scale)
        let (longest, most) = (Double(Self.longestSide), Double(Self.largestPixelCount))
        guard across >= 1, down >= 1, across <= longest, down <= longest,
            across.rounded(.up) * down.rounded(.up) <= most
        else {
            throw FileError(
                file: file, problem: "a picture of \(across) x \(down) pixels",
                expected: "sides from 1 to \(Self.longestSide) and at most "
                    + "\(Self.largestPixelCount) pixels; SVG has no such limit")
        }
        let created = cairo_image_surface_create(
            CAIRO_FORMAT_RGB24, Int32(across.rounded(.up)), Int32(down.rounded(.up)))
        guard let surface = created else { throw Self.failure(CAIRO_STATUS_NO_MEMORY, file) }
        do throws(FileError) {
            try Self.require(cairo_surface_status(surface), file)
            try draw(on: surface, scale: scale, file)
            return surface
        } catch {
            cairo_surface_destroy(surface)
            throw error
        }
    }

    private func svgBytes(_ file: String) throws(FileError) -> [UInt8] {
        let sink = ByteSink()
        guard
            let surface = cairo_svg_surface_create_for_stream(
                ByteSink.append, sink.pointer, width, height)
        else { throw Self.failure(CAIRO_STATUS_NO_MEMORY, file) }
        // The stream is written to until the surface is gone, so the sink has to outlive it.
        defer { withExtendedLifetime(sink) { cairo_surface_destroy(surface) } }
        cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX)
        try draw(on: surface, scale: 1, file)
        cairo_surface_finish(surface)
        try Self.require(cairo_surface_status(surface), file)
        return sink.bytes
    }

    private func draw(
        on surface: OpaquePointer, scale: Double, _ file: String
    ) throws(FileError) {
        guard let context = cairo_create(surface) else {
            throw Self.failure(CAIRO_STATUS_NO_MEMORY, file)
        }
        defer { cairo_destroy(context) }
        cairo_scale(context, scale, scale)
        let canvas = Canvas(context)
        canvas.fill(Rectangle(0, 0, width, height), .paper)
        draw(canvas)
        try Self.require(cairo_status(context), file)
    }

    private static func require(_ status: cairo_status_t, _ file: String) throws(FileError) {
        guard status == CAIRO_STATUS_SUCCESS else { throw failure(status, file) }
    }

    private static func failure(_ status: cairo_status_t, _ file: String) -> FileError {
        FileError(
            file: file,
            problem: "can't be drawn: " + String(cString: cairo_status_to_string(status)),
            expected: status == CAIRO_STATUS_NO_MEMORY
                ? "memory for a picture" : "a picture that Cairo can draw")
    }
}

extension Raster {
    /// The pixels of an image surface without transparency.
    init(_ surface: OpaquePointer) {
        cairo_surface_flush(surface)
        let width = Int(cairo_image_surface_get_width(surface))
        let height = Int(cairo_image_surface_get_height(surface))
        let stride = Int(cairo_image_surface_get_stride(surface))
        let bytes = UnsafeRawPointer(cairo_image_surface_get_data(surface))
        let pixels = [UInt32](unsafeUninitializedCapacity: width * height) { buffer, count in
            guard let bytes else { return }
            for y in 0..<height {
                for x in 0..<width {
                    let pixel = bytes.load(fromByteOffset: y * stride + 4 * x, as: UInt32.self)
                    // The upper byte is unused and may hold anything.
                    buffer[y * width + x] = pixel & 0xFF_FFFF
                }
            }
            count = width * height
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}

/// Collects what Cairo writes.
private final class ByteSink {
    var bytes: [UInt8] = []

    /// What Cairo hands back to ``append``; valid while the caller keeps the sink.
    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let append:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, UInt32
        ) -> cairo_status_t = { sink, data, count in
            guard let sink else { return CAIRO_STATUS_WRITE_ERROR }
            let bytes = UnsafeBufferPointer(start: data, count: Int(count))
            Unmanaged<ByteSink>.fromOpaque(sink).takeUnretainedValue().bytes += bytes
            return CAIRO_STATUS_SUCCESS
        }
}
