// SPDX-License-Identifier: MIT
//
// Batches in shards: the same bits whichever rank computes them, those of plain training with one
// shard, and what must not differ between ranks.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ShardingTests {
    /// A convolution with everything that a shard could get wrong: statistics, dropout, a last
    /// batch that has fewer samples than there are shards.
    private static func network(dropsOut: Bool = true) throws -> Network {
        var layers = [
            NamedLayer(
                "conv", try Convolution(inputChannels: 1, outputChannels: 3, kernel: 3, seed: 1)),
            NamedLayer("norm", try BatchNormalization(channels: 3)),
            NamedLayer("relu", ReLU()),
            NamedLayer("pool", try MaxPooling(2)),
        ]
        if dropsOut { layers.append(NamedLayer("dropout", try Dropout(rate: 0.3, seed: 5))) }
        layers.append(
            NamedLayer("affine", try Affine(inputSize: 27, outputSize: 4, seed: 1, stream: 2)))
        return try Network(inputShape: [1, 8, 8], layers: layers)
    }

    private static func samples(_ count: Int = 21) throws -> GivenSamples {
        GivenSamples(try smallImages(count), (0..<count).map { $0 % 4 })
    }

    /// What two epochs of steps of nine samples give; the last step of each has three.
    private static func train(
        _ network: Network, _ sharding: Sharding?, epochs: Int = 2, resuming: Checkpoint? = nil,
        checkpoint: URL? = nil
    ) throws -> (tensors: [Tensor], history: TrainingHistory) {
        var network = network
        var trainer = try Trainer(
            optimizer: Adam(weightDecay: 0.01), clipping: .norm(0.5), batchSize: 9, epochs: epochs,
            averaging: MovingAverage(decay: 0.8), sharding: sharding)
        let history = try trainer.train(
            &network, on: samples(), testing: samples(13),
            checkpoints: checkpoint.map { try Checkpoints(file: $0, resuming: resuming) })
        let averaged = try trainer.averaged(network)
        let tensors = network.parameters + network.buffers + averaged.parameters + averaged.buffers
        return (tensors.map(\.value), history)
    }

    private static func expectTheSame(
        _ one: (tensors: [Tensor], history: TrainingHistory),
        _ other: (tensors: [Tensor], history: TrainingHistory), _ comment: Comment
    ) {
        #expect(one.tensors == other.tensors, comment)
        #expect(one.history.stepLosses == other.history.stepLosses, comment)
        #expect(one.history.epochs.map(\.meanLoss) == other.history.epochs.map(\.meanLoss), comment)
        #expect(
            one.history.epochs.map(\.trainAccuracy) == other.history.epochs.map(\.trainAccuracy),
            comment)
        #expect(one.history.epochs.map(\.testLoss) == other.history.epochs.map(\.testLoss), comment)
        #expect(
            one.history.epochs.map(\.testAccuracy) == other.history.epochs.map(\.testAccuracy),
            comment)
    }

    @Test(arguments: [1, 2, 3, 5, 7, 16])
    func anyNumberOfRanksGivesTheSameBits(_ shards: Int) throws {
        let network = try Self.network()
        let alone = try Self.train(network, Sharding(shards: shards))
        for ranks in [1, 2, 3, 4, 5, 7] where ranks <= shards {
            let team = try ThreadTeam.run(ranks) { averager in
                try Self.train(network, Sharding(shards: shards, averager: averager))
            }
            for (rank, result) in team.enumerated() {
                Self.expectTheSame(result, alone, "\(shards) shards, rank \(rank) of \(ranks)")
            }
        }
    }

    @Test func oneShardGivesTheBitsOfPlainTraining() throws {
        let network = try Self.network()
        Self.expectTheSame(
            try Self.train(network, Sharding(shards: 1)), try Self.train(network, nil),
            "one shard against none")
    }

    @Test func numbersThatNoShardHasAreNoTrap() throws {
        let layout = ShardLayout(samples: 8, shards: 4, ranks: 2)
        for number in [Int.min, -1, 4, .max] {
            #expect(layout.samples(ofShard: number).isEmpty)
            #expect(layout.shards(ofRank: number).isEmpty)
            #expect(layout.partialSums(ofRank: number).isEmpty)
        }
        // Three sums of two ranks are two additions.
        let averager = LocalAverager()
        averager.begin(ShardLayout(samples: 6, shards: 3, ranks: 2))
        let one = try Tensor(zeros: [1])
        #expect(throws: TensorError.self) { try averager.add([one], like: one) }
    }

    /// Eight samples of whole numbers, two classes and no weights yet: every probability is a half
    /// and every number of the gradient a sum of eighths, so nothing is rounded in any order.
    @Test func theSumOverShardsIsTheGradientOfTheBatch() throws {
        let layer = try Affine(weights: Tensor(zeros: [3, 2]), bias: Tensor(zeros: [2]))
        let network = try Network(inputShape: [3], layers: [NamedLayer("affine", layer)])
        let images = try Tensor(shape: [8, 3], scalars: (0..<24).map { Float($0 * 7 % 11 - 5) })
        let labels = [0, 1, 1, 0, 1, 0, 0, 0]
        let whole = try network.gradient(images, labels: labels).map(\.value)
        for shards in [1, 2, 4, 8, 16] {
            let averager = LocalAverager()
            var sequence = BatchSequence(
                GivenSamples(images, labels), EpochBatches(size: 8, count: 1, samples: 8),
                epoch: 0, step: 0, epochs: 1,
                sharding: try Sharding(shards: shards, averager: averager))
            let batch = try #require(try sequence.next())
            var step = ShardedStep(
                batch, on: network, loss: SoftmaxCrossEntropy.standard, through: averager)
            let result = try step.run(on: network, flag: true)
            #expect(result.gradients == whole, "\(shards) shards")
            #expect(result.loss.mean == (try network.loss(images, labels: labels)))
            // The first of two equal logits is the largest.
            #expect(result.loss.correct == 5)
            #expect(result.isFlagged)
        }
    }

    @Test func aRankAsksForItsOwnSamplesAlone() throws {
        let sharding = try ThreadTeam.run(3) { averager in
            let source = Recorder(samples: 100)
            var sequence = BatchSequence(
                source, EpochBatches(size: 40, count: 3, samples: 100), epoch: 0, step: 0,
                epochs: 1,
                sharding: try Sharding(shards: 16, averager: averager))
            while try sequence.next() != nil {}
            return source.asked
        }
        #expect(sharding.allSatisfy { !$0.isEmpty && $0.count <= 40 })
        #expect(sharding.flatMap { $0 }.sorted() == Array(0..<100))
    }

    @Test func aCheckpointGoesOnWithAnotherNumberOfRanks() throws {
        let network = try Self.network()
        let whole = try Self.train(network, Sharding(shards: 6))
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            _ = try ThreadTeam.run(3) { averager in
                try Self.train(
                    network, Sharding(shards: 6, averager: averager), epochs: 1, checkpoint: file)
            }
            let team = try ThreadTeam.run(2) { averager in
                // Only rank 0 has the file.
                let isFirst = averager.rank == 0
                return try Self.train(
                    network, Sharding(shards: 6, averager: averager),
                    resuming: isFirst ? Checkpoint(contentsOf: file) : nil,
                    checkpoint: isFirst ? file : nil)
            }
            for result in team { Self.expectTheSame(result, whole, "resumed") }
            // Other shards give other bits.
            #expect {
                try Self.train(
                    network, Sharding(shards: 5), resuming: Checkpoint(contentsOf: file),
                    checkpoint: file)
            } throws: { "\($0)".hasSuffix("shards was 6 and is 5") }
        }
    }

    @Test func aRankThatDiffersIsNamedOnAll() throws {
        let network = try Self.network()
        let told = try ThreadTeam.run(3) { averager in
            let other = try Self.network(dropsOut: averager.rank < 2)
            var changed = averager.rank < 2 ? network : other
            try changed.updateParameters {
                if averager.rank == 2 { try $0[0].multiply(by: 2) }
            }
            let sharding = try Sharding(
                shards: 4, averager: averager,
                identity: averager.rank == 2 ? [:] : ["version": "1"])
            do {
                _ = try Self.train(changed, sharding)
                return "nothing"
            } catch let error as RankDifference {
                return error.description
            }
        }
        for line in told {
            #expect(
                try line.wholeMatch(
                    of: Regex(
                        "rank 2 differs from rank 0: parameters is [0-9a-f]{16}, "
                            + "expected [0-9a-f]{16}; version is not set, expected 1")) != nil,
                "\(line)")
        }
    }

    @Test func mistakesAreNamed() throws {
        #expect(
            throws: TensorError(
                operation: "Sharding", argument: "shards", value: "0",
                expected: "from 1 to 65536")
        ) { try Sharding(shards: 0) }
        let errors = try ThreadTeam.run(3) { averager in
            do throws(TensorError) {
                _ = try Sharding(shards: 2, averager: averager)
                return ""
            } catch {
                return "\(error.value), expected \(error.expected)"
            }
        }
        #expect(
            errors == Array(repeating: "2, expected at least one for each of 3 ranks", count: 3))
    }
}

/// Samples that write down which of them were asked for.
private final class Recorder: BatchSource, @unchecked Sendable {
    let sampleCount: Int
    private(set) var asked: [Int] = []

    init(samples: Int) { sampleCount = samples }

    func order(ofEpoch epoch: Int) -> [Int] { Array(0..<sampleCount) }
    func batch(at indices: [Int]) throws -> Batch {
        asked += indices
        return try Batch(
            images: Tensor(zeros: [indices.count, 1]), labels: indices.map { _ in 0 })
    }
}

struct ShardLayoutTests {
    /// The sum as it is written, such as `((0+1)+2)`.
    private static func expression(_ layout: ShardLayout) -> String {
        var sums: [String] = []
        for rank in 0..<layout.ranks {
            let range = layout.shards(ofRank: rank)
            var sum = TreeSum<String>(from: range.lowerBound)
            for shard in range where !layout.samples(ofShard: shard).isEmpty {
                sum.append("\(shard)", of: shard) { $0 = "(\($0)+\($1))" }
            }
            sum.skip(upTo: range.upperBound) { $0 = "(\($0)+\($1))" }
            let partialSums = sum.partialSums
            #expect(partialSums.map(\.node) == layout.partialSums(ofRank: rank))
            sums += partialSums.map(\.value)
        }
        for addition in layout.additions {
            sums[addition.target] = "(\(sums[addition.target])+\(sums[addition.source]))"
            sums[addition.source] = "gone"
        }
        #expect(sums.dropFirst().allSatisfy { $0 == "gone" })
        return sums.first ?? ""
    }

    @Test func knownTrees() {
        func expression(_ samples: Int, _ shards: Int, _ ranks: Int) -> String {
            Self.expression(ShardLayout(samples: samples, shards: shards, ranks: ranks))
        }
        #expect(expression(8, 4, 1) == "((0+1)+(2+3))")
        #expect(expression(8, 4, 3) == "((0+1)+(2+3))")
        #expect(expression(9, 7, 2) == "(((0+1)+(2+3))+((4+5)+6))")
        // Shards 0, 2 and 4 are empty.
        #expect(expression(3, 6, 2) == "((1+3)+5)")
        #expect(expression(1, 4, 4) == "3")
    }

    @Test func theTreeDoesNotDependOnTheRanks() {
        for shards in 1...33 {
            for samples in [1, 2, 3, shards - 1, shards, 100] where samples > 0 {
                let one = Self.expression(ShardLayout(samples: samples, shards: shards, ranks: 1))
                for ranks in 1...shards {
                    let layout = ShardLayout(samples: samples, shards: shards, ranks: ranks)
                    #expect(Self.expression(layout) == one, "\(layout)")
                }
            }
        }
    }

    @Test func everySampleIsInOneShardAndEveryShardOnOneRank() {
        for shards in [1, 3, 16, 40] {
            for samples in [1, 15, 16, 17, 100] {
                for ranks in 1...min(shards, 9) {
                    let layout = ShardLayout(samples: samples, shards: shards, ranks: ranks)
                    #expect((0..<shards).flatMap(layout.samples) == Array(0..<samples))
                    #expect((0..<ranks).flatMap(layout.shards) == Array(0..<shards))
                }
            }
        }
    }
}
