// SPDX-License-Identifier: MIT
//
// Batch normalization and its gradients.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// The mean and the biased variance of each channel, on `float32`: two passes in
    /// `Double`, rounded once.
    ///
    /// - Throws: ``TensorError`` when `x` has no channels or is not of `float32`.
    public func batchStatistics(_ x: Tensor) throws -> BatchStatistics {
        let operation = "batchStatistics"
        let execution = try execution
        let sizes = try KernelChecks.channels(of: x, operation: operation, argument: "x")
        try Self.requireFloat32(("x", x), operation: operation)
        var norm = convk_batch_norm(sizes, epsilon: 0)
        var variance = try Tensor(uninitialized: [sizes.channels], operation: operation)
        let mean = try Self.makeTensor([sizes.channels], operation: operation, from: x) { mean, x in
            variance.withUnsafeMutableScalars(of: Float.self) {
                convk_batch_norm_statistics(
                    mean, $0.baseAddress.unsafelyUnwrapped, x, &norm, execution)
            }
        }
        return BatchStatistics(mean: mean, variance: variance)
    }

    /// `(x − mean) / √(variance + epsilon) · gamma + beta` on `float32`.
    ///
    /// `|error| ≤ 4 · 2⁻²⁴ · (|x − mean| / √(variance + epsilon) · |gamma| + |beta|)`, to first
    /// order, for the statistics as they are given.
    ///
    /// - Throws: ``TensorError`` when shapes disagree, epsilon is not above 0, or a tensor is
    ///   not of `float32`.
    public func batchNormalization(
        _ x: Tensor, statistics: BatchStatistics, gamma: Tensor, beta: Tensor, epsilon: Double
    ) throws -> Tensor {
        let operation = "batchNormalization"
        let execution = try execution
        let sizes = try KernelChecks.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: beta, epsilon: epsilon,
            operation: operation)
        try Self.requireFloat32(("x", x), operation: operation)
        var norm = convk_batch_norm(sizes, epsilon: epsilon)
        return try Self.makeTensor(x.shape, operation: operation, from: x, gamma) { y, x, gamma in
            statistics.mean.withPointer { mean in
                statistics.variance.withPointer { variance in
                    beta.withPointer {
                        convk_batch_norm_apply(y, x, mean, variance, gamma, $0, &norm, execution)
                    }
                }
            }
        }
    }

    /// The gradients of batch normalization, on `float32`; sums are in `Double`.
    ///
    /// With z the largest `|x − mean| / √(variance + epsilon)` and g the largest gradient's size,
    /// errors are at most `12 · 2⁻²⁴`, to first order, of
    /// `g · (2 + z²) · |gamma| / √(variance + epsilon)` in the input's gradient, of M·g·z in
    /// gamma's and of M·g in beta's, with M numbers per channel.
    ///
    /// - Throws: ``TensorError`` when shapes disagree, epsilon is not above 0, or a tensor is
    ///   not of `float32`.
    public func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, statistics: BatchStatistics, gamma: Tensor,
        epsilon: Double
    ) throws -> BatchNormalizationGradient {
        let operation = "batchNormalizationGradient"
        let execution = try execution
        let sizes = try KernelChecks.batchNormalization(
            x, statistics: statistics, gamma: gamma, beta: nil, epsilon: epsilon,
            operation: operation)
        try KernelChecks.require(
            outputGradient, matches: x, operation: operation, argument: "outputGradient")
        try Self.requireFloat32(("x", x), operation: operation)
        var norm = convk_batch_norm(sizes, epsilon: epsilon)
        return try Self.makeGradients(outputGradient, x, sizes.channels) {
            dx, dgamma, dbeta, dy, x in
            statistics.mean.withPointer { mean in
                statistics.variance.withPointer { variance in
                    gamma.withPointer {
                        convk_batch_norm_backward(
                            dx, dgamma, dbeta, dy, x, mean, variance, $0, &norm, execution)
                    }
                }
            }
        }
    }

    /// `activation(normalization(x) + addend)` on `float32`, while a part of a plane is in the
    /// cache.
    ///
    /// - Throws: ``TensorError`` when shapes disagree, epsilon is not above 0, or a tensor is
    ///   not of `float32`.
    public func batchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor {
        let operation = "batchNormalization"
        let execution = try execution
        let sizes = try Self.sizes(x, normalization, operation: operation)
        if let addend {
            try KernelChecks.require(
                addend, matches: x, operation: operation, argument: "addend")
        }
        if let activation { try KernelChecks.activation(activation, operation: operation) }
        guard sizes.plane > 1 else {
            return try separateBatchNormalization(
                x, normalization, addend: addend, activation: activation)
        }
        var norm = convk_batch_norm(sizes, epsilon: normalization.epsilon)
        let function = try activation.map { try convk_activation($0) }
        return try Self.makeTensor(x.shape, operation: operation, from: x) { y, x in
            Self.withParameters(normalization) { parameters in
                Self.withPointer(to: function) { activation in
                    addend.withPointer {
                        convk_batch_norm_apply_joined(
                            y, x, $0, parameters, activation, &norm, execution)
                    }
                }
            }
        }
    }

    /// The gradients of a normalization with an activation behind it, on `float32`: of ReLU and a
    /// clip without anything between the two.
    ///
    /// - Throws: ``TensorError`` when shapes disagree, epsilon is not above 0, or a tensor is
    ///   not of `float32`.
    public func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient {
        let operation = "batchNormalizationGradient"
        let execution = try execution
        let sizes = try Self.sizes(x, normalization, operation: operation)
        try KernelChecks.require(
            outputGradient, matches: x, operation: operation, argument: "outputGradient")
        try KernelChecks.activation(activation, operation: operation)
        guard sizes.plane > 1, let (from, to) = Self.range(activation) else {
            return try separateBatchNormalizationGradient(
                outputGradient, input: x, normalization, activation: activation)
        }
        var norm = convk_batch_norm(sizes, epsilon: normalization.epsilon)
        return try Self.makeGradients(outputGradient, x, sizes.channels) {
            dx, dgamma, dbeta, dy, x in
            Self.withParameters(normalization) {
                convk_batch_norm_backward_between(
                    dx, dgamma, dbeta, dy, x, $0, from, to, &norm, execution)
            }
        }
    }

    /// Outside of which numbers, ends included, an activation's gradient is 0, and 1 between; NaN
    /// for no upper end.
    private static func range(_ activation: Activation) -> (from: Float, to: Float)? {
        switch activation {
        case .relu: (0, .nan)
        case .clip(let from, let to): (Float(from), Float(to))
        default: nil
        }
    }

    /// What a C function makes of the output's gradient and of what went in.
    private static func makeGradients(
        _ outputGradient: Tensor, _ x: Tensor, _ channels: Int,
        _ fill: (
            _ dx: UnsafeMutablePointer<Float>, _ dgamma: UnsafeMutablePointer<Float>,
            _ dbeta: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>,
            _ x: UnsafePointer<Float>
        ) -> Void
    ) throws -> BatchNormalizationGradient {
        let operation = "batchNormalizationGradient"
        var dgamma = try Tensor(uninitialized: [channels], operation: operation)
        var dbeta = try Tensor(uninitialized: [channels], operation: operation)
        let dx = try makeTensor(x.shape, operation: operation, from: outputGradient, x) {
            dx, dy, x in
            dgamma.withUnsafeMutableScalars(of: Float.self) { dgamma in
                dbeta.withUnsafeMutableScalars(of: Float.self) {
                    fill(
                        dx, dgamma.baseAddress.unsafelyUnwrapped,
                        $0.baseAddress.unsafelyUnwrapped, dy, x)
                }
            }
        }
        return BatchNormalizationGradient(input: dx, gamma: dgamma, beta: dbeta)
    }

    private static func sizes(
        _ x: Tensor, _ normalization: ChannelNormalization, operation: String
    ) throws -> (samples: Int, channels: Int, plane: Int) {
        let sizes = try KernelChecks.batchNormalization(
            x, statistics: normalization.statistics, gamma: normalization.gamma,
            beta: normalization.beta, epsilon: normalization.epsilon, operation: operation)
        try requireFloat32(("x", x), operation: operation)
        return sizes
    }
}
