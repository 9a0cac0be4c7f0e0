// SPDX-License-Identifier: MIT
//
// Every layer's gradients against central differences, in `Double` on the reference kernels; then the
// native `Float` gradients against those.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

/// A layer and the shape of its input.
struct LayerCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let layer: any Layer
    let inputShape: [Int]
    /// Whether training gives what prediction gives.
    let isTheSameInTraining: Bool

    init(
        _ name: String, _ inputShape: [Int], isTheSameInTraining: Bool = true,
        _ layer: () throws -> any Layer
    ) rethrows {
        testDescription = name
        self.inputShape = inputShape
        self.isTheSameInTraining = isTheSameInTraining
        self.layer = try layer()
    }

    static func all() throws -> [LayerCase] {
        [
            try LayerCase("convolution", [2, 2, 5, 4]) {
                try Convolution(inputChannels: 2, outputChannels: 3, kernel: 3, seed: 1)
            },
            try LayerCase("convolution with stride, padding, dilation and groups", [2, 4, 7, 6]) {
                try Convolution(
                    inputChannels: 4, outputChannels: 6, kernel: 2, stride: 2, padding: 1,
                    dilation: 2, groups: 2, seed: 2)
            },
            try LayerCase("affine", [3, 5]) { try Affine(inputSize: 5, outputSize: 4, seed: 3) },
            try LayerCase("affine on images", [2, 2, 3, 2]) {
                try Affine(inputSize: 12, outputSize: 3, seed: 4)
            },
            LayerCase("ReLU", [2, 3, 2, 2]) { ReLU() },
            LayerCase("sigmoid", [2, 3, 2, 2]) { Sigmoid() },
            try LayerCase("max pooling", [2, 2, 4, 6]) { try MaxPooling(2) },
            try LayerCase("overlapping max pooling", [2, 2, 5, 5]) {
                try MaxPooling(3, stride: 2, padding: 1)
            },
            try LayerCase("average pooling", [2, 2, 4, 6]) { try AveragePooling(2) },
            try LayerCase("average pooling of pixels alone", [2, 2, 6, 5]) {
                try AveragePooling(
                    3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false)
            },
            try LayerCase("local response normalization", [2, 7, 2, 3]) {
                try LocalResponseNormalization(size: 5, alpha: 0.5)
            },
            try LayerCase("local response normalization, other exponent", [3, 4]) {
                try LocalResponseNormalization(size: 2, alpha: 2, beta: 1.2, k: 0.5)
            },
            LayerCase("tanh", [2, 3, 2, 2]) { Tanh() },
            try LayerCase("leaky ReLU", [2, 3, 2, 2]) { try LeakyReLU(negativeSlope: 0.2) },
            LayerCase("softmax", [4, 5]) { Softmax() },
            LayerCase("flatten", [2, 3, 2, 2]) { Flatten() },
            LayerCase("global average pooling", [2, 3, 4, 5]) { GlobalAveragePooling() },
            LayerCase("global max pooling", [2, 3, 4, 5]) { GlobalMaxPooling() },
            try LayerCase("batch normalization", [3, 2, 2, 3], isTheSameInTraining: false) {
                try BatchNormalization(channels: 2)
            },
            try LayerCase("batch normalization of rows", [7, 3], isTheSameInTraining: false) {
                try BatchNormalization(channels: 3, epsilon: 0.1)
            },
            try LayerCase("dropout", [2, 3, 5, 7], isTheSameInTraining: false) {
                try Dropout(rate: 0.3, seed: 5, stream: 2)
            },
        ]
    }

    /// Numbers of which no two are, and none is from 0, closer than 1/128: no shift by the steps below
    /// changes a maximum or a sign. All are exact in `Float`.
    func input() throws -> Tensor {
        let count = inputShape.reduce(1, *)
        // 37 is prime to 509, so no number comes twice.
        let numbers = (0..<count).map { (Double($0 * 37 % 509) - 254.5) / 128 }
        return try Tensor(shape: inputShape, doubles: numbers)
    }

    /// Weights that make one number of the output: their products with it, added.
    func outputWeights() throws -> Tensor {
        var draw = Draw(seed: 7)
        return try draw.normal(layer.outputShape(for: inputShape)).converted(to: .float64)
    }
}

struct LayerGradientTests {
    private static let step = 1e-4

    @Test(arguments: try LayerCase.all())
    func backwardAgreesWithCentralDifferences(_ layerCase: LayerCase) throws {
        let kernels = ReferenceKernels()
        let (x, weights) = (try layerCase.input(), try layerCase.outputWeights())
        var layer: any Layer = try layerCase.layer.converted(to: .float64)
        let fresh = layer
        _ = try layer.forward(x, on: kernels)
        let inputGradient = try #require(
            try layer.backward(weights, needsInputGradient: true, on: kernels))
        try Self.expectGradient(inputGradient, at: x) {
            try Self.product(Self.trainingOutput(of: fresh, $0, on: kernels), weights)
        }

        var gradients: [Tensor?] = []
        try layer.updateParameters { _, _, gradient in gradients.append(gradient) }
        #expect(gradients.count == layer.parameters.count)
        for ((key, value), gradient) in zip(layer.parameters, gradients) {
            try Self.expectGradient(try #require(gradient), at: value) { shifted in
                var copy = fresh
                try copy.updateParameters { candidate, value, _ in
                    if candidate == key { value = shifted }
                }
                return try Self.product(
                    Self.trainingOutput(of: copy, x, on: kernels), weights)
            }
        }
    }

    /// The `Float` gradients, within γ of the terms' magnitudes: those of the layer of absolute values.
    @Test(arguments: try LayerCase.all())
    func nativeGradientsAgreeWithThoseInDouble(_ layerCase: LayerCase) throws {
        let (x, weights) = (try layerCase.input(), try layerCase.outputWeights())
        let exact = try layerCase.layer.converted(to: .float64)
            .gradients(x, weights, on: ReferenceKernels())
        let native = try layerCase.layer.gradients(
            x.converted(to: .float32), weights.converted(to: .float32), on: NativeKernels())
        let magnitudes = try TermMagnitudes.gradients(layerCase.layer, x, weights)
        // No sum is longer than all numbers together; an exponential and its quotient count as 32.
        let factor = gamma(x.count + weights.count + 32)
        for (index, pair) in zip(native, exact).enumerated() {
            let comparison = Comparison(
                pair.0, pair.1, bounds: magnitudes[index].doubles.map { $0 * factor })
            #expect(comparison.isWithinBounds, "gradient \(index): \(comparison)")
        }
    }

    @Test(arguments: try LayerCase.all())
    func theInputGradientIsLeftOutWhereNobodyNeedsIt(_ layerCase: LayerCase) throws {
        let kernels = ReferenceKernels()
        let (x, weights) = (try layerCase.input(), try layerCase.outputWeights())
        var layer: any Layer = try layerCase.layer.converted(to: .float64)
        let all = try layer.gradients(x, weights, on: kernels)
        _ = try layer.forward(x, on: kernels)
        #expect(try layer.backward(weights, needsInputGradient: false, on: kernels) == nil)
        var parameterGradients: [Tensor] = []
        try layer.updateParameters { parameterGradients.append(try #require($2)) }
        #expect(parameterGradients == Array(all.dropFirst()))
    }

    /// What a fresh layer gives in training: with dropout, for one, not what it predicts.
    private static func trainingOutput(
        of layer: any Layer, _ x: Tensor, on kernels: any Kernels
    ) throws -> Tensor {
        var layer = layer
        return try layer.forward(x, on: kernels)
    }

    private static func product(_ one: Tensor, _ other: Tensor) -> Double {
        zip(one.doubles, other.doubles).map(*).reduce(0, +)
    }

    /// Expects a gradient to be what central differences give.
    ///
    /// Their error is h²/6 times a third derivative, of which a step twice as wide has four times as
    /// much: the two differ by thrice the error. Rounding adds the unit roundoff of `Double` times
    /// the length of the sums (below 1,000) and their terms' magnitudes (below 2,000 together), over
    /// the step.
    private static func expectGradient(
        _ gradient: Tensor, at point: Tensor, of function: (Tensor) throws -> Double
    ) throws {
        #expect(gradient.shape == point.shape)
        func difference(_ index: Int, _ step: Double) throws -> Double {
            func value(_ shift: Double) throws -> Double {
                var numbers = point.doubles
                numbers[index] += shift
                return try function(Tensor(shape: point.shape, doubles: numbers))
            }
            return try (value(step) - value(-step)) / (2 * step)
        }
        let rounding = 1000 * 0x1p-53 * 2000 / step
        for (index, found) in gradient.doubles.enumerated() {
            let (narrow, wide) = (
                try difference(index, step), try difference(index, 2 * step)
            )
            let bound = abs(wide - narrow) + rounding
            #expect(abs(found - narrow) <= bound, "[\(index)]: \(found), expected \(narrow)")
        }
    }
}
