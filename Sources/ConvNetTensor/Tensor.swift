// SPDX-License-Identifier: MIT
//
// Tensor: a value with a shape and its numbers in row-major order. Assigning one is cheap, writing
// to a shared one copies first. Operations live in `Kernels`, not here.

/// An array of numbers with a shape, stored contiguously in row-major order (the last axis runs
/// fastest). Images are `[N, C, H, W]`: samples, channels, height, width.
///
/// A tensor is a value: a copy never changes when the original does. Copies share their storage
/// until one of them is written to.
///
/// ```swift
/// let x = try Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])
/// let column = try x.reshaped(to: [6, 1])
/// ```
public struct Tensor: Sendable {
    /// The extent of each axis, outermost first; `[]` is a single number.
    public private(set) var shape: [Int]
    /// The type of the numbers: `float32` unless asked otherwise.
    public let scalarType: ScalarType
    /// How many numbers there are: the product of the shape.
    public let count: Int
    private var storage: TensorStorage

    /// A tensor with the given numbers.
    ///
    /// - Parameters:
    ///   - shape: the extents, each at least 1.
    ///   - scalars: as many numbers as the shape has places, in row-major order.
    /// - Throws: ``TensorError`` when the shape has an empty axis or the counts differ.
    public init(shape: [Int], scalars: [Float]) throws(TensorError) {
        try self.init(shape: shape, values: scalars)
    }

    /// A tensor of `float64` with the given numbers; for checks through plain Swift kernels.
    ///
    /// - Parameters:
    ///   - shape: the extents, each at least 1.
    ///   - doubles: as many numbers as the shape has places, in row-major order.
    /// - Throws: ``TensorError`` when the shape has an empty axis or the counts differ.
    public init(shape: [Int], doubles: [Double]) throws(TensorError) {
        try self.init(shape: shape, values: doubles)
    }

    /// A tensor with one number in every place.
    ///
    /// - Throws: ``TensorError`` when the shape has an empty axis or is too large.
    public init(
        shape: [Int], repeating value: Double, scalarType: ScalarType = .float32
    ) throws(TensorError) {
        try self.init(uninitialized: shape, scalarType: scalarType, operation: "Tensor")
        switch scalarType {
        case .float32:
            withUnsafeMutableScalars(of: Float.self) { $0.update(repeating: Float(value)) }
        case .float64: withUnsafeMutableScalars(of: Double.self) { $0.update(repeating: value) }
        }
    }

    /// A tensor of zeros.
    ///
    /// - Throws: ``TensorError`` when the shape has an empty axis or is too large.
    public init(zeros shape: [Int], scalarType: ScalarType = .float32) throws(TensorError) {
        try self.init(shape: shape, repeating: 0, scalarType: scalarType)
    }

    /// A tensor whose numbers the caller is about to write, every one of them.
    package init(
        uninitialized shape: [Int], scalarType: ScalarType = .float32, operation: String
    ) throws(TensorError) {
        count = try Shape.elementCount(shape, operation: operation)
        self.shape = shape
        self.scalarType = scalarType
        storage = try TensorStorage(
            byteCount: count * scalarType.byteCount, operation: operation)
    }

    private init<Scalar: TensorScalar>(shape: [Int], values: [Scalar]) throws(TensorError) {
        let count = try Shape.elementCount(shape, operation: "Tensor")
        guard values.count == count else {
            throw TensorError(
                operation: "Tensor", argument: "scalars.count", value: "\(values.count)",
                expected: "\(count) for shape \(shape)")
        }
        try self.init(uninitialized: shape, scalarType: Scalar.scalarType, operation: "Tensor")
        withUnsafeMutableScalars(of: Scalar.self) { _ = $0.update(fromContentsOf: values) }
    }

    /// The same numbers in another shape; nothing is copied.
    ///
    /// - Parameter newShape: extents with the same product. One of them may be -1: it becomes
    ///   what is left over.
    /// - Throws: ``TensorError`` when the counts differ.
    public func reshaped(to newShape: [Int]) throws(TensorError) -> Tensor {
        var resolved = newShape
        if let free = newShape.firstIndex(of: -1) {
            resolved[free] = 1
            let known = try Shape.elementCount(
                resolved, operation: "reshaped", argument: "newShape")
            resolved[free] = max(count / known, 1)
        }
        guard
            try Shape.elementCount(resolved, operation: "reshaped", argument: "newShape") == count
        else {
            throw TensorError(
                operation: "reshaped", argument: "newShape", value: "\(newShape)",
                expected: "a shape of \(count) numbers, as \(shape)")
        }
        var result = self
        result.shape = resolved
        return result
    }

    /// Reads the numbers where they lie.
    ///
    /// The caller has checked that `Scalar` is the tensor's type.
    package func withUnsafeScalars<Scalar: TensorScalar, Result, Failure: Error>(
        of type: Scalar.Type, _ body: (UnsafeBufferPointer<Scalar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(Scalar.scalarType == scalarType, "the tensor holds \(scalarType)")
        defer { withExtendedLifetime(storage) {} }
        return try body(
            UnsafeBufferPointer(
                start: UnsafePointer(storage.address.assumingMemoryBound(to: Scalar.self)),
                count: count))
    }

    /// Writes the numbers where they lie.
    ///
    /// The caller has checked that `Scalar` is the tensor's type, and has just made the tensor or
    /// called ``makeUnique(operation:)``: the numbers are not shared.
    package mutating func withUnsafeMutableScalars<Scalar: TensorScalar, Result, Failure: Error>(
        of type: Scalar.Type, _ body: (UnsafeMutableBufferPointer<Scalar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(Scalar.scalarType == scalarType, "the tensor holds \(scalarType)")
        precondition(isKnownUniquelyReferenced(&storage), "another tensor shares the numbers")
        defer { withExtendedLifetime(storage) {} }
        return try body(
            UnsafeMutableBufferPointer(
                start: storage.address.assumingMemoryBound(to: Scalar.self), count: count))
    }

    /// Whether the numbers of both lie at the same place: neither has been written to since one was
    /// made of the other.
    package func sharesNumbers(with other: Tensor) -> Bool { storage === other.storage }

    /// Where the numbers lie, for as long as the tensor or a copy of it lives; what an engine that
    /// moves them by itself is given. A writer has made the tensor unique before, and makes sure
    /// that no one reads meanwhile.
    package var address: UnsafeMutableRawPointer { storage.address }

    /// Gives the tensor numbers of its own, if it shares them with another.
    ///
    /// - Throws: ``TensorError`` when there is no memory for a copy.
    package mutating func makeUnique(operation: String) throws(TensorError) {
        guard !isKnownUniquelyReferenced(&storage) else { return }
        let byteCount = count * scalarType.byteCount
        let copy = try TensorStorage(byteCount: byteCount, operation: operation)
        copy.address.copyMemory(from: storage.address, byteCount: byteCount)
        storage = copy
    }
}

extension Tensor: Equatable {
    /// Whether shapes, number types and all numbers are equal (so a tensor with NaN is not equal
    /// to itself, as numbers are not).
    public static func == (left: Tensor, right: Tensor) -> Bool {
        guard left.shape == right.shape, left.scalarType == right.scalarType else { return false }
        switch left.scalarType {
        case .float32: return left.hasEqualScalars(as: Float.self, right)
        case .float64: return left.hasEqualScalars(as: Double.self, right)
        }
    }

    private func hasEqualScalars<Scalar: TensorScalar>(
        as type: Scalar.Type, _ other: Tensor
    ) -> Bool {
        withUnsafeScalars(of: type) { mine in
            other.withUnsafeScalars(of: type) { theirs in mine.elementsEqual(theirs) }
        }
    }
}
