// SPDX-License-Identifier: MIT
//
// The decision between slower and not, on hundreds of simulated runs: how often it cries wolf, and
// how often it misses one.

import ConvNet
import Testing

@testable import Benchmarks

@Suite struct DecisionTests {
    /// Draws what a case costs on a machine with noise: a spread, and now and then a spell that
    /// takes up to twice as long.
    struct Machine {
        var generator: Philox
        var spread = 0.03
        var spells = 0.1

        mutating func costs(_ count: Int, slower: Double = 0) -> [Double] {
            (0..<count).map { _ in
                let usual = (1 + slower) * (1 + spread * generator.nextNormal().magnitude)
                let isSpell = generator.nextUniform() < spells
                return isSpell ? usual * (1 + generator.nextUniform()) : usual
            }
        }
    }

    /// A run over some cases, each this much slower than it was: what is called a regression.
    static func regressions(
        _ machine: inout Machine, slower: [Double],
        decision: Decision = Decision()
    ) -> [Bool] {
        var comparisons = slower.indices.map { index in
            Comparison(
                name: "\(index)", baseline: machine.costs(20),
                current: machine.costs(10, slower: slower[index]))
        }
        comparisons = decision.judged(comparisons)
        var suspects = comparisons.indices.filter { decision.isSuspect(comparisons[$0]) }
        for _ in 0..<Decision.repetitions {
            var repeated: [String: [Double]] = [:]
            for index in suspects {
                repeated[comparisons[index].name] = machine.costs(20, slower: slower[index])
            }
            comparisons = decision.judged(comparisons, repeated: repeated)
            suspects = comparisons.indices.filter { comparisons[$0].isRegression }
        }
        return comparisons.map(\.isRegression)
    }

    /// A hundred runs of seventy unchanged cases each. With the usual tolerance none fails; with
    /// none at all few do. (All rounds share the baseline, so that the rate is above that of
    /// independent ones: about one run in sixty.)
    @Test func unchangedCasesPass() {
        var machine = Machine(generator: Philox(seed: 1))
        let unchanged = [Double](repeating: 0, count: 70)
        var (strict, usual) = (0, 0)
        for _ in 0..<100 {
            if Self.regressions(&machine, slower: unchanged).contains(true) { usual += 1 }
            let decision = Decision(tolerance: 0)
            if Self.regressions(&machine, slower: unchanged, decision: decision).contains(true) {
                strict += 1
            }
        }
        #expect(usual == 0)
        #expect(strict <= 10)
    }

    /// Cases that are slower by just the tolerance are at its edge: hardly ever called slower.
    @Test func theToleranceIsTolerated() {
        var machine = Machine(generator: Philox(seed: 2))
        let atEdge = [Double](repeating: 0.05, count: 70)
        var wrong = 0
        for _ in 0..<70 {
            if Self.regressions(&machine, slower: atEdge).contains(true) { wrong += 1 }
        }
        #expect(wrong <= 7)
    }

    /// A case is slower by 15 %, another one is not, in four hundred runs.
    @Test(arguments: [(0.02, 0.1, 0.985), (0.03, 0.1, 0.985), (0.06, 0.2, 0.85)])
    func aSlowerCaseIsFound(_ spread: Double, _ spells: Double, _ power: Double) {
        var machine = Machine(generator: Philox(seed: 3), spread: spread, spells: spells)
        var (found, others) = (0, 0)
        for _ in 0..<400 {
            let regressions = Self.regressions(&machine, slower: [0, 0.15])
            found += regressions[1] ? 1 : 0
            others += regressions[0] ? 1 : 0
        }
        #expect(Double(found) >= power * 400, "\(found) of 400 with a spread of \(spread)")
        #expect(others <= 2)
    }

    /// A change that slows everything does not hide behind the correction for many cases.
    @Test func allSlowerCasesAreFound() {
        var machine = Machine(generator: Philox(seed: 4))
        let slower = [Double](repeating: 0.15, count: 70)
        for _ in 0..<20 {
            #expect(Self.regressions(&machine, slower: slower).count { $0 } >= 63)
        }
    }

    /// Of 0.01, 0.02, 0.03 and 0.5 at a rate of 0.05, Holm rejects the first alone: 0.0125 is its
    /// bound, 0.0167 the next one's.
    @Test func holmStopsAtTheFirstThatHolds() {
        #expect(
            Decision.rejections([0.5, 0.01, 0.03, 0.02], errorRate: 0.05) == [
                false, true, false, false,
            ])
        #expect(Decision.rejections([0.01, 0.02], errorRate: 0.05) == [true, true])
        #expect(Decision.rejections([], errorRate: 0.05) == [])
    }

    @Test func theMiddleIsTheMedian() {
        #expect(Comparison.median([3, 1, 2]) == 2)
        #expect(Comparison.median([4, 1, 2, 3]) == 2.5)
        #expect(Comparison.median([]).isNaN)
    }

    /// A quarter of the runs may be faster, rounded down; the wall clock has no say.
    @Test func theTypicalRunIsTheLowerQuartile() {
        func typical(_ seconds: [Double]) -> Double {
            Stopwatch.typical(of: seconds.map { TimedRun(seconds: $0, wall: 9) })
        }
        #expect(typical([5]) == 5)
        #expect(typical([5, 3, 4]) == 3)
        #expect(typical([8, 7, 6, 5, 4, 3, 2, 1]) == 2)
        #expect(typical([]) == .infinity)
    }
}
