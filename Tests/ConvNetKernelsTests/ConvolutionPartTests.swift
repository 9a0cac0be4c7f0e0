// SPDX-License-Identifier: MIT
//
// Convolutions of some channels of a tensor, whose output is some channels of another: the bits of
// a convolution by itself, and nothing else is read or touched.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ConvolutionPartTests {
    /// A tensor of NaN with room for a convolution's output behind and before other channels.
    private static func room(
        for shape: [Int], before: Int, behind: Int
    ) throws -> Tensor {
        var shape = shape
        shape[1] += before + behind
        return try Tensor(shape: shape, repeating: .nan)
    }

    private static func channels(_ first: Int, _ shape: [Int], of whole: Tensor) throws
        -> StridedView
    {
        try StridedView(shape: whole.shape).slice(axis: 1, from: first, count: shape[1])
    }

    /// Images among other channels, which are NaN.
    private static func among(
        _ x: Tensor, before: Int, behind: Int, _ kernels: some Kernels
    ) throws -> Tensor {
        var whole = try room(for: x.shape, before: before, behind: behind)
        try kernels.copy(
            x, from: StridedView(shape: x.shape), into: &whole,
            at: channels(before, x.shape, of: whole))
        return whole
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func partsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnConvolution(seed: seed, integers: false)
        let shape = drawn.outputGradient.shape
        let (before, behind) = (seed % 4, seed / 4 % 3)
        let results = try [native(set), reference].map { kernels in
            var whole = try Self.room(for: shape, before: before, behind: behind)
            let x = try Self.among(drawn.x, before: behind, behind: before, reference)
            try kernels.convolution(
                x, channels: behind..<behind + drawn.x.shape[1], weights: drawn.weights,
                prepacked: nil,
                ConvolutionDescriptor(drawn.window, groups: drawn.groups),
                epilogue: Epilogue(bias: drawn.bias), into: &whole, fromChannel: before)
            let part = try Self.channels(before, shape, of: whole)
            #expect(whole.doubles.count(where: \.isNaN) == whole.count - shape.reduce(1, *))
            return try kernels.copied(whole, as: part)
        }
        let comparison = Comparison(
            results[0], results[1], bounds: try drawn.bounds()[0])
        #expect(comparison.isWithinBounds, "\(set), seed \(seed): \(comparison)")
    }

    /// Each algorithm, for several images, with all that an epilogue may have.
    @Test(arguments: InstructionSet.supported)
    func theBitsAreThoseOfAConvolutionByItself(_ set: InstructionSet) throws {
        var draw = Draw(seed: 3)
        var algorithms: Set<ConvolutionAlgorithm> = []
        for (shape, filters, window, groups) in try SameBitsTests.convolutions {
            let x = try draw.normal([min(shape[0], 3)] + shape.dropFirst())
            let weights = try draw.normal(
                [filters, shape[1] / groups, window.size.height, window.size.width])
            let descriptor = ConvolutionDescriptor(window, groups: groups)
            let one = try draw.normal([filters])
            let normalization = ChannelNormalization(
                statistics: BatchStatistics(
                    mean: one, variance: try one.magnitudes().converted(to: .float32)),
                gamma: try draw.normal([filters]), beta: one, epsilon: 1e-3)
            for epilogue in [
                Epilogue(bias: one, activation: .relu),
                Epilogue(bias: one, normalization: normalization, activation: .hardSwish),
            ] {
                for threads in [1, 2, 7] {
                    let kernels = try native(set, threads: threads)
                    let alone = try kernels.convolution(
                        x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
                        wantsArgmax: false
                    ).output
                    var found = try Self.room(for: alone.shape, before: 2, behind: 3)
                    var expected = found
                    let part = try Self.channels(2, alone.shape, of: expected)
                    try kernels.copy(
                        alone, from: StridedView(shape: alone.shape), into: &expected, at: part)
                    let among = try Self.among(x, before: 3, behind: 1, kernels)
                    try kernels.convolution(
                        among, channels: 3..<3 + shape[1], weights: weights, prepacked: nil,
                        descriptor, epilogue: epilogue, into: &found, fromChannel: 2)
                    #expect(
                        found.hasSameBits(as: expected),
                        "\(set), \(shape), \(filters) filters, \(window), \(threads) threads")
                }
            }
            algorithms.insert(
                try native(set).convolutionAlgorithm(
                    inputShape: x.shape, weightsShape: weights.shape, window: window,
                    groups: groups))
        }
        // Depthwise tiles are written with vectors.
        let all: Set<ConvolutionAlgorithm> = [
            .winograd, .depthwise, .rows, .direct, .pointwise, .implicitGEMM,
        ]
        #expect(algorithms == (set == .portable ? all.subtracting([.depthwise]) : all))
    }

    @Test func mistakesAreNamed() throws {
        let x = try Tensor(zeros: [2, 2, 5, 5])
        let weights = try Tensor(zeros: [4, 2, 3, 3])
        func run(
            _ kernels: any Kernels, _ shape: [Int], _ first: Int, of channels: Range<Int> = 0..<2
        ) throws {
            var output = try Tensor(zeros: shape)
            try kernels.convolution(
                x, channels: channels, weights: weights, prepacked: nil,
                ConvolutionDescriptor(Window(3)), epilogue: Epilogue(), into: &output,
                fromChannel: first)
        }
        for shape in [[2, 9, 3, 4], [1, 9, 3, 3], [2, 36], [18]] {
            BadInputTests.expect(
                "convolution: output is \(shape), expected [2, 4, 3, 3], except for the number of "
                    + "channels"
            ) { try run($0, shape, 0) }
        }
        for first in [-1, 6, Int.max, Int.min] {
            BadInputTests.expect(
                "convolution: first is \(first), expected at least 0, with room for 4 of 9 "
                    + "channels from there"
            ) { try run($0, [2, 9, 3, 3], first) }
        }
        for channels in [1..<3, -1..<1, 2..<2, Int.min..<Int.max] {
            BadInputTests.expect(
                "convolution: channels is \(channels), expected a range within the 2 that x has"
            ) { try run($0, [2, 4, 3, 3], 0, of: channels) }
        }
        BadInputTests.expect(
            "convolution: weights is [4, 2, 3, 3], expected [4, 1, 3, 3] for images [2, 1, 5, 5] "
                + "and this window"
        ) { try run($0, [2, 4, 3, 3], 0, of: 1..<2) }
        BadInputTests.expect(
            "convolution: first is 0, expected at least 0, with room for 4 of 3 channels from there"
        ) { try run($0, [2, 3, 3, 3], 0) }
    }
}
