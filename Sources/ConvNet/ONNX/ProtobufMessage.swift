// SPDX-License-Identifier: MIT
//
// Protocol Buffers' wire format, as much of it as ONNX and TensorBoard need: a message is a row of
// fields, each a key (number and wire type) and a value.
// https://protobuf.dev/programming-guides/encoding
//
// Not a library: written once, never read back, and no generated code. Numbers of tensors are not
// copied before the whole message is written out.

import Foundation

/// A message that is being put together, field by field.
struct ProtobufMessage {
    private enum Piece {
        case bytes([UInt8])
        case numbers(Tensor)
    }

    private enum WireType: UInt64 {
        case varint = 0
        case bits64 = 1
        case lengthDelimited = 2
        case bits32 = 5
    }

    /// What readers take at most: the format counts in 31 bits.
    static let largestByteCount = Int(Int32.max)

    private var pieces: [Piece] = []
    /// The size of the message so far.
    private(set) var byteCount = 0

    /// Adds an integer, a truth value or an enumeration's number.
    mutating func add(_ field: Int, _ value: Int) {
        // Negative ones take ten bytes, in two's complement.
        append(Self.key(field, .varint) + Self.varint(UInt64(bitPattern: Int64(value))))
    }

    /// Adds a 32-bit number.
    mutating func add(_ field: Int, _ value: Float) {
        let bytes = withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        append(Self.key(field, .bits32) + bytes)
    }

    /// Adds a 64-bit number.
    mutating func add(_ field: Int, _ value: Double) {
        append(Self.key(field, .bits64) + Self.bytes(of: value))
    }

    /// Adds a row of 64-bit numbers, packed.
    mutating func add(_ field: Int, packed values: [Double]) {
        add(field, bytes: values.flatMap(Self.bytes))
    }

    /// Adds bytes.
    mutating func add(_ field: Int, bytes: [UInt8]) {
        append(Self.header(field, byteCount: bytes.count) + bytes)
    }

    /// Adds a text.
    mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

    /// Adds a message.
    mutating func add(_ field: Int, _ message: ProtobufMessage) {
        append(Self.header(field, byteCount: message.byteCount))
        for piece in message.pieces {
            switch piece {
            case .bytes(let bytes): append(bytes)
            case .numbers(let tensor): append(tensor)
            }
        }
    }

    /// Adds bytes: the numbers of a tensor, lowest byte first.
    mutating func add(_ field: Int, numbersOf tensor: Tensor) {
        append(Self.header(field, byteCount: tensor.count * tensor.scalarType.byteCount))
        append(tensor)
    }

    /// The bytes of the message.
    func encoded() -> Data {
        var data = Data(capacity: byteCount)
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): data.append(contentsOf: bytes)
            case .numbers(let tensor): tensor.append(to: &data)
            }
        }
        return data
    }

    private mutating func append(_ bytes: [UInt8]) {
        byteCount += bytes.count
        if case .bytes(var last)? = pieces.last {
            pieces.removeLast()
            last += bytes
            pieces.append(.bytes(last))
        } else {
            pieces.append(.bytes(bytes))
        }
    }

    private mutating func append(_ tensor: Tensor) {
        byteCount += tensor.count * tensor.scalarType.byteCount
        pieces.append(.numbers(tensor))
    }

    private static func bytes(of value: Double) -> [UInt8] {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }

    private static func header(_ field: Int, byteCount: Int) -> [UInt8] {
        key(field, .lengthDelimited) + varint(UInt64(byteCount))
    }

    private static func key(_ field: Int, _ type: WireType) -> [UInt8] {
        varint(UInt64(field) << 3 | type.rawValue)
    }

    /// Seven bits per byte, the lowest first; the highest bit says that more follow.
    private static func varint(_ value: UInt64) -> [UInt8] {
        var (bytes, rest) = ([UInt8](), value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        return bytes
    }
}
