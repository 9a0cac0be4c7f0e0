// SPDX-License-Identifier: MIT
//
// One round of work: every network trains a little and predicts, alone and from many tasks.

import ConvNet
import ConvNetData
import Foundation

/// The networks and data that every round uses.
struct Work: Sendable {
    private let folder: URL
    private let digits: LabeledImages
    private let alexNet: Network

    init(folder: URL) throws {
        self.folder = folder
        digits = try SyntheticDigits.make(count: 300, seed: 1)
        alexNet = try AlexNet(seed: 1).network
    }

    /// What a program that serves predictions and trains does, in small; a round takes seconds.
    func round(_ number: Int) async throws {
        for (name, make) in Self.networks {
            var network = try make()
            try train(&network, batchSize: [1, 7, 32, 100][number % 4], name)
            try await predict(network, round: number)
        }
        try await predictAlexNet(number)
    }

    private static let networks: [(name: String, make: @Sendable () throws -> Network)] = [
        ("simple", { try SimpleConvNet(seed: 1, initialization: .he).network }),
        ("lenet", { try LeNet(seed: 2).network }),
        ("lenet-1998", { try LeNet(seed: 3, form: .classic).network }),
        ("normalized", makeNormalized),
    ]

    /// What the others lack; its second convolution uses Winograd's algorithm.
    private static func makeNormalized() throws -> Network {
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
                NamedLayer("affine", Affine(inputSize: 48, outputSize: 10)),
            ])
    }

    /// Trains with augmentation and checkpoints, goes on from one, and writes and reads the
    /// network.
    private func train(_ network: inout Network, batchSize: Int, _ name: String) throws {
        let source = try ImagePipeline(
            digits, augmentation: Augmentation(shift: 2, rotation: 10), seed: 1)
        let count = min(10 * batchSize, digits.sampleCount)
        let file = folder.appendingPathComponent("\(name).checkpoint")
        let some = Part(source: source, sampleCount: count)
        var trainer = try Trainer(optimizer: Adam(), batchSize: batchSize, epochs: 1)
        try trainer.train(&network, on: some, checkpoints: Checkpoints(file: file))
        var longer = try Trainer(optimizer: Adam(), batchSize: batchSize, epochs: 2)
        try longer.train(
            &network, on: some,
            checkpoints: Checkpoints(file: file, resuming: Checkpoint(contentsOf: file)))
        let saved = folder.appendingPathComponent("\(name).safetensors")
        try network.save(to: saved)
        _ = try Network(contentsOf: saved)
    }

    /// Predictions from eight tasks: in the task, on the shared queue, and on a queue and in
    /// batches that come and go; every fourth is cancelled.
    private func predict(_ network: Network, round: Int) async throws {
        let own = try PredictionQueue(limit: 3)
        let together = try BatchingPredictor(
            network, maximumBatch: 24, maximumWait: .milliseconds(1), maximumQueue: 100)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                let count = 1 + (round + number * 5) % 24
                let x = try digits.images.samples(at: Array(0..<count))
                let expected = try network.predict(x)
                group.addTask {
                    for _ in 0..<4 {
                        let cancelled = Task { try await network.prediction(for: x, on: own) }
                        let batched = Task { try await together.prediction(for: x) }
                        if number % 4 == 0 {
                            cancelled.cancel()
                            batched.cancel()
                        }
                        guard try network.predict(x, threads: 1 + number % 3) == expected,
                            try await network.prediction(for: x) == expected
                        else { throw Difference(x: x.shape) }
                        _ = try? await cancelled.value
                        _ = try? await batched.value
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func predictAlexNet(_ round: Int) async throws {
        let x = try Tensor(shape: [1 + round % 2, 3, 227, 227], repeating: 0.5)
        let expected = try alexNet.predict(x)
        guard try await alexNet.prediction(for: x) == expected else {
            throw Difference(x: x.shape)
        }
    }

    /// Two predictions of the same batch differed.
    private struct Difference: Error { let x: [Int] }
}

/// The first samples of a source.
private struct Part: BatchSource {
    let source: ImagePipeline
    let sampleCount: Int

    func order(ofEpoch epoch: Int) -> [Int] { Array(0..<sampleCount) }
    func batch(at indices: [Int]) throws -> Batch { try source.batch(at: indices) }
}
