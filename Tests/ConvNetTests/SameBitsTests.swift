// SPDX-License-Identifier: MIT
//
// The contract that the number of threads changes no bit: over every layer, and over whole
// networks, what they predict, their gradients, and two epochs of training with dropout and
// augmentation. One of the networks runs in portable C too and on more threads: what splits the
// work is the same for all instruction sets, and a sum that depended on the number of threads would
// differ with 3.

import ConvNet
import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

/// Whether a sanitizer runs, which makes everything slower and looks for faults that a few steps on
/// two numbers of threads have as well.
private let isShort = ProcessInfo.processInfo.environment["DRAWN_CASES"] != nil

/// A network and what it is trained on.
struct TrainedCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let batchSize: Int
    let network: @Sendable () throws -> Network
    let samples: @Sendable () throws -> LabeledImages

    static let all = [
        digits("SimpleConvNet") { try SimpleConvNet(seed: 1, initialization: .he).network },
        digits("LeNet") { try LeNet(seed: 2).network },
        digits("LeNet of 1998") { try LeNet(seed: 3, form: .classic).network },
        normalizedDigits, digits("whole tensors", wholeTensors),
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

    /// The layers that the ready-made networks lack.
    static let normalizedDigits = digits("normalized", normalized)

    private static func digits(
        _ name: String, _ network: @escaping @Sendable () throws -> Network
    ) -> TrainedCase {
        TrainedCase(
            testDescription: name, batchSize: 16, network: network,
            samples: { try SyntheticDigits.make(count: 80, seed: 1) })
    }

    /// The second convolution uses Winograd's algorithm.
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

    /// Layers that join, reduce and normalize whole tensors.
    private static func wholeTensors() throws -> Network {
        try Network(inputShape: [1, 28, 28]) { graph, image in
            var x = try graph.add(
                Convolution(inputChannels: 1, outputChannels: 16, kernel: 5, stride: 2), image)
            x = try graph.add(GroupNormalization(groups: 4, channels: 16), x)
            x = try graph.add(PReLU(channels: 16), x)
            let gate = try graph.add(Sigmoid(), graph.add(Reduce(.mean, axes: [2, 3]), x))
            x = try graph.add(Multiplication(), x, gate)
            var y = try graph.add(
                Convolution(inputChannels: 16, outputChannels: 16, kernel: 3, padding: 1), x)
            y = try graph.add(InstanceNormalization(channels: 16), y)
            x = try graph.add(Elementwise(.maximum), x, y)
            let rows = try graph.add(Reduce(.l2, axes: [2], keepsAxes: false), x)
            let mixed = try graph.add(
                MatrixProduct(), graph.add(LayerNormalization(shape: [12]), rows),
                graph.add(Reduce(.mean, axes: [1], keepsAxes: false), x))
            return try graph.add(
                Affine(inputSize: 192, outputSize: 10), graph.add(Softmax(axis: 1), mixed))
        }
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
        let epochs = isShort ? 1 : 2
        let steps = epochs * (samples.sampleCount / batchSize)
        var trainer = try Trainer(
            optimizer: Adam(), batchSize: batchSize, epochs: epochs)
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

/// A step of networks whose branches join: residual blocks, and images put beside others.
private enum BranchingStep: String, CaseIterable, Sendable {
    case residual, unet, tied

    /// The hashes of a batch's gradients and of what a step makes of parameters and buffers.
    func hashes(on kernels: NativeKernels) throws -> [String] {
        var draw = Draw(seed: 3)
        var network: Network
        let (x, labels): (Tensor, [Int])
        switch self {
        case .residual:
            network = try .smallResNet(depth: 20, seed: 1, kernels: kernels)
            (x, labels) = (try draw.normal([4, 3, 32, 32]), [3, 0, 9, 7])
        case .unet:
            network = try .unet(inputShape: [3, 32, 32], width: 8, seed: 1, kernels: kernels)
            x = try draw.normal([2, 3, 32, 32])
            labels = (0..<2 * 32 * 32).map { _ in draw.int(0...1) }
        case .tied:
            network = try tiedNetwork(kernels: kernels)
            x = try draw.normal([512, 2, 5, 5])
            labels = (0..<512).map { $0 % 4 }
        }
        let found = try network.gradients(x, labels: labels)
        var updater = try Updater(Momentum())
        try network.trainStep(on: Batch(images: x, targets: .labels(labels)), with: &updater)
        return [found.parameters, found.buffers, network.parameters, network.buffers].map {
            var hash = ContentHash()
            for tensor in $0 { hash.add(tensor.value) }
            return hash.text
        }
    }
}

@Suite struct SameBitsTests {
    @Test(arguments: BranchingStep.allCases)
    fileprivate func threadsChangeNoBitOfAStepThroughBranches(_ step: BranchingStep) throws {
        let serial = try step.hashes(on: NativeKernels(threads: 1))
        for threads in isShort ? [3] : [2, 3, 7, 16] {
            let found = try step.hashes(on: NativeKernels(threads: threads))
            #expect(found == serial, "\(step), \(threads) threads")
        }
    }

    /// Each layer by itself, its samples repeated until the work is shared among threads.
    @Test(arguments: try LayerCatalogue.examples(), InstructionSet.supported)
    func threadsChangeNoBitOfALayer(_ example: LayerExample, _ set: InstructionSet) throws {
        let numbers = example.inputShapes[0].dropFirst().reduce(1, *)
        let samples = (1 << 16) / numbers
        let inputs = try example.inputs(samples: samples)
        let weights = try example.outputWeights(samples: samples).converted(to: .float32)
        func results(threads: Int) throws -> [Tensor] {
            let kernels = try NativeKernels(threads: threads, instructionSet: set)
            let forward = try example.layer.forward(inputs, in: Pass(kernels: kernels, step: 1))
            let gradients = try forward.pullback(weights)
            return try [example.layer.predict(inputs, on: kernels), forward.output]
                + (forward.buffers ?? []) + gradients.inputs.compactMap { $0 }
                + gradients.parameters
        }
        let (serial, parallel) = (try results(threads: 1), try results(threads: 3))
        #expect(zip(parallel, serial).allSatisfy { $0.hasSameBits(as: $1) })
    }

    private static func threads(
        _ counts: [Int], changeNoBitOf trained: TrainedCase, on set: InstructionSet
    ) throws {
        let serial = try trained.hashes(on: NativeKernels(threads: 1, instructionSet: set))
        for threads in counts {
            let kernels = try NativeKernels(threads: threads, instructionSet: set)
            let hashes = try trained.hashes(on: kernels)
            #expect(hashes == serial, "\(trained.testDescription), \(threads) threads, \(set)")
        }
    }

    /// All networks on each instruction set but portable C, which is the slowest by far.
    @Test(
        arguments: TrainedCase.all,
        InstructionSet.supported.filter { $0 != .portable || InstructionSet.supported.count == 1 })
    func threadsChangeNoBit(_ trained: TrainedCase, _ set: InstructionSet) throws {
        try Self.threads([3], changeNoBitOf: trained, on: set)
    }

    @Test func threadsChangeNoBitInPortableC() throws {
        try Self.threads([3], changeNoBitOf: .normalizedDigits, on: .portable)
    }

    /// Even and odd numbers, and one far above that of the processors of most machines.
    @Test(.disabled(if: isShort, "three threads are enough for the sanitizers"))
    func anyNumberOfThreadsChangesNoBit() throws {
        try Self.threads([2, 4, 7, 16], changeNoBitOf: .normalizedDigits, on: .best)
    }
}
