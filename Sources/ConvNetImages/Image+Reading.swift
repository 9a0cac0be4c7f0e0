// SPDX-License-Identifier: MIT
//
// Images from files. The first bytes of a file decide what it is, not its name. Files are not
// trusted: the size of the file, and that of the image that its header claims, are checked before
// memory is allocated for either.

import ConvNetTensor
import Foundation

/// The kinds of files that images are read from.
public enum ImageFormat: String, Sendable, CaseIterable {
    /// Joint Photographic Experts Group: photographs, gray or coloured, baseline or progressive.
    case jpeg
    /// Portable Network Graphics of every depth.
    case png
    /// Netpbm's portable anymap in bytes: gray (P5) or coloured (P6).
    case pnm

    /// The format of a file that begins with these bytes; nil where it is none of them.
    public init?(of bytes: [UInt8]) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: Array("P5".utf8)) || bytes.starts(with: Array("P6".utf8)) {
            self = .pnm
        } else {
            return nil
        }
    }
}

/// A size that an image is needed in.
public struct ImageSize: Sendable, Hashable {
    /// Pixels of a row, and rows.
    public let width, height: Int

    /// A size.
    public init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
    }
}

extension Image {
    /// Reads a JPEG, PNG, PPM or PGM file.
    ///
    /// - JPEG: baseline and progressive; turned as its EXIF orientation says. CMYK is refused, and
    ///   so is a file that is damaged or ends too early, even where a decoder could guess the rest.
    /// - PNG: of every colour type and depth; samples of 16 bits are rounded to 8, and what is
    ///   transparent shows white paper.
    /// - PPM, PGM: in bytes (P6, P5), of one or two bytes per sample.
    ///
    /// - Parameters:
    ///   - file: a regular file, whatever its name.
    ///   - covering: the size that the image will be scaled to. A JPEG that is more than twice as
    ///     large both ways is decoded at a half, a quarter or an eighth of its size, which is much
    ///     faster; nil for its own size.
    /// - Throws: ``FileError`` when the file can't be read, is larger than ``largestByteCount``, is
    ///   none of these, is damaged, or holds an image of too many pixels.
    public init(contentsOf file: URL, covering: ImageSize? = nil) throws(FileError) {
        try self.init(
            bytes: FileBytes.contents(of: file.path, limit: Self.largestByteCount),
            file: file.path, covering: covering)
    }

    /// Reads a file that is in memory already.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: what errors call the file.
    ///   - covering: the size that the image will be scaled to, as in
    ///     ``init(contentsOf:covering:)``.
    /// - Throws: ``FileError`` as ``init(contentsOf:covering:)`` does.
    public init(bytes: [UInt8], file: String, covering: ImageSize? = nil) throws(FileError) {
        self = try ImageReader().image(of: bytes, file: file, covering: covering)
    }
}

/// Reads images one after the other; what decoders need is kept from one to the next.
final class ImageReader {
    private var jpeg: JPEGDecoder?

    /// The image of a file in memory.
    func image(
        of bytes: [UInt8], file: String, covering: ImageSize? = nil
    ) throws(FileError) -> Image {
        switch ImageFormat(of: bytes) {
        case .jpeg:
            return try jpegDecoder().image(of: bytes, file: file, covering: covering)
        case .png: return try PNGFile.image(of: bytes, file: file)
        case .pnm: return try PNMFile.image(of: bytes, file: file)
        case nil:
            throw FileError(
                file: file, problem: bytes.isEmpty ? "an empty file" : "no image",
                expected: "a JPEG, PNG, PPM or PGM file")
        }
    }

    private func jpegDecoder() throws(FileError) -> JPEGDecoder {
        if let jpeg { return jpeg }
        let decoder = try JPEGDecoder()
        jpeg = decoder
        return decoder
    }
}
