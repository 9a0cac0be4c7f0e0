// SPDX-License-Identifier: MIT
//
// One draw of an augmentation, and how it moves pixels: all four changes together are one affine
// map from each pixel of the new image to where it is read in the old one.

import ConvNetTensor

/// A map of an image onto itself.
struct ImageWarp {
    /// Where the new image's centre is read, from the old one's centre: columns, rows.
    private let offset: SIMD2<Double>
    /// How far the place that is read moves with a step to the right, and with a step down.
    private let right: SIMD2<Double>
    private let down: SIMD2<Double>

    /// Draws one. It takes the same seven numbers from the generator whatever is changed, so that a
    /// change more leaves the others as they were.
    init(_ augmentation: Augmentation, using generator: inout Philox, height: Int, width: Int) {
        let draws = (0..<7).map { _ in generator.nextUniform() }
        func shift(_ draw: Double) -> Double {
            (draw * Double(2 * augmentation.shift + 1)).rounded(.down) - Double(augmentation.shift)
        }
        let angle = (2 * draws[2] - 1) * augmentation.rotation * .pi / 180
        // Without rotation these are exactly 1 and 0, so that whole shifts copy pixels as they are.
        let (cosine, sine) = (cosine(angle), sine(angle))
        // The window that is read is so much smaller than the image, and lies anywhere in it: from
        // the first pixel's centre to the last one's.
        let scale = 1 - augmentation.crop * draws[3]
        let slack = SIMD2(Double(width - 1), Double(height - 1)) * (1 - scale)
        let cropping = slack * (SIMD2(draws[4], draws[5]) - 0.5)
        let mirror = augmentation.flip && draws[6] < 0.5 ? -1.0 : 1.0
        right = scale * mirror * SIMD2(cosine, sine)
        down = scale * SIMD2(-sine, cosine)
        offset = cropping - SIMD2(shift(draws[0]), shift(draws[1]))
    }

    /// Reads one plane through the map, between four pixels where it falls between them. Outside
    /// the image all is 0.
    func apply(
        _ source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>,
        height: Int, width: Int
    ) {
        let center = 0.5 * SIMD2(Double(width - 1), Double(height - 1))
        for row in 0..<height {
            let start = center + offset + (Double(row) - center.y) * down - center.x * right
            for column in 0..<width {
                let place = start + Double(column) * right
                target[row * width + column] = Self.sample(
                    source, at: place, height: height, width: width)
            }
        }
    }

    @inline(__always)
    private static func sample(
        _ source: UnsafeBufferPointer<Float>, at place: SIMD2<Double>, height: Int, width: Int
    ) -> Float {
        let floor = place.rounded(.down)
        // Farther out than a pixel nothing is seen; nor is a place that no Int can hold.
        guard floor.x >= -1, floor.y >= -1, floor.x < Double(width), floor.y < Double(height)
        else { return 0 }
        let (x, y) = (Int(floor.x), Int(floor.y))
        let (dx, dy) = (Float(place.x - floor.x), Float(place.y - floor.y))
        func pixel(_ x: Int, _ y: Int) -> Float {
            x >= 0 && x < width && y >= 0 && y < height ? source[y * width + x] : 0
        }
        let upper = (1 - dx) * pixel(x, y) + dx * pixel(x + 1, y)
        let lower = (1 - dx) * pixel(x, y + 1) + dx * pixel(x + 1, y + 1)
        return (1 - dy) * upper + dy * lower
    }
}
