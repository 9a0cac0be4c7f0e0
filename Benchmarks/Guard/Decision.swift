// SPDX-License-Identifier: MIT
//
// Which cases became slower. A case is suspected on the samples of a first round and called a
// regression only where a second round and a third, each with samples of its own, say so too, held
// to an error rate for all suspects together: of seventy cases three or four are suspected in every
// run by chance alone.

/// What is known of one case's speed, then and now. Costs are times, in units of what the machine
/// could do at best when each was taken: larger is slower.
struct Comparison: Sendable {
    let name: String
    /// Costs of the baseline.
    let baseline: [Double]
    /// Costs now.
    let current: [Double]
    /// Costs of the last round in which it was measured again; empty where the first
    /// raised no suspicion.
    var repeated: [Double] = []
    /// How likely costs such as these are if the case is slower by the tolerance at most.
    var probability = 1.0
    /// The same of the last round.
    var repeatedProbability = 1.0
    /// Whether the case is slower, beyond tolerance and chance.
    var isRegression = false
    /// Whether the case seems faster by more than the tolerance. That is not measured again.
    var isImprovement = false

    /// The cost now, the baseline's being 1: of the last round in which it was measured.
    var ratio: Double {
        Self.median(repeated.isEmpty ? current : repeated) / Self.median(baseline)
    }

    /// The middle number, or the mean of the two in the middle.
    static func median(_ numbers: [Double]) -> Double {
        guard !numbers.isEmpty else { return .nan }
        let sorted = numbers.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// How comparisons are decided.
struct Decision: Sendable {
    /// How often a suspect is measured again, as long as it looks slower.
    static let repetitions = 2

    /// Cases that are slower by less than this share count as equal.
    var tolerance = 0.05
    /// A case is measured again below this probability.
    var suspicion = 0.05
    /// How likely one unchanged case or more, of all suspects, is called a regression.
    var errorRate = 0.01

    /// The comparisons with their first probability.
    func judged(_ comparisons: [Comparison]) -> [Comparison] {
        comparisons.map {
            var comparison = $0
            comparison.probability = probability(of: $0.current, against: $0.baseline)
            comparison.isImprovement =
                probability(of: $0.baseline, against: $0.current) < errorRate
            return comparison
        }
    }

    /// Whether a case is to be measured again.
    func isSuspect(_ comparison: Comparison) -> Bool { comparison.probability < suspicion }

    /// The comparisons with the verdict of another round; those that it leaves out keep theirs.
    ///
    /// - Parameter repeated: costs of each suspect, measured anew.
    func judged(_ comparisons: [Comparison], repeated: [String: [Double]]) -> [Comparison] {
        var comparisons = comparisons
        let suspects = comparisons.indices.filter { repeated[comparisons[$0].name] != nil }
        for index in suspects {
            comparisons[index].repeated = repeated[comparisons[index].name] ?? []
            comparisons[index].repeatedProbability = probability(
                of: comparisons[index].repeated, against: comparisons[index].baseline)
        }
        let rejected = Self.rejections(
            suspects.map { comparisons[$0].repeatedProbability }, errorRate: errorRate)
        for (index, isRejected) in zip(suspects, rejected) {
            comparisons[index].isRegression = isRejected
        }
        return comparisons
    }

    /// How likely these costs are if the case is slower by the tolerance at most.
    private func probability(of costs: [Double], against baseline: [Double]) -> Double {
        RankTest.probability(costs, areNotAbove: baseline.map { $0 * (1 + tolerance) })
    }

    /// Which of several hypotheses are rejected if one false rejection or more is to be as rare as
    /// the error rate (Holm, "A simple sequentially rejective multiple test procedure", 1979).
    static func rejections(_ probabilities: [Double], errorRate: Double) -> [Bool] {
        var isRejected = [Bool](repeating: false, count: probabilities.count)
        let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
        for (place, index) in order.enumerated() {
            guard probabilities[index] <= errorRate / Double(order.count - place) else { break }
            isRejected[index] = true
        }
        return isRejected
    }
}
