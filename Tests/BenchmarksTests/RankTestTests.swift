// SPDX-License-Identifier: MIT
//
// The test of Mann and Whitney against counting by hand, and against SciPy
// (Tests/Fixtures/ranks.py).

import Foundation
import Testing

@testable import Benchmarks

@Suite struct RankTestTests {
    /// Of the 20 ways to choose three of six places, one puts all values last, two leave them a sum
    /// of at least 14, four of at least 13.
    @Test(arguments: counted) func smallSamplesAreCounted(_ sample: Counted) {
        let probability = RankTest.probability(sample.values, areNotAbove: sample.others)
        #expect(
            abs(probability - Double(sample.ways) / Double(sample.choices)) <= 1e-12,
            "\(sample): \(probability)")
    }

    struct Counted: Sendable {
        let values, others: [Double]
        let ways, choices: Int
    }

    static let counted = [
        Counted(values: [4, 5, 6], others: [1, 2, 3], ways: 1, choices: 20),
        Counted(values: [3, 5, 6], others: [1, 2, 4], ways: 2, choices: 20),
        Counted(values: [3, 4, 6], others: [1, 2, 5], ways: 4, choices: 20),
        Counted(values: [1, 2, 3], others: [4, 5, 6], ways: 20, choices: 20),
        Counted(values: [2, 3], others: [1], ways: 1, choices: 3),
        Counted(values: [1, 3], others: [2], ways: 2, choices: 3),
        // All equal: every choice is as large.
        Counted(values: [7, 7], others: [7, 7, 7], ways: 10, choices: 10),
        // Ranks 1, 2.5, 2.5, 4: of six sums, two are 6.5.
        Counted(values: [2, 3], others: [1, 2], ways: 2, choices: 6),
    ]

    @Test func emptySamplesSayNothing() {
        #expect(RankTest.probability([], areNotAbove: [1]) == 1)
        #expect(RankTest.probability([1], areNotAbove: []) == 1)
        #expect(RankTest.approximateProbability([3, 3, 3], [3, 3, 3]) == 1)
    }

    private struct Sample: Decodable {
        let x, y: [Double]
        let method: String
        let p: Double
    }

    @Test func sciPyAgrees() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/ranks.json")
        let samples = try JSONDecoder().decode([Sample].self, from: Data(contentsOf: file))
        #expect(samples.count == 15)
        for sample in samples {
            let probability =
                sample.method == "exact"
                ? RankTest.exactProbability(sample.x, sample.y)
                : RankTest.approximateProbability(sample.x, sample.y)
            // Some dozens of additions, or of roundings in the error function.
            #expect(
                abs(probability - sample.p) <= 1e-12 * max(sample.p, 1e-3),
                "\(sample): \(probability)")
        }
    }

    /// Where the approximation takes over, both say nearly the same.
    @Test func theApproximationIsNear() {
        let (x, y) = ((0..<30).map { Double($0 * 7 % 30) + 4.5 }, (0..<30).map { Double($0) })
        let exact = RankTest.exactProbability(x, y)
        #expect(abs(exact - RankTest.approximateProbability(x, y)) <= 0.001)
    }
}
