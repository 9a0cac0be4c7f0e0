// SPDX-License-Identifier: MIT
//
// The report for programs. A key without a value is left out.

import Foundation

struct JSONReport: Encodable {
    struct MachineReport: Encodable {
        let cpu: String
        let isa: String
        let threads: Int
        let peak_gflops: Double
        let bandwidth_gbps: Double
    }

    struct ResultReport: Encodable {
        let name: String
        let ms: Double
        let median_ms: Double
        let reference_ms: Double?
        let speedup: Double?
        let gflops: Double?
        let gbps: Double?
        let percent_of_peak: Double
        let max_error: Double?
        let error_bound: Double?
        let passed: Bool?
        /// Milliseconds of other libraries.
        let peers: [String: Double]?
        /// How often the timed runs asked the system for a tensor's memory.
        let system_allocations: Int?
        /// The cost now, the baseline's being 1.
        let baseline_ratio: Double?
        let regressed: Bool?
    }

    let machine: MachineReport
    let passed: Bool
    /// True where the run was asked to end before all cases were measured; it has not passed then.
    let interrupted: Bool?
    /// Of the numbers that were checked; it depends on the cases and the instruction set only.
    let hash: String?
    let results: [ResultReport]

    init(
        _ results: [Result], _ machine: Machine, guarded: GuardReport? = nil,
        isInterrupted: Bool = false
    ) {
        self.machine = MachineReport(
            cpu: machine.processor, isa: machine.instructionSet, threads: machine.threads,
            peak_gflops: machine.peakOperations / 1e9, bandwidth_gbps: machine.bandwidth / 1e9)
        passed =
            results.allSatisfy { $0.verdict != .failed } && guarded?.regressions.isEmpty != false
            && !isInterrupted
        interrupted = isInterrupted ? true : nil
        hash = isInterrupted ? nil : Result.hash(of: results)
        self.results = results.map { result in
            Self.report(
                result, machine, guarded?.comparisons.first { $0.name == result.name })
        }
    }

    private static func report(
        _ result: Result, _ machine: Machine, _ comparison: Comparison?
    ) -> ResultReport {
        var (gflops, gbps): (Double?, Double?)
        switch result.work {
        case .operations(let count, _): gflops = count / result.best / 1e9
        case .bytes(let count, _): gbps = count / result.best / 1e9
        }
        return ResultReport(
            name: result.name, ms: result.best * 1e3, median_ms: result.median * 1e3,
            reference_ms: result.reference.map { $0 * 1e3 }, speedup: result.speedup,
            gflops: gflops, gbps: gbps, percent_of_peak: result.share(of: machine) * 100,
            // JSON knows neither infinity nor NaN.
            max_error: result.check.map { $0.maxError.isFinite ? $0.maxError : 1e308 },
            error_bound: result.check?.errorBound,
            passed: result.verdict == .unchecked ? nil : result.verdict == .passed,
            peers: result.peers.isEmpty ? nil : result.peers.mapValues { $0 * 1e3 },
            system_allocations: result.systemAllocations, baseline_ratio: comparison?.ratio,
            regressed: comparison?.isRegression)
    }

    /// The report as text.
    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}
