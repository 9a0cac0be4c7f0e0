// SPDX-License-Identifier: MIT
//
// Networks: composed by hand and ready-made, and what they are asked for.

import ConvNet
import Dispatch
import Foundation

extension Call {
    static let networks = [
        Call("Network(inputShape:layers:kernels:)") { draw in
            let layers = try draw.list(upTo: 4) { draw in
                NamedLayer(draw.once(in: 3) ? draw.text() : "\(draw.small())", try draw.layer())
            }
            let network = try Network(
                inputShape: draw.strange(Array(draw.input.dropFirst())), layers: layers,
                kernels: draw.kernels())
            _ = try network.summary(batchSize: draw.size(2)).description
            _ = try network.predict(draw.tensor(draw.input))
        },
        Call("predict, loss, gradient") { draw in
            let network = try draw.network()
            let x = try draw.tensor([2] + network.inputShape)
            _ = try network.predict(x)
            if draw.once(in: 4) { _ = try network.predict(x, threads: draw.size(1)) }
            _ = try network.loss(x, labels: draw.labels(2, classes: 3))
            _ = try network.gradient(x, labels: draw.labels(2, classes: 3))
        },
        Call("Graph, ties, outputs by name, a part trained") { draw in
            var graph = Graph()
            let shape = [2, 3, 4]
            let x = try graph.input("x", draw.strange(shape))
            let y = try graph.add(
                Convolution(
                    inputChannels: 2, outputChannels: 2, kernel: 3, padding: draw.size(1)), x,
                name: "y")
            let z = try graph.add(
                layerOf: draw.once(in: 9) ? x : y, draw.pick([x, y]), name: draw.pick(["z", "y"]))
            let norm = try graph.add(BatchNormalization(channels: 2), z, name: "norm")
            let back = try graph.add(
                TransposedConvolution(
                    inputChannels: 2, outputChannels: 2, kernel: 3, padding: draw.size(1)), norm)
            let keys = draw.tell([
                draw.pick(["W", "b", "mean", draw.text()]), draw.pick(["W", "b", "beta"]),
            ])
            let values = [x, y, z, norm, back]
            try graph.tie(keys[0], of: draw.pick(values), to: keys[1], of: draw.pick(values))
            try graph.output(graph.add(GlobalAveragePooling(), draw.pick(values)))
            var network = try Network(graph, kernels: draw.kernels())
            _ = (network.parameters, network.buffers, try network.summary().description)
            let samples = try draw.tensor([2] + shape)
            let name = draw.tell(draw.pick(["y", "z", "x", "nor", "output", draw.text()]))
            _ = try network.predict(samples, outputs: [name])
            var updater = try Updater(Momentum())
            updater.trainable = draw.pick([nil, ["*"], ["!y.*"], [draw.text()], []])
            updater.frozenNormalizations = draw.pick([[], ["*"], [draw.text()]])
            try network.trainStep(
                on: ["x": samples], targets: .labels(draw.labels(2, classes: 2)),
                with: &updater)
        },
        Call("accuracy, evaluation") { draw in
            let (network, images) = (try draw.network(), try draw.images())
            _ = try network.accuracy(images, batchSize: draw.size(2))
            _ = try network.evaluation(images, batchSize: draw.size(2))
            let report = try network.report(
                on: images, top: draw.size(2), batchSize: draw.size(2))
            _ = (report.accuracy, report.topAccuracy, report.classes)
            _ = report.worstPairs(draw.integer())
        },
        Call("ClassificationReport, EventFile") { draw in
            var report = try ClassificationReport(classCount: draw.size(3), top: draw.size(2))
            try? report.add(draw.tensor([2, 3]), labels: draw.labels(2, classes: 3))
            _ = (report.accuracy.correct, report.classes.map(\.f1), report.worstPairs(3))
            _ = try EventFile(
                in: URL(fileURLWithPath: "/dev/null/none"), startingAt: draw.integer())
        },
        Call("classActivationMap(of:label:layer:)") { draw in
            let network = try draw.network()
            let x = try draw.tensor([1] + network.inputShape)
            let names = network.layers.map(\.name) + [draw.text()]
            _ = try network.classActivationMap(
                of: x, label: draw.once(in: 2) ? nil : draw.integer(),
                layer: draw.once(in: 2) ? nil : draw.pick(names))
        },
        Call("GradientCheck, numericalGradient") { draw in
            let network = try draw.network()
            let x = try draw.tensor([1] + network.inputShape)
            _ = try GradientCheck(
                of: network, x, labels: draw.labels(1, classes: 3), on: draw.kernels(),
                elements: draw.size(1), seed: draw.seed())
            guard draw.once(in: 8) else { return }
            _ = try network.numericalGradient(
                x, labels: draw.labels(1, classes: 3), on: draw.kernels())
        },
        Call("converted(to:kernels:)") { draw in
            var network = try draw.network()
            network.kernels = try draw.kernels()
            network = try network.converted(
                to: draw.pick([.float32, .float64]), kernels: draw.kernels())
            _ = (network.parameters, network.buffers)
            _ = try network.predict(draw.tensor([1] + network.inputShape))
        },
        Call("prediction(for:threads:on:)") { draw in
            let (network, queue) = (try draw.network(), try PredictionQueue(limit: draw.size(1)))
            let x = try draw.tensor([1] + network.inputShape)
            let threads = draw.once(in: 2) ? nil : draw.size(1)
            let isCancelled = draw.once(in: 4)
            try wait {
                let task = Task {
                    try await network.prediction(for: x, threads: threads, on: queue)
                }
                if isCancelled { task.cancel() }
                _ = try await task.value
            }
        },
        Call("BatchingPredictor") { draw in
            let network = try draw.network()
            let predictor = try BatchingPredictor(
                network, maximumBatch: draw.size(3),
                maximumWait: .milliseconds(draw.once(in: 8) ? draw.integer() : 1),
                maximumQueue: draw.size(8), batchesAtOnce: draw.size(2),
                fillsBatches: draw.once(in: 4))
            let inputs = try (0..<3).map { _ in
                try draw.tensor([1 + draw.below(2)] + network.inputShape)
            }
            let isCancelled = draw.once(in: 4)
            try wait {
                let tasks = inputs.map { x in Task { try await predictor.prediction(for: x) } }
                if isCancelled { tasks[0].cancel() }
                var results: [Result<Tensor, any Error>] = []
                for task in tasks { results.append(await task.result) }
                for result in results { _ = try result.get() }
            }
            _ = predictor.statistics
        },
    ]

    static let readyMade = [
        Call("SimpleConvNet") { draw in
            let network = try SimpleConvNet(
                seed: draw.seed(), inputShape: draw.strange([1, 9, 9]), filters: draw.size(2),
                filterSize: draw.size(3), padding: draw.size(0), stride: draw.size(1),
                hiddenSize: draw.size(4), classes: draw.size(3),
                initialization: draw.initialization(), kernels: draw.kernels())
            _ = try network.predict(draw.tensor([1, 1, 9, 9]))
        },
        Call("LeNet") { draw in
            let network = try LeNet(
                seed: draw.seed(), form: draw.pick(LeNet.Form.allCases),
                inputShape: draw.strange([1, 12, 12]), classes: draw.size(3),
                initialization: draw.once(in: 2) ? nil : draw.initialization(),
                kernels: draw.kernels())
            _ = try network.predict(draw.tensor([1, 1, 12, 12]))
        },
        Call("AlexNet") { draw in
            let network = try AlexNet(
                seed: draw.seed(), inputShape: draw.strange([3, 67, 67]),
                filters: draw.once(in: 8)
                    ? draw.list(upTo: 6) { $0.size() }
                    : [draw.size(2), draw.size(4), draw.size(2), draw.size(2), draw.size(2)],
                hiddenSize: draw.size(3), classes: draw.size(3), groups: draw.size(2),
                dropout: draw.real(0.5), initialization: draw.initialization(),
                kernels: draw.kernels())
            _ = try network.predict(draw.tensor([1, 3, 67, 67]))
        },
    ]

    /// Waits for what is asynchronous. The caller is no task.
    private static func wait(for body: @escaping @Sendable () async throws -> Void) throws {
        let (done, result) = (DispatchSemaphore(value: 0), Box())
        Task {
            do { try await body() } catch { result.error = error }
            done.signal()
        }
        done.wait()
        if let error = result.error { throw error }
    }

    /// Written before the semaphore is signalled, read after.
    private final class Box: @unchecked Sendable {
        var error: (any Error)?
    }
}

extension Arguments {
    /// A small network for ``images()``, three classes.
    mutating func network() throws -> Network {
        let middle: [any Layer] =
            once(in: 2)
            ? [Tanh(), try Dropout(rate: 0.5, seed: seed())]
            : [try BatchNormalization(channels: 2), ReLU(), try MaxPooling(2)]
        let convolution = try Convolution(inputChannels: 1, outputChannels: 2, kernel: 2)
        var layers: [any Layer] = [convolution] + middle
        let shape = try layers.reduce([1, 1, 5, 5]) { try $1.outputShape(for: [$0]) }
        layers.append(try Affine(inputSize: shape.reduce(1, *), outputSize: 3))
        return try Network(
            inputShape: [1, 5, 5],
            layers: layers.enumerated().map { NamedLayer("\($0)", $1) }, kernels: kernels())
    }
}
