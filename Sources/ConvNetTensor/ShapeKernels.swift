// SPDX-License-Identifier: MIT
//
// The part of `Kernels` that puts numbers in other places: copies between views, and resampling, in
// which an output is a sum of a few inputs.

/// Copies and resampling on tensors; a part of ``Kernels``.
///
/// Slices, transpositions, reversals, concatenations and paddings with a constant are
/// copies between views; resizing, adaptive pooling and paddings with an image's own pixels
/// are resampling.
public protocol ShapeKernels: Sendable {
    /// Copies the numbers that one view sees to where another one sees them. Exact.
    ///
    /// - Parameters:
    ///   - x: any shape.
    ///   - source: where the numbers lie in `x`; it may see one several times.
    ///   - y: any shape; numbers that `target` does not see are left alone.
    ///   - target: where they go to in `y`: of the shape of `source`, and no place twice.
    /// - Throws: ``TensorError`` when the views' shapes or the number types differ, a view reaches
    ///   outside its tensor, or `target` may see a place twice: from the narrowest stride on, each
    ///   one has to lead past all that the narrower ones reach.
    func copy(
        _ x: Tensor, from source: StridedView, into y: inout Tensor, at target: StridedView) throws

    /// A linear map along each of the last two axes:
    /// `y[…,i,j] = Σ rows[i,u] · (columns[j,v] · x[…,u,v])`.
    ///
    /// The gradient is the same with ``ResamplingTaps/transposed`` taps.
    ///
    /// - Parameters:
    ///   - x: `[…, H, W]`.
    ///   - rows: from H numbers to OH.
    ///   - columns: from W numbers to OW.
    /// - Returns: `[…, OH, OW]`.
    /// - Throws: ``TensorError`` when `x` has no two axes of these sizes, or the output is too
    ///   large.
    func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor
}

extension ShapeKernels {
    /// The numbers that a view sees, as a tensor of the view's shape.
    ///
    /// - Throws: ``TensorError`` when the view reaches outside the tensor, or there is no memory.
    public func copied(_ x: Tensor, as view: StridedView) throws -> Tensor {
        // Before memory is taken for a view that is refused.
        try KernelChecks.require(x, contains: view, operation: "copied", argument: "view")
        var y = try Tensor(uninitialized: view.shape, scalarType: x.scalarType, operation: "copied")
        try copy(x, from: view, into: &y, at: StridedView(shape: view.shape))
        return y
    }

    /// The adjoint of ``copied(_:as:)``, its gradient: the numbers go back to where a view has them
    /// from, and all others are 0.
    ///
    /// - Parameters:
    ///   - gradient: the shape of `view`.
    ///   - view: where the numbers were taken from, no place twice.
    ///   - inputShape: the shape of the tensor that they were taken from.
    /// - Throws: ``TensorError`` when the shapes differ, or the view reaches outside such a tensor
    ///   or may see a place twice.
    public func copiedBack(
        _ gradient: Tensor, to view: StridedView, inputShape: [Int]
    ) throws -> Tensor {
        try KernelChecks.require(
            gradient, hasShape: view.shape, operation: "copiedBack", argument: "gradient")
        let count = try Shape.elementCount(
            inputShape, operation: "copiedBack", argument: "inputShape")
        // As many places, none of them twice, are all there are.
        var x =
            gradient.count == count
            ? try Tensor(
                uninitialized: inputShape, scalarType: gradient.scalarType, operation: "copiedBack")
            : try Tensor(zeros: inputShape, scalarType: gradient.scalarType)
        try copy(gradient, from: StridedView(shape: gradient.shape), into: &x, at: view)
        return x
    }
}

extension KernelChecks {
    /// Fails unless all that a view sees lies in a tensor.
    package static func require(
        _ tensor: Tensor, contains view: StridedView, operation: String, argument: String
    ) throws(TensorError) {
        guard view.last < tensor.count else {
            throw TensorError(
                operation: operation, argument: argument,
                value: "\(view.shape) up to place \(view.last)",
                expected: "inside the \(tensor.count) numbers of \(tensor.shape)")
        }
    }

    /// Fails unless numbers can be copied from one view to the other.
    package static func copy(
        _ x: Tensor, from source: StridedView, into y: Tensor, at target: StridedView
    ) throws(TensorError) {
        try require(x, contains: source, operation: "copy", argument: "source")
        try require(y, contains: target, operation: "copy", argument: "target")
        try require(y, holds: x.scalarType, operation: "copy", argument: "y")
        guard target.shape == source.shape else {
            throw TensorError(
                operation: "copy", argument: "target", value: "\(target.shape)",
                expected: "\(source.shape), the shape of source")
        }
        guard target.keepsNumbersApart else {
            throw TensorError(
                operation: "copy", argument: "target",
                value: "\(target.shape) with strides \(target.strides)",
                expected: "strides that keep its numbers apart")
        }
    }

    /// The shape that resampling gives.
    package static func resampled(
        inputShape: [Int], rows: ResamplingTaps, columns: ResamplingTaps
    ) throws(TensorError) -> [Int] {
        guard inputShape.suffix(2) == [rows.inputSize, columns.inputSize] else {
            throw TensorError(
                operation: "resampled", argument: "x", value: "\(inputShape)",
                expected: "[…, \(rows.inputSize), \(columns.inputSize)], what the taps read")
        }
        let shape = Array(inputShape.dropLast(2)) + [rows.outputSize, columns.outputSize]
        _ = try Shape.elementCount(shape, operation: "resampled", argument: "rows")
        return shape
    }
}
