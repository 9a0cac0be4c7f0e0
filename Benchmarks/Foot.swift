// SPDX-License-Identifier: MIT
//
// What is to say below the table.

import Foundation

/// The lines below the table.
struct Foot {
    let results: [Result]
    /// The libraries that were timed beside ours.
    var peers: [(name: String, kernels: String)] = []
    /// How many cases were to be measured, where the run was asked to end before.
    var interruptedOf: Int?
    /// How many more cases there are with `--full`.
    var leftOut = 0

    var text: String {
        var lines = allocations + peerSummary + failures
        if results.contains(where: { $0.verdict == .unchecked }) {
            lines.append("unchecked: timed without comparing with the reference.")
        }
        if leftOut > 0 {
            lines.append("\(leftOut) more \(leftOut == 1 ? "case" : "cases") with --full.")
        }
        if let interruptedOf {
            lines.append(
                "interrupted: \(results.count) of \(interruptedOf) cases "
                    + "\(results.count == 1 ? "was" : "were") measured.")
        } else if let hash = Result.hash(of: results) {
            lines.append("hash of the results: \(hash), the same on any number of threads.")
        }
        let passed = results.count { $0.verdict == .passed }
        let failed = results.count { $0.verdict == .failed }
        return (lines + ["\(passed) passed, \(failed) failed"]).joined(separator: "\n")
    }

    /// One line for each case whose allocations are counted.
    private var allocations: [String] {
        results.compactMap { result in
            result.systemAllocations.map {
                "\(result.name): \($0) \($0 == 1 ? "allocation" : "allocations") from the system "
                    + "in \(result.runCount) runs, after the first three."
            }
        }
    }

    /// A line a peer: how we compare over all cases, and where worst.
    private var peerSummary: [String] {
        var lines = peers.compactMap { peer -> String? in
            let ratios = results.compactMap { result in
                result.ratio(to: peer.name).map { (name: result.name, ratio: $0) }
            }
            guard let worst = ratios.min(by: { $0.ratio < $1.ratio }) else { return nil }
            let mean = exp(ratios.map { log($0.ratio) }.reduce(0, +) / Double(ratios.count))
            return
                "\(peer.name) (\(peer.kernels) kernels): its time is \(Table.fixed(mean, 2))× ours "
                + "in the geometric mean, \(Table.fixed(worst.ratio, 2))× at the least "
                + "(\(worst.name))."
        }
        for result in results {
            for peer in result.wrongPeers {
                lines.append("\(peer): wrong on \(result.name), so not timed.")
            }
        }
        return lines
    }

    /// One line for each case that is wrong.
    private var failures: [String] {
        results.compactMap { result in
            guard result.verdict == .failed, let check = result.check else { return nil }
            return "FAILED  \(result.name): an error of \(Table.scientific(check.maxError)), "
                + "expected at most \(Table.scientific(check.errorBound))"
        }
    }
}
