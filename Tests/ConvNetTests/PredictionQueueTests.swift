// SPDX-License-Identifier: MIT
//
// Predictions from many tasks at once, and those that run beside Swift's pool of threads.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite struct PredictionQueueTests {
    /// Networks that together use most kernels.
    private static func networks() throws -> [Network] {
        [
            try SimpleConvNet(seed: 1).network,
            try LeNet(seed: 2, form: .classic).network,
            try Network(
                inputShape: [1, 28, 28],
                layers: [
                    NamedLayer("conv", Convolution(inputChannels: 1, outputChannels: 8, kernel: 3)),
                    NamedLayer("norm", BatchNormalization(channels: 8)), NamedLayer("tanh", Tanh()),
                    NamedLayer("response", LocalResponseNormalization()),
                    NamedLayer("pool", AveragePooling(2)),
                    NamedLayer("affine", Affine(inputSize: 8 * 13 * 13, outputSize: 10)),
                    NamedLayer("softmax", Softmax()),
                ]),
        ]
    }

    @Test(arguments: [1, 3])
    func sixteenTasksGetTheSerialAnswers(_ threads: Int) async throws {
        for var network in try Self.networks() {
            network.kernels = try NativeKernels(threads: threads)
            var draw = Draw(seed: 3)
            let inputs = try (0..<16).map { try draw.normal([1 + $0 % 5, 1, 28, 28]) }
            let serial = try inputs.map { try network.predict($0) }
            let model = network
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for (x, expected) in zip(inputs, serial) {
                    group.addTask {
                        for _ in 0..<4 {
                            guard try model.predict(x).hasSameBits(as: expected),
                                try await model.prediction(for: x).hasSameBits(as: expected)
                            else { return false }
                        }
                        return true
                    }
                }
                for try await isSame in group { #expect(isSame) }
            }
        }
    }

    @Test func aCallChoosesItsThreads() throws {
        var draw = Draw(seed: 4)
        let x = try draw.normal([9, 1, 28, 28])
        for network in try Self.networks() {
            let expected = try network.predict(x)
            for threads in [1, 2, 7] {
                #expect(try network.predict(x, threads: threads).hasSameBits(as: expected))
            }
            #expect(network.kernels.threads == NativeKernels().threads)
        }
        #expect(try NativeKernels(threads: 2).running(onThreads: 5).threads == 5)
    }

    @Test(arguments: [0, -1, 1025, Int.max])
    func countsAreChecked(_ count: Int) async throws {
        let network = try smallNetwork()
        let x = try smallImages(1)
        let expected = "threads is \(count), expected from 1 to 1024"
        let error = #expect(throws: TensorError.self) { try network.predict(x, threads: count) }
        #expect(error?.description == "predict: \(expected)")
        let later = await #expect(throws: TensorError.self) {
            try await network.prediction(for: x, threads: count)
        }
        #expect(later?.description == "predict: \(expected)")
        let running = #expect(throws: TensorError.self) {
            try NativeKernels().running(onThreads: count)
        }
        #expect(running?.description == "running: \(expected)")
        let limit = #expect(throws: TensorError.self) { try PredictionQueue(limit: count) }
        #expect(
            limit?.description == "PredictionQueue: limit is \(count), expected from 1 to 1024")
    }

    @Test func aWrongShapeIsAnError() async throws {
        let network = try smallNetwork()
        let x = try Tensor(shape: [1, 2, 8, 8], repeating: 0)
        let error = await #expect(throws: TensorError.self) { try await network.prediction(for: x) }
        #expect(error?.description == "predict: x is [1, 2, 8, 8], expected [N, 1, 8, 8]")
    }

    /// More predictions wait here than Swift's pool has threads; if they waited in the pool, the
    /// task that ends the waiting would never run.
    @Test(.timeLimit(.minutes(2)))
    func waitingPredictionsLeaveThePoolAlone() async throws {
        let count = 4 * ProcessInfo.processInfo.activeProcessorCount
        let queue = try PredictionQueue(limit: count)
        let gate = Gate()
        let network = try Network(inputShape: [3], layers: [NamedLayer("gate", GateLayer(gate))])
        let x = try Tensor(shape: [2, 3], repeating: 1)
        try await withThrowingTaskGroup(of: Tensor.self) { group in
            for _ in 0..<count {
                group.addTask { try await network.prediction(for: x, on: queue) }
            }
            // All have begun, and none has ended.
            while gate.waiting < count { try await Task.sleep(for: .milliseconds(1)) }
            await Task { gate.open() }.value
            for try await result in group { #expect(result == x) }
        }
        #expect(gate.most == count)
    }

    @Test(.timeLimit(.minutes(2)))
    func noMoreRunThanTheLimitAndCancelledOnesNeverBegin() async throws {
        let queue = try PredictionQueue(limit: 2)
        let gate = Gate()
        let network = try Network(inputShape: [3], layers: [NamedLayer("gate", GateLayer(gate))])
        let x = try Tensor(shape: [2, 3], repeating: 1)
        let tasks = (0..<6).map { _ in
            Task { try await network.prediction(for: x, on: queue) }
        }
        while gate.waiting < 2 { try await Task.sleep(for: .milliseconds(1)) }
        // Two run, four wait or have not got so far; a task that is cancelled before it asks for
        // its prediction does not begin either.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await network.prediction(for: x, on: queue)
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        for task in tasks { task.cancel() }
        gate.open()
        var finished = 0
        for task in tasks {
            do {
                #expect(try await task.value == x)
                finished += 1
            } catch is CancellationError {}
        }
        #expect(finished == 2)
        #expect(gate.most == 2 && gate.entries == 2)
        // The queue goes on.
        #expect(try await network.prediction(for: x, on: queue) == x)
    }
}
