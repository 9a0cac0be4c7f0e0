// SPDX-License-Identifier: MIT
//
// Stacking layers for a ready-made network that is a chain: each layer takes what the one below
// gives, and names are counted.

/// The layers of a network so far, and the value that comes out of them.
struct LayerStack {
    private var builder: BlockBuilder
    private var top: Graph.Value
    private var counts: [String: Int] = [:]

    /// No layers on an input of the given shape, `[C, H, W]`.
    init(inputShape: [Int], seed: UInt64, initialization: Initialization) throws {
        builder = BlockBuilder(seed: seed, initialization: initialization)
        top = try builder.graph.input("input", inputShape)
    }

    /// The layers from the first on.
    var layers: [NamedLayer] { builder.graph.nodes.map { NamedLayer($0.name, $0.layer) } }

    /// Puts a layer on top, named by its kind and number, such as `relu2`.
    mutating func add(_ kind: String, _ layer: any Layer) throws {
        top = try builder.graph.add(layer, top, name: name(kind))
    }

    /// Puts a convolution with drawn filters on top.
    mutating func addConvolution(
        filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1
    ) throws {
        top = try builder.convolution(
            name("conv"), top, filters: filters, kernel: kernel, stride: stride, padding: padding,
            groups: groups, hasBias: true)
    }

    /// Puts an affine layer with drawn weights on top.
    mutating func addAffine(outputSize: Int) throws {
        top = try builder.affine(name("affine"), top, outputSize: outputSize)
    }

    private mutating func name(_ kind: String) -> String {
        counts[kind, default: 0] += 1
        return "\(kind)\(counts[kind, default: 0])"
    }
}
