// SPDX-License-Identifier: MIT
//
// What layers keep beside their parameters, and which training step they are given.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

struct BufferTests {
    /// ReLU has no tensors, so the recorder's are number 1 and the product's number 2.
    private static func network() throws -> Network {
        try Network(
            inputShape: [3],
            layers: [
                NamedLayer("relu1", ReLU()), NamedLayer("recorder", try StepRecorder()),
                NamedLayer("affine1", try Affine(inputSize: 3, outputSize: 2, seed: 1)),
            ])
    }

    private static func batch() throws -> Batch {
        try Batch(images: Tensor(shape: [1, 3], scalars: [1, 2, 3]), labels: [1])
    }

    @Test func parametersAndBuffersShareTheirNumbers() throws {
        let network = try Self.network()
        #expect(network.parameters.map(\.name) == ["W1", "W2", "b2"])
        #expect(network.buffers.map(\.name) == ["step1"])
        #expect(try smallNetwork().buffers.isEmpty)
    }

    @Test func eachTrainingStepHasTheNextNumber() throws {
        var network = try Self.network()
        var updater = try Updater(SGD())
        #expect(network.trainingStep == 0)
        for step in 0..<3 {
            _ = try network.trainStep(on: Self.batch(), with: &updater)
            #expect(network.buffers[0].value.doubles == [Double(step)])
        }
        #expect(network.trainingStep == 3)
        // A copy goes on from there, in either number type.
        #expect(try network.converted(to: .float64, kernels: NativeKernels()).trainingStep == 3)
    }

    @Test func askingForGradientsIsNoStep() throws {
        let network = try Self.network()
        let batch = try Self.batch()
        _ = try network.gradient(batch.images, labels: batch.labels)
        #expect(network.trainingStep == 0)
        #expect(network.buffers[0].value.doubles == [-1])
    }

    /// A custom layer that makes two of its one buffer.
    private struct Doubling: UnaryLayer {
        var buffers: [Tensor]
        let bufferNames = ["one"]

        func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
        func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
            Forward(x, buffers: buffers + buffers) { outputGradient, _ in
                LayerGradients(input: outputGradient)
            }
        }
    }

    @Test func otherBuffersThanThereAreAreRefused() throws {
        var network = try Network(
            inputShape: [3],
            layers: [
                NamedLayer("affine1", Affine(inputSize: 3, outputSize: 2, seed: 1)),
                NamedLayer("odd", Doubling(buffers: [try Tensor(zeros: [1])])),
            ])
        var updater = try Updater(SGD())
        let before = network.parameters[0].value
        #expect(
            throws: TensorError(
                operation: "layer odd", argument: "buffers", value: "2 tensors",
                expected: "the 1 that it has")
        ) { try network.trainStep(on: Self.batch(), with: &updater) }
        #expect(network.parameters[0].value == before && network.trainingStep == 0)
    }

    @Test func buffersAreSavedWithTheParameters() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("p.safetensors")
            var trained = try Self.network()
            var updater = try Updater(SGD())
            for _ in 0..<2 { _ = try trained.trainStep(on: Self.batch(), with: &updater) }
            try trained.saveParameters(to: url)
            var network = try Self.network()
            try network.loadParameters(from: url)
            #expect(network.buffers[0].value.doubles == [1])
            #expect(zip(network.parameters, trained.parameters).allSatisfy { $0.value == $1.value })

            try Safetensors.encode(trained.parameters).write(to: url)
            #expect(
                throws: FileError(
                    file: url.path, problem: "step1 is missing, expected shape [1]")
            ) { try network.loadParameters(from: url) }
        }
    }
}
