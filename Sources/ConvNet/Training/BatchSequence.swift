// SPDX-License-Identifier: MIT
//
// The batches of all epochs, one after the other, from any place on: what training goes through,
// whether it waits for each batch or has them made ahead.

/// The batches of the epochs that are left.
struct BatchSequence: Sendable {
    private let source: any BatchSource
    private let batchSize: Int
    private let epochs: Int
    private let stepsPerEpoch: Int
    private var epoch: Int
    private var step: Int
    private var order: [Int] = []

    /// The batches from a place on.
    ///
    /// - Parameters:
    ///   - epoch: the epoch to begin in, from 0.
    ///   - step: how many of its batches to leave out.
    ///   - epochs: where to end.
    init(_ source: any BatchSource, batchSize: Int, epoch: Int, step: Int, epochs: Int) {
        self.source = source
        self.batchSize = batchSize
        self.epochs = epochs
        self.epoch = epoch
        self.step = step
        stepsPerEpoch = source.batchCount(size: batchSize)
    }

    /// The next batch; nil when no epoch is left.
    mutating func next() throws -> Batch? {
        if step == stepsPerEpoch, step > 0 { (epoch, step, order) = (epoch + 1, 0, []) }
        guard epoch < epochs else { return nil }
        if order.isEmpty { order = try checkedOrder() }
        // The first batch may be larger than there are samples, any other begins inside them.
        let begin = step * batchSize
        let end = begin + min(batchSize, order.count - begin)
        step += 1
        return try source.batch(at: Array(order[begin..<end]), epoch: epoch)
    }

    private func checkedOrder() throws(TensorError) -> [Int] {
        let order = source.order(ofEpoch: epoch)
        guard !order.isEmpty, order.count == source.sampleCount else {
            throw TensorError(
                operation: "Trainer", argument: "source",
                value: "an order of \(order.count) places for \(source.sampleCount) samples",
                expected: "each place once, and at least one")
        }
        return order
    }
}
