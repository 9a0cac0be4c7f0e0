// SPDX-License-Identifier: MIT
//
// Batch normalization, and the activations that came with it, against the reference.

import ConvNetKernels
import ConvNetTestSupport
import Testing

/// Batch normalization and the activations beside it, against the reference.
@Suite struct BatchNormalizationKernelTests {
    @Test(arguments: InstructionSet.supported, 0..<drawnCases / 2)
    func batchNormalizationAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let channels = draw.pick([1, 2, 7, 16, 33])
        let x = try draw.normal(
            draw.oneIn(3)
                ? [draw.pick([2, 3, 100, 255, 256, 257, 600]), channels]
                : [draw.int(1...3), channels, draw.int(2...9), draw.int(1...40)])
        let (dy, scales) = (try draw.normal(x.shape), try draw.normal([channels]))
        let (beta, kernels) = (try draw.normal([channels]), try native(set))
        let exact = try reference.batchStatistics(x)
        let statistics = try kernels.batchStatistics(x)
        // Both sum in Double and round once: at most to neighbouring numbers.
        for (one, other) in [
            (statistics.mean, exact.mean), (statistics.variance, exact.variance),
        ] {
            let bounds = other.doubles.map { abs($0) * gamma(2) + 1e-15 }
            #expect(Comparison(one, other, bounds: bounds).isWithinBounds, "seed \(seed)")
        }
        // With epsilon 0.1 nothing is divided by less than 0.316. Each term has at most 8
        // roundings.
        let inputs = x.doubles.map(abs).reduce(0, max) + 4
        let factors = scales.doubles.map(abs).reduce(0, max) / 0.316
        let addends = beta.doubles.map(abs).reduce(0, max)
        let forward = Comparison(
            try kernels.batchNormalization(
                x, statistics: exact, gamma: scales, beta: beta, epsilon: 0.1),
            try reference.batchNormalization(
                x, statistics: exact, gamma: scales, beta: beta, epsilon: 0.1),
            bounds: [Double](
                repeating: (2 * inputs * factors + addends) * gamma(8), count: x.count))
        #expect(forward.isWithinBounds, "seed \(seed), \(x.shape): \(forward)")
        let result = try kernels.batchNormalizationGradient(
            dy, input: x, statistics: exact, gamma: scales, epsilon: 0.1)
        let expected = try reference.batchNormalizationGradient(
            dy, input: x, statistics: exact, gamma: scales, epsilon: 0.1)
        // |z| is at most |x − mean| / 0.316, and mean |dy z| at most the largest of both.
        let z = 2 * inputs / 0.316
        let largest = dy.doubles.map(abs).reduce(0, max)
        let count = Double(x.count / channels)
        for (one, other, size) in [
            (result.input, expected.input, factors * largest * (2 + z * z)),
            (result.gamma, expected.gamma, largest * z * count),
            (result.beta, expected.beta, largest * count),
        ] {
            let comparison = Comparison(
                one, other, bounds: [Double](repeating: size * gamma(12), count: one.count))
            #expect(comparison.isWithinBounds, "seed \(seed), \(x.shape): \(comparison)")
        }
    }

    /// With an addend and an activation behind it, a normalization has the bits of one after the
    /// other; of whole numbers, with a divisor of 2, those of the reference.
    @Test(arguments: InstructionSet.supported, 0..<drawnCases / 2)
    func joinedNormalizationsAreTheSame(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let channels = draw.pick([1, 7, 31, 32, 33, 70])
        let shape =
            draw.oneIn(6)
            ? [draw.int(2...9), channels]
            : [draw.int(1...3), channels, draw.int(1...40), draw.int(2...40)]
        func numbers(_ shape: [Int], _ range: ClosedRange<Int>) throws -> Tensor {
            try Tensor(
                shape: shape,
                scalars: (0..<shape.reduce(1, *)).map { _ in Float(draw.int(range)) })
        }
        let (x, dy) = (try numbers(shape, -9...9), try numbers(shape, -9...9))
        let addend = draw.oneIn(2) ? try numbers(shape, -9...9) : nil
        let normalization = ChannelNormalization(
            statistics: BatchStatistics(
                mean: try numbers([channels], -3...3),
                variance: try Tensor(shape: [channels], repeating: 3.75)),
            gamma: try numbers([channels], -2...2), beta: try numbers([channels], -2...2),
            epsilon: 0.25)
        let ofWholeNumbers: [Activation] = [.relu, .relu6, .clip(from: -1, to: 2)]
        let activation = draw.oneIn(5) ? nil : draw.pick(ofWholeNumbers + [.tanh, .silu])
        let kernels = try native(set)
        let y = try kernels.batchNormalization(
            x, normalization, addend: addend, activation: activation)
        #expect(
            try y.hasSameBits(
                as: kernels.separateBatchNormalization(
                    x, normalization, addend: addend, activation: activation)), "seed \(seed)")
        let exact = try reference.batchNormalization(
            x, normalization, addend: addend, activation: activation)
        let isExact = activation.map { ofWholeNumbers.contains($0) }
        if isExact ?? true { #expect(y == exact, "seed \(seed), \(shape)") }

        let function = activation ?? .relu
        let found = try kernels.batchNormalizationGradient(
            dy, input: x, normalization, activation: function)
        let apart = try kernels.separateBatchNormalizationGradient(
            dy, input: x, normalization, activation: function)
        for (one, other) in [
            (found.input, apart.input), (found.gamma, apart.gamma), (found.beta, apart.beta),
        ] {
            #expect(one.hasSameBits(as: other), "seed \(seed), \(shape), \(function)")
        }
        let wanted = try reference.batchNormalizationGradient(
            dy, input: x, normalization, activation: function)
        if isExact ?? true {
            #expect(found.beta == wanted.beta, "seed \(seed)")
            #expect(found.gamma == wanted.gamma, "seed \(seed)")
        }
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func activationsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let count = draw.int(1...200)
        let x = try Tensor(
            shape: [count],
            scalars: (0..<count).map { _ in
                draw.oneIn(4)
                    ? draw.pick(ElementwiseTests.special) : Float(draw.int(-3000...3000)) / 300
            })
        let kernels = try native(set)
        let dy = try draw.normal([count])
        let (y, exact) = (try kernels.tanh(x), try reference.tanh(x))
        for ((result, wanted), input) in zip(zip(y.doubles, exact.doubles), x.doubles) {
            // Four units in the last place are 8 of roundoff, and one rounding is the reference's.
            let isRight =
                input.isNaN ? result.isNaN : abs(result - wanted) <= abs(wanted) * 9 * unitRoundoff
            #expect(isRight, "tanh(\(input)) is \(result), expected \(wanted), \(set)")
        }
        #expect(
            PoolingTests.areEqualOrBothNaN(
                try kernels.leakyReLU(x, negativeSlope: 0.25),
                try reference.leakyReLU(x, negativeSlope: 0.25)), "seed \(seed)")
        #expect(
            try kernels.leakyReLUGradient(dy, input: x, negativeSlope: 0.25)
                == reference.leakyReLUGradient(dy, input: x, negativeSlope: 0.25), "seed \(seed)")
        let rows = try reference.tanh(draw.normal([3, 7]))
        let (probabilities, d) = (try reference.softmax(rows), try draw.normal([3, 7]))
        let total = d.doubles.map(abs).reduce(0, +)
        let softmax = Comparison(
            try kernels.softmaxGradient(d, output: probabilities),
            try reference.softmaxGradient(d, output: probabilities),
            bounds: [Double](repeating: total * gamma(3), count: 21))
        #expect(softmax.isWithinBounds, "seed \(seed): \(softmax)")
    }
}
