// SPDX-License-Identifier: MIT
//
// Which way convolutions of known shapes take, as they can be asked.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ConvolutionAlgorithmTests {
    struct Known: Sendable {
        let input, weights: [Int]
        var stride = 1
        var padding = 0
        var groups = 1
        let forward, inputGradient, weightGradient: ConvolutionAlgorithm
    }

    /// The same on all instruction sets; what depends on the width of vectors is not here.
    static let known = [
        // Layers of ResNet.
        Known(
            input: [16, 64, 56, 56], weights: [64, 64, 3, 3], padding: 1,
            forward: .winograd, inputGradient: .winograd, weightGradient: .winograd),
        Known(
            input: [1, 3, 224, 224], weights: [64, 3, 7, 7], stride: 2, padding: 3,
            forward: .direct, inputGradient: .columns, weightGradient: .direct),
        Known(
            input: [1, 64, 56, 56], weights: [256, 64, 1, 1],
            forward: .pointwise, inputGradient: .pointwise, weightGradient: .pointwise),
        Known(
            input: [1, 256, 56, 56], weights: [512, 256, 1, 1], stride: 2,
            forward: .implicitGEMM, inputGradient: .columns, weightGradient: .implicitGEMM),
        Known(
            input: [1, 512, 14, 14], weights: [512, 512, 3, 3], stride: 2, padding: 1,
            forward: .implicitGEMM, inputGradient: .columns, weightGradient: .direct),
    ]

    private static func found(
        _ kernels: NativeKernels, _ known: Known, _ pass: ConvolutionPass
    ) throws -> ConvolutionAlgorithm {
        try kernels.convolutionAlgorithm(
            inputShape: known.input, weightsShape: known.weights,
            window: Window(
                height: known.weights[2], width: known.weights[3],
                stride: PerAxis(known.stride), padding: Padding(known.padding)),
            groups: known.groups, pass: pass)
    }

    @Test(arguments: InstructionSet.supported, 0..<known.count)
    func knownShapesTakeTheirWays(_ set: InstructionSet, _ index: Int) throws {
        let (kernels, known) = (try native(set), Self.known[index])
        let about = "\(set), \(known)"
        #expect(try Self.found(kernels, known, .forward) == known.forward, "\(about)")
        #expect(try Self.found(kernels, known, .inputGradient) == known.inputGradient, "\(about)")
        #expect(try Self.found(kernels, known, .weightGradient) == known.weightGradient, "\(about)")
    }

    /// With Winograd switched off it is used nowhere.
    @Test(arguments: InstructionSet.supported)
    func winogradCanBeDoneWithout(_ set: InstructionSet) throws {
        let kernels = try NativeKernels(threads: 1, instructionSet: set, winograd: false)
        for known in Self.known {
            for pass in ConvolutionPass.allCases {
                #expect(try Self.found(kernels, known, pass) != .winograd, "\(known), \(pass)")
            }
        }
    }

    /// Few filters go by rows; where there are kernels for planes, depthwise filters go by them.
    @Test(arguments: InstructionSet.supported)
    func fewFiltersAndDepthwiseOnesHaveTheirWays(_ set: InstructionSet) throws {
        let kernels = try native(set)
        let few = try kernels.convolutionAlgorithm(
            inputShape: [8, 1, 28, 28], weightsShape: [3, 1, 5, 5], window: Window(5, padding: 2))
        #expect(few == .rows, "\(set)")
        for pass in ConvolutionPass.allCases {
            for stride in [1, 2, 3] {
                let depthwise = try kernels.convolutionAlgorithm(
                    inputShape: [8, 64, 14, 14], weightsShape: [64, 1, 3, 3],
                    window: Window(3, stride: stride, padding: 1), groups: 64, pass: pass)
                #expect(
                    (depthwise == .depthwise) == (set != .portable),
                    "\(set), \(pass), stride \(stride): \(depthwise)")
            }
        }
    }

    /// A few tiles, as one image has, are enough for Winograd's algorithm to predict with; not
    /// where they are nearly half empty, or fewer than a vector has lanes.
    @Test(arguments: InstructionSet.supported)
    func fewTilesAreEnoughToPredict(_ set: InstructionSet) throws {
        let kernels = try native(set)
        for (extent, samples, isWinograd) in [
            (28, 1, true), (14, 1, true), (7, 4, true), (7, 3, false), (13, 1, true),
            (13, 7, true), (9, 2, false),
        ] {
            let found = try kernels.convolutionAlgorithm(
                inputShape: [samples, 256, extent, extent], weightsShape: [256, 256, 3, 3],
                window: Window(3, padding: 1))
            #expect(
                (found == .winograd) == isWinograd,
                "\(set), \(samples) images of \(extent): \(found)")
        }
    }

    /// With few channels, filters' gradients go by Winograd's algorithm where its tiles of 4×4 fit
    /// the outputs; with many, where they hang over the edges too.
    @Test(arguments: InstructionSet.supported)
    func tilesThatHangOverAreNoGainWithFewChannels(_ set: InstructionSet) throws {
        let kernels = try native(set)
        for (channels, filters, extent, isWinograd) in [
            (24, 32, 10, false), (24, 32, 8, true), (16, 32, 5, false), (64, 64, 5, false),
            (64, 64, 10, true), (256, 384, 13, true), (512, 512, 7, true),
        ] {
            let found = try kernels.convolutionAlgorithm(
                inputShape: [64, channels, extent, extent],
                weightsShape: [filters, channels, 3, 3], window: Window(3, padding: 1),
                pass: .weightGradient)
            #expect(
                (found == .winograd) == isWinograd,
                "\(set), \(channels) -> \(filters), \(extent): \(found)")
        }
    }

    /// Asking about any shape that can be convolved gives an answer, on every instruction set.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func drawnShapesHaveAnAnswer(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let groups = draw.pick([1, 1, 2, 3])
        let channels = groups * draw.int(1...60)
        let (shape, window) = try draw.windowedShape(samples: 1...3, channels: channels)
        let weights = [
            groups * draw.int(1...60), channels / groups, window.size.height, window.size.width,
        ]
        for pass in ConvolutionPass.allCases {
            let algorithm = try native(set).convolutionAlgorithm(
                inputShape: shape, weightsShape: weights, window: window, groups: groups, pass: pass
            )
            #expect(algorithm != .columns || pass == .inputGradient)
            #expect(algorithm != .pointwise || window.size == 1)
        }
    }

    @Test func whatCannotBeConvolvedIsRefused() {
        let error = #expect(throws: TensorError.self) {
            try NativeKernels().convolutionAlgorithm(
                inputShape: [1, 3, 8, 8], weightsShape: [4, 2, 3, 3], window: Window(3))
        }
        #expect(
            error?.description
                == "convolutionAlgorithm: weights is [4, 2, 3, 3], "
                + "expected [4, 3, 3, 3] for images [1, 3, 8, 8] and this window")
    }
}
