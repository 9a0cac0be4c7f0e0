// SPDX-License-Identifier: MIT
//
// That the rows of networks find the smallest fault of one layer: a weight that is off by 0.1 %, a
// weight that is taken for its neighbour, a bias that is left out, forward and backward, on the
// real kernels.

import ConvNet
import ConvNetReference
import Testing

@testable import Benchmarks

/// A fault of one layer.
struct PlantedFault: Sendable, CustomTestStringConvertible {
    enum Kind: String, Sendable, CaseIterable {
        /// One weight times 1.001, forward.
        case weight
        /// One weight exchanged with the next one, forward.
        case tap
        /// The bias left out.
        case bias
        /// One weight times 1.001 where the input's gradient is computed.
        case weightBackward
        /// One weight exchanged with the next one there.
        case tapBackward
        /// One number of the weights' gradient times 1.001.
        case gradient
        /// The bias's gradient left out.
        case biasGradient

        static let forward: [Kind] = [.weight, .tap, .bias]
    }

    let kind: Kind
    /// The shape of the layer's weights; layers are distinguished by it.
    let weightsShape: [Int]
    /// Where in the weights, from 0 to 1.
    let position: Double

    var testDescription: String { "\(kind.rawValue) of \(weightsShape) at \(position)" }

    private func place(in tensor: Tensor) -> Int {
        min(Int(position * Double(tensor.count - 1)), tensor.count - 2)
    }

    /// Weights with the fault, if they are the layer's and it is of this kind.
    func spoilt(_ weights: Tensor, scaled: Kind, exchanged: Kind) throws -> Tensor {
        guard weights.shape == weightsShape, kind == scaled || kind == exchanged else {
            return weights
        }
        var (copy, place) = (weights, place(in: weights))
        try copy.makeUnique(operation: "PlantedFault")
        copy.withUnsafeMutableScalars(of: Float.self) { numbers in
            if kind == scaled {
                numbers[place] *= 1.001
            } else {
                // The next one that differs.
                while numbers[place] == numbers[place + 1] { place -= 1 }
                numbers.swapAt(place, place + 1)
            }
        }
        return copy
    }
}

@Suite struct PlantedFaultTests {
    static let names = ["SimpleConvNet", "LeNet", "NarrowAlexNet", "AlexNet"]

    /// A network's row, checked on kernels with a fault.
    static func check(
        _ row: String, _ name: String, _ fault: PlantedFault?, set: InstructionSet? = nil,
        reference: RememberingKernels = RememberingKernels()
    ) throws -> Check {
        let network = try #require(Self.network(name))
        let benchmark = try #require(
            NetworkCases.cases(of: network).first { $0.name == "\(row).\(name)" })
        let run = Run(
            kernels: PlantedKernels(
                right: try NativeKernels(threads: 2, instructionSet: set), fault: fault),
            reference: reference, referenceBudget: 100_000)
        return try benchmark.prepare(run).check()
    }

    /// The benchmark's networks; AlexNet with fewer filters, as each of a hundred checks would take
    /// seconds: with so few that no convolution uses Winograd's algorithm, and with as many as that
    /// takes.
    static func network(_ name: String) -> BenchmarkNetwork? {
        guard name.hasSuffix("AlexNet") else {
            return BenchmarkNetwork.all.first { $0.name == name }
        }
        let filters = name == "AlexNet" ? [16, 96, 100, 104, 98] : [8, 14, 22, 26, 18]
        return BenchmarkNetwork(
            name: name, inputShape: [3, 115, 115], batchSize: 8, layerProducts: [1_000_000],
            parameterCount: 1
        ) {
            try AlexNet(
                seed: 1, inputShape: [3, 115, 115], filters: filters, hiddenSize: 50, classes: 31,
                kernels: $0
            ).network
        }
    }

    /// All layers' weights; of those of the wider AlexNet, the second one's, whose convolution goes
    /// by Winograd.
    static func weightShapes(_ name: String) throws -> [[Int]] {
        let network = try #require(Self.network(name))
        let shapes = try network.make(ReferenceKernels()).parameters.map(\.value.shape)
            .filter { $0.count > 1 }
        return name == "AlexNet" ? [shapes[1]] : shapes
    }

    @Test(arguments: names, InstructionSet.supported)
    func rightKernelsPass(_ name: String, _ set: InstructionSet) throws {
        let reference = RememberingKernels()
        for row in ["train", "predict", "predict1"] {
            let check = try Self.check(row, name, nil, set: set, reference: reference)
            #expect(
                check.passed, "\(row).\(name), \(set): \(check.maxError) of \(check.errorBound)")
            // Far from what a logit may be: the bound is one of rounding.
            #expect(check.errorBound < 1e-3)
        }
    }

    /// Each kind in each layer; where in the weights, changes from one to the next.
    @Test(arguments: names, ["predict", "predict1"])
    func aFaultForwardIsFound(_ name: String, _ row: String) throws {
        let reference = RememberingKernels()
        for (index, shape) in try Self.weightShapes(name).enumerated() {
            for (turn, kind) in PlantedFault.Kind.forward.enumerated() {
                let fault = PlantedFault(
                    kind: kind, weightsShape: shape,
                    position: [0, 0.37, 1][(index + turn + (row == "predict" ? 0 : 1)) % 3])
                #expect(
                    try !Self.check(row, name, fault, reference: reference).passed,
                    "\(row).\(name): \(fault.testDescription)")
            }
        }
    }

    /// Each kind in each layer; of the narrow AlexNet, whose checks are the dearest, every third of
    /// these, so that each kind is in two layers at least and each layer has two kinds.
    @Test(arguments: names)
    func aFaultInTrainingIsFound(_ name: String) throws {
        let (shapes, reference) = (try Self.weightShapes(name), RememberingKernels())
        for (index, shape) in shapes.enumerated() {
            for (turn, kind) in PlantedFault.Kind.allCases.enumerated() {
                if name == "NarrowAlexNet", (index + turn) % 3 != 0 { continue }
                // The first layer's input has no gradient.
                if index == 0, shape.count == 4, shape[1] < 4,
                    kind == .weightBackward || kind == .tapBackward
                {
                    continue
                }
                let fault = PlantedFault(
                    kind: kind, weightsShape: shape, position: [0.61, 0, 1, 0.83][turn % 4])
                #expect(
                    try !Self.check("train", name, fault, reference: reference).passed,
                    "train.\(name): \(fault.testDescription)")
            }
        }
    }
}
