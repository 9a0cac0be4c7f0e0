// SPDX-License-Identifier: MIT
//
// Predictions for asynchronous code. Swift's tasks run on a pool of no more threads than there are
// processors, and a task that computes or waits there keeps others from running; so predictions run
// on threads of a queue's own, a limited number of them at once.

/// Runs predictions on threads of its own, so that Swift's tasks continue meanwhile.
///
/// Predictions start in the order they were asked for. A server that knows its load makes a queue
/// for it; the others use ``shared``.
///
/// How many wait has no limit, and each keeps its samples in memory. Where more may come than can
/// be served, a ``BatchingPredictor`` refuses what its queue has no room for.
///
/// ```swift
/// let logits = try await network.prediction(for: x)
/// ```
public final class PredictionQueue: Sendable {
    /// The queue that is used where none is named: as many predictions at once as the process may
    /// use processors.
    public static let shared = PredictionQueue(runningAtMost: NativeKernels().threads)

    /// How many predictions run at once.
    public let limit: Int

    private let pool: WorkerPool

    /// A queue.
    ///
    /// - Parameter limit: how many predictions run at once; the others wait for their turn.
    /// - Throws: ``TensorError`` when the limit is not from 1 to 1024.
    public convenience init(limit: Int) throws(TensorError) {
        guard (1...KernelChecks.mostThreads).contains(limit) else {
            throw TensorError(
                operation: "PredictionQueue", argument: "limit", value: "\(limit)",
                expected: "from 1 to \(KernelChecks.mostThreads)")
        }
        self.init(runningAtMost: limit)
    }

    private init(runningAtMost limit: Int) {
        self.limit = limit
        pool = WorkerPool(limit: limit)
    }

    deinit { pool.stop() }

    /// Runs `body` on a thread of the queue.
    ///
    /// - Parameter body: gets how many bodies run at this moment, itself included.
    /// - Throws: what `body` throws, `CancellationError` when the task was cancelled before `body`
    ///   began, ``TensorError`` when the system can't start a thread.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (_ running: Int) throws -> Value
    ) async throws -> Value {
        let ticket = WorkerPool.Ticket()
        let outcome = Outcome<Value>()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                pool.add(
                    ticket,
                    run: { running in
                        outcome.put(Result { try body(running) })
                        continuation.resume()
                    },
                    fail: { error in
                        outcome.put(.failure(error))
                        continuation.resume()
                    })
            }
        } onCancel: {
            pool.cancel(ticket)
        }
        return try outcome.take()
    }
}

extension PredictionQueue {
    /// Runs `body` on a thread of the queue, and does not wait for it.
    ///
    /// - Parameter fail: gets why it is not run, where the system can't start a thread.
    func start(
        _ body: @escaping @Sendable () -> Void, fail: @escaping @Sendable (any Error) -> Void
    ) {
        pool.add(WorkerPool.Ticket(), run: { _ in body() }, fail: fail)
    }
}

/// What came of a body, on its way from the queue's thread to the task.
///
/// It goes past the continuation and under a lock, because ThreadSanitizer does not always see what
/// order a continuation makes: it would report races in any program that awaits predictions.
final class Outcome<Value: Sendable>: @unchecked Sendable {
    // Sendable although it changes: what changes is touched under the lock.
    private let lock = Lock()
    private var result: Result<Value, any Error>?

    func put(_ result: Result<Value, any Error>) {
        lock.withLock { self.result = result }
    }

    /// Keeps nothing: the queue's thread may be the last to release this, and the value's memory
    /// would be freed there, in an order that is not seen either.
    func take() throws -> Value {
        let result = lock.withLock { () -> Result<Value, any Error>? in
            defer { self.result = nil }
            return self.result
        }
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}

extension Classifier {
    /// The logits of a batch, computed on a thread of `queue`: the bits that ``predict(_:)`` gives.
    ///
    /// - Parameters:
    ///   - x: samples `[N, C, H, W]`.
    ///   - threads: the most threads that the prediction uses. When nil it gets its share of those
    ///     that the network's kernels may use: all when it starts alone, one when many run.
    ///   - queue: where it runs, and how many run at once.
    /// - Returns: `[N, K]`.
    /// - Throws: ``TensorError`` when the samples have another shape than the network's input or
    ///   there are not from 1 to 1024 threads; `CancellationError` when the task was cancelled
    ///   before the prediction began. One that has begun is finished.
    public func prediction(
        for x: Tensor, threads: Int? = nil, on queue: PredictionQueue = .shared
    ) async throws -> Tensor {
        let network = network
        return try await queue.run { running in
            try network.predict(
                x, threads: threads ?? max(1, network.kernels.threads / running))
        }
    }
}
