// SPDX-License-Identifier: MIT
//
// A number that distinguishes data sets: 64 bits that every byte goes into. It guards against
// mistakes, not against people who mean to deceive.

/// A running 64-bit hash: for each word, `hash = (hash ^ word) · p`, with the high half folded in,
/// so that each bit of the word reaches all below and above it.
package struct ContentHash: Sendable {
    // Four chains that take turns: one alone would wait for its multiplication each word.
    private var chains = SIMD4<UInt64>(1, 2, 3, 4)
    private var count = 0

    /// A hash of nothing.
    package init() {}

    /// Takes a word in.
    package mutating func add(_ word: UInt64) {
        chains[count & 3] = Self.mixed(chains[count & 3], word)
        count += 1
    }

    /// Takes bytes in, and their number.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        let whole = bytes.count / 8 * 8
        for begin in stride(from: 0, to: whole, by: 8) {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: begin, as: UInt64.self)))
        }
        if whole < bytes.count {
            add(bytes[whole...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }

    /// The hash so far, as 16 hexadecimal digits.
    package var text: String {
        var hash = UInt64(count)
        for chain in [chains.x, chains.y, chains.z, chains.w] { hash = Self.mixed(hash, chain) }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return (product.high ^ product.low) &+ hash
    }
}
