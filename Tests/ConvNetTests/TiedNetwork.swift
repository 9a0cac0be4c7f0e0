// SPDX-License-Identifier: MIT
//
// A network with tied weights, and what its tests have in common.

import ConvNetTestSupport
import Testing

@testable import ConvNet

/// A network with a convolution and a normalization at two places, and a transposed
/// convolution that reads the same filters; or the same network of layers with the same
/// numbers, and nothing tied.
func tiedNetwork(
    isTied: Bool = true, kernels: any Kernels = NativeKernels()
) throws -> Network {
    var draw = Draw(seed: 6)
    let window = try Window(3, padding: 1)
    let twice = try Convolution(
        weights: draw.normal([2, 2, 3, 3]), bias: draw.normal([2]), window: window)
    let norm = try BatchNormalization(
        gamma: draw.normal([2]), beta: draw.normal([2]), mean: draw.normal([2]),
        variance: Tensor(shape: [2], scalars: [0.5, 2]))
    let back = try TransposedConvolution(
        weights: twice.weights, bias: draw.normal([2]), window: window)
    let head = try Affine(weights: draw.normal([50, 4]), bias: draw.normal([4]))
    return try Network(inputShape: [2, 5, 5], kernels: kernels) { graph, image in
        let one = try graph.add(twice, image, name: "twice")
        let norm1 = try graph.add(norm, one, name: "norm")
        let bent = try graph.add(Tanh(), norm1)
        let two =
            isTied
            ? try graph.add(layerOf: one, bent, name: "again")
            : try graph.add(twice, bent, name: "again")
        let norm2 =
            isTied
            ? try graph.add(layerOf: norm1, two, name: "renorm")
            : try graph.add(norm, two, name: "renorm")
        let y = try graph.add(back, norm2, name: "back")
        if isTied { try graph.tie("W", of: y, to: "W", of: one) }
        return try graph.add(head, graph.add(Addition(), y, norm1, image), name: "head")
    }
}

/// What tests of it have in common.
enum TiedNetwork {
    static func images(_ count: Int = 3) throws -> Tensor {
        var draw = Draw(seed: 9)
        return try draw.normal([count, 2, 5, 5])
    }

    static let names = [
        "twice.W", "twice.b", "norm.gamma", "norm.beta", "back.b", "head.W", "head.b",
    ]

    static func expectTheSame(_ one: Network, _ other: Network, _ comment: Comment? = nil) {
        let (ours, theirs) = (one.parameters + one.buffers, other.parameters + other.buffers)
        #expect(ours.map(\.name) == theirs.map(\.name), comment)
        for ((name, value), (_, expected)) in zip(ours, theirs) {
            #expect(value.hasSameBits(as: expected), "\(name) \(comment ?? "")")
        }
    }

    /// What each place holds is what the network's list has.
    static func expectThatPlacesAgree(_ network: Network) {
        for ties in [
            (network.graph.parameterTies, \.parameters as KeyPath<any Layer, [Tensor]>),
            (network.graph.bufferTies, \.buffers),
        ] {
            #expect(!ties.0.isEmpty)
            for place in ties.0.followers {
                let owner = ties.0.owner(of: place)
                let nodes = network.graph.nodes
                #expect(
                    nodes[place.node].layer[keyPath: ties.1][place.index].hasSameBits(
                        as: nodes[owner.node].layer[keyPath: ties.1][owner.index]))
            }
        }
    }
}
