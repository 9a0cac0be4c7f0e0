// SPDX-License-Identifier: MIT
//
// How large the terms are that a layer adds up: times the roundings, how far a result may be off.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

extension Layer {
    /// The gradients of the input and of each parameter, of one step.
    func gradients(
        _ x: Tensor, _ outputGradient: Tensor, on kernels: any Kernels
    ) throws -> [Tensor] {
        var layer = self
        _ = try layer.forward(x, on: kernels)
        var all = [
            try #require(
                try layer.backward(outputGradient, needsInputGradient: true, on: kernels))
        ]
        try layer.updateParameters { all.append(try #require($2)) }
        return all
    }

    /// The layer with the absolute values of its parameters, in `Double`.
    fileprivate func magnitudes() throws -> Self {
        var copy = try converted(to: .float64)
        try copy.updateParameters { _, value, _ in value = try value.magnitudes() }
        return copy
    }
}

/// How large the terms are that a layer's results are summed of, in `Double`.
enum TermMagnitudes {
    /// Those of the output, in training and in prediction.
    static func output(_ layer: any Layer, _ x: Tensor) throws -> Tensor {
        let kernels = ReferenceKernels()
        switch layer {
        case is MaxPooling, is GlobalMaxPooling, is Sigmoid, is Tanh, is Softmax,
            is LocalResponseNormalization:
            // One number picked, or one of a function without cancellation.
            return try layer.predict(x, on: kernels).magnitudes()
        case let layer as BatchNormalization:
            // Numbers and means are subtracted, divided by deviations, multiplied and added to.
            func largest(_ key: String) -> Double {
                (layer.parameters + layer.buffers).filter { $0.key == key }
                    .flatMap(\.value.doubles).map(abs).reduce(0, max)
            }
            let variances =
                try kernels.batchStatistics(x).variance.doubles
                + layer.buffers[1].value.doubles
            let scale = variances.map { 1 / $0.squareRoot() }.reduce(0, max)
            let difference = 2 * x.doubles.map(abs).reduce(largest("mean"), max)
            return try Tensor(
                shape: x.shape, repeating: largest("gamma") * scale * difference + largest("beta"),
                scalarType: .float64)
        default:
            return try layer.magnitudes().predict(x.magnitudes(), on: kernels)
        }
    }

    /// Those of each gradient: of the input, and of each parameter.
    static func gradients(
        _ layer: any Layer, _ x: Tensor, _ outputGradient: Tensor
    ) throws -> [Tensor] {
        let kernels = ReferenceKernels()
        let total = outputGradient.doubles.map(abs).reduce(0, +)
        switch layer {
        case is MaxPooling, is GlobalMaxPooling, is Softmax:
            // Where the maximum lies depends on signs, so a pooling is not compared with that of
            // absolute values: what meets in a pixel are at most all output gradients. Nor does a
            // softmax give more than their sum.
            return [try Tensor(shape: x.shape, repeating: total, scalarType: .float64)]
        case is LocalResponseNormalization:
            // With absolute values all terms but the first, dy · y/x, are taken off it.
            let y = try layer.predict(x, on: kernels)
            let difference = try layer.gradients(
                x.magnitudes(), outputGradient.magnitudes(), on: kernels)[0]
            let terms = zip(
                zip(y.doubles, x.doubles), zip(outputGradient.doubles, difference.doubles)
            ).map { 2 * abs($1.0 * $0.0 / $0.1) - $1.1 }
            return [try Tensor(shape: x.shape, doubles: terms)]
        case is BatchNormalization:
            // No normalized number is larger than the root of a channel's count, so none of the three
            // terms of an input's gradient is larger than the sum of all times gamma and the scale.
            let variances = try kernels.batchStatistics(x).variance.doubles
            let scale = variances.map { 1 / $0.squareRoot() }.reduce(0, max)
            let factor = layer.parameters[0].value.doubles.map(abs).reduce(0, max)
            let channel = [x.shape[1]]
            let root = Double(x.count / x.shape[1]).squareRoot()
            return try [
                Tensor(
                    shape: x.shape, repeating: 3 * factor * scale * total, scalarType: .float64),
                Tensor(shape: channel, repeating: root * total, scalarType: .float64),
                Tensor(shape: channel, repeating: total, scalarType: .float64),
            ]
        default:
            return try layer.magnitudes().gradients(
                x.magnitudes(), outputGradient.magnitudes(), on: kernels)
        }
    }
}
