// SPDX-License-Identifier: MIT
//
// Bringing each channel of images to mean 0 and deviation 1. The figures are those of the images
// that are trained with; the same ones serve for all others.

import ConvNetTensor

/// What is subtracted from each channel of images, and what it is divided by then.
public struct Normalization: Sendable, Hashable {
    /// The means, one per channel.
    public let means: [Double]
    /// The deviations, one per channel.
    public let deviations: [Double]

    /// A normalisation with given figures.
    ///
    /// - Throws: ``TensorError`` when there is not one finite mean and one finite deviation above
    ///   0 per channel.
    public init(means: [Double], deviations: [Double]) throws(TensorError) {
        guard !means.isEmpty, means.allSatisfy(\.isFinite) else {
            throw TensorError(
                operation: "Normalization", argument: "means", value: "\(means)",
                expected: "a finite number for each channel")
        }
        guard deviations.count == means.count,
            deviations.allSatisfy({ $0.isFinite && $0 > 0 })
        else {
            throw TensorError(
                operation: "Normalization", argument: "deviations", value: "\(deviations)",
                expected: "\(means.count) finite numbers above 0, as many as means")
        }
        self.means = means
        self.deviations = deviations
    }

    /// The mean and the standard deviation of each channel over all pixels of some images; 1 in
    /// place of a deviation of 0.
    ///
    /// - Throws: ``TensorError`` when the images hold numbers that are not finite.
    public init(of images: LabeledImages) throws(TensorError) {
        let shape = images.images.shape
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        let count = Double(shape[0] * pixels)
        func means(_ value: (Double, Int) -> Double) -> [Double] {
            var sums = [Double](repeating: 0, count: channels)
            for sample in 0..<shape[0] {
                // An image at a time, so that long sums keep their digits.
                for channel in 0..<channels {
                    sums[channel] += planeSum(
                        images.images, from: (sample * channels + channel) * pixels, pixels
                    ) { value($0, channel) }
                }
            }
            return sums.map { $0 / count }
        }
        let centers = means { x, _ in x }
        let variances = means { x, channel in (x - centers[channel]) * (x - centers[channel]) }
        try self.init(
            means: centers, deviations: variances.map { $0 == 0 ? 1 : $0.squareRoot() })
    }

    /// The figures as text.
    var name: String { "means \(means), deviations \(deviations)" }

    /// Normalises images `[N, C, H, W]` of `float32` with as many channels, in place.
    func apply(to images: inout Tensor) {
        let pixels = images.shape[2] * images.shape[3]
        let (means, factors) = (means.map { Float($0) }, deviations.map { Float(1 / $0) })
        images.withUnsafeMutableScalars(of: Float.self) { scalars in
            for plane in 0..<scalars.count / pixels {
                let (mean, factor) = (means[plane % means.count], factors[plane % means.count])
                for place in plane * pixels..<(plane + 1) * pixels {
                    scalars[place] = (scalars[place] - mean) * factor
                }
            }
        }
    }
}

/// The sum of a function of each number in a part of a tensor.
private func planeSum(
    _ tensor: Tensor, from start: Int, _ count: Int, _ value: (Double) -> Double
) -> Double {
    switch tensor.scalarType {
    case .float32:
        tensor.withUnsafeScalars(of: Float.self) {
            $0[start..<start + count].reduce(0) { $0 + value(Double($1)) }
        }
    case .float64:
        tensor.withUnsafeScalars(of: Double.self) {
            $0[start..<start + count].reduce(0) { $0 + value($1) }
        }
    }
}
