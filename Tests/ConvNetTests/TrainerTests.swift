// SPDX-License-Identifier: MIT
//
// Training: what it learns, what it reports, where it stops, and that threads don't change a bit.

import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct TrainerTests {
    /// Sixteen samples of two classes that a line parts: the sign of the first number.
    private static func toy() throws -> (network: Network, source: GivenSamples) {
        var draw = Draw(seed: 5)
        var numbers = try draw.normal([16, 3]).scalars
        for sample in 0..<16 { numbers[sample * 3] = sample % 2 == 0 ? -1 : 1 }
        let layer = try Affine(inputSize: 3, outputSize: 2, seed: 1)
        return (
            try Network(inputShape: [3], layers: [NamedLayer("affine", layer)]),
            GivenSamples(try Tensor(shape: [16, 3], scalars: numbers), (0..<16).map { $0 % 2 })
        )
    }

    @Test(arguments: Optimizers.names)
    func everyOptimizerLearnsToPartTwoClasses(_ name: String) throws {
        var (network, source) = try Self.toy()
        var trainer = try Trainer(
            optimizer: Optimizers.named(name, learningRate: 0.1), batchSize: 4, epochs: 60)
        let history = try trainer.train(&network, on: source, testing: source)
        #expect(history.epochs.map(\.epoch) == Array(1...60))
        #expect(try #require(history.epochs.last?.testAccuracy).correct == 16)
        #expect(history.epochs[59].meanLoss < 0.5 * history.epochs[0].meanLoss)
        #expect(history.epochs.allSatisfy { $0.duration > .zero })
    }

    /// The loss of the held-out samples counts each once, in whatever batches they are predicted.
    @Test func epochsTellTheLossOfHeldOutSamples() throws {
        var (network, source) = try Self.toy()
        var trainer = try Trainer(optimizer: SGD(), batchSize: 5, epochs: 1)
        let history = try trainer.train(&network, on: source, testing: source)
        let whole = try network.loss(source.images, labels: source.labels)
        let told = try #require(history.epochs.last?.testLoss)
        #expect(abs(told - whole) <= 16 * 0x1p-52 * whole)
        #expect(try network.evaluation(source, batchSize: 16).meanLoss == whole)
        let again = try TrainingHistory(jsonData: history.jsonData())
        #expect(again.epochs.last?.testLoss == told)
    }

    /// Five samples in batches of two: three steps per epoch, the last of one sample.
    @Test func eventsTellEveryStepAndEpoch() throws {
        var (network, source) = try Self.toy()
        source.labels = Array(source.labels.prefix(5))
        source.order = [4, 2, 0, 1, 3]
        var trainer = try Trainer(optimizer: SGD(), batchSize: 2, epochs: 2)
        var told: [String] = []
        var losses: [Double] = []
        let history = try trainer.train(&network, on: source) { event in
            switch event {
            case .step(let record):
                losses.append(record.loss)
                told.append(
                    "\(record.epoch): \(record.step)/\(record.stepsPerEpoch) \(record.samplesSeen)")
            case .epoch(let record):
                told.append("end of \(record.epoch)")
                #expect(record.testAccuracy == nil && record.testLoss == nil)
            case .started(let progress):
                #expect(progress.epochs == 0 && progress.steps == 0)
                told.append("started")
            case .evaluation, .checkpoint, .interrupted: told.append("what nobody asked for")
            }
        }
        #expect(
            told == [
                "started", "1: 1/3 2", "1: 2/3 4", "1: 3/3 5", "end of 1",
                "2: 1/3 7", "2: 2/3 9", "2: 3/3 10", "end of 2",
            ])
        // The mean over samples: the last batch has half the weight.
        #expect(history.epochs[0].meanLoss == (losses[0] * 2 + losses[1] * 2 + losses[2]) / 5)
        #expect(history.stepLosses == losses)
        #expect(history.stepsPerEpoch == 3)
    }

    @Test func aLossThatIsNotFiniteEndsTrainingAndSaysWhere() throws {
        var (network, source) = try Self.toy()
        source.images = try Tensor(
            shape: [16, 3], scalars: source.images.scalars.map { $0 * 1e30 })
        var trainer = try Trainer(optimizer: SGD(learningRate: 1e30), batchSize: 4, epochs: 3)
        let error = #expect(throws: TrainingError.self) {
            try trainer.train(&network, on: source)
        }
        guard case .lossIsNotFinite(let epoch, let step, let loss) = try #require(error) else {
            return
        }
        #expect(epoch == 1)
        #expect(step == 2)
        #expect(
            "\(try #require(error))" == "training: the loss is \(loss) in step 2 of epoch 1, "
                + "expected a finite number; a smaller learning rate may help")
    }

    @Test func whatAnEventThrowsEndsTraining() throws {
        struct Stop: Error {}
        var (network, source) = try Self.toy()
        var trainer = try Trainer(optimizer: SGD(), batchSize: 4, epochs: 3)
        var steps = 0
        #expect(throws: Stop.self) {
            try trainer.train(&network, on: source) { event in
                if case .step = event { steps += 1 }
                if steps == 3 { throw Stop() }
            }
        }
        #expect(steps == 3)
    }

    @Test(arguments: [0, -1, Int.min])
    func impossibleSettingsAreRefused(_ number: Int) {
        #expect(
            throws: TensorError(
                operation: "Trainer", argument: "epochs", value: "\(number)",
                expected: "at least 1")
        ) { try Trainer(optimizer: SGD(), epochs: number) }
        #expect(
            throws: TensorError(
                operation: "Trainer", argument: "batchSize", value: "\(number)",
                expected: "at least 1")
        ) { try Trainer(optimizer: SGD(), batchSize: number, epochs: 1) }
    }

    /// Accuracies as they come; the first epoch of the best ones counts.
    @Test(arguments: [
        ([5, 6, 7, 6, 7], 2, true), ([5, 6, 7, 6, 7], 3, false), ([5, 5], 1, true), ([5], 1, false),
        ([], 1, false), ([5, 4, 3, 9], 3, false), ([5, 4, 3, 2], 3, true),
    ])
    func earlyStoppingIsDueAfterItsPatience(
        _ correct: [Int], _ patience: Int, _ isDue: Bool
    ) throws {
        func history(held: Bool) -> [EpochRecord] {
            correct.enumerated().map { epoch, correct in
                EpochRecord(
                    epoch: epoch + 1, meanLoss: held ? 1 : 10 - Double(correct),
                    testAccuracy: held ? Accuracy(correct: correct, total: 10) : nil,
                    duration: .zero)
            }
        }
        let stopping = try EarlyStopping(patience: patience)
        #expect(stopping.isDue(after: history(held: true)) == isDue)
        #expect(stopping.isDue(after: history(held: false)) == isDue)
        #expect(throws: TensorError.self) { try EarlyStopping(patience: 0) }
    }

    /// All samples are right soon; training ends two epochs later.
    @Test func trainingEndsEarly() throws {
        var (network, source) = try Self.toy()
        var trainer = try Trainer(
            optimizer: Adam(learningRate: 0.1), batchSize: 4, epochs: 500,
            earlyStopping: EarlyStopping(patience: 2))
        let history = try trainer.train(&network, on: source, testing: source).epochs
        let best = history.compactMap(\.testAccuracy?.correct)
        #expect(history.count < 500)
        #expect(best.firstIndex(of: best.max() ?? 0) == history.count - 3)
    }

    /// A batch as large as can be is all samples at once.
    @Test func aBatchMayBeLargerThanTheSource() throws {
        var (network, source) = try Self.toy()
        var trainer = try Trainer(optimizer: SGD(), batchSize: Int.max, epochs: 2)
        var steps = 0
        try trainer.train(&network, on: source, testing: source) { event in
            if case .step = event { steps += 1 }
        }
        #expect(steps == 2)
    }

    @Test(arguments: [[], [0, 1], Array(0..<17)])
    func aSourceWhoseOrderIsNotThatOfItsSamplesIsRefused(_ order: [Int]) throws {
        var (network, source) = try Self.toy()
        source.order = order
        var trainer = try Trainer(optimizer: SGD(), batchSize: 1, epochs: 1)
        #expect {
            try trainer.train(&network, on: source)
        } throws: {
            "\($0)" == "Trainer: source is an order of \(order.count) places for 16 samples, "
                + "expected each place once, and at least one"
        }
        source.labels = []
        source.order = []
        #expect(throws: TensorError.self) { try trainer.train(&network, on: source) }
    }

    /// The contract of the kernels, all the way up: the files of parameters are the same bytes.
    @Test(arguments: Optimizers.names)
    func trainingOnOneAndOnTwoThreadsWritesTheSameFile(_ name: String) throws {
        let digits = try SyntheticDigits.make(count: 230, seed: 3).shuffled(seed: 4)
        func file(threads: Int) throws -> Data {
            var network = try SimpleConvNet(seed: 1, kernels: NativeKernels(threads: threads))
            let start = network.parameters.map(\.value)
            var trainer = try Trainer(
                optimizer: Optimizers.named(name, learningRate: 0.01), epochs: 2)
            try trainer.train(&network, on: digits)
            #expect(zip(network.parameters, start).allSatisfy { $0.value != $1 })
            return try withTemporaryFolder { folder in
                let url = folder.appendingPathComponent("parameters.safetensors")
                try network.saveParameters(to: url)
                return try Data(contentsOf: url)
            }
        }
        let one = try file(threads: 1)
        for threads in [2, 3] { #expect(try file(threads: threads) == one, "\(threads) threads") }
    }

    /// A step writes parameters where they lie. A copy of them, each step, would cost more than the
    /// update itself.
    @Test(arguments: Optimizers.names)
    func stepsUpdateParametersInPlace(_ name: String) throws {
        let optimizer = try Optimizers.named(name, learningRate: 0.01)
        var readyMade = try smallNetwork()
        try Self.expectUpdatesInPlace(&readyMade, by: optimizer)
        var composed = try smallNetwork().network
        try Self.expectUpdatesInPlace(&composed, by: optimizer)
    }

    private static func expectUpdatesInPlace(
        _ model: inout some Classifier, by optimizer: any Optimizer
    ) throws {
        let source = GivenSamples(try smallImages(6), [0, 1, 2, 3, 0, 1])
        let (before, values) = (places(of: model), model.parameters.map(\.value.scalars))
        var trainer = try Trainer(optimizer: optimizer, batchSize: 4, epochs: 2)
        try trainer.train(&model, on: source)
        #expect(places(of: model) == before)
        #expect(zip(model.parameters, values).allSatisfy { $0.value.scalars != $1 })
    }

    /// Where each parameter's numbers lie in memory.
    private static func places(of model: some Classifier) -> [UInt] {
        model.parameters.map { parameter in
            parameter.value.withUnsafeScalars(of: Float.self) { UInt(bitPattern: $0.baseAddress) }
        }
    }
}
