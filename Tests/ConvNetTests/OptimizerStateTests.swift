// SPDX-License-Identifier: MIT
//
// An optimizer's state: taken out and put back it goes on with the same bits; what does not suit the
// network is refused and changes nothing.

import ConvNet
import ConvNetTestSupport
import Testing

struct OptimizerStateTests {
    private static let batch = try? Batch(images: smallImages(4), labels: [0, 1, 2, 3])

    /// The small network and an optimizer after some steps.
    private static func trained(
        _ name: String, steps: Int = 3
    ) throws -> (network: Network, optimizer: any Optimizer) {
        var network = try smallNetwork().network
        var optimizer = try Optimizers.named(name, learningRate: 0.01)
        for _ in 0..<steps {
            _ = try network.trainStep(#require(batch), with: &optimizer)
        }
        return (network, optimizer)
    }

    @Test(arguments: Optimizers.names)
    func aRestoredOptimizerGoesOnWithTheSameBits(_ name: String) throws {
        var (network, optimizer) = try Self.trained(name)
        var (other, restored) = (network, try Optimizers.named(name, learningRate: 0.01))
        try restored.restore(optimizer.state, for: other)
        #expect(restored.state == optimizer.state)
        for _ in 0..<3 {
            _ = try network.trainStep(#require(Self.batch), with: &optimizer)
            _ = try other.trainStep(#require(Self.batch), with: &restored)
        }
        for (one, two) in zip(network.parameters, other.parameters) {
            #expect(one.value.hasSameBits(as: two.value), "\(one.name)")
        }
        // A fresh one would have gone elsewhere, unless nothing is kept.
        var (forgetful, fresh) = (
            try Self.trained(name).network, try Optimizers.named(name, learningRate: 0.01)
        )
        for _ in 0..<3 { _ = try forgetful.trainStep(#require(Self.batch), with: &fresh) }
        let isSame = zip(network.parameters, forgetful.parameters)
            .allSatisfy { $0.value.hasSameBits(as: $1.value) }
        #expect(isSame == optimizer.state.tensors.isEmpty)
    }

    /// Before the first step there are kinds, but no tensors yet.
    @Test(arguments: Optimizers.names)
    func theStateOfAFreshOptimizerCanBeRestored(_ name: String) throws {
        var (network, optimizer) = try Self.trained(name, steps: 0)
        #expect(optimizer.state.tensors.values.allSatisfy { $0.isEmpty })
        try optimizer.restore(optimizer.state, for: network)
        _ = try network.trainStep(#require(Self.batch), with: &optimizer)
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
            ClippedOptimizer(SGD(), clipping: .norm(1)),
            ClippedOptimizer(SGD(), clipping: .value(1)),
            ClippedOptimizer(SGD(), clipping: .norm(2)),
            ScheduledOptimizer(SGD(), schedule: LearningRateSchedule(.constant)),
            ScheduledOptimizer(SGD(), schedule: LearningRateSchedule(.constant, warmUpSteps: 1)),
            ScheduledOptimizer(SGD(), schedule: LearningRateSchedule(.step(every: 2))),
            ScheduledOptimizer(SGD(), schedule: LearningRateSchedule(.step(every: 2, factor: 0.5))),
            ScheduledOptimizer(SGD(), schedule: LearningRateSchedule(.cosine(steps: 5))),
        ]
        #expect(Set(optimizers.map(\.configuration)).count == optimizers.count)
        for optimizer in optimizers { #expect(optimizer.configuration["optimizer"] != nil) }
    }

    /// The rate that a schedule gives depends on the step's number, which comes back too.
    @Test func wrappedOptimizersGoOnWithTheSameBits() throws {
        func optimizer() throws -> any Optimizer {
            try ScheduledOptimizer(
                ClippedOptimizer(Adam(learningRate: 0.01), clipping: .norm(0.5)),
                schedule: LearningRateSchedule(.step(every: 2, factor: 0.5), warmUpSteps: 3))
        }
        var (network, one) = (try smallNetwork().network, try optimizer())
        for _ in 0..<3 { _ = try network.trainStep(#require(Self.batch), with: &one) }
        var (other, restored) = (network, try optimizer())
        try restored.restore(one.state, for: other)
        #expect(one.state.counters == ["step": 3, "scheduleStep": 3])
        for _ in 0..<3 {
            _ = try network.trainStep(#require(Self.batch), with: &one)
            _ = try other.trainStep(#require(Self.batch), with: &restored)
        }
        for (one, two) in zip(network.parameters, other.parameters) {
            #expect(one.value.hasSameBits(as: two.value), "\(one.name)")
        }
        for step in [nil, -1, Int.max] {
            var state = one.state
            state.counters["scheduleStep"] = step
            #expect(throws: TensorError.self) { try restored.restore(state, for: other) }
        }
    }

    private static func expectRefusal(
        _ line: String, of name: String = "adam", _ change: (inout OptimizerState) throws -> Void
    ) throws {
        var (network, optimizer) = try trained(name)
        let before = optimizer.state
        var state = before
        try change(&state)
        #expect {
            try optimizer.restore(state, for: network)
        } throws: { "\($0)" == line }
        #expect(optimizer.state == before)
        _ = try network.trainStep(#require(batch), with: &optimizer)
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
        try Self.expectRefusal("SGD.restore: state.counters is step, expected none", of: "sgd") {
            $0.counters = ["step": 1]
        }
    }
}
