// SPDX-License-Identifier: MIT
//
// Networks that are no chains: what they compute, their gradients, their files, and what they
// refuse.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct GraphTests {
    /// A residual network with a value that three nodes read, and two joins.
    private static func residual(kernels: any Kernels = NativeKernels()) throws -> Network {
        try Network(inputShape: [2, 6, 6], kernels: kernels) { graph, image in
            let x = try graph.add(
                Convolution(inputChannels: 2, outputChannels: 3, kernel: 3, padding: 1, seed: 1),
                image, name: "stem")
            var y = try graph.add(ReLU(), x)
            y = try graph.add(
                Convolution(inputChannels: 3, outputChannels: 3, kernel: 3, padding: 1, seed: 2), y)
            y = try graph.add(BatchNormalization(channels: 3), y, name: "norm")
            let sum = try graph.add(Addition(), y, x, x)
            let pooled = try graph.add(MaxPooling(2), graph.add(ReLU(), sum))
            return try graph.add(
                Affine(inputSize: 27, outputSize: 4, seed: 3), pooled, name: "head")
        }
    }

    private static func images(_ count: Int = 3) throws -> Tensor {
        var draw = Draw(seed: 9)
        return try draw.normal([count, 2, 6, 6])
    }

    @Test func nodesAreNamedByKindAndParametersByNode() throws {
        let network = try Self.residual()
        #expect(
            network.layers.map(\.name) == [
                "stem", "relu1", "convolution1", "norm", "addition1", "relu2", "maxpooling1",
                "head",
            ])
        #expect(
            network.parameters.map(\.name) == [
                "stem.W", "stem.b", "convolution1.W", "convolution1.b", "norm.gamma", "norm.beta",
                "head.W", "head.b",
            ])
        #expect(network.buffers.map(\.name) == ["norm.mean", "norm.variance"])
        #expect(network.outputShape == [4])
        let table = try network.summary(batchSize: 2)
        #expect(table.rows.map(\.outputShape).last == [2, 4])
        #expect(table.rows[4].operationCount == 2 * 2 * 3 * 36)
    }

    /// By hand: the nodes one after the other, and the gradients of `x + x` twice those of `x`.
    @Test func aSumIsASumAndItsGradientsAdd() throws {
        let weights = try Tensor(shape: [2, 2], scalars: [1, 2, 3, 4])
        let network = try Network(inputShape: [2]) { graph, image in
            let x = try graph.add(Affine(weights: weights, bias: Tensor(zeros: [2])), image)
            return try graph.add(Addition(), x, x)
        }
        let x = try Tensor(shape: [1, 2], scalars: [1, -1])
        #expect(try network.predict(x).scalars == [-4, -4])
        let doubled = try Affine(weights: 2 * weights, bias: Tensor(zeros: [2]))
        let chain = try Network(inputShape: [2], layers: [NamedLayer("affine", doubled)])
        let (found, expected) = (
            try network.gradients(x, labels: [1]), try chain.gradients(x, labels: [1])
        )
        #expect(found.loss == expected.loss)
        #expect(try found.parameters[0].value == 2 * expected.parameters[0].value)
    }

    @Test func gradientsAgreeWithCentralDifferences() throws {
        var network = try Self.residual()
        // Biases that are not 0, so that no ReLU sees exactly 0.
        var draw = Draw(seed: 2)
        try network.replaceParameters(
            network.parameters.map { $1.shape.count == 1 ? try draw.normal($1.shape) : $1 })
        let check = try GradientCheck(
            of: network, Self.images(), labels: [0, 3, 1], on: ReferenceKernels(), elements: 12,
            seed: 4)
        #expect(check.passed, "\(check.rows)")
        #expect(check.rows.count == 8)
    }

    /// Of drawn graphs, the plan that fuses gives the bits of the one that does not.
    @Test(arguments: 0..<24)
    func fusingChangesNoBit(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let network = try Self.drawn(&draw)
        let x = try draw.normal([2, 2, 9, 9])
        var separate: Tensor?
        try network.forEachLayer(of: x) { separate = $2 }
        #expect(try network.predict(x).hasSameBits(as: #require(separate)), "seed \(seed)")

        let labels = [1, 0]
        let fused = try network.gradients(x, labels: labels)
        let plan = Plan(network.graph, fusion: .none)
        var tape = try plan.forward(network.graph, [x], Pass(kernels: network.kernels))
        let loss = try network.kernels.softmaxCrossEntropy(tape.outputs[0], labels: labels)
        #expect(loss.loss == fused.loss)
        var gradients: [Int: Tensor] = [:]
        try tape.parameterGradients(network.graph, [loss.gradient]) { gradients[$0] = $1 }
        let expected = network.parameters.indices.compactMap { gradients[$0] }
        #expect(fused.parameters.count == expected.count)
        let isPooled = network.plan.steps.contains { step in
            if case .convolution(let fused) = step.kind, fused.pooling != nil {
                step.node == 0
            } else {
                false
            }
        }
        for (one, other) in zip(fused.parameters, expected) {
            // The bias of a pooled convolution on the images is summed in another order; PlanTests
            // has the bound.
            if isPooled, one.name == "first.b" { continue }
            #expect(one.value.hasSameBits(as: other), "\(one.name), seed \(seed)")
        }
    }

    /// Convolutions of equal shapes, ReLUs and sums in any order, a pooling, and an affine layer.
    private static func drawn(_ draw: inout Draw) throws -> Network {
        try Network(inputShape: [2, 9, 9]) { graph, image in
            var values = [
                try graph.add(
                    Convolution(
                        inputChannels: 2, outputChannels: 4, kernel: 3, padding: 1, seed: 1),
                    image, name: "first")
            ]
            for step in 0..<draw.int(2...6) {
                let one = values[draw.int(0...values.count - 1)]
                let other = values[draw.int(0...values.count - 1)]
                let value =
                    switch draw.int(0...3) {
                    case 0: try graph.add(ReLU(), one)
                    case 1: try graph.add(Addition(), one, other)
                    case 2: try graph.add(Sigmoid(), one)
                    default:
                        try graph.add(
                            Convolution(
                                inputChannels: 4, outputChannels: 4, kernel: 3, padding: 1,
                                seed: UInt64(step)), one)
                    }
                values.append(value)
            }
            var last = values[values.count - 1]
            if draw.int(0...1) == 0 { last = try graph.add(ReLU(), last) }
            last = try graph.add(MaxPooling(3), last)
            return try graph.add(Affine(inputSize: 4 * 9, outputSize: 3, seed: 7), last)
        }
    }

    @Test func whatLeadsToNoOutputHasAGradientOfZeros() throws {
        let network = try Network(inputShape: [2]) { graph, x in
            _ = try graph.add(Affine(inputSize: 2, outputSize: 5, seed: 1), x, name: "unused")
            return try graph.add(Affine(inputSize: 2, outputSize: 3, seed: 2), x, name: "used")
        }
        let result = try network.gradients(Tensor(shape: [1, 2], repeating: 1), labels: [2])
        #expect(result.parameters.map(\.name) == ["unused.W", "unused.b", "used.W", "used.b"])
        #expect(result.parameters[0].value == (try Tensor(zeros: [2, 5])))
        #expect(result.parameters[1].value == (try Tensor(zeros: [5])))
        #expect(result.parameters[2].value != (try Tensor(zeros: [2, 3])))
    }

    @Test func trainingReducesTheLossAndMovesTheStatistics() throws {
        var network = try Self.residual()
        let batch = try Batch(images: Self.images(8), labels: [0, 1, 2, 3, 0, 1, 2, 3])
        var updater = try Updater(Adam(learningRate: 0.01))
        let before = network
        let first = try network.trainStep(on: batch, with: &updater)
        for _ in 0..<20 { try network.trainStep(on: batch, with: &updater) }
        #expect(try network.gradients(batch.images, labels: batch.labels).loss < first / 2)
        #expect(network.buffers[0].value != before.buffers[0].value)
        // Shards add up to the same, rank by rank.
        var (sharded, whole) = (before, before)
        let source = GivenSamples(batch.images, batch.labels)
        for (model, sharding) in [(0, try Sharding(shards: 1)), (1, nil)] {
            var trainer = try Trainer(
                optimizer: SGD(), batchSize: 4, epochs: 1, sharding: sharding)
            if model == 0 {
                try trainer.train(&sharded, on: source)
            } else {
                try trainer.train(&whole, on: source)
            }
        }
        for (one, other) in zip(sharded.parameters, whole.parameters) {
            #expect(one.value.hasSameBits(as: other.value), "\(one.name)")
        }
    }

    @Test func aGraphIsReadAsItWasWritten() throws {
        let network = try Self.residual()
        let x = try Self.images()
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("n.safetensors")
            try network.save(to: file)
            let read = try Network(contentsOf: file)
            #expect(read.parameters.map(\.name) == network.parameters.map(\.name))
            #expect(try read.predict(x).hasSameBits(as: network.predict(x)))
            var loaded = try Self.residual()
            try loaded.replaceParameters(loaded.parameters.map { try Tensor(zeros: $1.shape) })
            try loaded.loadParameters(from: file)
            #expect(try loaded.predict(x).hasSameBits(as: network.predict(x)))
        }
        // A chain stays what older readers know.
        let chain = try smallNetwork().network.architectureMetadata()
        #expect(chain["architecture"]?.contains(#""version":1"#) == true)
    }

    /// What a text of version 2 has in another's place, and what is said of it.
    private static let wrongGraphs: [(old: String, new: String, problem: String)] = {
        let (sum, head) = (#""inputs":["norm","stem","stem"]"#, #""value":"head""#)
        func taker(_ user: String, _ name: String) -> String {
            "architecture: \(user) takes \(name), expected an input or a layer before"
        }
        func twice(_ argument: String, _ name: String) -> String {
            "Network: \(argument) is two named \(name), expected names that differ"
        }
        return [
            (sum, #""inputs":["norm","nothing"]"#, taker("layer addition1", "nothing")),
            // A layer after it, which takes what it gives; itself; and one that does not.
            (sum, #""inputs":["norm","relu2"]"#, taker("layer addition1", "relu2")),
            (sum, #""inputs":["norm","addition1"]"#, taker("layer addition1", "addition1")),
            (sum, #""inputs":["norm","head"]"#, taker("layer addition1", "head")),
            (head, #""value":"tail""#, taker("output output", "tail")),
            (
                sum, #""inputs":["norm"]"#,
                "layer addition1 (Addition) on [1, 3, 6, 6]: inputs is 1, expected two or more"
            ),
            (
                sum, #""inputs":["norm","input"]"#,
                "layer addition1 (Addition) on [1, 3, 6, 6], [1, 2, 6, 6]: inputs is [1, 2, 6, 6], "
                    + "expected [1, 3, 6, 6], the shape of the first"
            ),
            (
                #""shape":[2,6,6]"#, #""shape":[2,6,0]"#,
                "Graph: input input is [1, 2, 6, 0], expected extents from 1 to 2147483647 and a "
                    + "size that fits in memory"
            ),
            (#""name":"relu2""#, #""name":"relu1""#, twice("layers", "relu1")),
            (#""name":"relu2""#, #""name":"input""#, twice("layers", "input")),
            (
                #"[{"name":"input","shape":[2,6,6]}]"#,
                #"[{"name":"input","shape":[2,6,6]},{"name":"input","shape":[1]}]"#,
                twice("inputs", "input")
            ),
            (
                #"[{"name":"output","value":"head"}]"#,
                #"[{"name":"output","value":"head"},{"name":"output","value":"norm"}]"#,
                twice("outputs", "output")
            ),
            // Tensors go by the layer's name.
            (
                #""name":"norm""#, #""name":"stem""#,
                "layer stem (BatchNormalization): lacks its tensor stem.gamma"
            ),
            (
                #""outputs":[{"name":"output","value":"head"}]"#, #""outputs":[]"#,
                "Network: outputs is empty, expected at least one output"
            ),
            (
                #""inputs":[{"name":"input","shape":[2,6,6]}]"#, #""inputs":[]"#,
                "architecture: inputs is empty, expected at least one input"
            ),
        ]
    }()

    @Test(arguments: wrongGraphs.indices)
    func wrongGraphsAreRefused(_ place: Int) throws {
        let (old, new, problem) = Self.wrongGraphs[place]
        try expectRefusal(of: Self.residual(), with: new, for: old, problem)
    }

    @Test func anExportedGraphNamesWhatFlowsWhere() throws {
        let network = try Self.residual()
        var graph = ONNXGraph(network.graph)
        for (place, node) in network.graph.nodes.enumerated() {
            try graph.add(
                node, at: place,
                inputShape: [1] + network.graph.shape(of: node.inputs[0]),
                tensorNames: network.tensorNames[place])
        }
        let model = try graph.model(of: network)
        let sum = try #require(model.nodes.first { $0.operation == "Sum" })
        #expect(sum.inputs == ["norm.output", "stem.output", "stem.output"])
        #expect(model.nodes.last?.output == "output")
        #expect(model.inputs.map(\.name) == ["input"])
    }

    @Test func whatDoesNotFitIsRefused() throws {
        func expect(_ message: String, _ build: (inout Graph, Graph.Value) throws -> Void) {
            let error = #expect(throws: TensorError.self) {
                var graph = Graph()
                let x = try graph.input("image", [2, 4, 4])
                try build(&graph, x)
                _ = try Network(graph)
            }
            #expect(error?.description == message)
        }
        expect("Network: layers is two named image, expected names that differ") {
            _ = try $0.add(ReLU(), $1, name: "image")
        }
        expect("Network: layers is two named a, expected names that differ") {
            _ = try $0.add(ReLU(), $0.add(ReLU(), $1, name: "a"), name: "a")
        }
        expect(
            "layer addition1 (Addition) on [1, 2, 4, 4], [1, 2, 2, 2]: inputs is [1, 2, 2, 2], "
                + "expected [1, 2, 4, 4], the shape of the first"
        ) { _ = try $0.add(Addition(), $1, $0.add(MaxPooling(2), $1)) }
        expect("Network: inputs is two named image, expected names that differ") { graph, _ in
            _ = try graph.input("image", [1])
        }
        expect("Graph: value is one of another graph, expected one of this graph") { graph, x in
            var other = Graph()
            let value = try other.add(ReLU(), other.input("x", [1]))
            _ = try graph.add(ReLU(), value)
        }
        expect("Network: outputs is empty, expected at least one output") {
            _ = try $0.add(ReLU(), $1)
        }
        expect("Network: layers is empty, expected at least one layer") { try $0.output($1) }
    }

    @Test func severalInputsAndOutputsGoByName() throws {
        var graph = Graph()
        let (a, b) = (try graph.input("a", [3]), try graph.input("b", [3]))
        let sum = try graph.add(Addition(), a, b, name: "sum")
        try graph.output(graph.add(ReLU(), sum), "positive")
        try graph.output(sum, "all")
        let network = try Network(graph)
        let (x, y) = (
            try Tensor(shape: [1, 3], scalars: [1, -2, 3]), try Tensor(shape: [1, 3], repeating: 1)
        )
        let results = try network.predict(["a": x, "b": y])
        #expect(
            results["positive"]?.scalars == [2, 0, 4] && results["all"]?.scalars == [2, -1, 4])
        #expect(try network.predict(["a": x, "b": y], outputs: ["sum"])["sum"] == results["all"])
        func expect(_ message: String, _ inputs: [String: Tensor], outputs: [String]? = nil) {
            let error = #expect(throws: TensorError.self) {
                try network.predict(inputs, outputs: outputs)
            }
            #expect(error?.description == message)
        }
        expect("predict: inputs is c, expected a, b", ["a": x, "c": y])
        expect("predict: inputs is without b, expected a, b", ["a": x])
        expect(
            "predict: b is [2, 3], expected [1, 3]", ["a": x, "b": try Tensor(zeros: [2, 3])])
        expect(
            "predict: outputs is none, expected the name of an output or a layer",
            ["a": x, "b": y], outputs: ["none"])
        let error = #expect(throws: TensorError.self) { try network.predict(x) }
        #expect(
            error?.description
                == "predict: x is one tensor, expected one for each of the inputs a, b"
        )
    }

    /// An intermediate value that is asked for is computed, although the plan would fuse it away.
    @Test func anyLayersOutputCanBeAskedFor() throws {
        let network = try smallNetwork().network
        let x = try smallImages(2)
        var outputs: [String: Tensor] = [:]
        try network.forEachLayer(of: x) { outputs[$0.name] = $2 }
        let found = try network.predict(["input": x], outputs: network.layers.map(\.name))
        #expect(found.count == 6)
        for (name, value) in found { #expect(value == outputs[name], "\(name)") }
    }
}
