// SPDX-License-Identifier: MIT
//
// Stacking layers for a ready-made network: each layer's input size follows from the one below, names
// and random streams are counted.

/// The layers of a network so far, and the shape that comes out of them.
struct LayerStack {
    /// The layers from the first on.
    private(set) var layers: [NamedLayer] = []
    private var shape: [Int]
    private let seed: UInt64
    private let initialization: Initialization
    private var trained: UInt64 = 0
    private var counts: [String: Int] = [:]

    /// No layers on an input of the given shape, `[C, H, W]`.
    init(inputShape: [Int], seed: UInt64, initialization: Initialization) {
        shape = [1] + inputShape
        self.seed = seed
        self.initialization = initialization
    }

    /// Puts a layer on top, named by its kind and number, such as `relu2`.
    mutating func add(_ kind: String, _ layer: any Layer) throws {
        let number = counts[kind, default: 0] + 1
        counts[kind] = number
        shape = try layer.outputShape(for: [shape])
        layers.append(NamedLayer("\(kind)\(number)", layer))
    }

    /// Puts a convolution with drawn filters on top.
    mutating func addConvolution(
        filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1
    ) throws {
        guard shape.count == 4 else {
            throw TensorError(
                operation: "Network", argument: "inputShape", value: "\(shape.dropFirst())",
                expected: "[C, H, W]")
        }
        trained += 1
        try add(
            "conv",
            Convolution(
                inputChannels: shape[1], outputChannels: filters, kernel: kernel, stride: stride,
                padding: padding, groups: groups, initialization: initialization, seed: seed,
                stream: trained))
    }

    /// Puts an affine layer with drawn weights on top.
    mutating func addAffine(outputSize: Int) throws {
        trained += 1
        try add(
            "affine",
            Affine(
                inputSize: shape.dropFirst().reduce(1, *), outputSize: outputSize,
                initialization: initialization, seed: seed, stream: trained))
    }
}
