// SPDX-License-Identifier: MIT
//
// Scaling as Pillow does it: one side after the other, in whole numbers of 22 bits behind the
// point, over a filter that widens where the image becomes smaller (antialiasing). So the numbers
// that a network sees are those that it saw in training with torchvision, but for a rounding.
// Between two sides that are equal nothing is done.

import ConvNetTensor

/// How pixels between pixels are found.
public enum ResizingFilter: String, Sendable, Hashable, CaseIterable {
    /// The nearest pixel.
    case nearest
    /// A triangle, one pixel wide to each side.
    case bilinear
    /// Keys' cubic with a = −1/2, two pixels wide to each side.
    case bicubic

    /// How far it reaches to each side where nothing is made smaller.
    var support: Double { self == .bicubic ? 2 : 1 }

    /// Its weight at a distance.
    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest, .bilinear: return max(1 - x, 0)
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        }
    }
}

extension Image {
    /// The image in another size. The sides are scaled each by itself.
    ///
    /// - Parameters:
    ///   - width: pixels of a row.
    ///   - height: rows.
    ///   - filter: `bilinear` and `bicubic` average over all that a pixel covers.
    /// - Throws: ``TensorError`` when a side is not from 1 to ``longestSide``, or there are more
    ///   than ``largestPixelCount`` pixels.
    public func resized(
        width: Int, height: Int, filter: ResizingFilter = .bilinear
    ) throws(TensorError) -> Image {
        guard Self.isPossible(width, height) else {
            throw TensorError(
                operation: "Image.resized", argument: "width", value: "\(width) x \(height) pixels",
                expected: Self.possibleSizes)
        }
        guard filter != .nearest else { return nearest(width, height) }
        var result = self
        if width != self.width {
            result = result.scaledAcross(ScalingTaps(from: self.width, to: width, filter))
        }
        if height != self.height {
            result = result.scaledDown(ScalingTaps(from: self.height, to: height, filter))
        }
        return result
    }

    /// The image with its shorter side so long, the other in proportion, rounded down.
    ///
    /// - Throws: ``TensorError`` as ``resized(width:height:filter:)`` does.
    public func resized(
        shorterSide: Int, filter: ResizingFilter = .bilinear
    ) throws(TensorError) -> Image {
        let size = Self.size(width, height, shorterSide: shorterSide)
        return try resized(width: size.width, height: size.height, filter: filter)
    }

    /// A size with its shorter side so long.
    static func size(_ width: Int, _ height: Int, shorterSide: Int) -> ImageSize {
        let (shorter, longer) = (min(width, height), max(width, height))
        // Sides are short, and what is too long is refused afterwards.
        let other = min(max(shorterSide, 0), longestSide + 1) * longer / shorter
        return width <= height
            ? ImageSize(width: shorterSide, height: other)
            : ImageSize(width: other, height: shorterSide)
    }

    /// A part of the image.
    ///
    /// - Parameters:
    ///   - x: the first column.
    ///   - y: the first row.
    ///   - width: how many columns.
    ///   - height: how many rows.
    /// - Throws: ``TensorError`` when the part is empty or reaches out of the image.
    public func cropped(
        x: Int, y: Int, width: Int, height: Int
    ) throws(TensorError) -> Image {
        guard x >= 0, y >= 0, width >= 1, height >= 1, x < self.width, y < self.height,
            width <= self.width - x, height <= self.height - y
        else {
            throw TensorError(
                operation: "Image.cropped", argument: "width",
                value: "\(width) x \(height) pixels at (\(x), \(y))",
                expected: "a part of \(self.width) x \(self.height) pixels")
        }
        let row = width * channels
        let part = [UInt8](unsafeUninitializedCapacity: row * height) { part, count in
            bytes.withUnsafeBufferPointer { source in
                for line in 0..<height {
                    let start = ((y + line) * self.width + x) * channels
                    for place in 0..<row { part[line * row + place] = source[start + place] }
                }
            }
            count = row * height
        }
        return Image(checkedWidth: width, height, channels, part)
    }

    /// The middle of the image; where there is no middle pixel, half a pixel farther left and up.
    ///
    /// - Throws: ``TensorError`` when the part is empty or larger than the image.
    public func centerCropped(width: Int, height: Int) throws(TensorError) -> Image {
        // What is refused has no middle: a difference might not fit.
        let fits = (1...self.width).contains(width) && (1...self.height).contains(height)
        return try cropped(
            x: fits ? (self.width - width) / 2 : 0, y: fits ? (self.height - height) / 2 : 0,
            width: width, height: height)
    }

    /// The image turned over, left to right.
    public func flipped() -> Image { oriented(.mirrored) }

    /// The image with black for white and white for black.
    public func inverted() -> Image {
        Image(checkedWidth: width, height, channels, bytes.map { 255 - $0 })
    }

    private func nearest(_ width: Int, _ height: Int) -> Image {
        // The middle of a pixel, in whole numbers of 1/(2 · new side).
        let columns = (0..<width).map { (2 * $0 + 1) * self.width / (2 * width) * channels }
        var result: [UInt8] = []
        result.reserveCapacity(width * height * channels)
        for y in 0..<height {
            let row = (2 * y + 1) * self.height / (2 * height) * self.width * channels
            for column in columns {
                for channel in 0..<channels { result.append(bytes[row + column + channel]) }
            }
        }
        return Image(checkedWidth: width, height, channels, result)
    }

    private func scaledAcross(_ taps: ScalingTaps) -> Image {
        let (width, channels, source) = (taps.count, channels, self.width)
        let result = [UInt8](unsafeUninitializedCapacity: width * height * channels) {
            result, count in
            bytes.withUnsafeBufferPointer { bytes in
                taps.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<height {
                        let row = UnsafeBufferPointer(
                            rebasing: bytes[y * source * channels..<(y + 1) * source * channels])
                        let target = UnsafeMutableBufferPointer(
                            rebasing: result[y * width * channels..<(y + 1) * width * channels])
                        if channels == 3 {
                            Self.scaleColors(row, to: target, taps, weights)
                        } else {
                            Self.scaleGray(row, to: target, taps, weights)
                        }
                    }
                }
            }
            count = width * height * channels
        }
        return Image(checkedWidth: width, height, channels, result)
    }

    private static func scaleColors(
        _ row: UnsafeBufferPointer<UInt8>, to target: UnsafeMutableBufferPointer<UInt8>,
        _ taps: ScalingTaps, _ weights: UnsafeBufferPointer<Int32>
    ) {
        for x in 0..<taps.count {
            var sum = SIMD4<Int32>(repeating: ScalingTaps.half)
            var (pixel, weight) = (3 * taps.starts[x], x * taps.stride)
            for _ in 0..<taps.counts[x] {
                let sample = SIMD4(
                    Int32(row[pixel]), Int32(row[pixel + 1]), Int32(row[pixel + 2]), 0)
                sum &+= sample &* weights[weight]
                pixel += 3
                weight += 1
            }
            for channel in 0..<3 { target[3 * x + channel] = ScalingTaps.byte(sum[channel]) }
        }
    }

    private static func scaleGray(
        _ row: UnsafeBufferPointer<UInt8>, to target: UnsafeMutableBufferPointer<UInt8>,
        _ taps: ScalingTaps, _ weights: UnsafeBufferPointer<Int32>
    ) {
        for x in 0..<taps.count {
            var sum = ScalingTaps.half
            let (start, first) = (taps.starts[x], x * taps.stride)
            for tap in 0..<taps.counts[x] {
                sum &+= Int32(row[start + tap]) &* weights[first + tap]
            }
            target[x] = ScalingTaps.byte(sum)
        }
    }

    private func scaledDown(_ taps: ScalingTaps) -> Image {
        let (row, rows) = (width * channels, taps.count)
        var sums = [Int32](repeating: 0, count: row)
        let result = [UInt8](unsafeUninitializedCapacity: row * rows) { result, count in
            bytes.withUnsafeBufferPointer { source in
                sums.withUnsafeMutableBufferPointer { sums in
                    for y in 0..<rows {
                        sums.update(repeating: ScalingTaps.half)
                        for tap in 0..<taps.counts[y] {
                            let weight = taps.weights[y * taps.stride + tap]
                            let start = (taps.starts[y] + tap) * row
                            let line = UnsafeBufferPointer(rebasing: source[start..<start + row])
                            for x in 0..<row { sums[x] &+= Int32(line[x]) &* weight }
                        }
                        for x in 0..<row { result[y * row + x] = ScalingTaps.byte(sums[x]) }
                    }
                }
            }
            count = row * rows
        }
        return Image(checkedWidth: width, rows, channels, result)
    }
}

/// What each place of a scaled side is made of.
struct ScalingTaps {
    /// How many bits a weight has behind the point: 8 of the sum are the sample's, 2 are spared for
    /// what a filter's negative parts add.
    private static let fraction: Int32 = 22
    /// A half, which rounds a sum.
    static let half: Int32 = 1 << (fraction - 1)

    /// How many places there are.
    let count: Int
    /// The first place of the source that each needs, and how many.
    private(set) var starts: [Int] = []
    private(set) var counts: [Int] = []
    /// The weights, `stride` of them for each place.
    private(set) var weights: [Int32]
    let stride: Int

    init(from source: Int, to target: Int, _ filter: ResizingFilter) {
        count = target
        let scale = Double(source) / Double(target)
        let widening = max(scale, 1)
        let reach = filter.support * widening
        stride = Int(reach.rounded(.up)) * 2 + 1
        weights = Array(repeating: 0, count: target * stride)
        for place in 0..<target {
            let center = (Double(place) + 0.5) * scale
            let start = max(Int(center - reach + 0.5), 0)
            let end = min(Int(center + reach + 0.5), source)
            let own = (start..<end).map {
                filter.weight(at: (Double($0) - center + 0.5) * (1 / widening))
            }
            let sum = own.reduce(0, +)
            for (tap, weight) in own.enumerated() {
                let scaled = weight / sum * Double(1 << Self.fraction)
                weights[place * stride + tap] = Int32(scaled.rounded(.toNearestOrAwayFromZero))
            }
            starts.append(start)
            counts.append(end - start)
        }
    }

    /// A sum as a sample; a cubic may go beyond its ends.
    @inline(__always)
    static func byte(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> fraction, 0), 255))
    }
}
