// SPDX-License-Identifier: MIT
//
// Batch normalization: numbers by hand, running statistics, and calls that make no sense.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

struct BatchNormalizationTests {
    /// One channel holds 1, 3, 1, 3 (mean 2, variance 1), the other 5 throughout.
    private static func x() throws -> Tensor {
        try Tensor(shape: [2, 2, 1, 2], scalars: [1, 3, 5, 5, 1, 3, 5, 5])
    }

    private static let conformers: [any Kernels] = [NativeKernels(), ReferenceKernels()]

    @Test func numbersAndRunningStatisticsByHand() throws {
        for kernels in Self.conformers {
            let layer = try BatchNormalization(
                gamma: Tensor(shape: [2], scalars: [2, 1]),
                beta: Tensor(shape: [2], scalars: [0, 7]),
                mean: Tensor(shape: [2], scalars: [0, 0]),
                variance: Tensor(shape: [2], scalars: [1, 1]), epsilon: 3, momentum: 0.5)
            // Deviation √(1 + 3) = 2: (x − 2) / 2 · 2.
            let forward = try layer.forward(Self.x(), in: Pass(kernels: kernels))
            #expect(forward.output.scalars == [-1, 1, 7, 7, -1, 1, 7, 7])
            // Half the old and half the batch's; the variance of four numbers is 4/3.
            let buffers = try #require(forward.buffers)
            #expect(layer.bufferNames == ["mean", "variance"])
            #expect(buffers[0].scalars == [1, 2.5])
            #expect(buffers[1].scalars == [Float(0.5 + 0.5 * 4 / 3), 0.5])
            // The layer itself stays as it was.
            #expect(layer.buffers.map(\.scalars) == [[0, 0], [1, 1]])
        }
    }

    @Test func predictionTakesTheRunningStatistics() throws {
        for kernels in Self.conformers {
            let layer = try BatchNormalization(
                gamma: Tensor(shape: [2], scalars: [2, 1]),
                beta: Tensor(shape: [2], scalars: [0, 7]),
                mean: Tensor(shape: [2], scalars: [1, 5]),
                variance: Tensor(shape: [2], scalars: [1, 1]), epsilon: 3)
            #expect(try layer.predict(Self.x(), on: kernels).scalars == [0, 2, 7, 7, 0, 2, 7, 7])
        }
    }

    @Test func tensorsAreNamedAndSaved() throws {
        var network = try Network(
            inputShape: [1, 2, 2],
            layers: [
                NamedLayer(
                    "conv1", try Convolution(inputChannels: 1, outputChannels: 3, kernel: 1)),
                NamedLayer("norm1", try BatchNormalization(channels: 3)),
                NamedLayer("pool1", GlobalAveragePooling()), NamedLayer("flatten1", Flatten()),
            ])
        #expect(network.parameters.map(\.name) == ["W1", "b1", "gamma2", "beta2"])
        #expect(network.buffers.map(\.name) == ["mean2", "variance2"])
        var draw = Draw(seed: 1)
        let batch = try Batch(images: draw.normal([4, 1, 2, 2]), labels: [0, 1, 2, 0])
        var updater = try Updater(SGD())
        let fresh = network
        _ = try network.trainStep(on: batch, with: &updater)
        #expect(network.buffers[0].value != fresh.buffers[0].value)
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("p.safetensors")
            try network.saveParameters(to: url)
            var loaded = fresh
            try loaded.loadParameters(from: url)
            #expect(try loaded.predict(batch.images) == network.predict(batch.images))
        }
    }

    @Test func mistakesAreOneClearLine() throws {
        func expect(_ message: String, _ body: () throws -> Void) {
            let error = #expect(throws: TensorError.self, performing: body)
            #expect(error?.description == message)
        }
        expect("BatchNormalization: momentum is 1.5, expected from 0 to 1") {
            _ = try BatchNormalization(channels: 2, momentum: 1.5)
        }
        expect("BatchNormalization: epsilon is 0.0, expected from 1e-30 to 1e30") {
            _ = try BatchNormalization(channels: 2, epsilon: 0)
        }
        expect("BatchNormalization: x is [2, 3], expected [N, 2] or [N, 2, …]") {
            let layer = try BatchNormalization(channels: 2)
            _ = try layer.forward(Tensor(zeros: [2, 3]))
        }
        expect(
            "BatchNormalization: x is [1, 2], expected more than one number per channel in training"
        ) {
            let layer = try BatchNormalization(channels: 2)
            _ = try layer.forward(Tensor(zeros: [1, 2]))
        }
        expect("LeakyReLU: negativeSlope is nan, expected a finite number") {
            _ = try LeakyReLU(negativeSlope: .nan)
        }
        expect(
            "Softmax: axis is 0, expected not axis 0 of [2, 3, 1, 1], which counts samples"
        ) {
            _ = try Softmax(axis: 0).outputShape(for: [2, 3, 1, 1])
        }
        expect("Flatten: x is [3], expected [N, C] or [N, C, …]") {
            _ = try Flatten().outputShape(for: [3])
        }
        expect("GlobalMaxPooling: x is [2, 3], expected [N, C, H, W]") {
            _ = try GlobalMaxPooling().outputShape(for: [2, 3])
        }
    }
}
