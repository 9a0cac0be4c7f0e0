// SPDX-License-Identifier: MIT
//
// Networks of each of the package's layers, for what must hold for all of them: files and export.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// A network, samples for it, and what its numbers allow to expect.
struct DescribedNetwork {
    let name: String
    let network: Network
    /// One tensor for each of the network's inputs.
    let inputs: [Tensor]
    /// Whether parameters and samples have few digits and the layers keep them so: then results are
    /// exact whatever the order of sums.
    let isExact: Bool

    /// A network with two drawn samples, small whole numbers where results are to be exact.
    init(_ name: String, _ network: Network, isExact: Bool = false) throws {
        var draw = Draw(seed: 2)
        let shape = [2] + network.inputShape
        self.name = name
        self.network = network
        self.isExact = isExact
        inputs = [isExact ? try draw.integers(shape) : try draw.normal(shape)]
    }

    /// A network of an example alone, and the example's samples.
    init(_ example: LayerExample) throws {
        name = example.testDescription
        network = try example.network()
        isExact = example.isExact
        // As many for each input.
        inputs = try example.inputs(samples: example.inputShapes[0][0])
    }

    /// A graph of an odd form, and its inputs.
    init(_ odd: OddGraph) throws {
        name = odd.testDescription.replacingOccurrences(of: " ", with: "-")
        network = try odd.network()
        isExact = false
        inputs = try odd.graph.inputs.map { try #require(odd.inputs[$0.name]) }
    }

    /// What the network, or the same one read from a file, predicts for the samples.
    func prediction(of network: Network? = nil) throws -> Tensor {
        try predictions(of: network)[0]
    }

    /// All outputs, in order.
    func predictions(of network: Network? = nil) throws -> [Tensor] {
        let network = network ?? self.network
        let names = network.graph.inputs.map(\.name)
        let results = try network.predict(
            Dictionary(uniqueKeysWithValues: zip(names, inputs)))
        return try network.graph.outputs.map { try #require(results[$0.name]) }
    }
}

/// Each layer alone, convolutions and poolings over drawn windows, and networks of several layers.
func describedNetworks() throws -> [DescribedNetwork] {
    try LayerCatalogue.examples().map(DescribedNetwork.init) + windowedLayers()
        + readyMadeNetworks() + graphs() + joinedNetworks()
}

/// Networks that are no chains.
private func graphs() throws -> [DescribedNetwork] {
    var draw = Draw(seed: 31)
    func convolution(_ channels: Int) throws -> Convolution {
        try Convolution(
            weights: draw.integers([4, channels, 3, 3]), bias: draw.integers([4]),
            window: Window(3, padding: 1))
    }
    let residual = try Network(inputShape: [2, 5, 6]) { graph, image in
        let x = try graph.add(convolution(2), image)
        let y = try graph.add(ReLU(), graph.add(convolution(4), graph.add(ReLU(), x)))
        return try graph.add(Addition(), y, x, x)
    }
    var two = Graph()
    let x = try two.input("image", [3])
    let y = try two.add(Addition(), x, x)
    try two.output(two.add(Flatten(), y), "sum")
    let drawn = [
        try DescribedNetwork("residual", residual, isExact: true),
        try DescribedNetwork("named-ports", Network(two), isExact: true),
        try DescribedNetwork("tied", tiedNetwork()),
    ]
    return try drawn + OddGraph.all.get().map(DescribedNetwork.init)
}

private func windowedLayers() throws -> [DescribedNetwork] {
    var networks: [DescribedNetwork] = []
    func add(_ name: String, _ layer: any Layer, _ shape: [Int], isExact: Bool = true) throws {
        let network = try Network(
            inputShape: Array(shape.dropFirst()), layers: [NamedLayer(name, layer)])
        networks.append(try DescribedNetwork(name, network, isExact: isExact))
    }
    for seed in 0..<20 {
        var draw = Draw(seed: seed)
        let groups = draw.pick([1, 2, 4])
        let (shape, window) = try draw.windowedShape(samples: 1...1, channels: 4)
        let convolution = try Convolution(
            weights: draw.integers([8, 4 / groups, window.size.height, window.size.width]),
            bias: draw.integers([8]), window: window, groups: groups)
        try add("convolution-\(seed)", convolution, shape)
        let pooled = try draw.windowedShape(samples: 1...1, channels: 2, pooling: true)
        try add("max-pooling-\(seed)", MaxPooling(window: pooled.window), pooled.shape)
        try add(
            "average-pooling-\(seed)",
            AveragePooling(window: pooled.window, countIncludePad: draw.oneIn(2)), pooled.shape,
            isExact: false)
    }
    return networks
}

private func readyMadeNetworks() throws -> [DescribedNetwork] {
    [
        try DescribedNetwork("simple", SimpleConvNet(seed: 1).network),
        try DescribedNetwork("simple-small", smallNetwork().network),
        try DescribedNetwork("lenet", LeNet(seed: 1).network),
        try DescribedNetwork("lenet-1998", LeNet(seed: 1, form: .classic).network),
        try smallAlexNet(groups: 1), try smallAlexNet(groups: 2),
    ]
}

/// AlexNet with few filters on small images: the same layers.
private func smallAlexNet(groups: Int) throws -> DescribedNetwork {
    let network = try AlexNet(
        seed: 1, inputShape: [3, 67, 67], filters: [6, 8, 12, 12, 8], hiddenSize: 20, classes: 7,
        groups: groups)
    return try DescribedNetwork("alexnet-\(groups)", network.network)
}

/// Expects that a network's file is not read where its description has one text in another's place.
func expectRefusal(
    of network: Network, with new: String, for old: String, _ problem: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let metadata = try network.architectureMetadata()
    var text = try #require(metadata["architecture"], sourceLocation: sourceLocation)
    #expect(text.contains(old), "\(text)", sourceLocation: sourceLocation)
    text = text.replacingOccurrences(of: old, with: new)
    let bytes = try Safetensors.encode(
        network.parameters + network.buffers, metadata: ["architecture": text])
    let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) {
        try Network(Safetensors.contents(of: bytes), file: "f")
    }
    #expect(error?.problem == problem, "\(text)", sourceLocation: sourceLocation)
}
