// SPDX-License-Identifier: MIT
//
// Numbers at the edges: NaN and infinity come out where the reference has them, denormal numbers
// are computed with as any others, and errors stay within their bounds where magnitudes lie 60
// powers of ten apart and sums cancel.

import ConvNetKernels
import ConvNetTestSupport
import Testing

/// A convolution of each way there is, by what decides about it.
struct WayCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shape: [Int]
    let filters, kernel, stride: Int
    /// What computes the output.
    let algorithm: ConvolutionAlgorithm
    /// What computes the gradient with respect to the images where Winograd's algorithm may, if
    /// that is named.
    var inputGradient: ConvolutionAlgorithm?

    static let all = [
        WayCase(
            testDescription: "by rows", shape: [2, 1, 20, 19], filters: 3, kernel: 5, stride: 1,
            algorithm: .rows),
        WayCase(
            testDescription: "direct", shape: [2, 8, 14, 13], filters: 33, kernel: 3, stride: 1,
            algorithm: .direct),
        WayCase(
            testDescription: "direct, strided", shape: [2, 3, 21, 20], filters: 24, kernel: 7,
            stride: 2, algorithm: .direct),
        WayCase(
            testDescription: "as a product with the images", shape: [2, 40, 16, 15], filters: 20,
            kernel: 1, stride: 1, algorithm: .pointwise),
        WayCase(
            testDescription: "as a product with patches", shape: [2, 260, 6, 5], filters: 20,
            kernel: 3, stride: 1, algorithm: .implicitGEMM),
        WayCase(
            testDescription: "direct, its input gradient by Winograd's", shape: [22, 48, 5, 11],
            filters: 48, kernel: 3,
            stride: 1,
            algorithm: .direct, inputGradient: .winograd),
    ]

    /// Fails unless the case takes the algorithms that it names.
    func requireItsAlgorithms(_ kernels: NativeKernels) throws {
        func found(_ pass: ConvolutionPass) throws -> ConvolutionAlgorithm {
            try kernels.convolutionAlgorithm(
                inputShape: shape, weightsShape: weightsShape,
                window: Window(kernel, stride: stride), pass: pass)
        }
        try #require(found(.forward) == algorithm, "\(self), \(kernels.instructionSet)")
        guard let inputGradient else { return }
        let expected = kernels.winograd || inputGradient != .winograd ? inputGradient : .direct
        try #require(found(.inputGradient) == expected, "\(self), \(kernels.instructionSet)")
    }

    /// The convolution, its gradients and im2col, of tensors that `fill` makes.
    func results(
        _ kernels: any Kernels, x: Tensor, weights: Tensor, outputGradient: Tensor
    ) throws -> [(name: String, tensor: Tensor)] {
        let window = try Window(kernel, stride: stride)
        return [
            ("im2col", try kernels.im2col(x, window: window)),
            ("convolution", try kernels.convolution(x, weights: weights, window: window)),
            (
                "input gradient",
                try kernels.convolutionInputGradient(
                    outputGradient, weights: weights, inputShape: shape, window: window, groups: 1)
            ),
            (
                "weight gradient",
                try kernels.convolutionWeightGradient(
                    outputGradient, input: x, window: window, groups: 1)
            ),
        ]
    }

    var weightsShape: [Int] { [filters, shape[1], kernel, kernel] }
    var outputShape: [Int] {
        [shape[0], filters] + shape[2...].map { ($0 - kernel) / stride + 1 }
    }
}

@Suite struct NumbersTests {
    /// Small whole numbers, and now and then one of some others.
    private static func integers(
        _ shape: [Int], _ draw: inout Draw, scale: Float = 1, others: [Float] = []
    ) throws -> Tensor {
        let count = shape.reduce(1, *)
        let numbers = (0..<count).map { _ -> Float in
            if !others.isEmpty, draw.oneIn(40) { return draw.pick(others) }
            return Float(draw.int(-2...2)) * scale
        }
        return try Tensor(shape: shape, scalars: numbers)
    }

    /// The first difference, for people; nil where all is equal, NaN to NaN.
    private static func difference(_ left: Tensor, _ right: Tensor) -> String? {
        guard left.shape == right.shape else { return "\(left.shape), expected \(right.shape)" }
        for (place, (a, b)) in zip(left.scalars, right.scalars).enumerated()
        where a != b && !(a.isNaN && b.isNaN) {
            return "[\(place)] is \(a), expected \(b)"
        }
        return nil
    }

    private static let specials: [Float] = [.nan, .infinity, -.infinity]

    /// Without Winograd's algorithm, which says of itself that a whole tile takes such numbers
    /// over.
    @Test(arguments: InstructionSet.supported, WayCase.all)
    func convolutionsHaveNaNAndInfinityWhereTheReferenceHas(
        _ set: InstructionSet, _ way: WayCase
    ) throws {
        let kernels = try NativeKernels(threads: 2, instructionSet: set, winograd: false)
        try way.requireItsAlgorithms(kernels)
        var draw = Draw(seed: 21)
        let x = try Self.integers(way.shape, &draw, others: Self.specials)
        let dy = try Self.integers(way.outputShape, &draw, others: Self.specials)
        // Not 0: an infinity times 0 is NaN, and a filter may be padded with zeros.
        let weights = try Tensor(
            shape: way.weightsShape,
            scalars: (0..<way.weightsShape.reduce(1, *)).map { _ in
                Float(draw.pick([-2, -1, 1, 2]))
            })
        let found = try way.results(kernels, x: x, weights: weights, outputGradient: dy)
        let expected = try way.results(reference, x: x, weights: weights, outputGradient: dy)
        for ((name, result), (_, wanted)) in zip(found, expected) {
            let difference = Self.difference(result, wanted)
            #expect(difference == nil, "\(name), \(way), \(set): \(difference ?? "")")
        }
    }

    @Test(arguments: InstructionSet.supported, [[1, 70, 90], [13, 33, 40], [150, 97, 260]])
    func productsHaveNaNAndInfinityWhereTheReferenceHas(
        _ set: InstructionSet, _ sizes: [Int]
    ) throws {
        var draw = Draw(seed: 22)
        let a = try MatrixView(Self.integers([sizes[0], sizes[2]], &draw, others: Self.specials))
        let b = try MatrixView(Self.integers([sizes[2], sizes[1]], &draw))
        let rare = try MatrixView(Self.integers([sizes[1], sizes[2]], &draw, others: [.infinity]))
        for (left, right) in [(a, b), (a, rare.transposed)] {
            let difference = Self.difference(
                try native(set).gemm(left, right), try reference.gemm(left, right))
            #expect(difference == nil, "\(set), \(sizes): \(difference ?? "")")
        }
    }

    @Test(arguments: InstructionSet.supported)
    func sumsAndMeansHaveNaNAndInfinityWhereTheReferenceHas(_ set: InstructionSet) throws {
        let kernels = try native(set)
        var draw = Draw(seed: 23)
        let x = try Self.integers([3, 7, 16, 17], &draw, others: Self.specials)
        let window = try Window(2, stride: 2)
        let runs: [(String, (any Kernels) throws -> Tensor)] = [
            ("bias gradient", { try $0.biasGradient(x) }),
            (
                "average pooling",
                { try $0.averagePooling(x, window: window, countIncludePad: true) }
            ),
            ("max pooling", { try $0.maxPooling(x, window: window) }),
            ("ReLU", { try $0.relu(x) }),
            ("leaky ReLU", { try $0.leakyReLU(x, negativeSlope: 0.5) }),
        ]
        for (name, run) in runs {
            let difference = Self.difference(try run(kernels), try run(reference))
            #expect(difference == nil, "\(name), \(set): \(difference ?? "")")
        }
        // One NaN spoils its own row, channel or pixel and nothing else.
        var numbers = [Float](repeating: 1, count: 4 * 6)
        numbers[7] = .nan
        let rows = try Tensor(shape: [4, 6], scalars: numbers)
        let softmax = try kernels.softmax(rows).scalars
        #expect(softmax.indices.allSatisfy { softmax[$0].isNaN == (6..<12).contains($0) }, "\(set)")
        let loss = try kernels.softmaxCrossEntropy(rows, labels: [0, 0, 0, 0])
        #expect(loss.loss.isNaN)
        let gradient = loss.gradient.scalars
        #expect(
            gradient.indices.allSatisfy { gradient[$0].isNaN == (6..<12).contains($0) }, "\(set)")
        let images = try Tensor(shape: [4, 6, 1, 1], scalars: numbers)
        let normalized = try kernels.localResponseNormalization(
            images, settings: LocalResponseSettings(size: 3)
        ).scalars
        #expect(
            normalized.indices.allSatisfy { normalized[$0].isNaN == (6..<9).contains($0) }, "\(set)"
        )
        let mean = try kernels.batchStatistics(images)
        #expect(mean.mean.scalars.map(\.isNaN) == [false, true, false, false, false, false])
        #expect(mean.variance.scalars.map(\.isNaN) == [false, true, false, false, false, false])
    }

    /// Multiples of 2⁻¹⁴⁵, which is 16 times the smallest number: exact, unless something is
    /// flushed to zero.
    @Test(arguments: InstructionSet.supported, WayCase.all)
    func denormalNumbersAreNotFlushed(_ set: InstructionSet, _ way: WayCase) throws {
        let kernels = try native(set)
        try way.requireItsAlgorithms(kernels)
        var draw = Draw(seed: 24)
        let tiny: Float = 0x1p-145
        let x = try Self.integers(way.shape, &draw, scale: tiny)
        let weights = try Self.integers(way.weightsShape, &draw)
        let dy = try Self.integers(way.outputShape, &draw)
        let found = try way.results(kernels, x: x, weights: weights, outputGradient: dy)
        let expected = try way.results(reference, x: x, weights: weights, outputGradient: dy)
        for ((name, result), (_, wanted)) in zip(found, expected) {
            let difference = Self.difference(result, wanted)
            #expect(difference == nil, "\(name), \(way), \(set): \(difference ?? "")")
        }
        let window = try Window(2, stride: 2)
        let runs: [(String, (any Kernels) throws -> Tensor)] = [
            ("bias gradient", { try $0.biasGradient(x) }),
            (
                "average pooling",
                { try $0.averagePooling(x, window: window, countIncludePad: true) }
            ),
            ("max pooling", { try $0.maxPooling(x, window: window) }),
            ("ReLU", { try $0.relu(x) }),
            ("leaky ReLU", { try $0.leakyReLU(x, negativeSlope: 0.5) }),
            ("tanh", { try $0.tanh(x) }),
            ("dropout", { try $0.dropout(x, mask: DropoutMask(rate: 0.5, seed: 1, layer: 1)) }),
        ]
        for (name, run) in runs {
            let difference = Self.difference(try run(kernels), try run(reference))
            #expect(difference == nil, "\(name), \(way), \(set): \(difference ?? "")")
        }
    }

    /// Factors from 1e-30 to 1 and from 1 to 1e30, each second term of a sum the first one's
    /// opposite but for its last bits.
    private static func adversarial(
        _ shape: [Int], _ draw: inout Draw, exponents: ClosedRange<Int>
    ) throws -> Tensor {
        var last: Float = 1
        let numbers = (0..<shape.reduce(1, *)).map { index -> Float in
            if index % 2 == 1 { return -last * (1 + Float(draw.int(-2...2)) * 0x1p-23) }
            last = Float(
                sign: draw.oneIn(2) ? .minus : .plus, exponent: draw.int(exponents),
                significand: 1 + Float(draw.int(0...0x7F_FFFF)) * 0x1p-23)
            return last
        }
        return try Tensor(shape: shape, scalars: numbers)
    }

    @Test(arguments: InstructionSet.supported, [[1, 70, 90], [13, 33, 40], [150, 97, 1100]])
    func productsKeepTheirBoundOnAdversarialNumbers(
        _ set: InstructionSet, _ sizes: [Int]
    ) throws {
        var draw = Draw(seed: 25)
        let a = try Self.adversarial([sizes[0], sizes[2]], &draw, exponents: -100...0)
        // The columns are each other's neighbours in memory: B's rows come in pairs of equals.
        let row = try Self.adversarial([(sizes[2] + 1) / 2, sizes[1]], &draw, exponents: 0...100)
        let b = try row.samples(at: (0..<sizes[2]).map { $0 / 2 })
        func product(_ kernels: any Kernels, _ a: Tensor, _ b: Tensor) throws -> Tensor {
            try kernels.gemm(MatrixView(a), MatrixView(b))
        }
        let bounds = try product(reference, a.magnitudes(), b.magnitudes()).doubles
            .map { $0 * gamma(sizes[2] + 2) }
        let expected = try product(
            reference, a.converted(to: .float64), b.converted(to: .float64))
        let comparison = Comparison(try product(native(set), a, b), expected, bounds: bounds)
        #expect(comparison.isWithinBounds, "\(set), \(sizes): \(comparison)")
    }

    @Test(arguments: InstructionSet.supported, WayCase.all)
    func convolutionsKeepTheirBoundOnAdversarialNumbers(
        _ set: InstructionSet, _ way: WayCase
    ) throws {
        let kernels = try NativeKernels(threads: 2, instructionSet: set, winograd: false)
        try way.requireItsAlgorithms(kernels)
        var draw = Draw(seed: 26)
        let x = try Self.adversarial(way.shape, &draw, exponents: -50...0)
        let weights = try Self.adversarial(way.weightsShape, &draw, exponents: 0...50)
        let dy = try Self.adversarial(way.outputShape, &draw, exponents: 0...50)
        let found = try way.results(kernels, x: x, weights: weights, outputGradient: dy)
        let expected = try way.results(
            reference, x: x.converted(to: .float64), weights: weights.converted(to: .float64),
            outputGradient: dy.converted(to: .float64))
        let magnitudes = try way.results(
            reference, x: x.magnitudes(), weights: weights.magnitudes(),
            outputGradient: dy.magnitudes())
        let terms = [
            0, way.weightsShape[1...].reduce(1, *), way.filters * way.kernel * way.kernel,
            way.shape[0] * way.outputShape[2] * way.outputShape[3],
        ]
        for (index, (name, result)) in found.enumerated() {
            let comparison = Comparison(
                result, expected[index].tensor,
                bounds: magnitudes[index].tensor.doubles.map { $0 * gamma(terms[index] + 2) })
            #expect(comparison.isWithinBounds, "\(name), \(way), \(set): \(comparison)")
        }
    }

    /// Squares from 2⁻¹⁰⁰ to 2¹⁰⁰ in one sum, in neighbouring channels.
    @Test(arguments: InstructionSet.supported)
    func responsesKeepTheirBoundOnAdversarialNumbers(_ set: InstructionSet) throws {
        var draw = Draw(seed: 27)
        let x = try Self.adversarial([2, 9, 5, 7], &draw, exponents: -50...50)
        let settings = try LocalResponseSettings(size: 5, alpha: 1, beta: 0.75, k: 2)
        let y = try reference.localResponseNormalization(
            x.converted(to: .float64), settings: settings)
        let roundings = 0.75 * Double(settings.size + 4) + 8
        let comparison = Comparison(
            try native(set).localResponseNormalization(x, settings: settings), y,
            bounds: y.doubles.map { abs($0) * gamma(Int(roundings) + 1) })
        #expect(comparison.isWithinBounds, "\(set): \(comparison)")
    }

    /// Channels whose numbers nearly cancel in the mean, of sizes from 1e-15 to 1e15.
    @Test(arguments: InstructionSet.supported)
    func batchNormalizationKeepsItsBoundOnAdversarialNumbers(_ set: InstructionSet) throws {
        var draw = Draw(seed: 28)
        let x = try Self.adversarial([4, 6, 5, 8], &draw, exponents: -50...50)
        let kernels = try native(set)
        let (found, exact) = (try kernels.batchStatistics(x), try reference.batchStatistics(x))
        let count = Double(x.count / 6)
        for (name, one, other, sizes) in [
            ("mean", found.mean, exact.mean, try reference.batchStatistics(x.magnitudes()).mean),
            ("variance", found.variance, exact.variance, exact.variance),
        ] {
            // Rounded once each, and sums in Double.
            let bounds = zip(other.doubles, sizes.doubles).map {
                abs($0) * gamma(2) + $1 * count * 0x1p-52
            }
            let comparison = Comparison(one, other, bounds: bounds)
            #expect(comparison.isWithinBounds, "\(name), \(set): \(comparison)")
        }
        let (scales, shifts) = (try draw.normal([6]), try draw.normal([6]))
        func normalized(_ kernels: any Kernels, _ type: ScalarType) throws -> Tensor {
            try kernels.batchNormalization(
                x.converted(to: type),
                statistics: BatchStatistics(
                    mean: exact.mean.converted(to: type),
                    variance: exact.variance.converted(to: type)),
                gamma: scales.converted(to: type), beta: shifts.converted(to: type), epsilon: 1e-5)
        }
        let expected = try normalized(reference, .float64)
        let bounds = expected.doubles.indices.map { index in
            let channel = index / 40 % 6
            // |y| and twice the shift are no less than what is scaled and the shift together.
            return (abs(expected.doubles[index]) + 2 * abs(shifts.doubles[channel])) * gamma(5)
        }
        let comparison = Comparison(try normalized(kernels, .float32), expected, bounds: bounds)
        #expect(comparison.isWithinBounds, "\(set): \(comparison)")
    }
}
