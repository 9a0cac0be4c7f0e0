// SPDX-License-Identifier: MIT
//
// Biases, activations, loss and updates against the reference.

import ConvNetKernels
import ConvNetTestSupport
import Testing

@Suite struct ElementwiseTests {
    /// Shapes with a second axis: around the vectors' and blocks' sizes.
    static func channelShape(_ draw: inout Draw) -> [Int] {
        let (n, c) = (draw.int(1...9), draw.pick([1, 2, 7, 16, 63, 64, 65, 130]))
        return draw.oneIn(2) ? [n, c] : [n, c, draw.int(1...40), draw.int(1...40)]
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func biasAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let x = try draw.normal(Self.channelShape(&draw))
        let bias = try draw.normal([x.shape[1]])
        var (result, expected) = (x, x)
        try native(set).addBias(bias, to: &result)
        try reference.addBias(bias, to: &expected)
        // One addition: rounded as the reference's Double sum is, to the nearest.
        #expect(result == expected, "seed \(seed), \(x.shape)")

        let sums = try native(set).biasGradient(x)
        // 32 additions in a lane, 5 over the lanes, and the result's rounding, here and there.
        let comparison = Comparison(
            sums, try reference.biasGradient(x),
            bounds: try reference.biasGradient(x.magnitudes()).doubles.map { $0 * gamma(39) })
        #expect(comparison.isWithinBounds, "seed \(seed), \(x.shape): \(comparison)")
    }

    static let special: [Float] = [
        .nan, .infinity, -.infinity, 0, -0.0, 0x1p-149, -0x1p-149, 1e-38, 1e38, -1e38, 87.5, -87.5,
        88.8,
        -88.8, 103, -103, 1e4, -1e4,
    ]

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func activationsAgreeWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let count = draw.int(1...200)
        let x = try Tensor(
            shape: [count],
            scalars: (0..<count).map { _ in
                draw.oneIn(4) ? draw.pick(Self.special) : Float(draw.int(-3000...3000)) / 100
            })
        let dy = try draw.normal([count])
        let kernels = try native(set)

        let rectified = try kernels.relu(x)
        #expect(
            PoolingTests.areEqualOrBothNaN(rectified, try reference.relu(x)), "seed \(seed)")
        #expect(
            try kernels.reluGradient(dy, output: rectified)
                == reference.reluGradient(dy, output: rectified), "seed \(seed)")

        let squashed = try kernels.sigmoid(x)
        let expected = try reference.sigmoid(x)
        for ((result, wanted), input) in zip(zip(squashed.doubles, expected.doubles), x.doubles) {
            if input.isNaN {
                #expect(result.isNaN)
            } else {
                // exp to about 4 units of roundoff, an addition and a division; below the smallest
                // normal number only an absolute bound can hold.
                #expect(
                    abs(result - wanted) <= max(wanted * 8 * unitRoundoff, 0x1p-126),
                    "sigmoid(\(input)), \(set)")
            }
        }
        let finite = try draw.normal([count])
        let y = try reference.sigmoid(finite)
        let gradient = Comparison(
            try kernels.sigmoidGradient(dy, output: y),
            try reference.sigmoidGradient(dy, output: y),
            bounds: try reference.sigmoidGradient(
                dy.magnitudes(), output: y.converted(to: .float64)
            )
            .doubles.map { $0 * gamma(4) })
        #expect(gradient.isWithinBounds, "seed \(seed): \(gradient)")
    }

    @Test(arguments: InstructionSet.supported, 0..<drawnCases)
    func lossAgreesWithReference(_ set: InstructionSet, _ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (rows, classes) = (draw.int(1...120), draw.pick([1, 2, 10, 15, 16, 17, 33, 100]))
        let scale = draw.pick([1.0, 30, 1000])
        let logits = try Tensor(
            shape: [rows, classes],
            doubles: draw.normal([rows, classes]).doubles.map { $0 * scale }
        ).converted(to: .float32)
        let labels = (0..<rows).map { _ in draw.int(0...classes - 1) }
        let kernels = try native(set)

        // The difference to the largest logit is rounded, which the exponential multiplies by its
        // size; then exp's own 4 units, a division, a subtraction and the scaling.
        let spread = logits.doubles.map(abs).reduce(0, max) * 2
        let relative = (spread + 10) * unitRoundoff
        let probabilities = try reference.softmax(logits)
        let softmax = Comparison(
            try kernels.softmax(logits), probabilities,
            bounds: probabilities.doubles.map { $0 * relative * 2 + 0x1p-126 })
        #expect(softmax.isWithinBounds, "seed \(seed): \(softmax)")

        let targets = try reference.softmax(draw.normal([rows, classes]))
        for (result, expected) in [
            try (
                kernels.softmaxCrossEntropy(logits, labels: labels),
                reference.softmaxCrossEntropy(logits, labels: labels)
            ),
            try (
                kernels.softmaxCrossEntropy(logits, targets: targets),
                reference.softmaxCrossEntropy(logits, targets: targets)
            ),
        ] {
            #expect(abs(result.loss - expected.loss) <= relative * 2 * (1 + expected.loss))
            let comparison = Comparison(
                result.gradient, expected.gradient,
                bounds: [Double](repeating: relative * 4 / Double(rows), count: logits.count))
            #expect(comparison.isWithinBounds, "seed \(seed): \(comparison)")
        }
    }

    @Test(arguments: InstructionSet.supported)
    func extremeLogitsStayFinite(_ set: InstructionSet) throws {
        let logits = try Tensor(shape: [2, 3], scalars: [1e30, -1e30, 0, -1000, -1001, -1002])
        let result = try native(set).softmaxCrossEntropy(logits, labels: [0, 0])
        #expect(result.loss.isFinite)
        #expect(try native(set).softmax(logits).scalars[0...2] == [1, 0, 0])
        #expect(result.gradient.scalars.allSatisfy { $0.isFinite })
    }
}
