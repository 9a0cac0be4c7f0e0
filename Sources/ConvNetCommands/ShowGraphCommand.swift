// SPDX-License-Identifier: MIT
//
// convnet show graph: a network's layers as boxes, and the shapes of what flows between them.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import Foundation

enum ShowGraphCommand: Command {
    static let name = "show graph"
    static let summary = "Draws a network's layers and how they feed one another."
    static let operands = ""
    static let example = "convnet show graph --network resnet20 --out resnet20.svg"
    static let options = Networks.fileOptions + [.picture]

    static func run(_ options: Options) throws {
        let output = try options.requiredPicture()
        let network =
            options.string("parameters") == nil
            ? try Networks.make(
                options, seed: 0, initialization: .standardDeviation(0), kernels: NativeKernels())
            : try Networks.load(options)
        try Picture.graph(nodes(of: network.network.graph)).write(to: output)
        print("wrote \(output.path)")
    }

    /// The inputs, the layers and the outputs of a graph as they are drawn.
    private static func nodes(of graph: Graph) throws -> [GraphNode] {
        var places: [String: Int] = [:]
        var nodes: [GraphNode] = []
        func add(_ name: String, _ kind: String, _ inputs: [Graph.Value], _ shape: [Int]) {
            nodes.append(
                GraphNode(
                    name: name, kind: kind,
                    inputs: inputs.compactMap { places[graph.name(of: $0)] },
                    shape: shape))
        }
        for input in graph.inputs {
            places[input.name] = nodes.count
            add(input.name, "input", [], input.shape)
        }
        for node in graph.nodes {
            add(node.name, "\(type(of: node.layer))", node.inputs, node.shape)
            places[node.name] = nodes.count - 1
        }
        for output in graph.outputs {
            try add(output.name, "output", [output.value], graph.shape(of: output.value))
        }
        return nodes
    }
}
