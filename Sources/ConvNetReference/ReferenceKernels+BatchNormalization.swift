// SPDX-License-Identifier: MIT
//
// Batch normalization and its gradients.

import ConvNetTensor

extension ReferenceKernels {
    /// The mean and the biased variance of each channel.
    ///
    /// - Throws: ``TensorError`` when `x` has no channels.
    public func batchStatistics(_ x: Tensor) throws -> BatchStatistics {
        let sizes = try KernelChecks.channels(of: x, operation: "batchStatistics", argument: "x")
        let count = Double(sizes.samples * sizes.plane)
        let numbers = x.doubles
        let means = Self.sums(of: numbers, sizes).map { $0 / count }
        let squares = numbers.enumerated().map { place, value in
            let deviation = value - means[place / sizes.plane % sizes.channels]
            return deviation * deviation
        }
        return BatchStatistics(
            mean: try Tensor([sizes.channels], means, like: x),
            variance: try Tensor(
                [sizes.channels], Self.sums(of: squares, sizes).map { $0 / count }, like: x))
    }

    /// `(x − mean) / √(variance + epsilon) · gamma + beta`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types disagree or epsilon is not above 0.
    public func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        let sizes = try KernelChecks.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon,
            operation: "batchNormalization")
        let (gammas, betas) = (gamma.doubles, beta.doubles)
        let values = Self.normalized(x, sizes, statistics, epsilon).enumerated().map { place, z in
            let channel = place / sizes.plane % sizes.channels
            return z * gammas[channel] + betas[channel]
        }
        return try Tensor(x.shape, values, like: x)
    }

    /// With z the normalized numbers: `dgamma = Σ dy z`, `dbeta = Σ dy` and
    /// `dx = gamma / √(variance + epsilon) · (dy − mean(dy) − z · mean(dy z))`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types disagree or epsilon is not above 0.
    public func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        let operation = "batchNormalizationGradient"
        let sizes = try KernelChecks.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: nil, epsilon: epsilon,
            operation: operation)
        try KernelChecks.require(
            outputGradient, matches: x, operation: operation, argument: "outputGradient")
        let count = Double(sizes.samples * sizes.plane)
        let (dy, z) = (
            outputGradient.doubles, Self.normalized(x, sizes, statistics, epsilon)
        )
        let dbeta = Self.sums(of: dy, sizes)
        let dgamma = Self.sums(of: zip(dy, z).map(*), sizes)
        let (gammas, variances) = (gamma.doubles, statistics.variance.doubles)
        let dx = dy.indices.map { place in
            let channel = place / sizes.plane % sizes.channels
            let scale = gammas[channel] / (variances[channel] + epsilon).squareRoot()
            return scale
                * (dy[place] - dbeta[channel] / count - z[place] * dgamma[channel] / count)
        }
        return BatchNormalizationGradient(
            input: try Tensor(x.shape, dx, like: x),
            gamma: try Tensor([sizes.channels], dgamma, like: x),
            beta: try Tensor([sizes.channels], dbeta, like: x))
    }

    private typealias Sizes = (samples: Int, channels: Int, plane: Int)

    /// The sum of each channel.
    private static func sums(of numbers: [Double], _ sizes: Sizes) -> [Double] {
        var sums = [Double](repeating: 0, count: sizes.channels)
        for (place, value) in numbers.enumerated() {
            sums[place / sizes.plane % sizes.channels] += value
        }
        return sums
    }

    /// `(x − mean) / √(variance + epsilon)`.
    private static func normalized(
        _ x: Tensor, _ sizes: Sizes, _ statistics: BatchStatistics, _ epsilon: Double
    ) -> [Double] {
        let (means, variances) = (statistics.mean.doubles, statistics.variance.doubles)
        return x.doubles.enumerated().map { place, value in
            let channel = place / sizes.plane % sizes.channels
            return (value - means[channel]) / (variances[channel] + epsilon).squareRoot()
        }
    }
}
