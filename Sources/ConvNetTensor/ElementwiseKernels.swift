// SPDX-License-Identifier: MIT
//
// The part of `Kernels` that joins whole tensors number by number, and reduces them over axes.

/// Operations on two tensors with broadcasting, and reductions over axes; a part of ``Kernels``.
///
/// Two shapes broadcast as NumPy's do: aligned at their last axes, extents are equal or one of them
/// is 1, and missing axes count as 1. Along an axis of extent 1 the one number is used for all.
public protocol ElementwiseKernels: Sendable {
    /// An operation on the numbers of two tensors.
    ///
    /// - Parameters:
    ///   - operation: what is done to two numbers.
    ///   - a: any shape.
    ///   - b: a shape that broadcasts with that of `a`.
    /// - Returns: the shape that both broadcast to.
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or the number types differ.
    func elementwise(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) throws -> Tensor

    /// The gradient of one operand of such an operation, for each use of its numbers: where the
    /// operand was repeated it is still to be summed, which ``summed(_:to:)`` does.
    ///
    /// - Parameters:
    ///   - outputGradient: a shape that broadcasts to that of the operation's result.
    ///   - operation: the operation.
    ///   - a: its first operand.
    ///   - b: its second.
    ///   - operand: whose gradient it is.
    /// - Returns: the shape of the operation's result.
    /// - Throws: ``TensorError`` when the shapes don't broadcast, or the number types differ.
    func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        operand: BinaryOperation.Operand
    ) throws -> Tensor

    /// The sum, mean or another function of the numbers along some axes.
    ///
    /// - Parameters:
    ///   - x: any shape.
    ///   - reduction: what becomes of the numbers.
    ///   - axes: the axes that are reduced, each once; negative ones count from the end.
    ///   - keepsAxes: whether they stay as axes of extent 1.
    /// - Returns: the shape of `x` with these axes 1, or without them.
    /// - Throws: ``TensorError`` when there is no such axis, or one comes twice.
    func reduced(
        _ x: Tensor, _ reduction: Reduction, axes: [Int], keepsAxes: Bool
    ) throws -> Tensor
}

extension ElementwiseKernels {
    /// A gradient added up over the axes along which its tensor was repeated.
    ///
    /// - Parameters:
    ///   - gradient: a shape that `shape` broadcasts to.
    ///   - shape: that of the tensor.
    /// - Returns: `shape`.
    /// - Throws: ``TensorError`` when the shape doesn't broadcast to that of the gradient.
    public func summed(_ gradient: Tensor, to shape: [Int]) throws -> Tensor {
        let whole = gradient.shape
        guard
            try KernelChecks.broadcast(whole, shape, operation: "summed", argument: "shape")
                == whole
        else {
            throw TensorError(
                operation: "summed", argument: "shape", value: "\(shape)",
                expected: "one that broadcasts to \(whole)")
        }
        let aligned = Shape.aligned(shape, to: whole.count)
        let axes = whole.indices.filter { aligned[$0] == 1 && whole[$0] > 1 }
        guard !axes.isEmpty else { return try gradient.reshaped(to: shape) }
        return try reduced(gradient, .sum, axes: axes, keepsAxes: true).reshaped(to: shape)
    }
}

extension Shape {
    /// A shape with axes of extent 1 before it, so that it has as many as another.
    package static func aligned(_ shape: [Int], to rank: Int) -> [Int] {
        [Int](repeating: 1, count: max(rank - shape.count, 0)) + shape
    }

    /// The steps from one number to the next along each axis of a row-major tensor, 0 along axes of
    /// extent 1.
    package static func strides(_ shape: [Int]) -> [Int] {
        var (strides, step) = ([Int](repeating: 0, count: shape.count), 1)
        for axis in shape.indices.reversed() where shape[axis] > 1 {
            strides[axis] = step
            step *= shape[axis]
        }
        return strides
    }
}

extension KernelChecks {
    /// The shape that two shapes broadcast to.
    ///
    /// - Throws: ``TensorError`` about the second when they don't.
    package static func broadcast(
        _ a: [Int], _ b: [Int], operation: String, argument: String
    ) throws(TensorError) -> [Int] {
        let rank = max(a.count, b.count)
        let pairs = zip(Shape.aligned(a, to: rank), Shape.aligned(b, to: rank))
        var shape: [Int] = []
        for (one, other) in pairs {
            guard one == other || one == 1 || other == 1 else {
                throw TensorError(
                    operation: operation, argument: argument, value: "\(b)",
                    expected: "a shape that broadcasts with \(a)")
            }
            shape.append(one == 1 ? other : one)
        }
        _ = try Shape.elementCount(shape, operation: operation, argument: argument)
        return shape
    }

    /// The shape of an operation's result.
    package static func elementwise(
        _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws(TensorError) -> [Int] {
        let shape = try broadcast(a.shape, b.shape, operation: operation.name, argument: "b")
        try require(b, holds: a.scalarType, operation: operation.name, argument: "b")
        return shape
    }

    /// The shape of an operation's result, where a gradient of it is given.
    package static func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws(TensorError) -> [Int] {
        let name = "\(operation.name)Gradient"
        let shape = try broadcast(a.shape, b.shape, operation: name, argument: "b")
        try require(b, holds: a.scalarType, operation: name, argument: "b")
        let whole = try broadcast(
            shape, outputGradient.shape, operation: name, argument: "outputGradient")
        guard whole == shape else {
            throw TensorError(
                operation: name, argument: "outputGradient", value: "\(outputGradient.shape)",
                expected: "a shape that broadcasts to \(shape)")
        }
        try require(
            outputGradient, holds: a.scalarType, operation: name, argument: "outputGradient")
        return shape
    }

    /// Axes of a shape, counted from the first and in ascending order.
    ///
    /// - Parameter axes: negative ones count from the end.
    package static func axes(
        _ axes: [Int], of shape: [Int], operation: String, argument: String
    ) throws(TensorError) -> [Int] {
        let rank = shape.count
        var found: Set<Int> = []
        for axis in axes {
            guard axis >= -rank, axis < rank else {
                throw TensorError(
                    operation: operation, argument: argument, value: "\(axis)",
                    expected: "an axis of \(shape)")
            }
            guard found.insert(axis < 0 ? axis + rank : axis).inserted else {
                throw TensorError(
                    operation: operation, argument: argument, value: "\(axes)",
                    expected: "each axis of \(shape) once")
            }
        }
        return found.sorted()
    }

    /// The axes of a reduction, and the shape of its result with them as axes of extent 1.
    package static func reduced(
        _ shape: [Int], axes: [Int], operation: String
    ) throws(TensorError) -> (axes: [Int], kept: [Int]) {
        let axes = try Self.axes(axes, of: shape, operation: operation, argument: "axes")
        var kept = shape
        for axis in axes { kept[axis] = 1 }
        return (axes, kept)
    }
}

extension Shape {
    /// A shape without some of its axes, which are in ascending order.
    package static func removing(_ axes: [Int], from shape: [Int]) -> [Int] {
        shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    }
}
