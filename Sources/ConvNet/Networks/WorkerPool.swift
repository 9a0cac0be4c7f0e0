// SPDX-License-Identifier: MIT
//
// Threads that take work from a queue. They start when there is work that no idle one could take,
// up to a limit, and end with the pool.

/// A limited number of threads, and work that waits for them in the order it came.
final class WorkerPool: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.

    /// A piece of work that may be cancelled while it waits.
    final class Ticket: @unchecked Sendable {
        // Touched under the pool's lock only.
        fileprivate var isCancelled = false
        fileprivate var run: ((_ running: Int) -> Void)?
        fileprivate var fail: ((any Error) -> Void)?
    }

    private let limit: Int
    private let condition = Condition()

    // Under the lock. Tickets that have been cancelled stay in the queue until their turn comes,
    // and hold nothing.
    private var queue: [Ticket] = []
    private var first = 0
    private var (threads, idle) = (0, 0)
    private var isStopped = false

    /// A pool that starts at most a given number of threads.
    init(limit: Int) {
        self.limit = limit
    }

    /// Adds a piece of work.
    ///
    /// - Parameters:
    ///   - ticket: by which it may be cancelled, perhaps before it was added.
    ///   - run: does the work, and gets how many pieces are being done. Either this or `fail` is
    ///     called, once.
    ///   - fail: gets why the work is not done.
    func add(
        _ ticket: Ticket, run: @escaping (_ running: Int) -> Void,
        fail: @escaping (any Error) -> Void
    ) {
        let error = condition.withLock { () -> (any Error)? in
            if ticket.isCancelled { return CancellationError() }
            if waiting >= idle, threads < limit, !startThread(), threads == 0 {
                return TensorError(
                    operation: "PredictionQueue", argument: "limit", value: "\(limit)",
                    expected: "threads that the system can start")
            }
            (ticket.run, ticket.fail) = (run, fail)
            queue.append(ticket)
            condition.signal()
            return nil
        }
        if let error { fail(error) }
    }

    /// Cancels a piece of work, unless it has begun.
    func cancel(_ ticket: Ticket) {
        let fail = condition.withLock {
            defer { (ticket.isCancelled, ticket.run, ticket.fail) = (true, nil, nil) }
            return ticket.fail
        }
        fail?(CancellationError())
    }

    /// Ends the threads when they have done what is there.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    private var waiting: Int { queue.count - first }

    /// Starts a thread; false where the system can't.
    private func startThread() -> Bool {
        // The thread keeps the pool alive until it ends.
        guard let thread = try? SystemThread({ self.work() }) else { return false }
        thread.detach()
        // It is idle until it has found its first piece of work.
        threads += 1
        idle += 1
        return true
    }

    /// What each thread does.
    private func work() {
        while let (run, running) = next() {
            run(running)
            condition.withLock { idle += 1 }
        }
    }

    /// Waits for the next piece of work; nil when there will be none.
    private func next() -> (run: (_ running: Int) -> Void, running: Int)? {
        condition.withLock {
            while true {
                while waiting == 0, !isStopped { condition.wait() }
                guard waiting > 0 else { return nil }
                let ticket = take()
                guard let run = ticket.run else { continue }
                (ticket.run, ticket.fail) = (nil, nil)
                idle -= 1
                return (run, threads - idle)
            }
        }
    }

    /// Takes the first ticket out of the queue.
    private func take() -> Ticket {
        let ticket = queue[first]
        first += 1
        // Moving the others up at each turn would take time that grows with the queue.
        if first * 2 >= queue.count {
            queue.removeFirst(first)
            first = 0
        }
        return ticket
    }
}
