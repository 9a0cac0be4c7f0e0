// SPDX-License-Identifier: MIT
//
// CRC-32C: the cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4), byte
// by byte from a table.

/// The checksum of some bytes.
package enum CRC32C {
    /// The remainder of each byte, bits reversed.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in
            rest & 1 == 1 ? rest >> 1 ^ 0x82F6_3B78 : rest >> 1
        }
    }

    /// The checksum.
    package static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
