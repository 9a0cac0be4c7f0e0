// SPDX-License-Identifier: MIT
//
// Activations: one number in, one number out.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// `max(x, 0)` on `float32`; NaN stays NaN.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func relu(_ x: Tensor) throws -> Tensor {
        let execution = try execution
        try Self.requireFloat32(("x", x), operation: "relu")
        return try Self.makeTensor(x.shape, operation: "relu", from: x) {
            convk_relu($0, $1, x.count, execution)
        }
    }

    /// Passes the gradient where the output is not zero or below, on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func reluGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        let execution = try execution
        let operation = "reluGradient"
        try KernelChecks.require(
            output, matches: outputGradient, operation: operation, argument: "output")
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(
            output.shape, operation: operation, from: outputGradient, output
        ) {
            convk_relu_backward($0, $1, $2, output.count, execution)
        }
    }

    /// `1 / (1 + exp(−x))` on `float32`, to within 4 units in the last place or 10⁻³⁸.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func sigmoid(_ x: Tensor) throws -> Tensor {
        let execution = try execution
        try Self.requireFloat32(("x", x), operation: "sigmoid")
        return try Self.makeTensor(x.shape, operation: "sigmoid", from: x) {
            convk_sigmoid($0, $1, x.count, execution)
        }
    }

    /// `outputGradient · y · (1 − y)` on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func sigmoidGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        let execution = try execution
        let operation = "sigmoidGradient"
        try KernelChecks.require(
            output, matches: outputGradient, operation: operation, argument: "output")
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(
            output.shape, operation: operation, from: outputGradient, output
        ) {
            convk_sigmoid_backward($0, $1, $2, output.count, execution)
        }
    }
}
