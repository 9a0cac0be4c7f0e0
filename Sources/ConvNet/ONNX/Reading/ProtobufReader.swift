// SPDX-License-Identifier: MIT
//
// Reading Protocol Buffers' wire format, field by field and without recursion: what nests is a
// range of bytes that the caller opens or leaves. https://protobuf.dev/programming-guides/encoding

import ConvNetSupport

/// Goes through the fields of one message.
struct ProtobufReader {
    /// What a field holds.
    enum Value {
        case varint(UInt64)
        case bits64(UInt64)
        case bits32(UInt32)
        /// Where a text, a message or numbers in a row lie.
        case bytes(Range<Int>)
    }

    let source: ByteSource
    private var place: Int
    private let end: Int

    /// The fields of all bytes, or of those in a range.
    init(_ source: ByteSource, _ range: Range<Int>? = nil) {
        self.source = source
        place = range?.lowerBound ?? 0
        end = range?.upperBound ?? source.count
    }

    /// The next field; nil behind the last.
    ///
    /// - Throws: ``FileError`` when the bytes are no message.
    mutating func next() throws(FileError) -> (number: Int, value: Value)? {
        guard place < end else { return nil }
        let start = place
        let key = try varint()
        let number = key >> 3
        guard (1...0x1FFF_FFFF).contains(number) else {
            throw fail("a field numbered \(number)", at: start)
        }
        switch key & 7 {
        case 0: return (Int(number), .varint(try varint()))
        case 1: return (Int(number), .bits64(try bits(8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - place) else {
                throw fail("a length of \(length) where \(end - place) bytes are left", at: start)
            }
            let range = place..<place + Int(length)
            place = range.upperBound
            return (Int(number), .bytes(range))
        case 5: return (Int(number), .bits32(UInt32(truncatingIfNeeded: try bits(4))))
        case let type: throw fail("a field of type \(type)", at: start)
        }
    }

    /// Whether all bytes were read.
    var isAtEnd: Bool { place >= end }

    /// A number in seven bits per byte, the lowest first.
    mutating func varint() throws(FileError) -> UInt64 {
        let start = place
        var (value, shift) = (UInt64(0), UInt64(0))
        while shift < 70 {
            guard place < end else { throw fail("a number that is cut off", at: start) }
            let byte = try source.byte(at: place)
            place += 1
            // Of the tenth byte one bit has room: what is beyond is dropped, as others do.
            if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw fail("a number of more than ten bytes", at: start)
    }

    /// So many bytes, the lowest first.
    mutating func bits(_ count: Int) throws(FileError) -> UInt64 {
        guard end - place >= count else { throw fail("a number that is cut off", at: place) }
        var value: UInt64 = 0
        for index in 0..<count {
            value |= UInt64(try source.byte(at: place + index)) << UInt64(8 * index)
        }
        place += count
        return value
    }

    private func fail(_ problem: String, at place: Int) -> FileError {
        FileError(
            file: source.name, problem: "\(problem) at byte \(place)",
            expected: "an ONNX file (Protocol Buffers)")
    }
}

extension ProtobufReader.Value {
    /// The number of an integer field; nil where the field is none.
    var integer: Int? {
        guard case .varint(let value) = self else { return nil }
        return Int(truncatingIfNeeded: value)
    }

    /// Where a text or a message lies; nil where the field is none.
    var range: Range<Int>? {
        guard case .bytes(let range) = self else { return nil }
        return range
    }
}
