// SPDX-License-Identifier: MIT
//
// Whole numbers and truth values of a file, as they are there: counters, indices, masks. The
// library computes with none of them, so they keep their bytes and are turned into Swift's
// when asked for.

/// An array of whole numbers or truth values with a shape, row-major, as a file holds it.
///
/// ```swift
/// let counter = try contents.entry("bn1.num_batches_tracked").integers()
/// let steps = try counter.numbers()                    // [Int]
/// ```
public struct IntegerTensor: Sendable {
    /// The type of the numbers, by its name in the safetensors format.
    public enum NumberType: String, Sendable, Hashable, CaseIterable {
        /// 8 bits with a sign.
        case int8 = "I8"
        /// 16 bits with a sign.
        case int16 = "I16"
        /// 32 bits with a sign.
        case int32 = "I32"
        /// 64 bits with a sign.
        case int64 = "I64"
        /// 8 bits.
        case uint8 = "U8"
        /// 16 bits.
        case uint16 = "U16"
        /// 32 bits.
        case uint32 = "U32"
        /// 64 bits.
        case uint64 = "U64"
        /// A byte that is 0 or 1.
        case bool = "BOOL"

        /// The size of one number in bytes.
        public var byteCount: Int {
            switch self {
            case .int8, .uint8, .bool: 1
            case .int16, .uint16: 2
            case .int32, .uint32: 4
            case .int64, .uint64: 8
            }
        }
    }

    /// The type of the numbers.
    public let type: NumberType
    /// The extent of each axis, outermost first; `[]` is a single number.
    public let shape: [Int]
    /// How many numbers there are.
    public let count: Int
    private let storage: TensorStorage

    /// Numbers whose bytes `fill` writes, every one of them.
    ///
    /// - Throws: ``TensorError`` when the shape has an empty axis or there is no memory for it, and
    ///   what `fill` throws.
    init(
        shape: [Int], type: NumberType, operation: String,
        fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws {
        count = try Shape.elementCount(shape, operation: operation)
        storage = try TensorStorage(byteCount: count * type.byteCount, operation: operation)
        self.shape = shape
        self.type = type
        try fill(
            UnsafeMutableRawBufferPointer(
                start: storage.address, count: count * type.byteCount))
    }

    /// The numbers in row-major order, truth values as 0 and 1. A new array, for which there
    /// has to be memory.
    ///
    /// - Parameter number: the type that they are wanted in.
    /// - Throws: ``TensorError`` that names the first number which that type can't hold, or a byte
    ///   of a truth value that is neither 0 nor 1.
    public func numbers<Number: FixedWidthInteger>(
        as number: Number.Type = Int.self
    ) throws(TensorError) -> [Number] {
        switch type {
        case .int8: try read(Int8.self)
        case .int16: try read(Int16.self)
        case .int32: try read(Int32.self)
        case .int64: try read(Int64.self)
        case .uint8: try read(UInt8.self)
        case .uint16: try read(UInt16.self)
        case .uint32: try read(UInt32.self)
        case .uint64: try read(UInt64.self)
        case .bool: try truthValues().map { $0 ? 1 : 0 }
        }
    }

    /// The truth values in row-major order.
    ///
    /// - Throws: ``TensorError`` when these are numbers, or a byte is neither 0 nor 1.
    public func booleans() throws(TensorError) -> [Bool] {
        guard type == .bool else {
            throw TensorError(
                operation: "booleans", argument: "type", value: type.rawValue,
                expected: NumberType.bool.rawValue)
        }
        return try truthValues()
    }

    private func truthValues() throws(TensorError) -> [Bool] {
        let bytes: [UInt8] = try read(UInt8.self)
        if let place = bytes.firstIndex(where: { $0 > 1 }) {
            throw TensorError(
                operation: "booleans", argument: "number \(place)", value: "\(bytes[place])",
                expected: "0 or 1")
        }
        return bytes.map { $0 == 1 }
    }

    private func read<Stored: FixedWidthInteger & BitwiseCopyable, Number: FixedWidthInteger>(
        _ stored: Stored.Type
    ) throws(TensorError) -> [Number] {
        defer { withExtendedLifetime(storage) {} }
        var numbers: [Number] = []
        numbers.reserveCapacity(count)
        for place in 0..<count {
            let value = Stored(
                littleEndian: storage.address.loadUnaligned(
                    fromByteOffset: place * MemoryLayout<Stored>.size, as: Stored.self))
            guard let number = Number(exactly: value) else {
                throw TensorError(
                    operation: "numbers", argument: "number \(place)", value: "\(value)",
                    expected: "from \(Number.min) to \(Number.max), as \(Number.self) has them")
            }
            numbers.append(number)
        }
        return numbers
    }
}
