// SPDX-License-Identifier: MIT
//
// Every layer's gradients against central differences, in `Double` on the reference kernels; then
// the native `Float` gradients against those.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

struct LayerGradientTests {
    private static let step = 1e-4

    @Test(arguments: try LayerCatalogue.examples())
    func backwardAgreesWithCentralDifferences(_ example: LayerExample) throws {
        let (inputs, weights) = (try example.inputs(), try example.outputWeights())
        let layer: any Layer = try example.layer.converted(to: .float64)
        let forward = try layer.forward(inputs, in: Pass(kernels: ReferenceKernels()))
        let gradients = try forward.pullback(weights)
        func expect(
            _ gradient: Tensor, at point: Tensor,
            _ change: (inout any Layer, inout [Tensor], Tensor) -> Void
        ) throws {
            try Self.expectGradient(gradient, at: point) { shifted in
                var (layer, inputs) = (layer, inputs)
                change(&layer, &inputs, shifted)
                return try Self.product(Self.trainingOutput(of: layer, inputs), weights)
            }
        }
        #expect(gradients.inputs.count == inputs.count)
        for (place, gradient) in gradients.inputs.enumerated() {
            try expect(#require(gradient), at: inputs[place]) { $1[place] = $2 }
        }
        #expect(gradients.parameters.count == layer.parameters.count)
        for (place, gradient) in gradients.parameters.enumerated() {
            try expect(gradient, at: layer.parameters[place]) { $0.parameters[place] = $2 }
        }
    }

    /// The `Float` gradients, within γ of the terms' magnitudes.
    @Test(arguments: try LayerCatalogue.examples())
    func nativeGradientsAgreeWithThoseInDouble(_ example: LayerExample) throws {
        let (inputs, weights) = (try example.inputs(), try example.outputWeights())
        let entry = try LayerCatalogue.entry(of: example.layer)
        let exact = try example.layer.converted(to: .float64)
            .gradients(inputs, weights, on: ReferenceKernels())
        let native = try example.layer.gradients(
            inputs.map { try $0.converted(to: .float32) }, weights.converted(to: .float32),
            on: NativeKernels())
        let magnitudes = try entry.terms.gradients(example.layer, inputs, weights)
        #expect(native.count == exact.count && magnitudes.count == exact.count)
        // No sum is longer than all numbers together.
        let numbers = inputs.map(\.count).reduce(weights.count, +)
        let factor = gamma(numbers + entry.roundings)
        for (index, pair) in zip(native, exact).enumerated() {
            let comparison = Comparison(
                pair.0, pair.1, bounds: magnitudes[index].doubles.map { $0 * factor })
            #expect(comparison.isWithinBounds, "gradient \(index): \(comparison)")
        }
    }

    @Test(arguments: try LayerCatalogue.examples())
    func gradientsAreLeftOutWhereTheyAreNotWanted(_ example: LayerExample) throws {
        let layer: any Layer = try example.layer.converted(to: .float64)
        let (inputs, weights) = (try example.inputs(), try example.outputWeights())
        let forward = try layer.forward(inputs, in: Pass(kernels: ReferenceKernels()))
        let all = try forward.pullback(weights)
        for place in -1..<inputs.count {
            let wantsParameters = place < 0
            let some = try forward.pullback(
                weights,
                wanted: WantedGradients(
                    inputs: inputs.indices.map { $0 == place }, parameters: wantsParameters))
            #expect(some.parameters == (wantsParameters ? all.parameters : []))
            #expect(some.inputs.count == inputs.count)
            for (index, gradient) in some.inputs.enumerated() {
                #expect(gradient == (index == place ? all.inputs[index] : nil))
            }
        }
    }

    /// What a layer gives in training: with dropout, for one, not what it predicts.
    private static func trainingOutput(
        of layer: any Layer, _ inputs: [Tensor]
    ) throws -> Tensor {
        try layer.forward(inputs, in: Pass(kernels: ReferenceKernels())).output
    }

    private static func product(_ one: Tensor, _ other: Tensor) -> Double {
        zip(one.doubles, other.doubles).map(*).reduce(0, +)
    }

    /// Expects a gradient to be what central differences give.
    ///
    /// Their error is h²/6 times a third derivative, of which a step twice as wide has four times
    /// as much: the two differ by three times the error. Rounding adds the unit roundoff of
    /// `Double` times the length of the sums (below 1,000) and their terms' magnitudes (below 2,000
    /// together), over the step.
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
