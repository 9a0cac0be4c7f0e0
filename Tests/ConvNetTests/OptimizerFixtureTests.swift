// SPDX-License-Identifier: MIT
//
// Optimizers, schedules and clipping against PyTorch's, step by step. Tests/Fixtures/optimizers.py
// made the numbers.

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

        static func tensors(_ numbers: [[Double]], _ type: ScalarType) throws -> [Tensor] {
            try numbers.map { try Tensor(shape: [$0.count], doubles: $0).converted(to: type) }
        }
    }

    private static func scheduled(
        _ course: LearningRateSchedule.Course, warmUpSteps: Int = 0
    ) throws -> Updater {
        try Updater(
            SGD(learningRate: 0.1),
            schedule: LearningRateSchedule(course, warmUpSteps: warmUpSteps))
    }

    private static func updater(_ name: String) throws -> Updater {
        switch name {
        case "sgd": return try Updater(SGD(learningRate: 0.1))
        case "momentum": return try Updater(Momentum(learningRate: 0.1))
        case "nesterov": return try Updater(Nesterov(learningRate: 0.1))
        case "clip norm":
            return try Updater(SGD(learningRate: 0.1), clipping: .norm(1.5))
        case "clip value":
            return try Updater(SGD(learningRate: 0.1), clipping: .value(0.5))
        case "schedule step": return try scheduled(.step(every: 2, factor: 0.5))
        case "schedule cosine": return try scheduled(.cosine(steps: 6))
        case "schedule linear": return try scheduled(.linear(steps: 5))
        case "schedule one cycle": return try scheduled(.oneCycle(steps: 6, rise: 0.5))
        case "schedule warm-up": return try scheduled(.cosine(steps: 6), warmUpSteps: 2)
        case let decaying where decaying.hasSuffix(" decay"):
            return try Updater(
                Optimizers.named(
                    String(decaying.dropLast(6)), learningRate: 0.1, weightDecay: 0.05))
        default: return try Updater(Optimizers.named(name))
        }
    }

    @Test func everyStepIsPyTorchs() throws {
        let fixture = try Fixture.load()
        #expect(fixture.cases.count == 21)
        let setups: [(any Kernels, ScalarType, unit: Double)] = [
            (ReferenceKernels(), .float64, 0x1p-53), (NativeKernels(), .float32, 0x1p-24),
        ]
        for (kernels, type, unit) in setups {
            for wanted in fixture.cases {
                var updater = try Self.updater(wanted.name)
                var parameters = try Fixture.tensors(fixture.start, type)
                let names = parameters.indices.map { "W\($0)" }
                for (step, expected) in wanted.steps.enumerated() {
                    try updater.update(
                        &parameters, gradients: Fixture.tensors(fixture.gradients[step], type),
                        names: names, on: kernels)
                    let found = parameters.flatMap(\.doubles)
                    try #require(found.count == expected.count)
                    // At most a dozen roundings per step, six steps, on numbers below 4.
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
