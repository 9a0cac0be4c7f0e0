// SPDX-License-Identifier: MIT
//
// How long some work takes, in units of a matrix product that is timed beside it: a slower machine,
// or one that is busy, slows both. A file keeps the figures of a good day; the question whether
// today's are larger is one for statistics, since two runs never agree.

import ConvNetKernels
import Foundation

/// Times of some work, each divided by that of a matrix product at the same moment.
public struct SpeedSamples: Codable, Sendable {
    /// A ratio for each time that the work was timed.
    public let ratios: [Double]

    /// Samples that are there already.
    public init(ratios: [Double]) { self.ratios = ratios }

    /// Times the work and the product in turn.
    ///
    /// - Parameters:
    ///   - count: how many samples.
    ///   - kernels: what runs the product; those that the work runs on.
    ///   - work: what is timed; called as often as 5 milliseconds need, and three times
    ///     that per sample.
    public init(
        count: Int = 40, on kernels: NativeKernels = NativeKernels(), of work: () throws -> Void
    ) throws {
        let size = 256
        let matrix = try MatrixView(
            Tensor(shape: [size, size], scalars: Array(repeating: 0.5, count: size * size)))
        let product = { _ = try kernels.gemm(matrix, matrix) }
        let repeats = (work: try Self.repeats(of: work), product: try Self.repeats(of: product))
        ratios = try (0..<count).map { _ in
            // The best of three: what interrupts one of them says nothing about the work.
            var best = (work: Double.infinity, product: Double.infinity)
            for _ in 0..<3 {
                best.product = min(
                    best.product, try Self.seconds(of: product, repeats: repeats.product))
                best.work = min(best.work, try Self.seconds(of: work, repeats: repeats.work))
            }
            return best.work / best.product
        }
    }

    /// The seconds that one call takes.
    private static func seconds(of work: () throws -> Void, repeats: Int) rethrows -> Double {
        let start = ContinuousClock.now
        for _ in 0..<repeats { try work() }
        return (ContinuousClock.now - start) / .seconds(1) / Double(repeats)
    }

    /// How many calls take 5 milliseconds, in which a clock is sure and an interruption is seldom.
    private static func repeats(of work: () throws -> Void) throws -> Int {
        try work()  // The first call finds cold caches and unmade threads.
        let fastest = try (0..<3).map { _ in try seconds(of: work, repeats: 1) }.min() ?? 0
        return max(1, Int(0.005 / max(fastest, 1e-7)))
    }

    /// The middle one of the ratios.
    public var median: Double {
        let sorted = ratios.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    /// How likely samples as large as these were if the work were no slower than `earlier` by more
    /// than the tolerance: the one-sided p of Mann and Whitney's test, by its normal approximation,
    /// which suits 10 samples and more. No shape of the noise is supposed.
    ///
    /// - Parameters:
    ///   - earlier: what was measured before.
    ///   - tolerance: how much slower is not worth a word: 0.1 for a tenth.
    public func chanceOfBeingNoSlower(
        than earlier: SpeedSamples, tolerance: Double
    ) -> Double {
        let limits = earlier.ratios.map { $0 * (1 + tolerance) }
        // U counts the pairs in which today's is the larger, half of those that are equal.
        var pairs = 0.0
        for ratio in ratios {
            for limit in limits { pairs += ratio > limit ? 1 : ratio == limit ? 0.5 : 0 }
        }
        let (today, before) = (Double(ratios.count), Double(limits.count))
        let deviation = (today * before * (today + before + 1) / 12).squareRoot()
        return 0.5 * erfc((pairs - today * before / 2 - 0.5) / deviation / 2.0.squareRoot())
    }
}

extension SpeedSamples {
    /// The samples of a file; nil where there is none.
    public init?(contentsOf file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        self = try JSONDecoder().decode(SpeedSamples.self, from: Data(contentsOf: file))
    }

    /// Writes a file that ``init(contentsOf:)`` reads.
    public func write(to file: URL) throws {
        try JSONEncoder().encode(self).write(to: file, options: .atomic)
    }
}
