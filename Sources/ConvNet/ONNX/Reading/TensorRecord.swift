// SPDX-License-Identifier: MIT
//
// A tensor of an ONNX file (TensorProto): its type and shape, and where its numbers lie. They are
// read when they are asked for.

import ConvNetSupport

/// The types of numbers of ONNX (TensorProto.DataType).
enum ONNXType: Int, Sendable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64
    case string
    case bool
    case float16
    case double
    case uint32, uint64
    case complex64, complex128
    case bfloat16

    /// What ONNX calls it.
    var name: String { "\(self)".uppercased() }

    var isFloatingPoint: Bool {
        [.float, .float16, .double, .bfloat16].contains(self)
    }

    /// Whether it is a type of whole numbers or of truth values that is read here.
    var isInteger: Bool {
        [.uint8, .int8, .uint16, .int16, .int32, .int64, .bool, .uint32, .uint64].contains(self)
    }

    /// The bytes of one number; 0 for a type that is not read.
    var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .float, .int32, .uint32: 4
        case .double, .int64, .uint64: 8
        case .string, .complex64, .complex128: 0
        }
    }

    /// The name of a type's number in a file.
    static func name(_ number: Int) -> String {
        ONNXType(rawValue: number)?.name ?? "\(number)"
    }
}

/// A tensor of a file.
struct TensorRecord {
    /// Where the numbers are.
    enum Place {
        /// None were found: right for a tensor without numbers.
        case none
        /// As bytes, the lowest first.
        case raw(Range<Int>)
        /// In another file of the model's folder.
        case external(location: String, offset: Int, length: Int?)
        /// In rows of a type's own field: the packed ones, and those that stand singly.
        case typed(field: Int, packed: [Range<Int>], single: [UInt64])
    }

    var name = ""
    /// The number of the type.
    private(set) var typeNumber = 0
    private(set) var shape: [Int] = []
    private(set) var place = Place.none
    let source: ByteSource

    /// The most axes of a tensor.
    static let mostAxes = 64

    /// The type; nil where it is none that is known.
    var type: ONNXType? { ONNXType(rawValue: typeNumber) }

    /// TensorProto
    init(_ reader: ProtobufReader) throws {
        var reader = reader
        source = reader.source
        var external: [String: String] = [:]
        var isExternal = false
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .varint): try append(extent: value.integer ?? -1)
            case (1, .bytes(let range)):
                var numbers = ProtobufReader(source, range)
                while !numbers.isAtEnd {
                    try append(extent: Int(truncatingIfNeeded: try numbers.varint()))
                }
            case (2, .varint): typeNumber = value.integer ?? 0
            case (8, .bytes(let range)): name = try source.text(range)
            case (9, .bytes(let range)): place = .raw(range)
            case (13, .bytes(let range)):
                let (key, value) = try Self.entry(ProtobufReader(source, range))
                external[key] = value
            case (14, .varint): isExternal = value.integer == 1
            case (4, _), (5, _), (7, _), (10, _), (11, _): append(number, value)
            default: break
            }
        }
        if isExternal { place = try externalPlace(external) }
    }

    private mutating func append(extent: Int) throws {
        guard (0...Shape.largestExtent).contains(extent), shape.count < Self.mostAxes else {
            throw FileError(
                file: source.name, problem: "a tensor has extent \(extent)",
                expected: "up to \(Self.mostAxes) axes from 0 to \(Shape.largestExtent)")
        }
        shape.append(extent)
    }

    /// Notes numbers of a field for a type.
    private mutating func append(_ number: Int, _ value: ProtobufReader.Value) {
        var (packed, single) = ([Range<Int>](), [UInt64]())
        if case .typed(number, let ranges, let numbers) = place {
            (packed, single) = (ranges, numbers)
            // Taken out, so that the arrays below are appended to in place.
            place = .none
        }
        switch value {
        case .bytes(let range): packed.append(range)
        case .varint(let bits), .bits64(let bits): single.append(bits)
        case .bits32(let bits): single.append(UInt64(bits))
        }
        place = .typed(field: number, packed: packed, single: single)
    }

    /// StringStringEntryProto
    private static func entry(_ reader: ProtobufReader) throws -> (key: String, value: String) {
        var (reader, key, text) = (reader, "", "")
        while let (number, value) = try reader.next() {
            guard let range = value.range else { continue }
            if number == 1 { key = try reader.source.text(range) }
            if number == 2 { text = try reader.source.text(range) }
        }
        return (key, text)
    }

    private func externalPlace(_ entries: [String: String]) throws -> Place {
        func number(_ key: String) throws -> Int? {
            guard let text = entries[key] else { return nil }
            guard let number = Int(text), number >= 0 else {
                throw FileError(
                    file: source.name, problem: "\(name) has \(key) \(text)",
                    expected: "a number of bytes")
            }
            return number
        }
        guard let location = entries["location"] else {
            throw FileError(
                file: source.name, problem: "\(name) lies in a file without a name",
                expected: "a location")
        }
        return .external(
            location: location, offset: try number("offset") ?? 0, length: try number("length"))
    }

    /// How many numbers there are.
    ///
    /// - Throws: ``FileError`` when they are more than memory can hold.
    func count() throws(FileError) -> Int {
        var count = 1
        for extent in shape {
            let product = count.multipliedReportingOverflow(by: max(extent, 1))
            guard !product.overflow, product.partialValue <= Int.max / 16 else {
                throw FileError(
                    file: source.name, problem: "\(name) has shape \(shape)",
                    expected: "a size that fits in memory")
            }
            count = product.partialValue
        }
        return shape.contains(0) ? 0 : count
    }
}
