// SPDX-License-Identifier: MIT
//
// Training on batches that are cut into shards: how many, and what adds them up.

/// A step's batch in shards, whose gradients are computed one by one and added up over a fixed
/// tree.
///
/// The result of training then depends on the number of shards, not on how many ranks share them:
/// any number of processes, and of threads in each, writes the same bytes.
///
/// ```swift
/// let sharding = try Sharding(shards: 16)
/// var trainer = try Trainer(optimizer: Adam(), epochs: 3, sharding: sharding)
/// ```
///
/// In one process this is known as gradient accumulation: a batch of any size in the memory that
/// one shard takes. Without batch normalization and dropout its gradient is that of the whole
/// batch, up to rounding.
///
/// Each shard is normalised by its own statistics in ``BatchNormalization`` ("ghost batches",
/// Hoffer et al., "Train longer, generalize better", 2017); a step's running statistics are the
/// shards' mean, weighted by their samples. ``Dropout`` draws for each shard of each step.
public struct Sharding: Sendable {
    /// The most shards that there can be.
    public static let largestCount = 65_536

    /// How many shards a batch is cut into.
    public let shards: Int
    /// What adds up their gradients.
    public let averager: any GradientAverager
    /// What must be the same on all ranks, as text by name, beside what a trainer knows itself.
    public let identity: [String: String]

    /// Batches in shards.
    ///
    /// - Parameters:
    ///   - shards: how many; with 1, training in one process gives the bits that it gives without.
    ///   - averager: what adds up the gradients of the shards.
    ///   - identity: what must be the same on all ranks, as text by name, such as the version
    ///     of the program.
    /// - Throws: ``TensorError`` when there are not from 1 to 65,536 shards and one for each rank.
    public init(
        shards: Int = 16, averager: any GradientAverager = LocalAverager(),
        identity: [String: String] = [:]
    ) throws(TensorError) {
        guard (1...Self.largestCount).contains(shards) else {
            throw TensorError(
                operation: "Sharding", argument: "shards", value: "\(shards)",
                expected: "from 1 to \(Self.largestCount)")
        }
        guard shards >= averager.rankCount else {
            throw TensorError(
                operation: "Sharding", argument: "shards", value: "\(shards)",
                expected: "at least one for each of \(averager.rankCount) ranks")
        }
        self.shards = shards
        self.averager = averager
        self.identity = identity
    }

    /// How a batch of so many samples is shared.
    func layout(samples: Int) -> ShardLayout {
        ShardLayout(samples: samples, shards: shards, ranks: averager.rankCount)
    }
}
