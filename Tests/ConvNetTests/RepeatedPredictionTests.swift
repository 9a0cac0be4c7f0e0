// SPDX-License-Identifier: MIT
//
// Repeated predictions keep the filters as kernels read them. Whatever happens to the parameters in
// between, a network predicts the bits of a fresh one with the same parameters.

import ConvNetReference
import ConvNetTestSupport
import Testing

@testable import ConvNet

@Suite struct RepeatedPredictionTests {
    /// A network whose second convolution has filters enough to use Winograd's algorithm
    /// with many images.
    private static func network(seed: UInt64) throws -> Network {
        try Network(
            inputShape: [3, 11, 11],
            layers: [
                NamedLayer(
                    "conv1",
                    Convolution(
                        inputChannels: 3, outputChannels: 64, kernel: 3, padding: 1, seed: seed)),
                NamedLayer("relu1", ReLU()),
                NamedLayer(
                    "conv2",
                    Convolution(
                        inputChannels: 64, outputChannels: 120, kernel: 3, padding: 1, seed: seed,
                        stream: 1)),
                NamedLayer("relu2", ReLU()), NamedLayer("pool2", MaxPooling(2)),
                NamedLayer(
                    "affine",
                    Affine(inputSize: 120 * 5 * 5, outputSize: 4, seed: seed, stream: 2)),
            ])
    }

    private static let samples = 3

    private static func images(_ draw: inout Draw) throws -> Tensor {
        try draw.normal([samples, 3, 11, 11])
    }

    private static func keptBytes(_ network: Network) -> Int {
        network.prepared.byteCount
    }

    /// A network that was never asked for anything, with the parameters of another.
    private static func fresh(_ network: Network) throws -> Network {
        var copy = try Self.network(seed: 99)
        try copy.replaceParameters(network.parameters.map(\.value))
        return copy
    }

    /// Predicts often enough that filters are kept and used.
    private static func expectFreshBits(
        _ network: Network, _ x: Tensor, _ what: Comment
    ) throws {
        let expected = try fresh(network).predict(x)
        for _ in 0..<4 { #expect(try network.predict(x).hasSameBits(as: expected), what) }
        #expect(keptBytes(network) > 0, what)
    }

    @Test func everyWayOfChangingTheParametersCounts() throws {
        var draw = Draw(seed: 1)
        let x = try Self.images(&draw)
        var network = try Self.network(seed: 1)
        try Self.expectFreshBits(network, x, "drawn")

        var trainer = try Trainer(optimizer: Adam(), batchSize: 2, epochs: 1)
        let source = GivenSamples(try Self.images(&draw), [0, 1, 2])
        try trainer.train(&network, on: source)
        #expect(Self.keptBytes(network) == 0)
        try Self.expectFreshBits(network, x, "trained")

        try network.updateParameters { parameters in
            for place in parameters.indices {
                try NativeKernels().sgdUpdate(
                    &parameters[place], gradient: draw.normal(parameters[place].shape),
                    learningRate: 0.1, adjustment: GradientAdjustment())
            }
        }
        try Self.expectFreshBits(network, x, "updated")

        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("parameters.safetensors")
            try Self.network(seed: 2).saveParameters(to: url)
            try network.loadParameters(from: url)
        }
        try Self.expectFreshBits(network, x, "loaded")

        let converted = try network.converted(to: .float32, kernels: NativeKernels())
        #expect(Self.keptBytes(converted) == 0)
        try Self.expectFreshBits(converted, x, "converted")
    }

    /// Of two copies each has its own parameters, and neither sees what the other keeps.
    @Test func aCopyThatChangesLeavesTheOriginalAlone() throws {
        var draw = Draw(seed: 2)
        let x = try Self.images(&draw)
        let original = try Self.network(seed: 3)
        let before = try original.predict(x)
        try Self.expectFreshBits(original, x, "original")
        var copy = original
        try copy.updateParameters { parameters in
            for place in parameters.indices {
                try NativeKernels().sgdUpdate(
                    &parameters[place], gradient: draw.normal(parameters[place].shape),
                    learningRate: 0.1, adjustment: GradientAdjustment())
            }
        }
        for _ in 0..<3 {
            try Self.expectFreshBits(copy, x, "copy")
            #expect(try original.predict(x).hasSameBits(as: before))
        }
    }

    /// A predictor packs its filters before it is asked for the first time.
    @Test func aPredictorGivesTheSameBits() throws {
        var draw = Draw(seed: 5)
        let x = try Self.images(&draw)
        var network = try Self.network(seed: 6)
        let expected = try network.predict(x)
        let predictor = try Predictor(network, inputShape: x.shape)
        #expect(predictor.prepackedByteCount > 0)
        #expect(try predictor(x).hasSameBits(as: expected))
        // It stays what it is, whatever becomes of the network.
        try network.updateParameters { parameters in
            parameters[0] = try Tensor(zeros: parameters[0].shape)
        }
        #expect(try predictor(x).hasSameBits(as: expected))
        #expect(try !network.predict(x).hasSameBits(as: expected))
        #expect(
            throws: TensorError(
                operation: "Predictor", argument: "x", value: "[1, 3, 11, 11]",
                expected: "[3, 3, 11, 11]")
        ) { try predictor(x.samples(0..<1)) }
        #expect(throws: TensorError.self) { try Predictor(network, inputShape: [1, 3, 9, 9]) }
    }

    @Test func kernelsMayChangeBetweenPredictions() throws {
        var draw = Draw(seed: 3)
        let x = try Self.images(&draw)
        var network = try Self.network(seed: 4)
        for threads in [2, 1, 3] {
            for set in InstructionSet.supported {
                for winograd in [true, false] {
                    network.kernels = try NativeKernels(
                        threads: threads, instructionSet: set, winograd: winograd)
                    var other = try Self.fresh(network)
                    other.kernels = network.kernels
                    let expected = try other.predict(x)
                    for _ in 0..<3 {
                        #expect(
                            try network.predict(x).hasSameBits(as: expected),
                            "\(threads) threads, \(set), winograd \(winograd)")
                    }
                }
            }
        }
        network.kernels = ReferenceKernels()
        let expected = try Self.reference(network).predict(x)
        #expect(try network.predict(x).hasSameBits(as: expected))
    }

    private static func reference(_ network: Network) throws -> Network {
        var fresh = try fresh(network)
        fresh.kernels = ReferenceKernels()
        return fresh
    }

    @Test func manyTasksMayPredictWhileFiltersAreBeingKept() async throws {
        var draw = Draw(seed: 4)
        let x = try Self.images(&draw)
        for seed in UInt64(0)..<8 {
            let network = try Self.network(seed: seed)
            let expected = try Self.fresh(network).predict(x)
            let one = try NativeKernels(threads: 1)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for task in 0..<16 {
                    group.addTask {
                        var network = network
                        if task % 2 == 0 { network.kernels = one }
                        return try network.predict(x).hasSameBits(as: expected)
                    }
                }
                for try await isSame in group { #expect(isSame, "seed \(seed)") }
            }
        }
    }
}
