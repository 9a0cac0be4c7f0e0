// SPDX-License-Identifier: MIT
//
// What layers that reduce and normalize whole tensors refuse, word for word, and what files say of
// them.

import ConvNetTestSupport
import Testing

@testable import ConvNet

struct WholeTensorLayerTests {
    private static func expect(_ message: String, _ body: () throws -> Void) {
        let error = #expect(throws: TensorError.self) { try body() }
        #expect(error?.description == message)
    }

    /// Expects that every use of a layer refuses an input of such a shape.
    private static func expect(
        _ message: String, _ layer: any Layer, on shape: [Int]
    ) throws {
        let x = try Tensor(zeros: shape)
        expect(message) { _ = try layer.outputShape(for: [shape]) }
        expect(message) { _ = try layer.predict(x) }
        expect(message) { _ = try layer.forward(x) }
    }

    @Test func axesThatAreNoneOfASampleAreRefused() throws {
        for axes in [[], [0], [2, 0]] {
            Self.expect(
                "Reduce: axes is \(axes), expected at least one, and not axis 0, which counts samples"
            ) { _ = try Reduce(.sum, axes: axes) }
        }
        try Self.expect(
            "Reduce: axes is [-3], expected not axis 0 of [2, 3, 4], which counts samples",
            Reduce(.mean, axes: [-3]), on: [2, 3, 4])
        try Self.expect(
            "Reduce: axes is 3, expected an axis of [2, 3, 4]", Reduce(.l2, axes: [3]),
            on: [2, 3, 4])
        try Self.expect(
            "Reduce: axes is [1, -2], expected each axis of [2, 3, 4] once",
            Reduce(.maximum, axes: [1, -2]), on: [2, 3, 4])
        try Self.expect(
            "Softmax: axis is -2, expected not axis 0 of [4, 5], which counts samples",
            Softmax(axis: -2), on: [4, 5])
        try Self.expect(
            "Softmax: axis is 2, expected an axis of [4, 5]", Softmax(axis: 2), on: [4, 5])
    }

    @Test func shapesThatDoNotSuitAreRefused() throws {
        let two = try Tensor(zeros: [2])
        Self.expect("PReLU: slope is [1, 2], expected [C] or [1]") {
            _ = try PReLU(slope: two.reshaped(to: [1, 2]))
        }
        try Self.expect(
            "PReLU: x is [3], expected [N, 3] or [N, 3, …]", PReLU(channels: 3), on: [3])
        try Self.expect(
            "PReLU: x is [3, 2, 3], expected [N, 3] or [N, 3, …]", PReLU(channels: 3),
            on: [3, 2, 3])
        Self.expect(
            "LayerNormalization: shape is [], expected the extents of the last axes, one or more"
        ) { _ = try LayerNormalization(shape: []) }
        Self.expect("LayerNormalization: beta is [2], expected [1]") {
            _ = try LayerNormalization(gamma: Tensor(zeros: [1]), beta: two)
        }
        Self.expect("LayerNormalization: epsilon is 0.0, expected from 1e-30 to 1e30") {
            _ = try LayerNormalization(shape: [2], epsilon: 0)
        }
        for shape in [[3, 4], [2, 4, 3], [3, 4, 5]] {
            try Self.expect(
                "LayerNormalization: x is \(shape), expected [N, …, 3, 4]",
                LayerNormalization(shape: [3, 4]), on: shape)
        }
        Self.expect("GroupNormalization: groups is 3, expected a divisor of 4 channels") {
            _ = try GroupNormalization(groups: 3, channels: 4)
        }
        Self.expect("GroupNormalization: groups is 0, expected a divisor of 4 channels") {
            _ = try GroupNormalization(groups: 0, channels: 4)
        }
        Self.expect("InstanceNormalization: gamma is [1, 2], expected [C]") {
            _ = try InstanceNormalization(gamma: two.reshaped(to: [1, 2]), beta: two)
        }
        Self.expect("InstanceNormalization: beta is [1, 2], expected [2]") {
            _ = try InstanceNormalization(gamma: two, beta: two.reshaped(to: [1, 2]))
        }
        try Self.expect(
            "GroupNormalization: x is [2, 3, 5], expected [N, 4] or [N, 4, …]",
            GroupNormalization(groups: 2, channels: 4), on: [2, 3, 5])
        try Self.expect(
            "InstanceNormalization: x is [4], expected [N, C] or [N, C, …]",
            InstanceNormalization(channels: 4), on: [4])
    }

    @Test func settingsThatDescribeNoLayerAreRefused() {
        let none = LayerTensors([:])
        Self.expect(
            "settings: operation is times, expected one of add, subtract, multiply, divide, power, "
                + "minimum, maximum, prelu"
        ) { _ = try Elementwise(settings: ["operation": .text("times")], tensors: none) }
        let settings: LayerSettings = [
            "reduction": .text("median"), "axes": .integers([1]), "keeps_axes": .flag(true),
        ]
        Self.expect(
            "settings: reduction is median, expected one of sum, mean, maximum, minimum, l2"
        ) { _ = try Reduce(settings: settings, tensors: none) }
        Self.expect("settings: axes is 1, expected whole numbers from -8 to 8") {
            _ = try Reduce(
                settings: settings.merging(["reduction": .text("sum"), "axes": .integer(1)]),
                tensors: none)
        }
        Self.expect("settings: axis is last, expected no settings") {
            _ = try Multiplication(settings: ["axis": .text("last")], tensors: none)
        }
        Self.expect("tensors: slope is missing, expected a tensor") {
            _ = try PReLU(settings: [:], tensors: none)
        }
    }

    /// A softmax in a file of before there was an axis is that of the last one, and is written as
    /// before.
    @Test func aSoftmaxWithoutAnAxisIsOfTheLastOne() throws {
        let old = try Softmax(settings: [:], tensors: LayerTensors([:]))
        #expect(old.axis == -1 && old.layerSettings == [:])
        let other = try Softmax(settings: ["axis": .integer(1)], tensors: LayerTensors([:]))
        #expect(other.axis == 1 && other.layerSettings == ["axis": .integer(1)])
    }

    /// Of equal numbers each has its share of a maximum's gradient.
    @Test func aMaximumSharesItsGradient() throws {
        let x = try Tensor(shape: [1, 4], scalars: [3, 1, 3, 3])
        for (reduction, expected) in [
            (Reduction.maximum, [2, 0, 2, 2]), (.minimum, [0, 6, 0, 0]), (.sum, [6, 6, 6, 6]),
            (.mean, [1.5, 1.5, 1.5, 1.5]),
        ] as [(Reduction, [Float])] {
            let forward = try Reduce(reduction, axes: [1], keepsAxes: false).forward(x)
            let gradient = try forward.pullback(Tensor(shape: [1], scalars: [6])).input
            #expect(gradient?.scalars == expected, "\(reduction)")
        }
        // A root of 0 has no slope: PyTorch's is 0 there.
        let zero = try Reduce(.l2, axes: [1]).forward(Tensor(zeros: [1, 2]))
        #expect(try zero.pullback(Tensor(shape: [1, 1], scalars: [6])).input?.scalars == [0, 0])
    }

    /// An optimizer that changes a parameter in place copies none.
    @Test func instanceNormalizationGivesItsParametersThemselves() throws {
        var layer = try InstanceNormalization(channels: 3)
        let address = layer.parameters[0].address
        try layer.parameters[0].multiply(by: 2)
        #expect(layer.parameters[0].address == address)
        #expect(layer.parameters[0].scalars == [2, 2, 2])
    }

    /// Attention, to numbers that can be checked by hand: the scores of two queries, the mean of
    /// values.
    @Test func aMatrixProductIsThatOfEachSample() throws {
        let queries = try Tensor(shape: [2, 1, 2], scalars: [1, 2, 3, 4])
        let keys = try Tensor(shape: [2, 2, 3], scalars: [1, 0, 2, 0, 1, 2, 1, 1, 0, 0, 1, 1])
        let scores = try MatrixProduct().predict([queries, keys], on: NativeKernels())
        #expect(scores.shape == [2, 1, 3] && scores.scalars == [1, 2, 6, 3, 7, 4])
    }
}
