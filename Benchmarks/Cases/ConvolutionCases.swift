// SPDX-License-Identifier: MIT
//
// Convolutions, forward, and forward with all three gradients. The reference computes some images
// and filters of the output, some images and channels of the input's gradient, some filters and
// channels of the filters' gradient: each element of those depends on nothing else. What goes by
// Winograd's way is off by much less than the bound of a direct sum, by which all of these are
// checked, lets pass: some of its elements are checked by a sharp bound too.

import ConvNet
import ConvNetReference

enum ConvolutionCases {
    static var all: [BenchmarkCase] { Shapes.layers.flatMap(cases) }

    static func cases(of layer: LayerShape) -> [BenchmarkCase] {
        // Images, filters and outputs: each pass reads two of them and writes the third.
        let numbers = [layer.inputShape, layer.weightsShape, layer.outputShape]
            .map { $0.reduce(1, *) }.reduce(0, +)
        return [
            BenchmarkCase(
                name: "conv.forward.\(layer.name)", sizes: layer.sizes,
                work: .operations(2 * Double(layer.products), bytes: 4 * Double(numbers)),
                needsFull: layer.needsFull
            ) { try Convolutions(layer, $0).forward() },
            BenchmarkCase(
                name: "conv.forward+backward.\(layer.name)", sizes: layer.sizes,
                work: .operations(6 * Double(layer.products), bytes: 12 * Double(numbers)),
                needsFull: layer.needsFull
            ) { try Convolutions(layer, $0).forwardAndBackward() },
        ]
    }
}

/// One layer's inputs and the parts of them that the reference gets.
private struct Convolutions {
    let run: Run
    let layer: LayerShape
    let window: Window
    let x, weights, bias, outputGradient: Tensor
    let images, filters, channels: [Int]

    init(_ layer: LayerShape, _ run: Run) throws {
        self.run = run
        self.layer = layer
        window = try layer.window()
        x = try Inputs.tensor(layer.inputShape, seed: 1)
        weights = try Inputs.tensor(layer.weightsShape, seed: 2)
        bias = try Inputs.tensor([layer.filters], seed: 3)
        outputGradient = try Inputs.tensor(layer.outputShape, seed: 4)
        // First as many filters of the first and the last image as the budget has, then more
        // images.
        let perImage = layer.products / layer.samples
        let share = Double(run.referenceBudget) / Double(2 * perImage)
        filters = Inputs.spread(Int(share * Double(layer.filters)), of: layer.filters)
        channels = Inputs.spread(Int(share * Double(layer.channels)), of: layer.channels)
        images = Inputs.spread(
            filters.count == layer.filters ? Int(2 * share) : 2, of: layer.samples)
    }

    func forward() throws -> PreparedCase {
        PreparedCase(
            native: { _ = try output(run.kernels, x, weights, bias) },
            reference: {
                let expected = try partOfOutput()
                return {
                    var check = Check()
                    try checkForward(&check, expected)
                    return check
                }
            },
            referenceShare: Double(images.count * filters.count)
                / Double(layer.samples * layer.filters))
    }

    func forwardAndBackward() throws -> PreparedCase {
        let forwardProducts = images.count * filters.count * layer.channels
        let inputProducts = images.count * channels.count * layer.filters
        let weightProducts = layer.samples * filters.count * channels.count
        let all = 3 * layer.samples * layer.filters * layer.channels
        return PreparedCase(
            native: {
                _ = try output(run.kernels, x, weights, bias)
                _ = try inputGradient(run.kernels, outputGradient, weights, layer.inputShape)
                _ = try weightGradient(run.kernels, outputGradient, x)
                _ = try run.kernels.biasGradient(outputGradient)
            },
            reference: {
                let expected = try partOfOutput()
                let inputs = try partOfInputGradient(outputGradient, weights)
                let filters = try partOfWeightGradient(outputGradient, x)
                return {
                    var check = Check()
                    try checkForward(&check, expected)
                    try checkInputGradient(&check, inputs)
                    try checkWeightGradient(&check, filters)
                    try checkBiasGradient(&check)
                    return check
                }
            },
            referenceShare: Double(forwardProducts + inputProducts + weightProducts) / Double(all))
    }

    /// The output for some images and filters.
    private func partOfOutput() throws -> Tensor {
        try output(
            run.reference, x.samples(at: images), weights.samples(at: filters),
            bias.samples(at: filters))
    }

    private func output(
        _ kernels: any Kernels, _ x: Tensor, _ weights: Tensor, _ bias: Tensor
    ) throws -> Tensor {
        try kernels.convolution(x, weights: weights, bias: bias, window: window, groups: 1)
    }

    private func inputGradient(
        _ kernels: any Kernels, _ gradient: Tensor, _ weights: Tensor, _ shape: [Int]
    ) throws -> Tensor {
        try kernels.convolutionInputGradient(
            gradient, weights: weights, inputShape: shape, window: window, groups: 1)
    }

    private func weightGradient(
        _ kernels: any Kernels, _ gradient: Tensor, _ x: Tensor
    ) throws -> Tensor {
        try kernels.convolutionWeightGradient(gradient, input: x, window: window, groups: 1)
    }

    /// The input's gradient for some images and channels.
    private func partOfInputGradient(_ gradient: Tensor, _ weights: Tensor) throws -> Tensor {
        try inputGradient(
            run.reference, gradient.samples(at: images), weights.channels(at: channels),
            [images.count, channels.count, layer.extent, layer.extent])
    }

    /// The filters' gradient for some filters and channels, over all images.
    private func partOfWeightGradient(_ gradient: Tensor, _ x: Tensor) throws -> Tensor {
        try weightGradient(
            run.reference, gradient.channels(at: filters), x.channels(at: channels))
    }

    /// The rounding of what goes by Winograd's way; nil for what goes another way.
    private func winograd(_ pass: ConvolutionPass) throws -> WinogradRounding? {
        try run.kernels.winograd(
            inputShape: layer.inputShape, weightsShape: layer.weightsShape, window: window,
            groups: 1, pass: pass)
    }

    private func checkForward(_ check: inout Check, _ expected: Tensor) throws {
        let result = try output(run.kernels, x, weights, bias)
        let part = try x.samples(at: images)
        let (someWeights, someBias) = (
            try weights.samples(at: filters), try bias.samples(at: filters)
        )
        let magnitudes = try output(
            run.reference, part.magnitudes(), someWeights.magnitudes(), someBias.magnitudes())
        // C·KH·KW products, the bias, and the reference's own rounding.
        let length = layer.channels * layer.kernel * layer.kernel + 2
        check.compare(
            try result.samples(at: images).channels(at: filters).doubles, expected.doubles,
            bounds: magnitudes.doubles.lazy.map { $0 * probableGamma(length) })
        if let rounding = try winograd(.forward) {
            check.compare(result, rounding.someOutputs(x, weights, bias: bias))
        }
    }

    private func checkInputGradient(_ check: inout Check, _ expected: Tensor) throws {
        let result = try inputGradient(run.kernels, outputGradient, weights, layer.inputShape)
        let magnitudes = try partOfInputGradient(
            outputGradient.magnitudes(), weights.magnitudes())
        let length = layer.filters * layer.kernel * layer.kernel + 1
        check.compare(
            try result.samples(at: images).channels(at: channels).doubles, expected.doubles,
            bounds: magnitudes.doubles.lazy.map { $0 * probableGamma(length) })
        if let rounding = try winograd(.inputGradient) {
            let turned = try WinogradRounding.turned(weights, groups: 1)
            check.compare(result, rounding.someOutputs(outputGradient, turned, bias: nil))
        }
    }

    private func checkWeightGradient(_ check: inout Check, _ expected: Tensor) throws {
        let result = try weightGradient(run.kernels, outputGradient, x)
        let magnitudes = try partOfWeightGradient(outputGradient.magnitudes(), x.magnitudes())
        let length = layer.samples * layer.outputExtent * layer.outputExtent + 1
        check.compare(
            try result.samples(at: filters).channels(at: channels).doubles, expected.doubles,
            bounds: magnitudes.doubles.lazy.map { $0 * probableGamma(length) })
        if let rounding = try winograd(.weightGradient) {
            check.compare(
                result,
                rounding.someTaps(
                    x, outputGradient: outputGradient, weightsShape: layer.weightsShape))
        }
    }

    private func checkBiasGradient(_ check: inout Check) throws {
        let part = try outputGradient.channels(at: filters)
        let result = try run.kernels.biasGradient(outputGradient).samples(at: filters)
        let magnitudes = try run.reference.biasGradient(part.magnitudes())
        // 32 additions in a lane, 5 over the lanes, the result's rounding, here and there.
        check.compare(
            result.doubles, try run.reference.biasGradient(part).doubles,
            bounds: magnitudes.doubles.lazy.map { $0 * gamma(39) })
    }
}
