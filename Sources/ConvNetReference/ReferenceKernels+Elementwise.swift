// SPDX-License-Identifier: MIT
//
// Operations on two tensors with broadcasting, and reductions over axes: for each number of the
// larger shape, the place in the smaller one is written out, axis by axis.

import ConvNetTensor

extension ReferenceKernels {
    /// An operation on the numbers of two tensors.
    ///
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or the number types differ.
    public func elementwise(
        _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws -> Tensor {
        let shape = try KernelChecks.elementwise(operation, a, b)
        let values = zip(Self.repeated(a, to: shape), Self.repeated(b, to: shape))
        return try Tensor(shape, values.map { operation.value($0, $1) }, like: a)
    }

    /// The gradient of one operand of such an operation, for each use of its numbers.
    ///
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or the number types differ.
    public func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        operand: BinaryOperation.Operand
    ) throws -> Tensor {
        let shape = try KernelChecks.elementwiseGradient(outputGradient, of: operation, a, b)
        let values = zip(Self.repeated(a, to: shape), Self.repeated(b, to: shape))
        let gradients = zip(Self.repeated(outputGradient, to: shape), values).map {
            operation.gradient(of: operand, $0, $1.0, $1.1)
        }
        return try Tensor(shape, gradients, like: a)
    }

    /// The sum, mean or another function of the numbers along some axes.
    ///
    /// - Throws: ``TensorError`` when there is no such axis, or one comes twice.
    public func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor {
        let (axes, kept) = try KernelChecks.reduced(x.shape, axes: axes, operation: reduction.name)
        var numbers = [[Double]](repeating: [], count: kept.reduce(1, *))
        for (place, value) in zip(Self.places(in: kept, of: x.shape), x.doubles) {
            numbers[place].append(value)
        }
        let result = try Tensor(kept, numbers.map { reduction.value($0) }, like: x)
        return keepsAxes ? result : try result.reshaped(to: Shape.removing(axes, from: kept))
    }

    /// The numbers of a tensor as those of a larger one, by broadcasting.
    private static func repeated(_ tensor: Tensor, to shape: [Int]) -> [Double] {
        let values = tensor.doubles
        return places(in: Shape.aligned(tensor.shape, to: shape.count), of: shape).map {
            values[$0]
        }
    }

    /// For each place of a shape, in row-major order, that in another one of as many axes, where an
    /// axis of extent 1 has one place for all.
    private static func places(in other: [Int], of shape: [Int]) -> [Int] {
        zip(shape, other).reduce([0]) { places, extents in
            let (extent, otherExtent) = extents
            return places.flatMap { place in
                (0..<extent).map { place * otherExtent + (otherExtent == 1 ? 0 : $0) }
            }
        }
    }
}
