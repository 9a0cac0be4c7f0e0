// SPDX-License-Identifier: MIT
//
// The harness: checks each case, then times it, in rounds over all cases, so that a slow spell of the
// machine does not hit all runs of one case.

import ConvNet

/// What came out of one case.
struct Result: Sendable {
    /// How a row ended.
    enum Verdict: String, Sendable {
        case passed
        case failed = "FAILED"
        case unchecked
    }

    let name: String
    let work: Work
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
    /// How many runs were timed.
    var runCount = 0
    /// How often these runs asked the system for a tensor's memory; nil where that is not counted.
    var systemAllocations: Int?
    /// Samples for the guard, and what they cost in units of the machine's best. Empty without it.
    var samples: [Sampler.Sample] = []
    var costs: [Double] = []

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

/// How long and how often cases are timed.
struct Harness {
    let run: Run
    /// Without it the reference is left out: rows are unchecked.
    let checks: Bool
    /// Timed alternately with ours.
    let peers: [Peer]
    let rounds: Int
    /// Seconds of runs for a case in a round.
    let secondsPerRound: Double
    /// Measures the samples that a baseline consists of; nil where none is asked for.
    let sampler: Sampler?
    /// Called before each case of each round.
    let progress: (String) -> Void

    /// The settings for a quick look or a thorough one.
    init(
        _ run: Run, checks: Bool, peers: [Peer] = [], sampler: Sampler? = nil,
        isThorough: Bool = false, quick: Bool,
        progress: @escaping (String) -> Void
    ) {
        self.run = run
        self.checks = checks
        self.peers = peers
        self.sampler = sampler
        rounds =
            sampler != nil
            ? Sampler.rounds(quick: quick) * (isThorough ? 2 : 1) : quick ? 2 : 4
        secondsPerRound = quick ? 0.1 : 0.4
        self.progress = progress
    }

    /// Checks and times all cases.
    func results(of cases: [BenchmarkCase]) throws -> [Result] {
        var results = cases.map { Result(name: $0.name, work: $0.work) }
        var times = [[Double]](repeating: [], count: cases.count)
        for round in 1...rounds {
            for (index, benchmark) in cases.enumerated() {
                progress("round \(round)/\(rounds), \(benchmark.name)")
                // Blocks of the cases before would fill what is kept, and a large result would be
                // cleared by the system anew in each run.
                StorageRecycler.shared.releaseIdleBlocks()
                let prepared = try benchmark.prepare(run)
                if round == 1, checks {
                    results[index].check = try prepared.check()
                    results[index].isScaled = prepared.referenceShare < 1
                    let time = try time(prepared.reference)
                    results[index].reference = time / prepared.referenceShare
                }
                let runs = try runs(of: prepared.native, &results[index])
                times[index] += runs.times
                results[index].runCount += runs.times.count
                if benchmark.countsAllocations {
                    results[index].systemAllocations =
                        (results[index].systemAllocations ?? 0) + runs.systemAllocations
                }
                try timePeers(of: prepared, isFirst: round == 1, into: &results[index])
            }
        }
        for index in results.indices {
            let sorted = times[index].sorted()
            results[index].best = sorted[0]
            results[index].median = sorted[sorted.count / 2]
            if let sampler {
                results[index].costs = results[index].samples.map {
                    sampler.cost(of: $0, cases[index].work)
                }
            }
        }
        return results
    }

    /// Checks each peer in the first round, and times those that were right. Between two libraries
    /// there is a pause, so that neither finds the other's idle threads at work.
    private func timePeers(
        of prepared: PreparedCase, isFirst: Bool, into result: inout Result
    ) throws {
        guard let work = prepared.peers, !peers.isEmpty else { return }
        for peer in peers {
            Peer.settle()
            if isFirst, try !work.check(peer).passed { result.wrongPeers.append(peer.name) }
            guard !result.wrongPeers.contains(peer.name) else { continue }
            let best = try repeatedRuns(of: { try work.run(peer) }).times.min() ?? .infinity
            result.peers[peer.name] = min(best, result.peers[peer.name] ?? .infinity)
        }
        Peer.settle()
    }

    /// A round's runs, which leave a sample where the guard asks for it.
    private func runs(
        of body: () throws -> Void, _ result: inout Result
    ) throws -> (times: [Double], systemAllocations: Int) {
        guard let sampler else { return try repeatedRuns(of: body) }
        let sample = try sampler.sample(body)
        result.samples.append(sample)
        return (sample.times, sample.systemAllocations)
    }

    /// At least three runs, and as many as fit in a round's time. The first three are not counted: a
    /// second training step finds the memory as every later one does, and a second prediction prepares
    /// its filters, in blocks that the third misses.
    private func repeatedRuns(
        of body: () throws -> Void
    ) throws -> (times: [Double], systemAllocations: Int) {
        for _ in 1...3 { try body() }
        let allocations = StorageRecycler.shared.systemAllocationCount
        var times: [Double] = []
        var total = 0.0
        while times.count < 3 || (total < secondsPerRound && times.count < 10_000) {
            times.append(try time(body))
            total += times[times.count - 1]
        }
        return (times, StorageRecycler.shared.systemAllocationCount - allocations)
    }

    private func time(_ body: () throws -> Void) throws -> Double {
        let start = ContinuousClock.now
        try body()
        return seconds(since: start)
    }
}
