// SPDX-License-Identifier: MIT
//
// Digits drawn by the program, so that training runs with nothing downloaded: a glyph of pen
// strokes, written by a hand that is different each time, on noisy paper. Only + − × ÷ and √ are
// used, which IEEE 754 rounds the same everywhere, so that a seed means the same images everywhere.

import ConvNetTensor

/// Procedural handwritten digits: a stand-in for MNIST, in its format.
///
/// ```swift
/// let training = try SyntheticDigits.make(count: 5000, seed: 1)
/// let test = try SyntheticDigits.make(count: 1000, seed: 2)
/// ```
public enum SyntheticDigits {
    /// The number of classes: the digits 0 to 9.
    public static let classes = 10

    /// The height and the width of an image.
    static let side = 28

    /// Digits of a seed.
    ///
    /// Image `i` depends on the seed and `i` alone, so that a larger set begins with a smaller one.
    /// Image `i` shows the digit `i % 10`: any ten in a row have one of each. The same seed gives
    /// the same images, bit for bit, on every machine.
    ///
    /// - Parameters:
    ///   - count: how many images, at least 1.
    ///   - seed: what decides how they are written.
    /// - Returns: images `[count, 1, 28, 28]` in `float32`, from 0 (background) to 1 (ink) in steps
    ///   of 1/255, and a label for each; unshuffled.
    /// - Throws: ``TensorError`` when the count is below 1 or too large for memory.
    public static func make(count: Int, seed: UInt64) throws -> LabeledImages {
        guard count >= 1 else {
            throw TensorError(
                operation: "SyntheticDigits", argument: "count", value: "\(count)",
                expected: "at least 1")
        }
        var images = try Tensor(
            uninitialized: [count, 1, side, side], operation: "SyntheticDigits")
        var raster = StrokeRaster(side: side)
        images.withUnsafeMutableScalars(of: Float.self) { scalars in
            for index in 0..<count {
                let pixels = scalars[index * side * side..<(index + 1) * side * side]
                draw(index, seed: seed, on: &raster, to: .init(rebasing: pixels))
            }
        }
        return try LabeledImages(
            images: images, labels: (0..<count).map { $0 % classes }, classes: classes)
    }

    /// Draws one image.
    private static func draw(
        _ index: Int, seed: UInt64, on raster: inout StrokeRaster,
        to pixels: UnsafeMutableBufferPointer<Float>
    ) {
        var generator = Philox(seed: seed, stream: RandomStream.digit.number(UInt64(index)))
        let variants = DigitGlyph.variants[index % classes]
        let variant = Int(generator.nextUniform() * Double(variants.count))
        let hand = Handwriting(using: &generator)

        raster.clear()
        let points = hand.place(variants[variant].points, using: &generator)
        for stroke in variants[variant].strokes {
            raster.addStroke(through: stroke.map { points[$0] })
        }
        // Eight pixels share the bits of one draw.
        var noise: UInt64 = 0
        for place in pixels.indices {
            noise = place % 8 == 0 ? generator.next() : noise >> 8
            let paper = hand.noise * Double(noise & 0xFF) / 255
            let ink = hand.ink * raster.coverage(at: place, radius: hand.penRadius)
            pixels[place] = Float((min(paper + ink, 1) * 255).rounded()) / 255
        }
    }
}

/// How one digit is written: what differs between two writers, and between two tries of one.
private struct Handwriting {
    /// Half the width of the pen, in pixels.
    let penRadius: Double
    /// The ink's darkness, up to 1.
    let ink: Double
    /// The largest number that the paper adds to a pixel.
    let noise: Double
    /// Glyph to pixels, without the translation: the images of the two unit vectors.
    private let xAxis: SIMD2<Double>
    private let yAxis: SIMD2<Double>
    private let center: SIMD2<Double>

    /// How far a glyph's point strays, as part of the glyph's size.
    private static let unsteadiness = 0.07

    init(using generator: inout Philox) {
        func draw(_ range: ClosedRange<Double>) -> Double {
            let width = range.upperBound - range.lowerBound
            return range.lowerBound + width * generator.nextUniform()
        }
        let width = draw(11...15)
        let height = draw(17...21)
        let shear = draw(-0.3...0.3)
        // A rotation by 2·arctan(t), up to 14 degrees, without sine and cosine: see the top.
        let t = draw(-0.12...0.12)
        let (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
        xAxis = width * SIMD2(cosine, sine)
        yAxis = height * (SIMD2(-sine, cosine) - shear * SIMD2(cosine, sine))
        center = 0.5 * Double(SyntheticDigits.side) + SIMD2(draw(-1.5...1.5), draw(-1.5...1.5))
        penRadius = draw(0.9...1.7)
        ink = draw(0.75...1)
        noise = draw(0...0.15)
    }

    /// Where a glyph's points come to lie in the image, in pixels from its top left corner.
    func place(
        _ points: [SIMD2<Double>], using generator: inout Philox
    ) -> [SIMD2<Double>] {
        points.map { point in
            let x = point.x - 0.5 + Self.unsteadiness * (2 * generator.nextUniform() - 1)
            let y = point.y - 0.5 + Self.unsteadiness * (2 * generator.nextUniform() - 1)
            return center + x * xAxis + y * yAxis
        }
    }
}
