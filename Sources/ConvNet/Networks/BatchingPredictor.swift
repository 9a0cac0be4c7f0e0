// SPDX-License-Identifier: MIT
//
// Predictions that share their work: what tasks ask for at nearly the same time is computed as one
// batch, on a thread of a queue's own.

/// Predicts what several tasks ask for at nearly the same time as one batch.
///
/// One prediction of 16 samples takes less time than 16 of one each: filters and matrices are read
/// once, and threads are woken once. A server that gets one sample per request hands them to a
/// batching predictor:
///
/// ```swift
/// let predictor = try BatchingPredictor(network, maximumBatch: 16)
/// let logits = try await predictor.prediction(for: x)          // [1, 10]
/// ```
///
/// A batch begins when ``maximumBatch`` samples are there, or when the first of them has waited for
/// ``maximumWait``, and one of ``batchesAtOnce`` threads is free. Requests keep the order they came
/// in. At most ``maximumQueue`` samples wait; a request beyond that is refused at once with
/// ``Overload``, so that waiting stays short and memory small.
///
/// An answer has the bits that the network gives for a batch of that many samples. They don't
/// depend on what else is in the batch or on the place in it, but the number of samples decides
/// which algorithms compute it, and these round differently. Where the last bits matter, use
/// ``Classifier/prediction(for:threads:on:)``, or ``fillsBatches``.
///
/// Samples of one batch must not influence one another, as in all networks that this package
/// defines. What is trained later does not change a predictor.
public final class BatchingPredictor: Sendable {
    /// How many samples are predicted together at most.
    public let maximumBatch: Int
    /// How long the first request of a batch waits for others.
    public let maximumWait: Duration
    /// How many samples wait for their batch to begin at most.
    public let maximumQueue: Int
    /// How many batches are computed at the same time.
    public let batchesAtOnce: Int
    /// Whether batches are filled up with zeros, so that each has ``maximumBatch`` samples and an
    /// answer the same bits whenever it is asked for. Takes the time of a whole batch for each.
    public let fillsBatches: Bool

    private let network: Network
    private let threads: Int
    private let queue: PredictionQueue
    private let requests: RequestQueue

    /// The queue is full.
    public struct Overload: Error, Equatable, Sendable, CustomStringConvertible {
        /// How many samples may wait.
        public let maximumQueue: Int

        /// One line that says what is full.
        public var description: String {
            "BatchingPredictor: maximumQueue is \(maximumQueue), expected room for the samples"
        }
    }

    /// A predictor.
    ///
    /// - Parameters:
    ///   - model: the network, with one input and one output.
    ///   - maximumBatch: how many samples are predicted together at most.
    ///   - maximumWait: how long the first request of a batch waits for others. With `.zero` a
    ///     batch is what came while the one before was computed.
    ///   - maximumQueue: how many samples wait at most for their batch to begin.
    ///   - batchesAtOnce: how many batches are computed at the same time; each has its share of the
    ///     threads that the network's kernels may use.
    ///   - fillsBatches: whether batches are filled up with zeros, for the same bits each time.
    /// - Throws: ``TensorError`` when the batch is not from 1 to 65,536 samples, the wait not from
    ///   0 to an hour, the queue smaller than a batch or larger than 2²⁰, or there are not from 1
    ///   to 1024 batches at once.
    public init(
        _ model: some Classifier, maximumBatch: Int = 16,
        maximumWait: Duration = .zero, maximumQueue: Int = 256, batchesAtOnce: Int = 1,
        fillsBatches: Bool = false
    ) throws(TensorError) {
        func require(
            _ argument: String, _ value: Int, _ range: ClosedRange<Int>
        ) throws(TensorError) {
            guard !range.contains(value) else { return }
            throw TensorError(
                operation: "BatchingPredictor", argument: argument, value: "\(value)",
                expected: "from \(range.lowerBound) to \(range.upperBound)")
        }
        try require("maximumBatch", maximumBatch, 1...Self.largestBatch)
        try require("maximumQueue", maximumQueue, maximumBatch...Self.largestQueue)
        try require("batchesAtOnce", batchesAtOnce, 1...KernelChecks.mostThreads)
        guard (.zero ... .seconds(3600)).contains(maximumWait) else {
            throw TensorError(
                operation: "BatchingPredictor", argument: "maximumWait", value: "\(maximumWait)",
                expected: "from 0 to 3600 seconds")
        }
        (self.maximumBatch, self.maximumWait) = (maximumBatch, maximumWait)
        (self.maximumQueue, self.batchesAtOnce) = (maximumQueue, batchesAtOnce)
        self.fillsBatches = fillsBatches
        network = model.network
        threads = max(1, network.kernels.threads / batchesAtOnce)
        queue = try PredictionQueue(limit: batchesAtOnce)
        requests = RequestQueue(
            maximumBatch: maximumBatch, maximumQueue: maximumQueue, workers: batchesAtOnce)
    }

    private static let largestBatch = 1 << 16
    private static let largestQueue = 1 << 20

    /// The logits of some samples, computed together with what others ask for.
    ///
    /// - Parameter x: samples `[N, C, H, W]`, from one to ``maximumBatch``; they stay together.
    /// - Returns: `[N, K]`.
    /// - Throws: ``Overload`` when the queue is full; `CancellationError` when the task was
    ///   cancelled before its batch began, whose place is free then (one that has begun is
    ///   finished); ``TensorError`` when the samples have another shape than the network's input,
    ///   or the system can't start a thread. An error concerns no other request of the batch.
    public func prediction(for x: Tensor) async throws -> Tensor {
        let samples = try network.checked(x).shape[0]
        guard (1...maximumBatch).contains(samples) else {
            throw TensorError(
                operation: "BatchingPredictor", argument: "x", value: "\(x.shape)",
                expected: "from 1 to \(maximumBatch) samples")
        }
        let request = RequestQueue.Request(x, wait: maximumWait)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let needsWorker = requests.add(request, onEnd: { continuation.resume() })
                if needsWorker { startWorker() }
            }
        } onCancel: {
            requests.cancel(request)
        }
        return try request.outcome.take()
    }

    /// What was predicted so far, and what waits.
    public var statistics: Statistics { requests.statistics }

    /// Lets a thread of the queue compute the next batch, once it has gathered.
    private func startWorker() {
        queue.start(
            { [self] in
                if let batch = requests.next() { compute(batch) }
                if requests.continues() { startWorker() }
            },
            fail: { [requests] in requests.fail($0) })
    }

    private func compute(_ batch: [RequestQueue.Request]) {
        if batch.count > 1, let answers = try? answers(to: batch) {
            for (request, answer) in zip(batch, answers) { request.end(.success(answer)) }
            return
        }
        // What one request is to blame for must not reach the others.
        for request in batch { request.end(Result { try answers(to: [request])[0] }) }
    }

    /// The logits of each request, computed together.
    private func answers(to batch: [RequestQueue.Request]) throws -> [Tensor] {
        guard batch.count > 1 || fillsBatches else {
            return [try network.predict(batch[0].x, threads: threads)]
        }
        let x = try Tensor.batch(of: batch.map(\.x), filledTo: fillsBatches ? maximumBatch : 0)
        let output = try network.predict(x, threads: threads)
        guard output.shape.first == x.shape[0] else {
            throw TensorError(
                operation: "BatchingPredictor", argument: "network",
                value: "one with an output of \(output.shape)",
                expected: "one that gives a sample for each of \(x.shape[0])")
        }
        var first = 0
        return try batch.map { request in
            defer { first += request.samples }
            return try output.samples(first..<first + request.samples)
        }
    }
}

extension BatchingPredictor {
    /// What a predictor did, and what it has to do.
    public struct Statistics: Sendable, Hashable {
        /// How many batches of 1, 2, 3 … samples have begun.
        public internal(set) var batchSizes: [Int]
        /// How many samples wait now.
        public internal(set) var waiting = 0
        /// How many requests the queue had no room for.
        public internal(set) var refused = 0
        /// How many requests were cancelled before their batch began.
        public internal(set) var cancelled = 0
    }
}
