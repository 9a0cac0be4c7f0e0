// SPDX-License-Identifier: MIT
//
// Biases: one number per channel, the second axis.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// Adds one number per channel to `[N, C]` or `[N, C, …]`, in place, on `float32`.
    ///
    /// - Throws: ``TensorError`` when `x` has no channels, or not as many as the bias, or a tensor
    ///   is not of `float32`.
    public func addBias(_ bias: Tensor, to x: inout Tensor) throws {
        let execution = try execution
        let (samples, channels, plane) = try KernelChecks.channels(
            of: x, operation: "addBias", argument: "x")
        try KernelChecks.require(
            bias, hasShape: [channels], operation: "addBias", argument: "bias")
        try Self.requireFloat32(("x", x), ("bias", bias), operation: "addBias")
        try x.withMutablePointer(operation: "addBias") { x in
            bias.withPointer { convk_bias_add(x, $0, samples, channels, plane, execution) }
        }
    }

    /// The sum over everything but the channels, on `float32`.
    ///
    /// Sums blocks of 1,024 numbers in 32 lanes and the blocks in `Double`:
    /// `|error| ≤ 38 · 2⁻²⁴ · Σ|g|`, to first order.
    ///
    /// - Returns: `[C]`.
    /// - Throws: ``TensorError`` when the gradient has no channels or is not of `float32`.
    public func biasGradient(_ outputGradient: Tensor) throws -> Tensor {
        let execution = try execution
        let operation = "biasGradient"
        let (samples, channels, plane) = try KernelChecks.channels(
            of: outputGradient, operation: operation, argument: "outputGradient")
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor([channels], operation: operation, from: outputGradient) {
            convk_bias_backward($0, $1, samples, channels, plane, execution)
        }
    }
}
