// SPDX-License-Identifier: MIT
//
// Which layers of a network run as one, and that nobody sees it: layer by layer, as written, outputs
// and gradients are the same.

import ConvNetReference
import ConvNetTestSupport
import Testing

@testable import ConvNet

struct NetworkStepTests {
    /// Layers as letters: c and C convolutions, r ReLU, s sigmoid, p and P max pooling, a affine.
    private static func layers(_ letters: String, inputShape: [Int]) throws -> [NamedLayer] {
        var shape = [1] + inputShape
        return try letters.enumerated().map { index, letter in
            let layer: any Layer
            switch letter {
            case "c", "C":
                layer = try Convolution(
                    inputChannels: shape[1], outputChannels: 5, kernel: letter == "c" ? 3 : 2,
                    padding: 1, seed: UInt64(index))
            case "r": layer = ReLU()
            case "s": layer = Sigmoid()
            case "p": layer = try MaxPooling(2)
            case "P": layer = try MaxPooling(3, stride: 2, padding: 1)
            default:
                layer = try Affine(
                    inputSize: shape.dropFirst().reduce(1, *), outputSize: 3, seed: UInt64(index))
            }
            shape = try layer.outputShape(for: shape)
            return NamedLayer("\(letter)\(index)", layer)
        }
    }

    @Test(arguments: [
        ("crpara", ["c0 p2 r1", "a3 r4", "a5"]), ("cprap", ["c0 p1 r2", "a3", "p4"]),
        ("crcpPsa", ["c0 r1", "c2 p3", "P4", "s5", "a6"]), ("rrpa", ["r0", "p2", "r1", "a3"]),
        ("crra", ["c0 r1", "r2", "a3"]),
    ])
    func layersThatSuitEachOtherRunAsOne(_ letters: String, _ expected: [String]) throws {
        let layers = try Self.layers(letters.replacing("ap", with: "a"), inputShape: [2, 12, 11])
        let pooled = letters.hasSuffix("ap") ? [NamedLayer("p4", try MaxPooling(2))] : []
        let all = layers + pooled
        let steps = NetworkStep.plan(for: all.map(\.layer)).map { step in
            [step.layer, step.pooling, step.relu].compactMap { $0 }.map { all[$0].name }
                .joined(separator: " ")
        }
        #expect(steps == expected)
    }

    /// All the same bits, except that the bias of a pooled convolution without input gradient is
    /// summed over the pooled numbers: not in the order of all pixels, most of which are 0.
    @Test(arguments: ["crpa", "cpra", "cpa", "CrPara", "crca", "crpcrpara", "rpa", "srPcpsara"])
    func theOrderInWhichLayersRunIsNotSeen(_ letters: String) throws {
        var draw = Draw(seed: 3)
        let x = try draw.normal([9, 2, 12, 11])
        let layers = try Self.layers(letters, inputShape: [2, 12, 11])
        let labels = (0..<9).map { $0 % 3 }
        let network = try Network(inputShape: [2, 12, 11], layers: layers)
        let kernels = NativeKernels()
        var asWritten = layers.map(\.layer)
        var signal = x
        for index in asWritten.indices {
            signal = try asWritten[index].forward(signal, on: kernels)
        }
        #expect(try network.predict(x).hasSameBits(as: signal))
        var loss = SoftmaxWithLoss()
        _ = try loss.forward(signal, labels: labels, on: kernels)
        var gradient = try loss.backward()
        for index in asWritten.indices.dropFirst().reversed() {
            gradient =
                try asWritten[index].backward(
                    gradient, needsInputGradient: true, on: kernels) ?? gradient
        }
        _ = try asWritten[0].backward(gradient, needsInputGradient: false, on: kernels)
        var gradients: [Tensor?] = []
        for index in asWritten.indices {
            try asWritten[index].updateParameters { _, _, value in gradients.append(value) }
        }
        let isPooled = network.steps[0].pooling != nil
        for (one, other) in zip(try network.gradient(x, labels: labels), gradients) {
            let expected = try #require(other)
            guard isPooled, one.name == "b1" else {
                #expect(one.value.hasSameBits(as: expected), "\(one.name) of \(letters)")
                continue
            }
            // Two sums, each as exact as the kernels say.
            let bounds = try ReferenceKernels().biasGradient(gradient.magnitudes()).doubles
            let comparison = Comparison(
                one.value, expected, bounds: bounds.map { 2 * $0 * gamma(38) })
            #expect(comparison.isWithinBounds, "b1 of \(letters): \(comparison)")
        }
    }
}
