// SPDX-License-Identifier: MIT
//
// Another layer in the place of one, and what is done to images before a network sees them.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

@Suite struct SurgeryTests {
    /// A network with a softmax behind its last layer with parameters.
    private static func network() throws -> Network {
        try Network(
            inputShape: [1, 6, 6],
            layers: [
                NamedLayer(
                    "conv", Convolution(inputChannels: 1, outputChannels: 3, kernel: 3, seed: 1)),
                NamedLayer("relu", ReLU()),
                NamedLayer("flatten", Flatten()),
                NamedLayer("fc", Affine(inputSize: 48, outputSize: 4, seed: 2)),
                NamedLayer("softmax", Softmax()),
            ])
    }

    @Test func theOutputIsReplacedAndTheRestIsAsItWas() throws {
        var draw = Draw(seed: 1)
        let x = try draw.normal([3, 1, 6, 6])
        let old = try Self.network()
        var network = old
        #expect(
            try network.replaceOutput(with: Affine(inputSize: 48, outputSize: 7, seed: 9)) == "fc")
        #expect(network.outputShape == [7])
        #expect(try network.predict(x).shape == [3, 7])
        #expect(network.parameters.map(\.name) == old.parameters.map(\.name))
        #expect(network.parameters[0].value == old.parameters[0].value)
        #expect(
            try network.predict(["input": x], outputs: ["relu"])
                == old.predict(["input": x], outputs: ["relu"]))
        // The same layer again gives the old network.
        try network.replaceLayer("fc", with: old.graph.nodes[3].layer)
        #expect(try network.predict(x) == old.predict(x))
    }

    @Test func whatDoesNotFitIsRefusedAndChangesNothing() throws {
        var network = try Self.network()
        let before = network.parameters.map(\.value)
        for (name, layer, problem) in [
            (
                "fc", try Affine(inputSize: 47, outputSize: 4, seed: 1) as any Layer,
                "layer fc (Affine)"
            ),
            (
                "conv", try Convolution(inputChannels: 1, outputChannels: 4, kernel: 3, seed: 1),
                "layer fc"
            ),
            ("head", ReLU(), "head"),
        ] {
            let error = #expect(throws: TensorError.self) {
                try network.replaceLayer(name, with: layer)
            }
            #expect(error.map { "\($0)".contains(problem) } == true, "\(String(describing: error))")
        }
        #expect(network.parameters.map(\.value) == before)
    }

    /// The new layer is of the old one's kind and takes what that took.
    @Test func otherClassesNeedNoSizes() throws {
        var network = try Self.network()
        network.preprocessing = try Preprocessing(classNames: ["a", "b"])
        #expect(try network.replaceOutput(classes: 7, seed: 1) == "fc")
        #expect(network.outputShape == [7] && network.preprocessing?.classNames == [])
        // Its last layer with parameters is a convolution.
        var squeezed = try Network.squeezeNet(classes: 5, inputShape: [3, 64, 64])
        let kept = squeezed.parameters.dropLast(2).map(\.value)
        let name = try squeezed.replaceOutput(classes: 3, seed: 2)
        #expect(squeezed.outputShape == [3])
        let changed = squeezed.parameters.suffix(2)
        #expect(changed.map(\.value.shape) == [[3, 512, 1, 1], [3]])
        #expect(changed.allSatisfy { $0.name.hasPrefix("\(name).") })
        #expect(squeezed.parameters.dropLast(2).map(\.value) == kept)
    }

    /// What an ONNX file has of MatMul and Add.
    @Test func aProductAndItsSumBecomeOneLayer() throws {
        var graph = Graph()
        let x = try graph.input("x", [4])
        let weights = try graph.add(StoredTensor(Tensor(zeros: [4, 6]), isTrained: true), [])
        let bias = try graph.add(StoredTensor(Tensor(zeros: [1, 6]), isTrained: true), [])
        let product = try graph.add(BroadcastProduct(), x, weights)
        try graph.output(graph.add(Elementwise(.add), product, bias, name: "sum"))
        var network = try Network(graph)
        #expect(try network.replaceOutput(classes: 3) == "sum")
        #expect(network.outputShape == [3] && network.graph.nodes.map(\.name) == ["sum"])
        #expect(network.parameters.map(\.value.shape) == [[4, 3], [3]])
    }

    @Test func aNetworkThatEndsInANormalizationHasNoOutputToReplace() throws {
        var network = try Network(
            inputShape: [3, 4, 4],
            layers: [
                NamedLayer("conv", Convolution(inputChannels: 3, outputChannels: 2, kernel: 1)),
                NamedLayer("norm", try BatchNormalization(channels: 2)),
            ])
        let before = network.parameters.map(\.value)
        let error = #expect(throws: TensorError.self) { try network.replaceOutput(classes: 4) }
        #expect(
            error.map { "\($0)".contains("expected Convolution or Affine") } == true,
            "\(String(describing: error))")
        #expect(network.parameters.map(\.value) == before)
    }

    /// A network from an ONNX file gets other classes, learns them, and is given back.
    @Test func anImportedNetworkIsFineTunedAndExported() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("model.onnx")
            try Self.network().exportONNX(to: file)
            var network = try Network(onnx: file)
            let name = try network.replaceOutput(
                with: Affine(inputSize: 48, outputSize: 2, seed: 5))
            var draw = Draw(seed: 2)
            let x = try draw.normal([4, 1, 6, 6])
            let frozen = network.parameters.filter { !$0.name.hasPrefix(name) }.map(\.value)
            var updater = try Updater(SGD(learningRate: 0.1))
            let first = try network.trainStep(
                on: Batch(images: x, labels: [0, 1, 0, 1]), with: &updater)
            var last = first
            for _ in 0..<20 {
                last = try network.trainStep(
                    on: Batch(images: x, labels: [0, 1, 0, 1]), with: &updater)
            }
            #expect(last < first)
            #expect(!frozen.isEmpty)
            try network.exportONNX(to: file)
            #expect(try Network(onnx: file).predict(x) == network.predict(x))
        }
    }
}

@Suite struct PreprocessingTests {
    @Test func imagesAreScaledShiftedAndTurnedRound() throws {
        let x = try Tensor(shape: [1, 3, 1, 2], scalars: [0, 1, 0.5, 0.25, 0.75, 1])
        let same = try Preprocessing().applied(to: x)
        #expect(same == x)
        let bytes = try Preprocessing(
            scale: 255, mean: [10, 20, 30], deviation: [2], channelOrder: .bgr)
        // Blue first: its mean is the first.
        let expected: [Float] = [90.625, 122.5, 53.75, 21.875, -15, 112.5]
        #expect(try bytes.applied(to: x).scalars == expected)
    }

    @Test func aWholeNetworkFileKeepsIt() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("network.safetensors")
            var network = try SimpleConvNet(seed: 1, hiddenSize: 4).network
            try network.save(to: file)
            let plain = try Data(contentsOf: file)
            network.preprocessing = try Preprocessing(
                mean: [0.5], deviation: [0.25], classNames: ["null", "\"eins\"\n"],
                shorterSide: 256)
            try network.save(to: file)
            #expect(try Network(contentsOf: file).preprocessing == network.preprocessing)
            network.preprocessing = nil
            try network.save(to: file)
            #expect(try Data(contentsOf: file) == plain)
        }
    }

    @Test(arguments: [
        #"{"channelOrder":"rgb","classNames":[],"deviation":[0],"mean":[0],"scale":1}"#,
        #"{"channelOrder":"rgb","classNames":[],"deviation":[],"mean":[0],"scale":1}"#,
        #"{"channelOrder":"rgb","classNames":[],"deviation":[1],"mean":[0],"scale":1,"shorterSide":0}"#,
        #"{"channelOrder":"hsv","classNames":[],"deviation":[1],"mean":[0],"scale":1}"#,
        #"{"channelOrder":"rgb","classNames":[],"deviation":[1],"mean":[0],"scale":1,"scale":2}"#,
        "[]", "",
    ])
    func aDamagedOneIsRefused(_ text: String) throws {
        let network = try SimpleConvNet(seed: 1, hiddenSize: 4).network
        var metadata = try network.architectureMetadata()
        metadata["swift-convnet.preprocessing"] = text
        let contents = try Safetensors.contents(
            of: Safetensors.encode(network.parameters, metadata: metadata), file: "x")
        #expect(throws: FileError.self) { try Network(contents, file: "x") }
    }

    @Test func wrongNumbersAreRefused() throws {
        #expect(throws: TensorError.self) { try Preprocessing(scale: 0) }
        #expect(throws: TensorError.self) { try Preprocessing(mean: [.nan]) }
        #expect(throws: TensorError.self) { try Preprocessing(deviation: [-1]) }
        #expect(throws: TensorError.self) { try Preprocessing(shorterSide: 32_768) }
        let x = try Tensor(zeros: [1, 1, 2, 2])
        #expect(throws: TensorError.self) { try Preprocessing.imageNet.applied(to: x) }
        #expect(throws: TensorError.self) { try Preprocessing(channelOrder: .bgr).applied(to: x) }
    }
}
