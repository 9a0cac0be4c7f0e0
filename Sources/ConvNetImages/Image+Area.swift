// SPDX-License-Identifier: MIT
//
// An image straight to the tensor that a network takes, each number the mean over an area: exact
// means in Double, for single images. Whole data sets are scaled in whole numbers instead
// (`Image.resized`).

import ConvNetTensor

extension Image {
    /// The image as a batch of one, its numbers from 0 (black) to 1 (white).
    ///
    /// Each number is the mean over the area of the image that the place covers, so that nothing is
    /// lost where the image becomes smaller. The sides are scaled each by itself.
    ///
    /// - Parameters:
    ///   - channels: 1 for the brightness (0.299 red, 0.587 green, 0.114 blue) or 3 for the
    ///     colours.
    ///   - height: rows of the result; the image's own when nil.
    ///   - width: columns of the result; the image's own when nil.
    ///   - inverted: whether black becomes 1 and white 0, as for dark ink on paper.
    /// - Returns: `[1, channels, height, width]`.
    /// - Throws: ``TensorError`` when there are neither 1 nor 3 channels, a side is below 1, or
    ///   there is no memory for the result.
    public func tensor(
        channels: Int, height: Int? = nil, width: Int? = nil, inverted: Bool = false
    ) throws(TensorError) -> Tensor {
        guard channels == 1 || channels == 3 else {
            throw TensorError(
                operation: "Image.tensor", argument: "channels", value: "\(channels)",
                expected: "1 or 3")
        }
        let (rows, columns) = (height ?? self.height, width ?? self.width)
        let shape = [1, channels, rows, columns]
        _ = try Shape.elementCount(shape, operation: "Image.tensor")
        let down = AreaAverage(from: self.height, to: rows)
        let across = AreaAverage(from: self.width, to: columns)
        var result = try Tensor(zeros: shape)
        result.withUnsafeMutableScalars(of: Float.self) { numbers in
            for row in 0..<rows {
                for column in 0..<columns {
                    let mean = mean(down.parts(of: row), across.parts(of: column))
                    for channel in 0..<channels {
                        let part = channels == 1 ? Self.luminance(of: mean) : mean[channel]
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

    /// How bright red, green and blue look together.
    private static func luminance(of color: SIMD3<Double>) -> Double {
        0.299 * color.x + 0.587 * color.y + 0.114 * color.z
    }

    /// The mean red, green and blue of an area, from 0 to 1.
    private func mean(_ down: AreaAverage.Parts, _ across: AreaAverage.Parts) -> SIMD3<Double> {
        var sum = SIMD3<Double>.zero
        for y in down.places {
            for x in across.places {
                let weight = down.weight(of: y) * across.weight(of: x)
                sum += weight * color(x, y)
            }
        }
        return sum / 255
    }

    /// The samples of a pixel; a gray one has each three times.
    private func color(_ x: Int, _ y: Int) -> SIMD3<Double> {
        let place = (y * width + x) * channels
        guard channels == 3 else { return SIMD3(repeating: Double(bytes[place])) }
        return SIMD3(Double(bytes[place]), Double(bytes[place + 1]), Double(bytes[place + 2]))
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
