// SPDX-License-Identifier: MIT
//
// The part of `Kernels` that normalizes by statistics of a batch.

/// Batch normalization on tensors; a part of ``Kernels``. Ioffe and Szegedy, "Batch normalization:
/// accelerating deep network training by reducing internal covariate shift", 2015.
///
/// Images are `[N, C]` or `[N, C, …]`; each channel has a mean, a variance, a gamma and a
/// beta, all `[C]`.
public protocol BatchNormalizationKernels: Sendable {
    /// The mean and the variance of each channel, the variance divided by the count (biased).
    ///
    /// - Throws: ``TensorError`` when there is no second axis.
    func batchStatistics(_ x: Tensor) throws -> BatchStatistics

    /// `(x − mean) / √(variance + epsilon) · gamma + beta`.
    ///
    /// - Returns: the shape of `x`.
    /// - Throws: ``TensorError`` when there is not one statistic, gamma and beta per channel, or
    ///   epsilon is out of range.
    func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor

    /// The gradients of batch normalization where the statistics are those of `x`. Of other
    /// statistics those of gamma and beta are right as well:
    /// `Σ dy · (x − mean) / √(variance + epsilon)` and `Σ dy`.
    ///
    /// - Parameters:
    ///   - outputGradient: the shape of `x`.
    ///   - x: what went in.
    ///   - statistics: the mean and the variance, each `[C]`.
    ///   - gamma: `[C]`.
    ///   - epsilon: the forward pass's epsilon.
    /// - Throws: ``TensorError`` when the shapes differ.
    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient

    /// A normalization, and what stands behind it: `activation(normalization(x) + addend)`, the
    /// bits of one after the other.
    ///
    /// By default it is computed one after the other.
    ///
    /// - Parameters:
    ///   - x: what is normalized.
    ///   - normalization: how.
    ///   - addend: the shape of `x`; nil for none.
    ///   - activation: nil for none.
    /// - Throws: ``TensorError`` as the three do.
    func batchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor

    /// The gradients of a normalization with an activation behind it, where the statistics are
    /// those of `x`; the bits of one after the other.
    ///
    /// What lies between may be computed again: it need not be held.
    ///
    /// By default it is computed one after the other.
    ///
    /// - Parameters:
    ///   - outputGradient: the shape of `x`.
    ///   - x: what was normalized.
    ///   - normalization: the forward pass's.
    ///   - activation: of what was normalized.
    /// - Throws: ``TensorError`` as the two do.
    func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient
}

extension Kernels {
    /// A normalization, an addition and an activation, one after the other.
    public func batchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor {
        try separateBatchNormalization(x, normalization, addend: addend, activation: activation)
    }

    /// The gradient of an activation, and that of a normalization before it.
    public func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient {
        try separateBatchNormalizationGradient(
            outputGradient, input: x, normalization, activation: activation)
    }

    /// The same, whatever the kernels themselves do.
    package func separateBatchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor {
        try finish(
            x,
            Epilogue(
                normalization: normalization, addend: addend, activation: activation),
            wantsArgmax: false
        ).output
    }

    /// The same, whatever the kernels themselves do.
    package func separateBatchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient {
        let normalized = try batchNormalization(
            x, normalization, addend: nil, activation: nil)
        let value =
            activation.gradientTakesOutput
            ? try self.activation(normalized, activation) : normalized
        return try batchNormalizationGradient(
            activationGradient(outputGradient, from: value, activation), input: x,
            statistics: normalization.statistics, gamma: normalization.gamma,
            epsilon: normalization.epsilon)
    }
}

/// What batch normalization knows of each channel, each `[C]`.
public struct BatchStatistics: Sendable {
    /// The means.
    public var mean: Tensor
    /// The variances.
    public var variance: Tensor

    /// Puts the two together.
    public init(mean: Tensor, variance: Tensor) {
        self.mean = mean
        self.variance = variance
    }
}

/// The gradients of a batch normalization.
public struct BatchNormalizationGradient: Sendable {
    /// With respect to what went in.
    public let input: Tensor
    /// With respect to gamma, `[C]`.
    public let gamma: Tensor
    /// With respect to beta, `[C]`.
    public let beta: Tensor

    /// Puts the three together.
    public init(input: Tensor, gamma: Tensor, beta: Tensor) {
        self.input = input
        self.gamma = gamma
        self.beta = beta
    }
}

extension KernelChecks {
    /// Sizes of a batch normalization.
    package static func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor?, epsilon: Double,
        operation: String
    ) throws(TensorError) -> (samples: Int, channels: Int, plane: Int) {
        let sizes = try channels(of: x, operation: operation, argument: "x")
        let tensors: [(String, Tensor?)] = [
            ("mean", statistics.mean), ("variance", statistics.variance), ("gamma", gamma),
            ("beta", beta),
        ]
        for (argument, tensor) in tensors {
            guard let tensor else { continue }
            try require(
                tensor, hasShape: [sizes.channels], operation: operation, argument: argument)
            try require(tensor, holds: x.scalarType, operation: operation, argument: argument)
        }
        try checkEpsilon(epsilon, operation: operation)
        return sizes
    }

    /// Fails unless epsilon keeps a divisor from 0 and is finite.
    package static func checkEpsilon(_ epsilon: Double, operation: String) throws(TensorError) {
        guard (1e-30...1e30).contains(epsilon) else {
            throw TensorError(
                operation: operation, argument: "epsilon", value: "\(epsilon)",
                expected: "from 1e-30 to 1e30")
        }
    }

    /// Sizes of a softmax along an axis: what lies outside of it, its classes, what lies inside.
    package static func softmax(
        _ shape: [Int], axis: Int, operation: String
    ) throws(TensorError) -> (outer: Int, classes: Int, inner: Int) {
        let axis = try axes([axis], of: shape, operation: operation, argument: "axis")[0]
        return (
            shape[..<axis].reduce(1, *), shape[axis], shape[(axis + 1)...].reduce(1, *)
        )
    }

    /// Sizes of the gradient of a softmax.
    package static func softmaxGradient(
        _ outputGradient: Tensor, output: Tensor, axis: Int
    ) throws(TensorError) -> (outer: Int, classes: Int, inner: Int) {
        let operation = "softmaxGradient"
        try require(output, matches: outputGradient, operation: operation, argument: "output")
        return try softmax(output.shape, axis: axis, operation: operation)
    }
}
