// SPDX-License-Identifier: MIT
//
// Checks of what networks have besides convolutions and affine layers: pooling, normalization by
// neighbours, loss. Nothing here sums up more than a window, so that bounds are short chains of
// roundings. And what the benchmark's networks don't use.

import ConvNet

extension CheckedKernels {
    // MARK: Pooling

    func maxPooling(_ x: Tensor, window: Window) throws -> Tensor {
        let result = try kernels.maxPooling(x, window: window)
        let expected = try reference.maxPooling(x.samples(at: places), window: window)
        try compareSamples(result, roundings: 0, expected)
        return result
    }

    func maxPoolingWithArgmax(_ x: Tensor, window: Window) throws -> MaxPoolingResult {
        let result = try kernels.maxPoolingWithArgmax(x, window: window)
        let expected = try reference.maxPoolingWithArgmax(x.samples(at: places), window: window)
        try compareSamples(result.output, roundings: 0, expected.output)
        try compareArgmax(result.argmax, expected.argmax)
        return result
    }

    /// Compares the places of the maxima of some images.
    func compareArgmax(_ found: IndexTensor?, _ expected: IndexTensor?) throws {
        guard let expected = expected?.indices else { return }
        guard let found = found?.indices, found.count * places.count >= expected.count else {
            return log.check.fail()
        }
        let perImage = expected.count / places.count
        log.check.compareExactly(
            places.flatMap { found[$0 * perImage..<($0 + 1) * perImage].map(Double.init) },
            expected.map(Double.init))
    }

    func maxPoolingGradient(
        _ outputGradient: Tensor, argmax: IndexTensor, inputShape: [Int]
    ) throws -> Tensor {
        let result = try kernels.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
        let expected = try reference.maxPoolingGradient(
            outputGradient, argmax: argmax, inputShape: inputShape)
        let magnitudes = try reference.maxPoolingGradient(
            outputGradient.magnitudes(), argmax: argmax, inputShape: inputShape)
        // A pixel is the maximum of no more windows than three by three.
        compareSums(result, expected, magnitudes: magnitudes, terms: 9)
        return result
    }

    func averagePooling(_ x: Tensor, window: Window, countIncludePad: Bool) throws -> Tensor {
        func pooled(_ kernels: any Kernels, _ x: Tensor) throws -> Tensor {
            try kernels.averagePooling(x, window: window, countIncludePad: countIncludePad)
        }
        let (result, part) = (try pooled(kernels, x), try x.samples(at: places))
        compareSums(
            try result.samples(at: places), try pooled(reference, part),
            magnitudes: try pooled(reference, part.magnitudes()),
            terms: window.size.height * window.size.width + 1)
        return result
    }

    func averagePoolingGradient(
        _ outputGradient: Tensor, inputShape: [Int], window: Window, countIncludePad: Bool
    ) throws -> Tensor {
        func spread(_ kernels: any Kernels, _ dy: Tensor) throws -> Tensor {
            try kernels.averagePoolingGradient(
                dy, inputShape: [dy.shape[0]] + inputShape.dropFirst(), window: window,
                countIncludePad: countIncludePad)
        }
        let result = try spread(kernels, outputGradient)
        let part = try outputGradient.samples(at: places)
        compareSums(
            try result.samples(at: places), try spread(reference, part),
            magnitudes: try spread(reference, part.magnitudes()),
            terms: window.size.height * window.size.width + 1)
        return result
    }

    // MARK: Normalization

    func localResponseNormalization(
        _ x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let result = try kernels.localResponseNormalization(x, settings: settings)
        let expected = try reference.localResponseNormalization(
            x.samples(at: places), settings: settings)
        try compareSamples(result, roundings: Self.powerRoundings(settings) + 2, expected)
        return result
    }

    func localResponseNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, settings: LocalResponseSettings
    ) throws -> Tensor {
        let result = try kernels.localResponseNormalizationGradient(
            outputGradient, input: x, settings: settings)
        let (dy, part) = (try outputGradient.samples(at: places), try x.samples(at: places))
        let expected = try reference.localResponseNormalizationGradient(
            dy, input: part, settings: settings)
        // With absolute values all terms but the first are taken off it: |dy| · s^-beta, which is
        // at most |dy|, as s is 1 or more.
        let difference = try reference.localResponseNormalizationGradient(
            dy.magnitudes(), input: part.magnitudes(), settings: settings)
        let factor = gamma(2 * Self.powerRoundings(settings) + settings.size + 9)
        log.check.compare(
            try result.samples(at: places).doubles, expected.doubles,
            bounds: zip(dy.doubles, difference.doubles).map { (2 * abs($0) - $1) * factor })
        return result
    }

    /// How often s^-0.75 is rounded: a square and its sum `size` + 1 times, s 4 times more, which
    /// the power multiplies by beta; roots and their product 6 times.
    private static func powerRoundings(_ settings: LocalResponseSettings) -> Int {
        Int(settings.beta * Double(settings.size + 5)) + 6
    }

    func dropout(_ x: Tensor, mask: DropoutMask) throws -> Tensor {
        let result = try kernels.dropout(x, mask: mask)
        let expected = try reference.dropout(x, mask: mask)
        log.check.compare(
            result.doubles, expected.doubles,
            bounds: expected.doubles.map { abs($0) * gamma(3) })
        return result
    }

    // MARK: Loss

    func softmaxCrossEntropy(_ logits: Tensor, labels: [Int]) throws -> LossAndGradient {
        let result = try kernels.softmaxCrossEntropy(logits, labels: labels)
        let expected = try reference.softmaxCrossEntropy(logits, labels: labels)
        // The difference to the largest logit is rounded, which the exponential multiplies by its
        // size; then the exponential's own 4 units, a division, a subtraction and the scaling.
        let largest = logits.doubles.map(abs).reduce(0, max)
        let relative = (2 * largest + 10) * unitRoundoff
        log.check.compare(
            [result.loss], [expected.loss], bounds: [relative * 2 * (1 + expected.loss)])
        // No probability is more than 1, of as many as there are rows.
        log.check.compare(
            result.gradient.doubles, expected.gradient.doubles,
            bounds: Array(
                repeating: relative * 4 / Double(labels.count), count: expected.gradient.count))
        return result
    }

    // MARK: What is not used

    func im2col(_ x: Tensor, window: Window) throws -> Tensor { throw unchecked("im2col") }
    func col2im(_ columns: Tensor, inputShape: [Int], window: Window) throws -> Tensor {
        throw unchecked("col2im")
    }
    func softmax(_ x: Tensor, axis: Int) throws -> Tensor { throw unchecked("softmax") }
    func softmaxGradient(
        _ outputGradient: Tensor, output: Tensor, axis: Int
    ) throws -> Tensor { throw unchecked("softmaxGradient") }
    func elementwiseGradient(
        _ outputGradient: Tensor, of operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        operand: BinaryOperation.Operand
    ) throws -> Tensor { throw unchecked("\(operation.name)Gradient") }
    func softmaxCrossEntropy(_ logits: Tensor, targets: Tensor) throws -> LossAndGradient {
        throw unchecked("softmaxCrossEntropy of targets")
    }
    func resampled(
        _ x: Tensor, rows: ResamplingTaps, columns: ResamplingTaps
    ) throws -> Tensor { throw unchecked("resampled") }
    func sumOfSquares(_ x: Tensor) throws -> Double { throw unchecked("sumOfSquares") }
    func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double,
        adjustment: GradientAdjustment
    ) throws { throw unchecked("sgdUpdate") }
    func squaresUpdate(
        _ parameter: inout Tensor, squares: inout Tensor, gradient: Tensor,
        settings: SquaresSettings, adjustment: GradientAdjustment
    ) throws { throw unchecked("squaresUpdate") }
}
