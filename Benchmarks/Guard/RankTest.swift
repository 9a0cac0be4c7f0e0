// SPDX-License-Identifier: MIT
//
// The test of Mann and Whitney: are the numbers of one sample larger than those of another? It
// looks at nothing but their order, so neither a shape of the noise is assumed nor do outliers
// count for more than their place. (Mann and Whitney, "On a test of whether one of two random
// variables is stochastically larger than the other", 1947.)

import Foundation

enum RankTest {
    /// Pooled samples up to this size are counted out exactly, ties included; from here on, the
    /// normal approximation is off by less than anybody decides on.
    static let exactLimit = 60

    /// How likely values at least as large as these, by their ranks, would come up if both samples
    /// were of one distribution.
    ///
    /// - Returns: from 0 to 1; 1 where one of the samples is empty.
    static func probability(_ values: [Double], areNotAbove others: [Double]) -> Double {
        guard !values.isEmpty, !others.isEmpty else { return 1 }
        return values.count + others.count <= exactLimit
            ? exactProbability(values, others) : approximateProbability(values, others)
    }

    /// The share of all ways to choose so many of the pooled ranks whose sum is at least that of
    /// the values'. Ranks are doubled, as a tie's is the mean of its places.
    static func exactProbability(_ values: [Double], _ others: [Double]) -> Double {
        let ranks = doubledRanks(values + others)
        let total = ranks.reduce(0, +)
        let observed = ranks.prefix(values.count).reduce(0, +)
        // The values' sum is as large as that where the others' is as small as the rest: the fewer
        // of both are chosen.
        let chosen = min(values.count, others.count)
        let counts = waysToChoose(chosen, of: ranks, total: total)
        let extreme =
            chosen == values.count ? counts[observed...] : counts[...(total - observed)]
        return min(extreme.reduce(0, +) / counts.reduce(0, +), 1)
    }

    /// In how many ways so many of the ranks have each sum. Double holds the largest number, of 30
    /// out of 60, to 15 digits.
    private static func waysToChoose(_ count: Int, of ranks: [Int], total: Int) -> [Double] {
        // Row by row: so many chosen, and each sum.
        let width = total + 1
        var ways = [Double](repeating: 0, count: (count + 1) * width)
        ways[0] = 1
        var reached = 0
        for rank in ranks {
            reached += rank
            for chosen in stride(from: count, through: 1, by: -1) {
                let (row, before) = (chosen * width, (chosen - 1) * width - rank)
                for sum in rank...reached { ways[row + sum] += ways[before + sum] }
            }
        }
        return Array(ways[(count * width)...])
    }

    /// The same by a normal distribution, with the corrections for continuity and for ties.
    static func approximateProbability(_ values: [Double], _ others: [Double]) -> Double {
        let (n, m) = (Double(values.count), Double(others.count))
        let pooled = values + others
        let rankSum = Double(doubledRanks(pooled).prefix(values.count).reduce(0, +)) / 2
        let statistic = rankSum - n * (n + 1) / 2
        var ties = 0.0
        for equal in Dictionary(grouping: pooled, by: { $0 }).values {
            let count = Double(equal.count)
            ties += count * count * count - count
        }
        let total = n + m
        let variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
        guard variance > 0 else { return 1 }
        let deviation = (statistic - n * m / 2 - 0.5) / variance.squareRoot()
        return erfc(deviation / 2.0.squareRoot()) / 2
    }

    /// Twice each number's place in ascending order, from 1 on; equal numbers share their places.
    private static func doubledRanks(_ numbers: [Double]) -> [Int] {
        let order = numbers.indices.sorted { numbers[$0] < numbers[$1] }
        var ranks = [Int](repeating: 0, count: numbers.count)
        var begin = 0
        while begin < order.count {
            var end = begin + 1
            while end < order.count, numbers[order[end]] == numbers[order[begin]] { end += 1 }
            for place in order[begin..<end] { ranks[place] = begin + 1 + end }
            begin = end
        }
        return ranks
    }
}
