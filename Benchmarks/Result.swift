// SPDX-License-Identifier: MIT
//
// What came out of a case: a row of the table.

import ConvNet

/// What came out of one case.
struct Result: Sendable {
    /// How a row ended.
    enum Verdict: String, Sendable {
        case passed = "ok"
        case failed = "FAILED"
        case unchecked
    }

    let name: String
    let work: Work
    /// The case's sizes in words.
    var sizes = ""
    /// Seconds of the best run, and of the one in the middle.
    var best = Double.infinity
    var median = Double.infinity
    /// Seconds of the reference, scaled up where it did a part; nil without one.
    var reference: Double?
    /// Whether the reference did a part only.
    var isScaled = false
    var check: Check?
    /// Seconds of each peer's best run.
    var peers: [String: Double] = [:]
    /// The peers whose result was wrong.
    var wrongPeers: [String] = []
    /// Seconds of each timed run.
    var times: [Double] = []
    /// How often these runs asked the system for a tensor's memory; nil where that is not counted.
    var systemAllocations: Int?
    /// Samples for the guard, and what they cost in units of the machine's best. Empty without it.
    var samples: [Sampler.Sample] = []
    var costs: [Double] = []

    /// How many runs were timed.
    var runCount: Int { times.count }

    var verdict: Verdict {
        guard let check else { return .unchecked }
        return check.passed ? .passed : .failed
    }

    /// A hash of the results that were checked, in order; nil where some were not.
    static func hash(of results: [Result]) -> String? {
        var hash = ContentHash()
        for result in results {
            guard let check = result.check else { return nil }
            for word in check.hash.text.utf8 { hash.add(UInt64(word)) }
        }
        return hash.text
    }

    /// Takes more runs into account.
    mutating func add(_ seconds: [Double]) {
        times += seconds
        let sorted = times.sorted()
        guard let shortest = sorted.first else { return }
        (best, median) = (shortest, sorted[sorted.count / 2])
    }

    /// A peer's time, ours being 1: more than 1 where we are faster.
    func ratio(to peer: String) -> Double? { peers[peer].map { $0 / best } }

    var speedup: Double? { reference.map { $0 / best } }

    /// The share of what the machine could do, from 0 to about 1.
    func share(of machine: Machine) -> Double {
        switch work {
        case .operations(let count, _): count / best / machine.peakOperations
        case .bytes(let count, _): count / best / machine.bandwidth
        }
    }
}
