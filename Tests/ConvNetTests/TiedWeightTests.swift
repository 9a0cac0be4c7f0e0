// SPDX-License-Identifier: MIT
//
// Tied weights: a layer at two places, and single tensors that several layers read. Gradients add,
// and all that holds parameters holds one.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct TiedWeightTests {
    @Test func eachTensorIsThereOnce() throws {
        let (network, loose) = (try tiedNetwork(), try tiedNetwork(isTied: false))
        #expect(network.parameters.map(\.name) == TiedNetwork.names)
        #expect(network.buffers.map(\.name) == ["norm.mean", "norm.variance"])
        let table = try network.summary()
        #expect(table.rows.map(\.parameterCount) == [38, 4, 0, 0, 0, 2, 0, 204])
        #expect(table.parameterCount == 248)
        #expect(try loose.summary().parameterCount == 248 + 38 + 4 + 36)
        #expect(
            try network.predict(TiedNetwork.images()).hasSameBits(
                as: loose.predict(TiedNetwork.images())))
        // A chain with ties names its tensors by layer, as its numbers would mislead.
        let chain = try Network(inputShape: [2]) { graph, x in
            let y = try graph.add(Affine(inputSize: 2, outputSize: 2, seed: 1), x, name: "a")
            return try graph.add(layerOf: y, y, name: "b")
        }
        #expect(chain.parameters.map(\.name) == ["a.W", "a.b"])
    }

    /// In the order in which a backward pass comes to them.
    @Test func aGradientIsTheSumOverAllPlaces() throws {
        let (network, loose) = (try tiedNetwork(), try tiedNetwork(isTied: false))
        let x = try TiedNetwork.images()
        let found = try network.gradients(x, labels: [0, 3, 1])
        let each = try loose.gradients(x, labels: [0, 3, 1])
        func of(_ name: String) throws -> Tensor {
            try #require(each.parameters.first { $0.name == name }).value
        }
        let expected = [
            try of("back.W") + of("again.W") + of("twice.W"), try of("again.b") + of("twice.b"),
            try of("renorm.gamma") + of("norm.gamma"), try of("renorm.beta") + of("norm.beta"),
            try of("back.b"), try of("head.W"), try of("head.b"),
        ]
        #expect(found.parameters.map(\.name) == TiedNetwork.names)
        for ((name, value), sum) in zip(found.parameters, expected) {
            #expect(value.hasSameBits(as: sum), "\(name)")
        }
        #expect(found.loss == each.loss)
    }

    @Test func gradientsAgreeWithCentralDifferences() throws {
        let check = try GradientCheck(
            of: tiedNetwork(), TiedNetwork.images(), labels: [0, 3, 1], on: ReferenceKernels())
        #expect(check.passed, "\(check.rows)")
        #expect(check.rows.map(\.parameter) == TiedNetwork.names)
    }

    /// Where a branch with one of the places leads to no output, the other's gradient is the whole.
    @Test func aPlaceThatLeadsNowhereAddsNothing() throws {
        func network(withBranch: Bool) throws -> Network {
            try Network(inputShape: [3]) { graph, x in
                let y = try graph.add(Affine(inputSize: 3, outputSize: 3, seed: 1), x, name: "a")
                if withBranch { _ = try graph.add(layerOf: y, y, name: "unused") }
                return y
            }
        }
        let x = try Tensor(shape: [1, 3], scalars: [1, 2, 3])
        let one = try network(withBranch: true).gradients(x, labels: [2])
        let other = try network(withBranch: false).gradients(x, labels: [2])
        #expect(one.parameters.map(\.value) == other.parameters.map(\.value))
    }

    /// A step of plain descent is `p − rate · sum`, and puts it in all places.
    @Test func aStepChangesAllPlaces() throws {
        var network = try tiedNetwork()
        let before = network
        let batch = try Batch(images: TiedNetwork.images(), labels: [0, 3, 1])
        let gradients = try network.gradients(batch.images, labels: batch.labels)
        var updater = try Updater(SGD(learningRate: 0.125, momentum: 0.5))
        try network.trainStep(on: batch, with: &updater)
        for place in before.parameters.indices {
            let expected =
                try before.parameters[place].value - 0.125 * gradients.parameters[place].value
            #expect(network.parameters[place].value.hasSameBits(as: expected))
        }
        TiedNetwork.expectThatPlacesAgree(network)
        #expect(updater.state.tensors["velocity"]?.count == TiedNetwork.names.count)
        // The copy is as it was.
        TiedNetwork.expectTheSame(before, try tiedNetwork())
        TiedNetwork.expectThatPlacesAgree(before)
        let double = try network.converted(to: .float64, kernels: ReferenceKernels())
        TiedNetwork.expectThatPlacesAgree(double)
        #expect(double.parameters.map(\.name) == TiedNetwork.names)
    }

    /// An optimizer finds each tensor unshared, so that it copies none.
    @Test func tensorsAreChangedWhereTheyLie() throws {
        var network = try tiedNetwork()
        func addresses(_ network: Network) -> [UnsafeRawPointer?] {
            network.parameters.map { tensor in
                tensor.value.withUnsafeScalars(of: Float.self) { UnsafeRawPointer($0.baseAddress) }
            }
        }
        try network.updateParameters {
            for place in $0.indices { try $0[place].makeUnique(operation: "test") }
        }
        let before = addresses(network)
        try network.updateParameters {
            for place in $0.indices { try $0[place].multiply(by: 2) }
        }
        #expect(addresses(network) == before)
        TiedNetwork.expectThatPlacesAgree(network)
    }

    /// As in PyTorch, a normalization at two places moves its statistics at each, one
    /// after the other.
    @Test func statisticsMoveAtEachPlaceInOrder() throws {
        let network = try Network(inputShape: [2, 4, 4]) { graph, x in
            let y = try graph.add(BatchNormalization(channels: 2), x, name: "norm")
            let z = try graph.add(layerOf: y, graph.add(Tanh(), y), name: "again")
            return try graph.add(GlobalAveragePooling(), z)
        }
        var draw = Draw(seed: 3)
        let x = try draw.normal([3, 2, 4, 4])
        var layer = try BatchNormalization(channels: 2)
        let first = try layer.forward(x)
        layer.buffers = try #require(first.buffers)
        let second = try layer.forward(Tanh().forward(first.output).output)
        let found = try network.gradients(x, labels: [0, 1, 1])
        #expect(found.buffers.map(\.name) == ["norm.mean", "norm.variance"])
        for (buffer, expected) in zip(found.buffers, try #require(second.buffers)) {
            #expect(buffer.value.hasSameBits(as: expected), "\(buffer.name)")
        }
    }

    @Test(arguments: [1, 3, 5])
    func ranksShareOne(_ shards: Int) throws {
        let source = GivenSamples(try TiedNetwork.images(7), [0, 3, 1, 2, 0, 2, 1])
        @Sendable func train(_ sharding: Sharding?) throws -> Network {
            var network = try tiedNetwork()
            var trainer = try Trainer(
                optimizer: Adam(learningRate: 0.01), batchSize: 6, dropLast: true, epochs: 2,
                sharding: sharding)
            try trainer.train(&network, on: source)
            return network
        }
        let alone = try train(Sharding(shards: shards))
        if shards == 1 { TiedNetwork.expectTheSame(alone, try train(nil)) }
        for ranks in 1...3 where ranks <= shards {
            let team = try ThreadTeam.run(ranks) {
                try train(Sharding(shards: shards, averager: $0))
            }
            for network in team { TiedNetwork.expectTheSame(network, alone, "\(ranks) ranks") }
        }
        TiedNetwork.expectThatPlacesAgree(alone)
    }

    @Test func aTieIsCheckedWhereItIsMade() throws {
        func expect(
            _ message: String, _ tie: (inout Graph, Graph.Value, Graph.Value) throws -> Void
        ) {
            let error = #expect(throws: TensorError.self) {
                var graph = Graph()
                let x = try graph.input("image", [3])
                let y = try graph.add(Affine(inputSize: 3, outputSize: 2), x, name: "one")
                let z = try graph.add(BatchNormalization(channels: 2), y, name: "two")
                try tie(&graph, y, z)
            }
            #expect(error?.description == message)
        }
        expect("tie: key is one.V, expected one of W, b") {
            try $0.tie("V", of: $1, to: "beta", of: $2)
        }
        expect("tie: key is two.b, expected one of gamma, beta, mean, variance") {
            try $0.tie("b", of: $1, to: "b", of: $2)
        }
        expect(
            "tie: one.W is a parameter [3, 2] of float32, expected a parameter [2] of float32 "
                + "as two.beta"
        ) { try $0.tie("W", of: $1, to: "beta", of: $2) }
        expect(
            "tie: one.b is a parameter [2] of float32, expected a buffer [2] of float32 as two.mean"
        ) { try $0.tie("b", of: $1, to: "mean", of: $2) }
        expect("tie: key is relu1.W, expected a key of a layer with tensors") { graph, y, _ in
            try graph.tie("W", of: graph.add(ReLU(), y), to: "b", of: y)
        }
        expect("add: output is the input image, expected the output of a layer") { graph, y, _ in
            var other = Graph()
            let x = try other.input("image", [3])
            _ = try graph.add(layerOf: x, y)
        }
        expect("Graph: value is one of another graph, expected one of this graph") { graph, y, _ in
            var other = Graph()
            _ = try other.add(layerOf: y, y)
        }
    }

    /// Ties of ties are one; the numbers are those of what was tied to.
    @Test func tiesJoin() throws {
        var graph = Graph()
        let x = try graph.input("x", [2])
        var values: [Graph.Value] = []
        for place in 0..<4 {
            let layer = try Affine(
                weights: Tensor(shape: [2, 2], repeating: Double(place)),
                bias: Tensor(zeros: [2]))
            values.append(try graph.add(layer, values.last ?? x, name: "a\(place)"))
        }
        try graph.tie("W", of: values[0], to: "W", of: values[1])
        try graph.tie("W", of: values[2], to: "W", of: values[3])
        try graph.tie("W", of: values[2], to: "W", of: values[2])
        try graph.tie("W", of: values[1], to: "W", of: values[2])
        try graph.output(values[3])
        let network = try Network(graph)
        #expect(network.parameters.map(\.name) == ["a0.W", "a0.b", "a1.b", "a2.b", "a3.b"])
        #expect(network.parameters[0].value.scalars == [3, 3, 3, 3])
        #expect(network.graph.nodes.allSatisfy { $0.layer.parameters[0].scalars == [3, 3, 3, 3] })
    }
}
