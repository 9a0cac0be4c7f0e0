// SPDX-License-Identifier: MIT
//
// Which layers of a network run as one, and that nobody sees it: layer by layer, as written, outputs
// and gradients are the same.

import ConvNetReference
import ConvNetTestSupport
import Testing

@testable import ConvNet

struct PlanTests {
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
            shape = try layer.outputShape(for: [shape])
            return NamedLayer("\(letter)\(index)", layer)
        }
    }

    @Test(arguments: [
        ("crpara", ["c0 p2 r1", "a3 r4", "a5"]), ("cpra", ["c0 p1 r2", "a3"]),
        ("crcpPsa", ["c0 r1", "c2 p3", "P4", "s5", "a6"]), ("rrpa", ["r0", "p2", "r1", "a3"]),
        ("crra", ["c0 r1", "r2", "a3"]),
    ])
    func layersThatSuitEachOtherRunAsOne(_ letters: String, _ expected: [String]) throws {
        let layers = try Self.layers(letters, inputShape: [2, 12, 11])
        let plan = try Network(inputShape: [2, 12, 11], layers: layers).plan
        let steps = plan.steps.map { $0.nodes.map { layers[$0].name }.joined(separator: " ") }
        #expect(steps == expected)
    }

    /// All the same bits, except that the bias of a pooled convolution whose input's gradient is not
    /// needed is summed over the pooled numbers: not in the order of all pixels, most of which are 0.
    @Test(arguments: ["crpa", "cpra", "cpa", "CrPara", "crca", "crpcrpara", "rpa", "srPcpsara"])
    func theOrderInWhichLayersRunIsNotSeen(_ letters: String) throws {
        var draw = Draw(seed: 3)
        let x = try draw.normal([9, 2, 12, 11])
        let layers = try Self.layers(letters, inputShape: [2, 12, 11])
        let labels = (0..<9).map { $0 % 3 }
        let network = try Network(inputShape: [2, 12, 11], layers: layers)
        let kernels = NativeKernels()
        var (signal, pullbacks) = (x, [Pullback]())
        for named in layers {
            let forward = try named.layer.forward([signal], in: Pass(kernels: kernels))
            signal = forward.output
            pullbacks.append(forward.pullback)
        }
        #expect(try network.predict(x).hasSameBits(as: signal))
        var gradient = try kernels.softmaxCrossEntropy(signal, labels: labels).gradient
        var (gradients, outputGradients) = ([Tensor](), [Int: Tensor]())
        for index in pullbacks.indices.reversed() {
            outputGradients[index] = gradient
            let found = try pullbacks[index](
                gradient, wanted: WantedGradients(inputs: [index > 0], parameters: true))
            gradients.insert(contentsOf: found.parameters, at: 0)
            if let inputGradient = found.input { gradient = inputGradient }
        }
        var pooled: Int?
        for step in network.plan.steps {
            if case .convolution(let fused) = step.kind, fused.pooling != nil,
                !network.plan.needsGradient[step.inputs[0]]
            {
                pooled = step.node
            }
        }
        for (one, expected) in zip(try network.gradient(x, labels: labels), gradients) {
            guard let pooled, one.name == "b1" else {
                #expect(one.value.hasSameBits(as: expected), "\(one.name) of \(letters)")
                continue
            }
            // Two sums, each as exact as the kernels say.
            let outputGradient = try #require(outputGradients[pooled])
            let bounds = try ReferenceKernels()
                .biasGradient(outputGradient.magnitudes()).doubles
            let comparison = Comparison(
                one.value, expected, bounds: bounds.map { 2 * $0 * gamma(38) })
            #expect(comparison.isWithinBounds, "b1 of \(letters): \(comparison)")
        }
    }
}
