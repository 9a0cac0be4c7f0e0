// SPDX-License-Identifier: MIT
//
// The harness: checks each case and times it, then times all again in further rounds, so that a
// slow spell of the machine does not hit all runs of one case. A case is reported as soon as its
// first round is done.

import ConvNet

/// How long and how often cases are timed.
struct Harness {
    let run: Run
    /// Without it the reference is left out: rows are unchecked.
    let checks: Bool
    /// Timed alternately with ours.
    let peers: [Peer]
    let pace: Pace
    /// Measures the samples that a baseline consists of; nil where none is asked for.
    let sampler: Sampler?
    /// Asks to end after the run that is being timed.
    let stop: StopRequest
    /// Called before each case of each round.
    let progress: (String) -> Void
    /// Called with each case after its first round.
    let measured: (Result) -> Void

    /// What came out of a run.
    struct Outcome {
        /// Of the cases that came through their first round, in order.
        var results: [Result]
        /// Whether it was asked to end before all was done.
        var isInterrupted = false
    }

    /// Thrown where the run was asked to end.
    private struct Stopped: Error {}

    init(
        _ run: Run, checks: Bool, peers: [Peer] = [], pace: Pace, sampler: Sampler? = nil,
        stop: StopRequest = StopRequest(), progress: @escaping (String) -> Void = { _ in },
        measured: @escaping (Result) -> Void = { _ in }
    ) {
        self.run = run
        self.checks = checks
        self.peers = peers
        self.pace = pace
        self.sampler = sampler
        self.stop = stop
        self.progress = progress
        self.measured = measured
    }

    /// Checks and times all cases.
    func results(of cases: [BenchmarkCase]) throws -> Outcome {
        var outcome = Outcome(results: [])
        do {
            try measure(cases, into: &outcome.results)
        } catch is Stopped {
            outcome.isInterrupted = true
        }
        guard let sampler else { return outcome }
        for index in outcome.results.indices {
            outcome.results[index].costs = outcome.results[index].samples.map {
                sampler.cost(of: $0, cases[index].work)
            }
        }
        return outcome
    }

    private func measure(_ cases: [BenchmarkCase], into results: inout [Result]) throws {
        let start = ContinuousClock.now
        for round in 1...pace.rounds {
            for (index, benchmark) in cases.enumerated() {
                if round > 1, seconds(since: start) > pace.secondsForAll { return }
                progress("round \(round) of \(pace.rounds): \(benchmark.name)")
                if round == 1 {
                    var result = Result(
                        name: benchmark.name, work: benchmark.work, sizes: benchmark.sizes)
                    try measure(benchmark, isFirst: true, into: &result)
                    results.append(result)
                    measured(result)
                } else {
                    try measure(benchmark, isFirst: false, into: &results[index])
                }
            }
        }
    }

    /// A case's round. Where the run is asked to end, the result stays as it was.
    private func measure(
        _ benchmark: BenchmarkCase, isFirst: Bool, into result: inout Result
    ) throws {
        try stopIfAsked()
        var changed = result
        // Blocks of the cases before would fill what is kept, and a large result would be cleared
        // by the system anew in each run.
        StorageRecycler.shared.releaseIdleBlocks()
        let prepared = try benchmark.prepare(run)
        if isFirst, checks {
            let start = ContinuousClock.now
            let compare = try prepared.reference()
            changed.reference = seconds(since: start) / prepared.referenceShare
            changed.isScaled = prepared.referenceShare < 1
            try stopIfAsked()
            changed.check = try compare()
        }
        let runs = try runs(of: prepared.native, &changed)
        changed.add(runs.times)
        if benchmark.countsAllocations {
            changed.systemAllocations = (changed.systemAllocations ?? 0) + runs.systemAllocations
        }
        try timePeers(of: prepared, isFirst: isFirst, into: &changed)
        result = changed
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

    /// At least three runs, and as many as fit in a round's time. The first three are not counted:
    /// a second training step finds the memory as every later one does, and a second prediction
    /// prepares its filters, in blocks that the third misses.
    private func repeatedRuns(
        of body: () throws -> Void
    ) throws -> (times: [Double], systemAllocations: Int) {
        for _ in 1...3 { try body() }
        let allocations = StorageRecycler.shared.systemAllocationCount
        var times: [Double] = []
        var total = 0.0
        while times.count < 3 || (total < pace.secondsPerRound && times.count < 10_000) {
            try stopIfAsked()
            let start = ContinuousClock.now
            try body()
            times.append(seconds(since: start))
            total += times[times.count - 1]
        }
        return (times, StorageRecycler.shared.systemAllocationCount - allocations)
    }

    private func stopIfAsked() throws {
        if stop.isRequested { throw Stopped() }
    }
}
