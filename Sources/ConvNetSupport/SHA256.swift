// SPDX-License-Identifier: MIT
//
// SHA-256 as FIPS 180-4 defines it, for checking downloads: Foundation on Linux has none.

/// A running SHA-256 digest.
package struct SHA256 {
    private var state = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19)
    private var w = [UInt32](repeating: 0, count: 64)

    /// The digest of some bytes in hexadecimal.
    package static func hexadecimal(of bytes: UnsafeRawBufferPointer) -> String {
        var digest = SHA256()
        return digest.finish(bytes)
    }

    private mutating func finish(_ bytes: UnsafeRawBufferPointer) -> String {
        let whole = bytes.count / 64 * 64
        for begin in stride(from: 0, to: whole, by: 64) { compress(bytes, at: begin) }
        // The rest, a one and zeros, and the number of bits, in one block or two.
        var end = Array(bytes[whole...]) + [0x80]
        end += repeatElement(0, count: (end.count <= 56 ? 56 : 120) - end.count)
        let bits = UInt64(bytes.count) * 8
        end += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        end.withUnsafeBytes { end in
            for begin in stride(from: 0, to: end.count, by: 64) { compress(end, at: begin) }
        }
        return (0..<8).map { place in
            let digits = String(state[place], radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    /// One block of 64 bytes (FIPS 180-4, section 6.2.2).
    private mutating func compress(_ bytes: UnsafeRawBufferPointer, at begin: Int) {
        for t in 0..<16 {
            w[t] = UInt32(
                bigEndian: bytes.loadUnaligned(fromByteOffset: begin + 4 * t, as: UInt32.self))
        }
        for t in 16..<64 {
            let s0 = w[t - 15].rotated(7) ^ w[t - 15].rotated(18) ^ w[t - 15] >> 3
            let s1 = w[t - 2].rotated(17) ^ w[t - 2].rotated(19) ^ w[t - 2] >> 10
            w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
        }
        var v = state
        for t in 0..<64 {
            let s1 = v[4].rotated(6) ^ v[4].rotated(11) ^ v[4].rotated(25)
            let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
            let first = v[7] &+ s1 &+ choice &+ Self.constants[t] &+ w[t]
            let s0 = v[0].rotated(2) ^ v[0].rotated(13) ^ v[0].rotated(22)
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            v = SIMD8(
                first &+ s0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6])
        }
        state &+= v
    }

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
        0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
        0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
        0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
        0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
        0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
        0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
        0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
        0xc671_78f2,
    ]
}

extension UInt32 {
    fileprivate func rotated(_ count: UInt32) -> UInt32 { self >> count | self << (32 - count) }
}
