// SPDX-License-Identifier: MIT
//
// Asking training to stop at its next good place, from wherever the wish comes.

import Synchronization

/// A wish that training stop after the step that it is at. It may be made on any thread, in a
/// signal handler, or in a trainer's own `onEvent`.
public final class StopRequest: Sendable {
    private let isMade = Atomic(false)

    /// A request that has not been made yet.
    public init() {}

    /// Makes the request; it can't be taken back.
    public func stop() { isMade.store(true, ordering: .relaxed) }

    /// Whether it was made.
    public var isRequested: Bool { isMade.load(ordering: .relaxed) }
}
