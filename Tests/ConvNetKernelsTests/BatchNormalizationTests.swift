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
