// SPDX-License-Identifier: MIT
//
// The table for people.

import ConvNetOptions
import Foundation

enum Table {
    /// The machine, a row a case, and what the figures mean.
    static func text(
        _ results: [Result], _ machine: Machine, peers: [(name: String, kernels: String)] = []
    ) -> String {
        let width = results.map(\.name.count).max() ?? 0
        let header =
            "case".padded(to: width)
            + "       best ms     median ms  reference ms  speed-up   rate        of peak     "
            + "error      bound" + peers.map { "  " + $0.name.leftPadded(to: 8) }.joined()
        let rows = results.map { row($0, machine, width, peers.map(\.name)) }
        return
            ([head(machine), "", header] + rows + [""] + allocations(results)
            + summary(results, peers) + [foot(results)])
            .joined(separator: "\n")
    }

    /// A line a case whose allocations are counted.
    private static func allocations(_ results: [Result]) -> [String] {
        results.compactMap { result in
            result.systemAllocations.map {
                "\(result.name): \($0) \($0 == 1 ? "allocation" : "allocations") from the system "
                    + "in \(result.runCount) runs, after the first three."
            }
        }
    }

    /// A line a peer: how we compare over all cases, and where worst.
    private static func summary(
        _ results: [Result], _ peers: [(name: String, kernels: String)]
    ) -> [String] {
        var lines = peers.compactMap { peer -> String? in
            let ratios = results.compactMap { result in
                result.ratio(to: peer.name).map { (name: result.name, ratio: $0) }
            }
            guard let worst = ratios.min(by: { $0.ratio < $1.ratio }) else { return nil }
            let mean = exp(ratios.map { log($0.ratio) }.reduce(0, +) / Double(ratios.count))
            return
                "\(peer.name) (\(peer.kernels) kernels): its time is \(fixed(mean, 2))× ours in the geometric mean, "
                + "\(fixed(worst.ratio, 2))× at the least (\(worst.name))."
        }
        for result in results {
            for peer in result.wrongPeers {
                lines.append("\(peer): wrong on \(result.name), so not timed.")
            }
        }
        return lines
    }

    private static func head(_ machine: Machine) -> String {
        """
        \(machine.processor), \(machine.instructionSet) (\(machine.productKernel)), \
        \(machine.threads) \(machine.threads == 1 ? "thread" : "threads")
        peak \(fixed(machine.peakOperations / 1e9, 1)) GFLOP/s, \
        copy \(fixed(machine.bandwidth / 1e9, 1)) GB/s, both measured now
        """
    }

    private static func row(
        _ result: Result, _ machine: Machine, _ width: Int, _ peers: [String]
    ) -> String {
        let reference =
            result.reference.map { (result.isScaled ? "~" : "") + fixed($0 * 1e3, 2) } ?? "-"
        let speedup = result.speedup.map { fixed($0, 1) + "×" } ?? "-"
        let rate =
            switch result.work {
            case .operations(let count, _): fixed(count / result.best / 1e9, 1) + " GFLOP/s"
            case .bytes(let count, _): fixed(count / result.best / 1e9, 1) + " GB/s   "
            }
        let columns = [
            result.name.padded(to: width), fixed(result.best * 1e3, 4).leftPadded(to: 12),
            fixed(result.median * 1e3, 4).leftPadded(to: 12), reference.leftPadded(to: 12),
            speedup.leftPadded(to: 8), rate.leftPadded(to: 15),
            (fixed(result.share(of: machine) * 100, 1) + " %").leftPadded(to: 8),
            (result.check.map { scientific($0.maxError) } ?? "-").leftPadded(to: 9),
            (result.check.map { scientific($0.errorBound) } ?? "-").leftPadded(to: 9),
        ]
        let ratios = peers.map {
            (result.ratio(to: $0).map { fixed($0, 2) + "×" } ?? "-").leftPadded(to: 8)
        }
        return (columns + ratios + [result.verdict.rawValue]).joined(separator: "  ")
    }

    private static func foot(_ results: [Result]) -> String {
        let passed = results.count { $0.verdict == .passed }
        let failed = results.count { $0.verdict == .failed }
        var lines = [
            "of peak: of the measured GFLOP/s for products, convolutions and networks, of the "
                + "measured copy GB/s for the rest, counting the bytes that must move.",
            "error and bound: of the element that came closest to its bound.",
        ]
        if results.contains(where: \.isScaled) {
            lines.append("~ the reference did a part of the case; its time is scaled up.")
        }
        if results.contains(where: { $0.verdict == .unchecked }) {
            lines.append("unchecked: timed without comparing with the reference.")
        }
        if let hash = Result.hash(of: results) {
            lines.append("hash of the results: \(hash), the same on any number of threads.")
        }
        lines.append("\(passed) passed, \(failed) failed")
        return lines.joined(separator: "\n")
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    private static func scientific(_ value: Double) -> String {
        value == 0 ? "0" : String(format: "%.1e", value)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - count, 0))
    }

    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(width - count, 0)) + self
    }
}
