// SPDX-License-Identifier: MIT
//
// Graphs of odd forms, such as programs make: values that are read several times by one
// node, inputs that nothing reads or that are outputs, outputs that feed each other, losses
// on any of them.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// A graph, inputs for it, and the output that is trained.
struct OddGraph: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let graph: Graph
    let inputs: [String: Tensor]
    let trained: String

    static let all = Result { try made() }

    private static func make(
        _ name: String, inputs: [String] = ["x"], trained: String = "logits",
        _ build: (inout Graph, [Graph.Value]) throws -> Graph.Value
    ) throws -> OddGraph {
        var draw = Draw(seed: name.utf8.reduce(0) { $0 + Int($1) })
        var graph = Graph()
        let shape = [2, 4, 3]
        let values = try inputs.map { try graph.input($0, shape) }
        let y = try build(&graph, values)
        try graph.output(y, "logits")
        let tensors = try inputs.map { ($0, try draw.normal([3] + shape)) }
        return OddGraph(
            testDescription: name, graph: graph,
            inputs: Dictionary(uniqueKeysWithValues: tensors), trained: trained)
    }

    /// Four logits of what a layer gives.
    private static func head(
        _ graph: inout Graph, _ value: Graph.Value, name: String = "head"
    ) throws -> Graph.Value {
        let size = try graph.shape(of: value).reduce(1, *)
        return try graph.add(Affine(inputSize: size, outputSize: 4, seed: 5), value, name: name)
    }

    private static func convolution(_ seed: UInt64 = 1) throws -> Convolution {
        try Convolution(
            inputChannels: 2, outputChannels: 2, kernel: 3, padding: 1, seed: seed)
    }

    private static func made() throws -> [OddGraph] {
        [
            try make("a value three times in one sum") { graph, x in
                let y = try graph.add(convolution(), x[0])
                return try head(&graph, graph.add(Addition(), y, y, y))
            },
            try make("a value read by three layers") { graph, x in
                let y = try graph.add(convolution(), x[0])
                let branches = try [
                    graph.add(Tanh(), y), graph.add(Sigmoid(), y), graph.add(convolution(2), y),
                ]
                return try head(&graph, graph.add(Addition(), branches))
            },
            try make("a branch concatenated with itself") { graph, x in
                let y = try graph.add(Tanh(), graph.add(convolution(), x[0]))
                return try head(&graph, graph.add(Concatenation(axis: 1), y, y))
            },
            try make("a square") { graph, x in
                let y = try graph.add(convolution(), x[0])
                return try head(&graph, graph.add(Multiplication(), y, y))
            },
            try make("a value by itself") { graph, x in
                let y = try graph.add(convolution(), x[0])
                let squares = try graph.add(Multiplication(), y, y)
                let large = try graph.add(Activation.softplus, squares)
                return try head(&graph, graph.add(Elementwise(.divide), y, large))
            },
            try make("a layer applied twice") { graph, x in
                let y = try graph.add(convolution(), x[0], name: "twice")
                return try head(&graph, graph.add(layerOf: y, graph.add(Tanh(), y)))
            },
            try make("two inputs", inputs: ["a", "b"]) { graph, x in
                let y = try graph.add(convolution(), x[0])
                return try head(&graph, graph.add(Addition(), y, x[1]))
            },
            try make("one layer on two inputs", inputs: ["a", "b"]) { graph, x in
                let y = try graph.add(convolution(), x[0], name: "embedding")
                let z = try graph.add(layerOf: y, x[1])
                return try head(&graph, graph.add(Multiplication(), y, z))
            },
            try make("an unused input", inputs: ["unused", "x"]) { graph, x in
                try head(&graph, graph.add(convolution(), x[1]))
            },
            try make("an output that is an input") { graph, x in
                try graph.output(x[0], "image")
                return try head(&graph, graph.add(convolution(), x[0]))
            },
            try make("an output that another one is made of") { graph, x in
                let y = try graph.add(convolution(), x[0])
                try graph.output(y, "features")
                return try head(&graph, graph.add(ReLU(), y))
            },
            try make("an output twice") { graph, x in
                let y = try head(&graph, graph.add(convolution(), x[0]))
                try graph.output(y, "again")
                return y
            },
            try make("a loss on the first of two outputs", trained: "first") { graph, x in
                let y = try graph.add(Tanh(), graph.add(convolution(), x[0]))
                try graph.output(head(&graph, y, name: "one"), "first")
                return try head(&graph, y, name: "two")
            },
            try make("a loss on the second of two outputs") { graph, x in
                let y = try graph.add(Tanh(), graph.add(convolution(), x[0]))
                try graph.output(head(&graph, y, name: "one"), "first")
                return try head(&graph, y, name: "two")
            },
            try make("a loss on an output in the middle", trained: "middle") { graph, x in
                let y = try head(&graph, graph.add(convolution(), x[0]))
                try graph.output(y, "middle")
                return try graph.add(
                    Affine(inputSize: 4, outputSize: 4, seed: 2), y, name: "behind")
            },
        ]
    }

    func network(kernels: any Kernels = NativeKernels()) throws -> Network {
        try Network(graph, kernels: kernels)
    }
}

private let labels = [0, 3, 1]

struct OddGraphTests {
    /// Each output is what the layers give one after the other, none fused with others.
    @Test(arguments: try OddGraph.all.get())
    func predictionsAreThoseOfSingleLayers(_ odd: OddGraph) throws {
        let network = try odd.network()
        let found = try network.predict(odd.inputs)
        #expect(found.count == odd.graph.outputs.count)
        let plan = Plan(odd.graph, fusion: .none)
        let inputs = try odd.graph.inputs.map { try #require(odd.inputs[$0.name]) }
        let separate = try plan.predict(
            odd.graph, inputs, PreparedSteps(), on: network.kernels)
        for (output, value) in zip(odd.graph.outputs, separate) {
            #expect(try #require(found[output.name]).hasSameBits(as: value), "\(output.name)")
            // Asked for alone, it is the same.
            let alone = try network.predict(odd.inputs, outputs: [output.name])
            #expect(try #require(alone[output.name]).hasSameBits(as: value), "\(output.name)")
        }
    }

    /// In float64 on the reference, by central differences of the loss.
    @Test(arguments: try OddGraph.all.get())
    func gradientsAgreeWithCentralDifferences(_ odd: OddGraph) throws {
        var network = try odd.network().converted(to: .float64, kernels: ReferenceKernels())
        let inputs = try odd.inputs.mapValues { try $0.converted(to: .float64) }
        // Biases that are not 0, so that no ReLU sees exactly 0.
        var draw = Draw(seed: 2)
        try network.replaceParameters(
            network.parameters.map {
                try $1.shape.count == 1 ? draw.normal($1.shape).converted(to: .float64) : $1
            })
        let found = try network.gradients(
            inputs, targets: .labels(labels), output: odd.trained)
        for (place, parameter) in network.parameters.enumerated() {
            let gradient = found.parameters[place].value.doubles
            for index in stride(from: 0, to: gradient.count, by: 5) {
                func loss(_ shift: Double) throws -> Double {
                    var numbers = parameter.value.doubles
                    numbers[index] += shift
                    var copy = network
                    let shifted = try Tensor(shape: parameter.value.shape, doubles: numbers)
                    try copy.updateParameters { $0[place] = shifted }
                    return try copy.gradients(
                        inputs, targets: .labels(labels), output: odd.trained
                    ).loss
                }
                func slope(_ step: Double) throws -> Double {
                    try (loss(step) - loss(-step)) / (2 * step)
                }
                // Truncation shrinks with the square of the step: a quarter of what the wider one
                // shows is left. A loss of a few is off by some 1e-14.
                let (narrow, wide) = (try slope(1e-5), try slope(2e-5))
                let bound = abs(wide - narrow) + 1e-14 / 1e-5 * 4
                #expect(
                    abs(narrow - gradient[index]) <= bound,
                    "\(parameter.name) \(index): \(gradient[index]), by differences \(narrow)")
            }
        }
    }

    @Test(arguments: try OddGraph.all.get())
    func theyTrainAndAreReadAsTheyWereWritten(_ odd: OddGraph) throws {
        var network = try odd.network()
        var updater = try Updater(SGD(learningRate: 0.05, momentum: 0.5))
        var losses: [Double] = []
        for _ in 0..<12 {
            losses.append(
                try network.trainStep(
                    on: odd.inputs, targets: .labels(labels), output: odd.trained, with: &updater))
        }
        #expect(try #require(losses.last) < losses[0] / 2, "\(losses)")
        #expect(network.trainingStep == 12)
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("n.safetensors")
            try network.save(to: file)
            let read = try Network(contentsOf: file)
            let (ours, theirs) = (try network.predict(odd.inputs), try read.predict(odd.inputs))
            #expect(ours.keys == theirs.keys)
            for (name, value) in ours {
                #expect(try #require(theirs[name]).hasSameBits(as: value), "\(name)")
            }
            try network.exportONNX(to: folder.appendingPathComponent("n.onnx"))
        }
    }

    @Test func whatTheLossDoesNotDependOnStaysWithoutDecay() throws {
        let odd = try #require(
            try OddGraph.all.get().first { $0.testDescription.contains("in the middle") })
        let network = try odd.network()
        let found = try network.gradients(
            odd.inputs, targets: .labels(labels), output: "middle")
        for (name, value) in found.parameters {
            #expect(value.doubles.allSatisfy { $0 == 0 } == name.hasPrefix("behind"), "\(name)")
        }
        func message(_ body: () throws -> Void) -> String? {
            #expect(throws: TensorError.self, performing: body)?.description
        }
        #expect(
            message {
                _ = try network.gradients(odd.inputs, targets: .labels(labels), output: "none")
            } == "gradients: output is none, expected middle, logits")
        #expect(
            message { _ = try network.gradients([:], targets: .labels(labels)) }
                == "gradients: inputs is without x, expected x")
    }

    /// A stage's name stands for its last layer, as a module's does in PyTorch.
    @Test func aStageIsItsLastLayer() throws {
        let network = try Network.resnet18(classes: 4, inputShape: [3, 32, 32], width: 2)
        var draw = Draw(seed: 1)
        let x = try draw.normal([2, 3, 32, 32])
        var outputs: [String: Tensor] = [:]
        try network.forEachLayer(of: x) { outputs[$0.name] = $2 }
        let found = try network.predict(x, outputs: ["layer4", "layer1.0", "fc", "image"])
        #expect(found["image"] == x)
        #expect(found["layer4"]?.shape == [2, 16, 1, 1])
        let pooled = try GlobalAveragePooling().predict(#require(found["layer4"]))
        #expect(pooled.hasSameBits(as: try #require(outputs["avgpool"])))
        #expect(try #require(found["fc"]).hasSameBits(as: network.predict(x)))
        let last = try #require(
            network.layers.last { $0.name.hasPrefix("layer1.0.") || $0.name == "layer1.0" })
        #expect(try #require(found["layer1.0"]).hasSameBits(as: #require(outputs[last.name])))
        #expect(throws: TensorError.self) { try network.predict(x, outputs: ["layer5"]) }
        #expect(try network.predict(x, outputs: []).isEmpty)
    }
}
