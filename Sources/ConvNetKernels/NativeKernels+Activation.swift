// SPDX-License-Identifier: MIT
//
// Activations: one number in, one number out.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// A function of each number of `float32`.
    ///
    /// ReLU, clipping and the leaky rectifier round once at most; the sigmoid and tanh are right to
    /// within 4 units in the last place (or 10⁻³⁸). The others are to within
    /// `16 · 2⁻²⁴ · (|x| + |y|)`.
    ///
    /// - Throws: ``TensorError`` when `x` is not of `float32`, or a parameter of the activation
    ///   is not finite.
    public func activation(_ x: Tensor, _ activation: Activation) throws -> Tensor {
        let execution = try execution
        let operation = activation.name
        try KernelChecks.activation(activation, operation: operation)
        try Self.requireFloat32(("x", x), operation: operation)
        let function = try convk_activation(activation)
        return try Self.makeTensor(x.shape, operation: operation, from: x) {
            convk_activation_forward($0, $1, x.count, function, execution)
        }
    }

    /// The gradient of an activation on `float32`: that of ReLU, clipping and the leaky rectifier
    /// rounds once at most, that of the sigmoid and tanh is right to within `4 · 2⁻²⁴` of its size,
    /// to first order; that of the others to within `64 · 2⁻²⁴ · |dy| · (1 + |x|)`.
    ///
    /// - Throws: ``TensorError`` when shapes differ or a tensor is not of `float32`.
    public func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws -> Tensor {
        let execution = try execution
        let operation = try KernelChecks.activationGradient(
            outputGradient, from: value, activation)
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        let function = try convk_activation(activation)
        return try Self.makeTensor(
            value.shape, operation: operation, from: outputGradient, value
        ) {
            convk_activation_backward($0, $1, $2, value.count, function, execution)
        }
    }

    /// The gradient of the softmax along an axis on `float32`, in `Double` inside.
    ///
    /// - Throws: ``TensorError`` when shapes differ, there is no such axis, or a tensor is not of
    ///   `float32`.
    public func softmaxGradient(
        _ outputGradient: Tensor, output: Tensor, axis: Int
    ) throws -> Tensor {
        let execution = try execution
        let operation = "softmaxGradient"
        let (outer, classes, inner) = try KernelChecks.softmaxGradient(
            outputGradient, output: output, axis: axis)
        try Self.requireFloat32(("outputGradient", outputGradient), operation: operation)
        return try Self.makeTensor(
            output.shape, operation: operation, from: outputGradient, output
        ) {
            convk_softmax_backward($0, $1, $2, outer, classes, inner, execution)
        }
    }
}
