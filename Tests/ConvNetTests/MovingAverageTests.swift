// SPDX-License-Identifier: MIT
//
// Averages of parameters: what they are, what is evaluated, and that training which stops anywhere
// goes on with the same bits of them.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct MovingAverageTests {
    private static func source() throws -> GivenSamples {
        GivenSamples(try smallImages(11), (0..<11).map { $0 % 4 })
    }

    private static func trainer(decay: Double? = 0.75, epochs: Int = 2) throws -> Trainer {
        try Trainer(
            optimizer: Adam(learningRate: 0.01), batchSize: 4, epochs: epochs,
            averaging: decay.map { try MovingAverage(decay: $0) })
    }

    /// A network with running statistics, which are averaged too.
    private static func network(_ seed: UInt64 = 1) throws -> Network {
        try Network(
            inputShape: [1, 8, 8],
            layers: [
                NamedLayer(
                    "conv", Convolution(inputChannels: 1, outputChannels: 3, kernel: 3, seed: seed)),
                NamedLayer("norm", BatchNormalization(channels: 3)), NamedLayer("relu", ReLU()),
                NamedLayer("affine", Affine(inputSize: 108, outputSize: 4, seed: seed, stream: 2)),
            ])
    }

    /// Decays of the first steps are 2/11 and 3/12; numbers are such that little is rounded.
    @Test func theAverageIsWhatItsFormulaSays() throws {
        let layer = try Affine(
            weights: Tensor(shape: [1, 1], scalars: [8]), bias: Tensor(shape: [1], scalars: [0]))
        var network = try Network(inputShape: [1], layers: [NamedLayer("affine", layer)])
        var average = AveragedTensors(of: network)
        let averaging = try MovingAverage(decay: 0.24)
        var (expected, value) = (8.0, 8.0)
        for step in 1...3 {
            value /= 2
            let weights = try Tensor(shape: [1, 1], doubles: [value]).converted(to: .float32)
            try network.updateParameters { $0[0] = weights }
            let decay = min(0.24, [2.0 / 11, 3.0 / 12, 4.0 / 13][step - 1])
            #expect(averaging.decay(ofStep: step) == decay)
            try average.add(network, decay: decay)
            expected = decay * expected + (1 - decay) * value
        }
        let found = average.tensors[0].value.doubles[0]
        // Three roundings per step on numbers of at most 8.
        #expect(abs(found - expected) <= 9 * 8 * 0x1p-24, "\(found), expected \(expected)")
    }

    @Test func theAverageIsEvaluatedAndTrainingIsAsWithout() throws {
        var (plain, averaged) = (try Self.network(), try Self.network())
        var trainer = try Self.trainer(decay: nil)
        try trainer.train(&plain, on: Self.source())
        var averaging = try Self.trainer()
        var judged: [Network] = []
        let history = try averaging.train(
            &averaged, on: Self.source(), testing: Self.source()
        ) { _ in
        } onEpoch: { _, network in
            judged.append(network)
        }
        #expect(averaged.parameters.map(\.value) == plain.parameters.map(\.value))
        #expect(averaged.buffers.map(\.value) == plain.buffers.map(\.value))
        let final = try averaging.averaged(averaged)
        #expect(final.parameters.map(\.value) != plain.parameters.map(\.value))
        #expect(final.buffers.map(\.value) != plain.buffers.map(\.value))
        #expect(judged.count == 2)
        #expect(judged[1].parameters.map(\.value) == final.parameters.map(\.value))
        #expect(judged[0].parameters.map(\.value) != final.parameters.map(\.value))
        let test = try final.evaluation(Self.source(), batchSize: 4)
        #expect(history.epochs[1].testLoss == test.meanLoss)
        #expect(test.meanLoss != (try plain.evaluation(Self.source(), batchSize: 4).meanLoss))
        // Without an average it is the network itself.
        #expect(
            try trainer.averaged(plain).parameters[0].value.sharesNumbers(
                with: plain.parameters[0].value))
    }

    @Test func trainingThatStopsAnywhereGoesOnWithTheSameBits() throws {
        func train(
            _ network: inout Network, _ trainer: inout Trainer, steps: Int = .max,
            _ checkpoints: Checkpoints?
        ) throws {
            let (stop, source) = (StopRequest(), try Self.source())
            var taken = 0
            try trainer.train(
                &network, on: source, testing: source, checkpoints: checkpoints, stop: stop
            ) { event in
                if case .step = event { taken += 1 }
                if taken >= steps { stop.stop() }
            }
        }
        var (whole, trainer) = (try Self.network(), try Self.trainer())
        try train(&whole, &trainer, nil)
        let expected = try trainer.averaged(whole)
        for steps in 1...6 {
            try withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("c.safetensors")
                var (first, firstTrainer) = (try Self.network(), try Self.trainer())
                try train(&first, &firstTrainer, steps: steps, Checkpoints(file: file))
                var (second, secondTrainer) = (try Self.network(7), try Self.trainer())
                let checkpoint = try Checkpoint(contentsOf: file)
                #expect(checkpoint.settings["averageDecay"] == "0.75")
                try train(
                    &second, &secondTrainer, Checkpoints(file: file, resuming: checkpoint))
                let found = try secondTrainer.averaged(second)
                for (one, two) in zip(
                    expected.parameters + expected.buffers, found.parameters + found.buffers)
                {
                    #expect(one.value.hasSameBits(as: two.value), "\(one.name), step \(steps)")
                }
                // Without its average a training is another one.
                var other = try Self.trainer(decay: nil)
                let error = #expect(throws: FileError.self) {
                    try train(
                        &second, &other, Checkpoints(file: file, resuming: checkpoint))
                }
                #expect(
                    error?.problem
                        == "was written with other settings: averageDecay was 0.75 and is not set")
            }
        }
    }

    @Test(arguments: [(-0.1, "-0.1"), (1.0, "1.0"), (.nan, "nan")])
    func decaysOutOfRangeAreRefused(_ decay: Double, _ text: String) {
        #expect(
            throws: TensorError(
                operation: "MovingAverage", argument: "decay", value: text,
                expected: "at least 0 and below 1")
        ) { _ = try MovingAverage(decay: decay) }
    }

    /// A gradient of zeros: what changes is the decay alone.
    @Test(arguments: [DecayedParameters.all, .weights])
    func weightsAloneDecayWhereAsked(_ decaying: DecayedParameters) throws {
        var updater = try Updater(
            SGD(learningRate: 0.5, weightDecay: 0.5),
            groups: [ParameterGroup("b2", weightDecay: 1)],
            decaying: decaying)
        let shapes = [[2, 2], [2], [1, 2, 1, 1], [2]]
        var parameters = try shapes.map { try Tensor(shape: $0, repeating: 4) }
        try updater.update(
            &parameters, gradients: shapes.map { try Tensor(zeros: $0) },
            names: ["W1", "b1", "W2", "b2"], on: NativeKernels())
        // 4 − 0.5 · 0.5 · 4 = 3; the group's own decay is for all that it means.
        let bias: Float = decaying == .all ? 3 : 4
        #expect(parameters.map { $0.scalars[0] } == [3, bias, 3, 2])
        #expect(updater.configuration["decaying"] == (decaying == .all ? nil : "weights"))
    }

    @Test func stepsTellTheLearningRate() throws {
        var network = try Self.network()
        let schedule = try LearningRateSchedule(.linear(steps: 3))
        var trainer = try Trainer(
            optimizer: SGD(learningRate: 0.5), schedule: schedule, batchSize: 4, epochs: 1)
        var rates: [Double] = []
        try trainer.train(&network, on: Self.source()) {
            if case .step(let record) = $0 { rates.append(record.learningRate) }
        }
        #expect(rates == [0.5, 0.5 * (1 - 1.0 / 3), 0.5 * (1 - 2.0 / 3)])
    }

    @Test func schedulesThatMakeNoSenseAreRefused() {
        let cases: [(LearningRateSchedule.Course, Int, TensorError)] = [
            (
                .oneCycle(steps: 10, rise: 1), 0,
                TensorError(
                    operation: "LearningRateSchedule", argument: "rise", value: "1.0",
                    expected: "between 0 and 1")
            ),
            (
                .oneCycle(steps: 10), 2,
                TensorError(
                    operation: "LearningRateSchedule", argument: "warmUpSteps", value: "2",
                    expected: "0 with one cycle, which rises by itself")
            ),
            (
                .linear(steps: 2), 2,
                TensorError(
                    operation: "LearningRateSchedule", argument: "warmUpSteps", value: "2",
                    expected: "less than the line's 2 steps")
            ),
        ]
        for (course, warmUp, error) in cases {
            #expect(throws: error) { _ = try LearningRateSchedule(course, warmUpSteps: warmUp) }
        }
        // A cycle of a step or two has its top and its end.
        for steps in 1...3 {
            let schedule = try? LearningRateSchedule(.oneCycle(steps: steps))
            #expect(
                (0..<5).allSatisfy { (schedule?.factor(atStep: $0)).map { (0...1) ~= $0 } == true })
        }
    }
}
