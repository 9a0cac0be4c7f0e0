// SPDX-License-Identifier: MIT
//
// Takes samples for the guard: a case's time within a fraction of a second, in turns with the
// yardsticks that show what the machine could do at best meanwhile. A sample's cost is its time in
// units of theirs: a slower machine, or a clock that sinks, slows both.

import ConvNet

/// Measures cases and yardsticks.
final class Sampler {
    private let kernels: NativeKernels
    /// Seconds of runs in a sample.
    private let secondsPerSample: Double
    private var yardsticks: Yardsticks

    /// How many samples are taken of a case when a run is held against a baseline. For a baseline,
    /// and of suspects, it is twice as many: there, a few spoilt ones must not hide anything.
    static func rounds(quick: Bool) -> Int { quick ? 10 : 12 }
    /// How often yardsticks and case take turns in a sample.
    private static let turns = 3

    init(_ kernels: NativeKernels, quick: Bool) throws {
        self.kernels = kernels
        secondsPerSample = quick ? 0.1 : 0.3
        yardsticks = try Yardsticks(kernels)
    }

    /// One sample of a case.
    struct Sample: Sendable {
        /// Seconds of a typical run, without what other programs took.
        let seconds: Double
        /// Wall time of each run, in seconds.
        let times: [Double]
        /// How often the runs asked the system for a tensor's memory.
        let systemAllocations: Int
        /// Its place among all samples of this sampler.
        let place: Int
    }

    /// Times yardsticks and case in turns.
    func sample(_ body: () throws -> Void) throws -> Sample {
        // Short runs are timed many at once, as asking for the time takes time.
        let once = Stopwatch.typical(of: try (1...5).map { _ in try Stopwatch.timed(body) })
        let repetitions = max(Int(0.5e-3 / once), 1)
        var (runs, allocations) = ([TimedRun](), 0)
        let duration = secondsPerSample / Double(Self.turns)
        yardsticks.beginSample()
        for _ in 1...Self.turns {
            try yardsticks.measure(for: duration / 2)
            // The copies have taken the cache.
            try body()
            let before = StorageRecycler.shared.systemAllocationCount
            runs += try Stopwatch.runs(for: duration) {
                for _ in 0..<repetitions { try body() }
            }
            allocations += StorageRecycler.shared.systemAllocationCount - before
        }
        return Sample(
            seconds: Stopwatch.typical(of: runs) / Double(repetitions),
            times: runs.map { $0.wall / Double(repetitions) },
            systemAllocations: allocations, place: yardsticks.sampleCount - 1)
    }

    /// A sample's time, in units of what the machine would have taken at best for that work.
    func cost(of sample: Sample, _ work: Work) -> Double {
        sample.seconds / yardsticks.seconds(for: work, at: sample.place)
    }
}

extension Work {
    /// Whether it is there for what it moves.
    var isRatedInBytes: Bool {
        if case .bytes = self { true } else { false }
    }

    /// Floating-point operations, where they are known.
    var operationCount: Double {
        switch self {
        case .operations(let count, _): count
        case .bytes(_, let operations): operations
        }
    }

    /// Bytes to move, where they are known.
    var byteCount: Double {
        switch self {
        case .operations(_, let bytes): bytes ?? 0
        case .bytes(let count, _): count
        }
    }
}
