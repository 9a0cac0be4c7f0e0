// SPDX-License-Identifier: MIT
//
// A 1×1 convolution and the depthwise convolution of its output at once: the bits of one after the
// other, on each instruction set.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ExpansionTests {
    /// Images and channels for which kernels do both at once. Rows that are shorter than a tile,
    /// as long, and longer; blocks of channels that are full, and not; planes that are done at
    /// once, and in steps.
    static let shapes: [(shape: [Int], channels: Int)] = [
        ([1, 16, 113, 97], 96), ([2, 5, 60, 72], 67), ([1, 3, 20, 31], 45), ([3, 33, 12, 11], 210),
        ([1, 7, 200, 40], 15), ([1, 1, 9, 900], 10), ([2, 130, 27, 26], 40), ([1, 9, 36, 16], 50),
        ([2, 96, 7, 7], 64), ([1, 40, 14, 14], 81), ([3, 8, 1, 1], 33), ([1, 3, 2, 9], 1),
        ([1, 2, 30, 4], 16),
    ]

    private static func same(
        _ kernels: NativeKernels, _ x: Tensor, _ first: ConvolutionStage, _ second: ConvolutionStage
    ) throws -> Bool {
        let expected = try kernels.convolution(kernels.convolution(x, first), second)
        var kept = first
        kept.prepacked = PrepackedFilters()
        return try (0..<3).allSatisfy { _ in
            try kernels.convolution(x, kept, then: second).hasSameBits(as: expected)
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<shapes.count)
    func theBitsAreThoseOfOneAfterTheOther(_ set: InstructionSet, _ index: Int) throws {
        let (shape, channels) = Self.shapes[index]
        var draw = Draw(seed: index)
        let x = try draw.normal(shape)
        let weights = try draw.normal([channels, shape[1], 1, 1])
        for size in [3, 5] {
            let taps = try draw.normal([channels, 1, size, size])
            for stride in [1, 2] {
                let padding = Padding(
                    top: draw.int(max(0, size - shape[2])...size), bottom: draw.int(0...2),
                    left: draw.int(max(0, size - shape[3])...size), right: draw.int(0...2))
                let window = try Window(
                    height: size, width: size, stride: PerAxis(stride), padding: padding)
                let bias = draw.oneIn(3) ? nil : try draw.normal([channels])
                let activations: [Activation?] = [
                    nil, .relu, .relu6, .silu, .hardSwish,
                ]
                let first = ConvolutionStage(
                    weights: weights, ConvolutionDescriptor(try Window(1)),
                    epilogue: Epilogue(bias: bias, activation: draw.pick(activations)))
                let second = ConvolutionStage(
                    weights: taps, ConvolutionDescriptor(window, groups: channels),
                    epilogue: Epilogue(bias: bias, activation: draw.pick(activations)))
                for threads in [1, 3] {
                    #expect(
                        try Self.same(native(set, threads: threads), x, first, second),
                        "\(set), \(shape), \(channels) channels, \(window), \(threads) threads")
                }
            }
        }
    }

    /// An expansion of images of a shape, and a depthwise convolution of what it gives.
    static func stages(
        _ draw: ([Int]) throws -> Tensor, _ shape: [Int], _ channels: Int, stride: Int = 2
    ) throws -> (first: ConvolutionStage, second: ConvolutionStage) {
        let first = ConvolutionStage(
            weights: try draw([channels, shape[1], 1, 1]), ConvolutionDescriptor(try Window(1)),
            epilogue: Epilogue(bias: try draw([channels]), activation: .relu))
        let second = ConvolutionStage(
            weights: try draw([channels, 1, 3, 3]),
            ConvolutionDescriptor(try Window(3, stride: stride, padding: 1), groups: channels),
            epilogue: Epilogue(bias: try draw([channels]), activation: .relu6))
        return (first, second)
    }

    /// On whole numbers, where all sums are exact.
    @Test(arguments: InstructionSet.supported, 0..<4)
    func agreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let shape = [1 + seed % 2, draw.int(1...9), draw.int(50...80), draw.int(40...70)]
        let x = try draw.integers(shape)
        let (first, second) = try Self.stages(
            { try draw.integers($0) }, shape, draw.int(131...140), stride: 1 + seed / 2)
        let results = try [native(set), reference].map {
            try $0.convolution(x, first, then: second)
        }
        #expect(results[0] == results[1], "\(set), \(shape)")
    }

    /// Pairs of another kind are done one after the other: an epilogue with more, several groups, a
    /// strided first one, filters that are not depthwise, a window of another size.
    @Test(arguments: InstructionSet.supported)
    func otherPairsAreDoneInTurn(_ set: InstructionSet) throws {
        var draw = Draw(seed: 9)
        let x = try draw.normal([1, 8, 70, 70])
        let pointwise = ConvolutionStage(
            weights: try draw.normal([64, 8, 1, 1]), ConvolutionDescriptor(try Window(1)))
        let depthwise = ConvolutionStage(
            weights: try draw.normal([64, 1, 3, 3]),
            ConvolutionDescriptor(try Window(3, padding: 1), groups: 64))
        var added = depthwise
        added.epilogue.addend = try draw.normal([1, 64, 70, 70])
        var grouped = pointwise
        grouped.weights = try draw.normal([64, 4, 1, 1])
        grouped.descriptor.groups = 2
        var strided = pointwise
        strided.descriptor.window = try Window(1, stride: 2)
        let full = ConvolutionStage(
            weights: try draw.normal([5, 64, 3, 3]), ConvolutionDescriptor(try Window(3)))
        let kernels = try native(set)
        for (first, second) in [
            (pointwise, added), (grouped, depthwise), (strided, depthwise), (pointwise, full),
        ] {
            #expect(try Self.same(kernels, x, first, second))
        }
        let seven = ConvolutionStage(
            weights: try draw.normal([64, 1, 7, 7]),
            ConvolutionDescriptor(try Window(7, padding: 3), groups: 64))
        #expect(try Self.same(kernels, x, pointwise, seven))
    }

    @Test func mistakesAreNamed() throws {
        let first = ConvolutionStage(
            weights: try Tensor(zeros: [64, 8, 1, 1]), ConvolutionDescriptor(try Window(1)))
        let second = ConvolutionStage(
            weights: try Tensor(zeros: [64, 1, 3, 3]),
            ConvolutionDescriptor(try Window(3, padding: 1), groups: 64))
        let x = try Tensor(zeros: [1, 8, 70, 70])
        func fails(_ x: Tensor, _ first: ConvolutionStage, _ second: ConvolutionStage) {
            #expect(throws: TensorError.self) {
                try NativeKernels().convolution(x, first, then: second)
            }
        }
        fails(try Tensor(zeros: [1, 7, 70, 70]), first, second)
        fails(try x.converted(to: .float64), first, second)
        var wrong = second
        wrong.weights = try Tensor(zeros: [63, 1, 3, 3])
        fails(x, first, wrong)
        wrong = first
        wrong.epilogue.bias = try Tensor(zeros: [63])
        fails(x, wrong, second)
    }
}
