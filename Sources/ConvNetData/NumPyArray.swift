// SPDX-License-Identifier: MIT
//
// The numbers of an `.npy` file as a tensor: of each type, in either byte order, with either axis
// fastest.

import ConvNetTensor

/// Decodes `.npy` files.
struct NumPyArray {
    private let header: NumPyHeader
    private let bytes: [UInt8]
    private let file: String

    /// The array of a file.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - file: its name, for errors.
    static func decode(_ bytes: [UInt8], file: String) throws(FileError) -> Tensor {
        let header = try NumPyHeader(bytes, file: file)
        return try NumPyArray(header: header, bytes: bytes, file: file).tensor()
    }

    private func tensor() throws(FileError) -> Tensor {
        switch header.type {
        case "f2": try tensor(UInt16.self) { Float(Float16(bitPattern: $0)) }
        case "f4": try tensor(UInt32.self) { Float(bitPattern: $0) }
        case "f8": try tensor(UInt64.self) { Double(bitPattern: $0) }
        case "b1": try tensor(UInt8.self) { $0 == 0 ? Float(0) : 1 }
        case "i1": try tensor(UInt8.self) { Float(Int8(bitPattern: $0)) }
        case "u1": try tensor(UInt8.self) { Float($0) }
        case "i2": try tensor(UInt16.self) { Float(Int16(bitPattern: $0)) }
        case "u2": try tensor(UInt16.self) { Float($0) }
        case "i4": try tensor(UInt32.self) { Double(Int32(bitPattern: $0)) }
        case "u4": try tensor(UInt32.self) { Double($0) }
        case "i8": try tensor(UInt64.self) { Double(exactly: Int64(bitPattern: $0)) }
        case "u8": try tensor(UInt64.self) { Double(exactly: $0) }
        default:
            throw fail(
                "type \(header.type)",
                expected: "f2, f4, f8, b1, or integers of 1, 2, 4 or 8 bytes")
        }
    }

    /// The tensor of numbers that are stored as `Stored`; `value` is nil for one that the tensor
    /// can't hold exactly.
    private func tensor<Stored: FixedWidthInteger & UnsignedInteger, Value: TensorScalar>(
        _ stored: Stored.Type, value: (Stored) -> Value?
    ) throws(FileError) -> Tensor {
        let size = MemoryLayout<Stored>.size
        let count: Int
        do throws(TensorError) {
            count = try Shape.elementCount(header.shape, operation: file)
        } catch {
            throw fail("shape \(header.shape)", expected: error.expected)
        }
        let given = bytes.count - header.byteCount
        guard given == count * size else {
            throw fail(
                "\(given) bytes of data",
                expected: "\(count * size) for shape \(header.shape) of \(header.type)")
        }
        var place = Int?.none
        do throws(TensorError) {
            var tensor = try Tensor(
                uninitialized: header.shape, scalarType: Value.scalarType, operation: file)
            tensor.withUnsafeMutableScalars(of: Value.self) { numbers in
                place = fill(numbers, stored, value)
            }
            if place == nil { return tensor }
        } catch {
            throw fail("shape \(header.shape)", expected: error.expected)
        }
        throw fail(
            "a number beyond 53 bits at place \(place ?? 0)", expected: "ones that float64 holds")
    }

    /// Fills in the numbers in row-major order.
    ///
    /// - Returns: the place of a number that the tensor can't hold.
    private func fill<Stored: FixedWidthInteger & UnsignedInteger, Value: TensorScalar>(
        _ numbers: UnsafeMutableBufferPointer<Value>, _ stored: Stored.Type,
        _ value: (Stored) -> Value?
    ) -> Int? {
        bytes.withUnsafeBytes { bytes in
            let data = UnsafeRawBufferPointer(rebasing: bytes[header.byteCount...])
            var walk = SourceOrder(header.shape, isFortranOrder: header.isFortranOrder)
            for place in numbers.indices {
                let raw = data.loadUnaligned(
                    fromByteOffset: walk.index * MemoryLayout<Stored>.size, as: Stored.self)
                let number = value(header.isBigEndian ? raw.bigEndian : raw.littleEndian)
                guard let number else { return place }
                numbers[place] = number
                walk.advance()
            }
            return nil
        }
    }

    private func fail(_ problem: String, expected: String) -> FileError {
        FileError(file: file, problem: problem, expected: expected)
    }
}

/// Where the numbers of an array lie that are visited in row-major order.
private struct SourceOrder {
    /// The place of the number that is visited now.
    private(set) var index = 0
    private let shape: [Int]
    private let strides: [Int]
    private var position: [Int]
    private let isContiguous: Bool

    init(_ shape: [Int], isFortranOrder: Bool) {
        self.shape = shape
        isContiguous = !isFortranOrder
        var (strides, stride) = ([Int](), 1)
        for extent in shape {
            strides.append(stride)
            stride *= extent
        }
        self.strides = strides
        position = shape.map { _ in 0 }
    }

    mutating func advance() {
        if isContiguous {
            index += 1
            return
        }
        for axis in shape.indices.reversed() {
            position[axis] += 1
            index += strides[axis]
            if position[axis] < shape[axis] { return }
            index -= strides[axis] * shape[axis]
            position[axis] = 0
        }
    }
}
