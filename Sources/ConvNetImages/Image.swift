// SPDX-License-Identifier: MIT
//
// Pixels in memory, one byte per sample: what files are decoded to, and what is cut, scaled and
// turned before it becomes a tensor. One byte per sample, so that a data set takes a quarter of
// what it would as Float.

import ConvNetTensor

/// An image of gray or coloured pixels, one byte per sample.
///
/// ```swift
/// let photograph = try Image(contentsOf: URL(fileURLWithPath: "photograph.jpg"))
/// let small = try photograph.resized(width: 224, height: 224, filter: .bicubic)
/// let x = try small.tensor()                                   // [3, 224, 224], from 0 to 1
/// ```
public struct Image: Sendable, Equatable {
    /// The largest file that is read, in bytes: 256 MiB.
    public static let largestByteCount = 1 << 28
    /// The most pixels that an image may have, 2²⁶.
    public static let largestPixelCount = 1 << 26
    /// The most pixels that a side may have; pictures, which Cairo draws, have no more.
    public static let longestSide = 32_767

    /// How many pixels a row has.
    public let width: Int
    /// How many rows there are.
    public let height: Int
    /// 1 for gray, 3 for red, green and blue.
    public let channels: Int
    /// The samples, 0 for black: row by row from the top, pixel by pixel, a pixel's channels
    /// together.
    public let bytes: [UInt8]

    /// An image of given samples.
    ///
    /// - Parameters:
    ///   - width: how many pixels a row has.
    ///   - height: how many rows there are.
    ///   - channels: 1 for gray, 3 for red, green and blue.
    ///   - bytes: `height · width · channels` samples, `[height, width, channels]`.
    /// - Throws: ``TensorError`` when a side is not from 1 to ``longestSide``, there are more than
    ///   ``largestPixelCount`` pixels, neither 1 nor 3 channels, or another number of samples.
    public init(width: Int, height: Int, channels: Int, bytes: [UInt8]) throws(TensorError) {
        func wrong(_ argument: String, _ value: String, _ expected: String) -> TensorError {
            TensorError(
                operation: "Image", argument: argument, value: value, expected: expected)
        }
        guard Self.isPossible(width, height) else {
            throw wrong("width", "\(width) x \(height) pixels", Self.possibleSizes)
        }
        guard channels == 1 || channels == 3 else {
            throw wrong("channels", "\(channels)", "1 or 3")
        }
        let count = width * height * channels
        guard bytes.count == count else {
            throw wrong("bytes", "\(bytes.count) bytes", "\(count)")
        }
        self.init(checkedWidth: width, height, channels, bytes)
    }

    /// An image whose sizes are known to fit together.
    init(checkedWidth width: Int, _ height: Int, _ channels: Int, _ bytes: [UInt8]) {
        precondition(bytes.count == width * height * channels)
        (self.width, self.height, self.channels) = (width, height, channels)
        self.bytes = bytes
    }

    /// Whether an image may have these sides. They are compared first: a product of what a header
    /// claims may not fit.
    static func isPossible(_ width: Int, _ height: Int) -> Bool {
        let sides = 1...longestSide
        return sides.contains(width) && sides.contains(height)
            && width * height <= largestPixelCount
    }

    /// What ``isPossible(_:_:)`` asks for, in errors.
    static let possibleSizes =
        "sides from 1 to \(longestSide) and at most \(largestPixelCount) pixels"

    /// The same image in gray or in colours.
    ///
    /// Gray becomes three equal channels. Colours become their brightness, (0.299 red + 0.587 green
    /// + 0.114 blue), in whole numbers of 2⁻¹⁶ as Pillow has it.
    ///
    /// - Parameter channels: 1 or 3.
    /// - Throws: ``TensorError`` when it is another number.
    public func converted(toChannels channels: Int) throws(TensorError) -> Image {
        guard channels == 1 || channels == 3 else {
            throw TensorError(
                operation: "Image.converted", argument: "channels", value: "\(channels)",
                expected: "1 or 3")
        }
        if channels == self.channels { return self }
        let pixels = width * height
        let converted = [UInt8](unsafeUninitializedCapacity: pixels * channels) { result, count in
            bytes.withUnsafeBufferPointer { source in
                for pixel in 0..<pixels where channels == 1 {
                    let sum =
                        19_595 * UInt32(source[3 * pixel]) + 38_470 * UInt32(source[3 * pixel + 1])
                        + 7_471 * UInt32(source[3 * pixel + 2])
                    result[pixel] = UInt8((sum + 0x8000) >> 16)
                }
                for place in 0..<pixels * channels where channels == 3 {
                    result[place] = source[place / 3]
                }
            }
            count = pixels * channels
        }
        return Image(checkedWidth: width, height, channels, converted)
    }

    /// The image as numbers from 0 (black) to 1 (white).
    ///
    /// - Returns: `[channels, height, width]`.
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func tensor() throws(TensorError) -> Tensor {
        var result = try Tensor(
            uninitialized: [channels, height, width], operation: "Image.tensor")
        let (pixels, channels) = (width * height, channels)
        result.withUnsafeMutableScalars(of: Float.self) { numbers in
            bytes.withUnsafeBufferPointer { source in
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        numbers[channel * pixels + pixel] =
                            Float(source[pixel * channels + channel]) / 255
                    }
                }
            }
        }
        return result
    }
}
