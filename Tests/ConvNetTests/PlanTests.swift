// SPDX-License-Identifier: MIT
//
// Which layers of a network run as one, and that results do not show it: layer by layer, as
// written, outputs and gradients are the same.

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

    /// All the same bits, except that the bias of a pooled convolution whose input's gradient
    /// is not needed is summed over the pooled numbers: not in the order of all pixels, most
    /// of which are 0.
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

/// Concatenations whose parts are written where they are to lie.
struct ConcatenationPlanTests {
    /// An Inception block in small: three branches of an image, joined by channels and read twice.
    private static func network(
        ends: Bool = true, joint: (inout Graph, [Graph.Value]) throws -> Graph.Value
    ) throws -> Network {
        try Network(inputShape: [3, 9, 8]) { graph, image in
            func convolution(_ filters: Int, _ kernel: Int, _ x: Graph.Value, _ name: String) throws
                -> Graph.Value
            {
                let channels = try graph.shape(of: x)[0]
                return try graph.add(
                    Convolution(
                        inputChannels: channels, outputChannels: filters, kernel: kernel,
                        padding: kernel / 2, seed: 1, stream: UInt64(filters)), x, name: name)
            }
            let one = try graph.add(ReLU(), convolution(5, 1, image, "one"), name: "r1")
            let narrow = try graph.add(ReLU(), convolution(2, 1, image, "narrow"), name: "r2")
            let three = try convolution(7, 3, narrow, "three")
            let norm = try graph.add(BatchNormalization(channels: 7), three, name: "norm")
            let five = try graph.add(Activation.silu, convolution(4, 5, image, "five"), name: "r3")
            let joined = try joint(&graph, [one, norm, five])
            guard ends else { return joined }
            let sums = try convolution(3, 3, joined, "sums")
            return try graph.add(
                Concatenation(axis: 1), graph.add(GlobalAveragePooling(), joined),
                graph.add(GlobalAveragePooling(), sums), name: "ends")
        }
    }

    static func steps(_ network: Network) -> [String] {
        network.predictionPlan.steps.map { step in
            step.nodes.map { network.graph.nodes[$0].name }.joined(separator: " ")
        }
    }

    /// The bits of a prediction are those of layer by layer, for one image and several.
    static func expectTheSameBits(_ network: Network) throws {
        var draw = Draw(seed: 4)
        for count in [1, 3] {
            let x = try draw.normal([count] + network.inputShape)
            var separate: Tensor?
            try network.forEachLayer(of: x) { separate = $2 }
            for _ in 0..<3 {
                #expect(try network.predict(x).hasSameBits(as: #require(separate)))
            }
        }
    }

    @Test func convolutionsWriteWhereTheirOutputsAreToLie() throws {
        let network = try Self.network {
            try $0.add(Concatenation(axis: 1), $1[0], $1[1], $1[2], name: "joint")
        }
        let steps = Self.steps(network)
        // The last of the branches completes the joint; the other concatenation has no such parts.
        #expect(
            steps.prefix(4) == ["one r1", "narrow r2", "three norm", "five r3 joint"], "\(steps)")
        #expect(steps.last == "ends")
        try Self.expectTheSameBits(network)
        // Another order, an axis from the end; the network's output itself.
        try Self.expectTheSameBits(
            Self.network(ends: false) {
                try $0.add(Concatenation(axis: -3), $1[2], $1[0], $1[1])
            })
        let profile = try network.profile(["input": Tensor(zeros: [2, 3, 9, 8])])
        #expect(
            profile.steps.prefix(4).map(\.outputShape)
                == [[2, 5, 9, 8], [2, 2, 9, 8], [2, 7, 9, 8], [2, 4, 9, 8]])
    }

    /// A part that another node reads, that comes twice, that is an output or no
    /// convolution's; another axis.
    @Test func whatIsReadElsewhereIsCopied() throws {
        let joints: [(inout Graph, [Graph.Value]) throws -> Graph.Value] = [
            { graph, x in
                let more = try graph.add(Sigmoid(), x[0])
                let joined = try graph.add(Concatenation(axis: 1), x[0], x[1], name: "joint")
                return try graph.add(Concatenation(axis: 1), joined, more)
            },
            { try $0.add(Concatenation(axis: 1), $1[0], $1[1], $1[0], name: "joint") },
            { graph, x in
                let other = try graph.add(MaxPooling(3, stride: 1, padding: 1), x[0])
                return try graph.add(
                    Concatenation(axis: 1), graph.add(Sigmoid(), other), x[1], name: "joint")
            },
            { graph, x in
                try graph.output(x[1], "norm")
                return try graph.add(Concatenation(axis: 1), x[0], x[1], name: "joint")
            },
            { graph, x in
                let joined = try graph.add(Concatenation(axis: 1), x[0], x[1], name: "inner")
                return try graph.add(Concatenation(axis: 1), joined, x[2], name: "joint")
            },
        ]
        for (place, joint) in joints.enumerated() {
            let network = try Self.network(joint: joint)
            #expect(Self.steps(network).contains("joint"), "\(place)")
            guard network.graph.outputs.count == 1 else { continue }
            try Self.expectTheSameBits(network)
        }
    }

    /// Sizes that the layers do not fix, and other kernels.
    @Test func sizesMayChangeFromCallToCall() throws {
        let network = try Self.network {
            try $0.add(Concatenation(axis: 1), $1[0], $1[1], $1[2], name: "joint")
        }
        var draw = Draw(seed: 6)
        for shape in [[2, 3, 9, 8], [1, 3, 14, 5], [2, 3, 9, 8]] {
            let x = try draw.normal(shape)
            var separate: Tensor?
            try network.forEachLayer(of: x) { separate = $2 }
            #expect(try network.predict(x).hasSameBits(as: #require(separate)), "\(shape)")
        }
        let double = try network.converted(to: .float64, kernels: ReferenceKernels())
        let x = try draw.normal([2, 3, 9, 8]).converted(to: .float64)
        var separate: Tensor?
        try double.forEachLayer(of: x) { separate = $2 }
        #expect(try double.predict(x) == separate)
    }
}

/// Slices of channels that convolutions read where they lie.
struct SlicePlanTests {
    /// Two halves of an image's channels, each through `body`, joined by channels.
    private static func network(
        _ front: Slice, _ back: Slice,
        body: (inout Graph, Graph.Value, String) throws -> Graph.Value
    ) throws -> Network {
        try Network(inputShape: [6, 9, 8]) { graph, image in
            let x = try graph.add(Sigmoid(), image, name: "x")
            let halves = try [
                body(&graph, graph.add(front, x, name: "front"), "f"),
                body(&graph, graph.add(back, x, name: "back"), "b"),
            ]
            return try graph.add(Concatenation(axis: 1), halves, name: "joint")
        }
    }

    private static func convolution(
        _ graph: inout Graph, _ x: Graph.Value, _ name: String, groups: Int = 1
    ) throws -> Graph.Value {
        let channels = try graph.shape(of: x)[0]
        return try graph.add(
            Convolution(
                inputChannels: channels, outputChannels: 4 * groups, kernel: 3, padding: 1,
                groups: groups, seed: 1, stream: UInt64(channels)), x, name: name)
    }

    @Test func convolutionsReadChannelsWhereTheyLie() throws {
        let network = try Self.network(Slice(axis: 1, to: 2), Slice(axis: -3, from: -3)) {
            try $0.add(ReLU(), Self.convolution(&$0, $1, $2))
        }
        let steps = ConcatenationPlanTests.steps(network)
        #expect(steps.count == 3, "\(steps)")
        #expect(steps[1].hasPrefix("front f "), "\(steps)")
        #expect(steps[2].hasPrefix("back b ") && steps[2].hasSuffix(" joint"), "\(steps)")
        try ConcatenationPlanTests.expectTheSameBits(network)
        // One convolution in each group, and one that is no part of a concatenation.
        try ConcatenationPlanTests.expectTheSameBits(
            Self.network(Slice(axis: 1, from: 1, to: 5), Slice(axis: 1, from: 2)) {
                try $0.add(MaxPooling(2), Self.convolution(&$0, $1, $2, groups: 2))
            })
        let profile = try network.profile(["input": Tensor(zeros: [2, 6, 9, 8])])
        // Two images of two channels, and of three: a multiplication and an addition per tap.
        let taps = 2 * 9 * 8 * 4 * 9
        #expect(profile.steps.map(\.operationCount).suffix(2) == [2 * 2 * taps, 2 * 3 * taps])
    }

    /// A slice that two nodes read, along another axis, backwards or with gaps; one whose
    /// convolution is pooled or has something added.
    @Test func otherSlicesAreCopied() throws {
        let half = try Slice(axis: 1, to: 3)
        let others: [(Slice, (inout Graph, Graph.Value, String) throws -> Graph.Value)] = try [
            (half, { try $0.add(Addition(), Self.convolution(&$0, $1, $2), Self.four(&$0, $1)) }),
            (Slice(axis: 1, from: 2, to: 0, step: -1), { try Self.convolution(&$0, $1, $2) }),
            (Slice(axis: 1, step: 2), { try Self.convolution(&$0, $1, $2) }),
            (Slice(axis: 2, to: 9), { try Self.convolution(&$0, $1, $2) }),
            (half, { try $0.add(MaxPooling(2), $0.add(ReLU(), Self.convolution(&$0, $1, $2))) }),
        ]
        for (slice, body) in others {
            let network = try Self.network(slice, slice, body: body)
            let steps = ConcatenationPlanTests.steps(network)
            #expect(steps.contains("front") && steps.contains("back"), "\(steps)")
            try ConcatenationPlanTests.expectTheSameBits(network)
        }
    }

    /// Four channels of three.
    private static func four(_ graph: inout Graph, _ x: Graph.Value) throws -> Graph.Value {
        try graph.add(Concatenation(axis: 1), x, graph.add(Slice(axis: 1, to: 1), x))
    }
}
