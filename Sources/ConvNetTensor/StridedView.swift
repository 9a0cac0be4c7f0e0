// SPDX-License-Identifier: MIT
//
// StridedView: some of a tensor's numbers in an order of their own, as a slice, a transposition or
// a reversal has them. It is validated here, once, and holds no numbers.

/// Where the numbers of a view lie in those of a tensor: the one at indices `i` is the tensor's
/// number `offset + Σ i[a] · strides[a]` in row-major order.
///
/// ```swift
/// let view = try StridedView(shape: [2, 3, 4]).slice(axis: 2, from: 3, step: -1, count: 4)
/// let turned = try kernels.copied(x, as: view)    // each row reversed
/// ```
public struct StridedView: Sendable, Hashable {
    /// The extents, each at least 1.
    public let shape: [Int]
    /// How many places of the tensor lie between two neighbours along each axis; negative where the
    /// axis runs backwards, 0 where one number stands for all.
    public let strides: [Int]
    /// The place of the number whose indices are all 0.
    public let offset: Int
    /// The last place that the view sees.
    package let last: Int

    /// A view from its parts.
    ///
    /// - Parameters:
    ///   - shape: the extents, each at least 1.
    ///   - strides: one an axis.
    ///   - offset: the place of the first number, at least 0.
    /// - Throws: ``TensorError`` when an extent is empty, there is not one stride an axis, or a
    ///   place is below 0 or beyond what memory can hold.
    public init(shape: [Int], strides: [Int], offset: Int = 0) throws(TensorError) {
        _ = try Shape.elementCount(shape, operation: "StridedView")
        guard strides.count == shape.count else {
            throw TensorError(
                operation: "StridedView", argument: "strides", value: "\(strides)",
                expected: "one for each axis of \(shape)")
        }
        var (first, last) = (offset, offset)
        for (extent, stride) in zip(shape, strides) {
            let reach = (extent - 1).multipliedReportingOverflow(by: stride)
            let end = (stride < 0 ? first : last).addingReportingOverflow(reach.partialValue)
            guard !reach.overflow, !end.overflow else { throw Self.outside(strides, offset) }
            if stride < 0 { first = end.partialValue } else { last = end.partialValue }
        }
        guard first >= 0, last <= Int.max / 16 else { throw Self.outside(strides, offset) }
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.last = last
    }

    private static func outside(_ strides: [Int], _ offset: Int) -> TensorError {
        TensorError(
            operation: "StridedView", argument: "strides",
            value: "\(strides) from place \(offset)", expected: "places from 0 to \(Int.max / 16)")
    }

    /// All numbers of a tensor of the given shape, in their order.
    ///
    /// - Throws: ``TensorError`` when an extent is empty or the shape too large.
    public init(shape: [Int]) throws(TensorError) {
        _ = try Shape.elementCount(shape, operation: "StridedView")
        var (strides, stride) = (shape, 1)
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
        try self.init(shape: shape, strides: strides)
    }

    /// Some of the indices along one axis.
    ///
    /// - Parameters:
    ///   - axis: the axis, from 0.
    ///   - first: the first index.
    ///   - step: from one index to the next; negative to go backwards.
    ///   - count: how many indices, at least 1.
    /// - Throws: ``TensorError`` when there is no such axis, or an index lies outside it.
    public func slice(
        axis: Int, from first: Int, step: Int = 1, count: Int
    ) throws(TensorError) -> StridedView {
        guard shape.indices.contains(axis) else {
            throw TensorError(
                operation: "StridedView", argument: "axis", value: "\(axis)",
                expected: "one of the \(shape.count) axes of \(shape)")
        }
        let reach = (max(count, 1) - 1).multipliedReportingOverflow(by: step)
        let end = first.addingReportingOverflow(reach.partialValue)
        guard count >= 1, !reach.overflow, !end.overflow, (0..<shape[axis]).contains(first),
            (0..<shape[axis]).contains(end.partialValue)
        else {
            throw TensorError(
                operation: "StridedView", argument: "count",
                value: "\(count) from \(first) in steps of \(step)",
                expected: "indices from 0 to \(shape[axis] - 1)")
        }
        var (extents, distances) = (shape, strides)
        extents[axis] = count
        // Where there is but one index, the step leads nowhere, and may be anything.
        distances[axis] = count == 1 ? 0 : strides[axis] * step
        return try StridedView(
            shape: extents, strides: distances, offset: offset + first * strides[axis])
    }

    /// The axes in another order: axis `a` of the result is axis `permutation[a]` of this view.
    ///
    /// - Throws: ``TensorError`` when the permutation does not name each axis once.
    public func transposed(_ permutation: [Int]) throws(TensorError) -> StridedView {
        guard permutation.sorted() == Array(shape.indices) else {
            throw TensorError(
                operation: "StridedView", argument: "permutation", value: "\(permutation)",
                expected: "each of the \(shape.count) axes once")
        }
        return try StridedView(
            shape: permutation.map { shape[$0] }, strides: permutation.map { strides[$0] },
            offset: offset)
    }

    /// Whether no place is certain to be seen twice: from the narrowest stride on, each one leads
    /// past all that the narrower ones reach.
    package var keepsNumbersApart: Bool {
        var reach = 0
        for (extent, stride) in zip(shape, strides).filter({ $0.0 > 1 })
            .sorted(by: { $0.1.magnitude < $1.1.magnitude })
        {
            guard stride.magnitude > reach else { return false }
            reach += (extent - 1) * abs(stride)
        }
        return true
    }
}
