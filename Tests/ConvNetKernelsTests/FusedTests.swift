// SPDX-License-Identifier: MIT
//
// Operations that stand for several in a row: the same bits as one after the other, on each
// instruction set, NaN and infinities included; and what they refuse.

import ConvNetKernels
import ConvNetTestSupport
import Testing

/// A drawn convolution and a pooling of its output.
struct DrawnPooledConvolution {
    let x, weights: Tensor
    let bias: Tensor?
    let window, pooling: Window
    let groups: Int
    let rectified: Bool

    /// Numbers of the normal distribution; `awkward` puts NaN, infinities and many ties among them.
    init(seed: Int, awkward: Bool = false) throws {
        var draw = Draw(seed: seed)
        groups = draw.pick([1, 1, 2, 3])
        let channels = groups * draw.int(1...4)
        let filters = groups * (draw.oneIn(3) ? draw.int(13...70) : draw.int(1...17))
        while true {
            let (shape, window) = try draw.windowedShape(samples: 1...4, channels: channels)
            let output = try window.outputSize(height: shape[2], width: shape[3])
            guard
                let pooling = try Self.pooling(
                    of: [shape[0], filters, output.height, output.width], &draw)
            else { continue }
            (self.window, self.pooling) = (window, pooling)
            let weightShape = [
                filters, channels / groups, window.size.height, window.size.width,
            ]
            x = awkward ? try PoolingTests.awkward(shape, &draw) : try draw.normal(shape)
            weights = awkward ? try draw.integers(weightShape) : try draw.normal(weightShape)
            break
        }
        bias = draw.oneIn(4) ? nil : try draw.integers([filters])
        rectified = draw.oneIn(2)
    }

    /// A pooling window that fits, of some tries.
    private static func pooling(of shape: [Int], _ draw: inout Draw) throws -> Window? {
        for _ in 0..<20 {
            let size = PerAxis(height: draw.int(1...4), width: draw.int(1...4))
            let window = try Window(
                size: size,
                stride: PerAxis(height: draw.int(1...3), width: draw.int(1...3)),
                padding: Padding(
                    top: draw.int(0...size.height / 2), bottom: draw.int(0...size.height / 2),
                    left: draw.int(0...size.width / 2), right: draw.int(0...size.width / 2)),
                dilation: PerAxis(height: draw.pick([1, 1, 2]), width: draw.pick([1, 1, 2])),
                ceilMode: draw.oneIn(4))
            if (try? KernelChecks.pooling(inputShape: shape, window: window, operation: "")) != nil
            {
                return window
            }
        }
        return nil
    }

    /// All at once.
    func pooled(_ kernels: any Kernels, wantsArgmax: Bool = true) throws -> (Tensor, IndexTensor?) {
        try kernels.convolutionMaxPooling(
            x, weights: weights, prepacked: nil, bias: bias, window: window, groups: groups,
            pooling: pooling, rectified: rectified, wantsArgmax: wantsArgmax)
    }

    /// One after the other.
    func pooledSeparately(_ kernels: any Kernels) throws -> MaxPoolingResult {
        let output = try kernels.convolution(
            x, weights: weights, bias: bias, window: window, groups: groups)
        let result = try kernels.maxPoolingWithArgmax(output, window: pooling)
        guard rectified else { return result }
        return MaxPoolingResult(output: try kernels.relu(result.output), argmax: result.argmax)
    }
}

@Suite struct FusedTests {
    /// The same bits, but for the bits of a NaN.
    private static func areSame(_ left: Tensor, _ right: Tensor) -> Bool {
        left.shape == right.shape
            && zip(left.scalars, right.scalars).allSatisfy {
                $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN)
            }
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func aPooledConvolutionIsTheSameTogether(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnPooledConvolution(seed: seed, awkward: seed % 4 == 0)
        let kernels = try native(set, threads: 1 + seed % 3)
        let expected = try drawn.pooledSeparately(kernels)
        let (output, argmax) = try drawn.pooled(kernels)
        #expect(Self.areSame(output, expected.output), "seed \(seed), \(drawn)")
        #expect(argmax == expected.argmax, "seed \(seed), \(drawn)")
        let (maxima, nothing) = try drawn.pooled(kernels, wantsArgmax: false)
        #expect(Self.areSame(maxima, expected.output) && nothing == nil, "seed \(seed), \(drawn)")
    }

    /// Whole numbers are exact, and the argmax is the reference's too.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func aPooledConvolutionAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        let drawn = try DrawnPooledConvolution(seed: 4 * seed, awkward: true)
        let (output, argmax) = try drawn.pooled(native(set))
        let (expected, places) = try drawn.pooled(reference)
        #expect(PoolingTests.areEqualOrBothNaN(output, expected), "seed \(4 * seed), \(drawn)")
        #expect(argmax == places, "seed \(4 * seed), \(drawn)")
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func theWeightGradientOfAPooledConvolutionIsTheSameTogether(
        _ set: InstructionSet, _ seed: Int
    ) throws {
        let drawn = try DrawnPooledConvolution(seed: seed)
        let kernels = try native(set, threads: 1 + seed % 3)
        let (output, argmax) = try drawn.pooled(kernels)
        let (x, window, groups) = (drawn.x, drawn.window, drawn.groups)
        let places = try #require(argmax)
        let together = try kernels.convolutionMaxPoolingWeightGradient(
            output, argmax: places, input: x, window: window, groups: groups,
            pooling: drawn.pooling)
        let size = try window.outputSize(height: x.shape[2], width: x.shape[3])
        let spread = try kernels.maxPoolingGradient(
            output, argmax: places,
            inputShape: [x.shape[0], drawn.weights.shape[0], size.height, size.width])
        let separate = try kernels.convolutionWeightGradient(
            spread, input: x, window: window, groups: groups)
        #expect(together.hasSameBits(as: separate), "seed \(seed), \(drawn)")
    }

    @Test(arguments: InstructionSet.supported, 0..<2 * drawnCases)
    func anAffineLayerIsTheSameTogether(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let m = draw.oneIn(3) ? 1 : draw.int(1...40)
        let n = draw.oneIn(4) ? draw.int(100...300) : draw.int(1...70)
        let k = draw.oneIn(4) ? draw.int(500...1100) : draw.int(1...60)
        let x = try draw.normal([m, k])
        let weights = try draw.normal([k, n])
        let bias = try draw.normal([n])
        let rectified = draw.oneIn(2)
        let kernels = try native(set, threads: 1 + seed % 3)
        let together = try kernels.affine(x, weights: weights, bias: bias, rectified: rectified)
        var separate = try kernels.gemm(MatrixView(x), MatrixView(weights))
        try kernels.addBias(bias, to: &separate)
        if rectified { separate = try kernels.relu(separate) }
        #expect(together.hasSameBits(as: separate), "seed \(seed), \(m)×\(n)×\(k)")

        // A sum of k products, the bias and the reference's own rounding.
        let bounds = try reference.affine(
            x.magnitudes(), weights: weights.magnitudes(), bias: bias.magnitudes(),
            rectified: false
        ).doubles.map { $0 * gamma(k + 2) }
        let expected = try reference.affine(
            x, weights: weights, bias: bias, rectified: rectified)
        let comparison = Comparison(together, expected, bounds: bounds)
        #expect(comparison.isWithinBounds, "seed \(seed), \(m)×\(n)×\(k): \(comparison)")
    }

    @Test(arguments: InstructionSet.supported)
    func anAffineLayerLetsNaNThrough(_ set: InstructionSet) throws {
        let x = try Tensor(shape: [2, 2], scalars: [.nan, 1, -1, -1])
        let weights = try Tensor(shape: [2, 1], scalars: [1, 1])
        let y = try native(set).affine(
            x, weights: weights, bias: Tensor(zeros: [1]), rectified: true)
        #expect(y.scalars[0].isNaN && y.scalars[1] == 0)
    }

    @Test func mistakesAreNamed() throws {
        let x = try Tensor(zeros: [2, 3])
        let weights = try Tensor(zeros: [3, 4])
        let bias = try Tensor(zeros: [4])
        BadInputTests.expect("affine: x is [2, 3], expected [N, 4]") {
            _ = try $0.affine(x, weights: Tensor(zeros: [4, 4]), bias: bias, rectified: true)
        }
        BadInputTests.expect("affine: weights is [3], expected [in, out]") {
            _ = try $0.affine(x, weights: Tensor(zeros: [3]), bias: bias, rectified: true)
        }
        BadInputTests.expect("affine: bias is [3], expected [4]") {
            _ = try $0.affine(x, weights: weights, bias: Tensor(zeros: [3]), rectified: true)
        }
        BadInputTests.expect("affine: weights is float64, expected float32") {
            _ = try $0.affine(
                x, weights: weights.converted(to: .float64), bias: bias, rectified: true)
        }

        let operation = "convolutionWeightGradient"
        let images = try Tensor(zeros: [1, 2, 6, 6])
        let gradient = try Tensor(zeros: [1, 4, 2, 2])
        let argmax = try IndexTensor(shape: [1, 4, 2, 2], indices: Array(repeating: 0, count: 16))
        func run(
            _ kernels: any Kernels, gradient: Tensor? = nil, argmax places: IndexTensor? = nil,
            groups: Int = 1
        ) throws {
            _ = try kernels.convolutionMaxPoolingWeightGradient(
                gradient ?? Tensor(zeros: [1, 4, 2, 2]), argmax: places ?? argmax, input: images,
                window: Window(3), groups: groups, pooling: Window(2, stride: 2))
        }
        BadInputTests.expect("\(operation): outputGradient is [1, 4, 4], expected [N, F, OH, OW]") {
            try run($0, gradient: gradient.reshaped(to: [1, 4, 4]))
        }
        BadInputTests.expect(
            "\(operation): outputGradient is [1, 4, 1, 4], expected [1, 4, 2, 2]"
        ) { try run($0, gradient: gradient.reshaped(to: [1, 4, 1, 4])) }
        BadInputTests.expect(
            "\(operation): groups is 3, expected a divisor of 2 channels and 4 filters"
        ) { try run($0, groups: 3) }
        let outside = try IndexTensor(
            shape: [1, 4, 2, 2], indices: Array(repeating: 16, count: 16))
        BadInputTests.expect(
            "maxPoolingGradient: argmax is 16, expected from 0 to 15, inside a plane"
        ) { try run($0, argmax: outside) }
    }
}
