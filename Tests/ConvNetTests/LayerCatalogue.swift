// SPDX-License-Identifier: MIT
//
// Every layer of the package, once: what the tests of gradients, files, ONNX, threads and PyTorch's
// numbers run over. A new layer is an entry here; LayerCatalogueTests fails without one.

import ConvNetTestSupport
import Testing

@testable import ConvNet

/// A layer with settings, and the shapes of its inputs, `[N, …]`.
struct LayerExample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let inputShapes: [[Int]]
    let layer: any DescribedLayer
    /// Whether outputs are exact in `Float` whatever the order of sums: parameters are small whole
    /// numbers then, and inputs have few digits.
    let isExact: Bool
    /// Which numbers the inputs have.
    let values: Values

    /// Numbers of inputs.
    enum Values {
        /// From -2 to 2.
        case any
        /// Above 0.
        case positive
        /// From -1 to 1.
        case small
        /// Above 1.
        case aboveOne
    }

    /// What files call the layer.
    var typeName: String { type(of: layer).typeName }

    init(
        _ name: String, _ inputShapes: [Int]..., isExact: Bool = false, values: Values = .any,
        layer: any DescribedLayer
    ) {
        testDescription = name
        self.inputShapes = inputShapes
        self.layer = layer
        self.isExact = isExact
        self.values = values
    }

    /// Inputs in `Double`. Up to 509 numbers in all, no two are, and none is from 0, closer than
    /// 1/128: no shift by the steps of a central difference changes a maximum or a sign. All are
    /// exact in `Float`.
    func inputs() throws -> [Tensor] {
        var next = 0
        return try inputShapes.map { shape in
            let numbers = next..<next + shape.reduce(1, *)
            next = numbers.upperBound
            // 37 is prime to 509, so no number comes twice.
            let drawn = numbers.map { (Double($0 * 37 % 509) - 254.5) / 128 }
            let own =
                switch values {
                case .any: drawn
                case .positive: drawn.map { abs($0) + 0.25 }
                case .small: drawn.map { $0 / 2 }
                case .aboveOne: drawn.map { abs($0) + 1.25 }
                }
            return try Tensor(shape: shape, doubles: own)
        }
    }

    /// The inputs in `Float`, their samples repeated.
    func inputs(samples: Int) throws -> [Tensor] {
        try inputs().map { x in
            try x.converted(to: .float32).samples(at: (0..<samples).map { $0 % x.shape[0] })
        }
    }

    /// Weights that make one number of the output: their products with it, added.
    func outputWeights(samples: Int? = nil) throws -> Tensor {
        var draw = Draw(seed: 7)
        let shapes = inputShapes.map { [samples ?? $0[0]] + $0.dropFirst() }
        return try draw.normal(layer.outputShape(for: shapes)).converted(to: .float64)
    }

    /// A network of the layer alone.
    func network() throws -> Network {
        var graph = Graph()
        let inputs = try inputShapes.enumerated().map { place, shape in
            try graph.input(place == 0 ? "input" : "input\(place + 1)", Array(shape.dropFirst()))
        }
        try graph.output(graph.add(layer, inputs))
        return try Network(graph)
    }
}

/// A layer's type, and what tests have to know about it.
struct LayerEntry: Sendable {
    let type: any DescribedLayer.Type
    let examples: [LayerExample]
    /// How large the terms of results are, which bounds how far `Float` may be off.
    let terms: TermMagnitudes
    /// The roundings of a result beside those of its sums; an exponential and its quotient count as
    /// 32.
    let roundings: Int
    /// Whether training gives what prediction gives.
    let isTheSameInTraining: Bool
    /// Why there is no export to ONNX.
    let withoutONNX: String?
    /// Why Tests/Fixtures/layers.py has no case.
    let withoutPyTorch: String?

    /// What files call the layer.
    var typeName: String { type.typeName }

    init(
        _ type: any DescribedLayer.Type, terms: TermMagnitudes = .ofAbsoluteValues,
        roundings: Int = 32, isTheSameInTraining: Bool = true, withoutONNX: String? = nil,
        withoutPyTorch: String? = nil, _ examples: [LayerExample]
    ) {
        self.type = type
        self.examples = examples
        self.terms = terms
        self.roundings = roundings
        self.isTheSameInTraining = isTheSameInTraining
        self.withoutONNX = withoutONNX
        self.withoutPyTorch = withoutPyTorch
    }
}

enum LayerCatalogue {
    private static let made = Result {
        try products() + poolings() + activations() + others() + shapes() + wholeTensors()
            + imported()
    }

    /// One for each of the package's layers.
    static func entries() throws -> [LayerEntry] { try made.get() }

    /// The examples of all entries.
    static func examples() throws -> [LayerExample] { try entries().flatMap(\.examples) }

    /// The entry of a layer.
    static func entry(of layer: any Layer) throws -> LayerEntry {
        let entry = try entries().first { $0.type == type(of: layer) }
        return try #require(entry, "\(type(of: layer)) has no entry")
    }

    private static func products() throws -> [LayerEntry] {
        var draw = Draw(seed: 1)
        func affine(_ inputs: Int, _ outputs: Int) throws -> Affine {
            try Affine(weights: draw.integers([inputs, outputs]), bias: draw.integers([outputs]))
        }
        func convolution(_ filters: [Int], _ window: Window, groups: Int = 1) throws -> Convolution
        {
            try Convolution(
                weights: draw.integers(filters), bias: draw.integers([filters[0]]),
                window: window, groups: groups)
        }
        return [
            LayerEntry(
                Affine.self,
                [
                    LayerExample("affine", [3, 5], isExact: true, layer: try affine(5, 4)),
                    LayerExample(
                        "affine on images", [2, 2, 3, 2], isExact: true, layer: try affine(12, 3)),
                ]),
            LayerEntry(
                Convolution.self,
                [
                    LayerExample(
                        "convolution", [2, 2, 5, 4], isExact: true,
                        layer: try convolution([3, 2, 3, 3], Window(3))),
                    LayerExample(
                        "convolution with stride, padding, dilation and groups", [2, 4, 7, 6],
                        isExact: true,
                        layer: try convolution(
                            [6, 2, 2, 2], Window(2, stride: 2, padding: 1, dilation: 2), groups: 2)),
                    LayerExample(
                        "convolution along rows", [2, 4, 1, 9], isExact: true,
                        layer: try convolution(
                            [6, 2, 1, 3], Window(width: 3, stride: 2, padding: 2, dilation: 2),
                            groups: 2)),
                ]),
        ]
    }

    private static func poolings() throws -> [LayerEntry] {
        [
            LayerEntry(
                MaxPooling.self, terms: .ofSelection,
                [
                    LayerExample(
                        "max pooling", [2, 2, 4, 6], isExact: true, layer: try MaxPooling(2)),
                    LayerExample(
                        "overlapping max pooling", [2, 2, 5, 5], isExact: true,
                        layer: try MaxPooling(3, stride: 2, padding: 1)),
                    // The last place reaches past the image by more than the window has taps.
                    LayerExample(
                        "max pooling far past the image", [2, 2, 5, 5], isExact: true,
                        layer: MaxPooling(
                            window: try Window(2, stride: 4, dilation: 3, ceilMode: true))),
                    // The only place reaches past the image.
                    LayerExample(
                        "max pooling with a larger window", [2, 2, 2, 2], isExact: true,
                        layer: try MaxPooling(3, stride: 2, ceilMode: true)),
                    LayerExample(
                        "max pooling along rows", [2, 2, 1, 9], isExact: true,
                        layer: try MaxPooling(width: 3, stride: 2, padding: 1, dilation: 2)),
                ]),
            LayerEntry(
                AveragePooling.self,
                [
                    LayerExample(
                        "average pooling", [2, 2, 4, 6], layer: try AveragePooling(2)),
                    LayerExample(
                        "average pooling of pixels alone", [2, 2, 6, 5],
                        layer: try AveragePooling(
                            3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false)),
                    LayerExample(
                        "average pooling with a larger window", [2, 2, 2, 1],
                        layer: try AveragePooling(
                            5, stride: 4, padding: 1, ceilMode: true, countIncludePad: true)),
                    LayerExample(
                        "average pooling along rows", [2, 2, 1, 9],
                        layer: try AveragePooling(
                            width: 3, stride: 2, padding: 1, countIncludePad: false)),
                ]),
            LayerEntry(
                GlobalMaxPooling.self, terms: .ofSelection,
                [
                    LayerExample(
                        "global max pooling", [2, 3, 4, 5], isExact: true,
                        layer: GlobalMaxPooling())
                ]),
            LayerEntry(
                GlobalAveragePooling.self,
                [
                    LayerExample(
                        "global average pooling", [2, 3, 4, 5], layer: GlobalAveragePooling())
                ]),
        ]
    }

    private static func activations() throws -> [LayerEntry] {
        let shape = [2, 3, 3, 2]
        return [
            LayerEntry(
                Activation.self, terms: .ofActivations,
                Activation.examples.map {
                    LayerExample("activation \($0.name)", shape, layer: $0)
                }),
            LayerEntry(ReLU.self, [LayerExample("ReLU", shape, isExact: true, layer: ReLU())]),
            LayerEntry(
                LeakyReLU.self,
                [
                    LayerExample(
                        "leaky ReLU", shape, isExact: true,
                        layer: try LeakyReLU(negativeSlope: 0.25)),
                    LayerExample(
                        "leaky ReLU of another slope", shape,
                        layer: try LeakyReLU(negativeSlope: 0.2)),
                ]),
            LayerEntry(
                Sigmoid.self, terms: .ofSaturation,
                [LayerExample("sigmoid", shape, layer: Sigmoid())]),
            LayerEntry(
                Tanh.self, terms: .ofSaturation, [LayerExample("tanh", shape, layer: Tanh())]),
            LayerEntry(
                Softmax.self, terms: .ofSelection,
                [
                    LayerExample("softmax", [4, 5], layer: Softmax()),
                    LayerExample("softmax of channels", [2, 5, 2, 2], layer: Softmax(axis: 1)),
                    LayerExample("softmax of the last axis", [2, 3, 4], layer: Softmax()),
                ]),
        ]
    }

    private static func others() throws -> [LayerEntry] {
        [
            LayerEntry(
                Flatten.self,
                [LayerExample("flatten", [2, 3, 2, 2], isExact: true, layer: Flatten())]),
            LayerEntry(
                Dropout.self, isTheSameInTraining: false,
                withoutPyTorch: "it draws from a generator of its own",
                [
                    LayerExample(
                        "dropout", [2, 3, 5, 7], isExact: true,
                        layer: try Dropout(rate: 0.3, seed: .max, stream: 2))
                ]),
            LayerEntry(
                BatchNormalization.self, terms: .ofBatchNormalization, isTheSameInTraining: false,
                [
                    LayerExample(
                        "batch normalization", [3, 2, 2, 3],
                        layer: try drawnBatchNormalization(channels: 2)),
                    LayerExample(
                        "batch normalization of rows", [7, 3],
                        layer: try drawnBatchNormalization(channels: 3)),
                ]),
            LayerEntry(
                LocalResponseNormalization.self, terms: .ofLocalResponseNormalization,
                // Three times the 42 of a power with exponent 1.3, the largest one in the fixture
                // (`powerRoundings` in Tests/ConvNetKernelsTests/NormalizationTests.swift).
                roundings: 126, try localResponses()),
        ]
    }

    /// Sizes odd and even, with fewer channels than neighbours too, on each kind of sample.
    private static func localResponses() throws -> [LayerExample] {
        let some = try [[2, 7, 3, 4], [2, 3, 2, 2], [2, 6], [2, 5, 4]].flatMap { shape in
            try [1, 4, 5].map { size in
                LayerExample(
                    "local response normalization of \(size) on \(shape)", shape,
                    layer: try LocalResponseNormalization(size: size, alpha: 0.5, beta: 0.75, k: 2))
            }
        }
        let exponent = try LocalResponseNormalization(size: 2, alpha: 2, beta: 1.2, k: 0.5)
        return some + [
            LayerExample("local response normalization, other exponent", [3, 4], layer: exponent)
        ]
    }

    /// A batch normalization with statistics, none of which is 0 or 1.
    private static func drawnBatchNormalization(channels: Int) throws -> BatchNormalization {
        var draw = Draw(seed: channels)
        let squares = try draw.normal([channels]).scalars.map { $0 * $0 + 0.5 }
        return try BatchNormalization(
            gamma: draw.normal([channels]), beta: draw.normal([channels]),
            mean: draw.normal([channels]), variance: Tensor(shape: [channels], scalars: squares),
            epsilon: 1e-3, momentum: 0.2)
    }
}
