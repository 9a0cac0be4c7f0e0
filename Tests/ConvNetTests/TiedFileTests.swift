// SPDX-License-Identifier: MIT
//
// Tied weights in files: each tensor once, and the ties.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct TiedFileTests {
    @Test func aFileHoldsEachTensorOnceAndTheTies() throws {
        var network = try tiedNetwork()
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("n.safetensors")
            try network.save(to: file)
            let contents = try Safetensors.contents(of: file)
            #expect(
                contents.tensors.map(\.name).sorted()
                    == (TiedNetwork.names + ["norm.mean", "norm.variance"]).sorted())
            var read = try Network(contentsOf: file)
            TiedNetwork.expectTheSame(read, network)
            TiedNetwork.expectThatPlacesAgree(read)
            // Written again, it is the same file.
            #expect(try read.architectureMetadata() == network.architectureMetadata())
            let batch = try Batch(images: TiedNetwork.images(), labels: [0, 3, 1])
            var updaters = [try Updater(Adam()), try Updater(Adam())]
            try network.trainStep(on: batch, with: &updaters[0])
            try read.trainStep(on: batch, with: &updaters[1])
            TiedNetwork.expectTheSame(read, network)

            let parameters = folder.appendingPathComponent("p.safetensors")
            try network.saveParameters(to: parameters)
            var other = try tiedNetwork()
            try other.loadParameters(from: parameters)
            TiedNetwork.expectTheSame(other, network)
            TiedNetwork.expectThatPlacesAgree(other)
        }
    }

    /// What a text has in another's place, and what is said of it.
    private static let wrongTexts: [(old: String, new: String, problem: String)] = {
        func unknown(_ layer: String, _ name: String, _ key: String) -> String {
            "architecture: layer \(layer) shares \(name) as \(key), expected one of its tensors, "
                + "and one of a layer before"
        }
        let back = #""shared":{"W":"twice.W"}"#
        return [
            (
                #""version":3"#, #""version":2"#,
                "architecture is of version 2, but has shared tensors, expected version 3"
            ),
            (
                #""version":3"#, #""version":4"#,
                "architecture is of version 4, expected from 1 to 3"
            ),
            (back, #""shared":{"W":"thrice.W"}"#, unknown("back", "thrice.W", "W")),
            (back, #""shared":{"V":"twice.W"}"#, unknown("back", "twice.W", "V")),
            // A layer behind it; a tensor that is shared there itself; a buffer; another shape.
            (back, #""shared":{"W":"head.W"}"#, unknown("back", "head.W", "W")),
            (back, #""shared":{"W":"again.W"}"#, unknown("back", "again.W", "W")),
            (
                back, #""shared":{"W":"twice.b"}"#,
                "layer back (TransposedConvolution): weights is [2], expected [C, F/groups, 3, 3]"
            ),
            (
                #""shared":{"W":"twice.W"},"#, "",
                "layer back (TransposedConvolution): lacks its tensor back.W"
            ),
            (
                #""beta":"norm.beta","#, #""beta":"norm.mean","#,
                "tie: renorm.beta is a parameter [2] of float32, expected a buffer [2] of float32 "
                    + "as norm.mean"
            ),
        ]
    }()

    @Test(arguments: wrongTexts.indices)
    func wrongTiesAreRefused(_ place: Int) throws {
        let (old, new, problem) = Self.wrongTexts[place]
        try expectRefusal(of: tiedNetwork(), with: new, for: old, problem)
    }

    /// Of a tensor that modules share, PyTorch's files have one name or all of them.
    @Test func aStateDictMayHaveAnyOfTheNames() throws {
        var graph = Graph()
        let x = try graph.input("x", [2])
        let y = try graph.add(Affine(inputSize: 2, outputSize: 2, seed: 1), x, name: "enc")
        let z = try graph.add(Affine(inputSize: 2, outputSize: 2, seed: 2), y, name: "dec")
        try graph.tie("W", of: z, to: "W", of: y)
        try graph.output(z)
        let fresh = try Network(graph)
        let weight = try Tensor(shape: [2, 2], scalars: [1, 2, 3, 4])
        let bias = try Tensor(shape: [2], repeating: 5)
        for names in [["enc.weight"], ["dec.weight"], ["enc.weight", "dec.weight"]] {
            var network = fresh
            var tensors = ["enc.bias": bias, "dec.bias": bias]
            for name in names { tensors[name] = weight }
            try network.setParameters(tensors)
            #expect(network.parameters[0].value.scalars == [1, 3, 2, 4], "\(names)")
            #expect(network.graph.nodes[1].layer.parameters[0].scalars == [1, 3, 2, 4])
        }
        var network = fresh
        try network.setParameters(["dec.W": weight], strict: false)
        #expect(network.parameters[0].value.scalars == [1, 2, 3, 4])
        let error = #expect(throws: FileError.self) {
            try network.setParameters(
                ["enc.weight": weight, "dec.weight": 2 * weight], strict: false)
        }
        #expect(
            error?.problem == "has two tensors that differ for enc.W, which several layers share")
    }

    @Test func aCheckpointGoesOnWithTheSameBits() throws {
        let source = GivenSamples(try TiedNetwork.images(8), [0, 3, 1, 2, 0, 2, 1, 3])
        func train(epochs: Int, resuming: URL?, to file: URL) throws -> Network {
            var network = try tiedNetwork()
            var trainer = try Trainer(
                optimizer: Adam(learningRate: 0.01), batchSize: 4, epochs: epochs)
            try trainer.train(
                &network, on: source,
                checkpoints: Checkpoints(
                    file: file, resuming: resuming.map { try Checkpoint(contentsOf: $0) }))
            return network
        }
        try withTemporaryFolder { folder in
            let files = ["a", "b"].map { folder.appendingPathComponent($0) }
            let whole = try train(epochs: 4, resuming: nil, to: files[0])
            _ = try train(epochs: 2, resuming: nil, to: files[1])
            let resumed = try train(epochs: 4, resuming: files[1], to: files[1])
            TiedNetwork.expectTheSame(resumed, whole)
            TiedNetwork.expectThatPlacesAgree(resumed)
            let kept = try Safetensors.contents(of: files[1]).tensors.map(\.name)
            #expect(
                kept.filter { $0.hasPrefix("optimizer.") }.count == 2 * TiedNetwork.names.count,
                "\(kept)")
        }
    }

    @Test func onnxHasOneInitializer() throws {
        let network = try tiedNetwork()
        let data = try network.onnxData(file: "f")
        for (name, value) in network.parameters + network.buffers where value.count > 2 {
            let raw = value.scalars.withUnsafeBytes { Data($0) }
            let first = try #require(data.range(of: raw), "\(name)")
            #expect(
                data[first.upperBound...].range(of: raw) == nil, "\(name) is there twice")
        }
    }
}
