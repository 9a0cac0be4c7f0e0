// SPDX-License-Identifier: MIT
//
// The guard: holds a run against a saved one, measures suspects again, and reports what
// became slower.

import ConvNet
import ConvNetOptions
import Foundation

/// How a run compares with its baseline.
struct GuardReport {
    let comparisons: [Comparison]
    let tolerance: Double
    /// Cases that were measured and that the baseline lacks, or has with other work.
    let unknown: [String]

    /// The cases that became slower.
    var regressions: [Comparison] { comparisons.filter(\.isRegression) }

    /// One line for each case that became slower or may be faster, and one on all of them.
    var text: String {
        let slower = regressions.map {
            "REGRESSED  \($0.name): \(Self.change($0.ratio)), "
                + "cost \(Self.cost($0.baseline)) before, \(Self.cost($0.repeated)) now "
                + "(p = \(Self.format("%.1e", $0.repeatedProbability)))"
        }
        let faster = comparisons.filter(\.isImprovement).map {
            "faster     \($0.name): \(Self.change($0.ratio))"
        }
        let acquitted = comparisons.count { !$0.repeated.isEmpty && !$0.isRegression }
        var lines = slower + faster
        if !unknown.isEmpty {
            lines.append(
                "not in the baseline, or with other work: " + unknown.joined(separator: ", "))
        }
        let again =
            acquitted == 0 ? "" : ", \(acquitted) suspected and acquitted when measured again"
        lines.append(
            "\(regressions.count) of \(comparisons.count) cases regressed: slower by more than "
                + "\(Self.format("%g", tolerance * 100)) %, relative to the machine's best in the "
                + "same run\(again)")
        return lines.joined(separator: "\n")
    }

    private static func change(_ ratio: Double) -> String {
        format("%.1f", abs(ratio - 1) * 100) + (ratio > 1 ? " % slower" : " % faster")
    }

    private static func cost(_ costs: [Double]) -> String {
        format("%.3f", Comparison.median(costs))
    }

    private static func format(_ format: String, _ number: Double) -> String {
        String(format: format, number)
    }
}

struct Guard {
    /// Seconds until what looks slower twice is measured a third time: others' work, which takes
    /// caches and memory from it, comes in spells.
    var pause = 5.0

    let baseline: Baseline
    let decision: Decision

    /// Reads the baseline and finds out whether this run can be compared with it.
    ///
    /// - Throws: ``UsageError`` where it can't.
    init(
        path: String, tolerance: Double?, setting: Baseline.Setting, cases: [BenchmarkCase]
    ) throws(UsageError) {
        baseline = try Baseline.read(from: path)
        try baseline.checkComparable(to: setting, path: path)
        decision = Decision(tolerance: tolerance ?? Decision().tolerance)
        let baseline = baseline
        guard cases.contains(where: { baseline.costs(of: $0) != nil }) else {
            throw UsageError("--baseline is \(path), which has none of the cases to measure")
        }
    }

    /// Compares results, and measures those again that look slower.
    ///
    /// - Parameter remeasure: measures some cases anew.
    func report(
        on results: [Result], of cases: [BenchmarkCase],
        remeasure: ([BenchmarkCase]) throws -> [Result]
    ) throws -> GuardReport {
        var unknown: [String] = []
        var comparisons: [Comparison] = []
        for (result, benchmark) in zip(results, cases) {
            if let costs = baseline.costs(of: benchmark) {
                comparisons.append(
                    Comparison(name: result.name, baseline: costs, current: result.costs))
            } else {
                unknown.append(result.name)
            }
        }
        comparisons = decision.judged(comparisons)
        var suspects = Set(comparisons.filter(decision.isSuspect).map(\.name))
        for round in 0..<Decision.repetitions where !suspects.isEmpty {
            if round > 0 { Thread.sleep(forTimeInterval: pause) }
            let again = try remeasure(cases.filter { suspects.contains($0.name) })
            let costs = Dictionary(again.map { ($0.name, $0.costs) }) { first, _ in first }
            comparisons = decision.judged(comparisons, repeated: costs)
            suspects = Set(comparisons.filter(\.isRegression).map(\.name))
        }
        return GuardReport(
            comparisons: comparisons, tolerance: decision.tolerance, unknown: unknown)
    }
}

extension Baseline {
    /// What a case cost; nil where it isn't in the file, or was another one then.
    func costs(of benchmark: BenchmarkCase) -> [Double]? {
        cases.first {
            $0.name == benchmark.name && $0.operations == benchmark.work.operationCount
                && $0.bytes == benchmark.work.byteCount
        }?.costs
    }

    /// The file that a run leaves.
    init(_ setting: Setting, _ results: [Result]) {
        self.init(
            setting,
            cases: results.map {
                Case(
                    name: $0.name, operations: $0.work.operationCount, bytes: $0.work.byteCount,
                    costs: $0.costs)
            })
    }
}

extension Baseline.Setting {
    /// What this run has.
    init(_ kernels: NativeKernels, quick: Bool) {
        #if DEBUG
            let configuration = "debug"
        #else
            let configuration = "release"
        #endif
        self.init(
            cpu: ProcessorName.current, isa: kernels.instructionSet.rawValue,
            threads: kernels.threads, quick: quick, configuration: configuration)
    }
}
