// SPDX-License-Identifier: MIT
//
// Optimizers, schedules and clipping against PyTorch's, step by step. Tests/Fixtures/optimizers.py made
// the numbers.

import ConvNet
import ConvNetReference
import Foundation
import Testing

struct OptimizerFixtureTests {
    private struct Fixture: Decodable {
        struct Case: Decodable {
            let name: String
            let steps: [[Double]]
        }
        let start: [[Double]]
        let gradients: [[[Double]]]
        let cases: [Case]

        static func load() throws -> Fixture {
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../Fixtures/optimizers.json")
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
        }

        /// A network with a parameter for each of PyTorch's, which gets the given gradients.
        func network(_ type: ScalarType, kernels: any Kernels) throws -> Network {
            func tensor(_ numbers: [Double]) throws -> Tensor {
                try Tensor(shape: [numbers.count], doubles: numbers).converted(to: type)
            }
            let layers = try start.indices.map { place in
                NamedLayer(
                    "given\(place)",
                    GivenGradients(
                        try tensor(start[place]),
                        gradients: try gradients.map { try tensor($0[place]) }))
            }
            return try Network(inputShape: [1], layers: layers, kernels: kernels)
        }
    }

    private static func scheduled(
        _ course: LearningRateSchedule.Course, warmUpSteps: Int = 0
    ) throws -> any Optimizer {
        ScheduledOptimizer(
            try SGD(learningRate: 0.1),
            schedule: try LearningRateSchedule(course, warmUpSteps: warmUpSteps))
    }

    private static func optimizer(_ name: String) throws -> any Optimizer {
        switch name {
        case "sgd": return try SGD(learningRate: 0.1)
        case "momentum": return try Momentum(learningRate: 0.1)
        case "nesterov": return try Nesterov(learningRate: 0.1)
        case "clip norm":
            return try ClippedOptimizer(SGD(learningRate: 0.1), clipping: .norm(1.5))
        case "clip value":
            return try ClippedOptimizer(SGD(learningRate: 0.1), clipping: .value(0.5))
        case "schedule step": return try scheduled(.step(every: 2, factor: 0.5))
        case "schedule cosine": return try scheduled(.cosine(steps: 6))
        case "schedule warm-up": return try scheduled(.cosine(steps: 6), warmUpSteps: 2)
        case let decaying where decaying.hasSuffix(" decay"):
            return try Optimizers.named(
                String(decaying.dropLast(6)), learningRate: 0.1, weightDecay: 0.05)
        default: return try Optimizers.named(name)
        }
    }

    @Test func everyStepIsPyTorchs() throws {
        let fixture = try Fixture.load()
        #expect(fixture.cases.count == 19)
        let setups: [(any Kernels, ScalarType, unit: Double)] = [
            (ReferenceKernels(), .float64, 0x1p-53), (NativeKernels(), .float32, 0x1p-24),
        ]
        for (kernels, type, unit) in setups {
            for wanted in fixture.cases {
                var optimizer = try Self.optimizer(wanted.name)
                var network = try fixture.network(type, kernels: kernels)
                for (step, expected) in wanted.steps.enumerated() {
                    try optimizer.update(&network)
                    let found = network.parameters.flatMap(\.value.doubles)
                    try #require(found.count == expected.count)
                    // At most a dozen roundings a step, six steps, on numbers below 4.
                    for (found, expected) in zip(found, expected) {
                        #expect(
                            abs(found - expected) <= 72 * 4 * unit,
                            "\(wanted.name), step \(step + 1), \(kernels.name)")
                    }
                }
            }
        }
    }
}
