// SPDX-License-Identifier: MIT
//
// Losses: against numbers by hand and their own differences, and what they refuse. PyTorch's
// formulas are those of its documentation.

@testable import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

struct LossTests {
    private static let kernels = ReferenceKernels()

    private static func logits(_ shape: [Int], seed: Int = 3) throws -> Tensor {
        var draw = Draw(seed: seed)
        return try draw.normal(shape).converted(to: .float64)
    }

    /// The gradient against central differences of the loss, number by number.
    private static func expectGradient(
        _ loss: any Loss, _ output: Tensor, _ targets: Targets
    ) throws {
        let result = try loss.evaluate(output, targets, on: kernels)
        for index in 0..<output.count {
            func value(_ shift: Double) throws -> Double {
                var numbers = output.doubles
                numbers[index] += shift
                let shifted = try Tensor(shape: output.shape, doubles: numbers)
                return try loss.evaluate(shifted, targets, on: kernels).loss
            }
            let difference = try (value(1e-5) - value(-1e-5)) / 2e-5
            // h²/6 times a third derivative below 1, and the rounding of a loss below 16 over the
            // step.
            let bound = 1e-10 / 6 + 16 * 0x1p-50 / 1e-5
            #expect(
                abs(result.gradient.doubles[index] - difference) <= bound, "\(loss), \(index)")
        }
    }

    /// `Σ w[y] · ((1 − ε)·(−log p[y]) + ε/K·Σ w[k]/w[y]·(−log p[k])) / Σ w[y]`, written out.
    @Test func softmaxCrossEntropyByItsFormula() throws {
        let logits = try Self.logits([4, 3])
        let (labels, weights, smoothing) = ([2, 7, 0, 1], [0.5, 2, 1.25], 0.1)
        let loss = try SoftmaxCrossEntropy(
            labelSmoothing: smoothing, classWeights: weights, ignoredLabel: 7)
        let logs = try Self.kernels.softmax(logits).map { logarithm($0) }.doubles
        var (sum, total) = (0.0, 0.0)
        for (row, label) in labels.enumerated() where label != 7 {
            total += weights[label]
            sum -= (1 - smoothing) * weights[label] * logs[3 * row + label]
            for k in 0..<3 { sum -= smoothing / 3 * weights[k] * logs[3 * row + k] }
        }
        let result = try loss.evaluate(logits, .labels(labels), on: Self.kernels)
        #expect(abs(result.loss - sum / total) <= 64 * 0x1p-53)
        #expect(result.gradient.doubles[3..<6].allSatisfy { $0 == 0 })
        try Self.expectGradient(loss, logits, .labels(labels))
        // In `Float` on the native kernels: a few dozen roundings of numbers below 4.
        let native = try loss.evaluate(
            logits.converted(to: .float32), .labels(labels), on: NativeKernels())
        #expect(abs(native.loss - sum / total) <= 64 * 4 * 0x1p-24)
    }

    @Test func withoutExtensionsItIsTheKernels() throws {
        let logits = try Self.logits([3, 5])
        let plain = try Self.kernels.softmaxCrossEntropy(logits, labels: [1, 4, 0])
        for loss in [SoftmaxCrossEntropy.standard, try SoftmaxCrossEntropy()] {
            let result = try loss.evaluate(logits, .labels([1, 4, 0]), on: Self.kernels)
            #expect(result.loss == plain.loss && result.gradient == plain.gradient)
            #expect(loss.configuration.isEmpty)
        }
        #expect(
            try SoftmaxCrossEntropy(labelSmoothing: 0.1, ignoredLabel: -1).configuration
                == ["labelSmoothing": "0.1", "ignoredLabel": "-1"])
    }

    /// A pixel of `[N, K, H, W]` is a row of `[N·H·W, K]`.
    @Test func pixelsAreSamples() throws {
        let output = try Self.logits([2, 3, 2, 2])
        let labels = [0, 2, 1, 1, 2, 0, 0, 1]
        let loss = try SoftmaxCrossEntropy(classWeights: [1, 2, 3])
        var rows: [Double] = []
        for n in 0..<2 {
            for pixel in 0..<4 {
                for k in 0..<3 { rows.append(output.doubles[(3 * n + k) * 4 + pixel]) }
            }
        }
        let flat = try loss.evaluate(
            Tensor(shape: [8, 3], doubles: rows), .labels(labels), on: Self.kernels)
        let result = try loss.evaluate(output, .labels(labels), on: Self.kernels)
        #expect(result.loss == flat.loss && result.gradient.shape == [2, 3, 2, 2])
        try Self.expectGradient(loss, output, .labels(labels))
        let probabilities = try output.map { exponential($0) / 8 }
        try Self.expectGradient(
            SoftmaxCrossEntropy.standard, output, .values(probabilities))
    }

    @Test func errorsAgainstValuesByHand() throws {
        let output = try Tensor(shape: [2, 2], scalars: [1, 2, 3, -1])
        let targets = try Targets.values(Tensor(shape: [2, 2], scalars: [0, 2, 1, 1]))
        let squared = try MeanSquaredError().evaluate(output, targets, on: Self.kernels)
        #expect(squared.loss == (1 + 0 + 4 + 4) / 4.0)
        #expect(squared.gradient.scalars == [0.5, 0, 1, -1])
        try Self.expectGradient(
            MeanSquaredError(), Self.logits([2, 3]), .values(Self.logits([2, 3], seed: 4)))

        let zero = try Tensor(zeros: [1, 2])
        let binary = try BinaryCrossEntropyWithLogits().evaluate(
            zero, .values(Tensor(shape: [1, 2], scalars: [0, 1])), on: Self.kernels)
        #expect(abs(binary.loss - 0.6931471805599453) <= 0x1p-52)
        #expect(binary.gradient.scalars == [0.25, -0.25])
        try Self.expectGradient(
            BinaryCrossEntropyWithLogits(), Self.logits([2, 3]),
            .values(Self.logits([2, 3]).map { 1 / (1 + exponential($0)) }))
        // Neither overflows where an exponential would.
        let far = try Tensor(shape: [1, 2], scalars: [1000, -1000])
        let wrong = try BinaryCrossEntropyWithLogits().evaluate(
            far, .values(Tensor(shape: [1, 2], scalars: [0, 1])), on: Self.kernels)
        #expect(wrong.loss == 1000 && wrong.gradient.scalars == [0.5, -0.5])
    }

    @Test func mistakesAreOneClearLine() throws {
        func expect(
            _ message: String, _ loss: any Loss, _ output: [Int], _ targets: Targets
        ) {
            let error = #expect(throws: TensorError.self) {
                try loss.evaluate(Tensor(zeros: output), targets, on: NativeKernels())
            }
            #expect(error?.description == message)
        }
        let values = Targets.values(try Tensor(zeros: [2, 3]))
        let smooth = try SoftmaxCrossEntropy(labelSmoothing: 0.5)
        expect(
            "SoftmaxCrossEntropy: output is [2, 3, 1], expected [N, K] or [N, K, H, W]",
            smooth, [2, 3, 1], .labels([0, 1]))
        expect(
            "SoftmaxCrossEntropy: targets is values, expected labels, where there is smoothing, "
                + "class weights or an ignored label", smooth, [2, 3], values)
        expect(
            "SoftmaxCrossEntropy: labels is 3, expected from 0 to 2", smooth, [2, 3],
            .labels([0, 3]))
        expect(
            "SoftmaxCrossEntropy: labels.count is 1, expected 2, one per sample", smooth, [2, 3],
            .labels([0]))
        expect(
            "SoftmaxCrossEntropy: classWeights.count is 2, expected 3, one per class",
            try SoftmaxCrossEntropy(classWeights: [1, 1]), [2, 3], .labels([0, 1]))
        expect(
            "MeanSquaredError: targets is labels, expected values of the output's shape, [2, 3]",
            MeanSquaredError(), [2, 3], .labels([0, 1]))
        expect(
            "MeanSquaredError: targets is [2, 3], expected [3, 2]", MeanSquaredError(), [3, 2],
            values)
        expect(
            "BinaryCrossEntropyWithLogits: targets is 2.0, expected from 0 to 1",
            BinaryCrossEntropyWithLogits(), [1, 1],
            .values(try Tensor(shape: [1, 1], repeating: 2)))
        func expectRefusal(
            _ message: String, smoothing: Double = 0, weights: [Double]? = nil
        ) {
            let error = #expect(throws: TensorError.self) {
                try SoftmaxCrossEntropy(labelSmoothing: smoothing, classWeights: weights)
            }
            #expect(error?.description == "SoftmaxCrossEntropy: \(message)")
        }
        for smoothing in [-0.1, 1, 1.5, .nan, .infinity] {
            expectRefusal(
                "labelSmoothing is \(smoothing), expected at least 0 and below 1",
                smoothing: smoothing)
        }
        for weight in [-1, -.leastNonzeroMagnitude, .infinity, Double.nan] {
            expectRefusal(
                "classWeights is \(weight), expected finite numbers of at least 0",
                weights: [0, weight, -2])
        }
        // Where every sample is ignored there is no mean.
        let none = try SoftmaxCrossEntropy(ignoredLabel: 9).evaluate(
            Tensor(zeros: [1, 2]), .labels([9]), on: NativeKernels())
        #expect(none.loss.isNaN && none.gradient.scalars.allSatisfy(\.isNaN))
    }

    /// A regression: the network learns the sum of its inputs.
    @Test func aNetworkTrainsOnValues() throws {
        var network = try Network(
            inputShape: [3],
            layers: [NamedLayer("affine", try Affine(inputSize: 3, outputSize: 1, seed: 1))])
        var draw = Draw(seed: 6)
        let x = try draw.normal([16, 3])
        let sums = stride(from: 0, to: 48, by: 3).map { x.scalars[$0..<$0 + 3].reduce(0, +) }
        let batch = try Batch(
            images: x, targets: .values(Tensor(shape: [16, 1], scalars: sums)))
        var updater = try Updater(SGD(learningRate: 0.1, momentum: 0.9))
        for _ in 0..<200 {
            try network.trainStep(on: batch, with: &updater, loss: MeanSquaredError())
        }
        let result = try network.gradients(
            x, targets: batch.targets, loss: MeanSquaredError())
        #expect(result.loss < 1e-6 && result.correct == 0)
        #expect(batch.labels.isEmpty)
    }

    /// The mean of the differences' absolute values, as code outside the package would write it.
    private struct AbsoluteError: Loss {
        func evaluate(
            _ output: Tensor, _ targets: Targets, on kernels: any Kernels
        ) throws -> LossAndGradient {
            let differences = try output - targets.values(like: output)
            let count = Double(output.count)
            return LossAndGradient(
                loss: differences.doubles.map(abs).reduce(0, +) / count,
                gradient: try differences.map { ($0 > 0 ? 1 : $0 < 0 ? -1 : 0) / count })
        }
    }

    /// Sixteen samples of three numbers, whose target is their sum.
    private struct Sums: BatchSource {
        let sampleCount = 16
        func order(ofEpoch epoch: Int) -> [Int] { Array(0..<16) }
        func batch(at indices: [Int]) throws -> Batch {
            var draw = Draw(seed: 6)
            let x = try draw.normal([16, 3]).samples(at: indices)
            let sums = stride(from: 0, to: x.count, by: 3).map {
                x.scalars[$0..<$0 + 3].reduce(0, +)
            }
            return try Batch(
                images: x, targets: .values(Tensor(shape: [indices.count, 1], scalars: sums)))
        }
    }

    @Test func aTrainerTakesALossOfOnesOwn() throws {
        var network = try Network(
            inputShape: [3],
            layers: [NamedLayer("affine", try Affine(inputSize: 3, outputSize: 1, seed: 1))])
        var trainer = try Trainer(
            optimizer: SGD(learningRate: 0.02), loss: AbsoluteError(), batchSize: 8, epochs: 200)
        let history = try trainer.train(&network, on: Sums())
        // Each loss is the mean of absolute differences, the first one's by hand.
        let batch = try Sums().batch(at: Array(0..<8))
        var start = try Network(
            inputShape: [3],
            layers: [NamedLayer("affine", try Affine(inputSize: 3, outputSize: 1, seed: 1))])
        start.kernels = network.kernels
        let differences =
            try start.predict(batch.images)
            - batch.targets.values(like: Tensor(zeros: [8, 1]))
        let first = differences.doubles.map(abs).reduce(0, +) / 8
        #expect(history.stepLosses.first == first)
        // A step moves each weight by at most the rate times the largest input.
        #expect(try #require(history.stepLosses.last) < 0.1)
        #expect(first > 0.5)
        // Another one's checkpoint would be refused.
        #expect(AbsoluteError().configuration == ["loss": "AbsoluteError"])
    }

    @Test func targetsHaveToSuitTheSamples() throws {
        let images = try Tensor(zeros: [2, 3])
        func expect(_ message: String, _ targets: Targets) {
            let error = #expect(throws: TensorError.self) {
                try Batch(images: images, targets: targets)
            }
            #expect(error?.description == message)
        }
        expect(
            "Batch: targets.count is 3, expected the same number for each sample of [2, 3]",
            .labels([0, 1, 2]))
        expect(
            "Batch: targets is [3], expected 2 samples, as in [2, 3]",
            .values(try Tensor(zeros: [3])))
        #expect(try Batch(images: images, targets: .labels([0, 1, 2, 3])).labels.count == 4)
    }
}
