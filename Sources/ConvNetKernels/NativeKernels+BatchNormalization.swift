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
        var dgamma = try Tensor(uninitialized: [sizes.channels], operation: operation)
        var dbeta = try Tensor(uninitialized: [sizes.channels], operation: operation)
        let dx = try Self.makeTensor(x.shape, operation: operation, from: outputGradient, x) {
            dx, dy, x in
            dgamma.withUnsafeMutableScalars(of: Float.self) { dgamma in
                dbeta.withUnsafeMutableScalars(of: Float.self) { dbeta in
                    statistics.mean.withPointer { mean in
                        statistics.variance.withPointer { variance in
                            gamma.withPointer {
                                convk_batch_norm_backward(
                                    dx, dgamma.baseAddress.unsafelyUnwrapped,
                                    dbeta.baseAddress.unsafelyUnwrapped, dy, x, mean, variance, $0,
                                    &norm, execution)
                            }
                        }
                    }
                }
            }
        }
        return BatchNormalizationGradient(input: dx, gamma: dgamma, beta: dbeta)
    }
}
