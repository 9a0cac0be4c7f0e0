// SPDX-License-Identifier: MIT
//
// The generator against the known answers that its authors publish (Random123, philox4x32-10), and
// the shape of what is drawn with it.

import ConvNetTensor
import Testing

@Suite struct PhiloxTests {
    @Test func knownAnswers() {
        #expect(
            Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            Philox.block(counter: SIMD4(ones, ones, ones, ones), key: SIMD2(ones, ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func seedsAndStreamsDiffer() {
        func draw(_ seed: UInt64, _ stream: UInt64) -> [UInt64] {
            var generator = Philox(seed: seed, stream: stream)
            return (0..<4).map { _ in generator.next() }
        }
        #expect(draw(1, 0) == draw(1, 0))
        #expect(draw(1, 0) != draw(2, 0))
        #expect(draw(1, 0) != draw(1, 1))
        #expect(draw(1, 0) != draw(1 << 32, 0))
    }

    /// Means of 100,000 draws lie within five standard errors.
    @Test func drawnNumbersHaveTheirDistribution() throws {
        var generator = Philox(seed: 5)
        let count = 100_000.0
        let normal = try Tensor(normal: [100_000], standardDeviation: 2, using: &generator).doubles
        #expect(abs(normal.reduce(0, +) / count) <= 5 * 2 / count.squareRoot())
        let variance = normal.reduce(0) { $0 + $1 * $1 } / count
        #expect(abs(variance - 4) <= 5 * 4 * (2 / count).squareRoot())
        let uniform = try Tensor(uniform: [100_000], in: -1...3, using: &generator).doubles
        #expect(uniform.allSatisfy { $0 >= -1 && $0 <= 3 })
        #expect(abs(uniform.reduce(0, +) / count - 1) <= 5 * 4 / (12 * count).squareRoot())
    }

    @Test func impossibleDistributionsAreRefused() {
        var generator = Philox(seed: 0)
        for deviation in [-1, .nan, .infinity] {
            #expect(throws: TensorError.self) {
                try Tensor(normal: [2], standardDeviation: deviation, using: &generator)
            }
        }
        #expect(throws: TensorError.self) {
            try Tensor(uniform: [2], in: 0...(.infinity), using: &generator)
        }
    }
}
