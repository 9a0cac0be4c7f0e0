// SPDX-License-Identifier: MIT
//
// The thread that talks to MPI. Open MPI moves data only while it is called, and a rank's own
// thread is busy with gradients: so one thread makes all calls, looks after what is under way, and
// sleeps a little where nothing moves, as it may share its processor with the one that computes.

internal import CConvMPI
import ConvNet
import Foundation

/// A thread that makes all calls to MPI, from joining the other ranks to leaving them.
final class MPIThread: @unchecked Sendable {
    // Sendable although it changes: what both threads touch is touched under the lock, all else by
    // the thread alone. pthread's own calls, as in BatchQueue.

    /// Something that MPI is at, and what to do when it is done.
    private struct Operation {
        let isDone: () throws -> Void
    }

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let hasWork = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let hasAnswer = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var thread: SystemThread?
    private let watch: @Sendable () -> Void
    private let onFailure: @Sendable (any Error) -> Void

    // Under the lock:
    private var jobs: [() throws -> Void] = []
    private var failure: (any Error)?
    private var isAwaited = false
    private var isStopped = false

    // The thread's own:
    private var requests: [convmpi_request] = []
    private var operations: [Operation] = []
    private var done: [Bool] = []
    private var lastLook = ContinuousClock.now
    private var isWatching = true

    /// How long the thread may go without looking whether other processes have ended.
    private static let watchInterval = Duration.milliseconds(50)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - watch: called by the thread about twenty times a second.
    ///   - onFailure: called by the thread where nothing more can be done.
    init(
        watch: @escaping @Sendable () -> Void, onFailure: @escaping @Sendable (any Error) -> Void
    ) throws(MPIError) {
        self.watch = watch
        self.onFailure = onFailure
        lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
        for condition in [hasWork, hasAnswer] {
            condition.initialize(to: pthread_cond_t())
            pthread_cond_init(condition, nil)
        }
        do throws(SystemThread.Refusal) {
            thread = try SystemThread { self.run() }
        } catch {
            throw .failed(operation: "pthread_create", message: error.message)
        }
    }

    deinit {
        pthread_mutex_destroy(lock)
        pthread_cond_destroy(hasWork)
        pthread_cond_destroy(hasAnswer)
        lock.deallocate()
        hasWork.deallocate()
        hasAnswer.deallocate()
    }

    // MARK: For the thread that computes

    /// Has the thread do something soon.
    ///
    /// - Throws: what has gone wrong on the thread before.
    func post(_ job: @escaping () throws -> Void) throws {
        try withLock {
            if let failure { throw failure }
            jobs.append(job)
            pthread_cond_signal(hasWork)
        }
    }

    /// Waits until a condition holds that the thread brings about by ``change(_:)``.
    ///
    /// - Throws: what goes wrong on the thread meanwhile.
    func wait(until condition: () -> Bool) throws {
        try withLock {
            isAwaited = true
            defer { isAwaited = false }
            pthread_cond_signal(hasWork)
            while !condition() {
                if let failure { throw failure }
                pthread_cond_wait(hasAnswer, lock)
            }
        }
    }

    /// Ends the thread, after all that was posted.
    func stop() {
        withLock {
            isStopped = true
            pthread_cond_signal(hasWork)
        }
        thread?.join()
    }

    /// Changes something that both threads look at.
    func change(_ body: () -> Void) {
        withLock {
            body()
            pthread_cond_broadcast(hasAnswer)
        }
    }

    // MARK: For what runs on the thread

    /// Looks after an operation that MPI has begun.
    func follow(_ request: convmpi_request, isDone: @escaping () throws -> Void) {
        requests.append(request)
        operations.append(Operation(isDone: isDone))
        done.append(false)
    }

    /// From now on processes may end: all have done their work.
    func stopWatching() { isWatching = false }

    private func run() {
        while let work = nextWork() {
            do {
                for job in work { try job() }
                let hasMoved = try advance()
                look()
                if !requests.isEmpty, !hasMoved { pause() }
            } catch {
                // What MPI refuses may have its reason in a process that has ended.
                fail((isWatching ? endedRank() : nil) ?? error)
            }
        }
    }

    /// What was posted; waits for it where MPI has nothing to do either. Nil at the end.
    private func nextWork() -> [() throws -> Void]? {
        withLock {
            if jobs.isEmpty, requests.isEmpty, !isStopped {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                time.tv_nsec += Self.watchInterval.components.attoseconds.nanoseconds
                if time.tv_nsec >= 1_000_000_000 {
                    time.tv_nsec -= 1_000_000_000
                    time.tv_sec += 1
                }
                pthread_cond_timedwait(hasWork, lock, &time)
            }
            if isStopped, jobs.isEmpty, requests.isEmpty { return nil }
            defer { jobs = [] }
            return jobs
        }
    }

    /// Lets MPI work.
    ///
    /// - Returns: whether an operation was done.
    private func advance() throws -> Bool {
        guard !requests.isEmpty else { return false }
        try MPIError.check(convmpi_test(&requests, requests.count, &done), "MPI_Testsome")
        guard done.contains(true) else { return false }
        let finished = zip(operations, done).filter(\.1).map(\.0)
        var place = 0
        for index in done.indices where !done[index] {
            (requests[place], operations[place]) = (requests[index], operations[index])
            place += 1
        }
        requests.removeLast(requests.count - place)
        operations.removeLast(operations.count - place)
        done = Array(repeating: false, count: place)
        for operation in finished { try operation.isDone() }
        return true
    }

    /// Now and then looks whether a process has ended.
    private func look() {
        let now = ContinuousClock.now
        guard isWatching, now - lastLook >= Self.watchInterval else { return }
        lastLook = now
        watch()
        if let error = endedRank() { fail(error) }
    }

    /// The error that names a process that has ended; nil where none has.
    private func endedRank() -> MPIError? {
        let rank = convmpi_ended_rank()
        guard rank >= 0 else { return nil }
        return .rankEnded(rank: Int(rank), process: Int(convmpi_process_of_rank(rank)))
    }

    /// Leaves the processor to others: for a moment while a call waits, longer while the
    /// rank computes.
    private func pause() {
        if withLock({ isAwaited }) { sched_yield() } else { usleep(100) }
    }

    /// Nothing more can be done; waiting calls get the reason, after the
    /// handler of failures has got it.
    private func fail(_ error: any Error) {
        requests = []
        operations = []
        done = []
        if withLock({ failure == nil }) { onFailure(error) }
        change {
            failure = failure ?? error
            jobs = []
        }
    }

    private func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body()
    }
}

extension Int64 {
    fileprivate var nanoseconds: Int { Int(self / 1_000_000_000) }
}
