// SPDX-License-Identifier: MIT
//
// Requests that wait until they are predicted together: in the order they came, and no more of them
// than there is room for.

/// The queue of a ``BatchingPredictor``, and which of its requests make the next batch.
final class RequestQueue: @unchecked Sendable {
    // Sendable although it changes: everything that changes is touched under the lock.

    /// Some samples that a task waits for.
    final class Request: @unchecked Sendable {
        let x: Tensor
        let outcome = Outcome<Tensor>()
        /// When it has waited long enough for others.
        fileprivate let deadline: UInt64
        // Touched under the queue's lock until the request has left the queue.
        fileprivate var onEnd: (() -> Void)?
        fileprivate var isCancelled = false

        init(_ x: Tensor, wait: Duration) {
            self.x = x
            let (seconds, attoseconds) = wait.components
            deadline =
                Condition.now + UInt64(seconds) * 1_000_000_000
                + UInt64(attoseconds / 1_000_000_000)
        }

        var samples: Int { x.shape[0] }

        /// Lets the task go on; called once.
        func end(_ result: Result<Tensor, any Error>) {
            outcome.put(result)
            onEnd?()
        }

        fileprivate func suits(_ other: Request) -> Bool {
            x.shape.dropFirst() == other.x.shape.dropFirst() && x.scalarType == other.x.scalarType
        }
    }

    private let maximumBatch: Int
    private let maximumQueue: Int
    private let mostWorkers: Int
    private let condition = Condition()

    // Under the lock.
    private var waiting: [Request] = []
    private var workers = 0
    private var counts: BatchingPredictor.Statistics

    /// An empty queue.
    ///
    /// - Parameter workers: how many threads take batches out of it at most.
    init(maximumBatch: Int, maximumQueue: Int, workers: Int) {
        (self.maximumBatch, self.maximumQueue) = (maximumBatch, maximumQueue)
        mostWorkers = workers
        counts = .init(batchSizes: Array(repeating: 0, count: maximumBatch))
    }

    var statistics: BatchingPredictor.Statistics { condition.withLock { counts } }

    /// Adds a request, or ends it where it was cancelled or there is no room.
    ///
    /// - Returns: whether one more worker has to be started.
    func add(_ request: Request, onEnd: @escaping () -> Void) -> Bool {
        var refusal: (any Error)?
        let needsWorker = condition.withLock { () -> Bool in
            request.onEnd = onEnd
            if request.isCancelled {
                counts.cancelled += 1
                refusal = CancellationError()
                return false
            }
            if counts.waiting + request.samples > maximumQueue {
                counts.refused += 1
                refusal = BatchingPredictor.Overload(maximumQueue: maximumQueue)
                return false
            }
            waiting.append(request)
            counts.waiting += request.samples
            if nextBatch.isWhole { condition.signal() }
            guard workers < mostWorkers else { return false }
            workers += 1
            return true
        }
        if let refusal { request.end(.failure(refusal)) }
        return needsWorker
    }

    /// Takes a request out of the queue, unless its batch has begun.
    func cancel(_ request: Request) {
        let wasWaiting = condition.withLock { () -> Bool in
            request.isCancelled = true
            guard let place = waiting.firstIndex(where: { $0 === request }) else { return false }
            waiting.remove(at: place)
            counts.waiting -= request.samples
            counts.cancelled += 1
            return true
        }
        if wasWaiting { request.end(.failure(CancellationError())) }
    }

    /// The next batch, as soon as it is whole or its first request has waited long enough; nil when
    /// nothing waits.
    func next() -> [Request]? {
        condition.withLock {
            while let first = waiting.first {
                let (count, isWhole) = nextBatch
                guard isWhole || Condition.now >= first.deadline else {
                    condition.wait(until: first.deadline)
                    continue
                }
                let batch = Array(waiting[..<count])
                waiting.removeFirst(count)
                let samples = batch.reduce(0) { $0 + $1.samples }
                counts.waiting -= samples
                counts.batchSizes[samples - 1] += 1
                return batch
            }
            return nil
        }
    }

    /// Whether a worker that has done its batch goes on; otherwise it is one less.
    func continues() -> Bool {
        condition.withLock {
            if waiting.isEmpty { workers -= 1 }
            return !waiting.isEmpty
        }
    }

    /// Ends all that waits where no worker is left, as one could not be started.
    func fail(_ error: any Error) {
        let failed = condition.withLock { () -> [Request] in
            workers -= 1
            guard workers == 0 else { return [] }
            defer { (waiting, counts.waiting) = ([], 0) }
            return waiting
        }
        for request in failed { request.end(.failure(error)) }
    }

    /// How many of the first requests make a batch, and whether no later one could join them.
    private var nextBatch: (count: Int, isWhole: Bool) {
        var samples = 0
        for (place, request) in waiting.enumerated() {
            guard request.suits(waiting[0]), samples + request.samples <= maximumBatch else {
                return (place, true)
            }
            samples += request.samples
        }
        return (waiting.count, samples == maximumBatch)
    }
}
