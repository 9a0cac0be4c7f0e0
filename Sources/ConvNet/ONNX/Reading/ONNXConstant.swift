// SPDX-License-Identifier: MIT
//
// The numbers of a tensor that is known when a model is loaded: weights, and the whole numbers
// that steer shapes.

import ConvNetSupport
import Foundation

/// A tensor whose numbers are known. Whole numbers keep their type: shapes are computed with them.
struct ONNXConstant: Sendable {
    /// The numbers.
    enum Numbers: Sendable {
        /// Floating-point numbers, at least one.
        case floats(Tensor)
        /// Whole numbers; truth values are 0 and 1.
        case integers([Int])
        /// Floating-point numbers, none.
        case none
    }

    let shape: [Int]
    let type: ONNXType
    let numbers: Numbers

    /// The most whole numbers that a tensor may have.
    static let mostIntegers = 1 << 24

    /// Floating-point numbers.
    init(_ tensor: Tensor) {
        shape = tensor.shape
        type = .float
        numbers = .floats(tensor)
    }

    /// Whole numbers, as many as the shape has places.
    init(shape: [Int], type: ONNXType = .int64, integers: [Int]) {
        self.shape = shape
        self.type = type
        numbers = .integers(integers)
    }

    /// No floating-point number, of a shape with an empty axis.
    init(emptyOfShape shape: [Int]) {
        self.shape = shape
        type = .float
        numbers = .none
    }

    /// The whole numbers; nil where they are none.
    var integers: [Int]? {
        guard case .integers(let integers) = numbers else { return nil }
        return integers
    }

    /// The floating-point numbers; nil where there are none.
    var tensor: Tensor? {
        guard case .floats(let tensor) = numbers else { return nil }
        return tensor
    }

    /// The numbers as `Double`, whatever their type.
    var doubles: [Double] {
        switch numbers {
        case .floats(let tensor): tensor.doubles
        case .integers(let integers): integers.map(Double.init)
        case .none: []
        }
    }

    /// How many numbers there are.
    var count: Int {
        switch numbers {
        case .floats(let tensor): tensor.count
        case .integers(let integers): integers.count
        case .none: 0
        }
    }
}

extension TensorRecord {
    /// The numbers, floating-point ones as `float32`.
    ///
    /// - Parameter folder: where tensors may lie that are not in the file; nil for nowhere.
    /// - Throws: ``FileError`` when there are fewer or more of them than the shape has places,
    ///   their type is not read, or there is no memory for them.
    func constant(in folder: URL?) throws -> ONNXConstant {
        guard let type, type.byteCount > 0 else {
            throw fail("has type \(ONNXType.name(typeNumber))", expected: "numbers or truth values")
        }
        let count = try count()
        if case .external(let location, let offset, let length) = place {
            guard let folder else {
                throw fail("lies in \(location)", expected: "numbers in the model itself")
            }
            let file = try ExternalData.file(location, in: folder, model: source.name)
            let bytes = length ?? file.byteCount - offset
            let end = offset.addingReportingOverflow(bytes)
            guard bytes >= 0, !end.overflow, end.partialValue <= file.byteCount else {
                throw fail(
                    "takes \(bytes) bytes from \(offset) on of \(location)",
                    expected: "at most its \(file.byteCount)")
            }
            return try constant(
                type, count: count, raw: offset..<end.partialValue, of: ByteSource(file))
        }
        if case .raw(let range) = place {
            return try constant(type, count: count, raw: range, of: source)
        }
        return try type.isFloatingPoint
            ? floats(type, count: count) : integers(type, typed: count)
    }

    private func constant(
        _ type: ONNXType, count: Int, raw range: Range<Int>, of source: ByteSource
    ) throws -> ONNXConstant {
        guard range.count == count * type.byteCount else {
            throw fail(
                "has \(range.count) bytes",
                expected: "\(count * type.byteCount) for \(shape) of \(type.name)")
        }
        guard type.isInteger else {
            return try floats(type, count: count) { try source.fill($0, from: range.lowerBound) }
        }
        try checkIntegers(count)
        let bytes = try source.bytes(in: range)
        let size = type.byteCount
        let isSigned = [.int8, .int16, .int32, .int64].contains(type)
        let numbers = (0..<count).map { index in
            var bits: UInt64 = 0
            for byte in (0..<size).reversed() {
                bits = bits << 8 | UInt64(bytes[index * size + byte])
            }
            let shift = UInt64(64 - 8 * size)
            return isSigned
                ? Int(Int64(bitPattern: bits << shift) >> Int64(shift))
                : Int(truncatingIfNeeded: bits)
        }
        return ONNXConstant(
            shape: shape, type: type,
            integers: type == .bool ? numbers.map { $0 == 0 ? 0 : 1 } : numbers)
    }

    /// Floating-point numbers that `fill` writes as the file has them.
    private func floats(
        _ type: ONNXType, count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws -> ONNXConstant {
        guard count > 0 else { return ONNXConstant(emptyOfShape: shape) }
        let format: Safetensors.FloatType =
            switch type {
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .double: .float64
            default: .float32
            }
        do {
            let tensor = try format.tensor(shape, operation: "\(name)", fill: fill)
            return ONNXConstant(try tensor.converted(to: .float32))
        } catch let error as TensorError {
            throw FileError(file: source.name, problem: "\(error)")
        }
    }

    /// Floating-point numbers in a field of their type.
    private func floats(_ type: ONNXType, count: Int) throws -> ONNXConstant {
        let (field, packed, single) = try typedPlace(type == .double ? 10 : type == .float ? 4 : 5)
        let size = type.byteCount
        if field == 5 {
            let numbers = try integers(packed, single, count)
            return try floats(type, count: count) { buffer in
                for (index, number) in numbers.enumerated() {
                    buffer.storeBytes(
                        of: UInt16(truncatingIfNeeded: number).littleEndian,
                        toByteOffset: 2 * index, as: UInt16.self)
                }
            }
        }
        let bytes = packed.reduce(0) { $0 + $1.count }
        guard packed.isEmpty || single.isEmpty, bytes + single.count * size == count * size else {
            throw fail("has other than \(count) numbers", expected: "as many as \(shape)")
        }
        return try floats(type, count: count) { buffer in
            var place = 0
            for range in packed {
                let part = UnsafeMutableRawBufferPointer(
                    rebasing: buffer[place...].prefix(range.count))
                try source.fill(part, from: range.lowerBound)
                place += range.count
            }
            for (index, bits) in single.enumerated() {
                if size == 8 {
                    buffer.storeBytes(of: bits, toByteOffset: 8 * index, as: UInt64.self)
                } else {
                    buffer.storeBytes(
                        of: UInt32(truncatingIfNeeded: bits), toByteOffset: 4 * index,
                        as: UInt32.self)
                }
            }
        }
    }

    /// Whole numbers in a field of their type.
    private func integers(_ type: ONNXType, typed count: Int) throws -> ONNXConstant {
        let expected = type == .int64 ? 7 : [.uint32, .uint64].contains(type) ? 11 : 5
        let (_, packed, single) = try typedPlace(expected)
        let numbers = try integers(packed, single, count)
        return ONNXConstant(
            shape: shape, type: type,
            integers: type == .bool ? numbers.map { $0 == 0 ? 0 : 1 } : numbers)
    }

    private func integers(
        _ packed: [Range<Int>], _ single: [UInt64], _ count: Int
    ) throws -> [Int] {
        try checkIntegers(count)
        var numbers = single.map { Int(truncatingIfNeeded: $0) }
        for range in packed {
            var reader = ProtobufReader(source, range)
            while !reader.isAtEnd, numbers.count <= count {
                numbers.append(Int(truncatingIfNeeded: try reader.varint()))
            }
        }
        guard numbers.count == count else {
            throw fail("has other than \(count) numbers", expected: "as many as \(shape)")
        }
        return numbers
    }

    /// Where the numbers of a field are; none of them where the tensor has none.
    private func typedPlace(
        _ expected: Int
    ) throws -> (field: Int, packed: [Range<Int>], single: [UInt64]) {
        switch place {
        case .typed(expected, let packed, let single): return (expected, packed, single)
        case .none: return (expected, [], [])
        default: throw fail("has numbers of another type", expected: ONNXType.name(typeNumber))
        }
    }

    private func checkIntegers(_ count: Int) throws {
        guard count <= ONNXConstant.mostIntegers else {
            throw fail(
                "has \(count) whole numbers", expected: "at most \(ONNXConstant.mostIntegers)")
        }
    }

    private func fail(_ problem: String, expected: String) -> FileError {
        FileError(
            file: source.name,
            problem: "tensor \(name.isEmpty ? "without a name" : name) \(problem)",
            expected: expected)
    }
}

/// Files beside a model that hold its tensors.
private enum ExternalData {
    /// The largest one.
    private static let largestByteCount = 1 << 36

    /// A file of the model's folder. An untrusted model may name any path: only files in the folder
    /// itself are opened, also where links lead elsewhere.
    static func file(_ location: String, in folder: URL, model: String) throws -> RegularFile {
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        let refusal = FileError(
            file: model, problem: "names the file \(location.debugDescription)",
            expected: "one in the model's folder")
        guard !location.utf8.contains(0), !parts.contains(".."), !location.hasPrefix("/"),
            !location.isEmpty
        else { throw refusal }
        let root = folder.resolvingSymlinksInPath().standardizedFileURL.path
        let file = folder.appendingPathComponent(location).resolvingSymlinksInPath()
            .standardizedFileURL.path
        guard file.hasPrefix(root == "/" ? "/" : root + "/") else { throw refusal }
        return try RegularFile(file, limit: largestByteCount)
    }
}
