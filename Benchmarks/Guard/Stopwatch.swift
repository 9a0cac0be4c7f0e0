// SPDX-License-Identifier: MIT
//
// Times runs so that other programs count for little: not by the clock on the wall, but by the time
// that the calling thread spent on a processor. On one thread that is exactly the run's own time.
// With more, the caller does its share of a kernel's work and spins until the others have done
// theirs; where they stand in line for a processor, its spinning is counted.

import Foundation

/// A timed run.
struct TimedRun: Sendable {
    /// Seconds that the calling thread was on a processor.
    let seconds: Double
    /// Seconds by the clock.
    let wall: Double
}

enum Stopwatch {
    /// Runs a body once.
    static func timed(_ body: () throws -> Void) rethrows -> TimedRun {
        let (cpu, wall) = (threadSeconds(), ContinuousClock.now)
        try body()
        let elapsed = seconds(since: wall)
        return TimedRun(seconds: max(threadSeconds() - cpu, 1e-9), wall: max(elapsed, 1e-9))
    }

    /// Runs a body once at least, and on until some seconds are over.
    static func runs(
        for duration: Double, _ body: () throws -> Void
    ) rethrows -> [TimedRun] {
        let start = ContinuousClock.now
        var runs: [TimedRun] = []
        repeat { runs.append(try timed(body)) } while seconds(since: start) < duration
        return runs
    }

    /// The time that a quarter of the runs don't reach: undisturbed, though not by the luckiest run
    /// alone, which may have met a thread that did more than its share.
    static func typical(of runs: [TimedRun]) -> Double {
        let sorted = runs.map(\.seconds).sorted()
        return sorted.isEmpty ? .infinity : sorted[(sorted.count - 1) / 4]
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
