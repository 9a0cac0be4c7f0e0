// SPDX-License-Identifier: MIT
//
// Training a part of a network: parameters that stay, and normalizations that keep their
// statistics.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// Two convolutions with normalizations, the second with a layer beside it, and a head.
private func network(kernels: any Kernels = NativeKernels()) throws -> Network {
    var draw = Draw(seed: 8)
    func norm() throws -> BatchNormalization {
        try BatchNormalization(
            gamma: draw.normal([3]), beta: draw.normal([3]), mean: draw.normal([3]),
            variance: Tensor(shape: [3], scalars: [0.5, 1, 2]))
    }
    return try Network(inputShape: [2, 5, 5], kernels: kernels) { graph, image in
        var x = try graph.add(
            Convolution(inputChannels: 2, outputChannels: 3, kernel: 3, padding: 1, seed: 1),
            image, name: "stem")
        x = try graph.add(Tanh(), graph.add(norm(), x, name: "norm1"))
        let y = try graph.add(
            Convolution(inputChannels: 3, outputChannels: 3, kernel: 3, padding: 1, seed: 2), x,
            name: "layer1.conv")
        let z = try graph.add(Addition(), graph.add(norm(), y, name: "layer1.norm"), x)
        return try graph.add(Affine(inputSize: 75, outputSize: 4, seed: 3), z, name: "fc")
    }
}

private func samples(_ count: Int = 8) throws -> GivenSamples {
    var draw = Draw(seed: 4)
    return GivenSamples(try draw.normal([count, 2, 5, 5]), (0..<count).map { $0 * 7 % 4 })
}

private func train(
    _ start: Network, trainable: [String]? = nil, frozen: [String] = [], epochs: Int = 2,
    optimizer: any Optimizer, sharding: Sharding? = nil, checkpoint: URL? = nil,
    resuming: Bool = false
) throws -> Network {
    var network = start
    // Sevenths: a shard's share of them is rounded, which shows where a sum should not be.
    var trainer = try Trainer(
        optimizer: optimizer, clipping: .norm(0.5), batchSize: 7, epochs: epochs,
        sharding: sharding)
    trainer.trainable = trainable
    trainer.frozenNormalizations = frozen
    let plan = try checkpoint.map {
        try Checkpoints(file: $0, resuming: resuming ? Checkpoint(contentsOf: $0) : nil)
    }
    try trainer.train(&network, on: samples(), checkpoints: plan)
    return network
}

/// The names of tensors that differ in a bit.
private func changed(_ one: Network, _ other: Network) -> Set<String> {
    Set(
        zip(one.parameters + one.buffers, other.parameters + other.buffers).compactMap {
            $0.value.hasSameBits(as: $1.value) ? nil : $0.name
        })
}

struct TrainedPartTests {
    private static let all: Set = [
        "stem.W", "stem.b", "norm1.gamma", "norm1.beta", "layer1.conv.W", "layer1.conv.b",
        "layer1.norm.gamma", "layer1.norm.beta", "fc.W", "fc.b",
    ]
    private static let statistics: Set = [
        "norm1.mean", "norm1.variance", "layer1.norm.mean", "layer1.norm.variance",
    ]

    /// With a decay, which moves whatever an optimizer is given.
    @Test(
        arguments: [
            (nil, all), (["*"], all), (["fc.*"], ["fc.W", "fc.b"]),
            (["*.b"], ["stem.b", "layer1.conv.b", "fc.b"]),
            (["layer1.*", "!*norm*"], ["layer1.conv.W", "layer1.conv.b"]),
            (
                ["!*.gamma", "!*.beta", "!fc.b"],
                ["stem.W", "stem.b", "layer1.conv.W", "layer1.conv.b", "fc.W"]
            ),
        ] as [([String]?, Set<String>)])
    func whatIsNotTrainableStaysAsItIs(_ patterns: [String]?, _ expected: Set<String>) throws {
        let start = try network()
        for optimizer in [
            try AdamW(weightDecay: 0.1) as any Optimizer, try Momentum(weightDecay: 0.1),
        ] {
            for sharding in [nil, try Sharding(shards: 3)] {
                let trained = try train(
                    start, trainable: patterns, optimizer: optimizer, sharding: sharding)
                #expect(
                    changed(start, trained) == expected.union(Self.statistics),
                    "\(optimizer), \(sharding == nil ? 1 : 3) shards")
            }
        }
    }

    /// The gradients that are computed are those of a step that trains everything, so that without
    /// clipping a trained parameter goes the same way.
    @Test func whatIsTrainedGoesTheSameWay() throws {
        let start = try network()
        let source = try samples()
        let batch = try source.batch(at: Array(0..<8))
        var (whole, part) = (start, start)
        var updaters = [try Updater(SGD()), try Updater(SGD())]
        updaters[1].trainable = ["layer1.*"]
        try whole.trainStep(on: batch, with: &updaters[0])
        try part.trainStep(on: batch, with: &updaters[1])
        for (one, other) in zip(whole.parameters, part.parameters)
        where other.name.hasPrefix("layer1.") {
            #expect(one.value.hasSameBits(as: other.value), "\(one.name)")
        }
    }

    /// Below the first layer that is trained no kernel of a gradient runs.
    @Test func noGradientIsComputedThatIsNotNeeded() throws {
        func gradients(_ patterns: [String]?) throws -> Set<String> {
            let kernels = RecordingKernels(NativeKernels())
            var network = try network(kernels: kernels)
            var updater = try Updater(SGD())
            updater.trainable = patterns
            try network.trainStep(on: samples().batch(at: [0, 1]), with: &updater)
            return kernels.calls.filter { $0.contains("Gradient") }
        }
        let all = try gradients(nil)
        #expect(all.contains { $0.hasPrefix("convolutionWeightGradient") }, "\(all)")
        #expect(all.contains { $0.hasPrefix("convolutionInputGradient") }, "\(all)")
        #expect(all.contains { $0.hasPrefix("batchNormalizationGradient") }, "\(all)")
        let head = try gradients(["fc.*"])
        #expect(
            !head.contains { $0.contains("onvolution") || $0.contains("ormalization") }, "\(head)")
        let upper = try gradients(["layer1.*"])
        #expect(upper.contains { $0.hasPrefix("convolutionWeightGradient") }, "\(upper)")
        #expect(!upper.contains { $0.hasPrefix("convolutionInputGradient") }, "\(upper)")
    }

    @Test(arguments: [1, 3])
    func frozenStatisticsStayAsTheyAre(_ shards: Int) throws {
        let start = try network()
        let sharding = shards == 1 ? nil : try Sharding(shards: shards)
        let every = try train(
            start, frozen: ["*norm*"], optimizer: Adam(), sharding: sharding)
        #expect(changed(start, every) == Self.all)
        let one = try train(
            start, frozen: ["norm1"], optimizer: Adam(), sharding: sharding)
        #expect(
            changed(start, one) == Self.all.union(["layer1.norm.mean", "layer1.norm.variance"]))
        let still = try train(
            start, trainable: ["!*.gamma", "!*.beta"], frozen: ["*norm*"], optimizer: Adam(),
            sharding: sharding)
        #expect(changed(start, still) == Self.all.filter { !$0.contains("norm") })
        // What is computed is another function.
        #expect(!changed(one, every).isEmpty)
    }

    /// In float64 on the reference, of a network all of whose normalizations are frozen.
    @Test func gradientsAgreeWithCentralDifferences() throws {
        var network = try network().converted(to: .float64, kernels: ReferenceKernels())
        let batch = try samples(3).batch(at: [0, 1, 2])
        let x = try batch.images.converted(to: .float64)
        var part = TrainedPart()
        part.frozenNormalizations = ["*"]
        let plan = try network.trainingPlan(for: part)
        let found = try network.computeGradients(
            [x], targets: batch.targets, loss: SoftmaxCrossEntropy.standard, plan: plan)
        for (place, parameter) in network.parameters.enumerated() {
            let gradient = try #require(found.parameters[place]).doubles
            for index in stride(from: 0, to: gradient.count, by: 7) {
                func loss(_ shift: Double) throws -> Double {
                    var numbers = parameter.value.doubles
                    numbers[index] += shift
                    var copy = network
                    let shifted = try Tensor(shape: parameter.value.shape, doubles: numbers)
                    try copy.updateParameters { $0[place] = shifted }
                    // Prediction normalizes by the running statistics too.
                    return try copy.loss(x, labels: batch.labels)
                }
                let step = 1e-5
                let slope = try (loss(step) - loss(-step)) / (2 * step)
                // The third derivatives of these few smooth layers are a few hundred at most, and a
                // loss of about 1 is off by some 1e-14.
                #expect(
                    abs(slope - gradient[index]) <= 1e3 * step * step + 1e-13 / step,
                    "\(parameter.name) \(index): \(gradient[index]), by differences \(slope)")
            }
        }
    }

    @Test func ranksFreezeTheSame() throws {
        let start = try network()
        @Sendable func run(_ averager: (any GradientAverager)?) throws -> Network {
            try train(
                start, trainable: ["layer1.*", "fc.*"], frozen: ["layer1.norm"],
                optimizer: Adam(),
                sharding: Sharding(shards: 3, averager: averager ?? LocalAverager()))
        }
        let alone = try run(nil)
        for ranks in 1...3 {
            for result in try ThreadTeam.run(ranks, { try run($0) }) {
                #expect(changed(alone, result).isEmpty, "\(ranks) ranks")
            }
        }
        #expect(!changed(start, alone).contains { $0.hasPrefix("stem") })
        #expect(!changed(start, alone).contains("layer1.norm.mean"))
    }

    @Test func aCheckpointHoldsThePatterns() throws {
        let start = try network()
        let (patterns, frozen) = (["layer1.*", "fc.W"], ["layer1.*"])
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("c")
            let whole = try train(
                start, trainable: patterns, frozen: frozen, epochs: 4, optimizer: Adam())
            _ = try train(
                start, trainable: patterns, frozen: frozen, optimizer: Adam(), checkpoint: file)
            #expect(try Checkpoint(contentsOf: file).settings["trainable"] == "layer1.*; fc.W")
            #expect(
                try Checkpoint(contentsOf: file).settings["frozenNormalizations"] == "layer1.*")
            let resumed = try train(
                start, trainable: patterns, frozen: frozen, epochs: 4, optimizer: Adam(),
                checkpoint: file, resuming: true)
            #expect(changed(whole, resumed).isEmpty)
            #expect(
                changed(start, resumed) == [
                    "layer1.conv.W", "layer1.conv.b", "layer1.norm.gamma", "layer1.norm.beta",
                    "fc.W", "norm1.mean", "norm1.variance",
                ])
            // Nothing is kept beside what was never trained.
            let kept = try Safetensors.contents(of: file).tensors.map(\.name).filter {
                $0.hasPrefix("optimizer.")
            }
            #expect(kept.count == 2 * 5 && !kept.contains { $0.hasSuffix("stem.W") }, "\(kept)")
            // Others go on with others only where a checkpoint is not asked.
            #expect {
                try train(
                    start, trainable: ["fc.*"], frozen: frozen, epochs: 4, optimizer: Adam(),
                    checkpoint: file, resuming: true)
            } throws: {
                "\($0)".hasSuffix("trainable was layer1.*; fc.W and is fc.*")
            }
        }
    }

    /// A parameter that is trained from the second step on begins with zeros beside it, and one
    /// that no longer is keeps what it has, over a checkpoint too.
    @Test func whatIsTrainedMayChangeFromStepToStep() throws {
        var network = try network()
        let batch = try samples().batch(at: [0, 1, 2, 3])
        var updater = try Updater(SGD(learningRate: 0.125, momentum: 0.5))
        updater.trainable = ["fc.W"]
        try network.trainStep(on: batch, with: &updater)
        #expect(updater.state.parameters == ["fc.W"])
        #expect(updater.state.tensors["velocity"]?.count == 1)
        updater.trainable = ["fc.*"]
        let gradient = try #require(
            network.gradients(batch.images, labels: batch.labels).parameters.last)
        let before = try #require(network.parameters.last).value
        try network.trainStep(on: batch, with: &updater)
        #expect(updater.state.parameters == ["fc.W", "fc.b"])
        let expected = try before - 0.125 * gradient.value
        #expect(try #require(network.parameters.last).value.hasSameBits(as: expected))
        // The velocity of W goes on where it was.
        updater.trainable = ["fc.b"]
        try network.trainStep(on: batch, with: &updater)
        var other = try Updater(SGD(learningRate: 0.125, momentum: 0.5))
        try other.restore(updater.state, for: network)
        #expect(other.state == updater.state)
        var copy = network
        for each in [nil, ["fc.*"], ["stem.*"]] {
            updater.trainable = each
            other.trainable = each
            try network.trainStep(on: batch, with: &updater)
            try copy.trainStep(on: batch, with: &other)
            #expect(changed(network, copy).isEmpty)
        }
        #expect(updater.state.parameters == nil)
        // After all were trained, a checkpoint holds all, whatever is trained now.
        updater.trainable = ["fc.*"]
        let checkpoint = try Checkpoint(
            network: network, updater: updater, progress: TrainingProgress(), settings: [:])
        _ = try checkpoint.restore(&copy, &updater, settings: [:], stepsPerEpoch: 0)
        #expect(updater.state.parameters == nil)
        var state = updater.state
        state.parameters = ["head.W"]
        #expect(
            throws: TensorError(
                operation: "SGD.restore", argument: "state.parameters", value: "head.W",
                expected: "names of the network's parameters")
        ) { try updater.restore(state, for: network) }
    }

    @Test func patternsThatMeanNothingAreRefused() throws {
        let start = try network()
        func expect(_ message: String, trainable: [String]? = nil, frozen: [String] = []) {
            let error = #expect(throws: TensorError.self) {
                try train(start, trainable: trainable, frozen: frozen, optimizer: SGD())
            }
            #expect(error?.description == message)
        }
        let names = start.parameters.map(\.name).joined(separator: ", ")
        expect(
            "training: trainable is head.*, expected a pattern that matches one of \(names)",
            trainable: ["head.*"])
        expect(
            "training: trainable is head.*, expected a pattern that matches one of \(names)",
            trainable: ["!head.*"])
        expect(
            "training: trainable is [fc.W, !fc.*], expected patterns that leave a parameter to train",
            trainable: ["fc.W", "!fc.*"])
        expect(
            "training: trainable is [], expected patterns that leave a parameter to train",
            trainable: [])
        expect(
            "training: frozenNormalizations is stem, expected a pattern that matches one of norm1, "
                + "layer1.norm",
            frozen: ["stem"])
        let chain = try smallNetwork().network
        var updater = try Updater(SGD())
        updater.frozenNormalizations = ["*"]
        var copy = chain
        let error = #expect(throws: TensorError.self) {
            try copy.trainStep(
                on: Batch(images: smallImages(2), labels: [0, 1]), with: &updater)
        }
        #expect(
            error?.description
                == "training: frozenNormalizations is *, expected no pattern: the network has no "
                + "such layers")
    }

    /// One number per channel has no variance, but a place among running statistics.
    @Test func aFrozenNormalizationTrainsOnSingleNumbers() throws {
        var network = try Network(
            inputShape: [3],
            layers: [
                NamedLayer("norm", BatchNormalization(channels: 3)),
                NamedLayer("fc", Affine(inputSize: 3, outputSize: 2, seed: 1)),
            ])
        let source = GivenSamples(try Tensor(shape: [1, 3], scalars: [1, 2, 3]), [1])
        var trainer = try Trainer(optimizer: SGD(), epochs: 1)
        #expect(throws: TensorError.self) { try trainer.train(&network, on: source) }
        trainer.frozenNormalizations = ["norm"]
        try trainer.train(&network, on: source)
        #expect(network.trainingStep == 1)
    }
}
