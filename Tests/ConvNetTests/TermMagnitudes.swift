// SPDX-License-Identifier: MIT
//
// How large the terms are that a layer adds up: times the roundings, how far a result may be off.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

extension Layer {
    /// The gradients of each input and of each parameter, of one step.
    func gradients(
        _ inputs: [Tensor], _ outputGradient: Tensor, on kernels: any Kernels
    ) throws -> [Tensor] {
        let found = try forward(inputs, in: Pass(kernels: kernels)).pullback(outputGradient)
        return try found.inputs.map { try #require($0) } + found.parameters
    }

    /// The layer with the absolute values of its parameters, in `Double`.
    fileprivate func magnitudes() throws -> Self {
        var copy = try converted(to: .float64)
        copy.parameters = try copy.parameters.map { try $0.magnitudes() }
        return copy
    }
}

/// How large the terms are that a layer's results are summed of, in `Double`.
struct TermMagnitudes: Sendable {
    /// Those of the output, in training and in prediction.
    let output: @Sendable (_ layer: any Layer, _ inputs: [Tensor]) throws -> Tensor
    /// Those of each gradient: of each input, and of each parameter.
    let gradients:
        @Sendable (_ layer: any Layer, _ inputs: [Tensor], _ outputGradient: Tensor) throws
            -> [Tensor]

    /// Sums of products: the layer of absolute values, on absolute values.
    static let ofAbsoluteValues = TermMagnitudes { layer, inputs in
        try layer.magnitudes().predict(inputs.map { try $0.magnitudes() }, on: ReferenceKernels())
    } gradients: { layer, inputs, outputGradient in
        try layer.magnitudes().gradients(
            inputs.map { try $0.magnitudes() }, outputGradient.magnitudes(),
            on: ReferenceKernels())
    }

    /// One number picked, or shares of 1. Where a maximum lies depends on signs, so a pooling is
    /// not compared with that of absolute values: what meets in a pixel are at most all output
    /// gradients. Nor does a softmax give more than their sum.
    static let ofSelection = TermMagnitudes(output: ofResults) { _, inputs, outputGradient in
        let total = outputGradient.doubles.map(abs).reduce(0, +)
        return try inputs.map {
            try Tensor(shape: $0.shape, repeating: total, scalarType: .float64)
        }
    }

    /// Functions that are computed in `Double` and rounded once.
    static let ofRoundedResults = TermMagnitudes(output: ofResults) {
        layer, inputs, outputGradient in
        try layer.gradients(inputs, outputGradient, on: ReferenceKernels())
            .map { try $0.magnitudes() }
    }

    /// A function without cancellation whose slope is a difference: near 1, 1 − y² and y · (1 − y)
    /// are smaller than their terms, at most 1.
    static let ofSaturation = TermMagnitudes(output: ofResults) { _, inputs, outputGradient in
        let doubled = outputGradient.doubles.map { 2 * abs($0) }
        return [try Tensor(shape: inputs[0].shape, doubles: doubled)]
    }

    /// No slope here is above 2, nor are the terms of one above the input's size.
    static let ofActivations = TermMagnitudes { layer, inputs in
        try inputs[0].magnitudes() + ofResults(layer, inputs)
    } gradients: { _, inputs, outputGradient in
        [try outputGradient.magnitudes() * inputs[0].map { 2 + abs($0) }]
    }

    /// With absolute values all terms of a gradient but the first, dy · y/x, are taken off it.
    static let ofLocalResponseNormalization = TermMagnitudes(output: ofResults) {
        layer, inputs, outputGradient in
        let kernels = ReferenceKernels()
        let (x, y) = (inputs[0], try layer.predict(inputs, on: kernels))
        let difference = try layer.gradients(
            [x.magnitudes()], outputGradient.magnitudes(), on: kernels)[0]
        let terms = zip(
            zip(y.doubles, x.doubles), zip(outputGradient.doubles, difference.doubles)
        ).map { 2 * abs($1.0 * $0.0 / $0.1) - $1.1 }
        return [try Tensor(shape: x.shape, doubles: terms)]
    }

    /// Numbers and means are subtracted, divided by deviations, multiplied and added to. No
    /// normalized number is larger than the root of a channel's count, so none of the three terms
    /// of an input's gradient is larger than the sum of all times gamma and the scale.
    static let ofBatchNormalization = TermMagnitudes { layer, inputs in
        let difference = 2 * max(largest(inputs[0]), largest(layer.buffers[0]))
        let variances = try batchVariances(inputs[0]) + layer.buffers[1].doubles
        return try Tensor(
            shape: inputs[0].shape,
            repeating: largest(layer.parameters[0]) * scale(variances) * difference
                + largest(layer.parameters[1]), scalarType: .float64)
    } gradients: { layer, inputs, outputGradient in
        let x = inputs[0]
        let total = outputGradient.doubles.map(abs).reduce(0, +)
        let factor = try largest(layer.parameters[0]) * scale(batchVariances(x))
        let channel = [x.shape[1]]
        let root = Double(x.count / x.shape[1]).squareRoot()
        return try [
            Tensor(shape: x.shape, repeating: 3 * factor * total, scalarType: .float64),
            Tensor(shape: channel, repeating: root * total, scalarType: .float64),
            Tensor(shape: channel, repeating: total, scalarType: .float64),
        ]
    }

    /// As those of batch normalization, with statistics of `count` numbers of a sample.
    static func ofNormalization(
        over count: @escaping @Sendable (_ layer: any Layer, _ x: Tensor) -> Int
    ) -> TermMagnitudes {
        /// The largest factor that is multiplied by.
        @Sendable func factor(_ layer: any Layer, _ x: Tensor) throws -> Double {
            let count = count(layer, x)
            let rows = try x.reshaped(to: [1, x.count / count, count])
            return try largest(layer.parameters[0]) * scale(batchVariances(rows))
        }
        return TermMagnitudes { layer, inputs in
            let difference = 2 * largest(inputs[0])
            return try Tensor(
                shape: inputs[0].shape,
                repeating: factor(layer, inputs[0]) * difference + largest(layer.parameters[1]),
                scalarType: .float64)
        } gradients: { layer, inputs, outputGradient in
            let (x, shape) = (inputs[0], layer.parameters[0].shape)
            let total = outputGradient.doubles.map(abs).reduce(0, +)
            let root = Double(count(layer, x)).squareRoot()
            return try [
                Tensor(
                    shape: x.shape, repeating: 3 * factor(layer, x) * total, scalarType: .float64),
                Tensor(shape: shape, repeating: root * total, scalarType: .float64),
                Tensor(shape: shape, repeating: total, scalarType: .float64),
            ]
        }
    }

    /// A number picked, or sums.
    static let ofReductions = TermMagnitudes { layer, inputs in
        try reductionTerms(layer).output(layer, inputs)
    } gradients: { layer, inputs, outputGradient in
        try reductionTerms(layer).gradients(layer, inputs, outputGradient)
    }

    private static func reductionTerms(_ layer: any Layer) -> TermMagnitudes {
        let reduction = (layer as? Reduce)?.reduction
        return reduction == .maximum || reduction == .minimum ? ofSelection : ofAbsoluteValues
    }

    /// Slopes of either sign, and a gradient of them that is summed.
    static let ofParametricRectifiers = TermMagnitudes { layer, inputs in
        try max(1, largest(layer.parameters[0])) * inputs[0].magnitudes()
    } gradients: { layer, inputs, outputGradient in
        let total = outputGradient.doubles.map(abs).reduce(0, +)
        let slope = layer.parameters[0]
        return try [
            max(1, largest(slope)) * outputGradient.magnitudes(),
            Tensor(
                shape: slope.shape, repeating: largest(inputs[0]) * total, scalarType: .float64),
        ]
    }

    /// The weights of a cubic, whose signs differ, have magnitudes below 1.4 together; none is
    /// above 1, so no more than the sum of all output gradients meets in a pixel.
    static let ofInterpolation = TermMagnitudes { layer, inputs in
        try Tensor(
            shape: layer.outputShape(for: inputs.map(\.shape)), repeating: 2 * largest(inputs[0]),
            scalarType: .float64)
    } gradients: { layer, inputs, outputGradient in
        try ofSelection.gradients(layer, inputs, outputGradient)
    }

    /// The numbers and the result; of the gradients each use of a number, before they are added up.
    static let ofElementwise = TermMagnitudes { layer, inputs in
        let kernels = ReferenceKernels()
        let sum = try kernels.elementwise(
            .add, inputs[0].magnitudes(), inputs[1].magnitudes())
        return try ofResults(layer, inputs) + sum
    } gradients: { layer, inputs, outputGradient in
        let kernels = ReferenceKernels()
        let operation = try #require((layer as? Elementwise)?.operation)
        return try zip(BinaryOperation.Operand.allCases, inputs).map { operand, input in
            let terms = try kernels.elementwiseGradient(
                outputGradient, of: operation, inputs[0], inputs[1], operand: operand)
            return try kernels.summed(terms.magnitudes(), to: input.shape)
        }
    }

    /// Those of a result without cancellation: the result's own.
    private static let ofResults: @Sendable (any Layer, [Tensor]) throws -> Tensor = {
        try $0.predict($1, on: ReferenceKernels()).magnitudes()
    }

    private static func largest(_ tensor: Tensor) -> Double {
        tensor.doubles.map(abs).reduce(0, max)
    }

    private static func batchVariances(_ x: Tensor) throws -> [Double] {
        try ReferenceKernels().batchStatistics(x).variance.doubles
    }

    private static func scale(_ variances: [Double]) -> Double {
        variances.map { 1 / $0.squareRoot() }.reduce(0, max)
    }
}
