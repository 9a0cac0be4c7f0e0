// SPDX-License-Identifier: MIT
//
// Two steps of each optimizer, worked by hand from its formula, and what they refuse.

import ConvNet
import ConvNetReference
import Testing

struct OptimizerTests {
    private static func tensor(_ number: Double, _ type: ScalarType) throws -> Tensor {
        try Tensor(shape: [1], repeating: number, scalarType: type)
    }

    /// The only parameter, 1 at first, after each step.
    private static func steps(
        _ optimizer: any Optimizer, _ gradients: [Double] = [0.5, -1],
        type: ScalarType = .float64, kernels: any Kernels = ReferenceKernels()
    ) throws -> [Double] {
        var (updater, parameters) = (try Updater(optimizer), [try tensor(1, type)])
        return try gradients.map { gradient in
            try updater.update(
                &parameters, gradients: [tensor(gradient, type)], names: ["W1"], on: kernels)
            return parameters[0].doubles[0]
        }
    }

    private static let known: [(any Optimizer, [Double])] = {
        do {
            return [
                // 1 − 0.1·0.5; then + 0.1·1.
                (try SGD(learningRate: 0.1), [0.95, 1.05]),
                // v = −0.05; then v = 0.9·(−0.05) + 0.1 = 0.055.
                (try Momentum(learningRate: 0.1, momentum: 0.9), [0.95, 1.005]),
                // m̂ = 0.5, v̂ = 0.25: a step of 0.1·0.5/(0.5 + 10⁻⁸). Then
                // m = −0.055, v = 0.00124975, m̂ = −0.055/0.19, v̂ = 0.00124975/0.001999:
                // a step of 0.1·m̂/(√v̂ + 10⁻⁸).
                (try Adam(learningRate: 0.1), [0.900000002, 0.9366103542405654]),
            ]
        } catch {
            return []
        }
    }()

    @Test func twoStepsByHand() throws {
        #expect(Self.known.count == 3)
        for (optimizer, expected) in Self.known {
            // A dozen operations on numbers around 1, in Double and in Float.
            for (found, expected) in zip(try Self.steps(optimizer), expected) {
                #expect(abs(found - expected) <= 16 * 0x1p-53, "\(optimizer)")
            }
            let native = try Self.steps(optimizer, type: .float32, kernels: NativeKernels())
            for (found, expected) in zip(native, expected) {
                #expect(abs(found - expected) <= 16 * 0x1p-24, "\(optimizer)")
            }
        }
    }

    /// With a gradient as small as epsilon, PyTorch's step is half of the learning rate. Where
    /// epsilon is added under the root, it would be a ten-thousandth of it.
    @Test func adamAddsEpsilonAfterTheRoot() throws {
        let steps = try Self.steps(Adam(learningRate: 1), [1e-8])
        #expect(abs(steps[0] - 0.5) <= 1e-9)
    }

    @Test func eachParameterNeedsAGradientOfItsShape() throws {
        for (optimizer, _) in Self.known {
            var (updater, parameters) = (try Updater(optimizer), [try Self.tensor(1, .float64)])
            #expect(
                throws: TensorError(
                    operation: "Updater", argument: "gradients.count", value: "0",
                    expected: "one for each of 1 parameters")
            ) {
                try updater.update(
                    &parameters, gradients: [], names: ["W1"], on: ReferenceKernels())
            }
            #expect(throws: TensorError.self) {
                try updater.update(
                    &parameters, gradients: [Tensor(zeros: [2], scalarType: .float64)],
                    names: ["W1"], on: ReferenceKernels())
            }
            #expect(parameters[0].doubles == [1])
        }
    }

    /// An optimizer that is called with another state than its own says so.
    @Test(arguments: Optimizers.names.dropFirst())
    func aMissingStateIsRefused(_ name: String) throws {
        struct Careless: Optimizer {
            let base: any Optimizer
            var learningRate: Double { base.learningRate }
            var configuration: [String: String] { base.configuration }
            func update(
                _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor,
                _ update: Update
            ) throws {
                try base.update(&parameter, state: &state, gradient: gradient, update)
            }
        }
        var updater = try Updater(Careless(base: Optimizers.named(name)))
        var parameters = [try Self.tensor(1, .float32)]
        let error = #expect(throws: TensorError.self) {
            try updater.update(
                &parameters, gradients: parameters, names: ["W1"], on: NativeKernels())
        }
        #expect(error?.argument == "state" && error?.value == "0 tensors")
    }

    /// State belongs to the value: a copy goes on from where it was copied.
    @Test func aCopyGoesOnByItself() throws {
        let gradient = try Self.tensor(0.5, .float64)
        var one = try Updater(Momentum(learningRate: 0.1))
        var parameters = [try Self.tensor(1, .float64)]
        func step(_ updater: inout Updater, _ parameters: inout [Tensor]) throws {
            try updater.update(
                &parameters, gradients: [gradient], names: ["W1"], on: ReferenceKernels())
        }
        try step(&one, &parameters)
        var (other, others) = (one, parameters)
        try step(&one, &parameters)
        try step(&other, &others)
        #expect(parameters == others)
    }

    @Test(arguments: Optimizers.names.dropFirst())
    func anotherNetworkIsRefused(_ name: String) throws {
        var updater = try Updater(Optimizers.named(name, learningRate: 0.1))
        var first = try smallNetwork().network
        _ = try first.trainStep(
            on: Batch(images: smallImages(1), labels: [0]), with: &updater)
        let layer = try Affine(inputSize: 2, outputSize: 2)
        var second = try Network(inputShape: [2], layers: [NamedLayer("affine", layer)])
        #expect {
            try second.trainStep(
                on: Batch(images: Tensor(zeros: [1, 2]), labels: [0]), with: &updater)
        } throws: {
            "\($0)".hasSuffix(
                "network is one with parameters [[2, 2], [2]], expected the network of earlier "
                    + "steps, with [[3, 1, 3, 3], [3], [27, 5], [5], [5, 4], [4]] of the same type")
        }
        // And more parameters than before.
        var fresh = try Updater(Optimizers.named(name, learningRate: 0.1))
        _ = try second.trainStep(
            on: Batch(images: Tensor(zeros: [1, 2]), labels: [0]), with: &fresh)
        #expect(throws: TensorError.self) {
            try first.trainStep(on: Batch(images: smallImages(1), labels: [0]), with: &fresh)
        }
    }

    @Test func names() throws {
        #expect(try Optimizers.named("sgd", learningRate: 0.1) is SGD)
        #expect(try Optimizers.named("momentum", learningRate: 0.1) is Momentum)
        #expect(try Optimizers.named("nesterov", learningRate: 0.1) is Nesterov)
        #expect(try Optimizers.named("adagrad", learningRate: 0.1) is AdaGrad)
        #expect(try Optimizers.named("rmsprop", learningRate: 0.1) is RMSProp)
        #expect(try Optimizers.named("adam", learningRate: 0.1) is Adam)
        let decayed = try Optimizers.named("adamw", learningRate: 0.1) as? AdamW
        #expect(decayed?.settings.decoupledWeightDecay == 0.01)
        #expect(
            throws: TensorError(
                operation: "Optimizers", argument: "name", value: "best",
                expected: "one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw")
        ) { try Optimizers.named("best", learningRate: 0.1) }
    }

    @Test(arguments: Optimizers.names, [0, -0.1, .nan, .infinity])
    func wrongLearningRatesAreRefused(_ name: String, _ rate: Double) {
        #expect {
            try Optimizers.named(name, learningRate: rate)
        } throws: {
            "\($0)".hasSuffix("learningRate is \(rate), expected a finite number above 0")
        }
    }

    @Test(arguments: Optimizers.names, [-0.1, .nan, .infinity])
    func wrongWeightDecaysAreRefused(_ name: String, _ decay: Double) {
        #expect {
            try Optimizers.named(name, weightDecay: decay)
        } throws: {
            "\($0)".hasSuffix("weightDecay is \(decay), expected a finite number of at least 0")
        }
    }

    /// Kernels compute in `Float`, where these would be infinity, 0, or 1 without a word.
    @Test(arguments: Optimizers.names, [1e40, 1e-60, 1e-40])
    func settingsBeyondFloatAreRefused(_ name: String, _ number: Double) {
        let rule = "expected from 1.1754944e-38 to 3.4028235e+38, which Float can hold"
        #expect {
            try Optimizers.named(name, learningRate: number)
        } throws: {
            "\($0)".hasSuffix("learningRate is \(number), \(rule)")
        }
        #expect {
            try Optimizers.named(name, weightDecay: number)
        } throws: {
            "\($0)".hasSuffix("weightDecay is \(number), \(rule)")
        }
    }

    @Test func otherSettingsBeyondFloatAreRefused() throws {
        func expect(_ message: String, _ body: () throws -> Void) {
            #expect(performing: body, throws: { "\($0)".hasSuffix(message) })
        }
        let rule = "expected from 1.1754944e-38 to 3.4028235e+38, which Float can hold"
        let most = "expected at most 0.99999994, the largest below 1.0 that Float can hold"
        expect("momentum is 0.99999999999, \(most)") { _ = try Momentum(momentum: 0.99999999999) }
        expect("momentum is 1e-60, \(rule)") { _ = try Nesterov(momentum: 1e-60) }
        expect("decay is 0.99999999999, \(most)") { _ = try RMSProp(decay: 0.99999999999) }
        expect("epsilon is 1e-60, \(rule)") { _ = try AdaGrad(epsilon: 1e-60) }
        expect("beta2 is 0.99999999999, \(most)") {
            _ = try Adam(settings: AdamSettings(beta2: 0.99999999999))
        }
        expect("factor is 1e+40, \(rule)") {
            _ = try LearningRateSchedule(.step(every: 1, factor: 1e40))
        }
        expect(
            "clipping is norm(1e-60), expected a bound from 1.1754944e-38 to 3.4028235e+38, "
                + "which Float can hold"
        ) {
            _ = try Updater(SGD(), clipping: .norm(1e-60))
        }
        expect(
            "name is value:1e40, expected norm:X or value:X, X being from 1.1754944e-38 to "
                + "3.4028235e+38, which Float can hold"
        ) { _ = try GradientClipping(name: "value:1e40") }
        _ = try SGD(learningRate: Double(Float.leastNormalMagnitude))
        _ = try SGD(learningRate: Double(Float.greatestFiniteMagnitude))
        _ = try Momentum(momentum: Double(Float(1).nextDown))
    }

    @Test func wrongSchedulesAreRefused() {
        func expect(_ message: String, _ course: LearningRateSchedule.Course, _ warmUp: Int = 0) {
            #expect {
                try LearningRateSchedule(course, warmUpSteps: warmUp)
            } throws: {
                "\($0)" == "LearningRateSchedule: \(message)"
            }
        }
        expect("warmUpSteps is -1, expected at least 0", .constant, -1)
        expect("every is 0, expected at least 1", .step(every: 0))
        expect("factor is 0.0, expected a finite number above 0", .step(every: 1, factor: 0))
        expect("factor is nan, expected a finite number above 0", .step(every: 1, factor: .nan))
        expect("steps is 0, expected at least 1", .cosine(steps: 0))
        expect("warmUpSteps is 5, expected less than the cosine's 5 steps", .cosine(steps: 5), 5)
    }

    /// Beyond its end a cosine stays at 0 instead of rising again.
    @Test func schedulesBeyondTheirEnd() throws {
        let schedule = try LearningRateSchedule(.cosine(steps: 4), warmUpSteps: 2)
        #expect((0..<6).map { schedule.factor(atStep: $0) }.prefix(3) == [0.5, 1, 1])
        #expect(schedule.factor(atStep: 4) == 0)
        #expect(schedule.factor(atStep: 1000) == 0)
        #expect(try LearningRateSchedule(.constant).factor(atStep: Int.max) == 1)
    }

    @Test(arguments: [
        "", "1", "norm", "norm:", "norm:0", "norm:-1", "value:nan", "norm:1:2", "max:1",
    ])
    func wrongClippingsAreRefused(_ name: String) {
        #expect(
            throws: TensorError(
                operation: "GradientClipping", argument: "name", value: name,
                expected: "norm:X or value:X, X being a finite number above 0")
        ) { try GradientClipping(name: name) }
        #expect(throws: TensorError.self) {
            try Updater(SGD(), clipping: .norm(0))
        }
    }

    @Test func clippingsByName() throws {
        #expect(try GradientClipping(name: "norm:2.5") == .norm(2.5))
        #expect(try GradientClipping(name: "value:0.5") == .value(0.5))
    }

    @Test(arguments: [-0.1, 1, .nan, .infinity])
    func wrongDecaysAreRefused(_ decay: Double) {
        #expect(throws: TensorError.self) { try Momentum(momentum: decay) }
        #expect(throws: TensorError.self) { try Nesterov(momentum: decay) }
        #expect(throws: TensorError.self) { try RMSProp(decay: decay) }
        #expect(throws: TensorError.self) { try AdaGrad(epsilon: decay) }
        #expect(throws: TensorError.self) { try Adam(settings: AdamSettings(beta1: decay)) }
        #expect(throws: TensorError.self) { try Adam(settings: AdamSettings(beta2: decay)) }
    }
}
