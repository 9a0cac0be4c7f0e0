// SPDX-License-Identifier: MIT
//
// Whole numbers with a shape: where each maximum of a max pooling came from.

/// An array of 32-bit indices with a shape, row-major; a value like ``Tensor``.
///
/// Max pooling returns one: for each output the flat index `h * W + w` of the input in its plane.
public struct IndexTensor: Sendable, Equatable {
    /// The extent of each axis, outermost first.
    public let shape: [Int]
    private var elements: TensorStorage
    private let count: Int

    /// Indices with the given shape.
    ///
    /// - Throws: ``TensorError`` when the counts differ or the shape has an empty axis.
    public init(shape: [Int], indices: [Int32]) throws(TensorError) {
        try self.init(uninitialized: shape, operation: "IndexTensor")
        guard indices.count == count else {
            throw TensorError(
                operation: "IndexTensor", argument: "indices.count", value: "\(indices.count)",
                expected: "\(count) for shape \(shape)")
        }
        withUnsafeMutableIndices { _ = $0.update(fromContentsOf: indices) }
    }

    /// Indices that the caller is about to write, every one of them.
    package init(uninitialized shape: [Int], operation: String) throws(TensorError) {
        count = try Shape.elementCount(shape, operation: operation)
        self.shape = shape
        elements = try TensorStorage(
            byteCount: count * MemoryLayout<Int32>.size, operation: operation)
    }

    /// The indices in row-major order; a new array, as for ``Tensor/scalars``.
    public var indices: [Int32] { withUnsafeIndices { Array($0) } }

    /// Reads the indices where they lie.
    package func withUnsafeIndices<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Int32>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(elements) {} }
        return try body(
            UnsafeBufferPointer(
                start: UnsafePointer(elements.address.assumingMemoryBound(to: Int32.self)),
                count: count))
    }

    /// Writes the indices of a tensor that has just been made and is not shared.
    package mutating func withUnsafeMutableIndices<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Int32>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(isKnownUniquelyReferenced(&elements), "indices are written only when new")
        defer { withExtendedLifetime(elements) {} }
        return try body(
            UnsafeMutableBufferPointer(
                start: elements.address.assumingMemoryBound(to: Int32.self), count: count))
    }

    /// Whether shapes and all indices are equal.
    public static func == (left: IndexTensor, right: IndexTensor) -> Bool {
        left.shape == right.shape
            && left.withUnsafeIndices { mine in
                right.withUnsafeIndices { mine.elementsEqual($0) }
            }
    }
}
