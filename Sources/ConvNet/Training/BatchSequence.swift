// SPDX-License-Identifier: MIT
//
// The batches of all epochs, one after the other, from any place on: what training goes through,
// whether it waits for each batch or has them made ahead.

/// The samples of a step, as far as this rank computes with them.
struct StepBatch: Sendable {
    /// How the step's samples fall into shards, and these to ranks.
    let layout: ShardLayout
    /// This rank's shards.
    let shards: Range<Int>
    private let batches: [Batch?]

    /// Asks a source for the samples of a rank's shards.
    ///
    /// - Parameter places: those of the step's samples in the source, over all ranks.
    fileprivate init(
        _ layout: ShardLayout, rank: Int, from source: any BatchSource, at places: ArraySlice<Int>,
        epoch: Int
    ) throws {
        self.layout = layout
        shards = layout.shards(ofRank: rank)
        batches = try shards.map { shard in
            let range = layout.samples(ofShard: shard)
            guard !range.isEmpty else { return nil }
            let first = places.startIndex
            return try source.batch(
                at: Array(places[first + range.lowerBound..<first + range.upperBound]),
                epoch: epoch)
        }
    }

    /// The samples of one of the rank's shards; nil where it has none.
    subscript(shard: Int) -> Batch? { batches[shard - shards.lowerBound] }
}

/// The batches of the epochs that are left.
struct BatchSequence: Sendable {
    private let source: any BatchSource
    private let sharding: Sharding?
    private let batches: EpochBatches
    private let epochs: Int
    private var epoch: Int
    private var step: Int
    private var order: [Int] = []

    /// The batches from a place on.
    ///
    /// - Parameters:
    ///   - batches: how its samples fall into batches.
    ///   - epoch: the epoch to begin in, from 0.
    ///   - step: how many of its batches to leave out.
    ///   - epochs: where to end.
    ///   - sharding: how batches are shared; nil where they are not.
    init(
        _ source: any BatchSource, _ batches: EpochBatches, epoch: Int, step: Int, epochs: Int,
        sharding: Sharding? = nil
    ) {
        self.source = source
        self.sharding = sharding
        self.batches = batches
        self.epochs = epochs
        self.epoch = epoch
        self.step = step
    }

    /// The next batch; nil when no epoch is left.
    mutating func next() throws -> StepBatch? {
        if step == batches.count, step > 0 { (epoch, step, order) = (epoch + 1, 0, []) }
        guard epoch < epochs else { return nil }
        if order.isEmpty { order = try checkedOrder() }
        // The first batch may be larger than there are samples, any other begins inside them.
        let begin = step * batches.size
        let end = begin + min(batches.size, order.count - begin)
        step += 1
        let samples = end - begin
        return try StepBatch(
            sharding?.layout(samples: samples)
                ?? ShardLayout(samples: samples, shards: 1, ranks: 1),
            rank: sharding?.averager.rank ?? 0, from: source, at: order[begin..<end], epoch: epoch)
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
