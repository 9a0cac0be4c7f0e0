// SPDX-License-Identifier: MIT
//
// Optimizers at work: parameter groups, custom rules, steps that fail, batches that are left out.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

struct UpdaterTests {
    private static func batch(_ count: Int = 4) throws -> Batch {
        try Batch(images: smallImages(count), labels: (0..<count).map { $0 % 4 })
    }

    @Test(arguments: [
        ("*", "W1", true), ("W*", "W1", true), ("W*", "b1", false), ("*.b", "fc.b", true),
        ("*.b", "fc.bias", false), ("l?yer*.W", "layer1.conv.W", true), ("?", "", false),
        ("", "", true), ("**a*", "bab", true), ("a*b*c", "axxbyyc", true), ("a*b*c", "axxc", false),
        ("fc.", "fc.W", false), ("W1", "W1", true), ("*é", "é", true),
    ])
    func patterns(_ pattern: String, _ name: String, _ matches: Bool) throws {
        #expect(try ParameterGroup(pattern).matches(name) == matches)
    }

    /// Two parameters with the same gradient, of which one learns ten times as fast and
    /// the other decays.
    @Test func groupsHaveTheirOwnSettings() throws {
        var updater = try Updater(
            SGD(learningRate: 0.1, weightDecay: 0.5),
            schedule: LearningRateSchedule(.step(every: 1, factor: 0.5)),
            groups: [
                ParameterGroup("b*", learningRate: 1, weightDecay: 0), ParameterGroup("*"),
            ])
        var parameters = [
            try Tensor(shape: [1], repeating: 2), try Tensor(shape: [1], repeating: 2),
        ]
        let gradient = try Tensor(shape: [1], repeating: 1)
        for _ in 0..<2 {
            try updater.update(
                &parameters, gradients: [gradient, gradient], names: ["W1", "b1"],
                on: NativeKernels())
        }
        // W: 2 − 0.1·(1 + 0.5·2) = 1.8, then − 0.05·(1 + 0.5·1.8). b: 2 − 1 − 0.5.
        #expect(abs(parameters[0].doubles[0] - 1.705) <= 4 * 0x1p-23)
        #expect(parameters[1].doubles == [0.5])
    }

    /// AdamW's decay is the decoupled one, in groups as well.
    @Test func aGroupsDecayIsTheOptimizersOwnKind() throws {
        func decayed(_ optimizer: any Optimizer, _ groups: [ParameterGroup]) throws -> Double {
            var updater = try Updater(optimizer, groups: groups)
            var parameters = [try Tensor(shape: [1], repeating: 1)]
            try updater.update(
                &parameters, gradients: [Tensor(shape: [1], repeating: 0.5)], names: ["W1"],
                on: NativeKernels())
            return parameters[0].doubles[0]
        }
        let group = [try ParameterGroup("W1", weightDecay: 0.3)]
        for (plain, own) in [
            (
                try AdamW(weightDecay: 0.1) as any Optimizer,
                try AdamW(weightDecay: 0.3) as any Optimizer
            ),
            (try Adam(weightDecay: 0.1), try Adam(weightDecay: 0.3)),
            (try Momentum(), try Momentum(weightDecay: 0.3)),
        ] {
            #expect(try decayed(plain, group) == decayed(own, []))
        }
    }

    @Test func aGroupThatMatchesNothingIsRefused() throws {
        var network = try smallNetwork().network
        let before = network
        var updater = try Updater(SGD(), groups: [ParameterGroup("fc.*", learningRate: 1)])
        #expect(
            throws: TensorError(
                operation: "SGD", argument: "groups", value: "fc.*",
                expected: "a pattern that matches one of W1, b1, W2, b2, W3, b3")
        ) { try network.trainStep(on: Self.batch(), with: &updater) }
        #expect(zip(network.parameters, before.parameters).allSatisfy { $0.value == $1.value })
        #expect(throws: TensorError.self) { try ParameterGroup("*", learningRate: 0) }
        #expect(throws: TensorError.self) { try ParameterGroup("*", weightDecay: -1) }
    }

    @Test func momentumIsMomentumUnderAnyName() throws {
        for nesterov in [false, true] {
            let named: any Optimizer =
                try nesterov ? Nesterov(learningRate: 0.1) : Momentum(learningRate: 0.1)
            var networks = [try smallNetwork().network, try smallNetwork().network]
            var updaters = [
                try Updater(SGD(learningRate: 0.1, momentum: 0.9, isNesterov: nesterov)),
                try Updater(named),
            ]
            for index in 0...1 {
                for _ in 0..<3 {
                    try networks[index].trainStep(on: Self.batch(), with: &updaters[index])
                }
            }
            for (one, other) in zip(networks[0].parameters, networks[1].parameters) {
                #expect(one.value.hasSameBits(as: other.value), "\(one.name)")
            }
        }
    }

    /// A custom rule that keeps a tensor.
    private struct Averaging: Optimizer {
        let learningRate = 0.1
        let stateNames = ["mean"]
        let configuration = ["optimizer": "averaging"]

        func update(
            _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
        ) throws {
            state[0] = try 0.5 * (state[0] + gradient)
            parameter = try parameter - update.learningRate * state[0]
        }
    }

    @Test func aRuleOfOnesOwnIsResumedToTheSameBits() throws {
        let source = GivenSamples(try smallImages(8), (0..<8).map { $0 % 4 })
        func trainer() throws -> Trainer {
            try Trainer(optimizer: Averaging(), batchSize: 4, epochs: 3)
        }
        var (whole, trained) = (try smallNetwork().network, try trainer())
        try trained.train(&whole, on: source)
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            let stop = StopRequest()
            var (first, second) = (try smallNetwork().network, try smallNetwork(seed: 2).network)
            var one = try trainer()
            try one.train(&first, on: source, checkpoints: Checkpoints(file: file), stop: stop) {
                if case .epoch = $0 { stop.stop() }
            }
            var other = try trainer()
            try other.train(
                &second, on: source,
                checkpoints: Checkpoints(file: file, resuming: Checkpoint(contentsOf: file)))
            for (one, two) in zip(whole.parameters, second.parameters) {
                #expect(one.value.hasSameBits(as: two.value), "\(one.name)")
            }
            // Other groups are other settings.
            var grouped = try Trainer(
                optimizer: Averaging(), groups: [ParameterGroup("b*", learningRate: 1)],
                batchSize: 4, epochs: 3)
            let error = #expect(throws: FileError.self) {
                try grouped.train(
                    &second, on: source,
                    checkpoints: Checkpoints(file: file, resuming: Checkpoint(contentsOf: file)))
            }
            #expect(
                error?.problem
                    == "was written with other settings: groups was not set and is "
                    + "b* learningRate 1.0")
        }
    }

    /// An optimizer that leaves another shape behind is found out, and the network stays usable.
    @Test func aRuleThatChangesAShapeIsNamed() throws {
        struct Wrong: Optimizer {
            let learningRate = 0.1
            let configuration = ["optimizer": "wrong"]
            func update(
                _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor,
                _ update: Update
            ) throws {
                if parameter.shape == [3] { parameter = try Tensor(zeros: [7]) }
            }
        }
        var network = try smallNetwork().network
        var updater = try Updater(Wrong())
        #expect(
            throws: TensorError(
                operation: "update", argument: "b1", value: "[7] of float32",
                expected: "[3] of float32")
        ) { try network.trainStep(on: Self.batch(), with: &updater) }
        _ = try network.predict(smallImages(1))
    }

    private static func normalized() throws -> Network {
        try Network(
            inputShape: [1, 8, 8],
            layers: [
                NamedLayer("flatten", Flatten()),
                NamedLayer("affine1", Affine(inputSize: 64, outputSize: 5, seed: 1)),
                NamedLayer("norm1", BatchNormalization(channels: 5)),
                NamedLayer("affine2", Affine(inputSize: 5, outputSize: 4, seed: 2)),
            ])
    }

    private static func expectUnchanged(_ network: Network, _ before: Network) {
        let pairs = zip(
            network.parameters + network.buffers, before.parameters + before.buffers)
        for (one, other) in pairs { #expect(one.value.hasSameBits(as: other.value), "\(one.name)") }
        #expect(network.trainingStep == before.trainingStep)
    }

    /// A number that is none goes in: the loss is NaN, and nothing of it stays.
    @Test func aStepThatFailsLeavesTheNetworkAsItWas() throws {
        var network = try Self.normalized()
        var updater = try Updater(Adam())
        try network.trainStep(on: Self.batch(), with: &updater)
        let (before, state) = (network, updater.state)
        let bad = try Batch(
            images: Tensor(shape: [4, 1, 8, 8], repeating: .nan), labels: [0, 1, 2, 3])
        #expect(
            throws: TensorError(
                operation: "trainStep", argument: "loss", value: "NaN",
                expected: "a finite number; a smaller learning rate may help")
        ) { try network.trainStep(on: bad, with: &updater) }
        Self.expectUnchanged(network, before)
        #expect(updater.state == state)
        for sharding in [nil, try Sharding(shards: 2)] {
            var trained = before
            var trainer = try Trainer(
                optimizer: Adam(), batchSize: 4, epochs: 1, sharding: sharding)
            #expect(throws: TrainingError.self) {
                try trainer.train(&trained, on: GivenSamples(bad.images, bad.labels))
            }
            Self.expectUnchanged(trained, before)
        }
        // Wrong labels fail too.
        #expect(throws: TensorError.self) {
            try network.trainStep(
                on: Batch(images: smallImages(1), labels: [9]), with: &updater)
        }
        Self.expectUnchanged(network, before)
    }

    /// Nine samples in batches of four leave one, of which a normalization makes nothing.
    @Test func aLastBatchOfOneIsFoundOutBeforeTheFirstStep() throws {
        let source = GivenSamples(try smallImages(9), (0..<9).map { $0 % 4 })
        var network = try Self.normalized()
        let before = network
        var trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 1)
        var steps = 0
        let error = #expect(throws: TensorError.self) {
            try trainer.train(&network, on: source) { if case .step = $0 { steps += 1 } }
        }
        #expect(
            error?.description
                == "layer norm1 (BatchNormalization): x is [1, 5], expected more than one number "
                + "per channel in training; the last batch has 1 of 9 samples: leave it out "
                + "(dropLast), or choose another batch size")
        #expect(steps == 0)
        Self.expectUnchanged(network, before)

        var dropping = try Trainer(optimizer: SGD(), batchSize: 4, dropLast: true, epochs: 2)
        var seen: [Int] = []
        let history = try dropping.train(&network, on: source) {
            if case .step(let record) = $0 { seen.append(record.samplesSeen) }
        }
        #expect(history.stepLosses.count == 4 && history.stepsPerEpoch == 2)
        #expect(seen == [4, 8, 12, 16])
        #expect(history.epochs[0].trainAccuracy?.total == 8)

        var single = try Trainer(optimizer: SGD(), batchSize: 1, epochs: 1)
        let hint = #expect(throws: TensorError.self) { try single.train(&network, on: source) }
        #expect(hint?.expected.hasSuffix("in training; a larger batch size may help") == true)
        var sharded = try Trainer(
            optimizer: SGD(), batchSize: 4, dropLast: true, epochs: 1,
            sharding: Sharding(shards: 4))
        #expect(throws: TensorError.self) { try sharded.train(&network, on: source) }
        var large = try Trainer(optimizer: SGD(), batchSize: 10, dropLast: true, epochs: 1)
        #expect(
            throws: TensorError(
                operation: "Trainer", argument: "batchSize", value: "10",
                expected: "at most 9, the number of samples, with dropLast")
        ) { try large.train(&network, on: source) }
    }

    @Test func aCheckpointKnowsWhetherTheLastBatchIsLeftOut() throws {
        let source = GivenSamples(try smallImages(9), (0..<9).map { $0 % 4 })
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            var network = try smallNetwork().network
            var trainer = try Trainer(optimizer: SGD(), batchSize: 4, dropLast: true, epochs: 1)
            try trainer.train(&network, on: source, checkpoints: Checkpoints(file: file))
            var other = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 2)
            let error = #expect(throws: FileError.self) {
                try other.train(
                    &network, on: source,
                    checkpoints: Checkpoints(file: file, resuming: Checkpoint(contentsOf: file)))
            }
            #expect(
                error?.problem
                    == "was written with other settings: dropLast was true and is not set")
        }
    }
}
