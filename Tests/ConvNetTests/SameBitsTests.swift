// SPDX-License-Identifier: MIT
//
// The contract that the number of threads changes no bit, over whole networks: what they predict, their
// gradients, and 50 steps of training with dropout and augmentation. Together the networks use every
// layer.

import ConvNet
import ConvNetData
import Foundation
import Testing

/// Whether a sanitizer runs, which makes everything slower and looks for faults that a few steps on two
/// numbers of threads have as well.
private let isShort = ProcessInfo.processInfo.environment["DRAWN_CASES"] != nil

/// A network and what it is trained on: 50 steps.
struct TrainedCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let batchSize: Int
    let network: @Sendable () throws -> Network
    let samples: @Sendable () throws -> LabeledImages

    static let all = [
        digits("SimpleConvNet") { try SimpleConvNet(seed: 1, initialization: .he).network },
        digits("LeNet") { try LeNet(seed: 2).network },
        digits("LeNet of 1998") { try LeNet(seed: 3, form: .classic).network },
        digits("normalized", normalized),
        // AlexNet with fewer filters on smaller images: the whole one takes minutes here.
        TrainedCase(
            testDescription: "AlexNet", batchSize: 4,
            network: {
                try AlexNet(
                    seed: 4, inputShape: [3, 99, 99], filters: [24, 64, 96, 96, 64],
                    hiddenSize: 128, classes: 10
                ).network
            },
            samples: {
                let patterns = try SyntheticPatterns(count: 20, side: 99, seed: 5)
                let batch = try patterns.batch(at: Array(0..<20))
                return try LabeledImages(
                    images: batch.images, labels: batch.labels, classes: 10)
            }),
    ]

    private static func digits(
        _ name: String, _ network: @escaping @Sendable () throws -> Network
    ) -> TrainedCase {
        TrainedCase(
            testDescription: name, batchSize: 16, network: network,
            samples: { try SyntheticDigits.make(count: 80, seed: 1) })
    }

    /// The layers that the ready-made networks lack; the second convolution goes by Winograd's way.
    private static func normalized() throws -> Network {
        try Network(
            inputShape: [1, 28, 28],
            layers: [
                NamedLayer("conv1", Convolution(inputChannels: 1, outputChannels: 48, kernel: 5)),
                NamedLayer("norm1", BatchNormalization(channels: 48)),
                NamedLayer("tanh1", Tanh()), NamedLayer("pool1", AveragePooling(2)),
                NamedLayer("conv2", Convolution(inputChannels: 48, outputChannels: 48, kernel: 3)),
                NamedLayer("bent2", LeakyReLU()),
                NamedLayer("response2", LocalResponseNormalization()),
                NamedLayer("dropout2", Dropout(rate: 0.3, seed: 4)),
                NamedLayer("pool2", GlobalMaxPooling()),
                NamedLayer("affine3", Affine(inputSize: 48, outputSize: 20)),
                NamedLayer("sigmoid3", Sigmoid()), NamedLayer("flat", Flatten()),
                NamedLayer("affine4", Affine(inputSize: 20, outputSize: 10)),
                NamedLayer("softmax4", Softmax()),
            ])
    }

    /// The hashes of everything that the network computes on the given kernels.
    func hashes(on kernels: NativeKernels) throws -> [String: String] {
        var network = try network()
        network.kernels = kernels
        let samples = try samples()
        let batch = try samples.batch(at: Array(0..<batchSize))
        var hashes = ["prediction": Self.hash([try network.predict(batch.images)])]
        hashes["gradients"] = Self.hash(
            try network.gradient(batch.images, labels: batch.labels).map(\.value))
        let source = try ImagePipeline(
            samples, augmentation: Augmentation(shift: 2, rotation: 10, crop: 0.2, flip: true),
            seed: 6)
        let steps = isShort ? 5 : 50
        let stepsPerEpoch = samples.sampleCount / batchSize
        var trainer = try Trainer(
            optimizer: Adam(), batchSize: batchSize, epochs: steps / stepsPerEpoch)
        let history = try trainer.train(&network, on: source)
        try #require(history.stepLosses.count == steps)
        hashes["training"] = Self.hash(
            network.parameters.map(\.value) + network.buffers.map(\.value)
                + [try Tensor(shape: [steps], doubles: history.stepLosses)])
        hashes["prediction after training"] = Self.hash([try network.predict(batch.images)])
        return hashes
    }

    private static func hash(_ tensors: [Tensor]) -> String {
        var hash = ContentHash()
        for tensor in tensors { hash.add(tensor) }
        return hash.text
    }
}

@Suite struct SameBitsTests {
    @Test(arguments: TrainedCase.all, InstructionSet.supported)
    func threadsChangeNoBit(_ trained: TrainedCase, _ set: InstructionSet) throws {
        let serial = try trained.hashes(on: NativeKernels(threads: 1, instructionSet: set))
        for threads in isShort ? [3] : [2, 3, 4, 7, 16] {
            let kernels = try NativeKernels(threads: threads, instructionSet: set)
            let hashes = try trained.hashes(on: kernels)
            #expect(hashes == serial, "\(trained.testDescription), \(threads) threads, \(set)")
        }
    }
}
