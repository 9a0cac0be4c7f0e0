// SPDX-License-Identifier: MIT
//
// Batch normalization in shards: statistics are each shard's own, so that they depend on the number
// of shards and never on which rank computes them.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ShardedNormalizationTests {
    /// Two shards of two samples, by hand: the first has mean 0 and variance 18/3, the second mean
    /// 2 and variance 12/3. The whole batch would have variance 38/7.
    @Test(arguments: [1, 2])
    func theRunningStatisticsAreTheMeanOfTheShards(_ ranks: Int) throws {
        let images = try Tensor(shape: [4, 1, 1, 2], scalars: [-3, 0, 0, 3, 1, 1, 1, 5])
        let network = try Network(
            inputShape: [1, 1, 2],
            layers: [
                NamedLayer("norm", BatchNormalization(channels: 1, momentum: 1)),
                NamedLayer("affine", Affine(inputSize: 2, outputSize: 2, seed: 1)),
            ])
        let all = try ThreadTeam.run(ranks) { averager in
            var trained = network
            var trainer = try Trainer(
                optimizer: SGD(), batchSize: 4, epochs: 1,
                sharding: Sharding(shards: 2, averager: averager))
            try trainer.train(&trained, on: GivenSamples(images, [0, 1, 0, 1]))
            return trained.buffers.map(\.value.scalars)
        }
        for buffers in all { #expect(buffers == [[1], [5]]) }
    }

    /// Nineteen normalizations, shards of one to three samples, one of them empty in the last step.
    @Test func aResNetHasTheSameBitsOnAnyNumberOfRanks() throws {
        let network = try Network.smallResNet(
            depth: 20, classes: 4, inputShape: [1, 8, 8], seed: 3)
        let source = GivenSamples(try smallImages(21), (0..<21).map { $0 % 4 })
        @Sendable func train(_ averager: any GradientAverager) throws -> [Tensor] {
            var trained = network
            var trainer = try Trainer(
                optimizer: SGD(learningRate: 0.05, momentum: 0.9), batchSize: 9, epochs: 2,
                sharding: Sharding(shards: 4, averager: averager))
            try trainer.train(&trained, on: source)
            return (trained.parameters + trained.buffers).map(\.value)
        }
        let alone = try train(LocalAverager())
        #expect(alone.last != network.buffers.last?.value)
        for ranks in [2, 3] {
            for (rank, tensors) in try ThreadTeam.run(ranks, train).enumerated() {
                #expect(tensors == alone, "rank \(rank) of \(ranks)")
            }
        }
    }
}
