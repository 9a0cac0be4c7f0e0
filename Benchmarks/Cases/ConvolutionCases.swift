// SPDX-License-Identifier: MIT
//
// Convolutions, forward, and forward with all three gradients. The reference computes some images
// and filters of the output, some images and channels of the input's gradient, some filters and
// channels of the filters' gradient: each element of those depends on nothing else. What goes by
// Winograd's algorithm is off by much less than the bound of a direct sum, by which all of these
// are checked, lets pass: some of its elements are checked by a sharp bound too.

import ConvNet
import ConvNetReference

enum ConvolutionCases {
    static var all: [BenchmarkCase] { (Shapes.layers + Shapes.layersOfToday).flatMap(cases) }

    static func cases(of layer: LayerShape) -> [BenchmarkCase] {
        // Images, filters and outputs: each pass reads two of them and writes the third.
        let numbers = [layer.inputShape, layer.weightsShape, layer.outputShape]
            .map { $0.reduce(1, *) }.reduce(0, +)
        let forward = BenchmarkCase(
            name: "conv.forward.\(layer.name)", sizes: layer.sizes,
            work: .operations(2 * Double(layer.products), bytes: 4 * Double(numbers)),
            needsFull: layer.needsFull
        ) { try Convolutions(layer, $0).forward() }
        guard layer.hasGradients else { return [forward] }
        return [
            forward,
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
        // A channel by itself is what its filter sees.
        channels =
            layer.groups == 1
            ? Inputs.spread(Int(share * Double(layer.channels)), of: layer.channels) : filters
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
        let isApart = layer.groups > 1
        let forwardProducts = images.count * filters.count * (isApart ? 1 : layer.channels)
        let inputProducts = images.count * channels.count * (isApart ? 1 : layer.filters)
        let weightProducts = layer.samples * filters.count * (isApart ? 1 : channels.count)
        let all = 3 * layer.samples * layer.filters * (isApart ? 1 : layer.channels)
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
            run.reference, seen(x.samples(at: images)), weights.samples(at: filters),
            bias.samples(at: filters))
    }

    /// The channels that some filters see.
    private func seen(_ images: Tensor) throws -> Tensor {
        layer.groups == 1 ? images : try images.channels(at: filters)
    }

    /// The groups of some filters: depthwise, each is its own.
    private func groups(_ weights: Tensor) -> Int { layer.groups == 1 ? 1 : weights.shape[0] }

    private func output(
        _ kernels: any Kernels, _ x: Tensor, _ weights: Tensor, _ bias: Tensor
    ) throws -> Tensor {
        try kernels.convolution(
            x, weights: weights, bias: bias, window: window, groups: groups(weights))
    }

    private func inputGradient(
        _ kernels: any Kernels, _ gradient: Tensor, _ weights: Tensor, _ shape: [Int]
    ) throws -> Tensor {
        try kernels.convolutionInputGradient(
            gradient, weights: weights, inputShape: shape, window: window, groups: groups(weights))
    }

    private func weightGradient(
        _ kernels: any Kernels, _ gradient: Tensor, _ x: Tensor
    ) throws -> Tensor {
        try kernels.convolutionWeightGradient(
            gradient, input: x, window: window,
            groups: layer.groups == 1 ? 1 : x.shape[1])
    }

    /// The input's gradient for some images and channels.
    private func partOfInputGradient(_ gradient: Tensor, _ weights: Tensor) throws -> Tensor {
        let isApart = layer.groups > 1
        return try inputGradient(
            run.reference, seen(gradient.samples(at: images)),
            isApart ? weights.samples(at: channels) : weights.channels(at: channels),
            [images.count, channels.count, layer.extent, layer.extent])
    }

    /// The filters' gradient for some filters and channels, over all images.
    private func partOfWeightGradient(_ gradient: Tensor, _ x: Tensor) throws -> Tensor {
        try weightGradient(
            run.reference, gradient.channels(at: filters), x.channels(at: channels))
    }

    /// The rounding of what uses Winograd's algorithm; nil for what goes another way.
    private func winograd(_ pass: ConvolutionPass) throws -> WinogradRounding? {
        try run.kernels.winograd(
            inputShape: layer.inputShape, weightsShape: layer.weightsShape, window: window,
            groups: layer.groups, pass: pass)
    }

    private func checkForward(_ check: inout Check, _ expected: Tensor) throws {
        let result = try output(run.kernels, x, weights, bias)
        let part = try seen(x.samples(at: images))
        let (someWeights, someBias) = (
            try weights.samples(at: filters), try bias.samples(at: filters)
        )
        let magnitudes = try output(
            run.reference, part.magnitudes(), someWeights.magnitudes(), someBias.magnitudes())
        // C·KH·KW products, the bias, and the reference's own rounding.
        let length = layer.channels / layer.groups * layer.kernel * layer.kernel + 2
        check.compare(
            try result.samples(at: images).channels(at: filters).doubles, expected.doubles,
            bounds: magnitudes.doubles.map { $0 * probableGamma(length) })
        if let rounding = try winograd(.forward) {
            check.compare(result, rounding.someOutputs(x, weights, bias: bias))
        }
    }

    private func checkInputGradient(_ check: inout Check, _ expected: Tensor) throws {
        let result = try inputGradient(run.kernels, outputGradient, weights, layer.inputShape)
        let magnitudes = try partOfInputGradient(
            outputGradient.magnitudes(), weights.magnitudes())
        let length = layer.filters / layer.groups * layer.kernel * layer.kernel + 1
        check.compare(
            try result.samples(at: images).channels(at: channels).doubles, expected.doubles,
            bounds: magnitudes.doubles.map { $0 * probableGamma(length) })
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
            try ofSomeChannels(result.samples(at: filters)).doubles, expected.doubles,
            bounds: magnitudes.doubles.map { $0 * probableGamma(length) })
        if let rounding = try winograd(.weightGradient) {
            check.compare(
                result,
                rounding.someTaps(
                    x, outputGradient: outputGradient, weightsShape: layer.weightsShape))
        }
    }

    /// What filters have for some channels: depthwise, for the only one.
    private func ofSomeChannels(_ filters: Tensor) throws -> Tensor {
        layer.groups == 1 ? try filters.channels(at: channels) : filters
    }

    private func checkBiasGradient(_ check: inout Check) throws {
        let part = try outputGradient.channels(at: filters)
        let result = try run.kernels.biasGradient(outputGradient).samples(at: filters)
        let magnitudes = try run.reference.biasGradient(part.magnitudes())
        // 32 additions in a lane, 5 over the lanes, the result's rounding, here and there.
        check.compare(
            result.doubles, try run.reference.biasGradient(part).doubles,
            bounds: magnitudes.doubles.map { $0 * gamma(39) })
    }
}
