// SPDX-License-Identifier: MIT
//
// Every layer's outputs and gradients against PyTorch's: in `Double` on the reference kernels, in
// `Float` on each instruction set. Tests/Fixtures/layers.py made the numbers.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

struct LayerFixtureTests {
    /// Kernels, the number type that they are tried in, and what bounds its roundings.
    struct Setup: Sendable, CustomTestStringConvertible {
        let kernels: any Kernels
        let type: ScalarType
        let testDescription: String

        static func all() throws -> [Setup] {
            try [Setup(kernels: ReferenceKernels(), type: .float64, testDescription: "reference")]
                + InstructionSet.supported.map {
                    Setup(
                        kernels: try NativeKernels(threads: 2, instructionSet: $0), type: .float32,
                        testDescription: "\($0)")
                }
        }

        /// What terms of some magnitudes may be off by after so many roundings, PyTorch's in `Double`
        /// among them. Numbers below the smallest normal one may become 0.
        func bounds(_ magnitudes: [Double], roundings: Int) -> [Double] {
            let isDouble = type == .float64
            let factor = isDouble ? 2 * gamma(roundings) * 0x1p-29 : gamma(roundings + 1)
            let smallest =
                isDouble ? Double.leastNormalMagnitude : Double(Float.leastNormalMagnitude)
            return magnitudes.map { $0 * factor + smallest }
        }
    }

    /// So that a fixture that lost its cases doesn't pass.
    @Test func everyLayerIsThere() throws {
        let fixture = try LayerFixture.load()
        #expect(Set(fixture.cases.map(\.layer)) == Set(LayerFixture.types.map { $0.typeName }))
        #expect(fixture.cases.count == 63 && fixture.losses.count == 3)
        #expect(try Setup.all().count == InstructionSet.supported.count + 1)
    }

    @Test(arguments: try LayerFixture.load().cases, try Setup.all())
    func layersAgreeWithPyTorch(_ wanted: LayerFixture.Case, _ setup: Setup) throws {
        var layer: any Layer = try wanted.layer(setup.type)
        var (terms, roundings): ([Double], Int) = ([], 0)
        func compare(
            _ found: Tensor, _ stored: LayerFixture.Stored, _ magnitudes: [Double], _ what: String
        ) throws {
            let comparison = Comparison(
                found, try stored.tensor(),
                bounds: setup.bounds(magnitudes, roundings: roundings))
            #expect(
                comparison.isWithinBounds,
                "\(wanted.name), \(what), \(setup.testDescription): \(comparison)")
        }
        for (index, step) in wanted.steps.enumerated() {
            let (x, dy) = (try step.x.tensor(), try step.outputGradient.tensor())
            let exact = try layer.converted(to: .float64)
            roundings = Self.roundings(layer, x.count + dy.count)
            terms = try TermMagnitudes.output(exact, x).doubles
            let magnitudes = try Self.gradientMagnitudes(exact, x, dy)
            let output = try layer.forward(x.converted(to: setup.type), on: setup.kernels)
            try compare(output, step.output, terms, "output of step \(index)")
            let gradient = try layer.backward(
                dy.converted(to: setup.type), needsInputGradient: true, on: setup.kernels)
            try compare(
                try #require(gradient), step.inputGradient, magnitudes[0].doubles,
                "input's gradient of step \(index)")
            var gradients: [(String, Tensor)] = []
            try layer.updateParameters { gradients.append(($0, try #require($2))) }
            #expect(gradients.count == step.gradients.count)
            for (place, (key, gradient)) in gradients.enumerated() {
                try compare(
                    gradient, try #require(step.gradients[key]), magnitudes[place + 1].doubles,
                    "\(key)'s gradient of step \(index)")
            }
        }
        let last = try #require(wanted.steps.last)
        let x = try last.x.tensor()
        let largest = x.doubles.map(abs).reduce(1, max)
        #expect(layer.buffers.count == wanted.buffers.count)
        for (key, buffer) in layer.buffers {
            // A mean's terms are numbers, a variance's their squares.
            let stored = try #require(wanted.buffers[key])
            try compare(
                buffer, stored, stored.numbers.map { abs($0) + largest * largest }, "running \(key)"
            )
        }
        terms = try TermMagnitudes.output(layer.converted(to: .float64), x).doubles
        let prediction = try layer.predict(x.converted(to: setup.type), on: setup.kernels)
        try compare(prediction, wanted.prediction ?? last.output, terms, "prediction")
    }

    @Test(arguments: try LayerFixture.load().losses, try Setup.all())
    func lossesAgreeWithPyTorch(_ wanted: LayerFixture.Loss, _ setup: Setup) throws {
        let logits = try wanted.logits.tensor(setup.type)
        let (samples, classes) = (logits.shape[0], logits.shape[1])
        let result: SoftmaxCrossEntropy
        var shares = [Double](repeating: 0, count: logits.count)
        if let labels = wanted.labels {
            result = try setup.kernels.softmaxCrossEntropy(logits, labels: labels)
            for (row, label) in labels.enumerated() { shares[row * classes + label] = 1 }
        } else {
            let targets = try #require(wanted.targets)
            result = try setup.kernels.softmaxCrossEntropy(
                logits, targets: targets.tensor(setup.type))
            shares = targets.numbers
        }
        let roundings = classes + samples + 32
        // A logit and the logarithm of a sum of exponentials, each at most the largest and log K.
        let terms = 2 * logits.doubles.map(abs).reduce(0, max) + Double(classes)
        let bound = setup.bounds([terms], roundings: roundings)[0]
        #expect(
            abs(result.loss - wanted.loss) <= bound,
            "\(wanted.name): \(result.loss), expected \(wanted.loss) within \(bound)")
        // (softmax − share) / N, so the terms are the gradient and twice the share. An exponential of a
        // rounded number is off by as many roundings as that number is large.
        let magnitudes = zip(wanted.gradient.numbers, shares).map {
            abs($0) + 2 * $1 / Double(samples)
        }
        let comparison = Comparison(
            result.gradient, try wanted.gradient.tensor(),
            bounds: setup.bounds(magnitudes, roundings: roundings + Int(terms)))
        #expect(comparison.isWithinBounds, "\(wanted.name), gradient: \(comparison)")
    }

    /// No sum is longer than all numbers together; an exponential and its quotient count as 32. Powers
    /// take more: thrice the 42 of exponent 1.3, the largest one here (`powerRoundings` in
    /// Tests/ConvNetKernelsTests/NormalizationTests.swift).
    private static func roundings(_ layer: any Layer, _ count: Int) -> Int {
        count + (layer is LocalResponseNormalization ? 126 : 32)
    }

    private static func gradientMagnitudes(
        _ layer: any Layer, _ x: Tensor, _ outputGradient: Tensor
    ) throws -> [Tensor] {
        guard layer is Sigmoid || layer is Tanh else {
            return try TermMagnitudes.gradients(layer, x, outputGradient)
        }
        // Near 1 the differences 1 − y² and y · (1 − y) are smaller than their terms, at most 1.
        let doubled = outputGradient.doubles.map { 2 * abs($0) }
        return [try Tensor(shape: x.shape, doubles: doubled)]
    }
}
