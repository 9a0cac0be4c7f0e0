// SPDX-License-Identifier: MIT
//
// The gradient check finds right what is right, also where training is random, and wrong what is
// wrong by as little as a thousandth.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Testing

/// An affine layer whose gradient of the weights, or the largest number of it, is wrong by a
/// factor.
private struct WrongAffine: UnaryLayer {
    private var affine: Affine
    private let factor: Double
    private let onlyOne: Bool

    init(_ affine: Affine, factor: Double, onlyOne: Bool = false) {
        self.affine = affine
        self.factor = factor
        self.onlyOne = onlyOne
    }

    var parameterNames: [String] { affine.parameterNames }
    var parameters: [Tensor] {
        get { affine.parameters }
        _modify { yield &affine.parameters }
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] {
        try affine.outputShape(for: inputShape)
    }

    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let forward = try affine.forward(x, in: pass)
        return Forward(forward.output) { outputGradient, wanted in
            var gradients = try forward.pullback(outputGradient, wanted: wanted)
            var numbers = gradients.parameters[0].doubles
            let largest = numbers.indices.max { abs(numbers[$0]) < abs(numbers[$1]) }
            for index in numbers.indices where !onlyOne || index == largest {
                numbers[index] *= factor
            }
            gradients.parameters[0] = try Tensor(
                shape: gradients.parameters[0].shape, doubles: numbers)
            return gradients
        }
    }
}

struct GradientCheckTests {
    private static let labels = [1, 3, 0]

    /// The small network's layers, with biases that are not 0, and one exchanged.
    private static func network(
        _ exchange: (NamedLayer) throws -> [NamedLayer] = { [$0] }
    ) throws -> Network {
        let small = try smallNetwork(seed: 3).network
        var network = try Network(
            inputShape: small.inputShape, layers: small.layers.flatMap(exchange))
        var draw = Draw(seed: 4)
        try network.replaceParameters(
            network.parameters.map { _, value in
                value.shape.count == 1 ? try draw.normal(value.shape) : value
            })
        return network
    }

    private static func check(
        _ network: Network, elements: Int? = nil, seed: UInt64 = 0
    ) throws -> GradientCheck {
        try GradientCheck(
            of: network, smallImages(3), labels: labels, on: ReferenceKernels(),
            elements: elements, seed: seed)
    }

    @Test func allGradientsOfARightNetworkAreRight() throws {
        let check = try Self.check(Self.network())
        #expect(check.passed)
        #expect(check.rows.map(\.parameter) == ["W1", "b1", "W2", "b2", "W3", "b3"])
        #expect(check.rows.map(\.shape) == [[3, 1, 3, 3], [3], [27, 5], [5], [5, 4], [4]])
        #expect(check.rows.map(\.checked) == [27, 3, 135, 5, 20, 4])
        for row in check.rows {
            #expect(row.largestDifference <= row.bound, "\(row)")
            // Not a bound that lets everything pass: gradients here are around 0.1.
            #expect(row.bound <= 1e-6, "\(row)")
        }
    }

    /// Dropout draws the same mask each time, and in prediction would do nothing.
    @Test func trainingIsWhatIsChecked() throws {
        var network = try Self.network { named in
            guard named.name == "relu2" else { return [named] }
            return [named, NamedLayer("dropout", try Dropout(rate: 0.5, seed: 5))]
        }
        for step in [0, 17] {
            network.trainingStep = step
            let check = try Self.check(network)
            #expect(check.passed, "\(check.rows)")
        }
        // And it does drop: without it the gradients are others.
        let other = try Self.network()
        #expect(
            try network.gradient(smallImages(3), labels: Self.labels).map(\.value)
                != other.gradient(smallImages(3), labels: Self.labels).map(\.value))
    }

    @Test func normalizationAndSigmoidAreChecked() throws {
        let network = try Self.network { named in
            switch named.name {
            case "relu1":
                [
                    NamedLayer("sigmoid", Sigmoid()),
                    NamedLayer("lrn", try LocalResponseNormalization()),
                ]
            case "pool1": [NamedLayer("pool1", try AveragePooling(2))]
            default: [named]
            }
        }
        let check = try Self.check(network)
        #expect(check.passed, "\(check.rows)")
    }

    @Test(arguments: [1.001, 0.999, 2, -1, 0, .nan])
    func aWrongGradientIsFound(_ factor: Double) throws {
        let check = try Self.check(
            Self.network { named in
                guard let affine = named.layer as? Affine, named.name == "affine1" else {
                    return [named]
                }
                return [NamedLayer("affine1", WrongAffine(affine, factor: factor))]
            })
        #expect(!check.passed)
        #expect(check.rows.filter { !$0.passed }.map(\.parameter) == ["W2"])
    }

    @Test func oneWrongElementIsFound() throws {
        let check = try Self.check(
            Self.network { named in
                guard let affine = named.layer as? Affine, named.name == "affine2" else {
                    return [named]
                }
                return [NamedLayer("affine2", WrongAffine(affine, factor: 1.01, onlyOne: true))]
            })
        #expect(check.rows.filter { !$0.passed }.map(\.parameter) == ["W3"])
    }

    @Test func elementsAreDrawnFromTheSeed() throws {
        let network = try Self.network()
        let checks = try [1, 1, 2].map { try Self.check(network, elements: 6, seed: UInt64($0)) }
        for check in checks {
            #expect(check.passed)
            #expect(check.rows.map(\.checked) == [6, 3, 6, 5, 6, 4])
        }
        let differences = checks.map { $0.rows.map(\.largestDifference) }
        #expect(differences[0] == differences[1])
        #expect(differences[0] != differences[2])
    }

    @Test func whatCannotBeCheckedIsRefused() throws {
        let network = try Self.network()
        for elements in [0, -1, Int.min] {
            #expect(
                throws: TensorError(
                    operation: "GradientCheck", argument: "elements", value: "\(elements)",
                    expected: "at least 1")
            ) { try Self.check(network, elements: elements) }
        }
        #expect(throws: TensorError.self) {
            try GradientCheck(of: network, smallImages(3), labels: [0], on: ReferenceKernels())
        }
        #expect(throws: TensorError.self) {
            try GradientCheck(of: network, smallImages(3), labels: Self.labels, on: NativeKernels())
        }
    }
}
