// SPDX-License-Identifier: MIT
//
// Predictions that are given up when they wait too long. They are looked through now and then: a
// timer for each would stay until its time, however early the prediction ends.

import ConvNet
import Synchronization

/// Cancels tasks that take too long.
final class Deadlines: Sendable {
    private struct State {
        var next = 0
        var tasks: [Int: (task: Task<Tensor, any Error>, end: ContinuousClock.Instant)] = [:]
    }
    private let state = Mutex(State())

    /// The value of a task that is cancelled if it takes longer than given.
    func value(of task: Task<Tensor, any Error>, within limit: Duration) async throws -> Tensor {
        let end = ContinuousClock.now + limit
        let number = state.withLock { state in
            state.next += 1
            state.tasks[state.next] = (task, end)
            return state.next
        }
        defer { _ = state.withLock { $0.tasks.removeValue(forKey: number) } }
        return try await task.value
    }

    /// Cancels what is late; to be called now and then.
    func cancelLate() {
        let now = ContinuousClock.now
        let late = state.withLock { $0.tasks.values.filter { $0.end < now }.map(\.task) }
        for task in late { task.cancel() }
    }
}
