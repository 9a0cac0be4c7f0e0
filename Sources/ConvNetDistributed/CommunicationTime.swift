// SPDX-License-Identifier: MIT
//
// How long gradients travelled, and how much of that the rank had to wait for.

/// What sharing gradients has cost a rank so far.
public struct CommunicationTime: Sendable, Hashable {
    /// The steps that it is about.
    public internal(set) var steps = 0
    /// How long gradients were under way, in seconds: from the moment that a step's first ones
    /// were ready until its last total was there. The time in which other ranks were still
    /// computing counts.
    public internal(set) var underWay = 0.0
    /// How much of it the rank spent waiting, having nothing left to compute, in seconds.
    public internal(set) var waited = 0.0

    /// The share of the time under way that was hidden behind computing, from 0 to 1; 1 where
    /// nothing was sent.
    public var hiddenShare: Double { underWay > 0 ? max(1 - waited / underWay, 0) : 1 }
}

/// Measures it.
struct CommunicationClock {
    private(set) var time = CommunicationTime()
    private var openBuckets = 0
    private var firstOpened: ContinuousClock.Instant?
    private var lastClosed: ContinuousClock.Instant?
    private var firstWait: ContinuousClock.Instant?

    /// Whether a bucket is under way.
    var isUnderWay: Bool { openBuckets > 0 }

    mutating func open() {
        openBuckets += 1
        firstOpened = firstOpened ?? .now
    }

    mutating func close() {
        openBuckets -= 1
        lastClosed = .now
    }

    /// The rank has nothing left to compute in this step.
    mutating func wait() { firstWait = firstWait ?? .now }

    /// The step is over.
    mutating func endStep() {
        if let firstOpened, let lastClosed {
            time.underWay += (lastClosed - firstOpened) / .seconds(1)
            if let firstWait { time.waited += max((lastClosed - firstWait) / .seconds(1), 0) }
        }
        time.steps += 1
        (firstOpened, lastClosed, firstWait) = (nil, nil, nil)
    }
}
