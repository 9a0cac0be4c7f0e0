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

        /// What terms of some magnitudes may be off by after so many roundings, PyTorch's in
        /// `Double` among them. Numbers below the smallest normal one may become 0.
        func bounds(_ magnitudes: [Double], roundings: Int) -> [Double] {
            let isDouble = type == .float64
            let factor = isDouble ? 2 * gamma(roundings) * 0x1p-29 : gamma(roundings + 1)
            let smallest =
                isDouble ? Double.leastNormalMagnitude : Double(Float.leastNormalMagnitude)
            return magnitudes.map { $0 * factor + smallest }
        }
    }

    /// So that a fixture that lost its cases doesn't pass.
    @Test func everyCaseIsThere() throws {
        let fixture = try LayerFixture.load()
        #expect(fixture.cases.count >= 123 + Activation.examples.count)
        #expect(fixture.losses.count == 3 && fixture.otherLosses.count == 7)
        #expect(fixture.frozen.count == 4)
        let activations = fixture.cases.filter { $0.layer == Activation.typeName }
        #expect(
            try Set(activations.map { try $0.settings.text("name") })
                == Set(Activation.examples.map(\.name)))
        let operations = fixture.cases.filter { $0.layer == Elementwise.typeName }
        #expect(
            try Set(operations.map { try $0.settings.text("operation") })
                == Set(BinaryOperation.allCases.map(\.name)))
        #expect(try Setup.all().count == InstructionSet.supported.count + 1)
    }

    @Test(arguments: try LayerFixture.load().cases, try Setup.all())
    func layersAgreeWithPyTorch(_ wanted: LayerFixture.Case, _ setup: Setup) throws {
        var layer: any Layer = try wanted.layer(setup.type)
        let entry = try LayerCatalogue.entry(of: layer)
        var (inputs, roundings): ([Tensor], Int) = ([], 0)
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
            inputs = try step.inputs.map { try $0.tensor() }
            let dy = try step.outputGradient.tensor()
            let exact = try layer.converted(to: .float64)
            // No sum is longer than all numbers together.
            roundings = inputs.map(\.count).reduce(dy.count, +) + entry.roundings
            let forward = try layer.forward(
                inputs.map { try $0.converted(to: setup.type) }, in: Pass(kernels: setup.kernels))
            try compare(
                forward.output, step.output, entry.terms.output(exact, inputs).doubles,
                "output of step \(index)")
            let gradients = try forward.pullback(dy.converted(to: setup.type))
            let found = try gradients.inputs.map { try #require($0) } + gradients.parameters
            let stored =
                try step.inputGradients
                + layer.parameterNames.map { try #require(step.gradients[$0]) }
            let magnitudes = try entry.terms.gradients(exact, inputs, dy)
            #expect(found.count == stored.count && magnitudes.count == stored.count)
            for (place, pair) in zip(found, stored).enumerated() {
                try compare(
                    pair.0, pair.1, magnitudes[place].doubles, "gradient \(place) of step \(index)")
            }
            layer.buffers = forward.buffers ?? layer.buffers
        }
        let largest = inputs.flatMap(\.doubles).map(abs).reduce(1, max)
        #expect(layer.buffers.count == wanted.buffers.count)
        for (key, buffer) in zip(layer.bufferNames, layer.buffers) {
            // A mean's terms are numbers, a variance's their squares.
            let stored = try #require(wanted.buffers[key])
            let magnitudes = stored.numbers.map { abs($0) + largest * largest }
            try compare(buffer, stored, magnitudes, "running \(key)")
        }
        let terms = try entry.terms.output(layer.converted(to: .float64), inputs).doubles
        let prediction = try layer.predict(
            inputs.map { try $0.converted(to: setup.type) }, on: setup.kernels)
        let last = try #require(wanted.steps.last)
        try compare(prediction, wanted.prediction ?? last.output, terms, "prediction")
    }

    @Test(arguments: try LayerFixture.load().losses, try Setup.all())
    func lossesAgreeWithPyTorch(_ wanted: LayerFixture.Loss, _ setup: Setup) throws {
        let logits = try wanted.logits.tensor(setup.type)
        let (samples, classes) = (logits.shape[0], logits.shape[1])
        let result: LossAndGradient
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
        // (softmax − share) / N, so the terms are the gradient and twice the share. An exponential
        // of a rounded number is off by as many roundings as that number is large.
        let magnitudes = zip(wanted.gradient.numbers, shares).map {
            abs($0) + 2 * $1 / Double(samples)
        }
        let comparison = Comparison(
            result.gradient, try wanted.gradient.tensor(),
            bounds: setup.bounds(magnitudes, roundings: roundings + Int(terms)))
        #expect(comparison.isWithinBounds, "\(wanted.name), gradient: \(comparison)")
    }

    /// Losses that are made of others, in `Double`: a few dozen roundings of numbers below 16 per
    /// row.
    @Test(arguments: try LayerFixture.load().otherLosses)
    func otherLossesAgreeWithPyTorch(_ wanted: LayerFixture.OtherLoss) throws {
        let output = try wanted.output.tensor()
        let targets: Targets =
            try wanted.labels.map { .labels($0) }
            ?? .values(#require(wanted.values).tensor())
        let result = try wanted.made().evaluate(output, targets, on: ReferenceKernels())
        let bound = Double(64 + output.count) * 16 * 0x1p-53
        #expect(abs(result.loss - wanted.loss) <= bound, "\(result.loss), not \(wanted.loss)")
        let comparison = Comparison(
            result.gradient, try wanted.gradient.tensor(),
            bounds: Array(repeating: bound, count: output.count))
        #expect(comparison.isWithinBounds, "\(comparison)")
    }
}
