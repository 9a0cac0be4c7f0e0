// SPDX-License-Identifier: MIT
//
// What a record is: a network, how it is trained, and what is done to the images before. The two
// here are the published ones' in each number; Benchmarks/Peers/mnist.py is the same in PyTorch and
// MLX.

import ConvNet
import ConvNetData

/// A training on MNIST that others have published figures of.
struct Record: Sendable {
    /// What the command line calls it.
    let name: String
    /// What it is, in a line.
    let summary: String
    /// What is taken off each pixel, from 0 to 1, and what the rest is divided by.
    let (mean, deviation): (Double, Double)
    /// The untrained network of a seed.
    let network: @Sendable (_ seed: UInt64, any Kernels) throws -> Network
    /// What trains it on so many images.
    let trainer: @Sendable (_ samples: Int) throws -> Trainer

    /// All of them.
    static let all = [mnistOneEpoch, mnistThreeEpochs]

    /// Images as the network takes them.
    func prepared(_ images: LabeledImages) throws -> LabeledImages {
        guard (mean, deviation) != (0, 1) else { return images }
        return try LabeledImages(
            images: images.images.map { ($0 - mean) / deviation }, labels: images.labels,
            classes: images.classes)
    }
}

extension Record {
    /// As wide as PyTorch draws weights: evenly from ±1/√fan-in there.
    private static func usual(fanIn: Int) -> Initialization {
        .standardDeviation(1 / (3 * Double(fanIn)).squareRoot())
    }

    /// 99 % of MNIST's test images after one epoch (github.com/tuomaso/train_mnist_fast, its last
    /// notebook): 99.04 ± 0.07 % over 30 seeds, in 0.76 s on a GTX 1660 Ti.
    static let mnistOneEpoch = Record(
        name: "mnist-one-epoch", summary: "MNIST to 99 % in one epoch.",
        mean: 0.1307, deviation: 0.3081
    ) { seed, kernels in
        try Network(
            inputShape: [1, 28, 28],
            layers: [
                NamedLayer(
                    "conv1",
                    Convolution(
                        inputChannels: 1, outputChannels: 24, kernel: 5,
                        initialization: usual(fanIn: 25), seed: seed, stream: 1)),
                NamedLayer("pool1", MaxPooling(2)), NamedLayer("relu1", ReLU()),
                NamedLayer(
                    "conv2",
                    Convolution(
                        inputChannels: 24, outputChannels: 32, kernel: 3,
                        initialization: usual(fanIn: 24 * 9), seed: seed, stream: 2)),
                NamedLayer("pool2", MaxPooling(2)), NamedLayer("relu2", ReLU()),
                NamedLayer(
                    "affine1",
                    Affine(
                        inputSize: 32 * 5 * 5, outputSize: 256,
                        initialization: usual(fanIn: 800), seed: seed, stream: 3)),
                NamedLayer("relu3", ReLU()),
                NamedLayer(
                    "affine2",
                    Affine(
                        inputSize: 256, outputSize: 10, initialization: usual(fanIn: 256),
                        seed: seed, stream: 4)),
            ], kernels: kernels)
    } trainer: { samples in
        let batchSize = 256
        return try Trainer(
            optimizer: Adam(settings: AdamSettings(learningRate: 0.01, beta1: 0.7, beta2: 0.9)),
            schedule: LearningRateSchedule(
                .oneCycle(steps: (samples + batchSize - 1) / batchSize)),
            batchSize: batchSize, epochs: 1)
    }

    /// The example of TaylorTorch (github.com/pedronahum/TaylorTorch, Examples/MNIST), three epochs
    /// of plain descent.
    static let mnistThreeEpochs = Record(
        name: "mnist-three-epochs",
        summary: "TaylorTorch's example: batch normalization, dropout, average pooling.",
        mean: 0, deviation: 1
    ) { seed, kernels in
        try Network(
            inputShape: [1, 28, 28],
            layers: [
                NamedLayer(
                    "conv1",
                    Convolution(
                        inputChannels: 1, outputChannels: 32, kernel: 3, padding: 1, seed: seed,
                        stream: 1)),
                NamedLayer("dropout1", Dropout(rate: 0.025, seed: seed, stream: 2)),
                NamedLayer("norm1", BatchNormalization(channels: 32)),
                NamedLayer("relu1", ReLU()), NamedLayer("pool1", AveragePooling(2)),
                NamedLayer(
                    "conv2",
                    Convolution(
                        inputChannels: 32, outputChannels: 64, kernel: 3, padding: 1, seed: seed,
                        stream: 3)),
                NamedLayer("norm2", BatchNormalization(channels: 64)),
                NamedLayer("relu2", ReLU()), NamedLayer("pool2", AveragePooling(2)),
                NamedLayer(
                    "affine1",
                    Affine(
                        inputSize: 64 * 7 * 7, outputSize: 256, initialization: .xavier,
                        seed: seed, stream: 4)),
                NamedLayer("dropout2", Dropout(rate: 0.025, seed: seed, stream: 5)),
                NamedLayer("relu3", ReLU()),
                NamedLayer(
                    "affine2",
                    Affine(
                        inputSize: 256, outputSize: 10, initialization: .xavier, seed: seed,
                        stream: 6)),
            ], kernels: kernels)
    } trainer: { _ in
        try Trainer(optimizer: SGD(learningRate: 0.001), batchSize: 128, epochs: 3)
    }
}
