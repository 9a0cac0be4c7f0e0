// SPDX-License-Identifier: MIT
//
// Training that diverges where no later loss would show it: after the last update, before
// a checkpoint, on samples that are held out. Nothing good is overwritten, and training
// goes on from it.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct DivergenceTests {
    /// Sixteen samples; a step is four of them.
    private static func source(scale: Float = 1) throws -> GivenSamples {
        let numbers = (0..<48).map { Float($0 % 7 - 3) * scale }
        return GivenSamples(
            try Tensor(shape: [16, 3], scalars: numbers), (0..<16).map { $0 % 2 })
    }

    private static func network() throws -> Network {
        try Network(
            inputShape: [3],
            layers: [NamedLayer("affine", try Affine(inputSize: 3, outputSize: 2, seed: 1))])
    }

    /// Descent until a step, from which on an update is infinite.
    private struct Exploding: Optimizer {
        let last: Int
        let learningRate = 0.1

        func update(
            _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
        ) throws {
            try update.kernels.sgdUpdate(
                &parameter, gradient: gradient,
                learningRate: update.step >= last ? 1e299 : learningRate,
                adjustment: update.adjustment)
        }
        var configuration: [String: String] {
            ["optimizer": "exploding", "learningRate": "\(last)"]
        }
    }

    private static func places(_ file: URL, _ count: Int) -> [String?] {
        (0..<count).map {
            let path = $0 == 0 ? file.path : "\(file.path).\($0)"
            let progress = try? Checkpoint(contentsOf: URL(fileURLWithPath: path)).progress
            return progress.map { "\($0.epochs).\($0.steps)" }
        }
    }

    /// The loss of the only step is finite, and there is no step after it.
    @Test func theLastUpdateIsLookedAt() throws {
        var network = try Self.network()
        var trainer = try Trainer(optimizer: Exploding(last: 1), batchSize: 16, epochs: 1)
        let error = #expect(throws: TrainingError.self) {
            try trainer.train(&network, on: Self.source())
        }
        guard case .parameterIsNotFinite(1, 1, let number) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(number.name == "W1")
        #expect(network.firstNonFiniteNumber == number)
        #expect(
            "\(try #require(error))" == "training: W1 is \(number.value) at [0, 0] after step 1 of "
                + "epoch 1, expected finite numbers; a smaller learning rate may help")
    }

    @Test func theLossOfHeldOutSamplesIsLookedAt() throws {
        var network = try Self.network()
        var trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 2)
        #expect(throws: TrainingError.testLossIsNotFinite(epoch: 1, loss: "NaN")) {
            try trainer.train(&network, on: Self.source(), testing: Self.source(scale: .infinity))
        }
        #expect(network.firstNonFiniteNumber == nil)
        #expect(
            "\(TrainingError.testLossIsNotFinite(epoch: 1, loss: "NaN"))"
                == "training: the test loss is NaN after epoch 1, expected a finite number; a "
                + "smaller learning rate may help")
    }

    @Test func buffersAreLookedAtToo() throws {
        var network = try Network(
            inputShape: [1, 2, 2],
            layers: [
                NamedLayer("norm", try BatchNormalization(channels: 1)),
                NamedLayer("pool", GlobalAveragePooling()),
            ])
        #expect(network.firstNonFiniteNumber == nil)
        let infinite = try Tensor(shape: [1], scalars: [-.infinity])
        try network.replaceBuffers([network.buffers[0].value, infinite])
        #expect("\(try #require(network.firstNonFiniteNumber))" == "variance1 is -inf at [0]")
    }

    /// The checkpoint after the second step would be the bad one; it is not written.
    @Test func aBadCheckpointOverwritesNothing() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            var network = try Self.network()
            var trainer = try Trainer(optimizer: Exploding(last: 2), batchSize: 4, epochs: 2)
            let plan = try Checkpoints(file: file, everySteps: 1)
            let error = #expect(throws: TrainingError.self) {
                try trainer.train(&network, on: Self.source(), checkpoints: plan)
            }
            guard case .parameterIsNotFinite(1, 2, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(Self.places(file, 2) == ["0.1", nil])
            #expect(
                trainer.lastGoodCheckpoint(
                    of: plan, on: try Self.source(), before: try #require(error))?.path
                    == file.path)
        }
    }

    @Test func asManyCheckpointsAreKeptAsAsked() throws {
        for (kept, places) in [
            (1, ["2.0", nil, nil]), (2, ["2.0", "1.3", nil]), (3, ["2.0", "1.3", "1.2"]),
        ] {
            try withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("c")
                var network = try Self.network()
                var trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 2)
                try trainer.train(
                    &network, on: Self.source(),
                    checkpoints: Checkpoints(file: file, everySteps: 1, kept: kept))
                #expect(Self.places(file, 3) == places)
            }
        }
        let file = URL(fileURLWithPath: "c")
        #expect(
            throws: TensorError(
                operation: "Checkpoints", argument: "kept", value: "0", expected: "from 1 to 1000")
        ) { try Checkpoints(file: file, kept: 0) }
        #expect(
            throws: TensorError(
                operation: "Checkpoints", argument: "overriding", value: "batchSize",
                expected: "some of learningRate")
        ) { try Checkpoints(file: file, overriding: ["learningRate", "batchSize"]) }
    }

    /// Large parameters are still numbers: the checkpoint that has them was written, and the next
    /// loss is none. Training goes on from the one before it, and what was too new makes place.
    @Test func trainingGoesOnFromTheLastGoodCheckpoint() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            let source = try Self.source(scale: 1e10)
            func trainer(_ rate: Double) throws -> Trainer {
                try Trainer(optimizer: SGD(learningRate: rate), batchSize: 4, epochs: 2)
            }
            var (network, first) = (try Self.network(), try trainer(1e-22))
            let stop = StopRequest()
            try first.train(
                &network, on: source, checkpoints: Checkpoints(file: file, everySteps: 1),
                stop: stop
            ) { if case .step(let record) = $0, record.step == 3 { stop.stop() } }
            #expect(Self.places(file, 2) == ["0.3", "0.2"])

            var second = try trainer(1e20)
            func plan(_ place: URL, overriding: Set<String>) throws -> Checkpoints {
                try Checkpoints(
                    file: file, everySteps: 1, resuming: Checkpoint(contentsOf: place),
                    overriding: overriding)
            }
            let refused = #expect(throws: FileError.self) {
                try second.train(&network, on: source, checkpoints: plan(file, overriding: []))
            }
            #expect(
                try #require(refused).problem
                    == "was written with other settings: learningRate was 1e-22 and is 1e+20")
            let changed = try plan(file, overriding: ["learningRate"])
            let error = try #require(
                #expect(throws: TrainingError.self) {
                    try second.train(&network, on: source, checkpoints: changed)
                })
            guard case .lossIsNotFinite(2, 1, _) = error else {
                Issue.record("\(error)")
                return
            }
            // The one after the fourth step has what gave that loss.
            #expect(Self.places(file, 2) == ["1.0", "0.3"])
            let good = try #require(
                second.lastGoodCheckpoint(of: changed, on: source, before: error))
            #expect(good.path == file.path + ".1")

            var third = try trainer(1e-22)
            let history = try third.train(
                &network, on: source, checkpoints: plan(good, overriding: ["learningRate"]))
            #expect(history.stepLosses.count == 8)
            #expect(network.firstNonFiniteNumber == nil)
            #expect(Self.places(file, 2) == ["2.0", "1.3"])
            // As if nothing had happened in between.
            var (whole, again) = (try Self.network(), try trainer(1e-22))
            try again.train(&whole, on: source)
            #expect(network.parameters.map(\.value) == whole.parameters.map(\.value))
        }
    }

    /// The first checkpoint after going on from an older one: the newer one is gone, the
    /// older one kept.
    @Test func whatIsNewerThanTheResumedOneMakesPlace() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            let source = try Self.source()
            var network = try Self.network()
            var trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 2)
            try trainer.train(
                &network, on: source, checkpoints: Checkpoints(file: file, everySteps: 1, kept: 3))
            #expect(Self.places(file, 3) == ["2.0", "1.3", "1.2"])
            let stop = StopRequest()
            stop.stop()
            trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 3)
            try trainer.train(
                &network, on: source,
                checkpoints: Checkpoints(
                    file: file, everySteps: 1, kept: 3,
                    resuming: Checkpoint(
                        contentsOf: folder.appendingPathComponent("c.2"))), stop: stop)
            #expect(Self.places(file, 3) == ["1.3", "1.2", nil])
        }
    }

    /// Ranks look at the same places, so that all end alike; none waits for one that has ended.
    @Test(arguments: [1, 2, 3]) func allRanksEndAlike(_ ranks: Int) throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            let errors = try ThreadTeam.run(ranks) { averager -> String in
                var network = try Self.network()
                var trainer = try Trainer(
                    optimizer: Exploding(last: 2), batchSize: 4, epochs: 1,
                    sharding: Sharding(shards: 4, averager: averager))
                let plan = try averager.rank == 0 ? Checkpoints(file: file, everySteps: 1) : nil
                do {
                    try trainer.train(&network, on: Self.source(), checkpoints: plan)
                    return "trained"
                } catch let error as TrainingError {
                    return "\(error)"
                }
            }
            #expect(Set(errors).count == 1)
            #expect(try #require(errors.first).hasPrefix("training: "))
            #expect(Self.places(file, 2) == ["0.1", nil])
        }
    }
}
