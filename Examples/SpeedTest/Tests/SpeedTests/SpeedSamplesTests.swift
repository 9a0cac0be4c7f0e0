// SPDX-License-Identifier: MIT
//
// The judgement on numbers whose answer is known.

import SpeedGuard
import Testing

struct SpeedSamplesTests {
    private let before = SpeedSamples(ratios: (0..<40).map { 1 + 0.01 * Double($0 % 8) })

    @Test func theSameNumbersAreNoSlower() {
        #expect(before.chanceOfBeingNoSlower(than: before, tolerance: 0) > 0.4)
    }

    @Test func aFifthMoreIsSlower() {
        let today = SpeedSamples(ratios: before.ratios.map { 1.2 * $0 })
        #expect(today.chanceOfBeingNoSlower(than: before, tolerance: 0.1) < 1e-6)
        #expect(today.chanceOfBeingNoSlower(than: before, tolerance: 0.3) > 0.99)
    }

    /// Three pairs of three by three: U is 9, its mean 4.5, its deviation √5.25, and with
    /// the correction for whole numbers z is 4 / 2.2913 = 1.7457; the normal distribution
    /// leaves 0.0404.
    @Test func theChanceIsThatOfTheTables() {
        let (low, high) = (SpeedSamples(ratios: [1, 2, 3]), SpeedSamples(ratios: [4, 5, 6]))
        #expect(abs(high.chanceOfBeingNoSlower(than: low, tolerance: 0) - 0.0404) < 1e-4)
    }

    @Test func severalSlowSamplesAreNoRegression() {
        let today = SpeedSamples(ratios: before.ratios.dropLast(6) + [9, 9, 9, 9, 9, 9])
        #expect(today.chanceOfBeingNoSlower(than: before, tolerance: 0.1) > 0.5)
    }
}
