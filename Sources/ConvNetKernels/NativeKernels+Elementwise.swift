// SPDX-License-Identifier: MIT
//
// Operations on two tensors with broadcasting, and reductions over axes.

internal import CConvKernels
import ConvNetTensor

extension NativeKernels {
    /// An operation on the numbers of two tensors of `float32`, each result rounded once.
    ///
    /// Equal shapes, single numbers and one number per channel for whole planes take no longer than
    /// memory does; other shapes are as fast as their last axes are long.
    ///
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or a tensor is not of `float32`.
    public func elementwise(
        _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws -> Tensor {
        let execution = try execution
        let shape = try KernelChecks.elementwise(operation, a, b)
        try Self.requireFloat32(("a", a), operation: operation.name)
        let kind = try convk_binary_kind(operation)
        let axes = StridedAxes(broadcasting: [a.shape, b.shape], to: shape)
        return try Self.makeTensor(shape, operation: operation.name, from: a, b) { y, a, b in
            axes.withAxes { convk_binary(y, a, b, $0, kind, execution) }
        }
    }

    /// The gradient of one operand of such an operation on `float32`, for each use of its numbers;
    /// products and quotients are rounded at each step, three times at most, powers once.
    ///
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or a tensor is not of `float32`.
    public func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        operand: BinaryOperation.Operand
    ) throws -> Tensor {
        let execution = try execution
        let name = "\(operation.name)Gradient"
        let shape = try KernelChecks.elementwiseGradient(outputGradient, of: operation, a, b)
        try Self.requireFloat32(("a", a), operation: name)
        let kind = try convk_binary_kind(operation)
        let axes = StridedAxes(
            broadcasting: [a.shape, b.shape, outputGradient.shape], to: shape)
        return try Self.makeTensor(shape, operation: name, from: a, b) { dx, a, b in
            outputGradient.withPointer { dy in
                axes.withAxes {
                    convk_binary_backward(dx, dy, a, b, $0, kind, operand == .b, execution)
                }
            }
        }
    }

    /// The sum, mean or another function of the numbers of `float32` along some axes, in `Double`
    /// inside and rounded once at the end.
    ///
    /// - Throws: ``TensorError`` when there is no such axis, one comes twice, or `x` is not of
    ///   `float32`.
    public func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor {
        let execution = try execution
        let name = reduction.name
        let (axes, kept) = try KernelChecks.reduced(x.shape, axes: axes, operation: name)
        try Self.requireFloat32(("x", x), operation: name)
        let kind = try convk_reduction_kind(reduction)
        let walk = StridedAxes.reducing(axes, of: x.shape)
        let shape = keepsAxes ? kept : Shape.removing(axes, from: kept)
        return try Self.makeTensor(shape, operation: name, from: x) { y, x in
            walk.kept.withAxes { kept in
                walk.reduced.withAxes { convk_reduce(y, x, kept, $0, kind, execution) }
            }
        }
    }
}
