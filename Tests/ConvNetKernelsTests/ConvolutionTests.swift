// SPDX-License-Identifier: MIT
//
// Convolution, its gradients, im2col and col2im against the reference.

import ConvNetKernels
import ConvNetTestSupport
import Testing

/// A drawn convolution with everything that its three operations take.
struct DrawnConvolution {
    let x, weights, bias, outputGradient: Tensor
    let window: Window
    let groups: Int

    init(seed: Int, integers: Bool) throws {
        var draw = Draw(seed: seed)
        groups = draw.pick([1, 1, 2, 3])
        let channels = groups * (draw.oneIn(6) ? draw.int(20...40) : draw.int(1...5))
        let filters = groups * (draw.oneIn(6) ? draw.int(20...40) : draw.int(1...17))
        let (shape, window) = try draw.windowedShape(samples: 1...4, channels: channels)
        self.window = window
        let size = window.size
        let output = try window.outputSize(height: shape[2], width: shape[3])
        func tensor(_ shape: [Int]) throws -> Tensor {
            integers ? try draw.integers(shape) : try draw.normal(shape)
        }
        x = try tensor(shape)
        weights = try tensor([filters, channels / groups, size.height, size.width])
        bias = try tensor([filters])
        outputGradient = try tensor([shape[0], filters, output.height, output.width])
    }

    /// One of a given shape, of whole numbers.
    init(shape: [Int], filters: Int, window: Window, groups: Int, from draw: inout Draw) throws {
        self.window = window
        self.groups = groups
        let output = try window.outputSize(height: shape[2], width: shape[3])
        x = try draw.integers(shape)
        weights = try draw.integers(
            [filters, shape[1] / groups, window.size.height, window.size.width])
        bias = try draw.integers([filters])
        outputGradient = try draw.integers([shape[0], filters, output.height, output.width])
    }

    /// Output, input gradient and weight gradient.
    func run(_ kernels: any Kernels) throws -> [Tensor] {
        [
            try kernels.convolution(
                x, weights: weights, bias: bias, window: window, groups: groups),
            try kernels.convolutionInputGradient(
                outputGradient, weights: weights, inputShape: x.shape, window: window,
                groups: groups),
            try kernels.convolutionWeightGradient(
                outputGradient, input: x, window: window, groups: groups),
        ]
    }

    /// Bounds for each of them: γ · Σ|products|, with the length of the longest sum.
    func bounds() throws -> [[Double]] {
        let absolute = Self(
            x: try x.magnitudes(), weights: try weights.magnitudes(), bias: try bias.magnitudes(),
            outputGradient: try outputGradient.magnitudes(), window: window, groups: groups)
        let taps = window.size.height * window.size.width
        let gradientShape = outputGradient.shape
        let lengths = [
            weights.shape[1] * taps, gradientShape[1] / groups * taps,
            gradientShape[0] * gradientShape[2] * gradientShape[3],
        ]
        // A sum of K products rounds at most K times on the way of any term; one more for the bias,
        // one for the reference's own result.
        return try zip(absolute.run(reference), lengths).map { tensor, length in
            tensor.doubles.map { $0 * gamma(length + 2) }
        }
    }

    private init(
        x: Tensor, weights: Tensor, bias: Tensor, outputGradient: Tensor, window: Window,
        groups: Int
    ) {
        self.x = x
        self.weights = weights
        self.bias = bias
        self.outputGradient = outputGradient
        self.window = window
        self.groups = groups
    }
}

@Suite struct ConvolutionTests {
    static let names = ["output", "input gradient", "weight gradient"]

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func agreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnConvolution(seed: seed, integers: false)
        let results = try zip(drawn.run(native(set)), drawn.run(reference))
        for (name, (pair, bounds)) in zip(Self.names, zip(results, try drawn.bounds())) {
            let comparison = Comparison(pair.0, pair.1, bounds: bounds)
            #expect(
                comparison.isWithinBounds,
                "seed \(seed), \(set), \(name) of \(drawn.x.shape) * \(drawn.weights.shape), \(drawn.window): \(comparison)"
            )
        }
    }

    @Test(arguments: InstructionSet.supported, drawnCases..<2 * drawnCases)
    func isExactOnIntegers(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnConvolution(seed: seed, integers: true)
        for (name, (result, expected)) in try zip(
            Self.names, zip(drawn.run(native(set, threads: 3)), drawn.run(reference)))
        {
            #expect(
                result == expected,
                "seed \(seed), \(set), \(name) of \(drawn.x.shape) * \(drawn.weights.shape), \(drawn.window)"
            )
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func columnsAreExactAndTheirAdjointAdds(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(samples: 1...3, channels: draw.int(1...9))
        let x = try draw.normal(shape)
        let kernels = try native(set)
        let columns = try reference.im2col(x, window: window)
        #expect(try kernels.im2col(x, window: window).hasSameBits(as: columns), "seed \(seed)")

        let cotangent = try draw.normal(columns.shape)
        let folded = try kernels.col2im(cotangent, inputShape: shape, window: window)
        let expected = try reference.col2im(cotangent, inputShape: shape, window: window)
        let magnitudes = try reference.col2im(
            cotangent.magnitudes(), inputShape: shape, window: window)
        let addends = window.size.height * window.size.width
        let comparison = Comparison(
            folded, expected, bounds: magnitudes.doubles.map { $0 * gamma(addends + 1) })
        #expect(comparison.isWithinBounds, "seed \(seed), \(shape), \(window): \(comparison)")
    }

    /// ⟨im2col x, c⟩ = ⟨x, col2im c⟩, exactly, on whole numbers.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func col2imIsTheAdjointOfIm2col(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(samples: 1...3, channels: draw.int(1...5))
        let x = try draw.integers(shape)
        let kernels = try native(set)
        let columns = try kernels.im2col(x, window: window)
        let cotangent = try draw.integers(columns.shape)
        let folded = try kernels.col2im(cotangent, inputShape: shape, window: window)
        let left = zip(columns.doubles, cotangent.doubles).reduce(0) { $0 + $1.0 * $1.1 }
        let right = zip(x.doubles, folded.doubles).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(left == right, "seed \(seed), \(shape), \(window)")
    }

    /// Few filters, or few channels in the gradient: lanes are pixels, and rows end before, at and
    /// behind the end of a vector of any instruction set.
    @Test(arguments: InstructionSet.supported, [3, 4, 5, 8, 9, 15, 16, 17, 31, 33, 67])
    func rowsOfAnyWidthAreExact(_ set: InstructionSet, _ width: Int) throws {
        var draw = Draw(seed: width)
        for (filters, groups) in [(1, 1), (2, 1), (3, 1), (5, 1), (6, 2), (7, 1), (12, 2)] {
            let window = try Window(
                height: 3, width: draw.int(1...3),
                stride: PerAxis(height: draw.int(1...2), width: 1),
                padding: Padding(
                    top: draw.int(0...2), bottom: draw.int(0...2), left: draw.int(0...2),
                    right: draw.int(0...2)),
                dilation: PerAxis(draw.int(1...2)), ceilMode: false)
            let x = try draw.integers([2, 4 * groups, 9, width + 2])
            let weights = try draw.integers([filters, 4, window.size.height, window.size.width])
            let bias = try draw.integers([filters])
            let run = { (kernels: any Kernels) -> [Tensor] in
                let y = try kernels.convolution(
                    x, weights: weights, bias: bias, window: window, groups: groups)
                return [
                    y,
                    try kernels.convolutionInputGradient(
                        y, weights: weights, inputShape: x.shape, window: window, groups: groups),
                ]
            }
            #expect(
                try run(native(set, threads: 2)) == run(reference),
                "\(set), \(filters) filters, \(groups) groups, \(x.shape), \(window)")
        }
    }

    /// Windows of one pixel transpose, in whole vectors or not.
    @Test(
        arguments: InstructionSet.supported,
        [
            [2, 16, 8, 8], [1, 20, 4, 36], [3, 5, 7, 9], [2, 3, 16, 16], [1, 1, 8, 8],
            [2, 64, 5, 13],
        ])
    func windowsOfOnePixelTranspose(_ set: InstructionSet, _ shape: [Int]) throws {
        var draw = Draw(seed: 1)
        let x = try draw.normal(shape)
        let kernels = try native(set)
        let columns = try kernels.im2col(x, window: Window(1))
        #expect(try columns.hasSameBits(as: reference.im2col(x, window: Window(1))))
        let back = try kernels.col2im(columns, inputShape: shape, window: Window(1))
        #expect(back.hasSameBits(as: x))
    }

    /// Rows of places and of taps one short of a block, a block, and one more; strides with and
    /// without blocks; windows that reach farther than blocks do; rows that see only padding.
    @Test(arguments: InstructionSet.supported, BlockShape.all)
    func blocksOfColumnsAreExact(_ set: InstructionSet, _ size: BlockShape) throws {
        var draw = Draw(seed: 3)
        let window = try size.window()
        let x = try draw.integers(size.shape)
        let kernels = try native(set)
        let columns = try kernels.im2col(x, window: window)
        #expect(columns == (try reference.im2col(x, window: window)), "\(size), \(set)")
        let cotangent = try draw.integers(columns.shape)
        let folded = try kernels.col2im(cotangent, inputShape: size.shape, window: window)
        #expect(
            folded == (try reference.col2im(cotangent, inputShape: size.shape, window: window)),
            "\(size), \(set)")
    }

    /// Matrices that are written past the caches, on one thread and several.
    @Test(
        arguments: InstructionSet.supported,
        [([2, 16, 61, 59], 7, 1, 3), ([3, 32, 127, 131], 4, 2, 1)])
    func columnsPastTheCachesAreExact(
        _ set: InstructionSet, _ size: ([Int], Int, Int, Int)
    ) throws {
        var draw = Draw(seed: 4)
        let (shape, kernel, stride, padding) = size
        let x = try draw.integers(shape)
        let window = try Window(kernel, stride: stride, padding: padding)
        let expected = try reference.im2col(x, window: window)
        #expect(expected.count * 4 >= 16 << 20)
        for threads in [1, 3] {
            let columns = try native(set, threads: threads).im2col(x, window: window)
            #expect(columns == expected, "\(size), \(set), \(threads) threads")
        }
    }
}

/// An image and a window whose columns fill blocks of 16 taps and of 16 or 32 places, or don't.
struct BlockShape: Sendable {
    let shape: [Int]
    let kernel: (height: Int, width: Int)
    var stride = 1
    var padding = 0
    var dilation = 1

    static let all =
        [15, 16, 17, 31, 32, 33, 65].map { width in
            Self(shape: [2, 3, 4, width + 2], kernel: (2, 3))
        }
        + [15, 16, 17, 33].map { taps in Self(shape: [1, taps, 5, 20], kernel: (1, 1), padding: 1) }
        + [15, 16, 17, 33].map { places in
            Self(shape: [2, 5, 7, 2 * places + 1], kernel: (3, 3), stride: 2)
        }
        + [
            Self(shape: [1, 4, 1, 40], kernel: (1, 5), padding: 0),
            Self(shape: [2, 16, 6, 50], kernel: (3, 3), padding: 5),
            Self(shape: [2, 3, 9, 40], kernel: (2, 9), padding: 3, dilation: 2),
            Self(shape: [2, 3, 9, 40], kernel: (2, 9), padding: 3, dilation: 3),
            Self(shape: [1, 2, 3, 70], kernel: (1, 16)),
            Self(shape: [1, 2, 3, 70], kernel: (1, 17), padding: 2),
            Self(shape: [1, 7, 12, 36], kernel: (3, 11), stride: 3, padding: 1),
            Self(shape: [1, 20, 30, 3], kernel: (5, 3), stride: 2, padding: 2),
        ]

    func window() throws -> Window {
        try Window(
            height: kernel.height, width: kernel.width, stride: PerAxis(stride),
            padding: Padding(padding), dilation: PerAxis(dilation))
    }
}
