// SPDX-License-Identifier: MIT
//
// Batches that a separate thread prepares while training works on others. The queue is bounded, so
// that nothing piles up; what a batch costs hides behind the step before it.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A sequence of batches, some of which are made ahead.
///
/// One consumer calls ``next()``, and in the end ``stop()``, which waits for the thread's end. The
/// batches and their order are those of the sequence, whatever the threads' timing.
final class BatchQueue: @unchecked Sendable {
    // Sendable although it changes: what both threads touch is touched under the lock, and the
    // sequence by one thread alone. A thread of its own, because it waits: a task that blocks would
    // take a thread from Swift's pool, which has no more than processors. pthread's own calls, as
    // ThreadSanitizer does not see those that Foundation makes.

    private var sequence: BatchSequence
    private let capacity: Int
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let hasChanged = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var thread: SystemThread?

    // Under the lock:
    private var ready: [Result<StepBatch?, any Error>] = []
    private var isStopped = false

    /// A queue of a sequence's batches; making them begins at once.
    ///
    /// - Parameter ahead: how many batches may be ready before they are asked for; with 0 each is
    ///   made when it is asked for, and there is no thread.
    init(_ sequence: BatchSequence, ahead: Int) {
        self.sequence = sequence
        capacity = ahead
        lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
        hasChanged.initialize(to: pthread_cond_t())
        pthread_cond_init(hasChanged, nil)
        guard ahead > 0 else { return }
        // Without a thread, batches are made when they are asked for: slower, and the same.
        thread = try? SystemThread { self.fill() }
    }

    deinit {
        pthread_mutex_destroy(lock)
        pthread_cond_destroy(hasChanged)
        lock.deallocate()
        hasChanged.deallocate()
    }

    /// The next batch; nil after the last one.
    ///
    /// - Throws: what the source threw when it made this batch.
    func next() throws -> StepBatch? {
        guard thread != nil else { return try sequence.next() }
        pthread_mutex_lock(lock)
        while ready.isEmpty { pthread_cond_wait(hasChanged, lock) }
        let result = ready.removeFirst()
        // After the end or an error the thread makes nothing more: the answer stays.
        if case .success(.some) = result {} else { ready.append(result) }
        pthread_cond_signal(hasChanged)
        pthread_mutex_unlock(lock)
        return try result.get()
    }

    /// Ends the thread; what it has made is dropped. No call of ``next()`` may follow.
    func stop() {
        guard let thread else { return }
        pthread_mutex_lock(lock)
        isStopped = true
        pthread_cond_signal(hasChanged)
        pthread_mutex_unlock(lock)
        thread.join()
        self.thread = nil
        ready = []
    }

    /// The thread's work: makes batches until the queue is full, and continues when one is taken.
    private func fill() {
        while true {
            let result = Result { try sequence.next() }
            pthread_mutex_lock(lock)
            while ready.count >= capacity, !isStopped { pthread_cond_wait(hasChanged, lock) }
            let isLast = isStopped
            ready.append(result)
            pthread_cond_signal(hasChanged)
            pthread_mutex_unlock(lock)
            guard case .success(.some) = result, !isLast else { return }
        }
    }
}
