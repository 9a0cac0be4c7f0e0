// SPDX-License-Identifier: MIT
//
// Epilogues of convolutions: the bits of one operation after the other, on each instruction set and
// by each algorithm; and what they refuse.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct EpilogueTests {
    /// Some steps of an epilogue for outputs of a shape; all kinds come up.
    private static func epilogue(
        of shape: [Int], pooling: Window?, _ draw: inout Draw
    ) throws -> Epilogue {
        var epilogue = Epilogue()
        if draw.oneIn(2) { epilogue.bias = try draw.normal([shape[1]]) }
        if draw.oneIn(2) {
            epilogue.normalization = ChannelNormalization(
                statistics: BatchStatistics(
                    mean: try draw.normal([shape[1]]),
                    variance: try draw.normal([shape[1]]).magnitudes().converted(to: .float32)),
                gamma: try draw.normal([shape[1]]), beta: try draw.normal([shape[1]]),
                epsilon: 1e-5)
        }
        if draw.oneIn(2) { epilogue.addend = try draw.normal(shape) }
        if draw.oneIn(4) { epilogue.pooling = pooling }
        if !draw.oneIn(3) { epilogue.activation = draw.pick(Activation.examples) }
        return epilogue
    }

    private static func areSame(
        _ set: InstructionSet, threads: Int, _ x: Tensor, _ weights: Tensor,
        _ descriptor: ConvolutionDescriptor, _ epilogue: Epilogue
    ) throws -> Bool {
        let kernels = try native(set, threads: threads)
        let sums = try kernels.convolution(
            x, weights: weights, bias: epilogue.bias, window: descriptor.window,
            groups: descriptor.groups)
        let expected = try kernels.finish(sums, epilogue, wantsArgmax: true)
        let found = try kernels.convolution(
            x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue, wantsArgmax: true)
        return found.output.hasSameBits(as: expected.output) && found.argmax == expected.argmax
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func drawnEpiloguesAreTheOperationsInTurn(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnPooledConvolution(seed: seed)
        var draw = Draw(seed: seed + 1_000_000)
        let descriptor = ConvolutionDescriptor(drawn.window, groups: drawn.groups)
        let size = try drawn.window.outputSize(height: drawn.x.shape[2], width: drawn.x.shape[3])
        let shape = [drawn.x.shape[0], drawn.weights.shape[0], size.height, size.width]
        let epilogue = try Self.epilogue(of: shape, pooling: drawn.pooling, &draw)
        #expect(
            try Self.areSame(
                set, threads: 1 + seed % 3, drawn.x, drawn.weights, descriptor, epilogue),
            "seed \(seed), \(drawn), \(epilogue)")
    }

    /// Every algorithm, with filters, pixels and images that do not fill its blocks.
    @Test(arguments: InstructionSet.supported, try KeptConvolution.all)
    func everyAlgorithmFinishesItsOutputs(_ set: InstructionSet, _ kept: KeptConvolution) throws {
        var draw = Draw(seed: 5)
        let (x, weights) = (try draw.normal(kept.shape), try draw.normal(kept.weightsShape))
        let descriptor = ConvolutionDescriptor(kept.window, groups: kept.groups)
        let size = try kept.window.outputSize(height: kept.shape[2], width: kept.shape[3])
        let shape = [kept.shape[0], kept.filters, size.height, size.width]
        for trial in 0..<6 {
            var epilogue = try Self.epilogue(of: shape, pooling: nil, &draw)
            // All steps at least once.
            if trial == 0 {
                epilogue = Epilogue(
                    bias: try draw.normal([kept.filters]),
                    normalization: ChannelNormalization(
                        statistics: BatchStatistics(
                            mean: try draw.normal([kept.filters]),
                            variance: try draw.normal([kept.filters]).magnitudes().converted(
                                to: .float32)),
                        gamma: try draw.normal([kept.filters]),
                        beta: try draw.normal([kept.filters]), epsilon: 1e-3),
                    addend: try draw.normal(shape), activation: .hardSwish)
            }
            for threads in [1, 2, 7] {
                #expect(
                    try Self.areSame(set, threads: threads, x, weights, descriptor, epilogue),
                    "\(set), \(kept.name), \(threads) threads, \(epilogue)")
            }
        }
    }

    @Test func mistakesAreNamed() throws {
        let x = try Tensor(zeros: [1, 2, 5, 5])
        let weights = try Tensor(zeros: [4, 2, 3, 3])
        func run(_ kernels: any Kernels, _ epilogue: Epilogue) throws {
            _ = try kernels.convolution(
                x, weights: weights, prepacked: nil, ConvolutionDescriptor(Window(3)),
                epilogue: epilogue, wantsArgmax: false)
        }
        let (three, four) = (try Tensor(zeros: [3]), try Tensor(zeros: [4]))
        BadInputTests.expect("convolution: bias is [3], expected [4]") {
            try run($0, Epilogue(bias: three))
        }
        BadInputTests.expect("convolution: addend is [1, 4, 3, 2], expected [1, 4, 3, 3]") {
            try run($0, Epilogue(addend: Tensor(zeros: [1, 4, 3, 2])))
        }
        BadInputTests.expect("convolution: addend is float64, expected float32") {
            try run($0, Epilogue(addend: Tensor(zeros: [1, 4, 3, 3]).converted(to: .float64)))
        }
        func normalization(
            mean: Tensor? = nil, gamma: Tensor? = nil, epsilon: Double = 1e-5
        ) -> Epilogue {
            Epilogue(
                normalization: ChannelNormalization(
                    statistics: BatchStatistics(mean: mean ?? four, variance: four),
                    gamma: gamma ?? four, beta: four, epsilon: epsilon))
        }
        BadInputTests.expect("convolution: mean is [3], expected [4]") {
            try run($0, normalization(mean: three))
        }
        BadInputTests.expect("convolution: gamma is [3], expected [4]") {
            try run($0, normalization(gamma: three))
        }
        BadInputTests.expect("convolution: epsilon is 0.0, expected from 1e-30 to 1e30") {
            try run($0, normalization(epsilon: 0))
        }
        BadInputTests.expect(
            "convolution: slope is inf, expected a finite number that Float can hold"
        ) {
            try run($0, Epilogue(activation: .leakyReLU(slope: .infinity)))
        }
    }
}
