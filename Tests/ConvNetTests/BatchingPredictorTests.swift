// SPDX-License-Identifier: MIT
//
// Requests that are predicted together: what they get, when they begin, what is refused, and what
// their bits depend on.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

// A task waits for its turn behind all other tests, for minutes under ThreadSanitizer.
@Suite(.timeLimit(.minutes(60))) struct BatchingPredictorTests {
    /// Networks whose algorithms differ: chains, residual blocks, depthwise convolutions.
    private static func networks() throws -> [Network] {
        [
            try SimpleConvNet(seed: 1).network,
            try LeNet(seed: 2, form: .classic).network,
            try Network.smallResNet(depth: 8, classes: 10, inputShape: [3, 32, 32], seed: 3),
            try Network.mobileNetV2(classes: 10, inputShape: [3, 32, 32], seed: 4),
            try Network(
                inputShape: [1, 28, 28],
                layers: [
                    NamedLayer("affine1", Affine(inputSize: 784, outputSize: 700)),
                    NamedLayer("relu", ReLU()),
                    NamedLayer("affine2", Affine(inputSize: 700, outputSize: 10)),
                ]),
        ]
    }

    /// Long enough that a batch begins only when it is whole.
    private static let forever = Duration.seconds(3600)

    /// Neither its place in a batch nor what else is there: a sample's bits depend on how many
    /// there are.
    @Test(arguments: InstructionSet.supported)
    func bitsDependOnTheNumberOfSamplesAlone(_ set: InstructionSet) throws {
        for var network in try Self.networks() {
            network.kernels = try NativeKernels(instructionSet: set)
            var draw = Draw(seed: 5)
            let x = try draw.normal([17] + network.inputShape)
            for count in [2, 3, 4, 8, 16] {
                let expected = try network.predict(x.samples(0..<count))
                let order = Array((0..<count).reversed())
                let turned = try network.predict(x.samples(at: order)).samples(at: order)
                #expect(turned.hasSameBits(as: expected), "\(count) samples")
                // The first sample at other places, among others.
                for place in Set([0, count / 2, count - 1]) {
                    let others = (0..<count).map { $0 == place ? 0 : 16 - $0 }
                    let answer = try network.predict(x.samples(at: others))
                    #expect(
                        try answer.samples(place..<place + 1).hasSameBits(
                            as: expected.samples(0..<1)), "place \(place) of \(count)")
                }
            }
        }
    }

    @Test(arguments: [1, 2, 5])
    func requestsRunAsOneBatch(_ count: Int) async throws {
        for network in try Self.networks() {
            var draw = Draw(seed: 6)
            let x = try draw.normal([count] + network.inputShape)
            let expected = try network.predict(x)
            let predictor = try BatchingPredictor(
                network, maximumBatch: count, maximumWait: Self.forever)
            let answers = try await Self.answers(
                (0..<count).map { try x.samples($0..<$0 + 1) }, predictor)
            for place in 0..<count {
                #expect(
                    try answers[place].hasSameBits(as: expected.samples(place..<place + 1)))
            }
            #expect(predictor.statistics.batchSizes == (1...count).map { $0 == count ? 1 : 0 })
        }
    }

    @Test func requestsOfSeveralSamplesStayTogether() async throws {
        let network = try LeNet(seed: 2, form: .classic).network
        var draw = Draw(seed: 7)
        let inputs = try [2, 3, 1].map { try draw.normal([$0, 1, 28, 28]) }
        let predictor = try BatchingPredictor(
            network, maximumBatch: 6, maximumWait: Self.forever)
        let answers = try await Self.answers(inputs, predictor)
        #expect(answers.map(\.shape) == [[2, 10], [3, 10], [1, 10]])
        for (x, answer) in zip(inputs, answers) {
            let rows = (0..<6).map { $0 % x.shape[0] }
            let six = try network.predict(x.samples(at: rows))
            #expect(try answer.hasSameBits(as: six.samples(0..<x.shape[0])))
        }
        #expect(predictor.statistics.batchSizes == [0, 0, 0, 0, 0, 1])
    }

    @Test func aFilledBatchGivesTheSameBitsEachTime() async throws {
        for network in try Self.networks() {
            var draw = Draw(seed: 8)
            let x = try draw.normal([5] + network.inputShape)
            let predictor = try BatchingPredictor(
                network, maximumBatch: 5, maximumWait: .milliseconds(20), fillsBatches: true)
            let inputs = try (0..<5).map { try x.samples($0..<$0 + 1) }
            let together = try await Self.answers(inputs, predictor)
            for (x, answer) in zip(inputs, together) {
                let alone = try await predictor.prediction(for: x)
                #expect(alone.shape == [1, 10] && alone.hasSameBits(as: answer))
            }
        }
    }

    @Test func oneThatComesAloneDoesNotWaitForLong() async throws {
        let network = try smallNetwork()
        let predictor = try BatchingPredictor(
            network, maximumBatch: 8, maximumWait: .milliseconds(30))
        let x = try smallImages(1)
        let begin = ContinuousClock.now
        #expect(try await predictor.prediction(for: x) == network.predict(x))
        #expect(.now - begin >= .milliseconds(30))
        #expect(predictor.statistics.batchSizes == [1, 0, 0, 0, 0, 0, 0, 0])
    }

    /// While one batch is held back, what comes meanwhile waits, and makes the next one.
    @Test func whatComesMeanwhileIsTheNextBatch() async throws {
        let held = try Held(maximumBatch: 4)
        let waiting = try await held.add(6)
        held.gate.open()
        for task in [held.first] + waiting { #expect(try await task.value == held.x) }
        #expect(held.predictor.statistics.batchSizes == [1, 1, 0, 1])
        #expect(held.predictor.statistics.waiting == 0)
    }

    @Test func aFullQueueRefuses() async throws {
        let held = try Held(maximumBatch: 2, maximumQueue: 3)
        let waiting = try await held.add(3)
        let error = await #expect(throws: BatchingPredictor.Overload.self) {
            try await held.predictor.prediction(for: held.x)
        }
        #expect(
            error?.description
                == "BatchingPredictor: maximumQueue is 3, expected room for the samples")
        #expect(held.predictor.statistics.refused == 1)
        held.gate.open()
        for task in [held.first] + waiting { #expect(try await task.value == held.x) }
        #expect(try await held.predictor.prediction(for: held.x) == held.x)
    }

    @Test func whatIsCancelledNeverBeginsAndFreesItsPlace() async throws {
        let held = try Held(maximumBatch: 1, maximumQueue: 2)
        let waiting = try await held.add(2)
        waiting[0].cancel()
        // It ends although the batch before it does not.
        await #expect(throws: CancellationError.self) { try await waiting[0].value }
        #expect(held.predictor.statistics.waiting == 1)
        #expect(held.predictor.statistics.cancelled == 1)
        let next = try await held.add(1)
        // One that has begun is finished.
        held.first.cancel()
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await held.predictor.prediction(for: held.x)
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        held.gate.open()
        for task in [held.first, waiting[1]] + next { #expect(try await task.value == held.x) }
        #expect(held.gate.entries == 3)
        #expect(held.predictor.statistics.cancelled == 2)
    }

    @Test func anErrorConcernsItsRequestAlone() async throws {
        let network = try Network(
            inputShape: [3], layers: [NamedLayer("refusal", RefusalLayer())])
        let inputs = try [1, -1, 3].map { try Tensor(shape: [1, 3], repeating: $0) }
        let predictor = try BatchingPredictor(
            network, maximumBatch: 3, maximumWait: Self.forever)
        let tasks = inputs.map { x in Task { try await predictor.prediction(for: x) } }
        #expect(try await tasks[0].value == inputs[0])
        let error = await #expect(throws: TensorError.self) { try await tasks[1].value }
        #expect(error?.description == "RefusalLayer: x is -1.0, expected at least 0")
        #expect(try await tasks[2].value == inputs[2])
    }

    /// A network that gives another number of samples can't be asked for several at once.
    @Test func whatCanNotBeDividedRunsAlone() async throws {
        let network = try Network(inputShape: [3], layers: [NamedLayer("first", OneSample())])
        let inputs = try [1, 2].map { try Tensor(shape: [1, 3], repeating: $0) }
        let predictor = try BatchingPredictor(
            network, maximumBatch: 2, maximumWait: Self.forever)
        #expect(try await Self.answers(inputs, predictor) == inputs)
    }

    @Test func samplesOfOtherSizesAreNotMixed() async throws {
        let network = try Network(
            inputShape: [1, 8, 8], layers: [NamedLayer("pool", MaxPooling(2, stride: 1))])
        let predictor = try BatchingPredictor(
            network, maximumBatch: 8, maximumWait: .milliseconds(5))
        var draw = Draw(seed: 9)
        let inputs = try [8, 8, 9, 8, 9].map { try draw.normal([1, 1, $0, $0]) }
        for (x, answer) in zip(inputs, try await Self.answers(inputs, predictor)) {
            #expect(try answer == network.predict(x))
        }
    }

    @Test func mistakesAreNamed() async throws {
        let network = try smallNetwork()
        func message(_ make: () throws -> BatchingPredictor) -> String? {
            #expect(throws: TensorError.self) { _ = try make() }?.description
        }
        #expect(
            message { try BatchingPredictor(network, maximumBatch: 0) }
                == "BatchingPredictor: maximumBatch is 0, expected from 1 to 65536")
        #expect(
            message { try BatchingPredictor(network, maximumBatch: 20, maximumQueue: 19) }
                == "BatchingPredictor: maximumQueue is 19, expected from 20 to 1048576")
        #expect(
            message { try BatchingPredictor(network, batchesAtOnce: 1025) }
                == "BatchingPredictor: batchesAtOnce is 1025, expected from 1 to 1024")
        #expect(
            message { try BatchingPredictor(network, maximumWait: .seconds(-1)) }
                == "BatchingPredictor: maximumWait is -1.0 seconds, expected from 0 to 3600 seconds"
        )
        let predictor = try BatchingPredictor(network, maximumBatch: 2)
        let shape = await #expect(throws: TensorError.self) {
            try await predictor.prediction(for: Tensor(zeros: [1, 2, 8, 8]))
        }
        #expect(shape?.description == "predict: x is [1, 2, 8, 8], expected [N, 1, 8, 8]")
        let many = await #expect(throws: TensorError.self) {
            try await predictor.prediction(for: smallImages(3))
        }
        #expect(
            many?.description
                == "BatchingPredictor: x is [3, 1, 8, 8], expected from 1 to 2 samples")
    }

    /// Many tasks, several batches at once, some cancelled: each gets its own answer, and the
    /// predictor may go as soon as the last one has it.
    @Test(arguments: [1, 3])
    func manyTasks(_ batchesAtOnce: Int) async throws {
        var network = try LeNet(seed: 2, form: .classic).network
        network.kernels = try NativeKernels(threads: 2)
        var draw = Draw(seed: 10)
        let inputs = try (0..<12).map { try draw.normal([1 + $0 % 3, 1, 28, 28]) }
        let expected = try inputs.map { x in
            let rows = (0..<8).map { $0 % x.shape[0] }
            return try network.predict(x.samples(at: rows)).samples(0..<x.shape[0])
        }
        for _ in 0..<5 {
            let predictor = try BatchingPredictor(
                network, maximumBatch: 8, maximumWait: .microseconds(200), maximumQueue: 300,
                batchesAtOnce: batchesAtOnce, fillsBatches: true)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<48 {
                    let place = number % inputs.count
                    group.addTask {
                        let task = Task { try await predictor.prediction(for: inputs[place]) }
                        if number % 5 == 0 { task.cancel() }
                        do {
                            return try await task.value.hasSameBits(as: expected[place])
                        } catch is CancellationError { return number % 5 == 0 }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            let statistics = predictor.statistics
            #expect(statistics.waiting == 0 && statistics.refused == 0)
        }
    }

    /// What a predictor makes of some requests that are there at once, in their order.
    private static func answers(
        _ inputs: [Tensor], _ predictor: BatchingPredictor
    ) async throws -> [Tensor] {
        let tasks = inputs.map { x in Task { try await predictor.prediction(for: x) } }
        var answers: [Tensor] = []
        for task in tasks { answers.append(try await task.value) }
        return answers
    }
}

/// A predictor whose first request is held back until the gate is opened.
private struct Held {
    let gate = Gate()
    let predictor: BatchingPredictor
    let x: Tensor
    let first: Task<Tensor, any Error>

    init(maximumBatch: Int, maximumQueue: Int = 100) throws {
        let network = try Network(inputShape: [3], layers: [NamedLayer("gate", GateLayer(gate))])
        let predictor = try BatchingPredictor(
            network, maximumBatch: maximumBatch, maximumWait: .zero, maximumQueue: maximumQueue)
        let x = try Tensor(shape: [1, 3], repeating: 1)
        (self.predictor, self.x) = (predictor, x)
        first = Task { try await predictor.prediction(for: x) }
    }

    /// Asks for so many more, once the first one is held back, and returns when all of them wait,
    /// or one was refused.
    func add(_ count: Int) async throws -> [Task<Tensor, any Error>] {
        while gate.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
        let (predictor, x, before) = (predictor, x, predictor.statistics.waiting)
        let tasks = (0..<count).map { _ in Task { try await predictor.prediction(for: x) } }
        while predictor.statistics.waiting < before + count, predictor.statistics.refused == 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        return tasks
    }
}

/// A layer that refuses numbers below 0.
private struct RefusalLayer: UnaryLayer {
    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        if let number = x.scalars.first(where: { $0 < 0 }) {
            throw TensorError(
                operation: "RefusalLayer", argument: "x", value: "\(number)",
                expected: "at least 0")
        }
        return x
    }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(x) { outputGradient, _ in LayerGradients(input: outputGradient) }
    }
}

/// A layer that keeps the first sample alone.
private struct OneSample: UnaryLayer {
    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor { try x.samples(0..<1) }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(x) { outputGradient, _ in LayerGradients(input: outputGradient) }
    }
}
