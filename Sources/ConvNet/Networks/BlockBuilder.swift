// SPDX-License-Identifier: MIT
//
// What the networks of the last ten years are made of, node by node: convolutions with their
// normalizations, named as PyTorch names them.

/// A graph under construction, whose layers draw from one seed.
struct BlockBuilder {
    /// The graph so far.
    var graph = Graph()
    private let seed: UInt64
    private let initialization: Initialization
    private var drawn: UInt64 = 0

    /// No layers yet.
    init(seed: UInt64, initialization: Initialization = .he) {
        (self.seed, self.initialization) = (seed, initialization)
    }

    /// How many channels a value has.
    func channels(_ x: Graph.Value) throws -> Int {
        let shape = try graph.shape(of: x)
        guard shape.count == 3 else {
            throw TensorError(
                operation: "Network", argument: "inputShape", value: "\(shape)",
                expected: "[C, H, W]")
        }
        return shape[0]
    }

    /// A convolution with drawn filters.
    mutating func convolution(
        _ name: String, _ x: Graph.Value, filters: Int, kernel: Int, stride: Int = 1,
        padding: Int = 0, groups: Int = 1, hasBias: Bool = false
    ) throws -> Graph.Value {
        drawn += 1
        let layer = try Convolution(
            inputChannels: channels(x), outputChannels: filters, kernel: kernel, stride: stride,
            padding: padding, groups: groups, hasBias: hasBias, initialization: initialization,
            seed: seed, stream: drawn)
        return try graph.add(layer, x, name: name)
    }

    /// A transposed convolution with drawn filters.
    mutating func transposedConvolution(
        _ name: String, _ x: Graph.Value, filters: Int, kernel: Int, stride: Int
    ) throws -> Graph.Value {
        drawn += 1
        let layer = try TransposedConvolution(
            inputChannels: channels(x), outputChannels: filters, kernel: kernel, stride: stride,
            initialization: initialization, seed: seed, stream: drawn)
        return try graph.add(layer, x, name: name)
    }

    /// A convolution without bias, its normalization, and an activation where there is one.
    mutating func normalizedConvolution(
        _ names: (convolution: String, normalization: String), _ x: Graph.Value, filters: Int,
        kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1,
        activation: Activation? = nil
    ) throws -> Graph.Value {
        let sums = try convolution(
            names.convolution, x, filters: filters, kernel: kernel, stride: stride,
            padding: padding, groups: groups)
        let y = try graph.add(
            BatchNormalization(channels: filters), sums, name: names.normalization)
        guard let activation else { return y }
        return try graph.add(activation, y)
    }

    /// A product with drawn weights.
    mutating func affine(
        _ name: String, _ x: Graph.Value, outputSize: Int
    ) throws -> Graph.Value {
        drawn += 1
        let inputSize = try graph.shape(of: x).reduce(1, *)
        let layer = try Affine(
            inputSize: inputSize, outputSize: outputSize, initialization: initialization,
            seed: seed, stream: drawn)
        return try graph.add(layer, x, name: name)
    }

    /// A dropout, each of a number of its own.
    mutating func dropout(
        _ name: String, _ x: Graph.Value, rate: Double
    ) throws -> Graph.Value {
        drawn += 1
        return try graph.add(Dropout(rate: rate, seed: seed, stream: drawn), x, name: name)
    }

    /// The network with one output.
    func network(_ output: Graph.Value, kernels: any Kernels) throws -> Network {
        var graph = graph
        try graph.output(output)
        return try Network(graph, kernels: kernels)
    }
}
