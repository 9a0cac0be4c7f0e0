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

    /// `outputGradient · y · (1 − y)` on `float32`, to within `4 · 2⁻²⁴` of its size, to first order.
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

    /// `tanh(x)` on `float32`, to within 4 units in the last place.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func tanh(_ x: Tensor) throws -> Tensor {
        let execution = try execution
        try Self.requireFloat32(("x", x), operation: "tanh")
        return try Self.makeTensor(x.shape, operation: "tanh", from: x) {
            convk_tanh($0, $1, x.count, execution)
        }
    }

    /// `outputGradient · (1 − y) · (1 + y)` on `float32`, to within `4 · 2⁻²⁴` of its size, to first
    /// order.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func tanhGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        let execution = try execution
        let operation = "tanhGradient"
        try KernelChecks.require(
            output, matches: outputGradient, operation: operation, argument: "output")
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(
            output.shape, operation: operation, from: outputGradient, output
        ) {
            convk_tanh_backward($0, $1, $2, output.count, execution)
        }
    }

    /// `x > 0 ? x : negativeSlope · x` on `float32`: the slope and the product are rounded once each.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`.
    public func leakyReLU(_ x: Tensor, negativeSlope: Double) throws -> Tensor {
        let execution = try execution
        try Self.requireFloat32(("x", x), operation: "leakyReLU")
        return try Self.makeTensor(x.shape, operation: "leakyReLU", from: x) {
            convk_leaky_relu($0, $1, x.count, Float(negativeSlope), execution)
        }
    }

    /// Passes the gradient where the input is above 0, times the slope elsewhere, on `float32`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func leakyReLUGradient(
        _ outputGradient: Tensor, input x: Tensor, negativeSlope: Double
    ) throws -> Tensor {
        let execution = try execution
        let operation = "leakyReLUGradient"
        try KernelChecks.require(
            x, matches: outputGradient, operation: operation, argument: "x")
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(x.shape, operation: operation, from: outputGradient, x) {
            convk_leaky_relu_backward($0, $1, $2, x.count, Float(negativeSlope), execution)
        }
    }

    /// The gradient of each row's softmax on `float32`, in `Double` inside.
    ///
    /// - Throws: ``TensorError`` when shapes differ, or a tensor is no matrix of `float32`.
    public func softmaxGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        let execution = try execution
        let operation = "softmaxGradient"
        let (rows, classes) = try KernelChecks.softmaxGradient(outputGradient, output: output)
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(
            output.shape, operation: operation, from: outputGradient, output
        ) {
            convk_softmax_backward($0, $1, $2, rows, classes, execution)
        }
    }
}
