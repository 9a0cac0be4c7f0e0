// SPDX-License-Identifier: MIT
//
// Coloured stripes drawn by the program, for networks that take large images: drawn when they are
// asked for, as a thousand of AlexNet's images would fill 600 MB.

import ConvNetTensor

/// Procedural images of coloured stripes in ten classes, in any size.
///
/// ```swift
/// let training = try SyntheticPatterns(count: 320, seed: 1)
/// let batch = try training.batch(at: Array(0..<16))        // [16, 3, 227, 227]
/// ```
///
/// A class is a slope, a width and a pair of colours; where stripes begin, how bright they are and
/// how grey differs from image to image. Only + − × ÷ are used, which IEEE 754 rounds the same
/// everywhere, so that a seed means the same images everywhere.
public struct SyntheticPatterns: BatchSource {
    /// The number of classes.
    public static let classes = 10

    /// How many images there are.
    public let sampleCount: Int
    /// The height and the width of an image.
    public let side: Int
    /// What decides how they are drawn.
    public let seed: UInt64

    /// Images of a seed. Image `i` depends on the seed and `i` alone, and shows the class `i % 10`.
    ///
    /// - Throws: ``TensorError`` when there is not at least one image of one pixel, or a side is
    ///   beyond 65,536.
    public init(count: Int, side: Int = 227, seed: UInt64) throws {
        guard count >= 1 else {
            throw TensorError(
                operation: "SyntheticPatterns", argument: "count", value: "\(count)",
                expected: "at least 1")
        }
        guard (1...65_536).contains(side) else {
            throw TensorError(
                operation: "SyntheticPatterns", argument: "side", value: "\(side)",
                expected: "from 1 to 65536")
        }
        sampleCount = count
        self.side = side
        self.seed = seed
    }

    /// The images in their order: any ten in a row have one of each class.
    public func order(ofEpoch epoch: Int) -> [Int] { Array(0..<sampleCount) }

    /// What the images are a function of.
    public var identity: [String: String] {
        ["samples": "\(sampleCount)", "side": "\(side)", "patternSeed": "\(seed)"]
    }

    /// Draws the images at the given places, numbers from 0 to 1.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    public func batch(at indices: [Int]) throws -> Batch {
        guard !indices.isEmpty, indices.allSatisfy({ (0..<sampleCount).contains($0) }) else {
            throw TensorError(
                operation: "SyntheticPatterns", argument: "indices.count",
                value: "\(indices.count)",
                expected: "at least one index, each from 0 to \(sampleCount - 1)")
        }
        var images = try Tensor(
            uninitialized: [indices.count, 3, side, side], operation: "SyntheticPatterns")
        images.withUnsafeMutableScalars(of: Float.self) { scalars in
            let size = 3 * side * side
            for (place, index) in indices.enumerated() {
                draw(index, to: .init(rebasing: scalars[place * size..<(place + 1) * size]))
            }
        }
        return try Batch(images: images, labels: indices.map { $0 % Self.classes })
    }

    /// How stripes run: steps of their phase for a pixel to the right and for one down.
    private static let slopes: [(right: Float, down: Float)] = [
        (1, 0), (0.8, 0.6), (0, 1), (-0.6, 0.8), (0.6, 0.8),
    ]

    /// The colours between which stripes change, red, green and blue.
    private static let colors: [(from: [Float], to: [Float])] = [
        ([0.9, 0.2, 0.1], [0.1, 0.1, 0.3]), ([0.1, 0.8, 0.2], [0.5, 0.1, 0.4]),
        ([0.2, 0.3, 0.9], [0.8, 0.8, 0.2]), ([0.9, 0.6, 0.1], [0.1, 0.4, 0.4]),
        ([0.7, 0.2, 0.8], [0.2, 0.6, 0.1]),
    ]

    private func draw(_ index: Int, to pixels: UnsafeMutableBufferPointer<Float>) {
        var generator = Philox(seed: seed, stream: RandomStream.pattern.number(UInt64(index)))
        let pattern = index % Self.classes
        let slope = Self.slopes[pattern % 5]
        let color = Self.colors[(pattern * 2 + pattern / 5) % 5]
        let frequency: Float = pattern < 5 ? 1.0 / 16 : 1.0 / 40
        let phase = Float(generator.nextUniform())
        let brightness = Float(0.7 + 0.3 * generator.nextUniform())
        let grey = Float(0.3 * generator.nextUniform())
        for channel in 0..<3 {
            let from = brightness * (color.from[channel] * (1 - grey) + 0.5 * grey)
            let to = brightness * (color.to[channel] * (1 - grey) + 0.5 * grey)
            for y in 0..<side {
                let row = UnsafeMutableBufferPointer(
                    rebasing: pixels[(channel * side + y) * side..<(channel * side + y + 1) * side])
                let start = phase + frequency * slope.down * Float(y)
                for x in 0..<side {
                    let turns = start + frequency * slope.right * Float(x)
                    // A triangle from 0 up to 1 and down again.
                    let share = abs(turns - turns.rounded(.down) - 0.5) * 2
                    row[x] = from + (to - from) * share
                }
            }
        }
    }
}
