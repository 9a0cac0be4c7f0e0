// SPDX-License-Identifier: MIT
//
// Networks: how they are built, what they refuse, that they are values, and their gradients.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

struct NetworkTests {
    /// The names that users compile against, in the order of a first acquaintance.
    @Test func theContractOfTheDesignRuns() throws {
        let pixels = (0..<784).map { Float($0 % 7) / 7 }
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("parameters.safetensors")
            try SimpleConvNet(seed: 2).saveParameters(to: url)

            let x = try Tensor(shape: [1, 1, 28, 28], scalars: pixels)
            let flat = try x.reshaped(to: [1, 784])
            let kernels: any Kernels = NativeKernels()
            let columns = try kernels.im2col(x, window: Window(5, stride: 1, padding: 2))
            var network = try SimpleConvNet(seed: 1)
            let logits = try network.predict(x)
            let loss = try network.loss(x, labels: [7])
            try network.loadParameters(from: url)

            #expect(flat.shape == [1, 784])
            #expect(columns.shape == [784, 25])
            #expect(logits.shape == [1, 10])
            // Weights of deviation 0.01 leave all ten classes about as likely: log 10 = 2.303.
            #expect(abs(loss - 2.303) <= 0.01)
            let other = try SimpleConvNet(seed: 2)
            #expect(try network.predict(x).hasSameBits(as: other.predict(x)))
        }
    }

    @Test func parametersAreNamedByTheirPlaceAmongLayersThatHaveSome() throws {
        let network = try SimpleConvNet(seed: 1)
        #expect(network.parameters.map(\.name) == ["W1", "b1", "W2", "b2", "W3", "b3"])
        #expect(
            network.parameters.map(\.value.shape) == [
                [30, 1, 5, 5], [30], [4320, 100], [100], [100, 10], [10],
            ])
        #expect(network.network.outputShape == [10])
        let gradient = try network.gradient(Tensor(zeros: [2, 1, 28, 28]), labels: [0, 9])
        #expect(gradient.map(\.name) == network.parameters.map(\.name))
        #expect(gradient.map(\.value.shape) == network.parameters.map(\.value.shape))
    }

    @Test func aNetworkThatDoesNotFitTogetherIsRefusedWhenBuilt() throws {
        let convolution = try Convolution(inputChannels: 1, outputChannels: 8, kernel: 3)
        let affine = try Affine(inputSize: 100, outputSize: 10)
        #expect {
            try Network(
                inputShape: [1, 28, 28],
                layers: [NamedLayer("conv1", convolution), NamedLayer("affine1", affine)])
        } throws: {
            "\($0)" == "layer affine1 (Affine) on [1, 8, 26, 26]: x is [1, 8, 26, 26], "
                + "expected [N, 100], or images of as many numbers"
        }
        #expect {
            try Network(inputShape: [3, 28, 28], layers: [NamedLayer("conv1", convolution)])
        } throws: {
            "\($0)" == "layer conv1 (Convolution) on [1, 3, 28, 28]: weights is [8, 1, 3, 3], "
                + "expected [8, 3, 3, 3] for images [1, 3, 28, 28] and this window"
        }
        #expect {
            try Network(
                inputShape: [1, 28, 28],
                layers: [NamedLayer("conv", convolution), NamedLayer("conv", convolution)])
        } throws: { "\($0)" == "Network: layers is two named conv, expected names that differ" }
        #expect {
            try Network(inputShape: [1, 28, 28], layers: [])
        } throws: { "\($0)" == "Network: layers is empty, expected at least one layer" }
    }

    @Test(arguments: [[], [0, 8, 8], [1, -1, 8], [1, Int.max, Int.max], [1, 2, 2], [8, 8]])
    func aSimpleConvNetForImpossibleImagesIsRefused(_ inputShape: [Int]) {
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, inputShape: inputShape) }
    }

    @Test(arguments: [Int.min, -1, 0, Int.max])
    func impossibleSizesAreRefused(_ size: Int) {
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, filters: size) }
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, filterSize: size) }
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, hiddenSize: size) }
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, classes: size) }
        #expect(throws: TensorError.self) { try SimpleConvNet(seed: 1, stride: size) }
    }

    @Test func aWrongLabelOrBatchIsOneClearLine() throws {
        let network = try SimpleConvNet(seed: 1)
        let x = try Tensor(zeros: [2, 1, 28, 28])
        for label in [10, -1] {
            #expect {
                try network.loss(x, labels: [3, label])
            } throws: {
                "\($0)".hasPrefix("softmaxCrossEntropy: labels") && "\($0)".contains("\(label)")
            }
            #expect(throws: TensorError.self) { try network.gradient(x, labels: [3, label]) }
        }
        #expect(throws: TensorError.self) { try network.loss(x, labels: [3]) }
        #expect {
            try network.predict(Tensor(zeros: [2, 28, 28]))
        } throws: { "\($0)" == "predict: x is [2, 28, 28], expected [N, 1, 28, 28]" }
        #expect(throws: TensorError.self) {
            try network.predict(Tensor(zeros: [1, 1, 28, 28], scalarType: .float64))
        }
    }

    /// A seed for which no number comes so near 0, or another, that a step of 10⁻⁴ changes which
    /// branch it takes. The difference's error is then h²/6 times the third derivative of the loss.
    /// That is not bounded here: the differences that were measured are at most 2.5e-9, which means
    /// a derivative of 1.5, and 1e-8 leaves room for one of 6. The bounds of the single layers, in
    /// `LayerGradientTests`, are derived.
    @Test func backpropagationAgreesWithCentralDifferences() throws {
        let kernels = ReferenceKernels()
        let network = try smallNetwork(seed: 3)
        let (x, labels) = (try smallImages(2), [1, 3])
        var double = network
        double.network = try network.network.converted(to: .float64, kernels: kernels)
        let exact = try double.gradient(x.converted(to: .float64), labels: labels)
        let numerical = try network.numericalGradient(x, labels: labels, on: kernels)
        #expect(exact.map(\.name) == ["W1", "b1", "W2", "b2", "W3", "b3"])
        #expect(numerical.map(\.name) == exact.map(\.name))
        for (one, other) in zip(exact, numerical) {
            let comparison = Comparison(
                one.value, other.value, bounds: Array(repeating: 1e-8, count: one.value.count))
            #expect(comparison.isWithinBounds, "\(one.name): \(comparison)")
        }
        // No gradient is all zeros, so that there was something to compare.
        #expect(exact.allSatisfy { $0.value.doubles.contains { abs($0) > 1e-3 } })
        // Float: three layers of sums with at most 27 terms. Magnitudes are taken as 10, not
        // derived; the largest measured difference is 3e-7, against a bound of 4.8e-5.
        for (one, other) in zip(try network.gradient(x, labels: labels), exact) {
            let comparison = Comparison(
                one.value, other.value,
                bounds: Array(repeating: 10 * gamma(81), count: one.value.count))
            #expect(comparison.isWithinBounds, "\(one.name): \(comparison)")
        }
    }

    @Test func numericalGradientOnKernelsWithoutDoubleIsRefused() throws {
        let network = try smallNetwork()
        #expect(throws: TensorError.self) {
            try network.numericalGradient(smallImages(1), labels: [0], on: NativeKernels())
        }
    }

    @Test func aCopyIsNotTrainedWithTheOriginal() throws {
        var network = try smallNetwork()
        let (copy, before) = (network, network.parameters.map(\.value))
        var trainer = try Trainer(optimizer: SGD(learningRate: 0.5), batchSize: 4, epochs: 2)
        try trainer.train(&network, on: GivenSamples(smallImages(8), [0, 1, 2, 3, 0, 1, 2, 3]))
        #expect(copy.parameters.map(\.value) == before)
        #expect(zip(network.parameters, before).allSatisfy { $0.value != $1 })
    }

    @Test func gradientAndLossChangeNothing() throws {
        let network = try smallNetwork()
        let (x, labels) = (try smallImages(3), [0, 1, 2])
        let before = network.parameters.map(\.value)
        let first = try network.gradient(x, labels: labels)
        _ = try network.loss(x, labels: labels)
        let second = try network.gradient(x, labels: labels)
        #expect(network.parameters.map(\.value) == before)
        #expect(first.map(\.value) == second.map(\.value))
    }

    @Test func predictionsFromManyTasksAreTheSameBits() async throws {
        let network = try smallNetwork()
        let x = try smallImages(5)
        let expected = try network.predict(x)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask { try network.predict(x).hasSameBits(as: expected) }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    /// An affine layer of ones on the diagonal: the class is where the largest number is. Of seven
    /// samples, in batches of three, the last alone in its own, five are labelled correctly.
    @Test(arguments: [1, 2, 3, 7, 100])
    func accuracyCountsTheLastPartialBatch(_ batchSize: Int) throws {
        let layer = try Affine(
            weights: Tensor(shape: [3, 3], scalars: [1, 0, 0, 0, 1, 0, 0, 0, 1]),
            bias: Tensor(zeros: [3]))
        let network = try Network(inputShape: [3], layers: [NamedLayer("affine", layer)])
        let classes = [0, 1, 2, 0, 1, 2, 2]
        let rows = classes.flatMap { place in (0..<3).map { Float($0 == place ? 1 : 0) } }
        let source = GivenSamples(
            try Tensor(shape: [7, 3], scalars: rows), [0, 1, 1, 1, 1, 2, 2])
        let accuracy = try network.accuracy(source, batchSize: batchSize)
        #expect((accuracy.correct, accuracy.total) == (5, 7))
        #expect(accuracy.fraction == 5.0 / 7)
    }

    @Test func accuracyRefusesAnImpossibleBatchSize() throws {
        let network = try smallNetwork()
        let source = GivenSamples(try smallImages(1), [0])
        #expect(throws: TensorError.self) { try network.accuracy(source, batchSize: 0) }
    }

    /// The gradient of the input is never used, and would cost as much as a layer.
    @Test func theFirstLayerIsNotAskedForItsInputsGradient() throws {
        let affine = try Affine(inputSize: 3, outputSize: 2)
        let network = try Network(
            inputShape: [3],
            layers: [NamedLayer("first", FirstLayer()), NamedLayer("affine", affine)])
        let gradient = try network.gradient(Tensor(zeros: [1, 3]), labels: [0])
        #expect(gradient.map(\.name) == ["W1", "b1"])
    }

    @Test func aLayerThatGivesNoGradientIsNamed() throws {
        struct Silent: UnaryLayer {
            let parameterNames = ["W"]
            var parameters: [Tensor]
            let given: LayerGradients

            func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
            func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
                Forward(x) { [given] _, _ in given }
            }
        }
        let (one, x) = (try Tensor(zeros: [1]), try Tensor(zeros: [1, 3]))
        let rule = "expected a gradient for each input that is wanted and for each parameter"
        for (given, message) in [
            (LayerGradients(input: nil), "pullback is none of input 0, \(rule)"),
            (LayerGradients(inputs: []), "pullback is 0 gradients of inputs, \(rule)"),
            (LayerGradients(input: x), "pullback is 0 gradients of parameters, \(rule)"),
            (
                LayerGradients(input: x, parameters: [try Tensor(zeros: [2])]),
                "gradient of W is [2], expected [1]"
            ),
        ] {
            let network = try Network(
                inputShape: [3],
                layers: [
                    NamedLayer("affine", Affine(inputSize: 3, outputSize: 3)),
                    NamedLayer("silent", Silent(parameters: [one], given: given)),
                ])
            #expect {
                try network.gradient(x, labels: [0])
            } throws: { "\($0)" == "layer silent: \(message)" }
        }
    }
}
