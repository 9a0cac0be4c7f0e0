// SPDX-License-Identifier: MIT
//
// Bytes in order, from a plain file or out of gzip, so that the IDX decoder is written once.

import ConvNetSupport

/// Something that gives bytes in order.
protocol ByteReader {
    /// The next bytes: `count` of them, fewer only where the data ends.
    ///
    /// Memory is taken for what can be there, however large `count` is.
    mutating func read(_ count: Int) throws(FileError) -> [UInt8]
}

/// The bytes of an array.
struct PlainReader: ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read(_ count: Int) -> [UInt8] {
        let end = position + min(count, bytes.count - position)
        defer { position = end }
        return Array(bytes[position..<end])
    }
}
