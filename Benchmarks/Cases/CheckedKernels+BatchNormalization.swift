// SPDX-License-Identifier: MIT
//
// Checks of batch normalization, by bounds for each channel's sums.

import ConvNet

extension CheckedKernels {
    func batchStatistics(_ x: Tensor) throws -> BatchStatistics {
        let result = try kernels.batchStatistics(x)
        let expected = try reference.batchStatistics(x)
        let magnitudes = try reference.batchStatistics(x.magnitudes())
        let terms = x.count / x.shape[1] + 2
        compareSums(result.mean, expected.mean, magnitudes: magnitudes.mean, terms: terms)
        // A variance is the mean of squared differences from a mean that is rounded itself.
        let means = magnitudes.mean.doubles
        let variances = expected.variance.doubles
        log.check.compare(
            result.variance.doubles, variances,
            bounds: zip(means, variances).map {
                let drift = $0 * probableGamma(terms)
                return $1 * probableGamma(terms) + drift * (2 * $1.squareRoot() + drift)
            })
        return result
    }

    func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        func normalized(_ kernels: any Kernels, _ x: Tensor) throws -> Tensor {
            try kernels.batchNormalization(
                x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon)
        }
        let (result, part) = (try normalized(kernels, x), try x.samples(at: places))
        // Whether the mean is taken off first or is part of a shift: (|x| + |mean|) ·
        // scale + |beta|.
        let magnitudes = try reference.batchNormalization(
            part.magnitudes(), statistics: statistics.opposite(), gamma: gamma.magnitudes(),
            beta: beta.magnitudes(), epsilon: epsilon)
        compareSums(
            try result.samples(at: places), try normalized(reference, part),
            magnitudes: magnitudes, terms: 8)
        return result
    }

    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        func gradient(_ kernels: any Kernels) throws -> BatchNormalizationGradient {
            try kernels.batchNormalizationGradient(
                outputGradient, input: x, statistics: statistics, gamma: gamma, epsilon: epsilon)
        }
        let (result, expected) = (try gradient(kernels), try gradient(reference))
        let sums = try reference.batchNormalizationGradient(
            outputGradient.magnitudes(), input: x.magnitudes(),
            statistics: statistics.opposite(), gamma: gamma.magnitudes(), epsilon: epsilon)
        let terms = x.count / x.shape[1] + 8
        compareSums(result.beta, expected.beta, magnitudes: sums.beta, terms: terms)
        compareSums(result.gamma, expected.gamma, magnitudes: sums.gamma, terms: terms)

        // gamma / √(variance + epsilon) · (dy − mean(dy) − z · mean(dy · z)), each term by its
        // size.
        let (count, plane) = (x.count / x.shape[1], x.count / (x.shape[0] * x.shape[1]))
        let (means, variances) = (statistics.mean.doubles, statistics.variance.doubles)
        let (gammas, betaSums, gammaSums) = (
            gamma.doubles, sums.beta.doubles, sums.gamma.doubles
        )
        let (dy, numbers) = (try outputGradient.samples(at: places), try x.samples(at: places))
        let factor = probableGamma(terms)
        let bounds = zip(dy.doubles, numbers.doubles).enumerated().map { place, pair in
            let channel = place / plane % x.shape[1]
            let inverse = 1 / (variances[channel] + epsilon).squareRoot()
            let z = (abs(pair.1) + abs(means[channel])) * inverse
            let sum =
                abs(pair.0)
                + (betaSums[channel] + z * gammaSums[channel]) / Double(count)
            return factor * abs(gammas[channel]) * inverse * sum
        }
        log.check.compare(
            try result.input.samples(at: places).doubles,
            try expected.input.samples(at: places).doubles, bounds: bounds)
        return result
    }

    func batchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor {
        let result = try kernels.batchNormalization(
            x, normalization, addend: addend, activation: activation)
        compareBits(
            result,
            try separateBatchNormalization(
                x, normalization, addend: addend, activation: activation))
        return result
    }

    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient {
        let result = try kernels.batchNormalizationGradient(
            outputGradient, input: x, normalization, activation: activation)
        let apart = try separateBatchNormalizationGradient(
            outputGradient, input: x, normalization, activation: activation)
        compareBits(result.input, apart.input)
        compareBits(result.gamma, apart.gamma)
        compareBits(result.beta, apart.beta)
        return result
    }

    /// Compares what several operations give at once with one after the other, which are checked
    /// themselves.
    private func compareBits(_ result: Tensor, _ apart: Tensor) {
        log.check.compare(
            result.doubles, apart.doubles, bounds: [Double](repeating: 0, count: apart.count))
    }
}

extension BatchStatistics {
    /// In `float64`, with means below 0: normalized absolute values then add up.
    fileprivate func opposite() throws -> BatchStatistics {
        BatchStatistics(
            mean: try Tensor(shape: mean.shape, doubles: mean.doubles.map { -abs($0) }),
            variance: try variance.converted(to: .float64))
    }
}
