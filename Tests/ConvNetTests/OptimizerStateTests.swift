// SPDX-License-Identifier: MIT
//
// An optimizer's state: taken out and put back it goes on with the same bits; what does not suit
// the network is refused and changes nothing.

import ConvNet
import ConvNetTestSupport
import Testing

struct OptimizerStateTests {
    private static let batch = try? Batch(images: smallImages(4), labels: [0, 1, 2, 3])

    private static func updater(_ name: String) throws -> Updater {
        try Updater(Optimizers.named(name, learningRate: 0.01))
    }

    /// The small network and an optimizer after some steps.
    private static func trained(
        _ name: String, steps: Int = 3
    ) throws -> (network: Network, updater: Updater) {
        var network = try smallNetwork().network
        var updater = try updater(name)
        for _ in 0..<steps {
            _ = try network.trainStep(on: #require(batch), with: &updater)
        }
        return (network, updater)
    }

    @Test(arguments: Optimizers.names)
    func aRestoredOptimizerGoesOnWithTheSameBits(_ name: String) throws {
        var (network, updater) = try Self.trained(name)
        var (other, restored) = (network, try Self.updater(name))
        try restored.restore(updater.state, for: other)
        #expect(restored.state == updater.state)
        for _ in 0..<3 {
            _ = try network.trainStep(on: #require(Self.batch), with: &updater)
            _ = try other.trainStep(on: #require(Self.batch), with: &restored)
        }
        for (one, two) in zip(network.parameters, other.parameters) {
            #expect(one.value.hasSameBits(as: two.value), "\(one.name)")
        }
        // A fresh one would have gone elsewhere, unless nothing is kept.
        var (forgetful, fresh) = (
            try Self.trained(name).network, try Self.updater(name)
        )
        for _ in 0..<3 { _ = try forgetful.trainStep(on: #require(Self.batch), with: &fresh) }
        let isSame = zip(network.parameters, forgetful.parameters)
            .allSatisfy { $0.value.hasSameBits(as: $1.value) }
        #expect(isSame == updater.state.tensors.isEmpty)
    }

    /// Before the first step there are kinds, but no tensors yet.
    @Test(arguments: Optimizers.names)
    func theStateOfAFreshOptimizerCanBeRestored(_ name: String) throws {
        var (network, updater) = try Self.trained(name, steps: 0)
        #expect(updater.state.tensors.values.allSatisfy { $0.isEmpty })
        try updater.restore(updater.state, for: network)
        _ = try network.trainStep(on: #require(Self.batch), with: &updater)
    }

    /// Two optimizers that differ in one setting have different configurations.
    @Test func configurationsNameEverySetting() throws {
        let optimizers: [any Optimizer] = try [
            SGD(), SGD(learningRate: 0.5), SGD(weightDecay: 0.5),
            Momentum(), Momentum(learningRate: 0.5), Momentum(momentum: 0.5),
            Momentum(weightDecay: 0.5),
            Nesterov(), Nesterov(learningRate: 0.5), Nesterov(momentum: 0.5),
            Nesterov(weightDecay: 0.5),
            AdaGrad(), AdaGrad(learningRate: 0.5), AdaGrad(epsilon: 0.5), AdaGrad(weightDecay: 0.5),
            RMSProp(), RMSProp(learningRate: 0.5), RMSProp(decay: 0.5), RMSProp(epsilon: 0.5),
            RMSProp(weightDecay: 0.5),
            Adam(), Adam(learningRate: 0.5), Adam(settings: AdamSettings(beta1: 0.5)),
            Adam(settings: AdamSettings(beta2: 0.5)), Adam(settings: AdamSettings(epsilon: 0.5)),
            Adam(weightDecay: 0.5), AdamW(), AdamW(weightDecay: 0.5),
            SGD(momentum: 0.9), SGD(momentum: 0.9, isNesterov: true),
        ]
        let updaters =
            try optimizers.map { try Updater($0) } + [
                Updater(SGD(), clipping: .norm(1)), Updater(SGD(), clipping: .value(1)),
                Updater(SGD(), clipping: .norm(2)),
                Updater(SGD(), schedule: LearningRateSchedule(.constant)),
                Updater(SGD(), schedule: LearningRateSchedule(.constant, warmUpSteps: 1)),
                Updater(SGD(), schedule: LearningRateSchedule(.step(every: 2))),
                Updater(SGD(), schedule: LearningRateSchedule(.step(every: 2, factor: 0.5))),
                Updater(SGD(), schedule: LearningRateSchedule(.cosine(steps: 5))),
                Updater(SGD(), groups: [ParameterGroup("a", learningRate: 0.5)]),
                Updater(SGD(), groups: [ParameterGroup("a", weightDecay: 0.5)]),
                Updater(SGD(), groups: [ParameterGroup("b", weightDecay: 0.5)]),
            ]
        #expect(Set(updaters.map(\.configuration)).count == updaters.count)
        for updater in updaters { #expect(updater.configuration["optimizer"] != nil) }
    }

    /// The rate that a schedule gives depends on the step's number, which comes back too.
    @Test func schedulesGoOnWithTheSameBits() throws {
        func updater() throws -> Updater {
            try Updater(
                Adam(learningRate: 0.01),
                schedule: LearningRateSchedule(.step(every: 2, factor: 0.5), warmUpSteps: 3),
                clipping: .norm(0.5))
        }
        var (network, one) = (try smallNetwork().network, try updater())
        for _ in 0..<3 { _ = try network.trainStep(on: #require(Self.batch), with: &one) }
        var (other, restored) = (network, try updater())
        try restored.restore(one.state, for: other)
        #expect(one.state.counters == ["step": 3])
        for _ in 0..<3 {
            _ = try network.trainStep(on: #require(Self.batch), with: &one)
            _ = try other.trainStep(on: #require(Self.batch), with: &restored)
        }
        for (one, two) in zip(network.parameters, other.parameters) {
            #expect(one.value.hasSameBits(as: two.value), "\(one.name)")
        }
        for step in [nil, -1, Int.max] {
            var state = one.state
            state.counters["step"] = step
            #expect(throws: TensorError.self) { try restored.restore(state, for: other) }
        }
    }

    private static func expectRefusal(
        _ line: String, of name: String = "adam", _ change: (inout OptimizerState) throws -> Void
    ) throws {
        var (network, updater) = try trained(name)
        let before = updater.state
        var state = before
        try change(&state)
        #expect {
            try updater.restore(state, for: network)
        } throws: { "\($0)" == line }
        #expect(updater.state == before)
        _ = try network.trainStep(on: #require(batch), with: &updater)
    }

    @Test func whatDoesNotSuitIsNamed() throws {
        try Self.expectRefusal(
            "Adam.restore: state.tensors is firstMoment, velocity, "
                + "expected firstMoment, secondMoment"
        ) { $0.tensors = ["firstMoment": [], "velocity": []] }
        try Self.expectRefusal("Adam.restore: state.counters is none, expected step") {
            $0.counters = [:]
        }
        for count in [-1, .min, .max, (1 << 53) + 1] {
            try Self.expectRefusal(
                "Adam.restore: state.counters.step is \(count), expected from 0 to 9007199254740992"
            ) { $0.counters["step"] = count }
        }
        try Self.expectRefusal(
            "Adam.restore: state.tensors.secondMoment is 0 tensors, "
                + "expected 6, one for each parameter"
        ) { $0.tensors["secondMoment"] = [] }
        try Self.expectRefusal(
            "Momentum.restore: state.tensors.velocity is 5 tensors, "
                + "expected 6, one for each parameter", of: "momentum"
        ) { $0.tensors["velocity"]?.removeLast() }
        try Self.expectRefusal(
            "Momentum.restore: state.tensors.velocity of b3 is [5] of float32, "
                + "expected [4] of float32", of: "momentum"
        ) { $0.tensors["velocity"]?[5] = try Tensor(zeros: [5]) }
        try Self.expectRefusal(
            "Momentum.restore: state.tensors.velocity of b3 is [4] of float64, "
                + "expected [4] of float32", of: "momentum"
        ) { $0.tensors["velocity"]?[5] = try Tensor(zeros: [4], scalarType: .float64) }
        try Self.expectRefusal(
            "SGD.restore: state.counters is scheduleStep, step, expected step", of: "sgd"
        ) { $0.counters["scheduleStep"] = 1 }
    }
}
