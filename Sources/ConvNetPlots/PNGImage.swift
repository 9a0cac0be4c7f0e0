// SPDX-License-Identifier: MIT
//
// Reading PNG files of every depth with libpng. A file may come from a stranger: its size, and the
// size of the image that its header tells, are checked before there is memory for either.

import ConvNetTensor
import Foundation

/// An image from a PNG file: gray or colour, with a palette or without, of 1 to 16 bits, interlaced
/// or not. What is transparent shows white paper.
///
/// ```swift
/// let image = try PNGImage(contentsOf: URL(fileURLWithPath: "seven.png"))
/// let x = try image.tensor(channels: 1, height: 28, width: 28, inverted: true)
/// ```
public struct PNGImage: Sendable {
    /// The largest file that is read, in bytes: 256 MiB.
    public static let largestByteCount = 1 << 28
    /// The most pixels that an image may have, 2²⁶.
    public static let largestPixelCount = 1 << 26
    /// The most pixels that a side may have; pictures, which Cairo draws, have no more.
    public static let longestSide = 32_767

    /// How many pixels a row has.
    public var width: Int { raster.width }
    /// How many rows there are.
    public var height: Int { raster.height }
    /// The pixels.
    let raster: Raster

    /// Reads a PNG file.
    ///
    /// - Throws: ``FileError`` when the file can't be read, is larger than ``largestByteCount``,
    ///   is no PNG or a damaged one, or holds an image of too many pixels.
    public init(contentsOf file: URL) throws(FileError) {
        try self.init(
            bytes: FileBytes.contents(of: file.path, limit: Self.largestByteCount),
            file: file.path)
    }

    /// Reads a PNG file that is in memory already.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: what errors call the file.
    /// - Throws: ``FileError`` as ``init(contentsOf:)`` does.
    public init(bytes: [UInt8], file: String) throws(FileError) {
        try Self.checkHeader(bytes, file)
        let chunks = try PNGChunks.makingPixels(of: bytes, file: file)
        try Self.checkDepth(chunks, file)
        raster = try PNGDecoder.raster(of: chunks, file: file)
    }

    /// Fails unless the bytes begin as a PNG file does, with an image of a size that is read.
    private static func checkHeader(_ bytes: [UInt8], _ file: String) throws(FileError) {
        // The signature, then the first chunk: its length, its name, width and height, 5 bytes more.
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let chunk: [UInt8] = [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
        guard bytes.starts(with: signature + chunk), bytes.count >= 33 else {
            throw FileError(
                file: file, problem: bytes.isEmpty ? "an empty file" : "no PNG header",
                expected: "a PNG file")
        }
        func number(at place: Int) -> Int {
            bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let (width, height) = (number(at: 16), number(at: 20))
        let sides = 1...longestSide
        // Sides are compared first: two numbers of 32 bits have a product that may not fit.
        guard sides.contains(width), sides.contains(height), width * height <= largestPixelCount
        else {
            throw FileError(
                file: file, problem: "\(width) x \(height) pixels",
                expected: "sides from 1 to \(longestSide) and at most \(largestPixelCount) pixels")
        }
    }

    /// Fails unless samples are as wide as one of PNG's colour types allows.
    private static func checkDepth(_ bytes: [UInt8], _ file: String) throws(FileError) {
        let (bitDepth, colorType) = (bytes[24], bytes[25])
        let depths: [UInt8: [UInt8]] = [
            0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
        ]
        guard let allowed = depths[colorType] else {
            throw FileError(
                file: file, problem: "colour type \(colorType)", expected: "0, 2, 3, 4 or 6")
        }
        guard allowed.contains(bitDepth) else {
            throw FileError(
                file: file, problem: "\(bitDepth) bits per sample of colour type \(colorType)",
                expected: "one of \(allowed.map(String.init).joined(separator: ", "))")
        }
    }
}

extension PNGImage {
    /// The image as a batch of one, its numbers from 0 (black) to 1 (white).
    ///
    /// Each number is the mean over the area of the image that the place covers, so that nothing is
    /// lost where the image becomes smaller. The sides are scaled each by itself.
    ///
    /// - Parameters:
    ///   - channels: 1 for the brightness (0.299 red, 0.587 green, 0.114 blue) or 3 for the colours.
    ///   - height: rows of the result; the image's own when nil.
    ///   - width: columns of the result; the image's own when nil.
    ///   - inverted: whether black becomes 1 and white 0, as for dark ink on paper.
    /// - Returns: `[1, channels, height, width]`.
    /// - Throws: ``TensorError`` when there are neither 1 nor 3 channels, a side is below 1, or there
    ///   is no memory for the result.
    public func tensor(
        channels: Int, height: Int? = nil, width: Int? = nil, inverted: Bool = false
    ) throws(TensorError) -> Tensor {
        guard channels == 1 || channels == 3 else {
            throw TensorError(
                operation: "PNGImage.tensor", argument: "channels", value: "\(channels)",
                expected: "1 or 3")
        }
        let (rows, columns) = (height ?? self.height, width ?? self.width)
        let shape = [1, channels, rows, columns]
        _ = try Shape.elementCount(shape, operation: "PNGImage.tensor")
        let down = AreaAverage(from: self.height, to: rows)
        let across = AreaAverage(from: self.width, to: columns)
        var result = try Tensor(zeros: shape)
        result.withUnsafeMutableScalars(of: Float.self) { numbers in
            for row in 0..<rows {
                for column in 0..<columns {
                    let mean = mean(down.parts(of: row), across.parts(of: column))
                    let parts =
                        channels == 1 ? [mean.luminance] : [mean.red, mean.green, mean.blue]
                    for (channel, part) in parts.enumerated() {
                        // A mean of ones may come out one rounding above 1.
                        let share = min(max(part, 0), 1)
                        numbers[(channel * rows + row) * columns + column] =
                            Float(inverted ? 1 - share : share)
                    }
                }
            }
        }
        return result
    }

    private func mean(_ down: AreaAverage.Parts, _ across: AreaAverage.Parts) -> Color {
        var (red, green, blue) = (0.0, 0.0, 0.0)
        for y in down.places {
            for x in across.places {
                let pixel = raster[x, y]
                let weight = down.weight(of: y) * across.weight(of: x)
                red += weight * Double(pixel >> 16)
                green += weight * Double(pixel >> 8 & 0xFF)
                blue += weight * Double(pixel & 0xFF)
            }
        }
        return Color(red / 255, green / 255, blue / 255)
    }
}

/// How the places of one side are the means of another side's.
struct AreaAverage {
    let source, target: Int

    init(from source: Int, to target: Int) {
        (self.source, self.target) = (source, target)
    }

    /// What one place covers of the source. In whole numbers of 1/target of a source's place, so
    /// that nothing is rounded: a target's place is `source` of them wide.
    struct Parts {
        let begin, end, unit: Int

        /// The source's places that are covered at least in part.
        var places: Range<Int> { begin / unit..<(end + unit - 1) / unit }

        /// The share of the target's place that one of them fills; all together make 1.
        func weight(of place: Int) -> Double {
            let covered = min(end, (place + 1) * unit) - max(begin, place * unit)
            return Double(covered) / Double(end - begin)
        }
    }

    func parts(of place: Int) -> Parts {
        Parts(begin: place * source, end: (place + 1) * source, unit: target)
    }
}
